//! `ovs-appctl stp/show` and `rstp/show`, in Open vSwitch's layout. Where the root's times differ from the bridge's own,
//! Open vSwitch 3.1 shows each under the other's heading; here they stand under their own.

use super::Tree;
use super::status::{role_name, state_name};
use crate::bridge::Bridge;
use packet::wire::bpdu::{BridgeId, PortId};
use sim_core::{Duration, Time};
use spanning_tree::{Protocol, State};
use std::fmt::Write;

/// A bridge's tree and its ports. STP leaves out ports without a link.
pub(crate) fn show(bridge: &Bridge, tree: &Tree, now: Time) -> String {
    let protocol = tree.protocol();
    let status = tree.machine().status(now);
    let name = |slot: u16| bridge.slots.get(usize::from(slot)).and_then(Option::as_ref).map_or("", |m| &m.name);
    let (rstp_gap, cost_width) = if protocol == Protocol::Rstp { ("  ", 8) } else { ("", 5) };
    let times = |id: BridgeId, hello: Duration, max_age: Duration, forward_delay: Duration| {
        let secs = |span: Duration| span.as_millis() / 1000;
        format!(
            "  stp-priority  {rstp_gap}{}\n  stp-system-id   {}\n  stp-hello-time  {}s\n  stp-max-age     {}s\n  \
             stp-fwd-delay   {}s\n",
            id.priority(),
            id.address(),
            secs(hello),
            secs(max_age),
            secs(forward_delay)
        )
    };
    let mut ports: Vec<_> = tree.numbers().collect();
    ports.sort_unstable();
    let statuses: Vec<_> = ports
        .iter()
        .filter_map(|(number, slot)| Some((name(*slot), tree.machine().port_status(*number)?)))
        .filter(|(_, status)| protocol == Protocol::Rstp || status.state != State::Disabled)
        .collect();
    let mut text = format!(
        "---- {} ----\nRoot ID:\n{}",
        bridge.name,
        times(status.root, status.hello_time, status.max_age, status.forward_delay)
    );
    // Writing to a string can't fail.
    if status.root == status.id {
        text.push_str("  This bridge is the root\n");
    } else {
        let root_port =
            statuses.iter().find(|(_, port)| Some(port.id) == status.root_port).map_or("", |(name, _)| name);
        let _ = write!(text, "  root-port       {root_port}\n  root-path-cost  {}\n", status.root_path_cost);
    }
    let config = tree.config;
    let own = times(config.id, config.hello_time, config.max_age, config.forward_delay);
    let _ = write!(
        text,
        "\nBridge ID:\n{own}\n  {:<10} {:<10} {:<10} {:<cost_width$} Pri.Nbr \n  {:-<10} {:-<10} {:-<10} {:-<cost_width$} {:-<7}\n",
        "Interface", "Role", "State", "Cost", "", "", "", "", ""
    );
    for (name, port) in statuses {
        let (priority, number) = parts(protocol, port.id);
        let _ = writeln!(
            text,
            "  {name:<10} {:<10} {:<10} {:<cost_width$} {priority}.{number}",
            role_name(protocol, port.role),
            state_name(protocol, port.state),
            port.path_cost,
        );
    }
    text.push('\n');
    text
}

/// A port's priority and number.
fn parts(protocol: Protocol, id: PortId) -> (u16, u16) {
    match protocol {
        Protocol::Stp => (id.0 >> 8, id.0 & 0xff),
        Protocol::Rstp => (id.0 >> 8 & 0xf0, id.0 & 0xfff),
    }
}
