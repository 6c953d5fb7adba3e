//! Commands on bridges.

use super::command::Command;
use super::context::{Answer, Context, Failure, Printed, QUIET, fatal};
use super::network::Network;
use crate::datum::Datum;
use crate::row::Row;
use crate::schema::Column;
use crate::uuid::Uuid;
use crate::vswitch::{Table, bridge, flow_sample_collector_set, interface, open_vswitch, port};

impl Context<'_> {
    pub(super) fn network(&self) -> Network<'_> {
        Network::read(&self.txn, self.root)
    }
}

/// The lines in alphabetical order.
pub(super) fn sorted(mut lines: Vec<&str>) -> Printed {
    lines.sort_unstable();
    Printed::Text(lines.iter().map(|line| format!("{line}\n")).collect())
}

pub(super) fn line(text: impl std::fmt::Display) -> Answer {
    Ok(Printed::Text(format!("{text}\n")))
}

pub(super) fn init(_: &mut Context<'_>, _: &Command<'_>) -> Answer {
    Ok(QUIET)
}

/// A port with one internal interface of the same name.
fn add_local_port(cx: &mut Context<'_>, name: &str, vlan: Option<i64>) -> Result<Uuid, Failure> {
    let iface = cx.txn.insert(Table::Interface).with(interface::NAME, name).with(interface::TYPE, "internal").add()?;
    let row = cx.txn.insert(Table::Port).with(port::NAME, name).with(port::INTERFACES, iface);
    let row = match vlan {
        Some(vlan) => row.with(port::FAKE_BRIDGE, true).with(port::TAG, vlan),
        None => row,
    };
    Ok(row.add()?)
}

pub(super) fn add_br(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let name = command.arg(0);
    let (parent_name, vlan) = match command.args.len() {
        1 => (None, 0),
        3 => {
            // As atoi(3): what is no number is 0.
            let digits = command.arg(2).trim_start();
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let vlan = if digits.starts_with('-') { -1 } else { digits[..end].parse().unwrap_or(0) };
            if !(0..=4095).contains(&vlan) {
                return fatal("add-br: vlan must be between 0 and 4095");
            }
            (Some(command.arg(1)), vlan)
        }
        _ => return fatal("'add-br' command takes exactly 1 or 3 arguments"),
    };
    let net = cx.network();
    if let Some(found) = net.bridges.get(name).filter(|_| command.has("may-exist")) {
        return match (parent_name, found.parent) {
            (None, None) => Ok(QUIET),
            (None, Some(_)) => {
                fatal(format!("\"--may-exist add-br {name}\" but {name} is a VLAN bridge for VLAN {}", found.vlan))
            }
            (Some(parent), None) => {
                fatal(format!("\"--may-exist add-br {name} {parent} {vlan}\" but {name} is not a VLAN bridge"))
            }
            (Some(parent), Some(is)) if parent != is => {
                fatal(format!("\"--may-exist add-br {name} {parent} {vlan}\" but {name} has the wrong parent {is}"))
            }
            (Some(parent), _) if vlan != found.vlan => fatal(format!(
                "\"--may-exist add-br {name} {parent} {vlan}\" but {name} is a VLAN bridge for \
                 the wrong VLAN {}",
                found.vlan
            )),
            _ => Ok(QUIET),
        };
    }
    net.check_free(name, &format!("cannot create a bridge named {name}"))?;
    let Some(parent_name) = parent_name else {
        let port = add_local_port(cx, name, None)?;
        let row = cx.txn.insert(Table::Bridge).with(bridge::NAME, name).with(bridge::PORTS, port);
        let row = row.add()?;
        cx.refer(cx.root, open_vswitch::BRIDGES, row)?;
        return Ok(QUIET);
    };
    let Some(parent) = net.bridges.get(parent_name) else {
        return fatal(format!("parent bridge {parent_name} does not exist"));
    };
    if parent.parent.is_some() {
        return fatal("cannot create bridge with fake bridge as parent");
    }
    if let Some(conflict) = net.vlan_bridge(parent_name, vlan) {
        return fatal(format!("bridge {parent_name} already has a child VLAN bridge {} on VLAN {vlan}", conflict.name));
    }
    let parent = parent.row;
    let port = add_local_port(cx, name, Some(vlan))?;
    cx.refer(parent, bridge::PORTS, port)?;
    Ok(QUIET)
}

pub(super) fn del_br(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let net = cx.network();
    let name = command.arg(0);
    if command.has("if-exists") && !net.bridges.contains_key(name) {
        return Ok(QUIET);
    }
    let found = net.bridge(name)?;
    let bridge = found.row;
    if found.parent.is_some() {
        let ports: Vec<Uuid> = net.ports_of(name).map(|(_, port)| port.row.uuid()).collect();
        for port in ports {
            cx.unrefer(bridge, bridge::PORTS, port)?;
        }
        return Ok(QUIET);
    }
    let sets: Vec<Uuid> = cx
        .txn
        .rows(Table::FlowSampleCollectorSet)
        .filter(|row| row.reference(flow_sample_collector_set::BRIDGE) == Some(bridge))
        .map(Row::uuid)
        .collect();
    for set in sets {
        cx.txn.delete(Table::FlowSampleCollectorSet, set)?;
    }
    cx.unrefer(cx.root, open_vswitch::BRIDGES, bridge)?;
    Ok(QUIET)
}

