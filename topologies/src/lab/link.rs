//! Links.

use sim_core::{LinkConfig, NodeIx, PortIx};

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabEnd {
    /// The node.
    pub node: NodeIx,
    /// Its port.
    pub port: PortIx,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabLink {
    /// Its ends, the one that has `to` first: `forward` is from the first to the second. They differ.
    pub ends: [LabEnd; 2],
    /// What it does to frames.
    pub config: LinkConfig,
}
