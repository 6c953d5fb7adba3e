//! The elements of procedure (802.1D-1998 section 8.6) and what time-outs do (section 8.7), under the standard's names.

use super::port::{Designated, Port};
use super::{Bridge, Times};
use crate::{Output, PortNumber, State};
use packet::wire::bpdu::{Bpdu, Flags, Ticks, Vector};
use sim_core::{Duration, Time};

/// The least time between two configuration BPDUs of a port.
pub(super) const HOLD_TIME: Duration = Duration::from_secs(1);
/// What a message ages at a bridge beside the time that it is there.
const MESSAGE_AGE_INCREMENT: Ticks = Ticks(1);

impl Bridge {
    /// 8.6.1.
    pub(super) fn transmit_config(&mut self, number: PortNumber, now: Time, out: &mut Vec<Output>) {
        let message_age = match self.root_port.and_then(|root_port| self.ports.get(&root_port)) {
            Some(root_port) => {
                let age = Ticks::from_nanos(root_port.timers.message_age.value(now).as_nanos());
                Ticks(age.0.saturating_add(MESSAGE_AGE_INCREMENT.0))
            }
            None => Ticks(0),
        };
        let Some(port) = self.ports.get_mut(&number) else { return };
        if port.timers.hold.is_running() && port.timers.hold.due(HOLD_TIME) > now {
            port.is_pending = true;
            return;
        }
        let ticks = |span: Duration| Ticks::from_nanos(span.as_nanos());
        let vector = Vector {
            flags: Flags {
                topology_change: self.topology_change,
                topology_change_ack: port.acknowledges,
                ..Flags::default()
            },
            root: self.root,
            root_path_cost: self.root_path_cost,
            bridge: self.id,
            port: port.id,
            message_age,
            max_age: ticks(self.times.max_age),
            hello_time: ticks(self.times.hello),
            forward_delay: ticks(self.times.forward_delay),
        };
        if vector.is_expired() {
            return;
        }
        (port.acknowledges, port.is_pending) = (false, false);
        port.counters.tx += 1;
        port.timers.hold.start(now, Duration::ZERO);
        out.push(Output::Send(number, Bpdu::Config(vector)));
    }

    /// 8.6.4.
    fn config_bpdu_generation(&mut self, now: Time, out: &mut Vec<Output>) {
        let designated = |port: &Port| port.is_enabled() && port.is_designated(self.id);
        for number in self.numbers_where(designated) {
            self.transmit_config(number, now, out);
        }
    }

    /// 8.6.6.
    fn transmit_notification(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(number) = self.root_port else { return };
        if let Some(port) = self.ports.get_mut(&number) {
            port.counters.tx += 1;
            out.push(Output::Send(number, Bpdu::TopologyChange));
        }
        self.timers.notification.start(now, Duration::ZERO);
    }

    /// 8.6.7.
    pub(super) fn configuration_update(&mut self) {
        self.root_selection();
        self.designated_port_selection();
    }

    /// 8.6.8. A port that its guard holds doesn't lead to a root, nor does one that has to have none.
    fn root_selection(&mut self) {
        let candidates = self.ports.iter().filter(|(_, port)| {
            let is_to_root = port.is_enabled() && !port.is_designated(self.id) && !port.config.guard.root;
            is_to_root && port.designated.root < self.id
        });
        let best = candidates.min_by_key(|(_, port)| port.as_root());
        let found = best.map(|(number, port)| (*number, port.designated.root, port.root_path_cost()));
        (self.root_port, self.root, self.root_path_cost) = match found {
            Some((number, root, cost)) => (Some(number), root, cost),
            None => (None, self.id, 0),
        };
    }

    /// 8.6.9.
    fn designated_port_selection(&mut self) {
        let (root, cost, bridge) = (self.root, self.root_path_cost, self.id);
        for port in self.ports.values_mut().filter(|port| port.is_enabled()) {
            let offer = Designated { root, cost, bridge, port: port.id };
            let is_better = port.is_designated(bridge)
                || port.designated.root != root
                || port.config.guard.root
                || offer <= port.designated;
            if is_better {
                port.designated = offer;
            }
        }
    }

    /// 8.6.10.
    fn become_designated(&mut self, number: PortNumber) {
        let (root, cost, bridge) = (self.root, self.root_path_cost, self.id);
        if let Some(port) = self.ports.get_mut(&number) {
            port.designated = Designated { root, cost, bridge, port: port.id };
        }
    }

