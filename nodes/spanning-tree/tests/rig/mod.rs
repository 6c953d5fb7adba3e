//! Bridges wired by links with a delay, in virtual time, and the tree that they are to find, computed naively.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use packet::MacAddr;
use packet::wire::bpdu::{Bpdu, BridgeId, PortId};
use sim_core::{Duration, Stream, Time};
use spanning_tree::{BridgeConfig, Guard, Output, PortConfig, PortNumber, Protocol, Role, SpanningTree, State};
use std::collections::BTreeMap;

/// What the bridges are told here.
pub const HELLO: Duration = Duration::from_secs(2);
pub const MAX_AGE: Duration = Duration::from_secs(20);
pub const FORWARD_DELAY: Duration = Duration::from_secs(15);

/// A port: its bridge by index, and its number there.
pub type End = (usize, PortNumber);

/// A link.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub ends: [End; 2],
    pub costs: [u32; 2],
    pub delay: Duration,
    pub is_up: bool,
    /// Whether frames get lost on it, though both ends believe it to be up.
    pub is_deaf: bool,
}

/// Bridges and links.
pub struct Network {
    pub bridges: Vec<SpanningTree>,
    pub links: Vec<Link>,
    pub now: Time,
    /// What each port does with frames, as told by the outputs.
    pub states: BTreeMap<End, State>,
    /// How often each port was to be flushed.
    pub flushes: BTreeMap<End, u32>,
    /// When a port last changed its state.
    pub last_change: Time,
    ids: Vec<BridgeId>,
    ports: Vec<u16>,
    in_flight: BTreeMap<(Time, u64), (usize, End, Bpdu)>,
    sent: u64,
}

pub fn bridge_config(priority: u16, n: usize) -> BridgeConfig {
    BridgeConfig {
        id: BridgeId::new(priority, MacAddr::from_u64(0x0200_0000_0000 + n as u64)),
        hello_time: HELLO,
        max_age: MAX_AGE,
        forward_delay: FORWARD_DELAY,
        transmit_hold_count: 6,
        force_stp: false,
    }
}

pub fn port_config(path_cost: u32) -> PortConfig {
    PortConfig {
        priority: 128,
        path_cost,
        admin_edge: false,
        auto_edge: true,
        point_to_point: true,
        guard: Guard::default(),
    }
}

impl Network {
    /// Bridges without links, with these priorities.
    pub fn new(protocol: Protocol, priorities: &[u16]) -> Self {
        let configs: Vec<_> = priorities.iter().enumerate().map(|(n, priority)| bridge_config(*priority, n)).collect();
        Self {
            bridges: configs.iter().map(|config| SpanningTree::new(protocol, *config)).collect(),
            links: Vec::new(),
            now: Time::ZERO,
            states: BTreeMap::new(),
            flushes: BTreeMap::new(),
            last_change: Time::ZERO,
            ids: configs.iter().map(|config| config.id).collect(),
            ports: vec![0; priorities.len()],
            in_flight: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Lays a link that comes up at once; gives its index.
    pub fn link(&mut self, a: usize, b: usize, costs: [u32; 2], delay: Duration) -> usize {
        let ends = [(a, costs[0]), (b, costs[1])].map(|(bridge, cost)| {
            self.ports[bridge] += 1;
            let end = (bridge, PortNumber(self.ports[bridge]));
            self.act(bridge, |tree, now, out| tree.set_port(now, end.1, port_config(cost), out));
            end
        });
        self.links.push(Link { ends, costs, delay, is_up: false, is_deaf: false });
        self.set_link(self.links.len() - 1, true);
        self.links.len() - 1
    }

    /// Plugs a link in or out; both ends see it.
    pub fn set_link(&mut self, link: usize, is_up: bool) {
        self.links[link].is_up = is_up;
        if !is_up {
            self.in_flight.retain(|_, (on, ..)| *on != link);
        }
        for (bridge, port) in self.links[link].ends {
            self.act(bridge, |tree, now, out| tree.set_link(now, port, is_up, out));
        }
    }

    /// Calls a bridge and carries out what it wants.
    pub fn act(&mut self, bridge: usize, call: impl FnOnce(&mut SpanningTree, Time, &mut Vec<Output>)) {
        let mut out = Vec::new();
        call(&mut self.bridges[bridge], self.now, &mut out);
        for output in out {
            match output {
                Output::Send(port, bpdu) => self.send((bridge, port), bpdu),
                Output::State(port, state) => {
                    self.states.insert((bridge, port), state);
                    self.last_change = self.now;
                }
                Output::Flush(port) => *self.flushes.entry((bridge, port)).or_default() += 1,
                Output::BpduGuard(_) => {}
            }
        }
        assert!(self.bridges[bridge].next_wake() >= self.now, "a bridge wants to be woken in the past");
    }

    fn send(&mut self, from: End, bpdu: Bpdu) {
        let found = self.links.iter().enumerate().find_map(|(n, link)| {
            let at = link.ends.iter().position(|end| *end == from)?;
            Some((n, link.ends[1 - at], *link))
        });
        if let Some((n, to, link)) = found.filter(|(.., link)| link.is_up && !link.is_deaf) {
            // Through the wire format, as in a switch.
            let bpdu = Bpdu::parse_frame(&bpdu.to_frame(MacAddr::ZERO)).expect("what is sent can be read");
            self.sent += 1;
            self.in_flight.insert((self.now + link.delay, self.sent), (n, to, bpdu));
        }
    }

    /// Lets time pass, asserting that no frame could go round at any time.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let arrival = self.in_flight.keys().next().map_or(Time::NEVER, |(at, _)| *at);
            let wake = self.bridges.iter().map(SpanningTree::next_wake).min().unwrap_or(Time::NEVER);
            let next = arrival.min(wake);
            if next > end {
                break;
            }
            self.now = next;
            if let Some((_, (_, (bridge, port), bpdu))) =
                self.in_flight.first_entry().filter(|first| first.key().0 == next).map(|first| first.remove_entry())
            {
                self.act(bridge, |tree, now, out| tree.receive(now, port, &bpdu, out));
            } else {
                let bridge = self.bridges.iter().position(|tree| tree.next_wake() == wake).expect("one has this time");
                self.act(bridge, |tree, now, out| tree.wake(now, out));
            }
            if self.last_change == self.now {
                assert!(!self.has_loop(), "frames go round at {}", self.now);
            }
        }
        self.now = end;
    }

