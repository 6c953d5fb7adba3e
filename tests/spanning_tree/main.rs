//! Spanning tree in labs: rings, tori, fabrics and random graphs come to the tree of a naive computation over bridge
//! identifiers and costs, within the standards' bounds; links and switches fail and they come to the next; and then no
//! frame is delivered twice.

#[path = "../support/mod.rs"]
mod support;

mod graph;

use graph::{Graph, Kind, Place, Tree, tree};
use pcap::{Format, Reader};
use sim_core::{Duration, NodeIx, PortIx, Seed, Stop, Tag, Until};
use spanning_tree::{Role, SpanningTree, State};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::rc::Rc;
use topologies::run::Net;

/// Random graphs for each protocol.
const GRAPHS: u64 = 100;

/// The longest that STP takes: information ages out, then a port listens and learns (802.1D-1998 section 8.10.2: 20 s and
/// twice 15 s).
const STP_BOUND: Duration = Duration::from_secs(20 + 30);
/// How long a bridge may hold a BPDU back, on each hop (802.1D-1998 section 8.5.3: the hold time).
const HOLD_TIME: Duration = Duration::from_secs(1);

/// The longest that RSTP takes. A port that knows better forwards after a handshake on each hop (802.1D-2004 section
/// 17.10), which is milliseconds; but what is still told of a way that is gone goes round until it is Max Age hops old, a
/// hop a second where ports have sent all that they may (17.21.23), and lives for three hellos after that (17.21.8).
const RSTP_BOUND: Duration = Duration::from_secs(46);

/// A lab of a graph while it runs.
struct Running {
    graph: Graph,
    kind: Kind,
    net: Net,
    /// Switches that are stopped.
    stopped: Vec<usize>,
}

impl Running {
    fn new(graph: Graph, kind: Kind) -> Self {
        let text = graph.lab(kind);
        let loaded = topologies::parse("graph.toml", &text, &[]).unwrap_or_else(|found| panic!("{found:#?}\n{text}"));
        let net = Net::new(&loaded.lab).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
        Self { graph, kind, net, stopped: Vec::new() }
    }

    fn run_for(&mut self, span: Duration) {
        let end = self.net.engine().now() + span;
        while self.net.engine_mut().run(Until::Through(end)) != Stop::Reached {}
    }

    fn switch(&self, at: usize) -> NodeIx {
        self.net.names().find(&format!("s{}", at + 1)).expect("the lab has the switch")
    }

    fn machine(&self, at: usize) -> &SpanningTree {
        let switch = self.net.switch(self.switch(at)).expect("it is a switch");
        switch.spanning_tree("br0").expect("the lab's switches run spanning tree")
    }

    /// What a switch's port on a link tells.
    fn port(&self, at: usize, link: usize) -> spanning_tree::PortStatus {
        let switch = self.net.switch(self.switch(at)).expect("it is a switch");
        let name = format!("l{link}");
        let ports = switch.tree_ports("br0");
        let number = *ports.iter().find(|(_, port)| **port == name).expect("a port of the bridge takes part").0;
        self.machine(at).port_status(number).expect("the number is the machine's own")
    }

    /// The tree that there should be.
    fn expected(&self) -> Tree {
        let now = self.net.engine().now();
        let count = self.graph.priorities.len();
        let mut ids: Vec<u64> = (0..count).map(|at| self.machine(at).status(now).id.0).collect();
        // Who is stopped is nobody's root.
        self.stopped.iter().for_each(|&at| ids[at] = u64::MAX);
        tree(&self.graph, &ids, |at, link| self.port(at, link).id.0)
    }

    /// Whether all switches that run are one network.
    fn is_connected(&self) -> bool {
        let tree = self.expected();
        let running = (0..tree.root.len()).filter(|at| !self.stopped.contains(at));
        let mut roots: Vec<u64> = running.map(|at| tree.root[at].0).collect();
        roots.dedup();
        roots.len() == 1
    }

