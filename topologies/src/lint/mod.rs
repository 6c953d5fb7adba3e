//! What looks wrong in a lab that runs: rules that a teacher would point out.
//!
//! A rule works on a lab without mistakes whose devices are made, so that setup lines count, and warns of what is
//! certain only: a bridge that flows steer, or a tunnel, makes the rules about VLANs silent. Each rule is a file of
//! its own with a function of one shape, and stands in [`RULES`].
//!
//! | module | what it holds |
//! | --- | --- |
//! | `layout` | what the rules look at: bridges as their stores have them, stations with their addresses |
//! | `domain` | how far a station's broadcasts get |
//! | the rest | a rule each |

mod domain;
mod gateway;
mod intent;
mod late_event;
mod layout;
mod lone_subnet;
mod lone_vlan;
mod mtu;
mod native_vlan;
mod one_sided_trunk;
mod open_trunk;
mod overlay_mtu;
mod spanning_tree;
mod vacuous;

use crate::error::Diagnostic;
use crate::lab::{CheckKind, Expect, Lab, LabBridge, LabCheck, LabEnd, LabServer, NodeKind, PingCheck, PingTarget};
use crate::load::{self, LoadedLab, Override, Typed};
use crate::run::Net;
use crate::spec::report::{Key, Report};
use crate::spec::tree::{Entry, Item, Value};
use crate::spec::{DEFAULT_BRIDGE, DEFAULT_INTERFACE, Files, Pos};
use layout::Layout;
use sim_core::{LinkIx, NodeIx, PortIx};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// A rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, as `validate --allow NAME` takes it.
    pub name: &'static str,
    /// What it warns of.
    pub what: &'static str,
    check: fn(&mut Linter<'_>),
}

/// Every rule, in the order in which the reference lists them.
pub const RULES: &[Rule] = &[
    Rule {
        name: "open_trunk",
        what: "a host on a port with neither `tag` nor `trunks`, so a trunk of all VLANs, on a switch that VLANs reach",
        check: open_trunk::check,
    },
    Rule {
        name: "native_vlan",
        what: "the two ends of a link take its untagged frames to be of different VLANs, or one end refuses them",
        check: native_vlan::check,
    },
    Rule {
        name: "one_sided_trunk",
        what: "a VLAN that one end of a link carries and the other doesn't; an access port that faces a trunk",
        check: one_sided_trunk::check,
    },
    Rule {
        name: "lone_vlan",
        what: "a VLAN that one access port is in and nothing else, or that trunks carry and nobody is in",
        check: lone_vlan::check,
    },
    Rule {
        name: "gateway",
        what: "a next hop in none of the host's subnets, that no node has, or whose node no ARP request can reach",
        check: gateway::check,
    },
    Rule {
        name: "mtu",
        what: "an interface whose packets are too long for a link that its frames cross",
        check: mtu::check,
    },
    Rule {
        name: "overlay_mtu",
        what: "a tunnel whose inner packets and headers are together too long for the links below it",
        check: overlay_mtu::check,
    },
    Rule { name: "intent", what: "two checks that say the same, or that contradict each other", check: intent::check },
    Rule {
        name: "spanning_tree",
        what: "a loop of switches and hubs in one VLAN that no spanning tree breaks",
        check: spanning_tree::check,
    },
    Rule {
        name: "lone_subnet",
        what: "an address whose subnet no other interface of the lab is in",
        check: lone_subnet::check,
    },
    Rule { name: "vacuous", what: "a check that passes or fails whatever the lab does", check: vacuous::check },
    Rule {
        name: "late_event",
        what: "an event after the last check is decided, which `check` never sees",
        check: late_event::check,
    },
];

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name; empty for a warning of the reader.
    pub rule: &'static str,
    /// The warning.
    pub diagnostic: Diagnostic,
}

/// A lab without mistakes, and all that looks wrong in it.
#[derive(Clone, Debug)]
pub struct Linted {
    /// The lab.
    pub lab: Lab,
    /// The reader's warnings and the rules' findings, in the order of their places.
    pub findings: Vec<Finding>,
}

/// Reads a lab file, makes its devices and applies the rules.
///
/// # Errors
/// As [`load`](crate::load()), and what the devices refuse.
pub fn lint(path: &Path, overrides: &[Override]) -> Result<Linted, Vec<Diagnostic>> {
    lint_parts(&path.display().to_string(), &load::read_text(path)?, Files::beside(path), overrides)
}

