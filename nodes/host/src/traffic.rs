//! Traffic for measurements: sources of UDP datagrams, and sinks that count them.

use core::net::IpAddr;

use inet::{Stack, UdpFlow, Upper};
use sim_core::{Cx, Duration, Tag, Time};

/// The source port of a host's first source; each further one has the next (RFC 6335 section 6: dynamic ports).
const FIRST_PORT: u16 = 49152;

/// A source of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// What a source is to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpSourceConfig {
    /// Whom to.
    pub to: IpAddr,
    /// To which port.
    pub port: u16,
    /// Bytes of data in each datagram.
    pub size: u16,
    /// From one datagram to the next, at least 1 ns.
    pub interval: Duration,
    /// When to send the first.
    pub start: Time,
    /// No datagram is sent at this instant or later.
    pub until: Time,
    /// Marks the datagrams.
    pub tag: Tag,
}

/// What a source has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounters {
    /// Datagrams sent, those that wait for a neighbour included.
    pub sent: u64,
    /// Datagrams that could not be sent: no route, or longer than an IP packet can be.
    pub failed: u64,
}

/// What a sink has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkCounters {
    /// Datagrams.
    pub datagrams: u64,
    /// Bytes of their data.
    pub bytes: u64,
}

/// The sources of a host.
#[derive(Debug)]
pub(crate) struct Sources {
    all: Vec<Source>,
    next_wake: Time,
}

#[derive(Debug)]
struct Source {
    flow: UdpFlow,
    interval: Duration,
    until: Time,
    /// When the next datagram leaves; never, once the source has ended.
    next: Time,
    counters: SourceCounters,
}

impl Default for Sources {
    fn default() -> Self {
        Self { all: Vec::new(), next_wake: Time::NEVER }
    }
}

impl Sources {
    pub(crate) fn start(&mut self, now: Time, config: UdpSourceConfig) -> SourceId {
        let UdpSourceConfig { to, port, size, interval, start, until, tag } = config;
        let id = SourceId(self.all.len() as u32);
        let src_port = FIRST_PORT + (id.0 % u32::from(u16::MAX - FIRST_PORT)) as u16;
        let data = (0..size).map(|i| i as u8).collect();
        let flow = UdpFlow::new(to, src_port, port, data, tag);
        let first = start.max(now);
        let next = if first < until { first } else { Time::NEVER };
        let interval = interval.max(Duration::from_nanos(1));
        self.all.push(Source { flow, interval, until, next, counters: SourceCounters::default() });
        self.next_wake = self.next_wake.min(next);
        id
    }

    pub(crate) fn stop(&mut self, id: SourceId) {
        if let Some(source) = self.all.get_mut(id.0 as usize) {
            source.next = Time::NEVER;
        }
    }

    pub(crate) fn counters(&self, id: SourceId) -> Option<SourceCounters> {
        self.all.get(id.0 as usize).map(|source| source.counters)
    }

    #[inline]
    pub(crate) fn next_wake(&self) -> Time {
        self.next_wake
    }

    /// Sends what is due. Datagrams whose time passed while the host was stopped are not made up for.
    #[inline]
    pub(crate) fn run(&mut self, cx: &mut Cx<'_>, stack: &mut Stack, upper: &mut impl Upper) {
        if self.next_wake > cx.now {
            return;
        }
        self.next_wake = Time::NEVER;
        for source in &mut self.all {
            if source.next <= cx.now {
                match stack.send_flow(cx, &mut source.flow, upper) {
                    Ok(()) => source.counters.sent += 1,
                    Err(_) => source.counters.failed += 1,
                }
                source.next += source.interval;
                if source.next <= cx.now {
                    source.next = cx.now + source.interval;
                }
                if source.next >= source.until {
                    source.next = Time::NEVER;
                }
            }
            self.next_wake = self.next_wake.min(source.next);
        }
    }
}

/// The sinks of a host, sorted by port.
#[derive(Debug, Default)]
pub(crate) struct Sinks(Vec<(u16, SinkCounters)>);

impl Sinks {
    pub(crate) fn open(&mut self, port: u16) {
        if let Err(at) = self.find(port) {
            self.0.insert(at, (port, SinkCounters::default()));
        }
    }

    pub(crate) fn counters(&self, port: u16) -> Option<SinkCounters> {
        self.find(port).ok().map(|at| self.0[at].1)
    }

    #[inline]
    /// Counts a datagram; false if the port has no sink.
    pub(crate) fn count(&mut self, port: u16, size: usize) -> bool {
        let Ok(at) = self.find(port) else { return false };
        let counters = &mut self.0[at].1;
        counters.datagrams += 1;
        counters.bytes += size as u64;
        true
    }

    #[inline]
    fn find(&self, port: u16) -> Result<usize, usize> {
        self.0.binary_search_by_key(&port, |(port, _)| *port)
    }
}
