//! Where a packet's way ends, and why.
//!
//! The last kind of frame that was sent is the one that failed. Of its copies the one counts that came nearest to the
//! station that it was for; what that node does not do with it, towards the station, is the fault.

use super::flows;
use super::follow::{Arrival, Flown, flown, link_name, owner_of};
use super::model::{MetFlow, Outcome};
use super::probe::{Answer, Probe};
use super::purpose::Purpose;
use super::trace::in_vlan;
use super::ways::{Ways, far_end};
use super::why::{self, WhyNot, plain};
use crate::lab::PingTarget;
use crate::run::net::Net;
use packet::wire::vlan;
use sim_core::{DirIx, DropReason, NodeIx, PortIx};
use std::cmp::Reverse;
use std::net::IpAddr;
use switch::trace::TraceKind;

/// A fault.
pub(super) struct Fault {
    /// Which frame was lost.
    pub(super) what: String,
    /// A drop reason's name, or what stands for one.
    pub(super) reason: String,
    /// The node and, if it is one, its port; what a link does is said of the end that the frame went in by.
    pub(super) node: NodeIx,
    pub(super) port: Option<PortIx>,
    pub(super) why: String,
    /// The flow that decided so.
    pub(super) flow: Option<MetFlow>,
    /// The VLAN that the frame was in.
    pub(super) vlan: Option<u16>,
    /// The link directions that the frame was to go.
    pub(super) path: Vec<DirIx>,
    /// The flows that it met: node, bridge, the port towards the station, the flow.
    pub(super) rules: Vec<MetRule>,
    /// The port that it came in by at the node.
    pub(super) in_port: Option<PortIx>,
    /// Whom it was for.
    pub(super) target: Option<NodeIx>,
    pub(super) target_mac: packet::MacAddr,
    /// How far the packet came: greater is further.
    pub(super) progress: Progress,
}

/// A flow that a frame met; `None` if no flow matched.
pub(super) struct MetRule {
    pub(super) node: NodeIx,
    pub(super) bridge: String,
    pub(super) in_port: PortIx,
    pub(super) toward: Option<PortIx>,
    pub(super) table: u8,
    pub(super) rule: Option<String>,
}

/// How many frames had been sent, and how near the last one came.
pub(super) type Progress = (usize, Reverse<u32>);

/// What stopped a packet.
pub(super) fn find(net: &Net, probe: &Probe, answer: &Answer) -> Fault {
    let from = probe.question.from;
    let record = probe.record(net);
    let (Some(address), Some(record)) = (probe.address, record) else {
        return at_sender(net, probe, answer);
    };
    let all = flown(net, record, from, address);
    let Some(lost) = all.last() else { return at_sender(net, probe, answer) };
    let target = lost.target.or_else(|| intended(net, probe));
    let Some(target_node) = lost.target else { return nobody(net, probe, lost, all.len()) };
    let ways = Ways::to(net, target_node);
    let nearest = lost.nearest(&ways);
    let mut fault = Fault {
        what: lost.what.clone(),
        reason: String::new(),
        node: lost.origin,
        port: None,
        why: String::new(),
        flow: None,
        vlan: None,
        path: ways.path(net, lost.origin),
        rules: rules(net, lost, nearest, &ways),
        in_port: None,
        target,
        target_mac: lost.flight.dst,
        progress: (all.len(), Reverse(ways.from(lost.origin))),
    };
    let nearest =
        nearest.filter(|arrival| ways.from(arrival.node) < ways.from(lost.origin) || arrival.node == target_node);
    match nearest {
        Some(arrival) => {
            fault.progress = (all.len(), Reverse(ways.from(arrival.node)));
            fault.in_port = Some(arrival.port);
            fault.node = arrival.node;
            if arrival.node == target_node {
                at_station(net, probe, lost, &arrival, answer, &mut fault);
            } else {
                on_the_way(net, lost, &arrival, &ways, &mut fault);
            }
        }
        None => leaving(net, lost, lost.origin, &ways, &mut fault, "it left no trace"),
    }
    fault
}

