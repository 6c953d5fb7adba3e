//! Routes: which interface and which neighbour a packet takes.
//!
//! The longest prefix wins, then the order of entry; a route whose gateway is on no connected subnet rests until one
//! is. The inside of [`Routes`] is a list sorted by prefix length: right for the handful of routes of a host.

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
    pub(crate) fn build(interfaces: &[Interface], configured: &[RouteConfig]) -> Self {
        let mut active: Vec<Route> = Vec::new();
        for (at, interface) in interfaces.iter().enumerate() {
            for address in interface.addresses() {
                active.push(Route { to: address.network(), via: None, interface: IfIx(at as u32) });
            }
        }
        let connected = active.len();
        for RouteConfig { to, via, interface } in configured {
            let named = interface.as_ref().and_then(|name| interfaces.iter().position(|i| i.name() == name));
            let found = match (named, via) {
                (Some(at), _) => Some(IfIx(at as u32)),
                (None, Some(via)) if interface.is_none() => {
                    let on_link = active[..connected].iter().filter(|route| route.to.contains(*via));
                    on_link.max_by_key(|route| route.to.prefix_len()).map(|route| route.interface)
                }
                _ => None,
            };
            if let Some(interface) = found {
                active.push(Route { to: to.network(), via: *via, interface });
            }
        }
        active.sort_by_key(|route| core::cmp::Reverse(route.to.prefix_len()));
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
        let routes = Routes::build(&interfaces(), configured);
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
    fn a_route_may_name_its_interface_and_need_no_gateway() {
        let to = "11.0.0.0/8".parse().expect("a prefix");
        let route = |interface: &str| RouteConfig { to, via: None, interface: Some(interface.into()) };
        check(&[route("eth1")], "11.0.0.1", Some((1, "11.0.0.1")));
        check(&[route("eth9")], "11.0.0.1", None);
    }
}
