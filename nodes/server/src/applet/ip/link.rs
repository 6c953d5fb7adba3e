//! `ip link` (ip-link(8)): interfaces up and down, their MTU and address, VLAN sub-interfaces.

use core::fmt::Write;

use host::Reply;
use inet::IfIx;
use packet::{MacAddr, VlanId};
use sim_core::Cx;

use super::{Answer, Failure, Options, Words, command, find, find_shown, garbage, kernel, no_device, wrong};
use crate::Server;
use crate::applet::words::shown;
use crate::applet::{done, tunctl};
use crate::devices::Kind;

const USAGE: &str = "Usage: ip link add link IFACE name NAME type vlan id N
       ip link delete IFACE
       ip link set [dev] IFACE [up|down] [mtu N] [address MAC]
       ip link show [[dev] IFACE] [up]";

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, options: Options, words: &[&str]) -> Answer {
    match command(words, &["add", "set", "change", "replace", "show", "list", "lst", "delete"], USAGE)? {
        ("show", rest) => show(server, options, rest),
        ("add" | "replace", rest) => add(server, cx, rest),
        ("delete", rest) => delete(server, cx, rest),
        (_, rest) => set(server, cx, rest),
    }
}

fn set(server: &mut Server, cx: &mut Cx<'_>, words: &[&str]) -> Answer {
    let (mut device, mut up, mut mtu, mut mac) = (None, None, None, None);
    let mut words = Words::new(words);
    while let Some(word) = words.next() {
        match word {
            "dev" => device = Some(words.value()?),
            "up" => up = Some(true),
            "down" => up = Some(false),
            "mtu" => mtu = Some(words.number::<u32>("Invalid \"mtu\" value")?),
            "address" => mac = Some(words.value()?),
            "promisc" | "multicast" | "arp" | "txqueuelen" | "qlen" => drop(words.value()?),
            "master" | "name" | "netns" | "nomaster" => {
                let advice = "bridges are Open vSwitch's: `ovs-vsctl add-port BRIDGE IFACE`";
                return Err(Failure::new(255, format!("ip link set: `{word}` is not here; {advice}")));
            }
            name if device.is_none() => device = Some(name),
            text => return Err(garbage(text)),
        }
    }
    let ix = find(server, device.ok_or_else(no_device)?)?;
    if let Some(mtu) = mtu {
        let least = || Failure::new(2, "Error: mtu less than device minimum.");
        let most = || Failure::new(2, "Error: mtu greater than device maximum.");
        let mtu = u16::try_from(mtu).map_err(|_| most())?;
        server.host.stack_mut().0.set_mtu(ix, mtu).map_err(|_| least())?;
    }
    if let Some(text) = mac {
        let mac: MacAddr = text.parse().map_err(|_| wrong("Invalid link layer address", text))?;
        server.set_mac(ix, mac).map_err(|_| kernel("Cannot assign requested address"))?;
    }
    if let Some(up) = up {
        server.set_up(cx, ix, up);
    }
    done()
}

fn add(server: &mut Server, cx: &mut Cx<'_>, words: &[&str]) -> Answer {
    let (mut parent, mut name, mut kind, mut id) = (None, None, None, None);
    let mut words = Words::new(words);
    while let Some(word) = words.next() {
        match word {
            "link" => parent = Some(words.value()?),
            "name" | "dev" => name = Some(words.value()?),
            "type" => kind = Some(words.value()?),
            "id" => id = Some(words.value()?),
            "protocol" if words.value()?.eq_ignore_ascii_case("802.1q") => {}
            text if name.is_none() => name = Some(text),
            text => return Err(garbage(text)),
        }
    }
    match kind {
        Some("vlan") => {}
        Some(kind) => {
            let advice = match kind {
                "bridge" => "; a bridge of Open vSwitch is made by `ovs-vsctl add-br NAME`",
                "tun" | "tap" => "; `ip tuntap add NAME mode tap` makes a TAP",
                _ => "; here there is `vlan`",
            };
            return Err(Failure::new(2, format!("Error: Unknown device type{advice}.")));
        }
        None => return Err(Failure::new(255, "Not enough information: \"type\" argument is required")),
    }
    let needed = |what: &str| Failure::new(255, format!("Not enough information: \"{what}\" argument is required"));
    let parent = find(server, parent.ok_or_else(|| needed("link"))?)?;
    let name = name.ok_or_else(|| needed("name"))?;
    let id = id.ok_or_else(|| needed("id"))?;
    let invalid = || wrong("id is invalid", id);
    let vlan = id.parse().ok().and_then(VlanId::new).ok_or_else(invalid)?;
    if server.interface(parent).vlan().is_some() {
        return Err(kernel("Operation not supported: a VLAN of a VLAN is not here"));
    }
    if name.len() > 15 || name.contains('/') {
        return Err(Failure::new(255, format!("\"{}\" not a valid ifname", shown(name))));
    }
    let result = server.add_vlan(cx, parent, name, vlan);
    result.map_err(|error| match error {
        inet::ConfigError::BadVlan(..) => invalid(),
        _ => kernel("File exists"),
    })?;
    done()
}

fn delete(server: &mut Server, cx: &mut Cx<'_>, words: &[&str]) -> Answer {
    let name = match words {
        ["dev", name, ..] => *name,
        [name, ..] => name,
        [] => return Err(no_device()),
    };
    let ix = find(server, name)?;
    if server.interface(ix).vlan().is_some() {
        server.remove_vlan(cx, ix);
        return done();
    }
    match server.device_of(ix).map(|(_, device)| device.kind) {
        Some(Kind::IdleTap) if tunctl::remove(server, cx, name) => done(),
        _ => Err(kernel("Operation not supported")),
    }
}

