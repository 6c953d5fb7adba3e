//! What the rules look at: bridges as their stores have them once the setup lines have run, and stations with their
//! addresses.
//!
//! A rule warns of what is certain, so the layout says where knowledge ends: a bridge that flows or a controller
//! steer is opaque, and with a node whose addresses can't be known the layout isn't complete.

use crate::lab::{Lab, LabEnd, LabHost, LabNode, NodeKind, SetupLine};
use crate::run::Net;
use inet::Cidr;
use ovsdb::vswitch::{bridge, interface, open_vswitch, port};
use ovsdb::{Row, Store};
use sim_core::{LinkIx, NodeIx, PortIx};
use std::collections::{BTreeMap, BTreeSet};

/// The lab as the rules see it.
pub(super) struct Layout<'a> {
    /// The lab.
    pub(super) lab: &'a Lab,
    /// Every bridge of every switch.
    pub(super) bridges: Vec<BridgeView>,
    /// Every interface with an IP stack behind it.
    pub(super) stations: Vec<Station<'a>>,
    /// Whether `stations` has every address of the lab.
    pub(super) is_complete: bool,
    ports: BTreeMap<LabEnd, (usize, usize)>,
    stations_at: BTreeMap<LabEnd, Vec<usize>>,
    station_of: BTreeMap<NodeIx, Vec<usize>>,
}

/// A bridge.
pub(super) struct BridgeView {
    /// Its switch.
    pub(super) node: NodeIx,
    /// Whether flows or a controller decide where its frames go.
    pub(super) is_opaque: bool,
    /// Whether it takes part in a spanning tree.
    pub(super) has_tree: bool,
    /// Whether it passes on the frames of others' spanning trees.
    pub(super) forwards_bpdus: bool,
    /// Its ports.
    pub(super) ports: Vec<PortView>,
}

/// A port of a bridge, or a member of its bond.
pub(super) struct PortView {
    /// Its interface's name.
    pub(super) name: String,
    /// The link's end that it is; `None` for one with a `type`, or without a socket.
    pub(super) end: Option<LabEnd>,
    /// Its `type`, empty for a link's end.
    pub(super) ty: String,
    /// The far end of a tunnel is IPv6, and it has a key: what decides its overhead.
    pub(super) tunnel: TunnelView,
    /// Whether it is one of several interfaces of its port.
    pub(super) is_bonded: bool,
    /// What it does to VLANs.
    pub(super) vlans: PortVlans,
}

/// What of a tunnel's options changes the size of its headers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TunnelView {
    pub(super) is_ipv6: bool,
    pub(super) has_key: bool,
}

/// What a port does to VLANs (ovs-vswitchd.conf.db(5), the table Port).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortVlans {
    /// One VLAN, untagged.
    Access(u16),
    /// VLANs with their tags; `None`: all. The untagged frames are VLAN 0.
    Trunk(Option<BTreeSet<u16>>),
    /// A trunk whose untagged frames are of one VLAN.
    Native { vlan: u16, trunks: Option<BTreeSet<u16>>, is_tagged: bool },
    /// A service tag around whatever comes; only these inner VLANs, if any are listed.
    Tunnel { tag: u16, cvlans: BTreeSet<u16> },
}

/// An interface with an IP stack behind it.
#[derive(Clone, Debug)]
pub(super) struct Station<'a> {
    /// Its node.
    pub(super) node: NodeIx,
    /// Its name.
    pub(super) name: &'a str,
    /// The socket that its frames go through.
    pub(super) end: LabEnd,
    /// The VLAN whose tag its frames carry.
    pub(super) vlan: Option<u16>,
    /// Its addresses.
    pub(super) addresses: &'a [Cidr],
    /// The most bytes of an IP packet.
    pub(super) mtu: u32,
}

impl<'a> Layout<'a> {
    /// Reads a lab and its devices.
    pub(super) fn new(lab: &'a Lab, net: &Net) -> Self {
        let mut layout = Self {
            lab,
            bridges: Vec::new(),
            stations: Vec::new(),
            is_complete: true,
            ports: BTreeMap::new(),
            stations_at: BTreeMap::new(),
            station_of: BTreeMap::new(),
        };
        for (node, number) in lab.nodes().iter().zip(0..) {
            let ix = NodeIx(number);
            match &node.kind {
                NodeKind::Switch(spec) => {
                    layout.add_switch(ix, node, net, &spec.setup);
                }
                NodeKind::Host(host) => layout.add_stations(ix, host),
                NodeKind::Server(server) => {
                    layout.add_switch(ix, node, net, &server.host.setup);
                    layout.add_stations(ix, &server.host);
                    // Lines may give it addresses, and more interfaces.
                    layout.is_complete &= server.host.setup.is_empty() && server.bridges.is_empty();
                }
                NodeKind::Hub(_) => {}
            }
        }
        layout
    }

