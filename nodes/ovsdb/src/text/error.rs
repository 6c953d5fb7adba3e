//! Why a text is no value, in ovs-vsctl's words.

use super::parse::MAX_SPAN;
use crate::atom::Atom;

/// Why a text is no value of a column. The messages are ovs-vsctl's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// No integer, nor a range like `1-5`.
    #[error("\"{0}\" is not a valid integer or range")]
    Integer(String),
    /// A range whose end is before its start.
    #[error("\"{0}\" is not a valid range. Range end cannot be before start.")]
    Span(String),
    /// A range of more than 4096 numbers.
    #[error("constraint violation: Range \"{0}\" is too big. Maximum allowed size is {MAX_SPAN}.")]
    LongSpan(String),
    /// No real number.
    #[error("\"{0}\" is not a valid real number")]
    Real(String),
    /// No boolean.
    #[error("\"{0}\" is not a valid boolean (use \"true\" or \"false\")")]
    Boolean(String),
    /// An empty string without quotes.
    #[error("An empty string is not valid as input; use \"\" to represent the empty string")]
    Empty,
    /// A string whose quote has no end.
    #[error("{0}: missing quote at end of quoted string")]
    Quote(String),
    /// A quoted string with a wrong escape (RFC 8259 section 7).
    #[error("{text}: {problem}")]
    Escape {
        /// The text.
        text: String,
        /// What is wrong.
        problem: String,
    },
    /// Nothing where a set or map should be.
    #[error("use \"{0}\" to specify the empty {1}")]
    Nothing(&'static str, &'static str),
    /// No identifier of a row.
    #[error("\"{0}\" is not a valid UUID")]
    Uuid(String),
    /// An integer below or above what the column takes.
    #[error("constraint violation: {}", out_of_range(*.value, *.min, *.max))]
    Range {
        /// The integer.
        value: i64,
        /// The least that the column takes.
        min: i64,
        /// The greatest that the column takes.
        max: i64,
    },
    /// A string that the column doesn't take.
    #[error("constraint violation: {}", not_allowed(.value, .allowed))]
    NotAllowed {
        /// The string.
        value: Atom,
        /// What the column takes.
        allowed: &'static [&'static str],
    },
    /// A delimiter where a value should begin.
    #[error("{text}: unexpected \"{found}\" parsing {wanted}")]
    Unexpected {
        /// The text.
        text: String,
        /// The delimiter.
        found: char,
        /// The type of the column.
        wanted: String,
    },
    /// A pair without `=`. (ovs-vsctl's message breaks off where the text ends.)
    #[error("{text}: syntax error at \"{}", .found.map_or(String::new(), |found| format!("{found}\" expecting \"=\"")))]
    NoEquals {
        /// The text from the pair on.
        text: String,
        /// What is there instead.
        found: Option<char>,
    },
    /// A set or map without its closing bracket.
    #[error("{text}: missing \"{close}\" at end of data")]
    Unclosed {
        /// The text.
        text: String,
        /// The bracket.
        close: char,
    },
    /// Something after the closing bracket.
    #[error("{text}: trailing garbage after \"{close}\"")]
    Trailing {
        /// The text.
        text: String,
        /// The bracket.
        close: char,
    },
    /// Too few or too many elements.
    #[error("{text}: {len} {what} specified but the {bound} number is {limit}")]
    Count {
        /// The text.
        text: String,
        /// How many there are.
        len: usize,
        /// `value(s)` or `pair(s)`.
        what: &'static str,
        /// `minimum` or `maximum`.
        bound: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// An element or key occurs twice.
    #[error("{text}: {}", if *.map { "map contains duplicate key" } else { "set contains duplicate value" })]
    Duplicate {
        /// The text.
        text: String,
        /// It is a map.
        map: bool,
    },
    /// A backslash ends the text.
    #[error("{0}: backslash at end of argument")]
    Backslash(String),
    /// A quoted string goes beyond the end of the text.
    #[error("{0}: quoted string extends past end of argument")]
    OpenQuote(String),
}

/// That an integer is outside a column's range.
pub(crate) fn out_of_range(value: i64, min: i64, max: i64) -> String {
    match (min, max) {
        (_, i64::MAX) => format!("{value} is less than minimum allowed value {min}"),
        (i64::MIN, _) if value > max => format!("{value} is greater than maximum allowed value {max}"),
        _ => format!("{value} is not in the valid range {min} to {max} (inclusive)"),
    }
}

/// That a string is none of those that a column takes.
pub(crate) fn not_allowed(value: &Atom, allowed: &[&str]) -> String {
    let mut allowed: Vec<Atom> = allowed.iter().map(|word| Atom::from(*word)).collect();
    allowed.sort();
    let words: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    format!("{value} is not one of the allowed values ([{}])", words.join(", "))
}
