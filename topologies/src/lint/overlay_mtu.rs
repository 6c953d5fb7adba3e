//! A tunnel adds headers, and what was as long as a link takes is too long then.
//!
//! The overhead counts from the inner packet to the outer one: the inner Ethernet header (14), the tunnel's own
//! header, and outer IP and UDP: VXLAN 50 (RFC 7348), Geneve 50 without options (RFC 8926), GRE 38, 42 with a key
//! (RFC 2890), ERSPAN 46 (type II); 20 more where the outer packet is IPv6. The links below are those of the tunnel's
//! node that aren't on the tunnel's own bridge.

use super::Linter;
use super::layout::{PortView, TunnelView};
use crate::lab::{LabEnd, LabLink};
use sim_core::PortIx;

pub(super) fn check(l: &mut Linter<'_>) {
    for (number, bridge) in l.layout.bridges.iter().enumerate() {
        let Some((tunnel, overhead)) = bridge.ports.iter().find_map(|p| Some((p, overhead(p)?))) else { continue };
        let hosts = bridge
            .ports
            .iter()
            .filter_map(|port| l.layout.across(port.end?))
            .flat_map(|(_, peer)| l.layout.stations_at(peer).iter().map(|&at| &l.layout.stations[at]));
        let Some(inner) = hosts.max_by_key(|station| station.mtu) else { continue };
        let own = |end| l.layout.port_at(end).is_some_and(|(bridge, _)| bridge == number);
        let ends =
            (0..l.lab.node(bridge.node).ports.len() as u32).map(|p| LabEnd { node: bridge.node, port: PortIx(p) });
        let below = ends.filter(|end| !own(*end)).filter_map(|end| l.layout.across(end)).map(|(link, _)| link);
        let mtu = |link: &LabLink| link.config.forward.mtu.min(link.config.backward.mtu);
        let Some(link) = below.min_by_key(|link| mtu(&l.lab.links()[link.0 as usize])) else { continue };
        let outer = mtu(&l.lab.links()[link.0 as usize]);
        let needed = inner.mtu + overhead;
        if needed <= outer {
            continue;
        }
        let message = format!(
            "packets of up to {} bytes from {} get {overhead} bytes of headers in the tunnel {}:{}, {needed} together, and the \
             link {} takes {outer}: the longest die there as mtu_exceeded",
            inner.mtu,
            l.lab.end_name(inner.end),
            l.lab.node(bridge.node).name,
            tunnel.name,
            l.layout.link_name(link),
        );
        let path = l.link_path(link);
        let remedy =
            format!("set mtu = {needed} on the link, or mtu = {} on the hosts", outer.saturating_sub(overhead));
        l.warn(&path, message, remedy);
    }
}

/// The bytes between an inner packet and its outer one; `None` for a port that is no tunnel.
fn overhead(port: &PortView) -> Option<u32> {
    let TunnelView { is_ipv6, has_key } = port.tunnel;
    let own = match port.ty.as_str() {
        "vxlan" | "geneve" => 50,
        "gre" | "ip6gre" => 38 + if has_key { 4 } else { 0 },
        "erspan" | "ip6erspan" => 46,
        _ => return None,
    };
    Some(own + if is_ipv6 || port.ty.starts_with("ip6") { 20 } else { 0 })
}
