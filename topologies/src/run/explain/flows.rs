//! Which flow of a bridge decided where a frame goes, and in words why it doesn't go where it should.
//!
//! The flow that decides is the one whose action sends: the one that wrote the register, if a register names the port, and
//! the one that wrote the action set, if that sends. If nothing sends it is the last one that was met.

use super::model::MetFlow;
use super::why::WhyNot;
use switch::Switch;
use switch::trace::{Trace, TraceKind, TraceStep};

/// What sends a frame, by the beginnings of the actions' texts.
const SENDING: &[&str] = &[
    "output:",
    "output(",
    "enqueue:",
    "enqueue(",
    "group:",
    "bundle(",
    "NORMAL",
    "FLOOD",
    "ALL",
    "LOCAL",
    "IN_PORT",
    "CONTROLLER",
    "TABLE",
];

/// The flow that decided about a frame; `None` if no table was looked up.
pub(super) fn deciding(trace: &Trace) -> Option<MetFlow> {
    let steps = &trace.steps;
    let is_lookup = |step: &TraceStep| matches!(step.kind, TraceKind::Table { .. });
    let at = match steps.iter().rposition(is_sending) {
        None => steps.iter().rposition(is_lookup)?,
        Some(at) => {
            let written = register(&steps[at].text).and_then(|name| writer(&steps[..at], name));
            lookup_above(steps, written.unwrap_or(at))?
        }
    };
    let TraceKind::Table { table, rule, .. } = &steps[at].kind else { return None };
    Some(MetFlow { bridge: trace.bridge.clone(), table: *table, flow: rule.clone() })
}

fn is_sending(step: &TraceStep) -> bool {
    matches!(step.kind, TraceKind::Action) && SENDING.iter().any(|sends| step.text.starts_with(sends))
}

/// The lookup whose flow has the action of a step.
fn lookup_above(steps: &[TraceStep], mut at: usize) -> Option<usize> {
    loop {
        let depth = steps[at].depth;
        let above =
            |step: &TraceStep| step.depth < depth && matches!(step.kind, TraceKind::Table { .. } | TraceKind::Section);
        let found = steps[..at].iter().rposition(above)?;
        if !matches!(steps[found].kind, TraceKind::Section) {
            return Some(found);
        }
        at = steps[..found].iter().rposition(|step| step.text.starts_with("write_actions("))?;
    }
}

/// `NXM_NX_REG0` of `output:NXM_NX_REG0[0..15]`.
fn register(action: &str) -> Option<&str> {
    let (name, _) = action.strip_prefix("output:")?.split_once('[')?;
    Some(name)
}

/// The action that last wrote a register.
fn writer(steps: &[TraceStep], name: &str) -> Option<usize> {
    let whole = name.trim_start_matches("NXM_NX_").to_ascii_lowercase();
    steps.iter().rposition(|step| {
        let to = step.text.rsplit_once("->").map(|(_, to)| to);
        matches!(step.kind, TraceKind::Action) && to.is_some_and(|to| to == whole || to.split('[').next() == Some(name))
    })
}

/// The flow that led to NORMAL, if it or one before it changed the frame's VLAN.
pub(super) fn rewriting(trace: &Trace) -> Option<MetFlow> {
    deciding(trace).filter(|_| trace.last.vlan_tci() != trace.flow.vlan_tci())
}

/// Whether the frame was to leave by a port, which may be down.
pub(super) fn aims_at(trace: &Trace, name: &str, ofport: u16) -> bool {
    let output = format!("output:{ofport}");
    let aims = |step: &TraceStep| step.text == output || ["FLOOD", "ALL"].contains(&step.text.as_str());
    trace.dropped.as_ref().is_some_and(|dropped| dropped.port.as_deref() == Some(name))
        || trace.steps.iter().any(|step| matches!(step.kind, TraceKind::Action) && aims(step))
}

/// Why the flows of a bridge don't send a frame out of a port of this name.
pub(super) fn not_sent(switch: &Switch, trace: &Trace, name: &str) -> WhyNot {
    let met = deciding(trace);
    let answer = |reason, why| WhyNot { reason, why, port: None, vlan: None, flow: met.clone() };
    if let Some(failure) = trace.failure {
        return answer("too_many_resubmits", format!("the flow tables were given up: {failure}"));
    }
    let Some(MetFlow { table, flow, .. }) = &met else {
        return answer("table_miss", format!("no flow of {} matches", trace.bridge));
    };
    let Some(flow) = flow else {
        let mut why = match table {
            0 => format!("no flow of {} matches", trace.bridge),
            _ => format!("no flow of table {table} of {} matches", trace.bridge),
        };
        if let Some((near, but)) = nearest(trace, *table) {
            why += &format!("; the nearest is {near}, but {but}");
        }
        return answer("table_miss", why);
    };
    let outs: Vec<&str> = trace.outputs.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(id) = group_of(trace) {
        let (reason, why) = of_group(switch, trace, id, &outs, name);
        return answer(reason, format!("the flow {flow} leads to group {id}, {why}"));
    }
    if outs.is_empty() {
        return answer("flow_drop", format!("the flow {flow} drops it"));
    }
    answer("flow_elsewhere", format!("the flow {flow} sends it to {}, not to {name}", outs.join(", ")))
}

