//! Spanning tree: STP (IEEE 802.1D-1998) and RSTP (IEEE 802.1D-2004), as machines without clock or socket.
//!
//! A machine is a value: links, BPDUs and the time go in, [`Output`]s come out in the order in which they are to be
//! carried out. Whoever owns it asks [`SpanningTree::next_wake`] when to call [`SpanningTree::wake`].
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`config`] | what a bridge and its ports are told |
//! | [`status`] | what they tell: roles, states, counters |
//! | [`output`] | what a machine wants done |
//! | [`stp`] | 802.1D-1998, clause 8 |
//! | [`rstp`] | 802.1D-2004, clause 17 |
//! | `tree` | [`SpanningTree`]: one of the two |
//!
//! BPDUs themselves are [`packet::wire::bpdu`].

pub mod config;
pub mod output;
pub mod rstp;
pub mod status;
pub mod stp;
mod tree;

pub use config::{BridgeConfig, Guard, PortConfig, PortNumber};
pub use output::Output;
pub use status::{BridgeStatus, PortCounters, PortStatus, Role, State};
pub use tree::{Protocol, SpanningTree};
