//! Routes: which interface and which neighbour a packet takes.
//!
//! The longest prefix wins, then the lowest metric, then the order of entry; a route whose gateway is on no connected
//! subnet rests until one is, as does one whose interface is down. The inside of [`Routes`] is a list sorted by prefix
//! length and metric: right for the handful of routes of a host.

use core::net::IpAddr;

use crate::Cidr;
use crate::interface::{IfIx, Interface};

/// A static route as it is configured. A default gateway is a route to [`Cidr::ALL_V4`] or [`Cidr::ALL_V6`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// Where it leads.
    pub to: Cidr,
    /// The gateway; without one, what it leads to is on the interface's own link.
    pub via: Option<IpAddr>,
    /// The interface's name; without one, that of the subnet which the gateway is in.
    pub interface: Option<String>,
}

impl RouteConfig {
    /// The default route by way of `gateway`, of its family.
    pub const fn default_via(gateway: IpAddr) -> Self {
        let to = if gateway.is_ipv4() { Cidr::ALL_V4 } else { Cidr::ALL_V6 };
        Self { to, via: Some(gateway), interface: None }
    }
}

/// A route in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The prefix that it leads to.
    pub to: Cidr,
    /// The gateway, if it isn't on the interface's own link.
    pub via: Option<IpAddr>,
    /// Where it goes out.
    pub interface: IfIx,
    /// Of routes with the same prefix the one with the lowest metric is taken.
    pub metric: u32,
    /// Whether it was configured, and doesn't come from an interface's address.
    pub is_static: bool,
}

/// The static routes of a stack, those at rest included.
#[derive(Clone, Debug, Default)]
pub(crate) struct StaticRoutes {
    configs: Vec<RouteConfig>,
    /// Those of `configs`, in the same order.
    metrics: Vec<u32>,
}

impl StaticRoutes {
    /// Routes of metric 0.
    pub(crate) fn new(configs: Vec<RouteConfig>) -> Self {
        Self { metrics: vec![0; configs.len()], configs }
    }

    pub(crate) fn configs(&self) -> &[RouteConfig] {
        &self.configs
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&RouteConfig, u32)> + '_ {
        self.configs.iter().zip(self.metrics.iter().copied())
    }

    pub(crate) fn push(&mut self, config: RouteConfig, metric: u32) {
        self.configs.push(config);
        self.metrics.push(metric);
    }

    /// Takes out the routes for which `gone` is true; gives how many those were.
    pub(crate) fn remove(&mut self, gone: impl Fn(&RouteConfig, u32) -> bool) -> usize {
        let before = self.configs.len();
        let stay: Vec<bool> = self.iter().map(|(config, metric)| !gone(config, metric)).collect();
        let mut at = stay.iter();
        self.configs.retain(|_| at.next() == Some(&true));
        let mut at = stay.iter();
        self.metrics.retain(|_| at.next() == Some(&true));
        before - self.configs.len()
    }
}

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// The interface that it leaves by.
    pub interface: IfIx,
    /// The neighbour that it goes to.
    pub address: IpAddr,
}

/// The routes of a stack.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Longest prefix first.
    active: Vec<Route>,
}

impl Routes {
    /// The routes that interfaces and configuration make.
    pub(crate) fn build(interfaces: &[Interface], configured: &StaticRoutes) -> Self {
        let mut active: Vec<Route> = Vec::new();
        for (at, interface) in interfaces.iter().enumerate().filter(|(_, interface)| interface.routes()) {
            for address in interface.addresses() {
                let to = address.network();
                active.push(Route { to, via: None, interface: IfIx(at as u32), metric: 0, is_static: false });
            }
        }
        let connected = active.len();
        for (config, metric) in configured.iter() {
            if let Some(interface) = interface_of(config, interfaces, &active[..connected]) {
                let to = config.to.network();
                active.push(Route { to, via: config.via, interface, metric, is_static: true });
            }
        }
        active.sort_by_key(|route| (core::cmp::Reverse(route.to.prefix_len()), route.metric));
        Self { active }
    }

    /// Where a packet to `dst` goes next, by the longest prefix.
    #[inline]
    pub fn lookup(&self, dst: IpAddr) -> Option<NextHop> {
        self.hop(dst, |_| true)
    }

