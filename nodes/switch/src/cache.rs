//! What a worker remembers of translations.
//!
//! Each port of a bridge has a [`Lookup`]: how much of a frame must be read to know its program. If the flow
//! tables ask for nothing but the port, that is nothing; if they ask for the Ethernet type, the outer tag and
//! fragment bits, it is one 64-bit word, looked up in an array that all bridges of the worker share; else it is a
//! key, looked up under the masks in use (Srinivasan, Suri, Varghese 1999: tuple space search).

use packet::{FlowKey, FlowMask, WORDS};

/// Entries of the shared array.
const WORD_ENTRIES: usize = 4096;
/// Programs that a bridge's cache holds; it starts anew when it has as many.
pub(crate) const MAX_PROGRAMS: usize = 65_536;

/// A program of a bridge, by its place.
pub(crate) type ProgramIx = u32;

/// How much of a port's frames must be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Lookup {
    /// Not known yet.
    #[default]
    Unknown,
    /// Nothing: spanning tree keeps the port closed. What is done with BPDUs is done before.
    Closed,
    /// Nothing: all frames have this program.
    Fixed(ProgramIx),
    /// Nothing: NORMAL is done with all frames, and what the usual one needs for it is in the port's
    /// [`Inbound`](crate::port_state::Inbound).
    Normal,
    /// These bits of the first word of the key.
    Word(u64),
    /// The key.
    Key,
}

/// Programs by the first word of the key, for all bridges of a worker.
#[derive(Debug, Default)]
pub(crate) struct WordCache {
    entries: Vec<WordEntry>,
}

#[derive(Clone, Copy, Debug, Default)]
struct WordEntry {
    word: u64,
    /// Which bridge in which state; 0 for none.
    generation: u64,
    program: ProgramIx,
}

/// Programs by masked keys, for one bridge.
#[derive(Debug, Default)]
pub(crate) struct KeyCache {
    subtables: Vec<Subtable>,
}

/// The entries of one mask.
#[derive(Debug)]
struct Subtable {
    mask: FlowMask,
    /// The words in which the mask has bits.
    words: Vec<u8>,
    /// Open addressing: 0 is free, n the entry n - 1. At most half are in use.
    index: Vec<u32>,
    entries: Vec<(FlowKey, ProgramIx)>,
}

impl WordCache {
    #[inline]
    pub(crate) fn find(&self, generation: u64, word: u64) -> Option<ProgramIx> {
        let entry = self.entries.get(Self::place(generation, word))?;
        (entry.word == word && entry.generation == generation).then_some(entry.program)
    }

    pub(crate) fn insert(&mut self, generation: u64, word: u64, program: ProgramIx) {
        if self.entries.is_empty() {
            self.entries.resize(WORD_ENTRIES, WordEntry::default());
        }
        self.entries[Self::place(generation, word)] = WordEntry { word, generation, program };
    }

    #[inline]
    fn place(generation: u64, word: u64) -> usize {
        let mixed = (word ^ generation.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed >> 52) as usize
    }
}

impl KeyCache {
    #[inline]
    pub(crate) fn find(&self, key: &FlowKey) -> Option<ProgramIx> {
        self.subtables.iter().find_map(|subtable| subtable.find(key))
    }

    pub(crate) fn insert(&mut self, key: &FlowKey, mask: &FlowMask, program: ProgramIx) {
        let at = self.subtables.iter().position(|subtable| subtable.mask == *mask).unwrap_or_else(|| {
            self.subtables.push(Subtable::new(mask));
            self.subtables.len() - 1
        });
        self.subtables[at].insert(key, program);
    }

    pub(crate) fn clear(&mut self) {
        self.subtables = Vec::new();
    }
}

impl Subtable {
    fn new(mask: &FlowMask) -> Self {
        let words = (0..WORDS as u8).filter(|&word| mask.words()[usize::from(word)] != 0).collect();
        Self { mask: *mask, words, index: vec![0; 16], entries: Vec::new() }
    }

    #[inline]
    fn find(&self, key: &FlowKey) -> Option<ProgramIx> {
        let mut at = self.hash(key) as usize & (self.index.len() - 1);
        loop {
            let entry = self.index[at].checked_sub(1)?;
            let (found, program) = &self.entries[entry as usize];
            if self.agree(key, found) {
                return Some(*program);
            }
            at = (at + 1) & (self.index.len() - 1);
        }
    }

    fn insert(&mut self, key: &FlowKey, program: ProgramIx) {
        if self.entries.len() * 2 >= self.index.len() {
            self.index = vec![0; self.index.len() * 4];
            for entry in 0..self.entries.len() {
                self.link(entry);
            }
        }
        self.entries.push((*key, program));
        self.link(self.entries.len() - 1);
    }

    fn link(&mut self, entry: usize) {
        let mut at = self.hash(&self.entries[entry].0) as usize & (self.index.len() - 1);
        while self.index[at] != 0 {
            at = (at + 1) & (self.index.len() - 1);
        }
        self.index[at] = entry as u32 + 1;
    }

    #[inline]
    fn hash(&self, key: &FlowKey) -> u64 {
        let (words, mask) = (key.words(), self.mask.words());
        let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
        for &word in &self.words {
            let word = usize::from(word);
            hash = (hash ^ (words[word] & mask[word])).wrapping_mul(0xd6e8_feb8_6659_fd93);
            hash ^= hash >> 32;
        }
        hash
    }

    #[inline]
    fn agree(&self, a: &FlowKey, b: &FlowKey) -> bool {
        let (a, b, mask) = (a.words(), b.words(), self.mask.words());
        self.words.iter().map(|&word| usize::from(word)).all(|word| (a[word] ^ b[word]) & mask[word] == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packet::key::slot;
    use proptest::prelude::{any, prop, proptest};

    proptest! {
        /// The naive twin looks through all that was put in.
        #[test]
        fn a_key_finds_what_a_search_of_all_entries_finds(
            entries in prop::collection::vec((0..3_usize, any::<u8>(), any::<u8>()), 0..60),
            probes in prop::collection::vec((any::<u8>(), any::<u8>()), 1..60),
        ) {
            let masks = [
                FlowMask::EMPTY.with(slot::TP_DST).with(slot::NW_DST),
                FlowMask::EMPTY.with(slot::NW_DST),
                FlowMask::EMPTY.with(slot::TP_DST),
            ];
            let key = |a: u8, b: u8| {
                FlowKey::EMPTY.with(slot::TP_DST, u128::from(a & 7)).with(slot::NW_DST, u128::from(b & 7))
            };
            let mut cache = KeyCache::default();
            let mut twin: Vec<(FlowKey, FlowMask, u32)> = Vec::new();
            for (n, &(mask, a, b)) in entries.iter().enumerate() {
                let (key, mask) = (key(a, b), masks[mask]);
                // As after a miss: what is found already is not put in again.
                if cache.find(&key).is_none() {
                    cache.insert(&key, &mask, n as u32);
                    twin.push((key, mask, n as u32));
                }
            }
            for &(a, b) in &probes {
                let key = key(a, b);
                let expected: Vec<u32> = twin.iter().filter(|(k, m, _)| key.equals_under(k, m)).map(|e| e.2).collect();
                match cache.find(&key) {
                    Some(found) => assert!(expected.contains(&found)),
                    None => assert!(expected.is_empty()),
                }
            }
        }
    }
}
