//! Tracing a frame in a bridge.

use super::ends::{At, Ends};
use super::record::Recorder;
use super::{Actions, Trace, TraceDrop, TraceKind, TraceStep};
use crate::bridge::Bridge;
use crate::plan::{Gate, NO_SLOT};
use crate::switch::Switch;
use crate::translate::{Effect, Translation, World, resume, translate, translate_actions};
use openflow::Action;
use packet::key::slot;
use packet::wire::ethernet;
use packet::{FlowKey, Match};
use sim_core::{DropArgs, DropReason, PortIx, Time};
use std::sync::Arc;

/// What a trace is asked for besides the key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish<'a> {
    /// The actions of a packet-out.
    pub actions: Option<&'a [Action]>,
    /// Whether flows and stations are learnt.
    pub learns: bool,
    /// Whether ports are called by their names.
    pub names: bool,
    /// The frame, without FCS, if there is one.
    pub frame: Option<&'a [u8]>,
}

/// What a trace found that is to be done besides.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    pub effects: Vec<Effect>,
    pub stations: Vec<(crate::mac_table::StationKey, u16)>,
}

impl Switch {
    /// What a bridge would do now with a frame that comes in by a port of the node, and why. Nothing is learnt, sent or
    /// counted. `None` if there is no such bridge, or the port isn't in it.
    pub fn trace(&self, now: Time, bridge: &str, in_port: PortIx, frame: &[u8]) -> Option<Trace> {
        let bridge = self.bridge(bridge)?;
        let plan = bridge.shared.plan();
        let slot = plan.slot(in_port)?;
        let key = FlowKey::extract(u32::from(plan.ports[usize::from(slot)].ofport), frame);
        Some(run(bridge, now, &key, Wish { frame: Some(frame), ..Wish::default() }).0)
    }

    /// The same for frames of a key, whose port is an OpenFlow number. `None` if there is no such bridge.
    pub fn trace_key(&self, now: Time, bridge: &str, key: &FlowKey) -> Option<Trace> {
        Some(run(self.bridge(bridge)?, now, key, Wish::default()).0)
    }
}

/// How often frames are followed that are read again.
const MAX_AGAIN: usize = 16;

/// Traces frames of a key.
pub(super) fn run(bridge: &Bridge, now: Time, key: &FlowKey, wish: Wish<'_>) -> (Trace, Learnt) {
    let plan = bridge.shared.plan();
    let tables = bridge.shared.tables();
    let macs = bridge.shared.macs.view(now);
    let name_of = |slot: u16| Some(bridge.slots.get(usize::from(slot))?.as_ref()?.name.to_string());
    let in_slot = plan.slot_of_ofport(key.in_port()).unwrap_or(NO_SLOT);
    let world = World { tables: &tables, plan: &plan, macs: Some(&macs) };
    let mut learnt = Learnt::default();
    let mut refused = None;
    // What one translation found: its trace, without what becomes of the frame, and its program.
    let mut one = |number: u32, key: &FlowKey, translate: &dyn Fn(&mut Recorder<'_>) -> Translation| {
        let text = format!("bridge(\"{}\")", bridge.name);
        let steps = vec![TraceStep { depth: 0, kind: TraceKind::Bridge, text }];
        let mut recorder = Recorder { steps, learns: wish.learns, stations: Vec::new(), refusal: None, name: &name_of };
        let Translation { program, mask, last, effects, failure, .. } = translate(&mut recorder);
        let label = |slot: u16| if wish.names { name_of(slot) } else { None };
        let actions = Actions { program: &program, key, plan: &plan, in_slot, name: &label, mirrors: number == 0 };
        let actions = actions.to_string();
        let Recorder { steps, stations, refusal, .. } = recorder;
        learnt.effects.extend(effects);
        learnt.stations.extend(stations);
        refused = refusal.or(refused);
        let [flow, last] = [*key, last].map(|mut key| {
            key.set(slot::RECIRC_ID, number.into());
            key
        });
        let trace = Trace {
            bridge: bridge.name.clone(),
            number,
            flow,
            steps,
            last,
            mask,
            actions,
            outputs: Vec::new(),
            dropped: None,
            failure,
            behind: Vec::new(),
        };
        (trace, program)
    };
    let (mut trace, program) = one(0, key, &|recorder| match wish.actions {
        Some(actions) => translate_actions(world, in_slot, key, actions, recorder),
        None => translate(world, in_slot, key, recorder),
    });
    let mut ends = Ends::new(&plan, in_slot);
    let is_cut = wish.frame.is_some_and(|bytes| bytes.len() < ethernet::HEADER_SIZE);
    let frame = wish.frame.filter(|_| !is_cut).map(|bytes| ends.pool.copied(bytes));
    ends.program(&program, At { key: *key, frame });
    let mut followed = 0;
    while followed < ends.again.len().min(MAX_AGAIN) {
        let again = &ends.again[followed];
        let (wanted, number, frame) = (Arc::clone(&again.resume), again.number, again.frame.share());
        followed += 1;
        let read = FlowKey::extract(key.in_port(), &frame);
        let key = wanted.key(&read);
        let (behind, program) = one(number, &key, &|recorder| resume(world, in_slot, &wanted, &key, recorder));
        trace.behind.push(behind);
        ends.program(&program, At { key, frame: Some(frame) });
    }
    if is_cut {
        trace.actions = "drop".to_owned();
        ends.outputs.clear();
        ends.is_told = false;
        ends.dropped = Some((Some(in_slot), DropReason::Malformed, DropArgs::None));
    }
    let closed = plan.ports.get(usize::from(in_slot)).filter(|port| port.gate != Gate::Open || port.is_mirror_output);
    if closed.is_some() && wish.actions.is_none() {
        // What comes in by a port that is closed is learnt at most.
        trace.actions = "drop".to_owned();
        trace.behind.clear();
        ends.outputs.clear();
        ends.dropped = Some((Some(in_slot), DropReason::PortBlocked, DropArgs::None));
    }
    trace.outputs = ends.outputs.iter().filter_map(|(slot, vlan)| Some((name_of(*slot)?, *vlan))).collect();
    if trace.outputs.is_empty() && !ends.delivers() {
        let (slot, reason, args) = match (refused, ends.dropped) {
            (Some(refusal), Some((_, reason, _))) if refusal.1 == reason => refusal,
            (_, Some(dropped)) => dropped,
            (_, None) => (None, DropReason::FlowDrop, DropArgs::None),
        };
        trace.dropped = Some(TraceDrop { reason, port: slot.and_then(name_of), args });
    }
    (trace, learnt)
}

/// A flow as `ofproto/trace` takes it: a match whose fields are the frame's.
pub(super) fn key_of(bridge: &Bridge, flow: &str) -> Result<FlowKey, String> {
    let port =
        |name: &str| bridge.slot_named(name).and_then(|slot| Some(bridge.slots[usize::from(slot)].as_ref()?.ofport));
    let parsed = Match::parse_with(flow, &|name| port(name).map(u32::from));
    parsed.map(|parsed| parsed.key).map_err(|error| format!("Bad openflow flow syntax: {flow}: {error}"))
}
