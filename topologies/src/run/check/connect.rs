//! `tcp` and `udp`: whether a port answers.
//!
//! If the target is a host of the lab and nothing listens there, the check opens an echo listener for as long as it runs,
//! unless a refusal is what it wants.

use super::tries::{Tries, Try};
use super::{Poll, Verdict, joined};
use crate::lab::{ConnectCheck, Family, PingTarget, PortExpect};
use crate::run::measure::outcome_text;
use crate::run::net::Net;
use host::{AttemptOutcome, AttemptRequest, Protocol, Service};
use sim_core::{Duration, NodeIx};

/// A running `tcp` or `udp` check.
#[derive(Debug)]
pub(crate) struct ConnectMachine {
    check: ConnectCheck,
    tries: Tries,
    /// What became of the last try that ended.
    last: Option<AttemptOutcome>,
    /// The host at which this check has opened the port.
    opened: Option<NodeIx>,
    within: Duration,
}

impl ConnectMachine {
    pub(super) fn start(net: &mut Net, check: &ConnectCheck, within: Duration) -> Self {
        let six = check.family.map(|family| family == Family::V6);
        let tries = Tries::new(net, check.from, check.to, six, within);
        Self { check: check.clone(), tries, last: None, opened: None, within }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        if let Some(due) = self.tries.due(net) {
            self.attempt(net, due);
        }
        let pending = |outcome: &AttemptOutcome| *outcome != AttemptOutcome::Pending;
        let outcomes = self.tries.outcomes(net, |host, id| host.attempt_outcome(id).filter(pending));
        self.last = outcomes.last().copied().or(self.last);
        let answered = outcomes.iter().find_map(|outcome| match outcome {
            AttemptOutcome::Answered { after } => Some(*after),
            _ => None,
        });
        let refused = outcomes.contains(&AttemptOutcome::Refused);
        let target = format!("{} port {}", self.tries.target(net), self.check.port);
        match (self.check.expect, answered) {
            (PortExpect::Reachable, Some(after)) => {
                self.finish(net);
                Verdict::passed(format!("{target} answered after {:.3} ms", after.as_nanos() as f64 / 1e6))
            }
            (PortExpect::Unreachable | PortExpect::Refused, Some(_)) => {
                self.finish(net);
                Verdict::failed(format!("{target} answered, and should not"))
            }
            (PortExpect::Refused, None) if refused => {
                self.finish(net);
                Verdict::passed(format!("{target} refused"))
            }
            _ if !self.tries.is_over(net) => Poll::Wait(self.tries.next()),
            (PortExpect::Reachable, None) => {
                let met = self.finish(net);
                Verdict::failed(joined(format!("no answer from {target} within {}", self.within), &met))
            }
            (PortExpect::Refused, None) => {
                let met = self.finish(net);
                Verdict::failed(joined(format!("{target} didn't refuse within {}", self.within), &met))
            }
            (PortExpect::Unreachable, None) => {
                let sent = self.tries.has_sent(net);
                let met = self.finish(net);
                if sent {
                    return Verdict::passed(joined(format!("no answer from {target} within {}", self.within), &met));
                }
                Verdict::nothing_sent(self.tries.asker(net), &met)
            }
        }
    }

    fn attempt(&mut self, net: &mut Net, Try { to, timeout, tag }: Try) {
        let (protocol, port): (Protocol, u16) = (self.check.transport.into(), self.check.port);
        if let (PingTarget::Host(node), true) = (self.check.to, self.check.expect != PortExpect::Refused) {
            let opened = net.with_host(node, |host, _| {
                !host.listens(protocol, port) && host.serve(protocol, port, Service::Echo).is_ok()
            });
            self.opened = self.opened.or((opened == Some(true)).then_some(node));
        }
        let request = AttemptRequest { to, port, protocol, timeout, tag };
        self.tries.add(net.with_host(self.check.from, |host, cx| host.attempt(cx, &request)));
    }

    /// Ends all tries and closes what was opened; says what their frames met.
    pub(super) fn finish(&mut self, net: &mut Net) -> String {
        let met = self.tries.finish(net);
        if let Some(node) = self.opened.take() {
            let (protocol, port) = (self.check.transport.into(), self.check.port);
            net.with_host(node, |host, cx| host.stop_serving(cx, protocol, port));
        }
        match self.last.map(outcome_text) {
            Some(last) if met.is_empty() => last.to_owned(),
            Some(last) => format!("{met}; {last}"),
            None => met,
        }
    }
}
