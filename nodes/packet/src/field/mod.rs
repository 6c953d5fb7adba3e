//! The field table: one row for each field of the match language, data and not code.
//!
//! A row says under which names a field is known (ovs-fields(7)), where it stands in a key, how its
//! value is written, whether it can be masked, and which protocols it needs. Parsing, printing,
//! the size of a key and the prerequisites follow from the table, so that a new field is a new
//! row.
//!
//! The order of the rows is the order of printing. Where rows share bits of the key, the first
//! whose needs are met prints them: `arp_op` and `nw_proto` are the same bits.

pub mod format;
pub mod protocol;
mod subfield;

use protocol::{ARP, ICMP, ICMP6, IP, IPV6, Needs, RARP, SCTP, SCTP6, TCP, TCP6, UDP, UDP6};

pub use format::{Format, ValueError};
pub use protocol::{PROTOCOLS, Protocol};
pub use subfield::Subfield;

use crate::key::slot::{self, Slot};

/// A row of the field table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name that is printed.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Where the field stands in a key.
    pub slot: Slot,
    /// How values are written.
    pub format: Format,
    /// True if a match may look at some of the bits only.
    pub maskable: bool,
    /// What the field needs to have a meaning.
    pub needs: Needs,
}

/// Some bits may be matched.
const MASKED: bool = true;
/// All bits or none are matched.
const EXACT: bool = false;

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    slot: Slot,
    format: Format,
    maskable: bool,
    needs: Needs,
) -> Field {
    Field { name, aliases, slot, format, maskable, needs }
}

const ANY: Needs = Needs::NOTHING;
const IPS: Needs = Needs::any(&[IP, IPV6]);
const ARPS: Needs = Needs::any(&[ARP, RARP]);
const ICMPS: Needs = Needs::any(&[ICMP, ICMP6]);
const PORTS: Needs = Needs::any(&[TCP, UDP, SCTP, TCP6, UDP6, SCTP6]);

