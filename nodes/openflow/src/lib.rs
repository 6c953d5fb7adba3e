//! Flows, groups, meters and actions in ovs-ofctl's words, both ways.
//!
//! - [`Flow`]: what `ovs-ofctl add-flow` takes: a table, a priority, time-outs, a match of the
//!   crate `packet`, actions. [`FlowMod`] is a change of flows, [`parse_flow_mod`] reads what
//!   each command takes, [`diff`] tells what differs.
//! - [`Action`]: what is done with a frame, one after the other; no action drops it.
//! - [`PacketOut`]: a frame that a bridge is given, with actions.
//! - [`Group`] and [`GroupMod`], [`Meter`] and [`MeterMod`].
//! - [`parse_file`], [`parse_flow_mods`], [`parse_group_mods`], [`parse_bundle`]: files of them, one a line.
//! - [`FlowError`]: what is wrong with a text, where, and the known word that comes nearest.
//!
//! Names and normal form are those of ovs-ofctl(8) and ovs-actions(7). The normal form of an action
//! is the one that a switch gives back by the default protocol, OpenFlow 1.0 with extensions:
//! `set_field:5->reg0` is `load:0x5->NXM_NX_REG0[]`, `set_field` of an address is `mod_nw_src`. It is
//! taken when a text is read, so that two texts of one meaning are equal. What OpenFlow 1.0 has no
//! word for (`goto_table`, `write_actions`, `importance`) is printed as later versions print it.
//!
//! Left out are connection tracking (`ct`, `nat`), encapsulation (`encap`, `decap`) and fields of
//! tunnel options, which are refused in words. Stricter than the original, which goes on with less
//! than was asked for: numbers that don't fit, parentheses that aren't closed, values behind words
//! that take none, and words behind the actions.

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
mod packet_out;
mod port;
mod subfield;
mod text;

pub use action::{
    Action, Bundle, BundleAlgorithm, Controller, HashFields, Multipath, MultipathAlgorithm, PacketInReason, Sample,
    SampleDirection, actions_of_version, parse_actions,
};
pub use diff::{Difference, diff};
pub use error::{FileError, FlowError, FlowErrorKind};
pub use file::{Change, parse_bundle, parse_file, parse_flow_mods, parse_group_mods};
pub use flow::{Flow, FlowFlags};
pub use flow_mod::{FlowCommand, FlowMod, parse_flow_mod};
pub use group::{Bucket, BucketPlace, Group, GroupCommand, GroupKind, GroupMod, Selection, parse_group_mod};
pub use learn::{Learn, LearnSource, LearnSpec};
pub use meter::{Band, BandKind, Meter, MeterMod, MeterUnit};
pub use packet_out::PacketOut;
