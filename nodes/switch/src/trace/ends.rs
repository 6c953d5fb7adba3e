//! Where a program sends a frame, and what keeps it from a port: its steps carried out on the key, and on the frame itself
//! if there is one.
//!
//! With the frame, lengths and hashes choose as they would; a frame that is read again is followed by [`Ends::again`].
//! Without it, all that may be is told.

use crate::frame_hash::frame_hash;
use crate::plan::Plan;
use crate::program::{Op, Parts, Program};
use crate::translate::Resume;
use crate::{mpls, rewrite, vlan};
use packet::{EtherType, FlowKey};
use sim_core::{DropArgs, DropReason, Frame, Pool};
use std::sync::Arc;

/// A frame on its way: its key, and itself if it is known.
pub(super) struct At {
    pub key: FlowKey,
    pub frame: Option<Frame>,
}

impl At {
    fn copy(&self) -> Self {
        Self { key: self.key, frame: self.frame.as_ref().map(Frame::share) }
    }
}

/// A frame that is to be read again.
pub(super) struct Again {
    /// Its number in the words of `recirc(1)`.
    pub number: u32,
    pub resume: Arc<Resume>,
    pub frame: Frame,
}

/// Where programs send.
pub(super) struct Ends<'a> {
    pub plan: &'a Plan,
    pub in_slot: u16,
    pub pool: Pool,
    /// Slots, with the VLAN of the outer tag.
    pub outputs: Vec<(u16, u16)>,
    /// What keeps it from a port, or ends it.
    pub dropped: Option<(Option<u16>, DropReason, DropArgs)>,
    /// Frames that are to be read again, in order.
    pub again: Vec<Again>,
    /// Whether it goes to a controller.
    pub is_told: bool,
}

impl<'a> Ends<'a> {
    pub(super) fn new(plan: &'a Plan, in_slot: u16) -> Self {
        let pool = Pool::new();
        Self { plan, in_slot, pool, outputs: Vec::new(), dropped: None, again: Vec::new(), is_told: false }
    }

    /// Whether it goes to a controller, and not only the news that its time to live ran out.
    pub(super) fn delivers(&self) -> bool {
        self.is_told && !matches!(self.dropped, Some((_, DropReason::TtlExpired, _)))
    }

    /// Follows a program.
    pub(super) fn program(&mut self, program: &Program, mut at: At) {
        self.is_told |= program.ops().any(|op| matches!(op, Op::Controller(_)));
        self.steps(program.parts.as_deref(), program, &mut at);
    }

    fn part(&mut self, parts: Option<&Parts>, number: u16, at: &At) {
        if let Some(program) = parts.and_then(|parts| parts.programs.get(usize::from(number))) {
            self.steps(parts, program, &mut at.copy());
        }
    }

    fn steps(&mut self, parts: Option<&Parts>, program: &Program, at: &mut At) {
        for op in program.ops() {
            match op {
                Op::Output(slot) => self.output(slot, &at.key),
                Op::Everywhere { floodable_only } => {
                    for (slot, port) in self.plan.ports.iter().enumerate() {
                        let slot = slot as u16;
                        if port.ofport != 0 && (port.is_floodable || !floodable_only) && slot != self.in_slot {
                            self.output(slot, &at.key);
                        }
                    }
                }
                Op::Clone(number) => self.part(parts, number, at),
                Op::IfLonger { than, longer, others } => {
                    let is_longer = at.frame.as_ref().map(|frame| frame.len() > usize::from(than));
                    let answers = [(longer, is_longer != Some(false)), (others, is_longer != Some(true))];
                    for (number, _) in answers.into_iter().filter(|(_, is_possible)| *is_possible) {
                        self.part(parts, number, at);
                    }
                }
                Op::Select(number) => {
                    let Some(select) = parts.and_then(|parts| parts.selects.get(usize::from(number))) else { continue };
                    let hash = at.frame.as_ref().map(|frame| frame_hash(frame, select.basis) as usize);
                    let chosen = hash.and_then(|hash| hash.checked_rem(select.programs.len()));
                    let mut programs = match chosen {
                        Some(chosen) => vec![select.programs[chosen]],
                        None => select.programs.to_vec(),
                    };
                    programs.sort_unstable();
                    programs.dedup();
                    programs.into_iter().for_each(|program| self.part(parts, program, at));
                }
                Op::Recirculate(number) => {
                    let resume = parts.and_then(|parts| parts.resumes.get(usize::from(number)));
                    if let (Some(resume), Some(frame)) = (resume, &at.frame) {
                        let number = u32::from(number) + 1;
                        self.again.push(Again { number, resume: Arc::clone(resume), frame: frame.share() });
                    }
                }
                Op::Drop(reason) => {
                    self.dropped.get_or_insert((None, reason, DropArgs::None));
                }
                op => self.write(op, at),
            }
        }
    }

    /// Carries out a step that changes the frame.
    fn write(&mut self, op: Op, At { key, frame }: &mut At) {
        match op {
            Op::Set(bits) => {
                let word = &mut key.words_mut()[usize::from(bits.word)];
                *word = *word & !bits.mask | bits.value;
            }
            Op::PushVlan(tag) => key.push_tag(EtherType(tag.tpid), tag.tci),
            Op::PopVlan => key.pop_tag(),
            _ => {}
        }
        let (Some(frame), pool) = (frame, &mut self.pool) else { return };
        match op {
            Op::Set(bits) => rewrite::set(frame, pool, bits),
            Op::PushVlan(tag) => vlan::push(frame, pool, tag),
            Op::PopVlan => vlan::pop(frame, pool),
            Op::PushMpls { ethertype, lse } => mpls::push(frame, pool, ethertype, lse),
            Op::PopMpls(ethertype) => mpls::pop(frame, pool, ethertype),
            _ => {}
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
