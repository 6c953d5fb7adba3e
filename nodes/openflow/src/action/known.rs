//! What every frame of a flow has at a point of its list: its match, and what the actions before did to the headers.
//!
//! A field can be read or written only where every frame has it. As in Open vSwitch, the `mod_` actions are free of that:
//! they do nothing where they have no meaning.

use packet::field::Field;
use packet::key::{VLAN_PRESENT, slot};
use packet::matcher::MatchErrorKind;
use packet::{EtherType, Match, Subfield};

use super::Action;
use crate::error::FlowErrorKind;

/// What every frame has.
#[derive(Clone, Debug)]
pub(super) struct Known {
    matched: Match,
    /// How many VLAN tags at least.
    tags: u8,
    /// Whether nothing is asked, since the match is not known.
    free: bool,
}

/// As many VLAN tags as a frame can have.
const MAX_TAGS: u8 = 2;

impl Known {
    /// What the frames of a match have.
    pub(super) fn new(matched: &Match) -> Self {
        let present = u128::from(VLAN_PRESENT);
        let tagged = |tci| matched.mask.get(tci) & matched.key.get(tci) & present != 0;
        let tags = match (tagged(slot::VLAN_TCI), tagged(slot::INNER_TCI)) {
            (_, true) => 2,
            (outer, false) => u8::from(outer),
        };
        Self { matched: *matched, tags, free: false }
    }

    /// Asks for nothing from now on.
    pub(super) fn assume_all(&mut self) {
        self.free = true;
    }

    /// Checks an action and takes in what it does.
    pub(super) fn follow(&mut self, action: &Action) -> Result<(), FlowErrorKind> {
        match action {
            Action::ModVlanVid(_) | Action::ModVlanPcp(_) => self.tags = self.tags.max(1),
            Action::StripVlan => self.tags = self.tags.saturating_sub(1),
            Action::PushVlan(_) if self.tags == MAX_TAGS => return Err(FlowErrorKind::TooManyTags),
            Action::PushVlan(_) => self.tags += 1,
            Action::PushMpls(ether_type) | Action::PopMpls(ether_type) => self.become_type(*ether_type),
            // Unlike the other `mod_` actions, these have no form without a field.
            Action::ModNwEcn(_) => self.has_named("mod_nw_ecn", "nw_ecn")?,
            Action::ModNwTtl(_) => self.has_named("mod_nw_ttl", "nw_ttl")?,
            Action::SetField { field, .. } => self.write("set_field", field)?,
            Action::Load { to, value } => {
                self.write("load", to.field)?;
                if to.field.slot == slot::VLAN_TCI && to.is_whole() {
                    self.tags = u8::from(value & u128::from(VLAN_PRESENT) != 0);
                }
            }
            Action::Move { from, to } => {
                self.read("move", from)?;
                self.write("move", to.field)?;
            }
            Action::Push(from) => self.read("push", from)?,
            Action::Pop(to) => self.write("pop", to.field)?,
            Action::OutputReg { from, .. } => self.read("output", from)?,
            Action::Multipath(multipath) => self.write("multipath", multipath.to.field)?,
            Action::Bundle(bundle) => match bundle.to {
                Some(to) => self.write("bundle_load", to.field)?,
                None => {}
            },
            _ => {}
        }
        Ok(())
    }

    /// A field is read.
    pub(super) fn read(&self, word: &'static str, from: &Subfield) -> Result<(), FlowErrorKind> {
        self.has(word, from.field)
    }

    /// A field is written.
    pub(super) fn write(&self, word: &'static str, field: &'static Field) -> Result<(), FlowErrorKind> {
        self.has(word, field)?;
        if field.is_of_tag && self.tags == 0 && !self.free {
            return Err(FlowErrorKind::NeedsTag { word, field: field.name });
        }
        Ok(())
    }

    /// Requires a value, as a learnt flow matches it.
    pub(super) fn require(&mut self, to: &Subfield, value: u128) {
        to.set(&mut self.matched.key, value);
        to.add_to(&mut self.matched.mask);
    }

    /// Has every frame the field?
    fn has(&self, word: &'static str, field: &'static Field) -> Result<(), FlowErrorKind> {
        if self.free || field.needs.are_met(&self.matched.key, &self.matched.mask) {
            return Ok(());
        }
        Err(FlowErrorKind::Prerequisite { word, error: MatchErrorKind::Prerequisite(field.name) })
    }

    /// The same for a field of this name.
    fn has_named(&self, word: &'static str, field: &str) -> Result<(), FlowErrorKind> {
        Field::find(field).map_or(Ok(()), |field| self.has(word, field))
    }

    /// Another Ethernet type follows.
    fn become_type(&mut self, ether_type: EtherType) {
        self.matched.require(slot::DL_TYPE, ether_type.0.into());
    }
}
