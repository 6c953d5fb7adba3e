//! The prompt: the words of VPCS, the virtual PC that GNS3 and EVE-NG users know, and of netcat, curl and iperf 2.

mod online;
mod words;

use core::fmt::Write;
use core::net::IpAddr;
use core::str::FromStr;
use std::collections::BTreeMap;

use inet::{Cidr, Interface, NeighborState, RouteConfig};
use packet::Word;
use sim_core::{Cx, Duration, Tag, Time};

use crate::ping::{Outcome, PingId, PingRequest, PingStatus, Probe};
use crate::pings::Pace;
use crate::{Host, Reply, SessionId, TaskId};

pub use words::commands;

/// The commands that run.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    sessions: BTreeMap<SessionId, Session>,
    last: u64,
}

/// A command that was typed and takes time.
#[derive(Debug)]
struct Session {
    what: Running,
    /// What of its output was told: requests of a ping, else bytes.
    told: usize,
}

#[derive(Clone, Copy, Debug)]
enum Running {
    Ping { ping: PingId, size: u16 },
    Task(TaskId),
}

/// What a command printed that wasn't told yet, and the end of its session; `None` if it runs, unless it is to be
/// cancelled.
pub(crate) fn output(host: &mut Host, id: SessionId, cancel: bool) -> Option<String> {
    let &Session { what, told } = host.prompt.sessions.get(&id)?;
    match what {
        Running::Ping { ping, size } => {
            let pings = &mut host.above.pings;
            if !cancel && pings.status(ping).is_some_and(|status| !status.finished) {
                return None;
            }
            host.prompt.sessions.remove(&id);
            Some(pings.forget(ping).map_or_else(String::new, |status| ping_text(&status, size, told)))
        }
        Running::Task(task) => {
            if !cancel && host.net()?.task(task).is_some_and(|running| !running.finished) {
                return None;
            }
            host.prompt.sessions.remove(&id);
            let (net, stack) = host.net_mut();
            let text = net.forget(stack, task).map_or_else(String::new, |running| running.text);
            Some(text.get(told..).unwrap_or_default().to_owned())
        }
    }
}

/// What a command that runs printed since this was last asked; `None` if there is no such session.
pub(crate) fn news(host: &mut Host, id: SessionId) -> Option<String> {
    let &Session { what, told } = host.prompt.sessions.get(&id)?;
    let (text, now_told) = match what {
        Running::Ping { ping, size } => {
            let status = host.above.pings.status(ping)?;
            // A patient ping decides its requests one after the other.
            let is_decided = |probe: &&Probe| probe.outcome != Outcome::Pending;
            let decided = told + status.probes[told..].iter().take_while(is_decided).count();
            (ping_text(status, size, told), decided)
        }
        Running::Task(task) => {
            let text = &host.net()?.task(task)?.text;
            (text.get(told..).unwrap_or_default().to_owned(), text.len())
        }
    };
    host.prompt.sessions.get_mut(&id)?.told = now_told;
    Some(text)
}

