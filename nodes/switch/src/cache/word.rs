//! Entries by the first word of the key: ports of which no more must be read.

use super::EntryIx;

/// Entries by the first word of the key, for all bridges of a worker. What stands here is a hint: the entry's id says
/// whether it is still the one that was put in.
#[derive(Debug, Default)]
pub(crate) struct WordCache {
    hints: Vec<Hint>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Hint {
    word: u64,
    /// 0 for none.
    id: u64,
    entry: EntryIx,
}

const HINTS: usize = 4096;

impl WordCache {
    /// The entry and its id.
    #[inline]
    pub(crate) fn find(&self, bridge: u32, word: u64) -> Option<(EntryIx, u64)> {
        let hint = self.hints.get(Self::place(bridge, word))?;
        (hint.word == word && hint.id != 0).then_some((hint.entry, hint.id))
    }

    pub(crate) fn insert(&mut self, bridge: u32, word: u64, entry: EntryIx, id: u64) {
        if self.hints.is_empty() {
            self.hints.resize(HINTS, Hint::default());
        }
        self.hints[Self::place(bridge, word)] = Hint { word, id, entry };
    }

    #[inline]
    fn place(bridge: u32, word: u64) -> usize {
        let mixed = (word ^ u64::from(bridge).wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed >> 52) as usize
    }
}