/// Why a frame that flows could have sent right died in the bridge, or went elsewhere: by a meter, or by its hash.
pub(super) fn chosen(switch: &Switch, trace: &Trace, is_metered: bool, name: &str) -> Option<WhyNot> {
    let met = deciding(trace)?;
    let answer = |reason, why, flow| Some(WhyNot { reason, why, port: None, vlan: None, flow: Some(flow) });
    if is_metered {
        let (at, meter) = trace.steps.iter().enumerate().rev().find_map(|(at, step)| {
            let meter: u32 = step.text.strip_prefix("meter:")?.parse().ok()?;
            Some((at, meter)).filter(|_| matches!(step.kind, TraceKind::Action))
        })?;
        let TraceKind::Table { table, rule, .. } = &trace.steps[lookup_above(&trace.steps, at)?].kind else {
            return None;
        };
        let shared = switch.shared(&trace.bridge)?;
        let text = shared.tables().meter(meter).map(|state| state.meter.to_string()).unwrap_or_default();
        let flow = rule.clone().unwrap_or_default();
        let why = format!("the meter of the flow {flow} drops it: {text}");
        return answer("meter", why, MetFlow { bridge: trace.bridge.clone(), table: *table, flow: rule.clone() });
    }
    let id = group_of(trace)?;
    let flow = met.flow.clone().unwrap_or_default();
    let why = format!("the flow {flow} leads to group {id}, where its hash chose a bucket that doesn't lead to {name}");
    answer("flow_elsewhere", why, met)
}

/// The rule that came nearest in the last lookup of a table.
fn nearest(trace: &Trace, wanted: u8) -> Option<(&str, &str)> {
    trace.steps.iter().rev().find_map(|step| match &step.kind {
        TraceKind::Table { table, nearest: Some((near, but)), .. } if *table == wanted => {
            Some((near.as_str(), but.as_str()))
        }
        _ => None,
    })
}

/// The group that sends a frame, if one does.
fn group_of(trace: &Trace) -> Option<u32> {
    let sends = trace.steps.iter().rposition(is_sending)?;
    let at = trace.steps[..=sends].iter().rposition(|step| is_sending(step) && step.text.starts_with("group:"))?;
    let is_within = trace.steps[at + 1..=sends].iter().all(|step| step.depth > trace.steps[at].depth);
    if is_within { trace.steps[at].text.strip_prefix("group:")?.parse().ok() } else { None }
}

/// What is wrong with a group: `which isn't there`.
fn of_group(switch: &Switch, trace: &Trace, id: u32, outs: &[&str], name: &str) -> (&'static str, String) {
    let shared = switch.shared(&trace.bridge);
    let group = shared.and_then(|shared| Some(shared.tables().group(id)?.group.clone()));
    let Some((shared, group)) = shared.zip(group) else { return ("flow_drop", "which isn't there".to_owned()) };
    let plan = shared.plan();
    let watched = group.buckets.iter().filter_map(|bucket| bucket.watch_port);
    let down: Vec<String> = watched
        .filter_map(|port| {
            let slot = plan.slot_of_ofport(port);
            let port_plan = slot.and_then(|slot| plan.ports.get(usize::from(slot)));
            let is_up = port_plan.is_some_and(|port| port.link.is_some());
            (!is_up).then(|| slot.map_or_else(|| port.to_string(), |slot| super::trace::name_of(switch, &plan, slot)))
        })
        .collect();
    let since = if down.is_empty() { String::new() } else { format!(": {} is down", down.join(", ")) };
    if trace.steps.iter().any(|step| step.text == "no live bucket") {
        return ("flow_drop", format!("which has no live bucket{since}"));
    }
    if group.buckets.is_empty() {
        return ("flow_drop", "which has no buckets".to_owned());
    }
    if outs.is_empty() {
        return ("flow_drop", "whose buckets send it nowhere".to_owned());
    }
    ("flow_elsewhere", format!("which sends it to {}, not to {name}{since}", outs.join(", ")))
}
