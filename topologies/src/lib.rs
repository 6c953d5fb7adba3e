//! Lab files: from TOML to a running lab, and its checks.
//!
//! A file goes through these hands, and each can rely on the one before:
//!
//! * [`spec`]: what was typed: TOML with its places, keys and values of the right types. Every mistake of a file is
//!   collected as a [`Diagnostic`] ([`error`]).
//! * [`lab`]: what it means: a [`Lab`] can't be wrong, since names lead somewhere and values fit.
//! * [`lint`](mod@lint): what looks wrong in a lab that runs.
//! * [`run`](mod@run): the lab's devices and links, running; its checks, events and captures.
//!
//! [`graph`](mod@graph) draws a lab. [`schema`](mod@schema) says what a file may hold, for editors and for people.
//!
//! [`load`](load()) reads a file, [`parse`] a text. [`generate()`] writes labs of regular shapes.

pub mod error;
pub mod generate;
pub mod graph;
pub mod lab;
pub mod lint;
mod load;
pub mod run;
pub mod schema;
pub mod spec;

pub use error::{Diagnostic, Severity};
pub use generate::{Pattern, PatternError, SpanningTree, generate, generate_with};
pub use lab::{Lab, LabEnd, LabLink, LabNode, NodeKind};
pub use load::{LoadedLab, MAX_FILE_SIZE, Override, load, load_with_checks, parse};

/// A span of time as a lab file has it: `200us`, `1.5s`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_duration(text: &str) -> Result<sim_core::Duration, String> {
    spec::units::duration(text).map_err(|error| format!("{error}; a time looks like 10ms or 1.5s"))
}
