//! The words that use sockets: nc, listen, close, http, curl, iperf, trace, `show sockets`.

use core::fmt::Write;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use sim_core::{Cx, Duration, Tag};

use crate::net::{Ask, Http, IPERF_BUFFER, Mode, Netcat, Print, RULE, Task, Trace, Transfer, opening};
use crate::prompt::{Running, Session};
use crate::{Host, HttpRequest, Protocol, Reply, Service, SessionId, TransferConfig};

type Result<T> = core::result::Result<T, String>;

/// The most streams that `iperf -P` takes.
const MAX_STREAMS: u64 = 64;

/// Words with options, read one by one; errors name the command.
struct Words<'a> {
    command: &'static str,
    words: &'a [&'a str],
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    /// What stands behind an option.
    fn value(&mut self, option: &str) -> Result<&'a str> {
        let command = self.command;
        self.next().ok_or_else(|| format!("{command}: `{option}` needs a value behind it"))
    }

    fn number(&mut self, option: &str, min: u64, max: u64) -> Result<u64> {
        let text = self.value(option)?;
        let command = self.command;
        let found = text.parse().ok().filter(|number| (min..=max).contains(number));
        found.ok_or_else(|| format!("{command}: `{option}` takes a number from {min} to {max}, found `{text}`"))
    }

    /// Seconds, a fraction if need be.
    fn seconds(&mut self, option: &str) -> Result<Duration> {
        let text = self.value(option)?;
        let command = self.command;
        let found = text.parse::<f64>().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
        let found = found.map(|seconds| Duration::from_nanos((seconds * 1e9) as u64));
        found.ok_or_else(|| format!("{command}: `{option}` takes seconds from 0.001 to 86400, found `{text}`"))
    }

    /// A number with iperf's units: K, M and G are powers of 1024, k, m and g of 1000.
    fn quantity(&mut self, option: &str, min: u64) -> Result<u64> {
        let text = self.value(option)?;
        let command = self.command;
        let factor = match text.chars().last() {
            Some('k') => 1e3,
            Some('m') => 1e6,
            Some('g') => 1e9,
            Some('K') => 1024.0,
            Some('M') => 1024.0 * 1024.0,
            Some('G') => 1024.0 * 1024.0 * 1024.0,
            _ => 1.0,
        };
        let digits = if factor > 1.0 { &text[..text.len() - 1] } else { text };
        let found = digits.parse::<f64>().ok().map(|number| number * factor);
        let found = found.filter(|number| (min as f64..=1e15).contains(number)).map(|number| number as u64);
        found.ok_or_else(|| format!("{command}: `{option}` takes a number with K, M or G, as in 10M, found `{text}`"))
    }

    fn unknown(&self, word: &str, known: &str) -> String {
        let shown: String = word.chars().take(40).collect();
        format!("{}: unknown option `{shown}`: one of {known}", self.command)
    }

    fn port(&self, text: &str) -> Result<u16> {
        let found = text.parse().ok().filter(|port| *port != 0);
        found.ok_or_else(|| format!("{}: `{text}` is no port: take one from 1 to 65535", self.command))
    }

    fn address(&self, text: &str) -> Result<IpAddr> {
        IpAddr::from_str(text)
            .map_err(|_| format!("{}: `{text}` is neither an address nor a host's name", self.command))
    }
}

/// Starts a task whose output is the command's.
fn run(host: &mut Host, cx: &mut Cx<'_>, task: Task, tag: Tag, listening: Option<u16>) -> Result<Reply> {
    let (net, _) = host.net_mut();
    let task = net.start(task, tag);
    if let (Some(port), Some(running)) = (listening, net.task_mut(task)) {
        running.listening.push(port);
    }
    host.run_net(cx);
    host.prompt.last += 1;
    let id = SessionId(host.prompt.last);
    host.prompt.sessions.insert(id, Session { what: Running::Task(task), told: 0 });
    // What needs no answer is over by now.
    Ok(host.session_output(id).map_or(Reply::Running(id), Reply::Done))
}

