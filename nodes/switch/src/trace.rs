//! A translation in words: what `ofproto/trace` prints and `explain` reads.

use packet::{FlowKey, FlowMask};
use sim_core::{DropArgs, DropReason};

/// What became of a frame in a bridge, and why.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The bridge.
    pub bridge: String,
    /// The frame's key as it came in.
    pub flow: FlowKey,
    /// What was done, in order.
    pub steps: Vec<TraceStep>,
    /// The key in the end.
    pub last: FlowKey,
    /// The bits of the key that mattered.
    pub mask: FlowMask,
    /// The datapath actions in ovs-dpctl's words; `drop` if there are none.
    pub actions: String,
    /// The ports that it leaves by, by name, with the VLAN of its outer tag there (0 for none).
    pub outputs: Vec<(String, u16)>,
    /// Why it dies, if it leaves by none.
    pub dropped: Option<TraceDrop>,
}

/// A line of a trace.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// How deep it stands under what caused it, from 0.
    pub depth: u8,
    /// What it is.
    pub kind: TraceKind,
    /// The words: `0. in_port=1, priority 100`, `output:2`, `no learned MAC for destination, flooding`.
    pub text: String,
}

/// What a line of a trace is.
#[derive(Clone, Debug)]
pub enum TraceKind {
    /// The bridge.
    Bridge,
    /// A lookup.
    Table {
        /// The table.
        table: u8,
        /// The rule that was found, as `ovs-ofctl add-flow` takes it.
        rule: Option<String>,
        /// The rule of the table that came nearest and didn't match, and why: `tp_dst is 80, not 8080`. It is one that
        /// would have been preferred to the one that was found.
        nearest: Option<(String, String)>,
    },
    /// An action.
    Action,
    /// How an action went.
    Detail,
    /// Something is wrong.
    Error,
}

/// Why a traced frame dies.
#[derive(Clone, Debug)]
pub struct TraceDrop {
    /// The reason.
    pub reason: DropReason,
    /// The port that refuses it, by name.
    pub port: Option<String>,
    /// What the reason has to say.
    pub args: DropArgs,
}
