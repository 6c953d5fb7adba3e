//! From a key to a frame that has it, as Open vSwitch's `flow_compose` does it: the headers with
//! lengths and checksums that hold, and nothing behind them.
//!
//! What a key does not say is chosen: a later fragment begins at byte 8, sequence numbers and
//! identifications are zero.

use crate::key::{FRAG_LATER, FlowKey, VLAN_PRESENT, slot};
use crate::wire::checksum::{Sum, checksum, pseudo_v4, pseudo_v6};
use crate::wire::{EtherType, IpProtocol, crc32c, icmpv6, put16};

/// A frame of at least 14 bytes that has the fields of this key, if frames can have them:
/// [`FlowKey::extract`] reads them again. What rides beside a frame is not looked at.
pub fn compose(key: &FlowKey) -> Vec<u8> {
    let mut frame = [key.dl_dst().0, key.dl_src().0].concat();
    let tags = key.tag_types().into_iter().zip([key.vlan_tci(), key.inner_tci()]);
    for (tpid, tci) in tags.take_while(|(_, tci)| *tci != 0) {
        frame.extend(tpid.0.to_be_bytes());
        frame.extend((tci & !VLAN_PRESENT).to_be_bytes());
    }
    let packet = match key.dl_type() {
        EtherType::IPV4 => ipv4(key),
        EtherType::IPV6 => ipv6(key),
        EtherType::ARP | EtherType::RARP => arp(key),
        EtherType::MPLS | EtherType::MPLS_MULTICAST => labels(key),
        _ => Vec::new(),
    };
    // A frame without a type has its length there.
    let ethertype = if key.dl_type().is_length() { packet.len() as u16 } else { key.dl_type().0 };
    frame.extend(ethertype.to_be_bytes());
    frame.extend(packet);
    frame
}

/// The label stack down to the bottom, or to the last entry that is not zero.
fn labels(key: &FlowKey) -> Vec<u8> {
    let entries = slot::MPLS_LSE.map(|slot| key.get(slot) as u32);
    let bottom = entries.iter().position(|entry| entry & 1 << 8 != 0);
    let last = bottom.or(entries.iter().rposition(|entry| *entry != 0));
    entries[..last.map_or(0, |last| last + 1)].iter().flat_map(|entry| entry.to_be_bytes()).collect()
}

fn arp(key: &FlowKey) -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, key.nw_proto()];
    packet.extend(key.arp_sha().0);
    packet.extend(key.nw_src().octets());
    packet.extend(key.arp_tha().0);
    packet.extend(key.nw_dst().octets());
    packet
}

fn ipv4(key: &FlowKey) -> Vec<u8> {
    let mut upper = upper(key, IpProtocol::ICMP);
    seal(key.ip_protocol(), &mut upper, IpProtocol::ICMP, |len| {
        pseudo_v4(key.nw_src(), key.nw_dst(), key.ip_protocol(), len)
    });
    let fragment: u16 = match key.nw_frag() {
        0 => 0,
        frag if frag & FRAG_LATER != 0 => 1,
        _ => 0x2000,
    };
    let mut packet = vec![0x45, key.nw_tos(), 0, 0, 0, 0];
    packet.extend(fragment.to_be_bytes());
    packet.extend([key.nw_ttl(), key.nw_proto(), 0, 0]);
    packet.extend(key.nw_src().octets());
    packet.extend(key.nw_dst().octets());
    let len = packet.len() + upper.len();
    put16(&mut packet, 2, len as u16);
    let sum = checksum(&packet);
    put16(&mut packet, 10, sum);
    packet.extend(upper);
    packet
}

fn ipv6(key: &FlowKey) -> Vec<u8> {
    let mut upper = upper(key, IpProtocol::ICMPV6);
    seal(key.ip_protocol(), &mut upper, IpProtocol::ICMPV6, |len| {
        pseudo_v6(key.ipv6_src(), key.ipv6_dst(), key.ip_protocol(), len)
    });
    let next = match key.nw_frag() {
        0 => key.nw_proto(),
        frag => {
            let (next, offset) = if frag & FRAG_LATER != 0 { (IpProtocol::NO_NEXT.0, 8) } else { (key.nw_proto(), 1) };
            upper.splice(..0, [next, 0, 0, offset, 0, 0, 0, 0]);
            IpProtocol::FRAGMENT.0
        }
    };
    let first = 6 << 28 | u32::from(key.nw_tos()) << 20 | key.ipv6_label();
    let mut packet = first.to_be_bytes().to_vec();
    packet.extend((upper.len() as u16).to_be_bytes());
    packet.extend([next, key.nw_ttl()]);
    packet.extend(key.ipv6_src().octets());
    packet.extend(key.ipv6_dst().octets());
    packet.extend(upper);
    packet
}

