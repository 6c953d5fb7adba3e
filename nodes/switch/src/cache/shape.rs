//! What of a frame's key an entry asks for.

use packet::key::slot::{self, WIRE_WORDS};
use packet::{FlowKey, FlowMask};

/// The words of a key that come from a frame and its port. What rides with a frame (marks, conntrack, tunnel) is zero
/// when it comes in by a port, so no entry asks for it.
pub(crate) type WireKey = [u64; WIRE_WORDS];

/// Some bits of a key: the words that have any, with their masks. The port is left out: entries are kept by port.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    parts: Box<[(u8, u64)]>,
}

impl Shape {
    pub(crate) fn new(mask: &FlowMask) -> Self {
        let mut mask = *mask;
        mask.set(slot::IN_PORT, 0);
        Self::of(mask.words().first_chunk().expect("a key has the wire's words and more"))
    }

    /// The bits that are set.
    pub(crate) fn of(mask: &WireKey) -> Self {
        let parts = mask.iter().enumerate().filter(|(_, bits)| **bits != 0);
        Self { parts: parts.map(|(word, bits)| (word as u8, *bits)).collect() }
    }

    /// Adds its bits to a mask.
    pub(crate) fn add_to(&self, mask: &mut WireKey) {
        self.parts.iter().for_each(|&(word, bits)| mask[usize::from(word)] |= bits);
    }

    /// How many words it has bits in.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Words and masks.
    pub(crate) fn parts(&self) -> &[(u8, u64)] {
        &self.parts
    }

    /// The words of a key, without the bits that don't count.
    #[inline]
    fn pick<'a>(&'a self, key: &'a WireKey) -> impl Iterator<Item = u64> + 'a {
        // The place is within the key, which the mask tells the compiler.
        self.parts.iter().map(|&(word, bits)| key[usize::from(word) % WIRE_WORDS] & bits)
    }

    /// The words of a key, without the bits that don't count.
    pub(crate) fn words(&self, key: &FlowKey) -> Box<[u64]> {
        self.parts.iter().map(|&(word, bits)| key.words()[usize::from(word)] & bits).collect()
    }

    /// Whether a key has these words.
    #[inline]
    pub(crate) fn has(&self, key: &WireKey, words: &[u64]) -> bool {
        self.pick(key).zip(words).all(|(a, b)| a == *b)
    }

    #[inline]
    pub(crate) fn hash(&self, key: &WireKey) -> u64 {
        hash(self.pick(key))
    }
}

/// The hash of some words: its upper half is as good as its lower.
#[inline]
pub(crate) fn hash(words: impl Iterator<Item = u64>) -> u64 {
    let mixed = words.fold(0x9e37_79b9_7f4a_7c15_u64, |hash, word| {
        let hash = (hash ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        hash ^ hash >> 32
    });
    // A product's lower bits don't know the upper ones of what was multiplied.
    let mixed = mixed.wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn networks_that_differ_in_their_upper_bits_are_spread_over_a_small_table() {
        for shift in [0, 16, 32, 48] {
            let places: BTreeSet<u64> = (0..256_u64).map(|n| hash([1, 2, n << shift].into_iter()) % 1024).collect();
            assert!(places.len() > 200, "{} places for 256 words at bit {shift}", places.len());
            let signs: BTreeSet<u64> = (0..256_u64).map(|n| hash([1, 2, n << shift].into_iter()) >> 32).collect();
            assert_eq!(signs.len(), 256);
        }
    }
}
