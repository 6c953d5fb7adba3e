//! The status columns of interfaces and bridges: what the switch reports in its own rows.

use crate::bridge::Bridge;
use crate::switch::Switch;
use crate::tree;
use ovsdb::vswitch::{bridge, interface, open_vswitch, port};
use ovsdb::{Column, Datum, Row, Store, Table, Uuid};
use sim_core::{PortIx, Time};

/// Writes the status of everything. A column that doesn't change costs a comparison.
pub(crate) fn write(switch: &mut Switch, now: Time) {
    let mut cells: Vec<(Uuid, Column, Datum)> = Vec::new();
    for bridge in &switch.bridges {
        let dpid = format!("0000{:012x}", switch.mac(&bridge.name).as_u64());
        cells.push((bridge.uuid, bridge::DATAPATH_ID, dpid.as_str().into()));
        cells.extend(tree::bridge_cells(bridge, now).map(|(column, datum)| (bridge.uuid, column, datum)));
        let Some(row) = switch.store.row(Table::Bridge, bridge.uuid) else { continue };
        for port in switch.store.follow(row, bridge::PORTS) {
            let slot = port.references(port::INTERFACES).find_map(|interface| bridge.slot_of(interface));
            cells.extend(tree::port_cells(bridge, slot, now).map(|(column, datum)| (port.uuid(), column, datum)));
        }
        for uuid in interfaces(&switch.store, row) {
            if let Some(row) = switch.store.row(Table::Interface, uuid) {
                cells.extend(interface_cells(switch, bridge, row));
            }
        }
    }
    if let Some(root) = switch.store.root() {
        let (now, next) = (root.int(open_vswitch::CUR_CFG), root.int(open_vswitch::NEXT_CFG));
        if let (true, Some(next)) = (now != next, next) {
            cells.push((root.uuid(), open_vswitch::CUR_CFG, next.into()));
        }
    }
    // Each row exists and each value has its column's type, so that this can't fail.
    let written = switch
        .store
        .transact(|txn| cells.into_iter().try_for_each(|(uuid, column, datum)| txn.set(uuid, column, datum)));
    debug_assert!(written.is_ok(), "{written:?}");
}

fn interfaces(store: &Store, row: &Row) -> Vec<Uuid> {
    let ports = store.follow(row, bridge::PORTS);
    ports.flat_map(|port| port.references(port::INTERFACES)).collect()
}

fn interface_cells(switch: &Switch, bridge: &Bridge, row: &Row) -> Vec<(Uuid, Column, Datum)> {
    let name = crate::bridge::name(row);
    let uuid = row.uuid();
    let Some(slot) = bridge.slot_of(uuid) else {
        let error = format!("could not open network device {name} (No such device)");
        let mut cells =
            vec![(uuid, interface::OFPORT, Datum::from(-1_i64)), (uuid, interface::ERROR, error.as_str().into())];
        for column in [interface::MAC_IN_USE, interface::LINK_STATE, interface::ADMIN_STATE, interface::MTU] {
            cells.push((uuid, column, Datum::EMPTY_SET));
        }
        cells.push((uuid, interface::STATISTICS, Datum::EMPTY_MAP));
        return cells;
    };
    let lab: Option<PortIx> = switch.lab.find(name);
    let state = |is_up| if is_up { "up" } else { "down" };
    let link = state(lab.is_some_and(|port| switch.lab.is_up(port)));
    let ofport = bridge.slots[usize::from(slot)].as_ref().map_or(-1, |member| i64::from(member.ofport));
    let counters = switch.worker.worker().counters(bridge.shared.id(), slot);
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let statistics: Datum = [
        ("rx_bytes", count(counters.rx_bytes)),
        ("rx_dropped", count(counters.rx_dropped)),
        ("rx_packets", count(counters.rx_packets)),
        ("tx_bytes", count(counters.tx_bytes)),
        ("tx_dropped", count(counters.tx_dropped)),
        ("tx_packets", count(counters.tx_packets)),
    ]
    .into_iter()
    .collect();
    let resets = lab.map_or(0, |port| i64::from(switch.lab.link_resets(port)));
    vec![
        (uuid, interface::OFPORT, ofport.into()),
        (uuid, interface::ERROR, Datum::EMPTY_SET),
        (uuid, interface::MAC_IN_USE, switch.mac(name).to_string().as_str().into()),
        (uuid, interface::LINK_STATE, link.into()),
        (uuid, interface::ADMIN_STATE, state(lab.is_some()).into()),
        (uuid, interface::LINK_RESETS, resets.into()),
        (uuid, interface::MTU, row.int(interface::MTU_REQUEST).unwrap_or(1500).into()),
        (uuid, interface::STATISTICS, statistics),
    ]
}
