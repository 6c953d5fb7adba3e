//! Lines that may let a packet pass: the settings of links, ports and flows on its way, each changed by itself.
//!
//! Nothing here knows whether a line helps; `trial` does. What costs least is tried first: a setting near the fault that
//! differs from its peer's, or from that of the other hosts of the subnet, before one that is like the others.

use super::fault::Fault;
use super::flow_remedy;
use super::follow::{port_name, stations};
use super::host_remedy;
use super::trace::bridge_of;
use super::ways::{Ways, far_end, near_end};
use super::{Question, Remedy};
use crate::lab::PingTarget;
use crate::run::net::Net;
use sim_core::{DirIx, NodeIx, PortIx, Probability, QueueLimit};
use std::collections::{BTreeMap, BTreeSet};
use switch::Switch;
use switch::plan::{PortPlan, VlanMode, VlanSet};

/// A line, and how much it changes that was meant: less is tried first.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) cost: u32,
    pub(super) remedy: Remedy,
}

/// Lines to try.
#[derive(Default)]
pub(super) struct Candidates(Vec<Candidate>);

impl Candidates {
    pub(super) fn add(&mut self, cost: u32, at: impl Into<String>, line: impl Into<String>) {
        let remedy = Remedy { line: line.into(), at: at.into() };
        if !self.0.iter().any(|known| known.remedy.line == remedy.line && known.cost <= cost) {
            self.0.push(Candidate { cost, remedy });
        }
    }

    /// The lines, the least invasive first.
    fn sorted(mut self) -> Vec<Candidate> {
        self.0.sort_by_key(|candidate| candidate.cost);
        let mut known = BTreeSet::new();
        self.0.retain(|candidate| known.insert(candidate.remedy.line.clone()));
        self.0
    }
}

/// What may let a packet pass.
pub(super) fn candidates(net: &Net, question: &Question, fault: &Fault) -> Vec<Candidate> {
    let mut found = Candidates::default();
    let vlans = vlans(net, question, fault);
    let mut dirs = fault.path.clone();
    let target = match question.to {
        PingTarget::Host(node) => Some(node),
        PingTarget::Address(_) => fault.target,
    };
    if let Some(target) = target {
        dirs.extend(Ways::to(net, target).path(net, question.from));
    }
    let mut seen = BTreeSet::new();
    dirs.retain(|dir| seen.insert(dir.link()));
    let at = dirs.iter().position(|dir| is_at(net, *dir, fault)).unwrap_or(0);
    for (number, &dir) in dirs.iter().enumerate() {
        let far = 4 * number.abs_diff(at) as u32;
        of_link(net, dir, far, question, fault, &mut found);
        for (node, port) in [near_end(net, dir), far_end(net, dir)] {
            let away = far + u32::from((node, Some(port)) != (fault.node, fault.port));
            of_port(net, node, port, away, &vlans, fault, &mut found);
        }
    }
    for rule in fault.rules.iter().rev() {
        flow_remedy::candidates(net, rule, fault, &mut found);
    }
    of_macs(net, fault, &mut found);
    host_remedy::candidates(net, question, fault, target, &mut found);
    found.sorted()
}

fn is_at(net: &Net, dir: DirIx, fault: &Fault) -> bool {
    let ends = net.engine().ends(dir.link());
    match fault.port {
        Some(port) => ends.contains(&(fault.node, port)),
        None => ends.iter().any(|(node, _)| *node == fault.node),
    }
}

/// The VLANs that the packet may belong in, the likeliest first: those of the access ports of hosts in the same subnets,
/// then the one that it was in.
fn vlans(net: &Net, question: &Question, fault: &Fault) -> Vec<u16> {
    let mut count: BTreeMap<u16, usize> = BTreeMap::new();
    let ends = [Some(question.from), fault.target];
    let subnets: BTreeSet<_> = ends.into_iter().flatten().flat_map(|node| host_remedy::subnets(net, node)).collect();
    for (node, _) in stations(net) {
        if host_remedy::subnets(net, node).iter().any(|subnet| subnets.contains(subnet))
            && let Some(tag) = access_tag(net, node)
        {
            *count.entry(tag).or_default() += 1;
        }
    }
    let mut found: Vec<(usize, u16)> = count.into_iter().map(|(vlan, count)| (count, vlan)).collect();
    found.sort_by_key(|(count, vlan)| (std::cmp::Reverse(*count), *vlan));
    let mut found: Vec<u16> = found.into_iter().map(|(_, vlan)| vlan).collect();
    found.extend(fault.vlan);
    let mut known = BTreeSet::new();
    found.retain(|vlan| known.insert(*vlan));
    found
}

