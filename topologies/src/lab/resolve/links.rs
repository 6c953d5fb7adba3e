//! Links: from `to` to two ends that differ, each used once.

use super::Names;
use super::sockets::{Sockets, Taken, port_key};
use crate::lab::{Key, LabEnd, LabLink};
use crate::spec::{DEFAULT_INTERFACE, LinkSpec, NodeSpec, NodeSpecKind, Pos, Reader, Spanned, Target, shorten};
use sim_core::{LinkIx, NodeIx, PortIx};
use std::collections::{BTreeMap, BTreeSet};

/// A link whose other end isn't looked up yet.
struct Draft<'a> {
    from: LabEnd,
    to: &'a Spanned<Target>,
    link: &'a LinkSpec,
    /// The path of `to`.
    key: String,
}

/// Gives every link its two ends.
pub(super) fn resolve(r: &mut Reader, nodes: &[NodeSpec], names: &Names, sockets: &mut [Sockets]) -> Vec<LabLink> {
    let drafts = drafts(nodes, sockets);
    let mut plugs = Plugs { nodes, hub_names: hub_names(nodes, names, &drafts), links: Vec::new(), places: Vec::new() };
    for draft in &drafts {
        let Some(node) = names.find(r, draft.to.pos, &draft.key, &draft.to.value.node) else { continue };
        let Some(port) = plugs.port(r, draft, node, &mut sockets[node.index()]) else { continue };
        let ends = [draft.from, LabEnd { node, port }];
        if plugs.are_free(r, draft, ends, sockets) {
            let link = LinkIx(plugs.links.len() as u32);
            for end in ends {
                sockets[end.node.index()].plug(end.port, link);
            }
            plugs.warn_of_open_trunk(r, draft, ends, sockets);
            plugs.links.push(LabLink { ends, config: draft.link.config.clone() });
            plugs.places.push(draft.to.pos);
        }
    }
    plugs.links
}

/// Every `to`, in the file's order.
fn drafts<'a>(nodes: &'a [NodeSpec], sockets: &[Sockets]) -> Vec<Draft<'a>> {
    let mut drafts = Vec::new();
    for ((node, sockets), number) in nodes.iter().zip(sockets).zip(0..) {
        let node_ix = NodeIx(number);
        let mut add = |port: &str, link: &'a LinkSpec, key: &dyn Fn() -> String| {
            if let (Some(to), Some(port)) = (&link.to, sockets.find(port)) {
                drafts.push(Draft { from: LabEnd { node: node_ix, port }, to, link, key: format!("{}.to", key()) });
            }
        };
        let (interfaces, bridges) = match &node.kind {
            NodeSpecKind::Switch(switch) => ([].as_slice(), switch.bridges.as_slice()),
            NodeSpecKind::Host(host) => (host.interfaces.as_slice(), [].as_slice()),
            NodeSpecKind::Server(server) => (server.nics.as_slice(), server.bridges.as_slice()),
            NodeSpecKind::Hub(_) => continue,
        };
        for interface in interfaces {
            let name = &interface.name.value;
            add(name, &interface.link, &|| interface_key(node, name));
        }
        for bridge in bridges {
            for port in &bridge.ports {
                add(&port.name.value, &port.link, &|| port_key(node, bridge, &port.name.value));
            }
        }
    }
    drafts.sort_by_key(|draft| draft.to.pos);
    drafts
}

/// The path of an interface's table in the file.
fn interface_key(node: &NodeSpec, interface: &str) -> String {
    let (table, name) = (node.kind.table(), Key(&node.name.value));
    match (&node.kind, interface) {
        (NodeSpecKind::Server(_), _) => format!("{table}.{name}.nics.{}", Key(interface)),
        (_, DEFAULT_INTERFACE) => format!("{table}.{name}"),
        _ => format!("{table}.{name}.interfaces.{}", Key(interface)),
    }
}

