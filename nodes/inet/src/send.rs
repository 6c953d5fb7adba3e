//! The way out: route, source address, neighbour, fragments.
//!
//! ```text
//! send_echo, replies, errors, flows
//!    -> hop: route and next hop
//!    -> packet: a pool frame in its final form, but for the destination MAC address
//!    -> output: the neighbour's MAC address, else the frame waits and the neighbour is asked for
//!    -> transmit: in fragments if it is longer than the MTU
//! ```

use core::net::{IpAddr, Ipv4Addr};

use packet::wire::{VlanTag, checksum, icmpv4, icmpv6, ipv4, ipv6};
use packet::{EtherType, IpProtocol, MacAddr};
use sim_core::{Cx, DropReason, Frame, PortIx, Tag, frame};

use crate::event::{Event, Quoted};
use crate::interface::{IfIx, Interface};
use crate::neighbors::{NeighborKey, NeighborState, Waiting};
use crate::routes::NextHop;
use crate::{Stack, Upper};

/// An echo request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Whom to.
    pub to: IpAddr,
    /// Which sender.
    pub ident: u16,
    /// Which request of it.
    pub seq: u16,
    /// Bytes of data, each one more than that before it; the first is 0.
    pub size: u16,
    /// The time to live, or hop limit.
    pub ttl: u8,
    /// Whether it must not be fragmented. IPv4 only.
    pub dont_fragment: bool,
    /// Marks its frames.
    pub tag: Tag,
    /// The interface to send by, if not the one that the routes name.
    pub interface: Option<IfIx>,
}

impl Echo {
    /// The most bytes of data that a request to `to` can have.
    pub const fn max_size(to: IpAddr) -> u16 {
        if to.is_ipv4() { 65535 - 20 - 8 } else { 65535 - 8 }
    }
}

/// Why a packet can't be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No route leads there, or no own address of its family can speak.
    #[error("no route to {0}")]
    NoRoute(IpAddr),
    /// It is longer than the interface's MTU in bytes, and must not be fragmented.
    #[error("longer than the MTU of {0} bytes")]
    TooBig(u16),
    /// It is longer than any IP packet.
    #[error("longer than an IP packet can be")]
    TooLong,
}

/// An IP packet to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    /// An own address.
    pub src: IpAddr,
    /// Whom to.
    pub dst: IpAddr,
    /// What it carries.
    pub protocol: IpProtocol,
    /// The time to live, or hop limit.
    pub ttl: u8,
    /// Whether it must not be fragmented. IPv4 only.
    pub dont_fragment: bool,
    /// Bytes behind the IP header.
    pub size: usize,
    /// Marks its frames.
    pub tag: Tag,
}

impl Stack {
    /// Sends an echo request. What answers it, and what keeps it from leaving later, is an [`Event`].
    pub fn send_echo(&mut self, cx: &mut Cx<'_>, echo: &Echo, upper: &mut impl Upper) -> Result<(), SendError> {
        let Echo { to, ident, seq, size, ttl, dont_fragment, tag, interface } = *echo;
        if size > Echo::max_size(to) {
            return Err(SendError::TooLong);
        }
        let hop = self.hop(to, interface).ok_or(SendError::NoRoute(to))?;
        let src = self.source(hop, to).ok_or(SendError::NoRoute(to))?;
        let size = icmpv4::HEADER_SIZE + usize::from(size);
        let protocol = if to.is_ipv4() { IpProtocol::ICMP } else { IpProtocol::ICMPV6 };
        let outgoing = Outgoing { src, dst: to, protocol, ttl, dont_fragment, size, tag };
        self.send_packet(cx, hop, &outgoing, upper, |message| {
            for (i, byte) in message[icmpv4::HEADER_SIZE..].iter_mut().enumerate() {
                *byte = i as u8;
            }
            emit_echo(message, src, to, true, ident, seq, None);
        })
    }

