//! The transmission control protocol (RFC 9293 section 3.1).

use core::fmt;

use super::checksum::Sum;
use super::{Result, WireError, be16, be32, put16, put32};

/// The size of a header without options, in bytes.
pub const HEADER_SIZE: usize = 20;

/// The flags of a segment, the lower 12 bits of the fourth word's first half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// The sender has no more data.
    pub const FIN: Self = Self(0x001);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x002);
    /// Reset the connection.
    pub const RST: Self = Self(0x004);
    /// Push.
    pub const PSH: Self = Self(0x008);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x010);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x020);
    /// ECN echo (RFC 3168).
    pub const ECE: Self = Self(0x040);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Self = Self(0x080);
    /// Nonce sum (RFC 3540), now accurate ECN.
    pub const NS: Self = Self(0x100);
    /// All bits that the field has.
    pub const ALL: Self = Self(0xfff);
    /// The names of the bits from the lowest on, as ovs-fields(7) has them; reserved bits are
    /// named by their number.
    pub const NAMES: [&'static str; 12] =
        ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"];

    /// True if all flags of `other` are set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl core::ops::BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Flags {
    /// tcpdump's letters: `S`, `S.`, `P.`, `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Flags, &str); 8] = [
            (Flags::FIN, "F"),
            (Flags::SYN, "S"),
            (Flags::RST, "R"),
            (Flags::PSH, "P"),
            (Flags::ACK, "."),
            (Flags::URG, "U"),
            (Flags::ECE, "E"),
            (Flags::CWR, "W"),
        ];
        if self.0 & 0xff == 0 {
            return f.write_str("none");
        }
        LETTERS.iter().filter(|(flag, _)| self.contains(*flag)).try_for_each(|(_, s)| f.write_str(s))
    }
}

