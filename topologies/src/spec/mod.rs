//! What was typed: a lab file's keys and values, each of the right type and with its place.
//!
//! [`LabSpec`] knows the file and nothing of what it means together: that a link's other end exists, that a port is
//! used once, is for [`lab`](crate::lab). Its parts:
//!
//! * `source`, `tree`: places; TOML in the file's order, with the command line's overrides put into it.
//! * `report`: every mistake and warning, in the order of their places.
//! * `reader`, `units`: types, ranges, names, numbers with units.
//! * [`keys`]: the keys of each table, for the reader, the schema and the reference.
//! * [`kinds`]: the tables and checks that there are, and which of them this build runs.
//! * one file for each table: `switch` (with `column` and `setup`), `host`, `hub`, `server`, `link`, `event`, `check` (with
//!   `service`).

mod check;
mod column;
mod event;
mod files;
mod host;
mod hub;
pub mod keys;
pub mod kinds;
mod link;
mod reader;
pub(crate) mod report;
mod server;
mod service;
mod setup;
mod source;
mod switch;
pub(crate) mod tree;
pub(crate) mod units;

pub use check::{CheckKindSpec, CheckSpec, Direction, MacOf};
pub use column::ColumnValue;
pub(crate) use column::{can_be_typed, is_status};
pub use event::EventSpec;
pub(crate) use files::Files;
pub use files::{FileValue, NamedFile};
pub(crate) use host::no_host_address;
pub use host::{DEFAULT_INTERFACE, HostSpec, InterfaceSpec};
pub use hub::{HubSpec, MAX_HUB_PORTS};
pub use link::{LinkSpec, Target};
pub use reader::MAX_NAME_LEN;
pub(crate) use reader::{Reader, shorten};
pub use server::ServerSpec;
pub use service::UrlSpec;
pub(crate) use source::Source;
pub use source::{Pos, Spanned};
pub use switch::{BridgeSpec, DEFAULT_BRIDGE, PortSpec, SwitchSpec};

use indexmap::IndexMap;
use kinds::{Kind, NODE_KINDS};
use packet::VlanId;
use report::Path;
use sim_core::Seed;
use std::collections::BTreeSet;
use tree::{Entry, Item};

/// The most nodes of a lab.
pub const MAX_NODES: usize = 100_000;

/// The name that no node may have: it stands for all of them.
const RESERVED_NAME: &str = "all";

/// A lab file as typed.
#[derive(Clone, Debug, Default)]
pub struct LabSpec {
    /// `name`
    pub name: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `seed`
    pub seed: Option<Seed>,
    /// `overlapping_addresses`
    pub overlapping_addresses: bool,
    /// `[vlans]`
    pub vlans: IndexMap<String, VlanId>,
    /// All nodes of kinds that this build runs, in the file's order.
    pub nodes: Vec<NodeSpec>,
    /// The names of nodes of other kinds: each of their tables has been reported.
    pub unsupported: BTreeSet<String>,
    /// `[[events]]`
    pub events: Vec<EventSpec>,
    /// `[[checks]]`
    pub checks: Vec<CheckSpec>,
    /// The tables of `[[checks]]` themselves, which saving writes back.
    pub(crate) typed_checks: Vec<Item>,
}

/// A node as typed.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name.
    pub name: Spanned<String>,
    /// Its kind and what was said of it.
    pub kind: NodeSpecKind,
}

/// What was typed of a node.
#[derive(Clone, Debug)]
pub enum NodeSpecKind {
    /// A switch.
    Switch(SwitchSpec),
    /// A host.
    Host(HostSpec),
    /// A hub.
    Hub(HubSpec),
    /// A server.
    Server(ServerSpec),
}

impl NodeSpecKind {
    /// The table that its kind has.
    pub(crate) const fn table(&self) -> &'static str {
        match self {
            Self::Switch(_) => "switches",
            Self::Host(_) => "hosts",
            Self::Hub(_) => "hubs",
            Self::Server(_) => "servers",
        }
    }
}

