//! A TCP connection (RFC 9293) as a value: segments and the time go in, segments come out.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `connection` | [`Connection`]: states, reading, writing, closing |
//! | `input` | what a segment that comes in does |
//! | `output` | what leaves, and when |
//! | `recovery` | congestion window and loss recovery |
//! | `rtt` | the retransmission timeout |
//! | `options`, `ring`, `ranges` | header options, byte queues, sets of offsets |
//!
//! Inside, both directions count in 64-bit offsets: the SYN has offset 0, the data begin at 1, the FIN has the offset
//! behind the last byte. Each data segment is acknowledged as it comes, and what is written leaves at once: neither
//! delayed acknowledgements nor Nagle's algorithm stand between what a lab's user does and what the wire shows.
//!
//! Left out: urgent data, timestamps, fast open, keep-alive, ECN, simultaneous open.

mod connection;
mod input;
mod options;
mod output;
mod ranges;
mod recovery;
mod ring;
mod rtt;
#[cfg(test)]
mod tests;

pub use connection::{Connection, Counters, End, State};
pub(crate) use connection::{Ends, MIN_MSS};
pub(crate) use input::refusal;
pub(crate) use options::Options;
pub(crate) use output::Outgoing;
