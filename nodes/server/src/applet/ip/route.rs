//! `ip route` (ip-route(8)).

use core::fmt::Write;
use core::net::IpAddr;

use host::{Cidr, Reply, RouteConfig};
use inet::{IfIx, Route, RouteError};

use super::{Answer, Failure, Options, Words, command, find, garbage, kernel};
use crate::Server;
use crate::applet::done;
use crate::applet::route::{METRIC_V6, sorted};
use crate::applet::words::{prefix, shown};

const USAGE: &str =
    "Usage: ip route {add|del|replace|change|append} {PREFIX|default} [via ADDRESS] [dev IFACE] [metric N]
       ip route show [PREFIX] [dev IFACE] [via ADDRESS]
       ip route get ADDRESS
       ip route flush [dev IFACE] [PREFIX]";

/// A route in words.
#[derive(Default)]
struct Selector<'a> {
    to: Option<Cidr>,
    via: Option<IpAddr>,
    device: Option<&'a str>,
    metric: Option<u32>,
}

pub(crate) fn run(server: &mut Server, options: Options, words: &[&str]) -> Answer {
    let known = ["show", "list", "lst", "get", "add", "append", "change", "replace", "delete", "flush"];
    match command(words, &known, USAGE)? {
        ("show", rest) => show(server, options, rest),
        ("get", rest) => get(server, rest),
        ("flush", rest) => flush(server, options, rest),
        (command, rest) => change(server, options, command, rest),
    }
}

