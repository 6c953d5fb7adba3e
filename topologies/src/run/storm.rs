//! The loop guard's message: the loop that a storm goes round on, link by link.

use super::net::Net;
use petgraph::graph::{EdgeIndex, NodeIndex, UnGraph};
use petgraph::unionfind::UnionFind;
use petgraph::visit::EdgeRef;
use sim_core::{LinkIx, NodeIx, PortIx};
use std::collections::VecDeque;

/// How many busy links the message names.
const NAMED: usize = 6;

/// How many links of a loop it names.
const NAMED_OF_LOOP: usize = 16;

/// Says that the lab used up its events, on which loop, and which links carried the most broadcasts.
pub fn message(net: &Net) -> String {
    let engine = net.engine();
    let head = format!("stopped after {} events at {} s of lab time", engine.events(), engine.now());
    let busiest = busiest(net);
    let Some(found) = busiest_loop(net, &busiest) else {
        return format!("{head}: no links form a loop; the busiest carried {}", counts(net, &busiest));
    };
    let of_loop: Vec<_> = busiest.iter().filter(|(_, link)| found.iter().any(|step| step.link == *link)).collect();
    format!(
        "{head}: there is a loop, {}: broadcasts go round on {}; set rstp_enable = true on its switches, or take one of \
         these links down",
        around(net, &found),
        counts(net, of_loop)
    )
}

/// The links that carried broadcasts, and how many, the busiest first.
fn busiest(net: &Net) -> Vec<(u64, LinkIx)> {
    let engine = net.engine();
    let carried = |link: LinkIx| {
        let of = |dir| engine.link_counters(dir).group_frames;
        (of(link.forward()) + of(link.backward()), link)
    };
    let links = (0..engine.link_count() as u32).map(LinkIx);
    let mut busiest: Vec<_> = links.map(carried).filter(|(count, _)| *count > 0).collect();
    busiest.sort_by_key(|&(count, link)| (std::cmp::Reverse(count), link));
    busiest
}

fn counts<'a>(net: &Net, links: impl IntoIterator<Item = &'a (u64, LinkIx)>) -> String {
    let mut links = links.into_iter();
    let name = |&(count, link): &(u64, LinkIx)| {
        let [(a, p), (b, q)] = net.engine().ends(link);
        format!("{} - {} ({count} broadcasts)", net.names().port(a, p), net.names().port(b, q))
    };
    let named: Vec<String> = links.by_ref().take(NAMED).map(name).collect();
    let more = links.count();
    named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

/// A link of a loop, and the port at which the loop leaves a node for it.
#[derive(Clone, Copy, Debug)]
struct Step {
    from: (NodeIx, PortIx),
    link: LinkIx,
}

/// The loop of switches and hubs whose quietest link is the busiest, and of several the shortest through that link.
///
/// Links are laid out from the busiest on; the first that joins what is joined already closes a loop.
fn busiest_loop(net: &Net, busiest: &[(u64, LinkIx)]) -> Option<Vec<Step>> {
    let engine = net.engine();
    let len = engine.nodes().len();
    let mut floor: UnGraph<(), LinkIx> = UnGraph::default();
    (0..len).for_each(|_| _ = floor.add_node(()));
    let mut joined = UnionFind::<usize>::new(len);
    let mut closing = None;
    for &(_, link) in busiest.iter().filter(|(_, link)| engine.is_up(*link)) {
        let [(a, _), (b, _)] = engine.ends(link);
        if engine.node(a).as_host().is_none() && engine.node(b).as_host().is_none() {
            let edge = floor.add_edge(NodeIndex::new(a.index()), NodeIndex::new(b.index()), link);
            if !joined.union(a.index(), b.index()) && closing.is_none() {
                closing = Some(edge);
            }
        }
    }
    Some(shortest_loop(net, &floor, closing?))
}

/// The shortest loop through a link that lies on one: breadth first from its second end back to its first.
fn shortest_loop(net: &Net, floor: &UnGraph<(), LinkIx>, closing: EdgeIndex) -> Vec<Step> {
    let link = floor[closing];
    let [from, (second, _)] = net.engine().ends(link);
    let (start, goal) = (NodeIndex::new(second.index()), NodeIndex::new(from.0.index()));
    let mut came_by: Vec<Option<(NodeIndex, LinkIx)>> = vec![None; floor.node_count()];
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front().filter(|_| came_by[goal.index()].is_none()) {
        for edge in floor.edges(node).filter(|edge| edge.id() != closing) {
            let place = &mut came_by[edge.target().index()];
            if edge.target() != start && place.is_none() {
                *place = Some((node, *edge.weight()));
                queue.push_back(edge.target());
            }
        }
    }
    let mut steps = Vec::new();
    let mut at = goal;
    while let Some((before, link)) = came_by[at.index()].filter(|_| at != start) {
        let [a, b] = net.engine().ends(link);
        steps.push(Step { from: if a.0.index() == before.index() { a } else { b }, link });
        at = before;
    }
    steps.push(Step { from, link });
    steps.reverse();
    steps
}

/// The loop as `s1:p1 - s2:p1 - s3:p2 - s1`: each node with the port at which the loop leaves it.
fn around(net: &Net, steps: &[Step]) -> String {
    let mut places: Vec<String> =
        steps.iter().take(NAMED_OF_LOOP).map(|step| net.names().port(step.from.0, step.from.1)).collect();
    let more = steps.len().saturating_sub(NAMED_OF_LOOP);
    if more > 0 {
        places.push(format!("{more} more"));
    }
    places.extend(steps.first().map(|step| net.names().node(step.from.0).to_owned()));
    places.join(" - ")
}