    /// Whether a packet to `to` would find a route, and an own address to be from.
    pub fn reaches(&self, to: IpAddr, interface: Option<IfIx>) -> bool {
        self.hop(to, interface).is_some_and(|hop| self.source(hop, to).is_some())
    }

    /// The own address that a packet to `to` would be from; of an own address, that itself.
    pub fn source_to(&self, to: IpAddr, interface: Option<IfIx>) -> Option<IpAddr> {
        if self.is_local(to) {
            return Some(to);
        }
        self.hop(to, interface).and_then(|hop| self.source(hop, to))
    }

    /// Sends a frame out of a NIC as it is. Bytes beyond the longest frame are cut off.
    pub fn send_raw(&mut self, cx: &mut Cx<'_>, port: PortIx, bytes: &[u8], tag: Tag) {
        let mut frame = cx.pool.copied(&bytes[..bytes.len().min(frame::MAX_LEN)]);
        frame.set_tag(tag);
        if let Some(ix) = self.interfaces.physical(port) {
            count_tx(self.interfaces.get_mut(ix), frame.len());
        }
        cx.out.send(port, frame);
    }

    /// Where a packet to `dst` goes next. Groups without a route leave by the first interface that speaks the family.
    #[inline]
    pub(crate) fn hop(&self, dst: IpAddr, interface: Option<IfIx>) -> Option<NextHop> {
        let found = match interface {
            Some(ix) if ix.index() >= self.interfaces().len() => return None,
            Some(ix) => self.routes.lookup_on(dst, ix),
            None => self.routes.lookup(dst),
        };
        found.or_else(|| {
            let group = dst.is_multicast() || dst == IpAddr::V4(Ipv4Addr::BROADCAST);
            let speaks = |i: &Interface| i.routes() && i.addresses().iter().any(|own| own.is_ipv6() == dst.is_ipv6());
            let first = || self.interfaces().iter().position(speaks).map(|at| IfIx(at as u32));
            let interface = group.then(|| interface.or_else(first))??;
            Some(NextHop { interface, address: dst })
        })
    }

    /// The own address to speak to `dst` from.
    #[inline]
    pub(crate) fn source(&self, hop: NextHop, dst: IpAddr) -> Option<IpAddr> {
        let peer = if dst.is_ipv4() { hop.address } else { dst };
        self.interfaces.get(hop.interface).source_for(peer).or_else(|| {
            let linked = |own: &crate::Cidr| matches!(own.address(), IpAddr::V6(a) if a.is_unicast_link_local());
            let usable = |own: &crate::Cidr| own.is_ipv6() == dst.is_ipv6() && !linked(own);
            let speaking = self.addresses().filter(|(ix, _)| self.interfaces.get(*ix).routes());
            speaking.map(|(_, own)| own).find(usable).map(|own| own.address())
        })
    }

    /// Makes a packet in a pool frame, `write` filling in what is behind the IP header, and sends it.
    #[inline]
    pub(crate) fn send_packet(
        &mut self,
        cx: &mut Cx<'_>,
        hop: NextHop,
        outgoing: &Outgoing,
        upper: &mut impl Upper,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), SendError> {
        let frame = self.packet(cx, hop.interface, outgoing, write)?;
        self.output(cx, hop, frame, upper);
        Ok(())
    }

