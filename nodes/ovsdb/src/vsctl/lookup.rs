//! Tables, columns and rows by what one types for them.

use super::context::{Context, Failure, fatal};
use crate::atom::Atom;
use crate::row::Row;
use crate::schema::Column;
use crate::text::token;
use crate::uuid::Uuid;
use crate::vswitch::{
    Table, bridge, flow_sample_collector_set, flow_table, interface, manager, mirror, open_vswitch, port,
};

/// How well `typed` abbreviates `name`: not at all, in part, but for case and hyphens, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Score {
    No,
    Prefix,
    Same,
    Exact,
}

fn score(name: &str, typed: &str) -> Score {
    let fold = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    let is_prefix = typed.len() <= name.len() && name.bytes().zip(typed.bytes()).all(|(a, b)| fold(a) == fold(b));
    match is_prefix {
        _ if name == typed => Score::Exact,
        false => Score::No,
        true if name.len() == typed.len() => Score::Same,
        true if typed.is_empty() => Score::No,
        true => Score::Prefix,
    }
}

/// The best of the candidates: one, several as good, or none.
fn best<T: Copy>(candidates: impl Iterator<Item = T>, name: impl Fn(T) -> &'static str, typed: &str) -> Vec<T> {
    let mut best = Score::Prefix;
    let mut found = Vec::new();
    for candidate in candidates {
        let score = score(name(candidate), typed);
        if score > best {
            best = score;
            found.clear();
        }
        if score == best {
            found.push(candidate);
        }
    }
    found
}

/// The table that `typed` abbreviates.
pub(super) fn table(typed: &str) -> Result<Table, Failure> {
    let mut found = best(Table::ALL.iter().copied(), Table::name, typed);
    match found.as_slice() {
        [only] => Ok(*only),
        [] => fatal(format!("unknown table \"{typed}\"")),
        _ => {
            found.sort_by_key(|table| table.name());
            let names: Vec<&str> = found.iter().map(|table| table.name()).collect();
            fatal(format!("\"{typed}\" matches multiple table names: {}", names.join(", ")))
        }
    }
}

/// The column that `typed` abbreviates.
pub(super) fn column(table: Table, typed: &str) -> Result<Column, Failure> {
    let found = best(table.columns(), Column::name, typed);
    match found.as_slice() {
        [only] => Ok(*only),
        [] => fatal(format!("{table} does not contain a column whose name matches \"{typed}\"")),
        _ => {
            let names: Vec<&str> = found.iter().map(|column| column.name()).collect();
            fatal(format!("{table} contains more than one column whose name matches \"{typed}\": {}", names.join(", ")))
        }
    }
}

/// A way to name a row: by a column that has the name, or if that is `None` as `.`, the only row of
/// the table; and the column, if any, that leads from there to the row that is meant.
struct Alias {
    table: Table,
    name: Option<Column>,
    leads: Option<Column>,
}

const fn named(name: Column) -> Alias {
    Alias { table: name.table(), name: Some(name), leads: None }
}

const fn via(name: Column, leads: Column) -> Alias {
    Alias { table: name.table(), name: Some(name), leads: Some(leads) }
}

/// The aliases of a table's rows (ovs-vsctl(8), "Database Commands").
fn aliases(table: Table) -> &'static [Alias] {
    const BRIDGE: &[Alias] = &[named(bridge::NAME)];
    const PORT: &[Alias] = &[named(port::NAME)];
    const INTERFACE: &[Alias] = &[named(interface::NAME)];
    const MIRROR: &[Alias] = &[named(mirror::NAME)];
    const MANAGER: &[Alias] = &[named(manager::TARGET)];
    const FLOW_TABLE: &[Alias] = &[named(flow_table::NAME)];
    const CONTROLLER: &[Alias] = &[via(bridge::NAME, bridge::CONTROLLER)];
    const NETFLOW: &[Alias] = &[via(bridge::NAME, bridge::NETFLOW)];
    const SFLOW: &[Alias] = &[via(bridge::NAME, bridge::SFLOW)];
    const IPFIX: &[Alias] = &[
        via(bridge::NAME, bridge::IPFIX),
        Alias { table: Table::FlowSampleCollectorSet, name: None, leads: Some(flow_sample_collector_set::IPFIX) },
    ];
    const AUTO_ATTACH: &[Alias] = &[via(bridge::NAME, bridge::AUTO_ATTACH)];
    const QOS: &[Alias] = &[via(port::NAME, port::QOS)];
    const SAMPLES: &[Alias] = &[named(flow_sample_collector_set::ID)];
    const OPEN: &[Alias] = &[Alias { table: Table::OpenVSwitch, name: None, leads: None }];
    const SSL: &[Alias] = &[Alias { table: Table::OpenVSwitch, name: None, leads: Some(open_vswitch::SSL) }];
    match table {
        Table::Bridge => BRIDGE,
        Table::Port => PORT,
        Table::Interface => INTERFACE,
        Table::Mirror => MIRROR,
        Table::Manager => MANAGER,
        Table::FlowTable => FLOW_TABLE,
        Table::Controller => CONTROLLER,
        Table::NetFlow => NETFLOW,
        Table::SFlow => SFLOW,
        Table::Ipfix => IPFIX,
        Table::AutoAttach => AUTO_ATTACH,
        Table::Qos => QOS,
        Table::FlowSampleCollectorSet => SAMPLES,
        Table::OpenVSwitch => OPEN,
        Table::Ssl => SSL,
        _ => &[],
    }
}