/// Does what a line says.
pub(crate) fn command(host: &mut Host, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Reply {
    let result = match words {
        [] => Ok(Reply::Done(String::new())),
        ["?" | "help"] => Ok(Reply::Done(Word::list(commands()))),
        ["?" | "help", name, ..] => match commands().iter().find(|word| word.name == *name) {
            Some(word) => Ok(Reply::Done(word.about())),
            None => Err(unknown(name, "", &first_words())),
        },
        ["ping", rest @ ..] => ping(host, cx, rest, tag),
        ["arp"] | ["show", "arp"] => Ok(Reply::Done(show_arp(host, cx.now))),
        ["show"] | ["show", "all"] => Ok(Reply::Done(show_all(host))),
        ["show", "ip"] => Ok(Reply::Done(show_ip(host))),
        ["show", "ipv6"] => Ok(Reply::Done(show_ipv6(host))),
        ["show", "sockets"] | ["netstat" | "ss", ..] => Ok(Reply::Done(online::show_sockets(host))),
        ["show", "log"] => Ok(Reply::Done(host.server_log().into())),
        ["show", what, ..] => Err(unknown(what, "show", &["all", "arp", "ip", "ipv6", "log", "sockets"])),
        ["nc", rest @ ..] => online::nc(host, cx, rest, tag),
        ["listen", rest @ ..] => online::listen(host, rest),
        ["close", rest @ ..] => online::close(host, cx, rest),
        ["http", rest @ ..] => online::http(host, cx, rest, tag),
        ["curl", rest @ ..] => online::curl(host, cx, rest, tag),
        ["iperf", rest @ ..] => online::iperf(host, cx, rest, tag),
        ["trace", rest @ ..] => online::trace(host, cx, rest, tag),
        ["clear", "arp" | "neighbor"] => {
            host.stack.clear_neighbors(cx, &mut host.above);
            Ok(Reply::Done(String::new()))
        }
        ["clear"] => Err("clear what? `clear arp`".into()),
        ["clear", what, ..] => Err(unknown(what, "clear", &["arp"])),
        ["ip", address, rest @ ..] if rest.len() <= 1 => set_ip(host, address, rest.first().copied()),
        ["ip", ..] => Err("usage: ip ADDRESS/LEN [GATEWAY]".into()),
        ["arp", what, ..] => Err(format!("`arp` takes nothing more, found `{what}`")),
        [word, ..] => Err(unknown(word, "", &first_words())),
    };
    result.unwrap_or_else(Reply::Failed)
}

/// The first words of lines.
fn first_words() -> Vec<&'static str> {
    commands().iter().map(|word| word.name).chain(["help"]).collect()
}

/// What to say of a word that isn't known.
fn unknown(word: &str, after: &str, known: &[&str]) -> String {
    let shown: String = word.chars().take(40).collect();
    let space = if after.is_empty() { "" } else { " " };
    match packet::nearest(word, known.iter().copied()) {
        Some(near) => format!("unknown command `{after}{space}{shown}`: did you mean `{after}{space}{near}`?"),
        None => format!("unknown command `{after}{space}{shown}`: one of {}", known.join(", ")),
    }
}

