//! Sending: ports, queues, controllers.

use super::actions::Flow;
use super::{Observer, Place, Seen, Translator};
use crate::plan;
use crate::program::Op;
use openflow::{Controller, PacketInReason};
use packet::Subfield;
use packet::key::slot;
use sim_core::DropReason;

pub(super) const IN_PORT: u32 = 0xfff8;
pub(super) const TABLE: u32 = 0xfff9;
pub(super) const NORMAL: u32 = 0xfffa;
pub(super) const FLOOD: u32 = 0xfffb;
pub(super) const ALL: u32 = 0xfffc;
pub(super) const CONTROLLER: u32 = 0xfffd;
pub(super) const LOCAL: u32 = plan::LOCAL as u32;
pub(super) const NONE: u32 = 0xffff;

impl<O: Observer> Translator<'_, O> {
    /// The slot of the port that the frame came in by, as actions left it; that of another port must be the same for
    /// all frames of the translation.
    pub(super) fn slot_from(&mut self) -> Option<u16> {
        self.look_at(slot::IN_PORT);
        self.world.plan.slot_of_ofport(self.state.flow.in_port())
    }

    /// A step in which the frame can be seen.
    pub(super) fn emit(&mut self, op: Op) {
        self.commit();
        self.ops.push(op);
    }

    /// Sends by a port, also one with a meaning of its own; at most so many bytes.
    pub(super) fn output(&mut self, port: u32, max_len: Option<u32>) {
        // OpenFlow 1.1 and later have 32 bits: 0xfffffff8 is IN_PORT.
        let port = if port >= 0xffff_ff00 { port & 0xffff } else { port };
        if let Some(max_len) = max_len {
            self.commit();
            let before = self.ops.len();
            self.ops.push(Op::Truncate(max_len));
            self.output_to(port, u16::MAX);
            if self.ops.len() == before + 1 {
                self.ops.pop();
            }
            return;
        }
        self.output_to(port, u16::MAX);
    }

    fn output_to(&mut self, port: u32, max_len: u16) {
        self.look_at(slot::IN_PORT);
        let in_port = self.state.flow.in_port();
        match port {
            IN_PORT => self.output_port(in_port),
            TABLE => self.resubmit(None, 0),
            NORMAL => self.normal(),
            FLOOD => self.everywhere(true),
            ALL => self.everywhere(false),
            CONTROLLER => {
                let controller = Controller {
                    max_len,
                    reason: PacketInReason::Action,
                    id: 0,
                    userdata: Vec::new(),
                    pause: false,
                    meter: None,
                };
                self.controller(&controller);
            }
            NONE => {}
            port if port == in_port => {
                self.say(Seen::Warning(format_args!("skipping output to input port")));
                self.reason = Some(DropReason::SamePort);
            }
            port => self.output_port(port),
        }
    }

    fn output_port(&mut self, port: u32) {
        match self.world.plan.slot_of_ofport(port) {
            Some(slot) => self.emit(Op::Output(slot)),
            None => {
                self.say(Seen::Warning(format_args!("Nonexistent output port")));
                self.reason = Some(DropReason::PortDown);
            }
        }
    }

    /// Sends by all ports but the one it came from.
    fn everywhere(&mut self, floodable_only: bool) {
        if !self.pay_for_ports() {
            return;
        }
        let from = self.slot_from();
        if from == Some(self.in_slot) {
            return self.emit(Op::Everywhere { floodable_only });
        }
        let plan = self.world.plan;
        for (slot, port) in plan.ports.iter().enumerate() {
            let slot = slot as u16;
            if port.ofport != 0 && (port.is_floodable || !floodable_only) && Some(slot) != from {
                self.emit(Op::Output(slot));
            }
        }
    }

    /// Sends by the port whose number stands in a field.
    pub(super) fn output_reg(&mut self, from: &Subfield, max_len: u16) {
        let port = self.read(from);
        if port > 0xffff && port < 0xffff_ff00 {
            return self.say(Seen::Warning(format_args!("output port {port} is out of range")));
        }
        self.say(Seen::Detail(format_args!("output port is {port}")));
        let port = port as u32;
        self.output_to(if port >= 0xffff_ff00 { port & 0xffff } else { port }, max_len);
    }

    /// Sends it to the controllers.
    pub(super) fn controller(&mut self, controller: &Controller) -> Flow {
        let reason = match (controller.reason, self.place) {
            (PacketInReason::Action, Place::ActionSet) => PacketInReason::ActionSet,
            (PacketInReason::Action, Place::Bucket) => PacketInReason::Group,
            (reason, _) => reason,
        };
        let part = self.part(|parts| &mut parts.controllers, Controller { reason, ..controller.clone() });
        self.emit(Op::Controller(part));
        // One that waits for the controller goes on when that says so.
        self.exits |= controller.pause;
        if controller.pause { Flow::Break } else { Flow::Continue }
    }

    /// Tells controllers that the time to live is used up.
    pub(super) fn ttl_expired(&mut self, ids: &[u16]) {
        for &id in ids {
            self.controller(&Controller {
                max_len: u16::MAX,
                reason: PacketInReason::InvalidTtl,
                id,
                userdata: Vec::new(),
                pause: false,
                meter: None,
            });
        }
        self.reason = Some(DropReason::TtlExpired);
    }

    pub(super) fn set_queue(&mut self, queue: u32) {
        self.write(slot::SKB_PRIORITY, u128::from(queue), u128::MAX);
    }

    pub(super) fn pop_queue(&mut self) {
        let before = self.queue_before();
        if self.state.flow.get(slot::SKB_PRIORITY) != before {
            self.set_queue(before as u32);
            self.say(Seen::Detail(format_args!("queue = {}", Hex(before))));
        }
    }

    /// The queue of the frame as it came in; all frames of the translation have the same.
    fn queue_before(&mut self) -> u128 {
        self.mask.add(slot::SKB_PRIORITY);
        self.original.get(slot::SKB_PRIORITY)
    }

    /// Sends by a queue of a port.
    pub(super) fn enqueue(&mut self, port: u32, queue: u32) {
        let in_port = self.state.flow.in_port();
        self.look_at(slot::IN_PORT);
        if port == in_port {
            return;
        }
        let port = if port == IN_PORT { in_port } else { port };
        let before = (self.state.flow.get(slot::SKB_PRIORITY), self.state.written.get(slot::SKB_PRIORITY));
        self.set_queue(queue);
        self.output_port(port);
        self.state.flow.set(slot::SKB_PRIORITY, before.0);
        self.state.written.set(slot::SKB_PRIORITY, before.1);
    }
}

/// A number as C's `%#x` prints it: 0 without `0x`.
struct Hex(u128);

impl std::fmt::Display for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 { f.write_str("0") } else { write!(f, "{:#x}", self.0) }
    }
}
