//! The flows of a trace, whose fields are compared whatever their order.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The fields of a flow by name, each with its value and which of its bits are said.
///
/// The words for protocols are turned into the fields that they stand for, `vlan_tci` into the parts of a tag.
pub type Fields = BTreeMap<String, (u128, u128)>;

/// The protocols: name, Ethernet type, IP protocol.
const PROTOCOLS: [(&str, u16, Option<u8>); 17] = [
    ("ipv6", 0x86dd, None),
    ("ip", 0x0800, None),
    ("arp", 0x0806, None),
    ("rarp", 0x8035, None),
    ("mpls", 0x8847, None),
    ("mplsm", 0x8848, None),
    ("icmp", 0x0800, Some(1)),
    ("tcp", 0x0800, Some(6)),
    ("udp", 0x0800, Some(17)),
    ("sctp", 0x0800, Some(132)),
    ("icmp6", 0x86dd, Some(58)),
    ("tcp6", 0x86dd, Some(6)),
    ("udp6", 0x86dd, Some(17)),
    ("sctp6", 0x86dd, Some(132)),
    ("icmpv6", 0x86dd, Some(58)),
    ("ip6", 0x86dd, None),
    ("eth", 0, None),
];

const TCP_FLAGS: [&str; 9] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"];

/// Reads a flow as a trace prints it.
pub fn parse(text: &str) -> Fields {
    let mut fields = Fields::new();
    let exact = |value: u128| (value, u128::MAX);
    for term in text.split(',').map(str::trim).filter(|term| !term.is_empty()) {
        let Some((name, value)) = term.split_once('=') else {
            if let Some((_, ethertype, protocol)) = PROTOCOLS.iter().find(|(name, ..)| *name == term) {
                if *ethertype != 0 {
                    fields.insert("dl_type".to_owned(), exact((*ethertype).into()));
                }
                if let Some(protocol) = protocol {
                    fields.insert("nw_proto".to_owned(), exact((*protocol).into()));
                }
            } else {
                fields.insert(term.to_owned(), exact(1));
            }
            continue;
        };
        match name {
            // Always so where a frame enters.
            "recirc_id" => {}
            // No tag: the same as no word about tags.
            "vlan_tci" | "vlan_tci1" if value == "0x0000" => {}
            "nw_frag" => {
                let bits = match value {
                    "no" => (0, 3),
                    "yes" => (1, 1),
                    "first" => (1, 3),
                    "later" => (3, 3),
                    "not_later" => (0, 2),
                    _ => panic!("{term}"),
                };
                fields.insert(name.to_owned(), bits);
            }
            _ => {
                fields.insert(name.to_owned(), masked(value).unwrap_or_else(|| panic!("{term} in {text}")));
            }
        }
    }
    // A tunnel is shown once it has a destination; of the protocols of tunnels some are the real switch's alone.
    let has_tunnel = fields.get("tun_dst").is_some_and(|(value, _)| *value != 0);
    fields.retain(|name, _| has_tunnel || !name.starts_with("tun_") || name == "tun_id");
    if has_tunnel {
        // Shown of tunnels whose key came in.
        fields.remove("tun_id");
    }
    fields.retain(|name, _| !name.starts_with("gtpu") && name != "tun_erspan_ver");
    if fields.get("nw_proto").is_some_and(|(protocol, _)| *protocol == 2) {
        // The real switch notes type and code of IGMP for its multicast snooping; no match can see them.
        fields.remove("tp_src");
        fields.remove("tp_dst");
    }
    fields
}

/// A value, perhaps with a mask, in any of the notations of fields.
pub fn masked(text: &str) -> Option<(u128, u128)> {
    if let Some(flags) = tcp_flags(text) {
        return Some(flags);
    }
    let Some((value, mask)) = text.split_once('/') else { return Some((number(text)?, u128::MAX)) };
    let mask = match mask.parse::<u32>() {
        Ok(len) if value.contains(':') => u128::MAX << (128 - len),
        Ok(len) if value.contains('.') => u128::from(u32::MAX.checked_shl(32 - len).unwrap_or(0)),
        _ => number(mask)?,
    };
    Some((number(value)?, mask))
}

/// A number in any of the notations of fields.
pub fn number(text: &str) -> Option<u128> {
    let reserved = [("IN_PORT", 0xfff8), ("NORMAL", 0xfffa), ("FLOOD", 0xfffb), ("ALL", 0xfffc), ("LOCAL", 0xfffe)];
    if let Some((_, number)) = reserved.iter().find(|(name, _)| *name == text) {
        return Some(*number);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return u128::from_str_radix(digits, 16).ok();
    }
    let octets: Vec<&str> = text.split(':').collect();
    if octets.len() == 6 && octets.iter().all(|octet| octet.len() == 2) {
        return u128::from_str_radix(&octets.concat(), 16).ok();
    }
    if octets.len() > 1 {
        return text.parse::<Ipv6Addr>().ok().map(u128::from);
    }
    if text.contains('.') {
        return text.parse::<Ipv4Addr>().ok().map(|address| u32::from(address).into());
    }
    text.parse().ok()
}

/// `syn|ack` or `+syn-ack`.
fn tcp_flags(text: &str) -> Option<(u128, u128)> {
    let bit = |name: &str| match name.strip_prefix('[') {
        // A flag without a name.
        Some(bits) => u128::from_str_radix(bits.strip_prefix("0x").unwrap_or(bits).strip_suffix(']')?, 16).ok(),
        None => TCP_FLAGS.iter().position(|flag| *flag == name).map(|at| 1_u128 << at),
    };
    if text.starts_with(['+', '-']) {
        let (mut value, mut mask) = (0, 0);
        let mut rest = text;
        while let Some(sign) = rest.chars().next() {
            let end = rest[1..].find(['+', '-']).map_or(rest.len(), |end| end + 1);
            let bit = bit(&rest[1..end])?;
            mask |= bit;
            value |= if sign == '+' { bit } else { 0 };
            rest = &rest[end..];
        }
        return Some((value, mask));
    }
    let bits: Option<Vec<u128>> = text.split('|').map(bit).collect();
    Some((bits?.into_iter().sum(), u128::MAX))
}
