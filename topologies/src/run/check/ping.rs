//! `ping` and `reach`: echo requests until they are answered.
//!
//! A try is `count` requests, evenly spaced; a new one starts each second until the end of `within`. The check passes
//! as soon as `count` requests have been answered.

use super::{Poll, Verdict, joined, target_address, target_name};
use crate::lab::{Expect, Family, PingCheck, PingTarget};
use crate::run::net::Net;
use host::{Outcome, PingId, PingRequest};
use sim_core::{Duration, NodeIx, Tag, Time};
use std::net::IpAddr;

const SECOND: Duration = Duration::from_secs(1);

/// Requests from one host to one address, for some time.
#[derive(Debug)]
struct Attempt {
    from: NodeIx,
    to: PingTarget,
    ipv6: Option<bool>,
    address: Option<IpAddr>,
    size: u16,
    count: u32,
    tag: Tag,
    id: Option<PingId>,
    end: Time,
    /// When to try to start again, if the host couldn't.
    retry: Time,
    refusal: String,
}

impl Attempt {
    fn start(net: &mut Net, from: NodeIx, to: PingTarget, within: Duration) -> Self {
        let (tag, now) = (net.new_tag(), net.engine().now());
        net.engine_mut().watch_mut().follow(tag);
        Self {
            from,
            to,
            ipv6: None,
            address: None,
            size: 56,
            count: 1,
            tag,
            id: None,
            end: now + within,
            retry: now,
            refusal: String::new(),
        }
    }

    /// Starts the ping if it isn't running and it is time to try.
    fn keep_going(&mut self, net: &mut Net) {
        let now = net.engine().now();
        if self.id.is_some() || now < self.retry || now >= self.end {
            return;
        }
        self.retry = now + SECOND;
        self.address = target_address(net, self.from, self.to, self.ipv6);
        let Some(address) = self.address else {
            self.refusal = "the target has no address of the family".to_owned();
            return;
        };
        let left = self.end.since(now);
        let tries = left.as_nanos().div_ceil(SECOND.as_nanos()).max(1);
        let mut request = PingRequest::new(address, self.tag)
            .with_size(self.size)
            .with_count((tries * u64::from(self.count)).min(65_535) as u32);
        request.interval = Duration::from_nanos((SECOND.as_nanos() / u64::from(self.count)).max(1));
        request.timeout = left;
        match net.with_host(self.from, |host, cx| host.ping(cx, request)) {
            Some(Ok(id)) => self.id = Some(id),
            Some(Err(error)) => self.refusal = error.to_string(),
            None => {}
        }
    }

    /// How many requests were answered, and the first round-trip time.
    fn answers(&self, net: &Net) -> (u32, Option<Duration>) {
        let status = self.id.and_then(|id| net.host(self.from)?.ping_status(id));
        status.map_or((0, None), |status| (status.received, status.first_rtt()))
    }

    /// Ends the ping. Says what its frames met, and why the host couldn't send or got an error.
    fn finish(&mut self, net: &mut Net) -> String {
        let mut found = net.engine().watch().drops_of(self.tag);
        if let Some(id) = self.id.take() {
            let error = net.host(self.from).and_then(|host| host.ping_status(id)).and_then(|status| {
                status.probes.iter().find_map(|probe| match probe.outcome {
                    Outcome::NoNeighbor(hop) => Some(format!("nobody answered for {hop}")),
                    Outcome::NoRoute => Some("no route".to_owned()),
                    Outcome::TooBig { mtu } => Some(format!("longer than the MTU of {mtu} bytes")),
                    Outcome::Error { from, error } => Some(format!("{from} says: {error}")),
                    Outcome::Pending | Outcome::Reply { .. } | Outcome::Timeout => None,
                })
            });
            for text in error.into_iter().chain((!self.refusal.is_empty()).then(|| self.refusal.clone())) {
                found = if found.is_empty() { text } else { format!("{found}; {text}") };
            }
            net.with_host(self.from, |host, _| host.forget_ping(id));
        } else if found.is_empty() {
            found.clone_from(&self.refusal);
        }
        net.engine_mut().watch_mut().forget(self.tag);
        found
    }

