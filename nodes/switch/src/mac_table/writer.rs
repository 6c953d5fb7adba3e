//! The side of the MAC table that changes the set of entries, under its lock.

use super::evict::{NIL, Queues};
use super::{Entry, MacTable, NO_LEVEL, Pair, SIZES, StationKey, Value, hash};
use std::sync::atomic::Ordering;

/// What [`MacTable::learn`](super::MacTable::learn) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learnt {
    /// The station is new.
    New,
    /// It was behind another port.
    Moved,
    /// It was known there.
    Refreshed,
    /// It has a static entry, which stays.
    Static,
    /// The table is full of static entries.
    Full,
}

/// The table is full of static entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableFull;

/// The counts of `fdb/stats-show`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MacStats {
    /// Entries now.
    pub entries: usize,
    /// How many there may be.
    pub max_entries: usize,
    /// Static entries now.
    pub static_entries: usize,
    /// Entries learnt so far.
    pub learnt: u64,
    /// Entries that aged.
    pub expired: u64,
    /// Entries that made room for others.
    pub evicted: u64,
    /// How often a station moved to another port.
    pub moved: u64,
}

/// What the lock protects.
#[derive(Debug)]
pub(super) struct Writer {
    level: usize,
    /// The queue's node for each slot; [`NIL`] for a static entry.
    nodes: Vec<u32>,
    queues: Queues,
    stats: MacStats,
    /// No entry ages before this time, in ms.
    first_expiry: u64,
}

impl Writer {
    pub(super) fn new() -> Self {
        let stats = MacStats { max_entries: super::DEFAULT_MAX_ENTRIES, ..MacStats::default() };
        Self { level: NO_LEVEL, nodes: Vec::new(), queues: Queues::default(), stats, first_expiry: u64::MAX }
    }

    pub(super) fn learn(&mut self, table: &MacTable, key: StationKey, port: u16, now: u64) -> Learnt {
        let found = self.slot_of(table, key);
        if let Some(slot) = found {
            let value = value(table.slots(self.level), slot);
            if value.is_static() {
                return Learnt::Static;
            }
            if value.is_aged(now, table.ageing()) {
                self.stats.expired += 1;
                self.remove(table, slot);
            } else if value.port() == port {
                table.slots(self.level)[slot][1].store(value.at(now).0, Ordering::Release);
                return Learnt::Refreshed;
            } else {
                self.stats.moved += 1;
                self.queues.remove(self.nodes[slot]);
                self.nodes[slot] = self.queues.push(key.0, port, now);
                let value = Value::new(port, false, hash(table.hash_key, key), now);
                table.slots(self.level)[slot][1].store(value.0, Ordering::Release);
                return Learnt::Moved;
            }
        }
        if self.make_room(table, now).is_err() {
            return Learnt::Full;
        }
        self.stats.learnt += 1;
        self.insert(table, key, port, false, now);
        Learnt::New
    }

    pub(super) fn add_static(
        &mut self,
        table: &MacTable,
        key: StationKey,
        port: u16,
        now: u64,
    ) -> Result<(), TableFull> {
        match self.slot_of(table, key) {
            Some(slot) => self.remove(table, slot),
            None => self.make_room(table, now)?,
        }
        self.insert(table, key, port, true, now);
        Ok(())
    }

    pub(super) fn remove_static(&mut self, table: &MacTable, key: StationKey) -> bool {
        let found = self.slot_of(table, key).filter(|&slot| value(table.slots(self.level), slot).is_static());
        if let Some(slot) = found {
            self.remove(table, slot);
        }
        found.is_some()
    }

    /// Removes the entries for which `goes` is true; gives how many those are.
    pub(super) fn remove_where(&mut self, table: &MacTable, goes: impl Fn(Value) -> bool) -> usize {
        let slots = table.slots(self.level);
        let keys: Vec<StationKey> = entries(slots).filter(|&(_, value)| goes(value)).map(|(key, _)| key).collect();
        for &key in &keys {
            if let Some(slot) = self.slot_of(table, key) {
                self.remove(table, slot);
            }
        }
        if self.stats.entries == 0 {
            self.queues.clear();
            self.first_expiry = u64::MAX;
        }
        keys.len()
    }

    /// Removes what has aged.
    pub(super) fn purge(&mut self, table: &MacTable, now: u64) {
        if now < self.first_expiry {
            return;
        }
        let ageing = table.ageing();
        self.stats.expired += self.remove_where(table, |value| value.is_aged(now, ageing)) as u64;
        let slots = table.slots(self.level);
        let stamps = entries(slots).filter(|(_, value)| !value.is_static()).map(|(_, value)| value.stamp());
        // A refresh only makes an entry younger, so that nothing ages before this.
        self.first_expiry = stamps.min().map_or(u64::MAX, |oldest| oldest + ageing);
    }

    pub(super) fn ageing_changed(&mut self) {
        self.first_expiry = 0;
    }

    pub(super) fn set_max_entries(&mut self, table: &MacTable, max: usize, now: u64) {
        self.stats.max_entries = max;
        if self.stats.entries > max {
            self.purge(table, now);
        }
        while self.stats.entries > max && self.evict(table) {}
    }

