//! `ifconfig` of net-tools (ifconfig(8)). An address without a length has that of its class, and takes the interface up.

use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr};

use host::{Cidr, Reply};
use inet::IfIx;
use packet::MacAddr;
use sim_core::Cx;

use super::words::{class_len, is_station, mask, mask_len, shown};
use super::{Answer, Failure, Line, done};
use crate::Server;

const USAGE: &str = "ifconfig: `--help' gives usage information.";

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let mut all = false;
    let words: Vec<&str> = line
        .words
        .iter()
        .copied()
        .filter(|word| {
            all |= *word == "-a";
            !matches!(*word, "-a" | "-v" | "-s")
        })
        .collect();
    match words[..] {
        [] => {
            let mut listed = server.listed();
            listed.retain(|ix| all || server.interface(*ix).is_admin_up());
            listed.sort_by_key(|ix| server.interface(*ix).name().to_owned());
            Ok(Reply::Done(listed.into_iter().map(|ix| block(server, ix)).collect()))
        }
        [name] => {
            let missing = || {
                let name = shown(name);
                Failure::new(1, format!("{name}: error fetching interface information: Device not found"))
            };
            let ix = server.interface_named(name).ok_or_else(missing)?;
            Ok(Reply::Done(block(server, ix)))
        }
        [name, ref rest @ ..] => {
            let missing = || {
                let flags = format!("{}: ERROR while getting interface flags: No such device", shown(name));
                Failure::new(1, flags)
            };
            let ix = server.interface_named(name).ok_or_else(missing)?;
            change(server, cx, ix, rest)
        }
    }
}

fn change(server: &mut Server, cx: &mut Cx<'_>, ix: IfIx, words: &[&str]) -> Answer {
    let mut words = words.iter().copied();
    let usage = || Failure::new(1, USAGE);
    let unknown = |text: &str| Failure::new(1, format!("{}: Host name lookup failure\n{USAGE}", shown(text)));
    let mut address: Option<(Ipv4Addr, Option<u8>)> = None;
    let mut netmask = None;
    let mut up = None;
    while let Some(word) = words.next() {
        match word {
            "up" => up = Some(true),
            "down" => up = Some(false),
            "netmask" => {
                let text = words.next().ok_or_else(usage)?;
                let invalid = || Failure::new(1, format!("SIOCSIFNETMASK: Invalid argument: {}", shown(text)));
                netmask = Some(mask_len(text).ok_or_else(invalid)?);
            }
            "broadcast" | "pointopoint" | "dstaddr" | "metric" | "txqueuelen" => drop(words.next()),
            "mtu" => {
                let text = words.next().ok_or_else(usage)?;
                let invalid = || Failure::new(1, "SIOCSIFMTU: Invalid argument");
                let mtu = text.parse().map_err(|_| invalid())?;
                server.host.stack_mut().0.set_mtu(ix, mtu).map_err(|_| invalid())?;
            }
            "hw" => {
                let (class, text) = (words.next().ok_or_else(usage)?, words.next().ok_or_else(usage)?);
                let invalid = || Failure::new(1, format!("{}: invalid {} address.", shown(text), shown(class)));
                let mac: MacAddr = text.parse().ok().filter(|_| class == "ether").ok_or_else(invalid)?;
                let refused = || Failure::new(1, "SIOCSIFHWADDR: Cannot assign requested address");
                server.set_mac(ix, mac).map_err(|_| refused())?;
            }
            "inet" | "promisc" | "-promisc" | "multicast" | "allmulti" | "arp" => {}
            "inet6" | "add" | "del" => {
                let verb = if word == "inet6" { words.next().ok_or_else(usage)? } else { word };
                let text = if matches!(verb, "add" | "del") { words.next().ok_or_else(usage)? } else { verb };
                change_v6(server, ix, text, verb != "del")?;
            }
            text if address.is_none() => {
                let (ip, len) = match text.split_once('/') {
                    Some((ip, len)) => (ip, Some(len.parse().ok().filter(|len| *len <= 32).ok_or_else(usage)?)),
                    None => (text, None),
                };
                let text = if ip == "default" { "0.0.0.0" } else { ip };
                let ip = if text == "0" { Ipv4Addr::UNSPECIFIED } else { text.parse().map_err(|_| unknown(ip))? };
                address = Some((ip, len));
                up = Some(true);
            }
            text => return Err(unknown(text)),
        }
    }
    set_v4(server, ix, address, netmask)?;
    if let Some(up) = up {
        server.set_up(cx, ix, up);
    }
    done()
}

