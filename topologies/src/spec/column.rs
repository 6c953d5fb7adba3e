//! Columns of Open vSwitch's tables as keys: types, ranges and allowed words are the schema's.

use super::reader::{Reader, shorten};
use super::report::Path;
use super::source::Pos;
use super::tree::{Entry, Item, Value};
use ovsdb::schema::{BaseType, Kind, UNLIMITED};
use ovsdb::{Atom, AtomType, Column, Datum, Table, vswitch};
use packet::VlanId;

/// Columns that hold VLANs and so take the names of `[vlans]`.
pub(crate) const VLAN_COLUMNS: &[Column] =
    &[vswitch::port::TAG, vswitch::port::TRUNKS, vswitch::port::CVLANS, vswitch::bridge::FLOOD_VLANS];

/// Columns that the schema lets anyone write, but that the switch itself writes.
const STATUS_COLUMNS: &[Column] = &[
    vswitch::interface::OFPORT,
    vswitch::interface::ERROR,
    vswitch::interface::CFM_FLAP_COUNT,
    vswitch::interface::LINK_RESETS,
    vswitch::port::BOND_ACTIVE_SLAVE,
    vswitch::bridge::DATAPATH_VERSION,
];

/// The values that `type` of an interface takes (ovs-vswitchd.conf.db(5)).
const INTERFACE_TYPES: &[&str] = &[
    "",
    "system",
    "internal",
    "tap",
    "patch",
    "geneve",
    "gre",
    "vxlan",
    "erspan",
    "ip6erspan",
    "ip6gre",
    "gtpu",
    "bareudp",
    "srv6",
];

/// A column's value and where its key stands.
#[derive(Clone, Debug)]
pub struct ColumnValue {
    /// The column.
    pub column: Column,
    /// Its value, valid for the column.
    pub value: Datum,
    /// Where its key stands.
    pub pos: Pos,
}

/// The column of one of the tables that a key names, the first table's on a clash.
pub(crate) fn named(tables: &[Table], key: &str) -> Option<Column> {
    tables.iter().find_map(|table| table.column(key).ok())
}

/// The columns that a file may set.
pub(crate) fn settable(tables: &[Table]) -> impl Iterator<Item = Column> + '_ {
    tables.iter().copied().flat_map(Table::columns).filter(|c| refusal(*c).is_none())
}

/// The strings that a column takes; all if empty.
pub(crate) fn allowed(column: Column) -> &'static [&'static str] {
    if column == vswitch::interface::TYPE { INTERFACE_TYPES } else { column.ty().key.allowed }
}

/// Whether the switch itself writes a column.
pub(crate) fn is_status(column: Column) -> bool {
    column.schema().kind == Kind::Ephemeral || STATUS_COLUMNS.contains(&column)
}

/// Whether a file can give a column this value.
pub(crate) fn can_be_typed(column: Column, value: &Datum) -> bool {
    let ty = column.ty();
    let is_text = |base: &BaseType| base.atom == AtomType::String;
    let fits = ty.value.as_ref().is_none_or(|base| is_text(base) && is_text(&ty.key));
    let is_known = column != vswitch::interface::TYPE
        || value.only().and_then(Atom::as_str).is_some_and(|name| INTERFACE_TYPES.contains(&name));
    refusal(column).is_none() && fits && is_known
}

/// Why a column isn't for a file to set, and what to do instead.
fn refusal(column: Column) -> Option<(String, String)> {
    let schema = column.schema();
    if schema.kind == Kind::Fixed {
        return Some(("the name is the key of its table".to_owned(), "leave it out".to_owned()));
    }
    if is_status(column) {
        let remedy = if column == vswitch::interface::OFPORT {
            "leave it out, or ask for a number with `ofport_request`"
        } else {
            "leave it out"
        };
        return Some((format!("`{}` is status that the switch writes", column.name()), remedy.to_owned()));
    }
    let refers = schema.ty.value.and_then(|base| base.refers).or(schema.ty.key.refers);
    refers.map(|(table, _)| {
        (
            format!("`{}` refers to a row of the table {table}", column.name()),
            "make the row in `setup`, as in `ovs-vsctl -- --id=@x create ... -- set ...`".to_owned(),
        )
    })
}

