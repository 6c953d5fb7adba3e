//! Random VLAN configurations and random frames: the switch beside a naive model of the bridge.
//!
//! The model is written from IEEE 802.1Q and ovs-vswitchd.conf.db(5): a frame is a list of tags, and the station
//! table a list of places. Whatever goes in comes out with the model's bytes at the model's ports, or is a drop.

mod rig;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use rig::Rig;
use sim_core::PortIx;
use std::collections::{BTreeMap, BTreeSet};

/// A tag: protocol identifier, priority, VLAN.
type Tag = (u16, u8, u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Access,
    Trunk,
    NativeTagged,
    NativeUntagged,
    Tunnel,
}

#[derive(Clone, Debug)]
struct Port {
    mode: Mode,
    tag: u16,
    trunks: BTreeSet<u16>,
    cvlans: BTreeSet<u16>,
    customer_tpid: bool,
    is_protected: bool,
}

#[derive(Clone, Debug)]
struct Sent {
    port: usize,
    src: u8,
    dst: u8,
    tags: Vec<Tag>,
}

/// VLANs that occur: few, so that they meet.
const VLANS: [u16; 4] = [5, 9, 10, 4095];
const PORTS: usize = 4;

fn vlan() -> impl Strategy<Value = u16> {
    prop::sample::select(VLANS.to_vec())
}

