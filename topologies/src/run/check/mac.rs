//! `mac`: an entry of a switch's MAC table.

use super::{Poll, Verdict};
use crate::lab::{MacCheck, Presence};
use crate::run::net::Net;
use ovsdb::Row;
use ovsdb::vswitch::{bridge, interface, port};
use sim_core::{Duration, Time};
use switch::Switch;

/// How often a table is looked at while a check waits: nothing tells when an entry comes or ages.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running `mac` check.
#[derive(Debug)]
pub(crate) struct MacMachine {
    check: MacCheck,
    /// `None`: judged at the start.
    end: Option<Time>,
}

impl MacMachine {
    pub(super) fn new(check: &MacCheck, end: Option<Time>) -> Self {
        Self { check: check.clone(), end }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        let now = net.engine().now();
        let Some(switch) = net.switch(self.check.switch) else {
            return Verdict::failed("the node is no switch");
        };
        let check = &self.check;
        let of_station = switch
            .macs(&check.bridge, now)
            .into_iter()
            .filter(|entry| entry.mac == check.address && check.vlan.is_none_or(|vlan| vlan.get() == entry.vlan));
        let entries: Vec<(u16, String)> =
            of_station.map(|entry| (entry.vlan, port_name(switch, &check.bridge, entry.ofport))).collect();
        let found = entries.iter().any(|(_, port)| check.port.as_ref().is_none_or(|wanted| wanted == port));
        if found == (check.expect == Presence::Present) {
            return Verdict::passed(describe(check, &entries));
        }
        match self.end {
            Some(end) if now < end => Poll::Wait((now + LOOK_EVERY).min(end)),
            _ => Verdict::failed(describe(check, &entries)),
        }
    }
}

fn describe(check: &MacCheck, entries: &[(u16, String)]) -> String {
    let places: Vec<String> = entries.iter().map(|(vlan, port)| format!("on port {port} in VLAN {vlan}")).collect();
    if places.is_empty() {
        format!("{} is not in the table of {}", check.address, check.bridge)
    } else {
        format!("{} is {}", check.address, places.join(" and "))
    }
}

/// The name of the port that has an interface with this OpenFlow port number.
fn port_name(switch: &Switch, bridge: &str, ofport: u16) -> String {
    let store = switch.store();
    let ports = store.find(bridge::NAME, bridge).into_iter().flat_map(|row| store.follow(row, bridge::PORTS));
    let has = |row: &Row| {
        let mut names = store.follow(row, port::INTERFACES).filter_map(|row| row.str(interface::NAME));
        names.any(|name| switch.ofport(name) == Some(ofport))
    };
    let found = ports.into_iter().find(|row| has(row)).and_then(|row| row.str(port::NAME));
    found.map_or_else(|| ofport.to_string(), str::to_owned)
}
