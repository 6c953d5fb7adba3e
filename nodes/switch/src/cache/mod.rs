//! What a worker remembers of translations: entries, each a program for all frames of a port that agree in some bits.
//!
//! Each port of a bridge has a [`Lookup`]: how much of a frame must be read to find its entry, from the bits that the
//! port's entries ask for. If they ask for nothing, there is one entry; if for the Ethernet type, the outer tag and
//! fragment bits, it is one 64-bit word, looked up in an array that all bridges of the worker share; else a key of the
//! words that are asked for, looked up mask by mask ([`class`]), with an exact-match [`front`] where that pays.
//!
//! An entry holds until a change overlaps with it: its [`Basis`] tells. That is asked when a frame finds the entry and
//! something has changed since, never of all entries at once. Entries that no frame finds go after a while; if there
//! are too many, the one of a few that was idle longest goes first.

mod basis;
pub(crate) mod class;
mod front;
mod shape;
mod subtable;
mod word;

pub(crate) use basis::Basis;
pub(crate) use class::Class;
pub(crate) use front::Front;
pub(crate) use shape::{Shape, WireKey};
pub(crate) use word::WordCache;

use crate::counters::CacheStats;
use crate::port_state::Count;
use crate::program::Program;
use crate::translate::Effect;
use packet::FlowKey;
use sim_core::Time;
use std::sync::Arc;

/// Entries that a worker holds, of all its bridges: as `other_config:flow-limit` of Open vSwitch is by default.
pub(crate) const MAX_ENTRIES: usize = 200_000;

/// An entry, by its place.
pub(crate) type EntryIx = u32;

/// How much of a port's frames must be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Lookup {
    /// Not known yet.
    #[default]
    Unknown,
    /// Nothing: spanning tree keeps the port closed. What is done with BPDUs is done before.
    Closed,
    /// Nothing: all frames have this entry.
    Fixed(EntryIx),
    /// Nothing: NORMAL is done with all frames, and what the usual one needs for it is in the port's
    /// [`Inbound`](crate::port_state::Inbound), which counts for the entry too.
    Normal {
        /// Of these all frames are.
        entry: EntryIx,
        /// When it was known to hold; see [`Entry::stamp`].
        stamp: u64,
    },
    /// These bits of the first word of the key.
    Word(u64),
    /// The words of the key that the port's [`Class`] names.
    Key,
}

/// A program, and the frames that it is for.
///
/// The first cache line is what a lookup reads.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Entry {
    /// Which state of the bridge it was last known to hold in, as the worker counts them.
    pub(crate) stamp: u64,
    /// No two entries of a worker have the same.
    pub(crate) id: u64,
    /// The bridge, by its place among the worker's.
    pub(crate) bridge: u32,
    /// The port.
    pub(crate) slot: u16,
    /// Whether it was taken out; what it does to frames that have found it is still to be done.
    pub(crate) is_dead: bool,
    /// When its effects are to be carried out again; `NEVER` without any.
    pub(crate) effects_at: Time,
    pub(crate) program: Program,
    pub(crate) rest: Box<Rest>,
}

/// What isn't read for each frame.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    pub(crate) shape: Arc<Shape>,
    /// Its key's words under the shape.
    pub(crate) words: Box<[u64]>,
    pub(crate) basis: Basis,
    pub(crate) effects: Vec<Effect>,
    pub(crate) follows_links: bool,
    /// How many changes of tables it has been compared with.
    pub(crate) changes: u64,
    /// How many there were when its effects were carried out last, or it was compared.
    pub(crate) effective: u64,
    /// Which state of the links it was translated in.
    pub(crate) links: u64,
    pub(crate) since: Time,
    /// Frames and bytes that have reached the flows.
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// The bytes of the frame that it was made for.
    pub(crate) first_size: u64,
    /// What its port had counted when the entry last counted, with [`Lookup::Normal`].
    pub(crate) seen: Count,
}