/// Reads the top level.
pub(crate) fn read(r: &mut Reader, root: &[Entry]) -> LabSpec {
    let mut spec = LabSpec::default();
    // First, since VLANs have their names everywhere else.
    if let Some(entry) = root.iter().find(|entry| entry.key == "vlans") {
        read_vlans(r, &Path::top("vlans"), &entry.item);
        spec.vlans = r.vlans.clone();
    }
    for entry in root {
        let path = Path::top(&entry.key);
        match entry.key.as_str() {
            "name" => spec.name = text(r, &path, &entry.item, 256),
            "description" => spec.description = text(r, &path, &entry.item, 65536),
            "seed" => spec.seed = r.integer(&path, &entry.item, 0..=i64::MAX).map(|seed| Seed(seed as u64)),
            "overlapping_addresses" => spec.overlapping_addresses = r.boolean(&path, &entry.item).unwrap_or_default(),
            "vlans" => {}
            "events" => spec.events = event::read_all(r, &path, &entry.item),
            "checks" => {
                spec.checks = check::read_all(r, &path, &entry.item);
                if let tree::Value::Array(items) = &entry.item.value {
                    spec.typed_checks = items.clone();
                }
            }
            key => match kinds::find(NODE_KINDS, key) {
                Some(kind) => read_nodes(r, &path, entry, kind, &mut spec),
                None => {
                    let known = kinds::with_others(NODE_KINDS, &keys::LAB);
                    let nearest = r.report.nearest(key, known.clone());
                    let remedy = match nearest {
                        Some(nearest) => format!("did you mean `{nearest}`?"),
                        None => format!("known keys: {}", known.collect::<Vec<_>>().join(", ")),
                    };
                    r.report.error(entry.pos, path, format!("unknown key `{}`", shorten(key)), remedy);
                }
            },
        }
    }
    // Tables of one kind may be apart in the file.
    spec.nodes.sort_by_key(|node| node.name.pos);
    check_nodes(r, &mut spec);
    let is_node_table = |entry: &Entry| kinds::find(NODE_KINDS, &entry.key).is_some();
    // A table of nodes that is no table has been reported as such.
    let broken = root.iter().any(|e| is_node_table(e) && !matches!(e.item.value, tree::Value::Table(_)));
    if spec.nodes.is_empty() && spec.unsupported.is_empty() && !broken {
        let remedy = "add hosts and switches, as in [hosts] and h1 = \"10.0.0.1/8\"";
        r.report.error(Pos::default(), "", "the lab has no nodes", remedy);
    }
    spec
}

fn text(r: &mut Reader, path: &Path<'_>, item: &Item, most: usize) -> Option<String> {
    let text = r.string(path, item, "\"vlan-isolation\"")?;
    if text.chars().count() > most {
        r.report.error(item.pos, path, format!("has more than {most} characters"), "shorten it");
        return None;
    }
    Some(text.to_owned())
}

fn read_vlans(r: &mut Reader, path: &Path<'_>, item: &Item) {
    for entry in r.table(path, item, "admin = 10").unwrap_or_default() {
        let key = path.key(&entry.key);
        if !r.name(&key, entry.pos, &entry.key, "a VLAN") {
            continue;
        }
        if let tree::Value::Integer(_) = entry.item.value {
            if let Some(vlan) = r.integer(&key, &entry.item, 0..=i64::from(VlanId::MAX)) {
                r.vlans.extend(VlanId::new(vlan as u16).map(|vlan| (entry.key.clone(), vlan)));
            }
        } else {
            let _: Option<()> = r.wrong_type(&key, &entry.item, "a number from 0 to 4095", "admin = 10");
        }
    }
}

fn read_nodes(r: &mut Reader, path: &Path<'_>, table: &Entry, kind: Kind, spec: &mut LabSpec) {
    if !kind.supported {
        if let tree::Value::Table(entries) = &table.item.value {
            spec.unsupported.extend(entries.iter().map(|entry| entry.key.clone()));
        }
        let remedy = format!("the nodes of this build are {}", kinds::supported(NODE_KINDS));
        r.report.error(table.pos, path, format!("`{}` are not available in this build", kind.name), remedy);
        return;
    }
    let Some(entries) = r.table(path, &table.item, &format!("[{}]", kind.name)) else { return };
    for entry in entries {
        let path = path.key(&entry.key);
        let named = r.name(&path, entry.pos, &entry.key, "a node");
        let read = match kind.name {
            _ if !named => None,
            "switches" => switch::read(r, &path, entry).map(NodeSpecKind::Switch),
            "hosts" => host::read(r, &path, entry).map(NodeSpecKind::Host),
            "servers" => server::read(r, &path, entry).map(NodeSpecKind::Server),
            _ => hub::read(r, &path, entry).map(NodeSpecKind::Hub),
        };
        match read {
            Some(kind) => spec.nodes.push(NodeSpec { name: Spanned::new(entry.key.clone(), entry.pos), kind }),
            // It has been reported; what names it is no mistake of its own.
            None => spec.unsupported.extend([entry.key.clone()]),
        }
    }
}

/// Names are unique, and there are not too many.
fn check_nodes(r: &mut Reader, spec: &mut LabSpec) {
    let mut seen: IndexMap<&str, Pos> = IndexMap::with_capacity(spec.nodes.len());
    let mut twins = Vec::new();
    for (at, node) in spec.nodes.iter().enumerate() {
        let path = Path::top(node.kind.table());
        let path = path.key(&node.name.value);
        if node.name.value == RESERVED_NAME {
            r.report.error(
                node.name.pos,
                path,
                "`all` stands for all nodes and is no name",
                "call the node something else",
            );
        } else if let Some(first) = seen.get(node.name.value.as_str()) {
            let place = r.report.place(*first);
            let message = format!("there is a node called `{}` already ({place})", node.name.value);
            r.report.error(node.name.pos, path, message, "give each node a name of its own, whatever its kind");
            twins.push(at);
        } else {
            seen.insert(&node.name.value, node.name.pos);
        }
    }
    let mut twins = twins.into_iter().peekable();
    let mut at = 0;
    spec.nodes.retain(|_| {
        at += 1;
        twins.next_if_eq(&(at - 1)).is_none()
    });
    if spec.nodes.len() > MAX_NODES {
        let message = format!("the lab has {} nodes, and {MAX_NODES} is the most", spec.nodes.len());
        r.report.error(Pos::default(), "", message, "split it into several labs");
    }
}
