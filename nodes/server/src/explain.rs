//! Why a frame died here, in words.

use core::net::IpAddr;

use inet::Quoted;
use packet::wire::vlan;
use sim_core::{Drop, DropArgs, DropReason};

use crate::Server;
use crate::inside::MAX_CROSSINGS;

/// The reason's name and, in brackets, what the configuration has to say to it.
pub(crate) fn drop(server: &Server, drop: &Drop, frame: &[u8]) -> String {
    match detail(server, drop, frame) {
        Some(detail) => format!("{} ({detail})", drop.reason),
        None => server.switch.explain_drop(drop, frame),
    }
}

fn detail(server: &Server, drop: &Drop, frame: &[u8]) -> Option<String> {
    let device = drop.port.and_then(|port| server.devices.get(port));
    match (drop.reason, drop.args) {
        (_, DropArgs::Size { len, limit }) => Some(format!("{len} bytes, the limit is {limit}")),
        (DropReason::PortDown, _) => {
            let device = device?;
            Some(match device.is_up {
                true => format!("{} has no link", device.name),
                false => format!("{0} is down; `ip link set {0} up` brings it up", device.name),
            })
        }
        (DropReason::NoRoute, _) => {
            let dst = destination(frame)?;
            let forwarding = server.host.stack().forwarding();
            let (is_on, key) = match dst {
                IpAddr::V4(_) => (forwarding.ipv4, "net.ipv4.ip_forward"),
                IpAddr::V6(_) => (forwarding.ipv6, "net.ipv6.conf.all.forwarding"),
            };
            Some(match is_on {
                true => format!("no route to {dst}"),
                false => {
                    let node = if server.is_host() { "host" } else { "server" };
                    format!("{dst} is no address of this {node}, and {key} is 0")
                }
            })
        }
        (DropReason::NoNeighbor, _) => {
            let dst = destination(frame)?;
            let hop = server.host.stack().routes().lookup(dst)?;
            let name = server.interface(hop.interface).name();
            Some(format!("{} does not answer on {name}", hop.address))
        }
        (DropReason::TunnelLoop, _) => {
            Some(format!("crossed between stack and bridges {MAX_CROSSINGS} times at one instant"))
        }
        _ => None,
    }
}

/// Whom the packet in a frame is for.
fn destination(frame: &[u8]) -> Option<IpAddr> {
    let (_, at) = vlan::payload(frame, 2)?;
    Quoted::parse(&frame[at..]).ok().map(|quoted| quoted.dst)
}
