//! Priority vectors: IEEE 802.1D-2004 clauses 17.5 and 17.6. The least is the best.

use packet::wire::bpdu::{BridgeId, PortId, Vector};

/// The bits of a port's identifier that number it; the others are its priority (9.2.7).
const PORT_NUMBER: u16 = 0x0fff;
const PORT_PRIORITY: u8 = 0xf0;

/// A priority vector without its last component, the port that received it, which its owner knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Priority {
    pub(super) root: BridgeId,
    pub(super) root_path_cost: u32,
    pub(super) bridge: BridgeId,
    pub(super) port: PortId,
}

impl Priority {
    /// What a BPDU tells: msgPriority (17.19.14).
    pub(super) const fn of_message(message: &Vector) -> Self {
        let Vector { root, root_path_cost, bridge, port, .. } = *message;
        Self { root, root_path_cost, bridge, port }
    }

    /// Whether it supersedes a port's vector: it is better, or of the same port of the same bridge and different.
    pub(super) fn is_superior_to(&self, other: &Self) -> bool {
        self < other || (self != other && self.is_from(other.bridge, other.port))
    }

    /// Whether it was sent by this port of this bridge. Priorities may have changed since.
    pub(super) fn is_from(&self, bridge: BridgeId, port: PortId) -> bool {
        self.bridge.address() == bridge.address() && self.port.0 & PORT_NUMBER == port.0 & PORT_NUMBER
    }

    /// The root path priority vector: the cost of the port that received it added.
    pub(super) const fn over(self, path_cost: u32) -> Self {
        Self { root_path_cost: self.root_path_cost.saturating_add(path_cost), ..self }
    }
}

/// A port's identifier: four bits of priority, twelve of its number.
pub(super) fn port_id(priority: u8, number: u16) -> PortId {
    PortId(u16::from(priority & PORT_PRIORITY) << 8 | number & PORT_NUMBER)
}