/// The node that the question is about.
fn intended(net: &Net, probe: &Probe) -> Option<NodeIx> {
    match probe.question.to {
        PingTarget::Host(node) => Some(node),
        PingTarget::Address(address) => owner_of(net, address),
    }
}

/// Nothing was sent.
fn at_sender(net: &Net, probe: &Probe, answer: &Answer) -> Fault {
    let from = probe.question.from;
    let target = intended(net, probe);
    let said = match answer {
        Answer::Missing(said) if !said.is_empty() => said.clone(),
        _ => "it put no frame on a wire".to_owned(),
    };
    let subnets = subnets(net, from);
    let why = if said.contains("no route") && !subnets.is_empty() { format!("{said}; {subnets}") } else { said };
    Fault {
        what: probe.question.what(),
        reason: "not_sent".to_owned(),
        node: from,
        port: None,
        why,
        flow: None,
        vlan: None,
        path: target.map(|to| Ways::to(net, to).path(net, from)).unwrap_or_default(),
        rules: Vec::new(),
        in_port: None,
        target,
        target_mac: packet::MacAddr::ZERO,
        progress: (0, Reverse(u32::MAX)),
    }
}

/// `its subnets are 10.0.0.0/24`, with a gateway that is out of reach.
fn subnets(net: &Net, node: NodeIx) -> String {
    let Some(host) = net.host(node) else { return String::new() };
    let own = host.addresses().map(|(_, own)| own).filter(|own| !own.address().is_loopback() && !own.is_ipv6());
    let own: Vec<String> = own.map(|own| own.to_string()).collect();
    if own.is_empty() { "it has no IPv4 address".to_owned() } else { format!("its address is {}", own.join(", ")) }
}

/// An address is asked for that no node has.
fn nobody(net: &Net, probe: &Probe, lost: &Flown<'_>, sent: usize) -> Fault {
    let of = match lost.flight.purpose {
        Purpose::Ask(of) => of.to_string(),
        _ => lost.flight.to.map_or_else(|| lost.flight.dst.to_string(), |to| to.to_string()),
    };
    let is_hop = probe.address.is_some_and(|address| address.to_string() != of);
    let hop = if is_hop { format!(", the next hop of {}", net.names().node(lost.origin)) } else { String::new() };
    Fault {
        what: lost.what.clone(),
        reason: "no_neighbor".to_owned(),
        node: lost.origin,
        why: format!("no node of the lab has {of}{hop}"),
        progress: (sent, Reverse(u32::MAX)),
        ..at_sender(net, probe, &Answer::Refused)
    }
}

