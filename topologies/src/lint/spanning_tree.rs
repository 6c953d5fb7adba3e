//! A loop of switches and hubs in which a VLAN goes round for ever.
//!
//! A spanning tree breaks a loop only if every switch on it takes part: one that doesn't drops the others' BPDUs
//! (IEEE 802.1Q-2018 section 8.6.3: they go to a reserved address) unless `other_config:forward-bpdu` says otherwise.
//! A hub passes them on. Links that are down, bonds, and bridges that flows steer aren't looked at.

use super::layout::Layout;
use super::{Linter, listed};
use crate::lab::LabEnd;
use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::visit::EdgeRef;
use sim_core::LinkIx;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many loops of one VLAN are reported.
const MAX_LOOPS: usize = 10;

pub(super) fn check(l: &mut Linter<'_>) {
    let edges = edges(l.layout);
    let vlans: BTreeSet<u16> = l
        .layout
        .bridges
        .iter()
        .flat_map(|bridge| &bridge.ports)
        .flat_map(|port| mentioned(&port.vlans))
        .chain([0])
        .collect();
    // VLANs that the same links carry loop on the same links.
    let mut seen: BTreeSet<Vec<LinkIx>> = BTreeSet::new();
    let mut reported: BTreeSet<LinkIx> = BTreeSet::new();
    for vlan in vlans {
        let carrying: Vec<&Edge> = edges.iter().filter(|edge| edge.carries(l.layout, vlan)).collect();
        if carrying.is_empty() || !seen.insert(carrying.iter().map(|edge| edge.link).collect()) {
            continue;
        }
        for cycle in unbroken_loops(l.layout, &carrying) {
            if cycle.iter().any(|link| reported.contains(link)) {
                continue;
            }
            reported.extend(&cycle);
            report(l, vlan, &cycle);
        }
    }
}

fn report(l: &mut Linter<'_>, vlan: u16, cycle: &[LinkIx]) {
    let nodes: BTreeSet<_> =
        cycle.iter().flat_map(|link| l.lab.links()[link.0 as usize].ends).map(|e| e.node).collect();
    let without = l.layout.bridges.iter().filter(|bridge| nodes.contains(&bridge.node) && !bridge.has_tree);
    let without: Vec<&str> = without.map(|bridge| l.lab.node(bridge.node).name.as_str()).collect();
    let links = listed(cycle.iter().map(|&link| l.layout.link_name(link)));
    let vlan = if vlan == 0 { "untagged frames".to_owned() } else { format!("VLAN {vlan}") };
    let path = l.link_path(cycle.iter().copied().min().expect("a loop has links"));
    let message = format!("a loop without spanning tree: broadcasts of {vlan} go round for ever on {links}");
    let remedy = match without.as_slice() {
        [] => "take one of the links down with up = false".to_owned(),
        some => format!("set rstp_enable = true on {}, or take one of the links down with up = false", listed(some)),
    };
    l.warn(&path, message, remedy);
}

/// The VLANs that a port was told of.
fn mentioned(vlans: &super::layout::PortVlans) -> Vec<u16> {
    use super::layout::PortVlans as P;
    match vlans {
        P::Access(vlan) | P::Tunnel { tag: vlan, .. } => vec![*vlan],
        P::Trunk(trunks) => trunks.iter().flatten().copied().collect(),
        P::Native { vlan, trunks, .. } => trunks.iter().flatten().copied().chain([*vlan]).collect(),
    }
}

/// What a loop goes over: a bridge, or a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Vertex {
    Bridge(usize),
    Hub(u32),
}

struct Edge {
    link: LinkIx,
    ends: [(Vertex, LabEnd); 2],
}

impl Edge {
    /// Whether a VLAN's frames cross it and are of the same VLAN at the other end, one way at least.
    fn carries(&self, layout: &Layout<'_>, vlan: u16) -> bool {
        let [a, b] = self.ends.map(|(_, end)| layout.port_at(end).map(|(_, port)| &port.vlans));
        match (a, b) {
            (Some(a), Some(b)) => {
                a.send(vlan, &[]).and_then(|tags| b.receive(&tags)).is_some_and(|(taken, _)| taken == vlan)
            }
            // A hub repeats whatever is sent.
            (Some(port), None) | (None, Some(port)) => port.send(vlan, &[]).is_some(),
            (None, None) => true,
        }
    }
}

fn edges(layout: &Layout<'_>) -> Vec<Edge> {
    let vertex = |end: LabEnd| {
        if layout.is_hub(end.node) {
            return Some((Vertex::Hub(end.node.0), end));
        }
        let (bridge, port) = layout.port_at(end)?;
        (!layout.bridges[bridge].is_opaque && !port.is_bonded).then_some((Vertex::Bridge(bridge), end))
    };
    let links = layout.lab.links().iter().zip(0..).filter(|(link, _)| !link.config.down);
    links
        .filter_map(|(link, at)| Some(Edge { link: LinkIx(at), ends: [vertex(link.ends[0])?, vertex(link.ends[1])?] }))
        .collect()
}

