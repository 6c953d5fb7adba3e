//! Neighbour discovery (RFC 4861): solicitations and advertisements of neighbours. Routers' messages are not for a
//! stack that is configured by hand.
//!
//! As in Linux, only the interface that has an address answers for it.

use core::net::{IpAddr, Ipv6Addr};

use packet::wire::ndisc::{NeighborFlags, Repr};
use packet::wire::{icmpv6, ipv6};
use packet::{IpProtocol, MacAddr};
use sim_core::{Cx, DropReason, Tag};

use crate::interface::IfIx;
use crate::neighbors::{Learn, NeighborKey, NeighborState};
use crate::receive::{Incoming, Verdict};
use crate::routes::NextHop;
use crate::send::Outgoing;
use crate::{Stack, Upper};

/// ff02::1: who asks without an address is answered there.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

impl Stack {
    /// A message whose checksum is right. Those that RFC 4861 sections 7.1.1 and 7.1.2 call invalid are dropped.
    pub(crate) fn receive_ndisc(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        message: Repr,
        upper: &mut impl Upper,
    ) -> Verdict {
        if incoming.ttl != 255 {
            return Err(DropReason::Malformed);
        }
        match message {
            Repr::NeighborSolicit { target, lladdr } => self.solicited(cx, incoming, target, lladdr, upper),
            Repr::NeighborAdvert { flags, target, lladdr } => {
                self.advertised(cx, incoming, flags, target, lladdr, upper)
            }
            Repr::RouterSolicit { .. } | Repr::RouterAdvert { .. } => Err(DropReason::NoListener),
        }
    }

    /// Asks for a neighbour, at its solicited-node group (RFC 4861 section 7.2.2). An interface without an address of
    /// IPv6 asks from `src`; without that it can't.
    pub(crate) fn ask_ndisc(&mut self, cx: &mut Cx<'_>, ix: IfIx, target: Ipv6Addr, src: Option<IpAddr>, tag: Tag) {
        let interface = self.interfaces.get(ix);
        if let Some(IpAddr::V6(src)) = interface.source_for(target.into()).or(src) {
            let message = Repr::NeighborSolicit { target, lladdr: Some(interface.mac) };
            let dst = ipv6::solicited_node(target);
            self.send_ndisc_to_group(cx, ix, src, dst, message, tag);
        }
    }

    /// Sends a message to a group.
    fn send_ndisc_to_group(
        &mut self,
        cx: &mut Cx<'_>,
        ix: IfIx,
        src: Ipv6Addr,
        dst: Ipv6Addr,
        message: Repr,
        tag: Tag,
    ) {
        let outgoing = outgoing(src, dst, &message, tag);
        let made = self.packet(cx, ix, &outgoing, |bytes| icmpv6::Repr::Ndisc(message).emit(bytes, src, dst));
        if let Ok(frame) = made {
            self.transmit(cx, ix, MacAddr::ipv6_multicast(dst), frame);
        }
    }

    fn solicited(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        target: Ipv6Addr,
        lladdr: Option<MacAddr>,
        upper: &mut impl Upper,
    ) -> Verdict {
        let (ix, tag) = (incoming.interface, incoming.tag);
        let IpAddr::V6(src) = incoming.src else { return Err(DropReason::Malformed) };
        let probe = src.is_unspecified();
        if target.is_multicast() || (probe && (lladdr.is_some() || incoming.to_own)) {
            return Err(DropReason::Malformed);
        }
        if !self.interfaces.get(ix).owns(target.into()) {
            return Ok(());
        }
        let key = NeighborKey { interface: ix, address: src.into() };
        if let Some(mac) = lladdr.filter(|mac| mac.is_unicast() && !self.interfaces.own(key.address)) {
            self.learn(cx, key, mac, Learn::Create, upper);
        }
        let flags = NeighborFlags { router: self.forwarding.ipv6, solicited: !probe, override_: true };
        let advert = Repr::NeighborAdvert { flags, target, lladdr: Some(self.interfaces.get(ix).mac) };
        if probe {
            self.send_ndisc_to_group(cx, ix, target, ALL_NODES, advert, tag);
            return Ok(());
        }
        let outgoing = outgoing(target, src, &advert, tag);
        let hop = NextHop { interface: ix, address: src.into() };
        self.send_packet(cx, hop, &outgoing, upper, |bytes| {
            icmpv6::Repr::Ndisc(advert).emit(bytes, target, src);
        })
        .map_err(|_| DropReason::NoRoute)
    }

    fn advertised(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        flags: NeighborFlags,
        target: Ipv6Addr,
        lladdr: Option<MacAddr>,
        upper: &mut impl Upper,
    ) -> Verdict {
        if target.is_multicast() || (flags.solicited && !incoming.to_own) {
            return Err(DropReason::Malformed);
        }
        let key = NeighborKey { interface: incoming.interface, address: target.into() };
        // RFC 4861 section 7.2.5: without an address it tells nothing new; without "override" it doesn't replace one.
        let Some(mac) = lladdr.filter(|mac| mac.is_unicast()) else { return Ok(()) };
        let replaces = match self.neighbors.state(key, cx.now) {
            Some(NeighborState::Reachable(known, _) | NeighborState::Stale(known)) => flags.override_ || known == mac,
            Some(NeighborState::Incomplete) => true,
            None => false,
        };
        if replaces {
            self.learn(cx, key, mac, Learn::Update, upper);
        }
        Ok(())
    }
}

/// The packet that carries a message, with the hop limit of 255 that they all have.
fn outgoing(src: Ipv6Addr, dst: Ipv6Addr, message: &Repr, tag: Tag) -> Outgoing {
    Outgoing {
        src: src.into(),
        dst: dst.into(),
        protocol: IpProtocol::ICMPV6,
        ttl: 255,
        dont_fragment: false,
        size: message.buffer_len(),
        tag,
    }
}
