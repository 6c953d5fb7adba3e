//! Tracing a frame in a bridge.

use super::record::Recorder;
use super::{Actions, Trace, TraceDrop, TraceKind, TraceStep};
use crate::bridge::Bridge;
use crate::plan::{Gate, NO_SLOT, Plan};
use crate::program::{Op, Program};
use crate::switch::Switch;
use crate::translate::{Effect, Translation, World, translate, translate_actions};
use openflow::Action;
use packet::{EtherType, FlowKey, Match};
use sim_core::{DropArgs, DropReason, PortIx, Time};

/// What a trace is asked for besides the key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish<'a> {
    /// The actions of a packet-out.
    pub actions: Option<&'a [Action]>,
    /// Whether flows and stations are learnt.
    pub learns: bool,
    /// Whether ports are called by their names.
    pub names: bool,
    /// Bytes of the frame, without FCS; `None` if there is no frame.
    pub len: Option<usize>,
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
        Some(run(bridge, now, &key, Wish { len: Some(frame.len()), ..Wish::default() }).0)
    }

    /// The same for frames of a key, whose port is an OpenFlow number. `None` if there is no such bridge.
    pub fn trace_key(&self, now: Time, bridge: &str, key: &FlowKey) -> Option<Trace> {
        Some(run(self.bridge(bridge)?, now, key, Wish::default()).0)
    }
}

/// Traces frames of a key.
pub(super) fn run(bridge: &Bridge, now: Time, key: &FlowKey, wish: Wish<'_>) -> (Trace, Learnt) {
    let plan = bridge.shared.plan();
    let tables = bridge.shared.tables();
    let macs = bridge.shared.macs.view(now);
    let name_of = |slot: u16| Some(bridge.slots.get(usize::from(slot))?.as_ref()?.name.to_string());
    let mut recorder =
        Recorder { steps: Vec::new(), learns: wish.learns, stations: Vec::new(), refusal: None, name: &name_of };
    let text = format!("bridge(\"{}\")", bridge.name);
    recorder.steps.push(TraceStep { depth: 0, kind: TraceKind::Bridge, text });
    let in_slot = plan.slot_of_ofport(key.in_port()).unwrap_or(NO_SLOT);
    let world = World { tables: &tables, plan: &plan, macs: Some(&macs) };
    let translation = match wish.actions {
        Some(actions) => translate_actions(world, in_slot, key, actions, &mut recorder),
        None => translate(world, in_slot, key, &mut recorder),
    };
    let Recorder { steps, stations, refusal, .. } = recorder;
    let Translation { program, mask, last, effects, failure, .. } = translation;
    let label = |slot: u16| if wish.names { name_of(slot) } else { None };
    let actions = Actions { program: &program, key, plan: &plan, in_slot, name: &label }.to_string();
    let mut ends = Ends { plan: &plan, in_slot, len: wish.len, outputs: Vec::new(), dropped: None };
    ends.program(&program, &program, *key);
    let closed = plan.ports.get(usize::from(in_slot)).filter(|port| port.gate != Gate::Open || port.is_mirror_output);
    let mut trace = Trace {
        bridge: bridge.name.clone(),
        flow: *key,
        steps,
        last,
        mask,
        actions,
        outputs: Vec::new(),
        dropped: None,
        failure,
    };
    if closed.is_some() && wish.actions.is_none() {
        // What comes in by a port that is closed is learnt at most.
        trace.actions = "drop".to_owned();
        ends.outputs.clear();
        ends.dropped = Some((Some(in_slot), DropReason::PortBlocked, DropArgs::None));
    }
    trace.outputs = ends.outputs.iter().filter_map(|(slot, vlan)| Some((name_of(*slot)?, *vlan))).collect();
    if trace.outputs.is_empty() && !ends.delivers(&program) {
        let (slot, reason, args) = match (refusal, ends.dropped) {
            (Some(refusal), Some((_, reason, _))) if refusal.1 == reason => refusal,
            (_, Some(dropped)) => dropped,
            (_, None) => (None, DropReason::FlowDrop, DropArgs::None),
        };
        trace.dropped = Some(TraceDrop { reason, port: slot.and_then(name_of), args });
    }
    (trace, Learnt { effects, stations })
}

