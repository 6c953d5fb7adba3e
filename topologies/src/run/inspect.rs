//! A lab at a glance: its nodes, links, addresses and counters, for tables and for programs.

use super::device::Device;
use super::net::Net;
use serde::{Deserialize, Serialize};
use sim_core::{DirIx, LinkIx, NodeIx, PortIx, QueueLimit};
use std::net::IpAddr;

/// A lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Its name.
    pub lab: String,
    /// Its seed.
    pub seed: u64,
    /// Its time, in nanoseconds.
    pub time_ns: u64,
    /// Its nodes, in the file's order.
    pub nodes: Vec<NodeView>,
    /// Its links, in the file's order.
    pub links: Vec<LinkView>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// What it is, as the lab file's tables are called without their plural: `switch`, `host`, `hub`.
    pub kind: String,
    /// `running` or `stopped`.
    pub state: String,
    /// Its IPv4 addresses, as in `10.0.0.1/24`.
    pub ipv4: Vec<String>,
    /// Its IPv6 addresses.
    pub ipv6: Vec<String>,
    /// The sockets for links, in the file's order.
    pub ports: Vec<PortView>,
}

/// A port of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortView {
    /// Its name.
    pub name: String,
    /// The other end of its link, as in `s2:trunk`, if it has one.
    pub peer: Option<String>,
    /// Whether the link carries frames.
    pub up: bool,
    /// The address of the interface, where the node has one there.
    pub mac: Option<String>,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkView {
    /// Its ends, as in `s1:trunk`.
    pub ends: [String; 2],
    /// Whether it carries frames.
    pub up: bool,
    /// From the first end to the second, and back.
    pub directions: [DirectionView; 2],
}

/// A direction of a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionView {
    /// Propagation time, in nanoseconds.
    pub delay_ns: u64,
    /// The most that a frame's delay differs from it, in nanoseconds.
    pub jitter_ns: u64,
    /// Bits a second; 0 for no limit.
    pub rate: u64,
    /// What part of the frames is lost, 0 to 1.
    pub loss: f64,
    /// What part is corrupted.
    pub corrupt: f64,
    /// What part is sent twice.
    pub duplicate: f64,
    /// What part overtakes.
    pub reorder: f64,
    /// The queue's limit in frames, if that is how it is said.
    pub queue_frames: Option<u32>,
    /// The queue's limit in bytes, if that is how it is said.
    pub queue_bytes: Option<u64>,
    /// The MTU, in bytes.
    pub mtu: u32,
    /// Frames that came through.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What died on the way.
    pub drops: Vec<DropView>,
}

/// Drops of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropView {
    /// The reason, as in `queue_full`.
    pub reason: String,
    /// How many.
    pub count: u64,
}

impl Inspection {
    /// The lab as it is now.
    pub fn new(net: &Net) -> Self {
        let engine = net.engine();
        Self {
            lab: net.name().to_owned(),
            seed: engine.seed().0,
            time_ns: engine.now().as_nanos(),
            nodes: (0..engine.nodes().len()).map(|number| node(net, NodeIx(number as u32))).collect(),
            links: (0..engine.link_count()).map(|number| link(net, LinkIx(number as u32))).collect(),
        }
    }
}

fn node(net: &Net, ix: NodeIx) -> NodeView {
    let device = net.engine().node(ix);
    let addresses = |six: bool| -> Vec<String> {
        let Some(host) = device.as_host() else { return Vec::new() };
        let own = host.addresses().filter(|(_, cidr)| cidr.is_ipv6() == six && !is_link_local(cidr.address()));
        own.map(|(_, cidr)| cidr.to_string()).collect()
    };
    NodeView {
        name: net.names().node(ix).to_owned(),
        kind: kind(device).to_owned(),
        state: if net.engine().is_running(ix) { "running" } else { "stopped" }.to_owned(),
        ipv4: addresses(false),
        ipv6: addresses(true),
        ports: (0..)
            .map_while(|number| net.names().port_name(ix, PortIx(number)).map(|name| (PortIx(number), name)))
            .map(|(at, name)| port(net, ix, at, name))
            .collect(),
    }
}

fn kind(device: &Device) -> &'static str {
    match device {
        Device::Switch(_) => "switch",
        Device::Host(_) => "host",
        Device::Hub(_) => "hub",
        Device::Server(server) if server.is_host() => "host",
        Device::Server(_) => "server",
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

fn port(net: &Net, node: NodeIx, at: PortIx, name: &str) -> PortView {
    let away = net.engine().direction_from(node, at);
    let peer = away.map(|dir| net.engine().ends(dir.link()).into_iter().find(|end| *end != (node, at)));
    let interface = |host: &host::Host| host.interfaces().iter().find(|i| i.port() == at).map(|i| i.mac().to_string());
    PortView {
        name: name.to_owned(),
        peer: peer.flatten().map(|(node, port)| net.names().port(node, port)),
        up: away.is_some_and(|dir| net.engine().is_up(dir.link())),
        mac: net.engine().node(node).as_host().and_then(interface),
    }
}

fn link(net: &Net, ix: LinkIx) -> LinkView {
    LinkView {
        ends: net.engine().ends(ix).map(|(node, port)| net.names().port(node, port)),
        up: net.engine().is_up(ix),
        directions: [ix.forward(), ix.backward()].map(|dir| direction(net, dir)),
    }
}

fn direction(net: &Net, dir: DirIx) -> DirectionView {
    let config = net.engine().link_config(dir);
    let counters = net.engine().link_counters(dir);
    let (queue_frames, queue_bytes) = match config.queue {
        QueueLimit::Frames(frames) => (Some(frames), None),
        QueueLimit::Bytes(bytes) => (None, Some(bytes)),
    };
    DirectionView {
        delay_ns: config.delay.as_nanos(),
        jitter_ns: config.jitter.as_nanos(),
        rate: config.rate,
        loss: config.loss.as_f64(),
        corrupt: config.corrupt.as_f64(),
        duplicate: config.duplicate.as_f64(),
        reorder: config.reorder.as_f64(),
        queue_frames,
        queue_bytes,
        mtu: config.mtu,
        frames: counters.frames,
        bytes: counters.bytes,
        drops: net
            .engine()
            .link_drops(dir)
            .iter()
            .map(|(_, reason, count)| DropView { reason: reason.to_string(), count })
            .collect(),
    }
}
