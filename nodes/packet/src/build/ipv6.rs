//! Packets over IPv6: echo, UDP, ICMPv6 errors, neighbour solicitation and advertisement.

use core::net::Ipv6Addr;

use super::over_ip::over_ip;
use crate::wire::checksum::pseudo_v6;
use crate::wire::ndisc::{self, NeighborFlags};
use crate::wire::{IpProtocol, MacAddr, icmpv6, ipv6, udp};

/// The most bytes of a packet that an ICMPv6 error quotes: the error is at most 1280 bytes long
/// (RFC 4443 section 2.4).
pub const QUOTE_MAX: usize = 1280 - ipv6::HEADER_SIZE - icmpv6::HEADER_SIZE;

/// The size of a neighbour solicitation or advertisement with a MAC address.
pub const NEIGHBOR_LEN: usize = ipv6::HEADER_SIZE + 32;

/// What a packet's header says beyond protocol and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The source address.
    pub src: Ipv6Addr,
    /// The destination address.
    pub dst: Ipv6Addr,
    /// The hop limit.
    pub hop_limit: u8,
    /// The traffic class.
    pub traffic_class: u8,
    /// The flow label, of which 20 bits count.
    pub flow_label: u32,
}

impl Header {
    /// A header of hop limit 64, traffic class 0, flow label 0.
    pub const fn new(src: Ipv6Addr, dst: Ipv6Addr) -> Self {
        Self { src, dst, hop_limit: 64, traffic_class: 0, flow_label: 0 }
    }
}

/// Writes a header and returns the `payload_len` bytes behind it.
pub fn emit_header<'b>(
    buffer: &'b mut [u8],
    header: &Header,
    next_header: IpProtocol,
    payload_len: usize,
) -> &'b mut [u8] {
    let &Header { src, dst, hop_limit, traffic_class, flow_label } = header;
    ipv6::Repr { src, dst, next_header, hop_limit, traffic_class, flow_label, payload_len }.emit(buffer);
    &mut buffer[ipv6::HEADER_SIZE..][..payload_len]
}

over_ip!(ipv6, icmpv6, pseudo_v6);

/// Why a packet could not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Destination unreachable with a code of [`icmpv6::unreachable`].
    Unreachable(u8),
    /// Too big for the next hop's MTU (in bytes).
    TooBig(u32),
    /// The hop limit ended.
    HopLimitExceeded,
    /// Fragments did not arrive in time.
    ReassemblyTimeout,
}

/// Writes the error about a packet (from its IPv6 header on) and returns its size. The packet is
/// quoted up to [`QUOTE_MAX`] bytes.
pub fn emit_error(buffer: &mut [u8], header: &Header, error: Error, original: &[u8]) -> usize {
    let quoted = &original[..original.len().min(QUOTE_MAX)];
    let message = match error {
        Error::Unreachable(code) => icmpv6::Repr::Unreachable { code, quoted },
        Error::TooBig(mtu) => icmpv6::Repr::PacketTooBig { mtu, quoted },
        Error::HopLimitExceeded => icmpv6::Repr::TimeExceeded { code: 0, quoted },
        Error::ReassemblyTimeout => icmpv6::Repr::TimeExceeded { code: 1, quoted },
    };
    emit_icmp(buffer, header, &message)
}

/// Where a neighbour solicitation goes: the solicited-node group of the target, and the MAC
/// address of that group (RFC 4861 section 7.2.2).
pub const fn solicit_dst(target: Ipv6Addr) -> (MacAddr, Ipv6Addr) {
    let group = ipv6::solicited_node(target);
    (MacAddr::ipv6_multicast(group), group)
}

/// Writes the question who has `target`, sent to [`solicit_dst`], and returns its size,
/// [`NEIGHBOR_LEN`].
pub fn emit_solicit(buffer: &mut [u8], mac: MacAddr, src: Ipv6Addr, target: Ipv6Addr) -> usize {
    emit_solicit_to(buffer, mac, src, solicit_dst(target).1, target)
}

/// Writes the question whether `target`, at the address `dst`, is still there, and returns its
/// size, [`NEIGHBOR_LEN`].
pub fn emit_solicit_to(buffer: &mut [u8], mac: MacAddr, src: Ipv6Addr, dst: Ipv6Addr, target: Ipv6Addr) -> usize {
    emit_ndisc(buffer, src, dst, ndisc::Repr::NeighborSolicit { target, lladdr: Some(mac) })
}

