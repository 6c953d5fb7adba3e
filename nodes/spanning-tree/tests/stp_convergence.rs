//! Whatever the network, STP comes to the tree that the whole picture gives within the standard's time, and comes back
//! to it when cables, hubs and bridges fail. Frames never run in a circle on the way.

mod rig;

use rig::Network;
use rig::naive::assert_tree;
use rig::topologies::{leaf_spine, random, ring, torus};
use sim_core::{Duration, Seed};
use spanning_tree::Protocol::Stp;

/// What a port waits for: to listen, and to learn.
const OPENING: Duration = Duration::from_secs(2 * 15);
/// What was heard ages before that, if it has to: `max_age`.
const AGEING: Duration = Duration::from_secs(20);
/// A message is held back for up to a second at each bridge that it passes.
const HELD_BACK: Duration = Duration::from_secs(5);

const NETWORKS: u64 = 100;

/// Lets a network come to rest, and stay so; says after how long it was there.
fn converge(net: &mut Network) -> Duration {
    let took = net.settle(AGEING + OPENING + HELD_BACK);
    assert_tree(net);
    assert_eq!(net.settle(AGEING + OPENING), Duration::ZERO, "it stays as it is");
    assert_tree(net);
    took
}

#[test]
fn a_network_that_starts_listens_and_learns_and_that_is_all() {
    for mut net in [ring(Stp, 3), ring(Stp, 16), torus(Stp, 4), leaf_spine(Stp, 8, 4)] {
        assert_eq!(converge(&mut net), OPENING);
    }
    for seed in 0..NETWORKS {
        let took = converge(&mut random(Stp, seed, true));
        assert!(took <= OPENING + HELD_BACK, "network {seed}: {took}");
    }
}

#[test]
fn a_cable_that_is_pulled_and_plugged_in_again() {
    for seed in 0..NETWORKS {
        let mut net = random(Stp, seed, true);
        converge(&mut net);
        let segment = Seed(seed).stream("cable").below(net.segments.len() as u64) as usize;
        for is_up in [false, true] {
            net.set_link(segment, is_up);
            let took = converge(&mut net);
            assert!(took <= AGEING + OPENING + HELD_BACK, "network {seed}: {took}");
        }
    }
}

#[test]
fn a_root_that_dies() {
    let mut longest = Duration::ZERO;
    for seed in 0..NETWORKS {
        let mut net = random(Stp, seed, true);
        converge(&mut net);
        let root = (0..net.switches.len()).min_by_key(|bridge| net.switches[*bridge].config.id);
        net.fail_bridge(root.expect("there is a bridge"));
        longest = longest.max(converge(&mut net));
    }
    // Where another way is there, what is known of the dead root has to age on it first.
    assert!(longest > AGEING + OPENING - Duration::from_secs(2), "{longest}");
    assert!(longest <= AGEING + OPENING + HELD_BACK, "{longest}");
}

#[test]
fn a_link_that_goes_silent_is_found_out_by_age() {
    // The way from 1 to the root 0 is the link between them, until nothing comes over it.
    let mut net = ring(Stp, 3);
    converge(&mut net);
    // With this fault both ends forward, which no protocol of these can know.
    net.forbids_loops = false;
    net.segments[0].is_silent = true;
    let took = net.settle(AGEING + OPENING);
    assert!(took > AGEING - Duration::from_secs(2), "{took}");
    let status = net.tree(1).status(net.now);
    assert_eq!((status.root, status.root_path_cost), (net.switches[0].config.id, 20), "the way round");
}
