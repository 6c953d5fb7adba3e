//! Why a packet arrives or doesn't, and what would let it pass.
//!
//! The packet is sent in the lab as a host's own, with a mark that all frames carry which come of it: the question for
//! the neighbour, its answer, the reply. Each arrival and each drop is written down, and with an arrival at a switch what
//! the switch decides, on the state that the frame finds there. Of floods the copy is followed that comes nearest.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `probe` | the packet |
//! | `record`, `trace` | what its frames meet; a switch's decision |
//! | `purpose` | what a frame is for |
//! | `follow`, `ways`, `why` | the ways that were gone, and what was decided on them |
//! | `fault`, `flows` | where it ends, and why; the flow that decided so |
//! | `remedy`, `flow_remedy`, `host_remedy` | lines that may let it pass, the least invasive first |
//! | `trial` | trying them in replays of the lab |
//! | `of_checks` | what a failed check has to say |
//! | `model`, `text` | the explanation, for programs and for people |
//!
//! Left out: what happens between a server's stack and its bridges is told only where a frame dies there; of a packet in
//! fragments the first is followed.

mod fault;
mod flow_remedy;
mod flows;
mod follow;
mod host_remedy;
mod model;
mod of_checks;
mod probe;
mod purpose;
mod record;
mod remedy;
mod text;
mod trace;
mod trial;
mod ways;
mod why;

pub use model::{Explanation, Hop, Leg, MetFlow, Outcome, Remedy};
pub(crate) use of_checks::of_check;
pub(crate) use probe::Probe;
pub(crate) use record::Record;
pub use trial::{explain, explain_at_rest, explain_past};

use super::net::Net;
use crate::lab::{PingTarget, Transport};
use fault::{Fault, address_text};
use follow::flown;
use probe::Answer;
use purpose::Purpose;
use sim_core::NodeIx;
use ways::Ways;

/// A packet to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The host or server that sends it.
    pub from: NodeIx,
    /// Whom to.
    pub to: PingTarget,
    /// A TCP connection or a UDP datagram to this port; `None`: an echo request.
    pub port: Option<(Transport, u16)>,
    /// Bytes of data of an echo request.
    pub size: u16,
}

impl Question {
    /// An echo request as `ping` sends it.
    pub const fn echo(from: NodeIx, to: PingTarget) -> Self {
        Self { from, to, port: None, size: 56 }
    }

    fn what(&self) -> String {
        match self.port {
            None => "echo request".to_owned(),
            Some((Transport::Tcp, _)) => "TCP segment".to_owned(),
            Some((Transport::Udp, _)) => "UDP datagram".to_owned(),
        }
    }

    fn text(&self, net: &Net, address: Option<std::net::IpAddr>) -> String {
        let to = match self.to {
            PingTarget::Host(node) => net.names().node(node).to_owned(),
            PingTarget::Address(address) => address.to_string(),
        };
        let (from, to) = (net.names().node(self.from), address_text(&to, address));
        match self.port {
            None => format!("echo request from {from} to {to}"),
            Some((transport, port)) => format!("{} from {from} to {to} port {port}", transport.name()),
        }
    }
}

/// What became of a packet, and the fault if it didn't arrive.
struct Findings {
    explanation: Explanation,
    fault: Option<Fault>,
}

impl Probe {
    /// What became of it so far; `None` while that is open.
    pub(crate) fn explanation(&self, net: &Net) -> Option<Explanation> {
        self.findings(net).map(|findings| findings.explanation)
    }

    /// When to look again without an event.
    pub(crate) fn patience(&self) -> sim_core::Time {
        self.end
    }

    fn findings(&self, net: &Net) -> Option<Findings> {
        let answer = self.answer(net)?;
        let all = match (self.record(net), self.address) {
            (Some(record), Some(address)) => flown(net, record, self.question.from, address),
            _ => Vec::new(),
        };
        let legs = all.iter().map(|flown| flown.leg(net, flown.target.map(|target| Ways::to(net, target)).as_ref()));
        let legs: Vec<Leg> = legs.collect();
        let requests = all.iter().zip(&legs).filter(|(flown, _)| flown.flight.purpose == Purpose::Request);
        let mut path: Vec<String> = Vec::new();
        for hop in requests.flat_map(|(_, leg)| &leg.hops) {
            if path.last() != Some(&hop.node) {
                path.push(hop.node.clone());
            }
        }
        let (outcome, fault) = match &answer {
            Answer::Came(after) => (Outcome::Delivered { after_ns: after.as_nanos(), path }, None),
            _ => {
                let fault = fault::find(net, self, &answer);
                (fault.outcome(net, path), Some(fault))
            }
        };
        let explanation = Explanation {
            lab: net.name().to_owned(),
            seed: net.engine().seed().0,
            at_ns: self.sent.as_nanos(),
            question: self.question.text(net, self.address),
            outcome,
            legs,
            remedies: Vec::new(),
            tried: 0,
        };
        Some(Findings { explanation, fault })
    }
}
