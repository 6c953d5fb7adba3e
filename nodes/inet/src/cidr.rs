//! An IP address with the length of its prefix, as in `192.168.9.1/24` or `2001:db8::1/64`.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use packet::MacAddr;

/// An address and the length of its prefix in bits: 0..=32 for IPv4, 0..=128 for IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix_len: u8,
}

/// A text that is no address with a prefix length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address with a prefix length, as in 192.168.9.1/24 or 2001:db8::1/64")]
pub struct ParseCidrError(pub String);

impl Cidr {
    /// All of IPv4: what a default route leads to.
    pub const ALL_V4: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix_len: 0 };
    /// All of IPv6.
    pub const ALL_V6: Self = Self { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix_len: 0 };

    /// The pair, unless the prefix is longer than the address.
    pub const fn new(address: IpAddr, prefix_len: u8) -> Option<Self> {
        if prefix_len <= width(address) { Some(Self { address, prefix_len }) } else { None }
    }

    /// One address alone: its prefix is all of it.
    pub const fn host(address: IpAddr) -> Self {
        Self { address, prefix_len: width(address) }
    }

    /// The IPv6 link-local address of a MAC address, by EUI-64 (RFC 4291 appendix A, RFC 2464 section 5).
    pub const fn link_local(mac: MacAddr) -> Self {
        let [a, b, c, d, e, f] = mac.0;
        let octets = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f];
        Self { address: IpAddr::V6(Ipv6Addr::from_octets(octets)), prefix_len: 64 }
    }

    /// The address.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    pub const fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// True for IPv6.
    pub const fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// The same prefix with the bits behind it zero.
    pub const fn network(self) -> Self {
        let address = match self.address {
            IpAddr::V4(a) => IpAddr::V4(Ipv4Addr::from_bits(a.to_bits() & mask_v4(self.prefix_len))),
            IpAddr::V6(a) => IpAddr::V6(Ipv6Addr::from_bits(a.to_bits() & mask_v6(self.prefix_len))),
        };
        Self { address, prefix_len: self.prefix_len }
    }

    /// Whether an address of the same family has this prefix; false for the other family.
    #[inline]
    pub const fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()) & mask_v4(self.prefix_len) == 0,
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()) & mask_v6(self.prefix_len) == 0,
            _ => false,
        }
    }

    /// The subnet's broadcast address (RFC 919 section 7): IPv4 with a prefix of at most 30 bits.
    pub const fn broadcast(self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(a) if self.prefix_len <= 30 => {
                Some(Ipv4Addr::from_bits(a.to_bits() | !mask_v4(self.prefix_len)))
            }
            _ => None,
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

const fn mask_v4(prefix_len: u8) -> u32 {
    if prefix_len == 0 { 0 } else { u32::MAX << (32 - prefix_len) }
}

const fn mask_v6(prefix_len: u8) -> u128 {
    if prefix_len == 0 { 0 } else { u128::MAX << (128 - prefix_len) }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

impl FromStr for Cidr {
    type Err = ParseCidrError;

    fn from_str(text: &str) -> Result<Self, ParseCidrError> {
        let parse = || {
            let (address, len) = text.split_once('/')?;
            let len = len.bytes().all(|b| b.is_ascii_digit()).then(|| len.parse().ok())??;
            Self::new(address.parse().ok()?, len)
        };
        parse().ok_or_else(|| ParseCidrError(text.chars().take(60).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect(text)
    }

    #[test]
    fn a_prefix_decides_what_is_in_the_subnet() {
        assert!(cidr("10.0.0.1/8").contains([10, 255, 0, 9].into()));
        assert!(!cidr("10.0.0.1/8").contains([11, 0, 0, 1].into()));
        assert!(cidr("0.0.0.0/0").contains([1, 2, 3, 4].into()));
        assert!(!cidr("0.0.0.0/0").contains(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(cidr("192.168.9.77/26").network().to_string(), "192.168.9.64/26");
        assert_eq!(cidr("192.168.9.77/26").broadcast(), Some([192, 168, 9, 127].into()));
        assert_eq!(cidr("192.168.9.77/31").broadcast(), None);
    }

    #[test]
    fn a_link_local_address_is_made_from_the_mac_address() {
        let mac = MacAddr([0x02, 0x00, 0x00, 0x12, 0x34, 0x56]);
        assert_eq!(Cidr::link_local(mac).to_string(), "fe80::ff:fe12:3456/64");
    }

    #[test]
    fn what_is_no_address_with_a_prefix_is_refused() {
        for text in ["", "10.0.0.1", "10.0.0.1/33", "::1/129", "10.0.0/8", "10.0.0.1/+8", "10.0.0.1/ 8", "10.0.0.1/"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_value_are_inverse(bits: u128, len in 0u8..=128) {
            let six = Cidr::new(IpAddr::V6(Ipv6Addr::from_bits(bits)), len).expect("at most 128");
            prop_assert_eq!(cidr(&six.to_string()), six);
            prop_assert!(six.contains(six.network().address()));
            let four = Cidr::new(IpAddr::V4(Ipv4Addr::from_bits(bits as u32)), len % 33).expect("at most 32");
            prop_assert_eq!(cidr(&four.to_string()), four);
        }
    }
}
