//! The network devices of a server, by port.
//!
//! The node's own ports come first: NICs and TAPs that a link ends at. Above them are ports that no link has: the
//! loopback, bridges' local ports and other internal interfaces, and TAPs that nobody opened.

use inet::IfIx;
use packet::MacAddr;
use sim_core::PortIx;

/// The most devices of a server.
pub(crate) const MAX_DEVICES: usize = 4096;

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A NIC of the stack.
    Nic,
    /// A TAP that a link ends at: a virtual machine has it open.
    Tap,
    /// A TAP that nobody has open.
    IdleTap,
    /// A bridge's local port, or another port of type `internal`.
    Internal,
    /// `lo`.
    Loopback,
}

/// A network device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) ix: IfIx,
    /// Whether its link is up; that of an internal interface always is.
    pub(crate) has_carrier: bool,
    /// Whether it is taken up (`ip link set up`).
    pub(crate) is_up: bool,
    /// Whether it is a port of a bridge.
    pub(crate) is_bridged: bool,
    /// Whether the stack has an address on it.
    pub(crate) has_address: bool,
    /// Of a bridge's local port, the MAC address that its bridge gave it last.
    pub(crate) given_mac: Option<MacAddr>,
}

impl Device {
    /// A device that is in no bridge and has no address.
    pub(crate) fn new(name: &str, kind: Kind, ix: IfIx, is_up: bool) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            ix,
            has_carrier: matches!(kind, Kind::Internal | Kind::Loopback),
            is_up,
            is_bridged: false,
            has_address: false,
            given_mac: None,
        }
    }
}

impl Device {
    /// Whether frames that come in are the stack's: a bridge takes what is its own, and a TAP without an address is
    /// unplugged.
    #[inline]
    pub(crate) fn feeds_stack(&self) -> bool {
        !self.is_bridged && (self.kind == Kind::Nic || self.has_address)
    }
}

/// The devices.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    by_port: Vec<Option<Device>>,
    /// The first port that no link has.
    first_virtual: usize,
}

impl Devices {
    /// No devices yet; links end at ports below `first_virtual`.
    pub(crate) fn new(first_virtual: usize) -> Self {
        Self { by_port: Vec::new(), first_virtual }
    }

    #[inline]
    pub(crate) fn get(&self, port: PortIx) -> Option<&Device> {
        self.by_port.get(port.index())?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, port: PortIx) -> Option<&mut Device> {
        self.by_port.get_mut(port.index())?.as_mut()
    }

    /// The lowest port that no link and no device has; `None` if there are as many devices as may be.
    pub(crate) fn vacant(&self) -> Option<PortIx> {
        let mut ports = self.first_virtual..self.first_virtual + MAX_DEVICES;
        ports.find(|at| self.by_port.get(*at).is_none_or(Option::is_none)).map(|at| PortIx(at as u32))
    }

    pub(crate) fn insert(&mut self, port: PortIx, device: Device) {
        if self.by_port.len() <= port.index() {
            self.by_port.resize_with(port.index() + 1, || None);
        }
        self.by_port[port.index()] = Some(device);
    }

    pub(crate) fn remove(&mut self, port: PortIx) -> Option<Device> {
        self.by_port.get_mut(port.index())?.take()
    }

    pub(crate) fn named(&self, name: &str) -> Option<(PortIx, &Device)> {
        self.iter().find(|(_, device)| device.name == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PortIx, &Device)> + '_ {
        let ports = self.by_port.iter().enumerate();
        ports.filter_map(|(at, device)| Some((PortIx(at as u32), device.as_ref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (PortIx, &mut Device)> + '_ {
        let ports = self.by_port.iter_mut().enumerate();
        ports.filter_map(|(at, device)| Some((PortIx(at as u32), device.as_mut()?)))
    }
}
