//! The field table: one row for each field of the match language, data and not code.
//!
//! A row says under which names a field is known (ovs-fields(7)), where it stands in a key, how its
//! value is written, whether it can be masked or written, and what it needs. Parsing, printing,
//! subfields and the prerequisites follow from the table, so that a new field is a new row.
//!
//! The order of the rows is the order of printing. Where rows share bits of the key, the first
//! whose needs are met prints them: `arp_op` and `nw_proto` are the same bits.
//!
//! Of ovs-fields(7) are left out: `tun_metadata*`, `tun_erspan_*`, `tun_gtpu_*`, `nsh_*`,
//! `nd_reserved`, `nd_options_type` and `igmp_*`, for which the key has no bits.

mod context;
mod flags;
pub mod format;
mod headers;
pub mod protocol;
mod registers;
mod subfield;

use protocol::Needs;

pub use format::{Format, ValueError};
pub use protocol::{PROTOCOLS, Protocol};
pub use subfield::{Subfield, SubfieldError};

use crate::key::slot::Slot;

/// A row of the field table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name that a match is printed with.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// The name that `set_field` is printed with: `ip_src` for `nw_src`.
    pub set_name: &'static str,
    /// The name that `load` and `move` are printed with, such as `NXM_OF_IP_SRC`. Empty for what
    /// has no field of its own in OpenFlow: another form of a row (`dl_vlan`) or a field that
    /// no message can carry (`skb_priority`).
    pub nxm: &'static str,
    /// A second name of that kind, such as `OXM_OF_IPV4_SRC`, or empty.
    pub oxm: &'static str,
    /// The bits of a key that a match sets.
    pub slot: Slot,
    /// The bits of a key that actions read and write: [`Field::slot`] but for `vlan_pcp`, which
    /// leaves the "present" bit out, and `nw_tos`, of which the upper six count.
    pub bits: Slot,
    /// How many bits a subfield sees. More than [`Field::bits`] has read as zero and are not
    /// written.
    pub width: u8,
    /// How values are written.
    pub format: Format,
    /// True if a match may look at some of the bits only.
    pub maskable: bool,
    /// True if actions may write it.
    pub writable: bool,
    /// What the field needs to have a meaning.
    pub needs: Needs,
    /// True if only a frame with a tag has the field for actions that write it.
    pub is_of_tag: bool,
}

/// Some bits may be matched.
const MASKED: bool = true;
/// All bits or none are matched.
const EXACT: bool = false;

const ANY: Needs = Needs::NOTHING;

/// A row whose field actions may write.
const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    slot: Slot,
    format: Format,
    maskable: bool,
    needs: Needs,
) -> Field {
    Field {
        name,
        aliases,
        set_name: name,
        nxm: "",
        oxm: "",
        slot,
        bits: slot,
        width: slot.width,
        format,
        maskable,
        writable: true,
        needs,
        is_of_tag: false,
    }
}

impl Field {
    /// The row with the names that subfields are printed with and known by.
    const fn nxm(self, nxm: &'static str, oxm: &'static str) -> Self {
        Self { nxm, oxm, ..self }
    }

    /// The row of a field that no action may write.
    const fn read_only(self) -> Self {
        Self { writable: false, ..self }
    }

    /// The row of a field that `set_field` calls by another name.
    const fn set_as(self, set_name: &'static str) -> Self {
        Self { set_name, ..self }
    }

    /// The row of a field of which subfields see another number of bits.
    const fn of_width(self, width: u8) -> Self {
        Self { width, ..self }
    }

    /// The row of a field of which actions write other bits than a match sets.
    const fn written_at(self, bits: Slot) -> Self {
        Self { bits, width: bits.width, ..self }
    }

    /// The row of a field that is written into a tag.
    const fn of_tag(self) -> Self {
        Self { is_of_tag: true, ..self }
    }
}

/// Rows that are printed before the protocol.
const BEFORE_PROTOCOL: &[&[Field]] = &[context::MARKS, context::CONNTRACK];
/// Rows that are printed behind the protocol.
const BEHIND_PROTOCOL: &[&[Field]] = &[
    registers::REGISTERS,
    context::TUNNEL,
    context::METADATA,
    headers::ETHERNET,
    headers::NETWORK,
    headers::TRANSPORT,
];

/// How many rows of the table are printed before the protocol.
pub(crate) const PROTOCOL_AT: usize = count(BEFORE_PROTOCOL);

/// The field table.
pub const FIELDS: &[Field] = &TABLE;

const TABLE: [Field; PROTOCOL_AT + count(BEHIND_PROTOCOL)] = {
    let mut table = [context::MARKS[0]; PROTOCOL_AT + count(BEHIND_PROTOCOL)];
    let end = copy(BEFORE_PROTOCOL, &mut table, 0);
    copy(BEHIND_PROTOCOL, &mut table, end);
    table
};

/// How many rows there are in all.
const fn count(parts: &[&[Field]]) -> usize {
    let (mut count, mut part) = (0, 0);
    while part < parts.len() {
        count += parts[part].len();
        part += 1;
    }
    count
}

/// Copies rows behind one another; gives the place behind the last.
const fn copy(parts: &[&[Field]], table: &mut [Field], mut at: usize) -> usize {
    let mut part = 0;
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            table[at] = parts[part][row];
            at += 1;
            row += 1;
        }
        part += 1;
    }
    at
}

impl Field {
    /// The row of this name or alias.
    pub fn find(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name || field.aliases.contains(&name))
    }

    /// The row that a subfield of this name is of: any name of the field, or one of OpenFlow's such
    /// as `NXM_OF_IP_SRC` and `OXM_OF_IPV4_SRC`. As in Open vSwitch, `tp_src` is `tcp_src` there.
    pub fn find_for_subfield(name: &str) -> Option<&'static Self> {
        let is_meant = |field: &&Self| match name {
            "" => false,
            "tp_src" => field.name == "tcp_src",
            "tp_dst" => field.name == "tcp_dst",
            _ => field.nxm == name || field.oxm == name || field.name == name || field.aliases.contains(&name),
        };
        FIELDS.iter().find(is_meant)
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
        let register = |f: &Field| f.nxm.contains("REG");
        let bits = |s: Slot| match s.width {
            128 => (s.word * 2, 0, 128u16),
            w => (s.word * 2, u16::from(s.shift), u16::from(w)),
        };
        for a in FIELDS {
            for b in FIELDS {
                let ((wa, sa, na), (wb, sb, nb)) = (bits(a.slot), bits(b.slot));
                let overlap = wa == wb && sa < sb + nb && sb < sa + na;
                assert!(
                    !overlap || a.slot == b.slot || tag_part(a) && tag_part(b) || register(a) && register(b),
                    "{} {}",
                    a.name,
                    b.name
                );
            }
        }
    }
}
