//! Carrying out actions on a key.

use super::{Observer, Seen, Translator};
use crate::plan::LOCAL;
use crate::program::Op;
use openflow::Action;
use packet::field::protocol::{IP, IPV6, Needs, SCTP, SCTP6, TCP, TCP6, UDP, UDP6};
use packet::key::{VLAN_PRESENT, slot};
use packet::{FlowMask, Slot};
use sim_core::DropReason;

const IPV4: Needs = Needs::any(&[IP]);
const IPS: Needs = Needs::any(&[IP, IPV6]);
const PORTS: Needs = Needs::any(&[TCP, UDP, SCTP, TCP6, UDP6, SCTP6]);

impl<O: Observer> Translator<'_, O> {
    /// Carries out a list.
    pub(super) fn actions(&mut self, actions: &[Action]) {
        for action in actions {
            self.observer.see(self.depth, Seen::Action(action));
            self.action(action);
        }
    }

    fn action(&mut self, action: &Action) {
        match *action {
            Action::Output(ofport) => self.output(ofport),
            Action::Local => self.output(u32::from(LOCAL)),
            Action::InPort => self.end(Op::Output(self.in_slot)),
            Action::Normal => self.end(Op::Normal),
            Action::Flood => self.end(Op::Everywhere { floodable_only: true }),
            Action::All => self.end(Op::Everywhere { floodable_only: false }),
            Action::ModVlanVid(vid) => self.set_tag(0x0fff, vid, true),
            Action::ModVlanPcp(pcp) => self.set_tag(0xe000, u16::from(pcp) << 13, true),
            Action::StripVlan => self.pop_vlan(),
            Action::PushVlan(ethertype) => self.push_vlan(ethertype.0),
            Action::ModDlSrc(mac) => self.set(slot::DL_SRC, mac.as_u64().into(), None),
            Action::ModDlDst(mac) => self.set(slot::DL_DST, mac.as_u64().into(), None),
            Action::ModNwSrc(address) => self.set(slot::NW_SRC, address.to_bits().into(), Some(IPV4)),
            Action::ModNwDst(address) => self.set(slot::NW_DST, address.to_bits().into(), Some(IPV4)),
            Action::ModNwTos(tos) => self.set(slot::NW_DSCP, u128::from(tos >> 2), Some(IPS)),
            Action::ModTpSrc(port) => self.set(slot::TP_SRC, port.into(), Some(PORTS)),
            Action::ModTpDst(port) => self.set(slot::TP_DST, port.into(), Some(PORTS)),
            Action::SetField { field, value, .. } if field.slot == slot::VLAN_VID => {
                self.set_tag(0x0fff, value as u16 & 0x0fff, false);
            }
            Action::SetField { field, value, .. } if field.slot == slot::VLAN_PCP => {
                self.set_tag(0xe000, (value as u16) << 12 & 0xe000, false);
            }
            Action::DecTtl(_) => self.dec_ttl(),
            _ => {}
        }
    }

    fn output(&mut self, ofport: u32) {
        match self.world.plan.slot_of_ofport(ofport) {
            Some(slot) if slot != self.in_slot => self.end(Op::Output(slot)),
            Some(_) => self.reason = Some(DropReason::SamePort),
            None => self.reason = Some(DropReason::PortDown),
        }
    }

    /// A step in which the frame can be seen.
    fn end(&mut self, op: Op) {
        self.commit();
        self.ops.push(op);
    }

    /// Writes bits of the key.
    fn write(&mut self, slot: Slot, value: u128, mask: u128) {
        let bits = FlowMask::EMPTY;
        let mut written = bits;
        written.set(slot, mask);
        let old = self.flow.get(slot);
        self.flow.set(slot, old & !mask | value & mask);
        self.written = self.written.union(&written);
    }

    /// Writes a field of frames that have it.
    fn set(&mut self, slot: Slot, value: u128, needs: Option<Needs>) {
        if let Some(needs) = needs {
            self.look(&FlowMask::EMPTY.with(slot::DL_TYPE).with(slot::NW_PROTO));
            if !needs.are_met(&self.flow, &FlowMask::FULL) {
                return;
            }
        }
        // Steps write only where the frame differs.
        self.look(&FlowMask::EMPTY.with(slot));
        self.write(slot, value, slot.max());
    }

    fn set_tag(&mut self, mask: u16, value: u16, pushes: bool) {
        self.look(&FlowMask::EMPTY.with(slot::VLAN_TCI));
        if self.flow.has_vlan() {
            self.write(slot::VLAN_TCI, u128::from(value), u128::from(mask));
        } else if pushes {
            self.tpids[0] = packet::EtherType::VLAN.0;
            self.write(slot::VLAN_TCI, u128::from(value | VLAN_PRESENT), slot::VLAN_TCI.max());
        }
    }

    fn push_vlan(&mut self, tpid: u16) {
        self.look(&FlowMask::EMPTY.with(slot::VLAN_TCI).with(slot::INNER_TCI));
        let outer = self.flow.get(slot::VLAN_TCI);
        self.write(slot::INNER_TCI, outer, slot::INNER_TCI.max());
        self.write(slot::VLAN_TCI, outer | u128::from(VLAN_PRESENT), slot::VLAN_TCI.max());
        self.tpids = [tpid, self.tpids[0]];
    }

    fn pop_vlan(&mut self) {
        self.look(&FlowMask::EMPTY.with(slot::VLAN_TCI).with(slot::INNER_TCI));
        let inner = self.flow.get(slot::INNER_TCI);
        self.write(slot::VLAN_TCI, inner, slot::VLAN_TCI.max());
        self.write(slot::INNER_TCI, 0, slot::INNER_TCI.max());
        self.tpids = [self.tpids[1], 0];
    }

    fn dec_ttl(&mut self) {
        self.look(&FlowMask::EMPTY.with(slot::DL_TYPE));
        if !IPS.are_met(&self.flow, &FlowMask::FULL) {
            return;
        }
        self.look(&FlowMask::EMPTY.with(slot::NW_TTL));
        match self.flow.nw_ttl() {
            0 | 1 => self.reason = Some(DropReason::TtlExpired),
            ttl => self.write(slot::NW_TTL, u128::from(ttl - 1), slot::NW_TTL.max()),
        }
    }
}
