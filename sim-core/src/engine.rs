//! The engine: delivers frames, wakes nodes, counts drops, shows what happens.
//!
//! The order of all that happens is total: by time, then arrivals before timers, then the index of the link
//! direction or node, then the sequence of sending. What a driver does at an instant ([`Engine::act`]) comes before
//! that instant's frames if the engine was run [`Until::Before`] it, and after its timers if run [`Until::Through`].

use crate::drops::{Drop, DropReason, DropTable};
use crate::frame::{Frame, Pool, Tag};
use crate::link::{DirIx, Direction, DirectionConfig, InFlight, LinkConfig, LinkCounters, LinkIx, Sent};
use crate::node::{Batch, Carrier, Cx, Node, Outbox, PortIx};
use crate::queue::{Event, Queue};
use crate::random::{Seed, Stream};
use crate::time::{Duration, Time};
use std::collections::VecDeque;
use std::fmt;

/// A node of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIx(pub u32);

impl NodeIx {
    /// The node as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The most frames in flight on all links together; more are dropped as `no_buffer`.
pub const MAX_IN_FLIGHT: usize = 1_000_000;

/// A frame at the end of a link, as a capture sees it.
#[derive(Debug)]
pub struct Seen<'a> {
    /// When.
    pub now: Time,
    /// Where.
    pub dir: DirIx,
    /// What.
    pub frame: &'a Frame,
    /// Who killed it, if it didn't survive the link and the receiving port.
    pub killed: Option<(DropReason, DropSite)>,
    /// Whether it arrived; a frame that the link killed did not.
    pub arrived: bool,
}

/// Where a frame died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropSite {
    /// The node; for a link, the one at its far end.
    pub node: NodeIx,
    /// The port, if it was one.
    pub port: Option<PortIx>,
    /// The link direction, if it was one.
    pub dir: Option<DirIx>,
}

/// Whoever looks on: captures, counts, explanations. It changes nothing.
pub trait Watch<N> {
    /// A frame came to the end of a tapped direction ([`Engine::tap`]), or died on it.
    fn seen(&mut self, seen: &Seen<'_>);

    /// A tagged frame died; `node` is given if it died inside one. Untagged frames are counted only, unless
    /// [`Engine::watch_all_drops`] says otherwise.
    fn dropped(&mut self, now: Time, site: DropSite, drop: &Drop, frame: &Frame, node: Option<&N>);

    /// A node put a tagged frame on a wire.
    fn sent(&mut self, _from: NodeIx, _tag: Tag) {}

    /// A tagged frame came to a node's port, unharmed by the link. `node` is as it was before it had the frame.
    fn arrived(&mut self, _now: Time, _to: NodeIx, _port: PortIx, _frame: &Frame, _node: &N) {}

    /// Whether the run shall end here, with [`Stop::Noticed`]. Asked after each event; saying so takes it back.
    fn wants_stop(&mut self) -> bool {
        false
    }
}

/// Nobody looks on.
impl<N> Watch<N> for () {
    fn seen(&mut self, _: &Seen<'_>) {}
    fn dropped(&mut self, _: Time, _: DropSite, _: &Drop, _: &Frame, _: Option<&N>) {}
}

/// How far to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// All that happens before this instant.
    Before(Time),
    /// All that happens up to this instant and at it.
    Through(Time),
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It got as far as it was told; the time is that instant.
    Reached,
    /// There are notices ([`Engine::next_notice`]) or [`Watch::wants_stop`]; the time is that of the last event.
    Noticed,
    /// The budget of events is used up.
    Exhausted,
}

/// What every frame needs of a node.
struct NodeState {
    /// The earliest timer in the queue.
    timer: Time,
    /// Where its ports stand in [`Engine::ports`], and how many there are.
    ports_at: u32,
    ports_len: u32,
    running: bool,
}

/// What is needed of a node now and then.
struct NodeRest {
    stream: Stream,
    drops: DropTable,
}

/// In [`Engine::ports`]: no link.
const NO_LINK: u32 = u32::MAX;

struct LinkState {
    ends: [(NodeIx, PortIx); 2],
    admin_up: bool,
}

/// A lab in motion: nodes of type `N`, looked at by `W`.
pub struct Engine<N, W = ()> {
    now: Time,
    seed: Seed,
    started: bool,
    queue: Queue,
    /// What is left of the present instant.
    present: Vec<Event>,
    next_present: usize,
    nodes: Vec<N>,
    states: Vec<NodeState>,
    rests: Vec<NodeRest>,
    /// The direction that starts at each port, the ports of a node side by side.
    ports: Vec<u32>,
    links: Vec<LinkState>,
    directions: Vec<Direction>,
    in_flight: usize,
    max_in_flight: usize,
    pool: Pool,
    out: Outbox,
    batch: Batch,
    notices: VecDeque<(NodeIx, Tag)>,
    events: u64,
    max_events: u64,
    all_drops: bool,
    /// Whether any direction was ever tapped.
    tapping: bool,
    watch: W,
}

impl<N, W> fmt::Debug for Engine<N, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nodes, links) = (self.nodes.len(), self.links.len());
        write!(f, "Engine({nodes} nodes, {links} links, at {} s)", self.now)
    }
}

