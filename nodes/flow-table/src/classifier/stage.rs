//! Stages: a key is looked at layer by layer, so that a frame that differs below is not read above.

use super::subtable::Hash;
use crate::compact::half;
use packet::key::slot;
use packet::{FlowKey, FlowMask, WORDS};

/// The layers from the one on that all frames of a port have in common, as Open vSwitch divides a flow: what comes with the
/// frame, layer 2, layer 3, layer 4. What is in none of the others is in the first.
pub(super) const STAGES: [FlowMask; 4] = {
    let l2 = FlowMask::EMPTY
        .with(slot::VLAN_TCI)
        .with(slot::DL_TYPE)
        .with(slot::DL_DST)
        .with(slot::INNER_TCI)
        .with(slot::DL_SRC)
        .with(slot::MPLS_LSE[0])
        .with(slot::MPLS_LSE[1])
        .with(slot::MPLS_LSE[2]);
    let l3 = FlowMask::EMPTY
        .with(slot::NW_FRAG)
        .with(slot::NW_PROTO)
        .with(slot::NW_TOS)
        .with(slot::NW_TTL)
        .with(slot::TCP_FLAGS)
        .with(slot::NW_SRC)
        .with(slot::NW_DST)
        .with(slot::IPV6_SRC)
        .with(slot::IPV6_DST)
        .with(slot::IPV6_LABEL)
        .with(slot::ND_TARGET)
        .with(slot::ARP_SHA)
        .with(slot::ARP_THA)
        .with(slot::CT_NW_SRC)
        .with(slot::CT_NW_DST)
        .with(slot::CT_IPV6_SRC)
        .with(slot::CT_IPV6_DST);
    let l4 = FlowMask::EMPTY.with(slot::TP_SRC).with(slot::TP_DST).with(slot::CT_TP_SRC).with(slot::CT_TP_DST);
    let mut first = [0; WORDS];
    let mut word = 0;
    while word < WORDS {
        first[word] = !(l2.words()[word] | l3.words()[word] | l4.words()[word]);
        word += 1;
    }
    [FlowMask::from_words(first), l2, l3, l4]
};

/// The bits of a mask that are in one half of a word and one stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Which half of a key's words.
    pub(super) half: u8,
    /// Where it is in a compact match.
    pub(super) at: u8,
    pub(super) bits: u32,
}

impl Part {
    /// What a key has there.
    #[inline]
    pub(super) fn of(&self, key: &FlowKey) -> u32 {
        half(key.words(), self.half.into()) & self.bits
    }

    /// What the halves of a compact match have there.
    #[inline]
    pub(super) fn of_compact(&self, halves: &[u32]) -> u32 {
        halves[usize::from(self.at)] & self.bits
    }

    /// Adds the bits to a mask.
    #[inline]
    pub(super) fn add_to(&self, mask: &mut FlowMask) {
        mask.words_mut()[usize::from(self.half / 2)] |= u64::from(self.bits) << (self.half % 2 * 32);
    }
}

/// What a mask has in one stage.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) parts: Box<[Part]>,
    /// Which of [`super::prefixes::FIELDS`] it has, and how long the prefixes are.
    pub(super) prefixes: Box<[(usize, u8)]>,
    /// The hashes of what the entries have in this stage and those before it, if others follow.
    pub(super) seen: Seen,
}

/// Hashes, each as often as it was added.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(hashbrown::HashTable<(Hash, u32)>);

impl Seen {
    #[inline]
    pub(super) fn has(&self, hash: Hash) -> bool {
        self.0.find(hash.spread(), |(known, _)| *known == hash).is_some()
    }

    pub(super) fn add(&mut self, hash: Hash) {
        let entry = self.0.entry(hash.spread(), |(known, _)| *known == hash, |(known, _)| known.spread());
        entry.or_insert((hash, 0)).into_mut().1 += 1;
    }

    pub(super) fn remove(&mut self, hash: Hash) {
        if let Ok(mut entry) = self.0.find_entry(hash.spread(), |(known, _)| *known == hash) {
            entry.get_mut().1 -= 1;
            if entry.get().1 == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_in_one_stage() {
        for word in 0..WORDS {
            let bits = STAGES.map(|stage| stage.words()[word]);
            assert_eq!(bits.iter().fold(0, |all, bits| all | bits), u64::MAX);
            assert_eq!(bits.iter().map(|bits| bits.count_ones()).sum::<u32>(), 64, "word {word}");
        }
    }
}
