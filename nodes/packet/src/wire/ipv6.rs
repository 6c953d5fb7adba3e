//! The Internet protocol, version 6 (RFC 8200 section 3). Extension headers are in
//! [`ipv6_ext`](super::ipv6_ext).

use core::fmt;
use core::net::Ipv6Addr;

use super::{IpProtocol, Result, WireError, be16, be32, put16, put32};

/// The size of the fixed header in bytes.
pub const HEADER_SIZE: usize = 40;

/// The address at an offset. The caller has checked the bounds.
#[inline]
pub(crate) fn addr_at(bytes: &[u8], at: usize) -> Ipv6Addr {
    let octets = bytes[at..].first_chunk::<16>().expect("a view checks its size before it reads");
    Ipv6Addr::from(*octets)
}

/// The solicited-node multicast address of an address (RFC 4291 section 2.7.1).
pub const fn solicited_node(addr: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = addr.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | a as u16, (b as u16) << 8 | c as u16)
}

/// A view of an IPv6 packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold a whole packet: version 6, payload length within the bytes.
    /// What is behind the payload is padding. Jumbograms (RFC 2675) are read as packets without
    /// payload.
    pub fn new_checked(bytes: T) -> Result<Self> {
        let packet = Self::new_header(bytes)?;
        let needed = HEADER_SIZE + packet.payload_len();
        WireError::check_size("ip6", packet.bytes.as_ref(), needed)?;
        Ok(packet)
    }

    /// A view of bytes that hold the header but maybe not all of the packet, such as the packet
    /// that an ICMPv6 error quotes.
    pub fn new_header(bytes: T) -> Result<Self> {
        let b = bytes.as_ref();
        WireError::check_size("ip6", b, HEADER_SIZE)?;
        if b[0] >> 4 != 6 {
            return Err(WireError::field("ip6", "version", b[0] >> 4));
        }
        Ok(Self { bytes })
    }

    /// The bytes.
    pub fn into_inner(self) -> T {
        self.bytes
    }

    /// The traffic class: differentiated services and congestion bits.
    pub fn traffic_class(&self) -> u8 {
        (be16(self.bytes.as_ref(), 0) >> 4) as u8
    }

    /// The flow label, 20 bits.
    pub fn flow_label(&self) -> u32 {
        be32(self.bytes.as_ref(), 0) & 0xf_ffff
    }

    /// The size of extension headers and payload in bytes.
    pub fn payload_len(&self) -> usize {
        usize::from(be16(self.bytes.as_ref(), 4))
    }

    /// The number of the header behind this one.
    pub fn next_header(&self) -> IpProtocol {
        IpProtocol(self.bytes.as_ref()[6])
    }

    /// The hop limit.
    pub fn hop_limit(&self) -> u8 {
        self.bytes.as_ref()[7]
    }

    /// The source address.
    pub fn src(&self) -> Ipv6Addr {
        addr_at(self.bytes.as_ref(), 8)
    }

    /// The destination address.
    pub fn dst(&self) -> Ipv6Addr {
        addr_at(self.bytes.as_ref(), 24)
    }

    /// Extension headers and payload, without padding.
    pub fn payload(&self) -> &[u8] {
        let bytes = self.bytes.as_ref();
        &bytes[HEADER_SIZE..(HEADER_SIZE + self.payload_len()).min(bytes.len())]
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Sets the traffic class.
    pub fn set_traffic_class(&mut self, class: u8) {
        let bytes = self.bytes.as_mut();
        let word = be16(bytes, 0) & 0xf00f | u16::from(class) << 4;
        put16(bytes, 0, word);
    }

    /// Sets the flow label, of which 20 bits count.
    pub fn set_flow_label(&mut self, label: u32) {
        let bytes = self.bytes.as_mut();
        let word = be32(bytes, 0) & 0xfff0_0000 | label & 0xf_ffff;
        put32(bytes, 0, word);
    }

    /// Sets the hop limit.
    pub fn set_hop_limit(&mut self, hop_limit: u8) {
        self.bytes.as_mut()[7] = hop_limit;
    }

    /// Sets the source address. Checksums of the payload are left as they were.
    pub fn set_src(&mut self, src: Ipv6Addr) {
        self.bytes.as_mut()[8..24].copy_from_slice(&src.octets());
    }

    /// Sets the destination address. Checksums of the payload are left as they were.
    pub fn set_dst(&mut self, dst: Ipv6Addr) {
        self.bytes.as_mut()[24..40].copy_from_slice(&dst.octets());
    }

    /// Extension headers and payload, without padding.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let end = HEADER_SIZE + self.payload_len();
        let bytes = self.bytes.as_mut();
        let end = end.min(bytes.len());
        &mut bytes[HEADER_SIZE..end]
    }
}

