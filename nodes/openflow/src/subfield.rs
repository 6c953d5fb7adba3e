//! Fields and subfields in actions: `reg0`, `reg0[]`, `NXM_NX_REG0[0..15]`.

use packet::field::{FIELDS, Field};
use packet::{Subfield, nearest};

use crate::error::FlowErrorKind;
use crate::text::{Found, Word, short};

/// Reads a subfield in the value of a word.
pub(crate) fn parse(word: &Word<'_>, text: &str) -> Found<Subfield> {
    let wrong = |kind| word.wrong(kind);
    let (name, bits) = match text.find('[') {
        Some(at) => text.split_at(at),
        None => (text, "[]"),
    };
    let field = Field::find(name).ok_or_else(|| wrong(unknown(name)))?;
    let inside = bits.strip_prefix('[').and_then(|bits| bits.strip_suffix(']'));
    let range = inside.and_then(|inside| match inside.split_once("..") {
        _ if inside.is_empty() => Some((0, field.slot.width - 1)),
        Some((start, end)) => Some((start.parse().ok()?, end.parse().ok()?)),
        None => inside.parse().ok().map(|bit: u8| (bit, bit)),
    });
    match range {
        Some((start, end)) if start <= end && end < field.slot.width => {
            Ok(Subfield { field, start, len: end - start + 1 })
        }
        _ => Err(wrong(FlowErrorKind::Bits { field: field.name, bits: short(bits), width: field.slot.width })),
    }
}

/// The error for a name that no field has.
pub(crate) fn unknown(name: &str) -> FlowErrorKind {
    let known = FIELDS.iter().flat_map(Field::names);
    FlowErrorKind::UnknownField { word: short(name), nearest: nearest(name, known) }
}

/// Prints a subfield.
pub(crate) struct Shown<'s>(pub(crate) &'s Subfield);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Subfield { field, start, len } = self.0;
        f.write_str(field.name)?;
        match len {
            _ if self.0.is_whole() => f.write_str("[]"),
            1 => write!(f, "[{start}]"),
            _ => write!(f, "[{start}..{}]", start + len - 1),
        }
    }
}
