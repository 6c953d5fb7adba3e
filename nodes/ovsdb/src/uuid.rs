//! Identifiers of rows (RFC 9562).

use std::fmt;

/// The identifier of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// The identifier of no row: all zeros.
    pub const NIL: Uuid = Uuid([0; 16]);

    /// The identifier with these bytes, the most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Uuid {
        Uuid(bytes)
    }

    /// The identifier's bytes, the most significant first.
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The `count`th identifier of a generator with this seed.
    ///
    /// The first 32 bits count up from a number that depends on the seed, the rest is a hash:
    /// identifiers of one generator sort in the order of their making (as version 7 does with the
    /// clock, which a lab doesn't have), so sets of rows print in that order too. Version 8.
    pub(crate) fn generate(seed: u64, count: u32) -> Uuid {
        let first = (mix(seed) as u32 >> 1).wrapping_add(count);
        let high = mix(seed ^ mix(u64::from(count) + 1));
        let low = mix(high ^ seed);
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&first.to_be_bytes());
        bytes[4..8].copy_from_slice(&high.to_be_bytes()[..4]);
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Uuid(bytes)
    }

    /// The identifier in its usual form of 36 characters; `None` if `text` isn't one.
    pub fn parse(text: &str) -> Option<Uuid> {
        let text = text.as_bytes();
        if text.len() != 36 {
            return None;
        }
        let mut bytes = [0; 16];
        let mut nibbles = 0;
        for (at, byte) in text.iter().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if *byte != b'-' {
                    return None;
                }
            } else {
                let digit = (*byte as char).to_digit(16)? as u8;
                bytes[nibbles / 2] = bytes[nibbles / 2] << 4 | digit;
                nibbles += 1;
            }
        }
        Some(Uuid(bytes))
    }
}

/// The output function of SplitMix64: a bijection that scatters its input.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_one_generator_sort_in_the_order_of_their_making() {
        let made: Vec<Uuid> = (0..1000).map(|count| Uuid::generate(7, count)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert_ne!(Uuid::generate(8, 0), made[0]);
    }

    #[test]
    fn text_gives_the_identifier_back() {
        let uuid = Uuid::generate(1, 2);
        assert_eq!(Uuid::parse(&uuid.to_string()), Some(uuid));
        assert_eq!(Uuid::parse("0123456789abcdef0123456789abcdef0123"), None);
        assert_eq!(Uuid::parse(&uuid.to_string()[1..]), None);
    }
}
