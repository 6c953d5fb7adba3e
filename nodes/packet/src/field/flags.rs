//! Flags as text: `syn|ack` (these and no others), `+syn-ack` (the others do not matter), or a
//! number.

use core::fmt;

use super::Field;
use super::format::{Masked, ValueError, error, short};
use crate::nearest;
use crate::wire::tcp;

/// The names of a field's flags.
pub(super) struct Names {
    /// What they are, for errors.
    what: &'static str,
    /// From the lowest bit on.
    names: &'static [&'static str],
}

/// TCP's flags (RFC 9293 section 3.1), reserved bits and all.
pub(super) const TCP: Names = Names { what: "TCP", names: &tcp::Flags::NAMES };
/// The state of a connection (ovs-fields(7), `ct_state`).
pub(super) const CT_STATE: Names =
    Names { what: "ct_state", names: &["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"] };
/// A tunnel's flags.
pub(super) const TUNNEL: Names = Names { what: "tunnel", names: &["oam"] };

impl Names {
    /// The bits that have names.
    pub(super) const fn all(&self) -> u128 {
        (1 << self.names.len()) - 1
    }
}

/// Reads a text of flags. If all that have names count, all bits of the field do.
pub(super) fn parse(field: &Field, text: &str, known: &Names) -> Result<Masked, ValueError> {
    let whole = |(value, mask): Masked| (value, if mask == known.all() { field.slot.max() } else { mask });
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let (value, mask) = field.number(text, known.all())?;
        return Ok(whole((value, mask)));
    }
    let flag = |name: &str| match known.names.iter().position(|known| *known == name) {
        Some(bit) => Ok(1u128 << bit),
        None => {
            let hint = nearest(name, known.names.iter().copied()).map(|n| format!(", did you mean {n}?"));
            error(format!("`{}` is no {} flag{}", short(name), known.what, hint.unwrap_or_default()))
        }
    };
    if !text.starts_with(['+', '-']) {
        let value = text.split('|').try_fold(0, |bits, name| Ok(bits | flag(name)?))?;
        return Ok((value, field.slot.max()));
    }
    let (mut value, mut mask) = (0, 0);
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let end = rest[1..].find(['+', '-']).map_or(rest.len(), |at| at + 1);
        let bit = flag(&rest[1..end])?;
        if mask & bit != 0 {
            return error(format!("{} stands twice", &rest[1..end]));
        }
        mask |= bit;
        value |= if sign == '+' { bit } else { 0 };
        rest = &rest[end..];
    }
    Ok(whole((value, mask)))
}

/// Prints flags: those that are set if all that have names count, else each that counts.
pub(super) fn write(f: &mut fmt::Formatter<'_>, known: &Names, value: u128, mask: u128) -> fmt::Result {
    if mask & known.all() != known.all() {
        return write_each(f, known, value, mask);
    }
    if value & known.all() == 0 {
        return f.write_str("0");
    }
    let mut separator = "";
    for (_, name) in known.names.iter().enumerate().filter(|(bit, _)| value & 1 << bit != 0) {
        write!(f, "{separator}{name}")?;
        separator = "|";
    }
    Ok(())
}

/// Prints each flag that counts with its sign.
pub(super) fn write_each(f: &mut fmt::Formatter<'_>, known: &Names, value: u128, mask: u128) -> fmt::Result {
    for (bit, name) in known.names.iter().enumerate().filter(|(bit, _)| mask & 1 << bit != 0) {
        write!(f, "{}{name}", if value & 1 << bit != 0 { '+' } else { '-' })?;
    }
    Ok(())
}
