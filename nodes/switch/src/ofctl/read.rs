//! What a line or a file says of flows and groups, as changes of a bridge's tables.

use super::options::{Options, Version};
use crate::bridge::Bridge;
use crate::command::CommandError;
use openflow::{Change, FileError, FlowCommand, FlowMod, GroupCommand, GroupMod, PacketOut};
use std::borrow::Cow;

/// The number of a port by its name.
fn port_names(bridge: &Bridge) -> impl Fn(&str) -> Option<u32> + '_ {
    |name| {
        let slot = bridge.slot_named(name)?;
        Some(u32::from(bridge.slots[usize::from(slot)].as_ref()?.ofport))
    }
}

/// Reads one change of flows.
pub(super) fn change(
    bridge: &Bridge,
    options: &Options,
    command: FlowCommand,
    text: &str,
) -> Result<FlowMod, CommandError> {
    let change = openflow::parse_flow_mod(command, &numbered(bridge, text), &port_names(bridge));
    Ok(of_version(change.map_err(|error| failed(&error))?, options.version))
}

/// Reads a file of changes of flows.
pub(super) fn file(bridge: &Bridge, options: &Options, name: &str, text: &str) -> Result<Vec<FlowMod>, CommandError> {
    let changes = openflow::parse_flow_mods(FlowCommand::Add, &numbered(bridge, text), &port_names(bridge));
    let changes = changes.map_err(|errors| failed_lines(name, &errors))?;
    Ok(changes.into_iter().map(|change| of_version(change, options.version)).collect())
}

/// Reads one change of groups.
pub(super) fn group(bridge: &Bridge, command: GroupCommand, text: &str) -> Result<GroupMod, CommandError> {
    openflow::parse_group_mod(command, text, &port_names(bridge)).map_err(|error| failed(&error))
}

/// Reads a file of changes of groups.
pub(super) fn group_file(bridge: &Bridge, name: &str, text: &str) -> Result<Vec<GroupMod>, CommandError> {
    let changes = openflow::parse_group_mods(GroupCommand::Add, text, &port_names(bridge));
    changes.map_err(|errors| failed_lines(name, &errors))
}

/// Reads a file of changes of flows and groups, and of frames to send.
pub(super) fn bundle(bridge: &Bridge, name: &str, text: &str) -> Result<Vec<Change>, CommandError> {
    let changes = openflow::parse_bundle(&numbered(bridge, text), &port_names(bridge));
    changes.map_err(|errors| failed_lines(name, &errors))
}

/// Reads what `packet-out` takes behind the bridge: one text, or a port, actions and frames.
pub(super) fn packet_outs(bridge: &Bridge, arguments: &[&str]) -> Result<Vec<PacketOut>, CommandError> {
    let names = port_names(bridge);
    match arguments {
        [text] => PacketOut::parse(text, &names).map(|packet| vec![packet]).map_err(|error| failed(&error)),
        [_, _] => {
            Err(CommandError::new("ovs-ofctl: packet-out: after IN_PORT and ACTIONS come frames in hexadecimal digits"))
        }
        [in_port, actions, packets @ ..] => {
            let read = |packet: &&str| PacketOut::from_parts(in_port, actions, packet, &names);
            packets.iter().map(read).collect::<Result<_, _>>().map_err(|error| failed(&error))
        }
        [] => Ok(Vec::new()),
    }
}

fn failed(error: &impl std::fmt::Display) -> CommandError {
    CommandError::new(format!("ovs-ofctl: {error}"))
}

fn failed_lines(name: &str, errors: &[FileError]) -> CommandError {
    let lines: Vec<String> =
        errors.iter().map(|FileError { line, error }| format!("ovs-ofctl: {name}:{line}: {error}")).collect();
    CommandError::new(lines.join("\n"))
}

/// What a version's message says that the text leaves unsaid.
fn of_version(change: FlowMod, version: Version) -> FlowMod {
    let is_nicira = version == Version::V10;
    match change.command {
        // OpenFlow 1.0 adds anew; later versions keep the counters unless told to reset them.
        FlowCommand::Add => FlowMod { reset_counts: change.reset_counts || is_nicira, ..change },
        // Nicira's message always has a cookie for flows that are changed, OpenFlow's own never.
        FlowCommand::Modify | FlowCommand::ModifyStrict => {
            let new_cookie = is_nicira && (change.new_cookie || change.cookie_mask == 0);
            FlowMod { new_cookie, ..change }
        }
        FlowCommand::Delete | FlowCommand::DeleteStrict => change,
    }
}

/// The text with the numbers of tables in place of the names that the table `Flow_Table` gives them.
fn numbered<'t>(bridge: &Bridge, text: &'t str) -> Cow<'t, str> {
    const WORD: &str = "table=";
    let tables = bridge.shared.tables();
    let mut done = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(WORD) {
        let (before, after) = rest.split_at(at + WORD.len());
        let end = after.find(|c: char| c == ',' || c == ')' || c.is_whitespace()).unwrap_or(after.len());
        let (name, behind) = after.split_at(end);
        done.push_str(before);
        done.push_str(&tables.table_named(name).map_or(Cow::Borrowed(name), |number| number.to_string().into()));
        rest = behind;
    }
    if done.is_empty() { text.into() } else { (done + rest).into() }
}
