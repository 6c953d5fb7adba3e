//! A port's variables (802.1D-1998 section 8.5.5).

use super::timer::PortTimers;
use crate::{PortConfig, PortCounters, PortNumber, Role, State};
use packet::wire::bpdu::{BridgeId, PortId};
use sim_core::Time;

/// Who is designated on a link, and how good that is. The least is the best (section 8.6.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Designated {
    pub(super) root: BridgeId,
    pub(super) cost: u32,
    pub(super) bridge: BridgeId,
    pub(super) port: PortId,
}

/// A port.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) config: PortConfig,
    pub(super) id: PortId,
    pub(super) has_link: bool,
    /// Whether its guard shut it since a BPDU came.
    pub(super) is_shut: bool,
    pub(super) state: State,
    pub(super) since: Time,
    pub(super) designated: Designated,
    /// Whether the next BPDU tells that the notification was heard.
    pub(super) acknowledges: bool,
    /// Whether a BPDU is to be sent as soon as that is allowed.
    pub(super) is_pending: bool,
    pub(super) timers: PortTimers,
    pub(super) counters: PortCounters,
}

impl Port {
    /// A port without a link.
    pub(super) fn new(now: Time, number: PortNumber, config: PortConfig, bridge: BridgeId) -> Self {
        let id = port_id(number, &config);
        Self {
            config,
            id,
            has_link: false,
            is_shut: false,
            state: State::Disabled,
            since: now,
            designated: Designated { root: bridge, cost: 0, bridge, port: id },
            acknowledges: false,
            is_pending: false,
            timers: PortTimers::default(),
            counters: PortCounters::default(),
        }
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.state != State::Disabled
    }

    /// Whether its guard blocks it since a better root was heard there.
    pub(super) fn is_guarded(&self) -> bool {
        self.timers.guard.is_running()
    }

    /// Whether the bridge with this identifier is designated on its link, by this port.
    pub(super) fn is_designated(&self, bridge: BridgeId) -> bool {
        self.designated.bridge == bridge && self.designated.port == self.id
    }

    /// What a way to the root over it costs.
    pub(super) fn root_path_cost(&self) -> u32 {
        self.designated.cost.saturating_add(self.config.path_cost)
    }

    /// How good a root port it would be; the least is the best (section 8.6.8.3.1).
    pub(super) fn as_root(&self) -> (BridgeId, u32, BridgeId, PortId, PortId) {
        let Designated { root, bridge, port, .. } = self.designated;
        (root, self.root_path_cost(), bridge, port, self.id)
    }

    pub(super) fn role(&self, bridge: BridgeId, is_root_port: bool) -> Role {
        match () {
            () if !self.is_enabled() => Role::Disabled,
            () if is_root_port => Role::Root,
            () if self.is_designated(bridge) => Role::Designated,
            () if self.designated.bridge == bridge => Role::Backup,
            () => Role::Alternate,
        }
    }
}

/// The identifier of a port: priority, then number.
pub(super) fn port_id(number: PortNumber, config: &PortConfig) -> PortId {
    PortId(u16::from(config.priority) << 8 | number.0 & 0xff)
}
