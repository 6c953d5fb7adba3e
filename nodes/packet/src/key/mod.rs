//! Flow keys: the header fields of a frame as an array of machine words, and masks of the same
//! layout, so that masking, comparing and hashing go word by word.
//!
//! [`slot`] says where each field stands; [`FlowKey::extract`] reads a frame of any bytes with the
//! semantics of Open vSwitch's `flow_extract`. [`Layers`] says where in the frame the fields stand.

mod extract;
mod layers;
#[cfg(test)]
mod naive;
pub mod slot;

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

pub use layers::{IpLayer, Layers, UpperLayer};
pub use slot::Slot;

use crate::wire::{EtherType, IpProtocol, MacAddr, tcp::Flags};

/// The number of words in a key; see [`slot`].
pub const WORDS: usize = slot::ACTSET_OUTPUT.end();
const _: () = assert!(slot::xxreg(3).end() < WORDS && slot::TUN_TTL.end() == slot::DATAPATH_WORDS);

/// The bit of a key's tag control information that says that there is a tag. (On the wire it
/// means "drop eligible", which no match can see.)
pub const VLAN_PRESENT: u16 = 0x1000;
/// The bit of [`FlowKey::nw_frag`] for a fragment.
pub const FRAG_ANY: u8 = 1;
/// The bit of [`FlowKey::nw_frag`] for a fragment that is not the first.
pub const FRAG_LATER: u8 = 2;

/// The header fields of a frame. Fields that the frame does not have are zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey([u64; WORDS]);

/// Which bits of a key count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowMask([u64; WORDS]);

impl FlowKey {
    /// The key whose fields are all zero.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// The key with a slot replaced.
    #[must_use]
    pub const fn with(mut self, slot: Slot, value: u128) -> Self {
        self.set(slot, value);
        self
    }

    /// The key with all bits zero that the mask leaves out.
    #[inline]
    #[must_use]
    pub fn masked(&self, mask: &FlowMask) -> Self {
        Self(core::array::from_fn(|i| self.0[i] & mask.0[i]))
    }

    /// True if this key and another agree in the bits of the mask.
    #[inline]
    pub fn equals_under(&self, other: &Self, mask: &FlowMask) -> bool {
        // Without an early exit the loop is a handful of vector instructions.
        (0..WORDS).fold(0, |diff, i| diff | (self.0[i] ^ other.0[i]) & mask.0[i]) == 0
    }

    /// True if there is an outer tag.
    #[inline]
    pub const fn has_vlan(&self) -> bool {
        self.vlan_tci() & VLAN_PRESENT != 0
    }

    /// The types that its tags have, or would have: the outer one's first.
    pub fn tag_types(&self) -> [EtherType; 2] {
        let is_service = [slot::VLAN_IS_SERVICE, slot::INNER_IS_SERVICE].map(|slot| self.get(slot) != 0);
        is_service.map(|is_service| if is_service { EtherType::QINQ } else { EtherType::VLAN })
    }

    /// Puts a tag in front; a third one is lost.
    pub fn push_tag(&mut self, ethertype: EtherType, tci: u16) {
        let (outer, is_service) = (self.vlan_tci(), self.get(slot::VLAN_IS_SERVICE));
        self.set_inner_tci(outer);
        self.set(slot::INNER_IS_SERVICE, is_service);
        self.set_vlan_tci(tci | VLAN_PRESENT);
        self.set(slot::VLAN_IS_SERVICE, u128::from(ethertype == EtherType::QINQ));
    }

    /// Takes the outer tag away.
    pub fn pop_tag(&mut self) {
        self.set_vlan_tci(self.inner_tci());
        self.set(slot::VLAN_IS_SERVICE, self.get(slot::INNER_IS_SERVICE));
        self.set_inner_tci(0);
        self.set(slot::INNER_IS_SERVICE, 0);
    }

    /// The IP protocol, or the lower 8 bits of the ARP operation.
    #[inline]
    pub const fn ip_protocol(&self) -> IpProtocol {
        IpProtocol(self.nw_proto())
    }
}

impl FlowMask {
    /// The mask of no bits: every key matches.
    pub const EMPTY: Self = Self([0; WORDS]);
    /// The mask of all bits.
    pub const FULL: Self = Self([u64::MAX; WORDS]);

