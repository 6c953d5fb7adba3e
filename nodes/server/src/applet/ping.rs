//! `ping` of iputils (ping(8)), in its words. One that nobody stops would never end here, so without `-c` and `-w` it
//! sends five requests, as VPCS's does.

use core::net::IpAddr;
use std::collections::BTreeSet;

use host::{Outcome, PingError, PingRequest, PingStatus, Reply};
use inet::IcmpError;
use sim_core::{Cx, Duration, Time};

use super::words::shown;
use super::{Answer, Failure, Line};
use crate::Server;
use crate::session::PingSession;

/// How many requests are sent if nobody says.
const DEFAULT_COUNT: u32 = 5;
/// How long a reply is waited for if nobody says: so long that a neighbour that doesn't answer is told of.
const LINGER: Duration = Duration::from_secs(10);

/// How a ping is printed.
#[derive(Clone, Debug)]
pub(crate) struct PingText {
    /// The first line.
    head: String,
    size: u16,
    quiet: bool,
    /// Who speaks: what fails on the way out is said by it.
    src: Option<IpAddr>,
}

/// What of a ping was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    head: bool,
    /// All requests before this one.
    below: usize,
    /// Of those behind it, the ones that overtook it.
    others: BTreeSet<usize>,
}

struct Options {
    request: PingRequest,
    has_count: bool,
    deadline: Option<Duration>,
    quiet: bool,
    /// What `-I` says.
    from: Option<String>,
}

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let Options { mut request, has_count, deadline, quiet, from } = options(line)?;
    if !has_count {
        request.count = if deadline.is_some() { u32::from(u16::MAX) } else { DEFAULT_COUNT };
    }
    let (to, size) = (request.to, request.size);
    if let Some(name) = &from {
        let by_address = || {
            let address: IpAddr = name.parse().ok()?;
            server.host.addresses().find(|(_, own)| own.address() == address).map(|(ix, _)| ix)
        };
        let unknown = || Failure::new(2, format!("ping: unknown iface: {}", shown(name)));
        request.interface = Some(server.interface_named(name).or_else(by_address).ok_or_else(unknown)?);
    }
    let src = server.host.stack().source_to(to, request.interface);
    let of = match (&from, src) {
        (Some(name), Some(src)) => format!(" from {src} {name}:"),
        _ => String::new(),
    };
    let head = match to {
        IpAddr::V4(_) => format!("PING {to} ({to}){of} {size}({}) bytes of data.\n", u32::from(size) + 28),
        IpAddr::V6(_) => format!("PING {to}({to}){of} {size} data bytes\n"),
    };
    let text = PingText { head, size, quiet, src };
    let ping = server.with_host(cx, |host, cx| host.ping(cx, request)).map_err(|error| match error {
        PingError::NoRoute(_) => Failure::new(2, "ping: connect: Network is unreachable"),
        error => Failure::new(1, format!("ping: {error}")),
    })?;
    let deadline = deadline.map_or(Time::NEVER, |deadline| cx.now + deadline);
    let id = server.sessions.start_ping(PingSession { ping, text, told: Told::default(), deadline, tag: line.tag });
    // A ping of an own address may be over by now.
    Ok(server.end_session(id, false).map_or(Reply::Running(id), Reply::Done))
}

fn options(line: &Line<'_>) -> Result<Options, Failure> {
    // Refused below if nobody names a better one.
    let nobody = IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED);
    let mut options = Options {
        request: PingRequest { timeout: LINGER, ..PingRequest::new(nobody, line.tag) },
        has_count: false,
        deadline: None,
        quiet: false,
        from: None,
    };
    let mut v6 = (line.program == "ping6").then_some(true);
    let mut target = None;
    let mut words = line.words.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            match target {
                None => target = Some(*word),
                Some(_) => return Err(Failure::new(2, format!("ping: {}: one destination at a time", shown(word)))),
            }
            continue;
        };
        for (at, letter) in letters.char_indices() {
            match letter {
                '4' => v6 = Some(false),
                '6' => v6 = Some(true),
                'q' => options.quiet = true,
                'n' | 'v' | 'b' | 'D' | 'O' | 'B' | 'r' | 'A' | 'U' => {}
                'c' | 's' | 'i' | 'W' | 'w' | 't' | 'I' | 'M' | 'p' | 'Q' | 'l' | 'S' | 'm' => {
                    let rest = &letters[at + 1..];
                    let missing = || Failure::new(2, format!("ping: option requires an argument -- '{letter}'"));
                    let value = if rest.is_empty() { words.next().copied().ok_or_else(missing)? } else { rest };
                    set(&mut options, letter, value)?;
                    break;
                }
                letter => return Err(Failure::new(2, format!("ping: invalid option -- '{letter}'"))),
            }
        }
    }
    let target = target.ok_or_else(|| Failure::new(1, "ping: usage error: Destination address required"))?;
    let unknown = || Failure::new(2, format!("ping: {}: Name or service not known", shown(target)));
    options.request.to = target.parse().map_err(|_| unknown())?;
    if v6.is_some_and(|v6| v6 != options.request.to.is_ipv6()) {
        let family = format!("ping: {target}: Address family for hostname not supported");
        return Err(Failure::new(2, family));
    }
    Ok(options)
}

