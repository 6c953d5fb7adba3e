//! A lab that can't be wrong: every name leads somewhere, every link has two ends, every value is in its range.
//!
//! A [`Lab`] comes from [`load`](crate::load) or [`parse`](crate::parse) only, and nothing in it can be changed.
//! Nodes and links are in the file's order; a [`NodeIx`] and a [`LinkIx`] index them.

mod check;
pub(crate) mod command;
mod graph;
mod link;
mod node;
mod resolve;

pub use crate::spec::NamedFile;
pub(crate) use crate::spec::report::Key;
pub use check::{
    CheckKind, ConnectCheck, Directions, DropsCheck, DropsSite, Expect, Family, Filter, FramesCheck, HttpCheck,
    LabCheck, LabEvent, MacCheck, PathCheck, PathExpect, PingCheck, PingTarget, PortExpect, Presence, ThroughputCheck,
    Transport,
};
pub use command::LAB_COMMANDS;
pub use link::{LabEnd, LabLink};
pub use node::{LabBridge, LabHost, LabHub, LabNode, LabPort, LabServer, LabSwitch, NodeKind, SetupLine, SwitchPort};

pub(crate) use resolve::{default_mac, resolve};

use crate::spec::tree::Item;
use indexmap::IndexMap;
use packet::VlanId;
use sim_core::{LinkIx, NodeIx, PortIx, Seed};

/// A lab.
#[derive(Clone, Debug)]
pub struct Lab {
    name: String,
    description: String,
    seed: Seed,
    vlans: IndexMap<String, VlanId>,
    nodes: Vec<LabNode>,
    by_name: IndexMap<String, NodeIx>,
    links: Vec<LabLink>,
    events: Vec<LabEvent>,
    checks: Vec<LabCheck>,
    /// The checks as they were written.
    typed_checks: Vec<Item>,
    overlapping_addresses: bool,
}

impl Lab {
    /// The lab's name: the file's `name`, else the file's own name without `.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the file says of itself; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The seed; 1 where the file has none.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The same lab with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// The names of VLANs, in the file's order.
    pub fn vlans(&self) -> &IndexMap<String, VlanId> {
        &self.vlans
    }

    /// The nodes, in the file's order. A [`NodeIx`] indexes them.
    pub fn nodes(&self) -> &[LabNode] {
        &self.nodes
    }

    /// A node of this lab.
    ///
    /// # Panics
    /// If the index is another lab's.
    pub fn node(&self, node: NodeIx) -> &LabNode {
        &self.nodes[node.index()]
    }

    /// The node called `name`.
    pub fn find(&self, name: &str) -> Option<NodeIx> {
        self.by_name.get(name).copied()
    }

    /// The links, in the file's order. A [`LinkIx`] indexes them.
    pub fn links(&self) -> &[LabLink] {
        &self.links
    }

    /// The link that has `node:port` at one end.
    pub fn link_at(&self, node: NodeIx, port: &str) -> Option<LinkIx> {
        self.node(node).ports.iter().find(|p| p.name == port)?.link
    }

    /// An end's name, as in `s1:trunk`.
    pub fn end_name(&self, end: LabEnd) -> String {
        let node = self.node(end.node);
        format!("{}:{}", node.name, node.port_name(end.port))
    }

    /// The services of hosts and servers, which begin at 0 s, then the file's events, both in the file's order.
    pub fn events(&self) -> &[LabEvent] {
        &self.events
    }

    /// The checks, in the file's order.
    pub fn checks(&self) -> &[LabCheck] {
        &self.checks
    }

    /// The checks as they were written.
    pub(crate) fn typed_checks(&self) -> &[Item] {
        &self.typed_checks
    }

    /// Whether two hosts may have the same address.
    pub(crate) fn has_overlapping_addresses(&self) -> bool {
        self.overlapping_addresses
    }
}

impl LabNode {
    /// The name of a port of this node.
    ///
    /// # Panics
    /// If the index is another node's.
    pub fn port_name(&self, port: PortIx) -> &str {
        &self.ports[port.index()].name
    }
}
