//! Frames for controllers, until somebody takes them.

use openflow::Controller;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many frames wait for controllers at most. When there are more, the oldest goes.
pub const MAX_WAITING: usize = 256;

/// A frame that a program sends to the controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketIn {
    /// The OpenFlow port that it came in by.
    pub in_port: u16,
    /// How many bytes it has.
    pub total_len: usize,
    /// Its first bytes, as many as were asked for.
    pub bytes: Vec<u8>,
    /// Which controllers, why, and with what.
    pub controller: Controller,
}

/// What leaves a bridge's data path sideways: frames for controllers, and samples, of which there is only the number,
/// as there is no collector.
#[derive(Debug, Default)]
pub struct PacketIns {
    is_listening: AtomicBool,
    waiting: Mutex<VecDeque<PacketIn>>,
    lost: AtomicU64,
    samples: AtomicU64,
    sampled: AtomicU64,
}

impl PacketIns {
    /// Says whether a controller is connected. What waits is forgotten when none is.
    pub fn set_listening(&self, is_listening: bool) {
        self.is_listening.store(is_listening, Ordering::Release);
        if !is_listening {
            self.take();
        }
    }

    /// Whether a controller is connected.
    #[inline]
    pub fn is_listening(&self) -> bool {
        self.is_listening.load(Ordering::Acquire)
    }

    /// Has a frame wait. If too many do, the oldest is lost.
    pub fn push(&self, packet: PacketIn) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_WAITING {
            waiting.pop_front();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        waiting.push_back(packet);
    }

    /// The frames that wait, the oldest first. They wait no longer.
    pub fn take(&self) -> VecDeque<PacketIn> {
        std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many frames were lost because too many waited.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether the next frame is a sample, of which there are `probability` in 65535. Counts it.
    pub fn sample(&self, probability: u16) -> bool {
        let nth = self.samples.fetch_add(1, Ordering::Relaxed);
        // Numbers that are spread evenly: the multiples of the golden ratio (Knuth, volume 3, section 6.4).
        let chance = (nth.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * 65_535 >> 32;
        let is_sample = chance < u64::from(probability);
        self.sampled.fetch_add(u64::from(is_sample), Ordering::Relaxed);
        is_sample
    }

    /// How many samples there were.
    pub fn sampled(&self) -> u64 {
        self.sampled.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openflow::PacketInReason;

    fn packet(n: u16) -> PacketIn {
        let reason = PacketInReason::Action;
        let controller = Controller { max_len: 65535, reason, id: 0, userdata: Vec::new(), pause: false, meter: None };
        PacketIn { in_port: n, total_len: 0, bytes: Vec::new(), controller }
    }

    #[test]
    fn the_oldest_frame_goes_when_too_many_wait() {
        let packets = PacketIns::default();
        (0..MAX_WAITING as u16 + 2).for_each(|n| packets.push(packet(n)));
        let waiting = packets.take();
        assert_eq!((waiting.len(), waiting[0].in_port, packets.lost()), (MAX_WAITING, 2, 2));
        assert!(packets.take().is_empty());
    }

    #[test]
    fn samples_are_as_many_as_asked_for() {
        for (probability, expected) in [(0, 0), (65_535, 10_000), (6554, 1000)] {
            let packets = PacketIns::default();
            let count = (0..10_000).filter(|_| packets.sample(probability)).count();
            assert!(count.abs_diff(expected) <= 2, "{probability}: {count}");
            assert_eq!(packets.sampled(), count as u64);
        }
    }
}
