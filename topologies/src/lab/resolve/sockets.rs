//! The sockets of a node that links can be plugged into, while they are plugged in.

use crate::lab::{Key, LabBridge, LabPort, LabSwitch, SwitchPort};
use crate::spec::{
    BridgeSpec, ColumnValue, DEFAULT_BRIDGE, InterfaceSpec, NodeSpec, NodeSpecKind, PortSpec, Pos, Reader, SwitchSpec,
};
use indexmap::IndexMap;
use sim_core::{LinkIx, PortIx};
use std::collections::BTreeMap;

/// A socket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Socket {
    /// Where it was declared; `None`: only a link names it, or it is one of a hub's numbered ports.
    pub(super) declared: Option<Pos>,
    /// The link that is plugged in.
    pub(super) link: Option<LinkIx>,
    /// It has a `to` of its own, right or wrong.
    pub(super) has_to: bool,
}

/// What a name of a node stands for that is no link's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A bridge, and its local port.
    Bridge,
    /// A switch's port with a `type`, which stands here.
    Typed(Pos),
    /// A VLAN of a host's interface.
    Vlan,
}

/// The sockets of a node, by name and in order, and its other names.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    sockets: IndexMap<String, Socket>,
    taken: BTreeMap<String, Taken>,
}

impl Sockets {
    /// The sockets that a node declares.
    pub(super) fn declared(r: &mut Reader, node: &NodeSpec) -> Self {
        let mut sockets = Self::default();
        match &node.kind {
            NodeSpecKind::Switch(switch) => {
                sockets.taken.insert(DEFAULT_BRIDGE.to_owned(), Taken::Bridge);
                sockets.add_bridges(r, node, &switch.bridges);
            }
            NodeSpecKind::Host(host) => sockets.add_interfaces(&host.interfaces),
            NodeSpecKind::Server(server) => {
                sockets.add_interfaces(&server.nics);
                sockets.add_bridges(r, node, &server.bridges);
            }
            NodeSpecKind::Hub(hub) => {
                for number in 1..=hub.ports.unwrap_or(0) {
                    sockets.sockets.insert(number.to_string(), Socket::default());
                }
            }
        }
        sockets
    }

    fn add_bridges(&mut self, r: &mut Reader, node: &NodeSpec, bridges: &[BridgeSpec]) {
        let nics = self.sockets.len();
        let mut seen: BTreeMap<&str, Pos> = BTreeMap::new();
        for bridge in bridges {
            self.taken.insert(bridge.name.value.clone(), Taken::Bridge);
        }
        for bridge in bridges {
            for port in &bridge.ports {
                let key = || port_key(node, bridge, &port.name.value);
                if self.taken.get(&port.name.value) == Some(&Taken::Bridge) {
                    let message = format!("`{}` is a bridge of {}", port.name.value, node.name.value);
                    r.report.error(
                        port.name.pos,
                        key(),
                        message,
                        "call the port something else: the name is that of the bridge's local port",
                    );
                } else if let Some(first) = seen.insert(&port.name.value, port.name.pos) {
                    let message = format!(
                        "{} has a port called `{}` already ({})",
                        node.name.value,
                        port.name.value,
                        r.report.place(first)
                    );
                    r.report.error(
                        port.name.pos,
                        key(),
                        message,
                        "a port belongs to one bridge: give each a name of its own",
                    );
                } else if let Some(ty) = port.type_pos() {
                    self.taken.insert(port.name.value.clone(), Taken::Typed(ty));
                    if let Some(to) = &port.link.to {
                        let message = "a port with a `type` is no link's end";
                        r.report.error(to.pos, format!("{}.to", key()), message, "leave out `type` or `to`");
                    }
                } else if self.sockets.get_index_of(&port.name.value).is_some_and(|at| at < nics) {
                    if let Some(to) = &port.link.to {
                        let message = format!("`{}` is a NIC, whose link stands at `nics`", port.name.value);
                        let remedy =
                            format!("write it as in nics.{} = {{ to = \"NODE:PORT\" }}", Key(&port.name.value));
                        r.report.error(to.pos, format!("{}.to", key()), message, remedy);
                    }
                } else {
                    let socket = Socket { declared: Some(port.name.pos), link: None, has_to: port.link.to.is_some() };
                    self.sockets.insert(port.name.value.clone(), socket);
                }
            }
        }
    }

    fn add_interfaces(&mut self, interfaces: &[InterfaceSpec]) {
        for interface in interfaces {
            // A VLAN implies its parent, wherever the parent stands.
            let name = interface.sub.as_ref().map_or(&interface.name.value, |(parent, _)| parent);
            let socket = self
                .sockets
                .entry(name.clone())
                .or_insert(Socket { declared: Some(interface.name.pos), ..Socket::default() });
            if interface.sub.is_some() {
                self.taken.insert(interface.name.value.clone(), Taken::Vlan);
            } else {
                socket.declared = Some(interface.name.pos);
                socket.has_to = interface.link.to.is_some();
            }
        }
    }

