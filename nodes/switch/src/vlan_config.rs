//! The VLAN columns of a port, read as Open vSwitch reads them.

use crate::plan::{PriorityTags, VlanMode, VlanPlan, VlanSet};
use ovsdb::vswitch::port;
use ovsdb::{Column, Row};
use packet::EtherType;
use std::sync::Arc;

/// What a port does with VLANs.
pub(crate) fn vlan_plan(row: &Row) -> VlanPlan {
    let tag = row.int(port::TAG).and_then(|tag| u16::try_from(tag).ok());
    let mode = mode(row, tag.is_some());
    let tag = if mode == VlanMode::Trunk { 0 } else { tag.unwrap_or(0) };
    let trunks = vlans(row, port::TRUNKS);
    let trunks = match mode {
        VlanMode::Access => None,
        VlanMode::NativeTagged | VlanMode::NativeUntagged => native_trunks(trunks, tag),
        VlanMode::Trunk | VlanMode::Dot1qTunnel => trunks,
    };
    VlanPlan {
        mode,
        tag,
        trunks: trunks.map(Arc::from),
        cvlans: vlans(row, port::CVLANS),
        priority_tags: match row.value(port::OTHER_CONFIG, "priority-tags") {
            Some("always") => PriorityTags::Always,
            // "true" is what the key was before it had three values.
            Some("if-nonzero" | "true") => PriorityTags::IfNonzero,
            _ => PriorityTags::Never,
        },
        service_tpid: match row.value(port::OTHER_CONFIG, "qinq-ethtype") {
            Some("802.1q") => EtherType::VLAN.0,
            _ => EtherType::QINQ.0,
        },
    }
}

/// The VLANs of a column; `None` if it is empty.
pub(crate) fn vlans(row: &Row, column: Column) -> Option<Box<VlanSet>> {
    let is_empty = row.get(column).is_empty();
    (!is_empty).then(|| Box::new(VlanSet::new(row.ints(column).filter_map(|vlan| u16::try_from(vlan).ok()))))
}

fn mode(row: &Row, has_tag: bool) -> VlanMode {
    match row.str(port::VLAN_MODE) {
        Some("access") => VlanMode::Access,
        Some("native-tagged") => VlanMode::NativeTagged,
        Some("native-untagged") => VlanMode::NativeUntagged,
        Some("dot1q-tunnel") => VlanMode::Dot1qTunnel,
        Some(_) => VlanMode::Trunk,
        None if has_tag => VlanMode::Access,
        None => VlanMode::Trunk,
    }
}

/// A native port carries its native VLAN, and no frames of VLAN 0 beside it.
fn native_trunks(trunks: Option<Box<VlanSet>>, native: u16) -> Option<Box<VlanSet>> {
    if native == 0 {
        return trunks;
    }
    let mut trunks = trunks.unwrap_or_else(|| Box::new(VlanSet::ALL));
    trunks.insert(native);
    trunks.remove(0);
    Some(trunks)
}
