//! Some bits of a field, as actions name them (ovs-actions(7), "Subfields"): `reg0[0..15]`, `NXM_NX_REG0[]`.

use super::Field;
use crate::key::{FlowKey, FlowMask};

/// Some bits of a field that stand beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subfield {
    /// The field.
    pub field: &'static Field,
    /// The lowest bit, counted from the field's lowest.
    pub start: u8,
    /// How many bits, at least 1.
    pub len: u8,
}

impl Subfield {
    /// All bits of a field.
    pub fn whole(field: &'static Field) -> Self {
        Self { field, start: 0, len: field.slot.width }
    }

    /// True if it is all bits of the field.
    pub fn is_whole(&self) -> bool {
        self.len == self.field.slot.width
    }

    /// The largest value: all bits set, from the lowest on.
    pub fn max(&self) -> u128 {
        u128::MAX >> (128 - u32::from(self.len))
    }

    /// The bits' value in a key, the lowest first.
    pub fn get(&self, key: &FlowKey) -> u128 {
        key.get(self.field.slot) >> self.start & self.max()
    }

    /// Replaces the bits in a key. Bits of the value above the length are dropped.
    pub fn set(&self, key: &mut FlowKey, value: u128) {
        let mask = self.max() << self.start;
        let old = key.get(self.field.slot);
        key.set(self.field.slot, old & !mask | value << self.start & mask);
    }

    /// Adds the bits to a mask.
    pub fn add_to(&self, mask: &mut FlowMask) {
        let old = mask.get(self.field.slot);
        mask.set(self.field.slot, old | self.max() << self.start);
    }
}