/// The frame came to its station.
fn at_station(net: &Net, probe: &Probe, lost: &Flown<'_>, arrival: &Arrival<'_>, answer: &Answer, fault: &mut Fault) {
    let name = net.names().node(arrival.node);
    let port = probe.question.port.map(|(transport, port)| format!("{} port {port}", transport.name()));
    if let (Answer::Refused, Some(port)) = (answer, &port) {
        let listener = intended(net, probe).unwrap_or(arrival.node);
        (fault.node, fault.port) = (listener, None);
        (fault.reason, fault.why) = ("no_listener".to_owned(), format!("nothing listens on {port}"));
        fault.what = probe.question.what();
        return;
    }
    if let Some((at, reason, why)) = lost.drop_in(arrival.node) {
        (fault.port, fault.reason) = (at, reason.name().to_owned());
        fault.why = match (reason, lost.flight.purpose, port) {
            (DropReason::NoRoute, Purpose::Request, _) if Some(arrival.node) == intended(net, probe) => {
                format!("no route back to the sender; {}", subnets(net, arrival.node))
            }
            (DropReason::NoListener, Purpose::Request, Some(port)) => format!("nothing listens on {port}"),
            (DropReason::NoRoute, ..) if plain(why) == "no_route" => "no route to there".to_owned(),
            _ => plain(why),
        };
        return;
    }
    let Some(host) = net.host(arrival.node) else { return };
    let tag = vlan::outer(arrival.frame).and_then(|(_, tag)| tag).map_or(0, |tag| tag.vid.get());
    let expects = |interface: &host::Interface| {
        interface.port() == arrival.port && interface.vlan().map_or(0, |vlan| vlan.get()) == tag
    };
    let interface = host.interfaces().iter().find(|interface| expects(interface));
    fault.reason = "rx_filtered".to_owned();
    match interface {
        None => {
            // What tags it is the port at the other end.
            if let Some(dir) = net.engine().direction_from(arrival.node, arrival.port) {
                let (node, port) = far_end(net, dir);
                (fault.node, fault.port) = (node, Some(port));
            }
            fault.vlan = Some(tag);
            fault.why = format!("it leaves with the tag of VLAN {tag}, for which {name} has no interface");
        }
        Some(interface) if !lost.flight.dst.is_multicast() && interface.mac() != lost.flight.dst => {
            fault.port = Some(arrival.port);
            fault.why = format!("{} is not its address, which is {}", lost.flight.dst, interface.mac());
        }
        Some(_) => {
            let said = if let Answer::Missing(said) = answer { said.as_str() } else { "" };
            fault.reason = "no_answer".to_owned();
            fault.why = if said.is_empty() { "it says nothing".to_owned() } else { said.to_owned() };
        }
    }
}

/// The frame came to a node that should have passed it on.
fn on_the_way(net: &Net, lost: &Flown<'_>, arrival: &Arrival<'_>, ways: &Ways, fault: &mut Fault) {
    if let (Some(switch), Some(trace)) = (net.switch(arrival.node), arrival.trace) {
        fault.vlan = why::inside_vlan(switch, arrival, trace);
    }
    let toward = ways.port(net, arrival.node).map(|(port, _)| port);
    let bridge = net.switch(arrival.node).zip(arrival.trace);
    let because =
        bridge.zip(toward).and_then(|((switch, trace), toward)| why::not_out_of(switch, arrival, trace, toward));
    let died = lost.drop_in(arrival.node);
    let is_by_flow = |reason| matches!(reason, DropReason::Meter | DropReason::FlowDrop | DropReason::TableMiss);
    let left = toward.and_then(|port| net.engine().direction_from(arrival.node, port));
    let went_on = left.is_some_and(|dir| lost.went(net, dir, arrival.at));
    let chosen = || {
        let ((switch, trace), toward) = bridge.zip(toward)?;
        let name = switch.interface(toward).unwrap_or("the port");
        let is_metered = matches!(died, Some((_, DropReason::Meter, _)));
        (!went_on && died.is_none_or(|(_, reason, _)| is_by_flow(reason)))
            .then(|| flows::chosen(switch, trace, is_metered, name))?
    };
    if let Some(WhyNot { reason, why, port, vlan, flow }) = because.or_else(chosen) {
        let is_its_own = flow.is_some() || reason == "mac_elsewhere";
        fault.port = if is_its_own { None } else { port.or(toward) };
        fault.vlan = vlan.or(fault.vlan);
        (fault.reason, fault.why, fault.flow) = (reason.to_owned(), why, flow);
        if let (None, Some((_, trace))) = (&fault.flow, bridge) {
            // What NORMAL refuses, a flow may have rewritten before.
            fault.flow = flows::rewriting(trace);
        }
        return;
    }
    if let Some((port, reason, why)) = died {
        (fault.port, fault.reason, fault.why) = (port, reason.name().to_owned(), plain(why));
        return;
    }
    leaving(net, lost, arrival.node, ways, fault, "it went another way");
}

