//! Where the fields stand in a key.
//!
//! A key is an array of 64-bit words; a field is some bits of one, or two whole words for an
//! IPv6 address. Fields that never occur in one frame share bits, as in Open vSwitch: the ICMP
//! type is in the source port, the ARP operation in the IP protocol, ARP's IPv4 addresses in
//! those of IPv4, ARP's MAC addresses in those of neighbour discovery.
//!
//! | word | bits from the lowest on |
//! | --- | --- |
//! | 0 | `vlan_tci` 16, `dl_type` 16, `in_port` 24, `nw_frag` 2, the types of the two tags 1 each |
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
//! | 14 | the first MPLS label stack entry 32, the second 32 |
//! | 15 | the third 32, `packet_type` 32 |
//! | 16 | `pkt_mark` 32, `skb_priority` 32 |
//! | 17 | `recirc_id` 32, `dp_hash` 32 |
//! | 18 | `ct_state` 32, `ct_zone` 16, `ct_nw_proto` 8 |
//! | 19 | `ct_mark` 32, `ct_tp_src` 16, `ct_tp_dst` 16 |
//! | 20, 21 | `ct_label` |
//! | 22 | `ct_nw_src` 32, `ct_nw_dst` 32 |
//! | 23 to 26 | `ct_ipv6_src`, `ct_ipv6_dst` |
//! | 27 | `tun_id` |
//! | 28 | `tun_src` 32, `tun_dst` 32 |
//! | 29 to 32 | `tun_ipv6_src`, `tun_ipv6_dst` |
//! | 33 | `tun_flags` 16, `tun_gbp_id` 16, `tun_gbp_flags` 8, `tun_tos` 8, `tun_ttl` 8 |
//! | 34 | `metadata` |
//! | 35 to 42 | `reg0` to `reg15`, two in a word, the even one high |
//! | 43 | `conj_id` 32, `actset_output` 32 |
//!
//! Word 0 alone decides what most simple pipelines ask: where from, which type, which VLAN,
//! a fragment or not. The first [`WIRE_WORDS`] come from the frame and its port, those up to
//! [`DATAPATH_WORDS`] ride with it, the others are zero when a frame enters the flow tables.

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

/// The words that are read from a frame and its port.
pub const WIRE_WORDS: usize = 16;
/// Those and what rides with a frame: marks, conntrack, tunnel. A cache entry can depend on them.
pub const DATAPATH_WORDS: usize = 34;

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
/// Whether the outer tag is a service tag (0x88a8), not a customer's (0x8100). No match names it.
pub const VLAN_IS_SERVICE: Slot = Slot::new(0, 58, 1);
/// The same of the second tag.
pub const INNER_IS_SERVICE: Slot = Slot::new(0, 59, 1);
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
/// The label stack entries from the top: label 20 bits, traffic class 3, bottom of stack 1, TTL 8.
pub const MPLS_LSE: [Slot; 3] = [Slot::new(14, 0, 32), Slot::new(14, 32, 32), Slot::new(15, 0, 32)];
/// The label of the top entry.
pub const MPLS_LABEL: Slot = Slot::new(14, 12, 20);
/// The traffic class of the top entry.
pub const MPLS_TC: Slot = Slot::new(14, 9, 3);
/// Whether the top entry is the last one.
pub const MPLS_BOS: Slot = Slot::new(14, 8, 1);
/// The TTL of the top entry.
pub const MPLS_TTL: Slot = Slot::new(14, 0, 8);
/// Namespace and type of the packet: 0 for Ethernet (OpenFlow 1.5.1 section 7.2.3.11).
pub const PACKET_TYPE: Slot = Slot::new(15, 32, 32);
/// The mark that the datapath carries.
pub const PKT_MARK: Slot = Slot::new(16, 0, 32);
/// The priority, which tells the queue.
pub const SKB_PRIORITY: Slot = Slot::new(16, 32, 32);
/// Where a frame that comes back goes on.
pub const RECIRC_ID: Slot = Slot::new(17, 0, 32);
/// The datapath's hash.
pub const DP_HASH: Slot = Slot::new(17, 32, 32);
/// The state of the connection.
pub const CT_STATE: Slot = Slot::new(18, 0, 32);
/// The zone of the connection.
pub const CT_ZONE: Slot = Slot::new(18, 32, 16);
/// The protocol of the connection's original direction.
pub const CT_NW_PROTO: Slot = Slot::new(18, 48, 8);
/// The mark of the connection.
pub const CT_MARK: Slot = Slot::new(19, 0, 32);
/// The source port of the connection's original direction.
pub const CT_TP_SRC: Slot = Slot::new(19, 32, 16);
/// The destination port of the connection's original direction.
pub const CT_TP_DST: Slot = Slot::new(19, 48, 16);
/// The label of the connection.
pub const CT_LABEL: Slot = Slot::new(20, 0, 128);
/// The IPv4 source of the connection's original direction.
pub const CT_NW_SRC: Slot = Slot::new(22, 0, 32);
/// The IPv4 destination of the connection's original direction.
pub const CT_NW_DST: Slot = Slot::new(22, 32, 32);
/// The IPv6 source of the connection's original direction.
pub const CT_IPV6_SRC: Slot = Slot::new(23, 0, 128);
/// The IPv6 destination of the connection's original direction.
pub const CT_IPV6_DST: Slot = Slot::new(25, 0, 128);
/// The tunnel's key.
pub const TUN_ID: Slot = Slot::new(27, 0, 64);
/// The tunnel's IPv4 source.
pub const TUN_SRC: Slot = Slot::new(28, 0, 32);
/// The tunnel's IPv4 destination.
pub const TUN_DST: Slot = Slot::new(28, 32, 32);
/// The tunnel's IPv6 source.
pub const TUN_IPV6_SRC: Slot = Slot::new(29, 0, 128);
/// The tunnel's IPv6 destination.
pub const TUN_IPV6_DST: Slot = Slot::new(31, 0, 128);
/// The tunnel's flags.
pub const TUN_FLAGS: Slot = Slot::new(33, 0, 16);
/// VXLAN's group policy id.
pub const TUN_GBP_ID: Slot = Slot::new(33, 16, 16);
/// VXLAN's group policy flags.
pub const TUN_GBP_FLAGS: Slot = Slot::new(33, 32, 8);
/// The tunnel's type of service.
pub const TUN_TOS: Slot = Slot::new(33, 40, 8);
/// The tunnel's time to live.
pub const TUN_TTL: Slot = Slot::new(33, 48, 8);
/// What tables tell each other.
pub const METADATA: Slot = Slot::new(34, 0, 64);
/// The id of a conjunction that matched.
pub const CONJ_ID: Slot = Slot::new(43, 0, 32);
/// The output port of the action set.
pub const ACTSET_OUTPUT: Slot = Slot::new(43, 32, 32);

/// Register `n`, 0 to 15, of 32 bits.
pub const fn reg(n: u8) -> Slot {
    assert!(n < 16);
    Slot::new(35 + n / 2, if n.is_multiple_of(2) { 32 } else { 0 }, 32)
}

/// Register `n`, 0 to 7, of 64 bits: `reg(2n)` in its upper half.
pub const fn xreg(n: u8) -> Slot {
    assert!(n < 8);
    Slot::new(35 + n, 0, 64)
}

/// Register `n`, 0 to 3, of 128 bits: `xreg(2n)` in its upper half.
pub const fn xxreg(n: u8) -> Slot {
    assert!(n < 4);
    Slot::new(35 + 2 * n, 0, 128)
}

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
