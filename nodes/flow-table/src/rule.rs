//! A flow in a table, and what it matched.

use openflow::Flow;
use sim_core::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A flow in a table.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What its maker asked for.
    pub flow: Flow,
    /// When it was made.
    pub since: Time,
    /// When it was last changed.
    pub modified: Time,
    /// What it matched.
    pub stats: Arc<FlowStats>,
}

/// What a flow matched. The one worker that moves a bridge's frames writes it, which takes no locked instruction; anybody
/// may read it.
#[derive(Debug, Default)]
pub struct FlowStats {
    packets: AtomicU64,
    bytes: AtomicU64,
    /// When it last matched, in ns of lab time; 0 for never.
    used: AtomicU64,
}

impl FlowStats {
    /// Counts frames.
    #[inline]
    pub fn count(&self, packets: u64, bytes: u64, now: Time) {
        let add = |cell: &AtomicU64, more: u64| {
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
        };
        self.used.store(now.as_nanos(), Ordering::Relaxed);
        add(&self.packets, packets);
        add(&self.bytes, bytes);
    }

    /// Frames and bytes so far.
    pub fn get(&self) -> (u64, u64) {
        (self.packets.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

impl Rule {
    /// A flow that is new.
    pub fn new(flow: Flow, since: Time) -> Self {
        Self { flow, since, modified: since, stats: Arc::default() }
    }

    /// Since when no frame has matched.
    pub fn idle_since(&self) -> Time {
        self.modified.max(Time::from_nanos(self.stats.used.load(Ordering::Relaxed)))
    }
}
