//! `brctl` of bridge-utils (brctl(8)), over the bridges of Open vSwitch, as Open vSwitch's own compatibility layer had
//! it: what it sets are columns of the rows, what it shows comes from there.

use core::fmt::Write;

use host::Reply;
use ovsdb::vswitch::{bridge, interface, port};
use ovsdb::{Row, Table, Uuid};
use sim_core::Cx;

use super::words::shown;
use super::{Answer, Failure, Line, done};
use crate::Server;
use crate::inside::Side;

const USAGE: &str = "Usage: brctl [commands]
commands:
\taddbr     \t<bridge>\t\tadd bridge
\tdelbr     \t<bridge>\t\tdelete bridge
\taddif     \t<bridge> <device>\tadd interface to bridge
\tdelif     \t<bridge> <device>\tdelete interface from bridge
\tsetageing \t<bridge> <time>\t\tset ageing time
\tsetbridgeprio\t<bridge> <prio>\t\tset bridge priority
\tsetfd     \t<bridge> <time>\t\tset bridge forward delay
\tsethello  \t<bridge> <time>\t\tset hello time
\tsetmaxage \t<bridge> <time>\t\tset max message age
\tsetpathcost\t<bridge> <port> <cost>\tset path cost
\tsetportprio\t<bridge> <port> <prio>\tset port priority
\tshow      \t[ <bridge> ]\t\tshow a list of bridges
\tshowmacs  \t<bridge>\t\tshow a list of mac addrs
\tshowstp   \t<bridge>\t\tshow bridge stp info
\tstp       \t<bridge> {on|off}\tturn stp on/off";

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    match *line.words {
        ["show", ref names @ ..] => show(server, names),
        ["addbr", name] => {
            if server.interface_named(name).is_some() || bridge_row(server, name).is_some() {
                let name = shown(name);
                let text = format!("device {name} already exists; can't create bridge with the same name");
                return Err(Failure::new(1, text));
            }
            vsctl(server, cx, &["add-br", name])
        }
        ["delbr", name] => {
            if bridge_row(server, name).is_none() {
                let text = format!("bridge {} doesn't exist; can't delete it", shown(name));
                return Err(Failure::new(1, text));
            }
            vsctl(server, cx, &["del-br", name])
        }
        ["addif", name, ref devices @ ..] if !devices.is_empty() => {
            exists(server, name)?;
            for device in devices {
                if server.devices.named(device).is_none() {
                    return Err(Failure::new(1, format!("interface {} does not exist!", shown(device))));
                }
                if server.bridge_of(device).is_some() {
                    let text =
                        format!("device {device} is already a member of a bridge; can't add it to bridge {name}.");
                    return Err(Failure::new(1, text));
                }
                vsctl(server, cx, &["add-port", name, device])?;
            }
            done()
        }
        ["delif", name, ref devices @ ..] if !devices.is_empty() => {
            exists(server, name)?;
            for device in devices {
                is_member(server, name, device)?;
                vsctl(server, cx, &["del-port", name, device])?;
            }
            done()
        }
        ["stp", name, state] => {
            exists(server, name)?;
            let is_on = match state {
                "on" | "yes" | "1" => "true",
                "off" | "no" | "0" => "false",
                _ => return Err(Failure::new(1, format!("expect on/off for argument\n{USAGE}"))),
            };
            vsctl(server, cx, &["set", "Bridge", name, &format!("stp_enable={is_on}")])
        }
        ["setageing", name, value] => number(server, cx, name, "mac-aging-time", value),
        ["setbridgeprio", name, value] => number(server, cx, name, "stp-priority", value),
        ["setfd", name, value] => number(server, cx, name, "stp-forward-delay", value),
        ["sethello", name, value] => number(server, cx, name, "stp-hello-time", value),
        ["setmaxage", name, value] => number(server, cx, name, "stp-max-age", value),
        ["setpathcost", name, device, value] => port_number(server, cx, name, device, "stp-path-cost", value),
        ["setportprio", name, device, value] => port_number(server, cx, name, device, "stp-port-priority", value),
        ["showmacs", name] => {
            exists(server, name)?;
            Ok(Reply::Done(macs(server, cx, name)))
        }
        ["showstp", name] => {
            exists(server, name)?;
            server.switch.write_status(cx.now);
            Ok(Reply::Done(showstp(server, name).unwrap_or_default()))
        }
        [] => Err(Failure::new(1, USAGE)),
        ["hairpin" | "setgcint" | "sethashel" | "sethashmax", ..] => {
            Err(Failure::new(1, "brctl: a bridge of Open vSwitch has nothing like that"))
        }
        [command, ..] if USAGE.contains(&format!("\t{command} ")) || USAGE.contains(&format!("\t{command}\t")) => {
            Err(Failure::new(1, format!("Incorrect number of arguments for command\n{USAGE}")))
        }
        [command, ..] => Err(Failure::new(1, format!("never heard of command [{}]\n{USAGE}", shown(command)))),
    }
}