/// The row that `record` names, by its identifier, an alias, or the beginning of its identifier (at
/// least four digits); `None` if there is none.
pub(super) fn row(cx: &Context<'_>, table: Table, record: &str) -> Result<Option<Uuid>, Failure> {
    if let Some(uuid) = Uuid::parse(record)
        && cx.row(table, uuid).is_some()
    {
        return Ok(Some(uuid));
    }
    for alias in aliases(table) {
        let matches = |row: &&Row| match alias.name {
            Some(name) => match row.get(name).only() {
                Some(Atom::Integer(number)) => record.parse() == Ok(*number),
                name => name.and_then(Atom::as_str) == Some(record),
            },
            None => record == ".",
        };
        let mut found = cx.txn.rows(alias.table).filter(matches);
        let Some(first) = found.next() else { continue };
        if found.next().is_some() {
            if alias.name.is_none() {
                continue;
            }
            return fatal(format!("multiple rows in {table} match \"{record}\""));
        }
        let meant = match alias.leads {
            None => Some(first.uuid()),
            Some(leads) => first.reference(leads).filter(|uuid| cx.row(table, *uuid).is_some()),
        };
        if meant.is_some() {
            return Ok(meant);
        }
    }
    by_prefix(cx, table, record)
}

fn by_prefix(cx: &Context<'_>, table: Table, record: &str) -> Result<Option<Uuid>, Failure> {
    let digits = record.bytes().filter(u8::is_ascii_hexdigit).count();
    if digits < 4 || !record.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Ok(None);
    }
    let record = record.to_ascii_lowercase();
    let mut found = cx.txn.rows(table).map(Row::uuid).filter(|uuid| uuid.to_string().starts_with(&record));
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => fatal(format!(
            "{table} contains 2 or more rows whose UUIDs begin with {record}: \
             at least {first} and {second}"
        )),
        (first, _) => Ok(first),
    }
}

/// The same; without such a row an error, unless `optional`.
pub(super) fn existing_row(
    cx: &Context<'_>,
    table: Table,
    record: &str,
    optional: bool,
) -> Result<Option<Uuid>, Failure> {
    let found = row(cx, table, record)?;
    if found.is_none() && !optional {
        return fatal(format!("no row \"{record}\" in table {table}"));
    }
    Ok(found)
}

/// `COLUMN[:KEY]`, and what follows.
pub(super) struct Place<'w> {
    pub(super) column: Column,
    pub(super) key: Option<String>,
    pub(super) rest: &'w str,
}

/// Reads `COLUMN[:KEY]` at the beginning of an argument.
pub(super) fn place(table: Table, argument: &str) -> Result<Place<'_>, Failure> {
    let (name, rest) = token(argument)?;
    if name.is_empty() {
        return fatal(format!("{argument}: missing column name"));
    }
    let column = column(table, &name)?;
    match rest.strip_prefix(':') {
        Some(after) => {
            let (key, rest) = token(after)?;
            Ok(Place { column, key: Some(key), rest })
        }
        None => Ok(Place { column, key: None, rest }),
    }
}

/// Reads an operator, the longest that fits, and the value behind it.
pub(super) fn operator<'w>(argument: &str, rest: &'w str, allowed: &[&str]) -> Result<(usize, &'w str), Failure> {
    let fits = |operator: &&str| rest.len() > operator.len() && rest.starts_with(*operator);
    let best = allowed.iter().enumerate().filter(|(_, operator)| fits(operator));
    if let Some((index, operator)) = best.max_by_key(|(_, operator)| operator.len()) {
        return Ok((index, &rest[operator.len()..]));
    }
    let quoted: Vec<String> = allowed.iter().map(|operator| format!("\"{operator}\"")).collect();
    let list = match quoted.as_slice() {
        [start @ .., last] if start.len() > 1 => format!("{}, or {last}", start.join(", ")),
        all => all.join(" or "),
    };
    fatal(format!("{argument}: argument does not end in {list} followed by a value."))
}
