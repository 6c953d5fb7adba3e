//! Switches: bridges and ports as tables, what those can't say as lines of `setup`.
//!
//! Every end of a link on a switch is a port that its table declares. What the rows hold beyond the tables - bonds,
//! ports without a network device, mirrors, QoS, `Open_vSwitch` - comes from one line of ovs-vsctl ([`rows`]); a link's
//! end that is in no bridge is taken out of one by a line before it. Groups, meters, flows and static MAC addresses follow.

use super::link;
use super::rows::{self, Said};
use super::text::{self, Keys, array, inline, key, quoted};
use crate::run::listing;
use crate::run::net::Net;
use crate::spec::keys;
use crate::spec::{DEFAULT_BRIDGE, MAX_NAME_LEN, can_be_typed};
use openflow::{Action, Flow, FlowCommand, FlowMod};
use ovsdb::vswitch::{bridge, interface, open_vswitch, port};
use ovsdb::{Atom, Column, Datum, Row, Store, Table, Uuid};
use sim_core::NodeIx;
use std::collections::BTreeSet;
use std::fmt::Write;
use switch::Switch;

/// A bridge that the file has a table for.
pub(super) struct Declared<'s> {
    pub(super) row: &'s Row,
    pub(super) name: &'s str,
    /// Ports with a table, each with its one interface, in the order of their rows.
    pub(super) ports: Vec<(&'s Row, &'s Row)>,
    /// Interfaces of its other ports, the local one left out.
    pub(super) others: Vec<&'s Row>,
}

/// Writes the tables of a switch.
pub(super) fn write(file: &mut String, net: &Net, node: NodeIx, switch: &Switch) {
    let store = switch.store();
    let bridges: Vec<Declared<'_>> = bridges(store).filter_map(|row| declared(switch, row)).collect();
    let has_table: BTreeSet<&str> =
        bridges.iter().flat_map(|bridge| &bridge.ports).filter_map(|(port, _)| port.str(port::NAME)).collect();
    let sockets = listing::ports(net, node).filter_map(|port| net.names().port_name(node, port));
    let loose: Vec<&str> = sockets.filter(|name| !has_table.contains(name)).collect();

    let mut said = Said::default();
    let mut tables = String::new();
    let head = format!("switches.{}", key(net.names().node(node)));
    let mut columns = Keys::new();
    for (number, bridge) in bridges.iter().enumerate() {
        said.start_bridge(bridge.row, local(store, bridge));
        let loose = if number == 0 { loose.as_slice() } else { &[] };
        request_numbers(&mut said, switch, bridge);
        let own = row_keys(&mut said, bridge.row, &[]);
        let at = if is_plain(&bridges) {
            columns = own;
            head.clone()
        } else {
            let at = format!("{head}.bridges.{}", key(bridge.name));
            let _ = writeln!(tables, "\n[{at}]");
            text::lines(&mut tables, &own);
            at
        };
        let ports = bridge.ports.iter().map(|rows| port_keys(&mut said, net, node, switch, rows)).collect();
        write_ports(&mut tables, &at, ports, net, node, switch, loose);
    }
    if bridges.is_empty() {
        write_ports(&mut tables, &head, Vec::new(), net, node, switch, &loose);
    }
    let lines = setup(net, switch, &bridges, &loose, &said);
    if !lines.is_empty() {
        columns.push(("setup".to_owned(), text::lines_of_text(&lines)));
    }
    if !columns.is_empty() || tables.is_empty() {
        let _ = writeln!(file, "\n[{head}]");
        text::lines(file, &columns);
    }
    *file += &tables;
}

