//! A naive model of bridged Ethernet, written from IEEE 802.1Q (8.6 to 8.8) and ovs-vswitchd.conf.db(5).
//!
//! A frame is a list of tags, a station table a map, and a flood a recursion. Where the manual leaves a case open, the
//! model does what Open vSwitch 3.1 does, and says so.

use std::collections::{BTreeMap, BTreeSet};

/// Seconds after which a silent station is forgotten.
const AGEING: u64 = 300;
/// Bytes after the Ethernet header and up to two tags that a link carries.
const LINK_MTU: usize = 1500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) tpid: u16,
    pub(crate) pcp: u8,
    pub(crate) vid: u16,
}

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) dst: [u8; 6],
    pub(crate) src: [u8; 6],
    pub(crate) tags: Vec<Tag>,
    /// The Ethernet type and what follows it.
    pub(crate) payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Access,
    Trunk,
    NativeTagged,
    NativeUntagged,
    Tunnel,
}

/// The columns of a port. `tag` is 0 in a trunk; empty sets are empty columns.
#[derive(Clone, Debug)]
pub(crate) struct Vlans {
    pub(crate) mode: Mode,
    pub(crate) tag: u16,
    pub(crate) trunks: BTreeSet<u16>,
    pub(crate) cvlans: BTreeSet<u16>,
    /// `other_config:qinq-ethtype`.
    pub(crate) service_tpid: u16,
    /// `other_config:priority-tags=if-nonzero`.
    pub(crate) priority_tags: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub(crate) name: String,
    /// The node and the port at the other end of its link; a port without a link is down.
    pub(crate) peer: Option<(usize, usize)>,
    /// What a switch's port does with VLANs.
    pub(crate) vlans: Option<Vlans>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Bridge {
    /// How many tags it looks at; those behind them are payload (`other_config:vlan-limit`).
    pub(crate) vlan_limit: usize,
    pub(crate) forward_bpdu: bool,
    pub(crate) flood_vlans: BTreeSet<u16>,
    /// Where and when a station was heard, by VLAN and address.
    pub(crate) stations: BTreeMap<(u16, [u8; 6]), (usize, u64)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Host,
    Hub,
    Switch(Bridge),
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) ports: Vec<Port>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) nodes: Vec<Node>,
}

/// A frame at the end of a link: the direction, its bytes, and what the capture says of it.
pub(crate) type Crossing = (String, Vec<u8>, Option<String>);

/// What becomes of one frame.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    pub(crate) crossings: Vec<Crossing>,
    /// Drops by place, a node or a link's direction, and reason.
    pub(crate) drops: BTreeMap<(String, String), u64>,
    /// Frames that a flood made beyond the one that came, by node; a hub that sends on nothing makes -1.
    pub(crate) copies: BTreeMap<String, i64>,
}

impl Frame {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [self.dst, self.src].concat();
        for tag in &self.tags {
            bytes.extend(tag.tpid.to_be_bytes());
            bytes.extend((u16::from(tag.pcp) << 13 | tag.vid).to_be_bytes());
        }
        bytes.extend(&self.payload);
        bytes
    }
}

impl Vlans {
    fn carries(&self, vid: u16) -> bool {
        match self.mode {
            Mode::Access | Mode::Tunnel => vid == self.tag,
            Mode::Trunk => self.trunks.is_empty() || self.trunks.contains(&vid),
            // Untagged frames belong to the native VLAN, so there is none in VLAN 0.
            Mode::NativeTagged | Mode::NativeUntagged => {
                vid == self.tag || vid != 0 && (self.trunks.is_empty() || self.trunks.contains(&vid))
            }
        }
    }

    fn allows_customer(&self, vid: u16) -> bool {
        self.cvlans.is_empty() || self.cvlans.contains(&vid)
    }

    /// The tags of a frame inside the bridge, the first that of its VLAN; or why the port refuses it.
    fn ingress(&self, tags: &[Tag]) -> Result<Vec<Tag>, &'static str> {
        let outer = tags.first().copied().unwrap_or(Tag { tpid: 0x8100, pcp: 0, vid: 0 });
        let native = || [&[Tag { vid: self.tag, ..outer }], tags.get(1..).unwrap_or_default()].concat();
        match self.mode {
            Mode::Access if outer.vid != 0 => Err("tagged_on_access"),
            Mode::Access => Ok(native()),
            Mode::NativeTagged | Mode::NativeUntagged if outer.vid == 0 => Ok(native()),
            Mode::Tunnel if self.allows_customer(outer.vid) => {
                let service = Tag { tpid: self.service_tpid, pcp: 0, vid: self.tag };
                Ok([&[service], tags].concat())
            }
            Mode::Trunk | Mode::NativeTagged | Mode::NativeUntagged if self.carries(outer.vid) => Ok(tags.to_vec()),
            _ => Err("vlan_not_allowed"),
        }
    }

    /// Whether a flood goes there.
    fn is_flooded(&self, inside: &[Tag]) -> bool {
        let vid = |n: usize| inside.get(n).map_or(0, |tag: &Tag| tag.vid);
        match self.mode {
            Mode::Tunnel => self.carries(vid(0)) && self.allows_customer(vid(1)),
            // A frame in two VLANs isn't in the one of an access port alone: Open vSwitch.
            Mode::Access => self.carries(vid(0)) && vid(1) == 0,
            Mode::Trunk | Mode::NativeTagged | Mode::NativeUntagged => self.carries(vid(0)),
        }
    }

    /// The tags with which a frame leaves.
    fn egress(&self, inside: &[Tag]) -> Vec<Tag> {
        let pcp = inside.first().map_or(0, |tag| tag.pcp);
        let mut tags = match self.mode {
            Mode::Access => Vec::new(),
            Mode::Tunnel => inside[1..].to_vec(),
            Mode::NativeUntagged if inside[0].vid == self.tag => inside[1..].to_vec(),
            Mode::Trunk | Mode::NativeTagged | Mode::NativeUntagged => inside.to_vec(),
        };
        // A tag that says nothing is left out.
        tags.retain(|tag| tag.vid != 0 || tag.pcp != 0);
        if tags.is_empty() && self.priority_tags && pcp != 0 {
            tags.push(Tag { tpid: 0x8100, pcp, vid: 0 });
        }
        tags
    }
}

