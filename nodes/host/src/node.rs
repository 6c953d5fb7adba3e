//! The host as a node of the lab.

use core::net::IpAddr;

use inet::{Cidr, ConfigError, Echo, Event, Flow, IfIx, Interface, NeighborKey, NeighborState, Segment, Stack, Upper};
use packet::MacAddr;
use sim_core::{Batch, Carrier, Cx, DropReason, Duration, Node, PortIx, Tag, Time};

use crate::net::{Deferred, Net, Unsent};
use crate::ping::{Outcome, PingError, PingId, PingRequest, PingStatus};
use crate::pings::{Pace, Pings, Step};
use crate::prompt::Prompt;
use crate::traffic::{Sinks, Sources};
use crate::{HostConfig, Reply, SessionId, SinkCounters, SourceCounters, SourceId, UdpSourceConfig};

/// A host: interfaces with addresses, pings, traffic, a prompt.
#[derive(Debug)]
pub struct Host {
    pub(crate) name: String,
    pub(crate) stack: Stack,
    pub(crate) above: Above,
    sources: Sources,
    pub(crate) prompt: Prompt,
}

/// What stands on the stack.
#[derive(Debug)]
pub(crate) struct Above {
    host: String,
    pub(crate) pings: Pings,
    sinks: Sinks,
    /// Made when the first socket opens or the first TCP segment comes.
    net: Option<Box<Net>>,
}

