//! The flow tables of a bridge, with its groups and meters: what OpenFlow changes and translation reads.
//!
//! - [`Tables`]: tables by number, groups, meters; changes that apply whole or not at all; the log of changes that
//!   caches compare themselves with.
//! - [`TableMod`]: a change of flows, groups or meters. `change` makes them, `timers` and `evict` say which flows go of
//!   their own accord.
//! - [`GroupState`], [`MeterState`]: a group and a meter with what went through them; a meter is charged without a lock.
//! - [`Rule`]: a flow in a table. It never changes: a change puts another in its place, which takes over its counters.
//! - [`CompactMatch`]: the match of a rule in as few bytes as it needs.
//! - [`Classifier`]: finds the rule of the greatest priority that matches a key, and which bits that took.
//!
//! Nothing here knows frames, ports or a clock: time is an argument.

mod actions;
mod change;
mod classifier;
mod compact;
mod error;
mod evict;
mod groups;
mod log;
mod meters;
mod rule;
mod table;
mod tables;
mod timers;

pub use change::{Learnt, TableMod};
pub use classifier::{Classifier, Conjunction, Entry};
pub use compact::CompactMatch;
pub use error::{BundleError, TableError};
pub use groups::{GroupState, Groups};
pub use log::{Change, ChangeLog};
pub use meters::{MeterState, MeterVerdict, Meters};
pub use rule::{FlowStats, Removed, RemovedReason, Rule};
pub use table::{MAX_FLOWS, TableConfig, TableStats};
pub use tables::{MAX_TABLE, Tables};
