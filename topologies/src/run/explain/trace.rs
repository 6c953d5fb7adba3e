//! What a switch decides about a frame, from its state as it is: a [`Trace`] of the bridge that the port is in.

use packet::{FlowKey, FlowMask};
use sim_core::{DropReason, PortIx, Time};
use switch::Switch;
use switch::normal::{self, Route, Step};
use switch::plan::Plan;
use switch::program::Op;
use switch::trace::{Trace, TraceDrop, TraceKind, TraceStep};
use switch::translate::{Observer, Seen, World, translate};

/// The bridge that a port is in.
pub(super) fn bridge_of(switch: &Switch, port: PortIx) -> Option<&str> {
    switch.bridges().find(|bridge| switch.shared(bridge).is_some_and(|shared| shared.plan().slot(port).is_some()))
}

/// What becomes of a frame that comes in by a port; `None` if that is in no bridge.
pub(super) fn trace(switch: &Switch, now: Time, port: PortIx, frame: &[u8]) -> Option<Trace> {
    let bridge = bridge_of(switch, port)?;
    let shared = switch.shared(bridge)?;
    let plan = shared.plan();
    let slot = plan.slot(port)?;
    let key = FlowKey::extract(plan.ports[usize::from(slot)].ofport.into(), frame);
    let (macs, tables) = (shared.macs.view(now), shared.tables());
    let mut steps = Steps(vec![TraceStep { depth: 0, kind: TraceKind::Bridge, text: bridge.to_owned() }]);
    let world = World { tables: &tables, plan: &plan, macs: Some(&macs) };
    let translation = translate(world, slot, &key, &mut steps);
    let name = |slot: u16| name_of(switch, &plan, slot);
    let (mut outputs, mut dropped) = (Vec::new(), None);
    for op in translation.program.ops() {
        match op {
            Op::Output(out) => outputs.push((name(out), 0)),
            Op::Normal => {
                let last = in_vlan(frame, translation.last.vlan_tci() & 0xfff);
                let verdict = normal::decide(&plan, &macs, slot, &last, &mut NormalSteps(&mut steps, switch, &plan));
                match verdict.route {
                    Route::Port(out, _) => outputs.push((name(out), 0)),
                    Route::Flood(path) => {
                        outputs.extend(normal::flood(&plan, slot, &path).map(|out| (name(out), 0)));
                        if outputs.is_empty()
                            && let Route::Drop(at, reason, args) = normal::nowhere(&plan, slot, &path)
                        {
                            dropped = Some(TraceDrop { reason, port: at.map(name), args });
                        }
                    }
                    Route::Drop(at, reason, args) => dropped = Some(TraceDrop { reason, port: at.map(name), args }),
                }
            }
            Op::Everywhere { .. } => {
                outputs.extend(plan.flood_order.iter().filter(|out| **out != slot).map(|&out| (name(out), 0)))
            }
            Op::Drop(reason) => dropped = Some(TraceDrop { reason, port: None, args: sim_core::DropArgs::None }),
            _ => {}
        }
    }
    if outputs.is_empty() && dropped.is_none() {
        dropped = Some(TraceDrop { reason: DropReason::FlowDrop, port: None, args: sim_core::DropArgs::None });
    }
    Some(Trace {
        bridge: bridge.to_owned(),
        flow: key,
        steps: steps.0,
        last: translation.last,
        mask: translation.mask,
        actions: String::new(),
        outputs,
        dropped,
    })
}

/// The name of the port of a slot.
pub(super) fn name_of(switch: &Switch, plan: &Plan, slot: u16) -> String {
    let port = plan.ports.get(usize::from(slot));
    let lab = port.and_then(|port| switch.interface(port.lab?));
    lab.map_or_else(|| "LOCAL".to_owned(), str::to_owned)
}

/// The frame with this VLAN in its outer tag: without one for 0.
pub(super) fn in_vlan(frame: &[u8], vlan: u16) -> Vec<u8> {
    let Some((addresses, rest)) = frame.split_at_checked(12) else { return frame.to_vec() };
    let rest = if rest.starts_with(&[0x81, 0]) && rest.len() >= 4 { &rest[4..] } else { rest };
    let [high, low] = vlan.to_be_bytes();
    let tag: &[u8] = if vlan == 0 { &[] } else { &[0x81, 0, high, low] };
    [addresses, tag, rest].concat()
}

struct Steps(Vec<TraceStep>);

impl Observer for Steps {
    fn see(&mut self, depth: u8, seen: Seen<'_>) {
        let (kind, text) = match seen {
            Seen::Lookup { table, rule, tables, key } => {
                let rule = rule.map(|rule| rule_text(&rule.flow));
                let text = rule.clone().unwrap_or_else(|| "no match".to_owned());
                let _: (&_, &FlowKey, FlowMask) = (tables, key, FlowMask::EMPTY);
                (TraceKind::Table { table, rule, nearest: None }, text)
            }
            Seen::Action(action) => (TraceKind::Action, action.to_string()),
            Seen::Normal(_) => return,
            Seen::Detail(text) => (TraceKind::Detail, text.to_string()),
            Seen::Error(text) => (TraceKind::Error, text.to_string()),
        };
        self.0.push(TraceStep { depth, kind, text });
    }
}

struct NormalSteps<'a>(&'a mut Steps, &'a Switch, &'a Plan);

impl normal::Observer for NormalSteps<'_> {
    fn step(&mut self, step: Step) {
        let text = match step {
            Step::Vlan(_) => return,
            Step::Lookup(_, Some(slot)) => format!("forwarding to learned port {}", name_of(self.1, self.2, slot)),
            Step::Lookup(_, None) => "no learned MAC for destination, flooding".to_owned(),
        };
        self.0.0.push(TraceStep { depth: 1, kind: TraceKind::Detail, text });
    }
}

fn rule_text(flow: &openflow::Flow) -> String {
    let actions: Vec<String> = flow.actions.iter().map(ToString::to_string).collect();
    let actions = if actions.is_empty() { "drop".to_owned() } else { actions.join(",") };
    let table = if flow.table == 0 { String::new() } else { format!("table={},", flow.table) };
    let matched = flow.matched.to_string();
    let comma = if matched.is_empty() { "" } else { "," };
    format!("{table}priority={}{comma}{matched},actions={actions}", flow.priority)
}
