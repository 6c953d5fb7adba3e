//! Where nodes stand in a picture: layers by their distance from the hosts, the core of switches in the middle.
//!
//! A node's layer is its distance from the farthest core, so that hosts come below the switch that they hang on. Within
//! a layer, nodes are put near the middle of those above them (the barycentre heuristic of Sugiyama, Tagawa and Toda,
//! 1981), a few times down and up; ties keep the file's order. Nothing is random.

use super::{Drawing, Shape};
use std::collections::VecDeque;

/// How many times the order is improved.
const SWEEPS: usize = 8;

/// The nodes of each layer from the top, from left to right.
pub(super) fn layers(drawing: &Drawing) -> Vec<Vec<usize>> {
    let count = drawing.nodes.len();
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); count];
    for link in &drawing.links {
        let [a, b] = [link.ends[0].node, link.ends[1].node];
        neighbours[a].push(b);
        neighbours[b].push(a);
    }
    let depth = depths(drawing, &neighbours);
    let mut layers = vec![Vec::new(); depth.iter().max().map_or(0, |most| most + 1)];
    for (node, &depth) in depth.iter().enumerate() {
        layers[depth].push(node);
    }
    let mut place = vec![0.0; count];
    let settle = |layer: &[usize], place: &mut Vec<f64>| {
        for (at, &node) in layer.iter().enumerate() {
            // Layers of different lengths are all as wide as the picture.
            place[node] = (at as f64 + 0.5) / layer.len() as f64;
        }
    };
    layers.iter().for_each(|layer| settle(layer, &mut place));
    for sweep in 0..SWEEPS {
        let order: Vec<usize> =
            if sweep % 2 == 0 { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        for at in order {
            let middle = |node: usize| {
                let of: Vec<f64> = neighbours[node]
                    .iter()
                    .filter(|&&other| depth[other] != at && (depth[other] < at) == (sweep % 2 == 0))
                    .map(|&other| place[other])
                    .collect();
                if of.is_empty() { place[node] } else { of.iter().sum::<f64>() / of.len() as f64 }
            };
            let mut keyed: Vec<(f64, usize)> = layers[at].iter().map(|&node| (middle(node), node)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[at] = keyed.into_iter().map(|(_, node)| node).collect();
            settle(&layers[at], &mut place);
        }
    }
    layers
}

/// Each node's layer: its distance from the core of its part of the lab.
fn depths(drawing: &Drawing, neighbours: &[Vec<usize>]) -> Vec<usize> {
    let count = drawing.nodes.len();
    // The core is what is farthest from all hosts.
    let hosts: Vec<usize> = (0..count).filter(|&node| drawing.nodes[node].shape == Shape::Host).collect();
    let height = distances(neighbours, &hosts);
    let part = parts(neighbours);
    let mut best = vec![0; count];
    for node in 0..count {
        let reached = height[node].unwrap_or(0);
        best[part[node]] = best[part[node]].max(reached);
    }
    let core: Vec<usize> = (0..count).filter(|&node| height[node].unwrap_or(0) == best[part[node]]).collect();
    distances(neighbours, &core).into_iter().map(Option::unwrap_or_default).collect()
}

/// The number of links to the nearest of some nodes.
fn distances(neighbours: &[Vec<usize>], from: &[usize]) -> Vec<Option<usize>> {
    let mut distance = vec![None; neighbours.len()];
    let mut queue: VecDeque<usize> = from.iter().copied().collect();
    from.iter().for_each(|&node| distance[node] = Some(0));
    while let Some(node) = queue.pop_front() {
        for &next in &neighbours[node] {
            if distance[next].is_none() {
                distance[next] = distance[node].map(|far: usize| far + 1);
                queue.push_back(next);
            }
        }
    }
    distance
}

/// For each node, the first of the part of the lab that it is in.
fn parts(neighbours: &[Vec<usize>]) -> Vec<usize> {
    let mut part: Vec<Option<usize>> = vec![None; neighbours.len()];
    for start in 0..neighbours.len() {
        let mut todo = vec![start];
        while let Some(node) = todo.pop() {
            if part[node].is_none() {
                part[node] = Some(start);
                todo.extend(&neighbours[node]);
            }
        }
    }
    part.into_iter().map(Option::unwrap_or_default).collect()
}
