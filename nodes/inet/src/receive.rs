//! The way in: NIC filter, then what each Ethernet type and IP protocol means to an endpoint.
//!
//! ```text
//! frame -> NIC and VLAN -> filter (counted) -> ARP | IPv4 | IPv6 -> reassembly -> ICMP | UDP -> events, answers
//!                                           -> for somebody else, and forwarding is on: `forward`
//! ```
//!
//! A frame that passes the filter is delivered. If nothing comes of it, it is dropped with the reason. As in Linux, an
//! IPv4 or IPv6 address is the whole stack's: a packet to it may come in by any interface.

use core::net::IpAddr;

use packet::wire::{ethernet, ipv4, ipv6, ipv6_ext, udp, vlan};
use packet::{EtherType, IpProtocol, MacAddr};
use sim_core::{Batch, Cx, Drop, DropReason, Frame, PortIx, Tag};

use crate::event::{Event, IcmpError, Segment};
use crate::interface::IfIx;
use crate::reassembly::{DatagramKey, Fragment};
use crate::transport::pseudo;
use crate::{Stack, Upper};

/// A packet of either family, from its network layer on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) interface: IfIx,
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) ttl: u8,
    /// Whether `dst` is an address of this stack, and no group or broadcast address.
    pub(crate) to_own: bool,
    /// The packet as it came in, for an error to quote: its first fragment at least.
    pub(crate) packet: &'a [u8],
    /// Whether the frame's transport checksum is still to be filled in, so that there is nothing to verify.
    pub(crate) unsummed: bool,
    pub(crate) tag: Tag,
}

/// What becomes of a frame: it was for this stack, or it is dropped.
pub(crate) type Verdict = Result<(), DropReason>;