/// The field table.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    row("in_port", &["in_port_oxm"], slot::IN_PORT, Format::Port, EXACT, ANY),
    row("dl_vlan", &[], slot::VLAN_VID, Format::VlanId, EXACT, ANY),
    row("dl_vlan_pcp", &["vlan_pcp"], slot::VLAN_PCP, Format::VlanPriority, EXACT, ANY),
    row("vlan_tci", &[], slot::VLAN_TCI, Format::Hex(4), MASKED, ANY),
    row("vlan_vid", &[], slot::VLAN_VID, Format::VlanOxm, MASKED, ANY),
    row("inner_vlan", &[], slot::INNER_VID, Format::VlanId, EXACT, ANY),
    row("inner_vlan_pcp", &[], slot::INNER_PCP, Format::VlanPriority, EXACT, ANY),
    row("inner_vlan_tci", &[], slot::INNER_TCI, Format::Hex(4), MASKED, ANY),
    row("dl_src", &["eth_src"], slot::DL_SRC, Format::Mac, MASKED, ANY),
    row("dl_dst", &["eth_dst"], slot::DL_DST, Format::Mac, MASKED, ANY),
    row("dl_type", &["eth_type"], slot::DL_TYPE, Format::Hex(4), EXACT, ANY),
    row("ipv6_src", &[], slot::IPV6_SRC, Format::Ipv6, MASKED, Needs::any(&[IPV6])),
    row("ipv6_dst", &[], slot::IPV6_DST, Format::Ipv6, MASKED, Needs::any(&[IPV6])),
    row("ipv6_label", &[], slot::IPV6_LABEL, Format::Hex(5), MASKED, Needs::any(&[IPV6])),
    row("arp_spa", &[], slot::NW_SRC, Format::Ipv4, MASKED, ARPS),
    row("arp_tpa", &[], slot::NW_DST, Format::Ipv4, MASKED, ARPS),
    row("nw_src", &["ip_src"], slot::NW_SRC, Format::Ipv4, MASKED, Needs::any(&[IP, ARP, RARP])),
    row("nw_dst", &["ip_dst"], slot::NW_DST, Format::Ipv4, MASKED, Needs::any(&[IP, ARP, RARP])),
    row("arp_op", &[], slot::NW_PROTO, Format::Decimal(8), EXACT, ARPS),
    row("nw_proto", &["ip_proto"], slot::NW_PROTO, Format::Decimal(8), EXACT, Needs::any(&[IP, IPV6, ARP, RARP])),
    row("arp_sha", &[], slot::ARP_SHA, Format::Mac, MASKED, ARPS),
    row("arp_tha", &[], slot::ARP_THA, Format::Mac, MASKED, ARPS),
    row("nw_tos", &[], slot::NW_DSCP, Format::Tos, EXACT, IPS),
    row("ip_dscp", &[], slot::NW_DSCP, Format::Decimal(6), EXACT, IPS),
    row("nw_ecn", &["ip_ecn"], slot::NW_ECN, Format::Decimal(2), EXACT, IPS),
    row("nw_ttl", &[], slot::NW_TTL, Format::Decimal(8), EXACT, IPS),
    row("nw_frag", &["ip_frag"], slot::NW_FRAG, Format::Frag, MASKED, IPS),
    row("icmp_type", &[], slot::TP_SRC, Format::Decimal(8), EXACT, ICMPS),
    row("icmp_code", &[], slot::TP_DST, Format::Decimal(8), EXACT, ICMPS),
    row("icmpv6_type", &[], slot::TP_SRC, Format::Decimal(8), EXACT, Needs::any(&[ICMP6])),
    row("icmpv6_code", &[], slot::TP_DST, Format::Decimal(8), EXACT, Needs::any(&[ICMP6])),
    row("nd_target", &[], slot::ND_TARGET, Format::Ipv6, MASKED, Needs::icmp6_types(&[135, 136])),
    row("nd_sll", &[], slot::ARP_SHA, Format::Mac, MASKED, Needs::icmp6_types(&[135])),
    row("nd_tll", &[], slot::ARP_THA, Format::Mac, MASKED, Needs::icmp6_types(&[136])),
    row("tp_src", &[], slot::TP_SRC, Format::Decimal(16), MASKED, PORTS),
    row("tp_dst", &[], slot::TP_DST, Format::Decimal(16), MASKED, PORTS),
    row("tcp_src", &[], slot::TP_SRC, Format::Decimal(16), MASKED, Needs::any(&[TCP, TCP6])),
    row("tcp_dst", &[], slot::TP_DST, Format::Decimal(16), MASKED, Needs::any(&[TCP, TCP6])),
    row("udp_src", &[], slot::TP_SRC, Format::Decimal(16), MASKED, Needs::any(&[UDP, UDP6])),
    row("udp_dst", &[], slot::TP_DST, Format::Decimal(16), MASKED, Needs::any(&[UDP, UDP6])),
    row("sctp_src", &[], slot::TP_SRC, Format::Decimal(16), MASKED, Needs::any(&[SCTP, SCTP6])),
    row("sctp_dst", &[], slot::TP_DST, Format::Decimal(16), MASKED, Needs::any(&[SCTP, SCTP6])),
    row("tcp_flags", &[], slot::TCP_FLAGS, Format::TcpFlags, MASKED, Needs::any(&[TCP, TCP6])),
];

impl Field {
    /// The row of this name or alias.
    pub fn find(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.names().any(|known| known == name))
    }

    /// The name and the aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        core::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_unique_and_no_protocol_has_it() {
        let mut seen = BTreeSet::new();
        let fields = FIELDS.iter().flat_map(Field::names);
        for name in fields.chain(PROTOCOLS.iter().map(|p| p.name)) {
            assert!(seen.insert(name), "{name} twice");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        }
    }

    #[test]
    fn rows_share_all_bits_or_are_parts_of_a_tag_or_apart() {
        let tag_part = |f: &Field| f.name.contains("vlan");
        let bits = |s: Slot| match s.width {
            128 => (s.word * 2, 0, 128u16),
            w => (s.word * 2, u16::from(s.shift), u16::from(w)),
        };
        for a in FIELDS {
            for b in FIELDS {
                let ((wa, sa, na), (wb, sb, nb)) = (bits(a.slot), bits(b.slot));
                let overlap = wa == wb && sa < sb + nb && sb < sa + na;
                assert!(!overlap || a.slot == b.slot || tag_part(a) && tag_part(b), "{} {}", a.name, b.name);
            }
        }
    }
}