/// Layer 4 without its checksum. `icmp` is the number that means ICMP in this version of IP.
fn upper(key: &FlowKey, icmp: IpProtocol) -> Vec<u8> {
    if key.nw_frag() & FRAG_LATER != 0 {
        return Vec::new();
    }
    let ports = [key.tp_src().to_be_bytes(), key.tp_dst().to_be_bytes()].concat();
    let mut bytes = match key.ip_protocol() {
        IpProtocol::TCP => {
            let mut bytes = ports;
            bytes.extend([0; 8]);
            bytes.extend((0x5000 | key.tcp_flags().0).to_be_bytes());
            bytes.resize(20, 0);
            bytes
        }
        IpProtocol::UDP => ports,
        IpProtocol::SCTP => ports,
        proto if proto == icmp => vec![key.tp_src() as u8, key.tp_dst() as u8],
        _ => return Vec::new(),
    };
    let size = match key.ip_protocol() {
        IpProtocol::TCP => 20,
        IpProtocol::SCTP => 12,
        _ => 8,
    };
    bytes.resize(size, 0);
    let is_ndisc = matches!(bytes[..2], [icmpv6::kind::NEIGHBOR_SOLICIT | icmpv6::kind::NEIGHBOR_ADVERT, 0]);
    if key.ip_protocol() == IpProtocol::ICMPV6 && icmp == IpProtocol::ICMPV6 && is_ndisc {
        bytes.extend(key.get(slot::ND_TARGET).to_be_bytes());
        for (kind, mac) in [(1, key.arp_sha()), (2, key.arp_tha())] {
            if mac.as_u64() != 0 {
                bytes.extend([kind, 1]);
                bytes.extend(mac.0);
            }
        }
    }
    bytes
}

/// Fills the checksum of layer 4 in, and UDP's length. `pseudo` gives the pseudo header's sum.
fn seal(protocol: IpProtocol, upper: &mut [u8], icmp: IpProtocol, pseudo: impl Fn(usize) -> Sum) {
    if upper.is_empty() {
        return;
    }
    let (at, sum) = match protocol {
        IpProtocol::TCP => (16, pseudo(upper.len())),
        IpProtocol::UDP => {
            put16(upper, 4, upper.len() as u16);
            (6, pseudo(upper.len()))
        }
        IpProtocol::SCTP => {
            let sum = crc32c::sctp(upper);
            upper[8..12].copy_from_slice(&sum);
            return;
        }
        IpProtocol::ICMPV6 => (2, pseudo(upper.len())),
        protocol if protocol == icmp => (2, Sum::new()),
        _ => return,
    };
    let sum = match (sum.bytes(upper).checksum(), protocol) {
        // A UDP checksum of zero would mean none (RFC 768).
        (0, IpProtocol::UDP) => 0xffff,
        (sum, _) => sum,
    };
    put16(upper, at, sum);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::frame;
    use crate::wire::{ipv4 as v4, udp};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn a_composed_frame_has_the_key_that_it_was_composed_of(frame in frame()) {
            // A frame that is none has no key to compose.
            prop_assume!(frame.len() >= 14);
            let key = FlowKey::extract(7, &frame);
            let composed = compose(&key);
            prop_assert_eq!(FlowKey::extract(7, &composed), key, "{:02x?}", composed);
        }

        #[test]
        fn any_key_is_composed(words: [u64; crate::WORDS]) {
            prop_assert!(compose(&FlowKey::from_words(words)).len() >= 14);
        }
    }

    #[test]
    fn lengths_and_checksums_hold() {
        let key = FlowKey::parse_with("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=53,udp_dst=54,nw_ttl=64", &|_| None);
        let frame = compose(&key.unwrap());
        let ip = v4::Packet::new_checked(&frame[14..]).unwrap();
        assert!(ip.verify_checksum());
        assert_eq!(ip.total_len(), 28);
        let datagram = udp::Packet::new_checked(ip.payload()).unwrap();
        assert_eq!((datagram.src_port(), datagram.dst_port()), (53, 54));
        let pseudo = pseudo_v4(ip.src(), ip.dst(), IpProtocol::UDP, 8);
        assert_eq!(pseudo.bytes(ip.payload()).checksum(), 0);
    }
}
