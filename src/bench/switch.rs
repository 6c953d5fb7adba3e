//! `netloom bench switch`: what one core of the switch forwards.
//!
//! Bridge br0; the capture is looped into port 1 (n0), and what comes out of port 2 (n1) or any other is freed. Each frame
//! offered is copied from a slot of its own into a fresh frame of the pool, as a NIC's driver would hand it over.

use super::rig::Rig;
use crate::cli::FormatArgs;
use crate::clock::timed;
use crate::output::{Failure, Format, print};
use clap::Args;
use openflow::{Action, Flow, FlowCommand, FlowMod};
use packet::key::slot;
use pcap::Reader;
use sim_core::{Batch, Time};
use std::fs::{File, read_to_string};
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Bytes from one frame of the capture to the next: at least the slot of a NIC's ring.
const STRIDE: usize = 2048;
/// How many batches go by between two looks at the clock.
const BATCHES_A_LOOK: usize = 1000;

/// The arguments of `bench switch`.
#[derive(Debug, Args)]
pub(crate) struct SwitchArgs {
    /// The capture to loop
    #[arg(long, value_name = "FILE")]
    pcap: PathBuf,
    /// Flows, in the syntax of `ovs-ofctl add-flows`; without them br0 forwards as a learning switch
    #[arg(long, value_name = "FILE")]
    flows: Option<PathBuf>,
    /// Lines for `ovs-appctl` and the like, run once both ports are in br0
    #[arg(long, value_name = "FILE")]
    setup: Option<PathBuf>,
    /// Changes of flows a second, none of which concerns the capture's frames
    #[arg(long, value_name = "N", default_value_t = 0)]
    flow_mods: u32,
    /// How long to measure
    #[arg(long, value_name = "N", default_value_t = 4.0)]
    seconds: f64,
    /// The core to run on
    #[arg(long, value_name = "N")]
    cpu: Option<usize>,
    #[command(flatten)]
    format: FormatArgs,
}

/// The capture's frames, each in a slot of [`STRIDE`] bytes or more.
struct Slots {
    bytes: Vec<u8>,
    stride: usize,
    lens: Vec<usize>,
}

impl Slots {
    fn load(path: &Path) -> Result<Self, Failure> {
        let fail = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", path.display()));
        let file = File::open(path).map_err(|e| fail(&e))?;
        let mut frames = Vec::new();
        let mut reader = Reader::new(BufReader::new(file)).map_err(|e| fail(&e))?;
        while let Some(packet) = reader.next_packet().map_err(|e| fail(&e))? {
            frames.push(packet.bytes.into_owned());
        }
        let longest = frames.iter().map(Vec::len).max().ok_or_else(|| fail(&"there is no frame in it"))?;
        let stride = longest.next_multiple_of(STRIDE);
        let mut bytes = vec![0; stride * frames.len()];
        for (slot, frame) in bytes.chunks_exact_mut(stride).zip(&frames) {
            slot[..frame.len()].copy_from_slice(frame);
        }
        Ok(Self { bytes, stride, lens: frames.iter().map(Vec::len).collect() })
    }

    fn frame(&self, i: usize) -> &[u8] {
        &self.bytes[i * self.stride..][..self.lens[i]]
    }
}

/// The bridge of a benchmark, with its flows.
fn rig(args: &SwitchArgs) -> Result<Rig, Failure> {
    let mut rig = Rig::new(if args.flows.is_some() { "secure" } else { "standalone" })?;
    if let Some(path) = &args.flows {
        for flow in lines(path)? {
            rig.words(&["ovs-ofctl", "add-flow", "br0", &flow].map(str::to_owned))?;
        }
    }
    if let Some(path) = &args.setup {
        for line in lines(path)? {
            rig.line(&line)?;
        }
    }
    Ok(rig)
}

/// The lines of a file that aren't empty or comments.
fn lines(path: &Path) -> Result<Vec<String>, Failure> {
    let text = read_to_string(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    let meant = |line: &&str| !line.is_empty() && !line.starts_with('#');
    Ok(text.lines().map(str::trim).filter(meant).map(str::to_owned).collect())
}

/// Offers batches for `seconds`, with so many changes of flows a second that no frame offered can match; gives frames
/// offered and seconds taken.
fn offer(rig: &mut Rig, slots: &Slots, seconds: f64, flow_mods: u32) -> (u64, f64) {
    let (mut next, mut offered, mut spent, mut changes) = (0, 0_u64, 0.0, 0);
    while spent < seconds {
        let due = (spent * f64::from(flow_mods)) as u32;
        let (lap, ()) = timed(|| {
            for change in changes..due {
                rig.change(&unrelated(change));
            }
            for _ in 0..BATCHES_A_LOOK {
                for _ in 0..Batch::MAX {
                    rig.push(slots.frame(next));
                    next += 1;
                    if next == slots.lens.len() {
                        next = 0;
                    }
                }
                rig.run();
            }
        });
        changes = due;
        spent += lap;
        offered += (BATCHES_A_LOOK * Batch::MAX) as u64;
        rig.now = Time::from_nanos((spent * 1e9) as u64);
    }
    (offered, spent)
}

/// Adds a flow for port 2, or takes the last one away.
fn unrelated(n: u32) -> FlowMod {
    let command = if n.is_multiple_of(2) { FlowCommand::Add } else { FlowCommand::DeleteStrict };
    let mut flow = Flow { priority: 1, actions: vec![Action::Output(1)], ..Flow::default() };
    flow.matched.require(slot::IN_PORT, 2);
    flow.matched.require(slot::DL_TYPE, 0x0800);
    flow.matched.require(slot::NW_DST, u128::from(n / 2 % 1000));
    FlowMod::new(command, flow)
}

/// Runs the benchmark.
pub(crate) fn run(args: &SwitchArgs) -> Result<u8, Failure> {
    if let Some(cpu) = args.cpu
        && !core_affinity::set_for_current(core_affinity::CoreId { id: cpu })
    {
        return Err(Failure::usage(format!("there is no core {cpu} to run on")));
    }
    let slots = Slots::load(&args.pcap)?;
    let mut rig = rig(args)?;
    offer(&mut rig, &slots, (args.seconds / 10.0).min(0.5), args.flow_mods);
    let before = rig.worker.worker().stats();
    let (offered, seconds) = offer(&mut rig, &slots, args.seconds, args.flow_mods);
    let after = rig.worker.worker().stats();
    let pps = offered as f64 / seconds;
    let report = serde_json::json!({
        "pps": pps as u64,
        "ns_per_packet": (1e11 / pps).round() / 100.0,
        "exact_hits": after.exact_hits - before.exact_hits,
        "masked_hits": after.masked_hits - before.masked_hits,
        "misses": after.misses - before.misses,
    });
    match args.format.format {
        Format::Json => print(&format!("{report}\n"))?,
        Format::Text => print(&format!(
            "{:.2} Mpps, {:.1} ns a frame; exact hits {}, masked hits {}, misses {}\n",
            pps / 1e6,
            1e9 / pps,
            report["exact_hits"],
            report["masked_hits"],
            report["misses"]
        ))?,
    }
    Ok(crate::output::PASSED)
}
