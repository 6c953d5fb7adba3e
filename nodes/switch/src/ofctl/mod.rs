//! `ovs-ofctl`: flows, groups, meters, ports and counters, in Open vSwitch's layouts (ovs-ofctl(8)).
//!
//! Without `-O` the answers are those of OpenFlow 1.0 with Nicira's extensions, as there. Unlike there, what needs a later
//! version (meters, some actions and fields) is done all the same, with the layout of OpenFlow 1.3. A switch reads no
//! files: who runs the lab gives it their text before ([`files_of`]).

mod bundle;
mod dump;
mod features;
mod flows;
mod groups;
mod meters;
mod options;
mod packet_out;
mod ports;
mod read;

use crate::bridge::Bridge;
use crate::command::CommandError;
use crate::switch::Switch;
use openflow::{FlowCommand, GroupCommand};
use options::Options;
use sim_core::Time;
use std::sync::Arc;

/// A command with the numbers of arguments that it takes.
struct Command {
    name: &'static str,
    least: usize,
    most: usize,
    /// The first of its arguments that may be a file.
    file: Option<usize>,
}

const fn command(name: &'static str, least: usize, most: usize) -> Command {
    Command { name, least, most, file: None }
}

const fn with_file(name: &'static str, least: usize) -> Command {
    Command { name, least, most: least, file: Some(least - 1) }
}

const TABLE: &[Command] = &[
    command("show", 1, 1),
    command("dump-desc", 1, 1),
    command("dump-tables", 1, 1),
    command("dump-ports", 1, 2),
    command("dump-ports-desc", 1, 2),
    command("mod-port", 3, 3),
    command("mod-table", 3, 3),
    command("dump-table-desc", 1, 1),
    command("get-frags", 1, 1),
    command("set-frags", 2, 2),
    command("queue-stats", 1, 3),
    command("queue-get-config", 1, 2),
    command("add-flow", 2, 2),
    with_file("add-flows", 2),
    command("mod-flows", 2, 2),
    command("del-flows", 1, 2),
    with_file("replace-flows", 2),
    Command { name: "diff-flows", least: 2, most: 2, file: Some(0) },
    command("dump-flows", 1, 2),
    command("dump-aggregate", 1, 2),
    command("add-group", 1, 2),
    with_file("add-groups", 2),
    command("mod-group", 1, 2),
    command("del-groups", 1, 2),
    command("insert-buckets", 2, 2),
    command("remove-buckets", 2, 2),
    command("dump-groups", 1, 2),
    command("dump-group-stats", 1, 2),
    command("add-meter", 2, 2),
    command("mod-meter", 2, 2),
    command("del-meter", 1, 2),
    command("del-meters", 1, 2),
    command("dump-meter", 1, 2),
    command("dump-meters", 1, 2),
    command("meter-stats", 1, 2),
    command("meter-features", 1, 1),
    command("packet-out", 2, usize::MAX),
    with_file("bundle", 2),
    command("dump-table-features", 1, 1),
    command("dump-group-features", 1, 1),
    command("probe", 1, 1),
    command("monitor", 1, 3),
    command("snoop", 1, 1),
    command("ping", 1, 2),
    command("benchmark", 3, 3),
];

/// The commands' names.
pub(crate) fn commands() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|command| command.name)
}

/// The files that a line may read, whose text the switch must be given before: see [`Switch::give_file`]. `words` begin with
/// the program's name.
pub fn files_of(words: &[String]) -> Vec<String> {
    let Some(("ovs-ofctl", rest)) = words.split_first().map(|(program, rest)| (program.as_str(), rest)) else {
        return Vec::new();
    };
    let Ok((_, words)) = options::parse(rest) else { return Vec::new() };
    let Some((name, arguments)) = words.split_first() else { return Vec::new() };
    let file = TABLE.iter().find(|command| command.name == *name).and_then(|command| command.file);
    file.and_then(|file| arguments.get(file..)).into_iter().flatten().map(|file| (*file).to_owned()).collect()
}