/// A view of a TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold a segment: the data offset within the bytes and at least 20.
    pub fn new_checked(bytes: T) -> Result<Self> {
        let b = bytes.as_ref();
        WireError::check_size("tcp", b, HEADER_SIZE)?;
        let header_len = usize::from(b[12] >> 4) * 4;
        if header_len < HEADER_SIZE {
            return Err(WireError::field("tcp", "header length", header_len as u32));
        }
        WireError::check_size("tcp", b, header_len)?;
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

    /// The sequence number of the first byte.
    pub fn seq(&self) -> u32 {
        be32(self.bytes.as_ref(), 4)
    }

    /// The acknowledgement number.
    pub fn ack(&self) -> u32 {
        be32(self.bytes.as_ref(), 8)
    }

    /// The size of the header with its options, in bytes, 20..=60.
    pub fn header_len(&self) -> usize {
        usize::from(self.bytes.as_ref()[12] >> 4) * 4
    }

    /// The flags.
    pub fn flags(&self) -> Flags {
        Flags(be16(self.bytes.as_ref(), 12) & Flags::ALL.0)
    }

    /// The window, not scaled.
    pub fn window(&self) -> u16 {
        be16(self.bytes.as_ref(), 14)
    }

    /// The checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes.as_ref(), 16)
    }

    /// The urgent pointer.
    pub fn urgent(&self) -> u16 {
        be16(self.bytes.as_ref(), 18)
    }

    /// True if the checksum is right under a [pseudo header](super::checksum::pseudo_v4).
    pub fn verify_checksum(&self, pseudo: Sum) -> bool {
        pseudo.bytes(self.bytes.as_ref()).checksum() == 0
    }

    /// The options, padded to a multiple of four bytes.
    pub fn options(&self) -> &[u8] {
        &self.bytes.as_ref()[HEADER_SIZE..self.header_len()]
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[self.header_len()..]
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
        let bytes = self.bytes.as_mut();
        put16(bytes, 16, 0);
        let sum = pseudo.bytes(bytes).checksum();
        put16(bytes, 16, sum);
    }
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr<'a> {
    /// The source port.
    pub src_port: u16,
    /// The destination port.
    pub dst_port: u16,
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgement number.
    pub ack: u32,
    /// The flags, 12 bits.
    pub flags: Flags,
    /// The window, not scaled.
    pub window: u16,
    /// The urgent pointer.
    pub urgent: u16,
    /// The options: a multiple of four bytes, at most 40.
    pub options: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Repr<'a> {
    /// The value of a segment.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(packet: &Packet<&'a T>) -> Self {
        let bytes: &'a [u8] = packet.bytes.as_ref();
        let (header, payload) = bytes.split_at(packet.header_len());
        Self {
            src_port: packet.src_port(),
            dst_port: packet.dst_port(),
            seq: packet.seq(),
            ack: packet.ack(),
            flags: packet.flags(),
            window: packet.window(),
            urgent: packet.urgent(),
            options: &header[HEADER_SIZE..],
            payload,
        }
    }

    /// The size of the header with its options, in bytes.
    pub const fn header_len(&self) -> usize {
        HEADER_SIZE + self.options.len()
    }

    /// The size of header and payload in bytes.
    pub const fn buffer_len(&self) -> usize {
        self.header_len() + self.payload.len()
    }

    /// Writes the segment with its checksum under a
    /// [pseudo header](super::checksum::pseudo_v4).
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`], or the options are not a multiple of
    /// four bytes of at most 40.
    pub fn emit(&self, buffer: &mut [u8], pseudo: Sum) {
        let header_len = self.header_len();
        assert!(header_len <= 60 && header_len.is_multiple_of(4), "options are 0..=40 bytes in fours");
        let buffer = &mut buffer[..self.buffer_len()];
        put16(buffer, 0, self.src_port);
        put16(buffer, 2, self.dst_port);
        put32(buffer, 4, self.seq);
        put32(buffer, 8, self.ack);
        put16(buffer, 12, (header_len as u16 / 4) << 12 | self.flags.0 & Flags::ALL.0);
        put16(buffer, 14, self.window);
        put16(buffer, 18, self.urgent);
        buffer[HEADER_SIZE..header_len].copy_from_slice(self.options);
        buffer[header_len..].copy_from_slice(self.payload);
        Packet { bytes: buffer }.fill_checksum(pseudo);
    }
}

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags [{}]", self.flags)?;
        let len = self.payload.len();
        let occupies = Flags(Flags::SYN.0 | Flags::FIN.0 | Flags::RST.0);
        if len > 0 {
            write!(f, ", seq {}:{}", self.seq, self.seq.wrapping_add(len as u32))?;
        } else if self.flags.0 & occupies.0 != 0 {
            write!(f, ", seq {}", self.seq)?;
        }
        if self.flags.contains(Flags::ACK) {
            write!(f, ", ack {}", self.ack)?;
        }
        write!(f, ", win {}", self.window)?;
        if self.flags.contains(Flags::URG) {
            write!(f, ", urg {}", self.urgent)?;
        }
        if !self.options.is_empty() {
            write!(f, ", options [{}]", Options(self.options))?;
        }
        write!(f, ", length {len}")
    }
}

/// TCP options as text (RFC 9293 section 3.2, RFC 7323, RFC 2018).
struct Options<'a>(&'a [u8]);

impl fmt::Display for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut separator = "";
        while let Some(&kind) = rest.first() {
            f.write_str(separator)?;
            separator = ",";
            let size = match kind {
                0 | 1 => 1,
                _ => usize::from(rest.get(1).copied().unwrap_or(0)),
            };
            let Some(option) = rest.get(..size).filter(|o| !o.is_empty() && (kind < 2 || size >= 2)) else {
                return f.write_str("bad opt");
            };
            match (kind, size) {
                (0, _) => return f.write_str("eol"),
                (1, _) => f.write_str("nop")?,
                (2, 4) => write!(f, "mss {}", be16(option, 2))?,
                (3, 3) => write!(f, "wscale {}", option[2])?,
                (4, 2) => f.write_str("sackOK")?,
                (8, 10) => write!(f, "TS val {} ecr {}", be32(option, 2), be32(option, 6))?,
                _ => write!(f, "opt-{kind}")?,
            }
            rest = &rest[size..];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{IpProtocol, checksum::pseudo_v6};
    use super::*;
    use proptest::prelude::*;

    const SYN: [u8; 40] = *b"\x04\xd2\0\x50\0\0\0\x01\0\0\0\0\xa0\x02\xfa\xf0\0\0\0\0\
        \x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\x07\0\0\0\0\x01\x03\x03\x07";

    #[test]
    fn a_syn_is_read_as_tcpdump_prints_it() {
        let repr = Repr::parse(&Packet::new_checked(&SYN).unwrap());
        assert_eq!(
            repr.to_string(),
            "Flags [S], seq 1, win 64240, options [mss 1460,sackOK,TS val 7 ecr 0,nop,wscale 7], length 0"
        );
    }

    #[test]
    fn options_that_lie_are_named_bad() {
        for options in [&[2, 0, 0, 0][..], &[2, 9, 0, 0], &[2, 1, 0, 0], &[1, 1, 1, 5]] {
            assert!(Options(options).to_string().ends_with("bad opt"), "{options:?}");
        }
    }

    #[test]
    fn offsets_that_lie_are_refused() {
        assert!(Packet::new_checked(&SYN[..39]).is_err());
        let mut bytes = SYN;
        bytes[12] = 0x40;
        assert!(Packet::new_checked(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn parse_inverts_emit(ports: [u16; 2], seq: u32, ack: u32, flags in 0u16..0x1000, window: u16, urgent: u16,
                              options in prop::collection::vec(any::<[u8; 4]>(), 0..10), payload in prop::collection::vec(any::<u8>(), 0..20)) {
            let options = options.concat();
            let repr = Repr {
                src_port: ports[0], dst_port: ports[1], seq, ack, flags: Flags(flags), window, urgent,
                options: &options, payload: &payload,
            };
            let pseudo = pseudo_v6([1; 16].into(), [2; 16].into(), IpProtocol::TCP, repr.buffer_len());
            let mut bytes = vec![0; repr.buffer_len()];
            repr.emit(&mut bytes, pseudo);
            let packet = Packet::new_checked(&bytes).unwrap();
            prop_assert!(packet.verify_checksum(pseudo));
            prop_assert_eq!(Repr::parse(&packet), repr);
            prop_assert!(!repr.to_string().is_empty());
        }
    }
}