fn selector<'a>(options: Options, words: &'a [&'a str]) -> Result<Selector<'a>, Failure> {
    let mut route = Selector::default();
    let mut words = Words::new(words);
    let v6 = options.v6 == Some(true);
    let mut is_default = false;
    while let Some(word) = words.next() {
        match word {
            "dev" | "oif" => route.device = Some(words.value()?),
            "via" => match words.value()? {
                "inet" | "inet6" => route.via = Some(gateway(words.value()?)?),
                text => route.via = Some(gateway(text)?),
            },
            "metric" | "priority" | "preference" => route.metric = Some(words.number("\"metric\" value is invalid")?),
            "proto" | "scope" | "src" | "table" | "mtu" | "advmss" | "type" | "pref" => drop(words.value()?),
            "onlink" | "unicast" => {}
            "to" | "root" | "match" | "exact" => {}
            text if route.to.is_none() => {
                is_default = matches!(text, "default" | "any" | "all");
                let wrong =
                    || Failure::new(1, format!("Error: any valid prefix is expected rather than \"{}\".", shown(text)));
                let to = prefix(text, v6).ok_or_else(wrong)?;
                if to.network() != to {
                    return Err(Failure::new(2, "Error: Invalid prefix for given prefix length."));
                }
                route.to = Some(to);
            }
            text => return Err(garbage(text)),
        }
    }
    // `default` is of the gateway's family.
    if is_default && route.via.is_some_and(|via| via.is_ipv6()) {
        route.to = Some(Cidr::ALL_V6);
    }
    Ok(route)
}

fn gateway(text: &str) -> Result<IpAddr, Failure> {
    let wrong = || Failure::new(1, format!("Error: any valid address is expected rather than \"{}\".", shown(text)));
    text.parse().map_err(|_| wrong())
}

fn change(server: &mut Server, options: Options, command: &str, words: &[&str]) -> Answer {
    let Selector { to, via, device, metric } = selector(options, words)?;
    let to = to.ok_or_else(|| Failure::new(255, "Command line is not complete. Try option \"help\""))?;
    if via.is_some_and(|via| via.is_ipv4() == to.is_ipv6()) {
        return Err(Failure::new(2, "Error: Nexthop has invalid gateway."));
    }
    let ix = match device {
        Some(name) => Some(find(server, name)?),
        None => None,
    };
    let stack = server.host.stack_mut().0;
    if command == "delete" {
        stack.remove_route(to, via, ix, metric).map_err(|_| kernel("No such process"))?;
        return done();
    }
    if via.is_none() && device.is_none() {
        return Err(kernel("No such device"));
    }
    let metric = metric.unwrap_or(if to.is_ipv6() { METRIC_V6 } else { 0 });
    let config = RouteConfig { to, via, interface: device.map(str::to_owned) };
    let reachable = via.is_none_or(|via| on_link(stack, via, ix));
    let result = match command {
        _ if !reachable => Err(RouteError::Unreachable),
        "replace" | "change" => stack.replace_route(config, metric),
        _ => stack.add_route(config, metric),
    };
    result.map_err(|error| match error {
        RouteError::Exists => kernel("File exists"),
        RouteError::Unreachable if via.is_some() => Failure::new(2, "Error: Nexthop has invalid gateway."),
        RouteError::Unreachable => Failure::new(2, "Error: Device for nexthop is not up."),
        RouteError::NoSuchRoute => kernel("No such process"),
    })?;
    done()
}

/// Whether a gateway is a neighbour of an interface, or of any.
fn on_link(stack: &inet::Stack, via: IpAddr, ix: Option<IfIx>) -> bool {
    let hop = match ix {
        Some(ix) => stack.routes().lookup_on(via, ix),
        None => stack.routes().lookup(via),
    };
    hop.is_some_and(|hop| hop.address == via) || matches!(via, IpAddr::V6(via) if via.is_unicast_link_local())
}

fn selected(server: &Server, options: Options, words: &[&str]) -> Result<Vec<Route>, Failure> {
    let Selector { to, via, device, metric } = selector(options, words)?;
    let ix = match device {
        Some(name) => Some(find(server, name)?),
        None => None,
    };
    let v6 = options.v6.unwrap_or(to.is_some_and(Cidr::is_ipv6));
    let mut routes = sorted(server, v6);
    routes.retain(|route| {
        to.is_none_or(|to| route.to == to)
            && via.is_none_or(|via| route.via == Some(via))
            && ix.is_none_or(|ix| route.interface == ix)
            && metric.is_none_or(|metric| route.metric == metric)
    });
    Ok(routes)
}

fn show(server: &Server, options: Options, words: &[&str]) -> Answer {
    let mut text = String::new();
    for route in selected(server, options, words)? {
        line(server, &route, words.contains(&"dev"), &mut text);
    }
    Ok(Reply::Done(text))
}

fn flush(server: &mut Server, options: Options, words: &[&str]) -> Answer {
    if words.is_empty() {
        return Err(Failure::new(255, "\"ip route flush\" requires arguments."));
    }
    for route in selected(server, options, words)?.into_iter().filter(|route| route.is_static) {
        let stack = server.host.stack_mut().0;
        // It is there: it was listed just now.
        let _ = stack.remove_route(route.to, route.via, Some(route.interface), Some(route.metric));
    }
    done()
}

/// A route as it is listed. `is_of_device`: the interface goes without saying.
fn line(server: &Server, route: &Route, is_of_device: bool, text: &mut String) {
    let Route { to, via, interface, metric, is_static } = *route;
    let found = server.interface(interface);
    let target = match to {
        Cidr::ALL_V4 | Cidr::ALL_V6 => "default".to_owned(),
        to if to == Cidr::host(to.address()) => to.address().to_string(),
        to => to.to_string(),
    };
    text.push_str(&target);
    // Writing to a string can't fail.
    if let Some(via) = via {
        let _ = write!(text, " via {via}");
    }
    if !is_of_device {
        let _ = write!(text, " dev {}", found.name());
    }
    if !is_static {
        text.push_str(" proto kernel");
    }
    if !to.is_ipv6() && via.is_none() {
        text.push_str(" scope link");
    }
    if let (false, false, Some(own)) = (is_static, to.is_ipv6(), own_of(found, to)) {
        let _ = write!(text, " src {own}");
    }
    let metric = if to.is_ipv6() && !is_static { 256 } else { metric };
    if metric != 0 {
        let _ = write!(text, " metric {metric}");
    }
    if !found.has_carrier() {
        text.push_str(" linkdown");
    }
    text.push_str(if to.is_ipv6() { " pref medium\n" } else { " \n" });
}

/// The interface's own address in a subnet.
fn own_of(interface: &inet::Interface, to: Cidr) -> Option<IpAddr> {
    interface.addresses().iter().find(|own| own.network() == to).map(|own| own.address())
}

fn get(server: &Server, words: &[&str]) -> Answer {
    let mut words = Words::new(words);
    let text = match words.value()? {
        "to" => words.value()?,
        text => text,
    };
    let to = gateway(text)?;
    let stack = server.host.stack();
    if stack.is_local(to) {
        return Ok(Reply::Done(match to {
            IpAddr::V4(_) => format!("local {to} dev lo src {to} uid 0 \n    cache <local> \n"),
            IpAddr::V6(_) => format!("local {to} from :: dev lo proto kernel src {to} metric 0 pref medium\n"),
        }));
    }
    let hop = stack.routes().lookup(to).ok_or_else(|| kernel("Network is unreachable"))?;
    let interface = stack.interface(hop.interface);
    let via = if hop.address == to { String::new() } else { format!("via {} ", hop.address) };
    let src = stack.source_to(to, None);
    let src = src.map_or(String::new(), |src| format!("src {src} "));
    Ok(Reply::Done(match to {
        IpAddr::V4(_) => format!("{to} {via}dev {} {src}uid 0 \n    cache \n", interface.name()),
        IpAddr::V6(_) => format!("{to} from :: {via}dev {} {src}metric 1024 pref medium\n", interface.name()),
    }))
}
