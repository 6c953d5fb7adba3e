//! Bytes in text: pairs of hexadecimal digits, with dots between for the eye.

use std::fmt;

/// What is wanted, for messages.
pub(crate) const WANTED: &str = "bytes of two hexadecimal digits each, as in 01.0a.ff";

/// Reads bytes.
pub(crate) fn parse(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    Some(bytes)
}

/// Prints bytes.
pub(crate) struct Shown<'b>(pub(crate) &'b [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if index == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}
