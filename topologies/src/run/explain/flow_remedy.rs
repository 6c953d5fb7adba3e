//! Lines that may let a packet pass, at the flows that it met: without the flow, with its output where the station is,
//! without what it rewrites or meters; and at the groups that flows lead to.

use super::fault::{Fault, MetRule};
use super::remedy::{Candidates, of_watched};
use crate::run::net::Net;
use openflow::{Action, Bucket, Flow, FlowFlags, Group};
use sim_core::PortIx;
use switch::Shared;

/// The most tables that a lookup is led to instead of its own.
const MAX_TABLES: usize = 4;

/// A lookup, and the bridge that it was made in.
struct Met<'a> {
    net: &'a Net,
    rule: &'a MetRule,
    shared: &'a Shared,
    /// The OpenFlow port towards the station.
    output: Option<u32>,
    /// How far it is from the fault.
    far: u32,
}

/// What may help at a flow that was met.
pub(super) fn candidates(net: &Net, rule: &MetRule, fault: &Fault, found: &mut Candidates) {
    let Some(switch) = net.switch(rule.node) else { return };
    let Some(shared) = switch.shared(&rule.bridge) else { return };
    let port_of = |port: PortIx| switch.ofport(switch.interface(port)?).map(u32::from);
    let far = if rule.node == fault.node { 0 } else { 3 };
    let met = Met { net, rule, shared, output: rule.toward.and_then(port_of), far };
    let Some(text) = &rule.rule else { return met.of_miss(port_of(rule.in_port), fault, found) };
    // A flow is read as it is printed.
    let Ok(flow) = Flow::parse(text, &|_| None) else { return };
    if flow.priority == 0 && flow.matched.is_any() && flow.actions == [Action::Normal] {
        return;
    }
    met.of_flow(&flow, found);
    for id in flow.actions.iter().filter_map(|action| if let Action::Group(id) = action { Some(*id) } else { None }) {
        let group = shared.tables().group(id).map(|state| state.group.clone());
        if let Some(group) = group {
            met.of_group(&group, found);
        }
    }
}

