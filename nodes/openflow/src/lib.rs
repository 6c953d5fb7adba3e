//! Flows and actions in ovs-ofctl's words.
//!
//! - [`Flow`]: what `ovs-ofctl add-flow` takes: a table, a priority, time-outs, a match of the
//!   crate `packet`, actions. [`parse_file`] reads what `add-flows` takes.
//! - [`Action`]: what is done with a frame, one after the other; no action drops it.
//! - [`FlowError`]: what is wrong with a text, where, and the known word that comes nearest.
//!
//! Names and normal form are those of ovs-ofctl(8) and ovs-actions(7). Left out are the words that
//! only a flow's statistics have, which are read and ignored, so that a dump can be fed back.

mod action;
mod bytes;
mod diff;
mod error;
mod file;
mod flow;
mod flow_mod;
mod group;
mod learn;
mod meter;
mod number;
mod port;
mod subfield;
mod text;

pub use action::{
    Action, Bundle, BundleAlgorithm, Controller, HashFields, Multipath, MultipathAlgorithm, PacketInReason, Sample,
    SampleDirection, parse_actions,
};
pub use diff::{Difference, diff};
pub use error::{FileError, FlowError, FlowErrorKind};
pub use file::{parse_file, parse_flow_mods, parse_group_mods};
pub use flow::{Flow, FlowFlags};
pub use flow_mod::{FlowCommand, FlowMod, parse_flow_mod};
pub use group::{Bucket, BucketPlace, Group, GroupCommand, GroupKind, GroupMod, Selection, parse_group_mod};
pub use learn::{Learn, LearnSource, LearnSpec};
pub use meter::{Band, BandKind, Meter, MeterMod, MeterUnit};