/// Reads a column's value.
pub(crate) fn read(r: &mut Reader, path: &Path<'_>, entry: &Entry, column: Column) -> Option<ColumnValue> {
    if let Some((message, remedy)) = refusal(column) {
        r.report.error(entry.pos, path, message, remedy);
        return None;
    }
    let ty = column.ty();
    let value = if let Some(base) = &ty.value {
        map(r, path, &entry.item, &ty.key, base)?
    } else if ty.max == 1 {
        Datum::set([element(r, path, &entry.item, column)?])
    } else {
        let items = r.one_or_more(&entry.item);
        let atoms: Vec<Option<Atom>> =
            items.iter().enumerate().map(|(at, item)| element(r, &path.index(at), item, column)).collect();
        Datum::set(atoms.into_iter().collect::<Option<Vec<Atom>>>()?)
    };
    match value.checked(column) {
        Ok(value) => Some(ColumnValue { column, value, pos: entry.pos }),
        Err(error) => {
            let most = if ty.max == UNLIMITED { String::new() } else { format!(" and at most {}", ty.max) };
            r.report.error(entry.item.pos, path, error.to_string(), format!("give at least {}{most}", ty.min));
            None
        }
    }
}

/// A map from a table: keys are strings, and numbers and booleans stand for their text.
fn map(r: &mut Reader, path: &Path<'_>, item: &Item, key: &BaseType, base: &BaseType) -> Option<Datum> {
    if key.atom != AtomType::String || base.atom != AtomType::String {
        r.report.error(item.pos, path, "this map can't be written in a lab file", "set it in `setup` with ovs-vsctl");
        return None;
    }
    let entries = r.table(path, item, "{ key = \"value\" }")?;
    let mut pairs = Vec::with_capacity(entries.len());
    let mut whole = true;
    for entry in entries {
        let text = match &entry.item.value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(truth) => truth.to_string(),
            Value::Datetime | Value::Array(_) | Value::Table(_) => {
                let path = path.key(&entry.key);
                let _: Option<()> = r.wrong_type(&path, &entry.item, "a string", "\"value\"");
                whole = false;
                continue;
            }
        };
        pairs.push((entry.key.clone(), text));
    }
    whole.then(|| Datum::map(pairs))
}

/// One value of a column that is no map.
fn element(r: &mut Reader, path: &Path<'_>, item: &Item, column: Column) -> Option<Atom> {
    let base = &column.ty().key;
    if VLAN_COLUMNS.contains(&column) {
        return r.vlan(path, item).map(VlanId::get).map(Atom::from);
    }
    match base.atom {
        AtomType::Integer => r.integer(path, item, base.min..=base.max).map(Atom::Integer),
        AtomType::Boolean => r.boolean(path, item).map(Atom::Boolean),
        AtomType::Real => match item.value {
            Value::Float(number) if number.is_finite() => Some(Atom::Real(number)),
            Value::Integer(number) => Some(Atom::Real(number as f64)),
            _ => r.wrong_type(path, item, "a number", "1.5"),
        },
        AtomType::String => {
            let allowed = allowed(column);
            let text = r.string(path, item, "\"text\"")?;
            if allowed.is_empty() || allowed.contains(&text) {
                return Some(Atom::from(text));
            }
            let words = allowed.iter().copied().filter(|word| !word.is_empty());
            let list = format!("use one of: {}", words.clone().collect::<Vec<_>>().join(", "));
            let remedy = match r.report.nearest(text, words) {
                Some(nearest) => format!("did you mean `{nearest}`? {}{}", list[..1].to_uppercase(), &list[1..]),
                None => list,
            };
            r.report.error(item.pos, path, format!("`{}` is not among its values", shorten(text)), remedy);
            None
        }
        AtomType::Uuid => {
            r.report.error(item.pos, path, "this column refers to a row", "set it in `setup` with ovs-vsctl");
            None
        }
    }
}