    /// Waits for the bound, sees that the tree is there, and gives how long it took.
    fn converge(&mut self, what: &str) -> Duration {
        let start = self.net.engine().now();
        let hops = self.graph.priorities.len() as u64 - 1;
        self.run_for(if self.kind == Kind::Stp { STP_BOUND + HOLD_TIME * hops } else { RSTP_BOUND });
        let (tree, now) = (self.expected(), self.net.engine().now());
        let about = || format!("{what} by {}:\n{}", self.kind.name(), self.graph.lab(self.kind));
        for at in (0..tree.root.len()).filter(|at| !self.stopped.contains(at)) {
            let status = self.machine(at).status(now);
            assert_eq!((status.root.0, status.root_path_cost), tree.root[at], "s{} {}", at + 1, about());
        }
        let mut last = start;
        for (&(link, at), &place) in &tree.places {
            let port = self.port(at, link);
            let found = match port.role {
                Role::Root => Place::Root,
                Role::Designated => Place::Designated,
                Role::Alternate | Role::Backup => Place::Blocked,
                Role::Disabled => panic!("s{}:l{link} takes no part, {}", at + 1, about()),
            };
            assert_eq!(found, place, "s{}:l{link} {}", at + 1, about());
            let forwards = port.state == State::Forwarding;
            assert_eq!(forwards, place != Place::Blocked, "s{}:l{link} is {:?} {}", at + 1, port.state, about());
            last = last.max(port.since);
        }
        last.since(start)
    }

    /// Every host sends to all and to each other host: each frame comes to whom it is for, and to nobody twice.
    fn deliver(&mut self) {
        let hosts: Vec<usize> = (0..self.graph.priorities.len()).filter(|at| !self.stopped.contains(at)).collect();
        let nodes: Vec<NodeIx> =
            hosts.iter().map(|at| self.net.names().find(&format!("h{}", at + 1)).expect("a host")).collect();
        let macs: Vec<_> = nodes.iter().map(|node| self.net.mac_of(*node).expect("a NIC")).collect();
        let sinks: Vec<Sink> = hosts.iter().map(|_| Sink::default()).collect();
        for (at, sink) in hosts.iter().zip(&sinks) {
            let link = format!("h{}", at + 1);
            self.net.capture(&link, Box::new(sink.clone()), Format::Pcap).expect("memory takes a capture");
        }
        let mut wanted: BTreeSet<(usize, Vec<u8>)> = BTreeSet::new();
        for round in 0..2 {
            for (from, node) in nodes.iter().enumerate() {
                for to in (0..nodes.len()).filter(|to| *to != from && (round == 1 || (*to + 1) % nodes.len() == from)) {
                    let dst = if round == 0 { [0xff; 6] } else { macs[to].0 };
                    let head = [dst.as_slice(), &macs[from].0, &[0x88, 0xb5, round, from as u8, to as u8]].concat();
                    let mut frame = head;
                    frame.resize(60, 0);
                    self.net.with_host(*node, |host, cx| host.send_raw(cx, PortIx(0), &frame, Tag::NONE));
                    let hearers = (0..nodes.len()).filter(|at| *at != from && (round == 0 || *at == to));
                    wanted.extend(hearers.map(|at| (at, frame.clone())));
                }
            }
            self.run_for(Duration::from_millis(100));
        }
        self.net.finish_captures().expect("memory takes a capture");
        for (at, Sink(capture)) in sinks.into_iter().enumerate() {
            let capture = capture.borrow();
            let mut reader = Reader::new(capture.as_slice()).expect("the lab writes a sound capture");
            let mut seen = BTreeSet::new();
            while let Some(packet) = reader.next_packet().expect("the lab writes a sound capture") {
                if packet.bytes[12..14] == [0x88, 0xb5] {
                    let frame = packet.bytes.into_owned();
                    wanted.remove(&(at, frame.clone()));
                    let about =
                        || format!("{:02x?} twice at h{}, {}", &frame[..17], hosts[at] + 1, self.graph.lab(self.kind));
                    assert!(seen.insert(frame.clone()), "{}", about());
                }
            }
        }
        let lost = wanted.iter().map(|(at, frame)| (hosts[*at] + 1, &frame[..17])).next();
        assert!(lost.is_none(), "{} frames lost, as {lost:02x?}, {}", wanted.len(), self.graph.lab(self.kind));
    }

