//! Packets over IPv4: echo, UDP, ICMP errors.

use core::net::Ipv4Addr;

use super::over_ip::over_ip;
use crate::wire::checksum::pseudo_v4;
use crate::wire::{IpProtocol, icmpv4, ipv4, udp};

/// The most bytes of a packet that an ICMP error quotes: the error is at most 576 bytes long
/// (RFC 1812 section 4.3.2.3).
pub const QUOTE_MAX: usize = 576 - ipv4::HEADER_SIZE - icmpv4::HEADER_SIZE;

/// What a packet's header says beyond protocol and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The source address.
    pub src: Ipv4Addr,
    /// The destination address.
    pub dst: Ipv4Addr,
    /// The time to live in hops.
    pub ttl: u8,
    /// Differentiated services and congestion bits.
    pub tos: u8,
    /// The identification.
    pub ident: u16,
    /// True if routers must not fragment the packet.
    pub dont_fragment: bool,
}

impl Header {
    /// A header of time to live 64, type of service 0, identification 0, not to be fragmented.
    pub const fn new(src: Ipv4Addr, dst: Ipv4Addr) -> Self {
        Self { src, dst, ttl: 64, tos: 0, ident: 0, dont_fragment: true }
    }
}

/// Writes a header without options and returns the `payload_len` bytes behind it.
pub fn emit_header<'b>(
    buffer: &'b mut [u8],
    header: &Header,
    protocol: IpProtocol,
    payload_len: usize,
) -> &'b mut [u8] {
    let &Header { src, dst, ttl, tos, ident, dont_fragment } = header;
    let repr = ipv4::Repr {
        src,
        dst,
        protocol,
        ttl,
        tos,
        ident,
        dont_fragment,
        more_fragments: false,
        fragment_offset: 0,
        payload_len,
    };
    repr.emit(buffer);
    &mut buffer[ipv4::HEADER_SIZE..][..payload_len]
}

over_ip!(ipv4, icmpv4, pseudo_v4);

/// Why a packet could not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Destination unreachable with a code of [`icmpv4::unreachable`].
    Unreachable(u8),
    /// Too big for the next hop's MTU (in bytes), and not to be fragmented.
    FragmentationNeeded(u16),
    /// The time to live ended.
    TtlExceeded,
    /// Fragments did not arrive in time.
    ReassemblyTimeout,
}

/// Writes the error about a packet (from its IPv4 header on) and returns its size. The packet is
/// quoted up to [`QUOTE_MAX`] bytes.
pub fn emit_error(buffer: &mut [u8], header: &Header, error: Error, original: &[u8]) -> usize {
    let quoted = &original[..original.len().min(QUOTE_MAX)];
    let message = match error {
        Error::Unreachable(code) => icmpv4::Repr::Unreachable { code, mtu: 0, quoted },
        Error::FragmentationNeeded(mtu) => {
            let code = icmpv4::unreachable::FRAGMENTATION_NEEDED;
            icmpv4::Repr::Unreachable { code, mtu, quoted }
        }
        Error::TtlExceeded => icmpv4::Repr::TimeExceeded { code: 0, quoted },
        Error::ReassemblyTimeout => icmpv4::Repr::TimeExceeded { code: 1, quoted },
    };
    emit_icmp(buffer, header, &message)
}

/// Writes a packet with an ICMP message and returns its size.
pub fn emit_icmp(buffer: &mut [u8], header: &Header, message: &icmpv4::Repr<'_>) -> usize {
    let len = message.buffer_len();
    message.emit(emit_header(buffer, header, IpProtocol::ICMP, len));
    ipv4::HEADER_SIZE + len
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Echo;

    const HEADER: Header = Header::new(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn a_datagram_has_right_checksums() {
        let mut bytes = [0xaa; 33];
        let datagram = udp::Repr { src_port: 1000, dst_port: 53, payload: b"query" };
        assert_eq!(emit_udp(&mut bytes, &HEADER, &datagram), bytes.len());
        let ip = ipv4::Packet::new_checked(&bytes).unwrap();
        assert!(ip.verify_checksum());
        let pseudo = pseudo_v4(ip.src(), ip.dst(), ip.protocol(), ip.payload().len());
        let udp = udp::Packet::new_checked(ip.payload()).unwrap();
        assert!(udp.checksum() != 0 && udp.verify_checksum(pseudo));
        assert_eq!(udp::Repr::parse(&udp), datagram);
    }

    #[test]
    fn an_error_quotes_no_more_than_it_may() {
        let original = [0x45; 2000];
        let mut bytes = vec![0; error_len(original.len())];
        let size = emit_error(&mut bytes, &HEADER, Error::FragmentationNeeded(1400), &original);
        assert_eq!((size, bytes.len()), (576, 576));
        let ip = ipv4::Packet::new_checked(&bytes).unwrap();
        let icmp = icmpv4::Packet::new_checked(ip.payload()).unwrap();
        assert!(icmp.verify_checksum());
        assert!(matches!(icmpv4::Repr::parse(&icmp), icmpv4::Repr::Unreachable { code: 4, mtu: 1400, .. }));
        assert_eq!(error_len(28), 56);
    }

    #[test]
    fn an_echo_is_of_the_size_that_was_told() {
        let mut bytes = [0; echo_len(56)];
        let echo = Echo { request: true, ident: 1, seq: 2 };
        assert_eq!(emit_echo(&mut bytes, &HEADER, echo, &[7; 56]), 84);
        let ip = ipv4::Packet::new_checked(&bytes).unwrap();
        let icmp = icmpv4::Packet::new_checked(ip.payload()).unwrap();
        assert_eq!(icmpv4::Repr::parse(&icmp), icmpv4::Repr::EchoRequest { ident: 1, seq: 2, data: &[7; 56] });
    }
}
