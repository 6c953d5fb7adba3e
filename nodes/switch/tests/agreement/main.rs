//! The pipeline beside the real Open vSwitch: random flow tables, groups and frames; both are asked what becomes of each
//! frame (`ofproto/trace`), and the frames that leave, what else is done, and the key in the end must agree.
//!
//! And no entry of the flow cache would be too wide: with bits changed that the megaflow leaves out, the same is done.
//!
//! ```text
//! cargo test -p netloom-switch --test agreement -- seed=7 pairs=100000
//! ```
//!
//! sets which frames and how many; `NETLOOM_SEED` and `NETLOOM_PAIRS` do the same. Other words choose tests by their names.
//! Needs `ovs` in `NETLOOM_TEST_WITH`.

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

/// The tests with their names. The file has a `main` of its own because libtest knows no words like `seed=7`.
const TESTS: [(&str, fn()); 2] = [
    ("the_pipeline_agrees_with_the_real_open_vswitch", the_pipeline_agrees_with_the_real_open_vswitch),
    (
        "carried_out_step_by_step_the_real_switchs_actions_make_its_key_of_the_end",
        carried_out_step_by_step_the_real_switchs_actions_make_its_key_of_the_end,
    ),
];

fn main() {
    let names: Vec<String> = words().filter(|word| !word.contains('=')).collect();
    for (name, test) in TESTS {
        if names.is_empty() || names.iter().any(|part| name.contains(part)) {
            println!("test {name} ...");
            // One that fails ends the program.
            test();
            println!("test {name} ... ok");
        }
    }
}

/// The words of the command line that aren't options for libtest.
fn words() -> impl Iterator<Item = String> {
    std::env::args().skip(1).filter(|word| !word.starts_with('-'))
}

/// A number from the command line or else from the environment.
fn setting(name: &str, otherwise: u64) -> u64 {
    let said = words().find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    let value = said.or_else(|| std::env::var(format!("NETLOOM_{}", name.to_uppercase())).ok());
    value.map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")))
}

fn the_pipeline_agrees_with_the_real_open_vswitch() {
    if !rig::needs("ovs") {
        return;
    }
    let mut peer = Peer::start("agreement");
    let seed = setting("seed", 1);
    let pairs = setting("pairs", 10_000);
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

fn carried_out_step_by_step_the_real_switchs_actions_make_its_key_of_the_end() {
    if !rig::needs("ovs") {
        return;
    }
    let mut peer = Peer::start("steps");
    let mut random = Seed(2).stream("steps");
    let mut compared = 0;
    for _ in 0..30 {
        let mut pipeline = generate::pipeline(&mut random);
        // (A port written into an ICMP message makes it another, whose fields a key says; a later fragment has none.)
        let last = ["exit", "drop", "goto_table", "write_", "clear_", "conjunction", "mod_tp", "->icmp"];
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
