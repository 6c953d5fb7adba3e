//! The log of changes: what a cache entry compares itself with before it is translated again.

use packet::Match;
use std::collections::VecDeque;

/// What changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// A flow came, went or has other actions.
    Flow {
        /// Its table.
        table: u8,
        /// Its match.
        matched: Box<Match>,
    },
    /// A group came, went or has other buckets.
    Group(u32),
    /// A meter came or went.
    Meter(u32),
    /// Anything.
    All,
}

/// The last changes.
#[derive(Clone, Debug, Default)]
pub struct ChangeLog {
    /// How many changes there were.
    count: u64,
    /// The last of them.
    changes: VecDeque<Change>,
}

impl ChangeLog {
    /// How many changes are remembered.
    pub const LEN: usize = 1024;

    /// How many changes there were so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Notes a change.
    pub fn note(&mut self, change: Change) {
        if self.changes.len() == Self::LEN {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        self.count += 1;
    }

    /// The changes after the first `count`, oldest first; `None` if not all of them are remembered.
    pub fn since(&self, count: u64) -> Option<impl Iterator<Item = &Change>> {
        let missed = usize::try_from(self.count.checked_sub(count)?).ok()?;
        let first = self.changes.len().checked_sub(missed)?;
        Some(self.changes.range(first..))
    }
}
