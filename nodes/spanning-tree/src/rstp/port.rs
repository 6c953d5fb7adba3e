//! What a bridge keeps for each port: IEEE 802.1D-2004 clause 17.19.

use super::timers::Timers;
use super::times::Times;
use super::vector::{Priority, port_id};
use crate::{PortConfig, PortCounters, PortNumber, Role, State};
use packet::wire::bpdu::PortId;
use sim_core::Time;

/// Where a port's vector comes from: infoIs (17.19.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Information {
    /// The port takes no part.
    Disabled,
    /// It was received, and nobody repeated it.
    Aged,
    /// It is the bridge's own.
    Mine,
    /// It was received.
    Received,
}

/// Which version a port speaks is decided in three states (17.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Migration {
    /// It speaks RSTP and waits for the answer.
    Checking,
    /// It speaks STP and doesn't ask yet.
    Selecting,
    /// It listens to what the others speak.
    Sensing,
}

/// What a port has to do with changes of the topology (17.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TopologyChange {
    /// Nothing is learnt there.
    Inactive,
    /// Stations are learnt, or were.
    Learning,
    /// Frames are forwarded between bridges.
    Active,
}

/// A port.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) number: PortNumber,
    pub(super) config: PortConfig,
    pub(super) has_link: bool,
    /// Whether its guard disabled it.
    pub(super) is_shut: bool,
    pub(super) timers: Timers,

    pub(super) information: Information,
    /// portPriority, portTimes: in force on the link.
    pub(super) priority: Priority,
    pub(super) times: Times,
    /// designatedPriority, designatedTimes: what the port would tell if it were designated.
    pub(super) designated_priority: Priority,
    pub(super) designated_times: Times,

    pub(super) role: Role,
    pub(super) selected_role: Role,
    pub(super) learn: bool,
    pub(super) forward: bool,
    pub(super) agree: bool,
    pub(super) agreed: bool,
    pub(super) proposed: bool,
    pub(super) proposing: bool,
    pub(super) disputed: bool,
    /// Whether it blocks for what it doesn't accept.
    pub(super) is_refusing: bool,
    pub(super) sync: bool,
    pub(super) synced: bool,
    pub(super) re_root: bool,

    pub(super) oper_edge: bool,
    pub(super) migration: Migration,
    pub(super) mcheck: bool,
    pub(super) send_rstp: bool,
    pub(super) rcvd_rstp: bool,
    pub(super) rcvd_stp: bool,

    pub(super) topology_change: TopologyChange,
    pub(super) rcvd_tc: bool,
    pub(super) rcvd_tcn: bool,
    pub(super) rcvd_tc_ack: bool,
    pub(super) tc_ack: bool,
    pub(super) tc_prop: bool,

    pub(super) new_info: bool,
    pub(super) tx_count: u8,

    /// What was last told of it, and when.
    pub(super) state: State,
    pub(super) since: Time,
    pub(super) counters: PortCounters,
}

impl Port {
    /// A port without a link.
    pub(super) fn new(now: Time, number: PortNumber, config: PortConfig, speaks_rstp: bool) -> Self {
        Self {
            number,
            config,
            has_link: false,
            is_shut: false,
            timers: Timers::new(),
            information: Information::Disabled,
            priority: Priority::default(),
            times: Times::default(),
            designated_priority: Priority::default(),
            designated_times: Times::default(),
            role: Role::Disabled,
            selected_role: Role::Disabled,
            learn: false,
            forward: false,
            agree: false,
            agreed: false,
            proposed: false,
            proposing: false,
            disputed: false,
            is_refusing: false,
            sync: false,
            synced: true,
            re_root: false,
            oper_edge: config.admin_edge,
            migration: Migration::Checking,
            mcheck: false,
            send_rstp: speaks_rstp,
            rcvd_rstp: false,
            rcvd_stp: false,
            topology_change: TopologyChange::Inactive,
            rcvd_tc: false,
            rcvd_tcn: false,
            rcvd_tc_ack: false,
            tc_ack: false,
            tc_prop: false,
            new_info: false,
            tx_count: 0,
            state: State::Disabled,
            since: now,
            counters: PortCounters::default(),
        }
    }

    /// portId (17.19.19).
    pub(super) fn id(&self) -> PortId {
        port_id(self.config.priority, self.number.0)
    }

    /// portEnabled (17.19.18).
    pub(super) const fn is_enabled(&self) -> bool {
        self.has_link && !self.is_shut
    }

    /// What the port does with frames, as far as the machines have come. The standard's learning and forwarding
    /// (17.19.9, 17.19.12) follow learn and forward at once here (17.30).
    pub(super) const fn current_state(&self) -> State {
        match (self.is_enabled(), self.learn, self.forward) {
            (false, ..) => State::Disabled,
            (true, _, true) => State::Forwarding,
            (true, true, false) => State::Learning,
            (true, false, false) => State::Blocking,
        }
    }
}
