//! The steps of a program that do more than send.

use super::Execution;
use crate::frame_hash::frame_hash;
use crate::packet_in::PacketIn;
use crate::program::{Op, Parts, Program};
use crate::translate::{Resume, Unobserved, World, resume};
use crate::{mpls, rewrite, vlan};
use flow_table::MeterVerdict;
use openflow::{Controller, PacketInReason};
use packet::FlowKey;
use sim_core::{DropArgs, DropReason, Frame, Offload};
use std::sync::Arc;

/// How often a frame and its copies may be read again.
const MAX_AGAIN: u32 = 256;

impl Execution<'_> {
    /// Carries out a program that may send the frame to several places.
    pub(super) fn run_steps(&mut self, program: &Program, frame: Frame) {
        self.is_split = true;
        self.is_sent = false;
        self.cut = u32::MAX;
        self.again = 0;
        self.carry_out(program.parts.as_deref(), program, frame);
        self.is_split = false;
        if let Some((frame, why)) = self.lost.take()
            && !self.is_sent
        {
            self.out.drop(frame, why);
        }
    }

    /// Carries out a program whose parts are these.
    fn carry_out(&mut self, parts: Option<&Parts>, program: &Program, mut frame: Frame) {
        let (steps, last) = program.split();
        for step in steps {
            if !self.step(parts, *step, &mut frame) {
                return self.drop(frame, None, DropReason::Meter, DropArgs::None);
            }
        }
        match last {
            Op::Output(slot) => self.output_cut(slot, frame),
            Op::Normal => self.normal(frame),
            Op::Drop(reason) => self.drop(frame, None, reason, DropArgs::None),
            Op::Clone(at) => self.part(parts, at, frame),
            last @ (Op::IfLonger { .. } | Op::Select(_)) => match choice(parts, last, &frame) {
                Some(at) => self.part(parts, at, frame),
                None => self.drop(frame, None, DropReason::FlowDrop, DropArgs::None),
            },
            last => match self.step(parts, last, &mut frame) {
                false => self.drop(frame, None, DropReason::Meter, DropArgs::None),
                // A step that tells others of the frame is its end only if none was told.
                true if self.lost.is_none() => self.drop(frame, None, DropReason::FlowDrop, DropArgs::None),
                true => {}
            },
        }
    }

    /// Carries out a step on a frame that goes on, unless a meter ends it.
    #[inline]
    fn step(&mut self, parts: Option<&Parts>, step: Op, frame: &mut Frame) -> bool {
        match step {
            Op::Output(slot) => self.output_cut(slot, frame.share()),
            Op::Normal => self.normal(frame.share()),
            Op::NormalFrom(slot) => {
                self.from = slot;
                self.normal(frame.share());
                self.from = self.in_slot;
            }
            Op::Everywhere { floodable_only } => self.everywhere(floodable_only, frame),
            Op::Set(bits) => rewrite::set(frame, self.pool, bits),
            Op::PushVlan(tag) => vlan::push(frame, self.pool, tag),
            Op::PopVlan => vlan::pop(frame, self.pool),
            Op::PushMpls { ethertype, lse } => mpls::push(frame, self.pool, ethertype, lse),
            Op::PopMpls(ethertype) => mpls::pop(frame, self.pool, ethertype),
            Op::Truncate(len) => self.cut = len,
            Op::Meter(id) => return self.charge(id, frame),
            Op::Controller(at) => {
                if let Some(controller) = parts.and_then(|parts| parts.controllers.get(usize::from(at))) {
                    self.punt(controller, frame);
                }
            }
            Op::Sample(at) => {
                if let Some(sample) = parts.and_then(|parts| parts.samples.get(usize::from(at))) {
                    self.sw.packet_ins.sample(sample.probability);
                }
            }
            Op::Clone(at) => self.part(parts, at, frame.share()),
            Op::IfLonger { .. } | Op::Select(_) => {
                if let Some(at) = choice(parts, step, frame) {
                    self.part(parts, at, frame.share());
                }
            }
            Op::Recirculate(at) => {
                if let Some(resume) = parts.and_then(|parts| parts.resumes.get(usize::from(at))) {
                    self.recirculate(resume, frame.share());
                }
            }
            Op::Drop(reason) => self.drop(frame.share(), None, reason, DropArgs::None),
        }
        true
    }

    /// Carries out a program that is a part of another one.
    fn part(&mut self, parts: Option<&Parts>, at: u16, frame: Frame) {
        let Some(program) = parts.and_then(|parts| parts.programs.get(usize::from(at))) else {
            return self.drop(frame, None, DropReason::FlowDrop, DropArgs::None);
        };
        program.count(1, frame.len() as u64, self.now);
        self.carry_out(parts, program, frame);
    }

    /// Sends to an interface, no more than `Truncate` has said.
    #[inline]
    fn output_cut(&mut self, slot: u16, mut frame: Frame) {
        if self.cut != u32::MAX {
            let len = std::mem::replace(&mut self.cut, u32::MAX) as usize;
            if len < frame.len() && frame.offload() != Offload::default() {
                // What is left undone is noted for all that share the bytes, and can't be done on a part of them.
                frame = self.pool.copied(&frame[..len]);
            }
            frame.truncate(len);
        }
        self.output(slot, frame);
    }

    /// Sends to all ports but the one it came from, whatever their VLANs.
    fn everywhere(&mut self, floodable_only: bool, frame: &Frame) {
        let plan = self.plan;
        let mut is_tried = false;
        for (slot, port) in plan.ports.iter().enumerate() {
            let is_wanted = port.ofport != 0 && (port.is_floodable || !floodable_only);
            if is_wanted && slot != usize::from(self.in_slot) && port.link.is_some() {
                self.output(slot as u16, frame.share());
                is_tried = true;
            }
        }
        if !is_tried {
            self.drop(frame.share(), None, DropReason::PortDown, DropArgs::None);
        }
    }

    /// Charges a meter; false if it ends the frame. A meter that isn't there lets all pass.
    fn charge(&mut self, id: u32, frame: &mut Frame) -> bool {
        match self.verdict(id, frame.len()) {
            MeterVerdict::Pass => true,
            MeterVerdict::Drop => false,
            MeterVerdict::Remark(by) => {
                rewrite::raise_drop_precedence(frame, self.pool, by);
                true
            }
        }
    }

    fn verdict(&mut self, id: u32, size: usize) -> MeterVerdict {
        if self.meter.as_ref().is_none_or(|(last, _)| *last != id) {
            // Once a batch, unless its frames use several.
            self.meter = self.sw.tables().meter(id).map(|meter| (id, Arc::clone(meter)));
        }
        self.meter.as_ref().map_or(MeterVerdict::Pass, |(_, meter)| meter.charge(self.now, size))
    }

    /// Has a frame wait for the controllers.
    #[cold]
    fn punt(&mut self, controller: &Controller, frame: &Frame) {
        let packets = &self.sw.packet_ins;
        if !packets.is_listening() {
            return self.drop(frame.share(), None, DropReason::NoListener, DropArgs::None);
        }
        if let Some(id) = controller.meter
            && self.verdict(id, frame.len()) == MeterVerdict::Drop
        {
            return self.drop(frame.share(), None, DropReason::Meter, DropArgs::None);
        }
        let len = std::mem::replace(&mut self.cut, u32::MAX).min(controller.max_len.into()) as usize;
        self.sw.packet_ins.push(PacketIn {
            in_port: self.plan.ports[usize::from(self.in_slot)].ofport,
            total_len: frame.len(),
            bytes: frame[..len.min(frame.len())].to_vec(),
            controller: controller.clone(),
        });
        // Who is told that the time to live ran out doesn't have the frame.
        self.is_sent |= controller.reason != PacketInReason::InvalidTtl;
    }

    /// Reads a frame again, and does what is then to be done.
    #[cold]
    fn recirculate(&mut self, wanted: &Resume, frame: Frame) {
        if self.again == MAX_AGAIN {
            return self.drop(frame, None, DropReason::TooManyResubmits, DropArgs::None);
        }
        self.again += 1;
        let ofport = self.plan.ports[usize::from(self.in_slot)].ofport;
        let key = FlowKey::extract(ofport.into(), &frame);
        let translation = {
            let tables = self.sw.tables();
            let world = World { tables: &tables, plan: self.plan, macs: None };
            resume(world, self.in_slot, wanted, &key, &mut Unobserved)
        };
        for effect in &translation.effects {
            crate::worker::carry_out(self.sw, self.now, effect);
        }
        let program = &translation.program;
        program.count(1, frame.len() as u64, self.now);
        self.carry_out(program.parts.as_deref(), program, frame);
        program.push();
    }
}

/// The program that a frame's length or hash chooses.
fn choice(parts: Option<&Parts>, step: Op, frame: &Frame) -> Option<u16> {
    match step {
        Op::IfLonger { than, longer, others } => {
            Some(if wire_size(frame) > usize::from(than) { longer } else { others })
        }
        Op::Select(at) => {
            let select = parts?.selects.get(usize::from(at))?;
            let hash = frame_hash(frame, select.basis);
            select.programs.get((hash as usize).checked_rem(select.programs.len())?).copied()
        }
        _ => None,
    }
}

/// The bytes of a frame, or of the largest segment of a super-frame.
fn wire_size(frame: &Frame) -> usize {
    let Offload { segment_size, header_len, .. } = frame.offload();
    match segment_size {
        0 => frame.len(),
        size => frame.len().min(header_len as usize + usize::from(size)),
    }
}
