//! A bridge's ports as the data path needs them: a snapshot that is replaced as a whole.

use sim_core::{DropReason, PortIx};
use std::sync::Arc;

/// OpenFlow's number of a bridge's local port.
pub const LOCAL: u16 = 65534;
/// No slot.
pub(crate) const NO_SLOT: u16 = u16::MAX;

/// The configuration of a bridge's data path. Ports are told apart by their slot, a small number that a port
/// keeps as long as it is in the bridge.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The ports by slot.
    pub ports: Vec<PortPlan>,
    /// The slot of each port of the node; what is not in the bridge has none.
    by_lab_port: Vec<u16>,
    /// The slots that a flood goes through, by OpenFlow port: one for each port, however many interfaces it bonds.
    pub flood_order: Vec<u16>,
    /// Whether frames to reserved addresses are forwarded.
    pub forward_bpdu: bool,
    /// How many tags are looked at, 1 or 2.
    pub vlan_limit: u8,
    /// VLANs without learning.
    pub flood_vlans: Option<Box<VlanSet>>,
    /// Copies to make.
    pub mirrors: Vec<MirrorPlan>,
}

/// A port.
#[derive(Clone, Debug, Default)]
pub struct PortPlan {
    /// Its OpenFlow number; 0 for a slot that is vacant.
    pub ofport: u16,
    /// The slot that stands for the port that the interface belongs to; its own unless it is bonded.
    pub bundle: u16,
    /// Where frames to the port leave; `None` if that is down or spanning tree keeps it closed.
    pub tx: Option<PortIx>,
    /// Where frames to the interface leave; `None` if it is down or closed.
    pub link: Option<PortIx>,
    /// The node's port that the interface is, up or down.
    pub lab: Option<PortIx>,
    /// Whether frames don't go between it and another protected port.
    pub is_protected: bool,
    /// Whether a mirror has it for itself.
    pub is_mirror_output: bool,
    /// Whether frames go there that go everywhere.
    pub is_floodable: bool,
    /// Whether it is shut down by `ovs-ofctl mod-port`; then its gate is closed.
    pub is_down: bool,
    /// Whether `mod-port` has it take no frames; then its gate is closed, and it sends all the same.
    pub is_deaf: bool,
    /// Whether `mod-port` has it send none.
    pub is_mute: bool,
    /// What spanning tree lets it do.
    pub gate: Gate,
    /// Its VLANs.
    pub vlan: VlanPlan,
}

/// What spanning tree lets a port do with frames that aren't its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gate {
    /// All.
    #[default]
    Open,
    /// It learns stations, and that is all.
    Learning,
    /// Nothing.
    Closed,
}

/// What a port does with VLANs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VlanPlan {
    /// How.
    pub mode: VlanMode,
    /// The VLAN of untagged frames, or the service VLAN; 0 for none.
    pub tag: u16,
    /// The VLANs that a trunk carries; `None` for all.
    pub trunks: Option<Arc<VlanSet>>,
    /// The customer VLANs that a tunnel takes; `None` for all.
    pub cvlans: Option<Box<VlanSet>>,
    /// Whether frames without VLAN leave with a tag.
    pub priority_tags: PriorityTags,
    /// The tag protocol identifier of the service tag.
    pub service_tpid: u16,
}

/// A port's VLAN mode: the column `vlan_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VlanMode {
    /// One VLAN, untagged.
    Access,
    /// Several VLANs, tagged.
    #[default]
    Trunk,
    /// A trunk on which frames without tag are in a VLAN, which leaves tagged.
    NativeTagged,
    /// The same, but the VLAN leaves untagged.
    NativeUntagged,
    /// All frames are in one VLAN whose tag goes in front of theirs.
    Dot1qTunnel,
}

/// `other_config:priority-tags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriorityTags {
    /// No tag of VLAN 0.
    #[default]
    Never,
    /// One if the priority isn't 0.
    IfNonzero,
    /// One if the frame had a tag.
    Always,
}

