//! The Internet protocol, version 4 (RFC 791; DSCP: RFC 2474, ECN: RFC 3168).

use core::fmt;
use core::net::Ipv4Addr;

use super::checksum::{Sum, checksum, update};
use super::{IpProtocol, Result, WireError, be16, be32, put16};

/// The size of a header without options, in bytes.
pub const HEADER_SIZE: usize = 20;

/// The flag "don't fragment" in the word of flags and fragment offset.
const DONT_FRAGMENT: u16 = 0x4000;
/// The flag "more fragments".
const MORE_FRAGMENTS: u16 = 0x2000;
/// The fragment offset, in units of eight bytes.
const OFFSET: u16 = 0x1fff;

/// A view of an IPv4 packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold a whole packet: version 4, options and total length within the
    /// bytes. What is behind the total length is padding. The checksum is not verified; see
    /// [`Packet::verify_checksum`].
    pub fn new_checked(bytes: T) -> Result<Self> {
        let packet = Self::new_header(bytes)?;
        WireError::check_size("ip", packet.bytes.as_ref(), packet.total_len())?;
        Ok(packet)
    }

    /// A view of bytes that hold the header but maybe not all of the packet, such as the packet
    /// that an ICMP error quotes.
    pub fn new_header(bytes: T) -> Result<Self> {
        let b = bytes.as_ref();
        WireError::check_size("ip", b, HEADER_SIZE)?;
        if b[0] >> 4 != 4 {
            return Err(WireError::field("ip", "version", b[0] >> 4));
        }
        let header_len = usize::from(b[0] & 0xf) * 4;
        if header_len < HEADER_SIZE {
            return Err(WireError::field("ip", "header length", header_len as u32));
        }
        WireError::check_size("ip", b, header_len)?;
        if usize::from(be16(b, 2)) < header_len {
            return Err(WireError::field("ip", "total length", be16(b, 2)));
        }
        Ok(Self { bytes })
    }

    /// The bytes.
    pub fn into_inner(self) -> T {
        self.bytes
    }

    /// The size of the header with its options, in bytes, 20..=60.
    pub fn header_len(&self) -> usize {
        usize::from(self.bytes.as_ref()[0] & 0xf) * 4
    }

    /// Differentiated services and congestion bits, the former type of service.
    pub fn tos(&self) -> u8 {
        self.bytes.as_ref()[1]
    }

    /// The size of header and payload in bytes.
    pub fn total_len(&self) -> usize {
        usize::from(be16(self.bytes.as_ref(), 2))
    }

    /// The identification, equal in all fragments of a packet.
    pub fn ident(&self) -> u16 {
        be16(self.bytes.as_ref(), 4)
    }

    /// True if routers must not fragment the packet.
    pub fn dont_fragment(&self) -> bool {
        be16(self.bytes.as_ref(), 6) & DONT_FRAGMENT != 0
    }

    /// True if this is a fragment and not the last one.
    pub fn more_fragments(&self) -> bool {
        be16(self.bytes.as_ref(), 6) & MORE_FRAGMENTS != 0
    }

    /// Where the payload belongs in the whole, in bytes, a multiple of 8.
    pub fn fragment_offset(&self) -> u16 {
        (be16(self.bytes.as_ref(), 6) & OFFSET) << 3
    }

    /// True if the packet is a fragment.
    pub fn is_fragment(&self) -> bool {
        self.more_fragments() || self.fragment_offset() != 0
    }

    /// The time to live in hops.
    pub fn ttl(&self) -> u8 {
        self.bytes.as_ref()[8]
    }

    /// The protocol of the payload.
    pub fn protocol(&self) -> IpProtocol {
        IpProtocol(self.bytes.as_ref()[9])
    }

    /// The header checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes.as_ref(), 10)
    }

    /// True if the header checksum is right.
    pub fn verify_checksum(&self) -> bool {
        checksum(&self.bytes.as_ref()[..self.header_len()]) == 0
    }

    /// The source address.
    pub fn src(&self) -> Ipv4Addr {
        be32(self.bytes.as_ref(), 12).into()
    }

    /// The destination address.
    pub fn dst(&self) -> Ipv4Addr {
        be32(self.bytes.as_ref(), 16).into()
    }

    /// The options, padded to a multiple of four bytes.
    pub fn options(&self) -> &[u8] {
        &self.bytes.as_ref()[HEADER_SIZE..self.header_len()]
    }

    /// The payload without padding; less than the total length says if the view was made by
    /// [`Packet::new_header`] of a cut packet.
    pub fn payload(&self) -> &[u8] {
        let bytes = self.bytes.as_ref();
        &bytes[self.header_len()..self.total_len().min(bytes.len())]
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Sets differentiated services and congestion bits. The checksum is left as it was.
    pub fn set_tos(&mut self, tos: u8) {
        self.bytes.as_mut()[1] = tos;
    }

    /// Sets the identification. The checksum is left as it was.
    pub fn set_ident(&mut self, ident: u16) {
        put16(self.bytes.as_mut(), 4, ident);
    }

    /// Sets the time to live and corrects the checksum for it.
    pub fn set_ttl(&mut self, ttl: u8) {
        let bytes = self.bytes.as_mut();
        let old = be16(bytes, 8);
        bytes[8] = ttl;
        let new = update(be16(bytes, 10), old, be16(bytes, 8));
        put16(bytes, 10, new);
    }

    /// Sets the source address. The checksum is left as it was.
    pub fn set_src(&mut self, src: Ipv4Addr) {
        self.bytes.as_mut()[12..16].copy_from_slice(&src.octets());
    }

    /// Sets the destination address. The checksum is left as it was.
    pub fn set_dst(&mut self, dst: Ipv4Addr) {
        self.bytes.as_mut()[16..20].copy_from_slice(&dst.octets());
    }

    /// Computes the header checksum.
    pub fn fill_checksum(&mut self) {
        let header_len = self.header_len();
        let bytes = self.bytes.as_mut();
        put16(bytes, 10, 0);
        let sum = checksum(&bytes[..header_len]);
        put16(bytes, 10, sum);
    }

    /// The payload without padding.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let (start, end) = (self.header_len(), self.total_len());
        let bytes = self.bytes.as_mut();
        let end = end.min(bytes.len());
        &mut bytes[start..end]
    }
}