    pub(super) fn entries<'a>(&self, table: &'a MacTable, now: u64) -> impl Iterator<Item = Entry> + 'a {
        entries(table.slots(self.level)).map(move |(key, value)| Entry {
            port: value.port(),
            vlan: key.vlan(),
            mac: key.mac(),
            is_static: value.is_static(),
            age_ms: if value.is_static() { 0 } else { now.saturating_sub(value.stamp()) },
        })
    }

    pub(super) fn stats(&self) -> MacStats {
        self.stats
    }

    pub(super) fn clear_stats(&mut self) {
        let MacStats { entries, max_entries, static_entries, .. } = self.stats;
        self.stats = MacStats { entries, max_entries, static_entries, ..MacStats::default() };
    }

    /// Makes room for one more entry.
    fn make_room(&mut self, table: &MacTable, now: u64) -> Result<(), TableFull> {
        if self.stats.entries >= self.stats.max_entries {
            self.purge(table, now);
        }
        if self.stats.entries >= self.stats.max_entries && !self.evict(table) {
            return Err(TableFull);
        }
        if self.stats.entries * 2 >= SIZES.get(self.level).copied().unwrap_or(0) {
            self.grow(table);
        }
        Ok(())
    }

    /// Removes the entry that goes first; false if there is no learnt one.
    fn evict(&mut self, table: &MacTable) -> bool {
        let slots = table.slots(self.level);
        let stamp = |key| find(table, slots, StationKey(key)).map_or(0, |slot| value(slots, slot).stamp());
        let Some(slot) = self.queues.victim(stamp).and_then(|key| find(table, slots, StationKey(key))) else {
            return false;
        };
        self.remove(table, slot);
        self.stats.evicted += 1;
        true
    }

    /// Moves everything to the next larger array.
    fn grow(&mut self, table: &MacTable) {
        let next = if self.level == NO_LEVEL { 0 } else { self.level + 1 };
        let Some(level) = table.levels.get(next) else { return };
        let new = level.get_or_init(|| bytemuck::zeroed_slice_box(SIZES[next]));
        let mut nodes = vec![NIL; SIZES[next]];
        for (old, (key, value)) in positions(table.slots(self.level)) {
            let slot = place(table, new, key);
            nodes[slot] = self.nodes[old];
            new[slot][1].store(value.0, Ordering::Relaxed);
            new[slot][0].store(key.0, Ordering::Relaxed);
        }
        self.nodes = nodes;
        self.level = next;
        table.current.store(next as u32, Ordering::Release);
    }

    fn insert(&mut self, table: &MacTable, key: StationKey, port: u16, is_static: bool, now: u64) {
        let slots = table.slots(self.level);
        let slot = place(table, slots, key);
        self.stats.entries += 1;
        if is_static {
            self.stats.static_entries += 1;
            self.nodes[slot] = NIL;
        } else {
            self.nodes[slot] = self.queues.push(key.0, port, now);
            self.first_expiry = self.first_expiry.min(now + table.ageing());
        }
        slots[slot][1].store(Value::new(port, is_static, hash(table.hash_key, key), now).0, Ordering::Release);
        slots[slot][0].store(key.0, Ordering::Release);
    }

    fn slot_of(&self, table: &MacTable, key: StationKey) -> Option<usize> {
        find(table, table.slots(self.level), key)
    }

    /// Empties a slot and moves later entries of its run up, so that no run has a gap (Knuth 6.4, algorithm R).
    fn remove(&mut self, table: &MacTable, slot: usize) {
        let slots = table.slots(self.level);
        let mask = slots.len() - 1;
        self.stats.entries -= 1;
        match self.nodes[slot] {
            NIL => self.stats.static_entries -= 1,
            node => self.queues.remove(node),
        }
        let mut hole = slot;
        let mut at = slot;
        loop {
            at = (at + 1) & mask;
            let key = slots[at][0].load(Ordering::Relaxed);
            if key == 0 {
                break;
            }
            let home = hash(table.hash_key, StationKey(key)) as usize & mask;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                slots[hole][1].store(slots[at][1].load(Ordering::Acquire), Ordering::Release);
                slots[hole][0].store(key, Ordering::Release);
                self.nodes[hole] = self.nodes[at];
                hole = at;
            }
        }
        slots[hole][0].store(0, Ordering::Release);
        slots[hole][1].store(0, Ordering::Release);
        self.nodes[hole] = NIL;
    }
}

fn value(slots: &[Pair], slot: usize) -> Value {
    Value(slots[slot][1].load(Ordering::Acquire))
}

fn positions(slots: &[Pair]) -> impl Iterator<Item = (usize, (StationKey, Value))> + '_ {
    let used = slots.iter().enumerate().map(|(slot, pair)| (slot, pair[0].load(Ordering::Relaxed)));
    used.filter(|(_, key)| *key != 0).map(|(slot, key)| (slot, (StationKey(key), value(slots, slot))))
}

fn entries(slots: &[Pair]) -> impl Iterator<Item = (StationKey, Value)> + '_ {
    positions(slots).map(|(_, entry)| entry)
}

/// The slot of a key that is in the table.
fn find(table: &MacTable, slots: &[Pair], key: StationKey) -> Option<usize> {
    let slot = probe(table, slots, key)?;
    (slots[slot][0].load(Ordering::Relaxed) == key.0).then_some(slot)
}

/// The free slot for a key that isn't.
fn place(table: &MacTable, slots: &[Pair], key: StationKey) -> usize {
    probe(table, slots, key).expect("at most half of the slots are in use")
}

/// The slot of a key, or the free slot where its run ends; `None` in a table without slots.
fn probe(table: &MacTable, slots: &[Pair], key: StationKey) -> Option<usize> {
    let mask = slots.len().checked_sub(1)?;
    let home = hash(table.hash_key, key) as usize;
    (0..slots.len()).map(|step| (home + step) & mask).find(|&slot| {
        let found = slots[slot][0].load(Ordering::Relaxed);
        found == key.0 || found == 0
    })
}