/// Runs a line; `words` come after `ovs-ofctl`.
pub(crate) fn run(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, CommandError> {
    let (options, words) = options::parse(words)?;
    let Some((name, arguments)) = words.split_first() else {
        return Err(CommandError::new("ovs-ofctl: missing command name; use --help for help"));
    };
    let Some(command) = TABLE.iter().find(|command| command.name == *name) else {
        let hint = packet::nearest(name, commands());
        let hint = hint.map_or(String::new(), |near| format!("; did you mean {near}?"));
        return Err(CommandError::new(format!("ovs-ofctl: unknown command '{name}'; use --help for help{hint}")));
    };
    let wrong = |bound, count| Err(CommandError::new(format!("ovs-ofctl: '{name}' command {bound} {count} arguments")));
    match arguments.len() {
        count if count < command.least => wrong("requires at least", command.least),
        count if count > command.most => wrong("takes at most", command.most),
        _ => run_command(switch, now, &options, name, arguments),
    }
}

fn run_command(
    switch: &mut Switch,
    now: Time,
    options: &Options,
    command: &str,
    arguments: &[&str],
) -> Result<String, CommandError> {
    let name = arguments.first().copied().unwrap_or_default();
    if let ("mod-port", [_, port, what]) = (command, arguments) {
        ports::mod_port(switch, name, port, what)?;
        switch.configuration_changed();
        return Ok(String::new());
    }
    if command == "bundle" {
        let text = file(switch, arguments[1])?;
        return bundle::run(switch, now, name, arguments[1], &text);
    }
    if let ("packet-out", [_, arguments @ ..]) = (command, arguments) {
        return packet_out::run(switch, name, arguments);
    }
    if let ("diff-flows", [one, other]) = (command, arguments) {
        let home = switch.bridge(one).or_else(|| switch.bridge(other)).ok_or_else(|| no_bridge(one))?;
        let side = |name: &str| match switch.bridge(name) {
            Some(bridge) => Ok(flows::flows(bridge)),
            None => flows::flows_of(home, options, name, &file(switch, name)?),
        };
        return flows::diff(&side(one)?, &side(other)?);
    }
    let bridge = bridge(switch, name)?;
    let second = arguments.get(1).copied();
    let filter = second.unwrap_or_default();
    match command {
        "show" => Ok(ports::show(switch, bridge, options)),
        "dump-desc" => Ok(description(options)),
        "dump-tables" => Ok(dump::tables(bridge, options)),
        "dump-table-desc" => Ok(dump::table_descriptions(bridge, options)),
        "mod-table" => mod_table(bridge, filter, arguments[2]),
        "dump-ports" => ports::dump_ports(switch, bridge, options, second),
        "dump-ports-desc" => ports::dump_ports_desc(switch, bridge, options, second),
        "get-frags" => Ok("normal\n".to_owned()),
        "set-frags" => ports::set_frags(filter),
        "queue-stats" => ports::queue_stats(bridge, options, second, arguments.get(2).copied()),
        "queue-get-config" => ports::queue_config(bridge, options, second),
        "add-flow" if filter == "-" => Err(no_input()),
        "add-flow" => flows::change(bridge, now, options, FlowCommand::Add, filter),
        "mod-flows" => flows::change(bridge, now, options, FlowCommand::Modify, filter),
        "del-flows" => flows::change(bridge, now, options, FlowCommand::Delete, filter),
        "add-flows" => flows::change_all(bridge, now, options, filter, &file(switch, filter)?),
        "replace-flows" => flows::replace(bridge, now, options, filter, &file(switch, filter)?),
        "dump-flows" => dump::flows(bridge, now, options, filter),
        "dump-aggregate" => dump::aggregate(bridge, options, filter),
        "add-group" => groups::change(bridge, now, options, GroupCommand::Add, filter),
        "add-groups" => groups::change_all(bridge, now, options, filter, &file(switch, filter)?),
        "mod-group" if options.may_create => groups::change(bridge, now, options, GroupCommand::AddOrModify, filter),
        "mod-group" => groups::change(bridge, now, options, GroupCommand::Modify, filter),
        "del-groups" => groups::change(bridge, now, options, GroupCommand::Delete, filter),
        "insert-buckets" => groups::change(bridge, now, options, GroupCommand::InsertBuckets, filter),
        "remove-buckets" => groups::change(bridge, now, options, GroupCommand::RemoveBuckets, filter),
        "dump-groups" => groups::dump(bridge, options, second),
        "dump-group-stats" => groups::stats(bridge, now, options, second),
        "add-meter" => meters::change(bridge, now, options, true, filter),
        "mod-meter" => meters::change(bridge, now, options, false, filter),
        "del-meter" | "del-meters" => meters::delete(bridge, now, filter),
        "dump-meter" | "dump-meters" => meters::show(bridge, options, filter),
        "meter-stats" => meters::stats(bridge, now, options, filter),
        "meter-features" => Ok(meters::features(options)),
        "dump-table-features" => features::of_tables(bridge, options),
        "dump-group-features" => Ok(features::of_groups(options)),
        "probe" => Ok(String::new()),
        "ping" | "benchmark" => Err(CommandError::new(format!(
            "ovs-ofctl: {command} measures the connection to a switch, of which a line has none: use probe"
        ))),
        // `monitor` and `snoop`.
        other => Err(CommandError::new(format!(
            "ovs-ofctl: {other} goes on until it is ended, which a line can't: capture a link, or use dump-flows"
        ))),
    }
}

fn bridge<'a>(switch: &'a Switch, name: &str) -> Result<&'a Bridge, CommandError> {
    switch.bridge(name).ok_or_else(|| no_bridge(name))
}

