//! Where the fields of a key stand in a frame: the same layers as the extraction sees, for those who write
//! into a frame.

use super::FRAG_LATER;
use super::extract::{checked_ipv4, checked_ipv6, ipv4_frag, ipv6_frag, is_tcp, link};
use crate::wire::vlan::TAG_SIZE;
use crate::wire::{EtherType, IpProtocol, ethernet, ipv6_ext};

/// Where the packet begins in a frame, and what it is. Fields that the extraction doesn't find are not
/// found here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// The type behind two tags at most.
    pub ethertype: EtherType,
    /// How many tags are in front of it.
    pub tags: u8,
    /// Where the packet begins, in bytes.
    pub packet: usize,
}

/// An IP packet whose lengths hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpLayer {
    /// IPv4, or else IPv6.
    pub is_v4: bool,
    /// False for an IPv6 packet whose extension headers are cut: it has addresses and no other field.
    pub is_whole: bool,
    /// True in any fragment.
    pub is_fragment: bool,
    /// What is behind the header and the extension headers; none in fragments but the first.
    pub upper: Option<UpperLayer>,
}

/// What is behind an IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpperLayer {
    /// The protocol.
    pub protocol: IpProtocol,
    /// Where it begins in the frame, in bytes.
    pub start: usize,
    /// Where it ends in the frame, without padding.
    pub end: usize,
}

impl Layers {
    /// The layers of a frame; `None` if it is too short to be one.
    #[inline]
    pub fn of(frame: &[u8]) -> Option<Self> {
        let l2 = link(frame);
        let has_tag = |tci: u16| u8::from(tci != 0);
        let layers = Self { ethertype: l2.ethertype, tags: has_tag(l2.tci) + has_tag(l2.inner_tci), packet: l2.end };
        (l2.end != 0).then_some(layers)
    }

    /// Where the tag of an index is in the frame: 0 for the outer one.
    #[inline]
    pub fn tag(&self, index: u8) -> Option<usize> {
        (index < self.tags).then_some(ethernet::HEADER_SIZE - 2 + usize::from(index) * TAG_SIZE)
    }

    /// The IP packet of the frame.
    #[inline]
    pub fn ip(&self, frame: &[u8]) -> Option<IpLayer> {
        let packet = frame.get(self.packet..)?;
        match self.ethertype {
            EtherType::IPV4 => {
                let (packet, header_len) = checked_ipv4(packet)?;
                let frag = ipv4_frag(packet);
                let upper = UpperLayer {
                    protocol: IpProtocol(packet[9]),
                    start: self.packet + header_len,
                    end: self.packet + packet.len(),
                };
                let upper = (frag & FRAG_LATER == 0).then_some(upper);
                Some(IpLayer { is_v4: true, is_whole: true, is_fragment: frag != 0, upper })
            }
            EtherType::IPV6 => {
                let (next, payload) = checked_ipv6(packet)?;
                let Some(walked) = ipv6_ext::walk(next, payload) else {
                    return Some(IpLayer { is_v4: false, is_whole: false, is_fragment: false, upper: None });
                };
                let frag = ipv6_frag(&walked);
                let end = self.packet + 40 + payload.len();
                let upper = UpperLayer { protocol: walked.protocol, start: end - walked.payload.len(), end };
                let upper = (frag & FRAG_LATER == 0).then_some(upper);
                Some(IpLayer { is_v4: false, is_whole: true, is_fragment: frag != 0, upper })
            }
            _ => None,
        }
    }

    /// Where an ARP packet of IPv4 over Ethernet begins.
    #[inline]
    pub fn arp(&self, frame: &[u8]) -> Option<usize> {
        let packet = frame.get(self.packet..)?.first_chunk::<28>()?;
        let is_arp = matches!(self.ethertype, EtherType::ARP | EtherType::RARP);
        (is_arp && packet[..6] == [0, 1, 8, 0, 6, 4]).then_some(self.packet)
    }

    /// Where the label stack entry of an index begins, from the top.
    #[inline]
    pub fn label(&self, frame: &[u8], index: usize) -> Option<usize> {
        if !matches!(self.ethertype, EtherType::MPLS | EtherType::MPLS_MULTICAST) {
            return None;
        }
        let entries = frame.get(self.packet..)?.as_chunks::<4>().0;
        let above = entries.get(..index)?;
        let is_there = entries.len() > index && above.iter().all(|entry| entry[2] & 1 == 0);
        is_there.then_some(self.packet + index * 4)
    }
}

