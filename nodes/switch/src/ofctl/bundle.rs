//! `bundle`: a file of changes of flows and groups, and of frames to send, all or none.

use super::{flows, groups, packet_out, read};
use crate::command::CommandError;
use crate::switch::Switch;
use flow_table::TableMod;
use openflow::Change;
use sim_core::Time;
use std::sync::Arc;

/// Makes the changes of a file's text, and has its frames sent after them.
pub(super) fn run(switch: &mut Switch, now: Time, name: &str, file: &str, text: &str) -> Result<String, CommandError> {
    let bridge = super::bridge(switch, name)?;
    let all = read::bundle(bridge, file, text)?;
    let shared = Arc::clone(&bridge.shared);
    let (mut changes, mut packets) = (Vec::new(), Vec::new());
    for change in all {
        match change {
            Change::Flow(change) => changes.push(TableMod::Flow(change)),
            Change::Group(change) => changes.push(TableMod::Group(change)),
            Change::PacketOut(packet) => packets.push(*packet),
        }
    }
    if !packets.is_empty() && switch.packet_outs.is_none() {
        return Err(packet_out::too_early());
    }
    let made = shared.change_tables(|tables| tables.apply_all(now, &changes));
    made.map_err(|error| {
        let (kind, message) = match &changes[error.index] {
            TableMod::Flow(change) => ("OFPT_FLOW_MOD", flows::message(change)),
            TableMod::Group(change) => ("OFPT_GROUP_MOD", format!("\n {}", groups::message(change, false))),
            TableMod::Meter(_) => ("OFPT_METER_MOD", String::new()),
        };
        let failed = format!("Error {} for: {kind} (OF1.4) (xid={:#x}): {message}", error.error, 6 + error.index);
        flows::bundle_failed(&failed, changes.len(), name)
    })?;
    packet_out::send(switch, &shared, packets)
}
