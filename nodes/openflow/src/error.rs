//! Why a text is no flow.

use std::fmt;

use packet::MatchError;
use packet::field::{SubfieldError, ValueError};
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
    /// A bucket without actions.
    #[error("a bucket needs actions: add actions=drop or other ones")]
    NoBucketActions,
    /// A word that must stand somewhere.
    #[error("{word} is missing, e.g. {word}{example}")]
    MissingWord {
        /// The word.
        word: &'static str,
        /// What may stand behind it.
        example: &'static str,
    },
    /// Words that don't fit together.
    #[error("{0}")]
    Unfit(&'static str),
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
    /// No such field, or no such bits of it.
    #[error("{0}")]
    Subfield(SubfieldError),
    /// A word that has no meaning inside another one.
    #[error("`{word}` is nothing that {within} takes{}", Hint(.nearest))]
    UnknownPart {
        /// The word, or its beginning.
        word: String,
        /// Where it stands.
        within: &'static str,
        /// What it most likely means.
        nearest: Option<&'static str>,
    },
    /// A field that no action writes.
    #[error("{0} can be matched but not written")]
    ReadOnly(&'static str),
    /// A value that the field doesn't take.
    #[error("{word}: {field}: {error}")]
    FieldValue {
        /// The action.
        word: &'static str,
        /// The field.
        field: &'static str,
        /// What is wrong with the value.
        error: ValueError,
    },
    /// A number with more bits than there is room for.
    #[error("{word}: {value:#x} doesn't fit into {bits} bits")]
    TooWide {
        /// The action.
        word: &'static str,
        /// The number.
        value: u128,
        /// How many bits there are.
        bits: u8,
    },
    /// Bits that are too few for what is written there.
    #[error("{word}: {bits} bits can't hold the result: at least {needed}")]
    Narrow {
        /// The action.
        word: &'static str,
        /// How many bits there are.
        bits: u8,
        /// How many there must be.
        needed: u8,
    },
    /// Bits are copied to more or fewer.
    #[error("{from} bits can't be copied to {to}: name as many of both, as in reg0[0..15]")]
    Widths {
        /// How many are read.
        from: u8,
        /// How many are written.
        to: u8,
    },
    /// A field that not all frames of the flow have.
    #[error("{word}: {error} to the match")]
    Prerequisite {
        /// The action.
        word: &'static str,
        /// What the field needs.
        error: MatchErrorKind,
    },
    /// A part of a VLAN tag where a frame may have no tag.
    #[error("{word} of {field} needs a VLAN tag: match dl_vlan, or push_vlan or mod_vlan_vid before it")]
    NeedsTag {
        /// The action.
        word: &'static str,
        /// The field.
        field: &'static str,
    },
    /// More VLAN tags than a frame can have.
    #[error("push_vlan: the frame has two VLAN tags already, and there is no room for a third")]
    TooManyTags,
    /// Instructions in another order than OpenFlow's.
    #[error(
        "{word} can't stand behind {later}: first meter, then actions, clear_actions, write_actions, write_metadata, goto_table"
    )]
    Order {
        /// The word.
        word: &'static str,
        /// What stands before it.
        later: &'static str,
    },
    /// An instruction that stands twice.
    #[error("{0} stands twice")]
    Twice(&'static str),
    /// An action that can't stand in another one's list.
    #[error("{word} can't stand in {within}")]
    NotWithin {
        /// The word.
        word: &'static str,
        /// Whose list it is.
        within: &'static str,
    },
    /// An action that an action set can't hold.
    #[error(
        "write_actions can't hold it: only what sends to a port, group or table, and what changes headers and fields"
    )]
    NotOfSet,
    /// `goto_table` to an earlier table.
    #[error("goto_table:{to} in table {from} goes back: only to a later table, or resubmit(,{to})")]
    Backwards {
        /// The flow's table.
        from: u8,
        /// The other one.
        to: u8,
    },
    /// `conjunction` beside other actions.
    #[error(
        "conjunction can stand only with other ones and with note: give the actions to the flow that matches conj_id"
    )]
    ConjunctionNotAlone,
    /// Lists in lists in lists.
    #[error("lists of actions stand {0} deep at most")]
    TooDeep(usize),
    /// A word that has no meaning for a command.
    #[error("{word} has no meaning where flows are chosen or changed by `{command}`")]
    NotFor {
        /// The word.
        word: &'static str,
        /// The command, as in a file for `add-flows`.
        command: &'static str,
    },
    /// A word of the original that netloom doesn't carry out.
    #[error("{word} can't be used: {why}")]
    NotTaken {
        /// The word.
        word: &'static str,
        /// Why, or what to write.
        why: &'static str,
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
