//! `nodes`, `net`, `links` and `dump`: what the lab is made of, in Mininet's layouts.
//!
//! A port is `node:port` where Mininet has the name of an interface.

use super::device::Device;
use super::net::Net;
use host::{Host, Interface};
use sim_core::{LinkIx, NodeIx, PortIx};
use std::fmt::Write;

/// The names of all nodes, sorted.
pub(super) fn nodes(net: &Net) -> String {
    let mut names: Vec<&str> = net.names().all().collect();
    names.sort_unstable();
    format!("available nodes are: \n{}\n", names.join(" "))
}

/// A line for each node: its ports, and what each is linked to.
pub(super) fn net(net: &Net) -> String {
    let mut text = String::new();
    for node in all(net) {
        text += net.names().node(node);
        for port in ports(net, node) {
            let _ = write!(text, " {}--", net.names().port(node, port));
            if let Some((node, port)) = far_end(net, node, port) {
                text += &net.names().port(node, port);
            }
        }
        text.push('\n');
    }
    text
}

/// A line for each link.
pub(super) fn links(net: &Net) -> String {
    let mut text = String::new();
    for link in (0..net.engine().link_count() as u32).map(LinkIx) {
        let [(a, p), (b, q)] = net.engine().ends(link);
        let state = if net.engine().is_up(link) { "OK OK" } else { "down down" };
        let _ = writeln!(text, "{}<->{} ({state})", net.names().port(a, p), net.names().port(b, q));
    }
    text
}

/// A line for each node: its kind, its interfaces and their first addresses.
pub(super) fn dump(net: &Net) -> String {
    let mut text = String::new();
    for node in all(net) {
        let (kind, interfaces) = match net.engine().node(node) {
            Device::Host(host) => ("Host", interfaces(host)),
            Device::Server(server) if server.is_host() => ("Host", interfaces(server.host())),
            Device::Switch(_) => ("OVSSwitch", without_addresses(net, node)),
            Device::Hub(_) => ("Hub", without_addresses(net, node)),
            Device::Server(server) => ("Server", interfaces(server.host())),
        };
        let state = if net.engine().is_running(node) { "" } else { " stopped" };
        let _ = writeln!(text, "<{kind} {}: {}{state}>", net.names().node(node), interfaces.join(","));
    }
    text
}

fn interfaces(host: &Host) -> Vec<String> {
    let address = |interface: &Interface| {
        let address = interface.addresses().first().map(|own| own.address().to_string());
        format!("{}:{}", interface.name(), address.as_deref().unwrap_or("None"))
    };
    let listed = host.interfaces().iter().filter(|interface| !interface.is_loopback() && !interface.is_removed());
    listed.map(address).collect()
}

fn without_addresses(net: &Net, node: NodeIx) -> Vec<String> {
    ports(net, node).filter_map(|port| Some(format!("{}:None", net.names().port_name(node, port)?))).collect()
}

pub(super) fn all(net: &Net) -> impl Iterator<Item = NodeIx> {
    (0..net.engine().nodes().len() as u32).map(NodeIx)
}

pub(super) fn ports(net: &Net, node: NodeIx) -> impl Iterator<Item = PortIx> {
    (0..).map(PortIx).take_while(move |&port| net.names().port_name(node, port).is_some())
}

fn far_end(net: &Net, node: NodeIx, port: PortIx) -> Option<(NodeIx, PortIx)> {
    let away = net.engine().direction_from(node, port)?;
    let [a, b] = net.engine().ends(away.link());
    Some(if away == away.link().forward() { b } else { a })
}
