//! Why a text is not a match.

use core::fmt;

use thiserror::Error;

use crate::field::{Field, ValueError};

/// Why a text is not a match, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("column {column}: {kind}")]
pub struct MatchError {
    /// Where the term begins, in characters from 1.
    pub column: usize,
    /// Where the term begins, in bytes from 0.
    pub offset: usize,
    /// What is wrong with it.
    pub kind: MatchErrorKind,
}

/// What is wrong with a term of a match.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MatchErrorKind {
    /// The word is no field and no protocol.
    #[error("`{word}` is no field or protocol{}", Hint(nearest))]
    Unknown {
        /// The word, or its beginning.
        word: String,
        /// What it most likely means.
        nearest: Option<&'static str>,
    },
    /// A field without `=value`.
    #[error("{0} needs a value: {0}=...")]
    MissingValue(&'static str),
    /// The value is not one of the field.
    #[error("{field}: {error}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is wrong with the value.
        error: ValueError,
    },
    /// A mask where every bit must be said.
    #[error("{0}: a flow to trace has values and no masks: write all bits{hint}", hint = flags_hint(.0))]
    Masked(&'static str),
    /// The field has no meaning in all frames that the rest of the match lets pass.
    #[error("{0} has a meaning only with {needs}", needs = Needed(.0))]
    Prerequisite(&'static str),
}

/// The likely word, if there is one.
struct Hint<'a>(&'a Option<&'static str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(word) => write!(f, ", did you mean {word}?"),
            None => Ok(()),
        }
    }
}

/// What a field needs, and what to add.
struct Needed<'a>(&'a str);

impl fmt::Display for Needed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(needs) = Field::find(self.0).map(|field| field.needs) else {
            return Ok(());
        };
        let connection = "a ct_state that has +new, +est, +rel, +rpl, +snat, +dnat or +trk-inv";
        let [first, others @ ..] = needs.protocols else {
            return if needs.connection { write!(f, "{connection}: add ct_state=+trk+est") } else { Ok(()) };
        };
        if !others.is_empty() {
            f.write_str("one of ")?;
        }
        f.write_str(first.name)?;
        others.iter().try_for_each(|p| write!(f, ", {}", p.name))?;
        if needs.connection {
            return write!(f, " and {connection}: add {},ct_state=+trk+est", first.name);
        }
        match needs.icmp_types {
            [] => write!(f, ": add {}", first.name),
            [kind] => write!(f, " and icmp_type={kind}: add icmp_type={kind}"),
            [kind, other, ..] => {
                write!(f, " and icmp_type={kind} or {other}: add icmp_type={kind}")
            }
        }
    }
}

/// How all flags are said.
fn flags_hint(field: &str) -> &'static str {
    match field {
        "ct_state" => ", such as trk|est",
        "tcp_flags" => ", such as syn|ack",
        _ => "",
    }
}
