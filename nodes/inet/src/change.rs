//! Changes at run time, one at a time: interfaces, routes and neighbours, as `ip` makes them.

use core::net::IpAddr;

use packet::MacAddr;
use sim_core::{Cx, DropReason, PortIx};

use crate::interface::{IfIx, Interface, InterfaceConfig, MIN_MTU};
use crate::neighbors::NeighborKey;
use crate::routes::RouteConfig;
use crate::{Cidr, ConfigError, Stack, Upper};

/// Why a route can't be added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// There is one with this prefix and metric.
    #[error("there is a route with this prefix and metric")]
    Exists,
    /// Its gateway is on no connected subnet, or its interface is down.
    #[error("no connected subnet has the gateway")]
    Unreachable,
    /// There is none like it.
    #[error("no such route")]
    NoSuchRoute,
}

/// Why a neighbour can't be entered or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NeighborError {
    /// No station has this MAC address.
    #[error("not a station's MAC address")]
    BadMac,
    /// It is not known.
    #[error("no such neighbour")]
    NoSuchNeighbor,
}

impl Stack {
    /// Adds an interface, admin up and without a carrier until [`Stack::carrier`] tells of one.
    ///
    /// # Errors
    /// As for a new stack.
    pub fn add_interface(&mut self, config: InterfaceConfig) -> Result<IfIx, ConfigError> {
        let parent = self.interfaces.physical(config.port);
        let ix = self.enter_interface(config)?;
        if let Some(parent) = parent {
            self.interfaces.get_mut(ix).carrier = self.interfaces.get(parent).carrier;
        }
        self.rebuild_routes();
        Ok(ix)
    }

    /// Adds the loopback interface `lo` with 127.0.0.1/8 and ::1/128 at a port of its own, which carries no frames:
    /// what is for an own address never leaves the stack.
    ///
    /// # Errors
    /// As for another interface.
    pub fn add_loopback(&mut self, port: PortIx) -> Result<IfIx, ConfigError> {
        // The address is never seen: it stands for none.
        let mac = MacAddr([2, 0, 0, 0, 0, 0]);
        let config = InterfaceConfig { mtu: u16::MAX, ..InterfaceConfig::new("lo", port, mac) };
        let ix = self.enter_interface(config)?;
        let addresses =
            [Cidr::new([127, 0, 0, 1].into(), 8), Cidr::new(IpAddr::V6(core::net::Ipv6Addr::LOCALHOST), 128)];
        self.interfaces.make_loopback(ix, addresses.into_iter().flatten().collect());
        self.rebuild_routes();
        Ok(ix)
    }

    /// Removes an interface and what depends on it: its sub-interfaces if it is a NIC, addresses, neighbours, and static
    /// routes by it. Other interfaces keep their indices; a later one may get its own.
    pub fn remove_interface(&mut self, cx: &mut Cx<'_>, ix: IfIx, upper: &mut impl Upper) {
        let Interface { port, vlan, .. } = *self.interfaces.get(ix);
        let gone = if vlan.is_none() { self.interfaces.at_port(port) } else { vec![ix] };
        self.drop_routes_of(&gone, |_| true);
        self.forget_neighbors(cx, |interface| gone.contains(&interface), DropReason::PortDown, upper);
        gone.into_iter().for_each(|ix| self.interfaces.remove(ix));
        self.rebuild_routes();
    }

    /// Takes an interface up or down. As in Linux, with an interface that goes down go its neighbours, and the static
    /// routes by it, and they don't come back with it; its addresses stay.
    pub fn set_admin(&mut self, cx: &mut Cx<'_>, ix: IfIx, up: bool, upper: &mut impl Upper) {
        if self.interfaces.get(ix).admin_up == up {
            return;
        }
        if !up {
            self.drop_routes_of(&[ix], |_| true);
            self.forget_neighbors(cx, |interface| interface == ix, DropReason::PortDown, upper);
        }
        self.interfaces.get_mut(ix).admin_up = up;
        self.rebuild_routes();
    }

    /// Sets the most bytes of an IP packet on an interface.
    ///
    /// # Errors
    /// If that is less than [`MIN_MTU`].
    pub fn set_mtu(&mut self, ix: IfIx, mtu: u16) -> Result<(), ConfigError> {
        let interface = self.interfaces.get_mut(ix);
        if mtu < MIN_MTU {
            return Err(ConfigError::BadMtu(interface.name.clone(), mtu));
        }
        interface.mtu = mtu;
        // What was made for the old MTU no longer counts.
        self.version += 1;
        Ok(())
    }

    /// Gives an interface another MAC address, and its sub-interfaces that had the same. Its IPv6 link-local address
    /// follows.
    ///
    /// # Errors
    /// If no station can have it.
    pub fn set_mac(&mut self, ix: IfIx, mac: MacAddr) -> Result<(), ConfigError> {
        let Interface { port, vlan, mac: before, .. } = *self.interfaces.get(ix);
        if mac.is_multicast() || mac.is_zero() {
            return Err(ConfigError::BadMac(self.interfaces.get(ix).name.clone()));
        }
        let followers = if vlan.is_none() { self.interfaces.at_port(port) } else { vec![ix] };
        for ix in followers {
            let interface = self.interfaces.get_mut(ix);
            if interface.mac == before {
                interface.set_mac(mac);
            }
        }
        self.rebuild_routes();
        Ok(())
    }