    /// 8.6.11.
    pub(super) fn port_state_selection(&mut self, now: Time, out: &mut Vec<Output>) {
        for number in self.numbers_where(Port::is_enabled) {
            let (is_root_port, bridge) = (self.root_port == Some(number), self.id);
            let Some(port) = self.ports.get_mut(&number) else { continue };
            let is_designated = !is_root_port && port.is_designated(bridge);
            if !is_designated {
                (port.is_pending, port.acknowledges) = (false, false);
            } else {
                port.timers.message_age.stop();
            }
            if (is_root_port || is_designated) && !port.is_guarded() {
                self.make_forwarding(number, now, out);
            } else {
                self.make_blocking(number, now, out);
            }
        }
    }

    /// 8.6.12.
    fn make_forwarding(&mut self, number: PortNumber, now: Time, out: &mut Vec<Output>) {
        if let Some(port) = self.ports.get_mut(&number).filter(|port| port.state == State::Blocking) {
            port.timers.forward_delay.start(now, Duration::ZERO);
            self.set_state(number, State::Listening, now, out);
        }
    }

    /// 8.6.13.
    fn make_blocking(&mut self, number: PortNumber, now: Time, out: &mut Vec<Output>) {
        let Some(port) = self.ports.get_mut(&number) else { return };
        if matches!(port.state, State::Disabled | State::Blocking) {
            return;
        }
        port.timers.forward_delay.stop();
        let did_learn = matches!(port.state, State::Learning | State::Forwarding);
        self.set_state(number, State::Blocking, now, out);
        if did_learn {
            self.topology_change_detection(now, out);
        }
    }

    /// 8.6.14.
    pub(super) fn topology_change_detection(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.is_root() {
            self.topology_change = true;
            self.timers.topology_change.start(now, Duration::ZERO);
        } else if !self.change_detected {
            self.transmit_notification(now, out);
        }
        self.change_detected = true;
        self.topology_changed(now, out);
    }

    /// 8.6.15.
    fn topology_change_acknowledged(&mut self) {
        self.change_detected = false;
        self.timers.notification.stop();
    }

    /// A configuration BPDU came (8.7.1).
    pub(super) fn received_config(&mut self, number: PortNumber, vector: &Vector, now: Time, out: &mut Vec<Output>) {
        let was_root = self.is_root();
        let Some(port) = self.ports.get_mut(&number).filter(|_| !vector.is_expired()) else { return };
        let heard =
            Designated { root: vector.root, cost: vector.root_path_cost, bridge: vector.bridge, port: vector.port };
        // 8.6.2.2: better, or the next of the same bridge, unless that is this one.
        let is_same_bridge = |a: &Designated, b: &Designated| (a.root, a.cost, a.bridge) == (b.root, b.cost, b.bridge);
        let supersedes =
            heard <= port.designated || (is_same_bridge(&heard, &port.designated) && heard.bridge != self.id);
        if !supersedes {
            if port.is_designated(self.id) {
                self.transmit_config(number, now, out);
            }
            return;
        }
        let age = Duration::from_nanos(vector.message_age.as_nanos());
        if port.config.guard.root {
            port.timers.guard.start(now, age);
            return self.make_blocking(number, now, out);
        }
        port.designated = heard;
        port.timers.message_age.start(now, age);
        self.configuration_update();
        self.port_state_selection(now, out);
        self.follow_root(was_root, now, out);
        if self.root_port == Some(number) {
            self.record_config_timeout_values(vector, now, out);
            self.config_bpdu_generation(now, out);
            if vector.flags.topology_change_ack {
                self.topology_change_acknowledged();
            }
        }
    }

    /// 8.6.3.
    fn record_config_timeout_values(&mut self, vector: &Vector, now: Time, out: &mut Vec<Output>) {
        let span = |ticks: Ticks| Duration::from_nanos(ticks.as_nanos());
        self.times = Times {
            hello: span(vector.hello_time),
            max_age: span(vector.max_age),
            forward_delay: span(vector.forward_delay),
        };
        let was_changing = std::mem::replace(&mut self.topology_change, vector.flags.topology_change);
        // A change that was detected here is one that is known already.
        if self.topology_change && !was_changing && !self.change_detected {
            self.topology_changed(now, out);
        }
    }

    /// A topology change notification came (8.7.2).
    pub(super) fn received_notification(&mut self, number: PortNumber, now: Time, out: &mut Vec<Output>) {
        let Some(port) = self.ports.get_mut(&number).filter(|port| port.is_designated(self.id)) else { return };
        port.acknowledges = true;
        self.topology_change_detection(now, out);
        self.transmit_config(number, now, out);
    }