fn show(server: &Server, options: Options, words: &[&str]) -> Answer {
    let (mut device, mut only_up, mut kind) = (None, false, None);
    let mut words = Words::new(words);
    while let Some(word) = words.next() {
        match word {
            "dev" => device = Some(words.value()?),
            "up" => only_up = true,
            "type" => kind = Some(words.value()?),
            "master" => drop(words.value()?),
            name if device.is_none() => device = Some(name),
            text => return Err(garbage(text)),
        }
    }
    let listed = match device {
        Some(name) => vec![find_shown(server, name)?],
        None => server.listed(),
    };
    let mut text = String::new();
    for ix in listed {
        let interface = server.interface(ix);
        let is_vlan = interface.vlan().is_some();
        if (only_up && !interface.is_admin_up()) || kind.is_some_and(|kind| (kind == "vlan") != is_vlan) {
            continue;
        }
        if options.brief {
            brief_head(server, ix, &mut text);
            let _ = writeln!(text, "{} {} ", link_address(server, ix), flags(server, ix));
            continue;
        }
        head(server, ix, "mode DEFAULT ", &mut text);
        link_line(server, ix, &mut text);
        if let (true, Some(vlan)) = (options.details, interface.vlan()) {
            let _ = writeln!(text, "    vlan protocol 802.1Q id {vlan} <REORDER_HDR> ");
        }
    }
    Ok(Reply::Done(text))
}

/// The name, and for a sub-interface that of its NIC.
fn title(server: &Server, ix: IfIx) -> String {
    let interface = server.interface(ix);
    let parent = server.device_of(ix).filter(|_| interface.vlan().is_some());
    let parent = parent.map_or(String::new(), |(_, parent)| format!("@{}", parent.name));
    format!("{}{parent}", interface.name())
}

fn link_address(server: &Server, ix: IfIx) -> MacAddr {
    let interface = server.interface(ix);
    if interface.is_loopback() { MacAddr::ZERO } else { interface.mac() }
}

fn flags(server: &Server, ix: IfIx) -> String {
    let interface = server.interface(ix);
    let mut flags = Vec::new();
    if interface.is_admin_up() && !interface.has_carrier() {
        flags.push("NO-CARRIER");
    }
    flags.extend(if interface.is_loopback() { &["LOOPBACK"][..] } else { &["BROADCAST", "MULTICAST"][..] });
    if interface.is_admin_up() {
        flags.push("UP");
        if interface.has_carrier() {
            flags.push("LOWER_UP");
        }
    }
    format!("<{}>", flags.join(","))
}

fn state(server: &Server, ix: IfIx) -> &'static str {
    let interface = server.interface(ix);
    let kind = server.device_of(ix).map(|(_, device)| device.kind);
    match (interface.is_admin_up(), interface.has_carrier(), interface.vlan()) {
        (false, ..) => "DOWN",
        (true, false, Some(_)) => "LOWERLAYERDOWN",
        (true, false, None) => "DOWN",
        (true, true, None) if matches!(kind, Some(Kind::Internal | Kind::Loopback)) => "UNKNOWN",
        (true, true, _) => "UP",
    }
}

/// The first line of an interface. `mode` stands before the group.
pub(super) fn head(server: &Server, ix: IfIx, mode: &str, text: &mut String) {
    let interface = server.interface(ix);
    let device = server.device_of(ix).filter(|_| interface.vlan().is_none()).map(|(_, device)| device);
    let qdisc = match device.map(|device| device.kind) {
        Some(Kind::Nic) => "fq_codel",
        Some(Kind::Loopback) | None => "noqueue",
        Some(_) if !interface.is_admin_up() => "noop",
        Some(Kind::Internal) => "noqueue",
        Some(_) => "fq_codel",
    };
    // The kernel's data path of Open vSwitch is called so, and is the master of whatever is in a bridge.
    let is_taken = device.is_some_and(|device| device.is_bridged && device.kind != Kind::Internal);
    let master = if is_taken { "master ovs-system " } else { "" };
    let mtu = if interface.is_loopback() { 65536 } else { u32::from(interface.mtu()) };
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "{}: {}: {} mtu {mtu} qdisc {qdisc} {master}state {} {mode}group default qlen 1000",
        server.ifindex(ix),
        title(server, ix),
        flags(server, ix),
        state(server, ix)
    );
}

/// The first line of an interface with `-6`.
pub(super) fn head_v6(server: &Server, ix: IfIx, text: &mut String) {
    let (number, title, flags, state) = (server.ifindex(ix), title(server, ix), flags(server, ix), state(server, ix));
    let interface = server.interface(ix);
    let mtu = if interface.is_loopback() { 65536 } else { u32::from(interface.mtu()) };
    let _ = writeln!(text, "{number}: {title}: {flags} mtu {mtu} state {state} qlen 1000");
}

/// The line with the MAC address.
pub(super) fn link_line(server: &Server, ix: IfIx, text: &mut String) {
    let mac = link_address(server, ix);
    let _ = match server.interface(ix).is_loopback() {
        true => writeln!(text, "    link/loopback {mac} brd {}", MacAddr::ZERO),
        false => writeln!(text, "    link/ether {mac} brd {}", MacAddr::BROADCAST),
    };
}

/// The beginning of an interface's line with `-br`.
pub(super) fn brief_head(server: &Server, ix: IfIx, text: &mut String) {
    let _ = write!(text, "{:<16} {:<14} ", title(server, ix), state(server, ix));
}
