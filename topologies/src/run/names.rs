//! What nodes, ports and links are called.

use sim_core::{DirIx, NodeIx, PortIx};
use std::collections::BTreeMap;

/// The names of a lab's nodes and ports, both ways.
#[derive(Debug, Default)]
pub struct Names {
    nodes: Vec<NodeNames>,
    by_name: BTreeMap<String, NodeIx>,
    directions: Vec<[(NodeIx, PortIx); 2]>,
}

#[derive(Debug)]
struct NodeNames {
    name: String,
    ports: Vec<String>,
}

impl Names {
    /// Adds the next node.
    pub(crate) fn add_node(&mut self, name: &str) -> NodeIx {
        let node = NodeIx(self.nodes.len() as u32);
        self.nodes.push(NodeNames { name: name.to_owned(), ports: Vec::new() });
        self.by_name.insert(name.to_owned(), node);
        node
    }

    /// Adds the next port of a node.
    pub(crate) fn add_port(&mut self, node: NodeIx, name: &str) -> PortIx {
        let ports = &mut self.nodes[node.index()].ports;
        ports.push(name.to_owned());
        PortIx(ports.len() as u32 - 1)
    }

    /// Adds the two directions of the next link.
    pub(crate) fn add_link(&mut self, a: (NodeIx, PortIx), b: (NodeIx, PortIx)) {
        self.directions.push([a, b]);
        self.directions.push([b, a]);
    }

    /// A node's name.
    pub fn node(&self, node: NodeIx) -> &str {
        &self.nodes[node.index()].name
    }

    /// A port as `node:port`.
    pub fn port(&self, node: NodeIx, port: PortIx) -> String {
        let names = &self.nodes[node.index()];
        match names.ports.get(port.index()) {
            Some(port) => format!("{}:{port}", names.name),
            None => format!("{}:{port}", names.name),
        }
    }

    /// A port's name alone.
    pub fn port_name(&self, node: NodeIx, port: PortIx) -> Option<&str> {
        self.nodes[node.index()].ports.get(port.index()).map(String::as_str)
    }

    /// A link direction as `a:p > b:q`.
    pub fn direction(&self, dir: DirIx) -> String {
        let [(a, p), (b, q)] = self.directions[dir.0 as usize];
        format!("{} > {}", self.port(a, p), self.port(b, q))
    }

    /// The node called `name`.
    pub fn find(&self, name: &str) -> Option<NodeIx> {
        self.by_name.get(name).copied()
    }

    /// The port called `port` of a node.
    pub fn find_port(&self, node: NodeIx, port: &str) -> Option<PortIx> {
        self.nodes[node.index()].ports.iter().position(|p| p == port).map(|i| PortIx(i as u32))
    }

    /// All node names, in order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|n| n.name.as_str())
    }
}
