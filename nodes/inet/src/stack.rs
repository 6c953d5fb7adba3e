//! The stack: what it holds, how its owner reads and changes it.

use core::net::IpAddr;

use packet::VlanId;
use sim_core::{Carrier, Cx, Drop, DropReason, PortIx, Time};

use crate::interface::{IfIx, Interface, InterfaceConfig, MIN_MTU};
use crate::interfaces::Interfaces;
use crate::limit::TokenBucket;
use crate::neighbors::{Due, MAX_NEIGHBORS, Neighbors};
use crate::reassembly::Reassembly;
use crate::routes::{RouteConfig, Routes, StaticRoutes};
use crate::transport::Loopback;
use crate::{Cidr, Forwarding, Upper};

/// A layer-3 endpoint.
#[derive(Debug)]
pub struct Stack {
    pub(crate) interfaces: Interfaces,
    pub(crate) routes: Routes,
    pub(crate) static_routes: StaticRoutes,
    pub(crate) forwarding: Forwarding,
    pub(crate) neighbors: Neighbors,
    pub(crate) errors: TokenBucket,
    pub(crate) reassembly: Reassembly,
    pub(crate) loopback: Loopback,
    /// Open UDP ports, sorted.
    pub(crate) udp_ports: Vec<u16>,
    pub(crate) next_ident: u32,
    /// Changes with addresses and routes.
    pub(crate) version: u64,
}

/// Why a stack can't be as told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Two interfaces have this name.
    #[error("two interfaces are named `{0}`: give one another name")]
    SameName(String),
    /// Two interfaces share a port and a VLAN.
    #[error("interface `{0}` has the port and VLAN of another: give it a VLAN of its own")]
    SamePlace(String),
    /// A MAC address that is no station's.
    #[error("interface `{0}` has the MAC address of a group or none: give it a unicast one, as in 02:00:00:00:00:01")]
    BadMac(String),
    /// A VLAN that no frame can carry as its own.
    #[error("interface `{0}` is in VLAN {1}: sub-interfaces have VLANs 1 to 4094")]
    BadVlan(String, VlanId),
    /// An MTU that no IP packet fits in.
    #[error("interface `{0}` has an MTU of {1} bytes: the least is {MIN_MTU}")]
    BadMtu(String, u16),
}

impl Stack {
    /// A stack with these interfaces and static routes. Where a sub-interface's NIC is not among the interfaces, one
    /// without addresses is added behind them, named by what stands before the dot.
    pub fn new(interfaces: Vec<InterfaceConfig>, routes: Vec<RouteConfig>) -> Result<Self, ConfigError> {
        let mut stack = Self {
            interfaces: Interfaces::default(),
            routes: Routes::default(),
            static_routes: StaticRoutes::new(routes),
            forwarding: Forwarding::default(),
            neighbors: Neighbors::new(MAX_NEIGHBORS),
            errors: TokenBucket::full(),
            reassembly: Reassembly::default(),
            loopback: Loopback::default(),
            udp_ports: Vec::new(),
            next_ident: 0,
            version: 0,
        };
        let parents: Vec<InterfaceConfig> = interfaces
            .iter()
            .filter(|sub| !interfaces.iter().any(|nic| nic.vlan.is_none() && nic.port == sub.port))
            .map(|sub| {
                let name = sub.name.split('.').next().unwrap_or_default();
                InterfaceConfig { mtu: sub.mtu, ..InterfaceConfig::new(name, sub.port, sub.mac) }
            })
            .collect();
        for config in interfaces {
            stack.enter_interface(config)?;
        }
        for config in parents {
            if stack.interfaces.physical(config.port).is_none() {
                stack.enter_interface(config)?;
            }
        }
        stack.rebuild_routes();
        Ok(stack)
    }

    /// The interfaces, in the order of configuration. Places of removed ones are among them
    /// ([`Interface::is_removed`]).
    pub fn interfaces(&self) -> &[Interface] {
        self.interfaces.as_slice()
    }

    /// An interface.
    ///
    /// # Panics
    /// If the index is another stack's.
    pub fn interface(&self, ix: IfIx) -> &Interface {
        self.interfaces.get(ix)
    }

    /// The interface of that name.
    pub fn interface_named(&self, name: &str) -> Option<IfIx> {
        self.interfaces.named(name)
    }

