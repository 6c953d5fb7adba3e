//! `ovs-ofctl`: ports, counters and flows, in Open vSwitch's layouts (ovs-ofctl(8)).

use crate::bridge::Bridge;
use crate::command::CommandError;
use crate::plan::LOCAL;
use crate::switch::Switch;
use flow_table::{Removed, TableError};
use openflow::{Flow, FlowCommand, FlowMod};
use sim_core::Time;
use std::fmt::Write;

pub(crate) const COMMANDS: &[&str] = &["add-flow", "add-flows", "del-flows", "dump-flows", "dump-ports", "show"];

/// Runs a line; `words` come after `ovs-ofctl`.
pub(crate) fn run(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, CommandError> {
    let words = without_options(words);
    match words[..] {
        ["show", name] => Ok(show(switch, bridge(switch, name)?)),
        ["dump-ports", name] => dump_ports(switch, bridge(switch, name)?, None),
        ["dump-ports", name, port] => dump_ports(switch, bridge(switch, name)?, Some(port)),
        ["dump-flows", name] => dump_flows(bridge(switch, name)?, now, ""),
        ["dump-flows", name, flow] => dump_flows(bridge(switch, name)?, now, flow),
        ["add-flow", name, flow] => add_flows(bridge(switch, name)?, now, flow),
        ["del-flows", name] => del_flows(bridge(switch, name)?, now, ""),
        ["del-flows", name, flow] => del_flows(bridge(switch, name)?, now, flow),
        [command @ ("show" | "dump-ports" | "dump-flows" | "del-flows")] => Err(arguments(command, "at least", 1)),
        [command @ "add-flow", ..] => Err(arguments(command, "exactly", 2)),
        [command @ "show", ..] => Err(arguments(command, "at most", 1)),
        [command @ ("dump-ports" | "dump-flows" | "del-flows"), ..] => Err(arguments(command, "at most", 2)),
        [] => Err(CommandError::new("ovs-ofctl: missing command name; use --help for help")),
        [command, ..] => {
            let hint = packet::nearest(command, COMMANDS.iter().copied());
            let hint = hint.map_or(String::new(), |near| format!("; did you mean {near}?"));
            Err(CommandError::new(format!("ovs-ofctl: unknown command '{command}'; use --help for help{hint}")))
        }
    }
}

/// Adds the flows of a file's text, as `ovs-ofctl add-flows` does with its file: all of them or none.
pub(crate) fn add_flows(bridge: &Bridge, now: Time, text: &str) -> Result<String, CommandError> {
    let flows = openflow::parse_file(text, &|name| ofport(bridge, name)).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("ovs-ofctl: {error}")).collect();
        CommandError::new(lines.join("\n"))
    })?;
    if flows.iter().any(|flow| flow.idle_timeout != 0 || flow.hard_timeout != 0) {
        return Err(CommandError::new(
            "ovs-ofctl: flows stay until they are deleted: leave idle_timeout and hard_timeout out",
        ));
    }
    let changes = flows.into_iter().map(|flow| FlowMod::new(FlowCommand::Add, flow));
    let result = bridge.shared.change_tables(|tables| changes.map(|change| tables.apply(now, &change)).collect());
    changed(result)
}

fn arguments(command: &str, bound: &str, count: usize) -> CommandError {
    CommandError::new(format!("ovs-ofctl: '{command}' command requires {bound} {count} arguments"))
}

fn changed(result: Result<Vec<Vec<Removed>>, TableError>) -> Result<String, CommandError> {
    match result {
        Ok(_) => Ok(String::new()),
        Err(error) => Err(CommandError::new(format!("ovs-ofctl: {error}"))),
    }
}

/// The match that `dump-flows` and `del-flows` take: a flow without actions. Without a table it means all.
fn selection(bridge: &Bridge, text: &str) -> Result<FlowMod, CommandError> {
    let parsed = Flow::parse(&format!("{text},actions=drop"), &|name| ofport(bridge, name));
    let flow = parsed.map_err(|error| CommandError::new(format!("ovs-ofctl: {error}")))?;
    let table = text.contains("table=").then_some(flow.table);
    Ok(FlowMod { table, ..FlowMod::new(FlowCommand::Delete, flow) })
}

fn del_flows(bridge: &Bridge, now: Time, text: &str) -> Result<String, CommandError> {
    let selected = selection(bridge, text)?;
    changed(bridge.shared.change_tables(|tables| tables.apply(now, &selected)).map(|removed| vec![removed]))
}

