//! Files of flows and of groups: one a line, `#` begins a comment, and blank lines don't count. In those of `add-flows` and
//! `add-groups` a line may begin with another command.

use crate::error::{FileError, FlowError};
use crate::flow_mod::{self, FlowCommand, FlowMod};
use crate::group::{self, GroupCommand, GroupMod};
use crate::port::Ports;
use crate::{Flow, parse_flow_mod};

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

fn one_group(command: GroupCommand, line: &str, ports: Ports<'_>) -> Result<GroupMod, FlowError> {
    let leading = leading(line, &GroupCommand::WORDS).filter(|_| command == GroupCommand::Add);
    let (command, at) = leading.unwrap_or((command, 0));
    group::parse_at(command, line, at, ports)
}

/// The command that a line begins with, and where the rest begins.
fn leading<C: Copy>(line: &str, words: &[(&str, C)]) -> Option<(C, usize)> {
    let start = line.len() - line.trim_start().len();
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
