//! Ports: `show`, `dump-ports`, `dump-ports-desc`, `mod-port`, queues and fragments.

use super::features::ACTIONS;
use super::options::{Options, Version};
use crate::bridge::{Bridge, Member, PortConfig};
use crate::command::CommandError;
use crate::plan::LOCAL;
use crate::switch::Switch;
use std::fmt::Write;

fn number(ofport: u16) -> String {
    if ofport == LOCAL { "LOCAL".to_owned() } else { ofport.to_string() }
}

/// The bridge and its ports, in the layout of OpenFlow 1.0; later versions tell ports by `dump-ports-desc`.
pub(super) fn show(switch: &Switch, bridge: &Bridge, options: &Options) -> String {
    let version = options.version;
    let mac = switch.mac(&bridge.name).as_u64();
    let mut text = format!("OFPT_FEATURES_REPLY{version} (xid=0x2): dpid:0000{mac:012x}\nn_tables:254, n_buffers:0\n");
    if version == Version::V10 {
        text.push_str("capabilities: FLOW_STATS TABLE_STATS PORT_STATS QUEUE_STATS ARP_MATCH_IP\nactions: ");
        text.push_str(ACTIONS);
        text.push('\n');
        text.push_str(&described(switch, bridge, options, None));
        text.push_str("OFPT_GET_CONFIG_REPLY (xid=0x4): frags=normal miss_send_len=0\n");
    } else {
        text.push_str("capabilities: FLOW_STATS TABLE_STATS PORT_STATS GROUP_STATS QUEUE_STATS\n");
        let _ = writeln!(text, "OFPST_PORT_DESC reply{version} (xid=0x4):");
        text.push_str(&described(switch, bridge, options, None));
        let _ = writeln!(text, "OFPT_GET_CONFIG_REPLY{version} (xid=0x6): frags=normal miss_send_len=0");
    }
    text
}

/// The ports with their addresses and states.
pub(super) fn dump_ports_desc(
    switch: &Switch,
    bridge: &Bridge,
    options: &Options,
    only: Option<&str>,
) -> Result<String, CommandError> {
    // Before OpenFlow 1.5 all ports are told, whichever is asked for.
    let only = only.map(|name| slot(bridge, name)).transpose()?.filter(|_| options.version == Version::V15);
    let version = options.version;
    Ok(format!("OFPST_PORT_DESC reply{version} (xid=0x2):\n") + &described(switch, bridge, options, only))
}

fn described(switch: &Switch, bridge: &Bridge, options: &Options, only: Option<u16>) -> String {
    let mut text = String::new();
    for (slot, member) in bridge.members() {
        if only.is_some_and(|only| only != slot) {
            continue;
        }
        let lab = switch.lab.find(&member.name);
        let is_up = lab.is_some_and(|port| switch.lab.is_up(port)) && !member.config.is_down;
        let tree_state = crate::tree::openflow_state(bridge, slot);
        let states = [
            (!is_up).then_some("LINK_DOWN"),
            tree_state,
            (is_up && tree_state.is_none() && options.version > Version::V10).then_some("LIVE"),
        ];
        let states: Vec<&str> = states.into_iter().flatten().collect();
        // Writing to a string can't fail.
        let _ = write!(
            text,
            " {}({}): addr:{}\n     config:     {}\n     state:      {}\n     speed: 0 Mbps now, 0 Mbps max\n",
            number(member.ofport),
            member.name,
            switch.mac(&member.name),
            config(member, lab.is_some(), options.version),
            if states.is_empty() { "0".to_owned() } else { states.join(" ") },
        );
    }
    text
}

/// A port's configuration in words.
fn config(member: &Member, has_device: bool, version: Version) -> String {
    let config = PortConfig {
        is_down: member.config.is_down || !has_device,
        // Floods are an affair of OpenFlow 1.0.
        is_unfloodable: member.config.is_unfloodable && version == Version::V10,
        ..member.config
    };
    let words: Vec<&str> = config.set().map(|(_, word)| word).collect();
    if words.is_empty() { "0".to_owned() } else { words.join(" ") }
}

/// Changes a port's configuration. The bridge has to follow it.
pub(super) fn mod_port(switch: &mut Switch, name: &str, port: &str, command: &str) -> Result<(), CommandError> {
    let bridge = switch.bridges.iter_mut().find(|bridge| bridge.name == name);
    let bridge = bridge.ok_or_else(|| super::no_bridge(name))?;
    let missing = || CommandError::new(format!("ovs-ofctl: {name}: couldn't find port `{port}'"));
    let slot = bridge.slot_named(port).ok_or_else(missing)?;
    let config = bridge.slots[usize::from(slot)].as_mut().map(|member| &mut member.config).ok_or_else(missing)?;
    match command {
        "up" => config.is_down = false,
        "down" => config.is_down = true,
        "flood" => config.is_unfloodable = false,
        "no-flood" => config.is_unfloodable = true,
        "receive" => config.is_deaf = false,
        "no-receive" => config.is_deaf = true,
        "forward" => config.is_mute = false,
        "no-forward" => config.is_mute = true,
        "packet-in" => config.is_quiet = false,
        "no-packet-in" => config.is_quiet = true,
        // What a port does anyway.
        "stp" => {}
        other => return Err(CommandError::new(format!("ovs-ofctl: unknown mod-port command '{other}'"))),
    }
    Ok(())
}

