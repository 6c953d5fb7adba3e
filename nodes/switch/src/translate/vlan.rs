//! Tags: a stack of two, the outer one in the key's first word.
//!
//! The key doesn't hold a tag's type, so beside the key goes whose each tag is: the frame's own, which has a type that
//! isn't known and stays, or one that an action made. A third tag that is pushed out of the key is lost, as in Open
//! vSwitch with its limit of two.

use super::{Observer, Translator};
use packet::key::{VLAN_PRESENT, slot};
use packet::{EtherType, FlowMask};

/// Whose the two tags are: one of the three below, or the type of one that an action made.
pub(super) type Marks = [u16; 2];
/// There is none, or the frame's own.
pub(super) const NO_TAG: u16 = 0;
/// The frame's own outer tag.
pub(super) const OWN_OUTER: u16 = 1;
/// The frame's own inner tag.
pub(super) const OWN_INNER: u16 = 2;
/// The tags of a frame as it came in.
pub(super) const OWN: Marks = [OWN_OUTER, OWN_INNER];

const PRESENT: u128 = VLAN_PRESENT as u128;

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
    fn look_at_all_tags(&mut self) {
        self.look_at_tags();
        for slot in [slot::VLAN_TCI, slot::INNER_TCI] {
            if self.state.flow.get(slot) & PRESENT != 0 {
                self.look_at(slot);
            }
        }
    }

    /// Writes bits of the outer tag; one is made if there is none and `pushes`.
    pub(super) fn set_tag(&mut self, mask: u16, value: u16, pushes: bool) {
        self.look_at_tags();
        if self.state.flow.has_vlan() {
            self.write(slot::VLAN_TCI, u128::from(value), u128::from(mask));
        } else if pushes {
            self.state.marks[0] = EtherType::VLAN.0;
            self.write(slot::VLAN_TCI, u128::from(value & mask | VLAN_PRESENT), u128::MAX);
        }
    }

    /// `push_vlan`: the new tag is of VLAN 0.
    pub(super) fn push_vlan(&mut self, tpid: u16) {
        self.look_at_all_tags();
        let outer = self.state.flow.get(slot::VLAN_TCI);
        self.write(slot::INNER_TCI, outer, u128::MAX);
        self.write(slot::VLAN_TCI, PRESENT, u128::MAX);
        self.state.marks = [tpid, if outer == 0 { NO_TAG } else { self.state.marks[0] }];
    }

    /// `pop_vlan`, `strip_vlan`.
    pub(super) fn pop_vlan(&mut self) {
        self.look_at_tags();
        if !self.state.flow.has_vlan() {
            return;
        }
        let inner = self.state.flow.get(slot::INNER_TCI);
        if inner & PRESENT != 0 {
            self.look_at(slot::INNER_TCI);
        }
        self.write(slot::VLAN_TCI, inner, u128::MAX);
        self.write(slot::INNER_TCI, 0, u128::MAX);
        self.state.marks = [if inner == 0 { NO_TAG } else { self.state.marks[1] }, NO_TAG];
    }
}