fn set(options: &mut Options, letter: char, value: &str) -> Result<(), Failure> {
    let invalid = || Failure::new(1, format!("ping: invalid argument: '{}'", shown(value)));
    let number = |low: u32, high: u32| {
        let number: u32 = value.parse().map_err(|_| invalid())?;
        let range = || {
            let value = shown(value);
            Failure::new(1, format!("ping: invalid argument: '{value}': out of range: {low} <= value <= {high}"))
        };
        (low..=high).contains(&number).then_some(number).ok_or_else(range)
    };
    let request = &mut options.request;
    match letter {
        'c' => (request.count, options.has_count) = (number(1, u16::MAX.into())?, true),
        's' => request.size = number(0, 65507)? as u16,
        't' => request.ttl = number(1, 255)? as u8,
        'i' => request.interval = seconds(value).ok_or_else(invalid)?,
        'W' => request.timeout = seconds(value).ok_or_else(invalid)?,
        'w' => options.deadline = Some(seconds(value).ok_or_else(invalid)?),
        'I' => options.from = Some(value.to_owned()),
        'M' => {
            request.dont_fragment = match value {
                "do" | "probe" => true,
                "want" | "dont" => false,
                _ => return Err(Failure::new(2, format!("ping: invalid -M argument: {}", shown(value)))),
            }
        }
        // The pattern, the class and the buffers change nothing here.
        _ => {}
    }
    Ok(())
}

/// Seconds with a fraction, at least a microsecond and at most a day.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (seconds.is_finite() && (0.0..=86_400.0).contains(&seconds))
        .then(|| Duration::from_micros(((seconds * 1e6) as u64).max(1)))
}

