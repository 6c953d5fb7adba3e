//! Ethernet II frames (IEEE 802.3-2018 clause 3), without preamble and frame check sequence.
//!
//! A frame whose type field is below 0x600 is an 802.3 frame: the field is the length of an
//! [LLC](super::llc) packet. VLAN tags stand between the addresses and the type; see
//! [`vlan`](super::vlan).

use core::fmt;

use super::{EtherType, MacAddr, Result, WireError, be16, put16};

/// The size of two addresses and a type, in bytes.
pub const HEADER_SIZE: usize = 14;

/// The least size of a frame on a real wire, without the frame check sequence.
pub const MIN_SIZE: usize = 60;

/// Destination and source of a frame of any bytes; `None` below 12 bytes.
#[inline]
pub fn dst_src(bytes: &[u8]) -> Option<(MacAddr, MacAddr)> {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes.first_chunk::<12>()?;
    Some((MacAddr([a, b, c, d, e, f]), MacAddr([g, h, i, j, k, l])))
}

/// A view of an Ethernet frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Frame<T> {
    /// A view of bytes that hold at least the header.
    pub fn new_checked(bytes: T) -> Result<Self> {
        WireError::check_size("ethernet", bytes.as_ref(), HEADER_SIZE)?;
        Ok(Self { bytes })
    }

    /// The bytes.
    pub fn into_inner(self) -> T {
        self.bytes
    }

    /// The destination address.
    pub fn dst(&self) -> MacAddr {
        MacAddr::at(self.bytes.as_ref(), 0)
    }

    /// The source address.
    pub fn src(&self) -> MacAddr {
        MacAddr::at(self.bytes.as_ref(), 6)
    }

    /// The type field: a type, the id of a VLAN tag, or an 802.3 length.
    pub fn ethertype(&self) -> EtherType {
        EtherType(be16(self.bytes.as_ref(), 12))
    }

    /// True if the type field is the length of an 802.3 frame.
    pub fn is_802_3(&self) -> bool {
        self.ethertype().is_length()
    }

    /// What follows the type field.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[HEADER_SIZE..]
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Frame<T> {
    /// Sets the destination address.
    pub fn set_dst(&mut self, mac: MacAddr) {
        self.bytes.as_mut()[0..6].copy_from_slice(&mac.0);
    }

    /// Sets the source address.
    pub fn set_src(&mut self, mac: MacAddr) {
        self.bytes.as_mut()[6..12].copy_from_slice(&mac.0);
    }

    /// Sets the type field.
    pub fn set_ethertype(&mut self, ethertype: EtherType) {
        put16(self.bytes.as_mut(), 12, ethertype.0);
    }

    /// What follows the type field.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.bytes.as_mut()[HEADER_SIZE..]
    }
}

/// An Ethernet header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The destination address.
    pub dst: MacAddr,
    /// The source address.
    pub src: MacAddr,
    /// The type field.
    pub ethertype: EtherType,
}

impl Repr {
    /// The header of a frame.
    pub fn parse<T: AsRef<[u8]>>(frame: &Frame<T>) -> Self {
        Self { dst: frame.dst(), src: frame.src(), ethertype: frame.ethertype() }
    }

    /// The size of the header in bytes.
    pub const fn buffer_len(&self) -> usize {
        HEADER_SIZE
    }

    /// Writes the header.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`].
    pub fn emit(&self, buffer: &mut [u8]) {
        buffer[0..6].copy_from_slice(&self.dst.0);
        buffer[6..12].copy_from_slice(&self.src.0);
        put16(buffer, 12, self.ethertype.0);
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}, ", self.src, self.dst)?;
        match self.ethertype.is_length() {
            true => write!(f, "802.3"),
            false => write!(f, "ethertype {}", self.ethertype),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 18] = *b"\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x08\x06abcd";

    #[test]
    fn a_frame_is_read() {
        let frame = Frame::new_checked(&BYTES).unwrap();
        assert_eq!(frame.payload(), b"abcd");
        assert_eq!(Repr::parse(&frame).to_string(), "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806)");
        assert_eq!(dst_src(&BYTES), Some((frame.dst(), frame.src())));
    }

    #[test]
    fn emit_writes_what_parse_read() {
        let mut out = BYTES;
        out[..14].fill(0);
        Repr::parse(&Frame::new_checked(&BYTES).unwrap()).emit(&mut out);
        assert_eq!(out, BYTES);
    }

    #[test]
    fn a_short_frame_is_refused() {
        assert!(Frame::new_checked(&BYTES[..13]).is_err());
        assert_eq!(dst_src(&BYTES[..11]), None);
    }
}
