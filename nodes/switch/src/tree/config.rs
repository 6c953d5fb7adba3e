//! What the rows want of spanning tree (ovs-vswitchd.conf.db(5)). A value that can't be is the default, with a complaint.
//!
//! The cost of a path is that of a link of 10 Gbit/s, a lab's default, which Open vSwitch's dummy devices have as well.
//! Netloom's own are `bpdu-guard` and `root-guard` of a port.

use crate::bridge::{Bridge, PortRows, is_internal, name};
use crate::plan::{Plan, PortPlan};
use ovsdb::vswitch::{bridge, port};
use ovsdb::{Column, Row, Uuid};
use packet::MacAddr;
use packet::wire::bpdu::BridgeId;
use sim_core::Duration;
use spanning_tree::{BridgeConfig, Guard, PortConfig, PortNumber, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// The cost of a link of 10 Gbit/s: IEEE 802.1D-1998 as Open vSwitch has it, and 802.1D-2004 table 17-3.
const COST_STP: u32 = 2;
const COST_RSTP: u32 = 2000;
const MAX_STP_PORTS: u16 = 255;
const MAX_RSTP_PORTS: u16 = 4095;

/// What the rows want of a bridge.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) protocol: Protocol,
    pub(crate) config: BridgeConfig,
    /// By slot.
    pub(crate) ports: BTreeMap<u16, (PortNumber, WantedPort)>,
}

/// What they want of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantedPort {
    pub(crate) port: PortConfig,
    pub(crate) interface: Uuid,
    /// Whom its BPDUs come from.
    pub(crate) mac: MacAddr,
    /// Whether it asks if its neighbour speaks RSTP by now.
    pub(crate) asks: bool,
}

/// The rows' numbers, and what is wrong with them.
struct Reader<'a> {
    row: &'a Row,
    column: Column,
    title: String,
    complaints: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn number<T: TryFrom<u64> + PartialOrd + Copy>(&mut self, key: &str, range: RangeInclusive<T>, otherwise: T) -> T {
        let Some(text) = self.row.value(self.column, key) else { return otherwise };
        let value = text.parse::<u64>().ok().and_then(|value| T::try_from(value).ok());
        value.filter(|value| range.contains(value)).unwrap_or_else(|| {
            self.complaints.push(format!("{}: invalid {key} {text}, using the default", self.title));
            otherwise
        })
    }

    fn seconds(&mut self, key: &str, range: RangeInclusive<u64>, otherwise: u64) -> Duration {
        Duration::from_secs(self.number(key, range, otherwise))
    }

    fn address(&mut self, key: &str, otherwise: MacAddr) -> MacAddr {
        let Some(text) = self.row.value(self.column, key) else { return otherwise };
        text.parse().unwrap_or_else(|_| {
            self.complaints.push(format!("{}: invalid {key}, defaulting to {otherwise}", self.title));
            otherwise
        })
    }

    /// A flag; what is neither true nor false is what it is without.
    fn flag(&self, key: &str, otherwise: bool) -> bool {
        match self.row.value(self.column, key) {
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            _ => otherwise,
        }
    }
}

