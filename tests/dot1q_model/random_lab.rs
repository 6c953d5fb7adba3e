//! Random labs: trees of switches and hubs with hosts, every port with a VLAN configuration of its own; and random
//! frames for them.

use crate::model::{Bridge, Frame, Kind, Mode, Model, Node, Port, Tag, Vlans};
use sim_core::Stream;
use std::collections::BTreeSet;
use std::fmt::Write;

/// VLANs that occur: few, so that they meet.
const VLANS: [u16; 3] = [9, 10, 4094];

/// A random lab. Tunnels and frames with two tags come with each other; priority tags come with neither, since there
/// nothing says what is right.
#[derive(Debug)]
pub(crate) struct RandomLab {
    pub(crate) model: Model,
    pub(crate) has_tunnels: bool,
}

pub(crate) fn one_in(random: &mut Stream, n: u64) -> bool {
    random.below(n) == 0
}

pub(crate) fn pick<T: Copy>(random: &mut Stream, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

impl RandomLab {
    pub(crate) fn new(random: &mut Stream) -> Self {
        let mut lab = Self { model: Model::default(), has_tunnels: one_in(random, 2) };
        let switches = 1 + random.below(5) as usize;
        for n in 1..=switches {
            let bridge = Bridge {
                vlan_limit: if lab.has_tunnels && one_in(random, 2) { 2 } else { 1 },
                forward_bpdu: one_in(random, 4),
                flood_vlans: if one_in(random, 5) { lab.vlans(random, 2) } else { BTreeSet::new() },
                ..Bridge::default()
            };
            // A switch that is there already, so that it is a tree.
            let parent = lab.any_switch(random);
            let switch = lab.add(&format!("s{n}"), Kind::Switch(bridge));
            match parent {
                Some(parent) if one_in(random, 5) => {
                    let hub = lab.add_hub();
                    lab.link(random, hub, parent, true);
                    lab.link(random, switch, hub, true);
                }
                Some(parent) => lab.link(random, switch, parent, true),
                None => {}
            }
        }
        if one_in(random, 3) {
            let (hub, parent) = (lab.add_hub(), lab.any_switch(random).expect("every lab has a switch"));
            lab.link(random, hub, parent, true);
        }
        let bridges = lab.model.nodes.len();
        for n in 0..bridges + 1 + random.below(4) as usize {
            // Every hub has a host, and so has every switch.
            let parent = if n < bridges { n } else { random.below(bridges as u64) as usize };
            let host = lab.add(&format!("h{}", n + 1), Kind::Host);
            lab.link(random, host, parent, false);
        }
        if one_in(random, 4) {
            let port = lab.port(random, 0, false);
            lab.model.nodes[0].ports.push(port);
        }
        lab
    }

    pub(crate) fn hosts(&self) -> Vec<usize> {
        let nodes = self.model.nodes.iter().enumerate();
        nodes.filter(|(_, node)| matches!(node.kind, Kind::Host)).map(|(number, _)| number).collect()
    }

    fn any_switch(&self, random: &mut Stream) -> Option<usize> {
        let nodes = self.model.nodes.iter().enumerate();
        let switches = Vec::from_iter(nodes.filter(|(_, node)| matches!(node.kind, Kind::Switch(_))).map(|(n, _)| n));
        (!switches.is_empty()).then(|| pick(random, &switches))
    }

    fn add_hub(&mut self) -> usize {
        self.add(&format!("hub{}", self.model.nodes.len()), Kind::Hub)
    }

    fn add(&mut self, name: &str, kind: Kind) -> usize {
        self.model.nodes.push(Node { name: name.to_owned(), kind, ports: Vec::new() });
        self.model.nodes.len() - 1
    }

    fn link(&mut self, random: &mut Stream, a: usize, b: usize, is_uplink: bool) {
        for (node, peer) in [(a, b), (b, a)] {
            let mut port = self.port(random, node, is_uplink);
            // The peer's next port; the first end is linked before the second has its port.
            let taken = self.model.nodes[peer].ports.len();
            port.peer = Some((peer, if node == a { taken } else { taken - 1 }));
            self.model.nodes[node].ports.push(port);
        }
    }

    fn port(&mut self, random: &mut Stream, node: usize, is_uplink: bool) -> Port {
        let number = self.model.nodes[node].ports.len();
        let (name, vlans) = match self.model.nodes[node].kind {
            Kind::Host => ("eth0".to_owned(), None),
            Kind::Hub => (format!("{}", number + 1), None),
            Kind::Switch(_) => (format!("p{}", number + 1), Some(self.columns(random, is_uplink))),
        };
        Port { name, peer: None, vlans }
    }

    fn columns(&self, random: &mut Stream, is_uplink: bool) -> Vlans {
        use Mode::{Access, NativeTagged, NativeUntagged, Trunk, Tunnel};
        let mode = match (is_uplink, self.has_tunnels) {
            (true, false) => pick(random, &[Trunk, Trunk, Trunk, NativeTagged, NativeUntagged, Access]),
            (true, true) => pick(random, &[Trunk, Trunk, Trunk, Trunk, NativeTagged, NativeUntagged, Tunnel]),
            (false, false) => pick(random, &[Access, Access, Trunk, NativeTagged, NativeUntagged]),
            (false, true) => pick(random, &[Access, Trunk, Tunnel, Tunnel, NativeTagged, NativeUntagged]),
        };
        let has_trunks = !matches!(mode, Access | Tunnel) && (one_in(random, 3) || !is_uplink && one_in(random, 2));
        let mut trunks = if has_trunks { self.vlans(random, 4) } else { BTreeSet::new() };
        if has_trunks && one_in(random, 3) {
            trunks.insert(0);
        }
        let mut cvlans = if mode == Tunnel && one_in(random, 2) { self.vlans(random, 3) } else { BTreeSet::new() };
        if !cvlans.is_empty() && one_in(random, 2) {
            cvlans.insert(0);
        }
        Vlans {
            mode,
            tag: if mode == Trunk { 0 } else { pick(random, &VLANS) },
            trunks,
            cvlans,
            service_tpid: pick(random, &[0x88a8, 0x8100]),
            priority_tags: !self.has_tunnels && one_in(random, 4),
        }
    }

    fn vlans(&self, random: &mut Stream, most: u64) -> BTreeSet<u16> {
        (0..1 + random.below(most)).map(|_| pick(random, &VLANS)).collect()
    }

    /// A frame of one of a few stations.
    pub(crate) fn frame(&self, random: &mut Stream) -> Frame {
        let station = |n: u64| [0x02, 0, 0, 0, 0, n as u8];
        let dst = match random.below(12) {
            0 => [0xff; 6],
            1 => [0x01, 0x80, 0xc2, 0, 0, random.below(18) as u8],
            2 => [0x33, 0x33, 0, 0, 0, 1],
            n => station(n % 6),
        };
        let src = if one_in(random, 20) { [0x03, 0, 0, 0, 0, 1] } else { station(random.below(5)) };
        let tpid = |random: &mut Stream| pick(random, &[0x8100, 0x8100, 0x88a8]);
        let pcp = |random: &mut Stream| pick(random, &[0, 0, 3, 7]);
        let tagged = |random: &mut Stream, vid| Tag { tpid: tpid(random), pcp: pcp(random), vid };
        let vid = |random: &mut Stream| pick(random, &VLANS);
        let tags = match random.below(if self.has_tunnels { 10 } else { 8 }) {
            0..4 => Vec::new(),
            4 => vec![tagged(random, 0)],
            5..8 => vec![vid(random)].into_iter().map(|vid| tagged(random, vid)).collect(),
            _ => [vid(random), vid(random)].into_iter().map(|vid| tagged(random, vid)).collect(),
        };
        // IEEE 802's local experimental type 1, and any length up to the link's MTU.
        let len = pick(random, &[0, 46, 46, 100, 1500]);
        let mut payload = vec![0x88, 0xb5];
        payload.extend((0..len).map(|_| random.below(256) as u8));
        Frame { dst, src, tags, payload }
    }

    /// The lab file.
    pub(crate) fn toml(&self) -> String {
        let mut text = "name = \"random\"\n".to_owned();
        for (number, node) in self.model.nodes.iter().enumerate() {
            match &node.kind {
                Kind::Host => {
                    let (host, to) = (&node.name, self.link_of(number, 0));
                    let _ = writeln!(text, "[hosts.{host}]\nip = \"10.0.0.{number}/8\"\n{to}");
                }
                // Its ports are those that links name.
                Kind::Hub => {
                    let _ = writeln!(text, "[hubs.{}]", node.name);
                }
                Kind::Switch(bridge) => self.write_switch(&mut text, number, node, bridge),
            }
        }
        text
    }

    fn write_switch(&self, text: &mut String, number: usize, node: &Node, bridge: &Bridge) {
        let _ = writeln!(text, "[switches.{}]", node.name);
        if bridge.vlan_limit == 2 {
            let _ = writeln!(text, "setup = \"ovs-vsctl set Open_vSwitch . other_config:vlan-limit=2\"");
        }
        if bridge.forward_bpdu {
            let _ = writeln!(text, "other_config = {{ forward-bpdu = \"true\" }}");
        }
        if !bridge.flood_vlans.is_empty() {
            let _ = writeln!(text, "flood_vlans = {:?}", Vec::from_iter(&bridge.flood_vlans));
        }
        for (n, port) in node.ports.iter().enumerate() {
            let vlans = port.vlans.as_ref().expect("a switch's port has its columns");
            let mode = match vlans.mode {
                Mode::Access => "access",
                Mode::Trunk => "trunk",
                Mode::NativeTagged => "native-tagged",
                Mode::NativeUntagged => "native-untagged",
                Mode::Tunnel => "dot1q-tunnel",
            };
            let mut keys = Vec::new();
            // Without a mode, a port with a tag is an access port and one without is a trunk.
            if !(n % 2 == 0 && matches!(vlans.mode, Mode::Access | Mode::Trunk)) {
                keys.push(format!("vlan_mode = \"{mode}\""));
            }
            if vlans.tag != 0 {
                keys.push(format!("tag = {}", vlans.tag));
            }
            for (key, set) in [("trunks", &vlans.trunks), ("cvlans", &vlans.cvlans)] {
                if !set.is_empty() {
                    keys.push(format!("{key} = {:?}", Vec::from_iter(set)));
                }
            }
            let mut other = Vec::new();
            if vlans.service_tpid == 0x8100 {
                other.push("qinq-ethtype = \"802.1q\"");
            }
            if vlans.priority_tags {
                other.push("priority-tags = \"if-nonzero\"");
            }
            if !other.is_empty() {
                keys.push(format!("other_config = {{ {} }}", other.join(", ")));
            }
            keys.extend(Some(self.link_of(number, n)).filter(|link| !link.is_empty()));
            let _ = writeln!(text, "ports.{} = {{ {} }}", port.name, keys.join(", "));
        }
    }

    /// The `to` of a port. It stands at one end only: that of the node that came later, but never at a hub.
    fn link_of(&self, node: usize, port: usize) -> String {
        let is_hub = |node: usize| matches!(self.model.nodes[node].kind, Kind::Hub);
        match self.model.nodes[node].ports[port].peer {
            Some((peer, far)) if !is_hub(node) && (peer < node || is_hub(peer)) => {
                let peer = &self.model.nodes[peer];
                format!("to = \"{}:{}\"", peer.name, peer.ports[far].name)
            }
            _ => String::new(),
        }
    }
}