impl<N: Node, W: Watch<N>> Engine<N, W> {
    /// An empty lab.
    pub fn new(seed: Seed, watch: W) -> Self {
        Self {
            now: Time::ZERO,
            seed,
            started: false,
            queue: Queue::new(),
            present: Vec::new(),
            next_present: 0,
            nodes: Vec::new(),
            states: Vec::new(),
            rests: Vec::new(),
            ports: Vec::new(),
            links: Vec::new(),
            directions: Vec::new(),
            in_flight: 0,
            max_in_flight: MAX_IN_FLIGHT,
            pool: Pool::new(),
            out: Outbox::default(),
            batch: Batch::new(),
            notices: VecDeque::new(),
            events: 0,
            max_events: u64::MAX,
            all_drops: false,
            tapping: false,
            watch,
        }
    }

    /// Adds a node. `name` decides its random stream.
    pub fn add_node(&mut self, name: &str, node: N) -> NodeIx {
        let ix = NodeIx(self.nodes.len() as u32);
        self.nodes.push(node);
        self.states.push(NodeState { timer: Time::NEVER, ports_at: 0, ports_len: 0, running: true });
        self.rests.push(NodeRest { stream: self.seed.stream(&format!("node {name}")), drops: DropTable::default() });
        ix
    }

    /// Adds a link between two free ports. `name` decides its random streams.
    ///
    /// # Panics
    /// If one of the ports has a link.
    pub fn add_link(&mut self, name: &str, a: (NodeIx, PortIx), b: (NodeIx, PortIx), config: &LinkConfig) -> LinkIx {
        let link = LinkIx(self.links.len() as u32);
        let ends = [(a, b, link.forward(), &config.forward), (b, a, link.backward(), &config.backward)];
        for ((node, port), (to, to_port), dir, config) in ends {
            let stream = self.seed.stream(&format!("link {name} {}", dir.0 & 1));
            self.directions.push(Direction::new(to, to_port, config.clone(), stream));
            let place = self.port_place(node, port);
            let before = std::mem::replace(&mut self.ports[place], dir.0);
            assert!(before == NO_LINK, "port {port} of node {} has a link already", node.0);
        }
        self.links.push(LinkState { ends: [a, b], admin_up: !config.down });
        if self.started {
            self.refresh_link(link);
        }
        link
    }

    /// The place of a port in `ports`. A node that gets a port more than it has room for moves to the end.
    fn port_place(&mut self, node: NodeIx, port: PortIx) -> usize {
        let state = &mut self.states[node.index()];
        let (at, len) = (state.ports_at as usize, state.ports_len as usize);
        if port.index() < len {
            return at + port.index();
        }
        let (new_at, new_len) = (self.ports.len(), (port.index() + 1).max(2 * len));
        self.ports.extend_from_within(at..at + len);
        self.ports.resize(new_at + new_len, NO_LINK);
        (state.ports_at, state.ports_len) = (new_at as u32, new_len as u32);
        new_at + port.index()
    }

