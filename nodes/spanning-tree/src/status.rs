//! What a bridge and its ports tell.

use packet::wire::bpdu::{BridgeId, PortId};
use sim_core::{Duration, Time};

/// What a port does with frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Its link is down, or it is shut.
    #[default]
    Disabled,
    /// BPDUs only. RSTP calls this discarding, as it does [`State::Listening`].
    Blocking,
    /// BPDUs only, and on its way to forwarding (STP).
    Listening,
    /// Learns stations, forwards nothing.
    Learning,
    /// Learns and forwards.
    Forwarding,
}

/// What a port is to the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It takes no part.
    #[default]
    Disabled,
    /// The way to the root.
    Root,
    /// The way to the root for what hangs on it.
    Designated,
    /// Another way to the root.
    Alternate,
    /// Another port to where this bridge is designated already.
    Backup,
}

/// What a bridge tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BridgeStatus {
    /// The bridge.
    pub id: BridgeId,
    /// The root that it knows of.
    pub root: BridgeId,
    /// What the way there costs; 0 at the root.
    pub root_path_cost: u32,
    /// Who is designated on the root port's link, and by which port; the bridge itself at the root.
    pub designated: (BridgeId, PortId),
    /// The identifier of the root port, if the bridge isn't the root.
    pub root_port: Option<PortId>,
    /// The times that are in force: the root's.
    pub hello_time: Duration,
    /// See [`BridgeStatus::hello_time`].
    pub max_age: Duration,
    /// See [`BridgeStatus::hello_time`].
    pub forward_delay: Duration,
    /// Whether the topology is changing: stations age faster.
    pub is_changing: bool,
    /// How many changes of the topology there have been.
    pub changes: u32,
    /// When the last one was.
    pub last_change: Option<Time>,
}

/// What a port tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortStatus {
    /// The port.
    pub id: PortId,
    /// What it is to the tree.
    pub role: Role,
    /// What it does with frames.
    pub state: State,
    /// Since when.
    pub since: Time,
    /// What a path over it costs.
    pub path_cost: u32,
    /// The root, as it is known on the port's link.
    pub designated_root: BridgeId,
    /// What the way there costs from the designated bridge.
    pub designated_cost: u32,
    /// Who is designated on the link.
    pub designated_bridge: BridgeId,
    /// By which port.
    pub designated_port: PortId,
    /// Whether it leads to a station, as far as is known (RSTP).
    pub is_edge: bool,
    /// Whether what is connected speaks STP only (RSTP).
    pub speaks_stp: bool,
    /// Whether a guard holds it.
    pub is_guarded: bool,
    /// What went through.
    pub counters: PortCounters,
}

/// BPDUs of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Sent.
    pub tx: u64,
    /// Received, those in error not included.
    pub rx: u64,
    /// Received in error.
    pub errors: u64,
    /// How often the port began to forward.
    pub forwarded: u64,
}
