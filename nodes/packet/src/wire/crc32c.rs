//! CRC32c (RFC 9260 appendix A), the checksum of SCTP.

/// The polynomial 0x1edc6f41 with its bits mirrored.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The remainders of all bytes.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = remainder >> 1 ^ if remainder & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

/// A checksum in progress. Parts of any length may follow one another.
#[derive(Clone, Copy, Debug)]
pub struct Crc32c(u32);

impl Crc32c {
    /// The checksum of nothing yet.
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |crc, byte| crc >> 8 ^ TABLE[usize::from(crc as u8 ^ byte)]))
    }

    /// The checksum. SCTP sends its lowest byte first.
    pub const fn finish(self) -> u32 {
        !self.0
    }
}

impl Default for Crc32c {
    fn default() -> Self {
        Self::new()
    }
}

/// The checksum of an SCTP packet, with the four bytes where it stands taken as zero, as it stands
/// there.
///
/// # Panics
/// If the packet is shorter than its header of 12 bytes.
pub fn sctp(packet: &[u8]) -> [u8; 4] {
    Crc32c::new().bytes(&packet[..8]).bytes(&[0; 4]).bytes(&packet[12..]).finish().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_and_an_example_of_rfc_3720() {
        assert_eq!(Crc32c::new().bytes(b"123456789").finish(), 0xe306_9283);
        assert_eq!(Crc32c::new().bytes(&[0; 20]).bytes(&[0; 12]).finish(), 0x8a91_36aa);
    }
}
