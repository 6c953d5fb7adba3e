//! RSTP comes to the tree that the whole picture gives, and frames never run in a circle on the way.

mod rig;

use rig::naive::assert_tree;
use rig::topologies::{leaf_spine, random, ring, torus};
use rig::{DELAY, Network};
use sim_core::Duration;
use spanning_tree::Protocol::Rstp;

/// With hubs: Max Age until a port learns, a hello time until it forwards, and as long again for what came late.
const WITH_HUBS: Duration = Duration::from_secs(24);

fn converges(mut net: Network) -> Duration {
    let took = net.settle(Duration::from_secs(60));
    assert_tree(&net);
    took
}

/// A network whose bridges may send as much as the standard allows.
fn hasty(mut net: Network) -> Network {
    for bridge in 0..net.switches.len() {
        let config = net.switches[bridge].config;
        net.configure(bridge, spanning_tree::BridgeConfig { transmit_hold_count: 10, ..config });
    }
    net
}

#[test]
fn rings_take_a_crossing_of_each_link() {
    for len in 3..=8 {
        let took = converges(ring(Rstp, len));
        assert!(took <= DELAY * len as u64, "ring of {len}: {took}");
    }
}

#[test]
fn leaves_and_spines_take_two_crossings_and_back() {
    assert!(converges(leaf_spine(Rstp, 8, 4)) <= DELAY * 4);
}

/// A bridge sends one BPDU for each better root that it hears of. In a ring of n bridges that may be n of them, and
/// those above TxHoldCount wait a second each.
#[test]
fn what_takes_seconds_is_the_hold_count() {
    for len in 9..=16 {
        let took = converges(ring(Rstp, len));
        assert!(took > Duration::from_millis(999), "ring of {len}: {took}");
        assert!(took < Duration::from_secs(len as u64 - 6), "ring of {len}: {took}");
    }
    assert!(converges(hasty(ring(Rstp, 9))) <= DELAY * 9);
    assert!(converges(torus(Rstp, 4)) <= Duration::from_secs(1) + DELAY * 8);
    assert!(converges(hasty(torus(Rstp, 4))) <= DELAY * 8);
}

#[test]
fn random_networks_of_links_come_to_a_tree_within_seconds() {
    let took: Vec<Duration> = (0..100).map(|seed| converges(random(Rstp, seed, false))).collect();
    let rapid = took.iter().filter(|&&took| took < Duration::from_millis(20)).count();
    assert!(rapid >= 80, "{rapid} of 100 in milliseconds");
    assert!(took.iter().all(|&took| took <= Duration::from_millis(3020)), "{took:?}");
    let took: Vec<Duration> = (0..100).map(|seed| converges(hasty(random(Rstp, seed, false)))).collect();
    assert!(took.iter().all(|&took| took < Duration::from_millis(20)), "{took:?}");
}

#[test]
fn random_networks_with_hubs_come_to_a_tree_in_time() {
    let worst = (100..200).map(|seed| converges(random(Rstp, seed, true))).max();
    assert!(worst.is_some_and(|worst| worst <= WITH_HUBS), "{worst:?}");
}