    /// Makes a packet in a pool frame; the destination MAC address is left open.
    #[inline]
    pub(crate) fn packet(
        &mut self,
        cx: &mut Cx<'_>,
        ix: IfIx,
        outgoing: &Outgoing,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<Frame, SendError> {
        let Outgoing { src, dst, protocol, ttl, dont_fragment, size, tag } = *outgoing;
        let interface = self.interfaces.get(ix);
        let (at, mtu) = (interface.header_size(), interface.mtu);
        let ip_header = if dst.is_ipv4() { ipv4::HEADER_SIZE } else { ipv6::HEADER_SIZE };
        let limit = if dst.is_ipv4() { 65535 - ipv4::HEADER_SIZE } else { 65535 };
        if size > limit {
            return Err(SendError::TooLong);
        }
        if dont_fragment && dst.is_ipv4() && ip_header + size > usize::from(mtu) {
            return Err(SendError::TooBig(mtu));
        }
        let mut frame = cx.pool.zeroed(at + ip_header + size);
        frame.set_tag(tag);
        let bytes = frame.bytes_mut(cx.pool);
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                emit_ethernet(bytes, interface, EtherType::IPV4);
                self.next_ident = self.next_ident.wrapping_add(1);
                let header = ipv4::Repr {
                    src,
                    dst,
                    protocol,
                    ttl,
                    tos: 0,
                    ident: self.next_ident as u16,
                    dont_fragment,
                    more_fragments: false,
                    fragment_offset: 0,
                    payload_len: size,
                };
                header.emit(&mut bytes[at..]);
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                emit_ethernet(bytes, interface, EtherType::IPV6);
                let header = ipv6::Repr {
                    src,
                    dst,
                    next_header: protocol,
                    hop_limit: ttl,
                    traffic_class: 0,
                    flow_label: 0,
                    payload_len: size,
                };
                header.emit(&mut bytes[at..]);
            }
            _ => return Err(SendError::NoRoute(dst)),
        }
        write(&mut bytes[at + ip_header..]);
        Ok(frame)
    }

    /// Sends a packet to its next hop, as soon as that is known.
    #[inline]
    pub(crate) fn output(&mut self, cx: &mut Cx<'_>, hop: NextHop, frame: Frame, upper: &mut impl Upper) {
        let key = NeighborKey { interface: hop.interface, address: hop.address };
        let known = match self.group_mac(hop) {
            Some(mac) => Some(mac),
            None => self.neighbors.lookup(key, cx.now).map(|(mac, _)| mac),
        };
        match known {
            Some(mac) => self.transmit(cx, hop.interface, mac, frame),
            None => self.wait(cx, key, frame, upper),
        }
    }

    /// The MAC address of a group or broadcast address.
    #[inline]
    pub(crate) fn group_mac(&self, hop: NextHop) -> Option<MacAddr> {
        match hop.address {
            IpAddr::V4(a) if a.is_multicast() => Some(MacAddr::ipv4_multicast(a)),
            IpAddr::V4(a) if self.interfaces.get(hop.interface).is_broadcast(a) => Some(MacAddr::BROADCAST),
            IpAddr::V6(a) if a.is_multicast() => Some(MacAddr::ipv6_multicast(a)),
            _ => None,
        }
    }

    /// Has a frame wait for its next hop, which is asked for if it isn't already.
    #[cold]
    fn wait(&mut self, cx: &mut Cx<'_>, key: NeighborKey, frame: Frame, upper: &mut impl Upper) {
        let tag = frame.tag();
        let src = Quoted::parse(&frame[self.interfaces.get(key.interface).header_size()..]).ok().map(|q| q.src);
        // What is forwarded is no address to ask from.
        let src = src.filter(|src| self.is_local(*src));
        let queued = self.neighbors.wait(key, cx.now, frame);
        if let Some((key, waiting)) = queued.evicted {
            self.unsent(cx, key, waiting, DropReason::NoNeighbor, upper);
        }
        if let Some(frame) = queued.displaced {
            self.unsent(cx, key, [Some(frame), None, None], DropReason::NoNeighbor, upper);
        }
        if queued.ask {
            self.ask(cx, key, src, tag);
        }
    }

    /// Drops what waited for a neighbour, and tells who sent it.
    #[cold]
    pub(crate) fn unsent(
        &mut self,
        cx: &mut Cx<'_>,
        key: NeighborKey,
        waiting: Waiting,
        reason: DropReason,
        upper: &mut impl Upper,
    ) {
        let at = self.interfaces.get(key.interface).header_size();
        for frame in waiting.into_iter().flatten() {
            let (tag, about) = (frame.tag(), Quoted::parse(&frame[at..]));
            match about {
                Ok(about) if self.is_local(about.src) => {
                    self.kill(cx, key.interface, frame, reason);
                    let displaced = self.neighbors.state(key, cx.now) == Some(NeighborState::Incomplete);
                    upper.event(cx, Event::Unsent { next_hop: key.address, displaced, about, tag });
                }
                _ => self.undelivered(cx, key.interface, frame, reason, upper),
            }
        }
    }

    /// Asks for a neighbour. `src` speaks if the interface has no address of the neighbour's subnet.
    pub(crate) fn ask(&mut self, cx: &mut Cx<'_>, key: NeighborKey, src: Option<IpAddr>, tag: Tag) {
        match key.address {
            IpAddr::V4(target) => self.ask_arp(cx, key.interface, target, src, tag),
            IpAddr::V6(target) => self.ask_ndisc(cx, key.interface, target, src, tag),
        }
    }

    /// Puts a frame on the wire, in fragments if its packet is longer than the MTU.
    #[inline]
    pub(crate) fn transmit(&mut self, cx: &mut Cx<'_>, ix: IfIx, to: MacAddr, mut frame: Frame) {
        let interface = self.interfaces.get_mut(ix);
        if !interface.admin_up {
            return self.kill(cx, ix, frame, DropReason::PortDown);
        }
        if frame.len() > interface.header_size() + usize::from(interface.mtu) && !frame.is_segmented() {
            return self.transmit_fragments(cx, ix, to, &frame);
        }
        frame.bytes_mut(cx.pool)[..6].copy_from_slice(&to.0);
        count_tx(interface, frame.len());
        cx.out.send(interface.port, frame);
    }
}