/// The VLAN of the switch port that a station hangs on by its first link.
fn access_tag(net: &Net, node: NodeIx) -> Option<u16> {
    let dir = net.engine().direction_from(node, PortIx(0))?;
    let (switch, port) = far_end(net, dir);
    plan_of(net, switch, port).map(|(_, plan)| plan.vlan.tag)
}

/// The bridge of a port and the port as the bridge has it.
fn plan_of(net: &Net, node: NodeIx, port: PortIx) -> Option<(&str, PortPlan)> {
    let switch = net.switch(node)?;
    let bridge = bridge_of(switch, port)?;
    let plan = switch.shared(bridge)?.plan();
    Some((bridge, plan.ports[usize::from(plan.slot(port)?)].clone()))
}

/// A link that is down, loses frames, or is too narrow.
fn of_link(net: &Net, dir: DirIx, far: u32, question: &Question, fault: &Fault, found: &mut Candidates) {
    let (node, port) = near_end(net, dir);
    let name = net.names().port(node, port);
    let mut add = |words: &str| found.add(far, name.clone(), format!("link {name} {words}"));
    let engine = net.engine();
    if !engine.is_link_enabled(dir.link()) {
        add("up");
    }
    let configs = [engine.link_config(dir), engine.link_config(dir.reverse())];
    if configs.iter().any(|config| config.loss > Probability::ZERO) {
        add("loss 0%");
    }
    if configs.iter().any(|config| config.corrupt > Probability::ZERO) {
        add("corrupt 0%");
    }
    let needed = u32::from(question.size) + 28;
    let narrow = configs.iter().map(|config| config.mtu).min().unwrap_or(0);
    if fault.reason == "mtu_exceeded" && narrow < needed.max(1500) {
        add(&format!("mtu {}", needed.max(1500)));
    }
    if fault.reason == "queue_full" && configs.iter().any(|config| config.queue != QueueLimit::Frames(1000)) {
        add("queue 1000");
    }
    for (node, _) in engine.ends(dir.link()).into_iter().filter(|(node, _)| !engine.is_running(*node)) {
        let name = net.names().node(node);
        found.add(far, name, format!("start {name}"));
    }
}

/// A port's membership, VLANs, protection and OpenFlow state.
fn of_port(net: &Net, node: NodeIx, port: PortIx, far: u32, vlans: &[u16], fault: &Fault, found: &mut Candidates) {
    let Some(switch) = net.switch(node).filter(|switch| switch.bridges().next().is_some()) else { return };
    let (node_name, place) = (net.names().node(node), net.names().port(node, port));
    let name = switch.interface(port).map_or_else(|| port_name(net, node, port), str::to_owned);
    let Some(away) = net.engine().direction_from(node, port) else { return };
    let (peer, peer_port) = far_end(net, away);
    let peer_plan = plan_of(net, peer, peer_port).map(|(_, plan)| plan);
    let is_access = peer_plan.is_none() && net.host(peer).is_some();
    let mut add = |cost: u32, words: String| found.add(cost, place.clone(), format!("{node_name} {words}"));
    let Some((bridge, plan)) = plan_of(net, node, port) else {
        return without_bridge(switch, &name, is_access, far, vlans, &mut add);
    };
    let set = |what: String| format!("ovs-vsctl set port {name} {what}");
    if is_access {
        for (number, &vlan) in
            vlans.iter().enumerate().filter(|(_, vlan)| **vlan != plan.vlan.tag || plan.vlan.mode != VlanMode::Access)
        {
            // A port that is like the most is seldom the one that is wrong, however near it is.
            let doubt = if vlans.first() == Some(&plan.vlan.tag) { 40 } else { 2 + 3 * number as u32 };
            if vlan == 0 {
                add(far + doubt, format!("ovs-vsctl clear port {name} tag"));
            } else {
                add(far + doubt, set(format!("tag={vlan}")));
            }
        }
    } else {
        of_trunk(&plan, peer_plan.as_ref(), &name, far, vlans, fault, &mut add);
    }
    if plan.is_protected {
        add(far + 1, set("protected=false".to_owned()));
    }
    if plan.is_down {
        add(far, format!("ovs-ofctl mod-port {bridge} {name} up"));
    }
    if !plan.is_floodable {
        add(far + 1, format!("ovs-ofctl mod-port {bridge} {name} flood"));
    }
}

