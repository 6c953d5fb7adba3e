//! What a bridge and its ports are told.

use packet::wire::bpdu::BridgeId;
use sim_core::Duration;

/// The number of a port within its bridge, from 1 (802.1D-2004 section 9.2.7: 12 bits, 8 of them in STP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortNumber(pub u16);

/// What a bridge is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BridgeConfig {
    /// Its priority and address.
    pub id: BridgeId,
    /// From one BPDU of the root to the next; 1 to 10 s.
    pub hello_time: Duration,
    /// How long what was heard holds; 6 to 40 s.
    pub max_age: Duration,
    /// How long a port listens, and learns; 4 to 30 s.
    pub forward_delay: Duration,
    /// BPDUs that a port may send within a second; RSTP only, 1 to 10.
    pub transmit_hold_count: u8,
    /// Whether RSTP behaves as STP (`force-protocol-version` of 0).
    pub force_stp: bool,
}

impl BridgeConfig {
    /// The same with its times within the limits of 802.1D-1998 (table 8-3 and section 8.10.2): information has to
    /// outlive two hellos, and ports to wait until what is older has gone.
    #[must_use]
    pub fn clamped(self) -> Self {
        let second = Duration::from_secs(1);
        let hello_time = self.hello_time.clamp(second, second * 10);
        let max_age = self.max_age.clamp(((hello_time + second) * 2).max(second * 6), second * 40);
        let half = Duration::from_nanos(max_age.as_nanos() / 2);
        Self { hello_time, max_age, forward_delay: self.forward_delay.clamp(half + second, second * 30), ..self }
    }
}

/// What a port is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// Its priority, the high bits of its identifier: 0 to 255 in STP; in RSTP 0 to 240 in steps of 16.
    pub priority: u8,
    /// What a path over it costs, from 1.
    pub path_cost: u32,
    /// Whether it is known to lead to a station: it forwards at once until a BPDU comes (RSTP).
    pub admin_edge: bool,
    /// Whether it finds out by itself that it leads to a station (RSTP).
    pub auto_edge: bool,
    /// Whether it leads to one other bridge at most, so that it may be agreed with (RSTP).
    pub point_to_point: bool,
    /// What it doesn't accept from the other side.
    pub guard: Guard,
}

/// What a port doesn't accept from the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// No BPDU at all: one that comes disables the port until its link went down or its configuration changed.
    pub bpdu: bool,
    /// No better root: while one is heard there, the port blocks.
    pub root: bool,
}
