//! From a frame to its key, as Open vSwitch's `flow_extract` does it:
//!
//! * A frame of less than 14 bytes has no fields but `in_port`.
//! * At most two tags are read; behind a third stands its tag protocol id as the type.
//! * A packet whose lengths lie has no fields of its own layer or above. An IPv6 packet whose
//!   extension headers are cut keeps its addresses.
//! * Fragments but the first have no fields of layer 4. Over IPv6 their protocol is 44.
//! * What is behind an IP packet's length is padding and not read.
//! * Of a label stack three entries are read, and nothing behind the labels.
//!
//! IGMP's fields, which Open vSwitch has in those of layer 4, are left out: no match can name them.

use super::{FRAG_ANY, FRAG_LATER, FlowKey, VLAN_PRESENT, slot};
use crate::wire::ethernet::HEADER_SIZE;
use crate::wire::ipv6_ext;
use crate::wire::vlan::{TAG_SIZE, TAGS_AT};
use crate::wire::{EtherType, IpProtocol, be16, be32, icmpv6};

impl FlowKey {
    /// The key of a frame of any bytes that came in by the port with this OpenFlow number.
    #[inline]
    pub fn extract(in_port: u32, frame: &[u8]) -> Self {
        let mut key = Self::EMPTY;
        key.fill(in_port, frame, ALL);
        key
    }

    /// Reads those words of [`FlowKey::extract`]'s key that `wanted` names, bit `i` for word `i` as in
    /// [`FlowMask::used_words`](super::FlowMask::used_words), into `out`. Wanted words that no frame
    /// has (from [`WIRE_WORDS`](slot::WIRE_WORDS) on) are not written; what the other words of
    /// the frame hold afterwards is not said.
    ///
    /// It costs what is asked for: port, type, tag and addresses a few loads, layer 4 a look at the
    /// IP header, and no word that isn't wanted is cleared.
    #[inline]
    pub fn extract_words(in_port: u32, frame: &[u8], wanted: u64, out: &mut Self) {
        out.0[..5].fill(0);
        for (group, words) in [(IPV6, 5..10), (NDISC, 10..14), (LABELS, 14..16)] {
            if wanted & group != 0 {
                out.0[words].fill(0);
            }
        }
        out.fill(in_port, frame, wanted);
    }

    /// Reads a frame into a key whose wanted words are zero.
    #[inline(always)]
    fn fill(&mut self, in_port: u32, frame: &[u8], wanted: u64) {
        let l2 = link(frame);
        self.0[0] = word0(in_port, &l2);
        let (Some((dst_src, _)), Some(packet)) = (frame.split_first_chunk::<12>(), frame.get(l2.end..)) else {
            return;
        };
        if l2.end == 0 {
            return;
        }
        let [a, b, c, d, e, f, src @ ..] = *dst_src;
        self.0[1] = mac(&[a, b, c, d, e, f]) | u64::from(l2.inner_tci) << slot::INNER_TCI.shift;
        self.0[2] = mac(&src);
        if wanted & !ADDRESSES == 0 {
            return;
        }
        match l2.ethertype {
            EtherType::IPV4 => self.ipv4(packet, wanted),
            EtherType::IPV6 => self.ipv6(packet, wanted),
            EtherType::ARP | EtherType::RARP => self.arp(packet),
            EtherType::MPLS | EtherType::MPLS_MULTICAST => self.mpls(packet),
            _ => {}
        }
    }

    /// The first word of [`FlowKey::extract`]'s key (port, type, outer tag, fragment), read
    /// without the rest. Bits that `wanted` doesn't have may be 0.
    #[inline]
    pub fn extract_word0(in_port: u32, frame: &[u8], wanted: u64) -> u64 {
        let l2 = link(frame);
        if wanted & FRAGMENT == 0 {
            return word0(in_port, &l2);
        }
        let packet = &frame[l2.end..];
        let frag = match l2.ethertype {
            EtherType::IPV4 => checked_ipv4(packet).map_or(0, |(packet, _)| ipv4_frag(packet)),
            EtherType::IPV6 => checked_ipv6(packet)
                .and_then(|(next, payload)| ipv6_ext::walk(next, payload))
                .map_or(0, |upper| ipv6_frag(&upper)),
            _ => 0,
        };
        word0(in_port, &l2) | u64::from(frag) << slot::NW_FRAG.shift
    }

