//! Hosts: MAC addresses, default addresses, and no address twice.

use super::sockets::Sockets;
use crate::lab::{Key, LabHost};
use crate::spec::{DEFAULT_INTERFACE, HostSpec, InterfaceSpec, Pos, Reader, Spanned};
use inet::{Cidr, InterfaceConfig};
use packet::MacAddr;
use sim_core::{PortIx, Seed};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

const DEFAULT_MTU: u16 = 1500;

/// The addresses of a lab, to find those that are there twice.
pub(super) struct Addresses {
    overlapping: bool,
    seen: BTreeMap<IpAddr, Pos>,
}

impl Addresses {
    pub(super) const fn new(overlapping: bool) -> Self {
        Self { overlapping, seen: BTreeMap::new() }
    }

    /// A host with everything that it doesn't say itself.
    pub(super) fn host(
        &mut self,
        r: &mut Reader,
        name: &Spanned<String>,
        spec: HostSpec,
        sockets: &Sockets,
    ) -> LabHost {
        let silent = spec.interfaces.iter().all(|interface| interface.addresses.is_none());
        let mut nics: Vec<InterfaceConfig> =
            sockets.names().zip(0..).map(|(nic, at)| new_nic(&name.value, nic, PortIx(at))).collect();
        let (vlans, own): (Vec<_>, Vec<_>) = spec.interfaces.into_iter().partition(|interface| interface.sub.is_some());
        for interface in own {
            let Some(nic) = nics.iter_mut().find(|nic| nic.name == interface.name.value) else { continue };
            self.configure(r, &name.value, nic, interface);
        }
        if silent && let Some(address) = default_address(r, name) {
            self.see(r, &name.value, Spanned::new(address, name.pos));
            let eth0 = nics.iter().position(|nic| nic.name == DEFAULT_INTERFACE).unwrap_or(0);
            nics[eth0].addresses.push(address);
        }
        for interface in vlans {
            let Some((parent, vlan)) = &interface.sub else { continue };
            let Some(parent) = nics.iter().find(|nic| nic.name == *parent) else { continue };
            // As on Linux, a VLAN has its parent's MAC address and MTU unless it says otherwise.
            let mut sub = InterfaceConfig {
                name: interface.name.value.clone(),
                vlan: Some(*vlan),
                addresses: Vec::new(),
                ..parent.clone()
            };
            self.configure(r, &name.value, &mut sub, interface);
            nics.push(sub);
        }
        let gateways = spec.gateways.into_iter().map(|gateway| gateway.value).collect();
        LabHost { interfaces: nics, gateways, routes: spec.routes }
    }

    fn configure(&mut self, r: &mut Reader, host: &str, nic: &mut InterfaceConfig, interface: InterfaceSpec) {
        for address in interface.addresses.unwrap_or_default() {
            self.see(r, host, address);
            nic.addresses.push(address.value);
        }
        nic.mac = interface.mac.unwrap_or(nic.mac);
        nic.mtu = interface.mtu.unwrap_or(nic.mtu);
    }

    /// Reports an address that the lab has already.
    fn see(&mut self, r: &mut Reader, host: &str, address: Spanned<Cidr>) {
        let ip = address.value.address();
        if let Some(first) = self.seen.insert(ip, address.pos)
            && !self.overlapping
        {
            let message = format!("the lab has the address {ip} already ({})", r.report.place(first));
            let remedy = "give each host its own, or set overlapping_addresses = true at the top";
            r.report.error(address.pos, format!("hosts.{}", Key(host)), message, remedy);
        }
    }
}

fn new_nic(host: &str, nic: &str, port: PortIx) -> InterfaceConfig {
    InterfaceConfig {
        name: nic.to_owned(),
        port,
        vlan: None,
        mac: default_mac(host, nic),
        mtu: DEFAULT_MTU,
        addresses: Vec::new(),
    }
}

/// A local unicast address whose other 46 bits are a hash of the node's and the interface's names.
pub(crate) fn default_mac(node: &str, interface: &str) -> MacAddr {
    let bits = Seed(0).key(&format!("mac {node}:{interface}"));
    let [_, _, a, b, c, d, e, f] = bits.to_be_bytes();
    // The two lowest bits of the first byte say "local" and "unicast" (IEEE 802-2014 section 8.2).
    MacAddr([a & 0xfc | 0x02, b, c, d, e, f])
}

/// 10.0.0.N/8, N being the number that ends the host's name.
fn default_address(r: &mut Reader, name: &Spanned<String>) -> Option<Cidr> {
    const NET: u32 = 0x0a00_0000;
    let digits = name.value.len() - name.value.bytes().rev().take_while(u8::is_ascii_digit).count();
    let number: Option<u32> = name.value[digits..].parse().ok().filter(|n| (1..0x00ff_ffff).contains(n));
    if number.is_none() {
        let message = format!("the host has no `ip`, and no number from 1 to 16777214 ends its name `{}`", name.value);
        let remedy = "add ip = \"10.0.0.1/8\", or call it h1 to get 10.0.0.1/8";
        r.report.error(name.pos, format!("hosts.{}", Key(&name.value)), message, remedy);
    }
    Cidr::new(IpAddr::V4(Ipv4Addr::from_bits(NET + number?)), 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn default_macs_are_local_unicast_and_differ() {
        let macs: BTreeSet<u64> = (0..2000)
            .map(|n| default_mac(&format!("h{n}"), "eth0"))
            .map(|mac| {
                assert!(mac.is_local() && mac.is_unicast());
                mac.as_u64()
            })
            .collect();
        assert_eq!(macs.len(), 2000);
        assert_ne!(default_mac("h1", "eth0"), default_mac("h1", "eth1"));
    }

    #[test]
    fn a_default_mac_is_the_same_everywhere() {
        assert_eq!(default_mac("h1", "eth0").to_string(), "3e:ac:74:ee:01:2e");
    }
}