/// A port that has to be up, wherever the packet goes: its link, and its OpenFlow state.
pub(super) fn of_watched(net: &Net, node: NodeIx, port: PortIx, far: u32, found: &mut Candidates) {
    let place = net.names().port(node, port);
    let dir = net.engine().direction_from(node, port);
    if dir.is_some_and(|dir| !net.engine().is_link_enabled(dir.link())) {
        found.add(far, place.clone(), format!("link {place} up"));
    }
    if let Some((bridge, _)) = plan_of(net, node, port).filter(|(_, plan)| plan.is_down) {
        let name = port_name(net, node, port);
        let line = format!("{} ovs-ofctl mod-port {bridge} {name} up", net.names().node(node));
        found.add(far, place, line);
    }
}

fn without_bridge(
    switch: &Switch,
    name: &str,
    is_access: bool,
    far: u32,
    vlans: &[u16],
    add: &mut impl FnMut(u32, String),
) {
    for bridge in switch.bridges().take(3) {
        let line = format!("ovs-vsctl add-port {bridge} {name}");
        for (number, vlan) in vlans.iter().enumerate().filter(|(_, vlan)| is_access && **vlan != 0) {
            add(far + number as u32, format!("{line} tag={vlan}"));
        }
        let is_tagged = is_access && vlans.first().is_some_and(|vlan| *vlan != 0);
        add(far + if is_tagged { 8 } else { 0 }, line);
    }
}

/// A port between bridges: what its peer has, it may need.
fn of_trunk(
    plan: &PortPlan,
    peer: Option<&PortPlan>,
    name: &str,
    far: u32,
    vlans: &[u16],
    fault: &Fault,
    add: &mut impl FnMut(u32, String),
) {
    let set = |what: String| format!("ovs-vsctl set port {name} {what}");
    let carried = |plan: &PortPlan, vlan: u16| plan.vlan.trunks.as_ref().is_none_or(|trunks| trunks.contains(vlan));
    if let Some(trunks) = &plan.vlan.trunks {
        let wanted = vlans.iter().copied().filter(|vlan| !trunks.contains(*vlan));
        for vlan in wanted.filter(|vlan| *vlan != 0 || fault.vlan == Some(0)) {
            let differs = peer.is_some_and(|peer| carried(peer, vlan));
            let mut all: VlanSet = (**trunks).clone();
            all.insert(vlan);
            let list: Vec<String> = all.iter().map(|vlan| vlan.to_string()).collect();
            add(far + if differs { 1 } else { 5 }, set(format!("trunks={}", list.join(","))));
        }
    }
    let Some(peer) = peer else { return };
    if plan.vlan.mode == peer.vlan.mode && plan.vlan.tag == peer.vlan.tag {
        return;
    }
    // An access port between switches is odd; of two native VLANs, the one that no host of the subnet is in.
    let usual = vlans.first().copied();
    let doubt = match plan.vlan.mode {
        _ if usual == Some(peer.vlan.tag) => 1,
        VlanMode::Access => 2,
        _ if usual == Some(plan.vlan.tag) => 9,
        _ => 4,
    };
    match (peer.vlan.mode, peer.vlan.tag) {
        (VlanMode::Trunk, _) | (_, 0) => add(far + doubt, format!("ovs-vsctl clear port {name} tag vlan_mode")),
        (mode, tag) if mode == plan.vlan.mode => add(far + doubt, set(format!("tag={tag}"))),
        (mode, tag) => add(far + doubt, set(format!("tag={tag} vlan_mode={}", mode_name(mode)))),
    }
}

const fn mode_name(mode: VlanMode) -> &'static str {
    match mode {
        VlanMode::Access => "access",
        VlanMode::Trunk => "trunk",
        VlanMode::NativeTagged => "native-tagged",
        VlanMode::NativeUntagged => "native-untagged",
        VlanMode::Dot1qTunnel => "dot1q-tunnel",
    }
}

/// Entries of the MAC table that lead elsewhere.
fn of_macs(net: &Net, fault: &Fault, found: &mut Candidates) {
    if fault.reason != "mac_elsewhere" && fault.reason != "same_port" && fault.reason != "rx_filtered" {
        return;
    }
    let Some(switch) = net.switch(fault.node) else { return };
    let (name, now) = (net.names().node(fault.node), net.engine().now());
    for bridge in switch.bridges() {
        let entries = switch.macs(bridge, now);
        for entry in entries.iter().filter(|entry| entry.mac == fault.target_mac && entry.is_static) {
            found.add(0, name, format!("{name} ovs-appctl fdb/del {bridge} {} {}", entry.vlan, entry.mac));
        }
        found.add(4, name, format!("{name} ovs-appctl fdb/flush {bridge}"));
    }
}
