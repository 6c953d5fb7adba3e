//! Labs of servers and hosts, wired with the engine, and a watch that keeps the drops.
#![allow(dead_code, reason = "each test file uses a part of it")]

use host::{Host, HostConfig, InterfaceConfig, Outcome, PingRequest, Reply, RouteConfig};
use packet::MacAddr;
use server::{Server, ServerConfig};
use sim_core::{
    Batch, Carrier, Cx, Drop, DropSite, Engine, Frame, LinkConfig, LinkIx, Node, NodeIx, PortIx, Seed, Seen, Stop, Tag,
    Time, Until, Watch,
};
use switch::WorkerHandle;

pub(crate) enum Device {
    Host(Box<Host>),
    Server(Box<Server>),
}

impl Node for Device {
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        match self {
            Self::Host(node) => node.frames(cx, port, batch),
            Self::Server(node) => node.frames(cx, port, batch),
        }
    }

    fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        match self {
            Self::Host(node) => node.carrier(cx, port, state),
            Self::Server(node) => node.carrier(cx, port, state),
        }
    }

    fn wake(&mut self, cx: &mut Cx<'_>) {
        match self {
            Self::Host(node) => node.wake(cx),
            Self::Server(node) => node.wake(cx),
        }
    }

    fn next_wake(&self) -> Time {
        match self {
            Self::Host(node) => node.next_wake(),
            Self::Server(node) => node.next_wake(),
        }
    }
}

/// The drops in nodes, in words, and the frames that arrived by tapped links.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) drops: Vec<String>,
    pub(crate) frames: Vec<Vec<u8>>,
}

impl Watch<Device> for Trace {
    fn seen(&mut self, seen: &Seen<'_>) {
        if seen.arrived {
            self.frames.push(seen.frame.to_vec());
        }
    }

    fn dropped(&mut self, _: Time, site: DropSite, drop: &Drop, frame: &Frame, node: Option<&Device>) {
        let text = match node {
            Some(Device::Server(server)) => {
                let port = drop.port.and_then(|port| server.port_name(port)).unwrap_or("inside");
                format!("{port}: {}", server.explain_drop(drop, frame))
            }
            _ => format!("{}: {}", site.node.0, drop.reason),
        };
        self.drops.push(text);
    }
}

pub(crate) struct Lab {
    pub(crate) engine: Engine<Device, Trace>,
    worker: WorkerHandle,
}

/// A server's name, its NICs with their addresses, its TAPs, and the lines of its setup.
pub(crate) struct Plan<'a> {
    pub(crate) name: &'a str,
    pub(crate) nics: &'a [(&'a str, &'a [&'a str])],
    pub(crate) taps: &'a [&'a str],
    pub(crate) setup: &'a str,
}

pub(crate) fn mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

