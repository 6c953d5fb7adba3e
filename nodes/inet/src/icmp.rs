//! ICMP and ICMPv6 of an endpoint (RFC 792, RFC 1122 section 3.2.2, RFC 4443): echo, errors in and out.
//!
//! Errors leave at a limited rate, and never about an error, a group's or broadcast's packet, or a fragment other than
//! the first.

use core::net::IpAddr;

use packet::IpProtocol;
use packet::wire::{icmpv4, icmpv6};
use sim_core::{Cx, DropReason};

use crate::event::{Event, IcmpError, Quoted};
use crate::receive::{Incoming, Verdict};
use crate::send::{Outgoing, emit_echo};
use crate::{Stack, Upper};

/// The most bytes of a packet that an ICMP error quotes: 576 bytes in all (RFC 1812 section 4.3.2.3).
const QUOTED_V4: usize = 576 - 20 - icmpv4::HEADER_SIZE;
/// The same for ICMPv6: the least MTU in all (RFC 4443 section 3.1).
const QUOTED_V6: usize = 1280 - 40 - icmpv6::HEADER_SIZE;
/// The hop limit of what a stack sends of its own accord.
const TTL: u8 = 64;

impl Stack {
    pub(crate) fn receive_icmpv4(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        bytes: &[u8],
        upper: &mut impl Upper,
    ) -> Verdict {
        let message = icmpv4::Packet::new_checked(bytes).map_err(|_| DropReason::Malformed)?;
        if !incoming.unsummed && !message.verify_checksum() {
            return Err(DropReason::BadChecksum);
        }
        let message = icmpv4::Repr::parse(&message);
        match message {
            icmpv4::Repr::EchoRequest { ident, seq, data } => self.answer_echo(cx, incoming, ident, seq, data, upper),
            icmpv4::Repr::EchoReply { ident, seq, data } => {
                upper.event(cx, echo_reply(incoming, ident, seq, data));
                Ok(())
            }
            _ => self.received_error(cx, incoming, IcmpError::of_v4(&message), upper),
        }
    }

    pub(crate) fn receive_icmpv6(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        bytes: &[u8],
        upper: &mut impl Upper,
    ) -> Verdict {
        let message = icmpv6::Packet::new_checked(bytes).map_err(|_| DropReason::Malformed)?;
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (incoming.src, incoming.dst) else {
            return Err(DropReason::Malformed);
        };
        if !incoming.unsummed && !message.verify_checksum(src, dst) {
            return Err(DropReason::BadChecksum);
        }
        let kind = message.kind();
        let message = icmpv6::Repr::parse(&message);
        match message {
            icmpv6::Repr::EchoRequest { ident, seq, data } => self.answer_echo(cx, incoming, ident, seq, data, upper),
            icmpv6::Repr::EchoReply { ident, seq, data } => {
                upper.event(cx, echo_reply(incoming, ident, seq, data));
                Ok(())
            }
            icmpv6::Repr::Ndisc(ndisc) => self.receive_ndisc(cx, incoming, ndisc, upper),
            // Neighbour discovery that could not be read is invalid.
            icmpv6::Repr::Other { .. }
                if (icmpv6::kind::ROUTER_SOLICIT..=icmpv6::kind::NEIGHBOR_ADVERT).contains(&kind) =>
            {
                Err(DropReason::Malformed)
            }
            _ => self.received_error(cx, incoming, IcmpError::of_v6(&message), upper),
        }
    }

    /// Answers an echo request from the address that it was sent to, with its data and its tag.
    fn answer_echo(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        ident: u16,
        seq: u16,
        data: &[u8],
        upper: &mut impl Upper,
    ) -> Verdict {
        if !incoming.to_own || incoming.src.is_unspecified() {
            return Err(DropReason::NoListener);
        }
        let (src, dst) = (incoming.dst, incoming.src);
        let protocol = if dst.is_ipv4() { IpProtocol::ICMP } else { IpProtocol::ICMPV6 };
        let size = icmpv4::HEADER_SIZE + data.len();
        let outgoing = Outgoing { src, dst, protocol, ttl: TTL, dont_fragment: false, size, tag: incoming.tag };
        let hop = self.hop_back(incoming).ok_or(DropReason::NoRoute)?;
        self.send_packet(cx, hop, &outgoing, upper, |message| {
            emit_echo(message, src, dst, false, ident, seq, Some(data));
        })
        .map_err(|_| DropReason::NoRoute)
    }

    /// The way back to a packet's sender: by the routes, but to a link-local address by the interface it came in on.
    fn hop_back(&self, incoming: &Incoming<'_>) -> Option<crate::NextHop> {
        let link_local = matches!(incoming.src, IpAddr::V6(src) if src.is_unicast_link_local());
        self.hop(incoming.src, link_local.then_some(incoming.interface))
    }