/// Writes the header of an echo message of either family over its data, which is there or copied from `data`, and
/// fills in the checksum.
pub(crate) fn emit_echo(
    message: &mut [u8],
    src: IpAddr,
    dst: IpAddr,
    request: bool,
    ident: u16,
    seq: u16,
    data: Option<&[u8]>,
) {
    let kind = match (dst.is_ipv4(), request) {
        (true, true) => icmpv4::kind::ECHO_REQUEST,
        (true, false) => icmpv4::kind::ECHO_REPLY,
        (false, true) => icmpv6::kind::ECHO_REQUEST,
        (false, false) => icmpv6::kind::ECHO_REPLY,
    };
    message[..4].copy_from_slice(&[kind, 0, 0, 0]);
    message[4..6].copy_from_slice(&ident.to_be_bytes());
    message[6..8].copy_from_slice(&seq.to_be_bytes());
    if let Some(data) = data {
        message[icmpv4::HEADER_SIZE..].copy_from_slice(data);
    }
    let sum = match (src, dst) {
        (IpAddr::V6(src), IpAddr::V6(dst)) => checksum::pseudo_v6(src, dst, IpProtocol::ICMPV6, message.len()),
        _ => checksum::Sum::new(),
    };
    let checksum = sum.bytes(message).checksum();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
}

/// Writes the Ethernet header, but for the destination, and the tag of a sub-interface.
#[inline]
pub(crate) fn emit_ethernet(bytes: &mut [u8], interface: &Interface, ethertype: EtherType) {
    bytes[6..12].copy_from_slice(&interface.mac.0);
    let mut at = 12;
    if let Some(vid) = interface.vlan {
        bytes[12..16].copy_from_slice(&VlanTag::customer(vid).to_bytes());
        at = 16;
    }
    bytes[at..at + 2].copy_from_slice(&ethertype.0.to_be_bytes());
}

#[inline]
pub(crate) fn count_tx(interface: &mut Interface, size: usize) {
    interface.counters.tx_frames += 1;
    interface.counters.tx_bytes += size as u64;
}