fn port() -> impl Strategy<Value = Port> {
    let modes = vec![Mode::Access, Mode::Trunk, Mode::NativeTagged, Mode::NativeUntagged, Mode::Tunnel];
    let vlans = || prop::collection::btree_set(vlan(), 0..3);
    (prop::sample::select(modes), vlan(), vlans(), vlans(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(mode, tag, trunks, cvlans, customer_tpid, is_protected)| Port {
            mode,
            tag,
            trunks,
            cvlans,
            customer_tpid,
            is_protected,
        },
    )
}

fn sent() -> impl Strategy<Value = Sent> {
    let tpid = prop::sample::select(vec![0x8100_u16, 0x88a8]);
    let vid = prop_oneof![4 => vlan(), 1 => Just(0_u16)];
    let tags = prop::collection::vec((tpid, 0..8_u8, vid), 0..3);
    (0..PORTS, 0..5_u8, 0..6_u8, tags).prop_map(|(port, src, dst, tags)| Sent { port, src, dst, tags })
}

impl Port {
    fn line(&self, n: usize) -> String {
        let list = |vlans: &BTreeSet<u16>| vlans.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let mode = match self.mode {
            Mode::Access => "access",
            Mode::Trunk => "trunk",
            Mode::NativeTagged => "native-tagged",
            Mode::NativeUntagged => "native-untagged",
            Mode::Tunnel => "dot1q-tunnel",
        };
        let ethertype = if self.customer_tpid { "802.1q" } else { "802.1ad" };
        format!(
            "-- set port p{n} vlan_mode={mode} tag={} trunks=[{}] cvlans=[{}] protected={} other_config:qinq-ethtype={ethertype}",
            self.tag,
            list(&self.trunks),
            list(&self.cvlans),
            self.is_protected
        )
    }

    fn carries(&self, vlan: u16) -> bool {
        let is_native = matches!(self.mode, Mode::NativeTagged | Mode::NativeUntagged);
        // A native VLAN takes the place of VLAN 0.
        (self.trunks.is_empty() && !(is_native && vlan == 0))
            || self.trunks.contains(&vlan)
            || (is_native && vlan == self.tag)
    }

    /// The tags inside the bridge, the VLAN's in front; `None` if the frame is refused.
    fn comes_in(&self, tags: &[Tag]) -> Option<Vec<Tag>> {
        let vid = tags.first().map_or(0, |tag| tag.2);
        let tagged = |vlan: u16| {
            let (tpid, pcp) = tags.first().map_or((0x8100, 0), |tag| (tag.0, tag.1));
            vec![(tpid, pcp, vlan)]
        };
        match self.mode {
            Mode::Access => (vid == 0).then(|| tagged(self.tag)),
            Mode::NativeTagged | Mode::NativeUntagged if vid == 0 => {
                Some(tagged(self.tag).into_iter().chain(tags.iter().skip(1).copied()).collect())
            }
            Mode::Trunk | Mode::NativeTagged | Mode::NativeUntagged => self.carries(vid).then(|| tags.to_vec()),
            Mode::Tunnel => (self.cvlans.is_empty() || self.cvlans.contains(&vid)).then(|| {
                let tpid = if self.customer_tpid { 0x8100 } else { 0x88a8 };
                let mut inside = vec![(tpid, 0, self.tag)];
                inside.extend(tags.first());
                inside
            }),
        }
    }

    /// Whether it carries what is inside the bridge with these tags.
    fn lets_out(&self, inside: &[Tag]) -> bool {
        let vid = |n: usize| inside.get(n).map_or(0, |tag| tag.2);
        match self.mode {
            Mode::Access => vid(0) == self.tag && vid(1) == 0,
            Mode::Trunk | Mode::NativeTagged | Mode::NativeUntagged => self.carries(vid(0)),
            Mode::Tunnel => vid(0) == self.tag && (self.cvlans.is_empty() || self.cvlans.contains(&vid(1))),
        }
    }

    /// The tags on the wire.
    fn goes_out(&self, inside: &[Tag]) -> Vec<Tag> {
        let mut tags: Vec<Tag> = match self.mode {
            Mode::Access => Vec::new(),
            Mode::Trunk | Mode::NativeTagged => inside.to_vec(),
            Mode::NativeUntagged if inside.first().map_or(0, |tag| tag.2) == self.tag => inside[1..].to_vec(),
            Mode::NativeUntagged => inside.to_vec(),
            Mode::Tunnel => inside[1.min(inside.len())..].to_vec(),
        };
        // A tag that says nothing isn't sent; nor is what would be behind its gap.
        if let Some(gap) = tags.iter().position(|tag| (tag.1, tag.2) == (0, 0)) {
            tags.truncate(gap);
        }
        tags
    }
}

/// The bridge as a list of ports and a list of stations.
struct Model {
    ports: Vec<Port>,
    stations: BTreeMap<(u8, u16), usize>,
}

impl Model {
    /// The ports that a frame leaves by, with its tags there.
    fn send(&mut self, sent: &Sent) -> Vec<(usize, Vec<Tag>)> {
        let from = &self.ports[sent.port];
        let Some(inside) = from.comes_in(&sent.tags) else { return Vec::new() };
        let vlan = inside.first().map_or(0, |tag| tag.2);
        self.stations.insert((sent.src, vlan), sent.port);
        let is_apart = |port: &Port| from.is_protected && port.is_protected;
        let out: Vec<usize> = match self.stations.get(&(sent.dst, vlan)) {
            Some(&port) if port == sent.port => Vec::new(),
            Some(&port) => vec![port],
            None => (0..self.ports.len()).filter(|&n| n != sent.port && self.ports[n].lets_out(&inside)).collect(),
        };
        let out = out.into_iter().filter(|&n| !is_apart(&self.ports[n]));
        out.map(|n| (n, self.ports[n].goes_out(&inside))).collect()
    }
}

fn bytes(src: u8, dst: u8, tags: &[Tag]) -> Vec<u8> {
    // Station 5 is everybody.
    let dst = if dst == 5 { [0xff; 6] } else { [2, 0, 0, 0, 0, dst] };
    let mut bytes = [dst, [2, 0, 0, 0, 0, src]].concat();
    for (tpid, pcp, vid) in tags {
        bytes.extend(tpid.to_be_bytes());
        bytes.extend((u16::from(*pcp) << 13 | vid).to_be_bytes());
    }
    bytes.extend(*b"\x08\x00payload");
    bytes
}

proptest! {
    #[test]
    fn frames_come_out_where_and_as_the_model_says(
        ports in prop::collection::vec(port(), PORTS),
        frames in prop::collection::vec(sent(), 1..40),
    ) {
        let mut rig = Rig::new(PORTS);
        let add: String = (0..PORTS).map(|n| format!(" -- add-port br0 p{n}")).collect();
        let set: String = ports.iter().enumerate().map(|(n, port)| format!(" {}", port.line(n))).collect();
        rig.line(&format!("ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0{add}{set}"));
        let mut model = Model { ports, stations: BTreeMap::new() };
        for sent in frames {
            let mut expected: Vec<(PortIx, Vec<u8>)> = model
                .send(&sent)
                .into_iter()
                .map(|(port, tags)| (PortIx(port as u32), bytes(sent.src, sent.dst, &tags)))
                .collect();
            expected.sort();
            let mut found = rig.offer(PortIx(sent.port as u32), &bytes(sent.src, sent.dst, &sent.tags));
            found.frames.sort();
            assert_eq!(found.frames, expected, "{sent:?}");
            assert_eq!(found.drops.len(), usize::from(expected.is_empty()), "a frame goes out or is a drop: {sent:?}");
        }
        assert_eq!(rig.live_frames(), 0, "no frame is lost");
    }
}