    /// Adds all bits of a slot.
    #[inline]
    pub const fn add(&mut self, slot: Slot) {
        self.set(slot, u128::MAX);
    }

    /// The mask with all bits of a slot added.
    #[must_use]
    pub const fn with(mut self, slot: Slot) -> Self {
        self.add(slot);
        self
    }

    /// True if no bit counts.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The bits of both masks.
    #[inline]
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// The bits that both masks have.
    #[inline]
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    /// True if every bit of the other mask is in this one.
    #[inline]
    pub fn covers(&self, other: &Self) -> bool {
        (0..WORDS).fold(0, |extra, i| extra | other.0[i] & !self.0[i]) == 0
    }

    /// Which words have bits: bit `i` stands for word `i`.
    pub fn used_words(&self) -> u64 {
        self.0.iter().rev().fold(0, |used, word| used << 1 | u64::from(*word != 0))
    }
}

/// The used-words set is a `u64`.
const _: () = assert!(WORDS <= 64);

/// What a key and a mask have in common: words, and slots in them.
macro_rules! words_and_slots {
    ($type:ident) => {
        impl $type {
            /// The value of these words.
            pub const fn from_words(words: [u64; WORDS]) -> Self {
                Self(words)
            }

            /// The words.
            #[inline]
            pub const fn words(&self) -> &[u64; WORDS] {
                &self.0
            }

            /// The words.
            #[inline]
            pub const fn words_mut(&mut self) -> &mut [u64; WORDS] {
                &mut self.0
            }

            /// The bits of a slot.
            #[inline]
            pub const fn get(&self, slot: Slot) -> u128 {
                slot.get(&self.0)
            }

            /// Replaces the bits of a slot. Bits above its width are dropped.
            #[inline]
            pub const fn set(&mut self, slot: Slot, bits: u128) {
                slot.set(&mut self.0, bits);
            }
        }

        impl Default for $type {
            fn default() -> Self {
                Self::EMPTY
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "{:x?}"), self.0)
            }
        }
    };
}

words_and_slots!(FlowKey);
words_and_slots!(FlowMask);

