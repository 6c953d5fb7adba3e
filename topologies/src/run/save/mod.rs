//! The lab as it is now, as a lab file that gives the same lab.
//!
//! What nothing changes while a lab runs is written as it was typed: name, seed, VLANs, checks. The rest is read off the
//! devices: a switch's rows, flows and static MAC addresses (`switch`, `rows`), a host's addresses, routes and services (`host`),
//! a server's NICs and what its shell would say (`server`), the links as they are configured (`link`). What the file's tables
//! can't say of a switch or a server stands in its `setup`; what can't
//! be said of the lab at all - a stopped node, say - is an event at 0 s. Events that have happened are left out, since what they
//! did is there; those to come keep their distance from now. Checks with an `at` keep it.
//!
//! Comments are lost, and so is what only passes through: frames, learnt MAC and ARP entries, counters.
//!
//! Saving what a saved lab gives yields the same text.

mod host;
mod link;
mod rows;
mod server;
mod switch;
mod text;

use super::device::Device;
use super::net::Net;
use crate::lab::{Lab, LabEvent};
use crate::run::listing;
use sim_core::NodeIx;
use std::collections::BTreeSet;
use std::fmt::Write;
use text::{Keys, key, quoted};

/// The seed that a lab has whose file says none.
const DEFAULT_SEED: u64 = 1;

/// Writes the lab. `lab` is what `net` was made from, `to_come` its events that have not happened.
pub fn text<'l>(lab: &'l Lab, net: &Net, to_come: impl IntoIterator<Item = &'l LabEvent>) -> String {
    let mut file = head(lab, net);
    let (services, to_come): (Vec<&LabEvent>, Vec<&LabEvent>) = to_come.into_iter().partition(|event| event.is_service);
    let hosts_are_together = are_together(net);
    let mut in_hosts = false;
    for node in listing::all(net) {
        let name = net.names().node(node);
        let run = services_of(net, node, &services);
        match net.engine().node(node) {
            Device::Switch(switch) => switch::write(&mut file, net, node, switch),
            device if device.is_host() && hosts_are_together => {
                if !std::mem::replace(&mut in_hosts, true) {
                    file += "\n[hosts]\n";
                }
                let _ = writeln!(file, "{} = {}", key(name), host::short(&host::keys(net, node, &run)));
            }
            device if device.is_host() => table(&mut file, "hosts", name, &host::keys(net, node, &run)),
            Device::Host(_) => {}
            Device::Hub(_) => table(&mut file, "hubs", name, &hub(net, node)),
            Device::Server(server) => server::write(&mut file, net, node, server, &run),
        }
    }
    let now = net.engine().now();
    let state = state(net).into_iter().map(|line| ("0s".to_owned(), line));
    let to_come = to_come.into_iter().map(|event| (event.at.since(now).to_string(), ovsdb::words::join(&event.words)));
    for (at, line) in state.chain(to_come) {
        let _ = write!(file, "\n[[events]]\nat = {}\ndo = {}\n", quoted(&at), quoted(&line));
    }
    for check in lab.typed_checks() {
        file += "\n[[checks]]\n";
        text::typed_table(&mut file, check);
    }
    file
}

/// The lines of a node's services: what serves now, and what `run` is still to start.
fn services_of(net: &Net, node: NodeIx, to_come: &[&LabEvent]) -> Vec<String> {
    let is_its = |event: &&&LabEvent| event.words.first().is_some_and(|name| name == net.names().node(node));
    let to_come = to_come.iter().filter(is_its).map(|event| ovsdb::words::join(&event.words[1..]));
    net.host(node).into_iter().flat_map(::host::Host::services).chain(to_come).collect()
}

fn head(lab: &Lab, net: &Net) -> String {
    let mut file = format!("name = {}\n", quoted(lab.name()));
    if !lab.description().is_empty() {
        let _ = writeln!(file, "description = {}", quoted(lab.description()));
    }
    if lab.seed().0 != DEFAULT_SEED {
        let _ = writeln!(file, "seed = {}", lab.seed().0);
    }
    if lab.has_overlapping_addresses() || has_overlapping_addresses(net) {
        file += "overlapping_addresses = true\n";
    }
    if !lab.vlans().is_empty() {
        file += "\n[vlans]\n";
        for (name, vlan) in lab.vlans() {
            let _ = writeln!(file, "{} = {}", key(name), vlan.get());
        }
    }
    file
}

/// Whether two hosts or NICs have the same address, as an address given at the prompt may be.
fn has_overlapping_addresses(net: &Net) -> bool {
    let mut seen = BTreeSet::new();
    let mut all = listing::all(net).flat_map(|node| host::interfaces(net, node)).flat_map(host::own_addresses);
    all.any(|address| !seen.insert(address.address()))
}

/// Whether no node of another kind stands between two hosts: then one table holds them all.
fn are_together(net: &Net) -> bool {
    let is_host = |node: &NodeIx| net.engine().node(*node).is_host();
    let mut nodes = listing::all(net).skip_while(|node| !is_host(node)).skip_while(is_host);
    !nodes.any(|node| is_host(&node))
}

/// A node as a table with a header.
fn table(file: &mut String, kind: &str, name: &str, keys: &Keys) {
    let _ = writeln!(file, "\n[{kind}.{}]", key(name));
    text::lines(file, keys);
}

/// A hub whose ports aren't numbered from 1 has those that links name.
fn hub(net: &Net, node: NodeIx) -> Keys {
    let mut names = (1..).zip(listing::ports(net, node).filter_map(|port| net.names().port_name(node, port)));
    let len = listing::ports(net, node).count();
    let is_numbered = len > 0 && names.all(|(number, name): (u32, _)| name == number.to_string());
    if is_numbered { vec![("ports".to_owned(), len.to_string())] } else { Keys::new() }
}

/// What no table can say: lines for the start of the lab.
fn state(net: &Net) -> Vec<String> {
    let stopped = listing::all(net).filter(|&node| !net.engine().is_running(node));
    let stopped = stopped.map(|node| ovsdb::words::join(["stop", net.names().node(node)]));
    link::changes(net).into_iter().chain(host::changes(net)).chain(stopped).collect()
}
