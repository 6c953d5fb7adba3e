//! IEEE 802.1D-1998, clause 8: the spanning tree algorithm and protocol.
//!
//! [`Bridge`] has the operations of its owner, `procedures` the elements of procedure (section 8.6), `port` and `timer`
//! the variables. A message's age grows by 1/256 s at each bridge beside the time that it was there, as in Open vSwitch
//! and Linux: with the second of the standard's example no network could have more than 20 bridges in a row.
//!
//! What the standard leaves to the bridge: a port that gets a link sends at once instead of with the next hello, if it
//! is designated. When the topology changes, what was learnt is flushed on all ports, once for each change that is
//! detected here or begins to be told by the root. Beside it the owner is to age stations within the forward delay as
//! long as [`BridgeStatus::is_changing`] (section 8.3.5).

mod port;
mod procedures;
mod timer;

use crate::{BridgeConfig, BridgeStatus, Output, PortConfig, PortNumber, PortStatus, State};
use packet::wire::bpdu::{Bpdu, BridgeId, PortId};
use port::{Port, port_id};
use sim_core::{Duration, Time};
use std::collections::BTreeMap;
use timer::BridgeTimers;

/// A bridge.
#[derive(Debug)]
pub struct Bridge {
    id: BridgeId,
    /// What is in force when this bridge is the root.
    own_times: Times,
    /// What is in force.
    times: Times,
    root: BridgeId,
    root_path_cost: u32,
    root_port: Option<PortNumber>,
    /// Whether a change was detected that the root hasn't heard of yet; at the root, that it tells of.
    change_detected: bool,
    /// Whether the root tells of a change.
    topology_change: bool,
    timers: BridgeTimers,
    ports: BTreeMap<PortNumber, Port>,
    next_wake: Time,
    changes: u32,
    last_change: Option<Time>,
}

/// The times that the root sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    hello: Duration,
    max_age: Duration,
    forward_delay: Duration,
}

impl Times {
    /// What a bridge is told, within the standard's limits.
    fn new(config: BridgeConfig) -> Self {
        let BridgeConfig { hello_time, max_age, forward_delay, .. } = config.clamped();
        Self { hello: hello_time, max_age, forward_delay }
    }
}

impl Bridge {
    /// A bridge without ports, which takes itself for the root.
    pub fn new(config: BridgeConfig) -> Self {
        let times = Times::new(config);
        Self {
            id: config.id,
            own_times: times,
            times,
            root: config.id,
            root_path_cost: 0,
            root_port: None,
            change_detected: false,
            topology_change: false,
            timers: BridgeTimers::default(),
            ports: BTreeMap::new(),
            next_wake: Time::NEVER,
            changes: 0,
            last_change: None,
        }
    }

    /// Changes what the bridge is told (sections 8.8.4 and 8.10).
    pub fn configure(&mut self, now: Time, config: BridgeConfig, out: &mut Vec<Output>) {
        self.own_times = Times::new(config);
        if config.id != self.id {
            let was_root = self.is_root();
            let old = std::mem::replace(&mut self.id, config.id);
            for port in self.ports.values_mut().filter(|port| port.is_designated(old)) {
                port.designated.bridge = config.id;
            }
            self.configuration_update();
            self.port_state_selection(now, out);
            self.follow_root(was_root, now, out);
        }
        if self.is_root() {
            self.times = self.own_times;
        }
        self.finish(now, out);
    }

    /// Adds a port, whose link is down, or changes what it is told (sections 8.8.5 and 8.8.6).
    pub fn set_port(&mut self, now: Time, number: PortNumber, config: PortConfig, out: &mut Vec<Output>) {
        let bridge = self.id;
        let Some(port) = self.ports.get_mut(&number) else {
            self.ports.insert(number, Port::new(now, number, config, bridge));
            return;
        };
        if port.config == config {
            return;
        }
        let was_designated = port.is_designated(bridge);
        (port.config, port.id) = (config, port_id(number, &config));
        if was_designated {
            port.designated.port = port.id;
        }
        if !config.guard.root {
            port.timers.guard.stop();
        }
        if std::mem::take(&mut port.is_shut) && port.has_link {
            self.enable_port(number, now, out);
        }
        let was_root = self.is_root();
        self.configuration_update();
        self.port_state_selection(now, out);
        self.follow_root(was_root, now, out);
        self.finish(now, out);
    }

    /// Removes a port.
    pub fn remove_port(&mut self, now: Time, number: PortNumber, out: &mut Vec<Output>) {
        self.disable_port(number, now, out);
        self.ports.remove(&number);
        self.finish(now, out);
    }

    /// The port's link came up or went down (sections 8.8.2 and 8.8.3).
    pub fn set_link(&mut self, now: Time, number: PortNumber, is_up: bool, out: &mut Vec<Output>) {
        let Some(port) = self.ports.get_mut(&number) else { return };
        if port.has_link == is_up {
            return;
        }
        port.has_link = is_up;
        if is_up {
            self.enable_port(number, now, out);
        } else {
            port.is_shut = false;
            self.disable_port(number, now, out);
        }
        self.finish(now, out);
    }

