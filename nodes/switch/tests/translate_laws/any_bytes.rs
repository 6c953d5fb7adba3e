//! Any bytes at any flow table: each frame is sent, or dropped once for a reason, and no command about it fails badly.

use crate::generate::{self, chance};
use crate::{FRAMES, PORTS, rounds, stream, switch};
use sim_core::{Duration, PortIx, Stream};

/// A frame of random bytes, or a good one with some of its bytes changed and its end cut off.
fn bytes(random: &mut Stream) -> Vec<u8> {
    let byte = |random: &mut Stream| random.below(256) as u8;
    if chance(random, 4) {
        return (0..random.below(120)).map(|_| byte(random)).collect();
    }
    let mut bytes = generate::frame(random).bytes();
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len() as u64) as usize;
        bytes[at] = byte(random);
    }
    if chance(random, 3) {
        bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
    }
    bytes
}

#[test]
fn any_bytes_at_any_table_are_sent_or_dropped_once() {
    let mut random = stream("any bytes");
    let (mut sent, mut dropped) = (0, 0);
    for _ in 0..rounds(3000) {
        let mut pipeline = generate::pipeline(&mut random);
        if let [first, ..] = &mut pipeline.groups[..] {
            *first = format!(
                "group_id=1,type=select,bucket={},bucket=weight:3,actions=output:3",
                "actions=mod_nw_ttl:3,output:2"
            );
        }
        let (mut rig, text) = switch(&pipeline, &mut random);
        let has_mirror = chance(&mut random, 4);
        if has_mirror {
            rig.line("ovs-vsctl -- --id=@p get port p4 -- --id=@m create mirror name=m select_all=true output_port=@p -- set bridge br0 mirrors=@m");
        }
        for _ in 0..FRAMES {
            let (port, bytes) = (1 + random.below(u64::from(PORTS) - 1) as u32, bytes(&mut random));
            let outcome = rig.offer(PortIx(port), &bytes);
            let because = || format!("p{port} {bytes:02x?}\n{outcome:?}\n{text}");
            assert!(outcome.drops.len() <= 1, "{}", because());
            if outcome.frames.is_empty() || !has_mirror {
                assert_eq!(outcome.frames.is_empty(), !outcome.drops.is_empty(), "{}", because());
            }
            assert_eq!(rig.live_frames(), 0, "{}", because());
            outcome.drops.iter().for_each(|drop| assert!(!rig.switch.explain_drop(drop, &bytes).is_empty()));
            sent += outcome.frames.len();
            dropped += outcome.drops.len();
            if chance(&mut random, 4) {
                let now = rig.now;
                let trace = rig.switch.trace(now, "br0", PortIx(port), &bytes).expect("it is a port of br0");
                assert!(!trace.to_string().is_empty());
            }
        }
        rig.line("ovs-appctl dpctl/dump-flows -m");
        let end = rig.now + Duration::from_secs(30);
        rig.run_to(end);
    }
    println!("{sent} frames sent, {dropped} dropped");
    assert!(sent > 100 && dropped > 100, "{sent} {dropped}");
}
