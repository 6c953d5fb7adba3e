//! Rows that no table of a lab file can say, as one line of ovs-vsctl: one transaction, since a row that nothing refers
//! to would not outlive its own.

use crate::spec::is_status;
use ovsdb::vswitch::{bridge, interface, open_vswitch, port};
use ovsdb::{Atom, Column, Datum, Row, Store, Table, Uuid};
use std::collections::{BTreeMap, BTreeSet};

/// What the file's tables say of a switch's rows.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The rows that they make.
    pub(super) tables: BTreeSet<Uuid>,
    /// The columns that they set.
    pub(super) columns: BTreeSet<(Uuid, Column)>,
    /// The OpenFlow numbers that interfaces have to ask for.
    pub(super) requests: BTreeMap<Uuid, u16>,
}

impl Said {
    /// A bridge, and the local port and its interface that come with it.
    pub(super) fn start_bridge(&mut self, bridge: &Row, local: Option<(&Row, &Row)>) {
        self.tables.insert(bridge.uuid());
        if let Some((port, interface)) = local {
            self.tables.extend([port.uuid(), interface.uuid()]);
            if interface.str(interface::TYPE) == Some("internal") {
                self.columns.insert((interface.uuid(), interface::TYPE));
            }
        }
    }
}

/// Columns of `Open_vSwitch` that the switch writes, or that count transactions.
const ROOT_STATUS: &[Column] = &[
    open_vswitch::CUR_CFG,
    open_vswitch::NEXT_CFG,
    open_vswitch::DATAPATH_TYPES,
    open_vswitch::DB_VERSION,
    open_vswitch::DPDK_INITIALIZED,
    open_vswitch::DPDK_VERSION,
    open_vswitch::IFACE_TYPES,
    open_vswitch::OVS_VERSION,
    open_vswitch::SYSTEM_TYPE,
    open_vswitch::SYSTEM_VERSION,
];

/// The columns by which rows hold together, and names, which are never set.
const STRUCTURE: &[Column] =
    &[open_vswitch::BRIDGES, bridge::NAME, bridge::PORTS, port::NAME, port::INTERFACES, interface::NAME];

/// The line; `None` if the tables say it all.
pub(super) fn line(store: &Store, said: &Said) -> Option<String> {
    let mut line = Line {
        store,
        said,
        there: said.tables.clone(),
        local: BTreeSet::new(),
        names: BTreeMap::new(),
        commands: Vec::new(),
    };
    line.add_bridges();
    for bridge in store.rows(Table::Bridge) {
        line.add_ports(bridge);
    }
    for row in [Table::Bridge, Table::Port, Table::Interface].into_iter().flat_map(|table| store.rows(table)) {
        if line.there.contains(&row.uuid()) {
            line.set(row);
        }
    }
    store.root().into_iter().for_each(|root| line.set(root));
    let others = Table::ALL.iter().filter(|table| table.schema().is_root && **table != Table::OpenVSwitch);
    others.flat_map(|table| store.rows(*table)).for_each(|row| _ = line.reference(row));
    (!line.commands.is_empty()).then(|| {
        let commands: Vec<String> = line.commands.iter().map(ovsdb::words::join).collect();
        format!("ovs-vsctl -- {}", commands.join(" \\\n  -- "))
    })
}

struct Line<'s> {
    store: &'s Store,
    said: &'s Said,
    /// Rows that the tables make, or commands so far.
    there: BTreeSet<Uuid>,
    /// Interfaces that come with a bridge of these commands, internal by birth.
    local: BTreeSet<Uuid>,
    /// Rows that were named, and their `@names`.
    names: BTreeMap<Uuid, String>,
    commands: Vec<Vec<String>>,
}

