//! The packet: sent in the lab as a host's own, and followed until its answer is there or can't come.

use super::Question;
use super::record::Record;
use crate::lab::{PingTarget, Transport};
use crate::run::measure::outcome_text;
use crate::run::net::Net;
use host::{AttemptOutcome, AttemptRequest, PingId, PingRequest, TaskId};
use sim_core::{Duration, Stop, Tag, Time, Until};
use std::net::IpAddr;

/// How long an answer is waited for: ARP asks three times, a second apart.
const PATIENCE: Duration = Duration::from_millis(4500);

/// A packet on its way.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(super) question: Question,
    pub(super) tag: Tag,
    pub(super) address: Option<IpAddr>,
    pub(super) sent: Time,
    pub(super) end: Time,
    sender: Sender,
}

#[derive(Debug)]
enum Sender {
    Ping(PingId),
    Attempt(TaskId),
    /// It couldn't be sent, and why.
    Refused(String),
}

/// What became of it for its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Came(Duration),
    /// None came; what the sender knows.
    Missing(String),
    Refused,
}

impl Probe {
    /// Sends the packet.
    pub(crate) fn start(net: &mut Net, question: &Question) -> Self {
        let tag = net.new_tag();
        settle(net);
        net.engine_mut().watch_mut().record(tag);
        let sent = net.engine().now();
        let address = match question.to {
            PingTarget::Address(address) => Some(address),
            PingTarget::Host(node) => net.common_address(question.from, node).or_else(|| net.address_of(node, None)),
        };
        let sender = match address {
            None => Sender::Refused("the target has no address".to_owned()),
            Some(to) => send(net, question, to, tag),
        };
        Self { question: *question, tag, address, sent, end: sent + PATIENCE, sender }
    }

    /// What became of it, once that is decided.
    pub(super) fn answer(&self, net: &Net) -> Option<Answer> {
        let missing = |text: &str| Some(Answer::Missing(text.to_owned()));
        let host = net.host(self.question.from)?;
        match &self.sender {
            Sender::Refused(why) => missing(why),
            Sender::Ping(id) => {
                let status = host.ping_status(*id)?;
                if let Some(rtt) = status.first_rtt() {
                    return Some(Answer::Came(rtt));
                }
                let outcome = status.probes.first().map(|probe| probe.outcome);
                let said = match outcome {
                    Some(host::Outcome::NoRoute) => "no route".to_owned(),
                    Some(host::Outcome::NoNeighbor(hop)) => format!("nobody answers for {hop}"),
                    Some(host::Outcome::TooBig { mtu }) => format!("longer than the MTU of {mtu} bytes"),
                    Some(host::Outcome::Error { from, error }) => format!("{from} says: {error}"),
                    _ => String::new(),
                };
                (status.finished || net.engine().now() >= self.end).then_some(Answer::Missing(said))
            }
            Sender::Attempt(id) => match host.attempt_outcome(*id)? {
                AttemptOutcome::Answered { after } => Some(Answer::Came(after)),
                AttemptOutcome::Refused => Some(Answer::Refused),
                AttemptOutcome::Pending if net.engine().now() < self.end => None,
                AttemptOutcome::Pending | AttemptOutcome::Timeout => missing(""),
                other => missing(outcome_text(other)),
            },
        }
    }

    /// Runs the lab, in which nothing else is done, until it is decided.
    pub(super) fn run(&self, net: &mut Net) {
        while self.answer(net).is_none() {
            match net.engine_mut().run(Until::Through(self.end)) {
                Stop::Noticed => while net.engine_mut().next_notice().is_some() {},
                Stop::Reached if net.engine().now() < self.end => {}
                Stop::Reached | Stop::Exhausted => return,
            }
        }
    }

    /// What its frames met.
    pub(super) fn record<'n>(&self, net: &'n Net) -> Option<&'n Record> {
        net.engine().watch().recorded(self.tag)
    }

    /// Ends it.
    pub(crate) fn finish(self, net: &mut Net) {
        net.with_host(self.question.from, |host, cx| match self.sender {
            Sender::Ping(id) => host.forget_ping(id),
            Sender::Attempt(id) => host.forget_task(cx, id),
            Sender::Refused(_) => {}
        });
        net.engine_mut().watch_mut().forget(self.tag);
    }
}

fn send(net: &mut Net, question: &Question, to: IpAddr, tag: Tag) -> Sender {
    let sender = net.with_host(question.from, |host, cx| match question.port {
        None => {
            let mut request = PingRequest::new(to, tag).with_size(question.size);
            request.timeout = PATIENCE;
            match host.ping(cx, request) {
                Ok(id) => Sender::Ping(id),
                Err(error) => Sender::Refused(error.to_string()),
            }
        }
        Some((transport, port)) => {
            let protocol = Transport::into(transport);
            Sender::Attempt(host.attempt(cx, &AttemptRequest { to, port, protocol, timeout: PATIENCE, tag }))
        }
    });
    sender.unwrap_or_else(|| Sender::Refused("it has no network stack".to_owned()))
}

/// Has all switches follow what was changed: they would do so with the next frame, which is to be explained.
fn settle(net: &mut Net) {
    let words = ["ovs-appctl".to_owned(), "list-commands".to_owned()];
    for node in (0..net.engine().nodes().len() as u32).map(sim_core::NodeIx) {
        net.engine_mut().act(node, |device, cx| match device {
            // Its answer is of no interest: what counts is that a line finds the switch up to date.
            crate::run::Device::Switch(switch) => drop(switch.command(cx, &words)),
            crate::run::Device::Server(server) if !server.is_host() => server.settle(cx.now),
            _ => {}
        });
    }
}