impl Model {
    /// A host sends a frame at a second of lab time.
    pub(crate) fn send(&mut self, host: usize, frame: &Frame, now: u64) -> Fate {
        let mut fate = Fate::default();
        self.cross(host, 0, frame, now, &mut fate);
        fate
    }

    fn cross(&mut self, from: usize, out: usize, frame: &Frame, now: u64, fate: &mut Fate) {
        let Some((to, port)) = self.nodes[from].ports[out].peer else { return };
        let end = |node: &Node, port: usize| format!("{}:{}", node.name, node.ports[port].name);
        let place = end(&self.nodes[to], port);
        let wire = format!("{} > {place}", end(&self.nodes[from], out));
        let size = 4 * frame.tags.len().saturating_sub(2) + frame.payload.len() - 2;
        if size > LINK_MTU {
            let comment = format!("drop mtu_exceeded at {place}");
            *fate.drops.entry((wire.clone(), "mtu_exceeded".to_owned())).or_default() += 1;
            fate.crossings.push((wire, frame.to_bytes(), Some(comment)));
            return;
        }
        let (sent, dropped) = match &self.nodes[to].kind {
            Kind::Host => (None, None),
            Kind::Hub => {
                let others = (0..self.nodes[to].ports.len()).filter(|&other| other != port);
                (Some(others.map(|other| (other, frame.clone())).collect()), None)
            }
            Kind::Switch(_) => match self.bridge(to, port, frame, now) {
                Ok(sent) => (Some(sent), None),
                Err(drop) => (None, Some(drop)),
            },
        };
        let comment = dropped.filter(|(_, is_here)| *is_here).map(|(reason, _)| format!("drop {reason} at {place}"));
        fate.crossings.push((wire, frame.to_bytes(), comment));
        if let Some((reason, _)) = dropped {
            *fate.drops.entry((self.nodes[to].name.clone(), reason.to_owned())).or_default() += 1;
        }
        let Some(sent): Option<Vec<(usize, Frame)>> = sent else { return };
        *fate.copies.entry(self.nodes[to].name.clone()).or_default() += sent.len() as i64 - 1;
        for (out, frame) in sent {
            self.cross(to, out, &frame, now, fate);
        }
    }

    /// The ports by which a switch sends the frame on, at least one; or why it drops it, and whether the port that
    /// it came in by does.
    fn bridge(
        &mut self,
        switch: usize,
        port: usize,
        frame: &Frame,
        now: u64,
    ) -> Result<Vec<(usize, Frame)>, (&'static str, bool)> {
        let Node { kind: Kind::Switch(bridge), ports, .. } = &mut self.nodes[switch] else { return Ok(Vec::new()) };
        let vlans = |port: usize| ports[port].vlans.as_ref().expect("a switch's port has its columns");
        let (seen, hidden) = frame.tags.split_at(frame.tags.len().min(bridge.vlan_limit));
        let mut inside = vlans(port).ingress(seen).map_err(|reason| (reason, true))?;
        // Open vSwitch knows two tags at most: one that a tunnel pushes can push the second out.
        inside.truncate(2);
        if frame.dst[..5] == [0x01, 0x80, 0xc2, 0, 0] && frame.dst[5] < 16 && !bridge.forward_bpdu {
            return Err(("reserved_multicast", true));
        }
        let vid = inside.first().map_or(0, |tag| tag.vid);
        let leave = |out: usize| {
            let tags = [vlans(out).egress(&inside), hidden.to_vec()].concat();
            (out, Frame { tags, ..frame.clone() })
        };
        if !bridge.flood_vlans.contains(&vid) {
            if frame.src[0] & 1 == 0 {
                bridge.stations.insert((vid, frame.src), (port, now));
            }
            let known = bridge.stations.get(&(vid, frame.dst)).filter(|(_, heard)| now - heard < AGEING);
            match known {
                Some(&(out, _)) if out == port => return Err(("same_port", true)),
                // Open vSwitch trusts its table: the port has carried the VLAN.
                Some(&(out, _)) => return Ok(vec![leave(out)]),
                None => {}
            }
        }
        let members = || (0..ports.len()).filter(|&out| out != port && vlans(out).is_flooded(&inside));
        let up: Vec<usize> = members().filter(|&out| ports[out].peer.is_some()).collect();
        match up.as_slice() {
            [] if members().next().is_some() => Err(("port_down", false)),
            [] if ports.len() > 1 => Err(("vlan_not_allowed", false)),
            [] => Err(("same_port", true)),
            up => Ok(up.iter().map(|&out| leave(out)).collect()),
        }
    }
}
