//! `[switches.S]`: Bridge columns, `ports`, `bridges`, `setup`.

use super::column::{self, ColumnValue};
use super::files::FileValue;
use super::keys;
use super::link::{self, LinkSpec};
use super::reader::Reader;
use super::report::Path;
use super::setup;
use super::source::{Pos, Spanned};
use super::tree::{Entry, Item};
use crate::lab::SetupLine;
use ovsdb::vswitch;

/// The bridge of a switch that declares none.
pub const DEFAULT_BRIDGE: &str = "br0";

/// A switch as typed.
#[derive(Clone, Debug, Default)]
pub struct SwitchSpec {
    /// The bridges: br0 first if the switch's own keys say anything of it.
    pub bridges: Vec<BridgeSpec>,
    /// The lines of `setup`.
    pub setup: Vec<SetupLine>,
}

/// A bridge as typed.
#[derive(Clone, Debug)]
pub struct BridgeSpec {
    /// Its name.
    pub name: Spanned<String>,
    /// Columns of Bridge.
    pub columns: Vec<ColumnValue>,
    /// Its ports, in the file's order.
    pub ports: Vec<PortSpec>,
    /// Flows to begin with.
    pub flows: Option<FileValue>,
}

impl BridgeSpec {
    fn new(name: Spanned<String>) -> Self {
        Self { name, columns: Vec::new(), ports: Vec::new(), flows: None }
    }
}

/// A switch's port as typed.
#[derive(Clone, Debug)]
pub struct PortSpec {
    /// Its name.
    pub name: Spanned<String>,
    /// Columns of Port and Interface.
    pub columns: Vec<ColumnValue>,
    /// Its link.
    pub link: LinkSpec,
}

impl PortSpec {
    /// Where its `type` stands, if it is no link's end.
    pub(crate) fn type_pos(&self) -> Option<Pos> {
        let ty = self.columns.iter().find(|c| c.column == vswitch::interface::TYPE)?;
        let name = ty.value.only()?.as_str()?;
        (!name.is_empty()).then_some(ty.pos)
    }
}

/// Reads a switch.
pub(crate) fn read(r: &mut Reader, path: &Path<'_>, name: &Entry) -> Option<SwitchSpec> {
    let entries = r.table(path, &name.item, "s1 = { stp_enable = true }")?;
    let mut switch = SwitchSpec::default();
    let mut br0 = BridgeSpec::new(Spanned::new(DEFAULT_BRIDGE.to_owned(), name.pos));
    let mut has_br0 = None;
    for entry in entries {
        let path = path.key(&entry.key);
        match entry.key.as_str() {
            "bridges" => switch.bridges = bridges(r, &path, &entry.item),
            "setup" => switch.setup = setup::read(r, &path, &entry.item, &setup::switch_tools()),
            _ => {
                has_br0.get_or_insert(entry.pos);
                bridge_key(r, &path, entry, &mut br0, &keys::SWITCH);
            }
        }
    }
    if let Some(pos) = has_br0 {
        if let Some(twin) = switch.bridges.iter().position(|bridge| bridge.name.value == DEFAULT_BRIDGE) {
            let twin = switch.bridges.remove(twin);
            let place = r.report.place(pos);
            r.report.error(
                twin.name.pos,
                path.key("bridges").key(DEFAULT_BRIDGE),
                format!("the switch's own keys are br0's already ({place})"),
                "write br0's keys and ports in one of the two places",
            );
        }
        switch.bridges.insert(0, br0);
    }
    Some(switch)
}

/// Reads bridges by their names.
pub(super) fn bridges(r: &mut Reader, path: &Path<'_>, item: &Item) -> Vec<BridgeSpec> {
    let Some(entries) = r.table(path, item, "bridges.br1.ports = { p1 = { tag = 9 } }") else { return Vec::new() };
    let mut bridges = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = path.key(&entry.key);
        r.name(&path, entry.pos, &entry.key, "a bridge");
        let name = Spanned::new(entry.key.clone(), entry.pos);
        let mut bridge = BridgeSpec::new(name);
        for entry in r.table(&path, &entry.item, "{ ports = { p1 = { tag = 9 } } }").unwrap_or_default() {
            bridge_key(r, &path.key(&entry.key), entry, &mut bridge, &keys::BRIDGE);
        }
        bridges.push(bridge);
    }
    bridges
}