impl Host {
    /// A host.
    ///
    /// # Errors
    /// If two interfaces have the same name or the same port and VLAN, or one has a MAC address that is no station's,
    /// a VLAN that is none, or an MTU that is too small.
    pub fn new(config: HostConfig) -> Result<Self, ConfigError> {
        let HostConfig { name, interfaces, routes } = config;
        let stack = Stack::new(interfaces, routes)?;
        let above = Above { host: name.clone(), pings: Pings::new(&name), sinks: Sinks::default(), net: None };
        Ok(Self { name, stack, above, sources: Sources::default(), prompt: Prompt::default() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its stack: interfaces, routes, neighbours and their counters.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Its stack to be changed, with what stands on it.
    pub fn stack_mut(&mut self) -> (&mut Stack, &mut impl Upper) {
        (&mut self.stack, &mut self.above)
    }

    /// Its interfaces, in order.
    pub fn interfaces(&self) -> &[Interface] {
        self.stack.interfaces()
    }

    /// All addresses, interface by interface, the IPv6 link-local ones made from MAC addresses last of each.
    pub fn addresses(&self) -> impl Iterator<Item = (IfIx, Cidr)> + '_ {
        self.stack.addresses()
    }

    /// The MAC address of the interface of that name.
    pub fn mac_of(&self, interface: &str) -> Option<MacAddr> {
        self.interfaces().iter().find(|found| found.name() == interface).map(Interface::mac)
    }

    /// The MAC address of the interface that has this address.
    pub fn mac_of_address(&self, address: IpAddr) -> Option<MacAddr> {
        self.interfaces().iter().find(|found| found.owns(address)).map(Interface::mac)
    }

    /// Starts a ping. Its first request leaves now. Its tag is noticed at each reply, error and
    /// timeout and at its end, also if that comes within this call.
    ///
    /// # Errors
    /// If nothing could be sent now: no route, a count or size out of range.
    pub fn ping(&mut self, cx: &mut Cx<'_>, request: PingRequest) -> Result<PingId, PingError> {
        self.start_ping(cx, request, Pace::Steady)
    }

    /// How a ping is doing; `None` once it is forgotten.
    pub fn ping_status(&self, id: PingId) -> Option<&PingStatus> {
        self.above.pings.status(id)
    }

    /// Ends a ping, if it still runs, and forgets it.
    pub fn forget_ping(&mut self, id: PingId) {
        self.above.pings.forget(id);
    }

    /// Sends a frame out of a NIC as it is. Bytes beyond the longest frame are cut off.
    pub fn send_raw(&mut self, cx: &mut Cx<'_>, port: PortIx, bytes: &[u8], tag: Tag) {
        self.stack.send_raw(cx, port, bytes, tag);
    }

    /// Starts a source of UDP datagrams.
    pub fn start_udp_source(&mut self, cx: &mut Cx<'_>, config: UdpSourceConfig) -> SourceId {
        let id = self.sources.start(cx.now, config);
        self.sources.run(cx, &mut self.stack, &mut self.above);
        id
    }

    /// Ends a source; its counters stay.
    pub fn stop_udp_source(&mut self, id: SourceId) {
        self.sources.stop(id);
    }

    /// What a source has done.
    pub fn udp_source(&self, id: SourceId) -> Option<SourceCounters> {
        self.sources.counters(id)
    }

    /// Opens a UDP port on all addresses and counts what comes.
    pub fn open_udp_sink(&mut self, port: u16) {
        self.stack.open_udp(port);
        self.above.sinks.open(port);
    }

    /// What the sink of a port has counted.
    pub fn udp_sink(&self, port: u16) -> Option<SinkCounters> {
        self.above.sinks.counters(port)
    }

    /// Does what a line of the prompt says; the caller has split it into words and resolved names of hosts. Frames
    /// that it sends carry `tag`.
    pub fn command(&mut self, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Reply {
        crate::prompt::command(self, cx, words, tag)
    }

    /// What a command that runs printed since this was last asked; `None` if there is no such command.
    pub fn session_news(&mut self, id: SessionId) -> Option<String> {
        crate::prompt::news(self, id)
    }

    /// The output of a command that ran, once it is done, without what [`Host::session_news`] gave; the session is then
    /// forgotten.
    pub fn session_output(&mut self, id: SessionId) -> Option<String> {
        crate::prompt::output(self, id, false)
    }

    /// Ends a command that runs, as Ctrl-C does; gives what it printed so far, without what [`Host::session_news`] gave.
    pub fn cancel_session(&mut self, id: SessionId) -> Option<String> {
        crate::prompt::output(self, id, true)
    }

    pub(crate) fn start_ping(
        &mut self,
        cx: &mut Cx<'_>,
        request: PingRequest,
        pace: Pace,
    ) -> Result<PingId, PingError> {
        let PingRequest { to, count, size, interface, .. } = request;
        if !(1..=u32::from(u16::MAX)).contains(&count) {
            return Err(PingError::Count(count));
        }
        let max = Echo::max_size(to);
        if size > max {
            return Err(PingError::TooLong { size, max });
        }
        if !self.stack.is_local(to) && !self.stack.reaches(to, interface) {
            return Err(PingError::NoRoute(to));
        }
        let id = self.above.pings.start(cx.now, request, pace).ok_or(PingError::TooMany)?;
        self.run_pings(cx);
        Ok(id)
    }

    /// What stands on the host's sockets.
    pub(crate) fn net(&self) -> Option<&Net> {
        self.above.net.as_deref()
    }

    /// The same, made if it isn't there.
    pub(crate) fn net_mut(&mut self) -> (&mut Net, &mut Stack) {
        let Self { above, stack, .. } = self;
        (above.net.get_or_insert_with(|| Box::new(Net::new(&above.host))), stack)
    }

    /// Does what sockets have to do now.
    #[inline]
    pub(crate) fn run_net(&mut self, cx: &mut Cx<'_>) {
        if self.above.net.as_ref().is_some_and(|net| net.has_work(cx.now)) {
            self.run_net_now(cx);
        }
    }

    #[inline(never)]
    fn run_net_now(&mut self, cx: &mut Cx<'_>) {
        let mut deferred = Deferred::default();
        if let Some(net) = &mut self.above.net {
            net.run(cx, &mut self.stack, &mut deferred);
        }
        for Unsent { next_hop, displaced, about, tag } in deferred.0 {
            self.above.event(cx, Event::Unsent { next_hop, displaced, about, tag });
        }
    }

    fn run_pings(&mut self, cx: &mut Cx<'_>) {
        while let Some((id, step)) = self.above.pings.due(cx.now) {
            match step {
                Step::Send(echo) if self.stack.is_local(echo.to) => {
                    let outcome = Outcome::Reply { rtt: Duration::ZERO, ttl: echo.ttl };
                    self.above.pings.settle(cx, echo.ident, echo.seq, outcome);
                }
                Step::Send(echo) => {
                    if let Err(error) = self.stack.send_echo(cx, &echo, &mut self.above) {
                        self.above.pings.refused(cx, id, echo.seq, error);
                    }
                }
                Step::Expire(seq, to) => {
                    let resolving = self.resolving(to, cx.now);
                    self.above.pings.expire(cx, id, seq, resolving);
                }
            }
        }
    }

    /// Whether the next hop to `to` is being asked for.
    fn resolving(&self, to: IpAddr, now: Time) -> bool {
        self.stack.routes().lookup(to).is_some_and(|hop| {
            let key = NeighborKey { interface: hop.interface, address: hop.address };
            self.stack.neighbors().state(key, now) == Some(NeighborState::Incomplete)
        })
    }
}

impl Node for Host {
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        self.stack.frames(cx, port, batch, &mut self.above);
        self.run_net(cx);
    }

    fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        self.stack.carrier(cx, port, state, &mut self.above);
        self.run_net(cx);
    }

    fn wake(&mut self, cx: &mut Cx<'_>) {
        self.stack.wake(cx, &mut self.above);
        self.run_pings(cx);
        self.sources.run(cx, &mut self.stack, &mut self.above);
        self.run_net(cx);
    }

    fn next_wake(&self) -> Time {
        let net = self.above.net.as_ref().map_or(Time::NEVER, |net| net.next_wake());
        self.stack.next_wake().min(self.above.pings.next_wake()).min(self.sources.next_wake()).min(net)
    }
}

impl Upper for Above {
    fn event(&mut self, cx: &mut Cx<'_>, event: Event<'_>) {
        match event {
            Event::EchoReply { from, ident, seq, ttl, .. } => {
                self.pings.replied(cx, ident, seq, from, ttl);
                if let Some(net) = &mut self.net {
                    net.echoed(cx.now, from, ident, seq);
                }
            }
            Event::Datagram { from, from_port, port, data, tag, .. } => {
                if !self.sinks.count(port, data.len())
                    && let Some(net) = &mut self.net
                {
                    net.datagram(cx.now, (from, from_port).into(), port, data, tag);
                }
            }
            Event::Error { from, error, about, .. } => {
                if let Flow::Echo { ident, seq } = about.flow {
                    self.pings.failed(cx, ident, seq, about.dst, Outcome::Error { from, error });
                }
                if let Some(net) = &mut self.net {
                    net.error(cx.now, from, error, &about);
                }
            }
            Event::Unsent { next_hop, displaced, about, .. } => {
                if let Flow::Echo { ident, seq } = about.flow {
                    self.pings.failed(cx, ident, seq, about.dst, Outcome::NoNeighbor(next_hop));
                }
                // A segment that gave way leaves again; so may a datagram.
                if let Some(net) = self.net.as_mut().filter(|_| !displaced) {
                    net.unsent(cx.now, &about);
                }
            }
        }
    }

    fn segment(&mut self, cx: &mut Cx<'_>, segment: &Segment<'_>) -> Result<(), DropReason> {
        let net = self.net.get_or_insert_with(|| Box::new(Net::new(&self.host)));
        net.sockets.segment(cx, segment)
    }
}
