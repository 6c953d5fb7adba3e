//! Bridges, ports and interfaces as ovs-vsctl's commands see them.
//!
//! A port with `fake_bridge` and a tag is a bridge of its own ("VLAN bridge"): ports of its parent
//! with the same tag belong to it.

use indexmap::IndexMap;

use super::context::{Failure, fatal};
use crate::row::Row;
use crate::txn::Txn;
use crate::uuid::Uuid;
use crate::vswitch::{Table, bridge, interface, open_vswitch, port};

/// A bridge, real or fake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bridge<'v> {
    pub(super) name: &'v str,
    /// The row in the table Bridge: a fake bridge's is its parent's.
    pub(super) row: Uuid,
    /// The parent of a fake bridge.
    pub(super) parent: Option<&'v str>,
    /// The VLAN of a fake bridge, else 0.
    pub(super) vlan: i64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Port<'v> {
    pub(super) row: &'v Row,
    /// The name of the bridge, which may be a fake one.
    pub(super) bridge: &'v str,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Iface<'v> {
    pub(super) row: Uuid,
    pub(super) name: &'v str,
    /// The name of its port.
    pub(super) port: &'v str,
    /// The name of its port's bridge.
    pub(super) bridge: &'v str,
}

/// All bridges, ports and interfaces by name.
#[derive(Debug, Default)]
pub(super) struct Network<'v> {
    pub(super) bridges: IndexMap<&'v str, Bridge<'v>>,
    pub(super) ports: IndexMap<&'v str, Port<'v>>,
    pub(super) ifaces: IndexMap<&'v str, Iface<'v>>,
}

impl<'v> Network<'v> {
    pub(super) fn read(txn: &'v Txn<'_>, root: Uuid) -> Network<'v> {
        let mut net = Network::default();
        let Some(root) = txn.row(Table::OpenVSwitch, root) else { return net };
        let rows = |uuids: Vec<Uuid>, table: Table| uuids.into_iter().filter_map(move |uuid| txn.row(table, uuid));
        let real = || {
            rows(root.references(open_vswitch::BRIDGES).collect(), Table::Bridge)
                .filter_map(|row| Some((row.str(bridge::NAME)?, row)))
        };
        let ports = |row: &'v Row| {
            rows(row.references(bridge::PORTS).collect(), Table::Port)
                .filter_map(|row| Some((row.str(port::NAME)?, row)))
        };
        for (name, row) in real() {
            net.bridges.insert(name, Bridge { name, row: row.uuid(), parent: None, vlan: 0 });
        }
        let mut vlans: IndexMap<(&str, i64), &str> = IndexMap::new();
        for (parent, bridge_row) in real() {
            for (name, port_row) in ports(bridge_row) {
                let vlan = port_row.int(port::TAG);
                let is_fake = port_row.bool(port::FAKE_BRIDGE) == Some(true);
                if let (true, Some(vlan)) = (is_fake && !net.bridges.contains_key(name), vlan) {
                    let row = bridge_row.uuid();
                    net.bridges.insert(name, Bridge { name, row, parent: Some(parent), vlan });
                    vlans.entry((parent, vlan)).or_insert(name);
                }
            }
        }
        for (parent, bridge_row) in real() {
            for (name, row) in ports(bridge_row) {
                let fake = row.int(port::TAG).and_then(|tag| vlans.get(&(parent, tag)));
                let bridge = fake.copied().unwrap_or(parent);
                if net.ports.contains_key(name) {
                    continue;
                }
                net.ports.insert(name, Port { row, bridge });
                for iface in rows(row.references(port::INTERFACES).collect(), Table::Interface) {
                    let Some(iface_name) = iface.str(interface::NAME) else { continue };
                    net.ifaces.entry(iface_name).or_insert(Iface {
                        row: iface.uuid(),
                        name: iface_name,
                        port: name,
                        bridge,
                    });
                }
            }
        }
        net
    }

    /// The bridge of this name.
    pub(super) fn bridge(&self, name: &str) -> Result<Bridge<'v>, Failure> {
        match self.bridges.get(name) {
            Some(bridge) => Ok(*bridge),
            None => fatal(format!("no bridge named {name}")),
        }
    }

    /// The bridge of this name, which must not be a fake one.
    pub(super) fn real_bridge(&self, name: &str) -> Result<Bridge<'v>, Failure> {
        let bridge = self.bridge(name)?;
        if bridge.parent.is_some() {
            return fatal(format!("{name} is a fake bridge"));
        }
        Ok(bridge)
    }

    /// The fake bridge of a parent on a VLAN.
    pub(super) fn vlan_bridge(&self, parent: &str, vlan: i64) -> Option<Bridge<'v>> {
        self.bridges.values().copied().find(|bridge| bridge.parent == Some(parent) && bridge.vlan == vlan)
    }

    /// The port of this name, unless it is a bridge's local port.
    pub(super) fn port(&self, name: &str) -> Option<Port<'v>> {
        self.ports.get(name).copied().filter(|port| port.bridge != name)
    }

    /// The interface of this name, unless it is a bridge's local one.
    pub(super) fn iface(&self, name: &str) -> Option<Iface<'v>> {
        self.ifaces.get(name).copied().filter(|iface| iface.bridge != name)
    }

    /// The ports of a bridge, its local port and those of its fake bridges left out.
    pub(super) fn ports_of<'n>(&'n self, bridge: &'n str) -> impl Iterator<Item = (&'v str, Port<'v>)> + 'n {
        self.ports.iter().filter(move |(_, port)| port.bridge == bridge).map(|(name, port)| (*name, *port))
    }

    /// Refuses a name that a bridge, a port or an interface has; `intent` begins the message.
    pub(super) fn check_free(&self, name: &str, intent: &str) -> Result<(), Failure> {
        if self.bridges.contains_key(name) {
            return fatal(format!("{intent} because a bridge named {name} already exists"));
        }
        if let Some(port) = self.ports.get(name) {
            let bridge = port.bridge;
            return fatal(format!("{intent} because a port named {name} already exists on bridge {bridge}"));
        }
        if let Some(iface) = self.ifaces.get(name) {
            let bridge = iface.bridge;
            return fatal(format!("{intent} because an interface named {name} already exists on bridge {bridge}"));
        }
        Ok(())
    }
}
