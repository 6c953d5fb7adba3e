//! Files of flows, of groups and of both: one a line, `#` begins a comment, and blank lines don't count. In those of `add-flows` and
//! `add-groups` a line may begin with another command.

use crate::error::FlowErrorKind;
use crate::error::{FileError, FlowError};
use crate::flow_mod::{self, FlowCommand, FlowMod};
use crate::group::{self, GroupCommand, GroupMod};
use crate::port::Ports;
use crate::text::short;
use crate::{Flow, PacketOut, parse_flow_mod};

/// How many errors of a file are told.
const MAX_ERRORS: usize = 100;

/// Reads a file of flows, as `replace-flows` and `diff-flows` do.
///
/// # Errors
/// Every line that is no flow, up to 100.
pub fn parse_file(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Vec<Flow>, Vec<FileError>> {
    lines(text, |line| Flow::parse(line, ports))
}

/// Reads a file of changes, as `add-flows` does, where a line may begin with `add`, `modify`, `modify_strict`, `delete` or
/// `delete_strict`; with another command, as `mod-flows` and `del-flows` do.
///
/// # Errors
/// Every line that is no change, up to 100.
pub fn parse_flow_mods(
    command: FlowCommand,
    text: &str,
    ports: &dyn Fn(&str) -> Option<u32>,
) -> Result<Vec<FlowMod>, Vec<FileError>> {
    lines(text, |line| match command {
        FlowCommand::Add => {
            let (command, at) = leading(line, &FlowCommand::WORDS).unwrap_or((command, 0));
            flow_mod::parse_at(command, line, at, ports)
        }
        _ => parse_flow_mod(command, line, ports),
    })
}

/// Reads a file of changes of groups, as `add-groups` does, where a line may begin with `add`, `modify`, `add_or_mod`,
/// `delete`, `insert_bucket` or `remove_bucket`; with another command, as `mod-group` and the like do.
///
/// # Errors
/// Every line that is no change, up to 100.
pub fn parse_group_mods(
    command: GroupCommand,
    text: &str,
    ports: &dyn Fn(&str) -> Option<u32>,
) -> Result<Vec<GroupMod>, Vec<FileError>> {
    lines(text, |line| one_group(command, line, ports))
}

/// A line of a file for `bundle`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `flow ..`.
    Flow(Box<FlowMod>),
    /// `group ..`.
    Group(Box<GroupMod>),
    /// `packet-out ..`.
    PacketOut(Box<PacketOut>),
}

/// Reads a file of changes of either kind, as `bundle` does: each line begins with `flow`, `group` or `packet-out`, and goes
/// on as in a file of the one or the other.
///
/// # Errors
/// Every line that is no change, up to 100.
pub fn parse_bundle(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Vec<Change>, Vec<FileError>> {
    #[derive(Clone, Copy)]
    enum Kind {
        Flow,
        Group,
        PacketOut,
    }
    const KINDS: [(&str, Kind); 3] = [("flow", Kind::Flow), ("group", Kind::Group), ("packet-out", Kind::PacketOut)];
    lines(text, |line| {
        let (kind, at) = leading(line, &KINDS).ok_or_else(|| {
            let start = line.len() - line.trim_start().len();
            let word = short(line.split_whitespace().next().unwrap_or_default());
            let within = "a bundle's line (flow, group or packet-out first)";
            FlowError::at(line, start, FlowErrorKind::UnknownPart { word, within, nearest: None })
        })?;
        match kind {
            Kind::Flow => {
                let (command, at) = leading_from(line, at, &FlowCommand::WORDS).unwrap_or((FlowCommand::Add, at));
                flow_mod::parse_at(command, line, at, ports).map(|change| Change::Flow(Box::new(change)))
            }
            Kind::Group => {
                let (command, at) = leading_from(line, at, &GroupCommand::WORDS).unwrap_or((GroupCommand::Add, at));
                group::parse_at(command, line, at, ports).map(|change| Change::Group(Box::new(change)))
            }
            Kind::PacketOut => PacketOut::parse_at(line, at, ports).map(|packet| Change::PacketOut(Box::new(packet))),
        }
    })
}

fn one_group(command: GroupCommand, line: &str, ports: Ports<'_>) -> Result<GroupMod, FlowError> {
    let leading = leading(line, &GroupCommand::WORDS).filter(|_| command == GroupCommand::Add);
    let (command, at) = leading.unwrap_or((command, 0));
    group::parse_at(command, line, at, ports)
}

/// The command that a line begins with, and where the rest begins.
fn leading<C: Copy>(line: &str, words: &[(&str, C)]) -> Option<(C, usize)> {
    leading_from(line, 0, words)
}

/// The same from a byte of the line on.
fn leading_from<C: Copy>(line: &str, at: usize, words: &[(&str, C)]) -> Option<(C, usize)> {
    let start = line.len() - line[at..].trim_start().len();
    let rest = &line[start..];
    let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
    let (_, command) = words.iter().find(|(word, _)| *word == &rest[..end])?;
    Some((*command, start + end))
}

/// Reads every line.
fn lines<T>(text: &str, read: impl Fn(&str) -> Result<T, FlowError>) -> Result<Vec<T>, Vec<FileError>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        match read(line) {
            Ok(one) if errors.is_empty() => found.push(one),
            Ok(_) => {}
            Err(error) => errors.push(FileError { line: index + 1, error }),
        }
        if errors.len() == MAX_ERRORS {
            break;
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}
