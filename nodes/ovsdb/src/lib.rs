//! The row store of Open vSwitch's tables, and ovs-vsctl.
//!
//! Configuration has one way in: lab files, `ovs-vsctl` lines and programs all transact on a
//! [`Store`], and a reconciler applies the [`Changes`] that a transaction gives.
//!
//! - [`schema`]: what a table, a column and its type are; [`vswitch`]: Open vSwitch's tables, as
//!   constants (`Table::Port`, `port::TAG`).
//! - [`Uuid`], [`Atom`], [`Datum`]: the values, and their text as ovs-vsctl reads and writes it.
//! - [`Row`], [`Store`]: tables of rows. A row stores only what differs from the default.
//! - [`Txn`]: insert, set, mutate, delete; all or nothing. What a commit checks is in `integrity`.
//! - [`vsctl`]: `ovs-vsctl` on a store, without a process; [`words`]: how a line becomes words.
//!
//! Nothing here has a clock, a socket or a random source: the identifiers of rows come from a seed.

mod atom;
mod datum;
mod error;
mod integrity;
mod mutator;
mod row;
pub mod schema;
mod store;
mod text;
mod txn;
mod uuid;
pub mod vsctl;
pub mod vswitch;
pub mod words;

pub use atom::Atom;
pub use datum::Datum;
pub use error::Error;
pub use mutator::Mutator;
pub use row::Row;
pub use schema::{AtomType, Column};
pub use store::{Change, Changes, Store};
pub use text::TextError;
pub use txn::{RowBuilder, Txn};
pub use uuid::Uuid;
pub use vswitch::Table;