/// Sets the first IPv4 address, or takes it away for 0.0.0.0; a netmask alone changes that of the first.
fn set_v4(
    server: &mut Server,
    ix: IfIx,
    address: Option<(Ipv4Addr, Option<u8>)>,
    netmask: Option<u8>,
) -> Result<(), Failure> {
    let mut addresses = server.own_addresses(ix);
    let first = addresses.iter().position(|own| !own.is_ipv6());
    let (ip, len) = match (address, first) {
        (Some((ip, len)), _) => (ip, len.or(netmask).unwrap_or(class_len(ip))),
        (None, Some(at)) => match (addresses[at].address(), netmask) {
            (IpAddr::V4(ip), Some(len)) => (ip, len),
            _ => return Ok(()),
        },
        (None, None) if netmask.is_some() => {
            return Err(Failure::new(1, "SIOCSIFNETMASK: Cannot assign requested address"));
        }
        (None, None) => return Ok(()),
    };
    if ip.is_unspecified() {
        if let Some(at) = first {
            addresses.remove(at);
        }
    } else {
        let invalid = || Failure::new(1, "SIOCSIFADDR: Invalid argument");
        let own = Cidr::new(ip.into(), len).filter(|_| is_station(ip.into())).ok_or_else(invalid)?;
        if let Some(at) = first {
            // The old one goes first, and what depends on it.
            addresses.remove(at);
            server.set_addresses(ix, addresses.clone());
        }
        addresses.insert(0, own);
    }
    server.set_addresses(ix, addresses);
    Ok(())
}

fn change_v6(server: &mut Server, ix: IfIx, text: &str, add: bool) -> Result<(), Failure> {
    let invalid = || Failure::new(1, format!("{}: Resolver Error 0 (no error)\n{USAGE}", shown(text)));
    let own = super::words::cidr(text).filter(|own| own.is_ipv6()).ok_or_else(invalid)?;
    let mut addresses = server.own_addresses(ix);
    let found = addresses.iter().position(|known| known.address() == own.address());
    match (add, found) {
        (true, Some(_)) => return Err(Failure::new(1, "SIOCSIFADDR: File exists")),
        (true, None) if !is_station(own.address()) => return Err(Failure::new(1, "SIOCSIFADDR: Invalid argument")),
        (true, None) => addresses.push(own),
        (false, Some(at)) => drop(addresses.remove(at)),
        (false, None) => return Err(Failure::new(1, "SIOCDIFADDR: Cannot assign requested address")),
    }
    server.set_addresses(ix, addresses);
    Ok(())
}

/// An interface as it is shown, with the empty line behind it.
fn block(server: &Server, ix: IfIx) -> String {
    let interface = server.interface(ix);
    let (is_up, is_loopback) = (interface.is_admin_up(), interface.is_loopback());
    let flags = [
        (0x1, "UP", is_up),
        (0x2, "BROADCAST", !is_loopback),
        (0x8, "LOOPBACK", is_loopback),
        (0x40, "RUNNING", is_up && interface.has_carrier()),
        (0x1000, "MULTICAST", !is_loopback),
    ];
    let set = flags.iter().filter(|(.., is_set)| *is_set);
    let number: u32 = set.clone().map(|(bit, ..)| bit).sum();
    let names: Vec<&str> = set.map(|(_, name, _)| *name).collect();
    let mtu = if is_loopback { 65536 } else { u32::from(interface.mtu()) };
    let mut text = format!("{}: flags={number}<{}>  mtu {mtu}\n", interface.name(), names.join(","));
    // Writing to a string can't fail.
    for own in interface.addresses().iter().filter(|own| !own.is_ipv6()).take(1) {
        let _ = write!(text, "        inet {}  netmask {}", own.address(), mask(own.prefix_len()));
        if let Some(broadcast) = own.broadcast().filter(|_| !is_loopback) {
            let _ = write!(text, "  broadcast {broadcast}");
        }
        text.push('\n');
    }
    for own in interface.addresses() {
        if let IpAddr::V6(address) = own.address() {
            let scope = match (address.is_loopback(), address.is_unicast_link_local()) {
                (true, _) => "0x10<host>",
                (_, true) => "0x20<link>",
                _ => "0x0<global>",
            };
            let _ = writeln!(text, "        inet6 {address}  prefixlen {}  scopeid {scope}", own.prefix_len());
        }
    }
    let _ = match is_loopback {
        true => writeln!(text, "        loop  txqueuelen 1000  (Local Loopback)"),
        false => writeln!(text, "        ether {}  txqueuelen 1000  (Ethernet)", interface.mac()),
    };
    let counters = interface.counters();
    let (rx, tx) = (scaled(counters.rx_bytes), scaled(counters.tx_bytes));
    let _ = write!(
        text,
        "        RX packets {}  bytes {} ({rx})\n        RX errors 0  dropped 0  overruns 0  frame 0\n        \
         TX packets {}  bytes {} ({tx})\n        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0\n\n",
        counters.rx_frames, counters.rx_bytes, counters.tx_frames, counters.tx_bytes
    );
    text
}

/// Bytes in the unit that ifconfig takes, with one decimal that is cut.
fn scaled(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = (1..UNITS.len()).take_while(|at| bytes >> (10 * at) != 0).count();
    let tenths = (u128::from(bytes) * 10) >> (10 * unit);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}
