//! `ip neighbour` (ip-neighbour(8)).

use core::net::IpAddr;

use host::Reply;
use inet::{NeighborKey, NeighborState};
use packet::MacAddr;
use sim_core::{Cx, Time};

use super::{Answer, Failure, Options, Words, command, find, garbage, kernel, no_device, wrong};
use crate::Server;
use crate::applet::done;
use crate::applet::words::shown;
use crate::inside::Side;

const USAGE: &str = "Usage: ip neigh {add|replace|change|del} ADDRESS [lladdr MAC] dev IFACE
       ip neigh {show|flush} [ADDRESS|all] [dev IFACE]";

/// What a line names.
#[derive(Default)]
struct Named<'a> {
    address: Option<IpAddr>,
    mac: Option<&'a str>,
    device: Option<&'a str>,
}

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, options: Options, words: &[&str]) -> Answer {
    let known = ["add", "change", "replace", "delete", "show", "list", "lst", "flush"];
    let (command, rest) = command(words, &known, USAGE)?;
    let Named { address, mac, device } = named(rest)?;
    let interface = match device {
        Some(name) => Some(find(server, name)?),
        None => None,
    };
    if matches!(command, "show" | "flush") {
        let mut found: Vec<(NeighborKey, NeighborState)> = server.host.stack().neighbors().iter(cx.now).collect();
        found.retain(|(key, _)| {
            options.v6.is_none_or(|v6| key.address.is_ipv6() == v6)
                && address.is_none_or(|address| key.address == address)
                && interface.is_none_or(|ix| key.interface == ix)
        });
        if command == "show" {
            return Ok(Reply::Done(found.iter().map(|entry| line(server, entry, interface.is_some())).collect()));
        }
        if rest.is_empty() {
            return Err(Failure::new(255, "Flush requires arguments."));
        }
        // What was entered by hand stays.
        found.retain(|(_, state)| !matches!(state, NeighborState::Reachable(_, Time::NEVER)));
        for (key, _) in found {
            // It is there: it was listed just now.
            let _ = remove(server, cx, key);
        }
        return done();
    }
    let interface = interface.ok_or_else(no_device)?;
    let address = address.ok_or_else(|| Failure::new(255, "Device and destination are required arguments."))?;
    let key = NeighborKey { interface, address };
    if command == "delete" {
        remove(server, cx, key).map_err(|_| kernel("No such file or directory"))?;
        return done();
    }
    let text = mac.ok_or_else(|| kernel("Invalid argument"))?;
    let mac: MacAddr = text.parse().map_err(|_| wrong("Invalid link layer address", text))?;
    if command == "add" && server.host.stack().neighbors().state(key, cx.now).is_some() {
        return Err(kernel("File exists"));
    }
    let result = server.with_side(cx, Side::Stack, |server, cx| {
        let (stack, upper) = server.host.stack_mut();
        stack.set_neighbor(cx, key, mac, upper)
    });
    result.map_err(|_| kernel("Invalid argument"))?;
    done()
}

fn remove(server: &mut Server, cx: &mut Cx<'_>, key: NeighborKey) -> Result<(), inet::NeighborError> {
    server.with_side(cx, Side::Stack, |server, cx| {
        let (stack, upper) = server.host.stack_mut();
        stack.remove_neighbor(cx, key, upper)
    })
}

fn named<'a>(words: &'a [&'a str]) -> Result<Named<'a>, Failure> {
    let mut named = Named::default();
    let mut words = Words::new(words);
    while let Some(word) = words.next() {
        match word {
            "dev" => named.device = Some(words.value()?),
            "lladdr" => named.mac = Some(words.value()?),
            "nud" => drop(words.value()?),
            "all" | "any" | "to" | "permanent" => {}
            text if named.address.is_none() => {
                let wrong = || {
                    Failure::new(1, format!("Error: any valid address is expected rather than \"{}\".", shown(text)))
                };
                named.address = Some(text.parse().map_err(|_| wrong())?);
            }
            text => return Err(garbage(text)),
        }
    }
    Ok(named)
}

fn line(server: &Server, (key, state): &(NeighborKey, NeighborState), is_of_device: bool) -> String {
    let device = match is_of_device {
        true => String::new(),
        false => format!("dev {} ", server.interface(key.interface).name()),
    };
    let (mac, word) = match state {
        NeighborState::Incomplete => (None, "INCOMPLETE"),
        NeighborState::Reachable(mac, Time::NEVER) => (Some(mac), "PERMANENT"),
        NeighborState::Reachable(mac, _) => (Some(mac), "REACHABLE"),
        NeighborState::Stale(mac) => (Some(mac), "STALE"),
    };
    let mac = mac.map_or(String::new(), |mac| format!("lladdr {mac} "));
    format!("{} {device}{mac}{word} \n", key.address)
}
