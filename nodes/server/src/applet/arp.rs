//! `arp` of net-tools (arp(8)).

use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr};

use host::Reply;
use inet::{NeighborKey, NeighborState};
use packet::MacAddr;
use sim_core::{Cx, Time};

use super::words::shown;
use super::{Answer, Failure, Line, done};
use crate::Server;
use crate::inside::Side;

const USAGE: &str = "usage: arp [-n] [-a] [-i IFACE] [HOST] | arp [-i IFACE] -d HOST | arp [-i IFACE] -s HOST MAC";

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let (mut bsd, mut delete, mut set, mut device) = (false, false, false, None);
    let mut names = Vec::new();
    let mut words = line.words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-i" | "--device" => device = words.next().copied(),
            "-a" => bsd = true,
            "-n" | "-v" | "-e" => {}
            "-an" | "-na" => bsd = true,
            "-d" => delete = true,
            "-s" => set = true,
            option if option.starts_with('-') => return Err(Failure::new(3, USAGE)),
            name => names.push(name),
        }
    }
    let ix = match device {
        Some(name) => {
            let unknown = || Failure::new(1, format!("arp: device '{}' has HW address unknown.", shown(name)));
            Some(server.interface_named(name).ok_or_else(unknown)?)
        }
        None => None,
    };
    let address = match names.first() {
        Some(name) => {
            let unknown = || Failure::new(1, format!("{}: Unknown host", shown(name)));
            Some(name.parse::<Ipv4Addr>().map_err(|_| unknown())?)
        }
        None => None,
    };
    match (address, names.get(1)) {
        (Some(address), Some(mac)) if set => {
            let invalid = || Failure::new(255, "arp: invalid hardware address");
            let mac: MacAddr = mac.parse().map_err(|_| invalid())?;
            let hop = server.host.stack().routes().lookup(address.into()).filter(|hop| hop.address == address);
            let unreachable = || Failure::new(255, "SIOCSARP: Network is unreachable");
            let interface = ix.or(hop.map(|hop| hop.interface)).ok_or_else(unreachable)?;
            let key = NeighborKey { interface, address: address.into() };
            let result = server.with_side(cx, Side::Stack, |server, cx| {
                let (stack, upper) = server.host.stack_mut();
                stack.set_neighbor(cx, key, mac, upper)
            });
            result.map_err(|_| invalid())?;
            done()
        }
        (Some(address), _) if delete => {
            let found = entries(server, cx.now)
                .into_iter()
                .find(|(key, _)| key.address == IpAddr::V4(address) && ix.is_none_or(|ix| key.interface == ix));
            let missing = || Failure::new(255, format!("No ARP entry for {address}"));
            let (key, _) = found.ok_or_else(missing)?;
            server.with_side(cx, Side::Stack, |server, cx| {
                let (stack, upper) = server.host.stack_mut();
                // It was found just now.
                let _ = stack.remove_neighbor(cx, key, upper);
            });
            done()
        }
        _ if set || delete => Err(Failure::new(255, "arp: need host name")),
        _ => {
            let mut found = entries(server, cx.now);
            found.retain(|(key, _)| {
                address.is_none_or(|address| key.address == IpAddr::V4(address))
                    && ix.is_none_or(|ix| key.interface == ix)
            });
            match address.filter(|_| found.is_empty()) {
                Some(address) => Ok(Reply::Done(format!("{address} ({address}) -- no entry\n"))),
                None => Ok(Reply::Done(table(server, &found, bsd))),
            }
        }
    }
}

/// The neighbours of IPv4.
fn entries(server: &Server, now: Time) -> Vec<(NeighborKey, NeighborState)> {
    server.host.stack().neighbors().iter(now).filter(|(key, _)| key.address.is_ipv4()).collect()
}

fn table(server: &Server, entries: &[(NeighborKey, NeighborState)], bsd: bool) -> String {
    let mut text = String::new();
    if !bsd && !entries.is_empty() {
        text.push_str("Address                  HWtype  HWaddress           Flags Mask            Iface\n");
    }
    for (key, state) in entries {
        let name = server.interface(key.interface).name();
        let address = key.address;
        // Writing to a string can't fail.
        let _ = match (*state, bsd) {
            (NeighborState::Incomplete, true) => writeln!(text, "? ({address}) at <incomplete> on {name}"),
            (NeighborState::Incomplete, false) => {
                writeln!(text, "{:<23}  {:<8}{:<42}{name}", address.to_string(), "", "(incomplete)")
            }
            (NeighborState::Reachable(mac, until), _) => row(&mut text, address, mac, until == Time::NEVER, name, bsd),
            (NeighborState::Stale(mac), _) => row(&mut text, address, mac, false, name, bsd),
        };
    }
    text
}

fn row(text: &mut String, address: IpAddr, mac: MacAddr, is_static: bool, name: &str, bsd: bool) -> core::fmt::Result {
    match bsd {
        true => {
            let permanent = if is_static { " PERM" } else { "" };
            writeln!(text, "? ({address}) at {mac} [ether]{permanent} on {name}")
        }
        false => {
            let flags = if is_static { "CM" } else { "C" };
            writeln!(text, "{:<23}  {:<8}{:<20}{flags:<22}{name}", address.to_string(), "ether", mac.to_string())
        }
    }
}
