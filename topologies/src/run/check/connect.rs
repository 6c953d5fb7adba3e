//! `tcp` and `udp`: whether a port answers.
//!
//! An attempt starts each second until the end of `within`. If the target is a host of the lab and nothing listens
//! there, the check opens an echo listener for as long as it runs, unless a refusal is what it wants.

use super::{Poll, Verdict, drops_of, joined, target_address, target_name};
use crate::lab::{ConnectCheck, Family, PingTarget, PortExpect};
use crate::run::measure::outcome_text;
use crate::run::net::Net;
use host::{AttemptOutcome, AttemptRequest, Protocol, Service, TaskId};
use sim_core::{Duration, NodeIx, Tag, Time};
use std::net::IpAddr;

const SECOND: Duration = Duration::from_secs(1);

/// How long an attempt may take: a check of an hour isn't to have thousands of them open.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running `tcp` or `udp` check.
#[derive(Debug)]
pub(crate) struct ConnectMachine {
    check: ConnectCheck,
    address: Option<IpAddr>,
    tag: Tag,
    attempts: Vec<TaskId>,
    /// What became of the last attempt that ended.
    last: Option<AttemptOutcome>,
    /// The host at which this check has opened the port.
    opened: Option<NodeIx>,
    within: Duration,
    next: Time,
    end: Time,
}

impl ConnectMachine {
    pub(super) fn start(net: &mut Net, check: &ConnectCheck, within: Duration) -> Self {
        let (tag, now) = (net.new_tag(), net.engine().now());
        net.engine_mut().watch_mut().follow(tag);
        let check = check.clone();
        let (attempts, end) = (Vec::new(), now + within);
        Self { check, address: None, tag, attempts, last: None, opened: None, within, next: now, end }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        let now = net.engine().now();
        if now >= self.next && now < self.end {
            self.next = now + SECOND;
            self.attempt(net);
        }
        let target = target_name(net, self.check.to, self.address);
        let target = format!("{target} port {}", self.check.port);
        let (answered, refused) = self.outcomes(net);
        match self.check.expect {
            PortExpect::Reachable if answered.is_some() => {
                self.finish(net);
                let after = answered.unwrap_or_default().as_nanos() as f64 / 1e6;
                Verdict::passed(format!("{target} answered after {after:.3} ms"))
            }
            PortExpect::Refused if refused => {
                self.finish(net);
                Verdict::passed(format!("{target} refused"))
            }
            PortExpect::Unreachable | PortExpect::Refused if answered.is_some() => {
                self.finish(net);
                Verdict::failed(format!("{target} answered, and should not"))
            }
            _ if now < self.end => Poll::Wait(self.next.min(self.end)),
            PortExpect::Reachable => {
                let met = self.finish(net);
                Verdict::failed(joined(format!("no answer from {target} within {}", self.within), &met))
            }
            PortExpect::Refused => {
                let met = self.finish(net);
                Verdict::failed(joined(format!("{target} didn't refuse within {}", self.within), &met))
            }
            PortExpect::Unreachable => {
                let sent = net.engine().watch().has_sent(self.tag, self.check.from);
                let met = self.finish(net);
                if sent {
                    return Verdict::passed(joined(format!("no answer from {target} within {}", self.within), &met));
                }
                let from = net.names().node(self.check.from);
                Verdict::vacuous(joined(format!("{from} put no frame on a wire, so this proves nothing"), &met))
            }
        }
    }

    fn attempt(&mut self, net: &mut Net) {
        let six = self.check.family.map(|family| family == Family::V6);
        self.address = target_address(net, self.check.from, self.check.to, six);
        let Some(to) = self.address else { return };
        let (protocol, port): (Protocol, u16) = (self.check.transport.into(), self.check.port);
        if let (PingTarget::Host(node), true) = (self.check.to, self.check.expect != PortExpect::Refused) {
            let opened = net.with_host(node, |host, _| {
                !host.listens(protocol, port) && host.serve(protocol, port, Service::Echo).is_ok()
            });
            self.opened = self.opened.or((opened == Some(true)).then_some(node));
        }
        let timeout = self.end.since(net.engine().now()).min(PATIENCE);
        let request = AttemptRequest { to, port, protocol, timeout, tag: self.tag };
        self.attempts.extend(net.with_host(self.check.from, |host, cx| host.attempt(cx, &request)));
    }

    /// How long an attempt took that was answered, and whether one was refused.
    fn outcomes(&mut self, net: &mut Net) -> (Option<Duration>, bool) {
        let (mut answered, mut refused, mut ended) = (None, false, Vec::new());
        let Some(host) = net.host(self.check.from) else { return (None, false) };
        for &id in &self.attempts {
            match host.attempt_outcome(id) {
                Some(AttemptOutcome::Pending) => continue,
                Some(AttemptOutcome::Answered { after }) => answered = answered.or(Some(after)),
                Some(AttemptOutcome::Refused) => refused = true,
                Some(_) | None => {}
            }
            self.last = host.attempt_outcome(id).or(self.last);
            ended.push(id);
        }
        self.attempts.retain(|id| !ended.contains(id));
        for id in ended {
            net.with_host(self.check.from, |host, cx| host.forget_task(cx, id));
        }
        (answered, refused)
    }

    /// Ends all attempts and closes what was opened; says what their frames met.
    pub(super) fn finish(&mut self, net: &mut Net) -> String {
        for id in std::mem::take(&mut self.attempts) {
            net.with_host(self.check.from, |host, cx| host.forget_task(cx, id));
        }
        if let Some(node) = self.opened.take() {
            let (protocol, port) = (self.check.transport.into(), self.check.port);
            net.with_host(node, |host, cx| host.stop_serving(cx, protocol, port));
        }
        let met = drops_of(net, self.tag);
        match self.last.map(outcome_text) {
            Some(last) if met.is_empty() => last.to_owned(),
            Some(last) => format!("{met}; {last}"),
            None if met.is_empty() && self.address.is_none() => "the target has no address of the family".to_owned(),
            None => met,
        }
    }
}
