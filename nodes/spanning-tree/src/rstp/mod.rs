//! RSTP: IEEE 802.1D-2004, clause 17.
//!
//! The standard's machines are here by their names and with their variables, and run until none of them moves. What
//! it leaves to the order in which they run, is decided so that a bridge sends nothing that is out of date in the
//! same instant: information and roles first, then roles' transitions until they rest, BPDUs last.
//!
//! | module | clause |
//! | --- | --- |
//! | `vector` | 17.5, 17.6: priority vectors |
//! | `times` | 17.13: figures; the times that BPDUs carry |
//! | `timers` | 17.17, 17.22: timers |
//! | `port` | 17.19: what is kept for each port |
//! | `receive` | 17.23: what comes in, and the guards |
//! | `migration` | 17.24: neighbours that speak STP |
//! | `detection` | 17.25: edge ports |
//! | `transmit` | 17.26: what goes out |
//! | `information` | 17.27: what is known of the root |
//! | `selection` | 17.28: roles |
//! | `transitions` | 17.29, 17.30: how a port comes to its role, and what it does with frames then |
//! | `topology_change` | 17.31: when stations are forgotten |
//!
//! Beyond the standard are the two guards, that a port which hears itself blocks, and that an agreement counts only
//! with what the port says now. A port with root guard which
//! hears a BPDU that supersedes its own stays designated, keeps its own vector and sends it, but blocks until no such
//! BPDU has come for three of that BPDU's hello times. A port with BPDU guard is disabled by any BPDU until its link
//! goes down or its configuration changes.
//!
//! What the standard doesn't exclude: when the root is lost, what was known of it may chase itself around a ring of
//! bridges until it is older than Max Age, at a bridge a second once TxHoldCount is used up. Meanwhile agreements with
//! old information can cross, and frames run in a circle until the next BPDU.
//!
//! Left out: the management of clause 14 but for what [`BridgeStatus`] and [`PortStatus`] tell, and the shorter
//! ageing of stations in place of a flush where STP is forced (17.19.1): stations are flushed then, too.

mod detection;
mod information;
mod migration;
mod port;
mod receive;
mod selection;
mod timers;
mod times;
mod topology_change;
mod transitions;
mod transmit;
mod vector;

use crate::{BridgeConfig, BridgeStatus, Output, PortConfig, PortNumber, PortStatus, State};
use packet::wire::bpdu::{Bpdu, BridgeId, PortId};
use port::Port;
use sim_core::Time;
use timers::Timer;
use times::{TRANSMIT_INTERVAL, Times, span};
use vector::Priority;

/// Rounds of the machines after one input. Five are the most that the tests see; what doesn't rest goes on a second
/// later.
const ROUNDS: usize = 64;

/// A bridge.
#[derive(Debug)]
pub struct Bridge {
    config: BridgeConfig,
    /// In the order of their numbers.
    ports: Vec<Port>,
    /// Whether roles have to be selected again.
    reselect: bool,
    /// rootPriority (17.18.6), and who told it.
    root_priority: Priority,
    root_port: Option<PortId>,
    /// rootTimes (17.18.7).
    root_times: Times,
    is_changing: bool,
    changes: u32,
    last_change: Option<Time>,
    next_wake: Time,
}

impl Bridge {
    /// A bridge without ports, which takes itself for the root.
    pub fn new(config: BridgeConfig) -> Self {
        Self {
            config,
            ports: Vec::new(),
            reselect: false,
            root_priority: own_priority(config.id),
            root_port: None,
            root_times: Times::of_bridge(&config),
            is_changing: false,
            changes: 0,
            last_change: None,
            next_wake: Time::NEVER,
        }
    }

