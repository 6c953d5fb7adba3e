//! Pings: sessions that send echo requests and wait for what comes back.

use core::net::IpAddr;

use inet::{IcmpError, IfIx};
use sim_core::{Duration, Tag, Time};

/// A ping of a host. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PingId(pub u64);

/// What a ping is to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingRequest {
    /// Whom to ask.
    pub to: IpAddr,
    /// How many requests to send, 1..=65535.
    pub count: u32,
    /// Bytes of data in each request, at most 65507 (IPv6: 65527).
    pub size: u16,
    /// From one request to the next.
    pub interval: Duration,
    /// How long to wait for each reply.
    pub timeout: Duration,
    /// The requests' time to live, or hop limit.
    pub ttl: u8,
    /// Whether routers must not fragment the requests, nor the host itself. IPv4 only.
    pub dont_fragment: bool,
    /// Marks all frames of the ping, and the notices of its progress.
    pub tag: Tag,
    /// The interface to send by, if not the one that the routes name.
    pub interface: Option<IfIx>,
}

impl PingRequest {
    /// One request of 56 bytes with TTL 64, a second for its reply.
    pub fn new(to: IpAddr, tag: Tag) -> Self {
        Self {
            to,
            count: 1,
            size: 56,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            ttl: 64,
            dont_fragment: false,
            tag,
            interface: None,
        }
    }

    /// The same with `count` requests.
    #[must_use]
    pub fn with_count(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// The same with `size` bytes of data in each request.
    #[must_use]
    pub fn with_size(mut self, size: u16) -> Self {
        self.size = size;
        self
    }
}

/// Why a ping can't start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PingError {
    /// No route leads there, or no own address of its family can speak.
    #[error("no route to {0}")]
    NoRoute(IpAddr),
    /// The request would be longer than an IP packet can be.
    #[error("{size} bytes of data are too many, the most is {max}")]
    TooLong {
        /// Asked for.
        size: u16,
        /// The most.
        max: u16,
    },
    /// The count is not in 1..=65535.
    #[error("cannot send {0} requests, only 1 to 65535")]
    Count(u32),
    /// 65536 pings are there already.
    #[error("65536 pings are there already: forget some")]
    TooMany,
}

/// How a ping is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingStatus {
    /// Whom it asks.
    pub to: IpAddr,
    /// Requests sent so far.
    pub sent: u32,
    /// Replies in time.
    pub received: u32,
    /// What became of each request, the first first.
    pub probes: Vec<Probe>,
    /// Whether all requests are sent and decided.
    pub finished: bool,
}

impl PingStatus {
    /// The round-trip time of the first reply.
    pub fn first_rtt(&self) -> Option<Duration> {
        self.probes.iter().find_map(|probe| match probe.outcome {
            Outcome::Reply { rtt, .. } => Some(rtt),
            _ => None,
        })
    }

    /// What became of the request with this sequence number, the first being 1.
    pub fn probe(&self, seq: u16) -> Option<&Probe> {
        self.probes.get(usize::from(seq).checked_sub(1)?)
    }
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// When it was sent.
    pub sent: Time,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Pending,
    /// The reply came in time.
    Reply {
        /// How long it took.
        rtt: Duration,
        /// The reply's time to live as it came in.
        ttl: u8,
    },
    /// No reply in time.
    Timeout,
    /// Nobody answered ARP or ND for this next hop.
    NoNeighbor(IpAddr),
    /// No route leads there any more.
    NoRoute,
    /// It is longer than the MTU and must not be fragmented.
    TooBig {
        /// The MTU in bytes.
        mtu: u16,
    },
    /// Somebody on the way sent an ICMP error.
    Error {
        /// Who.
        from: IpAddr,
        /// What.
        error: IcmpError,
    },
}
