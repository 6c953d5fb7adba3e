//! Bridges wired by segments in virtual time, of either protocol, with a judge that sees every change of state.
//!
//! A segment is what a BPDU crosses at once: a link has two ends, a hub any number, and the ends may belong to one
//! bridge. The judge looks after every single [`Output`] whether frames could run in a circle.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod naive;
pub(crate) mod topologies;

use packet::wire::bpdu::{Bpdu, BridgeId};
use sim_core::{Duration, Time};
use spanning_tree::{
    BridgeConfig, Guard, Output, PortConfig, PortNumber, PortStatus, Protocol, Role, SpanningTree, State,
};
use std::collections::BTreeMap;

/// How long a BPDU takes over a segment, where nothing else is said.
pub(crate) const DELAY: Duration = Duration::from_micros(10);

/// What the standards recommend, for a bridge of this priority and address.
pub(crate) fn bridge_config(priority: u16, address: u64) -> BridgeConfig {
    BridgeConfig {
        id: BridgeId(u64::from(priority) << 48 | address),
        hello_time: Duration::from_secs(2),
        max_age: Duration::from_secs(20),
        forward_delay: Duration::from_secs(15),
        transmit_hold_count: 6,
        force_stp: false,
    }
}

/// A port of a full-duplex link between bridges.
pub(crate) fn port_config() -> PortConfig {
    PortConfig {
        priority: 128,
        path_cost: 10,
        admin_edge: false,
        auto_edge: true,
        point_to_point: true,
        guard: Guard::default(),
    }
}

/// A port of a hub.
pub(crate) fn shared_port_config() -> PortConfig {
    PortConfig { point_to_point: false, ..port_config() }
}

/// One end of a segment: the bridge's index and the port.
pub(crate) type End = (usize, PortNumber);

/// A bridge and what is known of it outside.
pub(crate) struct Switch {
    pub(crate) tree: SpanningTree,
    pub(crate) config: BridgeConfig,
    pub(crate) ports: BTreeMap<PortNumber, Port>,
    pub(crate) is_alive: bool,
}

/// A port as the judge knows it, from what was configured and from the outputs.
pub(crate) struct Port {
    pub(crate) config: PortConfig,
    pub(crate) segment: usize,
    pub(crate) state: State,
    pub(crate) flushes: u64,
    /// When BPDUs were sent, and which.
    pub(crate) sent: Vec<(Time, Bpdu)>,
}

/// What a BPDU crosses at once.
pub(crate) struct Segment {
    pub(crate) ends: Vec<End>,
    pub(crate) delay: Duration,
    /// Whether its ends have a carrier.
    pub(crate) is_up: bool,
    /// Whether BPDUs cross it, carrier or not.
    pub(crate) is_silent: bool,
    /// Whether what is sent comes back to who sent it.
    pub(crate) loops_back: bool,
}

/// A network of bridges.
#[derive(Default)]
pub(crate) struct Network {
    pub(crate) now: Time,
    pub(crate) switches: Vec<Switch>,
    pub(crate) segments: Vec<Segment>,
    /// BPDUs under way, and in which order they were sent.
    queue: BTreeMap<(Time, u64), (usize, End, Bpdu)>,
    sequence: u64,
    /// When a port last changed its state.
    pub(crate) last_change: Time,
    /// Whether a circle of forwarding ports ends the test.
    pub(crate) forbids_loops: bool,
    /// Since when there is a circle, and how long there were others before.
    loop_since: Option<Time>,
    pub(crate) loop_time: Duration,
    /// Bridge guards that fired.
    pub(crate) guarded: Vec<End>,
}

impl Network {
    /// No bridge yet; a circle of forwarding ports ends the test.
    pub(crate) fn new() -> Self {
        Self { forbids_loops: true, ..Self::default() }
    }

    /// Adds a bridge.
    pub(crate) fn add_bridge(&mut self, protocol: Protocol, config: BridgeConfig) -> usize {
        let tree = SpanningTree::new(protocol, config);
        self.switches.push(Switch { tree, config, ports: BTreeMap::new(), is_alive: true });
        self.switches.len() - 1
    }

    /// Wires two bridges with a full-duplex link. Returns the segment.
    pub(crate) fn add_link(&mut self, a: usize, b: usize) -> usize {
        self.add_segment(&[(a, port_config()), (b, port_config())])
    }

