//! An address in a subnet of its own: most likely a prefix mistyped.
//!
//! A host that a check wants to be alone, and one with a next hop to elsewhere, may well be.

use super::Linter;
use crate::lab::NodeKind;

pub(super) fn check(l: &mut Linter<'_>) {
    if !l.layout.is_complete || l.layout.stations.len() < 2 {
        return;
    }
    // Neighbours in the order of addresses, so that a large lab needs no comparison of all with all.
    let mut sorted: Vec<(std::net::IpAddr, usize)> = Vec::new();
    for (number, station) in l.layout.stations.iter().enumerate() {
        sorted.extend(station.addresses.iter().map(|own| (own.address(), number)));
    }
    sorted.sort_unstable();
    let alone_on_purpose = l.separated();
    for (number, station) in l.layout.stations.iter().enumerate() {
        if alone_on_purpose.contains(&station.node) {
            continue;
        }
        let NodeKind::Host(host) = &l.lab.node(station.node).kind else { continue };
        let is_link_local = |ip| matches!(ip, std::net::IpAddr::V6(v6) if v6.is_unicast_link_local());
        for own in station.addresses {
            let is_point = own.prefix_len() == if own.is_ipv6() { 128 } else { 32 };
            let has_router = host.gateways.iter().any(|&via| own.contains(via));
            if is_point || has_router || is_link_local(own.address()) {
                continue;
            }
            let from = sorted.partition_point(|(address, _)| *address < own.network().address());
            let mut others = sorted[from..].iter().take_while(|(address, _)| own.contains(*address));
            if others.any(|(_, other)| *other != number) {
                continue;
            }
            let mut path = l.interface_path(station.node, station.name);
            path.push("ip".to_owned());
            let name = l.lab.end_name(station.end);
            let message = format!(
                "no other interface of the lab is in {}, the subnet of {name}: nobody is there to talk to",
                own.network()
            );
            l.warn(&path, message, "correct the address or its prefix length, or give another host one of the subnet");
        }
    }
}
