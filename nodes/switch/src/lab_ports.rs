//! The node's ports, as the lab gave them, and whether their links are up.

use crate::shared::Shared;
use packet::MacAddr;
use sim_core::{Carrier, PortIx};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The interfaces that exist: what a real switch finds as network devices.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct LabPorts {
    /// First, so that it is in the same cache line as what a switch reads for each frame.
    ports: Vec<LabPort>,
    by_name: BTreeMap<Box<str>, PortIx>,
}

#[derive(Clone, Debug, Default)]
struct LabPort {
    /// Where it is in a bridge.
    place: Option<Place>,
    name: Option<Box<str>>,
    is_up: bool,
    link_resets: u32,
    /// The device's own MAC address, if it was told.
    mac: Option<MacAddr>,
}

/// A place in a bridge.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) bridge: Arc<Shared>,
    pub(crate) slot: u16,
    /// Whether the bridge has a spanning tree, so that BPDUs are its own.
    pub(crate) has_tree: bool,
}

impl LabPorts {
    pub(crate) fn attach(&mut self, name: &str, port: PortIx) {
        self.by_name.insert(name.into(), port);
        self.port_mut(port).name = Some(name.into());
    }

    pub(crate) fn detach(&mut self, name: &str) {
        if let Some(port) = self.by_name.remove(name) {
            *self.port_mut(port) = LabPort::default();
        }
    }

    pub(crate) fn set_mac(&mut self, port: PortIx, mac: MacAddr) {
        self.port_mut(port).mac = Some(mac);
    }

    pub(crate) fn mac(&self, name: &str) -> Option<MacAddr> {
        self.ports.get(self.find(name)?.index())?.mac
    }

    /// Takes note of a link that came up or went down; whether that is a change.
    pub(crate) fn set_carrier(&mut self, port: PortIx, state: Carrier) -> bool {
        let port = self.port_mut(port);
        let is_up = state == Carrier::Up;
        let is_changed = port.is_up != is_up;
        port.is_up = is_up;
        port.link_resets += u32::from(is_changed);
        is_changed
    }

    pub(crate) fn find(&self, name: &str) -> Option<PortIx> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn name(&self, port: PortIx) -> Option<&str> {
        self.ports.get(port.index())?.name.as_deref()
    }

    pub(crate) fn is_up(&self, port: PortIx) -> bool {
        self.ports.get(port.index()).is_some_and(|port| port.is_up)
    }

    pub(crate) fn link_resets(&self, port: PortIx) -> u32 {
        self.ports.get(port.index()).map_or(0, |port| port.link_resets)
    }

    /// Where a port is in a bridge; `None` if it is in none.
    #[inline]
    pub(crate) fn place(&self, port: PortIx) -> Option<&Place> {
        self.ports.get(port.index())?.place.as_ref()
    }

    pub(crate) fn set_place(&mut self, port: PortIx, place: Place) {
        self.port_mut(port).place = Some(place);
    }

    pub(crate) fn clear_places(&mut self) {
        self.ports.iter_mut().for_each(|port| port.place = None);
    }

    fn port_mut(&mut self, port: PortIx) -> &mut LabPort {
        if self.ports.len() <= port.index() {
            self.ports.resize_with(port.index() + 1, LabPort::default);
        }
        &mut self.ports[port.index()]
    }
}
