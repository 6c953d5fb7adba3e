//! Writing header fields, metadata and registers, and the stack.
//!
//! A field is written if the frame has it; else the action does nothing. What is read is looked at; what is written is
//! the same for all frames.

use super::actions::{Flow, IPS};
use super::{Failure, Observer, Seen, Translator};
use packet::field::protocol::Needs;
use packet::key::{FRAG_LATER, slot};
use packet::{EtherType, Field, FlowMask, Slot, Subfield};

/// Values that the stack holds.
const MAX_STACK: usize = 1024;

impl<O: Observer> Translator<'_, O> {
    /// Writes bits of the key.
    pub(super) fn write(&mut self, slot: Slot, value: u128, mask: u128) {
        let mask = mask & slot.max();
        let old = self.state.flow.get(slot);
        self.state.flow.set(slot, old & !mask | value & mask);
        let written = self.state.written.get(slot);
        self.state.written.set(slot, written | mask);
    }

    /// Writes a field of IP packets.
    pub(super) fn set_ip(&mut self, slot: Slot, value: u128, needs: Needs) {
        if self.meets(needs) {
            self.write(slot, value, u128::MAX);
        }
    }

    /// Writes a port, as OpenFlow 1.0's actions do: of whatever has the place, ICMP's type as well.
    pub(super) fn set_port(&mut self, slot: Slot, port: u16) {
        if self.meets(IPS) && !self.is_later_fragment() {
            self.write(slot, u128::from(port), u128::MAX);
        }
    }

    /// Whether the packet is of one of the protocols; notes what that took to know.
    pub(super) fn meets(&mut self, needs: Needs) -> bool {
        let flow = self.state.flow;
        if !needs.protocols.is_empty() {
            self.look_at(slot::DL_TYPE);
        }
        let of_type = |protocol: &&packet::field::Protocol| protocol.dl_type == flow.dl_type().0;
        if needs.protocols.iter().filter(of_type).any(|protocol| protocol.nw_proto.is_some()) {
            self.look_at(slot::NW_PROTO);
        }
        let is_met = needs.are_met(&flow, &FlowMask::FULL);
        if !needs.icmp_types.is_empty() && (Needs { icmp_types: &[], ..needs }).are_met(&flow, &FlowMask::FULL) {
            self.look(&FlowMask::EMPTY.with(slot::TP_SRC).with(slot::TP_DST));
            return is_met && flow.tp_dst() == 0;
        }
        is_met
    }

    fn is_later_fragment(&mut self) -> bool {
        self.look_at(slot::NW_FRAG);
        self.state.flow.nw_frag() & FRAG_LATER != 0
    }

    /// Whether the frame has a field.
    pub(super) fn has(&mut self, field: &Field) -> bool {
        let slot = field.slot;
        if field.is_of_tag {
            self.look_at_tags();
            return self.state.flow.has_vlan();
        }
        if !self.meets(field.needs) {
            return false;
        }
        // Layer 4 is in the first fragment only; of ICMP's fields Open vSwitch doesn't ask that.
        let is_icmp = field.needs.protocols.iter().all(|protocol| matches!(protocol.nw_proto, Some(1 | 58)));
        let is_layer_4 = matches!(slot.word, 3 | 10..=13) && slot != slot::NW_TTL && !is_icmp;
        let is_ip = IPS.are_met(&self.state.flow, &FlowMask::FULL);
        !(is_layer_4 && is_ip && self.is_later_fragment())
    }

    /// `set_field`.
    pub(super) fn set_field(&mut self, field: &Field, value: u128, mask: u128) {
        if self.has_or_warn(field) {
            self.write(field.slot, value, mask);
        }
    }

    fn has_or_warn(&mut self, field: &Field) -> bool {
        let has = self.has(field);
        if !has {
            self.say(Seen::Warning(format_args!("unmet prerequisites for {}, set_field ignored", field.set_name)));
        }
        has
    }

    /// `load`.
    pub(super) fn load(&mut self, to: &Subfield, value: u128) {
        if self.has_or_warn(to.field) {
            self.put_bits(to, value);
        }
    }

    /// Writes the bits of a subfield.
    pub(super) fn put_bits(&mut self, to: &Subfield, value: u128) {
        let mut mask = FlowMask::EMPTY;
        to.add_to(&mut mask);
        self.write(to.field.bits, value << to.start, mask.get(to.field.bits));
    }

    /// A subfield's value, which is then the same for all frames. It is zero if the frame doesn't have it.
    pub(super) fn read(&mut self, from: &Subfield) -> u128 {
        if !self.has(from.field) {
            return 0;
        }
        let mut looked = FlowMask::EMPTY;
        from.add_to(&mut looked);
        self.look(&looked);
        from.get(&self.state.flow)
    }

    /// Writes a value that an action found into a subfield, if the frame has it.
    pub(super) fn store(&mut self, to: &Subfield, value: u128) {
        if self.has(to.field) {
            self.put_bits(to, value);
        }
        self.say(Seen::Subfield(to, to.get(&self.state.flow)));
    }

    /// `move`.
    pub(super) fn copy(&mut self, from: &Subfield, to: &Subfield) {
        if self.has(from.field) && self.has(to.field) {
            let value = self.read(from);
            self.put_bits(to, value);
        }
        self.say(Seen::Subfield(to, to.get(&self.state.flow)));
    }

    /// `push`.
    pub(super) fn push(&mut self, from: &Subfield) {
        if self.state.stack.len() >= MAX_STACK {
            self.say(Seen::Error(format_args!("the stack holds {MAX_STACK} values")));
            return self.fail(Failure::StackTooDeep);
        }
        let value = self.read(from);
        self.state.stack.push((value, from.len));
    }

    /// `pop`. A longer value loses its upper bits, a shorter one is filled with zeros.
    pub(super) fn pop(&mut self, to: &Subfield) {
        match self.state.stack.pop() {
            Some((value, _)) => self.store(to, value & to.max()),
            None => self.say(Seen::Error(format_args!("stack underflow"))),
        }
    }

    /// `dec_ttl`.
    pub(super) fn dec_ttl(&mut self, ids: &[u16]) -> Flow {
        if !self.meets(IPS) {
            return Flow::Continue;
        }
        self.look_at(slot::NW_TTL);
        let ttl = self.state.flow.nw_ttl();
        if ttl > 1 {
            self.write(slot::NW_TTL, u128::from(ttl - 1), u128::MAX);
            return Flow::Continue;
        }
        self.ttl_expired(if ids.is_empty() { &[0] } else { ids });
        let version = if self.state.flow.dl_type() == EtherType::IPV4 { 4 } else { 6 };
        self.say(Seen::Warning(format_args!("IPv{version} decrement TTL exception")));
        Flow::Break
    }
}