/// An IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The source address.
    pub src: Ipv6Addr,
    /// The destination address.
    pub dst: Ipv6Addr,
    /// The number of the header behind this one.
    pub next_header: IpProtocol,
    /// The hop limit.
    pub hop_limit: u8,
    /// The traffic class.
    pub traffic_class: u8,
    /// The flow label, of which 20 bits count.
    pub flow_label: u32,
    /// The size of extension headers and payload in bytes, at most 65535.
    pub payload_len: usize,
}

impl Repr {
    /// The header of a packet.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            src: packet.src(),
            dst: packet.dst(),
            next_header: packet.next_header(),
            hop_limit: packet.hop_limit(),
            traffic_class: packet.traffic_class(),
            flow_label: packet.flow_label(),
            payload_len: packet.payload_len(),
        }
    }

    /// The size of the header in bytes.
    pub const fn buffer_len(&self) -> usize {
        HEADER_SIZE
    }

    /// Writes the header.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`] or the payload longer than 65535.
    pub fn emit(&self, buffer: &mut [u8]) {
        let len = u16::try_from(self.payload_len).expect("a payload fits in 65535 bytes");
        let first = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0xf_ffff;
        put32(buffer, 0, first);
        put16(buffer, 4, len);
        buffer[6] = self.next_header.0;
        buffer[7] = self.hop_limit;
        buffer[8..24].copy_from_slice(&self.src.octets());
        buffer[24..40].copy_from_slice(&self.dst.octets());
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.src, self.dst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The header of a neighbour solicitation, with two bytes of payload.
    const BYTES: [u8; 42] = *b"\x6e\x01\x23\x45\0\x02\x3a\xff\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\
        \xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\0\0\x02\x87\0";

    #[test]
    fn a_packet_is_read_and_written() {
        let packet = Packet::new_checked(&BYTES).unwrap();
        let repr = Repr::parse(&packet);
        assert_eq!(repr.to_string(), "fe80::1 > ff02::1:ff00:2");
        assert_eq!((repr.traffic_class, repr.flow_label), (0xe0, 0x12345));
        assert_eq!(packet.payload(), [0x87, 0]);
        assert_eq!(solicited_node("fe80::2".parse().unwrap()), repr.dst);
        let mut out = [0; 40];
        repr.emit(&mut out);
        assert_eq!(out, BYTES[..40]);
    }

    #[test]
    fn lengths_and_versions_that_lie_are_refused() {
        assert!(Packet::new_checked(&BYTES[..41]).is_err());
        assert!(Packet::new_checked(&BYTES[..39]).is_err());
        let mut bytes = BYTES;
        bytes[0] = 0x4e;
        assert!(Packet::new_checked(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn setters_touch_their_field_alone(class: u8, label in 0u32..0x10_0000) {
            let mut bytes = BYTES;
            let mut packet = Packet::new_checked(&mut bytes).unwrap();
            packet.set_traffic_class(class);
            packet.set_flow_label(label);
            let expected = Repr {
                traffic_class: class, flow_label: label,
                ..Repr::parse(&Packet::new_checked(&BYTES).unwrap())
            };
            prop_assert_eq!(Repr::parse(&packet), expected);
        }
    }
}
