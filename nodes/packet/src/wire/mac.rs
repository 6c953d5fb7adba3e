//! 48-bit MAC addresses (IEEE 802-2014 section 8).

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use thiserror::Error;

/// A 48-bit MAC address, in the order of transmission.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

/// A text that is not a MAC address.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a MAC address: six hexadecimal bytes with colons, as in 02:00:00:00:00:01")]
pub struct ParseMacError(pub String);

impl MacAddr {
    /// ff:ff:ff:ff:ff:ff.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// 00:00:00:00:00:00.
    pub const ZERO: Self = Self([0; 6]);

    /// True for group addresses: multicast and broadcast.
    #[inline]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// True for an address of one station. The zero address counts as one.
    #[inline]
    pub const fn is_unicast(self) -> bool {
        !self.is_multicast()
    }

    /// True for ff:ff:ff:ff:ff:ff.
    #[inline]
    pub const fn is_broadcast(self) -> bool {
        self.as_u64() == 0xffff_ffff_ffff
    }

    /// True for locally administered addresses (U/L bit set).
    #[inline]
    pub const fn is_local(self) -> bool {
        self.0[0] & 2 != 0
    }

    /// True for 00:00:00:00:00:00.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.as_u64() == 0
    }

    /// True for 01:80:c2:00:00:00 to 01:80:c2:00:00:0f, the addresses that a bridge does not
    /// forward (IEEE 802.1Q-2018 table 8-1).
    #[inline]
    pub const fn is_reserved_multicast(self) -> bool {
        self.as_u64() & !0xf == 0x0180_c200_0000
    }

    /// The address as a number below 2^48, the first byte the most significant.
    #[inline]
    pub const fn as_u64(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// The address of the lower 48 bits of a number.
    #[inline]
    pub const fn from_u64(value: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = value.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    /// The group address that carries an IPv4 multicast address (RFC 1112 section 6.4).
    pub const fn ipv4_multicast(addr: Ipv4Addr) -> Self {
        let [_, b, c, d] = addr.octets();
        Self([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }

    /// The group address that carries an IPv6 multicast address (RFC 2464 section 7).
    pub const fn ipv6_multicast(addr: Ipv6Addr) -> Self {
        let o = addr.octets();
        Self([0x33, 0x33, o[12], o[13], o[14], o[15]])
    }

    /// The address in the first six bytes, if there are as many.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk::<6>().map(|b| Self(*b))
    }

    /// The address at an offset. The caller has checked the bounds.
    #[inline]
    pub(crate) fn at(bytes: &[u8], at: usize) -> Self {
        Self::from_bytes(&bytes[at..]).expect("a view checks its size before it reads")
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<[u8; 6]> for MacAddr {
    fn from(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }
}

impl FromStr for MacAddr {
    type Err = ParseMacError;

    /// Reads six hexadecimal bytes of one or two digits with ':' (or, all of them, '-') between.
    fn from_str(text: &str) -> core::result::Result<Self, ParseMacError> {
        let error = || ParseMacError(text.chars().take(40).collect());
        let separator = if text.contains(':') { ':' } else { '-' };
        let mut bytes = [0; 6];
        let mut parts = text.split(separator);
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(error)?;
            if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(error());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| error())?;
        }
        match parts.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_are_inverse() {
        let mac = MacAddr([2, 0, 0xab, 0, 0, 9]);
        assert_eq!(mac.to_string(), "02:00:ab:00:00:09");
        assert_eq!("02:00:ab:00:00:09".parse(), Ok(mac));
        assert_eq!("2-0-AB-0-0-9".parse(), Ok(mac));
        assert_eq!(MacAddr::from_u64(mac.as_u64()), mac);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "1:2:3:4:5", "1:2:3:4:5:6:7", "1:2:3:4:5:g", "1:2:3:4:5:", "+1:2:3:4:5:6", "1:2-3:4:5:6"] {
            assert!(text.parse::<MacAddr>().is_err(), "{text}");
        }
    }

    #[test]
    fn kinds_of_address() {
        assert!(MacAddr::BROADCAST.is_multicast() && MacAddr::BROADCAST.is_broadcast());
        assert!(MacAddr([2, 0, 0, 0, 0, 1]).is_local() && MacAddr([2, 0, 0, 0, 0, 1]).is_unicast());
        assert!(MacAddr([1, 0x80, 0xc2, 0, 0, 0x0f]).is_reserved_multicast());
        assert!(!MacAddr([1, 0x80, 0xc2, 0, 0, 0x10]).is_reserved_multicast());
        assert_eq!(MacAddr::ipv4_multicast(Ipv4Addr::new(224, 128, 0, 5)), MacAddr([1, 0, 0x5e, 0, 0, 5]));
    }
}
