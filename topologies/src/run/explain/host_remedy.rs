//! Lines that may let a packet pass, at its hosts: addresses, gateways, forwarding, listeners.

use super::Question;
use super::fault::Fault;
use super::follow::stations;
use super::remedy::Candidates;
use crate::lab::Transport;
use crate::run::net::Net;
use host::Cidr;
use sim_core::NodeIx;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most subnets of the lab that a host is moved into to see whether that helps.
const MAX_SUBNETS: usize = 4;

/// The IPv4 subnets of a station.
pub(super) fn subnets(net: &Net, node: NodeIx) -> Vec<Cidr> {
    addresses(net, node).iter().map(|own| own.network()).collect()
}

fn addresses(net: &Net, node: NodeIx) -> Vec<Cidr> {
    let Some(host) = net.host(node) else { return Vec::new() };
    let own = host.addresses().map(|(_, own)| own);
    own.filter(|own| !own.is_ipv6() && !own.address().is_loopback()).collect()
}

/// The gateway of a host's default route.
fn gateway(net: &Net, node: NodeIx) -> Option<IpAddr> {
    let routes = net.host(node)?.stack().configured_routes();
    routes.iter().find(|route| route.to == Cidr::ALL_V4).and_then(|route| route.via)
}

/// What may help at the hosts.
pub(super) fn candidates(
    net: &Net,
    question: &Question,
    fault: &Fault,
    target: Option<NodeIx>,
    found: &mut Candidates,
) {
    let ends = [Some(question.from), target, fault.target, Some(fault.node)];
    let ends: BTreeSet<NodeIx> = ends.into_iter().flatten().filter(|node| net.host(*node).is_some()).collect();
    let is_of_hosts = matches!(
        fault.reason.as_str(),
        "not_sent"
            | "no_route"
            | "no_neighbor"
            | "no_answer"
            | "rx_filtered"
            | "no_listener"
            | "port_down"
            | "ttl_expired"
    );
    if !is_of_hosts {
        return;
    }
    for &node in &ends {
        interfaces(net, node, found);
        if net.engine().node(node).is_host() {
            of_address(net, node, found);
        }
        of_ipv6(net, node, found);
        of_gateway(net, node, question, target, found);
        forwarding(net, node, found);
    }
    for (node, _) in stations(net).filter(|(node, _)| !net.engine().node(*node).is_host()).take(8) {
        forwarding(net, node, found);
        of_gateway(net, node, question, target, found);
    }
    if let (Some((transport, port)), Some(target), "no_listener") = (question.port, target, fault.reason.as_str()) {
        let name = net.names().node(target);
        if matches!((transport, port), (Transport::Tcp, 80 | 8000 | 8080)) {
            found.add(0, name, format!("{name} http {port}"));
        }
        found.add(1, name, format!("{name} listen {} {port}", transport.name()));
    }
}

/// Interfaces that somebody has put down.
fn interfaces(net: &Net, node: NodeIx, found: &mut Candidates) {
    let name = net.names().node(node);
    let Some(host) = net.host(node) else { return };
    for interface in host.interfaces().iter().filter(|interface| !interface.is_admin_up() && !interface.is_removed()) {
        found.add(0, name, format!("{name} ip link set {} up", interface.name()));
    }
}

/// A host's address with another mask, or in another subnet.
fn of_address(net: &Net, node: NodeIx, found: &mut Candidates) {
    let name = net.names().node(node);
    let [IpAddr::V4(address)] = addresses(net, node).iter().map(|own| own.address()).collect::<Vec<_>>()[..] else {
        return;
    };
    let mut popular: BTreeMap<Cidr, u32> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (other, _) in stations(net).filter(|(other, _)| *other != node) {
        for own in addresses(net, other) {
            *popular.entry(own.network()).or_default() += 1;
            taken.insert(own.address());
        }
    }
    let own = subnets(net, node).first().and_then(|own| popular.get(own)).copied().unwrap_or(0);
    let mut popular: Vec<(Cidr, u32)> =
        popular.into_iter().filter(|(subnet, _)| !subnets(net, node).contains(subnet)).collect();
    popular.sort_by_key(|(subnet, count)| (!subnet.contains(address.into()), std::cmp::Reverse(*count), *subnet));
    for (number, (subnet, count)) in popular.into_iter().take(MAX_SUBNETS).enumerate() {
        // Who is alone in a subnet is the odd one.
        let doubt = if own == 0 {
            2
        } else if own < count {
            6
        } else {
            12
        };
        let Some(address) = in_subnet(address, subnet, &taken) else { continue };
        let line = format!("{name} ip {address}/{}", subnet.prefix_len());
        let cost = doubt + number as u32;
        let kept = gateway(net, node).filter(|gateway| subnet.contains(*gateway));
        match kept {
            Some(gateway) => found.add(cost, name, format!("{line} {gateway}")),
            None => {
                found.add(cost, name, line.clone());
                for gateway in routers(net, subnet).into_iter().take(2) {
                    found.add(cost + 1, name, format!("{line} {gateway}"));
                }
            }
        }
    }
}

