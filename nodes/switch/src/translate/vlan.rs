//! Tags: a stack of two, the outer one in the key's first word.
//!
//! The key holds of each tag its control information and its type. A third tag that is pushed out of the key is lost, as
//! in Open vSwitch with its limit of two.

use super::{Observer, Translator};
use crate::vlan::Tag;
use packet::key::{VLAN_PRESENT, slot};
use packet::{EtherType, FlowKey, FlowMask, Slot};

/// Where the tags stand: control information and type, the outer one first.
pub(super) const TAGS: [(Slot, Slot); 2] =
    [(slot::VLAN_TCI, slot::VLAN_IS_SERVICE), (slot::INNER_TCI, slot::INNER_IS_SERVICE)];

const PRESENT: u128 = VLAN_PRESENT as u128;

/// The tags of a key, the outer one first.
pub(super) fn tags(key: &FlowKey) -> Vec<Tag> {
    let tcis = [key.vlan_tci(), key.inner_tci()].into_iter().zip(key.tag_types());
    let present = tcis.take_while(|(tci, _)| tci & VLAN_PRESENT != 0);
    present.map(|(tci, tpid)| Tag { tpid: tpid.0, tci: tci & !VLAN_PRESENT }).collect()
}

impl<O: Observer> Translator<'_, O> {
    /// Notes that it was looked at how many tags there are.
    pub(super) fn look_at_tags(&mut self) {
        let mut looked = FlowMask::EMPTY;
        looked.set(slot::VLAN_TCI, PRESENT);
        if self.state.flow.has_vlan() {
            looked.set(slot::INNER_TCI, PRESENT);
        }
        self.look(&looked);
    }

    /// The same, and at all of their bits: they come to stand in another place.
    pub(super) fn look_at_all_tags(&mut self) {
        self.look_at_tags();
        for (tci, is_service) in TAGS {
            if self.state.flow.get(tci) & PRESENT != 0 {
                self.look(&FlowMask::EMPTY.with(tci).with(is_service));
            }
        }
    }

    /// Writes bits of the outer tag; one is made if there is none and `pushes`.
    pub(super) fn set_tag(&mut self, mask: u16, value: u16, pushes: bool) {
        self.look_at_tags();
        if self.state.flow.has_vlan() {
            self.write(slot::VLAN_TCI, u128::from(value), u128::from(mask));
        } else if pushes {
            self.write(slot::VLAN_IS_SERVICE, 0, u128::MAX);
            // What was written where a tag would be counts.
            let tci = self.state.flow.vlan_tci() & !mask | value & mask | VLAN_PRESENT;
            self.write(slot::VLAN_TCI, u128::from(tci), u128::MAX);
        }
    }

    /// `push_vlan`: the new tag is of VLAN 0.
    pub(super) fn push_vlan(&mut self, tpid: u16) {
        self.look_at_all_tags();
        let mut after = self.state.flow;
        after.push_tag(EtherType(tpid), 0);
        self.write_tags(&after);
    }

    /// `pop_vlan`, `strip_vlan`.
    pub(super) fn pop_vlan(&mut self) {
        self.look_at_tags();
        if !self.state.flow.has_vlan() {
            return;
        }
        if self.state.flow.get(slot::INNER_TCI) & PRESENT != 0 {
            self.look(&FlowMask::EMPTY.with(slot::INNER_TCI).with(slot::INNER_IS_SERVICE));
        }
        let mut after = self.state.flow;
        after.pop_tag();
        self.write_tags(&after);
    }

    /// Gives the key the tags of another.
    pub(super) fn write_tags(&mut self, from: &FlowKey) {
        for (tci, is_service) in TAGS {
            self.write(tci, from.get(tci), u128::MAX);
            self.write(is_service, from.get(is_service), u128::MAX);
        }
    }
}