    /// What a name stands for that is no link's end.
    pub(super) fn taken(&self, name: &str) -> Option<Taken> {
        self.taken.get(name).copied()
    }

    /// The names that are no link's end.
    pub(super) fn taken_names(&self) -> impl Iterator<Item = &str> {
        self.taken.keys().map(String::as_str)
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.sockets.keys().map(String::as_str)
    }

    /// A socket's number.
    pub(super) fn find(&self, name: &str) -> Option<PortIx> {
        self.sockets.get_index_of(name).map(|at| PortIx(at as u32))
    }

    /// A socket's number; a new one if there is none of this name.
    pub(super) fn find_or_add(&mut self, name: &str) -> PortIx {
        if let Some(port) = self.find(name) {
            return port;
        }
        self.sockets.insert(name.to_owned(), Socket::default());
        PortIx(self.sockets.len() as u32 - 1)
    }

    /// A socket.
    pub(super) fn get(&self, port: PortIx) -> &Socket {
        &self.sockets[port.index()]
    }

    /// Plugs a link in.
    pub(super) fn plug(&mut self, port: PortIx, link: LinkIx) {
        self.sockets[port.index()].link = Some(link);
    }

    /// A switch with what was typed and the ports that links name, which are br0's.
    pub(super) fn switch(&self, r: &Reader, spec: SwitchSpec) -> LabSwitch {
        let mut bridges = self.bridges(r, spec.bridges);
        let implicit: Vec<SwitchPort> = self
            .sockets
            .iter()
            .zip(0..)
            .filter(|((_, socket), _)| socket.declared.is_none())
            .map(|((name, _), at)| SwitchPort {
                name: name.clone(),
                columns: Vec::new(),
                socket: Some(PortIx(at)),
                declared: false,
            })
            .collect();
        if bridges.is_empty() || !implicit.is_empty() {
            match bridges.iter_mut().find(|bridge| bridge.name == DEFAULT_BRIDGE) {
                Some(br0) => br0.ports.extend(implicit),
                None => {
                    let name = DEFAULT_BRIDGE.to_owned();
                    bridges.insert(0, LabBridge { name, columns: Vec::new(), ports: implicit, flows: None });
                }
            }
        }
        LabSwitch { bridges, setup: spec.setup }
    }

    /// The bridges as typed.
    pub(super) fn bridges(&self, r: &Reader, specs: Vec<BridgeSpec>) -> Vec<LabBridge> {
        let columns = |values: Vec<ColumnValue>| values.into_iter().map(|c| (c.column, c.value)).collect();
        let port = |port: PortSpec| {
            let socket = self.find(&port.name.value);
            SwitchPort { name: port.name.value, columns: columns(port.columns), socket, declared: true }
        };
        let bridge = |bridge: BridgeSpec| LabBridge {
            name: bridge.name.value,
            columns: columns(bridge.columns),
            ports: bridge.ports.into_iter().map(port).collect(),
            flows: bridge.flows.map(|flows| (r.report.line(flows.pos), flows.file)),
        };
        specs.into_iter().map(bridge).collect()
    }

    /// The sockets as the lab has them.
    pub(super) fn ports(&self) -> Vec<LabPort> {
        self.sockets.iter().map(|(name, socket)| LabPort { name: name.clone(), link: socket.link }).collect()
    }
}

/// The path of a port's table in the file.
pub(super) fn port_key(node: &NodeSpec, bridge: &BridgeSpec, port: &str) -> String {
    let (table, name, port) = (node.kind.table(), Key(&node.name.value), Key(port));
    if matches!(node.kind, NodeSpecKind::Switch(_)) && bridge.name.value == DEFAULT_BRIDGE {
        format!("{table}.{name}.ports.{port}")
    } else {
        format!("{table}.{name}.bridges.{}.ports.{port}", Key(&bridge.name.value))
    }
}

/// Warns of declared ports of switches and hosts without a link.
pub(super) fn warn_of_unlinked(r: &mut Reader, nodes: &[NodeSpec], sockets: &[Sockets]) {
    for (node, sockets) in nodes.iter().zip(sockets) {
        for (name, socket) in &sockets.sockets {
            if let (Some(pos), None, false) = (socket.declared, socket.link, socket.has_to) {
                let key = format!("{}.{}", node.kind.table(), Key(&node.name.value));
                let message = format!("{}:{name} has no link and is down", node.name.value);
                let remedy =
                    format!("add to = \"NODE:PORT\" here, or to = \"{}:{name}\" at the other end", node.name.value);
                r.report.warning(pos, key, message, remedy);
            }
        }
    }
}
