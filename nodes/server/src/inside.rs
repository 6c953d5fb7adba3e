//! Frames between the stack and the bridges.
//!
//! What the stack or a bridge sends is looked at by port. A port with a link: it leaves the node. An internal interface:
//! it goes to the other side. That is a list of work, first in, first out, and each frame knows how often it crossed, so
//! that whatever is configured ends.

use std::collections::VecDeque;

use sim_core::{Cx, Drop, DropReason, Frame, Node, Outbox, PortIx};

use crate::Server;
use crate::capture::Direction;
use crate::devices::Kind;

/// How often a frame and what it causes may cross between stack and bridges at one instant: twice for each hop that a
/// packet can have, so that a loop ends as on a wire, by the time to live.
pub(crate) const MAX_CROSSINGS: u16 = 2 * 255;

/// Who handles a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Stack,
    Bridges,
}

/// A frame that came in on a port and is to be handled.
#[derive(Debug)]
pub(crate) struct Work {
    side: Side,
    port: PortIx,
    frame: Frame,
    crossings: u16,
}

/// The list, and what it needs again and again.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    work: VecDeque<Work>,
    batch: sim_core::Batch,
    /// What stack and bridges leave goes here, to be looked at.
    pub(crate) out: Outbox,
}

impl Server {
    /// A frame came in by a link.
    pub(crate) fn enter(&mut self, cx: &mut Cx<'_>, port: PortIx, frame: Frame) {
        let Some(device) = self.devices.get(port).filter(|device| device.is_up) else {
            return cx.out.drop(frame, Drop::at(port, DropReason::PortDown));
        };
        // As in Linux, a VLAN of a NIC comes before the bridge that the NIC is in.
        let is_stacks = device.feeds_stack() || self.host.stack().has_vlan_of(port, &frame);
        let side = if is_stacks { Side::Stack } else { Side::Bridges };
        if self.captures.are_any() {
            self.captures.see(cx, device, port, Direction::In, &frame);
        }
        self.inside.work.push_back(Work { side, port, frame, crossings: 0 });
        self.run_inside(cx);
    }

    /// Has one side do something: what it sends is looked at, and so on.
    pub(crate) fn with_side<R>(
        &mut self,
        cx: &mut Cx<'_>,
        side: Side,
        f: impl FnOnce(&mut Self, &mut Cx<'_>) -> R,
    ) -> R {
        let mut out = core::mem::take(&mut self.inside.out);
        let result = f(self, &mut Cx { now: cx.now, pool: cx.pool, rng: cx.rng, out: &mut out });
        self.sort(cx, side, 0, &mut out);
        self.inside.out = out;
        self.run_inside(cx);
        result
    }

    fn run_inside(&mut self, cx: &mut Cx<'_>) {
        while let Some(Work { side, port, frame, crossings }) = self.inside.work.pop_front() {
            let mut batch = core::mem::take(&mut self.inside.batch);
            let mut out = core::mem::take(&mut self.inside.out);
            batch.push(frame);
            let mut inner = Cx { now: cx.now, pool: cx.pool, rng: cx.rng, out: &mut out };
            match side {
                Side::Stack => self.host.frames(&mut inner, port, &mut batch),
                Side::Bridges => self.switch.frames(&mut inner, port, &mut batch),
            }
            self.sort(cx, side, crossings, &mut out);
            (self.inside.batch, self.inside.out) = (batch, out);
        }
    }

    /// Looks at what one side has sent.
    fn sort(&mut self, cx: &mut Cx<'_>, from: Side, crossings: u16, out: &mut Outbox) {
        for (drop, frame) in out.take_drops() {
            cx.out.drop(frame, drop);
        }
        for tag in out.take_notices() {
            cx.out.notice(tag);
        }
        for (port, frame) in out.take_frames() {
            let device = self.devices.get(port).filter(|device| device.is_up);
            let kind = device.map(|device| device.kind);
            if let Some(device) = device.filter(|_| self.captures.are_any()) {
                // What a bridge sends to an internal interface comes in there.
                let is_in = device.kind == Kind::Internal && from == Side::Bridges;
                let direction = if is_in { Direction::In } else { Direction::Out };
                self.captures.see(cx, device, port, direction, &frame);
            }
            match kind {
                Some(Kind::Nic | Kind::Tap) => cx.out.send(port, frame),
                Some(Kind::Internal) if crossings >= MAX_CROSSINGS => {
                    cx.out.drop(frame, Drop::at(port, DropReason::TunnelLoop));
                }
                Some(Kind::Internal) => {
                    let side = if from == Side::Stack { Side::Bridges } else { Side::Stack };
                    self.inside.work.push_back(Work { side, port, frame, crossings: crossings + 1 });
                }
                Some(Kind::IdleTap | Kind::Loopback) | None => {
                    cx.out.drop(frame, Drop::at(port, DropReason::PortDown));
                }
            }
        }
    }
}
