//! A hub: what comes in on one port goes out on all others.
//!
//! All ports are one segment. Nothing is learnt, filtered or dropped; copies share the frame's bytes.

use sim_core::{Batch, Carrier, Cx, Node, PortIx, Time};

/// A hub.
#[derive(Clone, Debug)]
pub struct Hub {
    ports: Vec<PortCounters>,
    up: Vec<bool>,
}

/// What a port of a hub has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Frames that came in.
    pub rx_frames: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Frames sent out.
    pub tx_frames: u64,
    /// Their bytes.
    pub tx_bytes: u64,
}

impl Hub {
    /// A hub with so many ports, all without carrier at first.
    pub fn new(ports: usize) -> Self {
        Self { ports: vec![PortCounters::default(); ports], up: vec![false; ports] }
    }

    /// The number of ports.
    pub fn port_count(&self) -> usize {
        self.ports.len()
    }

    /// What a port has seen.
    pub fn counters(&self, port: PortIx) -> Option<PortCounters> {
        self.ports.get(port.index()).copied()
    }
}

impl Node for Hub {
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        for frame in batch.drain() {
            let size = frame.len() as u64;
            if let Some(counters) = self.ports.get_mut(port.index()) {
                counters.rx_frames += 1;
                counters.rx_bytes += size;
            }
            for (out, counters) in self.ports.iter_mut().enumerate() {
                if out != port.index() && self.up[out] {
                    counters.tx_frames += 1;
                    counters.tx_bytes += size;
                    cx.out.send(PortIx(out as u32), frame.share());
                }
            }
        }
    }

    fn carrier(&mut self, _: &mut Cx<'_>, port: PortIx, state: Carrier) {
        if let Some(up) = self.up.get_mut(port.index()) {
            *up = state == Carrier::Up;
        }
    }

    fn wake(&mut self, _: &mut Cx<'_>) {}

    fn next_wake(&self) -> Time {
        Time::NEVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sim_core::{Outbox, Pool, Seed, Tag};

    /// What a hub sends for frames that come in on `port` while the ports in `up` have carrier.
    fn sent(up: &[bool], port: u32, sizes: &[usize]) -> (Vec<(u32, usize, Tag)>, Hub, usize) {
        let (mut pool, mut rng, mut out) = (Pool::new(), Seed(1).stream("hub"), Outbox::default());
        let mut cx = Cx { now: Time::ZERO, pool: &mut pool, rng: &mut rng, out: &mut out };
        let mut hub = Hub::new(up.len());
        for (at, up) in up.iter().enumerate() {
            hub.carrier(&mut cx, PortIx(at as u32), if *up { Carrier::Up } else { Carrier::Down });
        }
        let mut batch = Batch::new();
        for size in sizes {
            let mut frame = cx.pool.zeroed(*size);
            frame.set_tag(Tag(7));
            batch.push(frame);
        }
        hub.frames(&mut cx, PortIx(port), &mut batch);
        assert!(batch.is_empty() && cx.out.take_drops().next().is_none());
        let frames: Vec<_> = cx.out.take_frames().collect();
        let live = cx.pool.live();
        (frames.iter().map(|(port, frame)| (port.0, frame.len(), frame.tag())).collect(), hub, live)
    }

    #[test]
    fn a_frame_goes_to_all_others_that_are_up_in_one_slot() {
        let (frames, hub, live) = sent(&[true, true, false, true], 1, &[60]);
        assert_eq!(frames, [(0, 60, Tag(7)), (3, 60, Tag(7))]);
        assert_eq!(live, 1, "copies share the bytes");
        let counters = |port| hub.counters(PortIx(port)).expect("a port");
        assert_eq!((counters(1).rx_frames, counters(1).rx_bytes, counters(1).tx_frames), (1, 60, 0));
        assert_eq!((counters(3).tx_frames, counters(3).tx_bytes), (1, 60));
        assert_eq!(counters(2), PortCounters::default());
        assert_eq!(hub.counters(PortIx(4)), None);
    }

    proptest! {
        #[test]
        fn what_goes_out_is_what_came_in_times_the_others_that_are_up(
            up in prop::collection::vec(any::<bool>(), 1..9),
            port: prop::sample::Index,
            sizes in prop::collection::vec(0usize..2000, 0..5),
        ) {
            let port = port.index(up.len());
            let (frames, hub, _) = sent(&up, port as u32, &sizes);
            let others = up.iter().enumerate().filter(|(at, up)| **up && *at != port).count();
            prop_assert_eq!(frames.len(), others * sizes.len());
            prop_assert!(frames.iter().all(|(out, ..)| *out as usize != port));
            let transmitted: u64 = (0..up.len()).filter_map(|at| hub.counters(PortIx(at as u32))).map(|c| c.tx_frames).sum();
            prop_assert_eq!(transmitted, frames.len() as u64);
        }
    }
}
