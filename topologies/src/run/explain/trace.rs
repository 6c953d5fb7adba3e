//! What a switch decides about a frame, from its state as it is, and the bridge that a port is in.

use sim_core::{PortIx, Time};
use switch::Switch;
use switch::plan::Plan;
use switch::trace::Trace;

/// The bridge that a port is in.
pub(super) fn bridge_of(switch: &Switch, port: PortIx) -> Option<&str> {
    switch.bridges().find(|bridge| switch.shared(bridge).is_some_and(|shared| shared.plan().slot(port).is_some()))
}

/// What becomes of a frame that comes in by a port; `None` if that is in no bridge.
pub(super) fn trace(switch: &Switch, now: Time, port: PortIx, frame: &[u8]) -> Option<Trace> {
    switch.trace(now, bridge_of(switch, port)?, port, frame)
}

/// The name of the port of a slot.
pub(super) fn name_of(switch: &Switch, plan: &Plan, slot: u16) -> String {
    let port = plan.ports.get(usize::from(slot));
    let lab = port.and_then(|port| switch.interface(port.lab?));
    lab.map_or_else(|| "LOCAL".to_owned(), str::to_owned)
}

/// The frame with this VLAN in its outer tag: without one for 0.
pub(super) fn in_vlan(frame: &[u8], vlan: u16) -> Vec<u8> {
    let Some((addresses, rest)) = frame.split_at_checked(12) else { return frame.to_vec() };
    let rest = if rest.starts_with(&[0x81, 0]) && rest.len() >= 4 { &rest[4..] } else { rest };
    let [high, low] = vlan.to_be_bytes();
    let tag: &[u8] = if vlan == 0 { &[] } else { &[0x81, 0, high, low] };
    [addresses, tag, rest].concat()
}
