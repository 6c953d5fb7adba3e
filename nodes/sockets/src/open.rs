//! What opens sockets: options, bounds, and why one can't be opened.

use core::net::IpAddr;
use sim_core::Tag;

/// The most sockets of a node, those that linger after their end included.
pub const MAX_SOCKETS: usize = 4096;
/// The most half-open connections of a listener; one SYN more is dropped.
pub const BACKLOG: usize = 128;
/// The bytes that a socket queues in each direction, if not told. Memory is taken as it is needed.
pub const DEFAULT_BUFFER: u32 = 4 << 20;
/// The most that it can be told.
pub const MAX_BUFFER: u32 = 64 << 20;

/// A socket of a node. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// How a connection is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The own port; one that is free if not told.
    pub port: Option<u16>,
    /// Bytes to queue in each direction, at most [`MAX_BUFFER`].
    pub buffer: u32,
    /// Marks the connection's frames.
    pub tag: Tag,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { port: None, buffer: DEFAULT_BUFFER, tag: Tag::NONE }
    }
}

/// Why a connection can't be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No route leads there, or no own address of its family can speak.
    #[error("no route to {0}")]
    NoRoute(IpAddr),
    /// All sockets, or all ports towards that peer, are in use.
    #[error("{MAX_SOCKETS} sockets are open already")]
    TooMany,
    /// A connection between these ports is there already.
    #[error("port {0} is in use")]
    PortTaken(u16),
}

/// A port that connections are accepted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listener {
    /// Bytes that a connection queues in each direction.
    pub buffer: u32,
    /// Connections that are not fully open yet.
    pub half_open: usize,
    /// SYNs that were dropped because too many were half-open.
    pub overflows: u64,
}