/// A getter and a setter for each field that is read by name.
macro_rules! accessors {
    ($($(#[$doc:meta])* $get:ident / $set:ident : $slot:ident as $int:ty => $type:ty = $wrap:expr, $unwrap:expr;)*) => {
        impl FlowKey {
            $(
                $(#[$doc])*
                #[inline]
                pub const fn $get(&self) -> $type {
                    $wrap(slot::$slot.get(&self.0) as $int)
                }

                #[doc = concat!("Sets [`", stringify!($get), "`](Self::", stringify!($get), ").")]
                #[inline]
                pub const fn $set(&mut self, value: $type) {
                    slot::$slot.set(&mut self.0, $unwrap(value) as u128);
                }
            )*
        }
    };
}

/// The identity on numbers, where a field has no type of its own.
macro_rules! plain {
    ($int:ty) => {{
        const fn same(value: $int) -> $int {
            value
        }
        same
    }};
}

/// The number of an Ethernet type.
const fn ethertype_bits(ethertype: EtherType) -> u16 {
    ethertype.0
}

/// The number of TCP flags.
const fn flag_bits(flags: Flags) -> u16 {
    flags.0
}

accessors! {
    /// The port that the frame came in, an OpenFlow port number. 24 bits are kept.
    in_port / set_in_port: IN_PORT as u32 => u32 = plain!(u32), plain!(u32);
    /// The destination MAC address.
    dl_dst / set_dl_dst: DL_DST as u64 => MacAddr = MacAddr::from_u64, MacAddr::as_u64;
    /// The source MAC address.
    dl_src / set_dl_src: DL_SRC as u64 => MacAddr = MacAddr::from_u64, MacAddr::as_u64;
    /// The Ethernet type behind two tags at most; [`EtherType::NONE`] for 802.3 without SNAP.
    dl_type / set_dl_type: DL_TYPE as u16 => EtherType = EtherType, ethertype_bits;
    /// The outer tag's control information with [`VLAN_PRESENT`] set; 0 without a tag.
    vlan_tci / set_vlan_tci: VLAN_TCI as u16 => u16 = plain!(u16), plain!(u16);
    /// The second tag's control information with [`VLAN_PRESENT`] set; 0 without one.
    inner_tci / set_inner_tci: INNER_TCI as u16 => u16 = plain!(u16), plain!(u16);
    /// The IPv4 source, or ARP's sender protocol address.
    nw_src / set_nw_src: NW_SRC as u32 => Ipv4Addr = Ipv4Addr::from_bits, Ipv4Addr::to_bits;
    /// The IPv4 destination, or ARP's target protocol address.
    nw_dst / set_nw_dst: NW_DST as u32 => Ipv4Addr = Ipv4Addr::from_bits, Ipv4Addr::to_bits;
    /// The IPv6 source.
    ipv6_src / set_ipv6_src: IPV6_SRC as u128 => Ipv6Addr = Ipv6Addr::from_bits, Ipv6Addr::to_bits;
    /// The IPv6 destination.
    ipv6_dst / set_ipv6_dst: IPV6_DST as u128 => Ipv6Addr = Ipv6Addr::from_bits, Ipv6Addr::to_bits;
    /// The IPv6 flow label, 20 bits.
    ipv6_label / set_ipv6_label: IPV6_LABEL as u32 => u32 = plain!(u32), plain!(u32);
    /// The IP protocol, or the lower 8 bits of the ARP operation (0 if it is above 255).
    nw_proto / set_nw_proto: NW_PROTO as u8 => u8 = plain!(u8), plain!(u8);
    /// Differentiated services (upper 6 bits) and congestion bits.
    nw_tos / set_nw_tos: NW_TOS as u8 => u8 = plain!(u8), plain!(u8);
    /// The time to live or hop limit.
    nw_ttl / set_nw_ttl: NW_TTL as u8 => u8 = plain!(u8), plain!(u8);
    /// [`FRAG_ANY`] in a fragment, [`FRAG_LATER`] as well in one that is not the first.
    nw_frag / set_nw_frag: NW_FRAG as u8 => u8 = plain!(u8), plain!(u8);
    /// The source port of TCP, UDP or SCTP, or the ICMP type.
    tp_src / set_tp_src: TP_SRC as u16 => u16 = plain!(u16), plain!(u16);
    /// The destination port of TCP, UDP or SCTP, or the ICMP code.
    tp_dst / set_tp_dst: TP_DST as u16 => u16 = plain!(u16), plain!(u16);
    /// The flags of TCP.
    tcp_flags / set_tcp_flags: TCP_FLAGS as u16 => Flags = Flags, flag_bits;
    /// The target of a neighbour solicitation or advertisement.
    nd_target / set_nd_target: ND_TARGET as u128 => Ipv6Addr = Ipv6Addr::from_bits, Ipv6Addr::to_bits;
    /// ARP's sender MAC address, or neighbour discovery's source link-layer address.
    arp_sha / set_arp_sha: ARP_SHA as u64 => MacAddr = MacAddr::from_u64, MacAddr::as_u64;
    /// ARP's target MAC address, or neighbour discovery's target link-layer address.
    arp_tha / set_arp_tha: ARP_THA as u64 => MacAddr = MacAddr::from_u64, MacAddr::as_u64;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mask_covers_its_parts_and_the_empty_one() {
        let ports = FlowMask::EMPTY.with(slot::TP_SRC).with(slot::TP_DST);
        let one = FlowMask::EMPTY.with(slot::TP_DST);
        assert!(ports.covers(&one) && !one.covers(&ports));
        assert!(FlowMask::FULL.covers(&ports) && one.covers(&FlowMask::EMPTY));
        assert_eq!(ports.used_words(), 1 << 3);
        assert_eq!(one.union(&ports), ports);
        assert_eq!(one.intersection(&ports), one);
    }

    proptest! {
        #[test]
        fn keys_agree_under_a_mask_if_they_are_equal_when_masked(a: [u64; WORDS], b: [u64; WORDS], m: [u64; WORDS], same: bool) {
            let (a, mask) = (FlowKey(a), FlowMask(m));
            let b = if same { FlowKey(core::array::from_fn(|i| a.0[i] ^ b[i] & !m[i])) } else { FlowKey(b) };
            prop_assert_eq!(a.equals_under(&b, &mask), a.masked(&mask) == b.masked(&mask));
            prop_assert!(!same || a.equals_under(&b, &mask));
        }
    }
}
