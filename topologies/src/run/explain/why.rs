//! What a node decided about a frame, in words: a bridge's tables and NORMAL, a host's route and neighbour.

use super::flows;
use super::follow::{Arrival, Flown};
use super::model::MetFlow;
use super::purpose::Purpose;
use super::trace::{bridge_of, in_vlan, name_of};
use crate::run::net::Net;
use packet::wire::vlan;
use sim_core::{Drop, DropArgs, DropReason, NodeIx, PortIx};
use std::collections::BTreeSet;
use switch::normal::{self, Route, Unobserved};
use switch::trace::{Trace, TraceKind};
use switch::{Switch, vlan::Tags};

/// The flow that a bridge begins with.
const DEFAULT_FLOW: &str = "priority=0 actions=NORMAL";
/// How many ports of a flood are named.
const MAX_PORTS: usize = 6;

/// What a station decided about a frame of its own.
pub(super) fn of_sender(net: &Net, node: NodeIx, flown: &Flown<'_>) -> Vec<String> {
    let (Some(host), Some(to)) = (net.host(node), flown.flight.to) else { return Vec::new() };
    if !matches!(flown.flight.purpose, Purpose::Request | Purpose::Reply) {
        return Vec::new();
    }
    let routes = host.stack().routes();
    let Some(hop) = routes.lookup(to) else { return vec![format!("no route to {to}")] };
    let name = host.interfaces().get(hop.interface.0 as usize).map_or("", |interface| interface.name());
    let via = if hop.address == to { "on its own subnet".to_owned() } else { format!("via {}", hop.address) };
    vec![format!("{to} is {via}, dev {name}; {} is {}", hop.address, flown.flight.dst)]
}

/// What was decided where a frame arrived, that left by some ports. Where its way ends, the rules that came nearest are told
/// as well.
pub(super) fn of_arrival(
    net: &Net,
    arrival: &Arrival<'_>,
    flown: &Flown<'_>,
    outs: &[String],
    is_end: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(trace) = arrival.trace {
        lines.extend(of_bridge(net, arrival, trace, is_end));
        let meant: BTreeSet<&str> = trace.outputs.iter().map(|(name, _)| name.as_str()).collect();
        // Where the frame went is said already, if it is where it was to go.
        if !meant.is_empty() && meant != outs.iter().map(String::as_str).collect() {
            let mut names: Vec<&str> = meant.iter().copied().take(MAX_PORTS).collect();
            if meant.len() > MAX_PORTS {
                names.push("...");
            }
            lines.push(format!("to {}", names.join(", ")));
        }
    }
    if let Some((_, _, why)) = flown.drop_in(arrival.node) {
        lines.push(format!("dropped: {why}"));
    }
    lines
}

fn of_bridge(net: &Net, arrival: &Arrival<'_>, trace: &Trace, is_end: bool) -> Vec<String> {
    let tag = vlan::outer(arrival.frame).and_then(|(_, tag)| tag).map(|tag| tag.vid.get());
    let came = tag.map_or("untagged".to_owned(), |vlan| format!("tagged VLAN {vlan}"));
    let inside = net.switch(arrival.node).and_then(|switch| inside_vlan(switch, arrival, trace));
    let vlan = inside.filter(|vlan| *vlan != 0).map(|vlan| format!(", VLAN {vlan} inside")).unwrap_or_default();
    let mut lines = vec![format!("{}: {came}{vlan}", trace.bridge)];
    // A bridge that nobody gave a flow has this one, which says nothing.
    let lookups = trace.steps.iter().filter(|step| matches!(step.kind, TraceKind::Table { .. }));
    let is_plain = lookups.clone().count() == 1
        && lookups.clone().all(|step| {
            matches!(&step.kind, TraceKind::Table { rule: Some(rule), nearest: None, .. } if rule == DEFAULT_FLOW)
        });
    for step in &trace.steps {
        let depth = step.depth.min(8).saturating_sub(2 * u8::from(is_plain)).max(1);
        let indent = "  ".repeat(usize::from(depth));
        match &step.kind {
            TraceKind::Table { .. } if is_plain => {}
            TraceKind::Table { table, rule, nearest } => {
                let met = rule.as_deref().unwrap_or("no flow matches");
                lines.push(format!("{indent}table {table}: {met}"));
                if let Some((near, why)) = nearest.as_ref().filter(|_| is_end || rule.is_none()) {
                    lines.push(format!("{indent}  nearest: {near}"));
                    lines.push(format!("{indent}  but {why}"));
                }
            }
            TraceKind::Bridge | TraceKind::Section | TraceKind::Action => {}
            TraceKind::Detail | TraceKind::Warning | TraceKind::Error => lines.push(format!("{indent}{}", step.text)),
        }
    }
    lines
}

