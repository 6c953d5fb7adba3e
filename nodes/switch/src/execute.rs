//! Carrying out a program on a frame.
//!
//! A frame that a program sends somewhere is not dropped, whatever became of its other copies: their loss is counted at
//! their ports. One that it sends nowhere is dropped once, for the first reason that there was.

mod steps;

use crate::mac_table::View;
use crate::normal::{self, Learn, Path, Route, Unobserved};
use crate::plan::{MirrorOutput, NO_SLOT, Plan, PortPlan};
use crate::port_state::PortState;
use crate::program::{Op, Program};
use crate::shared::Shared;
use crate::vlan::{self, Tags};
use flow_table::MeterState;
use sim_core::{Batch, Drop, DropArgs, DropReason, Frame, Outbox, Pool, PortIx, Time};
use std::sync::Arc;

/// What is at hand for the frames of one batch.
pub(crate) struct Execution<'a> {
    plan: &'a Plan,
    sw: &'a Shared,
    macs: View<'a>,
    now: Time,
    /// The port of the node that the frames came in by, if it was one.
    port: Option<PortIx>,
    in_slot: u16,
    /// The port that NORMAL takes the frame to have come in by.
    from: u16,
    /// The mirrors that have a copy of the frame at hand, a bit for each.
    mirrored: u64,
    /// Whether the frame at hand may go to several places, so that a copy's loss isn't its end.
    is_split: bool,
    /// Whether a copy of it went somewhere.
    is_sent: bool,
    /// The first copy that was lost, and why.
    lost: Option<(Frame, Drop)>,
    /// The bytes that the next output has at most.
    cut: u32,
    /// How often it and its copies were read again.
    again: u32,
    /// The meter that was charged last.
    meter: Option<(u32, Arc<MeterState>)>,
    /// By slot.
    ports: &'a mut [PortState],
    pool: &'a mut Pool,
    out: &'a mut Outbox,
}

