//! An attempt to reach a port, as checks make them: a TCP handshake, or a UDP datagram that is answered.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use inet::IcmpError;
use sim_core::{Duration, Tag, Time};
use sockets::{ConnectError, ConnectOptions, End, SocketId};

use crate::net::{Step, TTL};

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if *self == Self::Tcp { "tcp" } else { "udp" })
    }
}

/// A port to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptRequest {
    /// Whom to ask.
    pub to: IpAddr,
    /// At which port.
    pub port: u16,
    /// By which protocol.
    pub protocol: Protocol,
    /// How long to wait. SYNs are repeated meanwhile, a datagram each second.
    pub timeout: Duration,
    /// Marks all frames of the attempt, its answers included, and the notice of its end.
    pub tag: Tag,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Nothing yet.
    Pending,
    /// TCP: the connection was opened, and closed at once. UDP: a datagram came back.
    Answered {
        /// How long it took.
        after: Duration,
    },
    /// Nothing listens there: a reset, or an ICMP port unreachable.
    Refused,
    /// Nobody answered in time.
    Timeout,
    /// No route leads there.
    NoRoute,
    /// Nobody answered ARP or ND for the next hop, or an ICMP error said that there is no way.
    Unreachable,
}

/// An attempt that runs, or has ended.
#[derive(Debug)]
pub(crate) struct Attempt {
    to: SocketAddr,
    protocol: Protocol,
    timeout: Duration,
    state: Option<Started>,
    pub(crate) outcome: AttemptOutcome,
}

#[derive(Debug)]
struct Started {
    at: Time,
    socket: Option<SocketId>,
    port: u16,
    sent: u64,
}

/// From one datagram to the next.
const REPEAT: Duration = Duration::from_secs(1);
/// What a datagram says.
const DATA: &[u8] = b"netloom probe\n";

impl Attempt {
    pub(crate) fn new(request: &AttemptRequest) -> Self {
        let AttemptRequest { to, port, protocol, timeout, .. } = *request;
        Self { to: SocketAddr::new(to, port), protocol, timeout, state: None, outcome: AttemptOutcome::Pending }
    }

    pub(crate) fn step(&mut self, step: &mut Step<'_, '_>) -> bool {
        let now = step.cx.now;
        if self.state.is_none() {
            self.begin(step);
        }
        let Some(started) = &mut self.state else { return true };
        if let Some(socket) = started.socket {
            let connection = step.sockets.get(socket);
            let outcome = match connection.map(|connection| (connection.is_open(), connection.end())) {
                Some((true, _)) => Some(AttemptOutcome::Answered { after: now.since(started.at) }),
                Some((_, Some(end))) => Some(outcome_of(end)),
                Some(_) => None,
                None => Some(AttemptOutcome::Timeout),
            };
            if let (AttemptOutcome::Pending, Some(outcome)) = (self.outcome, outcome) {
                self.outcome = outcome;
            }
        }
        let deadline = started.at + self.timeout;
        if self.outcome == AttemptOutcome::Pending && now >= deadline {
            self.outcome = AttemptOutcome::Timeout;
        }
        if self.outcome != AttemptOutcome::Pending {
            if let Some(socket) = started.socket.take() {
                step.released.push(socket);
            }
            return true;
        }
        step.alarm = deadline;
        if self.protocol == Protocol::Udp {
            let next = started.at + REPEAT * started.sent;
            if now >= next {
                started.sent += 1;
                let (port, to) = (started.port, self.to);
                if step.send_datagram(port, to, TTL, DATA).is_err() {
                    self.outcome = AttemptOutcome::NoRoute;
                    return true;
                }
                step.alarm = deadline.min(next + REPEAT);
            } else {
                step.alarm = deadline.min(next);
            }
        }
        false
    }

    fn begin(&mut self, step: &mut Step<'_, '_>) {
        let at = step.cx.now;
        let mut started = Started { at, socket: None, port: 0, sent: 0 };
        match self.protocol {
            Protocol::Udp => started.port = step.open_port(),
            Protocol::Tcp => {
                let options = ConnectOptions { tag: step.tag, ..ConnectOptions::default() };
                match step.sockets.connect(step.cx, step.stack, self.to, options) {
                    Ok(socket) => {
                        started.socket = Some(socket);
                        step.opened.push(socket);
                    }
                    Err(ConnectError::NoRoute(_)) => self.outcome = AttemptOutcome::NoRoute,
                    Err(_) => self.outcome = AttemptOutcome::Unreachable,
                }
            }
        }
        self.state = Some(started);
    }

    pub(crate) fn answered(&mut self, now: Time, from: SocketAddr) {
        if let (AttemptOutcome::Pending, Some(started)) = (self.outcome, &self.state)
            && from == self.to
        {
            self.outcome = AttemptOutcome::Answered { after: now.since(started.at) };
        }
    }

    pub(crate) fn failed(&mut self, _: Time, error: IcmpError, about: SocketAddr) {
        if self.outcome == AttemptOutcome::Pending && about == self.to {
            self.outcome = match error {
                IcmpError::PortUnreachable => AttemptOutcome::Refused,
                IcmpError::TooBig(_) => return,
                _ => AttemptOutcome::Unreachable,
            };
        }
    }
}

/// What the end of a connection that never opened means.
pub(crate) fn outcome_of(end: End) -> AttemptOutcome {
    match end {
        End::Refused => AttemptOutcome::Refused,
        End::Unreachable => AttemptOutcome::Unreachable,
        End::Finished | End::Reset | End::TimedOut => AttemptOutcome::Timeout,
    }
}