    /// The interfaces of a stack. A NIC that a bridge has taken is none.
    fn add_stations(&mut self, ix: NodeIx, host: &'a LabHost) {
        for nic in &host.interfaces {
            let end = LabEnd { node: ix, port: nic.port };
            if !self.ports.contains_key(&end) {
                self.add_station(Station {
                    node: ix,
                    name: &nic.name,
                    end,
                    vlan: nic.vlan.map(packet::VlanId::get),
                    addresses: &nic.addresses,
                    mtu: u32::from(nic.mtu),
                });
            }
        }
    }

    fn add_switch(&mut self, ix: NodeIx, node: &LabNode, net: &Net, setup: &[SetupLine]) {
        let is_steered = setup.iter().any(|line| line.words[0] == "ovs-ofctl");
        if let Some(switch) = net.switch(ix) {
            self.add_bridges(ix, node, switch.store(), is_steered);
        }
    }

    fn add_station(&mut self, station: Station<'a>) {
        let at = self.stations.len();
        self.stations_at.entry(station.end).or_default().push(at);
        self.station_of.entry(station.node).or_default().push(at);
        self.stations.push(station);
    }

    fn add_bridges(&mut self, ix: NodeIx, node: &LabNode, store: &Store, is_steered: bool) {
        let sockets: BTreeMap<&str, PortIx> =
            node.ports.iter().zip(0..).map(|(port, at)| (port.name.as_str(), PortIx(at))).collect();
        let roots = store.root().into_iter();
        for row in roots.flat_map(|root| store.follow(root, open_vswitch::BRIDGES)) {
            let is_on = |column| row.bool(column).unwrap_or_default();
            let has_controller = row.references(bridge::CONTROLLER).next().is_some();
            let bridge = BridgeView {
                node: ix,
                is_opaque: is_steered || has_controller || row.str(bridge::FAIL_MODE) == Some("secure"),
                has_tree: is_on(bridge::STP_ENABLE) || is_on(bridge::RSTP_ENABLE),
                forwards_bpdus: row.value(bridge::OTHER_CONFIG, "forward-bpdu") == Some("true"),
                ports: store
                    .follow(row, bridge::PORTS)
                    .flat_map(|port| port_views(ix, store, port, &sockets))
                    .collect(),
            };
            for (number, port) in bridge.ports.iter().enumerate() {
                if let Some(end) = port.end {
                    self.ports.insert(end, (self.bridges.len(), number));
                }
            }
            self.bridges.push(bridge);
        }
    }

    /// The bridge's number and the port at a link's end.
    pub(super) fn port_at(&self, end: LabEnd) -> Option<(usize, &PortView)> {
        let (bridge, port) = *self.ports.get(&end)?;
        Some((bridge, &self.bridges[bridge].ports[port]))
    }

    /// The numbers of the stations behind a socket.
    pub(super) fn stations_at(&self, end: LabEnd) -> &[usize] {
        self.stations_at.get(&end).map_or(&[], Vec::as_slice)
    }

    /// The stations of a node.
    pub(super) fn stations_of(&self, node: NodeIx) -> impl Iterator<Item = &Station<'a>> {
        self.station_of.get(&node).into_iter().flatten().map(|&at| &self.stations[at])
    }

    /// The link at an end, and its other end.
    pub(super) fn across(&self, end: LabEnd) -> Option<(LinkIx, LabEnd)> {
        let link = self.lab.node(end.node).ports[end.port.index()].link?;
        let [a, b] = self.lab.links()[link.0 as usize].ends;
        Some((link, if a == end { b } else { a }))
    }

    /// Whether a node only repeats frames.
    pub(super) fn is_hub(&self, node: NodeIx) -> bool {
        matches!(self.lab.node(node).kind, NodeKind::Hub(_))
    }

    /// A link's name, as in `s1:trunk - s2:trunk`.
    pub(super) fn link_name(&self, link: LinkIx) -> String {
        let [a, b] = self.lab.links()[link.0 as usize].ends;
        format!("{} - {}", self.lab.end_name(a), self.lab.end_name(b))
    }

    /// The number of a group for each bridge: frames with tags can get from one to another only within a group.
    pub(super) fn tagged_groups(&self) -> Vec<usize> {
        let mut group: Vec<usize> = (0..self.bridges.len()).collect();
        for link in self.lab.links() {
            let [a, b] = link.ends.map(|end| self.port_at(end));
            let (Some((a, p)), Some((b, q))) = (a, b) else { continue };
            if p.vlans.takes_tags() && q.vlans.takes_tags() {
                let (a, b) = (root(&mut group, a), root(&mut group, b));
                group[a.max(b)] = a.min(b);
            }
        }
        (0..group.len()).map(|bridge| root(&mut group, bridge)).collect()
    }
}