    /// An error, or another message that an endpoint has no use for.
    fn received_error(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        error: Option<(IcmpError, &[u8])>,
        upper: &mut impl Upper,
    ) -> Verdict {
        let (error, quoted) = error.ok_or(DropReason::NoListener)?;
        let about = Quoted::parse(quoted).map_err(|_| DropReason::Malformed)?;
        if !self.is_local(about.src) {
            return Err(DropReason::NoListener);
        }
        upper.event(cx, Event::Error { from: incoming.src, error, about, tag: incoming.tag });
        Ok(())
    }

    /// Sends an ICMP error about a packet to its sender, if one may be sent and the rate limit lets it.
    #[cold]
    pub(crate) fn send_error(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        error: IcmpError,
        upper: &mut impl Upper,
    ) {
        if !incoming.to_own || incoming.src.is_unspecified() {
            return;
        }
        let hop = if self.is_local(incoming.src) {
            None
        } else {
            let Some(hop) = self.hop_back(incoming) else { return };
            Some(hop)
        };
        self.emit_error(cx, hop, incoming.dst, incoming.src, incoming.packet, incoming.tag, error, upper);
    }

    /// Sends an ICMP error about `packet` from an own address, if the rate limit lets it; without a hop to an own address.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "an error is all of these, and two callers have them")]
    pub(crate) fn emit_error(
        &mut self,
        cx: &mut Cx<'_>,
        hop: Option<crate::NextHop>,
        src: IpAddr,
        dst: IpAddr,
        packet: &[u8],
        tag: sim_core::Tag,
        error: IcmpError,
        upper: &mut impl Upper,
    ) {
        if !self.errors.take(cx.now) {
            return;
        }
        let most = if dst.is_ipv4() { QUOTED_V4 } else { QUOTED_V6 };
        let quoted = &packet[..packet.len().min(most)];
        let protocol = if dst.is_ipv4() { IpProtocol::ICMP } else { IpProtocol::ICMPV6 };
        let size = icmpv4::HEADER_SIZE + quoted.len();
        let outgoing = Outgoing { src, dst, protocol, ttl: TTL, dont_fragment: false, size, tag };
        let write = |bytes: &mut [u8]| match (src, dst) {
            (IpAddr::V6(src), IpAddr::V6(dst)) => error.to_v6(quoted).emit(bytes, src, dst),
            _ => error.to_v4(quoted).emit(bytes),
        };
        // An error that can't be sent leaves its cause as it was: the packet is dropped and counted either way.
        let _ = match hop {
            Some(hop) => self.send_packet(cx, hop, &outgoing, upper, write),
            None => self.send(cx, &outgoing, upper, write),
        };
    }
}

impl IcmpError {
    fn to_v4(self, quoted: &[u8]) -> icmpv4::Repr<'_> {
        use icmpv4::unreachable;
        let (code, mtu) = match self {
            Self::TimeExceeded => return icmpv4::Repr::TimeExceeded { code: 0, quoted },
            Self::ReassemblyTimeExceeded => return icmpv4::Repr::TimeExceeded { code: 1, quoted },
            Self::Other(kind, code) => return icmpv4::Repr::Other { kind, code, rest: 0, data: quoted },
            Self::NoRoute => (unreachable::NET, 0),
            Self::HostUnreachable => (unreachable::HOST, 0),
            Self::ProtocolUnreachable => (unreachable::PROTOCOL, 0),
            Self::PortUnreachable => (unreachable::PORT, 0),
            Self::Prohibited => (unreachable::PROHIBITED, 0),
            Self::TooBig(mtu) => (unreachable::FRAGMENTATION_NEEDED, u16::try_from(mtu).unwrap_or(u16::MAX)),
        };
        icmpv4::Repr::Unreachable { code, mtu, quoted }
    }

    fn to_v6(self, quoted: &[u8]) -> icmpv6::Repr<'_> {
        use icmpv6::unreachable;
        let code = match self {
            Self::TimeExceeded => return icmpv6::Repr::TimeExceeded { code: 0, quoted },
            Self::ReassemblyTimeExceeded => return icmpv6::Repr::TimeExceeded { code: 1, quoted },
            Self::TooBig(mtu) => return icmpv6::Repr::PacketTooBig { mtu, quoted },
            // The next header field, where there are no extension headers.
            Self::ProtocolUnreachable => return icmpv6::Repr::ParamProblem { code: 1, pointer: 6, quoted },
            Self::Other(kind, code) => return icmpv6::Repr::Other { kind, code, rest: 0, data: quoted },
            Self::NoRoute => unreachable::NO_ROUTE,
            Self::HostUnreachable => unreachable::ADDRESS,
            Self::PortUnreachable => unreachable::PORT,
            Self::Prohibited => unreachable::PROHIBITED,
        };
        icmpv6::Repr::Unreachable { code, quoted }
    }
}

fn echo_reply<'a>(incoming: &Incoming<'_>, ident: u16, seq: u16, data: &'a [u8]) -> Event<'a> {
    Event::EchoReply { from: incoming.src, ident, seq, ttl: incoming.ttl, data, tag: incoming.tag }
}