/// What the rows want, `None` for no spanning tree; with what of it can't be, in the words of Open vSwitch's log.
pub(crate) fn wanted(
    bridge: &Bridge,
    row: &Row,
    rows: &[PortRows<'_>],
    plan: &Plan,
    mac_of: &dyn Fn(&str) -> MacAddr,
) -> (Option<Wanted>, Vec<String>) {
    let mac = mac_of(&bridge.name);
    let (stp, rstp) = (row.bool(bridge::STP_ENABLE) == Some(true), row.bool(bridge::RSTP_ENABLE) == Some(true));
    let mut complaints = Vec::new();
    let protocol = match (stp, rstp) {
        (false, false) => return (None, complaints),
        (true, false) => Protocol::Stp,
        (false, true) => Protocol::Rstp,
        (true, true) => {
            let what = "RSTP and STP are mutually exclusive but both are configured; enabling RSTP";
            complaints.push(format!("{}: {what}", bridge.name));
            Protocol::Rstp
        }
    };
    let title = format!("bridge {}", bridge.name);
    let mut reader = Reader { row, column: bridge::OTHER_CONFIG, title, complaints: &mut complaints };
    let config = match protocol {
        Protocol::Stp => stp_bridge(&mut reader, mac),
        Protocol::Rstp => rstp_bridge(&mut reader, mac),
    };
    let ports = ports(protocol, bridge, rows, plan, mac_of, &mut complaints);
    (ports.map(|ports| Wanted { protocol, config: config.clamped(), ports }), complaints)
}

fn stp_bridge(reader: &mut Reader<'_>, mac: MacAddr) -> BridgeConfig {
    let priority = reader.number("stp-priority", 0..=u16::MAX, 0x8000);
    BridgeConfig {
        id: BridgeId::new(priority, reader.address("stp-system-id", mac)),
        hello_time: reader.seconds("stp-hello-time", 1..=10, 2),
        max_age: reader.seconds("stp-max-age", 6..=40, 20),
        forward_delay: reader.seconds("stp-forward-delay", 4..=30, 15),
        transmit_hold_count: 6,
        force_stp: false,
    }
}

fn rstp_bridge(reader: &mut Reader<'_>, mac: MacAddr) -> BridgeConfig {
    let priority: u16 = reader.number("rstp-priority", 0..=0xffff, 0x8000);
    let version: u8 = reader.number("rstp-force-protocol-version", 0..=2, 2);
    BridgeConfig {
        // The lower bits are the system identifier's extension.
        id: BridgeId::new(priority & 0xf000, reader.address("rstp-address", mac)),
        hello_time: Duration::from_secs(2),
        max_age: reader.seconds("rstp-max-age", 6..=40, 20),
        forward_delay: reader.seconds("rstp-forward-delay", 4..=30, 15),
        transmit_hold_count: reader.number("rstp-transmit-hold-count", 1..=10, 6),
        force_stp: version == 0,
    }
}

/// The ports that take part, by slot; `None` if their numbers forbid a spanning tree.
fn ports(
    protocol: Protocol,
    bridge: &Bridge,
    rows: &[PortRows<'_>],
    plan: &Plan,
    mac_of: &dyn Fn(&str) -> MacAddr,
    complaints: &mut Vec<String>,
) -> Option<BTreeMap<u16, (PortNumber, WantedPort)>> {
    let (flag, key, max) = match protocol {
        Protocol::Stp => ("stp-enable", "stp-port-num", MAX_STP_PORTS),
        Protocol::Rstp => ("rstp-enable", "rstp-port-num", MAX_RSTP_PORTS),
    };
    let mut members: Vec<(u16, Option<u16>, WantedPort)> = Vec::new();
    let mut taken = BTreeSet::new();
    for PortRows { port: row, interfaces } in rows {
        let title = format!("port {}", row.str(port::NAME).unwrap_or_default());
        let mut reader = Reader { row, column: port::OTHER_CONFIG, title: title.clone(), complaints };
        let [interface] = interfaces[..] else {
            if reader.flag(flag, true) {
                let name = if protocol == Protocol::Stp { "STP" } else { "RSTP" };
                reader.complaints.push(format!("{title}: cannot enable {name} on bonds, disabling"));
            }
            continue;
        };
        let slot = bridge.slot_of(interface.uuid());
        let Some(slot) = slot.filter(|_| reader.flag(flag, true) && !is_internal(interface, &bridge.name)) else {
            continue;
        };
        let can_take_part = |port: &PortPlan| !port.is_mirror_output && port.lab.is_some();
        if !plan.ports.get(usize::from(slot)).is_some_and(can_take_part) {
            continue;
        }
        let number = row.value(port::OTHER_CONFIG, key).map(|text| text.parse::<u16>().unwrap_or(0));
        if let Some(number) = number {
            if !(1..=max).contains(&number) {
                reader.complaints.push(format!("{title}: invalid {key}"));
                continue;
            }
            if !taken.insert(number) {
                reader.complaints.push(format!("{title}: duplicate {key} {number}, disabling"));
                continue;
            }
        }
        let (port, asks) = port_config(protocol, &mut reader);
        let config = WantedPort { port, interface: interface.uuid(), mac: mac_of(name(interface)), asks };
        members.push((slot, number, config));
    }
    let is_manual = members.iter().any(|(_, number, _)| number.is_some());
    if protocol == Protocol::Stp && is_manual && members.iter().any(|(_, number, _)| number.is_none()) {
        complaints.push(format!("bridge {}: must manually configure all STP port IDs or none, disabling", bridge.name));
        return None;
    }
    members.sort_by_key(|(slot, ..)| plan.ports[usize::from(*slot)].ofport);
    let mut ports = BTreeMap::new();
    for (slot, number, config) in members {
        let keeps = bridge.tree.as_ref().filter(|tree| tree.protocol() == protocol).and_then(|tree| tree.number(slot));
        let free = keeps.map(|number| number.0).into_iter().chain(1..=max).find(|number| !taken.contains(number));
        let Some(number) = number.or(free) else {
            let port = bridge.slots[usize::from(slot)].as_ref().map_or("", |member| &member.name);
            complaints.push(format!("port {port}: too many spanning tree ports, disabling"));
            continue;
        };
        taken.insert(number);
        ports.insert(slot, (PortNumber(number), config));
    }
    Some(ports)
}

/// What a port is told, and whether it asks if its neighbour speaks RSTP by now.
fn port_config(protocol: Protocol, reader: &mut Reader<'_>) -> (PortConfig, bool) {
    let guard = Guard { bpdu: reader.flag("bpdu-guard", false), root: reader.flag("root-guard", false) };
    match protocol {
        Protocol::Stp => {
            let port = PortConfig {
                priority: reader.number("stp-port-priority", 0..=u8::MAX, 128),
                // A path that costs nothing would make two ways out of one.
                path_cost: reader.number("stp-path-cost", 0..=65_535, COST_STP).max(1),
                admin_edge: false,
                auto_edge: false,
                point_to_point: true,
                guard,
            };
            (port, false)
        }
        Protocol::Rstp => {
            let port = PortConfig {
                priority: reader.number("rstp-port-priority", 0..=u8::MAX, 128) & 0xf0,
                path_cost: reader.number("rstp-path-cost", 1..=200_000_000, COST_RSTP),
                admin_edge: reader.flag("rstp-port-admin-edge", false),
                auto_edge: reader.flag("rstp-port-auto-edge", true),
                point_to_point: reader.number("rstp-admin-p2p-mac", 0..=2_u8, 1) != 0,
                guard,
            };
            (port, reader.flag("rstp-port-mcheck", false))
        }
    }
}
