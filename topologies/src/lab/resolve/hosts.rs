//! Hosts and servers: MAC addresses, default addresses, and no address twice.

use super::sockets::Sockets;
use crate::lab::{Key, LabHost, LabServer};
use crate::spec::{DEFAULT_INTERFACE, HostSpec, InterfaceSpec, Pos, Reader, ServerSpec, Spanned};
use inet::{Cidr, InterfaceConfig};
use packet::MacAddr;
use sim_core::{PortIx, Seed};
use std::collections::{BTreeMap, BTreeSet};
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
        let (mut nics, vlans) = self.interfaces(r, ("hosts", &name.value), spec.interfaces, sockets.names());
        if silent && let Some(address) = default_address(r, name) {
            self.see(r, ("hosts", &name.value), Spanned::new(address, name.pos));
            let eth0 = nics.iter().position(|nic| nic.name == DEFAULT_INTERFACE).unwrap_or(0);
            nics[eth0].addresses.push(address);
        }
        nics.extend(vlans);
        let gateways = spec.gateways.into_iter().map(|gateway| gateway.value).collect();
        LabHost { interfaces: nics, gateways, routes: spec.routes, setup: spec.setup, run: spec.run }
    }

    /// A server. A NIC that says nothing of addresses has none.
    pub(super) fn server(
        &mut self,
        r: &mut Reader,
        name: &Spanned<String>,
        spec: ServerSpec,
        sockets: &Sockets,
    ) -> LabServer {
        // The NICs are the first sockets; those behind them are no interfaces of the stack.
        let parents = spec.nics.iter().map(|nic| nic.sub.as_ref().map_or(&nic.name.value, |(parent, _)| parent));
        let count = parents.collect::<BTreeSet<_>>().len();
        let names = sockets.names().take(count);
        let (mut nics, vlans) = self.interfaces(r, ("servers", &name.value), spec.nics, names);
        nics.extend(vlans);
        let gateways = spec.gateways.into_iter().map(|gateway| gateway.value).collect();
        let host = LabHost { interfaces: nics, gateways, routes: spec.routes, setup: spec.setup, run: spec.run };
        LabServer { host, bridges: sockets.bridges(r, spec.bridges) }
    }

    /// The NICs called `names`, and their VLANs, as they were typed.
    fn interfaces<'n>(
        &mut self,
        r: &mut Reader,
        node: (&str, &str),
        specs: Vec<InterfaceSpec>,
        names: impl Iterator<Item = &'n str>,
    ) -> (Vec<InterfaceConfig>, Vec<InterfaceConfig>) {
        let mut nics: Vec<InterfaceConfig> = names.zip(0..).map(|(nic, at)| new_nic(node.1, nic, PortIx(at))).collect();
        let (subs, own): (Vec<_>, Vec<_>) = specs.into_iter().partition(|interface| interface.sub.is_some());
        for interface in own {
            let Some(nic) = nics.iter_mut().find(|nic| nic.name == interface.name.value) else { continue };
            self.configure(r, node, nic, interface);
        }
        let mut vlans = Vec::with_capacity(subs.len());
        for interface in subs {
            let Some((parent, vlan)) = &interface.sub else { continue };
            let Some(parent) = nics.iter().find(|nic| nic.name == *parent) else { continue };
            // As on Linux, a VLAN has its parent's MAC address and MTU unless it says otherwise.
            let mut sub = InterfaceConfig {
                name: interface.name.value.clone(),
                vlan: Some(*vlan),
                addresses: Vec::new(),
                ..parent.clone()
            };
            self.configure(r, node, &mut sub, interface);
            vlans.push(sub);
        }
        (nics, vlans)
    }

    fn configure(&mut self, r: &mut Reader, node: (&str, &str), nic: &mut InterfaceConfig, interface: InterfaceSpec) {
        for address in interface.addresses.unwrap_or_default() {
            self.see(r, node, address);
            nic.addresses.push(address.value);
        }
        nic.mac = interface.mac.unwrap_or(nic.mac);
        nic.mtu = interface.mtu.unwrap_or(nic.mtu);
    }

    /// Reports an address that the lab has already.
    fn see(&mut self, r: &mut Reader, (table, node): (&str, &str), address: Spanned<Cidr>) {
        let ip = address.value.address();
        if let Some(first) = self.seen.insert(ip, address.pos)
            && !self.overlapping
        {
            let message = format!("the lab has the address {ip} already ({})", r.report.place(first));
            let remedy = "give each host its own, or set overlapping_addresses = true at the top";
            r.report.error(address.pos, format!("{table}.{}", Key(node)), message, remedy);
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