/// A loop of each part that has one which no spanning tree breaks, as its links in order.
fn unbroken_loops(layout: &Layout<'_>, edges: &[&Edge]) -> Vec<Vec<LinkIx>> {
    let mut graph: UnGraph<Vertex, LinkIx> = UnGraph::default();
    let mut index: BTreeMap<Vertex, NodeIndex> = BTreeMap::new();
    for edge in edges {
        let [a, b] = edge.ends.map(|(vertex, _)| *index.entry(vertex).or_insert_with(|| graph.add_node(vertex)));
        graph.add_edge(a, b, edge.link);
    }
    trim(&mut graph);
    let breaks = |vertex: Vertex| match vertex {
        Vertex::Bridge(bridge) => layout.bridges[bridge].has_tree || layout.bridges[bridge].forwards_bpdus,
        Vertex::Hub(_) => true,
    };
    let has_tree = |vertex: Vertex| matches!(vertex, Vertex::Bridge(bridge) if layout.bridges[bridge].has_tree);
    let mut loops = Vec::new();
    let mut done: BTreeSet<NodeIndex> = BTreeSet::new();
    // First those that certainly don't take part, then those that only pass on.
    let (first, second): (Vec<_>, Vec<_>) =
        index.values().copied().filter(|at| !has_tree(graph[*at])).partition(|at| !breaks(graph[*at]));
    for start in first.into_iter().chain(second) {
        if done.contains(&start) {
            continue;
        }
        if graph.edges(start).next().is_none() || loops.len() == MAX_LOOPS {
            continue;
        }
        let Some(cycle) = cycle_through(&graph, start) else { continue };
        let vertices: Vec<Vertex> = cycle.iter().map(|(at, _)| graph[*at]).collect();
        let is_broken = vertices.iter().all(|v| breaks(*v)) && vertices.iter().any(|v| has_tree(*v));
        done.extend(cycle.iter().map(|(at, _)| *at));
        if !is_broken {
            loops.push(cycle.into_iter().map(|(_, link)| link).collect());
        }
    }
    loops
}

/// Takes away, again and again, the link of a vertex that has no other: it lies on no loop.
fn trim(graph: &mut UnGraph<Vertex, LinkIx>) {
    let mut leaves: Vec<NodeIndex> = graph.node_indices().collect();
    while let Some(at) = leaves.pop() {
        let mut edges = graph.edges(at);
        if let (Some(edge), None) = (edges.next(), edges.next()) {
            let (edge, next) = (edge.id(), edge.target());
            graph.remove_edge(edge);
            leaves.push(next);
        }
    }
}

/// The shortest loop through a vertex: its vertices, each with the link to the next.
fn cycle_through(graph: &UnGraph<Vertex, LinkIx>, start: NodeIndex) -> Option<Vec<(NodeIndex, LinkIx)>> {
    // Each vertex remembers the link that it was reached by and the branch of the start that it is on.
    let mut reached: BTreeMap<NodeIndex, (NodeIndex, LinkIx, LinkIx)> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        let mut edges: Vec<_> = graph.edges(at).map(|edge| (*edge.weight(), edge.target())).collect();
        edges.sort_unstable();
        for (link, next) in edges {
            let branch = reached.get(&at).map_or(link, |known| known.2);
            if reached.get(&at).is_some_and(|known| known.1 == link) {
                continue;
            }
            // A link from a port to another of the same vertex is a loop by itself.
            if next == at && at == start {
                return Some(vec![(start, link)]);
            }
            if next == start && reached.get(&at).is_some_and(|known| known.2 != link) {
                return Some(way(&reached, start, at, link, None));
            }
            match reached.get(&next) {
                None if next != start => {
                    reached.insert(next, (at, link, branch));
                    queue.push_back(next);
                }
                Some(known) if known.2 != branch => return Some(way(&reached, start, at, link, Some(next))),
                _ => {}
            }
        }
    }
    None
}

/// The loop that a link between two branches closes, or one back to the start.
fn way(
    reached: &BTreeMap<NodeIndex, (NodeIndex, LinkIx, LinkIx)>,
    start: NodeIndex,
    near: NodeIndex,
    link: LinkIx,
    far: Option<NodeIndex>,
) -> Vec<(NodeIndex, LinkIx)> {
    let to_start = |mut at: NodeIndex| {
        let mut steps = Vec::new();
        while at != start {
            let (before, by, _) = reached[&at];
            steps.push((at, before, by));
            at = before;
        }
        steps
    };
    let mut cycle: Vec<(NodeIndex, LinkIx)> =
        to_start(near).into_iter().rev().map(|(_, before, by)| (before, by)).collect();
    cycle.push((near, link));
    cycle.extend(far.into_iter().flat_map(to_start).map(|(at, _, by)| (at, by)));
    cycle
}
