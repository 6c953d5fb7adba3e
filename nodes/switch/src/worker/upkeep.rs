//! Entries that go, and counters that reach the flows.

use super::Worker;
use super::context::Context;
use crate::cache::{Cache, EntryIx, Lookup, MAX_ENTRIES};
use sim_core::{Batch, Duration, Time};

/// How long an entry stays without a frame: `other_config:max-idle` of Open vSwitch is that by default.
const MAX_IDLE: Duration = Duration::from_secs(10);
/// How often some entries are looked at.
const TURN: Duration = Duration::from_millis(100);
/// In how many turns all entries are looked at.
const TURNS_A_ROUND: usize = 32;
/// Of so many entries the one that was idle longest makes room.
const CANDIDATES: usize = 8;

impl Worker {
    /// Looks at some entries, and makes room for those of a batch.
    #[inline]
    pub(super) fn keep_up(&mut self, now: Time) {
        self.cache.recycle();
        if now >= self.next_turn {
            self.turn(now);
        }
        if self.cache.len() + Batch::MAX > MAX_ENTRIES {
            self.make_room();
        }
    }

    #[cold]
    fn turn(&mut self, now: Time) {
        self.next_turn = now + TURN;
        for _ in 0..self.cache.entries.len().div_ceil(TURNS_A_ROUND) {
            if let Some(at) = self.cache.turn()
                && now.since(used(&self.contexts, &self.cache, at)) > MAX_IDLE
            {
                self.remove(at);
            }
        }
    }

    #[cold]
    fn make_room(&mut self) {
        while self.cache.len() + Batch::MAX > MAX_ENTRIES {
            let Self { contexts, cache, .. } = self;
            let candidates: [Option<EntryIx>; CANDIDATES] = std::array::from_fn(|_| cache.turn());
            let idle = |at: &EntryIx| used(contexts, cache, *at);
            if let Some(at) = candidates.into_iter().flatten().min_by_key(idle) {
                self.remove(at);
            }
        }
    }

    fn remove(&mut self, at: EntryIx) {
        let bridge = self.cache.entries[at as usize].bridge;
        if let Some(context) = self.contexts.get_mut(bridge as usize) {
            context.remove(&mut self.cache, at);
        }
    }

    /// Has all that a bridge's frames were counted for reach the flows. What looks at flows' counters or removes flows calls
    /// it before.
    pub fn flush(&mut self, id: u32) {
        if let Some(context) = self.contexts.get_mut(id as usize) {
            (0..context.ports.len() as u16).for_each(|slot| context.sync(&mut self.cache, slot));
        }
        self.cache.push_counters();
    }
}

/// When a frame found an entry last. For a port with NORMAL the port knows.
fn used(contexts: &[Context], cache: &Cache, at: EntryIx) -> Time {
    let entry = &cache.entries[at as usize];
    let port = contexts.get(entry.bridge as usize).and_then(|context| context.ports.get(usize::from(entry.slot)));
    match port.map(|port| &port.rx) {
        Some(rx) if matches!(rx.lookup, Lookup::Normal { entry, .. } if entry == at) => rx.used.max(entry.used()),
        _ => entry.used(),
    }
}