    /// A BPDU came in. One of RSTP is an error here: whoever speaks it changes to STP by itself.
    pub fn receive(&mut self, now: Time, number: PortNumber, bpdu: &Bpdu, out: &mut Vec<Output>) {
        let Some(port) = self.ports.get_mut(&number).filter(|port| port.is_enabled()) else { return };
        if port.config.guard.bpdu {
            port.counters.rx += 1;
            port.is_shut = true;
            self.disable_port(number, now, out);
            out.push(Output::BpduGuard(number));
        } else {
            match bpdu {
                Bpdu::Rst(_) => port.counters.errors += 1,
                Bpdu::Config(vector) => {
                    port.counters.rx += 1;
                    self.received_config(number, vector, now, out);
                }
                Bpdu::TopologyChange => {
                    port.counters.rx += 1;
                    self.received_notification(number, now, out);
                }
            }
        }
        self.finish(now, out);
    }

    /// Counts a BPDU that couldn't be read.
    pub fn count_error(&mut self, port: PortNumber) {
        if let Some(port) = self.ports.get_mut(&port) {
            port.counters.errors += 1;
        }
    }

    /// Says that the topology has changed, as if a port had.
    pub fn notify_change(&mut self, now: Time, out: &mut Vec<Output>) {
        self.topology_change_detection(now, out);
        self.finish(now, out);
    }

    /// Does what is due (section 8.7).
    pub fn wake(&mut self, now: Time, out: &mut Vec<Output>) {
        self.finish(now, out);
    }

    /// When [`Bridge::wake`] is due.
    #[inline]
    pub fn next_wake(&self) -> Time {
        self.next_wake
    }

    /// What the bridge tells.
    pub fn status(&self, _now: Time) -> BridgeStatus {
        let root_port = self.root_port.and_then(|number| self.ports.get(&number));
        BridgeStatus {
            id: self.id,
            root: self.root,
            root_path_cost: self.root_path_cost,
            designated: root_port.map_or((self.id, PortId(0)), |port| (port.designated.bridge, port.designated.port)),
            root_port: root_port.map(|port| port.id),
            hello_time: self.times.hello,
            max_age: self.times.max_age,
            forward_delay: self.times.forward_delay,
            is_changing: self.topology_change,
            changes: self.changes,
            last_change: self.last_change,
        }
    }

    /// What a port tells.
    pub fn port_status(&self, number: PortNumber) -> Option<PortStatus> {
        let port = self.ports.get(&number)?;
        Some(PortStatus {
            id: port.id,
            role: port.role(self.id, self.root_port == Some(number)),
            state: port.state,
            since: port.since,
            path_cost: port.config.path_cost,
            designated_root: port.designated.root,
            designated_cost: port.designated.cost,
            designated_bridge: port.designated.bridge,
            designated_port: port.designated.port,
            is_edge: false,
            speaks_stp: true,
            is_guarded: port.is_shut || port.is_guarded(),
            counters: port.counters,
        })
    }

    /// The ports, in the order of their numbers.
    pub fn ports(&self) -> Vec<PortNumber> {
        self.ports.keys().copied().collect()
    }

    fn is_root(&self) -> bool {
        self.root == self.id
    }

    /// Does what is due, as it may be since the root made a time shorter, and finds the next time-out. A forward delay
    /// of nothing takes two rounds.
    fn finish(&mut self, now: Time, out: &mut Vec<Output>) {
        self.next_wake = self.next_due();
        while self.next_wake <= now {
            self.expire(now, out);
            self.next_wake = self.next_due();
        }
    }

    fn next_due(&self) -> Time {
        let Times { max_age, forward_delay, hello } = self.times;
        let BridgeTimers { hello: next, notification, topology_change } = &self.timers;
        let own =
            [next.due(hello), notification.due(self.own_times.hello), topology_change.due(max_age + forward_delay)];
        let of_ports =
            self.ports.values().filter(|port| port.is_enabled()).flat_map(|Port { timers, is_pending, .. }| {
                [
                    timers.message_age.due(max_age),
                    timers.forward_delay.due(forward_delay),
                    if *is_pending { timers.hold.due(procedures::HOLD_TIME) } else { Time::NEVER },
                    timers.guard.due(max_age),
                ]
            });
        own.into_iter().chain(of_ports).min().unwrap_or(Time::NEVER)
    }

    /// A port starts to take part, blocked at first.
    fn enable_port(&mut self, number: PortNumber, now: Time, out: &mut Vec<Output>) {
        self.initialize_port(number, State::Blocking, now, out);
        self.port_state_selection(now, out);
        if self.is_root() && !self.timers.hello.is_running() {
            self.timers.hello.start(now, Duration::ZERO);
        }
        if self.ports.get(&number).is_some_and(|port| port.is_designated(self.id)) {
            self.transmit_config(number, now, out);
        }
    }

    /// A port takes part no more.
    fn disable_port(&mut self, number: PortNumber, now: Time, out: &mut Vec<Output>) {
        if !self.ports.get(&number).is_some_and(Port::is_enabled) {
            return;
        }
        let was_root = self.is_root();
        self.initialize_port(number, State::Disabled, now, out);
        out.push(Output::Flush(number));
        self.configuration_update();
        self.port_state_selection(now, out);
        self.follow_root(was_root, now, out);
        if !self.ports.values().any(Port::is_enabled) {
            self.timers = BridgeTimers::default();
            (self.change_detected, self.topology_change) = (false, false);
        }
    }
}
