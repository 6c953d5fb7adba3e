//! Small labs: hosts and hubs wired with the engine, and a watch that keeps what crossed the links.
#![allow(dead_code, reason = "each test file uses a part of it")]

use host::{Host, HostConfig, InterfaceConfig, Outcome, PingId, PingRequest, RouteConfig};
use hub::Hub;
use packet::{MacAddr, VlanId};
use sim_core::{
    Batch, Carrier, Cx, Drop, DropReason, DropSite, Engine, Frame, LinkConfig, LinkIx, Node, NodeIx, PortIx, Seed,
    Seen, Stop, Tag, Time, Until, Watch,
};

pub(crate) const P0: PortIx = PortIx(0);

pub(crate) enum Device {
    Host(Box<Host>),
    Hub(Hub),
}

impl Node for Device {
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        match self {
            Self::Host(host) => host.frames(cx, port, batch),
            Self::Hub(hub) => hub.frames(cx, port, batch),
        }
    }

    fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        match self {
            Self::Host(host) => host.carrier(cx, port, state),
            Self::Hub(hub) => hub.carrier(cx, port, state),
        }
    }

    fn wake(&mut self, cx: &mut Cx<'_>) {
        match self {
            Self::Host(host) => host.wake(cx),
            Self::Hub(hub) => hub.wake(cx),
        }
    }

    fn next_wake(&self) -> Time {
        match self {
            Self::Host(host) => host.next_wake(),
            Self::Hub(hub) => hub.next_wake(),
        }
    }
}

/// A frame that arrived: when, at which node, its bytes and tag.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: u64,
    pub(crate) to: NodeIx,
    pub(crate) bytes: Vec<u8>,
    pub(crate) tag: Tag,
}

#[derive(Default)]
pub(crate) struct Trace {
    ends: Vec<NodeIx>,
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) drops: Vec<(u64, DropReason, Tag)>,
}

impl Watch<Device> for Trace {
    fn seen(&mut self, seen: &Seen<'_>) {
        if seen.arrived {
            let to = self.ends[seen.dir.0 as usize];
            let (bytes, tag) = (seen.frame.to_vec(), seen.frame.tag());
            self.arrivals.push(Arrival { at: seen.now.as_nanos(), to, bytes, tag });
        }
    }

    fn dropped(&mut self, now: Time, _: DropSite, drop: &Drop, frame: &Frame, _: Option<&Device>) {
        self.drops.push((now.as_nanos(), drop.reason, frame.tag()));
    }
}

pub(crate) struct Lab {
    pub(crate) engine: Engine<Device, Trace>,
    /// All notices so far.
    pub(crate) notices: Vec<(NodeIx, Tag)>,
}

pub(crate) fn mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

/// A host with one NIC, its MAC address ending in `n`.
pub(crate) fn host(n: u8, addresses: &[&str]) -> HostConfig {
    HostConfig { name: format!("h{n}"), interfaces: vec![nic(n, addresses)], routes: Vec::new() }
}

pub(crate) fn nic(n: u8, addresses: &[&str]) -> InterfaceConfig {
    let addresses = addresses.iter().map(|a| a.parse().expect("an address"));
    InterfaceConfig { addresses: addresses.collect(), ..InterfaceConfig::new("eth0", P0, mac(n)) }
}

pub(crate) fn sub(n: u8, vlan: u16, addresses: &[&str]) -> InterfaceConfig {
    InterfaceConfig { name: format!("eth0.{vlan}"), vlan: VlanId::new(vlan), ..nic(n, addresses) }
}

