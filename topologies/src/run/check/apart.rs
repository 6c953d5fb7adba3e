//! `apart`: nothing that these hosts send at each other arrives.
//!
//! Each host sends to everybody, to nobody's address, and to each other host's own address; without a tag, and with
//! each VLAN of the lab. A frame that comes to another's NIC has arrived, whatever the NIC makes of it: what is apart
//! must not even be heard. All of them are sent in the first half of `within`, far enough from each other not to fill queues.

use super::{Poll, Verdict};
use crate::run::device::PROBE_TYPE;
use crate::run::net::Net;
use ovsdb::Table;
use ovsdb::vswitch::port;
use packet::MacAddr;
use sim_core::{Duration, NodeIx, PortIx, Tag, Time};
use std::collections::{BTreeSet, VecDeque};

/// The shortest Ethernet frame without its FCS (IEEE 802.3, 3.2.8).
const MIN_FRAME: usize = 60;

/// A frame to send.
#[derive(Debug)]
struct Probe {
    at: Time,
    from: usize,
    port: PortIx,
    bytes: Vec<u8>,
}

/// A running `apart` check.
#[derive(Debug)]
pub(crate) struct ApartMachine {
    hosts: Vec<NodeIx>,
    tags: Vec<Tag>,
    probes: VecDeque<Probe>,
    sent: usize,
    end: Time,
}

impl ApartMachine {
    pub(super) fn start(net: &mut Net, hosts: &[NodeIx], within: Duration) -> Self {
        let now = net.engine().now();
        let tags: Vec<Tag> = hosts.iter().map(|_| net.new_tag()).collect();
        for (&host, &tag) in hosts.iter().zip(&tags) {
            let others = hosts.iter().copied().filter(|&other| other != host).collect();
            net.engine_mut().watch_mut().guard(tag, others);
        }
        let vlans = vlans(net);
        let mut probes = Vec::new();
        for (from, &host) in hosts.iter().enumerate() {
            let mut own = probes_of(net, hosts, host, from, &vlans);
            let step = Duration::from_nanos((within.as_nanos() / 2 / own.len().max(1) as u64).min(1_000_000));
            for (number, probe) in own.iter_mut().enumerate() {
                probe.at = now + step * number as u64;
            }
            probes.extend(own);
        }
        probes.sort_by_key(|probe| probe.at);
        Self { hosts: hosts.to_vec(), tags, probes: probes.into(), sent: 0, end: now + within }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        if let Some(detail) = self.leak(net) {
            self.forget(net);
            return Verdict::failed(detail);
        }
        let now = net.engine().now();
        while self.probes.front().is_some_and(|probe| probe.at <= now) {
            let Some(probe) = self.probes.pop_front() else { break };
            let tag = self.tags[probe.from];
            net.with_host(self.hosts[probe.from], |host, cx| host.send_raw(cx, probe.port, &probe.bytes, tag));
            self.sent += 1;
        }
        if now < self.end {
            return Poll::Wait(self.probes.front().map_or(self.end, |probe| probe.at));
        }
        let silent: Vec<&str> = self
            .hosts
            .iter()
            .zip(&self.tags)
            .filter(|&(&host, &tag)| !net.engine().watch().has_sent(tag, host))
            .map(|(&host, _)| net.names().node(host))
            .collect();
        let verdict = if silent.is_empty() {
            Verdict::passed(format!("none of {} frames arrived", self.sent))
        } else {
            Verdict::vacuous(format!("{} put no frame on a wire, so this proves nothing", silent.join(", ")))
        };
        self.forget(net);
        verdict
    }

    /// The first frame that arrived where it should not, in words.
    fn leak(&self, net: &Net) -> Option<String> {
        let (from, arrival) =
            self.tags.iter().enumerate().find_map(|(from, &tag)| Some((from, net.engine().watch().arrival(tag)?)))?;
        let sender = net.names().node(self.hosts[from]);
        let place = net.names().port(arrival.node, arrival.port);
        Some(format!("a frame of {sender} arrived at {place} at {} s: {}", arrival.at, arrival.frame))
    }

    fn forget(&self, net: &mut Net) {
        self.tags.iter().for_each(|&tag| net.engine_mut().watch_mut().forget(tag));
    }
}

/// Every frame that one host sends.
fn probes_of(net: &Net, hosts: &[NodeIx], host: NodeIx, from: usize, vlans: &BTreeSet<u16>) -> Vec<Probe> {
    let Some(sender) = net.host(host) else { return Vec::new() };
    let mut targets = vec![("everybody".to_owned(), MacAddr::BROADCAST), ("nobody".to_owned(), nobody(net))];
    for &other in hosts.iter().filter(|&&other| other != host) {
        for interface in net.host(other).map_or(&[][..], |other| other.interfaces()) {
            targets.push((net.names().node(other).to_owned(), interface.mac()));
        }
    }
    targets.dedup_by_key(|(_, mac)| *mac);
    let mut probes = Vec::new();
    for nic in sender.interfaces().iter().filter(|interface| interface.vlan().is_none()) {
        for vlan in std::iter::once(None).chain(vlans.iter().copied().map(Some)) {
            for (name, target) in &targets {
                let what = format!("{} > {name}", net.names().node(host));
                let bytes = frame(*target, nic.mac(), vlan, &what);
                probes.push(Probe { at: Time::ZERO, from, port: nic.port(), bytes });
            }
        }
    }
    probes
}

fn frame(to: MacAddr, from: MacAddr, vlan: Option<u16>, what: &str) -> Vec<u8> {
    let mut bytes = [to.0, from.0].concat();
    if let Some(vlan) = vlan {
        bytes.extend([0x81, 0x00]);
        bytes.extend(vlan.to_be_bytes());
    }
    bytes.extend(PROBE_TYPE.to_be_bytes());
    bytes.extend(what.as_bytes().iter().take(40));
    bytes.resize(bytes.len().max(MIN_FRAME), 0);
    bytes
}

/// A unicast address that no host has.
fn nobody(net: &Net) -> MacAddr {
    let taken: BTreeSet<MacAddr> =
        net.hosts().flat_map(|(_, host)| host.interfaces().iter().map(|interface| interface.mac())).collect();
    let key = net.engine().seed().key("nobody's address");
    (0..)
        .map(|n| MacAddr::from_u64((key.wrapping_add(n) & 0xffff_ffff) | 0x0200_0000_0000))
        .find(|mac| !taken.contains(mac))
        .expect("a lab has fewer hosts than there are addresses")
}

/// Every VLAN that a switch's port or a host's interface mentions.
fn vlans(net: &Net) -> BTreeSet<u16> {
    let mut vlans = BTreeSet::new();
    for device in net.engine().nodes() {
        if let Some(switch) = device.as_switch() {
            for row in switch.store().rows(Table::Port) {
                for column in [port::TAG, port::TRUNKS, port::CVLANS] {
                    vlans.extend(row.ints(column).filter_map(|vlan| u16::try_from(vlan).ok()));
                }
            }
        }
        if let Some(host) = device.as_host() {
            vlans.extend(host.interfaces().iter().filter_map(|interface| interface.vlan()).map(packet::VlanId::get));
        }
    }
    vlans.remove(&0);
    vlans
}
