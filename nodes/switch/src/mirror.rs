//! The mirrors of a bridge, from their rows.

use crate::bridge::Bridge;
use crate::plan::{MirrorOutput, MirrorPlan};
use crate::vlan_config;
use ovsdb::vswitch::{bridge, mirror, port};
use ovsdb::{Column, Row, Store};

/// Bytes of a copy when no limit is set.
const WHOLE: u32 = 65_535;

/// The mirrors that have an output. Open vSwitch has 32 at most.
pub(crate) fn mirrors(store: &Store, row: &Row, bridge: &Bridge) -> Vec<MirrorPlan> {
    store.follow(row, bridge::MIRRORS).filter_map(|row| plan(store, row, bridge)).take(32).collect()
}

fn plan(store: &Store, row: &Row, bridge: &Bridge) -> Option<MirrorPlan> {
    let output = match (row.reference(mirror::OUTPUT_PORT), row.int(mirror::OUTPUT_VLAN)) {
        (Some(_), _) => MirrorOutput::Port(*slots(store, row, mirror::OUTPUT_PORT, bridge).first()?),
        (None, Some(vlan)) => MirrorOutput::Vlan(u16::try_from(vlan).ok()?),
        (None, None) => return None,
    };
    let vlans = vlan_config::vlans(row, mirror::SELECT_VLAN);
    let is_empty = |column| row.get(column).is_empty();
    // Without ports, a mirror of VLANs is one of all ports.
    let is_all = row.bool(mirror::SELECT_ALL) == Some(true)
        || (vlans.is_some() && is_empty(mirror::SELECT_SRC_PORT) && is_empty(mirror::SELECT_DST_PORT));
    let select = |column| if is_all { None } else { Some(slots(store, row, column, bridge)) };
    Some(MirrorPlan {
        sources: select(mirror::SELECT_SRC_PORT),
        destinations: select(mirror::SELECT_DST_PORT),
        vlans,
        output,
        snaplen: row.int(mirror::SNAPLEN).and_then(|len| u32::try_from(len).ok()).unwrap_or(WHOLE),
    })
}

/// The slots that stand for the ports that a column names.
fn slots(store: &Store, row: &Row, column: Column, bridge: &Bridge) -> Vec<u16> {
    let ports = store.follow(row, column);
    ports.filter_map(|row| row.references(port::INTERFACES).find_map(|interface| bridge.slot_of(interface))).collect()
}
