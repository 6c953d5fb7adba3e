//! What does a frame's crossing cost without any protocol? A chain of relays, frames going round it.
//!
//! `cargo bench -p netloom-sim-core`
#![allow(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]

use sim_core::{Batch, Carrier, Cx, DirectionConfig, Duration, Engine, LinkConfig, Node, PortIx, Seed, Time, Until};
use std::time::Instant;

/// Sends what comes in on port 0 out of port 1.
struct Relay;

impl Node for Relay {
    fn frames(&mut self, cx: &mut Cx<'_>, _: PortIx, batch: &mut Batch) {
        for frame in batch.drain() {
            cx.out.send(PortIx(1), frame);
        }
    }
    fn carrier(&mut self, _: &mut Cx<'_>, _: PortIx, _: Carrier) {}
    fn wake(&mut self, _: &mut Cx<'_>) {}
    fn next_wake(&self) -> Time {
        Time::NEVER
    }
}

fn main() {
    for (nodes, frames) in [(10, 5), (50, 25), (1000, 500)] {
        let direction = DirectionConfig { delay: Duration::from_micros(1), ..DirectionConfig::default() };
        let config = LinkConfig { forward: direction.clone(), backward: direction, down: false };
        let mut engine = Engine::new(Seed(1), ());
        let ring: Vec<_> = (0..nodes).map(|i| engine.add_node(&format!("n{i}"), Relay)).collect();
        for i in 0..nodes {
            let (a, b) = (ring[i], ring[(i + 1) % nodes]);
            engine.add_link(&format!("l{i}"), (a, PortIx(1)), (b, PortIx(0)), &config);
        }
        engine.start();
        for i in 0..frames {
            engine.run(Until::Through(Time::from_nanos(i as u64 * 37)));
            engine.act(ring[i * nodes / frames], |_, cx| {
                let frame = cx.pool.zeroed(106);
                cx.out.send(PortIx(1), frame);
            });
        }
        engine.run(Until::Through(Time::from_millis(1)));
        let (start, before) = (Instant::now(), engine.events());
        engine.set_max_events(before + 20_000_000);
        engine.run(Until::Through(Time::NEVER));
        let hops = (engine.events() - before) as f64;
        println!(
            "{nodes:>5} relays, {frames:>4} frames: {:.1} ns a crossing",
            start.elapsed().as_nanos() as f64 / hops
        );
    }
}