    #[inline(always)]
    fn ipv4(&mut self, packet: &[u8], wanted: u64) {
        let Some((packet, header_len)) = checked_ipv4(packet) else { return };
        let frag = ipv4_frag(packet);
        let proto = packet[9];
        self.ip(proto, packet[1], packet[8], frag);
        self.0[4] = u64::from(be32(packet, 12)) | u64::from(be32(packet, 16)) << slot::NW_DST.shift;
        if frag & FRAG_LATER == 0 && wanted & LAYER4 != 0 {
            self.layer4(IpProtocol(proto), &packet[header_len..], IpProtocol::ICMP);
        }
    }

    #[inline(always)]
    fn ipv6(&mut self, packet: &[u8], wanted: u64) {
        let Some((next, payload)) = checked_ipv6(packet) else { return };
        for (word, half) in self.0[5..9].iter_mut().zip(packet[8..40].as_chunks::<8>().0) {
            *word = u64::from_be_bytes(*half);
        }
        let Some(upper) = ipv6_ext::walk(next, payload) else { return };
        let first = be32(packet, 0);
        let frag = ipv6_frag(&upper);
        self.ip(upper.protocol.0, (first >> 20) as u8, packet[7], frag);
        self.0[9] = u64::from(first & 0xf_ffff);
        if frag & FRAG_LATER == 0 && wanted & LAYER4 != 0 {
            self.layer4(upper.protocol, upper.payload, IpProtocol::ICMPV6);
        }
    }

    /// The fields that both versions of IP have.
    #[inline(always)]
    fn ip(&mut self, proto: u8, tos: u8, ttl: u8, frag: u8) {
        self.0[0] |= u64::from(frag) << slot::NW_FRAG.shift;
        self.0[2] |= u64::from(proto) << slot::NW_PROTO.shift | u64::from(tos) << slot::NW_TOS.shift;
        self.0[3] = u64::from(ttl) << slot::NW_TTL.shift;
    }

    /// The fields of layer 4. `icmp` is the number that means ICMP in this version of IP.
    #[inline(always)]
    fn layer4(&mut self, proto: IpProtocol, bytes: &[u8], icmp: IpProtocol) {
        let size = bytes.len();
        match proto {
            IpProtocol::TCP if is_tcp(bytes) => {
                let flags = be16(bytes, 12) & 0xfff;
                self.0[3] |= ports(bytes) | u64::from(flags) << slot::TCP_FLAGS.shift;
            }
            IpProtocol::UDP if size >= 8 => self.0[3] |= ports(bytes),
            IpProtocol::SCTP if size >= 12 => self.0[3] |= ports(bytes),
            _ if proto == icmp && size >= 8 => {
                self.0[3] |= u64::from(bytes[0]) | u64::from(bytes[1]) << slot::TP_DST.shift;
                if icmp == IpProtocol::ICMPV6 {
                    self.ndisc(bytes);
                }
            }
            _ => {}
        }
    }