    /// Brings the links up and lets each node set its first timer. Runs do it themselves.
    pub fn start(&mut self) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        for link in 0..self.links.len() {
            self.refresh_link(LinkIx(link as u32));
        }
        for node in 0..self.nodes.len() {
            self.schedule(NodeIx(node as u32));
        }
    }

    /// Runs.
    pub fn run(&mut self, until: Until) -> Stop {
        self.start();
        let last = match until {
            Until::Before(Time::ZERO) => return Stop::Reached,
            Until::Before(time) => Time::from_nanos(time.as_nanos() - 1),
            Until::Through(time) => time,
        };
        loop {
            if !self.notices.is_empty() || self.watch.wants_stop() {
                return Stop::Noticed;
            }
            if self.next_present == self.present.len() {
                let next = self.queue.first();
                if next > last || next == Time::NEVER {
                    let (Until::Before(end) | Until::Through(end)) = until;
                    if end != Time::NEVER {
                        self.now = self.now.max(end);
                    }
                    return Stop::Reached;
                }
                if self.events >= self.max_events {
                    return Stop::Exhausted;
                }
                self.now = next;
                self.next_present = 0;
                if let Some(event) = self.queue.take(&mut self.present) {
                    self.happen(event);
                    continue;
                }
            }
            let event = self.present[self.next_present];
            self.next_present += 1;
            self.happen(event);
        }
    }

    #[inline]
    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrival(dir) => self.arrive(dir),
            Event::Timer(node) => self.wake(node),
        }
    }

    /// Lets `f` act on a node, now.
    pub fn act<R>(&mut self, node: NodeIx, f: impl FnOnce(&mut N, &mut Cx<'_>) -> R) -> R {
        let rng = &mut self.rests[node.index()].stream;
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng, out: &mut self.out };
        let result = f(&mut self.nodes[node.index()], &mut cx);
        self.flush(node);
        result
    }

    /// When the next event is due; [`Time::NEVER`] if nothing will happen.
    pub fn next_event(&self) -> Time {
        if self.next_present < self.present.len() { self.now } else { self.queue.first() }
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The lab's seed.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// A node.
    pub fn node(&self, node: NodeIx) -> &N {
        &self.nodes[node.index()]
    }

    /// All nodes, in order.
    pub fn nodes(&self) -> &[N] {
        &self.nodes
    }

    /// What looks on.
    pub fn watch(&self) -> &W {
        &self.watch
    }

    /// What looks on.
    pub fn watch_mut(&mut self) -> &mut W {
        &mut self.watch
    }

    /// What looks on, after the run.
    pub fn into_watch(self) -> W {
        self.watch
    }

    /// Takes the first of the notices that nodes gave.
    pub fn next_notice(&mut self) -> Option<(NodeIx, Tag)> {
        self.notices.pop_front()
    }

    /// Frame arrivals, frames that died on a link, and timers so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Stops runs once so many events have happened.
    pub fn set_max_events(&mut self, max: u64) {
        self.max_events = max;
    }

    /// Shows [`Watch::dropped`] untagged frames too, or no longer.
    pub fn watch_all_drops(&mut self, all: bool) {
        self.all_drops = all;
    }

    /// Changes how many frames may be in flight, [`MAX_IN_FLIGHT`] at first.
    pub fn set_max_in_flight(&mut self, max: usize) {
        self.max_in_flight = max;
    }

    /// Frames in flight and in queues.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The frame pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Drops inside a node.
    pub fn node_drops(&self, node: NodeIx) -> &DropTable {
        &self.rests[node.index()].drops
    }

    /// Drops on a link direction; the port is the one at its far end.
    pub fn link_drops(&self, dir: DirIx) -> &DropTable {
        &self.directions[dir.index()].rest.drops
    }

    /// What a link direction has carried.
    pub fn link_counters(&self, dir: DirIx) -> LinkCounters {
        self.directions[dir.index()].counters
    }

    /// How many frames and bytes wait in front of a link direction now.
    pub fn link_queue(&mut self, dir: DirIx) -> (usize, u64) {
        self.directions[dir.index()].waiting(self.now)
    }

    /// The number of links.
    pub fn link_count(&self) -> usize {
        self.links.len()
    }

    /// The link direction that starts at a port.
    #[inline]
    pub fn direction_from(&self, node: NodeIx, port: PortIx) -> Option<DirIx> {
        let state = &self.states[node.index()];
        if port.0 >= state.ports_len {
            return None;
        }
        Some(self.ports[(state.ports_at + port.0) as usize]).filter(|dir| *dir != NO_LINK).map(DirIx)
    }

    /// The ports at the two ends of a link.
    pub fn ends(&self, link: LinkIx) -> [(NodeIx, PortIx); 2] {
        self.links[link.0 as usize].ends
    }

    /// Whether a link carries frames: it is up, and so are both its nodes.
    pub fn is_up(&self, link: LinkIx) -> bool {
        self.directions[link.forward().index()].up
    }

    /// Whether a link is meant to carry frames, whether or not its nodes run.
    pub fn is_link_enabled(&self, link: LinkIx) -> bool {
        self.links[link.0 as usize].admin_up
    }

    /// A link direction's configuration.
    pub fn link_config(&self, dir: DirIx) -> &DirectionConfig {
        &self.directions[dir.index()].rest.config
    }

    /// Changes a link direction's configuration, for frames sent from now on.
    pub fn configure(&mut self, dir: DirIx, config: DirectionConfig) {
        self.directions[dir.index()].configure(config);
    }

    /// Takes a link up or down. What is queued and in flight dies; both ends see it.
    pub fn set_link(&mut self, link: LinkIx, up: bool) {
        self.links[link.0 as usize].admin_up = up;
        if self.started {
            self.refresh_link(link);
        }
    }

    /// Stops a node or starts it again. The links of a stopped node are down.
    pub fn set_running(&mut self, node: NodeIx, running: bool) {
        self.states[node.index()].running = running;
        if !self.started {
            return;
        }
        for port in 0..self.states[node.index()].ports_len {
            if let Some(dir) = self.direction_from(node, PortIx(port)) {
                self.refresh_link(dir.link());
            }
        }
        self.schedule(node);
    }

    /// Whether a node runs.
    pub fn is_running(&self, node: NodeIx) -> bool {
        self.states[node.index()].running
    }

    /// Shows the frames of a direction to [`Watch::seen`], or no longer.
    pub fn tap(&mut self, dir: DirIx, tapped: bool) {
        self.directions[dir.index()].rest.tapped = tapped;
        self.tapping |= tapped;
    }

    /// Makes a link what its ends and its administrator make of it, and tells both nodes of a change.
    fn refresh_link(&mut self, link: LinkIx) {
        let LinkState { ends, admin_up } = self.links[link.0 as usize];
        let up = admin_up && ends.iter().all(|(node, _)| self.states[node.index()].running);
        if up == self.is_up(link) {
            return;
        }
        for dir in [link.forward(), link.backward()] {
            if up {
                self.directions[dir.index()].up = true;
            } else {
                let lost = self.directions[dir.index()].cut(self.now);
                self.in_flight -= lost.len();
                for InFlight { frame, .. } in lost {
                    self.killed_on_link(dir, &frame, DropReason::LinkDown);
                }
            }
        }
        let state = if up { Carrier::Up } else { Carrier::Down };
        for (node, port) in ends {
            self.act(node, |n, cx| n.carrier(cx, port, state));
        }
    }

    /// Delivers what arrives at the end of `dir` now.
    #[inline]
    fn arrive(&mut self, dir: DirIx) {
        loop {
            let direction = &mut self.directions[dir.index()];
            match direction.in_flight.front() {
                Some(first) if first.arrival == self.now => {}
                Some(first) => return self.queue.push(first.arrival, Event::Arrival(dir)),
                None => return,
            }
            let Some(InFlight { frame, corrupt, .. }) = direction.in_flight.pop_front() else { return };
            self.in_flight -= 1;
            self.events += 1;
            direction.counters.frames += 1;
            direction.counters.bytes += frame.len() as u64;
            direction.counters.group_frames += u64::from(frame.first().is_some_and(|byte| byte & 1 != 0));
            let (node, port) = (direction.to, direction.to_port);
            let tapped = self.tapping && direction.rest.tapped;
            if corrupt {
                self.deliver_corrupt(dir, frame);
                continue;
            }
            if frame.tag() != Tag::NONE {
                self.watch.arrived(self.now, node, port, &frame, &self.nodes[node.index()]);
            }
            if tapped {
                self.deliver_tapped(dir, node, port, frame);
                continue;
            }
            self.deliver(node, port, frame);
            self.flush(node);
        }
    }

    /// Hands a frame to a node.
    #[inline]
    fn deliver(&mut self, node: NodeIx, port: PortIx, frame: Frame) {
        self.batch.push(frame);
        let rng = &mut self.rests[node.index()].stream;
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng, out: &mut self.out };
        self.nodes[node.index()].frames(&mut cx, port, &mut self.batch);
        debug_assert!(self.batch.is_empty(), "a node drains its batch");
    }

    /// Hands a frame to a node and shows it to the watch, with what the receiving port made of it.
    #[inline(never)]
    fn deliver_tapped(&mut self, dir: DirIx, node: NodeIx, port: PortIx, frame: Frame) {
        let copy = frame.share();
        self.deliver(node, port, frame);
        let killed = self.out.drops.iter().find(|(drop, _)| drop.port == Some(port));
        let killed = killed.map(|(drop, _)| (drop.reason, DropSite { node, port: Some(port), dir: None }));
        self.watch.seen(&Seen { now: self.now, dir, frame: &copy, killed, arrived: true });
        self.flush(node);
    }

    /// A corrupted frame arrives: one bit of it is wrong, and the receiver's frame check finds out.
    #[cold]
    fn deliver_corrupt(&mut self, dir: DirIx, mut frame: Frame) {
        if !frame.is_empty() {
            let bit = self.directions[dir.index()].rest.stream.below(frame.len() as u64 * 8) as usize;
            frame.bytes_mut(&mut self.pool)[bit / 8] ^= 1 << (bit % 8);
        }
        self.killed(dir, &frame, DropReason::CorruptFcs, true);
    }

    fn killed_on_link(&mut self, dir: DirIx, frame: &Frame, reason: DropReason) {
        self.killed(dir, frame, reason, false);
    }

    /// Counts and shows a frame that a link killed.
    #[cold]
    fn killed(&mut self, dir: DirIx, frame: &Frame, reason: DropReason, arrived: bool) {
        // In a storm most frames die in front of full links. They are work as well, which the budget must see.
        self.events += u64::from(!arrived);
        let direction = &mut self.directions[dir.index()];
        direction.rest.drops.count(Some(direction.to_port), reason);
        let site = DropSite { node: direction.to, port: Some(direction.to_port), dir: Some(dir) };
        if direction.rest.tapped {
            self.watch.seen(&Seen { now: self.now, dir, frame, killed: Some((reason, site)), arrived });
        }
        if self.all_drops || frame.tag() != Tag::NONE {
            self.watch.dropped(self.now, site, &Drop::at(direction.to_port, reason), frame, None);
        }
    }

    fn wake(&mut self, node: NodeIx) {
        let state = &mut self.states[node.index()];
        if state.timer == self.now {
            state.timer = Time::NEVER;
        }
        if !state.running {
            return;
        }
        if self.nodes[node.index()].next_wake() <= self.now {
            self.events += 1;
            let rng = &mut self.rests[node.index()].stream;
            let mut cx = Cx { now: self.now, pool: &mut self.pool, rng, out: &mut self.out };
            self.nodes[node.index()].wake(&mut cx);
            self.flush(node);
            return;
        }
        self.schedule(node);
    }

    /// Carries out what a node left in the outbox.
    #[inline]
    fn flush(&mut self, node: NodeIx) {
        if !self.out.drops.is_empty() || !self.out.notices.is_empty() {
            self.flush_observations(node);
        }
        if let Some((port, frame)) = self.out.first.take() {
            self.transmit(node, port, frame);
            if !self.out.frames.is_empty() {
                self.transmit_others(node);
            }
        }
        self.schedule(node);
    }

    #[inline(never)]
    fn flush_observations(&mut self, node: NodeIx) {
        let mut drops = std::mem::take(&mut self.out.drops);
        for (drop, frame) in drops.drain(..) {
            self.rests[node.index()].drops.count(drop.port, drop.reason);
            if self.all_drops || frame.tag() != Tag::NONE {
                let site = DropSite { node, port: drop.port, dir: None };
                self.watch.dropped(self.now, site, &drop, &frame, Some(&self.nodes[node.index()]));
            }
        }
        self.out.drops = drops;
        self.notices.extend(self.out.notices.drain(..).map(|tag| (node, tag)));
    }

    #[inline(never)]
    fn transmit_others(&mut self, node: NodeIx) {
        let mut frames = std::mem::take(&mut self.out.frames);
        for (port, frame) in frames.drain(..) {
            self.transmit(node, port, frame);
        }
        self.out.frames = frames;
    }

    /// Puts a frame on the link of a port.
    #[inline]
    fn transmit(&mut self, node: NodeIx, port: PortIx, frame: Frame) {
        let Some(dir) = self.direction_from(node, port) else {
            return self.died_at_port(node, port, &frame);
        };
        if self.in_flight >= self.max_in_flight {
            return self.killed_on_link(dir, &frame, DropReason::NoBuffer);
        }
        let tag = frame.tag();
        match self.directions[dir.index()].send(self.now, frame) {
            Sent::Away(first) => self.departed(node, dir, tag, first),
            Sent::Twice(first, second) => {
                self.departed(node, dir, tag, first);
                self.departed(node, dir, tag, second);
            }
            Sent::Killed(frame, reason) => self.killed_on_link(dir, &frame, reason),
        }
    }

    /// A frame is on its way; `first` is its arrival if that is the direction's next.
    #[inline]
    fn departed(&mut self, node: NodeIx, dir: DirIx, tag: Tag, first: Option<Time>) {
        self.in_flight += 1;
        if tag != Tag::NONE {
            self.watch.sent(node, tag);
        }
        if let Some(arrival) = first {
            self.queue.push(arrival, Event::Arrival(dir));
        }
    }

    /// A frame was sent out of a port that has no link.
    #[cold]
    fn died_at_port(&mut self, node: NodeIx, port: PortIx, frame: &Frame) {
        self.rests[node.index()].drops.count(Some(port), DropReason::PortDown);
        if self.all_drops || frame.tag() != Tag::NONE {
            let site = DropSite { node, port: Some(port), dir: None };
            let drop = Drop::at(port, DropReason::PortDown);
            self.watch.dropped(self.now, site, &drop, frame, Some(&self.nodes[node.index()]));
        }
    }

    /// Puts the node's next wake in the queue unless an earlier timer is there. A wake that asks for the present
    /// instant again gets the next nanosecond, so that time advances.
    #[inline]
    fn schedule(&mut self, node: NodeIx) {
        let state = &mut self.states[node.index()];
        let wish = self.nodes[node.index()].next_wake();
        if wish < state.timer && state.running && self.started {
            let at = wish.max(self.now + Duration::from_nanos(1));
            if at < state.timer {
                state.timer = at;
                self.queue.push(at, Event::Timer(node));
            }
        }
    }
}
