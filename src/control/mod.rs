//! The control socket of a running lab: other programs, and netloom's own commands, ask and tell the lab through it.
//!
//! The protocol is described in docs/control-socket.md: lines of JSON over a unix socket.
//!
//! ```text
//! clients --- server, connection: a thread of their own ---Message---> desk: the lab's thread, acts on the Session
//!                 ^                                                     |
//!                 +------- outlet: lines to send, bounded <-------------+
//!                 +------- pipe: a capture's bytes, bounded <-----------+
//! ```
//!
//! The lab's thread never waits for a client: what it has to say goes into an [`outlet`] or a [`pipe`], which are bounded.
//! A client's next line is read once the lab has taken the one before.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`protocol`] | requests and replies |
//! | [`place`] | where sockets are, who owns one, which labs run |
//! | [`server`] | the thread: accepts clients, listens for signals |
//! | [`connection`] | one client: reads its lines, writes its replies |
//! | [`outlet`] | lines that wait to be sent to a client |
//! | [`pipe`] | a live capture on its way to a client |
//! | [`desk`] | does what clients ask, on the lab's thread |
//! | [`client`] | the other end: how the subcommands speak to a lab |

pub(crate) mod client;
mod connection;
pub(crate) mod desk;
mod outlet;
mod pipe;
pub(crate) mod place;
pub(crate) mod protocol;
pub(crate) mod server;