/// Where a program sends.
struct Ends<'a> {
    plan: &'a Plan,
    in_slot: u16,
    len: Option<usize>,
    /// Slots, with the VLAN of the outer tag.
    outputs: Vec<(u16, u16)>,
    /// What keeps it from a port, or ends it.
    dropped: Option<(Option<u16>, DropReason, DropArgs)>,
}

impl Ends<'_> {
    /// Whether it goes to a controller.
    fn delivers(&self, program: &Program) -> bool {
        !matches!(self.dropped, Some((_, DropReason::TtlExpired, _)))
            && program.ops().any(|op| matches!(op, Op::Controller(_)))
    }

    fn program(&mut self, whole: &Program, program: &Program, mut key: FlowKey) {
        let parts = whole.parts.as_deref();
        let inner = |at: u16| parts.and_then(|parts| parts.programs.get(usize::from(at)));
        for op in program.ops() {
            match op {
                Op::Output(slot) => self.output(slot, &key),
                Op::Everywhere { floodable_only } => {
                    for (slot, port) in self.plan.ports.iter().enumerate() {
                        let slot = slot as u16;
                        if port.ofport != 0 && (port.is_floodable || !floodable_only) && slot != self.in_slot {
                            self.output(slot, &key);
                        }
                    }
                }
                Op::Set(bits) => {
                    let word = &mut key.words_mut()[usize::from(bits.word)];
                    *word = *word & !bits.mask | bits.value;
                }
                Op::PushVlan(tag) => key.push_tag(EtherType(tag.tpid), tag.tci),
                Op::PopVlan => key.pop_tag(),
                Op::Clone(at) => inner(at).into_iter().for_each(|inner| self.program(whole, inner, key)),
                Op::IfLonger { than, longer, others } => {
                    let is_longer = self.len.map(|len| len > usize::from(than));
                    let answers = [(longer, is_longer != Some(false)), (others, is_longer != Some(true))];
                    for (at, _) in answers.into_iter().filter(|(_, is_possible)| *is_possible) {
                        inner(at).into_iter().for_each(|inner| self.program(whole, inner, key));
                    }
                }
                Op::Select(at) => {
                    // The frame's hash decides: all that it may choose.
                    let select = parts.and_then(|parts| parts.selects.get(usize::from(at)));
                    let mut programs: Vec<u16> = select.map(|select| select.programs.to_vec()).unwrap_or_default();
                    programs.sort_unstable();
                    programs.dedup();
                    for at in programs {
                        inner(at).into_iter().for_each(|inner| self.program(whole, inner, key));
                    }
                }
                Op::Drop(reason) => {
                    self.dropped.get_or_insert((None, reason, DropArgs::None));
                }
                _ => {}
            }
        }
    }

    fn output(&mut self, slot: u16, key: &FlowKey) {
        let Some(port) = self.plan.ports.get(usize::from(slot)) else { return };
        let from = self.plan.ports.get(usize::from(self.in_slot));
        if from.is_some_and(|from| from.is_protected_from(port)) {
            self.dropped.get_or_insert((Some(slot), DropReason::Protected, DropArgs::None));
        } else if port.link.is_none() {
            self.dropped.get_or_insert((Some(slot), port.silence(), DropArgs::None));
        } else {
            let vlan = if key.has_vlan() { key.vlan_tci() & 0xfff } else { 0 };
            self.outputs.push((slot, vlan));
        }
    }
}

/// A flow as `ofproto/trace` takes it: a match whose fields are the frame's.
pub(super) fn key_of(bridge: &Bridge, flow: &str) -> Result<FlowKey, String> {
    let port =
        |name: &str| bridge.slot_named(name).and_then(|slot| Some(bridge.slots[usize::from(slot)].as_ref()?.ofport));
    let parsed = Match::parse_with(flow, &|name| port(name).map(u32::from));
    parsed.map(|parsed| parsed.key).map_err(|error| format!("Bad openflow flow syntax: {flow}: {error}"))
}