/// Reads a key of a bridge; `known` are those of the table that it stands in.
fn bridge_key(r: &mut Reader, path: &Path<'_>, entry: &Entry, bridge: &mut BridgeSpec, known: &keys::Table) {
    match entry.key.as_str() {
        "ports" => bridge.ports = ports(r, path, &entry.item),
        "flows" => bridge.flows = flows(r, path, entry),
        key => {
            if let Some(column) = column::named(keys::BRIDGE.columns, key) {
                bridge.columns.extend(column::read(r, path, entry, column));
            } else if let Some(parent) = path.parent() {
                r.unknown_key(parent, entry, known.names());
            }
        }
    }
}

/// Reads the file of flows that a key names.
fn flows(r: &mut Reader, path: &Path<'_>, entry: &Entry) -> Option<FileValue> {
    let name = r.string(path, &entry.item, "flows = \"flows.txt\"")?;
    match r.files.read(name) {
        Ok(file) => Some(FileValue { file, pos: entry.pos }),
        Err(unread) => {
            let (message, remedy) = unread.told();
            r.report.error(entry.item.pos, path, message, remedy);
            None
        }
    }
}

fn ports(r: &mut Reader, path: &Path<'_>, item: &Item) -> Vec<PortSpec> {
    let Some(entries) = r.table(path, item, "ports.p1 = { tag = 9, to = \"h1\" }") else { return Vec::new() };
    entries.iter().map(|entry| port(r, &path.key(&entry.key), entry)).collect()
}

fn port(r: &mut Reader, path: &Path<'_>, port: &Entry) -> PortSpec {
    r.name(path, port.pos, &port.key, "a port");
    let mut spec =
        PortSpec { name: Spanned::new(port.key.clone(), port.pos), columns: Vec::new(), link: LinkSpec::default() };
    for entry in r.table(path, &port.item, "p1 = { tag = 9, to = \"h1\" }").unwrap_or_default() {
        let path = path.key(&entry.key);
        if entry.key == "interface" {
            interface(r, &path, &entry.item, &mut spec);
        } else if link::read_key(r, &path, entry, &mut spec.link) {
        } else if let Some(column) = column::named(keys::PORT.columns, &entry.key) {
            spec.columns.extend(column::read(r, &path, entry, column));
        } else if let Some(parent) = path.parent() {
            r.unknown_key(parent, entry, keys::PORT.names());
        }
    }
    spec.link.check_has_to(r, path);
    check_vlans(r, path, &spec);
    spec
}

/// `interface = {...}`: columns of Interface that Port has as well, or any other.
fn interface(r: &mut Reader, path: &Path<'_>, item: &Item, port: &mut PortSpec) {
    for entry in r.table(path, item, "interface = { external_ids = { id = \"x\" } }").unwrap_or_default() {
        let Some(column) = column::named(keys::INTERFACE_COLUMNS.columns, &entry.key) else {
            r.unknown_key(path, entry, keys::INTERFACE_COLUMNS.names());
            continue;
        };
        let path = path.key(&entry.key);
        if let Some(twin) = port.columns.iter().find(|known| known.column == column) {
            let place = r.report.place(twin.pos);
            r.report.error(entry.pos, path, format!("is set already ({place})"), "keep one of them");
        } else {
            port.columns.extend(column::read(r, &path, entry, column));
        }
    }
}

fn check_vlans(r: &mut Reader, path: &Path<'_>, port: &PortSpec) {
    let of = |column| port.columns.iter().find(|c| c.column == column);
    let (tag, trunks) = (of(vswitch::port::TAG), of(vswitch::port::TRUNKS));
    if let (Some(tag), Some(trunks), None) = (tag, trunks, of(vswitch::port::VLAN_MODE)) {
        r.report.error(
            tag.pos.max(trunks.pos),
            path,
            "`tag` together with `trunks` needs a `vlan_mode`",
            "add vlan_mode = \"native-untagged\" (or native-tagged, trunk, access, dot1q-tunnel), or leave one of them out",
        );
    }
}
