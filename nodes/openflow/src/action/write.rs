//! Actions that write fields: `set_field`, `load`, `move`, `push`, `pop`, `check_pkt_larger`.
//!
//! The normal form is the one that the original keeps of what comes by its default protocol, OpenFlow 1.0: `set_field` of a
//! field that a `mod_` action sets is that action, and of others it is one `load` for each run of bits, 64 at most. Only
//! the parts of a VLAN tag stay with `set_field`, which unlike `mod_vlan_vid` adds no tag.

use std::net::Ipv4Addr;

use packet::field::{Field, Format};
use packet::key::slot;
use packet::{MacAddr, Subfield};

use super::Action;
use super::parse::Reader;
use crate::error::FlowErrorKind;
use crate::number;
use crate::subfield;
use crate::text::{Found, Word};

/// `set_field:VALUE[/MASK]->FIELD`.
pub(super) fn set_field(reader: &mut Reader<'_>, word: &Word<'_>, into: &mut Vec<Action>) -> Found<()> {
    let (value, name) = word.arrow("set_field", ":4106->vlan_vid")?;
    let field = subfield::field(word, name)?;
    writable(word, field)?;
    let (value, mask) = match field.format {
        // The tag is there, whether the value says so or not.
        Format::VlanOxm => vid(word, value)?,
        _ => field
            .parse_value(value, reader.ports)
            .map_err(|error| word.wrong(FlowErrorKind::FieldValue { word: "set_field", field: field.name, error }))?,
    };
    // What the value says is checked where it stands, before it takes another form.
    reader.known.write("set_field", field).map_err(|kind| word.wrong(kind))?;
    match normal(field, value, mask) {
        Some(action) => into.push(action),
        None => runs(field, value, mask, into),
    }
    Ok(())
}

/// A VLAN with the bit that says that a tag is present, and a mask that has it.
fn vid(word: &Word<'_>, text: &str) -> Found<(u128, u128)> {
    const WANTED: &str = "4096 (a tag is present) plus a VLAN, 0 to 4095";
    let present = u16::try_from(slot::VLAN_VID.max() & !0xfff).unwrap_or_default();
    let read = |text: &str| number::parse(text).filter(|vid: &u16| u128::from(*vid) <= slot::VLAN_VID.max());
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (read(value), read(mask)),
        None => (read(text), Some(u16::MAX)),
    };
    let (value, mask) = value.zip(mask).ok_or_else(|| word.bad_part("vlan_vid", text, WANTED))?;
    let mask = u128::from(mask | present) & slot::VLAN_VID.max();
    Ok((u128::from(value | present) & mask, mask))
}

/// The action that sets the whole field, if it has one of its own.
fn normal(field: &'static Field, value: u128, mask: u128) -> Option<Action> {
    if field.is_of_tag {
        return Some(Action::SetField { field, value, mask });
    }
    if mask != field.slot.max() {
        return None;
    }
    let is = |names: &[&str]| names.contains(&field.name);
    Some(match field.slot {
        slot::DL_SRC => Action::ModDlSrc(MacAddr::from_u64(value as u64)),
        slot::DL_DST => Action::ModDlDst(MacAddr::from_u64(value as u64)),
        slot::NW_SRC if !is(&["arp_spa"]) => Action::ModNwSrc(Ipv4Addr::from_bits(value as u32)),
        slot::NW_DST if !is(&["arp_tpa"]) => Action::ModNwDst(Ipv4Addr::from_bits(value as u32)),
        slot::NW_DSCP => Action::ModNwTos((value << 2) as u8),
        slot::TP_SRC if is(&["tp_src", "tcp_src", "udp_src"]) => Action::ModTpSrc(value as u16),
        slot::TP_DST if is(&["tp_dst", "tcp_dst", "udp_dst"]) => Action::ModTpDst(value as u16),
        _ => return None,
    })
}