/// Whether the switch is one bridge, br0, whose keys are the switch's own.
fn is_plain(bridges: &[Declared<'_>]) -> bool {
    matches!(bridges, [only] if only.name == DEFAULT_BRIDGE)
}

/// The table `ports`: those with rows, then the ends of links that are in no bridge.
fn write_ports(
    file: &mut String,
    at: &str,
    mut ports: Vec<(String, Keys)>,
    net: &Net,
    node: NodeIx,
    switch: &Switch,
    loose: &[&str],
) {
    let links = |name: &str| switch.port(name).map_or_else(Keys::new, |port| link::keys(net, node, port));
    ports.extend(loose.iter().map(|name| ((*name).to_owned(), links(name))));
    if !ports.is_empty() {
        let _ = writeln!(file, "\n[{at}.ports]");
        text::lines(file, &ports.iter().map(|(name, keys)| (key(name), inline(keys))).collect());
    }
}

/// The bridges in the order of their rows.
pub(super) fn bridges(store: &Store) -> impl Iterator<Item = &Row> {
    let all: BTreeSet<Uuid> =
        store.root().into_iter().flat_map(|root| root.references(open_vswitch::BRIDGES)).collect();
    store.rows(Table::Bridge).filter(move |row| all.contains(&row.uuid()))
}

/// A bridge whose name a file can have, and which of its ports a table can have.
pub(super) fn declared<'s>(switch: &'s Switch, row: &'s Row) -> Option<Declared<'s>> {
    let store = switch.store();
    let name = row.str(bridge::NAME).filter(|name| is_name(name))?;
    let members: BTreeSet<Uuid> = row.references(bridge::PORTS).collect();
    let (mut ports, mut others) = (Vec::new(), Vec::new());
    for port in store.rows(Table::Port).filter(|port| members.contains(&port.uuid())) {
        let interfaces: Vec<&Row> = store.follow(port, port::INTERFACES).collect();
        match interfaces.as_slice() {
            [only] if can_have_table(switch, port, only) => ports.push((port, *only)),
            _ if port.str(port::NAME) == Some(name) => {}
            _ => others.extend(interfaces),
        }
    }
    Some(Declared { row, name, ports, others })
}

fn is_name(name: &str) -> bool {
    let is_bad = |c: char| matches!(c, ':' | '/') || c.is_whitespace() || c.is_control();
    !name.is_empty() && name.chars().count() <= MAX_NAME_LEN && !name.contains(is_bad)
}

/// A link's end, or a port whose `type` says that it needs none.
fn can_have_table(switch: &Switch, port: &Row, only: &Row) -> bool {
    let Some(name) = port.str(port::NAME).filter(|name| only.str(interface::NAME) == Some(*name)) else { return false };
    if switch.port(name).is_some() {
        return true;
    }
    let is_bridge = name == DEFAULT_BRIDGE || switch.store().find(bridge::NAME, name).is_some();
    let ty = only.get(interface::TYPE);
    is_name(name) && !is_bridge && *ty != Datum::from("") && can_be_typed(interface::TYPE, ty)
}

/// The local port of a bridge and its interface, which the bridge brings with it.
pub(super) fn local<'s>(store: &'s Store, bridge: &Declared<'s>) -> Option<(&'s Row, &'s Row)> {
    let port = store.find(port::NAME, bridge.name)?;
    Some((port, store.find(interface::NAME, bridge.name)?))
}

/// Has every port ask for its OpenFlow number where it would get another one when the file is read.
///
/// Tables come first, then the lines of `setup`; a number asked for is granted before the lowest free ones are given out.
pub(super) fn request_numbers(said: &mut Said, switch: &Switch, bridge: &Declared<'_>) {
    let tables = numbered(switch, bridge.ports.iter().map(|(_, interface)| *interface));
    let lines = numbered(switch, bridge.others.iter().copied());
    let wish = |row: &Row| row.int(interface::OFPORT_REQUEST).and_then(|wish| u16::try_from(wish).ok());
    let mut used = BTreeSet::new();
    let mut granted: Vec<Option<u16>> =
        tables.iter().map(|(.., row)| wish(row).filter(|wish| used.insert(*wish))).collect();
    let lowest = |used: &mut BTreeSet<u16>| (1..u16::MAX).find(|number| used.insert(*number));
    for number in granted.iter_mut().filter(|number| number.is_none()) {
        *number = lowest(&mut used);
    }
    // What is taken out of the bridge again has the lowest numbers behind these, and leaves them free.
    for (.., row) in &lines {
        granted.push(wish(row).filter(|wish| used.insert(*wish)).or_else(|| lowest(&mut used)));
    }
    let actual = || tables.iter().chain(&lines);
    if actual().zip(&granted).any(|((_, number, _), granted)| Some(*number) != *granted) {
        said.requests.extend(actual().map(|(uuid, number, _)| (*uuid, *number)));
    }
}

