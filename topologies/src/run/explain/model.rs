//! What an explanation says, for people and for programs.

use serde::{Deserialize, Serialize};

/// Why a packet arrives or doesn't.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The lab.
    pub lab: String,
    /// Its seed.
    pub seed: u64,
    /// When the packet was sent, in nanoseconds of lab time.
    pub at_ns: u64,
    /// What was sent, as in `echo request from a1 to a2 (192.168.9.2)`.
    pub question: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The ways that were gone, in order: each a frame from one station to another.
    pub legs: Vec<Leg>,
    /// All lines that are needed to let it pass; tried together in a replay of the lab. Empty if none were found, or if none
    /// were looked for.
    pub remedies: Vec<Remedy>,
    /// How many lines and sets of lines were tried.
    pub tried: usize,
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// It arrived, and so did the answer.
    Delivered {
        /// From the request to the answer, in nanoseconds.
        after_ns: u64,
        /// The nodes that the request passed, both ends included.
        path: Vec<String>,
    },
    /// It didn't, or the answer didn't.
    Dropped {
        /// Which frame was lost: `echo request`, `ARP reply`.
        what: String,
        /// A drop reason, as in `vlan_not_allowed`; or `not_sent`, `rx_filtered`, `mac_elsewhere`, `flow_elsewhere`, `no_flood`, `no_answer`,
        /// which are no drops.
        reason: String,
        /// The node, or the port as in `s3:p4`.
        at: String,
        /// Why, in words.
        why: String,
        /// The flow that decided so, if it was one.
        flow: Option<MetFlow>,
        /// The nodes that the request passed.
        path: Vec<String>,
    },
}

/// A flow that a frame met, or a lookup that no flow matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetFlow {
    /// The bridge.
    pub bridge: String,
    /// The table that was looked up.
    pub table: u8,
    /// The flow, as `ovs-ofctl add-flow` takes it; `None` if none matched.
    pub flow: Option<String>,
}

/// A frame's way from one station to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// What goes there: `ARP request for 10.0.0.2`, `echo request`.
    pub what: String,
    /// Whether it came to its station.
    pub arrived: bool,
    /// The nodes that it passed. Of a flood, those of the copy that came nearest.
    pub hops: Vec<Hop>,
}

/// A node on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// When the frame came to it, or was sent, in nanoseconds of lab time.
    pub time_ns: u64,
    /// The node.
    pub node: String,
    /// The port that it came in by; `None` where the way begins.
    pub in_port: Option<String>,
    /// The ports that it left by, those of other copies included.
    pub out_ports: Vec<String>,
    /// What was decided there, in words.
    pub decisions: Vec<String>,
}

/// A line that lets the packet pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// The line, as the prompt and `[[events]]` take it.
    pub line: String,
    /// What it changes: a node, or a port as in `s3:p4`.
    pub at: String,
}

impl Explanation {
    /// Whether the packet arrived, and the answer too.
    pub fn is_delivered(&self) -> bool {
        matches!(self.outcome, Outcome::Delivered { .. })
    }

    /// The nodes that the request passed, in order.
    pub fn path(&self) -> &[String] {
        let (Outcome::Delivered { path, .. } | Outcome::Dropped { path, .. }) = &self.outcome;
        path
    }

    /// The explanation for programs: one line.
    pub fn json(&self) -> String {
        // Fields of numbers and texts always serialise.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}
