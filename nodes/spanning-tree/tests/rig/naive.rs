//! The tree, computed from the whole picture: least root, least cost, and the order of identifiers.

use super::{End, Network, Sets};
use packet::wire::bpdu::{BridgeId, PortId};
use spanning_tree::{Role, State};
use std::collections::BTreeMap;

/// What a port should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) root: BridgeId,
    pub(crate) root_path_cost: u32,
    pub(crate) role: Role,
}

/// What every port of a living bridge with a carrier should be.
pub(crate) fn expected(net: &Network) -> BTreeMap<End, Expected> {
    let id = |bridge: usize| net.switches[bridge].config.id;
    let ends = |segment: usize| {
        let is_there = move |end: &&End| net.segments[segment].is_up && net.switches[end.0].is_alive;
        net.segments[segment].ends.iter().filter(is_there)
    };
    let config = |end: &End| net.switches[end.0].ports[&end.1].config;
    let port_id = |end: &End| PortId(u16::from(config(end).priority & 0xf0) << 8 | end.1.0);

    // The least root and the least cost spread until nothing changes.
    let mut known: Vec<(BridgeId, u32)> = (0..net.switches.len()).map(|bridge| (id(bridge), 0)).collect();
    loop {
        let before = known.clone();
        for segment in 0..net.segments.len() {
            for own in ends(segment) {
                for other in ends(segment).filter(|other| other.0 != own.0) {
                    let (root, cost) = before[other.0];
                    known[own.0] = known[own.0].min((root, cost + config(own).path_cost));
                }
            }
        }
        if known == before {
            break;
        }
    }

    let designated = |segment: usize| ends(segment).min_by_key(|end| (known[end.0].1, id(end.0), port_id(end)));
    let root_port = |bridge: usize| {
        let ports = net.switches[bridge].ports.iter().filter_map(|(&number, port)| {
            let own = (bridge, number);
            let best = designated(port.segment).filter(|best| best.0 != bridge)?;
            let cost = known[best.0].1 + config(&own).path_cost;
            Some((cost, id(best.0), port_id(best), port_id(&own), number))
        });
        ports.min().filter(|_| known[bridge].0 != id(bridge)).map(|best| best.4)
    };
    let mut all = BTreeMap::new();
    for segment in 0..net.segments.len() {
        for &end in ends(segment) {
            let best = *designated(segment).expect("the end itself is there");
            let role = match () {
                () if best == end => Role::Designated,
                () if root_port(end.0) == Some(end.1) => Role::Root,
                () if best.0 == end.0 => Role::Backup,
                () => Role::Alternate,
            };
            let (root, root_path_cost) = known[end.0];
            all.insert(end, Expected { root, root_path_cost, role });
        }
    }
    all
}

/// Whether the network has come to the tree: roles, costs, states, and the graph of what forwards.
pub(crate) fn assert_tree(net: &Network) {
    let expected = expected(net);
    for (&end, want) in &expected {
        let status = net.tree(end.0).status(net.now);
        let got = Expected { root: status.root, root_path_cost: status.root_path_cost, role: net.port(end).role };
        assert_eq!(&got, want, "{end:?} at {}:\n{}", net.now, net.picture());
        let forwards = matches!(want.role, Role::Root | Role::Designated);
        let state = net.port(end).state;
        assert_eq!(state, if forwards { State::Forwarding } else { State::Blocking }, "{end:?}:\n{}", net.picture());
        assert_eq!(net.switches[end.0].ports[&end.1].state, state, "{end:?} says what it had done");
    }
    assert!(!net.has_loop(), "{}", net.picture());
    // What is wired together forwards together.
    let node = |segment: usize| net.switches.len() + segment;
    let mut wired = Sets::new(net.switches.len() + net.segments.len());
    let mut forwarding = Sets::new(net.switches.len() + net.segments.len());
    for &(bridge, port) in expected.keys() {
        wired.join(bridge, node(net.switches[bridge].ports[&port].segment));
    }
    for (bridge, segment) in net.forwarding() {
        forwarding.join(bridge, node(segment));
    }
    for &(bridge, port) in expected.keys() {
        let segment = net.switches[bridge].ports[&port].segment;
        let is_one = forwarding.find(bridge) == forwarding.find(node(segment));
        assert!(is_one, "bridge {bridge} and segment {segment} are parted:\n{}", net.picture());
    }
}
