//! The sockets of a node: who a segment is for, whose timer is next, what is to be sent.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use inet::{IcmpError, Quoted, Segment, SendError, Stack, Upper};
use packet::IpProtocol;
use packet::wire::tcp::{Flags, Packet, Repr};
use sim_core::{Cx, DropReason, Tag, Time};

use crate::open::{BACKLOG, ConnectError, ConnectOptions, Listener, MAX_BUFFER, MAX_SOCKETS, SocketId};
use crate::tcp::{Connection, End, Ends, Outgoing, State, refusal};

/// The first port that is given out (RFC 6335 section 6).
const FIRST_PORT: u16 = 49152;
/// The time to live of what leaves.
const TTL: u8 = 64;

/// The sockets of a node.
#[derive(Debug, Default)]
pub struct Sockets {
    slots: BTreeMap<SocketId, Slot>,
    by_ends: BTreeMap<Ends, SocketId>,
    listeners: BTreeMap<u16, Listener>,
    /// No later than each connection's own timer: a timer that moves back is found out as the alarm rings.
    alarms: BTreeSet<(Time, SocketId)>,
    /// Those that may have something to send.
    dirty: Vec<SocketId>,
    changed: VecDeque<SocketId>,
    accepted: VecDeque<(u16, SocketId)>,
    resets: Vec<(Ends, Outgoing<'static>, Tag)>,
    last_id: u64,
    next_port: u16,
}

#[derive(Debug)]
struct Slot {
    connection: Connection,
    /// The listener that counts it as half-open.
    half_open: Option<u16>,
    alarm: Time,
    dirty: bool,
    changed: bool,
    /// Whether its end was told.
    ended: bool,
}

impl Sockets {
    /// Opens a connection; its SYN leaves with the next [`Sockets::transmit`].
    ///
    /// # Errors
    /// If no route leads there, or sockets or ports are used up.
    pub fn connect(
        &mut self,
        cx: &mut Cx<'_>,
        stack: &Stack,
        to: SocketAddr,
        options: ConnectOptions,
    ) -> Result<SocketId, ConnectError> {
        let source = stack.source_to(to.ip(), None).ok_or(ConnectError::NoRoute(to.ip()))?;
        if !self.has_room() && !self.evict() {
            return Err(ConnectError::TooMany);
        }
        let ends = match options.port {
            Some(port) => {
                let ends = Ends { local: (source, port).into(), remote: to };
                (!self.by_ends.contains_key(&ends)).then_some(ends).ok_or(ConnectError::PortTaken(port))?
            }
            None => self.free_ends(cx, source, to).ok_or(ConnectError::TooMany)?,
        };
        let mss = segment_size(stack.mtu_to(to.ip()).unwrap_or(1500), to.ip());
        let connection = Connection::new(ends, cx.rng.bits() as u32, mss, buffer(options.buffer), options.tag);
        Ok(self.insert(connection, None))
    }

    /// Accepts connections on a port of all addresses; they come out of [`Sockets::next_accepted`]. False if somebody
    /// listens there already.
    pub fn listen(&mut self, port: u16, buffer: u32) -> bool {
        if self.listeners.contains_key(&port) {
            return false;
        }
        self.listeners.insert(port, Listener { buffer, ..Listener::default() });
        true
    }

    /// Accepts no more connections on a port; open ones stay, half-open ones are reset.
    pub fn close_listener(&mut self, port: u16) {
        self.listeners.remove(&port);
        let waiting = self.slots.iter_mut();
        let waiting = waiting.filter_map(|(id, slot)| slot.half_open.take_if(|at| *at == port).map(|_| *id));
        let waiting: Vec<SocketId> = waiting.collect();
        for id in waiting {
            self.abort(id);
            self.release(id);
        }
    }

    /// The listeners, by port.
    pub fn listeners(&self) -> impl Iterator<Item = (u16, &Listener)> + '_ {
        self.listeners.iter().map(|(port, listener)| (*port, listener))
    }