/// The address in a subnet that differs least from one, and that nobody has.
fn in_subnet(address: Ipv4Addr, subnet: Cidr, taken: &BTreeSet<IpAddr>) -> Option<Ipv4Addr> {
    let IpAddr::V4(base) = subnet.network().address() else { return None };
    let host_bits = u32::MAX.checked_shr(subnet.prefix_len().into()).unwrap_or(0);
    let wished = address.to_bits() & host_bits;
    let free = |bits: &u32| {
        let address = Ipv4Addr::from_bits(base.to_bits() | bits);
        *bits != 0 && *bits != host_bits && !taken.contains(&IpAddr::V4(address))
    };
    let found = std::iter::once(wished).chain(1..host_bits.min(1024)).find(free)?;
    Some(Ipv4Addr::from_bits(base.to_bits() | found))
}

/// An address in a subnet of others, and a gateway, for a station that has IPv6 alone.
fn of_ipv6(net: &Net, node: NodeIx, found: &mut Candidates) {
    let name = net.names().node(node);
    let own = global_ipv6(net, node);
    let Some(&(interface, first)) = own.first().filter(|_| addresses(net, node).is_empty()) else { return };
    let mut popular: BTreeMap<Cidr, u32> = BTreeMap::new();
    for (other, host) in stations(net).filter(|(other, _)| *other != node) {
        for (_, theirs) in global_ipv6(net, other) {
            *popular.entry(theirs.network()).or_default() += 1;
            let is_reached = own.iter().any(|(_, own)| own.contains(theirs.address()));
            if host.stack().forwarding().ipv6 && is_reached {
                found.add(1, name, format!("{name} ip route add default via {}", theirs.address()));
            }
        }
    }
    popular.retain(|subnet, _| own.iter().all(|(_, own)| own.network() != *subnet));
    let mut popular: Vec<(Cidr, u32)> = popular.into_iter().collect();
    popular.sort_by_key(|(subnet, count)| (std::cmp::Reverse(*count), *subnet));
    for (number, (subnet, _)) in popular.into_iter().take(MAX_SUBNETS).enumerate() {
        let (IpAddr::V6(base), IpAddr::V6(address)) = (subnet.address(), first.address()) else { continue };
        let host_bits = u128::MAX.checked_shr(subnet.prefix_len().into()).unwrap_or(0);
        let address = Ipv6Addr::from_bits(base.to_bits() | address.to_bits() & host_bits);
        let line = format!("{name} ip addr add {address}/{} dev {interface}", subnet.prefix_len());
        found.add(2 + number as u32, name, line);
    }
}

/// The IPv6 addresses of a station that are good beyond a link, and their interfaces.
fn global_ipv6(net: &Net, node: NodeIx) -> Vec<(&str, Cidr)> {
    let Some(host) = net.host(node) else { return Vec::new() };
    let is_global = |own: &Cidr| match own.address() {
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
        IpAddr::V4(_) => false,
    };
    let own = host.addresses().filter(|(_, own)| is_global(own));
    own.filter_map(|(interface, own)| Some((host.interfaces().get(interface.0 as usize)?.name(), own))).collect()
}

/// The addresses of stations that forward, in a subnet, and the gateways that others have there.
fn routers(net: &Net, subnet: Cidr) -> Vec<IpAddr> {
    let forwards = stations(net).filter(|(_, host)| host.stack().forwarding().ipv4);
    let own = forwards.flat_map(|(_, host)| host.addresses().map(|(_, own)| own.address()).collect::<Vec<_>>());
    let used = stations(net).filter_map(|(node, _)| gateway(net, node));
    let mut known = BTreeSet::new();
    own.chain(used).filter(|address| subnet.contains(*address) && known.insert(*address)).collect()
}

/// A gateway, or another one.
fn of_gateway(net: &Net, node: NodeIx, question: &Question, target: Option<NodeIx>, found: &mut Candidates) {
    let name = net.names().node(node);
    let present = gateway(net, node);
    let is_host = net.engine().node(node).is_host();
    for own in addresses(net, node) {
        for router in routers(net, own.network())
            .into_iter()
            .filter(|router| Some(*router) != present && *router != own.address())
            .take(3)
        {
            if is_host {
                found.add(1, name, format!("{name} ip {own} {router}"));
                continue;
            }
            let ends = [Some(question.from), target].into_iter().flatten();
            for subnet in ends.flat_map(|end| subnets(net, end)).filter(|subnet| !subnet.contains(router)) {
                found.add(3, name, format!("{name} ip route add {subnet} via {router}"));
            }
        }
    }
}

/// A machine between subnets that doesn't forward.
fn forwarding(net: &Net, node: NodeIx, found: &mut Candidates) {
    let name = net.names().node(node);
    let several = subnets(net, node).into_iter().collect::<BTreeSet<_>>().len() > 1;
    if several && net.host(node).is_some_and(|host| !host.stack().forwarding().ipv4) {
        found.add(1, name, format!("{name} sysctl -w net.ipv4.ip_forward=1"));
    }
}
