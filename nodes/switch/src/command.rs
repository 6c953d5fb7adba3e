//! Command lines: which program a line is for.

use crate::switch::Switch;
use crate::{appctl, ofctl};
use ovsdb::vsctl::{self, VsctlError};
use packet::Word;
use sim_core::Time;

/// Why a line failed. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// What the program prints on standard error.
    pub message: String,
    /// Its exit status.
    pub status: u8,
}

impl CommandError {
    /// A failure with exit status 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 1 }
    }
}

impl From<VsctlError> for CommandError {
    fn from(error: VsctlError) -> Self {
        Self { message: error.message, status: error.status }
    }
}

/// The three programs.
pub fn commands() -> &'static [Word] {
    PROGRAMS
}

const PROGRAMS: &[Word] = &[
    Word::new("ovs-vsctl", "COMMAND ..", "configures the switch, as ovs-vsctl(8)"),
    Word::new("ovs-ofctl", "COMMAND BRIDGE ..", "flows, ports and counters of a bridge, as ovs-ofctl(8)"),
    Word::new("ovs-appctl", "COMMAND ..", "MAC tables, as ovs-appctl(8)"),
];

/// The commands of one of the three programs; none of another.
pub fn commands_of(program: &str) -> Vec<&'static str> {
    match program {
        "ovs-vsctl" => vsctl::commands().collect(),
        "ovs-ofctl" => ofctl::commands().collect(),
        "ovs-appctl" => appctl::commands().collect(),
        _ => Vec::new(),
    }
}

/// Runs a line on a switch.
pub(crate) fn run(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, CommandError> {
    let Some((program, words)) = words.split_first() else {
        return Err(CommandError::new("no command: ovs-vsctl, ovs-ofctl or ovs-appctl"));
    };
    match program.as_str() {
        "ovs-vsctl" => vsctl(switch, now, words),
        "ovs-ofctl" => ofctl::run(switch, now, words),
        "ovs-appctl" => appctl::run(switch, now, words),
        other => {
            let known = PROGRAMS.iter().map(|program| program.name);
            let hint = packet::nearest(other, known).map_or(String::new(), |near| format!("; did you mean {near}?"));
            Err(CommandError { message: format!("{other}: command not found{hint}"), status: 127 })
        }
    }
}

/// Warnings come before the output, as a terminal shows them; those of the switch itself, which a real one writes into
/// its log, when they are new.
fn vsctl(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, CommandError> {
    let complaints = |switch: &Switch| -> Vec<String> {
        let all = switch.bridges.iter().flat_map(|bridge| &bridge.complaints);
        all.map(|complaint| format!("ovs-vswitchd: {complaint}")).collect()
    };
    let before = complaints(switch);
    switch.write_status(now);
    let output = vsctl::run(&mut switch.store, words)?;
    switch.rows_changed(&output.changes);
    switch.settle(now);
    let new = complaints(switch).into_iter().filter(|complaint| !before.contains(complaint));
    let mut text = String::new();
    for warning in output.warnings.iter().cloned().chain(new) {
        text.push_str(&warning);
        text.push('\n');
    }
    text.push_str(&output.text);
    Ok(text)
}
