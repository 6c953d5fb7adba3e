//! IEEE 802.1D-2004, clause 17. For now a bridge that is alone: every port with a link forwards.

use crate::{BridgeConfig, BridgeStatus, Output, PortConfig, PortNumber, PortStatus, State};
use packet::wire::bpdu::{Bpdu, PortId};
use sim_core::Time;
use std::collections::BTreeMap;

/// A bridge.
#[derive(Debug)]
pub struct Bridge {
    config: BridgeConfig,
    ports: BTreeMap<PortNumber, PortConfig>,
}

#[allow(missing_docs)]
impl Bridge {
    pub fn new(config: BridgeConfig) -> Self {
        Self { config, ports: BTreeMap::new() }
    }
    pub fn configure(&mut self, _now: Time, config: BridgeConfig, _out: &mut Vec<Output>) {
        self.config = config;
    }
    pub fn set_port(&mut self, _now: Time, port: PortNumber, config: PortConfig, _out: &mut Vec<Output>) {
        self.ports.insert(port, config);
    }
    pub fn remove_port(&mut self, _now: Time, port: PortNumber, _out: &mut Vec<Output>) {
        self.ports.remove(&port);
    }
    pub fn set_link(&mut self, _now: Time, port: PortNumber, is_up: bool, out: &mut Vec<Output>) {
        out.push(Output::State(port, if is_up { State::Forwarding } else { State::Disabled }));
    }
    pub fn receive(&mut self, _now: Time, _port: PortNumber, _bpdu: &Bpdu, _out: &mut Vec<Output>) {}
    pub fn count_error(&mut self, _port: PortNumber) {}
    pub fn notify_change(&mut self, _now: Time, _out: &mut Vec<Output>) {}
    pub fn check_migration(&mut self, _now: Time, _port: PortNumber, _out: &mut Vec<Output>) {}
    pub fn wake(&mut self, _now: Time, _out: &mut Vec<Output>) {}
    pub fn next_wake(&self) -> Time {
        Time::NEVER
    }
    pub fn status(&self, _now: Time) -> BridgeStatus {
        BridgeStatus {
            id: self.config.id,
            root: self.config.id,
            root_path_cost: 0,
            designated: (self.config.id, PortId(0)),
            root_port: None,
            hello_time: self.config.hello_time,
            max_age: self.config.max_age,
            forward_delay: self.config.forward_delay,
            is_changing: false,
            changes: 0,
            last_change: None,
        }
    }
    pub fn port_status(&self, _port: PortNumber) -> Option<PortStatus> {
        None
    }
    pub fn ports(&self) -> Vec<PortNumber> {
        self.ports.keys().copied().collect()
    }
}
