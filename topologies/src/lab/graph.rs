//! The lab as a graph: nodes and links, nothing of what they do.

use super::Lab;
use petgraph::graph::UnGraph;
use sim_core::{LinkIx, NodeIx};

impl Lab {
    /// The lab as a graph: a vertex for each node and an edge for each link, in the lab's order, so that a vertex's
    /// index is the node's and an edge's index the link's. Links that are down count as well.
    pub fn graph(&self) -> UnGraph<NodeIx, LinkIx> {
        let mut graph = UnGraph::with_capacity(self.nodes.len(), self.links.len());
        let vertices: Vec<_> = (0..self.nodes.len() as u32).map(|node| graph.add_node(NodeIx(node))).collect();
        for (link, number) in self.links.iter().zip(0..) {
            let [a, b] = link.ends.map(|end| vertices[end.node.index()]);
            graph.add_edge(a, b, LinkIx(number));
        }
        graph
    }

    /// How many parts the lab has between which there is no way over links.
    pub fn parts(&self) -> usize {
        petgraph::algo::connected_components(&self.graph())
    }
}