pub(super) fn list_br(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let all = !command.has("real") && !command.has("fake");
    let net = cx.network();
    let wanted =
        net.bridges.values().filter(|bridge| all || command.has(if bridge.parent.is_some() { "fake" } else { "real" }));
    Ok(sorted(wanted.map(|bridge| bridge.name).collect()))
}

pub(super) fn br_exists(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    if cx.network().bridges.contains_key(command.arg(0)) { Ok(QUIET) } else { Err(Failure::Exit(2)) }
}

pub(super) fn br_to_vlan(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    line(cx.network().bridge(command.arg(0))?.vlan)
}

pub(super) fn br_to_parent(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let bridge = cx.network().bridge(command.arg(0))?;
    line(bridge.parent.unwrap_or(bridge.name))
}

/// Where a bridge's external ids are: the row, the column, and what its keys begin with.
fn external_ids(cx: &Context<'_>, name: &str) -> Result<(Uuid, Column, &'static str), Failure> {
    let net = cx.network();
    let bridge = net.bridge(name)?;
    match net.ports.get(name).filter(|_| bridge.parent.is_some()) {
        Some(port) => Ok((port.row.uuid(), port::EXTERNAL_IDS, "fake-bridge-")),
        None => Ok((bridge.row, bridge::EXTERNAL_IDS, "")),
    }
}

pub(super) fn br_set_external_id(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (row, column, prefix) = external_ids(cx, command.arg(0))?;
    let key = format!("{prefix}{}", command.arg(1));
    let old = cx.row(column.table(), row).map_or(Datum::EMPTY_MAP, |row| row.get(column).clone());
    let new = match command.args.get(2) {
        Some(value) => old.union(&Datum::map([(key, value.clone())]), true),
        None => old.difference(&Datum::from(key)),
    };
    cx.txn.set(row, column, new)?;
    Ok(QUIET)
}

pub(super) fn br_get_external_id(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (row, column, prefix) = external_ids(cx, command.arg(0))?;
    let Some(row) = cx.row(column.table(), row) else { return Ok(QUIET) };
    if let Some(key) = command.args.get(1) {
        return match row.value(column, &format!("{prefix}{key}")) {
            Some(value) => line(value),
            None => Ok(QUIET),
        };
    }
    let pairs =
        row.str_pairs(column).filter_map(|(key, value)| Some(format!("{}={value}\n", key.strip_prefix(prefix)?)));
    Ok(Printed::Text(pairs.collect()))
}

/// Removes what a manager may have configured, but neither bridges nor ports.
pub(super) fn emer_reset(cx: &mut Context<'_>, _: &Command<'_>) -> Answer {
    let root = cx.root;
    cx.txn.set(root, open_vswitch::MANAGER_OPTIONS, Datum::EMPTY_SET)?;
    cx.txn.set(root, open_vswitch::SSL, Datum::EMPTY_SET)?;
    let rows = |cx: &Context<'_>, table: Table| -> Vec<Uuid> { cx.txn.rows(table).map(Row::uuid).collect() };
    for uuid in rows(cx, Table::Bridge) {
        for column in [
            bridge::CONTROLLER,
            bridge::FAIL_MODE,
            bridge::MIRRORS,
            bridge::NETFLOW,
            bridge::SFLOW,
            bridge::IPFIX,
            bridge::FLOOD_VLANS,
        ] {
            cx.txn.set(uuid, column, Datum::EMPTY_SET)?;
        }
        let hwaddr = cx
            .row(Table::Bridge, uuid)
            .and_then(|row| row.value(bridge::OTHER_CONFIG, "hwaddr"))
            .map(|hwaddr| ("hwaddr", hwaddr.to_owned()));
        cx.txn.set(uuid, bridge::OTHER_CONFIG, Datum::map(hwaddr))?;
    }
    for uuid in rows(cx, Table::Port) {
        cx.txn.set(uuid, port::OTHER_CONFIG, Datum::EMPTY_MAP)?;
    }
    for uuid in rows(cx, Table::Interface) {
        cx.txn.set(uuid, interface::INGRESS_POLICING_RATE, 0)?;
        cx.txn.set(uuid, interface::INGRESS_POLICING_BURST, 0)?;
    }
    for uuid in rows(cx, Table::FlowSampleCollectorSet) {
        cx.txn.delete(Table::FlowSampleCollectorSet, uuid)?;
    }
    Ok(QUIET)
}
