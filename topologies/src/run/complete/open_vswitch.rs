//! The arguments of `ovs-vsctl`, `ovs-ofctl` and `ovs-appctl`: what of a switch a command is about.

use super::Found;
use ovsdb::vswitch::{bridge, interface, port};
use ovsdb::{AtomType, Column, Table};
use packet::field::PROTOCOLS;
use std::collections::BTreeSet;
use switch::Switch;

/// The words of a flow that are no fields (ovs-ofctl(8)).
const FLOW_WORDS: &[&str] = &["table=", "priority=", "cookie=", "actions="];

/// The actions that a flow is most often given.
const ACTIONS: &[&str] =
    &["normal", "drop", "flood", "all", "in_port", "local", "output:", "mod_vlan_vid:", "strip_vlan", "push_vlan:"];

impl Found<'_> {
    /// The next word behind one of the three programs.
    pub(super) fn open_vswitch(&mut self, switch: &Switch, program: &str, words: &[&str]) {
        // ovs-vsctl chains commands with `--`.
        let words = words.rsplit(|word| *word == "--").next().unwrap_or_default();
        let words: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
        let Some((command, words)) = words.split_first() else {
            return self.offer(switch::commands_of(program));
        };
        match (program, *command) {
            ("ovs-vsctl", command) => self.vsctl(switch, command, words),
            ("ovs-ofctl" | "ovs-appctl", _) if words.is_empty() => self.offer(names(switch, bridge::NAME)),
            ("ovs-ofctl", "dump-ports") | ("ovs-appctl", "fdb/add") if words.len() == 1 => {
                self.offer(names(switch, interface::NAME));
            }
            ("ovs-ofctl", "add-flow" | "del-flows" | "dump-flows") => self.flow(switch),
            _ => {}
        }
    }

    fn vsctl(&mut self, switch: &Switch, command: &str, words: &[&str]) {
        let bridges = || names(switch, bridge::NAME);
        match (command, words.len()) {
            ("get" | "list" | "find" | "set" | "add" | "remove" | "clear" | "create" | "destroy" | "wait-until", _) => {
                self.record(switch, command, words);
            }
            ("port-to-br", 0) | ("del-port", 1) | ("add-bond-iface" | "del-bond-iface", 0) => {
                self.offer(names(switch, port::NAME));
            }
            ("del-port", 0) => {
                let taken = BTreeSet::from_iter(bridges());
                self.offer(bridges());
                self.offer(names(switch, port::NAME).filter(|name| !taken.contains(name)));
            }
            ("iface-to-br", 0) | ("add-bond-iface" | "del-bond-iface", 1) => self.offer(names(switch, interface::NAME)),
            ("add-port", 1) | ("add-bond", 2..) => {
                let ports = (0..).map(sim_core::PortIx).map_while(|port| switch.interface(port));
                let taken = BTreeSet::from_iter(names(switch, interface::NAME));
                self.offer(ports.filter(|name| !taken.contains(name)));
            }
            ("add-port", _) => self.columns(Table::Port),
            ("set-fail-mode", 1) => self.offer(["standalone", "secure"]),
            ("add-br" | "get-manager" | "set-manager" | "get-ssl" | "set-ssl" | "comment", 0) => {}
            (_, 0) => self.offer(bridges()),
            _ => {}
        }
    }

    /// `TABLE RECORD COLUMN[=VALUE]..`
    fn record(&mut self, switch: &Switch, command: &str, words: &[&str]) {
        let tables = || Table::ALL.iter().map(|table| table.name());
        let Some((table, rest)) = words.split_first() else { return self.offer(tables()) };
        let found = Table::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(table));
        let Some(table) = found else { return };
        let has_record = !matches!(command, "find" | "create");
        match (rest.len(), table) {
            (0, Table::OpenVSwitch) if has_record => self.offer(["."]),
            (0, _) if has_record => {
                let name = match table {
                    Table::Bridge => bridge::NAME,
                    Table::Port => port::NAME,
                    Table::Interface => interface::NAME,
                    _ => return,
                };
                self.offer(names(switch, name));
            }
            _ if matches!(command, "list" | "destroy") => {}
            _ if matches!(command, "get" | "clear") => self.offer(table.columns().map(Column::name)),
            (1, _) if matches!(command, "add" | "remove") => self.offer(table.columns().map(Column::name)),
            _ if matches!(command, "add" | "remove") => {}
            _ => self.columns(table),
        }
    }

    /// `COLUMN=VALUE`: the value too where the schema lists them.
    fn columns(&mut self, table: Table) {
        let Some((name, _)) = self.typed.split_once('=') else {
            return self.offer_with(table.columns().map(Column::name), "=");
        };
        if let Ok(column) = table.column(name) {
            self.behind(&['=', ',']);
            match column.ty().key.atom {
                AtomType::Boolean => self.offer(["true", "false"]),
                _ => self.offer(column.ty().key.allowed.iter().copied()),
            }
        }
    }

    /// A flow: fields, the short words of protocols, actions.
    fn flow(&mut self, switch: &Switch) {
        if let Some(at) = self.typed.find("actions=") {
            let from = at + "actions=".len();
            self.start += from;
            self.typed = &self.typed[from..];
            self.behind(&[',']);
            return self.offer(ACTIONS.iter().copied());
        }
        self.behind(&[',']);
        if self.typed.starts_with("in_port=") {
            self.behind(&['=']);
            return self.offer(names(switch, interface::NAME));
        }
        self.offer_with(packet::FIELDS.iter().map(|field| field.name), "=");
        self.offer(PROTOCOLS.iter().map(|protocol| protocol.name));
        self.offer(FLOW_WORDS.iter().copied());
    }
}

/// The names of a switch's bridges.
pub(super) fn bridges(switch: &Switch) -> impl Iterator<Item = &str> {
    names(switch, bridge::NAME)
}

/// The names of a table's rows, in order.
fn names(switch: &Switch, column: Column) -> impl Iterator<Item = &str> {
    switch.store().rows(column.table()).filter_map(move |row| row.str(column))
}