/// `nc`, in the words of netcat-openbsd.
pub(super) fn nc(host: &mut Host, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Result<Reply> {
    const OPTIONS: &str = "-u -l -k -v -z -w -p -e";
    const USAGE: &str =
        "usage: nc [-uvz] [-w SECONDS] HOST PORT [TEXT ...], or nc -l [-ukv] [-e echo|discard|chargen] PORT";
    let mut words = Words { command: "nc", words };
    let (mut udp, mut listen, mut keep, mut verbose, mut scan) = (false, false, false, false, false);
    let (mut wait, mut service, mut port) = (None, None, None);
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix('-').filter(|letters| !letters.is_empty() && rest.len() < 2) {
            None => rest.push(word),
            Some("w") => wait = Some(words.seconds(word)?),
            Some("p") => port = Some(words.value(word)?),
            Some("e") => {
                let name = words.value(word)?;
                service = Some(service_named(&words, name)?);
            }
            Some(letters) => {
                for letter in letters.chars() {
                    match letter {
                        'u' => udp = true,
                        'l' => listen = true,
                        'k' => keep = true,
                        'v' => verbose = true,
                        'z' => scan = true,
                        'n' | 'N' => {}
                        _ => return Err(words.unknown(word, OPTIONS)),
                    }
                }
            }
        }
    }
    let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
    if listen {
        let port = port.or(rest.last().copied()).ok_or(USAGE)?;
        let port = words.port(port)?;
        if keep || service.is_some() {
            let service = service.unwrap_or(Service::Print);
            host.serve_typed(protocol, port, service).map_err(|error| format!("nc: {error}"))?;
            return Ok(Reply::Done(if verbose { format!("Listening on 0.0.0.0 {port}\n") } else { String::new() }));
        }
        let (net, stack) = host.net_mut();
        net.servers.lend(&mut net.sockets, stack, protocol, port).map_err(|error| format!("nc: {error}"))?;
        let netcat = Netcat::new(Mode::Listen { port }, protocol, verbose, wait);
        return run(host, cx, Task::Netcat(Box::new(netcat)), tag, Some(port));
    }
    let [to, ports, text @ ..] = rest.as_slice() else { return Err(USAGE.into()) };
    let to = words.address(to)?;
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (words.port(first)?, words.port(last)?);
    let mode = if scan || first != last {
        if last < first {
            return Err(format!("nc: `{ports}` ends before it begins: `{last}-{first}`"));
        }
        Mode::Scan { to, first, last }
    } else {
        let text = if text.is_empty() { String::new() } else { text.join(" ") + "\n" };
        Mode::Send { to: SocketAddr::new(to, first), text }
    };
    run(host, cx, Task::Netcat(Box::new(Netcat::new(mode, protocol, verbose, wait))), tag, None)
}

fn service_named(words: &Words<'_>, name: &str) -> Result<Service> {
    match name {
        "echo" => Ok(Service::Echo),
        "discard" => Ok(Service::Discard),
        "chargen" => Ok(Service::Chargen),
        _ => Err(format!("{}: unknown service `{name}`: one of echo, discard, chargen", words.command)),
    }
}

/// `listen tcp|udp PORT [SERVICE]`.
pub(super) fn listen(host: &mut Host, words: &[&str]) -> Result<Reply> {
    let words = Words { command: "listen", words };
    let [protocol, port, service @ ..] = words.words else {
        return Err("usage: listen tcp|udp PORT [echo|discard|chargen]".into());
    };
    let (protocol, port) = (protocol_named(&words, protocol)?, words.port(port)?);
    let service = service_named(&words, service.first().copied().unwrap_or("echo"))?;
    host.serve_typed(protocol, port, service).map_err(|error| format!("listen: {error}"))?;
    Ok(Reply::Done(String::new()))
}

/// `close tcp|udp PORT`.
pub(super) fn close(host: &mut Host, cx: &mut Cx<'_>, words: &[&str]) -> Result<Reply> {
    let words = Words { command: "close", words };
    let [protocol, port] = words.words else { return Err("usage: close tcp|udp PORT".into()) };
    let (protocol, port) = (protocol_named(&words, protocol)?, words.port(port)?);
    match host.stop_serving(cx, protocol, port) {
        true => Ok(Reply::Done(String::new())),
        false => Err(format!("close: nothing serves {protocol} port {port}: `show sockets` lists what listens")),
    }
}

