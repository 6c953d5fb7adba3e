//! Faults: lines that break a lab, and the places where they do.

use crate::Dice;
use crate::labs::{Host, Shape, Works, to_neighbour};

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
    ShadowingFlow,
    MissingInTable,
    WrongTable,
    Group,
    Meter,
    StaleLearnt,
    WrongLearn,
}

impl Fault {
    /// Those that labs of several shapes can have.
    const ALL: &[Self] = &[
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

/// Faults that only labs of flows have, and those that they share with others.
const OF_FLOWS: &[Fault] = &[
    Fault::ShadowingFlow,
    Fault::MissingInTable,
    Fault::WrongTable,
    Fault::Group,
    Fault::Group,
    Fault::Meter,
    Fault::StaleLearnt,
    Fault::WrongLearn,
    Fault::DropFlow,
    Fault::WrongPortFlow,
    Fault::PortDown,
    Fault::NoBridge,
];

impl Fault {
    /// A fault for a lab of a shape, which may not fit it.
    pub(crate) fn any(shape: Shape, dice: &mut Dice) -> Self {
        dice.pick(if matches!(shape, Shape::Pipeline | Shape::Learning) { OF_FLOWS } else { Self::ALL })
    }
}

/// What breaks a lab.
pub(crate) struct Broken {
    pub(crate) lines: Vec<String>,
    /// The node, or the ports, that an explanation may name.
    pub(crate) places: Vec<String>,
    /// Of a fault in flows: the table that decides, and a part of the flow that does; none if no flow matches.
    pub(crate) flow: Option<(u8, Option<String>)>,
}

/// Breaks a lab, if the fault is one that it can have.
pub(crate) fn plant(fault: Fault, works: &mut Works, dice: &mut Dice) -> Option<Broken> {
    let (from, to) = (works.host(&works.from), works.host(&works.to));
    let end = dice.pick(&[from.clone(), to.clone()]);
    let Host { name, node, bridge, port, vlan, .. } = end.clone();
    let has_vlans = vlan != 0;
    let is_routed = works.shape == Shape::Routed;
    let broken =
        |line: String, places: &[String]| Some(Broken { lines: vec![line], places: places.to_vec(), flow: None });
    let by_flow = |line: String, table: u8, part: Option<&str>| {
        let flow = Some((table, part.map(str::to_owned)));
        Some(Broken { lines: vec![line], places: vec![node.clone()], flow })
    };
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
        // Of two hosts it is open which one is in the wrong subnet: there are three at least.
        Fault::Subnet if !is_routed && works.hosts.iter().filter(|host| host.vlan == vlan).count() > 2 => {
            broken(format!("{name} ip 10.9.9.{last}/24"), &[name])
        }
        Fault::DropFlow => {
            let what = dice.pick(&[format!("dl_src={}", end.mac), format!("dl_dst={}", end.mac), "icmp".to_owned()]);
            let line = format!("{node} ovs-ofctl add-flow {bridge} priority=40000,{what},actions=drop");
            by_flow(line, 0, Some(&format!("priority=40000,{what} actions=drop")))
        }
        Fault::WrongPortFlow => {
            let near = |host: &&Host| host.node == node && host.name != from.name && host.name != to.name;
            let other = works.hosts.iter().find(near)?;
            let line = format!(
                "{node} ovs-ofctl add-flow {bridge} priority=40000,dl_dst={},actions=output:{}",
                end.mac, other.port
            );
            by_flow(line, 0, Some(&format!("priority=40000,dl_dst={}", end.mac)))
        }
        Fault::MissingFlow if works.shape == Shape::Flows => {
            let mac = dice.pick(&[from.mac, to.mac]);
            by_flow(format!("{node} ovs-ofctl del-flows {bridge} dl_dst={mac}"), 0, None)
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
        Fault::RewrittenVlan if !works.shape.is_of_flows() => {
            let line =
                format!("{node} ovs-ofctl add-flow {bridge} priority=50,in_port={port},actions=mod_vlan_vid:77,NORMAL");
            by_flow(line, 0, Some("mod_vlan_vid:77"))
        }
        Fault::Listener => {
            let (from, to) = (works.from.clone(), works.to.clone());
            works.ask(&from, &to, 56, true);
            broken(format!("{to} close tcp 80"), &[to])
        }
        Fault::StaticMac if !works.shape.is_of_flows() => {
            let near = |host: &&Host| host.node == node && host.name != from.name && host.name != to.name;
            let other = works.hosts.iter().find(near)?;
            broken(format!("{node} ovs-appctl fdb/add {bridge} {} {vlan} {}", other.port, end.mac), &[node])
        }
        Fault::PortDown => broken(format!("{node} ovs-ofctl mod-port {bridge} {port} down"), &[at]),
        Fault::ShadowingFlow if works.shape == Shape::Pipeline => {
            let other = works.hosts.iter().position(|host| host.name == name).map_or(1, |at| 2 - at % 2);
            let (table, flow) = dice.pick(&[
                (1, "priority=20,icmp actions=drop".to_owned()),
                (2, format!("priority=20,dl_dst={} actions=drop", end.mac)),
                (2, format!("priority=20,dl_dst={} actions=output:{other}", end.mac)),
                (0, format!("priority=20,dl_src={} actions=goto_table:9", end.mac)),
            ]);
            let line = format!("{node} ovs-ofctl add-flow {bridge} table={table},{}", flow.replace(' ', ","));
            match flow.ends_with("goto_table:9") {
                true => by_flow(line, 9, None),
                false => by_flow(line, table, Some(&flow)),
            }
        }
        Fault::MissingInTable if works.shape == Shape::Pipeline => {
            let mac = dice.pick(&[from.mac, to.mac]);
            by_flow(format!("{node} ovs-ofctl del-flows {bridge} table=2,dl_dst={mac}"), 2, None)
        }
        Fault::WrongTable if works.shape == Shape::Pipeline => {
            by_flow(format!("{node} ovs-ofctl mod-flows {bridge} table=1,actions=meter:1,goto_table:9"), 9, None)
        }
        Fault::Group if works.shape == Shape::Pipeline => {
            let peer = if name == from.name { &to } else { &from };
            let number: usize = node[1..].parse().ok()?;
            let neighbour = format!("s{}", if peer.node > node { number + 1 } else { number - 1 });
            let (group, right) = to_neighbour(number, &neighbour);
            let wrong = dice.pick(&[
                "type=ff,bucket=watch_port:99,actions=output:3".to_owned(),
                "type=indirect,bucket=actions=output:1".to_owned(),
                "type=all".to_owned(),
                format!("type=select,bucket=weight:1,actions=output:{right},bucket=weight:99,actions=output:2"),
                format!(
                    "type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_port:{right},actions=output:{right}"
                ),
            ]);
            let line = format!("{node} ovs-ofctl mod-group {bridge} group_id={group},{wrong}");
            by_flow(line, 2, Some(&format!("actions=group:{group}")))
        }
        Fault::Meter if works.shape == Shape::Pipeline => {
            let (from, to) = (works.from.clone(), works.to.clone());
            works.ask(&from, &to, 1000, false);
            let meter = "meter=1,kbps,burst,band=type=drop,rate=1,burst_size=1";
            by_flow(format!("{node} ovs-ofctl mod-meter {bridge} {meter}"), 1, Some("actions=meter:1"))
        }
        Fault::StaleLearnt if works.shape == Shape::Learning => {
            let other = works.hosts.iter().position(|host| host.name == name).map_or(1, |at| 2 - at % 2);
            let line = format!(
                "{node} ovs-ofctl add-flow {bridge} \
                 table=10,priority=100,dl_dst={},actions=load:{other}->NXM_NX_REG0[0..15]",
                end.mac
            );
            by_flow(line, 10, Some(&format!("priority=100,dl_dst={}", end.mac)))
        }
        Fault::WrongLearn if works.shape == Shape::Learning => {
            let line = format!(
                "{node} ovs-ofctl mod-flows {bridge} \
                 table=0,actions=learn(table=10,hard_timeout=300,priority=10,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],\
                 load:99->NXM_NX_REG0[0..15]),resubmit(,10),resubmit(,1)"
            );
            by_flow(line, 10, Some("load:0x63->NXM_NX_REG0"))
        }
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
