//! The loop guard's message: which links a storm goes round on.

use super::net::Net;
use petgraph::graph::UnGraph;
use petgraph::visit::{EdgeRef, IntoNodeReferences};
use sim_core::{LinkIx, NodeIx};

/// How many links the message names.
const NAMED: usize = 6;

/// Says that the lab used up its events, which links carried the most broadcasts, and whether they form a loop.
pub fn message(net: &Net) -> String {
    let engine = net.engine();
    let mut busiest: Vec<(u64, LinkIx)> = (0..engine.link_count() as u32)
        .map(LinkIx)
        .map(|link| {
            let carried = |dir| engine.link_counters(dir).group_frames;
            (carried(link.forward()) + carried(link.backward()), link)
        })
        .filter(|(count, _)| *count > 0)
        .collect();
    busiest.sort_by_key(|&(count, link)| (std::cmp::Reverse(count), link));
    let ring = on_loops(net);
    let looped: Vec<_> = busiest.iter().filter(|(_, link)| ring.contains(link)).copied().collect();
    let (named, what) = if looped.is_empty() {
        (busiest, "no links form a loop; the busiest carried")
    } else {
        (looped, "there is a loop: broadcasts go round on")
    };
    let links: Vec<String> = named
        .iter()
        .take(NAMED)
        .map(|&(count, link)| {
            let [(a, p), (b, q)] = engine.ends(link);
            format!("{} - {} ({count} broadcasts)", net.names().port(a, p), net.names().port(b, q))
        })
        .collect();
    let more = named.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let remedy = if ring.is_empty() { "" } else { "; take one of these links down, or have a spanning tree do it" };
    format!(
        "stopped after {} events at {} s of lab time: {what} {}{more}{remedy}",
        engine.events(),
        engine.now(),
        links.join(", ")
    )
}

/// The links that lie on a loop of switches and hubs: those whose loss would leave their ends connected.
fn on_loops(net: &Net) -> Vec<LinkIx> {
    let engine = net.engine();
    let mut graph: UnGraph<NodeIx, LinkIx> = UnGraph::default();
    let nodes: Vec<_> = (0..engine.nodes().len() as u32).map(|n| graph.add_node(NodeIx(n))).collect();
    for link in (0..engine.link_count() as u32).map(LinkIx).filter(|&link| engine.is_up(link)) {
        let [(a, _), (b, _)] = engine.ends(link);
        if engine.node(a).as_host().is_none() && engine.node(b).as_host().is_none() {
            graph.add_edge(nodes[a.index()], nodes[b.index()], link);
        }
    }
    // Leaves can't lie on a loop; what is left after taking them all away does, or joins two loops.
    loop {
        let leaves: Vec<_> = graph
            .node_references()
            .map(|(node, _)| node)
            .filter(|&node| graph.edges(node).count() == 1)
            .flat_map(|node| graph.edges(node).map(|edge| edge.id()).collect::<Vec<_>>())
            .collect();
        if leaves.is_empty() {
            return graph.edge_weights().copied().collect();
        }
        graph.retain_edges(|_, edge| !leaves.contains(&edge));
    }
}