fn protocol_named(words: &Words<'_>, name: &str) -> Result<Protocol> {
    match name {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        _ => Err(format!("{}: `{name}` is neither tcp nor udp", words.command)),
    }
}

/// `http PORT`, `http get URL`.
pub(super) fn http(host: &mut Host, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Result<Reply> {
    match words {
        ["get", url] => fetch(host, cx, "http", url, false, Print::StatusAndBody, Duration::from_secs(10), tag),
        [port] => {
            let port = Words { command: "http", words }.port(port)?;
            host.serve_typed(Protocol::Tcp, port, Service::Http).map_err(|error| format!("http: {error}"))?;
            Ok(Reply::Done(String::new()))
        }
        _ => Err("usage: http PORT, or http get URL".into()),
    }
}

/// `curl`.
pub(super) fn curl(host: &mut Host, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Result<Reply> {
    let mut words = Words { command: "curl", words };
    let (mut head, mut print, mut wait, mut found) = (false, Print::Body, Duration::from_secs(10), None);
    while let Some(word) = words.next() {
        match word {
            "-I" | "--head" => (head, print) = (true, Print::Whole),
            "-i" | "--include" => print = Print::Whole,
            "-v" | "--verbose" => print = Print::Verbose,
            "-s" | "--silent" => {}
            "-m" | "--max-time" | "--connect-timeout" => wait = words.seconds(word)?,
            option if option.starts_with('-') => return Err(words.unknown(option, "-I -i -v -s -m")),
            url if found.is_none() => found = Some(url),
            more => return Err(format!("curl: one URL at a time, found `{more}` as well")),
        }
    }
    let url = found.ok_or("usage: curl [-I] [-i] [-v] [-m SECONDS] URL")?;
    fetch(host, cx, "curl", url, head, print, wait, tag)
}

#[allow(clippy::too_many_arguments, reason = "two callers; a struct would be read once")]
fn fetch(
    host: &mut Host,
    cx: &mut Cx<'_>,
    command: &str,
    url: &str,
    head: bool,
    print: Print,
    timeout: Duration,
    tag: Tag,
) -> Result<Reply> {
    let (to, name, path) = parse_url(command, url)?;
    let request = HttpRequest { to, host: name, path, head, timeout, tag };
    run(host, cx, Task::Http(Box::new(Http::new(request, print))), tag, None)
}

/// The peer, the `Host` header and the path of a URL.
fn parse_url(command: &str, url: &str) -> Result<(SocketAddr, String, String)> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    if let Some((scheme, _)) = rest.split_once("://") {
        return Err(format!("{command}: (1) Protocol \"{scheme}\" not supported: only http"));
    }
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (name, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((name, port)) => (name, port.strip_prefix(':')),
        None if authority.parse::<Ipv6Addr>().is_ok() => (authority, None),
        None => authority.split_once(':').map_or((authority, None), |(name, port)| (name, Some(port))),
    };
    let ip = IpAddr::from_str(name).map_err(|_| format!("{command}: (6) Could not resolve host: {name}"))?;
    let words = Words { command: "curl", words: &[] };
    let port = port.map_or(Ok(80), |port| words.port(port))?;
    Ok((SocketAddr::new(ip, port), authority.into(), path.into()))
}

/// `iperf`, in the words of iperf 2.
pub(super) fn iperf(host: &mut Host, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Result<Reply> {
    const OPTIONS: &str = "-s -c -u -p -b -t -i -n -l -P -w -1";
    const USAGE: &str = "usage: iperf -s [-u] [-p PORT] [-1], or iperf -c HOST [-u] [-b RATE] [-t SECONDS] [-i SECONDS] [-n BYTES] \
         [-l BYTES] [-p PORT] [-P STREAMS] [-w BYTES]";
    let mut words = Words { command: "iperf", words };
    let (mut server, mut once, mut to, mut protocol) = (false, false, None, Protocol::Tcp);
    let mut config = TransferConfig::new([0, 0, 0, 0].into(), Protocol::Tcp, tag);
    let mut size = None;
    while let Some(word) = words.next() {
        match word {
            "-s" => server = true,
            "-1" => once = true,
            "-u" => protocol = Protocol::Udp,
            "-c" => {
                let text = words.value(word)?;
                to = Some(words.address(text)?);
            }
            "-p" => {
                let text = words.value(word)?;
                config.port = words.port(text)?;
            }
            "-b" => config.rate = Some(words.quantity(word, 1)?),
            "-t" => config.duration = words.seconds(word)?,
            "-i" => config.interval = Some(words.seconds(word)?),
            "-n" => config.bytes = Some(words.quantity(word, 1)?),
            "-w" => config.buffer = words.quantity(word, 4096)?.min(sockets::MAX_BUFFER.into()) as u32,
            "-l" => size = Some(words.number(word, 52, 65507)? as u16),
            "-P" => config.streams = words.number(word, 1, MAX_STREAMS)? as u8,
            option => return Err(words.unknown(option, OPTIONS)),
        }
    }
    match (server, to) {
        (true, None) => {
            host.serve_typed(protocol, config.port, Service::Iperf).map_err(|error| format!("iperf: {error}"))?;
            if once {
                host.net_mut().0.servers.serve_once(protocol, config.port);
            }
            let text = opening("Server listening on", protocol, config.port, IPERF_BUFFER);
            Ok(Reply::Done(text + RULE))
        }
        (false, Some(to)) => {
            // IPv6 has a longer header.
            config.size = size.unwrap_or(if to.is_ipv4() { 1470 } else { 1450 });
            (config.to, config.protocol) = (to, protocol);
            run(host, cx, Task::Transfer(Box::new(Transfer::new(config))), tag, None)
        }
        _ => Err(USAGE.into()),
    }
}

/// VPCS's `trace`.
pub(super) fn trace(host: &mut Host, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Result<Reply> {
    let mut words = Words { command: "trace", words };
    let (mut ask, mut max, mut found) = (Ask::Udp, 8, None);
    while let Some(word) = words.next() {
        match word {
            "-P" => {
                ask = match words.value(word)? {
                    "udp" | "17" => Ask::Udp,
                    "icmp" | "1" => Ask::Icmp,
                    other => return Err(format!("trace: `-P` takes udp or icmp, found `{other}`")),
                };
            }
            "-m" => max = words.number(word, 1, 64)? as u8,
            option if option.starts_with('-') => return Err(words.unknown(option, "-P -m")),
            to if found.is_none() => found = Some(words.address(to)?),
            more => return Err(format!("trace: one host at a time, found `{more}` as well")),
        }
    }
    let to = found.ok_or("usage: trace HOST [-P udp|icmp] [-m HOPS]")?;
    // Pings count their identifiers up from below.
    let ident = 0xffff - (host.prompt.last % 0x4000) as u16;
    run(host, cx, Task::Trace(Trace::new(to, ask, max, ident)), tag, None)
}

/// What listens and what is connected, as netstat(8) lists it.
pub(super) fn show_sockets(host: &Host) -> String {
    let mut text = String::from("Proto Local Address                Foreign Address              State\n");
    let mut row = |protocol: &str, local: &str, remote: &str, state: &str| {
        let line = format!("{protocol:5} {local:28} {remote:28} {state}");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    let Some(net) = host.net() else { return text };
    let service = |protocol, port| {
        let found = net.servers.ports().find(|(p, at, _)| (*p, *at) == (protocol, port));
        found.map_or(String::new(), |(.., service)| format!(" ({service})"))
    };
    for (port, listener) in net.sockets.listeners() {
        let mut state = format!("LISTEN{}", service(Protocol::Tcp, port));
        if listener.overflows > 0 {
            let _ = write!(state, ", {} SYNs dropped", listener.overflows);
        }
        row("tcp", &format!("*:{port}"), "*:*", &state);
    }
    for (_, connection) in net.sockets.connections() {
        let (local, remote) = (connection.local().to_string(), connection.remote().to_string());
        row("tcp", &local, &remote, &connection.state().to_string());
    }
    for (_, port, service) in net.servers.ports().filter(|(protocol, ..)| *protocol == Protocol::Udp) {
        row("udp", &format!("*:{port}"), "*:*", &format!("({service})"));
    }
    text
}
