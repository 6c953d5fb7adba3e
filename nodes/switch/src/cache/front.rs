//! The exact-match front: which entry a key found last.

use super::EntryIx;

/// Remembers for keys, by their hash, which entry they found, so that the subtables need not be searched one after the
/// other. It holds no keys: the entry itself tells whether a key is its own. So a key costs 8 bytes.
///
/// With many flows it is memory traffic and finds little; with few subtables there is nothing to save. So it measures
/// itself: it is on as long as it finds what it is asked for, and is tried again now and then where a search takes
/// several subtables.
#[derive(Debug, Default)]
pub(crate) struct Front {
    hints: Vec<Hint>,
    is_on: bool,
    /// Lookups in this window.
    lookups: u32,
    /// Those that found their entry here.
    hits: u32,
    /// Subtables that the others looked into.
    probes: u32,
    /// Windows until it is tried again.
    rest: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Hint {
    /// The upper half of the key's hash; 0 is as good as any: the entry is asked.
    sign: u32,
    /// The entry and one, or 0.
    entry: u32,
}

const HINTS: usize = 8192;
/// Lookups after which it is decided anew.
const WINDOW: u32 = 4096;
/// Windows that it rests after it found too little.
const REST: u32 = 16;
/// Subtables that a lookup must take on average for the front to be worth it.
const MIN_PROBES: u32 = 3;

impl Front {
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// The entry that the key of a hash may have.
    #[inline]
    pub(crate) fn find(&self, hash: u64) -> Option<EntryIx> {
        let hint = self.hints.get(hash as usize % HINTS)?;
        (hint.sign == (hash >> 32) as u32).then_some(hint.entry.checked_sub(1)?)
    }

    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, entry: EntryIx) {
        if let Some(hint) = self.hints.get_mut(hash as usize % HINTS) {
            *hint = Hint { sign: (hash >> 32) as u32, entry: entry + 1 };
        }
    }

    /// Notes a lookup that found its entry here.
    #[inline]
    pub(crate) fn hit(&mut self) {
        self.hits += 1;
        self.looked();
    }

    /// Notes a lookup that looked into so many subtables.
    #[inline]
    pub(crate) fn searched(&mut self, probes: u32) {
        self.probes += probes;
        self.looked();
    }

    #[inline]
    fn looked(&mut self) {
        self.lookups += 1;
        if self.lookups == WINDOW {
            self.decide();
        }
    }

    #[cold]
    fn decide(&mut self) {
        let searches = WINDOW - self.hits;
        if self.is_on {
            if self.hits < WINDOW / 2 {
                (self.is_on, self.rest) = (false, REST);
            }
        } else if self.rest > 0 {
            self.rest -= 1;
        } else if self.probes >= searches.saturating_mul(MIN_PROBES) {
            self.is_on = true;
            if self.hints.is_empty() {
                self.hints.resize(HINTS, Hint::default());
            }
        }
        (self.lookups, self.hits, self.probes) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_on_while_it_finds_what_it_is_asked_for_and_a_search_is_long() {
        let mut front = Front::default();
        (0..WINDOW).for_each(|_| front.searched(2));
        assert!(!front.is_on(), "two subtables are searched as quickly");
        (0..WINDOW).for_each(|_| front.searched(10));
        assert!(front.is_on());
        (0..WINDOW).for_each(|n| if n % 4 == 0 { front.searched(10) } else { front.hit() });
        assert!(front.is_on());
        (0..WINDOW).for_each(|n| if n % 4 != 0 { front.searched(10) } else { front.hit() });
        assert!(!front.is_on(), "it finds one in four");
        (0..REST * WINDOW).for_each(|_| front.searched(10));
        assert!(!front.is_on());
        (0..WINDOW).for_each(|_| front.searched(10));
        assert!(front.is_on(), "it is tried again");
    }
}
