//! Finding the rule of the greatest priority that matches a key, and which bits of it that took.
//!
//! This is tuple space search as Open vSwitch does it (Pfaff et al., "The Design and Implementation of Open vSwitch", NSDI
//! 2015, section 5): the entries of one mask are a subtable, a hash table. Subtables are searched by the greatest
//! priority that they have, until one found has more. What makes the mask of a search wide:
//!
//! - *Stages*: a subtable that has nothing like the key's lower layers adds only those to the mask.
//! - *Prefixes* of IP addresses and *ports*: where a trie tells that a subtable has nothing for the key, it adds only
//!   the bits down to the first that differs.
//!
//! [`conjunctions`] finds conjunctive matches, with two or more searches.
//!
//! Prefixes are known of the addresses of IPv4 and IPv6, and of ARP, which have the same place in a key. Open vSwitch can be
//! told which (`prefixes` in ovs-vswitchd.conf.db(5)); here it's always these.

mod conjunctions;
#[cfg(test)]
mod naive;
mod prefixes;
mod stage;
mod subtable;
#[cfg(test)]
mod tests;
mod trie;

use crate::CompactMatch;
use crate::compact::{SharedMask, half};
use hashbrown::HashTable;
use packet::{FlowKey, FlowMask, Match};
use prefixes::{Known, Lens, Prefixes};
use std::cmp::Reverse;
use std::sync::Arc;
use subtable::{BASIS, Hash, Subtable};

/// What a classifier holds: a value that has a match and a priority, which never change while it is there.
pub trait Entry {
    /// Which keys it means.
    fn matched(&self) -> &CompactMatch;

    /// Of entries that match a key, the one of the greatest priority counts.
    fn priority(&self) -> u16;

    /// The clauses of conjunctions that it is. An entry that has any is found only as a part of them.
    fn conjunctions(&self) -> impl Iterator<Item = Conjunction>;

    /// Its match, if it may be given a mask that is shared.
    fn matched_mut(&mut self) -> Option<&mut CompactMatch>;
}

/// One clause of a conjunction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conjunction {
    /// The id that `conj_id` then matches.
    pub id: u32,
    /// The clause, from 0.
    pub clause: u8,
    /// How many there are, 2 to 64.
    pub n_clauses: u8,
}

/// Values by match and priority. A clone shares all until one of the two changes.
#[derive(Clone, Debug)]
pub struct Classifier<T> {
    /// By number; a number that is free has none.
    subtables: Vec<Option<Arc<Subtable<T>>>>,
    /// The numbers that are free.
    free: Vec<u32>,
    /// The numbers by mask.
    by_mask: HashTable<u32>,
    /// The numbers by descending greatest priority.
    order: Vec<(Reverse<u16>, u32)>,
    prefixes: Prefixes,
    /// What hashing begins with.
    basis: u64,
    len: usize,
    /// How many entries are clauses of conjunctions.
    soft: usize,
}

impl<T> Default for Classifier<T> {
    fn default() -> Self {
        Self::keyed(BASIS)
    }
}

