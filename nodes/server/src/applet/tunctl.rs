//! `tunctl` of uml-utilities (tunctl(8)): TAPs by name.
//!
//! A TAP that a link of the lab ends at exists already, and a virtual machine has it open; making it again changes
//! nothing.

use host::Reply;
use sim_core::Cx;

use super::words::shown;
use super::{Answer, Failure, Line};
use crate::Server;
use crate::devices::Kind;

const USAGE: &str = "Create: tunctl [-b] [-u owner] [-g group] [-t device-name] [-p|-n] [-f tun-clone-device]
Delete: tunctl -d device-name [-f tun-clone-device]

The default tun clone device is /dev/net/tun - some systems use
/dev/misc/net/tun instead

-b will result in brief output (just the device name)
-n will result in a point-to-point tun device, -p in an ethernet tap device. Default is a tap.";

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let (mut name, mut delete, mut brief, mut owner) = (None, None, false, "0");
    let mut words = line.words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| Failure::new(1, USAGE));
        match *word {
            "-t" => name = Some(value()?),
            "-d" => delete = Some(value()?),
            "-u" => owner = value()?,
            "-g" | "-f" => drop(value()?),
            "-b" => brief = true,
            "-p" => {}
            _ => return Err(Failure::new(1, USAGE)),
        }
    }
    if let Some(name) = delete {
        return match remove(server, cx, name) {
            true => Ok(Reply::Done(format!("Set '{}' nonpersistent\n", shown(name)))),
            false => Err(Failure::new(1, "TUNSETIFF: Invalid argument")),
        };
    }
    let free = || (0..).map(|n| format!("tap{n}")).find(|name| server.interface_named(name).is_none());
    let Some(name) = name.map(str::to_owned).or_else(free) else { return Err(Failure::new(1, USAGE)) };
    create(server, cx, &name).map_err(|error| Failure::new(1, format!("TUNSETIFF: {error}")))?;
    let owner = if owner == "root" { "0" } else { owner };
    Ok(Reply::Done(match brief {
        true => format!("{name}\n"),
        false => format!("Set '{name}' persistent and owned by uid {}\n", shown(owner)),
    }))
}

/// Makes a TAP, unless there is one of this name.
pub(crate) fn create(server: &mut Server, cx: &mut Cx<'_>, name: &str) -> Result<(), String> {
    // As in Linux: at most 15 bytes, no slash, no blank.
    if name.is_empty() || name.len() > 15 || name.contains(['/', ' ', ':']) || name == "." || name == ".." {
        return Err("Invalid argument".to_owned());
    }
    match server.devices.named(name) {
        Some((_, device)) if matches!(device.kind, Kind::Tap | Kind::IdleTap) => Ok(()),
        Some(_) => Err("Invalid argument".to_owned()),
        None if server.interface_named(name).is_some() => Err("Invalid argument".to_owned()),
        None => server.add_device(cx, name, Kind::IdleTap),
    }
}

/// Removes a TAP; one that a virtual machine has open stays. Whether it is a TAP.
pub(crate) fn remove(server: &mut Server, cx: &mut Cx<'_>, name: &str) -> bool {
    match server.devices.named(name) {
        Some((port, device)) if device.kind == Kind::IdleTap => {
            server.remove_device(cx, port);
            true
        }
        Some((_, device)) => device.kind == Kind::Tap,
        None => false,
    }
}