    /// The same, by the routes of one interface alone.
    pub fn lookup_on(&self, dst: IpAddr, interface: IfIx) -> Option<NextHop> {
        self.hop(dst, |route| route.interface == interface)
    }

    /// The routes in use, longest prefix first.
    pub fn iter(&self) -> impl Iterator<Item = &Route> + '_ {
        self.active.iter()
    }

    #[inline]
    fn hop(&self, dst: IpAddr, usable: impl Fn(&Route) -> bool) -> Option<NextHop> {
        let route = self.active.iter().find(|route| route.to.contains(dst) && usable(route))?;
        Some(NextHop { interface: route.interface, address: route.via.unwrap_or(dst) })
    }
}

/// The interface that a static route leaves by: the one that it names, or that of its gateway's subnet.
fn interface_of(config: &RouteConfig, interfaces: &[Interface], connected: &[Route]) -> Option<IfIx> {
    match (&config.interface, config.via) {
        (Some(name), _) => {
            let found = interfaces.iter().position(|interface| interface.name() == name && interface.routes());
            found.map(|at| IfIx(at as u32))
        }
        (None, Some(via)) => {
            let on_link = connected.iter().filter(|route| route.to.contains(via));
            on_link.max_by_key(|route| route.to.prefix_len()).map(|route| route.interface)
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InterfaceConfig;
    use packet::MacAddr;
    use sim_core::PortIx;

    fn interfaces() -> Vec<Interface> {
        [("eth0", 0, "10.0.0.1/8"), ("eth1", 1, "10.1.0.1/16")]
            .map(|(name, port, address)| {
                let config = InterfaceConfig::new(name, PortIx(port), MacAddr([2, 0, 0, 0, 0, port as u8]));
                Interface::new(config.with_address(address.parse().expect("an address")))
            })
            .into()
    }

    fn check(configured: &[RouteConfig], dst: &str, expect: Option<(u32, &str)>) {
        let routes = Routes::build(&interfaces(), &StaticRoutes::new(configured.to_vec()));
        let found = routes.lookup(dst.parse().expect("an address"));
        let expect = expect.map(|(interface, address)| NextHop {
            interface: IfIx(interface),
            address: address.parse().expect("an address"),
        });
        assert_eq!(found, expect, "{dst}");
    }

    #[test]
    fn the_longest_prefix_wins() {
        check(&[], "10.2.0.9", Some((0, "10.2.0.9")));
        check(&[], "10.1.0.9", Some((1, "10.1.0.9")));
        check(&[], "11.0.0.1", None);
    }

    #[test]
    fn what_no_other_route_takes_goes_to_the_gateway_of_its_family() {
        let gateway = [RouteConfig::default_via([10, 1, 0, 254].into())];
        check(&gateway, "11.0.0.1", Some((1, "10.1.0.254")));
        check(&gateway, "10.2.0.9", Some((0, "10.2.0.9")));
        check(&gateway, "2001:db8::1", None);
    }

    #[test]
    fn a_route_whose_gateway_is_on_no_subnet_rests() {
        check(&[RouteConfig::default_via([192, 168, 0, 1].into())], "11.0.0.1", None);
    }

    #[test]
    fn of_two_routes_to_a_prefix_the_lower_metric_is_taken() {
        let mut routes = StaticRoutes::default();
        routes.push(RouteConfig::default_via([10, 0, 0, 9].into()), 20);
        routes.push(RouteConfig::default_via([10, 0, 0, 8].into()), 10);
        let hop = |routes: &StaticRoutes| {
            Routes::build(&interfaces(), routes).lookup([9, 9, 9, 9].into()).map(|hop| hop.address.to_string())
        };
        assert_eq!(hop(&routes).as_deref(), Some("10.0.0.8"));
        assert_eq!(routes.remove(|_, metric| metric == 10), 1);
        assert_eq!(hop(&routes).as_deref(), Some("10.0.0.9"));
    }

    #[test]
    fn a_route_may_name_its_interface_and_need_no_gateway() {
        let to = "11.0.0.0/8".parse().expect("a prefix");
        let route = |interface: &str| RouteConfig { to, via: None, interface: Some(interface.into()) };
        check(&[route("eth1")], "11.0.0.1", Some((1, "11.0.0.1")));
        check(&[route("eth9")], "11.0.0.1", None);
    }
}