impl Stack {
    /// Frames came in on a port.
    #[inline]
    pub fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch, upper: &mut impl Upper) {
        for frame in batch.drain() {
            self.receive(cx, port, frame, upper);
        }
    }

    fn receive(&mut self, cx: &mut Cx<'_>, port: PortIx, frame: Frame, upper: &mut impl Upper) {
        let (Some((ethertype, tag)), Some(nic)) = (vlan::outer(&frame), self.interfaces.physical(port)) else {
            let reason = if frame.len() < ethernet::HEADER_SIZE { DropReason::Malformed } else { DropReason::PortDown };
            return cx.out.drop(frame, Drop::at(port, reason));
        };
        let (interface, at) = match tag {
            None => (Some(nic), 14),
            // A priority tag (IEEE 802.1Q-2018 section 6.9) names no VLAN.
            Some(tag) if tag.tpid == EtherType::VLAN && tag.vid.get() == 0 => (Some(nic), 18),
            Some(tag) if tag.tpid == EtherType::VLAN => (self.interfaces.sub(port, tag.vid), 18),
            Some(_) => (None, 18),
        };
        let dst = MacAddr::from_bytes(&frame).unwrap_or_default();
        let Some(ix) = interface.filter(|ix| self.interfaces.get(*ix).accepts(dst)) else {
            self.interfaces.get_mut(interface.unwrap_or(nic)).counters.rx_filtered += 1;
            return;
        };
        if !self.interfaces.get(ix).admin_up {
            return cx.out.drop(frame, Drop::at(port, DropReason::PortDown));
        }
        let counters = &mut self.interfaces.get_mut(ix).counters;
        counters.rx_frames += 1;
        counters.rx_bytes += frame.len() as u64;
        let unsummed = frame.offload().csum_start != 0;
        let payload = &frame[at..];
        if self.is_transit(ethertype, dst, payload) {
            return self.forward(cx, ix, at, frame, upper);
        }
        let verdict = match ethertype {
            EtherType::IPV4 => self.receive_ipv4(cx, ix, payload, unsummed, frame.tag(), upper),
            EtherType::ARP => self.receive_arp(cx, ix, payload, frame.tag(), upper),
            EtherType::IPV6 => self.receive_ipv6(cx, ix, payload, unsummed, frame.tag(), upper),
            _ => Err(DropReason::NoListener),
        };
        if let Err(reason) = verdict {
            cx.out.drop(frame, Drop::at(port, reason));
        }
    }

    fn receive_ipv4(
        &mut self,
        cx: &mut Cx<'_>,
        ix: IfIx,
        bytes: &[u8],
        unsummed: bool,
        tag: Tag,
        upper: &mut impl Upper,
    ) -> Verdict {
        let packet = ipv4::Packet::new_checked(bytes).map_err(|_| DropReason::Malformed)?;
        if !packet.verify_checksum() {
            return Err(DropReason::BadChecksum);
        }
        let (src, dst) = (packet.src(), packet.dst());
        // Addresses that no packet on a wire is from or to (RFC 1122 section 3.2.1.3).
        if src.is_multicast() || src.is_broadcast() || src.is_loopback() || dst.is_loopback() {
            return Err(DropReason::Malformed);
        }
        let to_own = self.interfaces.get(ix).owns(dst.into()) || self.interfaces.own(dst.into());
        if !to_own && !dst.is_multicast() && !self.interfaces.get(ix).is_broadcast(dst) {
            return Err(DropReason::NoRoute);
        }
        let (src, dst) = (src.into(), dst.into());
        let incoming = Incoming {
            interface: ix,
            src,
            dst,
            ttl: packet.ttl(),
            to_own,
            packet: &bytes[..packet.total_len()],
            unsummed,
            tag,
        };
        if packet.is_fragment() {
            let key = DatagramKey { src, dst, ident: packet.ident().into(), protocol: packet.protocol() };
            let fragment = Fragment {
                offset: packet.fragment_offset().into(),
                more: packet.more_fragments(),
                protocol: packet.protocol(),
                bytes: packet.payload(),
            };
            return self.receive_fragment(cx, &incoming, key, fragment, upper);
        }
        self.receive_upper(cx, &incoming, packet.protocol(), packet.payload(), upper)
    }

    fn receive_ipv6(
        &mut self,
        cx: &mut Cx<'_>,
        ix: IfIx,
        bytes: &[u8],
        unsummed: bool,
        tag: Tag,
        upper: &mut impl Upper,
    ) -> Verdict {
        let packet = ipv6::Packet::new_checked(bytes).map_err(|_| DropReason::Malformed)?;
        let (src, dst) = (packet.src(), packet.dst());
        if src.is_multicast() || src.is_loopback() || dst.is_loopback() {
            return Err(DropReason::Malformed);
        }
        let interface = self.interfaces.get(ix);
        let link_local = dst.is_unicast_link_local();
        let to_own = interface.owns(dst.into()) || (!link_local && self.interfaces.own(dst.into()));
        if !to_own && !dst.is_multicast() {
            return Err(DropReason::NoRoute);
        }
        let upper_layer = ipv6_ext::walk(packet.next_header(), packet.payload()).ok_or(DropReason::Malformed)?;
        let incoming = Incoming {
            interface: ix,
            src: src.into(),
            dst: dst.into(),
            ttl: packet.hop_limit(),
            to_own,
            packet: &bytes[..ipv6::HEADER_SIZE + packet.payload_len()],
            unsummed,
            tag,
        };
        if let Some(fragment) = upper_layer.fragment {
            let key = DatagramKey {
                src: incoming.src,
                dst: incoming.dst,
                ident: fragment.ident,
                protocol: IpProtocol::FRAGMENT,
            };
            let part = Fragment {
                offset: fragment.offset.into(),
                more: fragment.more,
                protocol: upper_layer.protocol,
                bytes: upper_layer.payload,
            };
            return self.receive_fragment(cx, &incoming, key, part, upper);
        }
        self.receive_upper(cx, &incoming, upper_layer.protocol, upper_layer.payload, upper)
    }

    #[cold]
    fn receive_fragment(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        key: DatagramKey,
        fragment: Fragment<'_>,
        upper: &mut impl Upper,
    ) -> Verdict {
        // What is whole only with its siblings is for own addresses alone: no answer goes to groups anyway.
        if !incoming.to_own {
            return Err(DropReason::NoListener);
        }
        let whole = self.reassembly.add(cx.now, key, fragment).map_err(|_| DropReason::Malformed)?;
        let Some(whole) = whole else { return Ok(()) };
        let verdict = self.receive_upper(cx, incoming, whole.protocol(), whole.bytes(), upper);
        self.reassembly.recycle(whole);
        verdict
    }

    #[inline]
    pub(crate) fn receive_upper(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        protocol: IpProtocol,
        bytes: &[u8],
        upper: &mut impl Upper,
    ) -> Verdict {
        match (protocol, incoming.dst) {
            (IpProtocol::UDP, _) => self.receive_udp(cx, incoming, bytes, upper),
            (IpProtocol::ICMP, IpAddr::V4(_)) => self.receive_icmpv4(cx, incoming, bytes, upper),
            (IpProtocol::ICMPV6, IpAddr::V6(_)) => self.receive_icmpv6(cx, incoming, bytes, upper),
            (IpProtocol::TCP, _) if incoming.to_own => {
                let Incoming { src: from, dst: to, unsummed, tag, .. } = *incoming;
                let mtu = self.interfaces.get(incoming.interface).mtu;
                upper.segment(cx, &Segment { from, to, mtu, bytes, unsummed, tag })
            }
            (IpProtocol::TCP | IpProtocol::NO_NEXT, _) => Err(DropReason::NoListener),
            _ => {
                self.send_error(cx, incoming, IcmpError::ProtocolUnreachable, upper);
                Err(DropReason::NoListener)
            }
        }
    }

    fn receive_udp(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        bytes: &[u8],
        upper: &mut impl Upper,
    ) -> Verdict {
        let packet = udp::Packet::new_checked(bytes).map_err(|_| DropReason::Malformed)?;
        // Over IPv6 there is no datagram without a checksum (RFC 8200 section 8.1).
        let is_bare = incoming.src.is_ipv6() && packet.checksum() == 0;
        let pseudo = pseudo(incoming.src, incoming.dst, IpProtocol::UDP, packet.len());
        if is_bare || !incoming.unsummed && !packet.verify_checksum(pseudo) {
            return Err(DropReason::BadChecksum);
        }
        if self.udp_ports.binary_search(&packet.dst_port()).is_err() {
            self.send_error(cx, incoming, IcmpError::PortUnreachable, upper);
            return Err(DropReason::NoListener);
        }
        let event = Event::Datagram {
            from: incoming.src,
            from_port: packet.src_port(),
            to: incoming.dst,
            port: packet.dst_port(),
            data: packet.payload(),
            tag: incoming.tag,
        };
        upper.event(cx, event);
        Ok(())
    }
}