    /// Target and link-layer addresses of a neighbour solicitation or advertisement. Options are
    /// read until the first that is cut; a link-layer address that comes twice voids all three.
    fn ndisc(&mut self, bytes: &[u8]) {
        if bytes[1] != 0 || !matches!(bytes[0], icmpv6::kind::NEIGHBOR_SOLICIT | icmpv6::kind::NEIGHBOR_ADVERT) {
            return;
        }
        let Some((target, mut options)) = bytes[8..].split_first_chunk::<16>() else { return };
        let mut addresses = [0; 2];
        while let Some(option) = options.first_chunk::<8>() {
            let len = usize::from(option[1]) * 8;
            if len == 0 || len > options.len() {
                break;
            }
            if let [kind @ (1 | 2), 1, address @ ..] = option {
                let known = &mut addresses[usize::from(*kind) - 1];
                if *known != 0 {
                    return;
                }
                *known = mac(address);
            }
            options = &options[len..];
        }
        let target = u128::from_be_bytes(*target);
        self.set(slot::ND_TARGET, target);
        self.0[12..14].copy_from_slice(&addresses);
    }

    /// The label stack down to the bottom, three entries at most. One that is cut is not read.
    #[inline]
    fn mpls(&mut self, packet: &[u8]) {
        for (slot, entry) in slot::MPLS_LSE.into_iter().zip(packet.as_chunks::<4>().0) {
            let entry = u32::from_be_bytes(*entry);
            self.set(slot, entry.into());
            if entry & BOTTOM_OF_STACK != 0 {
                break;
            }
        }
    }

    #[inline]
    fn arp(&mut self, packet: &[u8]) {
        let Some(packet) = packet.first_chunk::<28>() else { return };
        // Ethernet, IPv4, and their address lengths.
        if packet[..6] != [0, 1, 8, 0, 6, 4] {
            return;
        }
        let operation = be16(packet, 6);
        if operation <= 0xff {
            self.0[2] |= u64::from(operation) << slot::NW_PROTO.shift;
        }
        self.0[4] = u64::from(be32(packet, 14)) | u64::from(be32(packet, 24)) << slot::NW_DST.shift;
        self.0[12] = u64::from(be32(packet, 8)) << 16 | u64::from(be16(packet, 12));
        self.0[13] = u64::from(be32(packet, 18)) << 16 | u64::from(be16(packet, 22));
    }
}

/// The words that are read together, for [`FlowKey::extract_words`].
const ALL: u64 = u64::MAX;
const ADDRESSES: u64 = 1 << 1;
const LAYER4: u64 = 1 << 3 | NDISC;
const IPV6: u64 = 0x1f << 5;
const NDISC: u64 = 0xf << 10;
const LABELS: u64 = 3 << 14;

/// The bits of the first word that tell fragments.
const FRAGMENT: u64 = (slot::NW_FRAG.max() as u64) << slot::NW_FRAG.shift;

/// The bit of a label stack entry that says that no other follows (RFC 3032 section 2.1).
const BOTTOM_OF_STACK: u32 = 1 << 8;

/// What stands before the packet in a frame.
pub(super) struct Link {
    pub(super) tci: u16,
    pub(super) inner_tci: u16,
    /// Which of the tags are service tags: bit 0 for the outer one, bit 1 for the second.
    service: u8,
    pub(super) ethertype: EtherType,
    /// Where the packet begins; 0 if the frame has no type.
    pub(super) end: usize,
}

/// Reads up to two tags and the type.
#[inline(always)]
pub(super) fn link(frame: &[u8]) -> Link {
    let mut link = Link { tci: 0, inner_tci: 0, service: 0, ethertype: EtherType(0), end: 0 };
    if frame.len() < HEADER_SIZE {
        return link;
    }
    let mut at = TAGS_AT;
    let mut ethertype = EtherType(be16(frame, at));
    if ethertype.is_vlan() && frame.len() >= at + TAG_SIZE + 2 {
        link.tci = be16(frame, at + 2) | VLAN_PRESENT;
        link.service = u8::from(ethertype == EtherType::QINQ);
        at += TAG_SIZE;
        ethertype = EtherType(be16(frame, at));
        if ethertype.is_vlan() && frame.len() >= at + TAG_SIZE + 2 {
            link.inner_tci = be16(frame, at + 2) | VLAN_PRESENT;
            link.service |= u8::from(ethertype == EtherType::QINQ) << 1;
            at += TAG_SIZE;
            ethertype = EtherType(be16(frame, at));
        }
    }
    at += 2;
    if ethertype.is_length() {
        // LLC with SNAP of organisation 00-00-00 carries a type; any other frame has none.
        ethertype = EtherType::NONE;
        if let Some(&[0xaa, 0xaa, 3, 0, 0, 0, a, b]) = frame[at..].first_chunk::<8>() {
            at += 8;
            let snap = EtherType(u16::from_be_bytes([a, b]));
            if !snap.is_length() {
                ethertype = snap;
            }
        }
    }
    link.ethertype = ethertype;
    link.end = at;
    link
}

