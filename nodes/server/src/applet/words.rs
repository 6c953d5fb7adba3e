//! What the programs' words have in common: addresses, interfaces, abbreviations.

use core::net::{IpAddr, Ipv4Addr};
use core::str::FromStr;

use host::Cidr;

/// A word as a message shows it: not longer than a line.
pub(crate) fn shown(word: &str) -> String {
    word.chars().take(60).collect()
}

/// The first known word that `word` abbreviates, as in iproute2.
pub(crate) fn abbreviated<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().copied().find(|known| !word.is_empty() && known.starts_with(word))
}

/// An address with or without a prefix length; without one it is that address alone.
pub(crate) fn cidr(text: &str) -> Option<Cidr> {
    match text.contains('/') {
        true => text.parse().ok(),
        false => IpAddr::from_str(text).ok().map(Cidr::host),
    }
}

/// A prefix as routes have it: `default`, an address, an address with a prefix length.
pub(crate) fn prefix(text: &str, is_v6: bool) -> Option<Cidr> {
    match text {
        "default" | "any" | "all" => Some(if is_v6 { Cidr::ALL_V6 } else { Cidr::ALL_V4 }),
        _ => cidr(text),
    }
}

/// The prefix length of a netmask such as 255.255.255.0.
pub(crate) fn mask_len(text: &str) -> Option<u8> {
    let bits = text.parse::<Ipv4Addr>().ok()?.to_bits();
    let len = bits.leading_ones();
    (bits.checked_shl(len).unwrap_or(0) == 0).then_some(len as u8)
}

/// The netmask of a prefix length.
pub(crate) fn mask(len: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0))
}

/// The prefix length that an address's class gives it (RFC 791 section 2.3), as ifconfig and route assume.
pub(crate) fn class_len(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..128 => 8,
        128..192 => 16,
        192..224 => 24,
        _ => 32,
    }
}

/// Whether a station can have this address.
pub(crate) fn is_station(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => !a.is_multicast() && !a.is_broadcast() && !a.is_unspecified(),
        IpAddr::V6(a) => !a.is_multicast() && !a.is_unspecified(),
    }
}