/// The first bridge of a group, with the ways to it shortened.
fn root(group: &mut [usize], mut at: usize) -> usize {
    while group[at] != at {
        group[at] = group[group[at]];
        at = group[at];
    }
    at
}

fn port_views(node: NodeIx, store: &Store, row: &Row, sockets: &BTreeMap<&str, PortIx>) -> Vec<PortView> {
    let interfaces: Vec<&Row> = store.follow(row, port::INTERFACES).collect();
    let view = |found: &&Row| {
        let name = found.str(interface::NAME).unwrap_or_default();
        let ty = found.str(interface::TYPE).unwrap_or_default();
        let is_link = ty.is_empty() || ty == "system";
        let option = |key| found.value(interface::OPTIONS, key);
        PortView {
            name: name.to_owned(),
            end: sockets.get(name).filter(|_| is_link).map(|&port| LabEnd { node, port }),
            ty: if is_link { String::new() } else { ty.to_owned() },
            tunnel: TunnelView {
                is_ipv6: option("remote_ip").is_some_and(|ip| ip.contains(':')),
                has_key: ["key", "in_key", "out_key"].into_iter().any(|key| option(key).is_some()),
            },
            is_bonded: interfaces.len() > 1,
            vlans: PortVlans::of(row),
        }
    };
    interfaces.iter().map(view).collect()
}

impl PortVlans {
    fn of(row: &Row) -> Self {
        let set = |column| row.ints(column).map(|vlan| vlan as u16).collect::<BTreeSet<u16>>();
        let tag = row.int(port::TAG).map(|tag| tag as u16);
        let trunks = Some(set(port::TRUNKS)).filter(|trunks| !trunks.is_empty());
        let vlan = tag.unwrap_or_default();
        match (row.str(port::VLAN_MODE), tag) {
            (Some("access"), _) | (None, Some(_)) => Self::Access(vlan),
            (Some("native-tagged"), _) => Self::Native { vlan, trunks, is_tagged: true },
            (Some("native-untagged"), _) => Self::Native { vlan, trunks, is_tagged: false },
            (Some("dot1q-tunnel"), _) => Self::Tunnel { tag: vlan, cvlans: set(port::CVLANS) },
            _ => Self::Trunk(trunks),
        }
    }

    /// Whether nothing was said of VLANs: all of them, with their tags.
    pub(super) fn is_open(&self) -> bool {
        *self == Self::Trunk(None)
    }

    /// Whether frames with tags pass as such.
    pub(super) fn takes_tags(&self) -> bool {
        matches!(self, Self::Trunk(_) | Self::Native { .. })
    }

    /// Whether it carries a VLAN at all.
    pub(super) fn carries(&self, vlan: u16) -> bool {
        let listed = |trunks: &Option<BTreeSet<u16>>| trunks.as_ref().is_none_or(|trunks| trunks.contains(&vlan));
        match self {
            Self::Access(own) | Self::Tunnel { tag: own, .. } => *own == vlan,
            Self::Trunk(trunks) => listed(trunks),
            Self::Native { vlan: own, trunks, .. } => *own == vlan || listed(trunks),
        }
    }

    /// The tags on the wire, outermost last, of a frame of a VLAN with tags inside; `None` if it doesn't go out here.
    pub(super) fn send(&self, vlan: u16, inner: &[u16]) -> Option<Vec<u16>> {
        let tagged = || [inner, &[vlan]].concat();
        match self {
            _ if !self.carries(vlan) => None,
            Self::Access(_) => Some(inner.to_vec()),
            Self::Tunnel { cvlans, .. } => {
                let customer = inner.last().copied().unwrap_or_default();
                (cvlans.is_empty() || cvlans.contains(&customer)).then(|| inner.to_vec())
            }
            Self::Native { vlan: own, is_tagged: false, .. } if *own == vlan => Some(inner.to_vec()),
            Self::Trunk(_) if vlan == 0 => Some(inner.to_vec()),
            Self::Trunk(_) | Self::Native { .. } => Some(tagged()),
        }
    }

    /// The VLAN and the tags inside of a frame that comes with these tags; `None` if it is refused.
    pub(super) fn receive(&self, tags: &[u16]) -> Option<(u16, Vec<u16>)> {
        let (vlan, inner) = match (self, tags.split_last()) {
            (Self::Tunnel { tag, cvlans }, _) => {
                let customer = tags.last().copied().unwrap_or_default();
                return (cvlans.is_empty() || cvlans.contains(&customer)).then(|| (*tag, tags.to_vec()));
            }
            (Self::Access(own), None) => (*own, Vec::new()),
            (Self::Access(_), Some(_)) => return None,
            (Self::Native { vlan, .. }, None) => (*vlan, Vec::new()),
            (Self::Trunk(_), None) => (0, Vec::new()),
            (_, Some((vlan, inner))) => (*vlan, inner.to_vec()),
        };
        self.carries(vlan).then_some((vlan, inner))
    }
}