fn no_bridge(name: &str) -> CommandError {
    CommandError::new(format!("ovs-ofctl: {name} is not a bridge or a socket"))
}

fn no_input() -> CommandError {
    CommandError::new("ovs-ofctl: -: a line has no standard input here: name a file beside the lab")
}

/// The text of a file that the switch was given.
fn file(switch: &Switch, name: &str) -> Result<Arc<str>, CommandError> {
    if name == "-" {
        return Err(no_input());
    }
    let missing = || CommandError::new(format!("ovs-ofctl: {name}: open failed (No such file or directory)"));
    switch.files.get(name).cloned().ok_or_else(missing)
}

/// Adds the flows of a file's text: all of them or none.
pub(crate) fn add_flows(bridge: &Bridge, now: Time, name: &str, text: &str) -> Result<String, CommandError> {
    flows::add_all(bridge, now, name, text)
}

fn description(options: &Options) -> String {
    format!(
        "OFPST_DESC reply{} (xid=0x2):\nManufacturer: Nicira, Inc.\nHardware: Open vSwitch\nSoftware: 3.1.0\n\
         Serial Num: None\nDP Description: None\n",
        options.version
    )
}

/// Says whether a table evicts flows; what else `mod-table` sets asks for controllers.
fn mod_table(bridge: &Bridge, table: &str, what: &str) -> Result<String, CommandError> {
    let unknown = || CommandError::new(format!("ovs-ofctl: unknown table \"{table}\""));
    let named = bridge.shared.tables().table_named(table);
    let number = named.or_else(|| table.parse().ok()).filter(|number| *number < flow_table::MAX_TABLE);
    let number = number.ok_or_else(unknown)?;
    let evicts = match what {
        "evict" => true,
        "noevict" => false,
        "controller" | "continue" | "drop" | "vacancy" | "novacancy" => {
            return Err(CommandError::new(format!(
                "ovs-ofctl: {what}: a frame that no flow matches is dropped; a flow of priority 0 says otherwise"
            )));
        }
        _ => return Err(CommandError::new(format!("ovs-ofctl: invalid table_mod setting {what}"))),
    };
    // What is removed is told to controllers, of which there are none.
    let _ = bridge.shared.change_tables(|tables| tables.set_eviction(number, evicts));
    Ok(String::new())
}