    /// Cuts a link that the tree uses and the network can do without; `None` if there is none.
    fn cut_link(&mut self) -> Option<Duration> {
        let tree = self.expected();
        let used =
            |link: &usize| self.graph.links[*link].ends.iter().all(|at| tree.places[&(*link, *at)] != Place::Blocked);
        let whole = self.graph.clone();
        let candidates: Vec<usize> = (0..whole.links.len()).filter(used).collect();
        let link = candidates.into_iter().find(|link| {
            self.graph = whole.without_link(*link);
            self.is_connected()
        });
        let Some(link) = link else {
            self.graph = whole;
            return None;
        };
        let end = format!("s{}:l{link}", whole.links[link].ends[0] + 1);
        let dir = self.net.find_link(&end).expect("the lab has the link");
        self.net.engine_mut().set_link(dir.link(), false);
        Some(self.converge(&format!("after {end} was cut")))
    }

    /// Stops the root, if the others can do without.
    fn stop_root(&mut self) -> Option<Duration> {
        let now = self.net.engine().now();
        let root = self.machine(0).status(now).root;
        let at = (0..self.graph.priorities.len()).find(|at| self.machine(*at).status(now).id == root)?;
        let whole = self.graph.clone();
        (self.graph, self.stopped) = (whole.without_switch(at), vec![at]);
        if !self.is_connected() {
            (self.graph, self.stopped) = (whole, Vec::new());
            return None;
        }
        let node = self.switch(at);
        self.net.engine_mut().set_running(node, false);
        Some(self.converge(&format!("after s{}, the root, was stopped", at + 1)))
    }
}

/// A capture in memory.
#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A network comes up, loses a link, and loses its root; how long each took.
fn check(graph: Graph, kind: Kind) -> [Option<Duration>; 3] {
    let mut running = Running::new(graph, kind);
    let up = running.converge("from power on");
    running.deliver();
    let cut = running.cut_link();
    running.deliver();
    let stopped = running.stop_root();
    running.deliver();
    [Some(up), cut, stopped]
}

/// The times of many networks: of power on, of a cut link, and of a root that is gone, each sorted.
fn times(graphs: Vec<Graph>, kind: Kind) -> [Vec<Duration>; 3] {
    let mut all = [const { Vec::new() }; 3];
    for graph in graphs {
        for (all, one) in all.iter_mut().zip(check(graph, kind)) {
            all.extend(one);
        }
    }
    all.iter_mut().for_each(|times| times.sort_unstable());
    let text = |times: &Vec<Duration>| {
        let [least, middle, most] = [0, times.len() / 2, times.len() - 1].map(|at| times[at]);
        format!("{least} {middle} {most} ({})", times.len())
    };
    println!("{}: least, middle, most: {}", kind.name(), all.each_ref().map(text).join("; "));
    all
}

fn regular() -> Vec<Graph> {
    vec![Graph::ring(3), Graph::ring(8), Graph::torus(4, 4), Graph::leaf_spine(8, 4)]
}

fn random() -> Vec<Graph> {
    let mut random = Seed(3).stream("graphs");
    (0..if support::long() { 10 * GRAPHS } else { GRAPHS }).map(|_| Graph::random(&mut random)).collect()
}

/// STP listens and learns for 30 s, and waits 20 s for what it can't see to age out; RSTP asks its neighbours. Only where
/// the root itself is gone may old news keep it for nearly as long.
fn check_factor([stp, rstp]: [[Vec<Duration>; 3]; 2]) {
    let middle = |times: &[Duration]| times[times.len() / 2].as_nanos();
    for (slow, fast) in stp.iter().zip(&rstp).take(2) {
        assert!(middle(slow) >= 30 * middle(fast), "{slow:?} {fast:?}");
    }
}

#[test]
fn rings_tori_and_fabrics_come_to_the_tree_and_rstp_is_faster_by_an_order_of_magnitude() {
    check_factor([Kind::Stp, Kind::Rstp].map(|kind| times(regular(), kind)));
}

#[test]
fn random_graphs_come_to_the_tree_and_rstp_is_faster_by_an_order_of_magnitude() {
    check_factor([Kind::Stp, Kind::Rstp].map(|kind| times(random(), kind)));
}
