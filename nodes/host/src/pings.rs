//! The pings that run: what each sent, what it waits for, when it acts next.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use inet::{Echo, SendError};
use sim_core::{Cx, Duration, Tag, Time};

use crate::ping::{Outcome, PingId, PingRequest, PingStatus, Probe};

/// How a ping goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A request each interval, whatever became of those before.
    Steady,
    /// As at VPCS's prompt: a request when the one before it is decided, no timeout while the next hop is still being
    /// asked for, and the end if that doesn't answer.
    Patient,
}

/// What a ping wants done.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send this request.
    Send(Echo),
    /// The time for this reply is over: is its next hop still being asked for?
    Expire(u16, IpAddr),
}

/// The pings of a host, by the identifier that their requests carry.
#[derive(Debug, Default)]
pub(crate) struct Pings {
    sessions: BTreeMap<u16, Session>,
    /// When each session that isn't finished acts next.
    alarms: BTreeSet<(Time, u16)>,
    last: u64,
}

#[derive(Debug)]
struct Session {
    id: PingId,
    request: PingRequest,
    pace: Pace,
    status: PingStatus,
    /// The first request whose outcome may be open.
    first_open: usize,
    /// When the next request leaves.
    next_send: Time,
    /// Time that was added to the wait for the first open request.
    patience: Duration,
    alarm: Time,
}

impl Pings {
    /// No pings yet. Identifiers count from one that depends on the host's name, so that the requests of two hosts on
    /// one wire differ.
    pub(crate) fn new(host: &str) -> Self {
        let last = host.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self { last: last & 0xffff, ..Self::default() }
    }

    /// Enters a ping whose first request is due now.
    ///
    /// `None` if there are as many pings as identifiers.
    pub(crate) fn start(&mut self, now: Time, request: PingRequest, pace: Pace) -> Option<PingId> {
        if self.sessions.len() > usize::from(u16::MAX) {
            return None;
        }
        self.last += 1;
        while self.sessions.contains_key(&ident(PingId(self.last))) {
            self.last += 1;
        }
        let id = PingId(self.last);
        let status = PingStatus { to: request.to, sent: 0, received: 0, probes: Vec::new(), finished: false };
        let session =
            Session { id, request, pace, status, first_open: 0, next_send: now, patience: Duration::ZERO, alarm: now };
        self.sessions.insert(ident(id), session);
        self.alarms.insert((now, ident(id)));
        Some(id)
    }

    pub(crate) fn status(&self, id: PingId) -> Option<&PingStatus> {
        self.sessions.get(&ident(id)).filter(|session| session.id == id).map(|session| &session.status)
    }

    pub(crate) fn forget(&mut self, id: PingId) -> Option<PingStatus> {
        self.status(id)?;
        let session = self.sessions.remove(&ident(id))?;
        self.alarms.remove(&(session.alarm, ident(id)));
        Some(session.status)
    }

    /// When [`Pings::due`] has something to do.
    #[inline]
    pub(crate) fn next_wake(&self) -> Time {
        self.alarms.first().map_or(Time::NEVER, |(time, _)| *time)
    }

    /// What is to be done at `now`, timeouts of a session before its next request.
    pub(crate) fn due(&mut self, now: Time) -> Option<(PingId, Step)> {
        loop {
            let &(time, ident) = self.alarms.first()?;
            if time > now {
                return None;
            }
            let session = self.sessions.get_mut(&ident).expect("an alarm goes with its session");
            if session.expiry().is_some_and(|expiry| expiry <= now) {
                return Some((session.id, Step::Expire(session.first_open as u16 + 1, session.request.to)));
            }
            let step = session.wants_to_send().filter(|at| *at <= now).map(|_| session.send(now, ident));
            let id = session.id;
            self.reschedule(ident);
            if let Some(echo) = step {
                return Some((id, Step::Send(echo)));
            }
        }
    }

    /// The wait for a reply is over: a timeout, or more patience if the next hop is still being asked for.
    pub(crate) fn expire(&mut self, cx: &mut Cx<'_>, id: PingId, seq: u16, resolving: bool) {
        let Some(session) = self.sessions.get_mut(&ident(id)) else { return };
        if session.pace == Pace::Patient && resolving {
            session.patience += inet::RETRY_INTERVAL;
            self.reschedule(ident(id));
        } else {
            self.settle(cx, ident(id), seq, Outcome::Timeout);
        }
    }

