//! A port as a worker needs it: counters, and the plan's rules boiled down to what the usual frame asks of them.
//!
//! In a lab of many switches each frame finds another switch, whose memory is far away: there the number of cache
//! lines that a frame touches decides. So a port is two cache lines, one for frames that come in and one for those that
//! go out, and the usual frame reads one of each instead of plan, ports, rules, programs and counters.

use crate::cache::Lookup;
use crate::counters::PortCounters;
use crate::plan::{Gate, Plan, PortPlan, PriorityTags, VlanMode, VlanSet};
use crate::vlan::Tags;
use sim_core::{PortIx, Time};
use std::sync::Arc;

/// A port.
#[derive(Debug, Default)]
pub(crate) struct PortState {
    pub(crate) rx: Inbound,
    pub(crate) tx: Outbound,
}

/// What went through in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) dropped: u64,
}

/// What concerns the frames that come in by a port.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Inbound {
    pub(crate) count: Count,
    pub(crate) lookup: Lookup,
    /// When the last frame came in, with [`Lookup::Normal`].
    pub(crate) used: Time,
    /// The VLANs of tagged frames that it takes, if [`Inbound::takes_tags`]; `None` for all.
    pub(crate) trunks: Option<Arc<VlanSet>>,
    /// The VLAN of frames without a tag; `None` if it refuses them.
    pub(crate) untagged: Option<u16>,
    /// The slot that stands for the port that the interface belongs to.
    pub(crate) bundle: u16,
    pub(crate) takes_tags: bool,
    pub(crate) is_protected: bool,
}

/// What concerns the frames that go out of a port.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Outbound {
    pub(crate) count: Count,
    /// Where they go; `None` if the port is down or not [easy](Outbound::is_easy).
    pub(crate) link: Option<PortIx>,
    pub(crate) untagged: Untagged,
    carried: Carried,
    /// Whether [`Outbound::tags`] is all that there is to its tags.
    pub(crate) is_easy: bool,
    pub(crate) is_protected: bool,
    is_floodable: bool,
}

/// The VLANs that a flood takes there.
#[derive(Debug, Default)]
enum Carried {
    #[default]
    All,
    One(u16),
    Some(Arc<VlanSet>),
}

/// The VLANs whose frames leave without a tag; those of VLAN 0 always do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Untagged {
    /// No other.
    #[default]
    None,
    /// This one.
    Vlan(u16),
    /// All.
    All,
}

impl PortState {
    /// Takes over what the plan says of the port of a slot. The counters go on, and how its frames are looked up if
    /// translations hold and it was and is open.
    pub(crate) fn follow(&mut self, plan: &Plan, slot: u16, holds: bool) {
        let vacant = PortPlan::default();
        let port = plan.ports.get(usize::from(slot)).unwrap_or(&vacant);
        let mut rx = Inbound { count: self.rx.count, ..Inbound::new(port) };
        if holds && port.gate == Gate::Open && !matches!(self.rx.lookup, Lookup::Closed) {
            (rx.lookup, rx.used) = (self.rx.lookup, self.rx.used);
        }
        self.rx = rx;
        self.tx = Outbound { count: self.tx.count, ..Outbound::new(port) };
    }

    /// What went through.
    pub(crate) fn counters(&self) -> PortCounters {
        let (rx, tx) = (self.rx.count, self.tx.count);
        PortCounters {
            rx_packets: rx.packets,
            rx_bytes: rx.bytes,
            rx_dropped: rx.dropped,
            tx_packets: tx.packets,
            tx_bytes: tx.bytes,
            tx_dropped: tx.dropped,
        }
    }

    /// Sets the counters to zero.
    pub(crate) fn clear_counters(&mut self) {
        (self.rx.count, self.tx.count) = (Count::default(), Count::default());
    }
}

impl Count {
    #[inline]
    pub(crate) fn add(&mut self, packets: u64, bytes: u64) {
        self.packets += packets;
        self.bytes += bytes;
    }
}

impl Inbound {
    fn new(port: &PortPlan) -> Self {
        let mode = port.vlan.mode;
        let is_tunnel = mode == VlanMode::Dot1qTunnel;
        let inside = port.vlan.ingress(&Tags::default()).ok().filter(|_| !is_tunnel);
        Self {
            count: Count::default(),
            lookup: Lookup::Unknown,
            used: Time::ZERO,
            trunks: port.vlan.trunks.clone(),
            untagged: inside.map(|tags| tags.vid()),
            bundle: port.bundle,
            takes_tags: !is_tunnel && mode != VlanMode::Access,
            is_protected: port.is_protected,
        }
    }
}

impl Outbound {
    fn new(port: &PortPlan) -> Self {
        let untagged = match port.vlan.mode {
            VlanMode::Access => Some(Untagged::All),
            VlanMode::NativeUntagged => Some(Untagged::Vlan(port.vlan.tag)),
            VlanMode::Trunk | VlanMode::NativeTagged => Some(Untagged::None),
            VlanMode::Dot1qTunnel => None,
        };
        let untagged = untagged.filter(|_| port.vlan.priority_tags == PriorityTags::Never);
        let carried = match (port.vlan.mode, &port.vlan.trunks) {
            (VlanMode::Access, _) => Carried::One(port.vlan.tag),
            (_, Some(trunks)) => Carried::Some(Arc::clone(trunks)),
            (_, None) => Carried::All,
        };
        Self {
            count: Count::default(),
            link: untagged.and(port.tx),
            untagged: untagged.unwrap_or_default(),
            carried,
            is_easy: untagged.is_some(),
            is_protected: port.is_protected,
            is_floodable: port.is_floodable,
        }
    }

    /// Whether a flood of a VLAN goes there.
    #[inline]
    pub(crate) fn carries(&self, vlan: u16) -> bool {
        let is_carried = match &self.carried {
            Carried::All => true,
            Carried::One(tag) => *tag == vlan,
            Carried::Some(vlans) => vlans.contains(vlan),
        };
        self.is_floodable && is_carried
    }

    /// Whether frames of a VLAN leave with its tag.
    #[inline]
    pub(crate) fn tags(&self, vlan: u16) -> bool {
        let leaves_untagged = match self.untagged {
            Untagged::None => false,
            Untagged::Vlan(native) => native == vlan,
            Untagged::All => true,
        };
        vlan != 0 && !leaves_untagged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_of_a_port_is_one_cache_line() {
        assert_eq!((size_of::<Inbound>(), size_of::<Outbound>()), (64, 64));
    }
}
