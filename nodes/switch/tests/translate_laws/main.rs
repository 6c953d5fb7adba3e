//! The laws of translation, on random flow tables, groups and frames.
//!
//! * It is pure: asked twice it says the same, and the tables are as before.
//! * A frame that differs in bits outside the mask alone has the same program, effects and rules.
//! * The frames that leave the switch have the keys that the program, carried out on the key, says (`twin`). That holds
//!   with NORMAL worked out in the translation against NORMAL decided for each frame.
//! * Any bytes at all are sent or dropped, and each frame once (`any_bytes`).
//!
//! `NETLOOM_CASES` and `NETLOOM_SEED` set how many frames and which ones.

#![allow(unreachable_pub, reason = "the modules of a test are its own")]

mod any_bytes;
#[allow(dead_code, unused_imports, reason = "it serves the comparison with the real switch as well")]
#[path = "../agreement/flow_text.rs"]
mod flow_text;
#[allow(dead_code, unused_imports, reason = "as above")]
#[path = "../agreement/generate/mod.rs"]
mod generate;
#[allow(dead_code, unused_imports, reason = "as above")]
#[path = "../agreement/outcome.rs"]
mod outcome;
#[path = "../rig/mod.rs"]
mod rig;
mod twin;

use generate::{Pipeline, chance};
use packet::key::slot;
use packet::{FlowKey, compose};
use rig::Rig;
use sim_core::{Carrier, Duration, PortIx, Seed, Stream};
use std::sync::Arc;
use switch::Shared;
use switch::program::{Op, Program};
use switch::translate::{Translation, Unobserved, World, translate};

/// The ports of br0; the last one has no link.
const PORTS: u32 = 5;
/// The frames for each pipeline.
const FRAMES: u64 = 20;

fn setting(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")))
}

/// How many pipelines make so many frames, or as many as the environment says.
fn rounds(cases: u64) -> u64 {
    setting("NETLOOM_CASES", cases).div_ceil(FRAMES)
}

fn stream(name: &str) -> Stream {
    Seed(setting("NETLOOM_SEED", 1)).stream(name)
}

/// A switch with a bridge br0 of the ports p1 ... p5, with VLANs now and then, and a pipeline. Its meters let all pass.
fn switch(pipeline: &Pipeline, random: &mut Stream) -> (Rig, String) {
    let mut lines = vec!["ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0".to_owned()];
    for port in 1..=PORTS {
        let pick = |words: &[&str], random: &mut Stream| words[random.below(words.len() as u64) as usize].to_owned();
        let vlan = match random.below(3) {
            0 => pick(&["tag=5", "tag=9", "trunks=5,9", "trunks=10"], random),
            1 => pick(&["tag=9 vlan_mode=native-untagged", "tag=5 vlan_mode=native-tagged"], random),
            _ => String::new(),
        };
        // Whom a port is protected from, the port that the frame came in by decides.
        let can_protect = !pipeline.flows.iter().any(|flow| flow.contains("->in_port"));
        let protected = if can_protect && chance(random, 4) { "protected=true" } else { "" };
        lines[0].push_str(&format!(" -- add-port br0 p{port} {vlan} -- set port p{port} other_config:x=y {protected}"));
    }
    lines.push("ovs-ofctl del-flows br0".to_owned());
    lines.extend((1..=2).map(|id| {
        format!("ovs-ofctl -O OpenFlow13 add-meter br0 meter={id},pktps,burst,bands=type=drop,rate=1000000,burst_size=1000000")
    }));
    lines.extend(pipeline.groups.iter().map(|group| format!("ovs-ofctl -O OpenFlow15 add-group br0 {group}")));
    let mut rig = Rig::new(PORTS as usize + 1);
    rig.carrier(PORTS, Carrier::Down);
    lines.iter().for_each(|line| drop(rig.line(line)));
    let now = rig.now;
    let flows = pipeline.flows.join("\n");
    rig.switch.add_flows(now, "br0", "flows", &flows).unwrap_or_else(|error| panic!("{error}\n{flows}"));
    (rig, format!("{}\n{}\n{flows}", lines[0], pipeline.groups.join("\n")))
}

/// What of a translation the laws are about.
fn said(translation: &Translation) -> String {
    fn steps(program: &Program) -> String {
        let ops: Vec<Op> = program.ops().collect();
        let parts = program.parts.as_deref().map(|parts| {
            let programs: Vec<String> = parts.programs.iter().map(steps).collect();
            format!("{programs:?} {:?} {:?} {:?} {:?}", parts.controllers, parts.samples, parts.selects, parts.resumes)
        });
        format!("{ops:?} {parts:?}")
    }
    let Translation { program, effects, rules, groups, meters, failure, .. } = translation;
    let rules: Vec<_> = rules.iter().map(Arc::as_ptr).collect();
    format!("{}\n{effects:?}\n{rules:?} {groups:?} {meters:?} {failure:?}", steps(program))
}

/// The translation of a key with NORMAL left a step, or worked out.
fn translated(rig: &Rig, key: &FlowKey, with_macs: bool) -> Translation {
    with_world(rig, with_macs, |world| {
        let slot = world.plan.slot_of_ofport(key.in_port()).expect("it is a port of br0");
        translate(world, slot, key, &mut Unobserved)
    })
}

