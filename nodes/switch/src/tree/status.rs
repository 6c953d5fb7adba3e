//! Spanning tree's status columns, under Open vSwitch's names and in its text forms (ovs-vswitchd.conf.db(5)).

use crate::bridge::Bridge;
use ovsdb::vswitch::{bridge, port};
use ovsdb::{Column, Datum};
use packet::wire::bpdu::BridgeId;
use sim_core::Time;
use spanning_tree::{PortCounters, Protocol, Role, State};

/// The cells of the table Bridge.
pub(crate) fn bridge_cells(of: &Bridge, now: Time) -> [(Column, Datum); 2] {
    let (mut stp, mut rstp) = (Datum::EMPTY_MAP, Datum::EMPTY_MAP);
    if let Some(tree) = &of.tree {
        let status = tree.machine().status(now);
        let id = |id| bridge_id(tree.protocol(), id);
        match tree.protocol() {
            Protocol::Stp => {
                stp = strings(&[
                    ("stp_bridge_id", id(status.id)),
                    ("stp_designated_root", id(status.root)),
                    ("stp_root_path_cost", status.root_path_cost.to_string()),
                ]);
            }
            Protocol::Rstp => {
                let (designated, port) = status.designated;
                rstp = strings(&[
                    ("rstp_bridge_id", id(status.id)),
                    ("rstp_bridge_port_id", status.root_port.unwrap_or_default().to_string()),
                    ("rstp_designated_id", id(designated)),
                    ("rstp_designated_port_id", port.to_string()),
                    ("rstp_root_id", id(status.root)),
                    ("rstp_root_path_cost", status.root_path_cost.to_string()),
                ]);
            }
        }
    }
    [(bridge::STATUS, stp), (bridge::RSTP_STATUS, rstp)]
}

/// The cells of the table Port, for the port of a slot; of one that takes no part they are empty.
pub(crate) fn port_cells(of: &Bridge, slot: Option<u16>, now: Time) -> [(Column, Datum); 4] {
    let (mut status, mut statistics) = (Datum::EMPTY_MAP, Datum::EMPTY_MAP);
    let (mut rstp_status, mut rstp_statistics) = (Datum::EMPTY_MAP, Datum::EMPTY_MAP);
    let found = of.tree.as_ref().zip(slot).and_then(|(tree, slot)| Some((tree, slot, tree.port_status(slot)?)));
    if let Some((tree, slot, port)) = found {
        let protocol = tree.protocol();
        let (role, state) = (role_name(protocol, port.role).to_owned(), state_name(protocol, port.state).to_owned());
        let PortCounters { tx, rx, errors, .. } = port.counters;
        let secs = |since: Time| now.since(since).as_millis() / 1000;
        match protocol {
            Protocol::Stp => {
                status = strings(&[
                    ("stp_port_id", port.id.0.to_string()),
                    ("stp_role", role),
                    ("stp_sec_in_state", secs(port.since).to_string()),
                    ("stp_state", state),
                ]);
                statistics = counts([("stp_error_count", errors), ("stp_rx_count", rx), ("stp_tx_count", tx)]);
            }
            Protocol::Rstp => {
                rstp_status = strings(&[
                    ("rstp_designated_bridge_id", bridge_id(protocol, port.designated_bridge)),
                    ("rstp_designated_path_cost", port.designated_cost.to_string()),
                    ("rstp_designated_port_id", port.designated_port.to_string()),
                    ("rstp_port_id", port.id.to_string()),
                    ("rstp_port_role", role),
                    ("rstp_port_state", state),
                ]);
                let uptime = tree.ports.get(&slot).map_or(0, |port| secs(port.since));
                rstp_statistics = counts([
                    ("rstp_error_count", errors),
                    ("rstp_rx_count", rx),
                    ("rstp_tx_count", tx),
                    ("rstp_uptime", uptime),
                ]);
            }
        }
    }
    [
        (port::STATUS, status),
        (port::STATISTICS, statistics),
        (port::RSTP_STATUS, rstp_status),
        (port::RSTP_STATISTICS, rstp_statistics),
    ]
}

/// What `ovs-ofctl show` has to say of a port's state; listening is 0 in OpenFlow 1.0, and RSTP isn't told.
pub(crate) fn openflow_state(of: &Bridge, slot: u16) -> Option<&'static str> {
    let tree = of.tree.as_ref().filter(|tree| tree.protocol() == Protocol::Stp)?;
    match tree.port_status(slot)?.state {
        State::Learning => Some("STP_LEARN"),
        State::Forwarding => Some("STP_FORWARD"),
        State::Blocking => Some("STP_BLOCK"),
        State::Listening | State::Disabled => None,
    }
}

/// A role as each protocol has it. STP has no backup ports.
pub(super) fn role_name(protocol: Protocol, role: Role) -> &'static str {
    match (protocol, role) {
        (Protocol::Stp, Role::Disabled) => "disabled",
        (Protocol::Stp, Role::Root) => "root",
        (Protocol::Stp, Role::Designated) => "designated",
        (Protocol::Stp, Role::Alternate | Role::Backup) => "alternate",
        (Protocol::Rstp, Role::Disabled) => "Disabled",
        (Protocol::Rstp, Role::Root) => "Root",
        (Protocol::Rstp, Role::Designated) => "Designated",
        (Protocol::Rstp, Role::Alternate) => "Alternate",
        (Protocol::Rstp, Role::Backup) => "Backup",
    }
}

/// A state as each protocol has it.
pub(super) fn state_name(protocol: Protocol, state: State) -> &'static str {
    match (protocol, state) {
        (Protocol::Stp, State::Disabled) => "disabled",
        (Protocol::Stp, State::Blocking) => "blocking",
        (Protocol::Stp, State::Listening) => "listening",
        (Protocol::Stp, State::Learning) => "learning",
        (Protocol::Stp, State::Forwarding) => "forwarding",
        (Protocol::Rstp, State::Disabled) => "Disabled",
        (Protocol::Rstp, State::Blocking | State::Listening) => "Discarding",
        (Protocol::Rstp, State::Learning) => "Learning",
        (Protocol::Rstp, State::Forwarding) => "Forwarding",
    }
}

/// `8000.020000000001`; in RSTP `8.000.020000000001`.
fn bridge_id(protocol: Protocol, id: BridgeId) -> String {
    let (priority, address) = (id.priority(), id.address().as_u64());
    match protocol {
        Protocol::Stp => format!("{priority:04x}.{address:012x}"),
        Protocol::Rstp => format!("{:x}.{:03x}.{address:012x}", priority >> 12, priority & 0xfff),
    }
}

fn strings(pairs: &[(&str, String)]) -> Datum {
    pairs.iter().map(|(key, value)| (*key, value.as_str())).collect()
}

fn counts<const N: usize>(pairs: [(&str, u64); N]) -> Datum {
    pairs.into_iter().map(|(key, count)| (key, i64::try_from(count).unwrap_or(i64::MAX))).collect()
}