/// The ports of hubs that links name, which `to = "HUB"` passes over.
fn hub_names<'a>(nodes: &[NodeSpec], names: &Names, drafts: &[Draft<'a>]) -> BTreeMap<NodeIx, HubNames<'a>> {
    let mut hubs: BTreeMap<NodeIx, HubNames<'a>> = BTreeMap::new();
    for draft in drafts {
        let target = &draft.to.value;
        if let (Some(node), Some(port)) = (names.by_name.get(&target.node), &target.port)
            && matches!(nodes[node.index()].kind, NodeSpecKind::Hub(_))
        {
            hubs.entry(*node).or_default().named.insert(port);
        }
    }
    hubs
}

#[derive(Default)]
struct HubNames<'a> {
    named: BTreeSet<&'a str>,
    /// The last number that was given out.
    last: u32,
}

/// The links so far.
struct Plugs<'a> {
    nodes: &'a [NodeSpec],
    hub_names: BTreeMap<NodeIx, HubNames<'a>>,
    links: Vec<LabLink>,
    /// Where each link's `to` stands.
    places: Vec<Pos>,
}

impl Plugs<'_> {
    /// The port that a `to` names on its node.
    fn port(&mut self, r: &mut Reader, draft: &Draft<'_>, node: NodeIx, sockets: &mut Sockets) -> Option<PortIx> {
        let target = &draft.to.value;
        let name = target.port.as_deref();
        match (&self.nodes[node.index()].kind, name) {
            (NodeSpecKind::Switch(_) | NodeSpecKind::Server(_), Some(name)) => switch_port(r, draft, name, sockets),
            (NodeSpecKind::Server(_), None) if sockets.find(DEFAULT_INTERFACE).is_some() => {
                sockets.find(DEFAULT_INTERFACE)
            }
            (kind @ (NodeSpecKind::Switch(_) | NodeSpecKind::Server(_)), None) => {
                let what = if matches!(kind, NodeSpecKind::Switch(_)) { "switch" } else { "server without an eth0" };
                let example = sockets.names().next().unwrap_or("p1");
                let remedy = format!("name the port, as in to = \"{}:{example}\"", target.node);
                draft.error(r, format!("`{}` is a {what}, and no port of it is named", target.node), remedy);
                None
            }
            (NodeSpecKind::Host(_), _) => host_port(r, draft, name.unwrap_or(DEFAULT_INTERFACE), sockets),
            (NodeSpecKind::Hub(hub), Some(name)) => {
                if let Some(ports) = hub.ports
                    && sockets.find(name).is_none()
                {
                    let message = format!("`{}` has the ports 1 to {ports}, and no `{}`", target.node, shorten(name));
                    draft.error(r, message, "name one of them, or leave the port out for the next free one");
                    return None;
                }
                Some(sockets.find_or_add(name))
            }
            (NodeSpecKind::Hub(hub), None) => {
                let names = self.hub_names.entry(node).or_default();
                let limit = hub.ports.unwrap_or(crate::spec::MAX_HUB_PORTS as u32);
                while names.last < limit {
                    names.last += 1;
                    let name = names.last.to_string();
                    if !names.named.contains(name.as_str()) {
                        return Some(sockets.find_or_add(&name));
                    }
                }
                draft.error(
                    r,
                    format!("all {limit} ports of `{}` are taken", target.node),
                    "give the hub more `ports`, or add a second hub",
                );
                None
            }
        }
    }

    /// Whether both ends are free and differ; if not, reports it with both places.
    fn are_free(&self, r: &mut Reader, draft: &Draft<'_>, ends: [LabEnd; 2], sockets: &[Sockets]) -> bool {
        let name = |end: LabEnd| {
            let port = sockets[end.node.index()].names().nth(end.port.index()).unwrap_or_default();
            format!("{}:{port}", self.nodes[end.node.index()].name.value)
        };
        if ends[0] == ends[1] {
            draft.error(r, format!("{} is linked to itself", name(ends[0])), "name another port");
            return false;
        }
        for end in ends {
            let Some(link) = sockets[end.node.index()].get(end.port).link else { continue };
            let (known, pos) = (&self.links[link.0 as usize], self.places[link.0 as usize]);
            let place = r.report.place(pos);
            if known.ends == [ends[1], ends[0]] {
                let message = format!(
                    "both ends of the link have `to`: this one, {}, and {} ({place})",
                    name(ends[0]),
                    name(ends[1])
                );
                draft.error(r, message, "leave `to` out at one of them; the link's keys stand at the other");
            } else {
                let others = known.ends.map(&name);
                let message = format!("{} has a link already: {} to {} ({place})", name(end), others[0], others[1]);
                draft.error(r, message, "a port takes one link: use another port");
            }
            return false;
        }
        true
    }

    /// Warns of a host on a port that no one declares: it is a trunk, which few mean for a host.
    fn warn_of_open_trunk(&self, r: &mut Reader, draft: &Draft<'_>, ends: [LabEnd; 2], sockets: &[Sockets]) {
        let [host, open] = ends;
        let kinds = ends.map(|end| &self.nodes[end.node.index()].kind);
        if let [NodeSpecKind::Host(_), NodeSpecKind::Switch(switch)] = kinds
            && sockets[open.node.index()].get(open.port).declared.is_none()
            && switch.setup.is_empty()
            && let Some(port) = &draft.to.value.port
        {
            let (host, switch) = (&self.nodes[host.node.index()].name.value, &draft.to.value.node);
            let message =
                format!("{host} hangs on {switch}:{port}, which is declared nowhere and so a trunk of all VLANs");
            let remedy =
                format!("declare it, as in switches.{}.ports.{} = {{ tag = 10 }} or = {{}}", Key(switch), Key(port));
            r.report.warning(draft.to.pos, &draft.key, message, remedy);
        }
    }
}