/// Interfaces that have an OpenFlow number, and which.
fn numbered<'s>(switch: &Switch, rows: impl Iterator<Item = &'s Row>) -> Vec<(Uuid, u16, &'s Row)> {
    rows.filter_map(|row| Some((row.uuid(), switch.ofport(row.str(interface::NAME)?)?, row))).collect()
}

fn port_keys(
    said: &mut Said,
    net: &Net,
    node: NodeIx,
    switch: &Switch,
    (port, interface): &(&Row, &Row),
) -> (String, Keys) {
    let name = port.str(port::NAME).unwrap_or_default();
    let socket = switch.port(name);
    // `tag` beside `trunks` needs a mode, and a link's end has no type.
    let is_ambiguous = [port::TAG, port::TRUNKS].iter().all(|column| !port.get(*column).is_empty())
        && port.get(port::VLAN_MODE).is_empty();
    let unsaid = if is_ambiguous { &[port::TRUNKS][..] } else { &[] };
    let mut keys = row_keys(said, port, unsaid);
    let unsaid = if socket.is_some() { &[interface::TYPE][..] } else { &[] };
    let of_interface = row_keys(said, interface, unsaid);
    let is_clash = |name: &str| Table::Port.column(name).is_ok() || keys::LINK.find(name).is_some();
    let (inner, plain): (Keys, Keys) = of_interface.into_iter().partition(|(name, _)| is_clash(name));
    keys.extend(plain);
    if !inner.is_empty() {
        keys.push(("interface".to_owned(), inline(&inner)));
    }
    keys.extend(socket.map(|port| link::keys(net, node, port)).unwrap_or_default());
    said.tables.insert(port.uuid());
    said.tables.insert(interface.uuid());
    (name.to_owned(), keys)
}

/// The columns of a row that a table can say.
fn row_keys(said: &mut Said, row: &Row, unsaid: &[Column]) -> Keys {
    let mut keys = Keys::new();
    let request = said.requests.get(&row.uuid()).copied();
    for (column, value) in row.stored() {
        let is_asked = column == interface::OFPORT_REQUEST && request.is_some();
        if can_be_typed(column, value) && !unsaid.contains(&column) && !is_asked {
            keys.push((column.name().to_owned(), value_text(column, value)));
            said.columns.insert((row.uuid(), column));
        }
    }
    if let Some(request) = request {
        keys.push((interface::OFPORT_REQUEST.name().to_owned(), request.to_string()));
        said.columns.insert((row.uuid(), interface::OFPORT_REQUEST));
    }
    keys.sort();
    keys
}

/// A column's value as TOML.
fn value_text(column: Column, value: &Datum) -> String {
    let atom = |atom: &Atom| match atom {
        Atom::Integer(number) => number.to_string(),
        Atom::Real(number) => format!("{number:?}"),
        Atom::Boolean(truth) => truth.to_string(),
        Atom::String(text) => quoted(text),
        Atom::Uuid(uuid) => quoted(&uuid.to_string()),
    };
    if column.ty().is_map() {
        let text = |atom: &Atom| atom.as_str().unwrap_or_default().to_owned();
        return inline(&value.pairs().iter().map(|(k, v)| (key(&text(k)), quoted(&text(v)))).collect());
    }
    match value.only().filter(|_| column.ty().max == 1) {
        Some(only) => atom(only),
        None => array(value.atoms().iter().map(atom)),
    }
}

