//! Servers: NICs and plain routes as tables, everything else as lines of `setup`.
//!
//! The end of a link that no other place of the file names - its `to` stands here, or it has no link - is a port of a bridge's
//! table. If it is in no bridge, a line takes it out of one.

use super::host;
use super::link;
use super::rows::Said;
use super::switch::{self, Declared};
use super::text::{self, Keys, inline, key};
use crate::run::listing;
use crate::run::net::Net;
use crate::spec::{DEFAULT_BRIDGE, no_host_address};
use ovsdb::Row;
use ovsdb::vswitch::{interface, port};
use server::Server;
use sim_core::NodeIx;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes the tables of a server; `run` are the lines of its services.
pub(super) fn write(file: &mut String, net: &Net, node: NodeIx, server: &Server, run: &[String]) {
    let head = format!("servers.{}", key(net.names().node(node)));
    let nics: Keys = server
        .configured()
        .map(|nic| (key(nic.name()), host::short(&host::interface(net, node, server.host(), nic))))
        .collect();
    let (tables, setup) = open_vswitch(net, node, server, &head);
    let mut keys = host::routes(server.host());
    keys.extend(host::run(run));
    let mut lines: Vec<String> = server.taps_as_lines().iter().map(ovsdb::words::join).collect();
    lines.extend(setup);
    let rest = server.rest_as_lines(net.engine().now(), |address| no_host_address(address).is_none());
    lines.extend(rest.iter().map(ovsdb::words::join));
    if !lines.is_empty() {
        keys.push(("setup".to_owned(), text::lines_of_text(&lines)));
    }
    if !keys.is_empty() || nics.is_empty() {
        let _ = writeln!(file, "\n[{head}]");
        text::lines(file, &keys);
    }
    if !nics.is_empty() {
        let _ = writeln!(file, "\n[{head}.nics]");
        text::lines(file, &nics);
    }
    *file += &tables;
}

/// The tables of bridges, for ports that only they can name, and the lines for the rest.
fn open_vswitch(net: &Net, node: NodeIx, server: &Server, head: &str) -> (String, Vec<String>) {
    let switch = server.switch();
    let store = switch.store();
    let is_nic = |name: &str| server.configured().any(|nic| nic.name() == name);
    // By name, the keys of its link.
    let mut only_here: BTreeMap<&str, Keys> = BTreeMap::new();
    for port in listing::ports(net, node) {
        let Some(name) = net.names().port_name(node, port).filter(|name| !is_nic(name)) else { continue };
        let keys = link::keys(net, node, port);
        if !keys.is_empty() || net.engine().direction_from(node, port).is_none() {
            only_here.insert(name, keys);
        }
    }
    let (mut said, mut tables, mut lines) = (Said::default(), String::new(), Vec::new());
    let mut bridges = Vec::new();
    for row in switch::bridges(store) {
        let Some(mut bridge) = switch::declared(switch, row) else { continue };
        let is_only_here =
            |(port, _): &(&Row, &Row)| port.str(port::NAME).is_some_and(|name| only_here.contains_key(name));
        let (ports, others): (Vec<_>, Vec<_>) = std::mem::take(&mut bridge.ports).into_iter().partition(is_only_here);
        bridge.ports = ports;
        // The local port comes with the bridge.
        let others = others.into_iter().filter(|(port, _)| port.str(port::NAME) != Some(bridge.name));
        bridge.others = others.map(|(_, interface)| interface).chain(bridge.others).collect();
        bridges.push(bridge);
    }
    for bridge in &bridges {
        switch::request_numbers(&mut said, switch, bridge);
    }
    let mut ports_of = |bridge: &Declared<'_>| {
        let mut ports = Keys::new();
        for (port, interface) in &bridge.ports {
            let name = port.str(port::NAME).unwrap_or_default();
            let mut keys = Keys::new();
            if let Some(request) = said.requests.get(&interface.uuid()) {
                keys.push((interface::OFPORT_REQUEST.name().to_owned(), request.to_string()));
                said.columns.insert((interface.uuid(), interface::OFPORT_REQUEST));
            }
            keys.extend(only_here.remove(name).unwrap_or_default());
            ports.push((key(name), inline(&keys)));
            said.tables.extend([port.uuid(), interface.uuid()]);
        }
        if !ports.is_empty() {
            said.start_bridge(bridge.row, switch::local(store, bridge));
        }
        ports
    };
    let mut made: Vec<(&str, Keys)> = bridges.iter().map(|bridge| (bridge.name, ports_of(bridge))).collect();
    let home = bridges.first().map_or(DEFAULT_BRIDGE, |bridge| bridge.name);
    if !only_here.is_empty() {
        lines.extend(only_here.keys().map(|name| ovsdb::words::join(["ovs-vsctl", "del-port", home, name])));
        match bridges.first() {
            Some(bridge) => said.start_bridge(bridge.row, switch::local(store, bridge)),
            None => {
                made.push((home, Keys::new()));
                lines.push(ovsdb::words::join(["ovs-vsctl", "del-br", home]));
            }
        }
        made[0].1.extend(only_here.iter().map(|(name, keys)| (key(name), inline(keys))));
    }
    for (name, ports) in made.iter().filter(|(_, ports)| !ports.is_empty()) {
        let _ = writeln!(tables, "\n[{head}.bridges.{}.ports]", key(name));
        text::lines(&mut tables, ports);
    }
    lines.extend(switch::rest_of_setup(net, switch, &said));
    (tables, lines)
}