    /// Wires bridges; each end gets the next free port of its bridge, and its link comes up. Returns the segment.
    pub(crate) fn add_segment(&mut self, ends: &[(usize, PortConfig)]) -> usize {
        let segment = self.segments.len();
        let new = Segment { ends: Vec::new(), delay: DELAY, is_up: true, is_silent: false, loops_back: false };
        self.segments.push(new);
        for &(bridge, config) in ends {
            let number = PortNumber(self.switches[bridge].ports.len() as u16 + 1);
            let port = Port { config, segment, state: State::Disabled, flushes: 0, sent: Vec::new() };
            self.switches[bridge].ports.insert(number, port);
            self.segments[segment].ends.push((bridge, number));
            self.act(bridge, |tree, now, out| tree.set_port(now, number, config, out));
        }
        for end in self.segments[segment].ends.clone() {
            self.set_carrier(end, true);
        }
        segment
    }

    /// The machine at an index.
    pub(crate) fn tree(&self, bridge: usize) -> &SpanningTree {
        &self.switches[bridge].tree
    }

    /// What a port tells.
    pub(crate) fn port(&self, (bridge, port): End) -> PortStatus {
        self.tree(bridge).port_status(port).expect("the rig knows the port")
    }

    /// The role and the state of a port.
    pub(crate) fn role(&self, end: End) -> (Role, State) {
        let status = self.port(end);
        (status.role, status.state)
    }

    /// The end of a segment that belongs to a bridge.
    pub(crate) fn end(&self, segment: usize, bridge: usize) -> End {
        *self.segments[segment].ends.iter().find(|end| end.0 == bridge).expect("the bridge is on the segment")
    }

    /// Takes the carrier of a segment away, or gives it back.
    pub(crate) fn set_link(&mut self, segment: usize, is_up: bool) {
        self.segments[segment].is_up = is_up;
        for end in self.segments[segment].ends.clone() {
            self.set_carrier(end, is_up);
        }
    }

    /// Takes a bridge away. Who is linked to it loses the carrier; who shares a hub with it doesn't.
    pub(crate) fn fail_bridge(&mut self, bridge: usize) {
        self.switches[bridge].is_alive = false;
        let segments: Vec<usize> = self.switches[bridge].ports.values().map(|port| port.segment).collect();
        for segment in segments {
            if self.segments[segment].ends.len() == 2 {
                self.set_link(segment, false);
            }
        }
    }

    /// Changes what a bridge is told.
    pub(crate) fn configure(&mut self, bridge: usize, config: BridgeConfig) {
        self.switches[bridge].config = config;
        self.act(bridge, |tree, now, out| tree.configure(now, config, out));
    }

    /// Changes what a port is told.
    pub(crate) fn set_port(&mut self, (bridge, port): End, config: PortConfig) {
        self.switches[bridge].ports.get_mut(&port).expect("the rig knows the port").config = config;
        self.act(bridge, |tree, now, out| tree.set_port(now, port, config, out));
    }

    /// Hands a BPDU to a port, as if it had come over its segment just now.
    pub(crate) fn inject(&mut self, (bridge, port): End, bpdu: &Bpdu) {
        self.act(bridge, |tree, now, out| tree.receive(now, port, bpdu, out));
    }

    fn set_carrier(&mut self, (bridge, port): End, is_up: bool) {
        self.act(bridge, |tree, now, out| tree.set_link(now, port, is_up, out));
    }

    /// Lets a bridge act, and carries out what it wants.
    pub(crate) fn act(&mut self, bridge: usize, act: impl FnOnce(&mut SpanningTree, Time, &mut Vec<Output>)) {
        if !self.switches[bridge].is_alive {
            return;
        }
        let mut out = Vec::new();
        act(&mut self.switches[bridge].tree, self.now, &mut out);
        for output in out {
            match output {
                Output::Send(port, bpdu) => self.send((bridge, port), bpdu),
                Output::State(port, state) => {
                    self.port_mut((bridge, port)).state = state;
                    self.last_change = self.now;
                    self.judge();
                }
                Output::Flush(port) => self.port_mut((bridge, port)).flushes += 1,
                Output::BpduGuard(port) => self.guarded.push((bridge, port)),
            }
        }
    }

    fn port_mut(&mut self, (bridge, port): End) -> &mut Port {
        self.switches[bridge].ports.get_mut(&port).expect("a machine speaks of ports that it was given")
    }