/// The first word without the fragment bits.
#[inline(always)]
fn word0(in_port: u32, link: &Link) -> u64 {
    u64::from(link.tci)
        | u64::from(link.ethertype.0) << slot::DL_TYPE.shift
        | (u64::from(in_port) & 0xff_ffff) << slot::IN_PORT.shift
        | u64::from(link.service) << slot::VLAN_IS_SERVICE.shift
}

/// The packet without padding and the size of its header, if its lengths hold.
#[inline(always)]
pub(super) fn checked_ipv4(packet: &[u8]) -> Option<(&[u8], usize)> {
    if packet.len() < 20 {
        return None;
    }
    let header_len = usize::from(packet[0] & 0xf) * 4;
    let total_len = usize::from(be16(packet, 2));
    (header_len >= 20 && header_len <= total_len && total_len <= packet.len())
        .then(|| (&packet[..total_len], header_len))
}

/// The fragment bits of a checked IPv4 packet.
#[inline(always)]
pub(super) fn ipv4_frag(packet: &[u8]) -> u8 {
    match be16(packet, 6) & 0x3fff {
        0 => 0,
        word if word & 0x1fff == 0 => FRAG_ANY,
        _ => FRAG_ANY | FRAG_LATER,
    }
}

/// The next header and the payload without padding, if the length holds.
#[inline(always)]
pub(super) fn checked_ipv6(packet: &[u8]) -> Option<(IpProtocol, &[u8])> {
    let (header, payload) = packet.split_first_chunk::<40>()?;
    let payload = payload.get(..usize::from(be16(header, 4)))?;
    Some((IpProtocol(header[6]), payload))
}

/// The fragment bits of an IPv6 packet.
#[inline(always)]
pub(super) fn ipv6_frag(upper: &ipv6_ext::Upper<'_>) -> u8 {
    match upper.fragment {
        None => 0,
        Some(fragment) if fragment.offset == 0 => FRAG_ANY,
        Some(_) => FRAG_ANY | FRAG_LATER,
    }
}

/// True if a TCP header is whole.
#[inline(always)]
pub(super) fn is_tcp(bytes: &[u8]) -> bool {
    bytes.len() >= 20 && (20..=bytes.len()).contains(&(usize::from(bytes[12] >> 4) * 4))
}

/// Source and destination port in the place that they have in a key.
#[inline(always)]
fn ports(bytes: &[u8]) -> u64 {
    u64::from(be16(bytes, 0)) | u64::from(be16(bytes, 2)) << slot::TP_DST.shift
}

/// A MAC address as a number.
#[inline(always)]
fn mac(bytes: &[u8; 6]) -> u64 {
    u64::from(be32(bytes, 0)) << 16 | u64::from(be16(bytes, 4))
}

#[cfg(test)]
mod tests {
    use super::super::naive;
    use super::*;
    use crate::testing::frame;
    use proptest::prelude::*;

    /// A SYN behind two tags.
    const SYN: [u8; 62] = *b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x88\xa8\x00\x09\x81\x00\x60\x13\x08\x00\
        \x45\xb8\0\x28\0\0\x40\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02\
        \x04\xd2\0\x50\0\0\0\x01\0\0\0\0\x50\x12\xff\xff\0\0\0\0";

