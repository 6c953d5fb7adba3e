//! The neighbour table: which MAC address a next hop has (the states of RFC 4861 section 7.3.2 that a host needs,
//! used for ARP as well).
//!
//! An entry is asked for (*incomplete*), then known for [`REACHABLE_TIME`] since it was last confirmed; after that it
//! is *stale* and asked for again before the next frame leaves. Asking is one request each [`RETRY_INTERVAL`], up to
//! [`MAX_REQUESTS`]; the last [`MAX_WAITING`] frames wait for the answer. The table is bounded: a new entry takes the
//! place of the one that was used longest ago. One that was entered by hand is known for good, and what packets show of
//! it changes nothing. All timers run equally long, so they are a queue and no heap.

use core::hash::BuildHasher;
use core::net::IpAddr;
use std::collections::VecDeque;

use foldhash::quality::FixedState;
use hashbrown::HashTable;
use packet::MacAddr;
use sim_core::{Duration, Frame, Tag, Time};

use crate::interface::IfIx;

/// For how long a neighbour's MAC address is used after it was confirmed.
pub const REACHABLE_TIME: Duration = Duration::from_secs(300);
/// From one request for a neighbour to the next.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// After so many requests without an answer the frames that wait are dropped.
pub const MAX_REQUESTS: u8 = 3;
/// The most frames that wait for one neighbour; a further one takes the oldest one's place.
pub const MAX_WAITING: usize = 3;
/// The most neighbours of a stack.
pub const MAX_NEIGHBORS: usize = 4096;

/// A neighbour: an address on an interface's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeighborKey {
    /// The interface.
    pub interface: IfIx,
    /// The address.
    pub address: IpAddr,
}

/// What is known of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborState {
    /// It has been asked for and hasn't answered yet.
    Incomplete,
    /// It has this MAC address until then; [`Time::NEVER`] if it was entered by hand.
    Reachable(MacAddr, Time),
    /// It had this MAC address; it is asked again before the next frame.
    Stale(MacAddr),
}

/// Frames that waited, in order.
pub(crate) type Waiting = [Option<Frame>; MAX_WAITING];

/// What came of having a frame wait.
#[derive(Debug)]
pub(crate) struct Queued {
    /// Whether a request is due.
    pub(crate) ask: bool,
    /// The frame that lost its place in the queue.
    pub(crate) displaced: Option<Frame>,
    /// The neighbour that lost its place in the table, if frames waited for it.
    pub(crate) evicted: Option<(NeighborKey, Waiting)>,
}

/// What is due.
#[derive(Debug)]
pub(crate) enum Due {
    /// A further request. The tag is that of the frame that caused the first.
    Ask(NeighborKey, Tag),
    /// Nobody answered.
    Failed(NeighborKey, Waiting),
}

/// What a packet from a neighbour shows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learn {
    /// Enter it if it isn't known.
    Create,
    /// Change it only if it is known or asked for.
    Update,
}

/// Labs are reproducible, so the seed is fixed; the table is small, so colliding addresses cost little.
const HASH_SEED: u64 = 0x6e65_6967_6862_6f72;

/// What is left to do after a packet for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overheard {
    /// Nothing.
    Nothing,
    /// The neighbour was asked for: [`Neighbors::learn`] what it showed.
    Awaited,
}

/// No slot: the end of a list.
const NIL: u32 = u32::MAX;

/// A neighbour in its place: one cache line, since every broadcast asks for it.
#[derive(Debug)]
#[repr(align(64))]
struct Slot {
    key: NeighborKey,
    entry: Entry,
    /// Tells this use of the slot from earlier ones, in the queue of timers.
    generation: u32,
    /// Neighbours in the order of use: the one used before this one, and after.
    older: u32,
    newer: u32,
}

#[derive(Debug)]
enum Entry {
    Asking(Box<Asking>),
    Known { mac: MacAddr, until: Time },
}

#[derive(Debug)]
struct Asking {
    requests: u8,
    /// That of the frame that caused the first request.
    tag: Tag,
    waiting: Waiting,
}

/// The neighbours of a stack.
#[derive(Debug)]
pub struct Neighbors {
    /// The slots by the hash of their keys.
    index: HashTable<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
    /// When each unanswered request is to be repeated; sorted, since all wait equally long.
    timers: VecDeque<(Time, u32, u32)>,
    capacity: usize,
    version: u64,
}

