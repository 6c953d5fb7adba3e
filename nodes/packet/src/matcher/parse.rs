//! Reading a match: terms with commas or blanks between, each a protocol or `field=value`.
//!
//! A later term overrules an earlier one of the same bits, as in ovs-ofctl. What a field needs is
//! checked at the end, so that the order of the terms is free.

use super::{Match, MatchError, MatchErrorKind};
use crate::field::format::PortNames;
use crate::field::{FIELDS, Field, Format, PROTOCOLS, protocol::Protocol};
use crate::key::{Slot, VLAN_PRESENT, slot};
use crate::nearest;

/// Says that the packet is Ethernet's, as every frame is.
const ETHERNET: &str = "eth";

/// Reads a match, or with `is_exact` one in which all bits of the fields count.
pub(super) fn parse(text: &str, ports: PortNames<'_>, is_exact: bool) -> Result<Match, MatchError> {
    let mut parsed = Match::ANY;
    // The first place that names each field, for errors of what it needs.
    let mut places = [None; FIELDS.len()];
    for (offset, term) in terms(text) {
        let at = |kind| MatchError { column: text[..offset].chars().count() + 1, offset, kind };
        let (word, value) = match term.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (term, None),
        };
        if let Some(protocol) = PROTOCOLS.iter().find(|p| p.name == word) {
            if value.is_some() {
                let error = crate::field::ValueError(format!("a protocol takes no value: write {word}"));
                return Err(at(MatchErrorKind::Value { field: protocol.name, error }));
            }
            protocol.require(&mut parsed.key, &mut parsed.mask);
            continue;
        }
        if (word, value) == (ETHERNET, None) {
            continue;
        }
        let Some(row) = FIELDS.iter().position(|f| f.names().any(|name| name == word)) else {
            return Err(at(unknown(word)));
        };
        let field = &FIELDS[row];
        let value = value.ok_or_else(|| at(MatchErrorKind::MissingValue(field.name)))?;
        let masked =
            field.parse_value(value, ports).map_err(|error| at(MatchErrorKind::Value { field: field.name, error }))?;
        if is_exact && masked.1 != field.slot.max() && !matches!(field.format, Format::PacketType | Format::TunFlags) {
            return Err(at(MatchErrorKind::Masked(field.name)));
        }
        apply(&mut parsed, field, masked);
        if masked.1 != 0 {
            places[row].get_or_insert(offset);
        }
    }
    for (field, place) in FIELDS.iter().zip(places) {
        if let Some(offset) = place
            && !field.needs.are_met(&parsed.key, &parsed.mask)
        {
            let column = text[..offset].chars().count() + 1;
            return Err(MatchError { column, offset, kind: MatchErrorKind::Prerequisite(field.name) });
        }
    }
    // In `tcp,mpls` the later protocol has no use for what the earlier one required.
    let is_proto = |f: &Field| f.slot == slot::NW_PROTO && f.needs.are_met(&parsed.key, &parsed.mask);
    if !FIELDS.iter().any(is_proto) {
        parsed.key.set(slot::NW_PROTO, 0);
        parsed.mask.set(slot::NW_PROTO, 0);
    }
    Ok(parsed)
}

/// The terms of a text and where they begin. A comma in parentheses is the value's.
fn terms(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_inside = false;
    let separator = move |c: char| {
        is_inside = if is_inside { c != ')' } else { c == '(' };
        !is_inside && (c == ',' || c.is_whitespace())
    };
    text.split(separator)
        .map(move |term| (term.as_ptr().addr() - text.as_ptr().addr(), term))
        .filter(|(_, term)| !term.is_empty())
}

/// Puts a value and its mask into a match.
fn apply(parsed: &mut Match, field: &Field, (value, mask): (u128, u128)) {
    parsed.key.set(field.slot, value);
    parsed.mask.set(field.slot, mask);
    // "No tag" is said by a VLAN id without the "present" bit, and leaves no bit of the tag open.
    let id = matches!(field.format, Format::VlanId | Format::VlanOxm);
    if id && mask == field.slot.max() && value & u128::from(VLAN_PRESENT) == 0 {
        let Slot { word, shift, .. } = field.slot;
        parsed.require(Slot::new(word, shift, 16), 0);
    }
}

/// The error for a word that is neither field nor protocol.
fn unknown(word: &str) -> MatchErrorKind {
    let fields = FIELDS.iter().flat_map(Field::names);
    let protocols = PROTOCOLS.iter().map(|p: &Protocol| p.name);
    MatchErrorKind::Unknown { word: word.chars().take(40).collect(), nearest: nearest(word, fields.chain(protocols)) }
}
