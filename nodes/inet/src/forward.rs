//! Forwarding: packets for somebody else, from one interface to another (RFC 1812 section 5, RFC 8200).
//!
//! ```text
//! frame -> is it transit? -> checks -> TTL -> route -> MTU -> one hop less, in place -> neighbour -> wire
//! ```
//!
//! The frame that came in is the one that goes out: only the time to live, the checksum and the Ethernet header change,
//! and bytes are copied only where others hold the frame. What isn't forwarded is dropped with its reason, and its
//! sender told by ICMP where the standards want it, at the stack's limited rate.
//!
//! Left out are redirects, source routing, multicast routing and broadcasts to another subnet.

use core::net::IpAddr;

use packet::wire::{icmpv4, ipv4, ipv6, ipv6_ext};
use packet::{EtherType, IpProtocol, MacAddr};
use sim_core::{Cx, Drop, DropArgs, DropReason, Frame, PortIx};

use crate::event::IcmpError;
use crate::interface::IfIx;
use crate::send::emit_ethernet;
use crate::{Stack, Upper};

/// Which packets for others a stack forwards: `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Those of IPv4.
    pub ipv4: bool,
    /// Those of IPv6.
    pub ipv6: bool,
}

/// Why a packet isn't forwarded, and what its sender is told.
struct Refusal {
    why: Drop,
    error: Option<IcmpError>,
}

/// What forwarding needs to know of a packet.
struct Transit {
    dst: IpAddr,
    ttl: u8,
    /// Bytes of the packet, without what pads the frame.
    size: usize,
    dont_fragment: bool,
}

impl Stack {
    /// Sets which packets for others are forwarded; none in a new stack.
    pub fn set_forwarding(&mut self, forwarding: Forwarding) {
        self.forwarding = forwarding;
    }

    /// Which packets for others are forwarded.
    pub fn forwarding(&self) -> Forwarding {
        self.forwarding
    }

    /// Whether a frame that passed the NIC filter carries a packet to be forwarded: to this station's own MAC address,
    /// and to an address that is neither this stack's nor a group's.
    #[inline]
    pub(crate) fn is_transit(&self, ethertype: EtherType, to: MacAddr, packet: &[u8]) -> bool {
        let wanted = match ethertype {
            EtherType::IPV4 => self.forwarding.ipv4,
            EtherType::IPV6 => self.forwarding.ipv6,
            _ => false,
        };
        wanted && to.is_unicast() && self.is_for_others(ethertype, packet)
    }

    fn is_for_others(&self, ethertype: EtherType, packet: &[u8]) -> bool {
        match ethertype {
            EtherType::IPV4 => ipv4::Packet::new_header(packet).is_ok_and(|packet| {
                let dst = packet.dst();
                !dst.is_multicast() && !dst.is_loopback() && !self.interfaces.broadcast(dst) && !self.is_own(dst.into())
            }),
            _ => ipv6::Packet::new_header(packet).is_ok_and(|packet| {
                let dst = packet.dst();
                // A link-local address is of the link, and the endpoint says what becomes of it.
                !dst.is_multicast() && !dst.is_loopback() && !dst.is_unicast_link_local() && !self.is_own(dst.into())
            }),
        }
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.interfaces.own(address)
    }

    /// Forwards a packet that [`Stack::is_transit`] is true of, or says why not.
    pub(crate) fn forward(&mut self, cx: &mut Cx<'_>, from: IfIx, at: usize, frame: Frame, upper: &mut impl Upper) {
        let port = self.interfaces.get(from).port;
        let verdict = self.transit(&frame[at..], port).and_then(|transit| {
            let hop = self.routed(&transit, port, at, &frame)?;
            Ok((transit, hop))
        });
        match verdict {
            Ok((transit, hop)) => {
                let frame = self.turned(cx, hop.interface, at, frame, transit.size);
                self.output(cx, hop, frame, upper);
            }
            Err(Refusal { why, error }) => {
                if let Some(error) = error {
                    let size = (frame.len() - at).min(packet_size(&frame[at..]));
                    self.send_transit_error(cx, &frame[at..at + size], frame.tag(), error, upper);
                }
                cx.out.drop(frame, why);
            }
        }
    }

    /// Checks a packet that came in.
    fn transit(&self, bytes: &[u8], port: PortIx) -> Result<Transit, Refusal> {
        let refuse = |reason| Refusal { why: Drop::at(port, reason), error: None };
        let transit = if bytes.first().is_some_and(|first| first >> 4 == 4) {
            let packet = ipv4::Packet::new_checked(bytes).map_err(|_| refuse(DropReason::Malformed))?;
            if !packet.verify_checksum() {
                return Err(refuse(DropReason::BadChecksum));
            }
            let (src, dst) = (packet.src(), packet.dst());
            let ends = usize::from(packet.fragment_offset()) + packet.payload().len();
            // Senders that no packet on a wire can have (RFC 1812 section 5.3.7), this stack's own addresses among them.
            let martian = src.is_multicast() || src.is_broadcast() || src.is_loopback() || src.is_unspecified();
            if martian || self.is_own(src.into()) || dst.is_unspecified() || ends > usize::from(u16::MAX) {
                return Err(refuse(DropReason::Malformed));
            }
            // RFC 3927 section 7: no router forwards them.
            if src.is_link_local() || dst.is_link_local() {
                return Err(refuse(DropReason::NoRoute));
            }
            let (size, dont_fragment) = (packet.total_len(), packet.dont_fragment());
            Transit { dst: dst.into(), ttl: packet.ttl(), size, dont_fragment }
        } else {
            let packet = ipv6::Packet::new_checked(bytes).map_err(|_| refuse(DropReason::Malformed))?;
            let (src, dst) = (packet.src(), packet.dst());
            let martian = src.is_multicast() || src.is_loopback() || src.is_unspecified();
            if martian || self.is_own(src.into()) || dst.is_unspecified() {
                return Err(refuse(DropReason::Malformed));
            }
            // RFC 4291 section 2.5.6: not beyond their link.
            if src.is_unicast_link_local() {
                return Err(refuse(DropReason::NoRoute));
            }
            let size = ipv6::HEADER_SIZE + packet.payload_len();
            Transit { dst: dst.into(), ttl: packet.hop_limit(), size, dont_fragment: true }
        };
        if transit.ttl <= 1 {
            let error = Some(IcmpError::TimeExceeded);
            return Err(Refusal { why: Drop::at(port, DropReason::TtlExpired), error });
        }
        Ok(transit)
    }

