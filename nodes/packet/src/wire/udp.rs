//! The user datagram protocol (RFC 768).

use core::fmt;

use super::checksum::Sum;
use super::{Result, WireError, be16, put16};

/// The size of the header in bytes.
pub const HEADER_SIZE: usize = 8;

/// A view of a UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold a whole datagram: the length within the bytes and at least 8.
    pub fn new_checked(bytes: T) -> Result<Self> {
        let packet = Self::new_header(bytes)?;
        let len = packet.len();
        if len < HEADER_SIZE {
            return Err(WireError::field("udp", "length", len as u32));
        }
        WireError::check_size("udp", packet.bytes.as_ref(), len)?;
        Ok(packet)
    }

    /// A view of bytes that hold the header but maybe not all of the datagram, such as a first
    /// fragment.
    pub fn new_header(bytes: T) -> Result<Self> {
        WireError::check_size("udp", bytes.as_ref(), HEADER_SIZE)?;
        Ok(Self { bytes })
    }

    /// The source port.
    pub fn src_port(&self) -> u16 {
        be16(self.bytes.as_ref(), 0)
    }

    /// The destination port.
    pub fn dst_port(&self) -> u16 {
        be16(self.bytes.as_ref(), 2)
    }

    /// The size of header and payload in bytes, as the header says.
    #[expect(clippy::len_without_is_empty, reason = "a datagram holds at least its header")]
    pub fn len(&self) -> usize {
        usize::from(be16(self.bytes.as_ref(), 4))
    }

    /// The checksum; 0 means none (allowed over IPv4).
    pub fn checksum(&self) -> u16 {
        be16(self.bytes.as_ref(), 6)
    }

    /// True if the checksum is right under a [pseudo header](super::checksum::pseudo_v4), or
    /// absent.
    pub fn verify_checksum(&self, pseudo: Sum) -> bool {
        let bytes = self.bytes.as_ref();
        self.checksum() == 0 || pseudo.bytes(&bytes[..self.len().min(bytes.len())]).checksum() == 0
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        let bytes = self.bytes.as_ref();
        &bytes[HEADER_SIZE..self.len().clamp(HEADER_SIZE, bytes.len())]
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Sets the source port. The checksum is left as it was.
    pub fn set_src_port(&mut self, port: u16) {
        put16(self.bytes.as_mut(), 0, port);
    }

    /// Sets the destination port. The checksum is left as it was.
    pub fn set_dst_port(&mut self, port: u16) {
        put16(self.bytes.as_mut(), 2, port);
    }

    /// Computes the checksum under a [pseudo header](super::checksum::pseudo_v4).
    pub fn fill_checksum(&mut self, pseudo: Sum) {
        let len = self.len();
        let bytes = self.bytes.as_mut();
        put16(bytes, 6, 0);
        let len = len.min(bytes.len());
        let sum = match pseudo.bytes(&bytes[..len]).checksum() {
            // A checksum of zero is sent as its other representation, for zero means none.
            0 => 0xffff,
            sum => sum,
        };
        put16(bytes, 6, sum);
    }
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr<'a> {
    /// The source port.
    pub src_port: u16,
    /// The destination port.
    pub dst_port: u16,
    /// The payload, at most 65527 bytes.
    pub payload: &'a [u8],
}

impl<'a> Repr<'a> {
    /// The value of a whole datagram.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(packet: &Packet<&'a T>) -> Self {
        let bytes: &'a [u8] = packet.bytes.as_ref();
        let payload = &bytes[HEADER_SIZE..packet.len().clamp(HEADER_SIZE, bytes.len())];
        Self { src_port: packet.src_port(), dst_port: packet.dst_port(), payload }
    }

    /// The size of header and payload in bytes.
    pub const fn buffer_len(&self) -> usize {
        HEADER_SIZE + self.payload.len()
    }

    /// Writes the datagram with its checksum under a
    /// [pseudo header](super::checksum::pseudo_v4).
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`] or that more than 65535.
    pub fn emit(&self, buffer: &mut [u8], pseudo: Sum) {
        let len = u16::try_from(self.buffer_len()).expect("a datagram fits in 65535 bytes");
        put16(buffer, 0, self.src_port);
        put16(buffer, 2, self.dst_port);
        put16(buffer, 4, len);
        buffer[HEADER_SIZE..self.buffer_len()].copy_from_slice(self.payload);
        Packet { bytes: buffer }.fill_checksum(pseudo);
    }
}

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UDP, length {}", self.payload.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{IpProtocol, checksum::pseudo_v4};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_datagram_is_read() {
        let packet = Packet::new_checked(b"\x30\x39\0\x35\0\x0b\0\0abc-pad").unwrap();
        let repr = Repr::parse(&packet);
        assert_eq!(repr, Repr { src_port: 12345, dst_port: 53, payload: b"abc" });
        assert_eq!(repr.to_string(), "UDP, length 3");
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        assert!(Packet::new_checked(b"\x30\x39\0\x35\0\x0c\0\0abc").is_err());
        assert!(Packet::new_checked(b"\x30\x39\0\x35\0\x07\0\0abc").is_err());
        assert!(Packet::new_checked(b"\x30\x39\0\x35\0\x08\0").is_err());
    }

    proptest! {
        #[test]
        fn parse_inverts_emit(src_port: u16, dst_port: u16, payload in prop::collection::vec(any::<u8>(), 0..40)) {
            let repr = Repr { src_port, dst_port, payload: &payload };
            let pseudo = pseudo_v4([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), IpProtocol::UDP, repr.buffer_len());
            let mut bytes = vec![0xaa; repr.buffer_len()];
            repr.emit(&mut bytes, pseudo);
            let packet = Packet::new_checked(&bytes).unwrap();
            prop_assert!(packet.checksum() != 0 && packet.verify_checksum(pseudo));
            prop_assert_eq!(Repr::parse(&packet), repr);
        }
    }
}
