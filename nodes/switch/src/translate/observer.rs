//! Who watches a translation.

use crate::normal;
use flow_table::{Rule, Tables};
use openflow::Action;
use packet::FlowKey;
use std::fmt;
use std::sync::Arc;

/// Sees what translation does.
pub trait Observer {
    /// Something was done, so many lookups deep.
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
    /// A step of NORMAL.
    Normal(normal::Step),
    /// How an action went.
    Detail(fmt::Arguments<'a>),
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