fn vsctl(server: &mut Server, cx: &mut Cx<'_>, words: &[&str]) -> Answer {
    let line: Vec<String> = ["ovs-vsctl"].iter().chain(words).map(|word| (*word).to_owned()).collect();
    let result = server.with_side(cx, Side::Bridges, |server, cx| server.switch.command(cx, &line));
    server.follow(cx);
    result.map(Reply::Done).map_err(|error| Failure::new(error.status, error.message))
}

fn bridge_row<'a>(server: &'a Server, name: &str) -> Option<&'a Row> {
    server.bridge_rows().find(|row| row.str(bridge::NAME) == Some(name))
}

fn exists(server: &Server, name: &str) -> Result<(), Failure> {
    match bridge_row(server, name) {
        Some(_) => Ok(()),
        None => Err(Failure::new(1, format!("bridge {} does not exist!", shown(name)))),
    }
}

fn is_member(server: &Server, name: &str, device: &str) -> Result<(), Failure> {
    match server.bridge_of(device) {
        Some(of) if of == name => Ok(()),
        _ => Err(Failure::new(1, format!("device {} is not a slave of {}", shown(device), shown(name)))),
    }
}

/// A number without its fraction: times are whole seconds in Open vSwitch.
fn whole(value: &str) -> Result<u32, Failure> {
    let bad = || Failure::new(1, format!("bad value {}", shown(value)));
    let number: f64 = value.parse().map_err(|_| bad())?;
    if !number.is_finite() || !(0.0..=1e9).contains(&number) {
        return Err(bad());
    }
    Ok(number as u32)
}

fn number(server: &mut Server, cx: &mut Cx<'_>, name: &str, key: &str, value: &str) -> Answer {
    exists(server, name)?;
    vsctl(server, cx, &["set", "Bridge", name, &format!("other_config:{key}={}", whole(value)?)])
}

fn port_number(server: &mut Server, cx: &mut Cx<'_>, name: &str, device: &str, key: &str, value: &str) -> Answer {
    exists(server, name)?;
    is_member(server, name, device)?;
    vsctl(server, cx, &["set", "Port", device, &format!("other_config:{key}={}", whole(value)?)])
}

/// The ports of a bridge but for its local one, each with the interface that tells its number.
fn ports<'a>(server: &'a Server, row: &Row) -> Vec<(&'a Row, &'a Row)> {
    let store = server.switch.store();
    let uuids: Vec<Uuid> = row.references(bridge::PORTS).collect();
    let local = row.str(bridge::NAME);
    let ports = store.rows(Table::Port).filter(|port| uuids.contains(&port.uuid()) && port.str(port::NAME) != local);
    ports.filter_map(|port| Some((port, store.follow(port, port::INTERFACES).next()?))).collect()
}

/// The identifier of a bridge: its priority and its MAC address.
fn identifier(server: &Server, row: &Row) -> String {
    let priority = row.value(bridge::OTHER_CONFIG, "stp-priority").and_then(|text| text.parse().ok()).unwrap_or(0x8000);
    let priority = priority as u16;
    let mac = server.switch.mac(row.str(bridge::NAME).unwrap_or_default()).as_u64();
    format!("{priority:04x}.{mac:012x}")
}