impl Line<'_> {
    /// Adds the bridges that the tables don't make.
    fn add_bridges(&mut self) {
        let all: BTreeSet<Uuid> =
            self.store.root().into_iter().flat_map(|root| root.references(open_vswitch::BRIDGES)).collect();
        for row in self.store.rows(Table::Bridge) {
            if !all.contains(&row.uuid()) || !self.there.insert(row.uuid()) {
                continue;
            }
            let name = record(row);
            self.commands.push(words(["add-br", name]));
            self.there.extend(self.store.find(port::NAME, name).map(Row::uuid));
            if let Some(interface) = self.store.find(interface::NAME, name) {
                self.there.insert(interface.uuid());
                self.local.extend((interface.str(interface::TYPE) == Some("internal")).then(|| interface.uuid()));
            }
        }
    }

    /// Adds the ports of a bridge that the tables don't make.
    fn add_ports(&mut self, bridge: &Row) {
        let ports = rows_of(self.store, Table::Port, bridge.references(bridge::PORTS));
        for port in ports.into_iter().filter(|port| !self.there.contains(&port.uuid())).collect::<Vec<_>>() {
            let interfaces = rows_of(self.store, Table::Interface, port.references(port::INTERFACES));
            let (to, name) = (record(bridge), record(port));
            let command = match interfaces.as_slice() {
                [only] if record(only) == name => words(["add-port", to, name]),
                [_, _, ..] => words(["add-bond", to, name].into_iter().chain(interfaces.iter().map(|row| record(row)))),
                _ => {
                    // Its one interface has another name, which no command of ports can say.
                    let name = self.reference(port);
                    self.commands.push(words(["add", "Bridge", to, "ports", &name]));
                    continue;
                }
            };
            self.commands.push(command);
            self.there.insert(port.uuid());
            self.there.extend(interfaces.iter().map(|row| row.uuid()));
        }
    }

    /// Sets the columns of a row that is there which the tables don't.
    fn set(&mut self, row: &Row) {
        let values = self.values(row, |column| STRUCTURE.contains(&column));
        if !values.is_empty() {
            let mut command = words(["set", row.table().name(), record(row)]);
            command.extend(values);
            self.commands.push(command);
        }
    }

    /// The `@name` of a row: of one that is there by `get`, of another by `create`.
    fn reference(&mut self, row: &Row) -> String {
        if let Some(name) = self.names.get(&row.uuid()) {
            return name.clone();
        }
        let name = format!("@{}{}", row.table().name().to_ascii_lowercase(), self.names.len() + 1);
        self.names.insert(row.uuid(), name.clone());
        let id = format!("--id={name}");
        if self.there.contains(&row.uuid()) {
            self.commands.push(words([&id, "get", row.table().name(), record(row)]));
        } else {
            let values = self.values(row, |_| false);
            let mut command = words([&id, "create", row.table().name()]);
            command.extend(values);
            self.commands.push(command);
        }
        name
    }

    /// `COLUMN=VALUE` for what differs from the default and isn't said yet.
    fn values(&mut self, row: &Row, is_left_out: impl Fn(Column) -> bool) -> Vec<String> {
        let request = self.said.requests.get(&row.uuid()).filter(|_| !self.said.tables.contains(&row.uuid()));
        let mut values: Vec<String> = request.map(|number| format!("ofport_request={number}")).into_iter().collect();
        for (column, value) in row.stored() {
            let is_known = is_status(column) && !STRUCTURE.contains(&column)
                || ROOT_STATUS.contains(&column)
                || self.said.columns.contains(&(row.uuid(), column))
                || column == interface::OFPORT_REQUEST && request.is_some()
                || column == interface::TYPE && self.local.contains(&row.uuid());
            if !is_known && !is_left_out(column) {
                values.push(format!("{}={}", column.name(), self.value(column, value)));
            }
        }
        values.sort();
        values
    }

    fn value(&mut self, column: Column, value: &Datum) -> String {
        let ty = column.ty();
        let refers = ty.value.and_then(|base| base.refers).or(ty.key.refers);
        let Some((table, _)) = refers else {
            let set = value.atoms().iter().map(Atom::to_string);
            let map = value.pairs().iter().map(|(key, value)| format!("{key}={value}"));
            return set.chain(map).collect::<Vec<_>>().join(",");
        };
        if !ty.is_map() {
            // The order of identifiers is another one in each lab; that of rows is not.
            let rows = rows_of(self.store, table, value.uuids());
            return rows.into_iter().map(|row| self.reference(row)).collect::<Vec<_>>().join(",");
        }
        let pairs =
            value.pairs().iter().filter_map(|(key, value)| Some((key, self.store.row(table, value.as_uuid()?)?)));
        let pairs = pairs.collect::<Vec<_>>().into_iter().map(|(key, row)| format!("{key}={}", self.reference(row)));
        pairs.collect::<Vec<_>>().join(",")
    }
}

/// The rows with these identifiers, in their own order.
fn rows_of(store: &Store, table: Table, uuids: impl IntoIterator<Item = Uuid>) -> Vec<&Row> {
    let members: BTreeSet<Uuid> = uuids.into_iter().collect();
    match members.len() {
        0 => Vec::new(),
        1 => members.into_iter().filter_map(|uuid| store.row(table, uuid)).collect(),
        _ => store.rows(table).filter(|row| members.contains(&row.uuid())).collect(),
    }
}

/// What ovs-vsctl calls a row that is there.
fn record(row: &Row) -> &str {
    let name = match row.table() {
        Table::Bridge => bridge::NAME,
        Table::Port => port::NAME,
        Table::Interface => interface::NAME,
        _ => return ".",
    };
    row.str(name).unwrap_or(".")
}

fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(store: &mut Store, line: &str) {
        let line = line.replace("\\\n", " ");
        let words = ovsdb::words::split(&line).expect("it has words");
        ovsdb::vsctl::run(store, &words[1..]).unwrap_or_else(|error| panic!("{line}: {error}"));
    }

    #[test]
    fn a_switch_of_which_no_table_says_anything_is_all_in_the_line() {
        let mut store = Store::new(1);
        for line in [
            "ovs-vsctl add-br br0 -- add-port br0 p1 tag=3 -- add-bond br0 bond p2 p3 -- set bridge br0 stp_enable=true",
            "ovs-vsctl set-controller br0 tcp:127.0.0.1 -- set Open_vSwitch . other_config:a=b",
            "ovs-vsctl -- --id=@p get port p1 -- --id=@m create mirror name=m output_port=@p -- set bridge br0 mirrors=@m",
        ] {
            told(&mut store, line);
        }
        let saved = line(&store, &Said::default()).expect("there is something to say");
        let mut again = Store::new(2);
        told(&mut again, &saved);
        assert_eq!(line(&again, &Said::default()), Some(saved));
        for (table, count) in [(Table::Bridge, 1), (Table::Port, 3), (Table::Interface, 4), (Table::Mirror, 1)] {
            assert_eq!(again.rows(table).len(), count, "{table}");
        }
    }

    #[test]
    fn an_empty_switch_needs_no_line() {
        assert_eq!(line(&Store::new(1), &Said::default()), None);
    }
}
