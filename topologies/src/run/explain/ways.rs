//! How far it is from each node to one of them, by links: which port leads there, and which copy of a flood came nearest.

use crate::run::device::Device;
use crate::run::net::Net;
use sim_core::{DirIx, LinkIx, NodeIx, PortIx};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use switch::plan::Gate;

/// What a link counts for that spanning tree keeps closed, or that is down: a way around is preferred, if it is not long.
const CLOSED: u32 = 1000;
const DOWN: u32 = 20;

/// Distances to a node.
pub(super) struct Ways(Vec<u32>);

impl Ways {
    /// The distances of all nodes to `target`. Hosts pass nothing on, unless they have bridges.
    pub(super) fn to(net: &Net, target: NodeIx) -> Self {
        let engine = net.engine();
        let mut links: Vec<Vec<(NodeIx, u32)>> = vec![Vec::new(); engine.nodes().len()];
        for link in (0..engine.link_count() as u32).map(LinkIx) {
            let [(a, _), (b, _)] = engine.ends(link);
            let cost = cost(net, link);
            links[a.index()].push((b, cost));
            links[b.index()].push((a, cost));
        }
        let mut far = vec![u32::MAX; links.len()];
        far[target.index()] = 0;
        let mut next = BinaryHeap::from([(Reverse(0), target)]);
        while let Some((Reverse(distance), node)) = next.pop() {
            let passes = node == target || passes_on(engine.node(node));
            if distance > far[node.index()] || !passes {
                continue;
            }
            for &(peer, cost) in &links[node.index()] {
                if distance + cost < far[peer.index()] {
                    far[peer.index()] = distance + cost;
                    next.push((Reverse(distance + cost), peer));
                }
            }
        }
        Self(far)
    }

    /// How far it is from a node; `u32::MAX` if there is no way.
    pub(super) fn from(&self, node: NodeIx) -> u32 {
        self.0[node.index()]
    }

    /// The port of a node that leads there, and the direction away from it.
    pub(super) fn port(&self, net: &Net, node: NodeIx) -> Option<(PortIx, DirIx)> {
        let ports = (0..).map_while(|n| net.names().port_name(node, PortIx(n)).map(|_| PortIx(n)));
        let dirs = ports.filter_map(|port| Some((port, net.engine().direction_from(node, port)?)));
        let far = dirs.map(|(port, dir)| {
            let (peer, _) = far_end(net, dir);
            (self.from(peer).saturating_add(cost(net, dir.link())), port, dir)
        });
        far.filter(|(far, ..)| *far != u32::MAX)
            .min_by_key(|(far, port, _)| (*far, *port))
            .map(|(_, port, dir)| (port, dir))
    }

    /// The directions of the links from a node to there.
    pub(super) fn path(&self, net: &Net, from: NodeIx) -> Vec<DirIx> {
        let (mut at, mut path) = (from, Vec::new());
        while self.from(at) > 0 && path.len() < self.0.len() {
            let Some((_, dir)) = self.port(net, at) else { break };
            path.push(dir);
            at = far_end(net, dir).0;
        }
        path
    }
}

/// The node and port that a direction leads to.
pub(super) fn far_end(net: &Net, dir: DirIx) -> (NodeIx, PortIx) {
    let [a, b] = net.engine().ends(dir.link());
    if dir == dir.link().forward() { b } else { a }
}

/// The node and port that a direction starts at.
pub(super) fn near_end(net: &Net, dir: DirIx) -> (NodeIx, PortIx) {
    far_end(net, dir.reverse())
}

fn passes_on(device: &Device) -> bool {
    match device {
        Device::Switch(_) | Device::Hub(_) => true,
        Device::Host(_) => false,
        Device::Server(server) => server.switch().bridges().next().is_some(),
    }
}

fn cost(net: &Net, link: LinkIx) -> u32 {
    let is_closed = net.engine().ends(link).iter().any(|&(node, port)| {
        net.switch(node).is_some_and(|switch| {
            switch.bridges().filter_map(|bridge| switch.shared(bridge)).any(|shared| {
                let plan = shared.plan();
                plan.slot(port).is_some_and(|slot| {
                    let port = &plan.ports[usize::from(slot)];
                    port.gate == Gate::Closed && !port.is_down
                })
            })
        })
    });
    match (net.engine().is_up(link), is_closed) {
        (false, _) => DOWN,
        (true, true) => CLOSED,
        (true, false) => 1,
    }
}
