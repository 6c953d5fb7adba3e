//! Entries that go, and counters that reach the flows.

use super::context::Context;
use super::finder::Finder;
use super::{Worker, current};
use crate::cache::{Cache, Entry, EntryIx, Lookup, MAX_ENTRIES};
use crate::shared::Shared;
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
                && now.since(self.used(at)) > MAX_IDLE
            {
                self.remove(at);
            }
        }
    }

    #[cold]
    fn make_room(&mut self) {
        while self.cache.len() + Batch::MAX > MAX_ENTRIES {
            let candidates: [Option<EntryIx>; CANDIDATES] = std::array::from_fn(|_| self.cache.turn());
            if let Some(at) = candidates.into_iter().flatten().min_by_key(|at| self.used(*at)) {
                self.remove(at);
            }
        }
    }

    fn used(&self, at: EntryIx) -> Time {
        used(self.contexts.get(self.cache.entries[at as usize].bridge as usize), &self.cache, at)
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

    /// Takes out the entries of a bridge that don't hold or were idle too long, as if all had been looked at.
    pub(crate) fn settle(&mut self, sw: &Shared, now: Time) {
        self.flush(sw.id());
        let Some(context) = current(&mut self.contexts, &mut self.cache, sw) else { return };
        for at in context.entries() {
            let slot = self.cache.entries[at as usize].slot;
            let is_idle = now.since(used(Some(context), &self.cache, at)) > MAX_IDLE;
            let mut finder = Finder { context, cache: &mut self.cache, sw, now, slot };
            if is_idle || !finder.holds(at) {
                context.remove(&mut self.cache, at);
            }
        }
        self.cache.recycle();
    }

    /// Takes out all entries of a bridge.
    pub(crate) fn forget(&mut self, id: u32) {
        if let Some(context) = self.contexts.get_mut(id as usize) {
            context.void(&mut self.cache);
        }
    }

    /// The entries of a bridge, by port and in the order that they were made.
    pub(crate) fn entries(&self, id: u32) -> Vec<&Entry> {
        let all = self.contexts.get(id as usize).map(Context::entries).unwrap_or_default();
        let mut entries: Vec<&Entry> = all.into_iter().map(|at| &self.cache.entries[at as usize]).collect();
        entries.sort_by_key(|entry| (entry.slot, entry.id));
        entries
    }

    /// The frames of a bridge that found an entry, and those that were translated.
    pub(crate) fn lookups(&self, id: u32) -> (u64, u64) {
        let Some(context) = self.contexts.get(id as usize) else { return (0, 0) };
        let received: u64 = context.ports.iter().map(|port| port.rx.count.packets).sum();
        (received.saturating_sub(context.misses), context.misses)
    }
}

/// When a frame found an entry of a bridge last. For a port with NORMAL the port knows.
fn used(context: Option<&Context>, cache: &Cache, at: EntryIx) -> Time {
    let entry = &cache.entries[at as usize];
    let port = context.and_then(|context| context.ports.get(usize::from(entry.slot)));
    match port.map(|port| &port.rx) {
        Some(rx) if matches!(rx.lookup, Lookup::Normal { entry, .. } if entry == at) => rx.used.max(entry.used()),
        _ => entry.used(),
    }
}
