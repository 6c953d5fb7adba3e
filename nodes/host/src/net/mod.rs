//! What stands on a host's sockets: servers, which answer for ever, and tasks, which end.
//!
//! A task is stepped when its connection, a datagram, an ICMP error or its alarm has something for it; it looks at what
//! there is and goes on. A host without sockets has none of this.

mod attempt;
mod http;
mod iperf_text;
mod netcat;
mod server;
mod task;
mod trace;
mod transfer;
mod udp_report;

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use inet::{Datagram, Event, Flow, IcmpError, Quoted, SendError, Stack, Upper};
use packet::IpProtocol;
use sim_core::{Cx, Tag, Time};
use sockets::{SocketId, Sockets};

pub use attempt::{AttemptOutcome, AttemptRequest, Protocol};
pub use http::{HttpRequest, HttpStatus, MAX_RESPONSE};
pub use server::{ServeError, Service};
pub use task::TaskId;
pub use transfer::{TransferConfig, TransferReport, TransferState};

pub(crate) use attempt::Attempt;
pub(crate) use http::{Http, Print};
pub(crate) use iperf_text::{RULE, opening};
pub(crate) use netcat::{Mode, Netcat};
pub(crate) use server::{IPERF_BUFFER, Servers};
pub(crate) use task::{Running, Step, Task};
pub(crate) use trace::{Ask, Trace};
pub(crate) use transfer::Transfer;

/// The time to live of datagrams.
const TTL: u8 = 64;
/// The first UDP port that tasks are given (RFC 6335 section 6); sources of traffic have theirs from the same place on,
/// and take no answers.
const FIRST_PORT: u16 = 49152;

/// The most bytes that a task prints; then it has ended.
const MAX_TEXT: usize = 1 << 20;

/// A datagram that is to leave.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) to: SocketAddr,
    pub(crate) from_port: u16,
    pub(crate) ttl: u8,
    pub(crate) data: Vec<u8>,
    pub(crate) tag: Tag,
}

/// Servers, tasks and the sockets that they have.
#[derive(Debug, Default)]
pub(crate) struct Net {
    pub(crate) sockets: Sockets,
    pub(crate) servers: Servers,
    tasks: BTreeMap<TaskId, Running>,
    by_socket: BTreeMap<SocketId, TaskId>,
    by_port: BTreeMap<u16, TaskId>,
    alarms: BTreeSet<(Time, TaskId)>,
    ready: BTreeSet<TaskId>,
    outbox: Vec<Mail>,
    last: u64,
    last_port: u16,
}

/// What the stack has to say while something is being sent: it is passed on afterwards.
#[derive(Debug, Default)]
pub(crate) struct Deferred(pub(crate) Vec<Unsent>);

/// A packet that waited for its next hop and was dropped.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) next_hop: IpAddr,
    pub(crate) displaced: bool,
    pub(crate) about: Quoted,
    pub(crate) tag: Tag,
}

impl Upper for Deferred {
    fn event(&mut self, _: &mut Cx<'_>, event: Event<'_>) {
        // Sending tells of nothing else.
        if let Event::Unsent { next_hop, displaced, about, tag } = event {
            self.0.push(Unsent { next_hop, displaced, about, tag });
        }
    }
}

impl Net {
    /// Nothing yet; pages are titled by the host's name.
    pub(crate) fn new(host: &str) -> Self {
        Self { servers: Servers::new(host), ..Self::default() }
    }

    /// Starts a task; it is stepped with the next [`Net::run`].
    pub(crate) fn start(&mut self, task: Task, tag: Tag) -> TaskId {
        self.last += 1;
        let id = TaskId(self.last);
        self.tasks.insert(id, Running::new(task, tag));
        self.ready.insert(id);
        id
    }

    pub(crate) fn task(&self, id: TaskId) -> Option<&Running> {
        self.tasks.get(&id)
    }

    pub(crate) fn task_mut(&mut self, id: TaskId) -> Option<&mut Running> {
        self.tasks.get_mut(&id)
    }

