//! `netloom bench switch`: what one core of the switch forwards.
//!
//! Bridge br0; the capture is looped into port 1 (n0), and what comes out of port 2 (n1) or any other is freed. Each frame
//! offered is copied from a slot of its own into a fresh frame of the pool, as a NIC's driver would hand it over.

use crate::cli::FormatArgs;
use crate::clock::timed;
use crate::output::{Failure, Format, print};
use clap::Args;
use pcap::Reader;
use sim_core::{Batch, Carrier, Cx, Node, Outbox, Pool, PortIx, Seed, Time};
use std::fs::{File, read_to_string};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use switch::{Switch, WorkerHandle};

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

/// The switch, and what it is driven with.
struct Bench {
    switch: Switch,
    worker: WorkerHandle,
    pool: Pool,
    rng: sim_core::Stream,
    out: Outbox,
    batch: Batch,
    now: Time,
}

impl Bench {
    fn new(args: &SwitchArgs) -> Result<Self, Failure> {
        let (seed, worker) = (Seed(1), WorkerHandle::new());
        let mut bench = Self {
            switch: Switch::new("bench", seed, &worker),
            worker,
            pool: Pool::new(),
            rng: seed.stream("bench"),
            out: Outbox::default(),
            batch: Batch::new(),
            now: Time::ZERO,
        };
        for (name, port) in [("n0", PortIx(0)), ("n1", PortIx(1))] {
            bench.switch.attach(name, port);
            bench.act(|switch, cx| switch.carrier(cx, port, Carrier::Up));
        }
        let fail_mode = if args.flows.is_some() { "secure" } else { "standalone" };
        bench.line(&format!(
            "ovs-vsctl add-br br0 -- set bridge br0 fail-mode={fail_mode} \
             -- add-port br0 n0 -- set Interface n0 ofport_request=1 -- add-port br0 n1 -- set Interface n1 ofport_request=2"
        ))?;
        if let Some(path) = &args.flows {
            for flow in Self::lines(path)? {
                bench.words(&["ovs-ofctl", "add-flow", "br0", &flow].map(str::to_owned))?;
            }
        }
        if let Some(path) = &args.setup {
            for line in Self::lines(path)? {
                bench.line(&line)?;
            }
        }
        Ok(bench)
    }

    /// The lines of a file that aren't empty or comments.
    fn lines(path: &Path) -> Result<Vec<String>, Failure> {
        let text = read_to_string(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
        let meant = |line: &&str| !line.is_empty() && !line.starts_with('#');
        Ok(text.lines().map(str::trim).filter(meant).map(str::to_owned).collect())
    }

    fn act<R>(&mut self, f: impl FnOnce(&mut Switch, &mut Cx<'_>) -> R) -> R {
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
        f(&mut self.switch, &mut cx)
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        let words = ovsdb::words::split(line).map_err(Failure::usage)?;
        self.words(&words)
    }

    fn words(&mut self, words: &[String]) -> Result<(), Failure> {
        self.act(|switch, cx| switch.command(cx, words)).map(drop).map_err(Failure::usage)
    }

    /// Offers batches for `seconds`; gives frames offered and seconds taken.
    fn offer(&mut self, slots: &Slots, seconds: f64) -> (u64, f64) {
        let (mut next, mut offered, mut spent) = (0, 0_u64, 0.0);
        while spent < seconds {
            let (lap, ()) = timed(|| {
                for _ in 0..BATCHES_A_LOOK {
                    for _ in 0..Batch::MAX {
                        self.batch.push(self.pool.copied(slots.frame(next)));
                        next += 1;
                        if next == slots.lens.len() {
                            next = 0;
                        }
                    }
                    let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
                    self.switch.frames(&mut cx, PortIx(0), &mut self.batch);
                    self.out.take_frames().for_each(drop);
                    self.out.take_drops().for_each(drop);
                }
            });
            spent += lap;
            offered += (BATCHES_A_LOOK * Batch::MAX) as u64;
            self.now = Time::from_nanos((spent * 1e9) as u64);
        }
        (offered, spent)
    }
}

/// Runs the benchmark.
pub(crate) fn run(args: &SwitchArgs) -> Result<u8, Failure> {
    if let Some(cpu) = args.cpu
        && !core_affinity::set_for_current(core_affinity::CoreId { id: cpu })
    {
        return Err(Failure::usage(format!("there is no core {cpu} to run on")));
    }
    let slots = Slots::load(&args.pcap)?;
    let mut bench = Bench::new(args)?;
    bench.offer(&slots, (args.seconds / 10.0).min(0.5));
    let before = bench.worker.worker().stats();
    let (offered, seconds) = bench.offer(&slots, args.seconds);
    let after = bench.worker.worker().stats();
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