/// The VLAN that a frame is in inside the bridge.
pub(super) fn inside_vlan(switch: &Switch, arrival: &Arrival<'_>, trace: &Trace) -> Option<u16> {
    let plan = switch.shared(&trace.bridge)?.plan();
    let port = plan.ports.get(usize::from(plan.slot(arrival.port)?))?;
    let tags = Tags::read(&in_vlan(arrival.frame, trace.last.vlan_tci() & 0xfff), plan.vlan_limit).ok()?;
    port.vlan.ingress(&tags).ok().map(|tags| tags.vid())
}

/// Why a bridge doesn't send a frame out of a port.
#[derive(Debug)]
pub(super) struct WhyNot {
    /// A drop reason's name, or what stands for one.
    pub(super) reason: &'static str,
    pub(super) why: String,
    /// The port whose setting it is, if it isn't the one that was asked about.
    pub(super) port: Option<PortIx>,
    /// The VLAN inside.
    pub(super) vlan: Option<u16>,
    /// The flow that decided so.
    pub(super) flow: Option<MetFlow>,
}

/// Why a bridge doesn't send a frame that arrived out of a port.
pub(super) fn not_out_of(switch: &Switch, arrival: &Arrival<'_>, trace: &Trace, port: PortIx) -> Option<WhyNot> {
    let shared = switch.shared(&trace.bridge)?;
    let plan = shared.plan();
    let name = switch.interface(port).unwrap_or("the port").to_owned();
    let said = |reason: &'static str, why: String| Some(WhyNot { reason, why, port: None, vlan: None, flow: None });
    let Some(slot) = plan.slot(port) else {
        return match bridge_of(switch, port) {
            None => said("no_bridge", format!("{name} is in no bridge")),
            Some(other) => said("no_bridge", format!("{name} is in {other}, not in {}", trace.bridge)),
        };
    };
    let out = &plan.ports[usize::from(slot)];
    let silent = out.tx.is_none().then(|| out.silence());
    let is_normal = trace.steps.iter().any(|step| matches!(step.kind, TraceKind::Action) && step.text == "NORMAL");
    if !is_normal {
        if trace.outputs.iter().any(|(out, _)| *out == name) {
            // It went there: what became of it is the link's.
            return None;
        }
        let is_meant = flows::aims_at(trace, &name, out.ofport);
        return match silent {
            Some(reason) if is_meant => {
                said(reason.name(), detail(switch, port, reason, DropArgs::None, arrival.frame))
            }
            _ => Some(flows::not_sent(switch, trace, &name)),
        };
    }
    if let Some(reason) = silent {
        return said(reason.name(), detail(switch, port, reason, DropArgs::None, arrival.frame));
    }
    let last = in_vlan(arrival.frame, trace.last.vlan_tci() & 0xfff);
    let in_slot = plan.slot(arrival.port)?;
    let verdict = normal::decide(&plan, &shared.macs.view(arrival.at), in_slot, &last, &mut Unobserved);
    let from = &plan.ports[usize::from(in_slot)];
    let (path, vlan) = match verdict.route {
        Route::Drop(at, reason, args) => {
            let at = at.and_then(|slot| plan.ports.get(usize::from(slot))?.lab);
            let why = detail(switch, at.unwrap_or(port), reason, args, arrival.frame);
            return Some(WhyNot { reason: reason.name(), why, port: at, vlan: None, flow: None });
        }
        Route::Port(known, path) if known != out.bundle => {
            let why = format!(
                "{} is behind {} in VLAN {}, says the MAC table",
                trace.last.dl_dst(),
                name_of(switch, &plan, known),
                path.inside.vid()
            );
            let vlan = Some(path.inside.vid());
            return Some(WhyNot { reason: "mac_elsewhere", why, port: None, vlan, flow: None });
        }
        Route::Port(_, path) | Route::Flood(path) => (path, Some(path.inside.vid())),
    };
    let answer = |reason: &'static str, why: String| Some(WhyNot { reason, why, port: None, vlan, flow: None });
    if !out.vlan.carries(&path.inside) {
        let args = DropArgs::Vlan(path.inside.vid());
        return answer("vlan_not_allowed", detail(switch, port, DropReason::VlanNotAllowed, args, arrival.frame));
    }
    if from.is_protected_from(out) {
        return answer("protected", detail(switch, port, DropReason::Protected, DropArgs::None, arrival.frame));
    }
    if !out.is_floodable {
        return answer("no_flood", format!("{name} is set to no-flood"));
    }
    if out.is_mirror_output {
        return answer("port_blocked", format!("{name} is a mirror's output port and takes no frames"));
    }
    None
}

/// What the configuration has to say to a drop.
fn detail(switch: &Switch, port: PortIx, reason: DropReason, args: DropArgs, frame: &[u8]) -> String {
    plain(&switch.explain_drop(&Drop::at(port, reason).with(args), frame))
}

/// The words in the brackets behind a reason; the reason if there are none.
pub(super) fn plain(text: &str) -> String {
    let inner = text.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(text).to_owned()
}