    fn send(&mut self, from: End, bpdu: Bpdu) {
        let now = self.now;
        let port = self.port_mut(from);
        port.sent.push((now, bpdu));
        let segment = port.segment;
        let Segment { ends, delay, is_up, is_silent, loops_back } = &self.segments[segment];
        assert!(is_up, "{from:?} sends without a carrier at {now}");
        if *is_silent {
            return;
        }
        for &end in ends {
            if end != from || *loops_back {
                self.queue.insert((now + *delay, self.sequence), (segment, end, bpdu));
                self.sequence += 1;
            }
        }
    }

    /// Whether frames could run in a circle now: ports that forward join their bridge and their segment.
    pub(crate) fn has_loop(&self) -> bool {
        let mut sets = Sets::new(self.switches.len() + self.segments.len());
        self.forwarding().any(|(bridge, segment)| !sets.join(bridge, self.switches.len() + segment))
    }

    /// The ports that forward: bridge and segment.
    fn forwarding(&self) -> impl Iterator<Item = (usize, usize)> {
        let alive = self.switches.iter().enumerate().filter(|(_, switch)| switch.is_alive);
        alive.flat_map(|(bridge, switch)| {
            let ports = switch.ports.values().filter(|port| port.state == State::Forwarding);
            ports.filter(|port| self.segments[port.segment].is_up).map(move |port| (bridge, port.segment))
        })
    }

    fn judge(&mut self) {
        let has_loop = self.has_loop();
        assert!(!has_loop || !self.forbids_loops, "frames can run in a circle at {}:\n{}", self.now, self.picture());
        match self.loop_since {
            None if has_loop => self.loop_since = Some(self.now),
            Some(since) if !has_loop => {
                self.loop_time += self.now.since(since);
                self.loop_since = None;
            }
            _ => {}
        }
    }

    /// When the next thing happens; [`Time::NEVER`] where nothing does.
    pub(crate) fn next_event(&self) -> Time {
        let alive = self.switches.iter().filter(|switch| switch.is_alive);
        let wake = alive.map(|switch| switch.tree.next_wake()).min().unwrap_or(Time::NEVER);
        self.queue.first_key_value().map_or(wake, |(&(at, _), _)| wake.min(at))
    }

    /// Runs until an instant, what happens at it included.
    pub(crate) fn run_until(&mut self, end: Time) {
        loop {
            let at = self.next_event();
            if at > end {
                break;
            }
            assert!(at >= self.now, "a wake time lies in the past: {at} at {}", self.now);
            self.now = at;
            while self.queue.first_key_value().is_some_and(|(&(due, _), _)| due <= at) {
                let (_, (segment, (bridge, port), bpdu)) = self.queue.pop_first().expect("there is one");
                if self.segments[segment].is_up {
                    self.act(bridge, |tree, now, out| tree.receive(now, port, &bpdu, out));
                }
            }
            for bridge in 0..self.switches.len() {
                if self.switches[bridge].is_alive && self.tree(bridge).next_wake() <= at {
                    self.act(bridge, |tree, now, out| tree.wake(now, out));
                    assert!(self.tree(bridge).next_wake() > at, "bridge {bridge} wakes at {at} again and again");
                }
            }
        }
        self.now = end;
    }

    /// Runs for a while.
    pub(crate) fn run_for(&mut self, span: Duration) {
        self.run_until(self.now + span);
    }

    /// Runs for a while, and says after how long the last port changed its state.
    pub(crate) fn settle(&mut self, span: Duration) -> Duration {
        let start = self.now;
        self.run_for(span);
        self.last_change.since(start)
    }

    /// What the ports are, for a message.
    pub(crate) fn picture(&self) -> String {
        let mut text = String::new();
        for (index, switch) in self.switches.iter().enumerate().filter(|(_, switch)| switch.is_alive) {
            let status = switch.tree.status(self.now);
            let (id, root, cost) = (status.id.0, status.root.0, status.root_path_cost);
            text += &format!("bridge {index} {id:016x}: root {root:016x} cost {cost}\n");
            for (number, port) in &switch.ports {
                let (role, state) = self.role((index, *number));
                text += &format!("  port {} on segment {}: {role:?} {state:?}\n", number.0, port.segment);
            }
        }
        text
    }
}

/// Disjoint sets of numbers.
pub(crate) struct Sets(Vec<usize>);

impl Sets {
    /// Every number by itself.
    pub(crate) fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    /// A set's name.
    pub(crate) fn find(&mut self, mut of: usize) -> usize {
        while self.0[of] != of {
            self.0[of] = self.0[self.0[of]];
            of = self.0[of];
        }
        of
    }

    /// Joins two sets; false where they are one already.
    pub(crate) fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a] = b;
        a != b
    }
}