/// The lines of `setup`: what the tables say too much, then what they leave unsaid.
fn setup(net: &Net, switch: &Switch, bridges: &[Declared<'_>], loose: &[&str], said: &Said) -> Vec<String> {
    let mut lines = Vec::new();
    match bridges.first() {
        // A switch of which no bridge is said has br0.
        None => lines.push(format!("ovs-vsctl del-br {DEFAULT_BRIDGE}")),
        Some(home) => {
            lines.extend(loose.iter().map(|name| ovsdb::words::join(["ovs-vsctl", "del-port", home.name, name])));
        }
    }
    lines.extend(rest_of_setup(net, switch, said));
    lines
}

/// What the tables leave unsaid of Open vSwitch: rows, flows, static MAC addresses. All of it, if no table says anything.
pub(super) fn rest_of_setup(net: &Net, switch: &Switch, said: &Said) -> Vec<String> {
    let mut lines = Vec::from_iter(rows::line(switch.store(), said));
    for row in bridges(switch.store()) {
        let name = row.str(bridge::NAME).unwrap_or_default();
        flows(&mut lines, switch, row, name);
        for entry in switch.macs(name, net.engine().now()).into_iter().filter(|entry| entry.is_static) {
            let port = entry.port.and_then(|port| switch.interface(port)).map(str::to_owned);
            let port = port.unwrap_or_else(|| entry.ofport.to_string());
            let (vlan, mac) = (entry.vlan.to_string(), entry.mac.to_string());
            lines.push(ovsdb::words::join(["ovs-appctl", "fdb/add", name, &port, &vlan, &mac]));
        }
    }
    lines
}

/// What `ovs-ofctl` has set: ports, tables, groups, meters, and the flows beyond the one that a standalone bridge starts with.
fn flows(lines: &mut Vec<String>, switch: &Switch, row: &Row, name: &str) {
    let Some(shared) = switch.shared(name) else { return };
    let all = FlowMod { table: None, ..FlowMod::new(FlowCommand::Delete, Flow::default()) };
    let rules = shared.tables().selected(&all);
    let start = Flow { priority: 0, actions: vec![Action::Normal], ..Flow::default() };
    // It is older than any other of its table and priority.
    let oldest = rules.iter().position(|rule| rule.table() == 0 && rule.priority() == 0);
    let is_standalone = row.str(bridge::FAIL_MODE) != Some("secure");
    let kept = oldest.filter(|&at| is_standalone && rules[at].flow() == start);
    if is_standalone && kept.is_none() {
        lines.push(ovsdb::words::join(["ovs-ofctl", "del-flows", name]));
    }
    for (port, word) in switch.port_settings(name) {
        lines.push(ovsdb::words::join(["ovs-ofctl", "mod-port", name, port, word]));
    }
    for table in shared.tables().told_to_evict() {
        lines.push(ovsdb::words::join(["ovs-ofctl", "mod-table", name, &table.to_string(), "evict"]));
    }
    for state in shared.tables().groups().iter() {
        lines.push(ovsdb::words::join(["ovs-ofctl", "-O", "OpenFlow15", "add-group", name, &state.group.to_string()]));
    }
    for state in shared.tables().meters().iter() {
        // A line for the meter, and one for each band.
        let text = state.meter.to_string().replace("bands=\n", "bands=").trim_end().replace(['\n', ' '], ",");
        lines.push(ovsdb::words::join(["ovs-ofctl", "-O", "OpenFlow13", "add-meter", name, &text]));
    }
    for (_, rule) in rules.iter().enumerate().filter(|(at, _)| Some(*at) != kept) {
        let text = rule.flow().to_string();
        // One word: what separates the parts may be a comma alone.
        let (head, actions) = text.split_once("actions=").unwrap_or(("", &text));
        let head = head.replace(", ", ",");
        let comma = if head.is_empty() { "" } else { "," };
        let flow = format!("{}{comma}actions={actions}", head.trim_end());
        lines.push(ovsdb::words::join(["ovs-ofctl", "add-flow", name, &flow]));
    }
}
