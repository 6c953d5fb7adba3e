//! Devices that come and go, and their state, kept alike in stack, switch and table.

use host::{Cidr, InterfaceConfig};
use inet::{ConfigError, IfIx, Interface};
use ovsdb::vswitch::{bridge, interface, open_vswitch, port};
use ovsdb::{Row, Table, Uuid};
use packet::{MacAddr, VlanId};
use sim_core::{Carrier, Cx, Node, Outbox, Pool, PortIx, Seed, Time};

use crate::Server;
use crate::devices::{Device, Kind};
use crate::inside::Side;

/// What the rows say of a bridge's interface.
struct Member {
    name: String,
    bridge: String,
    is_internal: bool,
}

impl Server {
    /// The stack's interface of that name.
    pub(crate) fn interface_named(&self, name: &str) -> Option<IfIx> {
        self.host.stack().interface_named(name)
    }

    pub(crate) fn interface(&self, ix: IfIx) -> &Interface {
        self.host.stack().interface(ix)
    }

    /// The stack's interfaces: the loopback first, then the others in their order.
    pub(crate) fn listed(&self) -> Vec<IfIx> {
        let all = self.host.interfaces().iter().enumerate();
        let mut listed: Vec<IfIx> =
            all.filter(|(_, interface)| !interface.is_removed()).map(|(at, _)| IfIx(at as u32)).collect();
        listed.sort_by_key(|ix| self.ifindex(*ix));
        listed
    }

    /// The number that `ip` shows of an interface: 1 is the loopback's.
    pub(crate) fn ifindex(&self, ix: IfIx) -> usize {
        match ix.index().cmp(&self.loopback.index()) {
            core::cmp::Ordering::Less => ix.index() + 2,
            core::cmp::Ordering::Equal => 1,
            core::cmp::Ordering::Greater => ix.index() + 1,
        }
    }

    /// The device of an interface; a sub-interface's is its NIC.
    pub(crate) fn device_of(&self, ix: IfIx) -> Option<(PortIx, &Device)> {
        let port = self.interface(ix).port();
        Some((port, self.devices.get(port)?))
    }

    /// Makes a device at a free port of no link, down.
    pub(crate) fn add_device(&mut self, cx: &mut Cx<'_>, name: &str, kind: Kind) -> Result<(), String> {
        let port = self.devices.vacant().ok_or("Too many open files in system")?;
        self.add_device_at(cx, name, kind, port, false).map_err(|error| error.to_string())
    }

    pub(crate) fn add_device_at(
        &mut self,
        cx: &mut Cx<'_>,
        name: &str,
        kind: Kind,
        port: PortIx,
        is_up: bool,
    ) -> Result<(), ConfigError> {
        let mac = self.switch.mac(name);
        let config = InterfaceConfig::new(name, port, mac);
        let (stack, upper) = self.host.stack_mut();
        let ix = stack.add_interface(config)?;
        stack.set_admin(cx, ix, is_up, upper);
        let device = Device::new(name, kind, ix, is_up);
        if device.has_carrier {
            stack.carrier(cx, port, Carrier::Up, upper);
        }
        self.devices.insert(port, device);
        self.switch.attach(name, port);
        self.switch.set_mac(port, mac);
        Ok(())
    }

    /// Removes a device with its addresses and sub-interfaces.
    pub(crate) fn remove_device(&mut self, cx: &mut Cx<'_>, port: PortIx) {
        let Some(device) = self.devices.remove(port) else { return };
        self.switch.detach(&device.name);
        self.with_side(cx, Side::Stack, |server, cx| {
            let (stack, upper) = server.host.stack_mut();
            stack.remove_interface(cx, device.ix, upper);
        });
    }

    /// Makes a VLAN sub-interface, down.
    pub(crate) fn add_vlan(
        &mut self,
        cx: &mut Cx<'_>,
        parent: IfIx,
        name: &str,
        vlan: VlanId,
    ) -> Result<(), ConfigError> {
        let found = self.interface(parent);
        let config = InterfaceConfig {
            vlan: Some(vlan),
            mtu: found.mtu(),
            ..InterfaceConfig::new(name, found.port(), found.mac())
        };
        let (stack, upper) = self.host.stack_mut();
        let ix = stack.add_interface(config)?;
        stack.set_admin(cx, ix, false, upper);
        Ok(())
    }