fn ping(host: &mut Host, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Result<Reply, String> {
    let request = parse_ping(words, tag)?;
    let size = request.size;
    let to = request.to;
    match host.start_ping(cx, request, Pace::Patient) {
        Ok(ping) => {
            host.prompt.last += 1;
            let id = SessionId(host.prompt.last);
            host.prompt.sessions.insert(id, Session { what: Running::Ping { ping, size }, told: 0 });
            // A ping of an own address is over by now.
            let output = output(host, id, false);
            Ok(output.map_or(Reply::Running(id), Reply::Done))
        }
        Err(crate::PingError::NoRoute(_)) => {
            Err(format!("host ({to}) not reachable: no route; `ip ADDRESS/LEN GATEWAY` sets a gateway"))
        }
        Err(error) => Err(format!("ping: {error}")),
    }
}

/// The request of a line's words behind `ping`.
fn parse_ping(words: &[&str], tag: Tag) -> Result<PingRequest, String> {
    let mut request = None;
    let (mut count, mut size, mut interval, mut timeout, mut ttl, mut dont_fragment) = (5, 56, 1000, 1000, 64, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or(format!("ping: `{word}` needs a number behind it"));
        match *word {
            "-c" => count = number(word, value()?, 1, u16::MAX.into())?,
            "-s" | "-l" => size = number(word, value()?, 0, 65527)?,
            "-i" => interval = number(word, value()?, 1, 3_600_000)?,
            "-w" => timeout = number(word, value()?, 1, 3_600_000)?,
            "-T" => ttl = number(word, value()?, 1, 255)?,
            "-D" => dont_fragment = true,
            option if option.starts_with('-') => {
                return Err(format!("ping: unknown option `{option}`: one of -c -s -l -i -w -T -D"));
            }
            to if request.is_none() => {
                let parsed = IpAddr::from_str(to);
                request = Some(parsed.map_err(|_| format!("ping: `{to}` is neither an address nor a host's name"))?);
            }
            more => return Err(format!("ping: one host at a time, found `{more}` as well")),
        }
    }
    let to = request.ok_or("usage: ping HOST [-c COUNT] [-s SIZE] [-i MS] [-w MS] [-T TTL] [-D]")?;
    Ok(PingRequest {
        count,
        size: size as u16,
        interval: Duration::from_millis(interval.into()),
        timeout: Duration::from_millis(timeout.into()),
        ttl: ttl as u8,
        dont_fragment,
        ..PingRequest::new(to, tag)
    })
}

fn number(option: &str, text: &str, min: u32, max: u32) -> Result<u32, String> {
    let found = text.parse().ok().filter(|number| (min..=max).contains(number));
    found.ok_or_else(|| format!("ping: `{option}` takes a number from {min} to {max}, found `{text}`"))
}

/// The lines of a ping's requests behind the first `told`.
fn ping_text(status: &PingStatus, size: u16, told: usize) -> String {
    let mut text = String::new();
    let to = status.to;
    for (i, probe) in status.probes.iter().enumerate().skip(told) {
        let seq = i + 1;
        // Writing to a String can't fail.
        let _ = match probe.outcome {
            Outcome::Pending => Ok(()),
            Outcome::Reply { rtt, ttl } => {
                let time = rtt.as_nanos() as f64 / 1e6;
                let bytes = u32::from(size) + if to.is_ipv4() { 28 } else { 48 };
                let word = if to.is_ipv4() { "icmp_seq" } else { "icmp6_seq" };
                writeln!(text, "{bytes} bytes from {to} {word}={seq} ttl={ttl} time={time:.3} ms")
            }
            Outcome::Timeout => {
                writeln!(text, "{to} {}={seq} timeout", if to.is_ipv4() { "icmp_seq" } else { "icmp6_seq" })
            }
            Outcome::NoNeighbor(hop) if hop == to => writeln!(text, "host ({to}) not reachable"),
            Outcome::NoNeighbor(hop) => writeln!(text, "host ({to}) not reachable: gateway {hop} does not answer"),
            Outcome::NoRoute => writeln!(text, "host ({to}) not reachable: no route"),
            Outcome::TooBig { mtu } => writeln!(text, "{to} icmp_seq={seq} longer than the MTU of {mtu} bytes"),
            Outcome::Error { from, error } => writeln!(text, "*{from} icmp_seq={seq} ({error})"),
        };
    }
    text
}

/// Sets the first interface's address of the address's family, and the gateway of that family.
fn set_ip(host: &mut Host, address: &str, gateway: Option<&str>) -> Result<Reply, String> {
    let cidr = Cidr::from_str(address).map_err(|error| format!("ip: {error}"))?;
    let usable = match cidr.address() {
        IpAddr::V4(a) => !a.is_multicast() && !a.is_broadcast() && !a.is_unspecified() && !a.is_loopback(),
        IpAddr::V6(a) => !a.is_multicast() && !a.is_unspecified() && !a.is_loopback(),
    };
    if !usable {
        return Err(format!("ip: {} is no host's address", cidr.address()));
    }
    let gateway = match gateway {
        None => None,
        Some(text) => match IpAddr::from_str(text) {
            Ok(gateway) if gateway.is_ipv4() == cidr.address().is_ipv4() => Some(gateway),
            _ => return Err(format!("ip: `{text}` is no gateway's address of the same family")),
        },
    };
    if let Some(gateway) = gateway.filter(|gateway| !cidr.contains(*gateway)) {
        return Err(format!("ip: the gateway {gateway} is not in {}", cidr.network()));
    }
    let (ix, interface) = match host.stack.interfaces().first() {
        Some(interface) => (inet::IfIx(0), interface),
        None => return Err("ip: this host has no interface".into()),
    };
    let made = Cidr::link_local(interface.mac());
    let kept = interface.addresses().iter().copied();
    let mut addresses: Vec<Cidr> = kept.filter(|old| old.is_ipv6() != cidr.is_ipv6() && *old != made).collect();
    addresses.insert(0, cidr);
    host.stack.set_addresses(ix, addresses);
    let default = if cidr.is_ipv6() { Cidr::ALL_V6 } else { Cidr::ALL_V4 };
    let mut routes = host.stack.configured_routes().to_vec();
    routes.retain(|route| route.to != default);
    routes.extend(gateway.map(RouteConfig::default_via));
    host.stack.set_routes(routes);
    let mut text = format!("{} : {cidr}", host.name);
    if let Some(gateway) = gateway {
        let _ = write!(text, " gateway {gateway}");
    }
    text.push('\n');
    Ok(Reply::Done(text))
}

fn show_arp(host: &Host, now: Time) -> String {
    let mut text = String::new();
    for (key, state) in host.stack.neighbors().iter(now) {
        let _ = match state {
            NeighborState::Reachable(mac, until) => {
                writeln!(text, "{mac}  {} expires in {} seconds", key.address, until.since(now).as_millis() / 1000)
            }
            NeighborState::Stale(mac) => writeln!(text, "{mac}  {} expired", key.address),
            NeighborState::Incomplete => writeln!(text, "incomplete         {}", key.address),
        };
    }
    if text.is_empty() { "arp table is empty\n".into() } else { text }
}

/// The gateway of a family, if one is set.
fn gateway(host: &Host, default: Cidr) -> Option<IpAddr> {
    host.stack.configured_routes().iter().find(|route| route.to == default).and_then(|route| route.via)
}

fn text_of(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The interfaces that VPCS would have: a loopback is none.
fn shown(host: &Host) -> impl Iterator<Item = &Interface> {
    host.interfaces().iter().filter(|interface| !interface.is_loopback() && !interface.is_removed())
}

/// Blocks of `KEY : value`, one for each interface.
fn blocks(host: &Host, rows: impl Fn(&Interface) -> Vec<(&'static str, String)>) -> String {
    let mut text = String::new();
    for (i, interface) in shown(host).enumerate() {
        if i > 0 {
            text.push('\n');
        }
        let head = [("NAME", host.name.clone()), ("INTERFACE", interface.name().into())];
        let tail = [("MAC", interface.mac().to_string()), ("MTU", interface.mtu().to_string())];
        let rows: Vec<_> = head.into_iter().chain(rows(interface)).chain(tail).collect();
        let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0) + 1;
        for (key, value) in rows {
            let _ = writeln!(text, "{}", format!("{key:width$}: {value}").trim_end());
        }
    }
    text
}

fn show_ip(host: &Host) -> String {
    blocks(host, |interface| {
        let addresses: Vec<_> = interface.addresses().iter().filter(|a| !a.is_ipv6()).collect();
        let mut rows: Vec<_> = addresses.into_iter().map(|a| ("IP/MASK", a.to_string())).collect();
        if rows.is_empty() {
            rows.push(("IP/MASK", String::new()));
        }
        rows.push(("GATEWAY", text_of(gateway(host, Cidr::ALL_V4))));
        rows
    })
}

fn show_ipv6(host: &Host) -> String {
    blocks(host, |interface| {
        let link_local = |a: &&Cidr| matches!(a.address(), IpAddr::V6(a) if a.is_unicast_link_local());
        let six = || interface.addresses().iter().filter(|a| a.is_ipv6());
        let mut rows = vec![("LINK-LOCAL SCOPE", text_of(six().find(link_local)))];
        rows.extend(six().filter(|a| !link_local(a)).map(|a| ("GLOBAL SCOPE", a.to_string())));
        if rows.len() == 1 {
            rows.push(("GLOBAL SCOPE", String::new()));
        }
        rows.push(("GATEWAY", text_of(gateway(host, Cidr::ALL_V6))));
        rows
    })
}

fn show_all(host: &Host) -> String {
    let mut rows = vec![["NAME", "INTERFACE", "IP/MASK", "GATEWAY", "MAC"].map(String::from)];
    for interface in shown(host) {
        let made = Cidr::link_local(interface.mac());
        let mut addresses: Vec<_> = interface.addresses().iter().filter(|a| **a != made).map(Some).collect();
        if addresses.is_empty() {
            addresses.push(None);
        }
        for address in addresses {
            let default = if address.is_some_and(|a| a.is_ipv6()) { Cidr::ALL_V6 } else { Cidr::ALL_V4 };
            rows.push([
                host.name.clone(),
                interface.name().into(),
                text_of(address),
                text_of(gateway(host, default)),
                interface.mac().to_string(),
            ]);
        }
    }
    let widths: Vec<usize> = (0..5).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}
