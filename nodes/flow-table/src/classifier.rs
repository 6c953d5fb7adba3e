//! Finding the rule of the greatest priority that matches a key.

use packet::{FlowKey, FlowMask, Match};

/// Values by match and priority.
#[derive(Clone, Debug)]
pub struct Classifier<T> {
    /// By descending priority; among equals the first that came.
    entries: Vec<Entry<T>>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    matched: Match,
    priority: u16,
    value: T,
}

impl<T> Default for Classifier<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T> Classifier<T> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts a value in; gives back the one of the same match and priority.
    pub fn insert(&mut self, matched: &Match, priority: u16, value: T) -> Option<T> {
        if let Some(at) = self.position(matched, priority) {
            return Some(std::mem::replace(&mut self.entries[at].value, value));
        }
        let at = self.entries.partition_point(|entry| entry.priority >= priority);
        self.entries.insert(at, Entry { matched: *matched, priority, value });
        None
    }

    /// Takes a value out.
    pub fn remove(&mut self, matched: &Match, priority: u16) -> Option<T> {
        let at = self.position(matched, priority)?;
        Some(self.entries.remove(at).value)
    }

    /// The value of a match and priority.
    pub fn get(&self, matched: &Match, priority: u16) -> Option<&T> {
        Some(&self.entries[self.position(matched, priority)?].value)
    }

    /// The value of the greatest priority whose match a key has. All keys that agree with it in the bits of `mask`, to
    /// which those that were looked at are added, find the same.
    pub fn lookup(&self, key: &FlowKey, mask: &mut FlowMask) -> Option<&T> {
        for Entry { matched, value, .. } in &self.entries {
            *mask = mask.union(&matched.mask);
            if matched.matches(key) {
                return Some(value);
            }
        }
        None
    }

    /// The values, in no order that means anything but always the same.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|entry| &entry.value)
    }

    fn position(&self, matched: &Match, priority: u16) -> Option<usize> {
        self.entries.iter().position(|entry| entry.priority == priority && entry.matched == *matched)
    }
}
