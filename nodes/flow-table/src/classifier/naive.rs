//! The classifier as a list, by the definitions: what the real one is compared with.

use super::conjunctions::complete;
use super::{Entry, is_soft};
use packet::key::slot;
use packet::{FlowKey, Match};

/// Entries in the order in which they came.
#[derive(Clone, Debug)]
pub(super) struct Naive<T>(pub(super) Vec<T>);

impl<T: Entry> Naive<T> {
    pub(super) fn insert(&mut self, value: T) -> Option<T> {
        if let Some(at) = self.position(&value.matched().expand(), value.priority()) {
            return Some(std::mem::replace(&mut self.0[at], value));
        }
        self.0.push(value);
        None
    }

    pub(super) fn remove(&mut self, matched: &Match, priority: u16) -> Option<T> {
        Some(self.0.remove(self.position(matched, priority)?))
    }

    pub(super) fn get(&self, matched: &Match, priority: u16) -> Option<&T> {
        Some(&self.0[self.position(matched, priority)?])
    }

    fn position(&self, matched: &Match, priority: u16) -> Option<usize> {
        self.0.iter().position(|entry| entry.priority() == priority && entry.matched().expand() == *matched)
    }

    /// What a key may find: several if they have the same priority.
    pub(super) fn lookup(&self, key: &FlowKey) -> Vec<&T> {
        let hard = self.hard(key);
        let least = hard.first().map_or(0, |entry| entry.priority() + 1);
        for priority in (least..=8).rev() {
            let is_found = |entry: &&T| is_soft(*entry) && entry.priority() == priority && entry.matched().matches(key);
            let soft: Vec<&T> = self.0.iter().filter(is_found).collect();
            for id in complete(&soft) {
                let found = self.hard(&key.with(slot::CONJ_ID, id.into()));
                if !found.is_empty() {
                    return found;
                }
            }
        }
        hard
    }

    fn hard(&self, key: &FlowKey) -> Vec<&T> {
        let matching: Vec<&T> =
            self.0.iter().filter(|entry| !is_soft(*entry) && entry.matched().matches(key)).collect();
        let best = matching.iter().map(|entry| entry.priority()).max();
        matching.into_iter().filter(|entry| Some(entry.priority()) == best).collect()
    }

    pub(super) fn covered_by(&self, wider: &Match) -> Vec<&T> {
        let is_covered = |entry: &&T| {
            let Match { key, mask } = entry.matched().expand();
            mask.covers(&wider.mask) && wider.matches(&key)
        };
        self.0.iter().filter(is_covered).collect()
    }

    pub(super) fn overlapping(&self, matched: &Match, priority: u16) -> Vec<&T> {
        let overlaps = |entry: &&T| {
            let Match { key, mask } = entry.matched().expand();
            entry.priority() == priority && key.equals_under(&matched.key, &mask.intersection(&matched.mask))
        };
        self.0.iter().filter(overlaps).collect()
    }
}