impl<'a> Execution<'a> {
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "it is the worker's state, taken apart for one batch")]
    pub(crate) fn new(
        plan: &'a Plan,
        sw: &'a Shared,
        now: Time,
        port: impl Into<Option<PortIx>>,
        in_slot: u16,
        ports: &'a mut [PortState],
        pool: &'a mut Pool,
        out: &'a mut Outbox,
    ) -> Self {
        Self {
            plan,
            sw,
            macs: sw.macs.view(now),
            now,
            port: port.into(),
            in_slot,
            from: in_slot,
            mirrored: 0,
            is_split: false,
            is_sent: false,
            lost: None,
            cut: u32::MAX,
            again: 0,
            meter: None,
            ports,
            pool,
            out,
        }
    }

    /// Counts a frame that came in; `None` if it is too short to be one.
    #[inline]
    pub(crate) fn receive(&mut self, frame: Frame, min_len: usize) -> Option<Frame> {
        self.ports[usize::from(self.in_slot)].rx.count.add(1, frame.len() as u64);
        if frame.len() < min_len {
            self.drop(frame, Some(self.in_slot), DropReason::Malformed, DropArgs::None);
            return None;
        }
        Some(frame)
    }

    /// Carries out one program on all frames of a batch.
    #[inline]
    pub(crate) fn run_all(&mut self, program: &Program, batch: &mut Batch) {
        match program.only() {
            Some(Op::Output(slot)) if self.plan.mirrors.is_empty() => {
                batch.drain().for_each(|frame| self.output(slot, frame));
            }
            _ => batch.drain().for_each(|frame| self.run(program, frame)),
        }
    }

    /// Carries out a program.
    #[inline]
    pub(crate) fn run(&mut self, program: &Program, frame: Frame) {
        if !self.plan.mirrors.is_empty() {
            self.mirrored = 0;
            self.mirror(&frame, self.in_slot, true);
        }
        match program.only() {
            Some(Op::Output(slot)) => self.output(slot, frame),
            Some(Op::Normal) => self.normal(frame),
            _ => self.run_steps(program, frame),
        }
    }

    /// Sends to an interface, as an action asks for it.
    #[inline]
    fn output(&mut self, slot: u16, frame: Frame) {
        let Some(port) = self.plan.ports.get(usize::from(slot)) else { return };
        if self.plan.ports[usize::from(self.in_slot)].is_protected_from(port) {
            return self.drop(frame, Some(slot), DropReason::Protected, DropArgs::None);
        }
        self.send(slot, port.link, frame);
    }

    /// Sends by a port of the node, with the mirrors' copies.
    #[inline]
    fn send(&mut self, slot: u16, port: Option<PortIx>, frame: Frame) {
        let Some(port) = port else {
            let reason = self.plan.ports[usize::from(slot)].silence();
            return self.drop(frame, Some(slot), reason, DropArgs::None);
        };
        if self.plan.mirrors.is_empty() {
            return self.transmit(slot, port, frame);
        }
        self.transmit(slot, port, frame.share());
        self.mirror(&frame, slot, false);
    }

    #[inline]
    fn transmit(&mut self, slot: u16, port: PortIx, frame: Frame) {
        self.is_sent = true;
        self.ports[usize::from(slot)].tx.count.add(1, frame.len() as u64);
        self.out.send(port, frame);
    }

    /// Does what a learning bridge does.
    #[inline]
    pub(crate) fn normal(&mut self, frame: Frame) {
        let verdict = normal::decide(self.plan, &self.macs, self.from, &frame, &mut Unobserved);
        match verdict.learn {
            Learn::Nothing => {}
            Learn::Refresh(key, station) => self.macs.refresh(key, &station),
            Learn::Station(key, bundle) => {
                self.sw.macs.learn(key, bundle, self.now);
                // The table may have moved to a larger array.
                self.macs = self.sw.macs.view(self.now);
            }
        }
        match verdict.route {
            Route::Port(slot, path) => self.send_tagged(slot, &path, frame),
            Route::Flood(path) => self.flood(&path, &frame),
            Route::Drop(slot, reason, args) => self.drop(frame, slot, reason, args),
        }
    }

    #[inline]
    fn send_tagged(&mut self, slot: u16, path: &Path, mut frame: Frame) {
        let port = &self.plan.ports[usize::from(slot)];
        let after = port.vlan.egress(&path.inside, &path.before);
        if after != path.before {
            vlan::retag(&mut frame, self.pool, &path.before, &after);
        }
        self.send(slot, port.tx, frame);
    }

    /// Sends to all ports that carry the VLAN. Ports that want the same tags share bytes.
    fn flood(&mut self, path: &Path, frame: &Frame) {
        let plan = self.plan;
        let mut variants: [Option<(Tags, Frame)>; 2] = [Some((path.before, frame.share())), None];
        let mut is_sent = false;
        for slot in normal::flood(plan, self.from, path) {
            let port = &plan.ports[usize::from(slot)];
            let after = port.vlan.egress(&path.inside, &path.before);
            let known = variants.iter().flatten().find(|(tags, _)| *tags == after).map(|(_, frame)| frame.share());
            let copy = known.unwrap_or_else(|| {
                let mut copy = frame.share();
                vlan::retag(&mut copy, self.pool, &path.before, &after);
                variants[1] = Some((after, copy.share()));
                copy
            });
            self.send(slot, port.tx, copy);
            is_sent = true;
        }
        if !is_sent && let Route::Drop(slot, reason, args) = normal::nowhere(plan, self.from, path) {
            self.drop(frame.share(), slot, reason, args);
        }
    }

    /// Makes the copies that mirrors want of a frame that came in by the port of a slot, or went out of it.
    #[cold]
    fn mirror(&mut self, frame: &Frame, slot: u16, is_incoming: bool) {
        let plan = self.plan;
        let Some(port) = plan.ports.get(usize::from(slot)).filter(|port| port.bundle != NO_SLOT) else { return };
        let Ok(before) = Tags::read(frame, plan.vlan_limit) else { return };
        let Ok(inside) = port.vlan.ingress(&before) else { return };
        for (n, mirror) in plan.mirrors.iter().enumerate().take(u64::BITS as usize) {
            let selected = if is_incoming { &mirror.sources } else { &mirror.destinations };
            let is_selected = selected.as_ref().is_none_or(|slots| slots.contains(&port.bundle));
            let is_vlan = mirror.vlans.as_ref().is_none_or(|vlans| vlans.contains(inside.vid()));
            if !is_selected || !is_vlan || self.mirrored & (1 << n) != 0 {
                continue;
            }
            self.mirrored |= 1 << n;
            let mut copy = frame.share();
            copy.truncate(mirror.snaplen as usize);
            match mirror.output {
                MirrorOutput::Port(out) => self.copy_to(out, &Path { before, inside }, copy),
                MirrorOutput::Vlan(vlan) => self.copy_to_vlan(vlan, &Path { before, inside }, &copy),
            }
        }
    }

    fn copy_to(&mut self, slot: u16, path: &Path, mut frame: Frame) {
        let Some(PortPlan { tx: Some(lab), vlan: rules, .. }) = self.plan.ports.get(usize::from(slot)) else { return };
        let after = rules.egress(&path.inside, &path.before);
        vlan::retag(&mut frame, self.pool, &path.before, &after);
        // The frame itself is no better off for it.
        let is_sent = self.is_sent;
        self.transmit(slot, *lab, frame);
        self.is_sent = is_sent;
    }

    /// Remote mirroring. Frames of the VLAN itself and to reserved addresses aren't copied.
    fn copy_to_vlan(&mut self, vlan: u16, path: &Path, frame: &Frame) {
        let is_reserved = frame.first_chunk::<6>().is_some_and(|dst| packet::MacAddr(*dst).is_reserved_multicast());
        if path.inside.vid() == vlan || is_reserved {
            return;
        }
        let inside = path.inside.in_vlan(vlan);
        let plan = self.plan;
        for &slot in &plan.flood_order {
            let port = &plan.ports[usize::from(slot)];
            if port.vlan.carries(&inside) && !port.is_mirror_output {
                self.copy_to(slot, &Path { before: path.before, inside }, frame.share());
            }
        }
    }

    /// Ends a frame at the port of a slot.
    #[cold]
    fn drop(&mut self, frame: Frame, slot: Option<u16>, reason: DropReason, args: DropArgs) {
        let port = match slot {
            Some(slot) if slot == self.in_slot => {
                self.ports[usize::from(slot)].rx.count.dropped += 1;
                self.port
            }
            Some(slot) => {
                self.ports[usize::from(slot)].tx.count.dropped += 1;
                self.plan.ports[usize::from(slot)].lab
            }
            None => None,
        };
        let why = Drop { reason, port, args };
        if !self.is_split {
            return self.out.drop(frame, why);
        }
        // That nobody listens says the least.
        if self.lost.as_ref().is_none_or(|(_, first)| first.reason == DropReason::NoListener) {
            self.lost = Some((frame, why));
        }
    }
}

#[cfg(test)]
mod tests;