impl<T> Classifier<T> {
    /// An empty one whose hashes nobody can foresee who doesn't know the key, for where frames make flows. Nothing else
    /// depends on it.
    pub fn keyed(key: u64) -> Self {
        Self {
            subtables: Vec::new(),
            free: Vec::new(),
            by_mask: HashTable::new(),
            order: Vec::new(),
            prefixes: Prefixes::default(),
            basis: key,
            len: 0,
            soft: 0,
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T: Entry + Clone> Classifier<T> {
    /// Puts a value in; gives back the one of the same match and priority.
    pub fn insert(&mut self, mut value: T) -> Option<T> {
        let number = self.number(value.matched().shared_mask()).unwrap_or_else(|| self.add(&value));
        let subtable = Arc::make_mut(self.subtables[number as usize].as_mut()?);
        if let Some(matched) = value.matched_mut() {
            matched.share(subtable.mask());
        }
        let prefixes = *subtable.prefixes();
        let key = (prefixes != Lens::default()).then(|| value.matched().key());
        self.soft += usize::from(is_soft(&value));
        let before = subtable.max_priority();
        let old = subtable.insert(value);
        let after = subtable.max_priority();
        match &old {
            Some(old) => self.soft -= usize::from(is_soft(old)),
            None => {
                self.len += 1;
                if let Some(key) = key {
                    self.prefixes.change(&prefixes, &key, true);
                }
                self.reorder(number, before, after);
            }
        }
        old
    }

    /// Takes a value out.
    pub fn remove(&mut self, matched: &Match, priority: u16) -> Option<T> {
        self.remove_compact(&matched.into(), priority)
    }

    /// Takes a value out, given its match as it keeps it.
    pub fn remove_compact(&mut self, matched: &CompactMatch, priority: u16) -> Option<T> {
        let number = self.number(matched.shared_mask())?;
        let place = &mut self.subtables[number as usize];
        let subtable = Arc::make_mut(place.as_mut()?);
        let before = subtable.max_priority();
        let old = subtable.remove(matched.halves(), priority)?;
        let after = subtable.max_priority();
        let prefixes = *subtable.prefixes();
        if prefixes != Lens::default() {
            self.prefixes.change(&prefixes, &matched.key(), false);
        }
        if after.is_none() {
            let hash = mask_hash(subtable.mask());
            if let Ok(known) = self.by_mask.find_entry(hash, |known| *known == number) {
                known.remove();
            }
            *place = None;
            self.free.push(number);
        }
        self.reorder(number, before, after);
        self.len -= 1;
        self.soft -= usize::from(is_soft(&old));
        Some(old)
    }

    /// The value of a match and priority.
    pub fn get(&self, matched: &Match, priority: u16) -> Option<&T> {
        let matched = CompactMatch::from(matched);
        let number = self.number(matched.shared_mask())?;
        self.subtables[number as usize].as_ref()?.get(matched.halves(), priority)
    }

    /// The value of the greatest priority whose match a key has. All keys that agree with it in the bits of `mask`, to
    /// which those that were looked at are added, find the same.
    ///
    /// Of several of one priority, which OpenFlow leaves open, it is the same one always.
    pub fn lookup(&self, key: &FlowKey, mask: &mut FlowMask) -> Option<&T> {
        if self.soft > 0 {
            return self.lookup_conjunctive(key, mask);
        }
        self.search(key, mask, |_, head| Some(head))
    }

    /// The values, in no order that means anything but always the same.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.subtables().flat_map(Subtable::iter)
    }

    /// The values whose match is no wider than this one: every key that they match is matched by it.
    pub fn covered_by(&self, wider: &Match) -> impl Iterator<Item = &T> {
        let may = |subtable: &&Subtable<T>| subtable.mask().bits().covers(&wider.mask);
        self.subtables().filter(may).flat_map(|subtable| subtable.agreeing(wider))
    }

    /// The values of a priority that match a key which this match matches as well.
    pub fn overlapping(&self, matched: &Match, priority: u16) -> impl Iterator<Item = &T> {
        let subtables = self.subtables().filter(move |subtable| !subtable.lacks(priority));
        subtables.flat_map(|subtable| subtable.agreeing(matched)).filter(move |entry| entry.priority() == priority)
    }

    /// Searches subtables by descending priority. What each finds is the entry of the greatest priority there; `pick` may take
    /// another one with the same match in its place.
    #[inline]
    fn search<'a>(
        &'a self,
        key: &FlowKey,
        mask: &mut FlowMask,
        mut pick: impl FnMut(&'a Subtable<T>, &'a T) -> Option<&'a T>,
    ) -> Option<&'a T> {
        let mut known = Known::default();
        let mut best: Option<&T> = None;
        for (Reverse(priority), number) in &self.order {
            if best.is_some_and(|best| best.priority() >= *priority) {
                break;
            }
            let Some(subtable) = &self.subtables[*number as usize] else { continue };
            let head = subtable.find(key, &self.prefixes, &mut known, mask);
            let found = head.and_then(|head| pick(subtable, head));
            if let Some(found) = found
                && best.is_none_or(|best| best.priority() < found.priority())
            {
                best = Some(found);
            }
        }
        best
    }

    fn subtables(&self) -> impl Iterator<Item = &Subtable<T>> {
        self.subtables.iter().flatten().map(|subtable| &**subtable)
    }

    /// The number of the subtable of a mask.
    fn number(&self, mask: &Arc<SharedMask>) -> Option<u32> {
        let is_it = |number: &u32| {
            let subtable = self.subtables[*number as usize].as_ref();
            subtable.is_some_and(|subtable| subtable.mask() == mask)
        };
        self.by_mask.find(mask_hash(mask), is_it).copied()
    }

    /// Adds a subtable for the mask of a value.
    fn add(&mut self, value: &T) -> u32 {
        let mask = value.matched().shared_mask();
        let subtable = Arc::new(Subtable::new(Arc::clone(mask), self.basis));
        let number = self.free.pop().unwrap_or(self.subtables.len() as u32);
        match self.subtables.get_mut(number as usize) {
            Some(place) => *place = Some(subtable),
            None => self.subtables.push(Some(subtable)),
        }
        let subtables = &self.subtables;
        let hash_of =
            |number: &u32| subtables[*number as usize].as_ref().map_or(0, |subtable| mask_hash(subtable.mask()));
        self.by_mask.insert_unique(mask_hash(mask), number, hash_of);
        number
    }

    /// Moves a subtable to where its greatest priority says.
    fn reorder(&mut self, number: u32, before: Option<u16>, after: Option<u16>) {
        if before == after {
            return;
        }
        if let Some(Ok(at)) = before.map(|before| self.order.binary_search(&(Reverse(before), number))) {
            self.order.remove(at);
        }
        if let Some(Err(at)) = after.map(|after| self.order.binary_search(&(Reverse(after), number))) {
            self.order.insert(at, (Reverse(after.unwrap_or_default()), number));
        }
    }
}

/// True if an entry is only a part of conjunctions.
fn is_soft<T: Entry>(entry: &T) -> bool {
    entry.conjunctions().next().is_some()
}

/// The hash of a mask, for a table.
fn mask_hash(mask: &SharedMask) -> u64 {
    Hash::of(BASIS, mask.used().flat_map(|number| [number as u64, half(mask.bits().words(), number).into()])).spread()
}
