//! RSTP comes to the tree that the whole picture gives, and frames never run in a circle on the way.

mod rig;

use rig::naive::assert_tree;
use rig::topologies::{leaf_spine, random, ring, torus};
use rig::Network;
use sim_core::Duration;
use spanning_tree::Protocol::Rstp;

/// On point-to-point links alone, from a cold start. The handshakes take round trips of 20 us; what takes time is
/// TxHoldCount: a port that sent six BPDUs waits up to a second for the next.
const RAPIDLY: Duration = Duration::from_millis(1100);

/// With hubs: Max Age until a port learns, a hello time until it forwards, and one more for what is heard late.
const IN_TIME: Duration = Duration::from_secs(26);

fn converges(mut net: Network, within: Duration) -> Duration {
    let took = net.settle(Duration::from_secs(60));
    assert_tree(&net);
    assert!(took <= within, "{took}");
    took
}

#[test]
fn rings_come_to_a_tree_at_once() {
    for len in 3..=8 {
        println!("ring of {len}: {}", converges(ring(Rstp, len), RAPIDLY));
    }
}

#[test]
fn a_torus_comes_to_a_tree_at_once() {
    println!("torus: {}", converges(torus(Rstp, 4), RAPIDLY));
}

#[test]
fn leaves_and_spines_come_to_a_tree_at_once() {
    println!("leaf-spine: {}", converges(leaf_spine(Rstp, 8, 4), RAPIDLY));
}

#[test]
fn random_networks_of_links_come_to_a_tree_at_once() {
    let worst = (0..100).map(|seed| converges(random(Rstp, seed, false), RAPIDLY)).max();
    println!("worst: {}", worst.unwrap_or_default());
}

#[test]
fn random_networks_with_hubs_come_to_a_tree_in_time() {
    let worst = (100..200).map(|seed| converges(random(Rstp, seed, true), IN_TIME)).max();
    println!("worst: {}", worst.unwrap_or_default());
}
