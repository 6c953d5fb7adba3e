//! Interfaces: a NIC, or a VLAN of one.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use packet::wire::ipv6::solicited_node;
use packet::{MacAddr, VlanId};
use sim_core::PortIx;

use crate::Cidr;

/// The least MTU of an interface in bytes (RFC 791: 68).
pub const MIN_MTU: u16 = 68;

/// An interface of a stack: its index in [`Stack::interfaces`](crate::Stack::interfaces).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfIx(pub u32);

impl IfIx {
    /// The interface as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How an interface is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceConfig {
    /// Its name, as in `eth0` or `eth0.10`.
    pub name: String,
    /// The node's port that its NIC is.
    pub port: PortIx,
    /// For a VLAN sub-interface, the VLAN whose customer tag (0x8100) its frames carry.
    pub vlan: Option<VlanId>,
    /// Its MAC address, unicast.
    pub mac: MacAddr,
    /// The most bytes of an IP packet, at least [`MIN_MTU`].
    pub mtu: u16,
    /// Its addresses, IPv4 and IPv6. The first of a subnet speaks for it.
    pub addresses: Vec<Cidr>,
}

impl InterfaceConfig {
    /// A NIC with an MTU of 1500 bytes and no address.
    pub fn new(name: impl Into<String>, port: PortIx, mac: MacAddr) -> Self {
        Self { name: name.into(), port, vlan: None, mac, mtu: 1500, addresses: Vec::new() }
    }

    /// The same with one more address.
    #[must_use]
    pub fn with_address(mut self, address: Cidr) -> Self {
        self.addresses.push(address);
        self
    }
}

/// What an interface has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Frames that passed the NIC filter.
    pub rx_frames: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Frames sent.
    pub tx_frames: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Frames that the NIC filtered: for another MAC address, a group that it has not joined, or a VLAN without a
    /// sub-interface.
    pub rx_filtered: u64,
}

/// An interface.
#[derive(Clone, Debug)]
pub struct Interface {
    pub(crate) name: String,
    pub(crate) port: PortIx,
    pub(crate) vlan: Option<VlanId>,
    pub(crate) mac: MacAddr,
    pub(crate) mtu: u16,
    pub(crate) carrier: bool,
    pub(crate) admin_up: bool,
    pub(crate) counters: InterfaceCounters,
    pub(crate) is_loopback: bool,
    pub(crate) is_removed: bool,
    addresses: Vec<Cidr>,
    /// Joined groups: all-nodes and the solicited-node groups of its addresses.
    groups: Vec<MacAddr>,
}

impl Interface {
    pub(crate) fn new(config: InterfaceConfig) -> Self {
        let InterfaceConfig { name, port, vlan, mac, mtu, addresses } = config;
        let counters = InterfaceCounters::default();
        let mut interface = Self {
            name,
            port,
            vlan,
            mac,
            mtu,
            carrier: false,
            admin_up: true,
            counters,
            is_loopback: false,
            is_removed: false,
            addresses: Vec::new(),
            groups: Vec::new(),
        };
        interface.set_addresses(addresses);
        interface
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node's port that its NIC is.
    pub fn port(&self) -> PortIx {
        self.port
    }

    /// The VLAN of a sub-interface.
    pub fn vlan(&self) -> Option<VlanId> {
        self.vlan
    }

    /// Its MAC address.
    pub fn mac(&self) -> MacAddr {
        self.mac
    }

    /// The most bytes of an IP packet.
    pub fn mtu(&self) -> u16 {
        self.mtu
    }

    /// Whether its link carries frames: it has a carrier, and nobody took it down.
    pub fn is_up(&self) -> bool {
        self.carrier && self.admin_up
    }

    /// Whether its owner has it up (`ip link set up`). One that is down neither sends nor receives, and its routes
    /// rest.
    pub fn is_admin_up(&self) -> bool {
        self.admin_up
    }

    /// Whether its link is up.
    pub fn has_carrier(&self) -> bool {
        self.carrier
    }

    /// Whether it is the loopback interface: it has addresses, and no frames.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Whether it has been removed: its place stays, without name and addresses, until another takes it.
    pub fn is_removed(&self) -> bool {
        self.is_removed
    }

    /// Whether its addresses make routes, and may speak.
    #[inline]
    pub(crate) fn routes(&self) -> bool {
        self.admin_up && !self.is_loopback
    }

    /// What it has seen.
    pub fn counters(&self) -> InterfaceCounters {
        self.counters
    }

    /// Its addresses: the configured ones, then the IPv6 link-local one if it has any IPv6 address.
    pub fn addresses(&self) -> &[Cidr] {
        &self.addresses
    }

    /// Whether `address` is one of its own.
    #[inline]
    pub fn owns(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.address() == address)
    }

    /// Whether `address` is all of IPv4, or all of one of its subnets.
    pub fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        address.is_broadcast() || self.addresses.iter().any(|own| own.broadcast() == Some(address))
    }

    /// Whether a frame to `dst` passes the NIC filter.
    #[inline]
    pub(crate) fn accepts(&self, dst: MacAddr) -> bool {
        dst == self.mac || dst.is_broadcast() || (dst.is_multicast() && self.groups.contains(&dst))
    }

    pub(crate) fn set_addresses(&mut self, mut addresses: Vec<Cidr>) {
        let own = Cidr::link_local(self.mac);
        addresses.retain(|address| *address != own);
        if !self.is_loopback && addresses.iter().any(|address| address.is_ipv6()) {
            addresses.push(own);
        }
        self.groups.clear();
        for address in &addresses {
            if let IpAddr::V6(address) = address.address() {
                let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
                for group in [all_nodes, solicited_node(address)].map(MacAddr::ipv6_multicast) {
                    if !self.groups.contains(&group) {
                        self.groups.push(group);
                    }
                }
            }
        }
        self.addresses = addresses;
    }

    /// Gives it another MAC address; its IPv6 link-local address follows.
    pub(crate) fn set_mac(&mut self, mac: MacAddr) {
        let made = Cidr::link_local(self.mac);
        let kept = self.addresses.iter().copied().filter(|address| *address != made).collect();
        self.mac = mac;
        self.set_addresses(kept);
    }

    /// Its own address to speak to `peer` from: of the peer's subnet, else the first of the family. To an IPv6
    /// link-local address, a link-local one.
    pub(crate) fn source_for(&self, peer: IpAddr) -> Option<IpAddr> {
        let family = || self.addresses.iter().filter(|own| own.is_ipv6() == peer.is_ipv6());
        let found = family().find(|own| own.contains(peer)).or_else(|| family().next());
        found.map(|own| own.address())
    }

    /// Bytes in front of the IP packet: the Ethernet header, and the tag of a sub-interface.
    #[inline]
    pub(crate) fn header_size(&self) -> usize {
        if self.vlan.is_some() { 18 } else { 14 }
    }
}
