//! `netloom bench sim`: a chain of switches between two hosts.
//!
//! The same chain as the peer's: links of 10 Gbit/s and 1 us, a UDP datagram of 64 bytes every 2 us from one host to the
//! other, each crossing an event. Hops are datagrams received times switches.

use crate::cli::FormatArgs;
use crate::clock::timed;
use crate::output::{Failure, Format, print};
use clap::Args;
use host::UdpSourceConfig;
use sim_core::{Duration, Tag, Time, Until};
use std::fmt::Write;
use topologies::run::Net;

/// The discard port (RFC 863).
const PORT: u16 = 9;
/// When the source starts.
const START: Time = Time::from_millis(100);
/// How long it has sent when allocations begin to count: neighbours, MAC entries and buffers are there by then.
const WARM_UP: Duration = Duration::from_millis(10);

/// The arguments of `bench sim`.
#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// Switches in the chain
    #[arg(long, value_name = "K", default_value_t = 10)]
    switches: u32,
    /// Lab time to send for
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the benchmark.
pub(crate) fn run(args: &SimArgs) -> Result<u8, Failure> {
    if args.switches == 0 || args.switches > 10_000 || !(0.001..=3600.0).contains(&args.seconds) {
        return Err(Failure::usage("bench sim: 1 to 10000 switches, 0.001 to 3600 seconds"));
    }
    let loaded = topologies::parse("chain.toml", &chain(args.switches), &[]).map_err(|e| Failure::mistakes(&e))?;
    let mut net = Net::new(&loaded.lab).map_err(|e| Failure::usage(&e[0]))?;
    let find = |net: &Net, name: &str| net.names().find(name).ok_or_else(|| Failure::usage(format!("no {name}")));
    let (h1, h2) = (find(&net, "h1")?, find(&net, "h2")?);
    let to = net.address_of(h2, None).ok_or_else(|| Failure::usage("h2 has no address"))?;
    net.with_host(h2, |host, _| host.open_udp_sink(PORT));
    let until = START + Duration::from_nanos((args.seconds * 1e9) as u64);
    let config = UdpSourceConfig {
        to,
        port: PORT,
        size: 64,
        interval: Duration::from_micros(2),
        start: START,
        until,
        tag: Tag::NONE,
    };
    net.with_host(h1, |host, cx| host.start_udp_source(cx, config));
    let engine = net.engine_mut();
    let (wall, allocations) = timed(|| {
        engine.run(Until::Through(START + WARM_UP));
        let before = allocations();
        engine.run(Until::Through(until + Duration::from_millis(100)));
        allocations() - before
    });
    let received = net.host(h2).and_then(|host| host.udp_sink(PORT)).map_or(0, |sink| sink.datagrams);
    let hops = received * u64::from(args.switches);
    let report = serde_json::json!({
        "hops": hops,
        "wall_seconds": wall,
        "hops_per_second": (hops as f64 / wall) as u64,
        "allocations_per_frame": allocations as f64 / received.max(1) as f64,
    });
    match args.format.format {
        Format::Json => print(&format!("{report}\n"))?,
        Format::Text => print(&format!(
            "{hops} hops in {wall:.3} s: {:.2} million a second, {} allocations a frame\n",
            hops as f64 / wall / 1e6,
            report["allocations_per_frame"]
        ))?,
    }
    Ok(crate::output::PASSED)
}

/// Heap allocations of this process so far.
fn allocations() -> u64 {
    let stats = crate::ALLOCATOR.stats();
    (stats.allocations + stats.reallocations) as u64
}

/// The chain as a lab file.
fn chain(switches: u32) -> String {
    let mut text = "name = \"chain\"\n".to_owned();
    for i in 1..=switches {
        let to = if i == switches { "h2".to_owned() } else { format!("s{}:left", i + 1) };
        let _ = write!(text, "[switches.s{i}.ports]\nright = {{ to = \"{to}\", delay = \"1us\" }}\n");
        let left = if i == 1 { "{ to = \"h1\", delay = \"1us\" }" } else { "{}" };
        let _ = writeln!(text, "left = {left}");
    }
    text + "[hosts]\nh1 = \"10.0.0.1/24\"\nh2 = \"10.0.0.2/24\"\n"
}