    /// Where a packet goes on, if it fits there.
    fn routed(&self, transit: &Transit, port: PortIx, at: usize, frame: &Frame) -> Result<crate::NextHop, Refusal> {
        let hop = self
            .routes
            .lookup(transit.dst)
            .ok_or(Refusal { why: Drop::at(port, DropReason::NoRoute), error: Some(IcmpError::NoRoute) })?;
        let interface = self.interfaces.get(hop.interface);
        let offload = frame.offload();
        // A super-frame leaves as its segments.
        let size = match frame.is_segmented() {
            true => (offload.header_len as usize).saturating_sub(at) + usize::from(offload.segment_size),
            false => transit.size,
        };
        if transit.dont_fragment && size > usize::from(interface.mtu) {
            let args = DropArgs::Size { len: size as u32, limit: interface.mtu.into() };
            let why = Drop::at(interface.port, DropReason::MtuExceeded).with(args);
            return Err(Refusal { why, error: Some(IcmpError::TooBig(interface.mtu.into())) });
        }
        Ok(hop)
    }

    /// The frame with one hop less and the Ethernet header of the interface that it leaves by.
    fn turned(&self, cx: &mut Cx<'_>, to: IfIx, at: usize, mut frame: Frame, size: usize) -> Frame {
        let interface = self.interfaces.get(to);
        let header = interface.header_size();
        frame.truncate(at + size);
        if header > at {
            frame.prepend(cx.pool, header - at);
        } else {
            frame.trim_front(at - header);
        }
        let bytes = frame.bytes_mut(cx.pool);
        if let Ok(mut packet) = ipv4::Packet::new_header(&mut bytes[header..]) {
            packet.set_ttl(packet.ttl().saturating_sub(1));
            emit_ethernet(bytes, interface, EtherType::IPV4);
        } else if let Ok(mut packet) = ipv6::Packet::new_header(&mut bytes[header..]) {
            packet.set_hop_limit(packet.hop_limit().saturating_sub(1));
            emit_ethernet(bytes, interface, EtherType::IPV6);
        }
        frame
    }

    /// Drops a packet of somebody else that waited for its next hop in vain, and tells its sender.
    #[cold]
    pub(crate) fn undelivered(
        &mut self,
        cx: &mut Cx<'_>,
        ix: IfIx,
        frame: Frame,
        reason: DropReason,
        upper: &mut impl Upper,
    ) {
        let at = self.interfaces.get(ix).header_size();
        if reason == DropReason::NoNeighbor && frame.len() > at {
            self.send_transit_error(cx, &frame[at..], frame.tag(), IcmpError::HostUnreachable, upper);
        }
        self.kill(cx, ix, frame, reason);
    }

    /// Tells a packet's sender what is wrong, if that may be told (RFC 1122 section 3.2.2, RFC 4443 section 2.4): not of
    /// an error, nor of a fragment other than the first.
    #[cold]
    fn send_transit_error(
        &mut self,
        cx: &mut Cx<'_>,
        packet: &[u8],
        tag: sim_core::Tag,
        error: IcmpError,
        upper: &mut impl Upper,
    ) {
        let Some(to) = error_receiver(packet) else { return };
        let Some(hop) = self.hop(to, None) else { return };
        let Some(src) = self.source(hop, to) else { return };
        self.emit_error(cx, Some(hop), src, to, packet, tag, error, upper);
    }
}

/// Bytes of the packet by its own header, as far as that can be read.
fn packet_size(bytes: &[u8]) -> usize {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => ipv4::Packet::new_header(bytes).map_or(bytes.len(), |packet| packet.total_len()),
        _ => ipv6::Packet::new_header(bytes).map_or(bytes.len(), |packet| ipv6::HEADER_SIZE + packet.payload_len()),
    }
}

/// Whom to tell of a packet's end, if anybody may be.
fn error_receiver(bytes: &[u8]) -> Option<IpAddr> {
    if bytes.first()? >> 4 == 4 {
        let packet = ipv4::Packet::new_header(bytes).ok()?;
        let is_error = packet.protocol() == IpProtocol::ICMP
            && !matches!(
                packet.payload().first(),
                Some(&(icmpv4::kind::ECHO_REQUEST | icmpv4::kind::ECHO_REPLY | 13..=18))
            );
        return (packet.fragment_offset() == 0 && !is_error).then(|| packet.src().into());
    }
    let packet = ipv6::Packet::new_header(bytes).ok()?;
    let upper = ipv6_ext::walk(packet.next_header(), packet.payload())?;
    let later = upper.fragment.is_some_and(|fragment| fragment.offset != 0);
    // Types below 128 are errors (RFC 4443 section 2.1).
    let is_error = upper.protocol == IpProtocol::ICMPV6 && upper.payload.first().is_none_or(|kind| *kind < 128);
    (!later && !is_error).then(|| packet.src().into())
}