/// An IPv4 header without options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The source address.
    pub src: Ipv4Addr,
    /// The destination address.
    pub dst: Ipv4Addr,
    /// The protocol of the payload.
    pub protocol: IpProtocol,
    /// The time to live in hops.
    pub ttl: u8,
    /// Differentiated services and congestion bits.
    pub tos: u8,
    /// The identification.
    pub ident: u16,
    /// True if routers must not fragment the packet.
    pub dont_fragment: bool,
    /// True if this is a fragment and not the last one.
    pub more_fragments: bool,
    /// Where the payload belongs in the whole, in bytes; rounded down to a multiple of 8.
    pub fragment_offset: u16,
    /// The size of the payload in bytes, at most 65515.
    pub payload_len: usize,
}

impl Repr {
    /// The header of a whole packet. Options are dropped.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            src: packet.src(),
            dst: packet.dst(),
            protocol: packet.protocol(),
            ttl: packet.ttl(),
            tos: packet.tos(),
            ident: packet.ident(),
            dont_fragment: packet.dont_fragment(),
            more_fragments: packet.more_fragments(),
            fragment_offset: packet.fragment_offset(),
            payload_len: packet.total_len() - packet.header_len(),
        }
    }

    /// The size of the header in bytes.
    pub const fn buffer_len(&self) -> usize {
        HEADER_SIZE
    }

    /// Writes the header with its checksum.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`] or the payload longer than 65515.
    pub fn emit(&self, buffer: &mut [u8]) {
        let total = u16::try_from(HEADER_SIZE + self.payload_len).expect("a packet fits in 65535 bytes");
        let flags =
            if self.dont_fragment { DONT_FRAGMENT } else { 0 } | if self.more_fragments { MORE_FRAGMENTS } else { 0 };
        let header = &mut buffer[..HEADER_SIZE];
        header[0] = 0x45;
        header[1] = self.tos;
        put16(header, 2, total);
        put16(header, 4, self.ident);
        put16(header, 6, flags | self.fragment_offset >> 3);
        header[8] = self.ttl;
        header[9] = self.protocol.0;
        put16(header, 10, 0);
        header[12..16].copy_from_slice(&self.src.octets());
        header[16..20].copy_from_slice(&self.dst.octets());
        let sum = Sum::new().bytes(header).checksum();
        put16(header, 10, sum);
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

    /// An echo request of ping, header and the first bytes of ICMP.
    const BYTES: [u8; 24] =
        *b"\x45\0\0\x18\x1c\x46\x40\0\x40\x01\xb0\x3f\xac\x10\x0a\x63\xac\x10\x0a\x0c\x08\0\xf7\xff";

    #[test]
    fn a_packet_is_read() {
        let packet = Packet::new_checked(&BYTES).unwrap();
        let repr = Repr::parse(&packet);
        assert_eq!(repr.to_string(), "172.16.10.99 > 172.16.10.12");
        assert!(repr.dont_fragment && !packet.is_fragment());
        assert_eq!(packet.payload(), b"\x08\0\xf7\xff");
        let mut out = [0; 20];
        repr.emit(&mut out);
        assert_eq!(out[..10], BYTES[..10]);
        assert!(Packet::new_header(&out).unwrap().verify_checksum());
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for (at, value) in [(0, 0x44), (0, 0x65), (0, 0x4f), (2, 1), (3, 25), (3, 19)] {
            let mut bytes = BYTES;
            bytes[at] = value;
            assert!(Packet::new_checked(bytes).is_err(), "byte {at} = {value}");
        }
    }

    #[test]
    fn a_new_ttl_keeps_the_checksum_right() {
        let mut bytes = [0; 20];
        Repr { payload_len: 0, ..Repr::parse(&Packet::new_checked(&BYTES).unwrap()) }.emit(&mut bytes);
        let mut packet = Packet::new_checked(&mut bytes[..]).unwrap();
        packet.set_ttl(63);
        assert_eq!(packet.ttl(), 63);
        assert!(packet.verify_checksum());
    }

    proptest! {
        #[test]
        fn parse_inverts_emit(src: [u8; 4], dst: [u8; 4], protocol: u8, ttl: u8, tos: u8, ident: u16,
                              dont_fragment: bool, more_fragments: bool, offset in 0u16..0x2000, payload_len in 0usize..100) {
            let repr = Repr {
                src: src.into(), dst: dst.into(), protocol: IpProtocol(protocol), ttl, tos, ident,
                dont_fragment, more_fragments, fragment_offset: offset << 3, payload_len,
            };
            let mut bytes = vec![0; repr.buffer_len() + payload_len];
            repr.emit(&mut bytes);
            let packet = Packet::new_checked(&bytes).unwrap();
            prop_assert!(packet.verify_checksum());
            prop_assert_eq!(Repr::parse(&packet), repr);
        }
    }
}
