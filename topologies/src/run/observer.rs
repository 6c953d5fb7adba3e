//! What happens in a lab, for those who follow it from outside: links, nodes, commands, checks, drops.
//!
//! Nothing is kept unless somebody asked ([`Session::observe`](super::Session::observe)). Links and nodes are compared
//! with what they were after each command, since nothing else changes them; drops are summed up when the driver says so.

use super::net::Net;
use super::report::{CheckResult, Status};
use serde::{Deserialize, Serialize};
use sim_core::{DropReason, LinkIx, NodeIx, PortIx};
use std::collections::{BTreeMap, VecDeque};

/// The most observations that wait to be taken; the oldest make room.
const MAX_WAITING: usize = 65_536;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// When, in nanoseconds of lab time.
    pub time_ns: u64,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// A link went up or down.
    Link {
        /// Its ends, as in `s1:trunk`.
        ends: [String; 2],
        /// Whether it carries frames now.
        up: bool,
    },
    /// A node was stopped or started.
    Node {
        /// The node.
        node: String,
        /// Whether it runs now.
        running: bool,
    },
    /// A command is done.
    Command {
        /// The line.
        line: String,
        /// Its status; 0 if all went well.
        status: u8,
    },
    /// A check is decided.
    Check {
        /// The check.
        name: String,
        /// How it came out.
        status: Status,
        /// What was seen.
        detail: String,
    },
    /// Frames died since the last sum.
    Drops {
        /// The port, as in `s1:trunk`, or the node where no single port killed them.
        at: String,
        /// Why, as in `vlan_not_allowed`.
        reason: String,
        /// How many.
        count: u64,
    },
}

/// Where frames died and why.
type DropPlace = (NodeIx, Option<PortIx>, DropReason);

/// What is known of the lab, to see what changes.
#[derive(Debug)]
pub(super) struct Observer {
    links: Vec<bool>,
    nodes: Vec<bool>,
    drops: BTreeMap<DropPlace, u64>,
    waiting: VecDeque<Observed>,
}

impl Observer {
    pub(super) fn new(net: &Net) -> Self {
        Self { links: links(net), nodes: nodes(net), drops: drops(net), waiting: VecDeque::new() }
    }

    /// All that waits.
    pub(super) fn take(&mut self) -> Vec<Observed> {
        self.waiting.drain(..).collect()
    }

    fn add(&mut self, net: &Net, what: Happening) {
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Observed { time_ns: net.engine().now().as_nanos(), what });
    }

    /// A command is done; what it changed, and the command.
    pub(super) fn command(&mut self, net: &Net, line: &str, status: u8) {
        self.compare(net);
        self.add(net, Happening::Command { line: line.to_owned(), status });
    }

    /// Looks what became of links and nodes.
    pub(super) fn compare(&mut self, net: &Net) {
        let (links, nodes) = (links(net), nodes(net));
        for (number, &running) in nodes.iter().enumerate() {
            if self.nodes[number] != running {
                let node = net.names().node(NodeIx(number as u32)).to_owned();
                self.add(net, Happening::Node { node, running });
            }
        }
        for (number, &up) in links.iter().enumerate() {
            if self.links[number] != up {
                let ends = net.engine().ends(LinkIx(number as u32)).map(|(node, port)| net.names().port(node, port));
                self.add(net, Happening::Link { ends, up });
            }
        }
        (self.links, self.nodes) = (links, nodes);
    }

    /// A check is decided.
    pub(super) fn check(&mut self, net: &Net, result: &CheckResult) {
        let CheckResult { name, status, detail, .. } = result.clone();
        self.add(net, Happening::Check { name, status, detail });
    }

    /// Sums up what died since the last time.
    pub(super) fn sum_drops(&mut self, net: &Net) {
        let drops = drops(net);
        for (&(node, port, reason), &count) in &drops {
            let count = count - self.drops.get(&(node, port, reason)).copied().unwrap_or(0);
            if count > 0 {
                let at = match port {
                    Some(port) => net.names().port(node, port),
                    None => net.names().node(node).to_owned(),
                };
                self.add(net, Happening::Drops { at, reason: reason.to_string(), count });
            }
        }
        self.drops = drops;
    }
}

fn links(net: &Net) -> Vec<bool> {
    (0..net.engine().link_count()).map(|number| net.engine().is_up(LinkIx(number as u32))).collect()
}

fn nodes(net: &Net) -> Vec<bool> {
    (0..net.engine().nodes().len()).map(|number| net.engine().is_running(NodeIx(number as u32))).collect()
}

/// All drops so far; those of a link direction count at the port of its far end.
fn drops(net: &Net) -> BTreeMap<DropPlace, u64> {
    let engine = net.engine();
    let mut sums = BTreeMap::new();
    for node in (0..engine.nodes().len()).map(|number| NodeIx(number as u32)) {
        for (port, reason, count) in engine.node_drops(node).iter() {
            *sums.entry((node, port, reason)).or_default() += count;
        }
    }
    for link in (0..engine.link_count()).map(|number| LinkIx(number as u32)) {
        let [near, far] = engine.ends(link).map(|(node, _)| node);
        for (dir, node) in [(link.forward(), far), (link.backward(), near)] {
            for (port, reason, count) in engine.link_drops(dir).iter() {
                *sums.entry((node, port, reason)).or_default() += count;
            }
        }
    }
    sums
}