    /// Changes what the bridge is told. Another version starts it afresh (17.13.4).
    pub fn configure(&mut self, now: Time, config: BridgeConfig, out: &mut Vec<Output>) {
        let old = std::mem::replace(&mut self.config, config);
        if old.force_stp != config.force_stp {
            for port in &mut self.ports {
                if port.learn {
                    out.push(Output::Flush(port.number));
                }
                *port = Port {
                    has_link: port.has_link,
                    is_shut: port.is_shut,
                    state: port.state,
                    since: port.since,
                    counters: port.counters,
                    ..Port::new(now, port.number, port.config, !config.force_stp)
                };
            }
        }
        if old.transmit_hold_count != config.transmit_hold_count {
            self.ports.iter_mut().for_each(|port| port.tx_count = 0);
        }
        self.reselect = true;
        self.run(now, out);
    }

    /// Adds a port, whose link is down, or changes what it is told.
    pub fn set_port(&mut self, now: Time, port: PortNumber, config: PortConfig, out: &mut Vec<Output>) {
        let speaks_rstp = self.speaks_rstp();
        match self.ports.binary_search_by_key(&port, |port| port.number) {
            Ok(index) if self.ports[index].config == config => return,
            Ok(index) => self.ports[index].reconfigure(config),
            Err(index) => self.ports.insert(index, Port::new(now, port, config, speaks_rstp)),
        }
        self.reselect = true;
        self.run(now, out);
    }

    /// Removes a port, as if its link had gone down before.
    pub fn remove_port(&mut self, now: Time, port: PortNumber, out: &mut Vec<Output>) {
        self.set_link(now, port, false, out);
        self.ports.retain(|other| other.number != port);
        self.schedule(now);
    }

    /// The port's link came up or went down.
    pub fn set_link(&mut self, now: Time, port: PortNumber, is_up: bool, out: &mut Vec<Output>) {
        let Some(index) = self.index(port) else { return };
        let port = &mut self.ports[index];
        port.has_link = is_up;
        port.is_shut &= is_up;
        self.run(now, out);
    }

    /// A BPDU came in. What can't be read is counted with [`Bridge::count_error`].
    pub fn receive(&mut self, now: Time, port: PortNumber, bpdu: &Bpdu, out: &mut Vec<Output>) {
        let Some(index) = self.index(port) else { return };
        let was_shut = self.ports[index].is_shut;
        self.hear(now, index, bpdu);
        self.run(now, out);
        if self.ports[index].is_shut && !was_shut {
            out.push(Output::BpduGuard(port));
        }
    }

    /// Counts a BPDU that couldn't be read.
    pub fn count_error(&mut self, port: PortNumber) {
        if let Some(index) = self.index(port) {
            self.ports[index].counters.errors += 1;
        }
    }

    /// Says that the topology has changed, as if a port had.
    pub fn notify_change(&mut self, now: Time, out: &mut Vec<Output>) {
        self.ports.iter_mut().for_each(|port| port.tc_prop = true);
        self.run(now, out);
    }

    /// Asks whether a port's neighbour speaks RSTP by now: sets mcheck (17.19.13).
    pub fn check_migration(&mut self, now: Time, port: PortNumber, out: &mut Vec<Output>) {
        if let Some(index) = self.index(port)
            && self.speaks_rstp()
        {
            self.ports[index].mcheck = true;
            self.run(now, out);
        }
    }

    /// [`Bridge::next_wake`] has come. Spurious calls are harmless.
    pub fn wake(&mut self, now: Time, out: &mut Vec<Output>) {
        self.run(now, out);
    }

    /// When [`Bridge::wake`] is due, in O(1).
    #[inline]
    pub const fn next_wake(&self) -> Time {
        self.next_wake
    }

    /// What the bridge tells. Changes of the topology are counted from the first port that notices to the last.
    pub fn status(&self, now: Time) -> BridgeStatus {
        BridgeStatus {
            id: self.config.id,
            root: self.root_priority.root,
            root_path_cost: self.root_priority.root_path_cost,
            designated: (self.root_priority.bridge, self.root_priority.port),
            root_port: self.root_port,
            hello_time: span(self.root_times.hello_time),
            max_age: span(self.root_times.max_age),
            forward_delay: span(self.root_times.forward_delay),
            is_changing: self.has_changing_port(now),
            changes: self.changes,
            last_change: self.last_change,
        }
    }