    /// Ends a task and forgets it. Connections that it still has are reset.
    pub(crate) fn forget(&mut self, stack: &mut Stack, id: TaskId) -> Option<Running> {
        let running = self.tasks.remove(&id)?;
        self.alarms.remove(&(running.alarm, id));
        self.ready.remove(&id);
        let sockets: Vec<SocketId> = self.by_socket.iter().filter(|(_, task)| **task == id).map(|(s, _)| *s).collect();
        for socket in sockets {
            self.by_socket.remove(&socket);
            self.sockets.abort(socket);
            self.sockets.release(socket);
        }
        let ports: Vec<u16> = self.by_port.iter().filter(|(_, task)| **task == id).map(|(port, _)| *port).collect();
        for port in ports {
            self.by_port.remove(&port);
            stack.close_udp(port);
        }
        for port in &running.listening {
            self.servers.give_back(&mut self.sockets, stack, *port);
        }
        Some(running)
    }

    /// When [`Net::run`] is wanted.
    #[inline]
    pub(crate) fn next_wake(&self) -> Time {
        if self.is_pending() {
            return Time::ZERO;
        }
        self.sockets.next_wake().min(self.alarms.first().map_or(Time::NEVER, |(at, _)| *at))
    }

    /// Whether something is to be done that waits for no time: a session was cancelled, say.
    #[inline]
    fn is_pending(&self) -> bool {
        self.sockets.has_work() || !self.ready.is_empty() || !self.outbox.is_empty()
    }

    /// Whether [`Net::run`] has anything to do at `now`.
    #[inline]
    pub(crate) fn has_work(&self, now: Time) -> bool {
        self.next_wake() <= now
    }

    /// Does all that can be done now.
    pub(crate) fn run(&mut self, cx: &mut Cx<'_>, stack: &mut Stack, deferred: &mut Deferred) {
        while self.has_work(cx.now) {
            self.sockets.wake(cx.now);
            while let Some((port, socket)) = self.sockets.next_accepted() {
                self.accepted(cx.now, port, socket);
            }
            while let Some(socket) = self.sockets.next_changed() {
                match self.by_socket.get(&socket) {
                    Some(task) => {
                        self.ready.insert(*task);
                    }
                    None => self.servers.serve(cx.now, socket, &mut self.sockets),
                }
            }
            while let Some((_, id)) = self.alarms.first().copied().filter(|(at, _)| *at <= cx.now) {
                self.alarms.pop_first();
                self.ready.insert(id);
            }
            while let Some(id) = self.ready.pop_first() {
                self.step(cx, stack, id);
            }
            for (protocol, port) in self.servers.take_done() {
                self.servers.close(&mut self.sockets, stack, protocol, port);
            }
            for mail in self.outbox.drain(..) {
                let Mail { to, from_port, ttl, data, tag } = mail;
                let datagram =
                    Datagram { to: to.ip(), src_port: from_port, dst_port: to.port(), ttl, data: &data, tag };
                // An answer that finds no way back is not owed; tasks have asked for a route.
                let _ = stack.send_datagram(cx, &datagram, deferred);
            }
            self.sockets.transmit(cx, stack, deferred);
        }
    }

    /// A datagram came in for a port that is open.
    pub(crate) fn datagram(&mut self, now: Time, from: SocketAddr, port: u16, data: &[u8], tag: Tag) {
        let lent = || {
            let found = self.tasks.iter().find(|(_, running)| running.listening.contains(&port));
            found
                .filter(|(_, running)| matches!(&running.task, Task::Netcat(netcat) if netcat.is_udp()))
                .map(|(id, _)| *id)
        };
        if let Some(id) = &self.by_port.get(&port).copied().or_else(lent) {
            if let Some(running) = self.tasks.get_mut(id) {
                running.task.datagram(now, from, port, data);
                self.ready.insert(*id);
            }
            return;
        }
        self.outbox.extend(self.servers.datagram(now, from, port, data, tag));
    }

    /// An ICMP error came in about a packet of this host.
    pub(crate) fn error(&mut self, now: Time, from: IpAddr, error: IcmpError, about: &Quoted) {
        match (about.protocol, about.flow) {
            (IpProtocol::TCP, _) => self.sockets.error(error, about),
            (_, Flow::Echo { ident, seq }) => self.trace(ident, |trace| trace.failed(now, from, error, seq)),
            (IpProtocol::UDP, Flow::Ports { src, dst }) => {
                if let Some(id) = self.by_port.get(&src)
                    && let Some(running) = self.tasks.get_mut(id)
                {
                    running.task.error(now, from, error, SocketAddr::new(about.dst, dst));
                    self.ready.insert(*id);
                }
            }
            _ => {}
        }
    }