impl Draft<'_> {
    fn error(&self, r: &mut Reader, message: impl Into<String>, remedy: impl Into<String>) {
        r.report.error(self.to.pos, &self.key, message, remedy);
    }
}

/// A declared port of a switch, or else a new one, which is a trunk of all VLANs.
fn switch_port(r: &mut Reader, draft: &Draft<'_>, name: &str, sockets: &mut Sockets) -> Option<PortIx> {
    if let Some(port) = sockets.find(name) {
        return Some(port);
    }
    let node = &draft.to.value.node;
    match sockets.taken(name) {
        Some(Taken::Typed(pos)) => {
            let place = r.report.place(pos);
            let message = format!("{node}:{name} has a `type` ({place}) and is no link's end");
            draft.error(r, message, "name another port, or leave out its `type`");
            return None;
        }
        Some(Taken::Vlan) => return no_wire(r, draft, name),
        Some(Taken::Bridge) => {
            draft.error(r, format!("`{name}` is a bridge of {node} and no link's end"), "name a port of the bridge");
            return None;
        }
        None => {}
    }
    let path = crate::spec::report::Path::top(&draft.key);
    r.name(&path, draft.to.pos, name, "a port").then(|| sockets.find_or_add(name))
}

fn host_port(r: &mut Reader, draft: &Draft<'_>, name: &str, sockets: &Sockets) -> Option<PortIx> {
    if let Some(port) = sockets.find(name) {
        return Some(port);
    }
    let node = &draft.to.value.node;
    if sockets.taken(name) == Some(Taken::Vlan) {
        return no_wire(r, draft, name);
    }
    let known: Vec<&str> = sockets.names().collect();
    let remedy = match r.report.nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{node}:{nearest}`?"),
        None => format!("declare it, as in hosts.{}.interfaces.{}, or use {}", Key(node), Key(name), known.join(", ")),
    };
    draft.error(r, format!("the host {node} has no interface `{}`", shorten(name)), remedy);
    None
}

/// Reports a link to a VLAN of an interface.
fn no_wire<T>(r: &mut Reader, draft: &Draft<'_>, name: &str) -> Option<T> {
    let (node, parent) = (&draft.to.value.node, name.rsplit_once('.').map_or(name, |(parent, _)| parent));
    let message = format!("{node}:{name} is a VLAN of {parent} and has no link of its own");
    draft.error(r, message, format!("write to = \"{node}:{parent}\""));
    None
}