/// The frame was sent towards its station, and didn't come to the next node.
fn leaving(net: &Net, lost: &Flown<'_>, node: NodeIx, ways: &Ways, fault: &mut Fault, otherwise: &str) {
    fault.node = node;
    let Some((port, dir)) = ways.port(net, node) else {
        (fault.reason, fault.why) = ("no_route".to_owned(), "no link leads there".to_owned());
        return;
    };
    fault.port = Some(port);
    if let Some((reason, frame)) = lost.drop_on(dir) {
        fault.reason = reason.name().to_owned();
        fault.why = on_link(net, dir, reason, frame);
        return;
    }
    if let Some((at, reason, why)) = lost.drop_in(node) {
        (fault.port, fault.reason, fault.why) = (at.or(Some(port)), reason.name().to_owned(), plain(why));
        return;
    }
    if !net.engine().is_up(dir.link()) {
        fault.reason = "link_down".to_owned();
        fault.why = on_link(net, dir, DropReason::LinkDown, &[]);
        return;
    }
    (fault.reason, fault.why) = ("no_answer".to_owned(), otherwise.to_owned());
}

/// Why a link killed a frame.
fn on_link(net: &Net, dir: DirIx, reason: DropReason, frame: &[u8]) -> String {
    let config = net.engine().link_config(dir);
    let link = link_name(net, dir);
    match reason {
        DropReason::LinkDown => {
            let ends = net.engine().ends(dir.link());
            let stopped = ends.iter().find(|(node, _)| !net.engine().is_running(*node));
            match stopped {
                Some((node, _)) => format!("{} is stopped", net.names().node(*node)),
                None => format!("the link {link} is down"),
            }
        }
        DropReason::Loss => format!("the link {link} loses {}% of its frames", config.loss.as_f64() * 100.0),
        DropReason::CorruptFcs => {
            format!("the link {link} corrupts {}% of its frames", config.corrupt.as_f64() * 100.0)
        }
        DropReason::MtuExceeded => {
            let size = in_vlan(frame, 0).len().saturating_sub(14);
            format!("{size} bytes, and the mtu of the link {link} is {}", config.mtu)
        }
        DropReason::QueueFull => format!("the queue of the link {link} is full"),
        reason => reason.to_string(),
    }
}

/// The flows that a frame met on the way to where it came.
fn rules(net: &Net, lost: &Flown<'_>, nearest: Option<Arrival<'_>>, ways: &Ways) -> Vec<MetRule> {
    let mut rules = Vec::new();
    for arrival in nearest.map(|last| lost.way_to(net, last)).unwrap_or_default() {
        let Some(trace) = arrival.trace else { continue };
        let toward = ways.port(net, arrival.node).map(|(port, _)| port);
        for step in &trace.steps {
            if let TraceKind::Table { table, rule, .. } = &step.kind {
                let (node, in_port, table) = (arrival.node, arrival.port, *table);
                rules.push(MetRule { node, bridge: trace.bridge.clone(), in_port, toward, table, rule: rule.clone() });
            }
        }
    }
    rules
}

impl Fault {
    /// What is said of it.
    pub(super) fn outcome(&self, net: &Net, path: Vec<String>) -> Outcome {
        let Self { what, reason, why, flow, .. } = self;
        let (what, reason, why, flow) = (what.clone(), reason.clone(), why.clone(), flow.clone());
        Outcome::Dropped { what, reason, at: self.place(net), why, flow, path }
    }

    /// The place as in `s3:p4`.
    pub(super) fn place(&self, net: &Net) -> String {
        match self.port {
            Some(port) => {
                let inner = net.engine().node(self.node).inner_port(port);
                match inner.filter(|_| net.names().port_name(self.node, port).is_none()) {
                    Some(inner) => format!("{}:{inner}", net.names().node(self.node)),
                    None => net.names().port(self.node, port),
                }
            }
            None => net.names().node(self.node).to_owned(),
        }
    }
}

/// The address that a question is about, for the text.
pub(super) fn address_text(to: &str, address: Option<IpAddr>) -> String {
    match address {
        Some(address) if address.to_string() != to => format!("{to} ({address})"),
        _ => to.to_owned(),
    }
}
