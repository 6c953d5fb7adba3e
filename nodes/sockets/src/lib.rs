//! TCP sockets above [`inet::Stack`].
//!
//! * [`Sockets`]: the table of a node's connections and listeners. Segments go in as the stack hands them up, what
//!   connections have to say leaves by [`Sockets::transmit`], and [`Sockets::next_changed`] tells which of them to look
//!   at. UDP needs no table: it is the stack's own ([`inet::Stack::send_datagram`], [`inet::Event::Datagram`]).
//! * [`tcp`]: a connection as a value.
//!
//! **Invariants**: no segment makes it panic. Connections, half-open ones of each listener, and bytes queued are bounded
//! by public constants and options. Frames carry the tag of who opened the connection, and those of an accepted one the
//! tag of its SYN.

mod open;
mod table;
pub mod tcp;

pub use open::{BACKLOG, ConnectError, ConnectOptions, DEFAULT_BUFFER, Listener, MAX_BUFFER, MAX_SOCKETS, SocketId};
pub use table::Sockets;
pub use tcp::{Connection, Counters, End, State};
