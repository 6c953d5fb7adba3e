//! The node's ports, as the lab gave them, and whether their links are up.

use sim_core::{Carrier, PortIx};
use std::collections::BTreeMap;

/// The interfaces that exist: what a real switch finds as network devices.
#[derive(Debug, Default)]
pub(crate) struct LabPorts {
    by_name: BTreeMap<Box<str>, PortIx>,
    ports: Vec<LabPort>,
}

#[derive(Clone, Debug, Default)]
struct LabPort {
    name: Option<Box<str>>,
    is_up: bool,
    link_resets: u32,
    /// The place of the bridge that it is in.
    bridge: Option<u16>,
}

impl LabPorts {
    pub(crate) fn attach(&mut self, name: &str, port: PortIx) {
        self.by_name.insert(name.into(), port);
        self.port_mut(port).name = Some(name.into());
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

    /// The place of the bridge that a port is in.
    #[inline]
    pub(crate) fn bridge(&self, port: PortIx) -> Option<usize> {
        self.ports.get(port.index())?.bridge.map(usize::from)
    }

    pub(crate) fn set_bridge(&mut self, port: PortIx, bridge: usize) {
        self.port_mut(port).bridge = Some(bridge as u16);
    }

    pub(crate) fn clear_bridges(&mut self) {
        self.ports.iter_mut().for_each(|port| port.bridge = None);
    }

    fn port_mut(&mut self, port: PortIx) -> &mut LabPort {
        if self.ports.len() <= port.index() {
            self.ports.resize_with(port.index() + 1, LabPort::default);
        }
        &mut self.ports[port.index()]
    }
}
