//! Checks that come out the same whatever the lab does.

use super::Linter;
use crate::lab::{CheckKind, Expect, PingTarget};
use petgraph::unionfind::UnionFind;
use sim_core::NodeIx;

pub(super) fn check(l: &mut Linter<'_>) {
    // Links that are down count: an event may bring them up.
    let mut parts = UnionFind::<usize>::new(l.lab.nodes().len());
    for link in l.lab.links() {
        parts.union(link.ends[0].node.index(), link.ends[1].node.index());
    }
    let joined = |a: NodeIx, b: NodeIx| parts.equiv(a.index(), b.index());
    for (number, check) in l.checks() {
        let name = |node: NodeIx| &l.lab.node(node).name;
        let separate = |nodes: &[NodeIx]| {
            let other = nodes.iter().skip(1).copied().find(|&node| !joined(nodes[0], node))?;
            Some((nodes[0], other))
        };
        let (problem, remedy) = match &check.kind {
            CheckKind::Reach(nodes) => match separate(nodes) {
                Some((a, b)) => (never(name(a), name(b)), LINK),
                None => continue,
            },
            CheckKind::Apart(nodes)
                if nodes.iter().enumerate().all(|(at, &a)| nodes[..at].iter().all(|&b| !joined(a, b))) =>
            {
                (always(name(nodes[0]), name(nodes[1])), LINK)
            }
            CheckKind::Ping(ping) => {
                let PingTarget::Host(to) = ping.to else { continue };
                match ping.expect {
                    _ if joined(ping.from, to) => continue,
                    Expect::Reachable => (never(name(ping.from), name(to)), LINK),
                    Expect::Unreachable => (always(name(ping.from), name(to)), LINK),
                }
            }
            CheckKind::Frames(frames) if (frames.min, frames.max) == (0, None) => (ANY_NUMBER.to_owned(), BOUND),
            CheckKind::Drops(drops) if (drops.min, drops.max) == (0, None) => (ANY_NUMBER.to_owned(), BOUND),
            _ => continue,
        };
        l.warn(&l.check_path(number), problem, remedy);
    }
}

const ANY_NUMBER: &str = "passes whatever happens: every number is at least 0";
const BOUND: &str = "give a `max`, or a `min` of at least 1";
const LINK: &str = "link the two parts of the lab, or leave the check out";

fn never(a: &str, b: &str) -> String {
    format!("can't pass: no way over links leads from {a} to {b}")
}

fn always(a: &str, b: &str) -> String {
    format!("passes whatever the switches do: no way over links leads from {a} to {b}")
}
