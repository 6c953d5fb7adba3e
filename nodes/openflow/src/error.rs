//! Why a text is no flow.

use std::fmt;

use packet::MatchError;
use packet::matcher::MatchErrorKind;

/// Why a text is no flow, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {kind}")]
pub struct FlowError {
    /// Where the wrong word begins, in characters from 1.
    pub column: usize,
    /// What is wrong with it.
    pub kind: FlowErrorKind,
}

impl FlowError {
    /// An error at a byte of a text.
    pub(crate) fn at(text: &str, offset: usize, kind: FlowErrorKind) -> FlowError {
        let before = text.get(..offset).unwrap_or(text);
        FlowError { column: before.chars().count() + 1, kind }
    }
}

impl From<MatchError> for FlowError {
    fn from(error: MatchError) -> FlowError {
        FlowError { column: error.column, kind: FlowErrorKind::Match(error.kind) }
    }
}

/// What is wrong with a word of a flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowErrorKind {
    /// The match is wrong.
    #[error("{0}")]
    Match(MatchErrorKind),
    /// There are no actions.
    #[error("a flow needs actions: add actions=drop or other ones at the end")]
    NoActions,
    /// A word that must have a value has none.
    #[error("{0} needs a value, e.g. {0}{1}")]
    MissingValue(&'static str, &'static str),
    /// A value where none belongs.
    #[error("{0} takes no value")]
    NoValue(&'static str),
    /// A value that the word doesn't take.
    #[error("{word}: `{value}` is not {wanted}")]
    Value {
        /// The word.
        word: &'static str,
        /// The value, or its beginning.
        value: String,
        /// What it takes.
        wanted: &'static str,
    },
    /// No such action.
    #[error("`{word}` is no action or port{}", Hint(.nearest))]
    UnknownAction {
        /// The word, or its beginning.
        word: String,
        /// What it most likely means.
        nearest: Option<&'static str>,
    },
    /// `set_field` of a field that can't be set.
    #[error("`{word}` is no field that set_field sets{}", Hint(.nearest))]
    UnknownField {
        /// The word, or its beginning.
        word: String,
        /// What it most likely means.
        nearest: Option<&'static str>,
    },
    /// `set_field` of a field that not all frames of the flow have.
    #[error("set_field of {field} needs {needs}: {remedy}")]
    Prerequisite {
        /// The field.
        field: &'static str,
        /// What the frame must have.
        needs: &'static str,
        /// What to add.
        remedy: &'static str,
    },
    /// `drop` beside other actions.
    #[error("drop can't stand with other actions")]
    DropNotAlone,
    /// An opening parenthesis without its closing one.
    #[error("`(` without `)`")]
    OpenParenthesis,
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

/// A line of a file that is no flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {error}")]
pub struct FileError {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub error: FlowError,
}