    #[test]
    fn a_segment_behind_two_tags_has_all_its_fields() {
        let key = FlowKey::extract(7, &SYN);
        assert_eq!((key.in_port(), key.dl_type()), (7, EtherType::IPV4));
        assert_eq!((key.vlan_tci(), key.inner_tci()), (0x1009, 0x7013));
        assert_eq!(key.tag_types(), [EtherType::QINQ, EtherType::VLAN]);
        assert_eq!(key.dl_src().to_string(), "02:00:00:00:00:01");
        assert_eq!((key.nw_src().to_string(), key.nw_dst().to_string()), ("10.0.0.1".into(), "10.0.0.2".into()));
        assert_eq!((key.nw_proto(), key.nw_tos(), key.nw_ttl(), key.nw_frag()), (6, 0xb8, 64, 0));
        assert_eq!((key.tp_src(), key.tp_dst(), key.tcp_flags().0), (1234, 80, 0x012));
    }

    #[test]
    fn labels_are_read_down_to_the_bottom() {
        let mut frame = [0; 30];
        frame[12..14].copy_from_slice(&[0x88, 0x47]);
        frame[14..].copy_from_slice(b"\x00\x01\x00\x40\x00\x02\x0b\x3f\x45\0\0\0\0\0\0\0");
        let key = FlowKey::extract(7, &frame);
        assert_eq!(slot::MPLS_LSE.map(|slot| key.get(slot)), [0x0001_0040, 0x0002_0b3f, 0]);
        assert_eq!((key.get(slot::MPLS_LABEL), key.get(slot::MPLS_TTL), key.get(slot::MPLS_BOS)), (16, 64, 0));
        let cut = FlowKey::extract(7, &frame[..21]);
        assert_eq!(slot::MPLS_LSE.map(|slot| cut.get(slot)), [0x0001_0040, 0, 0]);
    }

    #[test]
    fn a_cut_frame_keeps_the_layers_below_the_cut() {
        let key = FlowKey::extract(7, &SYN[..61]);
        assert_eq!((key.dl_type(), key.nw_proto(), key.nw_src().to_bits()), (EtherType::IPV4, 0, 0));
        let key = FlowKey::extract(7, &SYN[..17]);
        assert_eq!((key.vlan_tci(), key.dl_type()), (0, EtherType::QINQ));
        let key = FlowKey::extract(7, &SYN[..13]);
        assert_eq!(key, FlowKey::EMPTY.with(slot::IN_PORT, 7));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn every_frame_has_the_key_that_a_naive_reader_finds(frame in frame(), in_port in 0u32..0x10000) {
            prop_assert_eq!(FlowKey::extract(in_port, &frame), naive::extract(in_port, &frame));
        }

        #[test]
        fn wanted_words_are_those_of_the_whole_key(frame in frame(), in_port: u32, wanted in prop_oneof![any::<u64>(), (0u32..16).prop_map(|word| 1 << word), (0u32..16, 0u32..16).prop_map(|(a, b)| 1 << a | 1 << b)], dirt: u64) {
            let whole = FlowKey::extract(in_port, &frame);
            let mut out = FlowKey::from_words([dirt; super::super::WORDS]);
            FlowKey::extract_words(in_port, &frame, wanted, &mut out);
            for word in (0..slot::WIRE_WORDS).filter(|word| wanted & 1 << word != 0) {
                prop_assert_eq!(out.words()[word], whole.words()[word], "word {}", word);
            }
            prop_assert!(out.words()[slot::WIRE_WORDS..].iter().all(|word| *word == dirt));
        }

        #[test]
        fn the_first_word_is_that_of_the_whole_key(frame in frame(), in_port: u32, wanted in prop_oneof![Just(u64::MAX), any::<u64>(), any::<u64>().prop_map(|bits| bits & !FRAGMENT)]) {
            let word = FlowKey::extract_word0(in_port, &frame, wanted);
            prop_assert_eq!(word & wanted, FlowKey::extract(in_port, &frame).words()[0] & wanted);
        }
    }
}
