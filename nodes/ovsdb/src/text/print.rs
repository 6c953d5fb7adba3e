//! Values and types as text.

use std::fmt;

use crate::atom::Atom;
use crate::datum::Datum;
use crate::schema::{ColumnType, UNLIMITED};
use crate::uuid::Uuid;

impl ColumnType {
    /// The text of a datum of this type.
    pub fn print(&self, datum: &Datum) -> String {
        struct Printed<'a>(&'a Datum, bool);
        impl fmt::Display for Printed<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_datum(f, self.0, self.1)
            }
        }
        Printed(datum, self.max <= 1 && !datum.is_empty()).to_string()
    }

    /// The type in words, as in ovs-vsctl's messages.
    pub(crate) fn english(&self) -> String {
        let key = self.key.atom.name();
        if self.is_scalar() {
            return key.to_owned();
        }
        let count = match (self.min, self.max) {
            (0, UNLIMITED) => String::new(),
            (min, UNLIMITED) => format!(" {min} or more"),
            (0, max) => format!(" up to {max}"),
            (min, max) => format!(" {min} to {max}"),
        };
        match &self.value {
            Some(value) => format!("map of{count} ({key}, {}) pairs", value.atom.name()),
            None => format!("set of{count} {key}s"),
        }
    }
}

/// Prints a datum that has no column: a set of one without brackets.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_datum(f, self, self.only().is_some())
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Integer(number) => write!(f, "{number}"),
            Atom::Real(number) => write!(f, "{number}"),
            Atom::Boolean(truth) => write!(f, "{truth}"),
            Atom::String(text) if needs_quotes(text) => f.write_str(&quote(text)),
            Atom::String(text) => f.write_str(text),
            Atom::Uuid(uuid) => write!(f, "{uuid}"),
        }
    }
}

fn write_datum(f: &mut fmt::Formatter<'_>, datum: &Datum, bare: bool) -> fmt::Result {
    let (open, close) = if datum.is_map() { ("{", "}") } else { ("[", "]") };
    if !bare {
        f.write_str(open)?;
    }
    let mut separator = "";
    for atom in datum.atoms() {
        write!(f, "{separator}{atom}")?;
        separator = ", ";
    }
    for (key, value) in datum.pairs() {
        write!(f, "{separator}{key}={value}")?;
        separator = ", ";
    }
    if !bare {
        f.write_str(close)?;
    }
    Ok(())
}

/// A string reads back without quotes if it looks like a name, and like no boolean or identifier.
fn needs_quotes(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let all = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    !starts || !all || text == "true" || text == "false" || Uuid::parse(text).is_some()
}

/// A JSON string (RFC 8259 section 7).
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
