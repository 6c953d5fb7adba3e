//! Nodes, and what each kind is made of.

use crate::spec::NamedFile;
use inet::{Cidr, InterfaceConfig};
use ovsdb::{Column, Datum};
use sim_core::{LinkIx, PortIx};
use std::net::IpAddr;

/// A node.
#[derive(Clone, Debug)]
pub struct LabNode {
    /// Its name: 1 to 64 characters, unique in the lab.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// The sockets that a link can be plugged into, declared ones first, then those that only links name. A
    /// [`PortIx`] indexes them. Ports of a switch that have a `type`, and VLAN sub-interfaces, aren't among them.
    pub ports: Vec<LabPort>,
}

/// A socket for a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabPort {
    /// Its name.
    pub name: String,
    /// The link that is plugged in; without one it is down.
    pub link: Option<LinkIx>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// An Open vSwitch.
    Switch(LabSwitch),
    /// A host.
    Host(LabHost),
    /// A hub: every frame goes out of every other port. Its ports are the node's.
    Hub(LabHub),
    /// A server: a network stack and an Open vSwitch.
    Server(LabServer),
}

impl NodeKind {
    /// The lab file's table of nodes of this kind.
    pub const fn table(&self) -> &'static str {
        match self {
            Self::Switch(_) => "switches",
            Self::Host(_) => "hosts",
            Self::Hub(_) => "hubs",
            Self::Server(_) => "servers",
        }
    }
}

/// An Open vSwitch. Its configuration, in this order: bridges, their columns, their ports, then `setup`.
#[derive(Clone, Debug)]
pub struct LabSwitch {
    /// Its bridges, in the file's order.
    pub bridges: Vec<LabBridge>,
    /// Lines to run once the bridges are there.
    pub setup: Vec<SetupLine>,
}

/// A bridge.
#[derive(Clone, Debug)]
pub struct LabBridge {
    /// Its name, unique in the switch.
    pub name: String,
    /// Columns of the table Bridge that the file sets; each value is valid for its column.
    pub columns: Vec<(Column, Datum)>,
    /// Its ports, declared ones first, then those that only links name.
    pub ports: Vec<SwitchPort>,
    /// Flows to begin with, and the line of the file that names them.
    pub flows: Option<(u32, NamedFile)>,
}

/// A port of a bridge, with its one interface of the same name.
#[derive(Clone, Debug)]
pub struct SwitchPort {
    /// Its name, unique in the switch.
    pub name: String,
    /// Columns of the tables Port and Interface that the file sets ([`Column::table`] says which); each value is
    /// valid for its column.
    pub columns: Vec<(Column, Datum)>,
    /// The node's port that it is; `None` for a port with a `type` of its own (`internal`, `patch` ...).
    pub socket: Option<PortIx>,
    /// Whether the file declares it, rather than a link naming it.
    pub declared: bool,
}

/// A command line of `setup`, split into words, variables replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupLine {
    /// The line of the file where it starts, from 1; 0 if it doesn't come from the file.
    pub line: u32,
    /// Its words; at least one, the first the name of a tool.
    pub words: Vec<String>,
    /// The files that it names.
    pub files: Vec<NamedFile>,
}

/// A host.
#[derive(Clone, Debug)]
pub struct LabHost {
    /// Its interfaces, VLAN sub-interfaces included; each is on one of the node's ports. At least one.
    pub interfaces: Vec<InterfaceConfig>,
    /// Default gateways, at most one for each family.
    pub gateways: Vec<IpAddr>,
    /// Other routes: where to, through which next hop.
    pub routes: Vec<(Cidr, IpAddr)>,
    /// The lines of `setup`, which come before the lab runs.
    pub setup: Vec<SetupLine>,
    /// Services that run from the start. They are events at 0 s as well ([`Lab::events`](super::Lab::events)).
    pub run: Vec<SetupLine>,
}

/// A server. Its configuration, in this order: NICs and routes, bridges, then the lines of `setup`.
#[derive(Clone, Debug)]
pub struct LabServer {
    /// Its network stack: the interfaces are its NICs, which are the first of the node's ports. The other ports are
    /// unplugged until a bridge takes them.
    pub host: LabHost,
    /// Bridges that are there before `setup` runs. A port of one may be a NIC.
    pub bridges: Vec<LabBridge>,
}

/// A hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabHub {}
