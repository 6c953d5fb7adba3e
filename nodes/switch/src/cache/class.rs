//! The entries of one port: tuple space search (Srinivasan, Suri, Varghese 1999).

use super::shape::{Shape, WireKey};
use super::subtable::Subtable;
use super::{EntryIx, Lookup};
use packet::key::slot::WIRE_WORDS;
use std::sync::Arc;

/// The entries of a port that ask for something of the frame.
#[derive(Debug, Default)]
pub(crate) struct Class {
    /// By hits, now and then.
    subtables: Vec<Subtable>,
    /// The bits that any of them asks for.
    union: Shape,
    /// Of which words they are: bit n stands for word n.
    used: u64,
    /// Hits since the subtables were put into order.
    hits: u32,
}

/// Hits after which the subtables are put into order again.
const HITS_A_SORT: u32 = 4096;

impl Class {
    /// The words that its entries ask for: bit n stands for word n.
    #[inline]
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// The bits that any entry asks for.
    #[inline]
    pub(crate) fn union(&self) -> &Shape {
        &self.union
    }

    /// The entry that a key has, and how many subtables were looked into. At most one has it, or those that have it agree.
    #[inline]
    pub(crate) fn find(&mut self, key: &WireKey) -> Option<(EntryIx, u32)> {
        let found = self.subtables.iter_mut().zip(1..).find_map(|(subtable, n)| {
            let entry = subtable.find(key)?;
            subtable.hits += 1;
            Some((entry, n))
        });
        self.hits += 1;
        if self.hits >= HITS_A_SORT {
            self.sort();
        }
        found
    }

    #[cold]
    fn sort(&mut self) {
        self.hits = 0;
        self.subtables.sort_by_key(|subtable| std::cmp::Reverse(subtable.hits));
        self.subtables.iter_mut().for_each(|subtable| subtable.hits /= 2);
    }

    /// How much of the port's frames must be read.
    pub(crate) fn lookup(&self) -> Lookup {
        match self.used {
            0 => Lookup::Unknown,
            1 => Lookup::Word(self.union.parts()[0].1),
            _ => Lookup::Key,
        }
    }

    /// Puts in an entry that asks for these words of a shape; gives the shape as it is shared.
    pub(crate) fn insert(&mut self, shape: Arc<Shape>, words: &[u64], entry: EntryIx) -> Arc<Shape> {
        let found = self.subtables.iter_mut().find(|subtable| subtable.shape == shape);
        if let Some(subtable) = found {
            subtable.insert(words, entry);
            return Arc::clone(&subtable.shape);
        }
        let mut subtable = Subtable::new(Arc::clone(&shape));
        subtable.insert(words, entry);
        self.subtables.push(subtable);
        self.unite();
        shape
    }

    /// Takes an entry out; says whether what must be read may be less now.
    pub(crate) fn remove(&mut self, shape: &Arc<Shape>, words: &[u64], entry: EntryIx) -> bool {
        let Some(at) = self.subtables.iter().position(|subtable| Arc::ptr_eq(&subtable.shape, shape)) else {
            return false;
        };
        self.subtables[at].remove(words, entry);
        if !self.subtables[at].is_empty() {
            return false;
        }
        self.subtables.remove(at);
        self.unite();
        true
    }

    /// All entries, in an order that means nothing but is always the same.
    pub(crate) fn entries(&self) -> impl Iterator<Item = EntryIx> {
        self.subtables.iter().flat_map(Subtable::entries)
    }

    fn unite(&mut self) {
        let mut mask = [0; WIRE_WORDS];
        self.subtables.iter().for_each(|subtable| subtable.shape.add_to(&mut mask));
        self.union = Shape::of(&mask);
        self.used = mask.iter().rev().fold(0, |used, bits| used << 1 | u64::from(*bits != 0));
    }
}
