//! `ip address` (ip-address(8)).

use core::fmt::Write;
use core::net::IpAddr;

use host::{Cidr, Reply};
use inet::IfIx;

use super::link::{brief_head, head, head_v6, link_line};
use super::{Answer, Failure, Options, Words, command, find, find_shown, kernel, no_device};
use crate::Server;
use crate::applet::done;
use crate::applet::words::{cidr, is_station, shown};

const USAGE: &str = "Usage: ip address {add|del|replace} ADDRESS[/LEN] [broadcast ADDRESS] [label NAME] dev IFACE
       ip address {show|flush} [[dev] IFACE]";

pub(crate) fn run(server: &mut Server, options: Options, words: &[&str]) -> Answer {
    let known = ["add", "change", "replace", "delete", "show", "list", "lst", "flush"];
    match command(words, &known, USAGE)? {
        ("show", rest) => show(server, options, rest),
        ("flush", rest) => flush(server, options, rest),
        ("delete", rest) => change(server, rest, false, false),
        ("add", rest) => change(server, rest, true, false),
        (_, rest) => change(server, rest, true, true),
    }
}

fn change(server: &mut Server, words: &[&str], add: bool, replace: bool) -> Answer {
    let (mut address, mut device) = (None, None);
    let mut words = Words::new(words);
    while let Some(word) = words.next() {
        match word {
            "dev" => device = Some(words.value()?),
            "broadcast" | "brd" | "label" | "scope" | "peer" | "valid_lft" | "preferred_lft" => drop(words.value()?),
            "nodad" | "noprefixroute" | "home" => {}
            "local" => address = Some(words.value()?),
            text if address.is_none() => address = Some(text),
            text => return Err(super::garbage(text)),
        }
    }
    let device = device.ok_or_else(no_device)?;
    let text = address.unwrap_or_default();
    let prefix = || Failure::new(1, format!("Error: any valid prefix is expected rather than \"{}\".", shown(text)));
    let address = cidr(text).ok_or_else(prefix)?;
    let ix = find(server, device)?;
    let mut addresses = server.own_addresses(ix);
    let found = addresses.iter().position(|own| {
        own.address() == address.address() && (add || own.prefix_len() == address.prefix_len() || !text.contains('/'))
    });
    match (add, found) {
        (true, Some(_)) if replace => return done(),
        (true, Some(_)) if address.is_ipv6() => return Err(Failure::new(2, "Error: ipv6: address already assigned.")),
        (true, Some(_)) => return Err(Failure::new(2, "Error: ipv4: Address already assigned.")),
        (true, None) if !is_station(address.address()) => return Err(kernel("Invalid argument")),
        (true, None) => addresses.push(address),
        (false, Some(at)) => drop(addresses.remove(at)),
        (false, None) if address.is_ipv6() => return Err(kernel("Cannot assign requested address")),
        (false, None) => return Err(Failure::new(2, "Error: ipv4: Address not found.")),
    }
    server.set_addresses(ix, addresses);
    done()
}

fn flush(server: &mut Server, options: Options, words: &[&str]) -> Answer {
    let device = match words {
        ["dev", name, ..] => *name,
        [name, ..] => name,
        [] => return Err(Failure::new(255, "Flush requires arguments.")),
    };
    let ix = find_shown(server, device)?;
    let mut addresses = server.own_addresses(ix);
    addresses.retain(|own| options.v6.is_some_and(|v6| own.is_ipv6() != v6));
    server.set_addresses(ix, addresses);
    done()
}

fn show(server: &Server, options: Options, words: &[&str]) -> Answer {
    let (mut device, mut only_up) = (None, false);
    let mut words = Words::new(words);
    while let Some(word) = words.next() {
        match word {
            "dev" => device = Some(words.value()?),
            "up" => only_up = true,
            "scope" | "type" | "to" | "label" | "master" => drop(words.value()?),
            "permanent" | "dynamic" | "primary" | "secondary" => {}
            name if device.is_none() => device = Some(name),
            name => return Err(super::garbage(name)),
        }
    }
    let listed = match device {
        Some(name) => vec![find_shown(server, name)?],
        None => server.listed(),
    };
    let mut text = String::new();
    for ix in listed {
        let interface = server.interface(ix);
        let lines = shown_addresses(server, ix, options);
        if (only_up && !interface.is_admin_up()) || (options.v6.is_some() && lines.is_empty()) {
            continue;
        }
        if options.brief {
            brief_head(server, ix, &mut text);
            lines.iter().for_each(|address| text.push_str(&format!("{address} ")));
            text.push('\n');
            continue;
        }
        match options.v6 {
            Some(true) => head_v6(server, ix, &mut text),
            _ => head(server, ix, "", &mut text),
        }
        if options.v6.is_none() {
            link_line(server, ix, &mut text);
        }
        let mut earlier: Vec<Cidr> = Vec::new();
        for address in lines {
            address_line(interface, address, &earlier, &mut text);
            earlier.push(address);
        }
    }
    Ok(Reply::Done(text))
}

/// The addresses of an interface as they are listed: those of IPv4 first.
fn shown_addresses(server: &Server, ix: IfIx, options: Options) -> Vec<Cidr> {
    let of = |v6: bool| server.interface(ix).addresses().iter().filter(move |own| own.is_ipv6() == v6);
    let families = [false, true].into_iter().filter(|v6| options.v6.is_none_or(|only| only == *v6));
    families.flat_map(of).copied().collect()
}

fn address_line(interface: &inet::Interface, address: Cidr, earlier: &[Cidr], text: &mut String) {
    let name = interface.name();
    // Writing to a string can't fail.
    let _ = match address.address() {
        IpAddr::V4(a) => {
            let broadcast = address.broadcast().filter(|_| !interface.is_loopback());
            let broadcast = broadcast.map_or(String::new(), |broadcast| format!("brd {broadcast} "));
            let scope = match (interface.is_loopback(), a.is_link_local()) {
                (true, _) => "host",
                (_, true) => "link",
                _ => "global",
            };
            let secondary = earlier.iter().any(|own| own.network() == address.network());
            let secondary = if secondary { " secondary" } else { "" };
            writeln!(text, "    inet {address} {broadcast}scope {scope}{secondary} {name}")
        }
        IpAddr::V6(a) => {
            let scope = match (a.is_loopback(), a.is_unicast_link_local()) {
                (true, _) => "host",
                (_, true) => "link",
                _ => "global",
            };
            writeln!(text, "    inet6 {address} scope {scope} ")
        }
    };
    text.push_str("       valid_lft forever preferred_lft forever\n");
}