    fn target(&self, net: &Net) -> String {
        target_name(net, self.to, self.address)
    }

    /// When there is something to do without an event.
    fn next(&self) -> Time {
        if self.id.is_none() { self.retry.min(self.end) } else { self.end }
    }
}

/// A running `ping` check.
#[derive(Debug)]
pub(crate) struct PingMachine {
    attempt: Attempt,
    expect: Expect,
    within: Duration,
}

impl PingMachine {
    pub(super) fn start(net: &mut Net, check: &PingCheck, within: Duration) -> Self {
        let mut attempt = Attempt::start(net, check.from, check.to, within);
        attempt.ipv6 = check.family.map(|family| family == Family::V6);
        attempt.size = check.size;
        attempt.count = check.count;
        Self { attempt, expect: check.expect, within }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        self.attempt.keep_going(net);
        let (answered, rtt) = self.attempt.answers(net);
        let ended = net.engine().now() >= self.attempt.end;
        let target = self.attempt.target(net);
        match self.expect {
            Expect::Reachable if answered >= self.attempt.count => {
                self.attempt.finish(net);
                let first = rtt
                    .map(|rtt| format!(", the first after {:.3} ms", rtt.as_nanos() as f64 / 1e6))
                    .unwrap_or_default();
                let replies = if answered == 1 { "1 reply".to_owned() } else { format!("{answered} replies") };
                Verdict::passed(format!("{replies} from {target}{first}"))
            }
            Expect::Unreachable if answered > 0 => {
                self.attempt.finish(net);
                Verdict::failed(format!("{target} answered, and should not"))
            }
            _ if !ended => Poll::Wait(self.attempt.next()),
            Expect::Reachable => {
                let met = self.attempt.finish(net);
                let wanted = self.attempt.count;
                let got = if wanted == 1 { "no reply".to_owned() } else { format!("{answered} of {wanted} replies") };
                Verdict::failed(joined(format!("{got} from {target} within {}", self.within), &met))
            }
            Expect::Unreachable => {
                let sent = net.engine().watch().has_sent(self.attempt.tag, self.attempt.from);
                let met = self.attempt.finish(net);
                if sent {
                    return Verdict::passed(joined(format!("no reply from {target} within {}", self.within), &met));
                }
                let from = net.names().node(self.attempt.from);
                Verdict::nothing_sent(from, &met)
            }
        }
    }

    pub(super) fn drops(&mut self, net: &mut Net) -> String {
        self.attempt.finish(net)
    }
}

/// A running `reach` check.
#[derive(Debug)]
pub(crate) struct ReachMachine {
    open: Vec<Attempt>,
    pairs: usize,
    end: Time,
}

impl ReachMachine {
    pub(super) fn start(net: &mut Net, hosts: &[NodeIx], within: Duration) -> Self {
        let mut open = Vec::new();
        for &from in hosts {
            for &to in hosts.iter().filter(|&&to| to != from) {
                open.push(Attempt::start(net, from, PingTarget::Host(to), within));
            }
        }
        Self { pairs: open.len(), open, end: net.engine().now() + within }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        let mut waiting = Vec::new();
        for mut attempt in std::mem::take(&mut self.open) {
            attempt.keep_going(net);
            if attempt.answers(net).0 > 0 {
                attempt.finish(net);
            } else {
                waiting.push(attempt);
            }
        }
        self.open = waiting;
        if self.open.is_empty() {
            return Verdict::passed(format!("all {} pairs answered", self.pairs));
        }
        if net.engine().now() < self.end {
            return Poll::Wait(self.open.iter().map(Attempt::next).min().unwrap_or(self.end));
        }
        let mut failures = Vec::new();
        for mut attempt in std::mem::take(&mut self.open) {
            let pair = format!("{} -> {}", net.names().node(attempt.from), attempt.target(net));
            failures.push(joined(pair, &attempt.finish(net)));
        }
        let named = failures.iter().take(4).cloned().collect::<Vec<_>>().join("; ");
        let more = if failures.len() > 4 { format!("; and {} more", failures.len() - 4) } else { String::new() };
        Verdict::failed(format!("{} of {} pairs without a reply: {named}{more}", failures.len(), self.pairs))
    }
}