pub(crate) fn with_gateway(mut config: HostConfig, gateway: &str) -> HostConfig {
    config.routes.push(RouteConfig::default_via(gateway.parse().expect("an address")));
    config
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with_seed(1)
    }

    pub(crate) fn with_seed(seed: u64) -> Self {
        Self { engine: Engine::new(Seed(seed), Trace::default()), notices: Vec::new() }
    }

    pub(crate) fn host(&mut self, config: HostConfig) -> NodeIx {
        let name = config.name.clone();
        self.engine.add_node(&name, Device::Host(Box::new(Host::new(config).expect("a good configuration"))))
    }

    pub(crate) fn hub(&mut self, ports: usize) -> NodeIx {
        self.engine.add_node("hub", Device::Hub(Hub::new(ports)))
    }

    /// Links two ports as told; the watch doesn't keep what crosses.
    pub(crate) fn quiet_link(&mut self, a: NodeIx, b: NodeIx, config: &LinkConfig) -> LinkIx {
        self.engine.add_link("quiet", (a, P0), (b, P0), config)
    }

    /// Links two ports with the default link: 10 us, 10 Gbit/s.
    pub(crate) fn link(&mut self, a: (NodeIx, u32), b: (NodeIx, u32)) -> LinkIx {
        self.link_with(a, b, &LinkConfig::default())
    }

    /// Links two ports as told.
    pub(crate) fn link_with(&mut self, a: (NodeIx, u32), b: (NodeIx, u32), config: &LinkConfig) -> LinkIx {
        let name = format!("{}:{} {}:{}", a.0.0, a.1, b.0.0, b.1);
        let link = self.engine.add_link(&name, (a.0, PortIx(a.1)), (b.0, PortIx(b.1)), config);
        for (dir, end) in [(link.forward(), b.0), (link.backward(), a.0)] {
            self.engine.tap(dir, true);
            self.engine.watch_mut().ends.push(end);
        }
        link
    }

    pub(crate) fn at(&self, node: NodeIx) -> &Host {
        match self.engine.node(node) {
            Device::Host(host) => host,
            Device::Hub(_) => panic!("a hub is no host"),
        }
    }

    pub(crate) fn act<R>(&mut self, node: NodeIx, f: impl FnOnce(&mut Host, &mut Cx<'_>) -> R) -> R {
        self.engine.start();
        self.engine.act(node, |device, cx| match device {
            Device::Host(host) => f(host, cx),
            Device::Hub(_) => panic!("a hub is no host"),
        })
    }

    /// Runs through this instant, notices and all.
    pub(crate) fn run(&mut self, nanos: u64) {
        while self.engine.run(Until::Through(Time::from_nanos(nanos))) == Stop::Noticed {
            self.notices.extend(std::iter::from_fn(|| self.engine.next_notice()));
        }
    }

    pub(crate) fn ping(&mut self, from: NodeIx, request: PingRequest) -> PingId {
        self.act(from, |host, cx| host.ping(cx, request).expect("a route"))
    }

    pub(crate) fn outcomes(&self, node: NodeIx, ping: PingId) -> Vec<Outcome> {
        self.at(node).ping_status(ping).expect("not forgotten").probes.iter().map(|probe| probe.outcome).collect()
    }

    /// What arrived at a node, one line each.
    pub(crate) fn arrivals(&self, to: NodeIx) -> Vec<(u64, String)> {
        let arrivals = self.engine.watch().arrivals.iter().filter(|arrival| arrival.to == to);
        arrivals.map(|arrival| (arrival.at, summary(&arrival.bytes))).collect()
    }
}

/// A frame in a few words: what it is, its VLAN, its length.
pub(crate) fn summary(bytes: &[u8]) -> String {
    use packet::EtherType;
    use packet::wire::{arp, icmpv4, icmpv6, ipv4, ipv6, ipv6_ext, vlan};
    let (ethertype, tag) = vlan::outer(bytes).expect("a frame with a type");
    let payload = &bytes[if tag.is_some() { 18 } else { 14 }..];
    let what = match ethertype {
        EtherType::ARP => arp::Repr::parse(&arp::Packet::new_checked(payload).expect("ARP")).to_string(),
        EtherType::IPV4 => {
            let packet = ipv4::Packet::new_checked(payload).expect("IPv4");
            assert!(packet.verify_checksum());
            match packet.is_fragment() {
                true => format!("fragment {}+{}", packet.fragment_offset(), packet.payload().len()),
                false if packet.protocol().0 == 1 => {
                    let message = icmpv4::Packet::new_checked(packet.payload()).expect("ICMP");
                    assert!(message.verify_checksum());
                    icmpv4::Repr::parse(&message).to_string()
                }
                false => format!("protocol {}", packet.protocol().0),
            }
        }
        EtherType::IPV6 => {
            let packet = ipv6::Packet::new_checked(payload).expect("IPv6");
            let upper = ipv6_ext::walk(packet.next_header(), packet.payload()).expect("extension headers");
            match upper.fragment {
                Some(fragment) => format!("fragment {}+{}", fragment.offset, upper.payload.len()),
                None if upper.protocol.0 == 58 => {
                    let message = icmpv6::Packet::new_checked(upper.payload).expect("ICMPv6");
                    assert!(message.verify_checksum(packet.src(), packet.dst()));
                    icmpv6::Repr::parse(&message).to_string()
                }
                None => format!("protocol {}", upper.protocol.0),
            }
        }
        other => other.to_string(),
    };
    match tag {
        Some(tag) => format!("vlan {}: {what}", tag.vid),
        None => what,
    }
}
