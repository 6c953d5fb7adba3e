//! ARP (RFC 826; address probes: RFC 5227).
//!
//! What comes in is merged in RFC 826's order: a sender that is known is updated, one that asks for this stack or
//! answers it is entered. As in Linux, an address is answered for on any interface. Nothing is announced unasked.

use core::net::{IpAddr, Ipv4Addr};

use packet::wire::arp;
use packet::{EtherType, MacAddr};
use sim_core::{Cx, DropReason, Tag};

use crate::interface::IfIx;
use crate::neighbors::{Learn, NeighborKey, Overheard, Waiting};
use crate::receive::Verdict;
use crate::send::emit_ethernet;
use crate::{Stack, Upper};

impl Stack {
    pub(crate) fn receive_arp(
        &mut self,
        cx: &mut Cx<'_>,
        ix: IfIx,
        bytes: &[u8],
        tag: Tag,
        upper: &mut impl Upper,
    ) -> Verdict {
        let packet = arp::Packet::new_checked(bytes).map_err(|_| DropReason::Malformed)?;
        let arp::Repr { operation, sender_mac, sender_ip, target_ip, .. } = arp::Repr::parse(&packet);
        if sender_mac.is_multicast() || sender_mac.is_zero() {
            return Err(DropReason::Malformed);
        }
        let for_us = self.interfaces.own(target_ip.into());
        if is_station(sender_ip) && !self.interfaces.own(sender_ip.into()) {
            let key = NeighborKey { interface: ix, address: sender_ip.into() };
            if for_us {
                self.learn(cx, key, sender_mac, Learn::Create, upper);
            } else if self.neighbors.overhear(key, sender_mac, cx.now) == Overheard::Awaited {
                self.learn(cx, key, sender_mac, Learn::Update, upper);
            }
        }
        if operation == arp::Operation::REQUEST && for_us {
            let reply = arp::Repr {
                operation: arp::Operation::REPLY,
                sender_mac: self.interfaces.get(ix).mac,
                sender_ip: target_ip,
                target_mac: sender_mac,
                target_ip: sender_ip,
            };
            self.send_arp(cx, ix, sender_mac, &reply, tag);
        }
        Ok(())
    }

    /// Asks for a neighbour, to all. `src` speaks if the interface has no address of the neighbour's subnet.
    pub(crate) fn ask_arp(&mut self, cx: &mut Cx<'_>, ix: IfIx, target_ip: Ipv4Addr, src: Option<IpAddr>, tag: Tag) {
        let interface = self.interfaces.get(ix);
        let sender_ip = match interface.source_for(target_ip.into()).or(src) {
            Some(IpAddr::V4(ip)) => ip,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let request = arp::Repr {
            operation: arp::Operation::REQUEST,
            sender_mac: interface.mac,
            sender_ip,
            target_mac: MacAddr::ZERO,
            target_ip,
        };
        self.send_arp(cx, ix, MacAddr::BROADCAST, &request, tag);
    }

    /// Sends an ARP packet.
    fn send_arp(&mut self, cx: &mut Cx<'_>, ix: IfIx, to: MacAddr, packet: &arp::Repr, tag: Tag) {
        let interface = self.interfaces.get(ix);
        let at = interface.header_size();
        let mut frame = cx.pool.zeroed(at + arp::SIZE);
        frame.set_tag(tag);
        let bytes = frame.bytes_mut(cx.pool);
        emit_ethernet(bytes, interface, EtherType::ARP);
        packet.emit(&mut bytes[at..]);
        self.transmit(cx, ix, to, frame);
    }

    /// Enters a neighbour and sends what waited for it.
    pub(crate) fn learn(
        &mut self,
        cx: &mut Cx<'_>,
        key: NeighborKey,
        mac: MacAddr,
        learn: Learn,
        upper: &mut impl Upper,
    ) {
        let (waiting, evicted) = self.neighbors.learn(key, mac, cx.now, learn);
        self.resolved(cx, key, mac, waiting, evicted, upper);
    }

    /// Sends what waited for a neighbour; drops what waited for the one whose place it took.
    pub(crate) fn resolved(
        &mut self,
        cx: &mut Cx<'_>,
        key: NeighborKey,
        mac: MacAddr,
        waiting: Waiting,
        evicted: Option<(NeighborKey, Waiting)>,
        upper: &mut impl Upper,
    ) {
        if let Some((key, waiting)) = evicted {
            self.unsent(cx, key, waiting, DropReason::NoNeighbor, upper);
        }
        for frame in waiting.into_iter().flatten() {
            self.transmit(cx, key.interface, mac, frame);
        }
    }
}

/// Whether a station can have this address; an address probe comes from 0.0.0.0.
fn is_station(ip: Ipv4Addr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast() && !ip.is_loopback()
}
