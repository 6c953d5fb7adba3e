//! How long does reading a large lab take? 1000 switches with 10 hosts each, 11000 nodes.
#![allow(clippy::disallowed_methods, reason = "a measurement needs the machine's clock")]

use std::time::Instant;
use topologies::{Pattern, generate, parse};

fn main() {
    let text = generate(Pattern::Linear { switches: 1000, hosts: 10 }).expect("the shape is within the limits");
    println!("{} bytes", text.len());
    for _ in 0..5 {
        let start = Instant::now();
        let loaded = parse("large.toml", &text, &[]).expect("generated labs are right");
        let time = start.elapsed();
        println!("{} nodes, {} links in {time:?}", loaded.lab.nodes().len(), loaded.lab.links().len());
    }
}
