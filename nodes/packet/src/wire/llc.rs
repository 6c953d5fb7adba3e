//! Logical link control (IEEE 802.2 clause 3) and SNAP (IEEE 802-2014 section 9.2.2), the
//! payload of an 802.3 frame.

use core::fmt;

use super::{EtherType, Result, WireError, be16};

/// The size of the two service access points and a one-byte control field.
pub const HEADER_SIZE: usize = 3;
/// The size of an LLC header with SNAP behind it.
pub const SNAP_SIZE: usize = 8;
/// The service access point of spanning tree.
pub const SAP_STP: u8 = 0x42;
/// The service access point of SNAP.
pub const SAP_SNAP: u8 = 0xaa;

/// A view of an LLC packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold at least an LLC header.
    pub fn new_checked(bytes: T) -> Result<Self> {
        WireError::check_size("llc", bytes.as_ref(), HEADER_SIZE)?;
        Ok(Self { bytes })
    }

    /// The destination service access point.
    pub fn dsap(&self) -> u8 {
        self.bytes.as_ref()[0]
    }

    /// The source service access point.
    pub fn ssap(&self) -> u8 {
        self.bytes.as_ref()[1]
    }

    /// The control field (3: unnumbered information).
    pub fn control(&self) -> u8 {
        self.bytes.as_ref()[2]
    }

    /// The Ethernet type behind a SNAP header of organisation 00-00-00.
    pub fn snap_type(&self) -> Option<EtherType> {
        let bytes = self.bytes.as_ref();
        (bytes.len() >= SNAP_SIZE && bytes[..6] == [SAP_SNAP, SAP_SNAP, 3, 0, 0, 0]).then(|| EtherType(be16(bytes, 6)))
    }

    /// What follows the LLC header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[HEADER_SIZE..]
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Sets both service access points and the control field.
    pub fn set_header(&mut self, header: Repr) {
        header.emit(self.bytes.as_mut());
    }
}

/// An LLC header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The destination service access point.
    pub dsap: u8,
    /// The source service access point.
    pub ssap: u8,
    /// The control field.
    pub control: u8,
}

impl Repr {
    /// The header of a packet.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self { dsap: packet.dsap(), ssap: packet.ssap(), control: packet.control() }
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
        buffer[..HEADER_SIZE].copy_from_slice(&[self.dsap, self.ssap, self.control]);
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |sap: u8| match sap & !1 {
            0x00 => "Null",
            SAP_STP => "STP",
            SAP_SNAP => "SNAP",
            _ => "Unknown",
        };
        // The lowest bit tells a group of receivers, and a response.
        let dsap = if self.dsap & 1 == 0 { "Individual" } else { "Group" };
        let ssap = if self.ssap & 1 == 0 { "Command" } else { "Response" };
        write!(f, "LLC, dsap {} (0x{:02x}) {dsap}, ", name(self.dsap), self.dsap & !1)?;
        write!(f, "ssap {} (0x{:02x}) {ssap}, ctrl 0x{:02x}", name(self.ssap), self.ssap & !1, self.control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bpdu_header_is_read() {
        let packet = Packet::new_checked(b"\x42\x42\x03\x00\x00").unwrap();
        assert_eq!(
            Repr::parse(&packet).to_string(),
            "LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command, ctrl 0x03"
        );
        assert_eq!(packet.snap_type(), None);
        assert_eq!(packet.payload(), [0, 0]);
    }

    #[test]
    fn snap_carries_an_ethernet_type() {
        let packet = Packet::new_checked(b"\xaa\xaa\x03\x00\x00\x00\x08\x00").unwrap();
        assert_eq!(packet.snap_type(), Some(EtherType::IPV4));
        assert!(Packet::new_checked(b"\xaa\xaa").is_err());
    }
}
