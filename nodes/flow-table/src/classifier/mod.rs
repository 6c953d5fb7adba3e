//! Finding the rule of the greatest priority that matches a key.

use crate::CompactMatch;
use crate::compact::SharedMask;
use packet::{FlowKey, FlowMask, Match};
use std::sync::Arc;

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

/// Values by match and priority.
#[derive(Clone, Debug)]
pub struct Classifier<T> {
    /// By descending priority; among equals the first that came.
    entries: Vec<T>,
}

impl<T> Default for Classifier<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T: Entry> Classifier<T> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts a value in; gives back the one of the same match and priority.
    pub fn insert(&mut self, mut value: T) -> Option<T> {
        let same = self.entries.iter().find(|entry| entry.matched().mask() == value.matched().mask());
        if let (Some(same), Some(matched)) = (same, value.matched_mut()) {
            let mask: Arc<SharedMask> = same.matched().shared_mask();
            matched.share(&mask);
        }
        if let Some(at) = self.position(value.matched(), value.priority()) {
            return Some(std::mem::replace(&mut self.entries[at], value));
        }
        let at = self.entries.partition_point(|entry| entry.priority() >= value.priority());
        self.entries.insert(at, value);
        None
    }

    /// Takes a value out.
    pub fn remove(&mut self, matched: &Match, priority: u16) -> Option<T> {
        let at = self.position(&matched.into(), priority)?;
        Some(self.entries.remove(at))
    }

    /// The value of a match and priority.
    pub fn get(&self, matched: &Match, priority: u16) -> Option<&T> {
        Some(&self.entries[self.position(&matched.into(), priority)?])
    }

    /// The value of the greatest priority whose match a key has. All keys that agree with it in the bits of `mask`, to
    /// which those that were looked at are added, find the same.
    pub fn lookup(&self, key: &FlowKey, mask: &mut FlowMask) -> Option<&T> {
        for entry in &self.entries {
            *mask = mask.union(entry.matched().mask());
            if entry.matched().matches(key) {
                return Some(entry);
            }
        }
        None
    }

    /// The values, in no order that means anything but always the same.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter()
    }

    /// The values whose match is no wider than this one: every key that they match is matched by it.
    pub fn covered_by(&self, wider: &Match) -> impl Iterator<Item = &T> {
        self.entries.iter().filter(|entry| {
            entry.matched().mask().covers(&wider.mask) && entry.matched().key().equals_under(&wider.key, &wider.mask)
        })
    }

    /// The values of a priority that match a key which this match matches as well.
    pub fn overlapping(&self, matched: &Match, priority: u16) -> impl Iterator<Item = &T> {
        self.entries.iter().filter(move |entry| {
            let common = entry.matched().mask().intersection(&matched.mask);
            entry.priority() == priority && entry.matched().key().equals_under(&matched.key, &common)
        })
    }

    fn position(&self, matched: &CompactMatch, priority: u16) -> Option<usize> {
        self.entries.iter().position(|entry| entry.priority() == priority && entry.matched() == matched)
    }
}
