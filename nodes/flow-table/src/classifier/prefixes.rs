//! The prefixes that the entries of a classifier have of IP addresses: a key whose address has none of a mask's length needs
//! no look at the entries of that mask, and only so many bits of the address count as tell it from the prefixes there are.

use super::trie::{Found, Trie};
use packet::key::slot;
use packet::{FlowKey, FlowMask, Slot};
use std::sync::Arc;

/// The fields whose prefixes are known.
pub(super) const FIELDS: [Slot; 4] = [slot::NW_SRC, slot::NW_DST, slot::IPV6_SRC, slot::IPV6_DST];

/// How long the prefixes are that a mask has of these fields; 0 if it has none, or other bits than a prefix.
pub(super) type Lens = [u8; FIELDS.len()];

/// The prefixes of all entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes {
    v4: [Arc<Trie<u32>>; 2],
    v6: [Arc<Trie<u128>>; 2],
}

/// What is known of the fields of one key.
#[derive(Default)]
pub(super) struct Known([Option<Found>; FIELDS.len()]);

/// How long the prefixes are that a mask has.
pub(super) fn lens(mask: &FlowMask) -> Lens {
    FIELDS.map(|field| {
        let bits = mask.get(field);
        let len = bits.count_ones();
        if bits == prefix(field, len as u8) { len as u8 } else { 0 }
    })
}

/// The highest bits of a field.
fn prefix(field: Slot, len: u8) -> u128 {
    field.max() & !field.max().checked_shr(u32::from(len)).unwrap_or(0)
}

impl Prefixes {
    /// True if no entry whose mask has a prefix of this length of a field matches the key, and to know that needs fewer bits
    /// than to look at the entries. Adds them to the mask.
    #[inline]
    pub(super) fn exclude(&self, known: &mut Known, field: usize, len: u8, key: &FlowKey, mask: &mut FlowMask) -> bool {
        let found = known.0[field].get_or_insert_with(|| self.lookup(field, key));
        if found.has(len) {
            return false;
        }
        let slot = FIELDS[field];
        let (bits, has) = (prefix(slot, found.bits), mask.get(slot));
        if found.bits > len && has & bits != bits {
            return false;
        }
        mask.set(slot, has | bits);
        true
    }

    fn lookup(&self, field: usize, key: &FlowKey) -> Found {
        let value = key.get(FIELDS[field]);
        match field {
            0 | 1 => self.v4[field].lookup(value as u32),
            _ => self.v6[field - 2].lookup(value),
        }
    }

    /// Notes the prefixes of an entry, or that they are gone.
    pub(super) fn change(&mut self, lens: &Lens, key: &FlowKey, is_there: bool) {
        for (field, &len) in lens.iter().enumerate().filter(|(_, len)| **len > 0) {
            let value = key.get(FIELDS[field]);
            match (field, is_there) {
                (0 | 1, true) => Arc::make_mut(&mut self.v4[field]).insert(value as u32, len),
                (0 | 1, false) => Arc::make_mut(&mut self.v4[field]).remove(value as u32, len),
                (_, true) => Arc::make_mut(&mut self.v6[field - 2]).insert(value, len),
                (_, false) => Arc::make_mut(&mut self.v6[field - 2]).remove(value, len),
            }
        }
    }
}
