//! From what was typed to a lab: names are looked up, links get their ends, hosts their addresses.

mod checks;
mod events;
mod hosts;
mod links;
mod sockets;

pub(crate) use hosts::default_mac;

use super::{Lab, LabHub, LabNode, NodeKind};
use crate::spec::{LabSpec, NodeSpecKind, Pos, Reader, shorten};
use indexmap::IndexMap;
use sim_core::{LinkIx, NodeIx, PortIx, Seed};
use sockets::Sockets;
use std::collections::BTreeSet;
use std::fmt;

/// The seed of a lab whose file has none.
const DEFAULT_SEED: Seed = Seed(1);

/// The most ports of all hubs together.
const MAX_PORTS: usize = 1_000_000;

/// The node names of a lab while it is resolved.
struct Names {
    by_name: IndexMap<String, NodeIx>,
    /// Nodes that have been reported already: naming one is no mistake of its own.
    unsupported: BTreeSet<String>,
    /// Each node's ports.
    sockets: Vec<Sockets>,
}

impl Names {
    /// The node called `name`; an unknown one is reported.
    fn find(&self, r: &mut Reader, pos: Pos, key: &dyn fmt::Display, name: &str) -> Option<NodeIx> {
        if let Some(node) = self.by_name.get(name) {
            return Some(*node);
        }
        if !self.unsupported.contains(name) {
            let nearest = r.report.nearest(name, self.by_name.keys().map(String::as_str));
            let remedy = match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("add the node to its table, as in [hosts] or [switches.{}]", super::Key(name)),
            };
            r.report.error(pos, key, format!("there is no node called `{}`", shorten(name)), remedy);
        }
        None
    }

    /// The port called `name` of a node, and its link.
    fn link_at(&self, node: NodeIx, name: &str) -> Option<(PortIx, LinkIx)> {
        let sockets = &self.sockets[node.index()];
        let port = sockets.find(name)?;
        Some((port, sockets.get(port).link?))
    }
}

/// Resolves a lab. Mistakes go to the reader's report; after one the lab is a draft that nobody may run, without what was
/// wrong.
pub(crate) fn resolve(r: &mut Reader, spec: LabSpec, default_name: &str) -> Option<Lab> {
    let by_name = spec.nodes.iter().zip(0..).map(|(node, at)| (node.name.value.clone(), NodeIx(at))).collect();
    let mut names = Names { by_name, unsupported: spec.unsupported, sockets: Vec::new() };
    let hub_ports = spec.nodes.iter().map(|node| match &node.kind {
        NodeSpecKind::Hub(hub) => hub.ports.unwrap_or(0) as usize,
        _ => 0,
    });
    // The file's size bounds the ports of all else.
    if hub_ports.sum::<usize>() > MAX_PORTS {
        r.report.error(
            Pos::default(),
            "",
            format!("the lab's hubs have more than {MAX_PORTS} ports"),
            "split it into several labs",
        );
        return None;
    }
    let mut sockets: Vec<Sockets> = spec.nodes.iter().map(|node| Sockets::declared(r, node)).collect();
    let links = links::resolve(r, &spec.nodes, &names, &mut sockets);
    sockets::warn_of_unlinked(r, &spec.nodes, &sockets);

    let mut hosts = hosts::Addresses::new(spec.overlapping_addresses);
    let mut nodes = Vec::with_capacity(spec.nodes.len());
    for (node, sockets) in spec.nodes.into_iter().zip(&sockets) {
        let kind = match node.kind {
            NodeSpecKind::Switch(switch) => NodeKind::Switch(sockets.switch(r, switch)),
            NodeSpecKind::Host(host) => NodeKind::Host(hosts.host(r, &node.name, host, sockets)),
            NodeSpecKind::Hub(_) => NodeKind::Hub(LabHub {}),
            NodeSpecKind::Server(server) => NodeKind::Server(hosts.server(r, &node.name, server, sockets)),
        };
        nodes.push(LabNode { name: node.name.value, kind, ports: sockets.ports() });
    }

    names.sockets = sockets;

    let mut lab = Lab {
        name: spec.name.unwrap_or_else(|| default_name.to_owned()),
        description: spec.description.unwrap_or_default(),
        seed: spec.seed.unwrap_or(DEFAULT_SEED),
        vlans: spec.vlans,
        nodes,
        by_name: IndexMap::new(),
        links,
        events: Vec::new(),
        checks: Vec::new(),
        typed_checks: spec.typed_checks,
        overlapping_addresses: spec.overlapping_addresses,
    };
    lab.events = lab.nodes.iter().flat_map(events::services).collect();
    lab.events.extend(spec.events.into_iter().filter_map(|event| events::resolve(r, &names, event)));
    lab.checks = spec.checks.into_iter().filter_map(|check| checks::resolve(r, &lab, &names, check)).collect();
    lab.by_name = names.by_name;
    Some(lab)
}