    /// An echo reply came in.
    pub(crate) fn replied(&mut self, cx: &mut Cx<'_>, ident: u16, seq: u16, from: IpAddr, ttl: u8) {
        let Some(session) = self.sessions.get(&ident) else { return };
        let to = session.request.to;
        let group = to.is_multicast() || matches!(to, IpAddr::V4(to) if to.is_broadcast());
        if from != to && !group {
            return;
        }
        if let Some(probe) = session.status.probe(seq) {
            let rtt = cx.now.since(probe.sent);
            self.settle(cx, ident, seq, Outcome::Reply { rtt, ttl });
        }
    }

    /// A request to `to` came to nothing.
    pub(crate) fn failed(&mut self, cx: &mut Cx<'_>, ident: u16, seq: u16, to: IpAddr, outcome: Outcome) {
        if self.sessions.get(&ident).is_some_and(|session| session.request.to == to) {
            self.settle(cx, ident, seq, outcome);
        }
    }

    /// A request could not be sent.
    pub(crate) fn refused(&mut self, cx: &mut Cx<'_>, id: PingId, seq: u16, error: SendError) {
        let outcome = match error {
            SendError::NoRoute(_) | SendError::TooLong => Outcome::NoRoute,
            SendError::TooBig(mtu) => Outcome::TooBig { mtu },
        };
        self.settle(cx, ident(id), seq, outcome);
    }

    /// Decides an open request.
    pub(crate) fn settle(&mut self, cx: &mut Cx<'_>, ident: u16, seq: u16, outcome: Outcome) {
        let Some(session) = self.sessions.get_mut(&ident) else { return };
        let at = usize::from(seq).wrapping_sub(1);
        let Some(probe) = session.status.probes.get_mut(at).filter(|probe| probe.outcome == Outcome::Pending) else {
            return;
        };
        probe.outcome = outcome;
        let (sent, count) = (session.status.sent, session.request.count);
        session.status.received += u32::from(matches!(outcome, Outcome::Reply { .. }));
        while session.status.probes.get(session.first_open).is_some_and(|probe| probe.outcome != Outcome::Pending) {
            session.first_open += 1;
            session.patience = Duration::ZERO;
        }
        let given_up = session.pace == Pace::Patient && matches!(outcome, Outcome::NoNeighbor(_));
        session.status.finished = given_up || (sent == count && session.first_open == sent as usize);
        session.next_send = session.next_send.max(cx.now);
        let tag = session.request.tag;
        self.reschedule(ident);
        if tag != Tag::NONE {
            cx.out.notice(tag);
        }
    }

    /// Sets the session's alarm to when it acts next.
    fn reschedule(&mut self, ident: u16) {
        let Some(session) = self.sessions.get_mut(&ident) else { return };
        let next = match session.status.finished {
            true => Time::NEVER,
            false => {
                let send = session.wants_to_send().unwrap_or(Time::NEVER);
                send.min(session.expiry().unwrap_or(Time::NEVER))
            }
        };
        if next != session.alarm {
            self.alarms.remove(&(session.alarm, ident));
            if next != Time::NEVER {
                self.alarms.insert((next, ident));
            }
            session.alarm = next;
        }
    }
}

/// The identifier that a ping's requests carry.
fn ident(id: PingId) -> u16 {
    id.0 as u16
}

impl Session {
    /// When the next request leaves, if one is left and may.
    fn wants_to_send(&self) -> Option<Time> {
        let open = self.first_open < self.status.probes.len();
        let may = self.status.sent < self.request.count && !(self.pace == Pace::Patient && open);
        may.then_some(self.next_send)
    }

    /// When the first open request's time is over.
    fn expiry(&self) -> Option<Time> {
        self.status.probes.get(self.first_open).map(|probe| probe.sent + self.request.timeout + self.patience)
    }

    /// Notes the next request as sent.
    fn send(&mut self, now: Time, ident: u16) -> Echo {
        self.status.sent += 1;
        self.status.probes.push(Probe { sent: now, outcome: Outcome::Pending });
        self.next_send = now + self.request.interval.max(Duration::from_nanos(1));
        let PingRequest { to, size, ttl, dont_fragment, tag, interface, .. } = self.request;
        let seq = self.status.sent as u16;
        Echo { to, ident, seq, size, ttl, dont_fragment, tag, interface }
    }
}