    /// Removes a sub-interface.
    pub(crate) fn remove_vlan(&mut self, cx: &mut Cx<'_>, ix: IfIx) {
        self.with_side(cx, Side::Stack, |server, cx| {
            let (stack, upper) = server.host.stack_mut();
            stack.remove_interface(cx, ix, upper);
        });
    }

    /// Takes an interface up or down.
    pub(crate) fn set_up(&mut self, cx: &mut Cx<'_>, ix: IfIx, is_up: bool) {
        let interface = self.interface(ix);
        let (port, is_device) = (interface.port(), interface.vlan().is_none());
        if let Some(device) = self.devices.get_mut(port).filter(|_| is_device) {
            device.is_up = is_up;
        }
        self.with_side(cx, Side::Stack, |server, cx| {
            let (stack, upper) = server.host.stack_mut();
            stack.set_admin(cx, ix, is_up, upper);
        });
        if is_device {
            self.tell_switch(cx, port);
        }
    }

    /// Replaces the addresses of an interface; the one made from the MAC address is no matter of the caller's. As in
    /// Linux, with its last IPv4 address go the IPv4 routes by it.
    pub(crate) fn set_addresses(&mut self, ix: IfIx, addresses: Vec<Cidr>) {
        let (stack, _) = self.host.stack_mut();
        if !addresses.iter().any(|own| !own.is_ipv6()) {
            stack.remove_routes_by(ix, |to| !to.is_ipv6());
        }
        stack.set_addresses(ix, addresses);
        let port = stack.interface(ix).port();
        let here = stack.interfaces().iter().filter(|interface| !interface.is_removed() && interface.port() == port);
        let has_address = here.flat_map(Interface::addresses).next().is_some();
        if let Some(device) = self.devices.get_mut(port) {
            device.has_address = has_address;
        }
    }

    /// Its addresses but for the IPv6 link-local one that the MAC address makes.
    pub(crate) fn own_addresses(&self, ix: IfIx) -> Vec<Cidr> {
        let interface = self.interface(ix);
        let made = Cidr::link_local(interface.mac());
        interface.addresses().iter().copied().filter(|address| *address != made).collect()
    }

    /// Gives an interface another MAC address.
    pub(crate) fn set_mac(&mut self, ix: IfIx, mac: MacAddr) -> Result<(), ConfigError> {
        let stack = self.host.stack_mut().0;
        stack.set_mac(ix, mac)?;
        let interface = stack.interface(ix);
        if interface.vlan().is_none() {
            self.switch.set_mac(interface.port(), mac);
        }
        Ok(())
    }

