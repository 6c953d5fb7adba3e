//! The switch: shared state, workers, NORMAL, MAC tables, reconciler.
//!
//! A [`Switch`] is an Open vSwitch: a row store that is configured in `ovs-vsctl`'s words, bridges that
//! follow it, and a [`Worker`] that moves the frames. A bridge's state is [`Shared`] between workers; what
//! a worker needs for each frame it reads without a lock.
//!
//! ```text
//! frame -> what must be read of it -> cache -> action program -> ports
//!                                      | miss
//!                                      v
//!                                   translate(pipeline, key) -> program, mask
//! ```
//!
//! A bridge without flows of its own has one whose action is NORMAL; NORMAL is not cached for each pair of
//! stations but decided for each frame, by two lookups in the MAC table.
//!
//! The data path, from the outside in:
//!
//! | module | what it holds |
//! | --- | --- |
//! | `worker` | [`Worker`]: frames in, frames and drops out; one for each thread |
//! | `shared` | [`Shared`]: what the workers of a bridge share, with the number of its state |
//! | `cache` | what of a frame must be read, and the programs found so far, each with what its translation rests on |
//! | [`mod@translate`] | what becomes of a key in the flow tables: a program |
//! | [`trace`] | a translation in words |
//! | [`program`], `execute` | action programs, and carrying them out |
//! | [`normal`] | NORMAL as a pure function of plan, MAC table and frame |
//! | `usual`, `port_state` | the same for the usual frame, from one cache line for each of its two ports |
//! | [`vlan`], `mpls`, [`rewrite`] | the rules of VLANs at a port; labels; what actions write into a frame |
//! | `frame_hash` | the hash by which a group spreads frames |
//! | [`packet_in`] | frames for controllers, samples |
//! | [`mac_table`] | stations: lock-free lookups, ageing, fair eviction |
//! | [`plan`] | a bridge's ports as the data path needs them |
//! | `counters` | counters |
//!
//! The configuration and the commands:
//!
//! | module | what it holds |
//! | --- | --- |
//! | `switch` | [`Switch`]: the node |
//! | `bridge`, `ofport`, `vlan_config`, `mirror` | how a bridge follows its rows |
//! | `tree` | spanning tree: the machine of a bridge, its columns and commands |
//! | `lab_ports` | the node's ports and their links |
//! | `status` | the status columns |
//! | `command`, `appctl`, `dpctl`, `ofctl` | command lines |
//! | `explain` | why a frame died, in words |
//!
//! Left out are LACP, tunnels and patch ports, and OpenFlow connections.

mod appctl;
mod bridge;
mod cache;
mod command;
mod counters;
mod dpctl;
mod execute;
mod explain;
mod frame_hash;
mod lab_ports;
pub mod mac_table;
mod mirror;
mod mpls;
pub mod normal;
mod ofctl;
mod ofport;
pub mod packet_in;
pub mod plan;
mod port_state;
pub mod program;
pub mod rewrite;
mod shared;
mod status;
mod switch;
pub mod trace;
pub mod translate;
mod tree;
mod usual;
pub mod vlan;
mod vlan_config;
mod worker;

pub use command::{CommandError, commands, commands_of};
pub use counters::{CacheStats, PortCounters};
pub use ofctl::files_of;
pub use shared::Shared;
pub use switch::{MacEntry, Switch, WorkerHandle};
pub use worker::Worker;