    /// Adds a static route behind the others.
    ///
    /// # Errors
    /// If there is one with its prefix and metric, or it would rest: no subnet has its gateway, or its interface is down.
    pub fn add_route(&mut self, config: RouteConfig, metric: u32) -> Result<(), RouteError> {
        if self.routes.iter().any(|route| route.is_static && route.to == config.to.network() && route.metric == metric)
        {
            return Err(RouteError::Exists);
        }
        let before = self.static_routes.clone();
        self.static_routes.push(config, metric);
        let active = self.routes.iter().count();
        self.rebuild_routes();
        if self.routes.iter().count() == active {
            self.static_routes = before;
            self.rebuild_routes();
            return Err(RouteError::Unreachable);
        }
        Ok(())
    }

    /// Adds a static route in the place of those with its prefix and metric.
    ///
    /// # Errors
    /// If it would rest; then nothing has changed.
    pub fn replace_route(&mut self, config: RouteConfig, metric: u32) -> Result<(), RouteError> {
        let before = self.static_routes.clone();
        self.static_routes.remove(|route, m| route.to.network() == config.to.network() && m == metric);
        self.rebuild_routes();
        self.add_route(config, metric).inspect_err(|_| {
            self.static_routes = before;
            self.rebuild_routes();
        })
    }

    /// Removes a static route: the first in use with this prefix and, where told, gateway, interface and metric.
    ///
    /// # Errors
    /// If there is none.
    pub fn remove_route(
        &mut self,
        to: Cidr,
        via: Option<IpAddr>,
        interface: Option<IfIx>,
        metric: Option<u32>,
    ) -> Result<(), RouteError> {
        let found = self.routes.iter().find(|route| {
            route.is_static
                && route.to == to.network()
                && via.is_none_or(|via| route.via == Some(via))
                && interface.is_none_or(|ix| route.interface == ix)
                && metric.is_none_or(|metric| route.metric == metric)
        });
        let route = *found.ok_or(RouteError::NoSuchRoute)?;
        self.static_routes.remove(|config, metric| {
            config.to.network() == route.to && config.via == route.via && metric == route.metric
        });
        self.rebuild_routes();
        Ok(())
    }

    /// Removes the static routes in use by an interface whose prefix `gone` is true of.
    pub fn remove_routes_by(&mut self, ix: IfIx, gone: impl Fn(Cidr) -> bool) {
        self.drop_routes_of(&[ix], gone);
        self.rebuild_routes();
    }

    /// Enters a neighbour by hand. It stays until it is removed, its interface goes down or the table is full.
    ///
    /// # Errors
    /// If no station has this MAC address.
    pub fn set_neighbor(
        &mut self,
        cx: &mut Cx<'_>,
        key: NeighborKey,
        mac: MacAddr,
        upper: &mut impl Upper,
    ) -> Result<(), NeighborError> {
        if mac.is_multicast() || mac.is_zero() {
            return Err(NeighborError::BadMac);
        }
        let (waiting, evicted) = self.neighbors.enter(key, mac, cx.now);
        self.resolved(cx, key, mac, waiting, evicted, upper);
        Ok(())
    }

    /// Forgets one neighbour. What waited for it is dropped.
    ///
    /// # Errors
    /// If it isn't known.
    pub fn remove_neighbor(
        &mut self,
        cx: &mut Cx<'_>,
        key: NeighborKey,
        upper: &mut impl Upper,
    ) -> Result<(), NeighborError> {
        let (found, waiting) = self.neighbors.forget_one(key);
        if let Some((key, waiting)) = waiting {
            self.unsent(cx, key, waiting, DropReason::NoNeighbor, upper);
        }
        if found { Ok(()) } else { Err(NeighborError::NoSuchNeighbor) }
    }

    /// Forgets all neighbours of an interface. What waited for one is dropped.
    pub fn clear_neighbors_of(&mut self, cx: &mut Cx<'_>, ix: IfIx, upper: &mut impl Upper) {
        self.forget_neighbors(cx, |interface| interface == ix, DropReason::NoNeighbor, upper);
    }

    /// Takes out the static routes in use by some interfaces, and those that name one of them, if `gone` is true of
    /// their prefix.
    fn drop_routes_of(&mut self, interfaces: &[IfIx], gone: impl Fn(Cidr) -> bool) {
        let names: Vec<String> = interfaces.iter().map(|ix| self.interfaces.get(*ix).name.clone()).collect();
        let used: Vec<(Cidr, Option<IpAddr>, u32)> = self
            .routes
            .iter()
            .filter(|route| route.is_static && interfaces.contains(&route.interface))
            .map(|route| (route.to, route.via, route.metric))
            .collect();
        self.static_routes.remove(|config, metric| {
            let is_by = match &config.interface {
                Some(name) => names.contains(name),
                None => used.contains(&(config.to.network(), config.via, metric)),
            };
            is_by && gone(config.to)
        });
    }
}