impl UpperLayer {
    /// True if it is of this protocol and its header is whole.
    #[inline]
    pub fn is(&self, frame: &[u8], protocol: IpProtocol) -> bool {
        let bytes = &frame[self.start..self.end];
        self.protocol == protocol
            && match protocol {
                IpProtocol::TCP => is_tcp(bytes),
                IpProtocol::SCTP => bytes.len() >= 12,
                _ => bytes.len() >= 8,
            }
    }

    /// Where target, source and target link-layer address of a neighbour solicitation or advertisement begin
    /// in the frame. An address that comes twice voids all three, unless the first is zero.
    #[inline]
    pub fn ndisc(&self, frame: &[u8]) -> Option<(usize, [Option<usize>; 2])> {
        let bytes = &frame[self.start..self.end];
        let &[135 | 136, 0, ..] = bytes else { return None };
        let mut at = 24;
        let mut found: [Option<usize>; 2] = [None; 2];
        if bytes.len() < at {
            return None;
        }
        while let Some(option) = bytes[at..].first_chunk::<8>() {
            let len = usize::from(option[1]) * 8;
            if len == 0 || len > bytes.len() - at {
                break;
            }
            if let [kind @ (1 | 2), 1, ..] = option {
                let known = &mut found[usize::from(*kind) - 1];
                if known.is_some_and(|at| bytes[at..at + 6] != [0; 6]) {
                    return None;
                }
                *known = Some(at + 2);
            }
            at += len;
        }
        Some((self.start + 8, found.map(|at| at.map(|at| self.start + at))))
    }
}

impl IpLayer {
    /// True if the checksums of layer 4 are over another destination than the header's: one that is still to come
    /// in a routing header (RFC 8200 section 8.1). `packet` is where the IPv6 packet begins.
    pub fn is_routed(&self, frame: &[u8], packet: usize) -> bool {
        let (Some(upper), false) = (self.upper, self.is_v4) else { return false };
        let (mut next, mut at) = (IpProtocol(frame[packet + 6]), packet + 40);
        // Extension headers that are not cut, as `upper` says.
        while at < upper.start {
            let header = &frame[at..];
            let size = match next {
                IpProtocol::ROUTING if header[3] != 0 => return true,
                IpProtocol::FRAGMENT => ipv6_ext::Fragment::SIZE,
                IpProtocol::AH => (usize::from(header[1]) + 2) * 4,
                _ => (usize::from(header[1]) + 1) * 8,
            };
            next = IpProtocol(header[0]);
            at += size;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{FlowKey, slot};
    use crate::testing::frame;
    use crate::wire::be16;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn layers_stand_where_the_extraction_reads_them(frame in frame()) {
            let key = FlowKey::extract(0, &frame);
            let Some(layers) = Layers::of(&frame) else {
                prop_assert!(frame.len() < 14);
                return Ok(());
            };
            prop_assert_eq!(layers.ethertype, key.dl_type());
            let tci = |index| layers.tag(index).map_or(0, |at| be16(&frame, at + 2) | 0x1000);
            prop_assert_eq!((tci(0), tci(1)), (key.vlan_tci(), key.inner_tci()));
            for (index, slot) in slot::MPLS_LSE.into_iter().enumerate() {
                let entry = layers.label(&frame, index).map_or(0, |at| crate::wire::be32(&frame, at));
                prop_assert_eq!(u128::from(entry), key.get(slot));
            }
            let ip = layers.ip(&frame);
            if let Some(upper) = ip.and_then(|ip| ip.upper) {
                prop_assert!(upper.start <= upper.end && upper.end <= frame.len());
                let has_ports = [IpProtocol::TCP, IpProtocol::UDP, IpProtocol::SCTP].into_iter().any(|p| upper.is(&frame, p));
                if has_ports {
                    prop_assert_eq!((be16(&frame, upper.start), be16(&frame, upper.start + 2)), (key.tp_src(), key.tp_dst()));
                }
                if upper.protocol == IpProtocol::ICMPV6 && upper.is(&frame, IpProtocol::ICMPV6) && let Some((_, found)) = upper.ndisc(&frame) {
                    let mac = |at: Option<usize>| at.map_or(0, |at| frame[at..at + 6].iter().fold(0, |mac, byte| mac << 8 | u64::from(*byte)));
                    let is_v6 = key.dl_type() == EtherType::IPV6;
                    prop_assert!(!is_v6 || found.map(mac) == [key.arp_sha().as_u64(), key.arp_tha().as_u64()]);
                }
            }
            prop_assert_eq!(layers.arp(&frame).is_some() && key.nw_src().to_bits() != 0, key.nw_src().to_bits() != 0 && ip.is_none());
        }
    }
}
