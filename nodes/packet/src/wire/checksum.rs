//! The Internet checksum (RFC 1071), its pseudo headers (RFC 9293 section 3.1, RFC 8200
//! section 8.1) and its incremental update (RFC 1624).

use core::net::{Ipv4Addr, Ipv6Addr};

use super::IpProtocol;

/// A ones' complement sum in progress. Parts of any length may follow one another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    total: u64,
    /// True if an odd number of bytes was added: the next byte is the low half of a word.
    odd: bool,
}

impl Sum {
    /// The sum of nothing.
    pub const fn new() -> Self {
        Self { total: 0, odd: false }
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, mut bytes: &[u8]) -> Self {
        if self.odd
            && let Some((first, rest)) = bytes.split_first()
        {
            self.total += u64::from(*first);
            self.odd = false;
            bytes = rest;
        }
        // 32-bit words into 64 bits: 16 GiB until an overflow.
        let (words, tail) = bytes.as_chunks::<4>();
        for word in words {
            self.total += u64::from(u32::from_be_bytes(*word));
        }
        let (pairs, last) = tail.as_chunks::<2>();
        for pair in pairs {
            self.total += u64::from(u16::from_be_bytes(*pair));
        }
        if let [byte] = last {
            self.total += u64::from(*byte) << 8;
            self.odd = true;
        }
        self
    }

    /// Adds a 16-bit number. After an odd number of bytes its halves change places.
    #[must_use]
    pub fn u16(mut self, value: u16) -> Self {
        self.total += u64::from(if self.odd { value.swap_bytes() } else { value });
        self
    }

    /// The folded sum, not complemented.
    pub const fn fold(self) -> u16 {
        let mut total = self.total;
        while total > 0xffff {
            total = (total & 0xffff) + (total >> 16);
        }
        total as u16
    }

    /// The checksum: the complement of the folded sum. Zero if the summed bytes held a right
    /// checksum already.
    pub const fn checksum(self) -> u16 {
        !self.fold()
    }
}

/// The checksum of bytes.
pub fn checksum(bytes: &[u8]) -> u16 {
    Sum::new().bytes(bytes).checksum()
}

/// The sum of the IPv4 pseudo header. `len` is the size of the upper-layer packet in bytes.
pub fn pseudo_v4(src: Ipv4Addr, dst: Ipv4Addr, protocol: IpProtocol, len: usize) -> Sum {
    let [a, b] = halves(len);
    Sum::new().bytes(&src.octets()).bytes(&dst.octets()).u16(u16::from(protocol.0)).u16(a).u16(b)
}

/// The sum of the IPv6 pseudo header. `len` is the size of the upper-layer packet in bytes.
pub fn pseudo_v6(src: Ipv6Addr, dst: Ipv6Addr, protocol: IpProtocol, len: usize) -> Sum {
    let [a, b] = halves(len);
    Sum::new().bytes(&src.octets()).bytes(&dst.octets()).u16(u16::from(protocol.0)).u16(a).u16(b)
}

/// A checksum after one 16-bit word under it changed from `old` to `new` (RFC 1624 equation 3).
#[inline]
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    let total = (!checksum) as u64 + (!old) as u64 + new as u64;
    Sum { total, odd: false }.checksum()
}

/// [`update`] for a 32-bit word, such as an IPv4 address.
#[inline]
pub const fn update32(checksum: u16, old: u32, new: u32) -> u16 {
    let high = update(checksum, (old >> 16) as u16, (new >> 16) as u16);
    update(high, old as u16, new as u16)
}

/// A length as two 16-bit words.
fn halves(len: usize) -> [u16; 2] {
    [(len >> 16) as u16, len as u16]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_rfc_1071_section_3() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::new().bytes(&bytes).fold(), 0xddf2);
    }

    /// The definition, word by word.
    fn naive(bytes: &[u8]) -> u16 {
        let mut total = 0u32;
        for pair in bytes.chunks(2) {
            total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            total = (total & 0xffff) + (total >> 16);
        }
        !(total as u16)
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole(bytes in prop::collection::vec(any::<u8>(), 0..70), cuts in prop::array::uniform2(0..70usize)) {
            let mut cuts = cuts.map(|c| c.min(bytes.len()));
            cuts.sort();
            let sum = Sum::new().bytes(&bytes[..cuts[0]]).bytes(&bytes[cuts[0]..cuts[1]]).bytes(&bytes[cuts[1]..]);
            prop_assert_eq!(sum.checksum(), naive(&bytes));
        }

        #[test]
        fn an_update_equals_a_new_sum(mut bytes in prop::collection::vec(any::<u8>(), 20), new in any::<u32>()) {
            // A word of all zeroes has two representations; a real header never sums to it.
            bytes[0] = 0x45;
            let before = checksum(&bytes);
            let old = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
            bytes[12..16].copy_from_slice(&new.to_be_bytes());
            prop_assert_eq!(update32(before, old, new), checksum(&bytes));
        }
    }
}
