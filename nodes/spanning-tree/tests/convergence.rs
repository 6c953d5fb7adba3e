//! Whatever the network, the bridges agree on its spanning tree within the standard's time, and never let a frame go
//! round on the way there.

mod rig;

use rig::{FORWARD_DELAY, MAX_AGE, Network, leaf_spine, random, ring, torus};
use sim_core::{Duration, Seed, Time};
use spanning_tree::Protocol;

/// How long a network may take: what was heard ages, then ports listen and learn. The margin is for messages that
/// are held back on their way, by a second at each bridge.
const BOUND: Duration = Duration::from_secs(20 + 2 * 15 + MARGIN_S);
const MARGIN_S: u64 = 6;

/// Random networks.
const NETWORKS: usize = 100;

/// Lets a network come to rest and asserts that it has found the tree; gives how long it took.
fn converge(network: &mut Network) -> Duration {
    assert_eq!(BOUND, MAX_AGE + FORWARD_DELAY * 2 + Duration::from_secs(MARGIN_S));
    let start = network.now;
    network.run(BOUND);
    network.assert_tree();
    let took = network.last_change.since(start);
    // It stays as it is.
    network.run(BOUND);
    network.assert_tree();
    took
}

#[test]
fn a_ring_a_torus_and_a_leaf_spine_become_trees() {
    for mut network in
        [ring(Protocol::Stp, 3), ring(Protocol::Stp, 8), torus(Protocol::Stp, 4), leaf_spine(Protocol::Stp, 8, 4)]
    {
        let took = converge(&mut network);
        println!("{} bridges, {} links: {took}", network.bridges.len(), network.links.len());
    }
}

#[test]
fn random_networks_become_trees_and_again_after_failures() {
    let mut longest = [Duration::ZERO; 5];
    for seed in 0..NETWORKS as u64 {
        let mut stream = Seed(seed).stream("network");
        let mut network = random(Protocol::Stp, &mut stream);
        longest[0] = longest[0].max(converge(&mut network));

        // A cable is pulled.
        let link = stream.below(network.links.len() as u64) as usize;
        network.set_link(link, false);
        longest[1] = longest[1].max(converge(&mut network));

        // Another one goes deaf: only age tells. Both ends take themselves for designated then.
        let other = stream.below(network.links.len() as u64) as usize;
        if other != link {
            network.links[other].is_deaf = true;
            network.run(BOUND);
            network.set_link(other, false);
            longest[2] = longest[2].max(converge(&mut network));
        }

        // The root loses all its links.
        let of_root = |network: &Network| {
            let root = (0..network.bridges.len()).min_by_key(|n| network.bridges[*n].status(Time::ZERO).id);
            let ends = |n: &usize| network.links[*n].ends.iter().any(|end| Some(end.0) == root);
            (0..network.links.len()).filter(ends).collect::<Vec<_>>()
        };
        let links: Vec<usize> = of_root(&network).into_iter().filter(|n| network.links[*n].is_up).collect();
        links.iter().for_each(|link| network.set_link(*link, false));
        longest[3] = longest[3].max(converge(&mut network));
        links.iter().for_each(|link| network.set_link(*link, true));
        longest[4] = longest[4].max(converge(&mut network));
    }
    println!("at first, cable, deaf cable, root gone, root back: {longest:?}");
}