/// Writes the answer that `mac` has `target`, and returns its size, [`NEIGHBOR_LEN`].
pub fn emit_advert(buffer: &mut [u8], mac: MacAddr, target: Ipv6Addr, dst: Ipv6Addr, flags: NeighborFlags) -> usize {
    let message = ndisc::Repr::NeighborAdvert { flags, target, lladdr: Some(mac) };
    emit_ndisc(buffer, target, dst, message)
}

/// Writes a message of neighbour discovery, with hop limit 255 (RFC 4861 section 4), and returns
/// the packet's size.
pub fn emit_ndisc(buffer: &mut [u8], src: Ipv6Addr, dst: Ipv6Addr, message: ndisc::Repr) -> usize {
    let header = Header { hop_limit: 255, ..Header::new(src, dst) };
    emit_icmp(buffer, &header, &icmpv6::Repr::Ndisc(message))
}

/// Writes a packet with an ICMPv6 message and returns its size.
pub fn emit_icmp(buffer: &mut [u8], header: &Header, message: &icmpv6::Repr<'_>) -> usize {
    let len = message.buffer_len();
    let rest = emit_header(buffer, header, IpProtocol::ICMPV6, len);
    message.emit(rest, header.src, header.dst);
    ipv6::HEADER_SIZE + len
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    const B: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x12, 0x3456);
    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    fn message(bytes: &[u8]) -> icmpv6::Repr<'_> {
        let ip = ipv6::Packet::new_checked(bytes).unwrap();
        assert_eq!(ipv6::HEADER_SIZE + ip.payload_len(), bytes.len());
        let payload = &bytes[ipv6::HEADER_SIZE..];
        let icmp = icmpv6::Packet::new_checked(payload).unwrap();
        assert!(icmp.verify_checksum(ip.src(), ip.dst()));
        icmpv6::Repr::parse(&icmp)
    }

    #[test]
    fn a_solicitation_goes_to_the_group_of_its_target() {
        let mut bytes = [0xaa; NEIGHBOR_LEN];
        assert_eq!(emit_solicit(&mut bytes, MAC, A, B), NEIGHBOR_LEN);
        let ip = ipv6::Packet::new_checked(&bytes).unwrap();
        assert_eq!((ip.dst().to_string().as_str(), ip.hop_limit()), ("ff02::1:ff12:3456", 255));
        assert_eq!(solicit_dst(B).0.to_string(), "33:33:ff:12:34:56");
        let expected = ndisc::Repr::NeighborSolicit { target: B, lladdr: Some(MAC) };
        assert_eq!(message(&bytes), icmpv6::Repr::Ndisc(expected));
    }

    #[test]
    fn an_advertisement_comes_from_its_target() {
        let flags = NeighborFlags { router: false, solicited: true, override_: true };
        let mut bytes = [0xaa; NEIGHBOR_LEN];
        assert_eq!(emit_advert(&mut bytes, MAC, B, A, flags), NEIGHBOR_LEN);
        assert_eq!(ipv6::Packet::new_checked(&bytes).unwrap().src(), B);
        let expected = ndisc::Repr::NeighborAdvert { flags, target: B, lladdr: Some(MAC) };
        assert_eq!(message(&bytes), icmpv6::Repr::Ndisc(expected));
    }

    #[test]
    fn an_error_quotes_no_more_than_it_may() {
        let original = [0x60; 2000];
        let mut bytes = vec![0; error_len(original.len())];
        let size = emit_error(&mut bytes, &Header::new(A, B), Error::TooBig(1400), &original);
        assert_eq!((size, bytes.len()), (1280, 1280));
        assert_eq!(message(&bytes), icmpv6::Repr::PacketTooBig { mtu: 1400, quoted: &original[..QUOTE_MAX] });
    }

    #[test]
    fn a_datagram_has_a_right_checksum() {
        let mut bytes = [0xaa; udp_len(3)];
        let datagram = udp::Repr { src_port: 1, dst_port: 2, payload: b"abc" };
        assert_eq!(emit_udp(&mut bytes, &Header::new(A, B), &datagram), bytes.len());
        let ip = ipv6::Packet::new_checked(&bytes).unwrap();
        let pseudo = pseudo_v6(A, B, IpProtocol::UDP, 11);
        assert!(udp::Packet::new_checked(ip.payload()).unwrap().verify_checksum(pseudo));
    }
}