    /// The link of a port came up or went down.
    pub(crate) fn set_carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        if let Some(device) = self.devices.get_mut(port) {
            device.has_carrier = state == Carrier::Up;
        }
        self.with_side(cx, Side::Stack, |server, cx| server.host.carrier(cx, port, state));
        self.tell_switch(cx, port);
    }

    /// Tells the switch whether a device carries frames.
    fn tell_switch(&mut self, cx: &mut Cx<'_>, port: PortIx) {
        let Some(device) = self.devices.get(port) else { return };
        let state = if device.has_carrier && device.is_up { Carrier::Up } else { Carrier::Down };
        self.with_side(cx, Side::Bridges, |server, cx| server.switch.carrier(cx, port, state));
    }

    /// Has the devices follow the rows: an internal interface for each row that wants one, and who is in a bridge.
    pub(crate) fn follow(&mut self, cx: &mut Cx<'_>) {
        let members = self.members();
        let is_wanted = |device: &Device| members.iter().any(|member| member.is_internal && member.name == device.name);
        let gone: Vec<PortIx> = self
            .devices
            .iter()
            .filter(|(_, device)| device.kind == Kind::Internal && !is_wanted(device))
            .map(|(port, _)| port)
            .collect();
        for port in gone {
            self.remove_device(cx, port);
        }
        for member in members.iter().filter(|member| member.is_internal) {
            // A name that is taken is somebody else's, and the row stays without a device, as in Open vSwitch.
            if self.interface_named(&member.name).is_some() {
                continue;
            }
            let made = self.add_device(cx, &member.name, Kind::Internal);
            if let (Ok(()), Some((port, _))) = (made, self.devices.named(&member.name)) {
                self.tell_switch(cx, port);
            }
        }
        for (_, device) in self.devices.iter_mut() {
            device.is_bridged = members.iter().any(|member| member.name == device.name);
        }
        self.follow_macs(&members);
    }

    /// Gives each bridge's local port the MAC address that Open vSwitch gives it: that of the configuration, else the
    /// lowest of the bridge's NICs, else one of its own. So what neighbours know of a NIC stays right when its address
    /// moves to the bridge.
    fn follow_macs(&mut self, members: &[Member]) {
        for local in members.iter().filter(|member| member.name == member.bridge) {
            let Some((port, device)) = self.devices.named(&local.name).filter(|(_, d)| d.kind == Kind::Internal) else {
                continue;
            };
            let ix = device.ix;
            let wanted = self.wanted_mac(members, &local.bridge);
            if device.given_mac == wanted {
                continue;
            }
            // Without a NIC it keeps what it has, as nobody knows better.
            let is_set = wanted.is_some_and(|mac| self.set_mac(ix, mac).is_ok());
            if let Some(device) = self.devices.get_mut(port).filter(|_| is_set) {
                device.given_mac = wanted;
            }
        }
    }

    /// The MAC address that a bridge gives its local port; `None` if it has nothing to go by.
    fn wanted_mac(&self, members: &[Member], title: &str) -> Option<MacAddr> {
        let row = self.bridge_rows().find(|row| row.str(bridge::NAME) == Some(title));
        let wanted = row.and_then(|row| row.value(bridge::OTHER_CONFIG, "hwaddr")?.parse().ok());
        let nics = members.iter().filter(|member| member.bridge == title).filter_map(|member| {
            let (_, device) = self.devices.named(&member.name)?;
            (device.kind == Kind::Nic).then(|| self.interface(device.ix).mac())
        });
        wanted.or(nics.min())
    }

    /// The MAC address that a device has of itself.
    pub(crate) fn given_mac(&self, device: &Device) -> MacAddr {
        let given = if device.kind == Kind::Internal { self.wanted_mac(&self.members(), &device.name) } else { None };
        given.unwrap_or_else(|| self.switch.default_mac(&device.name))
    }

    /// As [`Server::follow`], where there is nobody to send to: what was waiting is handed on with the next call.
    pub(crate) fn follow_aside(&mut self, now: Time) {
        let drops: Vec<_> = aside(now, |cx| {
            self.follow(cx);
            cx.out.take_drops().collect()
        });
        for (why, frame) in drops {
            self.inside.out.drop(frame, why);
        }
    }

    /// The bridge that a device is in.
    pub(crate) fn bridge_of(&self, name: &str) -> Option<String> {
        self.members().into_iter().find(|member| member.name == name).map(|member| member.bridge)
    }

    /// Where an interface stands among those of all bridges.
    pub(crate) fn place_in_rows(&self, name: &str) -> usize {
        self.members().iter().position(|member| member.name == name).unwrap_or(usize::MAX)
    }

    /// The bridges' rows, in the order of their insertion.
    pub(crate) fn bridge_rows(&self) -> impl Iterator<Item = &Row> + '_ {
        let store = self.switch.store();
        let uuids: Vec<Uuid> = store.root().map_or(Vec::new(), |root| root.references(open_vswitch::BRIDGES).collect());
        store.rows(Table::Bridge).filter(move |row| uuids.contains(&row.uuid()))
    }

    /// The interfaces of all bridges, in the order of their insertion.
    fn members(&self) -> Vec<Member> {
        let store = self.switch.store();
        let mut members = Vec::new();
        for row in self.bridge_rows() {
            let title = row.str(bridge::NAME).unwrap_or_default();
            let ports: Vec<Uuid> = row.references(bridge::PORTS).collect();
            let ports = store.rows(Table::Port).filter(|row| ports.contains(&row.uuid()));
            for found in ports.flat_map(|found| store.follow(found, port::INTERFACES)) {
                let name = found.str(interface::NAME).unwrap_or_default();
                let is_internal = name == title || found.str(interface::TYPE) == Some("internal");
                members.push(Member { name: name.to_owned(), bridge: title.to_owned(), is_internal });
            }
        }
        members
    }
}

/// A context for what happens before the lab runs: nothing is on its way then, and nothing is sent.
pub(crate) fn aside<R>(now: Time, f: impl FnOnce(&mut Cx<'_>) -> R) -> R {
    let (mut pool, mut rng, mut out) = (Pool::new(), Seed(0).stream("setup"), Outbox::default());
    f(&mut Cx { now, pool: &mut pool, rng: &mut rng, out: &mut out })
}
