//! The enum of devices: static dispatch from the engine to what a node is.

use host::{Host, SessionId};
use hub::Hub;
use packet::FlowKey;
use server::Server;
use sim_core::{Batch, Carrier, Cx, Drop, DropArgs, Node, PortIx, Seed, Time};
use switch::Switch;

/// A node of a lab.
#[derive(Debug)]
pub enum Device {
    /// An Open vSwitch.
    Switch(Box<Switch>),
    /// A host.
    Host(Box<Host>),
    /// A hub.
    Hub(Box<Hub>),
    /// A server, or a host with a shell.
    Server(Box<Server>),
}

impl Device {
    /// The host, or a server's network stack.
    pub fn as_host(&self) -> Option<&Host> {
        match self {
            Self::Host(host) => Some(host),
            Self::Server(server) => Some(server.host()),
            Self::Switch(_) | Self::Hub(_) => None,
        }
    }

    /// Whether it is a host of the file, with a shell or without.
    pub fn is_host(&self) -> bool {
        match self {
            Self::Host(_) => true,
            Self::Server(server) => server.is_host(),
            Self::Switch(_) | Self::Hub(_) => false,
        }
    }

    /// Gives a host a shell if it is told a line for one.
    pub(crate) fn prepare(&mut self, line: &[String], seed: Seed) {
        if !matches!(self, Self::Host(_)) || !server::is_for_shell(line) {
            return;
        }
        if let Self::Host(host) = std::mem::replace(self, Self::Hub(Box::new(Hub::new(0)))) {
            *self = Self::Server(Box::new(Server::of_host(*host, seed)));
        }
    }

    /// Acts on the host, or on a server's network stack.
    pub fn with_host<R>(&mut self, cx: &mut Cx<'_>, f: impl FnOnce(&mut Host, &mut Cx<'_>) -> R) -> Option<R> {
        match self {
            Self::Host(host) => Some(f(host, cx)),
            Self::Server(server) => Some(server.with_host(cx, f)),
            Self::Switch(_) | Self::Hub(_) => None,
        }
    }

    /// The name of a port that no link can have: that between a server's stack and its bridges.
    pub(crate) fn inner_port(&self, port: PortIx) -> Option<&str> {
        if let Self::Server(server) = self { server.port_name(port) } else { None }
    }

    /// What a command that runs printed since this was last asked.
    pub(crate) fn session_news(&mut self, id: SessionId) -> Option<String> {
        match self {
            Self::Host(host) => host.session_news(id),
            Self::Server(server) => server.session_news(id),
            Self::Switch(_) | Self::Hub(_) => None,
        }
    }

    /// The rest of a command's output, once it is over.
    pub(crate) fn session_output(&mut self, id: SessionId) -> Option<String> {
        match self {
            Self::Host(host) => host.session_output(id),
            Self::Server(server) => server.session_output(id),
            Self::Switch(_) | Self::Hub(_) => None,
        }
    }

    /// Ends a command; gives the rest of its output.
    pub(crate) fn cancel_session(&mut self, id: SessionId) -> Option<String> {
        match self {
            Self::Host(host) => host.cancel_session(id),
            Self::Server(server) => server.cancel_session(id),
            Self::Switch(_) | Self::Hub(_) => None,
        }
    }

    /// The switch, or a server's.
    pub fn as_switch(&self) -> Option<&Switch> {
        match self {
            Self::Switch(switch) => Some(switch),
            Self::Server(server) => Some(server.switch()),
            Self::Host(_) | Self::Hub(_) => None,
        }
    }

    /// The same, to change it.
    pub(crate) fn as_switch_mut(&mut self) -> Option<&mut Switch> {
        match self {
            Self::Switch(switch) => Some(switch),
            Self::Server(server) => Some(server.switch_mut()),
            Self::Host(_) | Self::Hub(_) => None,
        }
    }

    /// Why a frame died here: the reason, and what its arguments say, as in `vlan_not_allowed (VLAN 19, port carries 9)`.
    pub fn explain_drop(&self, drop: &Drop, frame: &[u8]) -> String {
        match (self, drop.args) {
            (Self::Switch(switch), _) => switch.explain_drop(drop, frame),
            (Self::Server(server), _) => server.explain_drop(drop, frame),
            (_, DropArgs::Size { len, limit }) => format!("{} ({len} bytes, the limit is {limit})", drop.reason),
            (_, DropArgs::Vlan(vlan)) => format!("{} (VLAN {vlan})", drop.reason),
            (_, DropArgs::None | DropArgs::Port(_)) => drop.reason.to_string(),
        }
    }
}

impl Node for Device {
    #[inline]
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        match self {
            Self::Switch(node) => node.frames(cx, port, batch),
            Self::Host(node) => node.frames(cx, port, batch),
            Self::Hub(node) => node.frames(cx, port, batch),
            Self::Server(node) => node.frames(cx, port, batch),
        }
    }

    fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        match self {
            Self::Switch(node) => node.carrier(cx, port, state),
            Self::Host(node) => node.carrier(cx, port, state),
            Self::Hub(node) => node.carrier(cx, port, state),
            Self::Server(node) => node.carrier(cx, port, state),
        }
    }

    fn wake(&mut self, cx: &mut Cx<'_>) {
        match self {
            Self::Switch(node) => node.wake(cx),
            Self::Host(node) => node.wake(cx),
            Self::Hub(node) => node.wake(cx),
            Self::Server(node) => node.wake(cx),
        }
    }

    #[inline]
    fn next_wake(&self) -> Time {
        match self {
            Self::Switch(node) => node.next_wake(),
            Self::Host(node) => node.next_wake(),
            Self::Hub(node) => node.next_wake(),
            Self::Server(node) => node.next_wake(),
        }
    }
}

/// What kind of frame it is, in a word or two.
pub(crate) fn frame_kind(frame: &[u8]) -> &'static str {
    let key = FlowKey::extract(0, frame);
    match (key.dl_type().0, key.nw_proto()) {
        (0x0806, 1) => "ARP request",
        (0x0806, 2) => "ARP reply",
        (0x0806, _) => "ARP packet",
        (0x0800, 1) => match key.tp_src() {
            0 => "echo reply",
            8 => "echo request",
            _ => "ICMP packet",
        },
        (0x86dd, 58) => match key.tp_src() {
            128 => "echo request",
            129 => "echo reply",
            135 => "neighbor solicitation",
            136 => "neighbor advertisement",
            _ => "ICMPv6 packet",
        },
        (_, 6) => "TCP segment",
        (_, 17) => "UDP datagram",
        (0x0800 | 0x86dd, _) => "IP packet",
        (PROBE_TYPE, _) => "probe frame",
        _ => "frame",
    }
}

/// The Ethernet type of the frames that an `apart` check sends: IEEE 802's local experimental type 1.
pub(crate) const PROBE_TYPE: u16 = 0x88b5;