    /// What has timed out (8.7.3 to 8.7.9).
    pub(super) fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        let own_hello = self.own_times.hello;
        if self.timers.hello.expire(now, self.times.hello) {
            self.config_bpdu_generation(now, out);
            self.timers.hello.start(now, Duration::ZERO);
        }
        if self.timers.notification.expire(now, own_hello) {
            self.transmit_notification(now, out);
        }
        if self.timers.topology_change.expire(now, self.times.max_age + self.times.forward_delay) {
            (self.change_detected, self.topology_change) = (false, false);
        }
        for number in self.numbers_where(Port::is_enabled) {
            self.expire_message_age(number, now, out);
        }
        for number in self.numbers_where(Port::is_enabled) {
            self.expire_port(number, now, out);
        }
    }

    /// 8.7.4.
    fn expire_message_age(&mut self, number: PortNumber, now: Time, out: &mut Vec<Output>) {
        let max_age = self.times.max_age;
        if !self.ports.get_mut(&number).is_some_and(|port| port.timers.message_age.expire(now, max_age)) {
            return;
        }
        let was_root = self.is_root();
        self.become_designated(number);
        self.configuration_update();
        self.port_state_selection(now, out);
        self.follow_root(was_root, now, out);
    }

    fn expire_port(&mut self, number: PortNumber, now: Time, out: &mut Vec<Output>) {
        let Times { max_age, forward_delay, .. } = self.times;
        let Some(port) = self.ports.get_mut(&number) else { return };
        let is_held_back = port.timers.hold.expire(now, HOLD_TIME) && port.is_pending;
        let is_unguarded = port.timers.guard.expire(now, max_age);
        let next = match port.state {
            _ if !port.timers.forward_delay.expire(now, forward_delay) => None,
            State::Listening => Some(State::Learning),
            State::Learning => Some(State::Forwarding),
            _ => None,
        };
        if next == Some(State::Learning) {
            port.timers.forward_delay.start(now, Duration::ZERO);
        }
        if let Some(next) = next {
            self.set_state(number, next, now, out);
        }
        // Where this bridge is designated, others may have learnt ways that are none now.
        if next == Some(State::Forwarding)
            && self.ports.values().any(|p| p.is_enabled() && p.designated.bridge == self.id)
        {
            self.topology_change_detection(now, out);
        }
        if is_unguarded {
            self.port_state_selection(now, out);
        }
        if is_held_back {
            self.transmit_config(number, now, out);
        }
    }

    /// What a bridge does that has become the root, or is it no more.
    pub(super) fn follow_root(&mut self, was_root: bool, now: Time, out: &mut Vec<Output>) {
        match (was_root, self.is_root()) {
            (false, true) => {
                self.times = self.own_times;
                self.topology_change_detection(now, out);
                self.timers.notification.stop();
                self.config_bpdu_generation(now, out);
                self.timers.hello.start(now, Duration::ZERO);
            }
            (true, false) => {
                self.timers.hello.stop();
                if self.change_detected {
                    self.timers.topology_change.stop();
                    self.transmit_notification(now, out);
                }
            }
            _ => {}
        }
    }

    /// A port begins, in this state, as if its link had just come up or gone down.
    pub(super) fn initialize_port(&mut self, number: PortNumber, state: State, now: Time, out: &mut Vec<Output>) {
        self.become_designated(number);
        if let Some(port) = self.ports.get_mut(&number) {
            (port.acknowledges, port.is_pending) = (false, false);
            port.timers = Default::default();
        }
        self.set_state(number, state, now, out);
    }

    fn set_state(&mut self, number: PortNumber, state: State, now: Time, out: &mut Vec<Output>) {
        if let Some(port) = self.ports.get_mut(&number).filter(|port| port.state != state) {
            (port.state, port.since) = (state, now);
            port.counters.forwarded += u64::from(state == State::Forwarding);
            out.push(Output::State(number, state));
        }
    }

    /// Counts a change of the topology, and has all that was learnt forgotten.
    fn topology_changed(&mut self, now: Time, out: &mut Vec<Output>) {
        self.changes = self.changes.saturating_add(1);
        self.last_change = Some(now);
        out.extend(self.ports.iter().filter(|(_, port)| port.is_enabled()).map(|(number, _)| Output::Flush(*number)));
    }

    fn numbers_where(&self, is_wanted: impl Fn(&Port) -> bool) -> Vec<PortNumber> {
        self.ports.iter().filter(|(_, port)| is_wanted(port)).map(|(number, _)| *number).collect()
    }
}
