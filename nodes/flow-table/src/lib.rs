//! The flow tables of a bridge, with its groups and meters: what OpenFlow changes and translation reads.
//!
//! - [`Tables`]: tables by number, groups, meters; changes that apply whole or not at all; the log of changes that
//!   caches compare themselves with.
//! - [`Rule`]: a flow in a table. It never changes: a change puts another in its place, which takes over its counters.
//! - [`CompactMatch`]: the match of a rule in as few bytes as it needs.
//! - [`Classifier`]: finds the rule of the greatest priority that matches a key, and which bits that took.
//!
//! Nothing here knows frames, ports or a clock: time is an argument.

mod classifier;
mod compact;
mod log;
mod rule;
mod tables;

pub use classifier::{Classifier, Conjunction, Entry};
pub use compact::CompactMatch;
pub use log::{Change, ChangeLog};
pub use rule::{FlowStats, Rule};
pub use tables::{Removed, RemovedReason, TableError, Tables};
