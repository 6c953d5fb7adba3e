//! `route` of net-tools (route(8)).

use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr};

use host::{Cidr, Reply, RouteConfig};
use inet::{Route, RouteError};
use sim_core::Cx;

use super::words::{class_len, mask, mask_len, shown};
use super::{Answer, Failure, Line, done};
use crate::Server;

const USAGE: &str = "Usage: route [-n] [-A inet|inet6]
       route [-A inet6] {add|del} [-net|-host] TARGET [netmask MASK] [gw GATEWAY] [metric N] [[dev] IFACE]";

/// The metric of a route of IPv6 that is given none.
pub(crate) const METRIC_V6: u32 = 1024;

pub(crate) fn run(server: &mut Server, _: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let (mut v6, mut words) = (false, line.words);
    loop {
        match words {
            ["-A", "inet6", rest @ ..] | ["-6" | "--inet6", rest @ ..] => (v6, words) = (true, rest),
            ["-A", "inet", rest @ ..] | ["-4" | "--inet" | "-n" | "-v" | "-e" | "-ne" | "-en", rest @ ..] => {
                words = rest;
            }
            ["add" | "del", ..] => break,
            [] if v6 => return Ok(Reply::Done(table_v6(server))),
            [] => return Ok(Reply::Done(table_v4(server))),
            _ => return Err(Failure::new(4, USAGE)),
        }
    }
    match words {
        ["add", rest @ ..] => change(server, rest, v6, true),
        ["del", rest @ ..] => change(server, rest, v6, false),
        _ => Err(Failure::new(4, USAGE)),
    }
}

fn change(server: &mut Server, words: &[&str], v6: bool, add: bool) -> Answer {
    let what = if add { "SIOCADDRT" } else { "SIOCDELRT" };
    let (mut target, mut netmask, mut via, mut metric, mut device) = (None, None, None, None, None);
    let (mut is_net, mut is_host) = (false, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| Failure::new(4, USAGE));
        match *word {
            "-net" => is_net = true,
            "-host" => is_host = true,
            "netmask" => netmask = Some(value()?),
            "gw" | "gateway" => via = Some(value()?),
            "metric" => metric = Some(value()?),
            "dev" | "device" => device = Some(value()?),
            name if target.is_none() => target = Some(name),
            // The device may stand at the end without its word.
            name if server.interface_named(name).is_some() => device = Some(name),
            _ => return Err(Failure::new(4, USAGE)),
        }
    }
    let target = target.ok_or_else(|| Failure::new(4, USAGE))?;
    let unknown = |name: &str| Failure::new(6, format!("{}: Unknown host", shown(name)));
    let to = match target {
        "default" if v6 => Cidr::ALL_V6,
        "default" => Cidr::ALL_V4,
        text if text.contains('/') => text.parse().map_err(|_| unknown(text))?,
        text => {
            let address: IpAddr = text.parse().map_err(|_| unknown(text))?;
            let len = match (address, netmask) {
                (IpAddr::V4(address), None) if address.is_unspecified() => 0,
                (IpAddr::V4(_), Some(text)) => {
                    mask_len(text).ok_or_else(|| Failure::new(7, format!("route: bogus netmask {}", shown(text))))?
                }
                (IpAddr::V4(address), None) if is_net => class_len(address),
                (IpAddr::V4(_), None) => 32,
                (IpAddr::V6(_), _) => 128,
            };
            Cidr::new(address, len).ok_or_else(|| unknown(text))?
        }
    };
    if is_host && to.prefix_len() < 32 && !to.is_ipv6() {
        return Err(Failure::new(7, "route: netmask doesn't make sense with host route"));
    }
    if to.network() != to {
        return Err(Failure::new(7, "route: netmask doesn't match route address"));
    }
    let via = match via {
        None => None,
        Some(text) => Some(text.parse::<IpAddr>().map_err(|_| unknown(text))?),
    };
    if via.is_some_and(|via| via.is_ipv4() == to.is_ipv6()) {
        return Err(Failure::new(7, format!("{what}: Invalid argument")));
    }
    // A gateway of 0.0.0.0 is none.
    let via = via.filter(|via| !via.is_unspecified());
    let missing = || Failure::new(7, format!("{what}: No such device"));
    let interface = match device {
        Some(name) => Some(server.interface_named(name).ok_or_else(missing)?),
        None => None,
    };
    let metric: Option<u32> = match metric {
        Some(text) => Some(text.parse().map_err(|_| Failure::new(4, USAGE))?),
        None => None,
    };
    let stack = server.host.stack_mut().0;
    let result = if add {
        if via.is_none() && interface.is_none() {
            return Err(missing());
        }
        let default = if to.is_ipv6() { METRIC_V6 } else { 0 };
        let config = RouteConfig { to, via, interface: device.map(str::to_owned) };
        stack.add_route(config, metric.unwrap_or(default))
    } else {
        stack.remove_route(to, via, interface, metric)
    };
    result.map_err(|error| {
        let text = match error {
            RouteError::Exists => "File exists",
            RouteError::Unreachable if device.is_some() && via.is_none() => "Network is down",
            RouteError::Unreachable => "Network is unreachable",
            RouteError::NoSuchRoute => "No such process",
        };
        Failure::new(7, format!("{what}: {text}"))
    })?;
    done()
}

/// The routes of a family, by prefix.
pub(crate) fn sorted(server: &Server, v6: bool) -> Vec<Route> {
    let mut routes: Vec<Route> =
        server.host.stack().routes().iter().filter(|route| route.to.is_ipv6() == v6).copied().collect();
    // An address alone on its interface leads nowhere.
    let width = if v6 { 128 } else { 32 };
    routes.retain(|route| route.is_static || route.to.prefix_len() < width);
    routes.sort_by_key(|route| (route.to.address(), route.to.prefix_len(), route.metric));
    routes
}

fn table_v4(server: &Server) -> String {
    let mut text = "Kernel IP routing table\n\
        Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n"
        .to_owned();
    for Route { to, via, interface, metric, .. } in sorted(server, false) {
        let name = server.interface(interface).name();
        let gateway = via.unwrap_or(Ipv4Addr::UNSPECIFIED.into()).to_string();
        let mut flags = if via.is_some() { "UG".to_owned() } else { "U".to_owned() };
        if to.prefix_len() == 32 {
            flags.push('H');
        }
        let (destination, genmask) = (to.address().to_string(), mask(to.prefix_len()).to_string());
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{destination:<15} {gateway:<15} {genmask:<15} {flags:<5} {metric:<6} {:<2} {:>7} {name}",
            0, 0
        );
    }
    text
}

fn table_v6(server: &Server) -> String {
    let mut text = "Kernel IPv6 routing table\n\
        Destination                    Next Hop                   Flag Met Ref  Use If\n"
        .to_owned();
    for Route { to, via, interface, metric, is_static } in sorted(server, true) {
        let name = server.interface(interface).name();
        let metric = if is_static { metric } else { 256 };
        let (flags, hop) = via.map_or(("U", "[::]".to_owned()), |via| ("UG", via.to_string()));
        let destination = if to == Cidr::ALL_V6 { "[::]/0".to_owned() } else { to.to_string() };
        let _ = writeln!(text, "{destination:<30} {hop:<26} {flags:<4} {metric:<3} {:<2} {:>6} {name}", 1, 0);
    }
    text
}
