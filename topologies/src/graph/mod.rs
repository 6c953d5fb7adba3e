//! The lab as a drawing: text, Graphviz's DOT, Mermaid, SVG.
//!
//! A `Drawing` is what all of them show: nodes by kind, links with their ports, what their ends do to VLANs, and what
//! isn't usual about them. A writer each turns it into text. Names may hold anything that a name may, so each escapes
//! them in its own way. The same lab gives the same bytes.

mod dot;
mod layers;
mod mermaid;
mod svg;
mod text;

use crate::lab::{Lab, LabEnd, LabLink, LabNode, LabServer, NodeKind, SwitchPort};
use ovsdb::vswitch::port;
use ovsdb::{Column, Datum};
use sim_core::{DirectionConfig, LinkConfig};

/// How a drawing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// For a terminal.
    Text,
    /// For Graphviz.
    Dot,
    /// For Markdown that knows Mermaid.
    Mermaid,
    /// A picture.
    Svg,
}

/// Draws a lab.
pub fn graph(lab: &Lab, format: GraphFormat) -> String {
    let drawing = Drawing::new(lab);
    match format {
        GraphFormat::Text => text::write(&drawing),
        GraphFormat::Dot => dot::write(&drawing),
        GraphFormat::Mermaid => mermaid::write(&drawing),
        GraphFormat::Svg => svg::write(&drawing),
    }
}

/// What a drawing shows.
struct Drawing {
    title: String,
    nodes: Vec<DrawnNode>,
    links: Vec<DrawnLink>,
}

/// The kinds that look different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Switch,
    Host,
    Hub,
    Server,
}

struct DrawnNode {
    name: String,
    shape: Shape,
    /// A host's addresses.
    notes: Vec<String>,
}

struct DrawnLink {
    ends: [DrawnEnd; 2],
    /// What isn't usual about it: `delay 200us`, `rate 2Mbit` ...
    notes: Vec<String>,
    is_up: bool,
}

struct DrawnEnd {
    node: usize,
    port: String,
    /// What it does to VLANs, if anything was said.
    vlans: String,
}

impl Drawing {
    fn new(lab: &Lab) -> Self {
        Self {
            title: lab.name().to_owned(),
            nodes: lab.nodes().iter().map(DrawnNode::new).collect(),
            links: lab.links().iter().map(|link| DrawnLink::new(lab, link)).collect(),
        }
    }
}

impl DrawnNode {
    fn new(node: &LabNode) -> Self {
        let (shape, notes) = match &node.kind {
            NodeKind::Switch(_) => (Shape::Switch, Vec::new()),
            NodeKind::Hub(_) => (Shape::Hub, Vec::new()),
            NodeKind::Host(host) | NodeKind::Server(LabServer { host, .. }) => {
                let addresses = host.interfaces.iter().flat_map(|nic| {
                    let vlan = nic.vlan.map_or(String::new(), |_| format!("{} ", nic.name));
                    nic.addresses.iter().map(move |address| format!("{vlan}{address}"))
                });
                let shape = if matches!(node.kind, NodeKind::Host(_)) { Shape::Host } else { Shape::Server };
                (shape, addresses.collect())
            }
        };
        Self { name: node.name.clone(), shape, notes }
    }
}

impl DrawnLink {
    fn new(lab: &Lab, link: &LabLink) -> Self {
        Self {
            ends: link.ends.map(|end| DrawnEnd::new(lab, end)),
            notes: notes(&link.config),
            is_up: !link.config.down,
        }
    }

    /// Its label: notes, and that it is down.
    fn label(&self) -> String {
        let down = (!self.is_up).then(|| "down".to_owned());
        down.into_iter().chain(self.notes.iter().cloned()).collect::<Vec<_>>().join(", ")
    }
}

impl DrawnEnd {
    fn new(lab: &Lab, end: LabEnd) -> Self {
        let node = lab.node(end.node);
        let bridges = match &node.kind {
            NodeKind::Switch(switch) => switch.bridges.as_slice(),
            NodeKind::Server(server) => server.bridges.as_slice(),
            NodeKind::Host(_) | NodeKind::Hub(_) => &[],
        };
        let mut ports = bridges.iter().flat_map(|bridge| &bridge.ports);
        let vlans = ports.find(|port| port.socket == Some(end.port)).map(vlans).unwrap_or_default();
        Self { node: end.node.index(), port: node.port_name(end.port).to_owned(), vlans }
    }

    /// The port and its VLANs.
    fn label(&self) -> String {
        if self.vlans.is_empty() { self.port.clone() } else { format!("{} [{}]", self.port, self.vlans) }
    }
}

/// What a port's columns say of VLANs: `tag 9`, `trunks 9,19`.
fn vlans(found: &SwitchPort) -> String {
    let of = |column: Column| found.columns.iter().find(|(known, _)| *known == column).map(|(_, value)| value);
    let numbers = |value: &Datum| {
        let numbers: Vec<String> = value.keys().filter_map(ovsdb::Atom::as_int).map(|n| n.to_string()).collect();
        match numbers.len() {
            0..=6 => numbers.join(","),
            more => format!("{} and {} more", numbers[..5].join(","), more - 5),
        }
    };
    let mode = of(port::VLAN_MODE).and_then(|mode| mode.only()?.as_str().map(str::to_owned));
    let tag = of(port::TAG).map(|value| format!("tag {}", numbers(value)));
    let trunks = of(port::TRUNKS).map(|value| format!("trunks {}", numbers(value)));
    let cvlans = of(port::CVLANS).map(|value| format!("cvlans {}", numbers(value)));
    [mode, tag, trunks, cvlans].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What differs from a link of which nothing was said.
fn notes(config: &LinkConfig) -> Vec<String> {
    let usual = DirectionConfig::default();
    let mut notes = Vec::new();
    let mut note = |key: &str, of: &dyn Fn(&DirectionConfig) -> String| {
        let (out, back, usual) = (of(&config.forward), of(&config.backward), of(&usual));
        if out != usual || back != usual {
            notes.push(if out == back { format!("{key} {out}") } else { format!("{key} {out} out {back} in") });
        }
    };
    note("delay", &|d| d.delay.to_string());
    note("jitter", &|d| d.jitter.to_string());
    note("rate", &|d| rate(d.rate));
    note("loss", &|d| percent(d.loss.as_f64()));
    note("corrupt", &|d| percent(d.corrupt.as_f64()));
    note("duplicate", &|d| percent(d.duplicate.as_f64()));
    note("reorder", &|d| percent(d.reorder.as_f64()));
    note("mtu", &|d| d.mtu.to_string());
    notes
}

/// A rate in its largest whole unit.
fn rate(bits: u64) -> String {
    let units = [(1_000_000_000, "Gbit"), (1_000_000, "Mbit"), (1_000, "kbit")];
    match units.into_iter().find(|(size, _)| bits >= *size && bits.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{}{unit}", bits / size),
        None => format!("{bits}bit"),
    }
}

fn percent(share: f64) -> String {
    format!("{}%", (share * 1e8).round() / 1e6)
}

/// A text for XML, attributes included; control characters are replaced.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no way to write these.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A text without what drives a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
