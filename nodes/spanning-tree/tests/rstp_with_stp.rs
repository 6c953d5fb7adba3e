//! RSTP and STP bridges in one network come to one tree.

mod rig;

use rig::naive::assert_tree;
use rig::topologies::random;
use rig::{Network, bridge_config, port_config};
use sim_core::{Duration, Seed};
use spanning_tree::Protocol::{Rstp, Stp};
use spanning_tree::{PortNumber, State};

/// Max Age, twice Forward Delay, and as much again for ports that begin when others are done.
const SETTLED: Duration = Duration::from_secs(100);

/// A random network in which every other bridge speaks STP.
fn mixed(seed: u64) -> Network {
    let model = random(Rstp, seed, seed.is_multiple_of(2));
    let mut net = Network::new();
    for (index, switch) in model.switches.iter().enumerate() {
        net.add_bridge(if index.is_multiple_of(2) { Stp } else { Rstp }, switch.config);
    }
    for segment in &model.segments {
        let ends: Vec<_> = segment.ends.iter().map(|end| (end.0, model.switches[end.0].ports[&end.1].config)).collect();
        let added = net.add_segment(&ends);
        net.segments[added].delay = segment.delay;
    }
    net
}

#[test]
fn random_networks_of_both_come_to_a_tree_and_back_to_one() {
    for seed in 0..100 {
        let mut net = mixed(seed);
        net.run_for(SETTLED);
        assert_tree(&net);
        let mut stream = Seed(seed).stream("what breaks");
        let segment = stream.below(net.segments.len() as u64) as usize;
        net.forbids_loops = false;
        net.set_link(segment, false);
        net.run_for(SETTLED);
        assert_tree(&net);
        net.set_link(segment, true);
        net.run_for(SETTLED);
        assert_tree(&net);
    }
}

#[test]
fn an_stp_bridge_between_two_that_speak_rstp_is_spoken_to_in_stp_and_only_it() {
    let mut net = Network::new();
    for (address, protocol) in [(1, Rstp), (2, Stp), (3, Rstp), (4, Rstp)] {
        net.add_bridge(protocol, bridge_config(0x8000, address));
    }
    for (a, b) in [(0, 1), (1, 2), (2, 3)] {
        net.add_segment(&[(a, port_config()), (b, port_config())]);
    }
    net.run_for(SETTLED);
    assert_tree(&net);
    let speaks_stp = |bridge, port| net.port((bridge, PortNumber(port))).speaks_stp;
    assert!(speaks_stp(0, 1) && speaks_stp(2, 1));
    assert!(!speaks_stp(2, 2) && !speaks_stp(3, 1));
}

#[test]
fn a_change_below_an_stp_bridge_comes_to_an_rstp_root_and_back_to_all() {
    let mut net = Network::new();
    for (address, protocol) in [(1, Rstp), (2, Stp), (3, Rstp)] {
        net.add_bridge(protocol, bridge_config(0x8000, address));
    }
    net.add_link(0, 1);
    net.add_link(1, 2);
    // A second link between the same bridges, which changes the topology when it fails.
    let second = net.add_link(1, 2);
    net.run_for(SETTLED);
    assert_tree(&net);
    let changes = |net: &Network| [0, 1, 2].map(|bridge| net.tree(bridge).status(net.now).changes);
    let before = changes(&net);
    net.run_for(SETTLED);
    assert_eq!(changes(&net), before);
    let first = net.segments[second - 1].ends[1];
    assert_eq!(net.port(first).state, State::Forwarding);
    net.set_link(second - 1, false);
    net.run_for(SETTLED);
    assert_tree(&net);
    assert!(changes(&net).iter().zip(before).all(|(after, before)| *after > before), "{:?}", changes(&net));
}
