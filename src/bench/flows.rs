//! `netloom bench flows`: what flows cost: to load, to keep, to change, and to find for a frame that the cache doesn't know.

use super::rig::Rig;
use crate::cli::FormatArgs;
use crate::clock::timed;
use crate::output::{Failure, Format, print};
use clap::Args;
use openflow::{Action, Flow, FlowCommand, FlowMod};
use packet::key::slot;
use packet::{FlowMask, Match};
use sim_core::Batch;

/// Flows in the table that is changed.
const TABLE: u32 = 100_000;
/// Changes of it.
const CHANGES: u32 = 20_000;
/// Flows of the table that misses look into, of [`MASKS`] masks.
const MISS_TABLE: u32 = 1000;
const MASKS: u32 = 10;
/// Frames that the cache doesn't know.
const MISSES: u32 = 50_000;

/// The arguments of `bench flows`.
#[derive(Debug, Args)]
pub(crate) struct FlowsArgs {
    /// How many flows to load
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    flows: u32,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the benchmark.
pub(crate) fn run(args: &FlowsArgs) -> Result<u8, Failure> {
    let (load, bytes) = load(args.flows)?;
    let inserts = inserts()?;
    let (miss, misses) = misses()?;
    let report = serde_json::json!({
        "flows": args.flows,
        "load_seconds": (load * 1e3).round() / 1e3,
        "bytes_per_flow": bytes,
        "inserts_per_second": inserts as u64,
        "ns_per_miss": miss as u64,
        "misses": misses,
    });
    match args.format.format {
        Format::Json => print(&format!("{report}\n"))?,
        Format::Text => print(&format!(
            "{} flows in {load:.2} s, {bytes} bytes each; {:.0} inserts a second into {TABLE} flows; \
             {:.2} us for a miss ({MISS_TABLE} flows, {MASKS} masks)\n",
            args.flows,
            inserts,
            miss / 1e3
        ))?,
    }
    Ok(crate::output::PASSED)
}

/// Adds the flow that sends packets to this address to port 2.
fn to_address(n: u32, priority: u16) -> FlowMod {
    let mut flow = Flow { priority, actions: vec![Action::Output(2)], ..Flow::default() };
    flow.matched.require(slot::DL_TYPE, 0x0800);
    flow.matched.require(slot::NW_DST, u128::from(0x0a00_0000 + n));
    FlowMod::new(FlowCommand::Add, flow)
}

/// Seconds to load so many flows, and bytes that each takes.
fn load(flows: u32) -> Result<(f64, u64), Failure> {
    let rig = Rig::new("secure")?;
    let before = live_bytes();
    let (seconds, ()) = timed(|| (0..flows).for_each(|n| rig.change(&to_address(n, 1))));
    Ok((seconds, (live_bytes() - before) / u64::from(flows.max(1))))
}

/// Changes a second of a table that has many flows.
fn inserts() -> Result<f64, Failure> {
    let rig = Rig::new("secure")?;
    (0..TABLE).for_each(|n| rig.change(&to_address(n, 1)));
    let (seconds, ()) = timed(|| (TABLE..TABLE + CHANGES).for_each(|n| rig.change(&to_address(n, 1))));
    Ok(f64::from(CHANGES) / seconds)
}

/// ns for a frame that no entry is for, and how many there were.
fn misses() -> Result<(f64, u64), Failure> {
    let mut rig = Rig::new("secure")?;
    for n in 0..MISS_TABLE {
        // As many bits of the source as the mask says, and all of the destination.
        let bits = 23 + n % MASKS;
        let mask = FlowMask::EMPTY.with(slot::DL_TYPE).with(slot::NW_DST);
        let mut change = to_address(n * 64, bits as u16);
        let key = change.flow.matched.key.with(slot::NW_SRC, 0x0a01_0000 + u128::from(n));
        let mut mask = mask;
        mask.set(slot::NW_SRC, u128::from(u32::MAX << (32 - bits)));
        change.flow.matched = Match::new(key, mask);
        rig.change(&change);
    }
    let mut frame = [0; 60];
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[14..26].copy_from_slice(&[0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0]);
    let before = rig.worker.worker().stats().misses;
    let (seconds, ()) = timed(|| {
        for n in 0..MISSES / Batch::MAX as u32 {
            for frame_of_batch in 0..Batch::MAX as u32 {
                let at = n * Batch::MAX as u32 + frame_of_batch;
                let (from, to) = (0x0a01_0000 + at % MISS_TABLE, 0x0a00_0000 + at);
                frame[26..30].copy_from_slice(&from.to_be_bytes());
                frame[30..34].copy_from_slice(&to.to_be_bytes());
                rig.push(&frame);
            }
            rig.run();
        }
    });
    let misses = rig.worker.worker().stats().misses - before;
    Ok((seconds * 1e9 / misses.max(1) as f64, misses))
}

/// Bytes of this process's heap that are in use.
fn live_bytes() -> u64 {
    let stats = crate::ALLOCATOR.stats();
    (stats.bytes_allocated - stats.bytes_deallocated) as u64
}