    fn state(&self, end: End) -> State {
        self.states.get(&end).copied().unwrap_or_default()
    }

    /// The links that frames get over.
    fn forwarding(&self) -> impl Iterator<Item = &Link> {
        let forwards = |link: &&Link| link.ends.iter().all(|end| self.state(*end) == State::Forwarding);
        self.links.iter().filter(|link| link.is_up && !link.is_deaf).filter(forwards)
    }

    /// Whether the links that forward at both ends have a cycle.
    pub fn has_loop(&self) -> bool {
        let mut sets = Sets::new(self.bridges.len());
        self.forwarding().any(|link| !sets.join(link.ends[0].0, link.ends[1].0))
    }

    /// Asserts that the bridges have found the tree of the naive computation, and that just its links forward.
    pub fn assert_tree(&self) {
        let expected = Tree::of(self);
        for (n, tree) in self.bridges.iter().enumerate() {
            let status = tree.status(self.now);
            assert_eq!((status.root, status.root_path_cost), expected.roots[n], "bridge {n} at {}", self.now);
        }
        for (end, role) in &expected.roles {
            let status = self.bridges[end.0].port_status(end.1).expect("the port is there");
            let state = match role {
                Role::Disabled => State::Disabled,
                Role::Root | Role::Designated => State::Forwarding,
                Role::Alternate | Role::Backup => State::Blocking,
            };
            assert_eq!((status.role, status.state), (*role, state), "port {end:?} at {}", self.now);
            assert_eq!(self.state(*end), state, "port {end:?} does as it says");
        }
        let (mut all, mut used) = (Sets::new(self.bridges.len()), Sets::new(self.bridges.len()));
        self.links.iter().filter(|link| link.is_up).for_each(|link| {
            all.join(link.ends[0].0, link.ends[1].0);
        });
        assert!(self.forwarding().all(|link| used.join(link.ends[0].0, link.ends[1].0)), "two ways between bridges");
        assert_eq!(used.count(), all.count(), "what is connected stays connected");
    }

    /// Whether the bridges have found the tree.
    pub fn has_tree(&self) -> bool {
        let expected = Tree::of(self);
        let roots = self.bridges.iter().zip(&expected.roots).all(|(tree, root)| {
            let status = tree.status(self.now);
            (status.root, status.root_path_cost) == *root
        });
        roots
            && expected.roles.iter().all(|(end, role)| {
                let status = self.bridges[end.0].port_status(end.1);
                let forwards = matches!(role, Role::Root | Role::Designated);
                status.is_some_and(|s| s.role == *role && (s.state == State::Forwarding) == forwards)
            })
    }
}