/// One `load` for each run of bits that are written, from the lowest on.
fn runs(field: &'static Field, value: u128, mask: u128, into: &mut Vec<Action>) {
    // As many bits as the field has in messages, which may be more than a key has.
    let mut left = if mask == field.slot.max() { Subfield::whole(field).max() } else { mask };
    while left != 0 {
        let start = left.trailing_zeros();
        let len = (left >> start).trailing_ones().min(64);
        let to = Subfield { field, start: start as u8, len: len as u8 };
        left &= !(to.max() << start);
        into.push(Action::Load { to, value: value >> start & to.max() });
    }
}

/// `load:VALUE->SUBFIELD`.
pub(super) fn load(_: &mut Reader<'_>, word: &Word<'_>, into: &mut Vec<Action>) -> Found<()> {
    let (value, to) = word.arrow("load", ":5->reg0[]")?;
    let to = target(word, to)?;
    let value = number::wide(value).ok_or_else(|| word.bad_part("load", value, "a number"))?;
    fits(word, "load", value, &to)?;
    let mask = to.max() << to.start;
    runs(to.field, value << to.start, mask, into);
    Ok(())
}

/// A number must fit into the bits that it is written to.
pub(super) fn fits(word: &Word<'_>, name: &'static str, value: u128, to: &Subfield) -> Found<()> {
    if value <= to.max() {
        return Ok(());
    }
    Err(word.wrong(FlowErrorKind::TooWide { word: name, value, bits: to.len }))
}

/// `move:SUBFIELD->SUBFIELD`.
pub(super) fn copy(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let (from, to) = word.arrow("move", ":reg0[]->reg1[]")?;
    let (from, to) = (subfield::parse(word, from)?, target(word, to)?);
    same_width(word, &from, &to)?;
    Ok(Action::Move { from, to })
}

/// What is copied must be as wide as where it goes.
pub(super) fn same_width(word: &Word<'_>, from: &Subfield, to: &Subfield) -> Found<()> {
    if from.len == to.len {
        return Ok(());
    }
    Err(word.wrong(FlowErrorKind::Widths { from: from.len, to: to.len }))
}

/// `push:SUBFIELD`.
pub(super) fn push(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    Ok(Action::Push(subfield::parse(word, word.needed("push", ":reg0[]")?)?))
}

/// `pop:SUBFIELD`.
pub(super) fn pop(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    Ok(Action::Pop(target(word, word.needed("pop", ":reg0[]")?)?))
}

/// `check_pkt_larger(SIZE)->BIT`.
pub(super) fn check_pkt_larger(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    const NAME: &str = "check_pkt_larger";
    let parts = word.value.split_once(")->");
    let (size, to) = parts.ok_or_else(|| word.wrong(FlowErrorKind::MissingValue(NAME, "(1500)->reg0[0]")))?;
    let size = number::parse(size).ok_or_else(|| word.bad_part(NAME, size, "a number of bytes from 0 to 65535"))?;
    Ok(Action::CheckPktLarger { size, to: bit(word, NAME, to)? })
}

/// A single bit that can be written.
pub(super) fn bit(word: &Word<'_>, name: &'static str, text: &str) -> Found<Subfield> {
    let to = target(word, text)?;
    if to.len == 1 { Ok(to) } else { Err(word.bad_part(name, text, "a single bit, as in reg0[0]")) }
}

/// A subfield that can be written.
pub(super) fn target(word: &Word<'_>, text: &str) -> Found<Subfield> {
    let to = subfield::parse(word, text)?;
    writable(word, to.field)?;
    Ok(to)
}

/// Refuses a field that no action writes.
fn writable(word: &Word<'_>, field: &'static Field) -> Found<()> {
    match field.slot {
        slot::CT_MARK | slot::CT_LABEL => Err(word.wrong(FlowErrorKind::NotTaken {
            word: field.name,
            why: "only ct writes it, and connections are not tracked",
        })),
        _ if !field.writable => Err(word.wrong(FlowErrorKind::ReadOnly(field.set_name))),
        _ => Ok(()),
    }
}
