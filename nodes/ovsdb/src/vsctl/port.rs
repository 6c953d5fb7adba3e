//! Commands on ports and interfaces.

use super::bridge::{line, sorted};
use super::command::Command;
use super::context::{Answer, Context, QUIET, fatal};
use super::record;
use crate::uuid::Uuid;
use crate::vswitch::{Table, bridge, interface, port};

pub(super) fn list_ports(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let net = cx.network();
    let bridge = net.bridge(command.arg(0))?.name;
    Ok(sorted(net.ports_of(bridge).map(|(name, _)| name).filter(|name| *name != bridge).collect()))
}

pub(super) fn list_ifaces(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let net = cx.network();
    let bridge = net.bridge(command.arg(0))?.name;
    let of_bridge = net.ifaces.values().filter(|iface| iface.bridge == bridge);
    Ok(sorted(of_bridge.map(|iface| iface.name).filter(|name| *name != bridge).collect()))
}

pub(super) fn port_to_br(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    match cx.network().port(command.arg(0)) {
        Some(port) => line(port.bridge),
        None => fatal(format!("no port named {}", command.arg(0))),
    }
}

pub(super) fn iface_to_br(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    match cx.network().iface(command.arg(0)) {
        Some(iface) => line(iface.bridge),
        None => fatal(format!("no interface named {}", command.arg(0))),
    }
}

pub(super) fn add_port(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (ifaces, settings) = (&command.args[1..2], &command.args[2..]);
    add(cx, command, ifaces, settings)
}

pub(super) fn add_bond(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let words = &command.args[2..];
    let len = words.iter().position(|word| word.contains('=')).unwrap_or(words.len());
    if len < 2 {
        return fatal(format!("add-bond requires at least 2 interfaces, but only {len} were specified"));
    }
    let (ifaces, settings) = words.split_at(len);
    add(cx, command, ifaces, settings)
}

fn add(cx: &mut Context<'_>, command: &Command<'_>, ifaces: &[String], settings: &[String]) -> Answer {
    let (bridge_name, name) = (command.arg(0), command.arg(1));
    let net = cx.network();
    if let Some(found) = net.port(name).filter(|_| command.has("may-exist")) {
        if found.bridge != bridge_name {
            return fatal(format!(
                "\"{}\" but {name} is actually attached to bridge {}",
                command.words(),
                found.bridge
            ));
        }
        let mut have: Vec<&str> =
            net.ifaces.values().filter(|iface| iface.port == name).map(|iface| iface.name).collect();
        have.sort_unstable();
        let mut want: Vec<&str> = ifaces.iter().map(String::as_str).collect();
        want.sort_unstable();
        if have != want {
            return fatal(format!("\"{}\" but {name} actually has interface(s) {}", command.words(), have.join(", ")));
        }
        return Ok(QUIET);
    }
    net.check_free(name, &format!("cannot create a port named {name}"))?;
    for iface in ifaces {
        net.check_free(iface, &format!("cannot create an interface named {iface}"))?;
    }
    let bridge = net.bridge(bridge_name)?;
    let (bridge_row, vlan) = (bridge.row, bridge.parent.map(|_| bridge.vlan));
    let mut iface_rows: Vec<Uuid> = Vec::new();
    for iface in ifaces {
        let row = cx.txn.insert(Table::Interface).with(interface::NAME, iface);
        iface_rows.push(row.add()?);
    }
    let mut row = cx
        .txn
        .insert(Table::Port)
        .with(port::NAME, name)
        .with(port::INTERFACES, iface_rows)
        .with(port::BOND_FAKE_IFACE, command.has("fake-iface"));
    if let Some(vlan) = vlan {
        row = row.with(port::TAG, vlan);
    }
    let row = row.add()?;
    for setting in settings {
        record::set_column(cx, Table::Port, row, setting)?;
    }
    cx.refer(bridge_row, bridge::PORTS, row)?;
    Ok(QUIET)
}

pub(super) fn del_port(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let must_exist = !command.has("if-exists");
    let target = command.args.last().map_or("", String::as_str);
    let net = cx.network();
    let found = if net.bridges.contains_key(target) {
        if must_exist {
            return fatal(format!(
                "cannot delete port {target} because it is the local port for bridge {target} \
                 (deleting this port requires deleting the entire bridge)"
            ));
        }
        None
    } else if command.has("with-iface") {
        let by_iface = || net.iface(target).and_then(|iface| net.ports.get(iface.port).copied());
        let found = net.port(target).or_else(by_iface);
        if must_exist && found.is_none() {
            return fatal(format!("no port or interface named {target}"));
        }
        found
    } else {
        let found = net.port(target);
        if must_exist && found.is_none() {
            return fatal(format!("no port named {target}"));
        }
        found
    };
    let Some(found) = found else { return Ok(QUIET) };
    let actual = net.bridge(found.bridge)?;
    if command.args.len() == 2 {
        let named = net.bridge(command.arg(0))?;
        if actual.name != named.name {
            let hint = if actual.parent == Some(named.name) {
                format!(" (although its child bridge {} does)", actual.name)
            } else {
                String::new()
            };
            return fatal(format!("bridge {} does not have a port {target}{hint}", named.name));
        }
    }
    let (bridge_row, port_row) = (actual.row, found.row.uuid());
    cx.unrefer(bridge_row, bridge::PORTS, port_row)?;
    Ok(QUIET)
}

pub(super) fn add_bond_iface(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (bond, name) = (command.arg(0), command.arg(1));
    let net = cx.network();
    let Some(port) = net.port(bond) else { return fatal(format!("no port named {bond}")) };
    if let Some(found) = net.iface(name).filter(|_| command.has("may-exist")) {
        if found.port != bond {
            return fatal(format!("\"{}\" but {name} is actually attached to port {}", command.words(), found.port));
        }
        return Ok(QUIET);
    }
    net.check_free(name, &format!("cannot create an interface named {name}"))?;
    let bond = port.row.uuid();
    let iface = cx.txn.insert(Table::Interface).with(interface::NAME, name).add()?;
    cx.refer(bond, port::INTERFACES, iface)?;
    Ok(QUIET)
}

pub(super) fn del_bond_iface(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let name = command.args.last().map_or("", String::as_str);
    let net = cx.network();
    let Some(found) = net.iface(name) else {
        return if command.has("if-exists") { Ok(QUIET) } else { fatal(format!("no interface named {name}")) };
    };
    if command.args.len() == 2 {
        let bond = command.arg(0);
        if net.port(bond).is_none() {
            return fatal(format!("no port named {bond}"));
        }
        if found.port != bond {
            return fatal(format!("port {bond} does not have an interface {name}"));
        }
    }
    if net.ifaces.values().filter(|iface| iface.port == found.port).count() == 1 {
        return fatal(format!("cannot delete last interface from port {}", found.port));
    }
    let Some(bond) = net.ports.get(found.port).map(|port| port.row.uuid()) else { return Ok(QUIET) };
    let iface = found.row;
    cx.unrefer(bond, port::INTERFACES, iface)?;
    Ok(QUIET)
}