impl PingText {
    /// What it prints by now beyond what was told: each reply as it came.
    pub(crate) fn news(&self, status: &PingStatus, told: &mut Told) -> String {
        let mut text = if core::mem::replace(&mut told.head, true) { String::new() } else { self.head.clone() };
        for (i, probe) in status.probes.iter().enumerate().skip(told.below) {
            if probe.outcome == Outcome::Pending || !told.others.insert(i) {
                continue;
            }
            let seq = i + 1;
            let line = match probe.outcome {
                Outcome::Pending | Outcome::Timeout => None,
                Outcome::Reply { rtt, ttl } => {
                    let bytes = u32::from(self.size) + 8;
                    let to = status.to;
                    Some(format!(
                        "{bytes} bytes from {to}: icmp_seq={seq} ttl={ttl} time={} ms",
                        time(rtt.as_nanos() / 1000)
                    ))
                }
                outcome => Some(self.failure(outcome, seq, status.to)),
            };
            if let Some(line) = line.filter(|_| !self.quiet) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        while told.others.remove(&told.below) {
            told.below += 1;
        }
        text
    }

    /// The last lines.
    pub(crate) fn statistics(&self, status: &PingStatus) -> String {
        let (mut errors, mut rtts, mut last) = (0, Vec::new(), Time::ZERO);
        for probe in &status.probes {
            last = last.max(probe.sent);
            match probe.outcome {
                Outcome::Reply { rtt, .. } => {
                    last = last.max(probe.sent + rtt);
                    rtts.push(rtt.as_nanos() / 1000);
                }
                Outcome::Pending | Outcome::Timeout => {}
                _ => errors += 1,
            }
        }
        let (sent, received) = (status.sent, status.received);
        let lost = (100 * (sent - received.min(sent))).checked_div(sent).unwrap_or(0);
        let errors = if errors > 0 { format!(", +{errors} errors") } else { String::new() };
        let first = status.probes.first().map_or(last, |probe| probe.sent);
        let elapsed = last.since(first).as_millis();
        format!(
            "\n--- {} ping statistics ---\n\
             {sent} packets transmitted, {received} received{errors}, {lost}% packet loss, time {elapsed}ms\n{}\n",
            status.to,
            round_trips(&rtts)
        )
    }

    fn failure(&self, outcome: Outcome, seq: usize, to: IpAddr) -> String {
        let src = self.src.map_or_else(|| to.to_string(), |src| src.to_string());
        match outcome {
            Outcome::NoNeighbor(_) if to.is_ipv4() => format!("From {src} icmp_seq={seq} Destination Host Unreachable"),
            Outcome::NoNeighbor(_) => {
                format!("From {src} icmp_seq={seq} Destination unreachable: Address unreachable")
            }
            Outcome::TooBig { mtu } => format!("ping: local error: message too long, mtu={mtu}"),
            Outcome::Error { from, error } => format!("From {from} icmp_seq={seq} {}", words(error, to.is_ipv6())),
            _ => "ping: sendmsg: Network is unreachable".to_owned(),
        }
    }
}

/// iputils' words for an ICMP error.
fn words(error: IcmpError, v6: bool) -> String {
    let text = match (error, v6) {
        (IcmpError::NoRoute, false) => "Destination Net Unreachable",
        (IcmpError::HostUnreachable, false) => "Destination Host Unreachable",
        (IcmpError::ProtocolUnreachable, false) => "Destination Protocol Unreachable",
        (IcmpError::PortUnreachable, false) => "Destination Port Unreachable",
        (IcmpError::Prohibited, false) => "Packet filtered",
        (IcmpError::TooBig(mtu), false) => return format!("Frag needed and DF set (mtu = {mtu})"),
        (IcmpError::TimeExceeded, false) => "Time to live exceeded",
        (IcmpError::ReassemblyTimeExceeded, false) => "Frag reassembly time exceeded",
        (IcmpError::NoRoute, true) => "Destination unreachable: No route",
        (IcmpError::HostUnreachable, true) => "Destination unreachable: Address unreachable",
        (IcmpError::PortUnreachable, true) => "Destination unreachable: Port unreachable",
        (IcmpError::Prohibited, true) => "Destination unreachable: Administratively prohibited",
        (IcmpError::ProtocolUnreachable, true) => "Parameter problem: Unknown Header",
        (IcmpError::TooBig(mtu), true) => return format!("Packet too big: mtu={mtu}"),
        (IcmpError::TimeExceeded, true) => "Time exceeded: Hop limit",
        (IcmpError::ReassemblyTimeExceeded, true) => "Time exceeded: Defragmentation failure",
        (IcmpError::Other(kind, code), _) => return format!("Bad ICMP type: {kind}, code {code}"),
    };
    text.to_owned()
}

/// Microseconds as milliseconds, with as many decimals as iputils gives them.
fn time(us: u64) -> String {
    match us {
        99_950.. => format!("{}", (us + 500) / 1000),
        9_995.. => format!("{}.{}", (us + 50) / 1000, (us + 50) % 1000 / 100),
        1_000.. => format!("{}.{:02}", (us + 5) / 1000, (us + 5) % 1000 / 10),
        _ => format!("0.{us:03}"),
    }
}

/// The last line, of round-trip times in microseconds.
fn round_trips(rtts: &[u64]) -> String {
    let (Some(least), Some(most)) = (rtts.iter().min(), rtts.iter().max()) else { return String::new() };
    let count = rtts.len() as u128;
    let sum: u128 = rtts.iter().map(|us| u128::from(*us)).sum();
    let squares: u128 = rtts.iter().map(|us| u128::from(*us) * u128::from(*us)).sum();
    let average = sum / count;
    let deviation = (squares.saturating_sub(sum * sum / count) / count).isqrt();
    let ms = |us: u128| format!("{}.{:03}", us / 1000, us % 1000);
    let (least, most) = (ms((*least).into()), ms((*most).into()));
    format!("rtt min/avg/max/mdev = {least}/{}/{most}/{} ms", ms(average), ms(deviation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_decimals_that_iputils_gives_them() {
        for (us, text) in [(40, "0.040"), (999, "0.999"), (1234, "1.23"), (12_345, "12.3"), (123_456, "123")] {
            assert_eq!(time(us), text);
        }
        assert_eq!(round_trips(&[23, 44]), "rtt min/avg/max/mdev = 0.023/0.033/0.044/0.010 ms");
    }
}
