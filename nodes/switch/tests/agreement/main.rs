//! The pipeline beside the real Open vSwitch: random flow tables, groups and frames; both are asked what becomes of each
//! frame (`ofproto/trace`), and the frames that leave, what else is done, and the key in the end must agree.
//!
//! And no entry of the flow cache would be too wide: with bits changed that the megaflow leaves out, the same is done.
//!
//! `NETLOOM_PAIRS` and `NETLOOM_SEED` set how many frames and which ones. Needs `ovs` in `NETLOOM_TEST_WITH`.

#![allow(unreachable_pub, reason = "the modules of a test are its own")]

mod compare;
mod flow_text;
mod generate;
mod ours;
mod outcome;
mod peer;
#[path = "../rig/mod.rs"]
mod rig;
mod wider;

use outcome::{Event, Frame};
use peer::Peer;
use sim_core::Seed;

/// The ports of br0; the last one has no link.
const PORTS: u32 = 5;
/// The frames for each pipeline.
const FRAMES: u64 = 40;
/// The disagreements that are shown at most.
const SHOWN: usize = 3;
/// The meters.
const METERS: [&str; 2] =
    ["meter=1,pktps,bands=type=drop,rate=5", "meter=2,kbps,burst,bands=type=drop,rate=5,burst_size=9"];

/// The commands that enter the stations for NORMAL, each behind a port.
fn stations() -> impl Iterator<Item = String> {
    generate::STATIONS.iter().enumerate().flat_map(|(n, station)| {
        let octets: Vec<String> = station.to_be_bytes()[2..].iter().map(|octet| format!("{octet:02x}")).collect();
        let (port, mac) = (1 + n % 4, octets.join(":"));
        let vlans = generate::VLANS.into_iter().chain([0]);
        vlans.map(move |vlan| format!("fdb/add br0 p{port} {vlan} {mac}"))
    })
}

fn setting(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")))
}

#[test]
fn the_pipeline_agrees_with_the_real_open_vswitch() {
    if !rig::needs("ovs") {
        return;
    }
    let mut peer = Peer::start("agreement");
    let seed = setting("NETLOOM_SEED", 1);
    let pairs = setting("NETLOOM_PAIRS", 10_000);
    let mut random = Seed(seed).stream("agreement");
    let (mut compared, mut seen, mut flipped) = (0, 0, 0);
    let mut found = Vec::new();
    for round in 0..pairs.div_ceil(FRAMES) {
        let pipeline = generate::pipeline(&mut random);

        let frames: Vec<_> = (0..FRAMES).map(|_| generate::frame(&mut random).said(&mut random)).collect();
        let outcomes = compare::pipeline(&mut peer, &pipeline, &frames);
        let widths = outcomes.and_then(|outcomes| {
            compared += outcomes.len();
            seen += outcomes.iter().filter(|outcome| !outcome.events.is_empty()).count();
            wider::check(&mut peer, &pipeline, &frames, &outcomes, &mut random)
        });
        match widths {
            Ok(count) => flipped += count,
            Err(disagreement) => {
                let smallest = compare::shrink(&mut peer, disagreement);
                found.push(format!("seed {seed}, round {round}: {smallest}"));
                if found.len() >= SHOWN {
                    break;
                }
            }
        }
    }
    println!("{compared} frames compared, {seen} of them were seen again, {flipped} again with other bits");
    assert!(found.is_empty(), "{} disagreements\n\n{}", found.len(), found.join("\n\n"));
    assert!(seen > compared / 4, "{seen}");
}

#[test]
fn carried_out_step_by_step_the_real_switchs_actions_make_its_key_of_the_end() {
    if !rig::needs("ovs") {
        return;
    }
    let mut peer = Peer::start("steps");
    let mut random = Seed(2).stream("steps");
    let mut compared = 0;
    for _ in 0..30 {
        let mut pipeline = generate::pipeline(&mut random);
        // (A port written into an ICMP message makes it another, whose fields a key says.)
        let last = ["exit", "drop", "goto_table", "write_", "clear_", "conjunction", "mod_tp"];
        pipeline.flows.retain(|flow| flow.starts_with("table=0,") && !last.iter().any(|word| flow.contains(word)));
        // So that what is written last is seen.
        pipeline.flows.iter_mut().for_each(|flow| flow.push_str(",LOCAL"));
        if peer.install(&pipeline).is_err() {
            continue;
        }
        for _ in 0..FRAMES {
            let said = generate::frame(&mut random).said(&mut random);
            let (text, outcome) = peer.trace(&said);
            if let Some(Event::Output(port, None, frame)) = outcome.events.last()
                && port == "LOCAL"
            {
                assert_eq!(
                    frame.without_types(),
                    Frame::new(&outcome.last).without_types(),
                    "{:?}\n{text}",
                    said.words()
                );
                compared += usize::from(outcome.last != outcome.flow);
            }
        }
    }
    assert!(compared > 100, "{compared}");
}