/// The same for a text; `file` is what diagnostics call it.
///
/// # Errors
/// As [`parse`](crate::parse()), and what the devices refuse.
pub fn lint_text(file: &str, text: &str, overrides: &[Override]) -> Result<Linted, Vec<Diagnostic>> {
    lint_parts(file, text, Files::none(), overrides)
}

fn lint_parts(file: &str, text: &str, files: Files, overrides: &[Override]) -> Result<Linted, Vec<Diagnostic>> {
    let (LoadedLab { lab, warnings }, typed) = load::parse_typed(file, text, files, overrides)?;
    let net = Net::new(&lab).map_err(|refused| {
        warnings.iter().cloned().chain(refused.iter().map(|error| error.diagnostic(file))).collect::<Vec<_>>()
    })?;
    let layout = Layout::new(&lab, &net);
    let mut findings: Vec<Finding> = warnings.into_iter().map(|diagnostic| Finding { rule: "", diagnostic }).collect();
    for rule in RULES {
        let mut linter = Linter { lab: &lab, layout: &layout, typed: &typed, report: typed.report.emptied() };
        (rule.check)(&mut linter);
        let found = linter.report.finish().into_iter();
        findings.extend(found.map(|diagnostic| Finding { rule: rule.name, diagnostic }));
    }
    findings.sort_by_key(|found| (found.diagnostic.line == 0, found.diagnostic.line, found.diagnostic.column));
    drop(layout);
    Ok(Linted { lab, findings })
}

/// The bridge that a socket is a port of.
fn bridge_of(bridges: &[LabBridge], port: PortIx) -> Option<&LabBridge> {
    bridges.iter().find(|bridge| bridge.ports.iter().any(|found| found.socket == Some(port)))
}

/// Whether a socket of a server is a NIC.
fn is_nic(server: &LabServer, port: PortIx) -> bool {
    server.host.interfaces.iter().any(|nic| nic.port == port)
}

/// What a rule is given: the lab, and where to say what it finds.
struct Linter<'a> {
    lab: &'a Lab,
    layout: &'a Layout<'a>,
    typed: &'a Typed,
    report: Report,
}

impl<'a> Linter<'a> {
    /// Warns at the key that a path leads to, or else at the last key on the way that the file has.
    fn warn(&mut self, path: &[String], message: impl Into<String>, remedy: impl Into<String>) {
        let (pos, key) = place(&self.typed.root, path);
        self.report.warning(pos, key, message, remedy);
    }

    /// The path of a link's end: of its port or interface; of the link's other end if a link alone names it.
    fn end_path(&self, end: LabEnd) -> Vec<String> {
        match self.layout.across(end) {
            Some((_, other)) if !self.is_declared(end) => self.own_path(other),
            _ => self.own_path(end),
        }
    }

    /// Whether the file has a table for a link's end.
    fn is_declared(&self, end: LabEnd) -> bool {
        let declares = |bridges: &[LabBridge]| {
            let mut ports = bridges.iter().flat_map(|bridge| &bridge.ports);
            ports.find(|port| port.socket == Some(end.port)).is_some_and(|port| port.declared)
        };
        match &self.lab.node(end.node).kind {
            NodeKind::Switch(switch) => declares(&switch.bridges),
            NodeKind::Server(server) => declares(&server.bridges) || is_nic(server, end.port),
            NodeKind::Host(_) => true,
            NodeKind::Hub(_) => false,
        }
    }

    /// Whether the reader has warned of a port that only a link names.
    fn is_reported(&self, end: LabEnd) -> bool {
        let node = self.lab.node(end.node);
        matches!(&node.kind, NodeKind::Switch(switch) if switch.setup.is_empty()) && !self.is_declared(end)
    }

    fn own_path(&self, end: LabEnd) -> Vec<String> {
        let node = self.lab.node(end.node);
        let port = node.port_name(end.port);
        let path: Vec<&str> = match &node.kind {
            NodeKind::Switch(switch) => match bridge_of(&switch.bridges, end.port) {
                Some(bridge) if bridge.name != DEFAULT_BRIDGE => {
                    vec!["switches", &node.name, "bridges", &bridge.name, "ports", port]
                }
                _ => vec!["switches", &node.name, "ports", port],
            },
            NodeKind::Server(server) if is_nic(server, end.port) => vec!["servers", &node.name, "nics", port],
            NodeKind::Server(server) => match bridge_of(&server.bridges, end.port) {
                Some(bridge) => vec!["servers", &node.name, "bridges", &bridge.name, "ports", port],
                None => vec!["servers", &node.name],
            },
            NodeKind::Host(_) => return self.interface_path(end.node, port),
            NodeKind::Hub(_) => vec!["hubs", &node.name],
        };
        path.into_iter().map(str::to_owned).collect()
    }