fn with_world<R>(rig: &Rig, with_macs: bool, body: impl FnOnce(World<'_>) -> R) -> R {
    let shared: &Shared = rig.switch.shared("br0").expect("br0 is there");
    let (tables, plan, macs) = (shared.tables(), shared.plan(), shared.macs.view(rig.now));
    body(World { tables: &tables, plan: &plan, macs: with_macs.then_some(&macs) })
}

#[test]
fn translation_is_pure() {
    let mut random = stream("pure");
    for _ in 0..rounds(1000) {
        let pipeline = generate::pipeline(&mut random);
        let (mut rig, text) = switch(&pipeline, &mut random);
        let before = rig.line("ovs-ofctl dump-flows br0");
        let changes = rig.switch.shared("br0").map(|shared| shared.tables().log().count());
        for _ in 0..FRAMES {
            let frame = generate::frame(&mut random);
            let key = FlowKey::extract(frame.in_port.into(), &frame.bytes());
            for with_macs in [false, true] {
                let [one, other] = [(); 2].map(|()| translated(&rig, &key, with_macs));
                assert_eq!(said(&one), said(&other), "{key}\n{text}");
                assert_eq!((one.mask, one.last), (other.mask, other.last), "{key}\n{text}");
            }
        }
        assert_eq!(rig.line("ovs-ofctl dump-flows br0"), before);
        assert_eq!(rig.switch.shared("br0").map(|shared| shared.tables().log().count()), changes);
    }
}

#[test]
fn bits_outside_the_mask_change_nothing() {
    let mut random = stream("mask");
    let (mut compared, mut flipped) = (0, 0);
    for _ in 0..rounds(3000) {
        let pipeline = generate::pipeline(&mut random);
        let (rig, text) = switch(&pipeline, &mut random);
        for _ in 0..FRAMES {
            let frame = generate::frame(&mut random);
            // Padding and what else a key doesn't say is nothing to the tables.
            let key = FlowKey::extract(frame.in_port.into(), &frame.bytes());
            let with_macs = chance(&mut random, 2);
            let translation = translated(&rig, &key, with_macs);
            for _ in 0..4 {
                let Some(other) = neighbour(&key, &translation, &mut random) else { continue };
                compared += 1;
                flipped += (0..slot::WIRE_WORDS)
                    .map(|word| (key.words()[word] ^ other.words()[word]).count_ones())
                    .sum::<u32>();
                let again = translated(&rig, &other, with_macs);
                assert_eq!(said(&translation), said(&again), "macs: {with_macs}\n{key}\n{other}\n{text}");
            }
        }
    }
    println!("{compared} frames with {flipped} other bits");
    assert!(compared > 1000 && flipped > compared * 4);
}

/// The key of another frame that agrees with one in the bits of the mask.
fn neighbour(key: &FlowKey, translation: &Translation, random: &mut Stream) -> Option<FlowKey> {
    let mask = &translation.mask;
    let mut other = *key;
    let dense = chance(random, 2);
    for word in 0..slot::WIRE_WORDS {
        let mut bits = random.below(u64::MAX);
        if !dense {
            bits &= random.below(u64::MAX) & random.below(u64::MAX);
        }
        other.words_mut()[word] ^= bits & !mask.words()[word];
    }
    // A frame that is one: what can't be in it goes.
    let other = FlowKey::extract(key.in_port(), &compose(&other));
    (other.equals_under(key, mask) && other != *key).then_some(other)
}

#[test]
fn frames_leave_with_the_keys_that_translation_says() {
    let mut random = stream("twin");
    let (mut compared, mut left) = (0, 0);
    for _ in 0..rounds(3000) {
        let pipeline = generate::pipeline(&mut random);
        let (mut rig, text) = switch(&pipeline, &mut random);
        let is_cached = chance(&mut random, 2);
        rig.worker.set_caching(is_cached);
        for _ in 0..FRAMES {
            let frame = generate::frame(&mut random);
            let bytes = frame.bytes();
            rig.now += Duration::from_millis(1);
            let expected = with_world(&rig, true, |world| twin::run(world, frame.in_port.into(), &bytes));
            let Some(expected) = expected else { continue };
            let found = rig.offer(PortIx(frame.in_port.into()), &bytes).frames;
            let key = FlowKey::extract(frame.in_port.into(), &bytes);
            let because = || format!("cached: {is_cached}\n{key}\n{bytes:02x?}\n{text}");
            let ports = |list: &[twin::Sent]| list.iter().map(|sent| (sent.port, sent.len)).collect::<Vec<_>>();
            let found: Vec<twin::Sent> = found.iter().map(|(port, bytes)| twin::Sent::new(port.0, bytes)).collect();
            assert_eq!(ports(&found), ports(&expected), "{}", because());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.visible(expected), expected.visible(expected), "{}", because());
            }
            compared += 1;
            left += found.len();
        }
    }
    println!("{compared} frames, {left} left");
    assert!(compared > 500 && left > compared / 2, "{compared} {left}");
}
