//! Matches in little memory: a key and a mask take 704 bytes, of which few have bits.

use packet::{FlowKey, FlowMask, Match, WORDS};
use std::fmt;
use std::sync::Arc;

/// A match of which only those halves of words are kept in which its mask has bits. Rules of a table with the same mask
/// share it.
#[derive(Clone, PartialEq, Eq)]
pub struct CompactMatch {
    mask: Arc<SharedMask>,
    /// The masked key's halves of words where the mask has bits, in order.
    halves: Box<[u32]>,
}

/// A mask that several matches have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedMask {
    bits: FlowMask,
    /// Which halves of words have bits: bit `2n` stands for the lower one of word `n`.
    used: u128,
}

const _: () = assert!(2 * WORDS <= 128);

impl SharedMask {
    pub(crate) fn new(bits: &FlowMask) -> Self {
        let has = |word: u64| u128::from(word as u32 != 0) | u128::from(word >> 32 != 0) << 1;
        Self { bits: *bits, used: bits.words().iter().rev().fold(0, |used, word| used << 2 | has(*word)) }
    }

    /// The bits.
    pub(crate) fn bits(&self) -> &FlowMask {
        &self.bits
    }

    /// The halves that have bits, from the first on.
    pub(crate) fn used(&self) -> impl Iterator<Item = usize> + use<> {
        ones(self.used)
    }
}

/// The numbers of the bits that are set, from the lowest on.
fn ones(mut bits: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(lowest)
    })
}

/// Half of a word: of word `n` the lower one is `2n`.
#[inline]
pub(crate) fn half(words: &[u64; WORDS], number: usize) -> u32 {
    (words[number / 2] >> (number % 2 * 32)) as u32
}

impl CompactMatch {
    /// The compact form of a match. Bits of its key that do not count are dropped.
    pub fn new(matched: &Match) -> Self {
        let mask = SharedMask::new(&matched.mask);
        let masked = |number| half(matched.key.words(), number) & half(mask.bits.words(), number);
        Self { halves: mask.used().map(masked).collect(), mask: Arc::new(mask) }
    }

    /// The match in its usual form.
    pub fn expand(&self) -> Match {
        Match { key: self.key(), mask: self.mask.bits }
    }

    /// The wanted values; bits that do not count are zero.
    pub fn key(&self) -> FlowKey {
        let mut key = FlowKey::EMPTY;
        for (number, bits) in self.mask.used().zip(&self.halves) {
            key.words_mut()[number / 2] |= u64::from(*bits) << (number % 2 * 32);
        }
        key
    }

    /// The bits that count.
    pub fn mask(&self) -> &FlowMask {
        &self.mask.bits
    }

    /// True if a frame of this key matches.
    #[inline]
    pub fn matches(&self, key: &FlowKey) -> bool {
        let (key, mask) = (key.words(), self.mask.bits.words());
        self.mask.used().zip(&self.halves).all(|(number, wanted)| half(key, number) & half(mask, number) == *wanted)
    }

    /// The key's halves of words where the mask has bits.
    #[inline]
    pub(crate) fn halves(&self) -> &[u32] {
        &self.halves
    }

    /// The mask, to be shared.
    pub(crate) fn shared_mask(&self) -> &Arc<SharedMask> {
        &self.mask
    }

    /// Takes a mask of the same bits in place of its own.
    pub(crate) fn share(&mut self, mask: &Arc<SharedMask>) {
        debug_assert_eq!(self.mask, *mask);
        self.mask = Arc::clone(mask);
    }
}

impl From<&Match> for CompactMatch {
    fn from(matched: &Match) -> Self {
        Self::new(matched)
    }
}

impl fmt::Debug for CompactMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompactMatch({})", self.expand())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_match_is_the_same_when_it_is_expanded(key: [u64; WORDS], mut mask: [u64; WORDS], kept: u64, other: [u64; WORDS]) {
            mask.iter_mut().enumerate().filter(|(word, _)| kept >> word & 1 == 0).for_each(|(_, bits)| *bits = 0);
            let matched = Match::new(FlowKey::from_words(key), FlowMask::from_words(mask));
            let compact = CompactMatch::new(&matched);
            prop_assert_eq!(compact.expand(), matched);
            prop_assert!(compact.halves.len() <= 2 * matched.mask.used_words().count_ones() as usize);
            prop_assert!(compact.matches(&FlowKey::from_words(key)));
            let other = FlowKey::from_words(other);
            prop_assert_eq!(compact.matches(&other), matched.matches(&other));
        }
    }
}
