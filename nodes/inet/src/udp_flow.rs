//! A stream of equal UDP datagrams, for traffic sources: the whole frame is made once and copied for each datagram,
//! with what changes (the identification and the header checksum of IPv4) patched.
//!
//! The frame made counts as long as the routes, the addresses and the neighbours of the stack are what they were.

use core::net::IpAddr;

use packet::IpProtocol;
use packet::wire::{checksum, udp};
use sim_core::{Cx, Tag, Time};

use crate::interface::IfIx;
use crate::neighbors::NeighborKey;
use crate::send::{Outgoing, SendError, count_tx};
use crate::transport::pseudo;
use crate::{Stack, Upper};

/// A stream of UDP datagrams from one port to another, all with the same data.
#[derive(Debug)]
pub struct UdpFlow {
    to: IpAddr,
    src_port: u16,
    dst_port: u16,
    data: Vec<u8>,
    tag: Tag,
    ready: Option<Ready>,
}

/// The frame as it goes on the wire, while it counts.
#[derive(Debug)]
struct Ready {
    bytes: Vec<u8>,
    interface: IfIx,
    /// Where the IPv4 header begins; `None` for IPv6, which has nothing to patch.
    ipv4_at: Option<usize>,
    /// The versions of the stack and its neighbours for which the frame was made.
    versions: (u64, u64),
    until: Time,
}

impl UdpFlow {
    /// A stream of datagrams that carry `data`.
    pub fn new(to: IpAddr, src_port: u16, dst_port: u16, data: Vec<u8>, tag: Tag) -> Self {
        Self { to, src_port, dst_port, data, tag, ready: None }
    }
}

impl Stack {
    /// Sends one datagram of a stream.
    #[inline]
    pub fn send_flow(&mut self, cx: &mut Cx<'_>, flow: &mut UdpFlow, upper: &mut impl Upper) -> Result<(), SendError> {
        let versions = (self.version, self.neighbors.version());
        match &flow.ready {
            Some(ready) if ready.versions == versions && cx.now < ready.until => {
                let mut frame = cx.pool.copied(&ready.bytes);
                if let Some(at) = ready.ipv4_at {
                    self.next_ident = self.next_ident.wrapping_add(1);
                    let ident = self.next_ident as u16;
                    let bytes = frame.bytes_mut(cx.pool);
                    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
                    let sum = checksum::update(word(at + 10), word(at + 4), ident);
                    bytes[at + 4..at + 6].copy_from_slice(&ident.to_be_bytes());
                    bytes[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
                }
                frame.set_tag(flow.tag);
                let interface = self.interfaces.get_mut(ready.interface);
                count_tx(interface, frame.len());
                cx.out.send(interface.port, frame);
                Ok(())
            }
            _ => self.send_flow_anew(cx, flow, upper),
        }
    }

    /// Makes the frame of a stream's datagrams and sends one.
    #[cold]
    fn send_flow_anew(&mut self, cx: &mut Cx<'_>, flow: &mut UdpFlow, upper: &mut impl Upper) -> Result<(), SendError> {
        flow.ready = None;
        let UdpFlow { to, src_port, dst_port, ref data, tag, .. } = *flow;
        let size = udp::HEADER_SIZE + data.len();
        if size > usize::from(u16::MAX) {
            return Err(SendError::TooLong);
        }
        let hop = self.hop(to, None).ok_or(SendError::NoRoute(to))?;
        let src = self.source(hop, to).ok_or(SendError::NoRoute(to))?;
        let outgoing = Outgoing { src, dst: to, protocol: IpProtocol::UDP, ttl: 64, dont_fragment: false, size, tag };
        let frame = self.packet(cx, hop.interface, &outgoing, |bytes| {
            udp::Repr { src_port, dst_port, payload: data }.emit(bytes, pseudo(src, to, IpProtocol::UDP, size));
        })?;
        let interface = self.interfaces.get(hop.interface);
        let at = interface.header_size();
        let fits = frame.len() <= at + usize::from(interface.mtu);
        let key = NeighborKey { interface: hop.interface, address: hop.address };
        let known = match self.group_mac(hop) {
            Some(mac) => Some((mac, Time::NEVER)),
            None => self.neighbors.lookup(key, cx.now),
        };
        if let Some((mac, until)) = known.filter(|_| fits) {
            let mut bytes = frame.to_vec();
            bytes[..6].copy_from_slice(&mac.0);
            let versions = (self.version, self.neighbors.version());
            let ipv4_at = to.is_ipv4().then_some(at);
            flow.ready = Some(Ready { bytes, interface: hop.interface, ipv4_at, versions, until });
        }
        self.output(cx, hop, frame, upper);
        Ok(())
    }
}
