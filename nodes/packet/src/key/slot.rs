//! Where the fields stand in a key.
//!
//! A key is an array of 64-bit words; a field is some bits of one, or two whole words for an
//! IPv6 address. Fields that never occur in one frame share bits, as in Open vSwitch: the ICMP
//! type is in the source port, the ARP operation in the IP protocol, ARP's IPv4 addresses in
//! those of IPv4, ARP's MAC addresses in those of neighbour discovery.
//!
//! | word | bits from the lowest on |
//! | --- | --- |
//! | 0 | `vlan_tci` 16, `dl_type` 16, `in_port` 24, `nw_frag` 2 |
//! | 1 | `dl_dst` 48, inner `vlan_tci` 16 |
//! | 2 | `dl_src` 48, `nw_proto` 8, `nw_tos` 8 |
//! | 3 | `tp_src` 16, `tp_dst` 16, `tcp_flags` 16, `nw_ttl` 8 |
//! | 4 | `nw_src` 32, `nw_dst` 32 |
//! | 5, 6 | `ipv6_src` |
//! | 7, 8 | `ipv6_dst` |
//! | 9 | `ipv6_label` 20 |
//! | 10, 11 | `nd_target` |
//! | 12 | `arp_sha` or `nd_sll` 48 |
//! | 13 | `arp_tha` or `nd_tll` 48 |
//!
//! Word 0 alone decides what most simple pipelines ask: where from, which type, which VLAN,
//! a fragment or not.

/// Some bits of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The (first) word.
    pub word: u8,
    /// How far the lowest bit is from the word's lowest; 0 for two words.
    pub shift: u8,
    /// How many bits: up to 64 - `shift`, or 128 for two words, the high one first.
    pub width: u8,
}

impl Slot {
    /// The bits of a word, or with a width of 128 two words.
    pub const fn new(word: u8, shift: u8, width: u8) -> Self {
        assert!(width > 0 && (width == 128 && shift == 0 || shift as u16 + width as u16 <= 64));
        Self { word, shift, width }
    }

    /// The number of words that a key must have to hold the slot.
    pub const fn end(self) -> usize {
        self.word as usize + if self.width == 128 { 2 } else { 1 }
    }

    /// The largest value: all bits of the slot set.
    #[inline]
    pub const fn max(self) -> u128 {
        u128::MAX >> (128 - self.width as u32)
    }

    /// The slot's value in the words of a key or mask.
    #[inline]
    pub const fn get(self, words: &[u64]) -> u128 {
        let word = words[self.word as usize];
        match self.width {
            128 => (word as u128) << 64 | words[self.word as usize + 1] as u128,
            _ => (word >> self.shift) as u128 & self.max(),
        }
    }

    /// Replaces the slot's value in the words of a key or mask. Bits above the slot's width are
    /// dropped.
    #[inline]
    pub const fn set(self, words: &mut [u64], value: u128) {
        let word = self.word as usize;
        if self.width == 128 {
            words[word] = (value >> 64) as u64;
            words[word + 1] = value as u64;
        } else {
            let mask = (self.max() as u64) << self.shift;
            words[word] = words[word] & !mask | ((value as u64) << self.shift) & mask;
        }
    }
}

/// The outer tag: priority 3 bits, "a tag is present" 1 bit, VLAN id 12 bits; 0 without a tag.
pub const VLAN_TCI: Slot = Slot::new(0, 0, 16);
/// The "present" bit and the VLAN id of the outer tag.
pub const VLAN_VID: Slot = Slot::new(0, 0, 13);
/// The priority and the "present" bit of the outer tag.
pub const VLAN_PCP: Slot = Slot::new(0, 12, 4);
/// The Ethernet type behind two tags at most.
pub const DL_TYPE: Slot = Slot::new(0, 16, 16);
/// The port that the frame came in.
pub const IN_PORT: Slot = Slot::new(0, 32, 24);
/// Bit 0: a fragment; bit 1: not the first.
pub const NW_FRAG: Slot = Slot::new(0, 56, 2);
/// The destination MAC address.
pub const DL_DST: Slot = Slot::new(1, 0, 48);
/// The second tag, as [`VLAN_TCI`].
pub const INNER_TCI: Slot = Slot::new(1, 48, 16);
/// The "present" bit and the VLAN id of the second tag.
pub const INNER_VID: Slot = Slot::new(1, 48, 13);
/// The priority and the "present" bit of the second tag.
pub const INNER_PCP: Slot = Slot::new(1, 60, 4);
/// The source MAC address.
pub const DL_SRC: Slot = Slot::new(2, 0, 48);
/// The IP protocol, or the lower 8 bits of the ARP operation.
pub const NW_PROTO: Slot = Slot::new(2, 48, 8);
/// Differentiated services (upper 6 bits) and congestion bits.
pub const NW_TOS: Slot = Slot::new(2, 56, 8);
/// Congestion bits.
pub const NW_ECN: Slot = Slot::new(2, 56, 2);
/// Differentiated services.
pub const NW_DSCP: Slot = Slot::new(2, 58, 6);
/// The source port of TCP, UDP or SCTP, or the ICMP type.
pub const TP_SRC: Slot = Slot::new(3, 0, 16);
/// The destination port of TCP, UDP or SCTP, or the ICMP code.
pub const TP_DST: Slot = Slot::new(3, 16, 16);
/// The flags of TCP.
pub const TCP_FLAGS: Slot = Slot::new(3, 32, 12);
/// The time to live or hop limit.
pub const NW_TTL: Slot = Slot::new(3, 48, 8);
/// The IPv4 source, or ARP's sender protocol address.
pub const NW_SRC: Slot = Slot::new(4, 0, 32);
/// The IPv4 destination, or ARP's target protocol address.
pub const NW_DST: Slot = Slot::new(4, 32, 32);
/// The IPv6 source.
pub const IPV6_SRC: Slot = Slot::new(5, 0, 128);
/// The IPv6 destination.
pub const IPV6_DST: Slot = Slot::new(7, 0, 128);
/// The IPv6 flow label.
pub const IPV6_LABEL: Slot = Slot::new(9, 0, 20);
/// The target of a neighbour solicitation or advertisement.
pub const ND_TARGET: Slot = Slot::new(10, 0, 128);
/// ARP's sender MAC address, or the source link-layer address option of neighbour discovery.
pub const ARP_SHA: Slot = Slot::new(12, 0, 48);
/// ARP's target MAC address, or the target link-layer address option of neighbour discovery.
pub const ARP_THA: Slot = Slot::new(13, 0, 48);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_slot_is_set_without_touching_its_neighbours(words: [u64; 2], value: u128, shift in 0u8..64, width in 1u8..65) {
            let slot = Slot::new(0, shift, width.min(64 - shift));
            let mut changed = words;
            slot.set(&mut changed, value);
            prop_assert_eq!(slot.get(&changed), value & slot.max());
            slot.set(&mut changed, slot.get(&words));
            prop_assert_eq!(changed, words);
        }
    }

    #[test]
    fn two_words_hold_the_high_half_first() {
        let mut words = [0; 3];
        Slot::new(1, 0, 128).set(&mut words, 5 << 64 | 7);
        assert_eq!(words, [0, 5, 7]);
    }
}