/// Statistics of queues: each port has one queue, which nothing is counted for.
pub(super) fn queue_stats(
    bridge: &Bridge,
    options: &Options,
    only: Option<&str>,
    queue: Option<&str>,
) -> Result<String, CommandError> {
    let version = options.version;
    if let Some(port) = only {
        slot(bridge, port)?;
    }
    if let Some(queue) = queue.filter(|queue| *queue != "0" && !queue.eq_ignore_ascii_case("all")) {
        // That is an answer as well.
        let port = only.unwrap_or("ALL");
        return Ok(format!(
            "OFPT_ERROR{version} (xid=0x2): OFPQOFC_BAD_QUEUE\nOFPST_QUEUE request{version} (xid=0x2): port={port} queue={queue}\n"
        ));
    }
    let ports = queued(bridge, options, only, "OFPST_QUEUE request", " queue=ALL")?;
    let mut text = format!("OFPST_QUEUE reply{version} (xid=0x2): {} queues\n", ports.len());
    for ofport in ports {
        let _ = writeln!(text, "  port {} queue 0: bytes=?, pkts=?, errors=?, duration=?", number(ofport));
    }
    Ok(text)
}

/// The queues of ports.
pub(super) fn queue_config(bridge: &Bridge, options: &Options, only: Option<&str>) -> Result<String, CommandError> {
    let version = options.version;
    let ports = queued(bridge, options, only, "OFPT_QUEUE_GET_CONFIG_REQUEST", "")?;
    let mut text = String::new();
    match (only, version) {
        (None, Version::V10) => {
            for (xid, ofport) in (4..).zip(ports.into_iter().filter(|port| *port != LOCAL)) {
                let _ = writeln!(text, "OFPT_QUEUE_GET_CONFIG_REPLY (xid={xid:#x}): port={ofport}\nqueue 0:");
            }
        }
        _ => {
            let port = only.map_or("ANY", |port| port);
            let _ = writeln!(text, "OFPT_QUEUE_GET_CONFIG_REPLY{version} (xid=0x2): port={port}");
            text.push_str(&"queue 0:\n".repeat(ports.len()));
        }
    }
    Ok(text)
}

/// The OpenFlow numbers of the ports that are meant, the local one first.
fn queued(
    bridge: &Bridge,
    options: &Options,
    only: Option<&str>,
    request: &str,
    rest: &str,
) -> Result<Vec<u16>, CommandError> {
    let members = bridge.members();
    let Some(name) = only else {
        let mut ports: Vec<u16> = members.iter().map(|(_, member)| member.ofport).collect();
        ports.sort_by_key(|port| (*port != LOCAL, *port));
        return Ok(ports);
    };
    let found = members.iter().find(|(slot, _)| bridge.slot_named(name) == Some(*slot));
    let version = options.version;
    let missing = || {
        CommandError::new(format!(
            "OFPT_ERROR{version} (xid=0x2): OFPQOFC_BAD_PORT\n{request}{version} (xid=0x2): port={name}{rest}"
        ))
    };
    Ok(vec![found.ok_or_else(missing)?.1.ofport])
}

/// How fragments are matched, which is as far as their headers go.
pub(super) fn set_frags(mode: &str) -> Result<String, CommandError> {
    match mode {
        "normal" => Ok(String::new()),
        "drop" | "reassemble" | "nx-match" => Err(CommandError::new(format!(
            "ovs-ofctl: {mode}: fragments are matched as `normal` says; a flow with ip_frag=yes drops them"
        ))),
        other => Err(CommandError::new(format!("ovs-ofctl: {other}: unknown fragment handling mode"))),
    }
}

fn slot(bridge: &Bridge, name: &str) -> Result<u16, CommandError> {
    let unknown = || CommandError::new(format!("ovs-ofctl: {}: unknown port `{name}'", bridge.name));
    bridge.slot_named(name).ok_or_else(unknown)
}

/// What went through the ports.
pub(super) fn dump_ports(
    switch: &Switch,
    bridge: &Bridge,
    options: &Options,
    only: Option<&str>,
) -> Result<String, CommandError> {
    let mut members = bridge.members();
    let is_number = |name: &str| name.bytes().all(|digit| digit.is_ascii_digit());
    if let Some(name) = only {
        match slot(bridge, name) {
            Ok(slot) => members.retain(|(at, _)| *at == slot),
            Err(_) if is_number(name) => members.clear(),
            Err(error) => return Err(error),
        }
    }
    // A name is looked up first.
    let xid = if only.is_some_and(|name| !is_number(name)) { 4 } else { 2 };
    let version = options.version;
    let mut text = format!("OFPST_PORT reply{version} (xid={xid:#x}): {} ports\n", members.len());
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