impl Neighbors {
    /// An empty table for at most `capacity` neighbours.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            oldest: NIL,
            newest: NIL,
            timers: VecDeque::new(),
            capacity: capacity.max(1),
            version: 0,
        }
    }

    /// The number of neighbours, known or asked for.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// What is known of a neighbour at `now`; `None` if nothing is.
    pub fn state(&self, key: NeighborKey, now: Time) -> Option<NeighborState> {
        self.find(key).map(|slot| self.slots[slot as usize].state(now))
    }

    /// All neighbours, by interface and address.
    pub fn iter(&self, now: Time) -> impl Iterator<Item = (NeighborKey, NeighborState)> + '_ {
        let mut sorted: Vec<&Slot> = self.index.iter().map(|slot| &self.slots[*slot as usize]).collect();
        sorted.sort_unstable_by_key(|slot| slot.key);
        sorted.into_iter().map(move |slot| (slot.key, slot.state(now)))
    }

    /// A number that changes whenever a MAC address that was known is no longer so.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// When [`Neighbors::due`] has something to say.
    #[inline]
    pub(crate) fn next_wake(&self) -> Time {
        self.timers.front().map_or(Time::NEVER, |(time, ..)| *time)
    }

    /// The MAC address to use now and the time until which it counts.
    #[inline]
    pub(crate) fn lookup(&mut self, key: NeighborKey, now: Time) -> Option<(MacAddr, Time)> {
        let slot = self.find(key)?;
        match self.slots[slot as usize].entry {
            Entry::Known { mac, until } if now < until => {
                self.touch(slot);
                Some((mac, until))
            }
            _ => None,
        }
    }

    /// Has a frame wait until the neighbour is known.
    pub(crate) fn wait(&mut self, key: NeighborKey, now: Time, frame: Frame) -> Queued {
        let mut queued = Queued { ask: false, displaced: None, evicted: None };
        let slot = match self.find(key) {
            Some(slot) => slot,
            None => {
                if self.index.len() >= self.capacity {
                    queued.evicted = self.remove(self.oldest);
                }
                self.insert(key, Entry::Known { mac: MacAddr::ZERO, until: Time::ZERO })
            }
        };
        self.touch(slot);
        let Slot { entry, generation, .. } = &mut self.slots[slot as usize];
        if let Entry::Known { .. } = entry {
            let asking = Asking { requests: 1, tag: frame.tag(), waiting: Waiting::default() };
            *entry = Entry::Asking(Box::new(asking));
            queued.ask = true;
            self.timers.push_back((now + RETRY_INTERVAL, slot, *generation));
            self.version += 1;
        }
        if let Entry::Asking(asking) = entry {
            let waiting = &mut asking.waiting;
            if waiting[MAX_WAITING - 1].is_some() {
                queued.displaced = waiting[0].take();
                waiting.rotate_left(1);
            }
            let place = waiting.iter_mut().find(|place| place.is_none());
            *place.expect("a full queue was shortened above") = Some(frame);
        }
        self.trim_timers();
        queued
    }

    /// Notes what a packet for others shows of a neighbour. That doesn't count as use, and enters nobody.
    #[inline]
    pub(crate) fn overhear(&mut self, key: NeighborKey, mac: MacAddr, now: Time) -> Overheard {
        let Some(slot) = self.find(key) else { return Overheard::Nothing };
        match &mut self.slots[slot as usize].entry {
            Entry::Asking(_) => Overheard::Awaited,
            Entry::Known { until: Time::NEVER, .. } => Overheard::Nothing,
            Entry::Known { mac: before, until } => {
                self.version += u64::from(*before != mac);
                (*before, *until) = (mac, now + REACHABLE_TIME);
                Overheard::Nothing
            }
        }
    }

    /// Enters what a packet showed; gives the frames that waited for it, and the neighbour that it displaced if frames
    /// waited for that one.
    pub(crate) fn learn(
        &mut self,
        key: NeighborKey,
        mac: MacAddr,
        now: Time,
        learn: Learn,
    ) -> (Waiting, Option<(NeighborKey, Waiting)>) {
        let known = Entry::Known { mac, until: now + REACHABLE_TIME };
        let Some(slot) = self.find(key) else {
            let mut evicted = None;
            if learn == Learn::Create {
                if self.index.len() >= self.capacity {
                    evicted = self.remove(self.oldest);
                }
                let slot = self.insert(key, known);
                self.touch(slot);
            }
            return (Waiting::default(), evicted);
        };
        self.touch(slot);
        let Slot { entry, generation, .. } = &mut self.slots[slot as usize];
        if matches!(entry, Entry::Known { until: Time::NEVER, .. }) {
            return (Waiting::default(), None);
        }
        match core::mem::replace(entry, known) {
            Entry::Asking(asking) => {
                *generation = generation.wrapping_add(1);
                self.trim_timers();
                (asking.waiting, None)
            }
            Entry::Known { mac: before, .. } => {
                self.version += u64::from(before != mac);
                (Waiting::default(), None)
            }
        }
    }

    /// Enters a neighbour by hand, for good; gives what [`Neighbors::learn`] gives.
    pub(crate) fn enter(
        &mut self,
        key: NeighborKey,
        mac: MacAddr,
        now: Time,
    ) -> (Waiting, Option<(NeighborKey, Waiting)>) {
        let result = self.learn(key, mac, now, Learn::Create);
        if let Some(slot) = self.find(key) {
            self.slots[slot as usize].entry = Entry::Known { mac, until: Time::NEVER };
            self.version += 1;
        }
        result
    }

    /// Forgets one neighbour; gives whether it was there, and what waited for it.
    pub(crate) fn forget_one(&mut self, key: NeighborKey) -> (bool, Option<(NeighborKey, Waiting)>) {
        let Some(slot) = self.find(key) else { return (false, None) };
        let removed = self.remove(slot);
        self.trim_timers();
        (true, removed)
    }

    /// The next request that is to be repeated, or given up, at `now`.
    pub(crate) fn due(&mut self, now: Time) -> Option<Due> {
        while let Some(&(time, slot, generation)) = self.timers.front() {
            if time > now {
                return None;
            }
            self.timers.pop_front();
            let found = &mut self.slots[slot as usize];
            if found.generation != generation {
                continue;
            }
            if let Entry::Asking(asking) = &mut found.entry {
                if asking.requests < MAX_REQUESTS {
                    asking.requests += 1;
                    self.timers.push_back((now + RETRY_INTERVAL, slot, generation));
                    return Some(Due::Ask(found.key, asking.tag));
                }
                return self.remove(slot).map(|(key, waiting)| Due::Failed(key, waiting));
            }
        }
        None
    }

    /// Forgets a neighbour of an interface for which `gone` is true; gives what waited for it. Call it until it gives
    /// nothing more.
    pub(crate) fn forget(&mut self, gone: impl Fn(IfIx) -> bool) -> Option<(NeighborKey, Waiting)> {
        while let Some(slot) = self.first(&gone) {
            let removed = self.remove(slot);
            self.trim_timers();
            if removed.is_some() {
                return removed;
            }
        }
        None
    }

    /// The slot of a neighbour.
    #[inline]
    fn find(&self, key: NeighborKey) -> Option<u32> {
        self.index.find(hash(key), |slot| self.slots[*slot as usize].key == key).copied()
    }

    /// The slot of the first neighbour, by key, on an interface for which `wanted` is true.
    fn first(&self, wanted: impl Fn(IfIx) -> bool) -> Option<u32> {
        let slots = self.index.iter().filter(|slot| wanted(self.slots[**slot as usize].key.interface));
        slots.min_by_key(|slot| self.slots[**slot as usize].key).copied()
    }

    fn insert(&mut self, key: NeighborKey, entry: Entry) -> u32 {
        let slot = match self.free.pop() {
            Some(slot) => {
                let free = &mut self.slots[slot as usize];
                (free.key, free.entry) = (key, entry);
                slot
            }
            None => {
                self.slots.push(Slot { key, entry, generation: 0, older: NIL, newer: NIL });
                self.slots.len() as u32 - 1
            }
        };
        let slots = &self.slots;
        self.index.insert_unique(hash(key), slot, |slot| hash(slots[*slot as usize].key));
        self.link_newest(slot);
        slot
    }

    /// Takes a neighbour out; gives what waited for it, if anything did.
    fn remove(&mut self, slot: u32) -> Option<(NeighborKey, Waiting)> {
        self.unlink(slot);
        self.free.push(slot);
        self.version += 1;
        let removed = &mut self.slots[slot as usize];
        removed.generation = removed.generation.wrapping_add(1);
        if let Ok(found) = self.index.find_entry(hash(removed.key), |found| *found == slot) {
            found.remove();
        }
        let empty = Entry::Known { mac: MacAddr::ZERO, until: Time::ZERO };
        match core::mem::replace(&mut removed.entry, empty) {
            Entry::Asking(asking) => Some((removed.key, asking.waiting)),
            Entry::Known { .. } => None,
        }
    }

    /// Takes timers that no longer count off the front, and all of them out once they are the most.
    fn trim_timers(&mut self) {
        let slots = &self.slots;
        let counts = |(_, slot, generation): &(Time, u32, u32)| slots[*slot as usize].generation == *generation;
        while self.timers.front().is_some_and(|timer| !counts(timer)) {
            self.timers.pop_front();
        }
        if self.timers.len() > 2 * self.capacity {
            self.timers.retain(counts);
        }
    }

    /// Makes a neighbour the one used last.
    #[inline]
    fn touch(&mut self, slot: u32) {
        if self.newest != slot {
            self.unlink(slot);
            self.link_newest(slot);
        }
    }

    fn link_newest(&mut self, slot: u32) {
        let before = core::mem::replace(&mut self.newest, slot);
        let linked = &mut self.slots[slot as usize];
        (linked.older, linked.newer) = (before, NIL);
        match self.slots.get_mut(before as usize) {
            Some(before) => before.newer = slot,
            None => self.oldest = slot,
        }
    }

    fn unlink(&mut self, slot: u32) {
        let Slot { older, newer, .. } = self.slots[slot as usize];
        match self.slots.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
    }
}

#[inline]
fn hash(key: NeighborKey) -> u64 {
    let address = match key.address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    FixedState::with_seed(HASH_SEED).hash_one((key.interface.0, address))
}

impl Slot {
    fn state(&self, now: Time) -> NeighborState {
        match self.entry {
            Entry::Asking(_) => NeighborState::Incomplete,
            Entry::Known { mac, until } if now < until => NeighborState::Reachable(mac, until),
            Entry::Known { mac, .. } => NeighborState::Stale(mac),
        }
    }
}

#[cfg(test)]
mod tests;