/// The tree as it has to be.
struct Tree {
    /// The root of each bridge and what the way there costs.
    roots: Vec<(BridgeId, u32)>,
    roles: BTreeMap<End, Role>,
}

impl Tree {
    fn of(network: &Network) -> Self {
        let ids = &network.ids;
        let mut roots: Vec<(BridgeId, u32)> = ids.iter().map(|id| (*id, 0)).collect();
        let links = || network.links.iter().filter(|link| link.is_up);
        // The ways over each port, each from one bridge to the next.
        let ways = || links().flat_map(|link| [0, 1].map(|at| (link.ends[at], link.costs[at], link.ends[1 - at])));
        for _ in 0..ids.len() {
            for ((to, _), cost, (from, _)) in ways() {
                let (root, distance) = roots[from];
                roots[to] = roots[to].min((root, distance + cost));
            }
        }
        let port_id = |port: PortNumber| PortId(0x8000 | port.0);
        let mut roles: BTreeMap<End, Role> =
            network.links.iter().flat_map(|link| link.ends).map(|end| (end, Role::Disabled)).collect();
        for link in links() {
            let rank = |(bridge, port): End| (roots[bridge].1, ids[bridge], port_id(port));
            let best = link.ends.into_iter().min_by_key(|end| rank(*end)).expect("a link has two ends");
            for end in link.ends {
                let other = if end.0 == best.0 { Role::Backup } else { Role::Alternate };
                roles.insert(end, if end == best { Role::Designated } else { other });
            }
        }
        for (n, (root, _)) in roots.iter().enumerate().filter(|(n, (root, _))| *root != ids[*n]) {
            let ports = ways().filter(|((to, _), _, (from, _))| *to == n && *from != n && roots[*from].0 == *root);
            let best = ports
                .min_by_key(|(to, cost, from)| (roots[from.0].1 + cost, ids[from.0], port_id(from.1), port_id(to.1)));
            roles.insert(best.expect("there is a way to the root").0, Role::Root);
        }
        Self { roots, roles }
    }
}

/// Which bridges are connected.
struct Sets(Vec<usize>);

impl Sets {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    fn find(&self, n: usize) -> usize {
        if self.0[n] == n { n } else { self.find(self.0[n]) }
    }

    /// Whether they weren't connected before.
    fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a] = b;
        a != b
    }

    fn count(&self) -> usize {
        (0..self.0.len()).filter(|n| self.0[*n] == *n).count()
    }
}

/// Wires bridges of one priority by links of one cost.
fn wired(protocol: Protocol, bridges: usize, links: impl IntoIterator<Item = (usize, usize)>) -> Network {
    let mut network = Network::new(protocol, &vec![0x8000; bridges]);
    for (a, b) in links {
        network.link(a, b, [19; 2], Duration::from_micros(10));
    }
    network
}

pub fn ring(protocol: Protocol, len: usize) -> Network {
    wired(protocol, len, (0..len).map(|n| (n, (n + 1) % len)))
}

pub fn torus(protocol: Protocol, side: usize) -> Network {
    let at = |x: usize, y: usize| x % side + y % side * side;
    let cells = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    wired(protocol, side * side, cells.flat_map(|(x, y)| [(at(x, y), at(x + 1, y)), (at(x, y), at(x, y + 1))]))
}

/// The leaves come first.
pub fn leaf_spine(protocol: Protocol, leaves: usize, spines: usize) -> Network {
    let links = (0..leaves).flat_map(|leaf| (0..spines).map(move |spine| (leaf, leaves + spine)));
    wired(protocol, leaves + spines, links)
}

/// 2 to 12 bridges with any priorities, costs and delays, parallel links, and links from a bridge to itself.
pub fn random(protocol: Protocol, random: &mut Stream) -> Network {
    let len = 2 + random.below(11) as usize;
    let priorities: Vec<u16> = (0..len).map(|_| 0x1000 * random.below(16) as u16).collect();
    let mut network = Network::new(protocol, &priorities);
    for _ in 0..len as u64 + random.below(2 * len as u64) {
        let [a, b] = [0; 2].map(|_| random.below(len as u64) as usize);
        let costs = [0; 2].map(|_| [2, 4, 19, 100][random.below(4) as usize]);
        let delay = Duration::from_micros([0, 1, 200, 30_000][random.below(4) as usize]);
        network.link(a, b, costs, delay);
    }
    network
}