    /// The path of a host's interface: its table, or the host's if the host's own keys are the interface's.
    fn interface_path(&self, node: NodeIx, interface: &str) -> Vec<String> {
        let host: Vec<String> = vec!["hosts".to_owned(), self.lab.node(node).name.clone()];
        let own = [host.as_slice(), &["interfaces".to_owned(), interface.to_owned()]].concat();
        if interface == DEFAULT_INTERFACE && !has(&self.typed.root, &own) { host } else { own }
    }

    /// The path of a link's end that has its keys.
    fn link_path(&self, link: LinkIx) -> Vec<String> {
        self.own_path(self.lab.links()[link.0 as usize].ends[0])
    }

    /// The path of a key of a check, by the check's number.
    fn check_path(&self, number: usize) -> Vec<String> {
        let kind = match &self.lab.checks()[number].kind {
            CheckKind::Ping(_) => "ping",
            CheckKind::Reach(_) => "reach",
            CheckKind::Apart(_) => "apart",
            CheckKind::Frames(_) => "frames",
            CheckKind::Drops(_) => "drops",
            CheckKind::Mac(_) => "mac",
            CheckKind::Connect(connect) => connect.transport.name(),
            CheckKind::Http(_) => "http",
            CheckKind::Throughput(_) => "throughput",
            CheckKind::Path(_) => "path",
        };
        vec!["checks".to_owned(), number.to_string(), kind.to_owned()]
    }

    /// Where a check stands, for a message about another.
    fn check_place(&self, number: usize) -> String {
        let check = &self.lab.checks()[number];
        format!("\"{}\" (line {})", check.name, check.line)
    }

    /// The hosts that a check wants to be alone: of `apart` and of pings that must not be answered.
    fn separated(&self) -> BTreeSet<NodeIx> {
        let mut hosts = BTreeSet::new();
        for check in self.lab.checks() {
            match &check.kind {
                CheckKind::Apart(nodes) => hosts.extend(nodes),
                CheckKind::Ping(PingCheck { from, to, expect: Expect::Unreachable, .. }) => {
                    hosts.insert(*from);
                    hosts.extend(if let PingTarget::Host(to) = to { Some(*to) } else { None });
                }
                _ => {}
            }
        }
        hosts
    }

    fn checks(&self) -> impl Iterator<Item = (usize, &'a LabCheck)> + use<'a> {
        self.lab.checks().iter().enumerate()
    }
}

/// Where the last key on a path stands that the file has, and its path.
fn place(root: &[Entry], path: &[String]) -> (Pos, String) {
    let (mut pos, mut key, mut table) = (Pos::default(), String::new(), Some(root));
    let mut item: Option<&Item> = None;
    for segment in path {
        if let Some(Item { value: Value::Array(items), .. }) = item
            && let Ok(index) = segment.parse::<usize>()
        {
            let Some(element) = items.get(index) else { break };
            let _ = write!(key, "[{index}]");
            pos = element.pos;
            item = Some(element);
        } else {
            let Some(entry) = table.and_then(|table| table.iter().find(|entry| entry.key == *segment)) else { break };
            let dot = if key.is_empty() { "" } else { "." };
            let _ = write!(key, "{dot}{}", Key(segment));
            pos = entry.pos;
            item = Some(&entry.item);
        }
        table =
            item.and_then(|item| if let Value::Table(entries) = &item.value { Some(entries.as_slice()) } else { None });
    }
    (pos, key)
}

/// Whether the file has every key of a path.
fn has(root: &[Entry], path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let Some(entry) = root.iter().find(|entry| entry.key == *first) else { return false };
    match &entry.item.value {
        Value::Table(table) => has(table, rest),
        _ => rest.is_empty(),
    }
}

/// The first few of a list, as in `1, 2, 3 and 4 more`.
fn listed<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    const MOST: usize = 6;
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.len().saturating_sub(MOST) {
        0 => items.join(", "),
        more => format!("{} and {more} more", items[..MOST].join(", ")),
    }
}
