//! Hosts: addresses, gateways, routes and interfaces as they are now.

use super::link;
use super::text::{Keys, array, inline, key, quoted};
use crate::lab::default_mac;
use crate::run::device::Device;
use crate::run::net::Net;
use crate::spec::{DEFAULT_INTERFACE, no_host_address};
use host::{Host, Interface};
use inet::Cidr;
use server::is_plain_route;
use sim_core::NodeIx;

/// The keys of a host's table; `lines` are those of its services.
pub(super) fn keys(net: &Net, node: NodeIx, lines: &[String]) -> Keys {
    let Some(host) = net.host(node) else { return Keys::new() };
    let mut keys = match interfaces(net, node).as_slice() {
        [eth0] if eth0.name() == DEFAULT_INTERFACE => interface(net, node, host, eth0),
        all => {
            let tables: Keys =
                all.iter().map(|nic| (key(nic.name()), short(&interface(net, node, host, nic)))).collect();
            vec![("interfaces".to_owned(), inline(&tables))]
        }
    };
    // `ip` comes first, then routes and services, then the link.
    let at = keys.iter().position(|(name, _)| name != "ip").unwrap_or(keys.len());
    keys.splice(at..at, routes(host).into_iter().chain(run(lines)).chain(setup(net, node)));
    keys
}

/// The interfaces that a table says.
pub(super) fn interfaces(net: &Net, node: NodeIx) -> Vec<&Interface> {
    match net.engine().node(node) {
        Device::Server(server) => server.configured().collect(),
        device => device.as_host().into_iter().flat_map(Host::interfaces).collect(),
    }
}

/// The key `setup` of a host that was told more than tables can say.
fn setup(net: &Net, node: NodeIx) -> Option<(String, String)> {
    let Device::Server(server) = net.engine().node(node) else { return None };
    let lines = server.rest_as_lines(net.engine().now(), |address| no_host_address(address).is_none());
    let lines: Vec<String> = lines.iter().map(ovsdb::words::join).collect();
    (!lines.is_empty()).then(|| ("setup".to_owned(), quoted(&lines.join("\n"))))
}

/// The key `run`, if there is a line for it.
pub(super) fn run(lines: &[String]) -> Option<(String, String)> {
    (!lines.is_empty()).then(|| ("run".to_owned(), array(lines.iter().map(|line| quoted(line)))))
}

/// A table that is nothing but an address, as that address.
pub(super) fn short(keys: &Keys) -> String {
    match keys.as_slice() {
        [(name, value)] if name == "ip" && !value.starts_with('[') => value.clone(),
        _ => inline(keys),
    }
}

/// The addresses that an interface was given; the IPv6 link-local one that it makes itself is none of them.
pub(super) fn own_addresses(interface: &Interface) -> impl Iterator<Item = &Cidr> {
    let made = Cidr::link_local(interface.mac());
    interface.addresses().iter().filter(move |address| **address != made)
}

/// Lines for addresses that a file refuses, such as a subnet's own: the prompt takes them.
pub(super) fn changes(net: &Net) -> Vec<String> {
    let mut lines = Vec::new();
    // One with a shell has lines of `setup` for them.
    let without_shell = |(node, _): &(NodeIx, &Host)| matches!(net.engine().node(*node), Device::Host(_));
    for (node, host) in net.hosts().filter(without_shell) {
        for address in host.interfaces().iter().flat_map(own_addresses).filter(|own| no_host_address(**own).is_some()) {
            let (name, address_text) = (net.names().node(node), address.to_string());
            let gateways = host.stack().configured_routes().iter().filter(|route| route.to.prefix_len() == 0);
            let gateway = gateways.filter_map(|route| route.via).find(|via| address.contains(*via));
            let words = [name, "ip", &address_text].map(str::to_owned).into_iter();
            lines.push(ovsdb::words::join(words.chain(gateway.map(|gateway| gateway.to_string()))));
        }
    }
    lines
}

/// The keys of an interface's table.
pub(super) fn interface(net: &Net, node: NodeIx, host: &Host, nic: &Interface) -> Keys {
    let mut keys = Keys::new();
    let addresses = own_addresses(nic).filter(|own| no_host_address(**own).is_none());
    let addresses: Vec<String> = addresses.map(|address| quoted(&address.to_string())).collect();
    let all = interfaces(net, node);
    let is_first = all.first().is_some_and(|first| first.name() == nic.name());
    let is_silent = || {
        let mut all = all.iter().copied().flat_map(own_addresses);
        all.all(|own| no_host_address(*own).is_some())
    };
    match addresses.as_slice() {
        // A host of which nothing is said has an address after its name.
        [] if is_first && is_silent() && net.engine().node(node).is_host() => {
            keys.push(("ip".to_owned(), "[]".to_owned()));
        }
        [] => {}
        [one] => keys.push(("ip".to_owned(), one.clone())),
        many => keys.push(("ip".to_owned(), array(many.iter().cloned()))),
    }
    // A VLAN has its parent's MAC address and MTU unless it says otherwise.
    let parent = host.interfaces().iter().find(|other| other.port() == nic.port() && other.vlan().is_none());
    let parent = parent.filter(|_| nic.vlan().is_some());
    let mac = parent.map_or_else(|| default_mac(host.name(), nic.name()), Interface::mac);
    if nic.mac() != mac {
        keys.push(("mac".to_owned(), quoted(&nic.mac().to_string())));
    }
    let mtu = match parent {
        Some(parent) => (nic.mtu() != parent.mtu()).then(|| nic.mtu().to_string()),
        None => link::mtu_of_interface(net, node, nic.port(), nic.mtu()),
    };
    keys.extend(mtu.map(|mtu| ("mtu".to_owned(), mtu)));
    if nic.vlan().is_none() {
        keys.extend(link::keys(net, node, nic.port()));
    }
    keys
}

/// `gateway`: the first default route of each family; `routes`: the others.
pub(super) fn routes(host: &Host) -> Keys {
    let mut gateways: Vec<String> = Vec::new();
    let mut others = Vec::new();
    let (mut has_v4, mut has_v6) = (false, false);
    for (route, _) in host.stack().routes_with_metrics().filter(|(route, metric)| is_plain_route(route, *metric)) {
        let Some(via) = route.via else { continue };
        let has = if via.is_ipv4() { &mut has_v4 } else { &mut has_v6 };
        if route.to.prefix_len() == 0 && !std::mem::replace(has, true) {
            gateways.push(quoted(&via.to_string()));
        } else {
            others.push(format!("{{ to = {}, via = {} }}", quoted(&route.to.to_string()), quoted(&via.to_string())));
        }
    }
    let mut keys = Keys::new();
    match gateways.as_slice() {
        [] => {}
        [one] => keys.push(("gateway".to_owned(), one.clone())),
        both => keys.push(("gateway".to_owned(), array(both.iter().cloned()))),
    }
    if !others.is_empty() {
        keys.push(("routes".to_owned(), array(others)));
    }
    keys
}
