//! Faults: lines that break a lab, and the places where they do.

use crate::Dice;
use crate::labs::{Host, Shape, Works};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    AccessTag,
    PrunedTrunk,
    LinkDown,
    Mask,
    Gateway,
    Subnet,
    DropFlow,
    WrongPortFlow,
    MissingFlow,
    NoBridge,
    Protected,
    Mtu,
    Loss,
    NativeVlan,
    RewrittenVlan,
    Listener,
    StaticMac,
    PortDown,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[
        Self::AccessTag,
        Self::PrunedTrunk,
        Self::LinkDown,
        Self::Mask,
        Self::Gateway,
        Self::Subnet,
        Self::DropFlow,
        Self::WrongPortFlow,
        Self::MissingFlow,
        Self::NoBridge,
        Self::Protected,
        Self::Mtu,
        Self::Loss,
        Self::NativeVlan,
        Self::RewrittenVlan,
        Self::Listener,
        Self::StaticMac,
        Self::PortDown,
    ];
}

/// What breaks a lab.
pub(crate) struct Broken {
    pub(crate) lines: Vec<String>,
    /// The node, or the ports, that an explanation may name.
    pub(crate) places: Vec<String>,
}

/// Breaks a lab, if the fault is one that it can have.
pub(crate) fn plant(fault: Fault, works: &mut Works, dice: &mut Dice) -> Option<Broken> {
    let (from, to) = (works.host(&works.from), works.host(&works.to));
    let end = dice.pick(&[from.clone(), to.clone()]);
    let Host { name, node, bridge, port, vlan, .. } = end.clone();
    let has_vlans = vlan != 0;
    let is_routed = works.shape == Shape::Routed;
    let broken = |line: String, places: &[String]| Some(Broken { lines: vec![line], places: places.to_vec() });
    let at = format!("{node}:{port}");
    let (ip, _) = end.ip.split_once('/')?;
    let last = ip.rsplit_once('.')?.1;
    match fault {
        Fault::AccessTag if has_vlans => {
            let tag = dice.pick(&[if vlan == 10 { 20 } else { 10 }, 30]);
            broken(format!("{node} ovs-vsctl set port {port} tag={tag}"), &[at])
        }
        Fault::PrunedTrunk if has_vlans => {
            let ends = dice.pick(&works.trunks);
            let (node, _, port) = dice.pick(&ends);
            let other = if vlan == 10 { 20 } else { 10 };
            broken(format!("{node} ovs-vsctl set port {port} trunks={other}"), &[format!("{node}:{port}")])
        }
        Fault::LinkDown | Fault::Loss | Fault::Mtu => {
            let (a, b) = link(works, dice, &end);
            let what = match fault {
                Fault::LinkDown => "down",
                Fault::Loss => "loss 100%",
                _ => "mtu 576",
            };
            if fault == Fault::Mtu {
                let (from, to) = (works.from.clone(), works.to.clone());
                works.ask(&from, &to, 1000, false);
            }
            broken(format!("link {a} {what}"), &[a, b])
        }
        // A subnet that holds the host, and not the other.
        Fault::Mask => broken(format!("{name} ip {ip}/{}", dice.pick(&[31, 32])), &[name]),
        Fault::Gateway if is_routed => {
            let third = ip.split('.').nth(2)?;
            let gateway = dice.pick(&[String::new(), format!(" 10.0.{third}.253")]);
            broken(format!("{name} ip {ip}/24{gateway}"), &[name])
        }
        Fault::Subnet if !is_routed => broken(format!("{name} ip 10.9.9.{last}/24"), &[name]),
        Fault::DropFlow => {
            let what = dice.pick(&[format!("dl_src={}", end.mac), format!("dl_dst={}", end.mac), "icmp".to_owned()]);
            broken(format!("{node} ovs-ofctl add-flow {bridge} priority=40000,{what},actions=drop"), &[node])
        }
        Fault::WrongPortFlow => {
            let near = |host: &&Host| host.node == node && host.name != from.name && host.name != to.name;
            let other = works.hosts.iter().find(near)?;
            let line = format!(
                "{node} ovs-ofctl add-flow {bridge} priority=40000,dl_dst={},actions=output:{}",
                end.mac, other.port
            );
            broken(line, &[node])
        }
        Fault::MissingFlow if works.shape == Shape::Flows => {
            let mac = dice.pick(&[from.mac, to.mac]);
            broken(format!("{node} ovs-ofctl del-flows {bridge} dl_dst={mac}"), &[node])
        }
        Fault::NoBridge => {
            let mut all = works.trunks.iter().flatten().cloned().collect::<Vec<_>>();
            all.push((node, bridge, port));
            let (node, bridge, port) = dice.pick(&all);
            broken(format!("{node} ovs-vsctl del-port {bridge} {port}"), &[format!("{node}:{port}")])
        }
        Fault::Protected if !works.trunks.is_empty() => {
            let ends = dice.pick(&works.trunks);
            let (_, _, trunk) = ends.iter().find(|(other, ..)| *other == node)?.clone();
            let line = format!("{node} ovs-vsctl set port {port} protected=true -- set port {trunk} protected=true");
            broken(line, &[at, format!("{node}:{trunk}")])
        }
        Fault::NativeVlan if works.shape == Shape::Native => {
            let ends = dice.pick(&works.trunks);
            let (node, _, port) = dice.pick(&ends);
            broken(format!("{node} ovs-vsctl set port {port} tag=99"), &[format!("{node}:{port}")])
        }
        Fault::RewrittenVlan if works.shape != Shape::Flows => {
            let line =
                format!("{node} ovs-ofctl add-flow {bridge} priority=50,in_port={port},actions=mod_vlan_vid:77,NORMAL");
            broken(line, &[node])
        }
        Fault::Listener => {
            let (from, to) = (works.from.clone(), works.to.clone());
            works.ask(&from, &to, 56, true);
            broken(format!("{to} close tcp 80"), &[to])
        }
        Fault::StaticMac if works.shape != Shape::Flows => {
            let near = |host: &&Host| host.node == node && host.name != from.name && host.name != to.name;
            let other = works.hosts.iter().find(near)?;
            broken(format!("{node} ovs-appctl fdb/add {bridge} {} {vlan} {}", other.port, end.mac), &[node])
        }
        Fault::PortDown => broken(format!("{node} ovs-ofctl mod-port {bridge} {port} down"), &[at]),
        _ => None,
    }
}

/// A link: a host's, or one between bridges.
fn link(works: &Works, dice: &mut Dice, end: &Host) -> (String, String) {
    let host = (format!("{}:{}", end.node, end.port), format!("{}:eth0", end.name));
    let name = |(node, _, port): &(String, String, String)| format!("{node}:{port}");
    let trunks = works.trunks.iter().map(|[a, b]| (name(a), name(b)));
    dice.pick(&trunks.chain([host]).collect::<Vec<_>>())
}
