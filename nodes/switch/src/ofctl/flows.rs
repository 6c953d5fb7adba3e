//! Changing flows: `add-flow`, `add-flows`, `mod-flows`, `del-flows`, `replace-flows`, `diff-flows`.

use super::options::Options;
use super::read;
use crate::bridge::Bridge;
use crate::command::CommandError;
use flow_table::{TableError, TableMod};
use openflow::{Flow, FlowCommand, FlowMod};
use sim_core::Time;
use std::fmt::Write;

/// Makes one change.
pub(super) fn change(
    bridge: &Bridge,
    now: Time,
    options: &Options,
    command: FlowCommand,
    text: &str,
) -> Result<String, CommandError> {
    let command = match command {
        FlowCommand::Modify if options.is_strict => FlowCommand::ModifyStrict,
        FlowCommand::Delete if options.is_strict => FlowCommand::DeleteStrict,
        other => other,
    };
    let change = read::change(bridge, options, command, text)?;
    apply(bridge, now, options, vec![change])
}

/// Makes the changes of a file's text.
pub(super) fn change_all(
    bridge: &Bridge,
    now: Time,
    options: &Options,
    name: &str,
    text: &str,
) -> Result<String, CommandError> {
    apply(bridge, now, options, read::file(bridge, options, name, text)?)
}

/// Makes the changes of a file's text, all of them or none.
pub(super) fn add_all(bridge: &Bridge, now: Time, name: &str, text: &str) -> Result<String, CommandError> {
    let options = Options { is_bundle: true, ..Options::default() };
    change_all(bridge, now, &options, name, text)
}

/// Makes a file's flows the only ones.
pub(super) fn replace(
    bridge: &Bridge,
    now: Time,
    options: &Options,
    name: &str,
    text: &str,
) -> Result<String, CommandError> {
    let wanted = flows_of(bridge, options, name, text)?;
    let changes = bridge.shared.tables().difference(&wanted);
    apply(bridge, now, options, changes)
}

/// Says how two sets of flows differ: lines of the one after `-`, of the other after `+`.
pub(super) fn diff(one: &[Flow], other: &[Flow]) -> Result<String, CommandError> {
    let lines: Vec<String> = openflow::diff(one, other).iter().map(ToString::to_string).collect();
    if lines.is_empty() { Ok(String::new()) } else { Err(CommandError { message: lines.join("\n"), status: 2 }) }
}

/// The flows of a file's text.
pub(super) fn flows_of(bridge: &Bridge, options: &Options, name: &str, text: &str) -> Result<Vec<Flow>, CommandError> {
    let changes = read::file(bridge, options, name, text)?;
    if changes.iter().any(|change| change.command != FlowCommand::Add) {
        return Err(CommandError::new(format!("ovs-ofctl: {name}: a file to compare with has flows, and no changes")));
    }
    Ok(changes.into_iter().map(|change| change.flow).collect())
}

/// The flows of a bridge.
pub(super) fn flows(bridge: &Bridge) -> Vec<Flow> {
    let all = FlowMod { table: None, ..FlowMod::new(FlowCommand::Delete, Flow::default()) };
    bridge.shared.tables().selected(&all).iter().map(|rule| rule.flow()).collect()
}

/// Makes changes one after the other until one can't be made, or as a bundle all or none.
fn apply(bridge: &Bridge, now: Time, options: &Options, changes: Vec<FlowMod>) -> Result<String, CommandError> {
    let version = options.version;
    let names_table = changes.iter().any(|change| change.table.is_some_and(|table| table != 0));
    let first_xid = if names_table { version.reply_xid() + 4 } else { 6 };
    if options.is_bundle {
        let changes: Vec<TableMod> = changes.into_iter().map(TableMod::from).collect();
        let result = bridge.shared.change_tables(|tables| tables.apply_all(now, &changes));
        return result.map(|_| String::new()).map_err(|error| {
            let TableMod::Flow(change) = &changes[error.index] else { unreachable!("they are of flows") };
            let (xid, message) = (6 + error.index, message(change));
            let failed = format!("Error {} for: OFPT_FLOW_MOD (OF1.4) (xid={xid:#x}): {message}", error.error);
            bundle_failed(&failed, changes.len(), &bridge.name)
        });
    }
    let made = |tables: &mut flow_table::Tables| -> Result<(), (usize, TableError)> {
        let mut changes = changes.iter().enumerate();
        changes.try_for_each(|(at, change)| tables.apply(now, change).map(drop).map_err(|error| (at, error)))
    };
    bridge.shared.change_tables(made).map_err(|(at, error)| {
        let xid = first_xid + 2 * at as u32;
        CommandError::new(format!(
            "OFPT_ERROR{version} (xid={xid:#x}): {error}\nOFPT_FLOW_MOD{version} (xid={xid:#x}): {}",
            message(&changes[at])
        ))
    })?;
    Ok(String::new())
}

/// A bundle of so many changes of which none was made: what failed of it, and that it failed.
pub(super) fn bundle_failed(failed: &str, changes: usize, bridge: &str) -> CommandError {
    CommandError::new(format!(
        "{failed}\nError OFPBFC_MSG_FAILED for: OFPT_BUNDLE_CONTROL (OF1.4) (xid={:#x}):\n \
         bundle_id=0 type=COMMIT_REQUEST flags=atomic ordered\n\
         ovs-ofctl: talking to unix:{bridge}.mgmt (Protocol error)",
        changes + 8
    ))
}

/// A change as `ovs-ofctl` prints the message of it.
pub(super) fn message(change: &FlowMod) -> String {
    let flow = &change.flow;
    let mut text = match change.command {
        FlowCommand::Add => "ADD",
        FlowCommand::Modify => "MOD",
        FlowCommand::ModifyStrict => "MOD_STRICT",
        FlowCommand::Delete => "DEL",
        FlowCommand::DeleteStrict => "DEL_STRICT",
    }
    .to_owned();
    // Writing to a string can't fail.
    if let Some(table) = change.table.filter(|table| *table != 0) {
        let _ = write!(text, " table:{table}");
    }
    let head = super::dump::head_of(flow);
    if !head.is_empty() {
        let _ = write!(text, " {head}");
    }
    if flow.cookie != 0 {
        let _ = write!(text, " cookie:{:#x}", flow.cookie);
    }
    for (name, value) in [("idle", flow.idle_timeout), ("hard", flow.hard_timeout), ("importance", flow.importance)] {
        if value != 0 {
            let _ = write!(text, " {name}:{value}");
        }
    }
    if change.check_overlap {
        text.push_str(" check_overlap");
    }
    let _ = write!(text, " actions={}", super::dump::actions_of(&flow.actions));
    text
}