impl Met<'_> {
    fn add(&self, found: &mut Candidates, cost: u32, command: &str, words: &str) {
        let node = self.net.names().node(self.rule.node);
        found.add(self.far + cost, node, format!("{node} ovs-ofctl {command} {} {words}", self.rule.bridge));
    }

    /// No flow matched.
    fn of_miss(&self, input: Option<u32>, fault: &Fault, found: &mut Candidates) {
        let table = if self.rule.table == 0 { String::new() } else { format!("table={},", self.rule.table) };
        if let Some(output) = self.output {
            let to = fault.target_mac;
            if to.is_unicast() && to != packet::MacAddr::ZERO {
                self.add(found, 1, "add-flow", &format!("{table}dl_dst={to},actions=output:{output}"));
            }
            if let Some(input) = input {
                self.add(found, 2, "add-flow", &format!("{table}in_port={input},actions=output:{output}"));
            }
        }
        self.add(found, 6, "add-flow", &format!("{table}priority=0,actions=NORMAL"));
    }

    fn of_flow(&self, flow: &Flow, found: &mut Candidates) {
        let is_drop = flow.actions.is_empty();
        let several = self.shared.tables().tables().filter(|(_, flows)| *flows > 0).count() > 1;
        // Without a table, a deletion means all of them.
        let table = if flow.table == 0 && several { "table=0," } else { "" };
        self.add(found, if is_drop { 0 } else { 3 }, "--strict del-flows", &format!("{table}{}", matched(flow)));
        let mut change = |cost: u32, actions: Vec<Action>| {
            if actions != flow.actions && !actions.is_empty() {
                let changed = one_word(&Flow { actions, ..flow.clone() }.to_string());
                self.add(found, cost, "add-flow", &changed);
            }
        };
        let without = |unwanted: &dyn Fn(&Action) -> bool| -> Vec<Action> {
            flow.actions.iter().filter(|action| !unwanted(action)).cloned().collect()
        };
        change(1, without(&|action| matches!(action, Action::Meter(_))));
        change(2, without(&rewrites));
        if let Some(output) = self.output {
            let directed = |action: &Action| directed(action, output);
            change(1, flow.actions.iter().map(directed).collect());
        }
        let target = |action: &Action| match action {
            Action::Resubmit { table, .. } => *table,
            Action::GotoTable(table) => Some(*table),
            _ => None,
        };
        if let Some(present) = flow.actions.iter().rev().find_map(target) {
            let all: Vec<u8> = self.shared.tables().tables().map(|(table, _)| table).collect();
            for other in all.into_iter().filter(|other| *other > flow.table && *other != present).take(MAX_TABLES) {
                let led = |action: &Action| match action {
                    Action::Resubmit { in_port, table: Some(table), ct } if *table == present => {
                        Action::Resubmit { in_port: *in_port, table: Some(other), ct: *ct }
                    }
                    Action::GotoTable(table) if *table == present => Action::GotoTable(other),
                    action => action.clone(),
                };
                change(2, flow.actions.iter().map(led).collect());
            }
        }
        change(5, vec![Action::Normal]);
    }

    /// A group: what its buckets watch, and its buckets with their output where the station is.
    fn of_group(&self, group: &Group, found: &mut Candidates) {
        let plan = self.shared.plan();
        for watched in group.buckets.iter().filter_map(|bucket| bucket.watch_port) {
            let slot = plan.slot_of_ofport(watched).filter(|slot| plan.ports[usize::from(*slot)].link.is_none());
            if let Some(port) = slot.and_then(|slot| plan.ports[usize::from(slot)].lab) {
                of_watched(self.net, self.rule.node, port, self.far, found);
            }
        }
        let Some(output) = self.output else { return };
        for at in 0..group.buckets.len() {
            let mut changed = group.clone();
            changed.buckets[at] = towards(&group.buckets[at], output);
            if changed != *group {
                self.add(found, 1, "mod-group", &one_word(&changed.to_string()));
            }
        }
        if group.buckets.is_empty() {
            let words = format!("{},bucket=actions=output:{output}", one_word(&group.to_string()));
            self.add(found, 1, "mod-group", &words);
        }
    }
}

/// A bucket that leads to a port, and watches it if it watched one.
fn towards(bucket: &Bucket, output: u32) -> Bucket {
    let actions = match bucket.actions[..] {
        [] => vec![Action::Output(output)],
        _ => bucket.actions.iter().map(|action| directed(action, output)).collect(),
    };
    Bucket { watch_port: bucket.watch_port.map(|_| output), actions, ..bucket.clone() }
}

/// An action that sends, or that writes the port to send by, with another port.
fn directed(action: &Action, output: u32) -> Action {
    match action {
        Action::Output(_) | Action::Group(_) => Action::Output(output),
        Action::Load { to, .. } if is_register(to.field) => Action::Load { to: *to, value: output.into() },
        action => action.clone(),
    }
}

fn is_register(field: &packet::Field) -> bool {
    field.name.strip_prefix("reg").is_some_and(|number| number.parse::<u8>().is_ok())
}

/// Whether an action changes the frame.
fn rewrites(action: &Action) -> bool {
    match action {
        Action::Load { to, .. } => !is_register(to.field),
        Action::SetField { field, .. } => !is_register(field),
        action => {
            let text = action.to_string();
            ["mod_", "set_", "push_", "strip_", "pop_", "dec_"].iter().any(|word| text.starts_with(word))
        }
    }
}

/// A flow's table, priority and match, as `--strict del-flows` takes them.
fn matched(flow: &Flow) -> String {
    let flags = FlowFlags::default();
    let (cookie, idle_timeout, hard_timeout, importance) = (0, 0, 0, 0);
    let bare =
        Flow { cookie, idle_timeout, hard_timeout, importance, flags, actions: Vec::new(), ..flow.clone() }.to_string();
    let text = bare.split_once("actions=").map_or("", |(matched, _)| matched);
    one_word(text.trim_end_matches([',', ' ']))
}

/// The text without blanks.
fn one_word(text: &str) -> String {
    text.replace(", ", ",").replace(' ', ",")
}
