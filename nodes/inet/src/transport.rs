//! What transport protocols above the stack send, and packets to own addresses.
//!
//! A packet to an address of the stack itself never reaches a wire. It comes back after [`LOOPBACK_DELAY`], one after
//! the other as over a link of 10 Gbit/s, so that a host that talks to itself takes time as others do.

use core::net::IpAddr;
use std::collections::VecDeque;

use packet::IpProtocol;
use packet::wire::{checksum, ipv4, ipv6, ipv6_ext, udp};
use sim_core::{Cx, DropReason, Duration, Frame, Tag, Time};

use crate::interface::IfIx;
use crate::neighbors::{NeighborKey, NeighborState};
use crate::receive::{Incoming, Verdict};
use crate::send::{Outgoing, SendError};
use crate::{Stack, Upper};

/// How long a packet to an own address takes.
pub const LOOPBACK_DELAY: Duration = Duration::from_micros(10);
/// The most packets to own addresses on their way; one more is dropped.
pub const MAX_LOOPED: usize = 1000;

/// A UDP datagram to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Whom to.
    pub to: IpAddr,
    /// The own port.
    pub src_port: u16,
    /// The other's port.
    pub dst_port: u16,
    /// The time to live, or hop limit.
    pub ttl: u8,
    /// The data, at most 65507 bytes.
    pub data: &'a [u8],
    /// Marks its frames.
    pub tag: Tag,
}

/// Packets to own addresses on their way, the first to arrive first.
#[derive(Debug, Default)]
pub(crate) struct Loopback {
    packets: VecDeque<(Time, IfIx, Frame)>,
    busy_until: Time,
}

impl Loopback {
    #[inline]
    pub(crate) fn next_wake(&self) -> Time {
        self.packets.front().map_or(Time::NEVER, |(at, ..)| *at)
    }

    fn pop(&mut self, now: Time) -> Option<(IfIx, Frame)> {
        self.packets.pop_front_if(|(at, ..)| *at <= now).map(|(_, ix, frame)| (ix, frame))
    }
}

impl Stack {
    /// The MTU in bytes of the interface by which packets to `dst` leave.
    pub fn mtu_to(&self, dst: IpAddr) -> Option<u16> {
        let ix = if self.is_local(dst) { self.owner(dst)? } else { self.hop(dst, None)?.interface };
        Some(self.interface(ix).mtu())
    }

    /// Whether the MAC address of the next hop to `dst` is known, so that a packet would leave at once.
    pub fn is_resolved(&self, dst: IpAddr, now: Time) -> bool {
        if self.is_local(dst) {
            return true;
        }
        let Some(hop) = self.hop(dst, None) else { return false };
        let key = NeighborKey { interface: hop.interface, address: hop.address };
        let known = || matches!(self.neighbors.state(key, now), Some(NeighborState::Reachable(..)));
        self.group_mac(hop).is_some() || known()
    }

    /// Sends a packet of a layer above, `write` filling in what is behind the IP header. What keeps it from leaving
    /// later is an [`Event`](crate::Event).
    ///
    /// # Errors
    /// If no route leads there, or the packet is too long for it.
    pub fn send(
        &mut self,
        cx: &mut Cx<'_>,
        outgoing: &Outgoing,
        upper: &mut impl Upper,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), SendError> {
        let dst = outgoing.dst;
        if self.is_local(dst) {
            let ix = self.owner(dst).ok_or(SendError::NoRoute(dst))?;
            // No link, no MTU.
            let frame = self.packet(cx, ix, &Outgoing { dont_fragment: false, ..*outgoing }, write)?;
            self.turn_back(cx, ix, frame);
            return Ok(());
        }
        let hop = self.hop(dst, None).ok_or(SendError::NoRoute(dst))?;
        self.send_packet(cx, hop, outgoing, upper, write)
    }

