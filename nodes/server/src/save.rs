//! What a server is like, as lines of its own shell: told to a fresh server with the same NICs, they make it the same.
//!
//! The NICs with their addresses, and the plain routes, are the configuration's ([`Server::configured`],
//! [`is_plain_route`]); Open vSwitch has its own lines, which stand between [`Server::taps_as_lines`] and
//! [`Server::rest_as_lines`]. Left out is a route that rests and isn't plain: no line can add it.

use core::net::IpAddr;

use host::{Cidr, Interface, RouteConfig};
use inet::{IfIx, NeighborState, Route};
use sim_core::Time;

use crate::Server;
use crate::applet::METRIC_V6;
use crate::devices::Kind;

/// Words of a line.
type Line = Vec<String>;

/// The place of TAPs that no link ends at.
const IDLE: u8 = 3;

/// Whether a configuration can say a route: it has a gateway, and neither an interface of its own nor a metric.
pub fn is_plain_route(route: &RouteConfig, metric: u32) -> bool {
    route.via.is_some() && route.interface.is_none() && metric == 0
}

impl Server {
    /// The interfaces of the configuration: NICs, and their VLANs that are called after them.
    pub fn configured(&self) -> impl Iterator<Item = &Interface> + '_ {
        let indices = (0..self.host.interfaces().len() as u32).map(IfIx);
        indices.filter(|ix| self.is_configured(*ix)).map(|ix| self.interface(ix))
    }

    /// The lines that make TAPs which no link ends at.
    pub fn taps_as_lines(&self) -> Vec<Line> {
        let taps = self.in_order().into_iter().filter(|ix| self.rank(*ix).0 == IDLE);
        taps.map(|ix| words(["tunctl", "-t", self.interface(ix).name()])).collect()
    }

    /// The lines for what is neither the configuration's nor Open vSwitch's: VLANs, states, addresses, permanent
    /// neighbours, forwarding, routes. `is_said` tells which addresses of its NICs the configuration says.
    pub fn rest_as_lines(&self, now: Time, is_said: impl Fn(Cidr) -> bool) -> Vec<Line> {
        let listed = self.in_order();
        let mut lines = Vec::new();
        for ix in &listed {
            self.link(*ix, &mut lines);
        }
        for ix in &listed {
            self.addresses(*ix, &is_said, &mut lines);
        }
        for ix in &listed {
            self.neighbors(now, *ix, &mut lines);
        }
        let forwarding = self.host.stack().forwarding();
        for (is_on, key) in
            [(forwarding.ipv4, "net.ipv4.ip_forward"), (forwarding.ipv6, "net.ipv6.conf.all.forwarding")]
        {
            if is_on {
                lines.push(words(["sysctl", "-w", &format!("{key}=1")]));
            }
        }
        self.routes(&mut lines);
        lines
    }

    fn is_configured(&self, ix: IfIx) -> bool {
        let interface = self.interface(ix);
        let Some((_, nic)) = self.device_of(ix).filter(|(_, device)| device.kind == Kind::Nic) else { return false };
        match interface.vlan() {
            _ if interface.is_removed() => false,
            None => true,
            // What came with the configuration is in front of the loopback.
            Some(vlan) => ix < self.loopback && interface.name() == format!("{}.{vlan}", nic.name),
        }
    }

    /// The interfaces as a server that is told the lines has them, in the order in which it makes them.
    fn in_order(&self) -> Vec<IfIx> {
        let mut listed = self.listed();
        listed.sort_by_key(|ix| self.rank(*ix));
        listed
    }

    /// What is made one after the other: the configuration's, TAPs, internal interfaces as their rows come, VLANs.
    fn rank(&self, ix: IfIx) -> (u8, usize) {
        let kind = self.device_of(ix).map(|(_, device)| device.kind);
        match (kind, self.interface(ix).vlan()) {
            _ if self.is_configured(ix) => (0, 0),
            (_, Some(_)) | (None, _) => (5, 0),
            (Some(Kind::Nic | Kind::Loopback), _) => (1, 0),
            (Some(Kind::Tap), _) => (2, 0),
            (Some(Kind::IdleTap), _) => (IDLE, 0),
            (Some(Kind::Internal), _) => (4, self.place_in_rows(self.interface(ix).name())),
        }
    }

    /// MAC address, MTU and state where they are others than of themselves.
    fn link(&self, ix: IfIx, lines: &mut Vec<Line>) {
        let interface = self.interface(ix);
        let Some((_, device)) = self.device_of(ix) else { return };
        let name = interface.name();
        let is_configured = self.is_configured(ix);
        let (mac, mtu, is_up) = match interface.vlan() {
            Some(vlan) => {
                let parent = self.interface(device.ix);
                if !is_configured {
                    let line = ["ip", "link", "add", "link", &device.name, "name", name, "type", "vlan", "id"];
                    lines.push(words(line.into_iter().chain([vlan.to_string().as_str()])));
                }
                (parent.mac(), parent.mtu(), is_configured)
            }
            None => (self.given_mac(device), 1500, !matches!(device.kind, Kind::IdleTap | Kind::Internal)),
        };
        let mut set = |key: &str, value: &str| lines.push(words(["ip", "link", "set", "dev", name, key, value]));
        if !is_configured && device.kind != Kind::Loopback {
            if interface.mac() != mac {
                set("address", &interface.mac().to_string());
            }
            if interface.mtu() != mtu {
                set("mtu", &interface.mtu().to_string());
            }
        }
        if interface.is_admin_up() != is_up {
            lines.push(words(["ip", "link", "set", "dev", name, if is_up { "down" } else { "up" }]));
        }
    }

    fn addresses(&self, ix: IfIx, is_said: &impl Fn(Cidr) -> bool, lines: &mut Vec<Line>) {
        let interface = self.interface(ix);
        let own = self.own_addresses(ix);
        let fresh: &[&str] = if interface.is_loopback() { &["127.0.0.1/8", "::1/128"] } else { &[] };
        let mut tell = |verb: &str, address: &str| {
            lines.push(words(["ip", "addr", verb, address, "dev", interface.name()]));
        };
        let texts: Vec<String> = own.iter().map(ToString::to_string).collect();
        fresh.iter().filter(|text| !texts.iter().any(|own| own == *text)).for_each(|gone| tell("del", gone));
        let is_configured = self.is_configured(ix);
        for (address, text) in own.iter().zip(&texts) {
            let is_there = fresh.contains(&text.as_str()) || is_configured && is_said(*address);
            if !is_there {
                tell("add", text);
            }
        }
    }

    fn neighbors(&self, now: Time, ix: IfIx, lines: &mut Vec<Line>) {
        let neighbors = self.host.stack().neighbors().iter(now).filter(|(key, _)| key.interface == ix);
        for (key, state) in neighbors {
            if let NeighborState::Reachable(mac, Time::NEVER) = state {
                let (address, mac) = (key.address.to_string(), mac.to_string());
                let device = self.interface(key.interface).name();
                lines.push(words(["ip", "neigh", "add", &address, "lladdr", &mac, "dev", device]));
            }
        }
    }

    fn routes(&self, lines: &mut Vec<Line>) {
        let stack = self.host.stack();
        for (route, metric) in stack.routes_with_metrics() {
            let is_it = |used: &&Route| {
                used.is_static && (used.to, used.via, used.metric) == (route.to.network(), route.via, metric)
            };
            let Some(used) = stack.routes().iter().find(is_it).filter(|_| !is_plain_route(route, metric)) else {
                continue;
            };
            let to = if route.to == Cidr::ALL_V4 { "default".to_owned() } else { route.to.to_string() };
            let mut line = words(["ip", "route", "add", &to]);
            line.extend(route.via.iter().flat_map(|via: &IpAddr| ["via".to_owned(), via.to_string()]));
            if route.interface.is_some() || route.via.is_none() {
                line.extend(["dev".to_owned(), self.interface(used.interface).name().to_owned()]);
            }
            if metric != if route.to.is_ipv6() { METRIC_V6 } else { 0 } {
                line.extend(["metric".to_owned(), metric.to_string()]);
            }
            lines.push(line);
        }
    }
}

fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Line {
    words.into_iter().map(str::to_owned).collect()
}