/// The entries of a worker.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    pub(crate) entries: Vec<Entry>,
    vacant: Vec<EntryIx>,
    /// Those that were taken out and may still have frames on the way.
    dying: Vec<EntryIx>,
    /// Those that have counted since the last flush.
    uncounted: Vec<EntryIx>,
    pub(crate) words: WordCache,
    pub(crate) front: Front,
    pub(crate) stats: CacheStats,
    /// The key at hand; of its words only those that are asked for.
    pub(crate) key: FlowKey,
    /// Where the search for idle entries goes on.
    hand: usize,
    last_id: u64,
}

impl Cache {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.vacant.len() - self.dying.len()
    }

    /// Puts in an entry; gives its place. Nothing finds it yet.
    pub(crate) fn add(&mut self, mut entry: Entry) -> EntryIx {
        self.last_id += 1;
        entry.id = self.last_id;
        if let Some(at) = self.vacant.pop() {
            self.entries[at as usize] = entry;
            return at;
        }
        self.entries.push(entry);
        (self.entries.len() - 1) as EntryIx
    }

    /// Counts frames of an entry.
    #[inline]
    pub(crate) fn count(&mut self, at: EntryIx, packets: u64, bytes: u64, now: Time) {
        let program = &self.entries[at as usize].program;
        if !program.has_counted() {
            self.uncounted.push(at);
        }
        program.count(packets, bytes, now);
    }

    /// Takes an entry out that nothing finds any more. Its counters reach the flows.
    pub(crate) fn bury(&mut self, at: EntryIx) {
        let entry = &mut self.entries[at as usize];
        entry.push();
        entry.is_dead = true;
        self.dying.push(at);
    }

    /// Gives the places of dead entries free. No frame is on its way.
    #[inline]
    pub(crate) fn recycle(&mut self) {
        if !self.dying.is_empty() {
            self.recycle_all();
        }
    }

    #[cold]
    fn recycle_all(&mut self) {
        for at in self.dying.drain(..) {
            // Steps that have programs of their own count after the frame was found.
            let entry = &mut self.entries[at as usize];
            entry.push();
            entry.program.clear();
            *entry.rest = Rest::default();
            self.vacant.push(at);
        }
    }

    /// Has the counters of all entries reach the flows.
    pub(crate) fn push_counters(&mut self) {
        self.recycle();
        for at in self.uncounted.drain(..) {
            self.entries[at as usize].push();
        }
    }

    /// The next entry in turn that the hand comes to, if one is there.
    pub(crate) fn turn(&mut self) -> Option<EntryIx> {
        if self.hand >= self.entries.len() {
            self.hand = 0;
        }
        let at = self.hand;
        self.hand += 1;
        let entry = self.entries.get(at)?;
        (!entry.is_dead).then_some(at as EntryIx)
    }
}

impl Entry {
    /// Has its counters reach the flows.
    pub(crate) fn push(&mut self) {
        let (packets, bytes) = self.program.push();
        self.rest.packets += packets;
        self.rest.bytes += bytes;
    }

    /// The frames and bytes that have found it. The one that it was made for is none of them.
    pub(crate) fn found(&self) -> (u64, u64) {
        let (packets, bytes) = self.program.counted();
        let (of, bytes_of) = (self.rest.packets + packets, self.rest.bytes + bytes);
        (of.saturating_sub(1), bytes_of.saturating_sub(self.rest.first_size))
    }

    /// When a frame found it last, or when it was made.
    pub(crate) fn used(&self) -> Time {
        self.program.used().max(self.rest.since)
    }
}

#[cfg(test)]
mod size_tests {
    use super::*;

    #[test]
    fn an_entry_is_two_cache_lines() {
        assert_eq!(size_of::<Lookup>(), 16);
        assert!(size_of::<Entry>() <= 192, "{}", size_of::<Entry>());
    }
}
