//! A next hop that can't be one: in no subnet of the host, nobody's address, or out of reach of its ARP requests.

use super::Linter;
use super::domain;
use crate::lab::NodeKind;
use sim_core::NodeIx;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// How many crossings of links all walks of the rule may take together.
const BUDGET: usize = 2_000_000;

pub(super) fn check(l: &mut Linter<'_>) {
    let mut owners: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
    for (number, station) in l.layout.stations.iter().enumerate() {
        for address in station.addresses {
            owners.entry(address.address()).or_default().push(number);
        }
    }
    let mut budget = BUDGET;
    for (node, number) in l.lab.nodes().iter().zip(0..) {
        let NodeKind::Host(host) = &node.kind else { continue };
        let gateways = host.gateways.iter().map(|&via| (via, "gateway".to_owned()));
        let routes = host.routes.iter().enumerate().map(|(at, &(_, via))| (via, format!("routes.{at}.via")));
        for (via, key) in gateways.chain(routes) {
            let path: Vec<String> =
                ["hosts", &node.name].into_iter().chain(key.split('.')).map(str::to_owned).collect();
            look_at(l, NodeIx(number), via, &path, owners.get(&via), &mut budget);
        }
    }
}

fn look_at(
    l: &mut Linter<'_>,
    node: NodeIx,
    via: IpAddr,
    path: &[String],
    owners: Option<&Vec<usize>>,
    budget: &mut usize,
) {
    let name = &l.lab.node(node).name;
    // A link-local next hop is in everybody's subnet.
    let is_link_local = matches!(via, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let near: Vec<_> =
        l.layout.stations_of(node).filter(|s| s.addresses.iter().any(|own| own.contains(via))).cloned().collect();
    if near.is_empty() && !is_link_local {
        let message =
            format!("{via} is in no subnet of {name}, which can't ask for it: what goes there dies as no_route");
        l.warn(path, message, "use an address of one of its subnets, or give it one of the next hop's");
        return;
    }
    if !l.layout.is_complete || is_link_local {
        return;
    }
    let Some(owners) = owners else {
        let message = format!("no node of the lab has the address {via}: nobody answers for it (no_neighbor)");
        l.warn(path, message, "give it to the node that is to forward, or correct it");
        return;
    };
    let domains: Vec<_> = near.iter().map(|station| domain::walk(l.layout, station, budget)).collect();
    let is_heard = |owner: &usize| domains.iter().any(|domain| domain.stations.contains(owner));
    if domains.iter().any(|domain| domain.is_open) || owners.iter().any(is_heard) {
        return;
    }
    let owner = &l.layout.stations[owners[0]];
    let owner_name = &l.lab.node(owner.node).name;
    let message = format!(
        "{via} is {owner_name}:{}, which isn't in one broadcast domain with {name}: ARP requests for it die on the way",
        owner.name
    );
    l.warn(path, message, "put both into one VLAN all the way, or use a next hop of the host's own VLAN");
}