fn show(server: &Server, names: &[&str]) -> Answer {
    for name in names {
        if bridge_row(server, name).is_none() {
            return Err(Failure::new(1, format!("bridge {} does not exist!", shown(name))));
        }
    }
    let rows: Vec<&Row> = server
        .bridge_rows()
        .filter(|row| names.is_empty() || row.str(bridge::NAME).is_some_and(|name| names.contains(&name)))
        .collect();
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str("bridge name\tbridge id\t\tSTP enabled\tinterfaces\n");
    }
    for row in rows {
        let has_stp = row.bool(bridge::STP_ENABLE) == Some(true) || row.bool(bridge::RSTP_ENABLE) == Some(true);
        let stp = if has_stp { "yes" } else { "no" };
        let name = row.str(bridge::NAME).unwrap_or_default();
        // Writing to a string can't fail.
        let _ = write!(text, "{name}\t\t{}\t{stp}\t\t", identifier(server, row));
        let members = ports(server, row);
        for (at, (_, member)) in members.iter().enumerate() {
            let indent = if at == 0 { "" } else { "\t\t\t\t\t\t\t" };
            let _ = writeln!(text, "{indent}{}", member.str(interface::NAME).unwrap_or_default());
        }
        if members.is_empty() {
            text.push('\n');
        }
    }
    Ok(Reply::Done(text))
}

fn macs(server: &Server, cx: &Cx<'_>, name: &str) -> String {
    let mut text = "port no\tmac addr\t\tis local?\tageing timer\n".to_owned();
    for entry in server.switch.macs(name, cx.now) {
        let local = if entry.ofport == switch::plan::LOCAL { "yes" } else { "no" };
        let _ = writeln!(text, "{:3}\t{}\t{local}\t\t{:4}.00", entry.ofport, entry.mac, entry.age_s);
    }
    text
}

/// The status columns in brctl's layout. What they don't tell is told by the configuration, or is zero.
fn showstp(server: &Server, name: &str) -> Option<String> {
    let row = bridge_row(server, name)?;
    let own = identifier(server, row);
    let status = |key: &str| row.value(bridge::STATUS, key);
    let config = |key: &str, default: u32| {
        row.value(bridge::OTHER_CONFIG, key).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let root = status("stp_designated_root").map_or_else(|| own.clone(), str::to_owned);
    let cost = status("stp_root_path_cost").unwrap_or("0");
    let members = ports(server, row);
    let root_port = members.iter().find(|(port, _)| port.value(port::STATUS, "stp_role") == Some("root"));
    let root_port = root_port.map_or(0, |(_, member)| member.int(interface::OFPORT).unwrap_or(0));
    let (age, hello, delay) = (config("stp-max-age", 20), config("stp-hello-time", 2), config("stp-forward-delay", 15));
    let ageing = config("mac-aging-time", 300);
    let mut text = format!(
        "{name}\n bridge id\t\t{own}\n designated root\t{root}\n root port\t\t{root_port:4}\t\t\tpath cost\t\t{cost:>4}\n \
         max age\t\t{age:4}.00\t\t\tbridge max age\t\t{age:4}.00\n hello time\t\t{hello:4}.00\t\t\tbridge hello time\t\
         {hello:4}.00\n forward delay\t\t{delay:4}.00\t\t\tbridge forward delay\t{delay:4}.00\n \
         ageing time\t\t{ageing:4}.00\n hello timer\t\t   0.00\t\t\ttcn timer\t\t   0.00\n \
         topology change timer\t   0.00\t\t\tgc timer\t\t   0.00\n flags\t\t\t\n\n\n"
    );
    for (port, member) in members {
        let of = |key: &str| port.value(port::STATUS, key);
        let number = member.int(interface::OFPORT).unwrap_or(0);
        let name = member.str(interface::NAME).unwrap_or_default();
        let is_up = member.str(interface::LINK_STATE) == Some("up");
        let state = of("stp_state").unwrap_or(if is_up { "forwarding" } else { "disabled" });
        let default = format!("{:04x}", 0x8000 + number.clamp(0, 0xfff));
        let id = of("stp_port_id").unwrap_or(&default);
        let cost = port.value(port::OTHER_CONFIG, "stp-path-cost").unwrap_or("2");
        let _ = write!(
            text,
            "{name} ({number})\n port id\t\t{id}\t\t\tstate\t\t{state:>15}\n \
             designated root\t{root}\tpath cost\t\t{cost:>4}\n designated bridge\t{own}\tmessage age timer\t   0.00\n \
             designated port\t{id}\t\t\tforward delay timer\t   0.00\n designated cost\t{:>4}\t\t\thold timer\t\t   0.00\n \
             flags\t\t\t\n\n",
            0
        );
    }
    Some(text)
}
