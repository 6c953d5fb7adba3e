//! Values as ovs-vsctl(8) reads and writes them ("Database Values").
//!
//! A set is `[1, 2]`, a map `{a=b, c=d}`; brackets may be left out unless nothing is in them, and
//! are left out of a column that holds at most one value. A string needs quotes, with JSON's
//! escapes, unless it looks like a name.

mod error;
mod parse;
mod print;

pub use error::TextError;
pub(crate) use error::{not_allowed, out_of_range};
pub(crate) use parse::{Names, parse_atom, token};
pub(crate) use print::quote;
