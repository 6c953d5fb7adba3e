//! Bridge protocol data units: IEEE 802.1D-2004 clause 9 (configuration, topology change notification, RST), behind
//! the LLC header of IEEE 802.2 with DSAP and SSAP 0x42.

use crate::MacAddr;

/// Whom BPDUs go to (IEEE 802.1D-2004 table 7-10).
pub const GROUP: MacAddr = MacAddr([0x01, 0x80, 0xc2, 0x00, 0x00, 0x00]);

/// A bridge's identifier: priority in the high 16 bits, MAC address in the low 48. The least is the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BridgeId(pub u64);

/// A port's identifier: STP has 8 bits of priority and 8 of the number, RSTP 4 and 12. The least is the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u16);

/// A time in steps of 1/256 s, as BPDUs have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(pub u16);

/// The role that an RST BPDU's flags tell of its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortRole {
    /// None (0).
    #[default]
    Unknown,
    /// Alternate or backup (1).
    AlternateBackup,
    /// Root (2).
    Root,
    /// Designated (3).
    Designated,
}

/// Flags of RST BPDUs; configuration BPDUs have the first and the last only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The topology changes.
    pub topology_change: bool,
    /// The sender asks whether it may forward.
    pub proposal: bool,
    /// The sender's role.
    pub role: PortRole,
    /// The sender learns.
    pub learning: bool,
    /// The sender forwards.
    pub forwarding: bool,
    /// The sender lets the other side forward.
    pub agreement: bool,
    /// The notification has been heard.
    pub topology_change_ack: bool,
}

/// What configuration and RST BPDUs have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vector {
    /// See [`Flags`].
    pub flags: Flags,
    /// The root, as the sender knows it.
    pub root: BridgeId,
    /// What the way there costs from the sender.
    pub root_path_cost: u32,
    /// The sender.
    pub bridge: BridgeId,
    /// The port that it was sent out of.
    pub port: PortId,
    /// How old the root's information is.
    pub message_age: Ticks,
    /// How old it may become.
    pub max_age: Ticks,
    /// From one of the root's BPDUs to the next.
    pub hello_time: Ticks,
    /// How long ports listen, and learn.
    pub forward_delay: Ticks,
}

/// A BPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bpdu {
    /// Configuration (802.1D-1998).
    Config(Vector),
    /// Topology change notification (802.1D-1998).
    TopologyChange,
    /// Rapid spanning tree (802.1D-2004).
    Rst(Vector),
}

impl BridgeId {
    /// The identifier of a priority and an address.
    pub fn new(priority: u16, address: MacAddr) -> Self {
        Self(u64::from(priority) << 48 | address.as_u64())
    }

    /// Its priority.
    pub const fn priority(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// Its address.
    pub fn address(self) -> MacAddr {
        MacAddr::from_u64(self.0 & 0xffff_ffff_ffff)
    }
}