    /// All addresses but for loopback ones, interface by interface, IPv6 link-local ones last of each.
    pub fn addresses(&self) -> impl Iterator<Item = (IfIx, Cidr)> + '_ {
        let indexed = self.interfaces().iter().enumerate();
        let all = indexed.flat_map(|(at, interface)| interface.addresses().iter().map(move |a| (IfIx(at as u32), *a)));
        all.filter(|(_, own)| !own.address().is_loopback())
    }

    /// Whether a frame carries the tag of a VLAN that a port has a sub-interface for.
    pub fn has_vlan_of(&self, port: PortIx, frame: &[u8]) -> bool {
        let tag = packet::wire::vlan::outer(frame).and_then(|(_, tag)| tag);
        tag.is_some_and(|tag| tag.tpid == packet::EtherType::VLAN && self.interfaces.sub(port, tag.vid).is_some())
    }

    /// Whether packets to `address` stay here: an address of any interface that isn't taken down, or a
    /// loopback address.
    pub fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.interfaces.own(address)
    }

    /// The routes in use.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The neighbours.
    pub fn neighbors(&self) -> &Neighbors {
        &self.neighbors
    }

    /// Datagrams whose fragments never came together.
    pub fn reassembly_failures(&self) -> u64 {
        self.reassembly.given_up()
    }

    /// Replaces the addresses of an interface; the routes follow.
    ///
    /// # Panics
    /// If the index is another stack's.
    pub fn set_addresses(&mut self, ix: IfIx, addresses: Vec<Cidr>) {
        self.interfaces.get_mut(ix).set_addresses(addresses);
        self.rebuild_routes();
    }

    /// Replaces the static routes. Their metrics are 0.
    pub fn set_routes(&mut self, routes: Vec<RouteConfig>) {
        self.static_routes = StaticRoutes::new(routes);
        self.rebuild_routes();
    }

    /// The static routes as configured, those at rest included.
    pub fn configured_routes(&self) -> &[RouteConfig] {
        self.static_routes.configs()
    }

    /// The same, each with its metric.
    pub fn routes_with_metrics(&self) -> impl Iterator<Item = (&RouteConfig, u32)> + '_ {
        self.static_routes.iter()
    }

    /// Opens a UDP port: its datagrams become [`Event::Datagram`](crate::Event::Datagram).
    pub fn open_udp(&mut self, port: u16) {
        if let Err(at) = self.udp_ports.binary_search(&port) {
            self.udp_ports.insert(at, port);
        }
    }

    /// Whether a UDP port is open.
    pub fn has_udp(&self, port: u16) -> bool {
        self.udp_ports.binary_search(&port).is_ok()
    }

    /// Closes a UDP port.
    pub fn close_udp(&mut self, port: u16) {
        if let Ok(at) = self.udp_ports.binary_search(&port) {
            self.udp_ports.remove(at);
        }
    }

    /// Forgets all neighbours. What waited for one is dropped.
    pub fn clear_neighbors(&mut self, cx: &mut Cx<'_>, upper: &mut impl Upper) {
        self.forget_neighbors(cx, |_| true, DropReason::NoNeighbor, upper);
    }

    /// The link on a port came up or went down. With it go its neighbours, as what answered there may be elsewhere.
    pub fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier, upper: &mut impl Upper) {
        let affected = self.interfaces.at_port(port);
        for ix in &affected {
            self.interfaces.get_mut(*ix).carrier = state == Carrier::Up;
        }
        if state == Carrier::Down {
            self.forget_neighbors(cx, |interface| affected.contains(&interface), DropReason::LinkDown, upper);
        }
    }

    /// Takes in packets to own addresses, repeats requests for neighbours, and gives up on those that don't answer.
    pub fn wake(&mut self, cx: &mut Cx<'_>, upper: &mut impl Upper) {
        self.receive_looped(cx, upper);
        while let Some(due) = self.neighbors.due(cx.now) {
            match due {
                Due::Ask(key, tag) => self.ask(cx, key, None, tag),
                Due::Failed(key, waiting) => self.unsent(cx, key, waiting, DropReason::NoNeighbor, upper),
            }
        }
    }

    /// When the stack wants [`Stack::wake`].
    #[inline]
    pub fn next_wake(&self) -> Time {
        self.neighbors.next_wake().min(self.loopback.next_wake())
    }

    /// Drops a frame at the port of an interface.
    pub(crate) fn kill(&self, cx: &mut Cx<'_>, ix: IfIx, frame: sim_core::Frame, reason: DropReason) {
        cx.out.drop(frame, Drop::at(self.interfaces.get(ix).port, reason));
    }

    pub(crate) fn enter_interface(&mut self, config: InterfaceConfig) -> Result<IfIx, ConfigError> {
        let name = || config.name.clone();
        if self.interfaces.named(&config.name).is_some() {
            return Err(ConfigError::SameName(name()));
        }
        if config.mac.is_multicast() || config.mac.is_zero() {
            return Err(ConfigError::BadMac(name()));
        }
        if let Some(vlan) = config.vlan.filter(|vlan| matches!(vlan.get(), 0 | VlanId::MAX)) {
            return Err(ConfigError::BadVlan(name(), vlan));
        }
        if config.mtu < MIN_MTU {
            return Err(ConfigError::BadMtu(name(), config.mtu));
        }
        let name = name();
        self.interfaces.add(config).ok_or(ConfigError::SamePlace(name))
    }

    pub(crate) fn rebuild_routes(&mut self) {
        self.routes = Routes::build(self.interfaces.as_slice(), &self.static_routes);
        self.version += 1;
    }

    pub(crate) fn forget_neighbors(
        &mut self,
        cx: &mut Cx<'_>,
        gone: impl Fn(IfIx) -> bool,
        reason: DropReason,
        upper: &mut impl Upper,
    ) {
        while let Some((key, waiting)) = self.neighbors.forget(&gone) {
            self.unsent(cx, key, waiting, reason, upper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packet::MacAddr;

    fn nic(name: &str, port: u32, vlan: Option<u16>) -> InterfaceConfig {
        let config = InterfaceConfig::new(name, PortIx(port), MacAddr([2, 0, 0, 0, 0, port as u8]));
        InterfaceConfig { vlan: vlan.and_then(VlanId::new), ..config }
    }

    fn check(interfaces: &[InterfaceConfig], expect: &str) {
        let error = Stack::new(interfaces.to_vec(), Vec::new()).expect_err(expect);
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn what_cannot_be_an_interface_is_refused_by_name() {
        let with = |f: fn(&mut InterfaceConfig)| {
            let mut config = nic("eth0", 0, None);
            f(&mut config);
            config
        };
        check(&[nic("a", 0, None), nic("a", 1, None)], "two interfaces are named `a`: give one another name");
        let taken = "interface `b` has the port and VLAN of another: give it a VLAN of its own";
        check(&[nic("a", 0, None), nic("b", 0, None)], taken);
        check(&[nic("a", 0, Some(5)), nic("b", 0, Some(5))], taken);
        check(&[nic("a", 0, Some(0))], "interface `a` is in VLAN 0: sub-interfaces have VLANs 1 to 4094");
        check(&[nic("a", 0, Some(4095))], "interface `a` is in VLAN 4095: sub-interfaces have VLANs 1 to 4094");
        check(&[with(|c| c.mtu = 67)], "interface `eth0` has an MTU of 67 bytes: the least is 68");
        check(
            &[with(|c| c.mac = MacAddr::BROADCAST)],
            "interface `eth0` has the MAC address of a group or none: give it a unicast one, as in 02:00:00:00:00:01",
        );
    }

    #[test]
    fn a_sub_interface_implies_its_nic() {
        let stack = Stack::new(vec![nic("eth0.10", 0, Some(10)), nic("eth0.20", 0, Some(20))], Vec::new());
        let stack = stack.expect("good");
        let names: Vec<_> = stack.interfaces().iter().map(Interface::name).collect();
        assert_eq!(names, ["eth0.10", "eth0.20", "eth0"]);
    }

    #[test]
    fn a_route_follows_the_addresses() {
        let far = [9, 9, 9, 9].into();
        let gateway = RouteConfig::default_via([10, 0, 0, 254].into());
        let mut stack = Stack::new(vec![nic("eth0", 0, None)], vec![gateway]).expect("good");
        assert!(!stack.reaches(far, None));
        stack.set_addresses(IfIx(0), vec!["10.0.0.1/24".parse().expect("an address")]);
        assert!(stack.reaches(far, None));
        stack.set_addresses(IfIx(0), vec!["10.0.1.1/24".parse().expect("an address")]);
        assert!(!stack.reaches(far, None));
    }
}