fn dump_flows(bridge: &Bridge, now: Time, text: &str) -> Result<String, CommandError> {
    let selected = selection(bridge, text)?;
    let mut lines = "NXST_FLOW reply (xid=0x4):\n".to_owned();
    for rule in bridge.shared.tables().selected(&selected) {
        let (packets, bytes) = rule.stats.get();
        let flow = rule.flow();
        let age = now.since(rule.since).as_nanos() / 1_000_000;
        let actions: Vec<String> = flow.actions.iter().map(ToString::to_string).collect();
        let actions = if actions.is_empty() { "drop".to_owned() } else { actions.join(",") };
        let asks = flow.matched.to_string();
        let priority =
            if flow.priority == Flow::DEFAULT_PRIORITY { String::new() } else { format!("priority={}", flow.priority) };
        let words: Vec<&str> = [priority.as_str(), asks.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
        let words = words.join(",");
        // Writing to a string can't fail.
        let _ = writeln!(
            lines,
            " cookie={:#x}, duration={}.{:03}s, table={}, n_packets={packets}, n_bytes={bytes}, idle_age={}, {words}{}actions={actions}",
            flow.cookie,
            age / 1000,
            age % 1000,
            flow.table,
            now.since(rule.idle_since()).as_nanos() / 1_000_000_000,
            if words.is_empty() { "" } else { " " },
        );
    }
    Ok(lines)
}

/// The number of a port by its name.
fn ofport(bridge: &Bridge, name: &str) -> Option<u32> {
    let slot = bridge.slot_named(name)?;
    Some(u32::from(bridge.slots[usize::from(slot)].as_ref()?.ofport))
}

/// The words without options about the connection and the layout, which have no meaning here.
fn without_options(words: &[String]) -> Vec<&str> {
    let mut words = words.iter().map(String::as_str);
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "-O" | "--protocols" | "-t" | "--timeout" => {
                words.next();
            }
            _ if word.len() > 1 && word.starts_with('-') => {}
            _ => kept.push(word),
        }
    }
    kept
}

fn bridge<'a>(switch: &'a Switch, name: &str) -> Result<&'a Bridge, CommandError> {
    let found = switch.bridge(name);
    found.ok_or_else(|| CommandError::new(format!("ovs-ofctl: {name} is not a bridge or a socket")))
}

fn number(ofport: u16) -> String {
    if ofport == LOCAL { "LOCAL".to_owned() } else { ofport.to_string() }
}

fn show(switch: &Switch, bridge: &Bridge) -> String {
    let mut text = format!(
        "OFPT_FEATURES_REPLY (xid=0x2): dpid:0000{:012x}\n\
         n_tables:254, n_buffers:0\n\
         capabilities: FLOW_STATS TABLE_STATS PORT_STATS QUEUE_STATS ARP_MATCH_IP\n\
         actions: output enqueue set_vlan_vid set_vlan_pcp strip_vlan mod_dl_src mod_dl_dst mod_nw_src mod_nw_dst \
         mod_nw_tos mod_tp_src mod_tp_dst\n",
        switch.mac(&bridge.name).as_u64()
    );
    for (slot, member) in bridge.members() {
        let lab = switch.lab.find(&member.name);
        let is_up = lab.is_some_and(|port| switch.lab.is_up(port));
        let config = if lab.is_some() { "0" } else { "PORT_DOWN" };
        let states = [(!is_up).then_some("LINK_DOWN"), crate::tree::openflow_state(bridge, slot)];
        let states: Vec<&str> = states.into_iter().flatten().collect();
        let state = if states.is_empty() { "0".to_owned() } else { states.join(" ") };
        // Writing to a string can't fail.
        let _ = write!(
            text,
            " {}({}): addr:{}\n     config:     {config}\n     state:      {state}\n     speed: 0 Mbps now, 0 Mbps max\n",
            number(member.ofport),
            member.name,
            switch.mac(&member.name),
        );
    }
    text.push_str("OFPT_GET_CONFIG_REPLY (xid=0x4): frags=normal miss_send_len=0\n");
    text
}

fn dump_ports(switch: &Switch, bridge: &Bridge, only: Option<&str>) -> Result<String, CommandError> {
    let mut members = bridge.members();
    if let Some(name) = only {
        let slot = bridge
            .slot_named(name)
            .ok_or_else(|| CommandError::new(format!("ovs-ofctl: {}: unknown port `{name}'", bridge.name)))?;
        members.retain(|(at, _)| *at == slot);
    }
    let xid = if only.is_some() { 4 } else { 2 };
    let mut text = format!("OFPST_PORT reply (xid=0x{xid:x}): {} ports\n", members.len());
    let worker = switch.worker.worker();
    for (slot, member) in members {
        let c = worker.counters(bridge.shared.id(), slot);
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "  port {:>2}: rx pkts={}, bytes={}, drop={}, errs=0, frame=0, over=0, crc=0\n           \
             tx pkts={}, bytes={}, drop={}, errs=0, coll=0\n",
            number(member.ofport),
            c.rx_packets,
            c.rx_bytes,
            c.rx_dropped,
            c.tx_packets,
            c.tx_bytes,
            c.tx_dropped
        );
    }
    Ok(text)
}
