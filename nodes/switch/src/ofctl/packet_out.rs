//! `packet-out`: frames that a bridge is given.

use super::read;
use crate::command::CommandError;
use crate::shared::Shared;
use crate::switch::Switch;
use flow_table::{TableError, Tables};
use openflow::PacketOut;
use std::sync::Arc;

/// Has frames sent when the line is done.
pub(super) fn run(switch: &mut Switch, name: &str, arguments: &[&str]) -> Result<String, CommandError> {
    let bridge = super::bridge(switch, name)?;
    let packets = read::packet_outs(bridge, arguments)?;
    let shared = Arc::clone(&bridge.shared);
    send(switch, &shared, packets)
}

/// The same with frames that are read.
pub(super) fn send(switch: &mut Switch, bridge: &Arc<Shared>, packets: Vec<PacketOut>) -> Result<String, CommandError> {
    check(&bridge.tables(), &packets)?;
    if !packets.is_empty() {
        let waiting = switch.packet_outs.as_mut().ok_or_else(too_early)?;
        waiting.extend(packets.into_iter().map(|packet| (Arc::clone(bridge), packet)));
    }
    Ok(String::new())
}

/// Why nothing is sent before the lab runs.
pub(super) fn too_early() -> CommandError {
    CommandError::new("ovs-ofctl: packet-out sends a frame, and the lab doesn't run yet: put the line into [[events]]")
}

/// Refuses actions that name groups and meters which aren't there.
fn check(tables: &Tables, packets: &[PacketOut]) -> Result<(), CommandError> {
    for packet in packets {
        tables.check(&packet.actions).map_err(|error: TableError| {
            let actions = super::dump::actions_of(&packet.actions);
            CommandError::new(format!(
                "OFPT_ERROR (xid=0x6): {error}\nOFPT_PACKET_OUT (xid=0x6): in_port={} actions={actions} data_len={}",
                packet.in_port,
                packet.bytes.len()
            ))
        })?;
    }
    Ok(())
}
