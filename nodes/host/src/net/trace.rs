//! VPCS's `trace`: datagrams, or echo requests, with a time to live of 1, 2, 3 and so on; who answers stands on the way.

use core::fmt::Write;
use core::net::{IpAddr, SocketAddr};

use inet::{Echo, IcmpError};
use sim_core::{Duration, Time};

use crate::net::{Deferred, Step};

/// How a trace asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Udp,
    Icmp,
}

/// The port that the first datagram goes to; each further one goes to the next, as traceroute(8) has it.
const FIRST_PORT: u16 = 33434;
/// Questions for each time to live.
const TRIES: u8 = 3;
/// How long to wait for each answer.
const WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Trace {
    to: IpAddr,
    ask: Ask,
    max: u8,
    /// The echo requests' identifier.
    pub(crate) ident: u16,
    port: u16,
    ttl: u8,
    tries: u8,
    sent: Option<Time>,
    number: u16,
    heard: Option<Heard>,
    /// Who answered on this line so far.
    shown: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    from: IpAddr,
    after: Duration,
    error: Option<IcmpError>,
}

impl Trace {
    pub(crate) fn new(to: IpAddr, ask: Ask, max: u8, ident: u16) -> Self {
        Self { to, ask, max, ident, port: 0, ttl: 1, tries: 0, sent: None, number: 0, heard: None, shown: None }
    }

    pub(crate) fn step(&mut self, step: &mut Step<'_, '_>) -> bool {
        let now = step.cx.now;
        if self.number == 0 {
            let (to, max) = (self.to, self.max);
            let _ = writeln!(step.text, "trace to {to}, {max} hops max, press Ctrl+C to stop");
            if self.ask == Ask::Udp {
                self.port = step.open_port();
            }
        }
        if let Some(sent) = self.sent {
            if self.heard.is_none() && now < sent + WAIT {
                step.alarm = sent + WAIT;
                return false;
            }
            if self.told(step) {
                return true;
            }
        }
        self.tries += 1;
        self.number = self.number.wrapping_add(1).max(1);
        self.sent = Some(now);
        let result = match self.ask {
            Ask::Udp => {
                let to = SocketAddr::new(self.to, FIRST_PORT + self.number % 1000);
                step.send_datagram(self.port, to, self.ttl, &[0; 32])
            }
            Ask::Icmp => {
                let echo = Echo {
                    to: self.to,
                    ident: self.ident,
                    seq: self.number,
                    size: 56,
                    ttl: self.ttl,
                    dont_fragment: false,
                    tag: step.tag,
                    interface: None,
                };
                // What is displaced by it is told to nobody: there is no ping to tell.
                step.stack.send_echo(step.cx, &echo, &mut Deferred::default())
            }
        };
        if result.is_err() {
            let _ =
                writeln!(step.text, "*{} not reachable: no route; `ip ADDRESS/LEN GATEWAY` sets a gateway", self.to);
            return true;
        }
        step.alarm = now + WAIT;
        false
    }

    /// Prints what became of a question; true if the trace is over.
    fn told(&mut self, step: &mut Step<'_, '_>) -> bool {
        if self.tries == 1 {
            let _ = write!(step.text, "{:2}   ", self.ttl);
            self.shown = None;
        }
        match self.heard.take() {
            None => step.text.push_str(if self.tries == 1 { "*" } else { "  *" }),
            Some(Heard { from, after, error }) => {
                let time = after.as_nanos() as f64 / 1e6;
                let there = from == self.to;
                if let (true, Some(error)) = (there, error) {
                    let (kind, code) = numbers(error, from.is_ipv4());
                    let _ = writeln!(step.text, "*{from}   {time:.3} ms (ICMP type:{kind}, code:{code}, {error})");
                    return true;
                }
                if self.shown.replace(from) != Some(from) {
                    let _ = write!(step.text, "{from}");
                }
                let _ = write!(step.text, "   {time:.3} ms");
                if there && self.tries == TRIES {
                    step.text.push('\n');
                    return true;
                }
                let stopped = error.filter(|error| *error != IcmpError::TimeExceeded);
                if let Some(error) = stopped {
                    let (kind, code) = numbers(error, from.is_ipv4());
                    let _ = writeln!(step.text, " (ICMP type:{kind}, code:{code}, {error})");
                    return true;
                }
            }
        }
        if self.tries == TRIES {
            step.text.push('\n');
            (self.tries, self.ttl) = (0, self.ttl + 1);
        }
        self.sent = None;
        self.ttl > self.max
    }

    /// An answer from the end of the way.
    pub(crate) fn replied(&mut self, now: Time, from: IpAddr, seq: u16) {
        self.hear(now, from, None, seq);
    }

    /// An ICMP error about a question; `place` is its port, or its sequence number.
    pub(crate) fn failed(&mut self, now: Time, from: IpAddr, error: IcmpError, place: u16) {
        let number = if self.ask == Ask::Udp { place.wrapping_sub(FIRST_PORT) } else { place };
        self.hear(now, from, Some(error), number);
    }

    fn hear(&mut self, now: Time, from: IpAddr, error: Option<IcmpError>, number: u16) {
        let asked = if self.ask == Ask::Udp { self.number % 1000 } else { self.number };
        if let Some(sent) = self.sent.filter(|_| number == asked && self.heard.is_none()) {
            self.heard = Some(Heard { from, after: now.since(sent), error });
        }
    }
}

/// An error's ICMP or ICMPv6 type and code (RFC 792, RFC 4443).
fn numbers(error: IcmpError, v4: bool) -> (u8, u8) {
    match (error, v4) {
        (IcmpError::NoRoute, true) => (3, 0),
        (IcmpError::HostUnreachable, true) => (3, 1),
        (IcmpError::ProtocolUnreachable, true) => (3, 2),
        (IcmpError::PortUnreachable, true) => (3, 3),
        (IcmpError::TooBig(_), true) => (3, 4),
        (IcmpError::Prohibited, true) => (3, 13),
        (IcmpError::TimeExceeded, true) => (11, 0),
        (IcmpError::ReassemblyTimeExceeded, true) => (11, 1),
        (IcmpError::NoRoute, false) => (1, 0),
        (IcmpError::Prohibited, false) => (1, 1),
        (IcmpError::HostUnreachable, false) => (1, 3),
        (IcmpError::PortUnreachable, false) => (1, 4),
        (IcmpError::TooBig(_), false) => (2, 0),
        (IcmpError::TimeExceeded, false) => (3, 0),
        (IcmpError::ReassemblyTimeExceeded, false) => (3, 1),
        (IcmpError::ProtocolUnreachable, false) => (4, 1),
        (IcmpError::Other(kind, code), _) => (kind, code),
    }
}