    /// All connections, the oldest first.
    pub fn connections(&self) -> impl Iterator<Item = (SocketId, &Connection)> + '_ {
        self.slots.iter().map(|(id, slot)| (*id, &slot.connection))
    }

    /// A connection; `None` once it was released and is over.
    pub fn get(&self, id: SocketId) -> Option<&Connection> {
        self.slots.get(&id).map(|slot| &slot.connection)
    }

    /// The next connection that was opened by a peer, and the port that it came to.
    pub fn next_accepted(&mut self) -> Option<(u16, SocketId)> {
        self.accepted.pop_front()
    }

    /// The next connection for which something came in: data, an acknowledgement, its end.
    pub fn next_changed(&mut self) -> Option<SocketId> {
        let id = self.changed.pop_front()?;
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.changed = false;
        }
        Some(id)
    }

    /// Reads what came in; gives the number of bytes.
    pub fn read(&mut self, id: SocketId, out: &mut [u8]) -> usize {
        self.with(id, |connection| connection.read(out)).unwrap_or(0)
    }

    /// Takes what came in without looking at it; gives the number of bytes.
    pub fn discard(&mut self, id: SocketId) -> usize {
        self.with(id, |connection| connection.skip(usize::MAX)).unwrap_or(0)
    }

    /// Writes what finds room; gives the number of bytes. It leaves with the next [`Sockets::transmit`].
    pub fn write(&mut self, id: SocketId, bytes: &[u8]) -> usize {
        self.with(id, |connection| connection.write(bytes)).unwrap_or(0)
    }

    /// Closes this side: a FIN follows what was written.
    pub fn close(&mut self, id: SocketId) {
        self.with(id, Connection::close);
    }

    /// Ends a connection at once; the peer is told by a reset.
    pub fn abort(&mut self, id: SocketId) {
        self.with(id, Connection::abort);
    }

    /// Nobody will ask for a connection any more: this side is closed, and it is forgotten once it is over.
    pub fn release(&mut self, id: SocketId) {
        self.with(id, |connection| {
            connection.orphan = true;
            if !connection.outgoing.finish {
                connection.close();
            }
        });
    }

    /// A segment came in.
    ///
    /// # Errors
    /// Why nothing comes of it: no port, no room, or it is wrong.
    pub fn segment(&mut self, cx: &mut Cx<'_>, segment: &Segment<'_>) -> Result<(), DropReason> {
        let packet = Packet::new_checked(segment.bytes).map_err(|_| DropReason::Malformed)?;
        let pseudo = inet::pseudo(segment.from, segment.to, IpProtocol::TCP, segment.bytes.len());
        if !segment.unsummed && !packet.verify_checksum(pseudo) {
            return Err(DropReason::BadChecksum);
        }
        let repr = Repr::parse(&packet);
        if segment.from.is_unspecified() || repr.src_port == 0 || repr.dst_port == 0 {
            return Err(DropReason::Malformed);
        }
        let ends = Ends { local: (segment.to, repr.dst_port).into(), remote: (segment.from, repr.src_port).into() };
        let syn =
            repr.flags.contains(Flags::SYN) && !repr.flags.contains(Flags::ACK) && !repr.flags.contains(Flags::RST);
        if let Some(id) = self.by_ends.get(&ends).copied() {
            let slot = self.slots.get_mut(&id).expect("what is found by its ends is in the table");
            let is_new = syn && self.listeners.contains_key(&repr.dst_port) && slot.connection.is_followed_by(repr.seq);
            if !is_new {
                let reply = slot.connection.segment(cx.now, &repr);
                self.resets.extend(reply.map(|reply| (ends, reply, segment.tag)));
                self.touch(id);
                return Ok(());
            }
            self.succeed(id);
        }
        let half_open = self.listeners.get(&repr.dst_port).map(|listener| listener.half_open);
        let has_room = half_open.is_some_and(|n| syn && n < BACKLOG) && (self.has_room() || self.evict());
        let Some(listener) = self.listeners.get_mut(&repr.dst_port).filter(|_| syn) else {
            self.resets.extend(refusal(&repr).map(|reply| (ends, reply, segment.tag)));
            return Err(DropReason::NoListener);
        };
        if !has_room {
            listener.overflows += 1;
            return Err(DropReason::NoBuffer);
        }
        listener.half_open += 1;
        let size = buffer(listener.buffer);
        let mss = segment_size(segment.mtu, segment.from);
        let mut connection = Connection::new(ends, cx.rng.bits() as u32, mss, size, segment.tag);
        connection.accept(&repr);
        self.insert(connection, Some(repr.dst_port));
        Ok(())
    }

    /// An ICMP error came in about a packet of this node.
    pub fn error(&mut self, error: IcmpError, about: &Quoted) {
        let end = match error {
            IcmpError::PortUnreachable | IcmpError::ProtocolUnreachable => End::Refused,
            _ => End::Unreachable,
        };
        if let Some(id) = self.find(about) {
            self.with(id, |connection| match error {
                IcmpError::TooBig(mtu) => connection.shorten(mtu.into()),
                _ => connection.failed(end),
            });
            self.touch(id);
        }
    }

    /// A packet of this node was dropped because its next hop did not answer.
    pub fn unsent(&mut self, about: &Quoted) {
        if let Some(id) = self.find(about) {
            self.with(id, |connection| connection.failed(End::Unreachable));
            self.touch(id);
        }
    }

    /// Timers may have run out.
    pub fn wake(&mut self, now: Time) {
        while let Some((_, id)) = self.alarms.first().copied().filter(|(at, _)| *at <= now) {
            self.alarms.pop_first();
            if let Some(slot) = self.slots.get_mut(&id) {
                slot.alarm = Time::NEVER;
                slot.connection.wake(now);
                self.touch(id);
            }
        }
    }

    /// When [`Sockets::wake`] is wanted.
    #[inline]
    pub fn next_wake(&self) -> Time {
        self.alarms.first().map_or(Time::NEVER, |(at, _)| *at)
    }

    /// Whether there is something to send by [`Sockets::transmit`], or to look at.
    #[inline]
    pub fn has_work(&self) -> bool {
        !self.dirty.is_empty() || !self.resets.is_empty() || !self.accepted.is_empty() || !self.changed.is_empty()
    }

    /// Sends what may leave.
    pub fn transmit(&mut self, cx: &mut Cx<'_>, stack: &mut Stack, upper: &mut impl Upper) {
        for (ends, reset, tag) in self.resets.drain(..) {
            // A refusal that finds no way back is not owed.
            let _ = send(cx, stack, upper, &ends, &reset, tag);
        }
        while let Some(id) = self.dirty.pop() {
            let Some(slot) = self.slots.get_mut(&id) else { continue };
            slot.dirty = false;
            if slot.connection.orphan && slot.connection.readable() > 0 {
                // Data for nobody (RFC 9293 section 3.10.4).
                slot.connection.abort();
            }
            let mut failed = None;
            slot.connection.transmit(cx.now, &mut |connection, segment| {
                if let Err(error) = send(cx, stack, upper, &connection.ends, segment, connection.tag) {
                    failed = Some(error);
                }
            });
            match failed {
                Some(SendError::TooBig(mtu)) => slot.connection.shorten(mtu.into()),
                Some(_) => slot.connection.failed(End::Unreachable),
                None => {}
            }
            self.settle(id);
        }
    }

    /// Follows a connection into its state: timer, listener's count, end.
    fn settle(&mut self, id: SocketId) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let state = slot.connection.state();
        if let Some(port) = slot.half_open.take_if(|_| state != State::SynReceived) {
            if let Some(listener) = self.listeners.get_mut(&port) {
                listener.half_open -= 1;
            }
            if slot.connection.is_open() {
                self.accepted.push_back((port, id));
            } else {
                slot.connection.orphan = true;
            }
        }
        let next = slot.connection.next_wake();
        if next < slot.alarm {
            self.alarms.remove(&(slot.alarm, id));
            self.alarms.insert((next, id));
            slot.alarm = next;
        }
        if state == State::Closed {
            let (ends, orphan) = (slot.connection.ends, slot.connection.orphan);
            if self.by_ends.get(&ends) == Some(&id) {
                self.by_ends.remove(&ends);
            }
            if orphan {
                self.remove(id);
            } else if !core::mem::replace(&mut slot.ended, true) && !slot.changed {
                slot.changed = true;
                self.changed.push_back(id);
            }
        }
    }

    fn find(&self, about: &Quoted) -> Option<SocketId> {
        let inet::Flow::Ports { src, dst } = about.flow else { return None };
        let ends = Ends { local: (about.src, src).into(), remote: (about.dst, dst).into() };
        self.by_ends.get(&ends).copied().filter(|_| about.protocol == IpProtocol::TCP)
    }

    /// Does something with a connection, which may then have something to send.
    fn with<R>(&mut self, id: SocketId, f: impl FnOnce(&mut Connection) -> R) -> Option<R> {
        let slot = self.slots.get_mut(&id)?;
        let result = f(&mut slot.connection);
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(id);
        }
        Some(result)
    }

    /// Something came for a connection.
    fn touch(&mut self, id: SocketId) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(id);
        }
        if !slot.changed && !slot.connection.orphan {
            slot.changed = true;
            self.changed.push_back(id);
        }
    }

    fn insert(&mut self, connection: Connection, half_open: Option<u16>) -> SocketId {
        self.last_id += 1;
        let id = SocketId(self.last_id);
        self.by_ends.insert(connection.ends, id);
        self.slots
            .insert(id, Slot { connection, half_open, alarm: Time::NEVER, dirty: true, changed: false, ended: false });
        self.dirty.push(id);
        id
    }

    fn remove(&mut self, id: SocketId) {
        let Some(slot) = self.slots.remove(&id) else { return };
        self.alarms.remove(&(slot.alarm, id));
        let ends = slot.connection.ends;
        if self.by_ends.get(&ends) == Some(&id) {
            self.by_ends.remove(&ends);
        }
    }

    /// Ends what is over, as another connection has its ends from now on.
    fn succeed(&mut self, id: SocketId) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        self.by_ends.remove(&slot.connection.ends);
        if slot.connection.orphan {
            self.remove(id);
        } else {
            self.with(id, |connection| connection.finish(End::Finished));
        }
    }

    fn has_room(&self) -> bool {
        self.slots.len() < MAX_SOCKETS
    }

    /// Makes room by forgetting the connection that has been in TIME-WAIT longest; false if none is.
    fn evict(&mut self) -> bool {
        let over = self.slots.iter().map(|(id, slot)| (*id, &slot.connection));
        let over = over.filter(|(_, connection)| connection.orphan && connection.state() == State::TimeWait);
        let longest = over.min_by_key(|(_, connection)| connection.next_wake()).map(|(id, _)| id);
        longest.map(|id| self.remove(id)).is_some()
    }

    /// Ends with a port that is free towards the peer. The first is random, as in any system that was just started.
    fn free_ends(&mut self, cx: &mut Cx<'_>, source: IpAddr, to: SocketAddr) -> Option<Ends> {
        let count = u16::MAX - FIRST_PORT + 1;
        if self.next_port == 0 {
            self.next_port = FIRST_PORT + cx.rng.below(count.into()) as u16;
        }
        for _ in 0..count {
            let port = self.next_port;
            self.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
            let ends = Ends { local: (source, port).into(), remote: to };
            if !self.by_ends.contains_key(&ends) && !self.listeners.contains_key(&port) {
                return Some(ends);
            }
        }
        None
    }
}

/// The data that a packet to `to` of `mtu` bytes can carry.
fn segment_size(mtu: u16, to: IpAddr) -> u64 {
    let headers = if to.is_ipv4() { 40 } else { 60 };
    u64::from(mtu).saturating_sub(headers).max(crate::tcp::MIN_MSS)
}

fn buffer(told: u32) -> u64 {
    u64::from(told.clamp(4096, MAX_BUFFER))
}

fn send(
    cx: &mut Cx<'_>,
    stack: &mut Stack,
    upper: &mut impl Upper,
    ends: &Ends,
    segment: &Outgoing<'_>,
    tag: Tag,
) -> Result<(), SendError> {
    let mut result = Ok(());
    segment.write(ends, |size, write| {
        let (src, dst) = (ends.local.ip(), ends.remote.ip());
        let outgoing = inet::Outgoing { src, dst, protocol: IpProtocol::TCP, ttl: TTL, dont_fragment: true, size, tag };
        result = stack.send(cx, &outgoing, upper, write);
    });
    result
}