fn split(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

impl Lab {
    pub(crate) fn new() -> Self {
        let mut engine = Engine::new(Seed(1), Trace::default());
        engine.watch_all_drops(true);
        Self { engine, worker: WorkerHandle::new() }
    }

    /// A host with one NIC and a default route by way of `gateway`, unless that is empty.
    pub(crate) fn host(&mut self, n: u8, address: &str, gateway: &str) -> NodeIx {
        let name = format!("h{n}");
        let nic = InterfaceConfig::new("eth0", PortIx(0), mac(n));
        let interfaces = vec![nic.with_address(address.parse().expect("an address"))];
        let gateway = (!gateway.is_empty()).then(|| RouteConfig::default_via(gateway.parse().expect("an address")));
        let config = HostConfig { name: name.clone(), interfaces, routes: gateway.into_iter().collect() };
        self.engine.add_node(&name, Device::Host(Box::new(Host::new(config).expect("a good configuration"))))
    }

    /// A server whose NICs have the first ports and whose TAPs have the next.
    pub(crate) fn server(&mut self, plan: &Plan<'_>) -> NodeIx {
        let Plan { name, nics, taps, setup } = *plan;
        let base = self.engine.nodes().len() as u8 * 16 + 100;
        let made = nics.iter().enumerate().map(|(at, (name, addresses))| {
            let addresses = addresses.iter().map(|a| a.parse().expect("an address")).collect();
            InterfaceConfig { addresses, ..InterfaceConfig::new(*name, PortIx(at as u32), mac(base + at as u8)) }
        });
        let nics: Vec<InterfaceConfig> = made.collect();
        let first = nics.len();
        let taps = taps.iter().enumerate().map(|(at, tap)| ((*tap).to_owned(), PortIx((first + at) as u32))).collect();
        let config = ServerConfig { name: name.to_owned(), nics, routes: Vec::new(), taps };
        let mut server = Server::new(config, Seed(1), &self.worker).expect("a good configuration");
        for line in setup.lines().map(str::trim).filter(|line| !line.is_empty()) {
            server.setup(Time::ZERO, &split(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        self.engine.add_node(name, Device::Server(Box::new(server)))
    }

    pub(crate) fn link(&mut self, a: (NodeIx, u32), b: (NodeIx, u32)) -> LinkIx {
        let name = format!("{}:{} {}:{}", a.0.0, a.1, b.0.0, b.1);
        self.engine.add_link(&name, (a.0, PortIx(a.1)), (b.0, PortIx(b.1)), &LinkConfig::default())
    }

    pub(crate) fn at(&self, node: NodeIx) -> &Server {
        match self.engine.node(node) {
            Device::Server(server) => server,
            Device::Host(_) => panic!("a host is no server"),
        }
    }

    pub(crate) fn try_line(&mut self, node: NodeIx, line: &str) -> Reply {
        self.engine.start();
        self.engine.act(node, |device, cx| match device {
            Device::Server(server) => server.command(cx, &split(line), Tag(7)),
            Device::Host(host) => host.command(cx, &line.split_whitespace().collect::<Vec<_>>(), Tag(7)),
        })
    }

    /// Runs a line that works, with all the time that it takes; gives what it prints.
    pub(crate) fn line(&mut self, node: NodeIx, line: &str) -> String {
        match self.try_line(node, line) {
            Reply::Done(text) => text,
            Reply::Failed(text) => panic!("{line}: {text}"),
            Reply::Running(id) => {
                for _ in 0..200 {
                    self.run_for(1000);
                    let output = self.engine.act(node, |device, _| match device {
                        Device::Server(server) => server.session_output(id),
                        Device::Host(host) => host.session_output(id),
                    });
                    if let Some(output) = output {
                        return output;
                    }
                }
                panic!("{line}: no end")
            }
        }
    }

    /// What a line that fails prints.
    pub(crate) fn failure(&mut self, node: NodeIx, line: &str) -> String {
        match self.try_line(node, line) {
            Reply::Failed(text) => text,
            other => panic!("{line}: {other:?}"),
        }
    }

    pub(crate) fn lines(&mut self, node: NodeIx, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.line(node, line);
        }
    }

    pub(crate) fn run_for(&mut self, millis: u64) {
        let until = self.engine.now() + sim_core::Duration::from_millis(millis);
        while self.engine.run(Until::Through(until)) == Stop::Noticed {
            while self.engine.next_notice().is_some() {}
        }
    }

    /// What becomes of one echo request that a host sends.
    pub(crate) fn ping(&mut self, from: NodeIx, to: &str) -> Outcome {
        self.ping_with(from, PingRequest::new(to.parse().expect("an address"), Tag(9)))
    }

    pub(crate) fn ping_with(&mut self, from: NodeIx, request: PingRequest) -> Outcome {
        self.engine.start();
        let act = |device: &mut Device, cx: &mut Cx<'_>| match device {
            Device::Host(host) => host.ping(cx, request),
            Device::Server(server) => server.with_host(cx, |host, cx| host.ping(cx, request)),
        };
        let Ok(ping) = self.engine.act(from, act) else { return Outcome::NoRoute };
        self.run_for(5000);
        let host = match self.engine.node(from) {
            Device::Host(host) => host,
            Device::Server(server) => server.host(),
        };
        host.ping_status(ping).expect("not forgotten").probes[0].outcome
    }

    pub(crate) fn reaches(&mut self, from: NodeIx, to: &str) -> bool {
        matches!(self.ping(from, to), Outcome::Reply { .. })
    }

    /// The drops since the last call.
    pub(crate) fn drops(&mut self) -> Vec<String> {
        std::mem::take(&mut self.engine.watch_mut().drops)
    }
}
