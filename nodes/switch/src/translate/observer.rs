//! Who watches a translation.

use crate::normal;
use flow_table::{Rule, Tables};
use openflow::Action;
use packet::{FlowKey, Subfield};
use std::fmt;
use std::sync::Arc;

/// Sees what translation does.
pub trait Observer {
    /// Something was done, so many lookups, groups and the like deep.
    fn see(&mut self, depth: u8, seen: Seen<'_>);
}

/// What was done.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A table was looked up.
    Lookup {
        /// The tables.
        tables: &'a Tables,
        /// The table.
        table: u8,
        /// The key as it was.
        key: &'a FlowKey,
        /// The rule that was found.
        rule: Option<&'a Arc<Rule>>,
    },
    /// An action is about to be carried out.
    Action(&'a Action),
    /// A list has no actions, or there is no list.
    Drop,
    /// The action set is about to be carried out.
    ActionSet,
    /// A bucket of a group is about to be carried out.
    Bucket(u32),
    /// The frame was read again.
    Resumed,
    /// A subfield was written: it and its value.
    Subfield(&'a Subfield, u128),
    /// What the action set is or was.
    Written(&'a str, &'a [Action]),
    /// A flow would be made.
    Learn(&'a super::Learnt),
    /// A step of NORMAL.
    Normal(normal::Step),
    /// A station would be learnt: its address and VLAN, and the slot that it is behind.
    Station(crate::mac_table::StationKey, u16),
    /// NORMAL drops: the slot that refuses it, why, and with what.
    NormalDrop(Option<u16>, sim_core::DropReason, sim_core::DropArgs),
    /// How an action went.
    Detail(fmt::Arguments<'a>),
    /// An action did nothing, or less than it says.
    Warning(fmt::Arguments<'a>),
    /// Something went wrong.
    Error(fmt::Arguments<'a>),
}

/// Sees nothing and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    #[inline(always)]
    fn see(&mut self, _: u8, _: Seen<'_>) {}
}
