//! The entries of one mask: a hash table.

use super::EntryIx;
use super::shape::{self, Shape, WireKey};
use std::sync::Arc;

/// Entries by the bits of a shape.
///
/// Open addressing. What a lookup reads lies together: a head that has the entry and half of the hash, and behind it
/// the words of the key.
#[derive(Debug)]
pub(crate) struct Subtable {
    pub(crate) shape: Arc<Shape>,
    /// Lookups that found an entry here, halved now and then.
    pub(crate) hits: u32,
    len: u32,
    /// As many places as a power of two, of `1 + shape.len()` words each; a head of 0 is vacant. At most half are taken.
    places: Vec<u64>,
    /// How many places there are, less one.
    last: usize,
}

/// Places of a new table.
const FIRST_PLACES: usize = 8;

impl Subtable {
    pub(crate) fn new(shape: Arc<Shape>) -> Self {
        let places = vec![0; FIRST_PLACES * (1 + shape.len())];
        Self { shape, hits: 0, len: 0, places, last: FIRST_PLACES - 1 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry that a key has.
    #[inline]
    pub(crate) fn find(&self, key: &WireKey) -> Option<EntryIx> {
        let hash = self.shape.hash(key);
        let mut at = hash as usize & self.last;
        loop {
            let (head, words) = self.place(at).split_first()?;
            if *head == 0 {
                return None;
            }
            if *head >> 32 == hash >> 32 && self.shape.has(key, words) {
                return Some(*head as u32 - 1);
            }
            at = (at + 1) & self.last;
        }
    }

    /// Puts in an entry whose words none has yet.
    pub(crate) fn insert(&mut self, words: &[u64], entry: EntryIx) {
        if self.len as usize * 2 > self.last {
            let stride = self.stride();
            let old = std::mem::take(&mut self.places);
            self.last = self.last * 2 + 1;
            self.places = vec![0; (self.last + 1) * stride];
            for place in old.chunks_exact(stride).filter(|place| place[0] != 0) {
                self.put(&place[1..], place[0] as u32 - 1);
            }
        }
        self.len += 1;
        self.put(words, entry);
    }

    fn put(&mut self, words: &[u64], entry: EntryIx) {
        let hash = shape::hash(words.iter().copied());
        let mut at = hash as usize & self.last;
        while self.place(at)[0] != 0 {
            at = (at + 1) & self.last;
        }
        let place = self.place_mut(at);
        place[0] = hash >> 32 << 32 | u64::from(entry + 1);
        place[1..].copy_from_slice(words);
    }

    /// Takes an entry out. Those behind it move up, so that no lookup has to pass by vacant places.
    pub(crate) fn remove(&mut self, words: &[u64], entry: EntryIx) {
        let home = |words: &[u64], last: usize| shape::hash(words.iter().copied()) as usize & last;
        let mut hole = home(words, self.last);
        while self.place(hole)[0] as u32 != entry + 1 {
            if self.place(hole)[0] == 0 {
                return;
            }
            hole = (hole + 1) & self.last;
        }
        self.len -= 1;
        let stride = self.stride();
        let mut at = hole;
        loop {
            at = (at + 1) & self.last;
            if self.place(at)[0] == 0 {
                break;
            }
            // It may move into the hole unless its home is behind the hole.
            let from_home = at.wrapping_sub(home(&self.place(at)[1..], self.last)) & self.last;
            if from_home >= at.wrapping_sub(hole) & self.last {
                self.places.copy_within(at * stride..(at + 1) * stride, hole * stride);
                hole = at;
            }
        }
        self.place_mut(hole).fill(0);
    }

    /// The entries, in an order that means nothing.
    pub(crate) fn entries(&self) -> impl Iterator<Item = EntryIx> {
        self.places.chunks_exact(self.stride()).filter(|place| place[0] != 0).map(|place| place[0] as u32 - 1)
    }

    fn stride(&self) -> usize {
        1 + self.shape.len()
    }

    #[inline]
    fn place(&self, at: usize) -> &[u64] {
        &self.places[at * self.stride()..][..self.stride()]
    }

    fn place_mut(&mut self, at: usize) -> &mut [u64] {
        let stride = self.stride();
        &mut self.places[at * stride..][..stride]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packet::key::slot::WIRE_WORDS;
    use proptest::prelude::{prop, proptest};
    use std::collections::BTreeMap;

    proptest! {
        /// The naive twin is a map. Few words and many changes, so that entries stand in each other's way.
        #[test]
        fn entries_come_and_go_as_in_a_map(steps in prop::collection::vec((prop::bool::weighted(0.6), 0..40_u64), 1..300)) {
            let mut mask = [0; WIRE_WORDS];
            (mask[1], mask[4]) = (0xff, u64::MAX);
            let mut table = Subtable::new(Arc::new(Shape::of(&mask)));
            let mut twin: BTreeMap<[u64; 2], EntryIx> = BTreeMap::new();
            for (n, &(comes, word)) in steps.iter().enumerate() {
                let words = [word % 5, word / 5];
                if comes {
                    twin.entry(words).or_insert_with(|| {
                        table.insert(&words, n as EntryIx);
                        n as EntryIx
                    });
                } else if let Some(entry) = twin.remove(&words) {
                    table.remove(&words, entry);
                }
                assert_eq!(table.is_empty(), twin.is_empty());
                for word in 0..40 {
                    let mut key = [7; WIRE_WORDS];
                    (key[1], key[4]) = ((word % 5) | 0x300, word / 5);
                    assert_eq!(table.find(&key), twin.get(&[word % 5, word / 5]).copied());
                }
            }
            let mut entries: Vec<EntryIx> = table.entries().collect();
            let mut expected: Vec<EntryIx> = twin.into_values().collect();
            entries.sort_unstable();
            expected.sort_unstable();
            assert_eq!(entries, expected);
        }
    }
}
