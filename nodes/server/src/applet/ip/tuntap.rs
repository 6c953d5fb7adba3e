//! `ip tuntap` (ip-tuntap(8)): TAPs.

use host::Reply;
use sim_core::Cx;

use super::{Answer, Failure, Words, command, garbage};
use crate::Server;
use crate::applet::{done, tunctl};
use crate::devices::Kind;

const USAGE: &str = "Usage: ip tuntap {add|del} [dev] NAME mode tap
       ip tuntap show";

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, words: &[&str]) -> Answer {
    let (command, rest) = command(words, &["add", "delete", "show", "list", "lst"], USAGE)?;
    let (mut name, mut mode) = (None, None);
    let mut words = Words::new(rest);
    while let Some(word) = words.next() {
        match word {
            "dev" | "name" => name = Some(words.value()?),
            "mode" => mode = Some(words.value()?),
            "user" | "group" => drop(words.value()?),
            "pi" | "one_queue" | "vnet_hdr" | "multi_queue" => {}
            text if name.is_none() => name = Some(text),
            text => return Err(garbage(text)),
        }
    }
    if command == "show" {
        let taps = server.devices.iter().filter(|(_, device)| matches!(device.kind, Kind::Tap | Kind::IdleTap));
        return Ok(Reply::Done(taps.map(|(_, tap)| format!("{}: tap persist\n", tap.name)).collect()));
    }
    match mode {
        Some("tap") => {}
        Some("tun") => return Err(Failure::new(1, "ip tuntap: there are no TUNs here, only TAPs: `mode tap`")),
        _ => return Err(Failure::new(255, "You failed to specify a tunnel mode")),
    }
    let name = name.ok_or_else(|| Failure::new(255, USAGE))?;
    let answer = match command {
        "add" => tunctl::create(server, cx, name),
        _ if tunctl::remove(server, cx, name) => Ok(()),
        _ => Err("Invalid argument".to_owned()),
    };
    answer.map_err(|error| Failure::new(1, format!("ioctl(TUNSETIFF): {error}")))?;
    done()
}