/// A set of VLANs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VlanSet([u64; 64]);

/// A mirror.
#[derive(Clone, Debug)]
pub struct MirrorPlan {
    /// The slots whose incoming frames are copied; `None` for all.
    pub sources: Option<Vec<u16>>,
    /// The slots whose outgoing frames are copied; `None` for all.
    pub destinations: Option<Vec<u16>>,
    /// The VLANs whose frames are copied; `None` for all.
    pub vlans: Option<Box<VlanSet>>,
    /// Where copies go.
    pub output: MirrorOutput,
    /// Bytes of a copy at most.
    pub snaplen: u32,
}

/// Where a mirror's copies go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorOutput {
    /// To a port of its own, by slot.
    Port(u16),
    /// To all ports of a VLAN.
    Vlan(u16),
}

impl Plan {
    /// The slot of a port of the node.
    #[inline]
    pub fn slot(&self, port: PortIx) -> Option<u16> {
        self.by_lab_port.get(port.index()).copied().filter(|&slot| slot != NO_SLOT)
    }

    /// Says that a port of the node has a slot.
    pub fn bind(&mut self, port: PortIx, slot: u16) {
        if self.by_lab_port.len() <= port.index() {
            self.by_lab_port.resize(port.index() + 1, NO_SLOT);
        }
        self.by_lab_port[port.index()] = slot;
    }

    /// The slot of an OpenFlow port.
    pub fn slot_of_ofport(&self, ofport: u32) -> Option<u16> {
        let found = self.ports.iter().position(|port| port.ofport != 0 && u32::from(port.ofport) == ofport);
        found.map(|slot| slot as u16)
    }

    /// A slot for frames that seem to have come in by no port of the switch. It is as a trunk that nothing goes out of, and
    /// nothing is learnt there; unless it `is_known` to NORMAL, that drops them.
    pub(crate) fn add_source(&mut self, ofport: u16, is_known: bool) -> u16 {
        let gate = if is_known { Gate::Open } else { Gate::Closed };
        self.ports.push(PortPlan { ofport, bundle: NO_SLOT, gate, ..PortPlan::default() });
        (self.ports.len() - 1) as u16
    }

    /// Puts the slots into the order of floods.
    pub fn order_floods(&mut self) {
        let leaders = (0..self.ports.len() as u16).filter(|&slot| {
            let port = &self.ports[usize::from(slot)];
            port.ofport != 0 && port.bundle == slot
        });
        self.flood_order = leaders.collect();
        self.flood_order.sort_by_key(|&slot| self.ports[usize::from(slot)].ofport);
    }
}

impl PortPlan {
    /// Why no frame leaves by it.
    pub fn silence(&self) -> DropReason {
        if self.gate == Gate::Open || self.is_down || self.is_deaf {
            DropReason::PortDown
        } else {
            DropReason::PortBlocked
        }
    }
}

impl VlanSet {
    /// The VLANs of a list; numbers above 4095 are left out.
    pub fn new(vlans: impl IntoIterator<Item = u16>) -> Self {
        let mut set = Self([0; 64]);
        vlans.into_iter().filter(|&vlan| vlan < 4096).for_each(|vlan| set.insert(vlan));
        set
    }

    /// All VLANs.
    pub const ALL: Self = Self([u64::MAX; 64]);

    /// Adds a VLAN.
    pub fn insert(&mut self, vlan: u16) {
        self.0[usize::from(vlan >> 6) & 63] |= 1 << (vlan & 63);
    }

    /// Takes a VLAN out.
    pub fn remove(&mut self, vlan: u16) {
        self.0[usize::from(vlan >> 6) & 63] &= !(1 << (vlan & 63));
    }

    /// Whether it holds a VLAN.
    #[inline]
    pub fn contains(&self, vlan: u16) -> bool {
        self.0[usize::from(vlan >> 6) & 63] & (1 << (vlan & 63)) != 0
    }

    /// Its VLANs in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..4096).filter(|&vlan| self.contains(vlan))
    }
}