    /// An echo reply came in.
    pub(crate) fn echoed(&mut self, now: Time, from: IpAddr, ident: u16, seq: u16) {
        self.trace(ident, |trace| trace.replied(now, from, seq));
    }

    /// Tells the trace whose echo requests have this identifier.
    fn trace(&mut self, ident: u16, f: impl FnOnce(&mut Trace)) {
        let traces = self.tasks.iter_mut().filter(|(_, running)| !running.finished);
        let mut traces = traces.filter_map(|(id, running)| match &mut running.task {
            Task::Trace(trace) if trace.ident == ident => Some((*id, trace)),
            _ => None,
        });
        if let Some((id, trace)) = traces.next() {
            f(trace);
            self.ready.insert(id);
        }
    }

    /// A packet of this host was dropped because its next hop did not answer.
    pub(crate) fn unsent(&mut self, now: Time, about: &Quoted) {
        match (about.protocol, about.flow) {
            (IpProtocol::TCP, _) => self.sockets.unsent(about),
            // As Linux has it: the host itself is the one who says so.
            _ => self.error(now, about.src, IcmpError::HostUnreachable, about),
        }
    }

    fn accepted(&mut self, now: Time, port: u16, socket: SocketId) {
        let owner = self.tasks.iter_mut().find(|(_, running)| running.listening.contains(&port));
        if let Some((id, running)) = owner {
            if running.task.accepted(socket) {
                self.by_socket.insert(socket, *id);
            } else {
                self.sockets.abort(socket);
                self.sockets.release(socket);
            }
            self.ready.insert(*id);
            return;
        }
        self.servers.accepted(now, port, socket, &mut self.sockets);
    }

    fn step(&mut self, cx: &mut Cx<'_>, stack: &mut Stack, id: TaskId) {
        let Some(running) = self.tasks.get_mut(&id).filter(|running| !running.finished) else { return };
        let before = (running.text.len(), running.finished);
        let mut step = Step {
            cx,
            stack,
            sockets: &mut self.sockets,
            outbox: &mut self.outbox,
            tag: running.tag,
            text: &mut running.text,
            alarm: Time::NEVER,
            opened: Vec::new(),
            ports: Vec::new(),
            last_port: &mut self.last_port,
            released: Vec::new(),
        };
        running.finished |= running.task.step(&mut step);
        if step.text.len() > MAX_TEXT {
            step.text.push_str("\n(1 MiB of output: it ends here)\n");
            running.finished = true;
        }
        let Step { alarm, opened, ports, released, .. } = step;
        for socket in opened {
            self.by_socket.insert(socket, id);
        }
        for port in ports {
            self.by_port.insert(port, id);
        }
        for socket in released {
            self.by_socket.remove(&socket);
            self.sockets.release(socket);
        }
        let alarm = if running.finished { Time::NEVER } else { alarm };
        if alarm != running.alarm {
            self.alarms.remove(&(running.alarm, id));
            if alarm != Time::NEVER {
                self.alarms.insert((alarm, id));
            }
            running.alarm = alarm;
        }
        if (running.text.len(), running.finished) != before && running.tag != Tag::NONE {
            cx.out.notice(running.tag);
        }
    }
}

impl Step<'_, '_> {
    /// Opens a UDP port of the host's own choice for the task.
    pub(crate) fn open_port(&mut self) -> u16 {
        let count = u16::MAX - FIRST_PORT;
        *self.last_port = FIRST_PORT + (self.last_port.saturating_sub(FIRST_PORT) + 1) % count;
        let port = *self.last_port;
        self.stack.open_udp(port);
        self.ports.push(port);
        port
    }

    /// Sends a datagram now.
    ///
    /// # Errors
    /// If no route leads there, or it is too long.
    pub(crate) fn send_datagram(
        &mut self,
        from_port: u16,
        to: SocketAddr,
        ttl: u8,
        data: &[u8],
    ) -> Result<(), SendError> {
        if self.stack.source_to(to.ip(), None).is_none() {
            return Err(SendError::NoRoute(to.ip()));
        }
        self.outbox.push(Mail { to, from_port, ttl, data: data.to_vec(), tag: self.tag });
        Ok(())
    }
}
