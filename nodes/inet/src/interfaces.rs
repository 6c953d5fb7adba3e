//! The interfaces of a stack. One that is removed keeps its place, so that the others keep their indices.

use core::net::{IpAddr, Ipv4Addr};

use packet::VlanId;
use sim_core::PortIx;

use crate::Cidr;
use crate::interface::{IfIx, Interface, InterfaceConfig};

/// The interfaces of a stack, found by port and VLAN without a search over all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interfaces {
    all: Vec<Interface>,
    by_port: Vec<PortInterfaces>,
}

#[derive(Clone, Debug, Default)]
struct PortInterfaces {
    physical: Option<IfIx>,
    /// Sorted by VLAN.
    vlans: Vec<(u16, IfIx)>,
}

impl Interfaces {
    /// Adds an interface, in the place of a removed one if there is any; `None` if its port and VLAN are taken.
    pub(crate) fn add(&mut self, config: InterfaceConfig) -> Option<IfIx> {
        let vacant = self.all.iter().position(|interface| interface.is_removed);
        let ix = IfIx(vacant.unwrap_or(self.all.len()) as u32);
        if self.by_port.len() <= config.port.index() {
            self.by_port.resize_with(config.port.index() + 1, PortInterfaces::default);
        }
        let port = &mut self.by_port[config.port.index()];
        match config.vlan {
            None if port.physical.is_some() => return None,
            None => port.physical = Some(ix),
            Some(vid) => match port.vlans.binary_search_by_key(&vid.get(), |(vid, _)| *vid) {
                Ok(_) => return None,
                Err(at) => port.vlans.insert(at, (vid.get(), ix)),
            },
        }
        match self.all.get_mut(ix.index()) {
            Some(place) => *place = Interface::new(config),
            None => self.all.push(Interface::new(config)),
        }
        Some(ix)
    }

    /// Makes an interface the loopback interface.
    pub(crate) fn make_loopback(&mut self, ix: IfIx, addresses: Vec<Cidr>) {
        let interface = self.get_mut(ix);
        (interface.is_loopback, interface.carrier) = (true, true);
        interface.set_addresses(addresses);
    }

    /// Removes an interface; its place stays.
    pub(crate) fn remove(&mut self, ix: IfIx) {
        let interface = &mut self.all[ix.index()];
        let port = &mut self.by_port[interface.port.index()];
        match interface.vlan {
            None => port.physical = None,
            Some(vid) => port.vlans.retain(|(vlan, _)| *vlan != vid.get()),
        }
        interface.name.clear();
        interface.set_addresses(Vec::new());
        (interface.is_removed, interface.admin_up, interface.carrier) = (true, false, false);
    }

    /// The NIC at a port.
    #[inline]
    pub(crate) fn physical(&self, port: PortIx) -> Option<IfIx> {
        self.by_port.get(port.index())?.physical
    }

    /// The sub-interface of a port and a VLAN.
    #[inline]
    pub(crate) fn sub(&self, port: PortIx, vid: VlanId) -> Option<IfIx> {
        let vlans = &self.by_port.get(port.index())?.vlans;
        let at = vlans.binary_search_by_key(&vid.get(), |(vid, _)| *vid).ok()?;
        Some(vlans[at].1)
    }

    /// The NIC at a port and its sub-interfaces.
    pub(crate) fn at_port(&self, port: PortIx) -> Vec<IfIx> {
        let Some(port) = self.by_port.get(port.index()) else { return Vec::new() };
        port.physical.into_iter().chain(port.vlans.iter().map(|(_, ix)| *ix)).collect()
    }

    /// Whether `address` is the broadcast address of any of the subnets.
    #[inline]
    pub(crate) fn broadcast(&self, address: Ipv4Addr) -> bool {
        self.all.iter().any(|interface| interface.is_broadcast(address))
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[Interface] {
        &self.all
    }

    #[inline]
    pub(crate) fn get(&self, ix: IfIx) -> &Interface {
        &self.all[ix.index()]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, ix: IfIx) -> &mut Interface {
        &mut self.all[ix.index()]
    }

    /// The interface of that name.
    pub(crate) fn named(&self, name: &str) -> Option<IfIx> {
        self.all.iter().position(|interface| interface.name == name && !interface.is_removed).map(|at| IfIx(at as u32))
    }

    /// Whether any interface that isn't taken down has this address.
    #[inline]
    pub(crate) fn own(&self, address: IpAddr) -> bool {
        self.all.iter().any(|interface| interface.admin_up && interface.owns(address))
    }
}