    /// What a port tells.
    pub fn port_status(&self, port: PortNumber) -> Option<PortStatus> {
        let port = &self.ports[self.index(port)?];
        Some(PortStatus {
            id: port.id(),
            role: port.role,
            state: port.state,
            since: port.since,
            path_cost: port.config.path_cost,
            designated_root: port.priority.root,
            designated_cost: port.priority.root_path_cost,
            designated_bridge: port.priority.bridge,
            designated_port: port.priority.port,
            is_edge: port.oper_edge,
            speaks_stp: !port.send_rstp,
            is_guarded: port.is_shut || port.is_refusing,
            counters: port.counters,
        })
    }

    /// The ports, in the order of their numbers.
    pub fn ports(&self) -> Vec<PortNumber> {
        self.ports.iter().map(|port| port.number).collect()
    }

    fn index(&self, port: PortNumber) -> Option<usize> {
        self.ports.binary_search_by_key(&port, |port| port.number).ok()
    }

    /// rstpVersion (17.20.11).
    const fn speaks_rstp(&self) -> bool {
        !self.config.force_stp
    }

    /// Lets the machines run until they rest.
    fn run(&mut self, now: Time, out: &mut Vec<Output>) {
        self.update_information(now);
        if std::mem::take(&mut self.reselect) {
            self.select_roles();
        }
        let rests = (0..ROUNDS).any(|_| {
            let mut moved = false;
            for index in 0..self.ports.len() {
                moved |= self.move_port(now, index, out);
            }
            !moved
        });
        for index in 0..self.ports.len() {
            self.transmit(now, index, out);
        }
        let is_changing = self.has_changing_port(now);
        if is_changing && !self.is_changing {
            self.changes = self.changes.saturating_add(1);
            self.last_change = Some(now);
        }
        self.is_changing = is_changing;
        self.schedule(now);
        if !rests {
            self.next_wake = self.next_wake.min(now + TRANSMIT_INTERVAL);
        }
    }

    /// One round of a port's machines; whether one of them moved.
    fn move_port(&mut self, now: Time, index: usize, out: &mut Vec<Output>) -> bool {
        let speaks_rstp = self.speaks_rstp();
        let port = &mut self.ports[index];
        let mut moved = port.detect_bridge(now);
        moved |= port.migrate(now, speaks_rstp);
        moved |= self.move_role(now, index);
        moved |= self.ports[index].tell_state(now, out);
        moved | self.move_topology(now, index, out)
    }

    fn has_changing_port(&self, now: Time) -> bool {
        self.ports.iter().any(|port| !port.timers.has_expired(Timer::TopologyChange, now))
    }

    fn schedule(&mut self, now: Time) {
        self.next_wake = self.ports.iter().map(|port| port.timers.next(now)).min().unwrap_or(Time::NEVER);
    }
}

impl Port {
    fn reconfigure(&mut self, config: PortConfig) {
        if config.admin_edge != self.config.admin_edge {
            self.oper_edge = config.admin_edge;
        }
        self.is_shut = false;
        if !config.guard.root {
            self.timers.stop(Timer::Refusal);
        }
        self.config = config;
    }

    /// Says what the port does with frames from now on, if that is something else.
    fn tell_state(&mut self, now: Time, out: &mut Vec<Output>) -> bool {
        let state = self.current_state();
        if state == self.state {
            return false;
        }
        self.counters.forwarded += u64::from(state == State::Forwarding);
        self.state = state;
        self.since = now;
        out.push(Output::State(self.number, state));
        true
    }
}

/// The vector of a bridge that takes itself for the root: BridgePriority (17.18.3).
const fn own_priority(id: BridgeId) -> Priority {
    Priority { root: id, root_path_cost: 0, bridge: id, port: PortId(0) }
}
