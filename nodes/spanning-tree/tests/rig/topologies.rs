//! Networks of known shapes, and of random ones.

use super::{Network, bridge_config, port_config, shared_port_config};
use sim_core::{Duration, Seed, Stream};
use spanning_tree::{PortConfig, Protocol};

/// Bridges of one priority; the addresses are 1, 2, ..
pub(crate) fn bridges(protocol: Protocol, len: usize) -> Network {
    let mut net = Network::new();
    for index in 0..len {
        net.add_bridge(protocol, bridge_config(0x8000, index as u64 + 1));
    }
    net
}

/// A ring of bridges.
pub(crate) fn ring(protocol: Protocol, len: usize) -> Network {
    let mut net = bridges(protocol, len);
    for index in 0..len {
        net.add_link(index, (index + 1) % len);
    }
    net
}

/// A grid whose borders are joined.
pub(crate) fn torus(protocol: Protocol, side: usize) -> Network {
    let mut net = bridges(protocol, side * side);
    for row in 0..side {
        for column in 0..side {
            net.add_link(row * side + column, row * side + (column + 1) % side);
            net.add_link(row * side + column, (row + 1) % side * side + column);
        }
    }
    net
}

/// Every leaf linked to every spine. The spines come first.
pub(crate) fn leaf_spine(protocol: Protocol, leaves: usize, spines: usize) -> Network {
    let mut net = bridges(protocol, spines + leaves);
    for leaf in spines..spines + leaves {
        for spine in 0..spines {
            net.add_link(spine, leaf);
        }
    }
    net
}

/// A connected network with random priorities, costs, delays, parallel links and, where asked for, hubs.
pub(crate) fn random(protocol: Protocol, seed: u64, with_hubs: bool) -> Network {
    let mut stream = Seed(seed).stream("random network");
    let stream = &mut stream;
    let len = 2 + stream.below(7) as usize;
    let mut net = Network::new();
    for index in 0..len {
        // The addresses fall, so that the order of the indices isn't the order of the bridges.
        let priority = 0x1000 * stream.below(4) as u16;
        net.add_bridge(protocol, bridge_config(priority, 100 - index as u64));
    }
    for index in 1..len {
        let other = stream.below(index as u64) as usize;
        add_random(&mut net, stream, &[index, other], port_config());
    }
    for _ in 0..stream.below(2 * len as u64) {
        let ends = [stream.below(len as u64) as usize, stream.below(len as u64) as usize];
        if ends[0] != ends[1] {
            add_random(&mut net, stream, &ends, port_config());
        }
    }
    for _ in 0..if with_hubs { 1 + stream.below(3) } else { 0 } {
        let ends: Vec<usize> = (0..2 + stream.below(3)).map(|_| stream.below(len as u64) as usize).collect();
        add_random(&mut net, stream, &ends, shared_port_config());
    }
    net
}

fn add_random(net: &mut Network, stream: &mut Stream, bridges: &[usize], config: PortConfig) {
    let mut end = |bridge| {
        let priority = 16 * stream.below(3) as u8;
        (bridge, PortConfig { priority, path_cost: 1 + stream.below(4) as u32, ..config })
    };
    let ends: Vec<(usize, PortConfig)> = bridges.iter().map(|&bridge| end(bridge)).collect();
    let segment = net.add_segment(&ends);
    net.segments[segment].delay = Duration::from_micros(1 + stream.below(1000));
}
