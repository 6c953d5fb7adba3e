//! Time, frames, links, events and the contract of a node.
//!
//! This crate moves frames between nodes in an exact order and knows no protocol. A lab is a pure
//! function of its nodes, its links and its seed: there is no clock, no thread and no random map
//! order here.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`time`] | lab time: nanoseconds since the lab's start |
//! | [`frame`] | frames: 16-byte handles to pooled bytes, shared by a flood, copied by a rewrite |
//! | [`node`] | the contract of a node: what it is given, what it may do |
//! | [`drops`] | why a frame died: the closed vocabulary, its arguments and counters |
//! | [`random`] | a random stream for each node and link direction, from the seed and a name |
//! | [`link`] | links: delay, jitter, rate, loss, corruption, duplication, reordering, queue, MTU |
//! | [`queue`] | the event queue: distinct instants, each with its arrivals and timers |
//! | [`engine`] | the engine: delivers frames, wakes nodes, counts drops, shows what happens |
//! | [`paced`] | the driver that holds virtual time to a wall clock |

pub mod drops;
pub mod engine;
pub mod frame;
pub mod link;
pub mod node;
pub mod paced;
pub mod queue;
pub mod random;
pub mod time;

pub use drops::{Drop, DropArgs, DropReason, DropTable};
pub use engine::{DropSite, Engine, NodeIx, Seen, Stop, Until, Watch};
pub use frame::{Frame, Offload, Pool, Tag};
pub use link::{DirIx, DirectionConfig, LinkConfig, LinkIx, QueueLimit};
pub use node::{Batch, Carrier, Cx, Node, Outbox, PortIx};
pub use paced::{Paced, PacedStop, WallClock, Woken};
pub use random::{Probability, Seed, Stream};
pub use time::{Duration, Time};