    /// Sends a UDP datagram, in fragments if it is longer than the MTU.
    ///
    /// # Errors
    /// If no route leads there, or the datagram is longer than an IP packet can be.
    pub fn send_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        datagram: &Datagram<'_>,
        upper: &mut impl Upper,
    ) -> Result<(), SendError> {
        let Datagram { to: dst, src_port, dst_port, ttl, data, tag } = *datagram;
        let size = udp::HEADER_SIZE + data.len();
        if size > usize::from(u16::MAX) {
            return Err(SendError::TooLong);
        }
        let src = self.source_to(dst, None).ok_or(SendError::NoRoute(dst))?;
        let outgoing = Outgoing { src, dst, protocol: IpProtocol::UDP, ttl, dont_fragment: false, size, tag };
        self.send(cx, &outgoing, upper, |bytes| {
            udp::Repr { src_port, dst_port, payload: data }.emit(bytes, pseudo(src, dst, IpProtocol::UDP, size));
        })
    }

    /// Takes in the packets to own addresses that have arrived.
    pub(crate) fn receive_looped(&mut self, cx: &mut Cx<'_>, upper: &mut impl Upper) {
        while let Some((ix, frame)) = self.loopback.pop(cx.now) {
            let at = self.interface(ix).header_size();
            if let Err(reason) = self.receive_own(cx, ix, &frame[at..], frame.tag(), upper) {
                self.kill(cx, ix, frame, reason);
            }
        }
    }

    fn receive_own(
        &mut self,
        cx: &mut Cx<'_>,
        interface: IfIx,
        packet: &[u8],
        tag: Tag,
        upper: &mut impl Upper,
    ) -> Verdict {
        let six = packet.first().is_some_and(|first| first >> 4 == 6);
        let (src, dst, ttl, protocol, payload): (IpAddr, IpAddr, _, _, _) = if six {
            let header = ipv6::Packet::new_checked(packet).map_err(|_| DropReason::Malformed)?;
            let above =
                ipv6_ext::walk(header.next_header(), &packet[ipv6::HEADER_SIZE..]).ok_or(DropReason::Malformed)?;
            (header.src().into(), header.dst().into(), header.hop_limit(), above.protocol, above.payload)
        } else {
            let header = ipv4::Packet::new_checked(packet).map_err(|_| DropReason::Malformed)?;
            let payload = &packet[header.header_len()..header.total_len()];
            (header.src().into(), header.dst().into(), header.ttl(), header.protocol(), payload)
        };
        let to_own = self.is_local(dst);
        let incoming = Incoming { interface, src, dst, ttl, to_own, packet, unsummed: false, tag };
        self.receive_upper(cx, &incoming, protocol, payload, upper)
    }

    /// Puts a packet to an own address on its way.
    pub(crate) fn turn_back(&mut self, cx: &mut Cx<'_>, ix: IfIx, frame: Frame) {
        if self.loopback.packets.len() >= MAX_LOOPED {
            return self.kill(cx, ix, frame, DropReason::QueueFull);
        }
        // 10 Gbit/s are 0.8 ns a byte.
        let takes = Duration::from_nanos((frame.len() as u64 * 4).div_ceil(5));
        let end = self.loopback.busy_until.max(cx.now) + takes;
        self.loopback.busy_until = end;
        self.loopback.packets.push_back((end + LOOPBACK_DELAY, ix, frame));
    }

    /// The interface that an own address is of, the first for a loopback address.
    pub(crate) fn owner(&self, address: IpAddr) -> Option<IfIx> {
        let owns = self.interfaces().iter().position(|interface| interface.owns(address));
        let loopback = || (address.is_loopback() && !self.interfaces().is_empty()).then_some(0);
        owns.or_else(loopback).map(|at| IfIx(at as u32))
    }
}

/// The sum of the pseudo header of a transport protocol; `size` counts the bytes behind the IP header.
pub fn pseudo(src: IpAddr, dst: IpAddr, protocol: IpProtocol, size: usize) -> checksum::Sum {
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => checksum::pseudo_v4(src, dst, protocol, size),
        (IpAddr::V6(src), IpAddr::V6(dst)) => checksum::pseudo_v6(src, dst, protocol, size),
        _ => checksum::Sum::new(),
    }
}
