//! Why a frame died here, in words.

use crate::bridge::Bridge;
use crate::plan::{PortPlan, VlanMode, VlanSet};
use crate::switch::Switch;
use crate::tree;
use packet::MacAddr;
use sim_core::{Drop, DropArgs, DropReason};
use spanning_tree::Protocol;

/// How many VLANs a list names before it is cut.
const MAX_NAMED: usize = 16;

/// The reason's name and, in brackets, what the configuration has to say to it.
pub(crate) fn drop(switch: &Switch, drop: &Drop, frame: &[u8]) -> String {
    match detail(switch, drop, frame) {
        Some(detail) => format!("{} ({detail})", drop.reason),
        None => drop.reason.to_string(),
    }
}

fn detail(switch: &Switch, drop: &Drop, frame: &[u8]) -> Option<String> {
    let dst = MacAddr::from_bytes(frame);
    let bridge = drop.port.and_then(|port| switch.bridge_of(port));
    let port_name = drop.port.and_then(|port| switch.lab.name(port));
    let plan = bridge.map(|bridge| bridge.shared.plan());
    let port = plan.as_ref().and_then(|plan| plan.ports.get(usize::from(plan.slot(drop.port?)?)));
    match (drop.reason, drop.args) {
        (DropReason::VlanNotAllowed, DropArgs::Vlan(vlan)) => Some(match port {
            Some(port) => not_allowed(port, vlan),
            None => format!("VLAN {vlan}, no other port carries it"),
        }),
        (DropReason::TaggedOnAccess, DropArgs::Vlan(vlan)) => {
            let tag = port.map_or(0, |port| port.vlan.tag);
            Some(format!("VLAN {vlan} tag, access port of VLAN {tag}"))
        }
        (DropReason::SamePort, _) => Some(match (dst, port_name) {
            (Some(dst), Some(name)) if dst.is_unicast() => format!("{dst} is behind {name}, where it came from"),
            _ => "no other port".to_owned(),
        }),
        (DropReason::ReservedMulticast, _)
            if bridge.is_some_and(|bridge| bridge.tree.is_some()) && tree::is_bpdu(frame) =>
        {
            Some(format!("a BPDU, and {} takes no part in the spanning tree", port_name?))
        }
        (DropReason::ReservedMulticast, _) => Some(format!("to {}, other_config:forward-bpdu is not set", dst?)),
        (DropReason::PortDown, _) if port.is_some_and(|port| port.is_deaf || port.is_mute) => {
            let what = if port?.is_deaf { "no-receive" } else { "no-forward" };
            Some(format!("`ovs-ofctl mod-port {} {} {what}`", bridge?.name, port_name?))
        }
        (DropReason::NoListener, _) => only_bridge(switch, bridge)
            .map(|name| format!("a flow of {name} sends it to a controller, and none is connected")),
        (DropReason::PortDown, _) => port_name.map(|name| format!("{name} is down")),
        (DropReason::Protected, _) => {
            port_name.map(|name| format!("{name} is protected, and so is the port it came from"))
        }
        (DropReason::PortBlocked, _) if port.is_some_and(|port| port.is_mirror_output) => {
            Some(format!("{} is a mirror's output port and takes no frames", port_name?))
        }
        (DropReason::PortBlocked, _) => {
            let tree = bridge?.tree.as_ref()?;
            let name = if tree.protocol() == Protocol::Stp { "STP" } else { "RSTP" };
            let (port, reason) = (port_name?, tree.reason(plan?.slot(drop.port?)?)?);
            Some(format!("{name}: {}:{port} is {reason}", switch.name))
        }
        (DropReason::NoBridge, _) => {
            let name = port_name?;
            Some(format!("{name} is in no bridge; `ovs-vsctl add-port BRIDGE {name}` adds it"))
        }
        (DropReason::Malformed, _) => Some(format!("{} bytes", frame.len())),
        (DropReason::FlowDrop, _) => only_bridge(switch, bridge).map(|name| format!("a flow of {name} has no output")),
        (DropReason::TableMiss, _) => only_bridge(switch, bridge).map(|name| format!("no flow of {name} matches")),
        _ => None,
    }
}

fn only_bridge<'a>(switch: &'a Switch, bridge: Option<&'a Bridge>) -> Option<&'a str> {
    match (bridge, switch.bridges.as_slice()) {
        (Some(bridge), _) | (None, [bridge]) => Some(&bridge.name),
        _ => None,
    }
}

fn not_allowed(port: &PortPlan, vlan: u16) -> String {
    match (port.vlan.mode, &port.vlan.trunks, &port.vlan.cvlans) {
        (VlanMode::Access, ..) => format!("VLAN {vlan}, port carries {}", port.vlan.tag),
        (VlanMode::Dot1qTunnel, _, Some(cvlans)) if !cvlans.contains(vlan) => {
            format!("VLAN {vlan} is not in cvlans {}", list(cvlans))
        }
        (VlanMode::Dot1qTunnel, ..) => format!("VLAN {vlan}, port carries service VLAN {}", port.vlan.tag),
        (_, Some(trunks), _) => format!("VLAN {vlan} is not in trunks {}", list(trunks)),
        (_, None, _) => format!("VLAN {vlan}"),
    }
}

/// `[9, 19]`.
fn list(vlans: &VlanSet) -> String {
    let named: Vec<String> = vlans.iter().take(MAX_NAMED).map(|vlan| vlan.to_string()).collect();
    let more = if vlans.iter().count() > MAX_NAMED { ", ..." } else { "" };
    format!("[{}{more}]", named.join(", "))
}
