//! Commands on any row of any table: get, list, find, set, add, remove, clear, create, destroy.

use std::cmp::Ordering;

use super::command::Command;
use super::context::{Answer, Context, Failure, Printed, QUIET, fatal};
use super::lookup::{self, Place};
use super::table::Table as Listing;
use crate::atom::Atom;
use crate::datum::Datum;
use crate::row::Row;
use crate::schema::{Column, ColumnType, Kind, UNLIMITED};
use crate::text::parse_atom;
use crate::uuid::Uuid;
use crate::vswitch::Table;

/// Finds what is wrong with names of tables and columns before any command runs.
pub(super) fn prerequisites(cx: &mut Context<'_>, command: &Command<'_>) -> Result<(), Failure> {
    let args = command.args;
    let places = |table: Table, args: &[String]| -> Result<(), Failure> {
        for arg in args.iter().filter(|arg| !is_uuid_column(arg)) {
            lookup::place(table, arg)?;
        }
        Ok(())
    };
    match command.syntax.name {
        "get" | "set" | "wait-until" => places(lookup::table(command.arg(0))?, &args[2..]),
        "list" => column_list(lookup::table(command.arg(0))?, command).map(drop),
        "find" => {
            let table = lookup::table(command.arg(0))?;
            column_list(table, command)?;
            places(table, &args[1..])
        }
        "add" | "remove" => lookup::column(lookup::table(command.arg(0))?, command.arg(2)).map(drop),
        "clear" => {
            let table = lookup::table(command.arg(0))?;
            args[2..].iter().try_for_each(|arg| lookup::column(table, arg).map(drop))
        }
        "create" => {
            let table = lookup::table(command.arg(0))?;
            if !command.has("id") && !table.schema().is_root {
                cx.warnings.push(format!(
                    "applying \"create\" command to table {table} without --id option will have \
                     no effect"
                ));
            }
            Ok(())
        }
        "destroy" => {
            lookup::table(command.arg(0))?;
            if args.len() == 1 && !command.has("all") {
                cx.warnings.push("either --all or records argument should be specified".to_owned());
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn is_uuid_column(name: &str) -> bool {
    name.eq_ignore_ascii_case("_uuid") || name.eq_ignore_ascii_case("-uuid")
}

pub(super) fn comment(_: &mut Context<'_>, _: &Command<'_>) -> Answer {
    Ok(QUIET)
}

pub(super) fn get(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let optional = command.has("if-exists");
    if command.has("id") && optional {
        return fatal("--if-exists and --id may not be specified together");
    }
    let table = lookup::table(command.arg(0))?;
    let record = command.arg(1);
    let Some(uuid) = lookup::existing_row(cx, table, record, optional)? else { return Ok(QUIET) };
    if let Some(id) = command.argument("id") {
        cx.name_row(id, uuid)?;
    }
    let mut text = String::new();
    for arg in &command.args[2..] {
        if is_uuid_column(arg) {
            text.push_str(&format!("{uuid}\n"));
            continue;
        }
        let Place { column, key, rest } = lookup::place(table, arg)?;
        if !rest.is_empty() {
            return fatal(format!("{arg}: trailing garbage \"{rest}\" in argument"));
        }
        let ty = column.ty();
        match key {
            None => text.push_str(&ty.print(value(cx, uuid, column))),
            Some(_) if !ty.is_map() => {
                let column = column.name();
                return fatal(format!("cannot specify key to get for non-map column {column}"));
            }
            Some(key) => {
                let atom = cx.parse(|names| parse_atom(&ty.key, &key, names))?;
                match value(cx, uuid, column).value(&atom) {
                    Some(found) => text.push_str(&found.to_string()),
                    None if optional => {}
                    None => {
                        let column = column.name();
                        return fatal(format!("no key \"{key}\" in {table} record \"{record}\" column {column}"));
                    }
                }
            }
        }
        text.push('\n');
    }
    Ok(Printed::Text(text))
}

fn value<'c>(cx: &'c Context<'_>, uuid: Uuid, column: Column) -> &'c Datum {
    cx.row(column.table(), uuid).map_or(column.ty().default(), |row| row.get(column))
}

/// The columns that `--columns` names, `None` being the identifier; all without the option.
fn column_list(table: Table, command: &Command<'_>) -> Result<Vec<Option<Column>>, Failure> {
    let Some(names) = command.argument("columns") else {
        return Ok(std::iter::once(None).chain(table.columns().map(Some)).collect());
    };
    let mut columns = Vec::new();
    for name in names.split([',', ' ']).filter(|name| !name.is_empty()) {
        let is_uuid = name.eq_ignore_ascii_case("_uuid");
        columns.push(if is_uuid { None } else { Some(lookup::column(table, name)?) });
    }
    if columns.is_empty() {
        return fatal("must specify at least one column name");
    }
    Ok(columns)
}

pub(super) fn list(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let table = lookup::table(command.arg(0))?;
    let mut listing = Listing::new(column_list(table, command)?);
    if command.args.len() == 1 {
        cx.txn.rows(table).for_each(|row| listing.push(row));
    }
    for record in &command.args[1..] {
        let found = lookup::existing_row(cx, table, record, command.has("if-exists"))?;
        if let Some(row) = found.and_then(|uuid| cx.row(table, uuid)) {
            listing.push(row);
        }
    }
    Ok(Printed::Table(listing))
}

pub(super) fn find(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let table = lookup::table(command.arg(0))?;
    let mut listing = Listing::new(column_list(table, command)?);
    let uuids: Vec<Uuid> = cx.txn.rows(table).map(Row::uuid).collect();
    'rows: for uuid in uuids {
        for condition in &command.args[1..] {
            if !holds(cx, table, uuid, condition)? {
                continue 'rows;
            }
        }
        if let Some(row) = cx.row(table, uuid) {
            listing.push(row);
        }
    }
    Ok(Printed::Table(listing))
}

const RELATIONS: &[&str] =
    &["=", "!=", "<", ">", "<=", ">=", "{=}", "{!=}", "{<}", "{>}", "{<=}", "{>=}", "{in}", "{not-in}"];

/// Does a row meet `COLUMN[:KEY]=VALUE`, or another relation?
fn holds(cx: &mut Context<'_>, table: Table, uuid: Uuid, condition: &str) -> Result<bool, Failure> {
    let Place { column, key, rest } = lookup::place(table, condition)?;
    let (relation, text) = lookup::operator(condition, rest, RELATIONS)?;
    let relation = RELATIONS[relation];
    let of_sets = relation.starts_with('{');
    let ty = *column.ty();
    let Some(key) = key else {
        let want = cx.parse(|names| ty.parse_with(text, names))?;
        return Ok(related(value(cx, uuid, column), &want, relation));
    };
    let Some(value_type) = ty.value else {
        let column = column.name();
        return fatal(format!("cannot specify key to check for non-map column {column}"));
    };
    let key = cx.parse(|names| parse_atom(&ty.key, &key, names))?;
    let value_type = ColumnType { key: value_type, value: None, ..ty };
    let want = cx.parse(|names| value_type.parse_with(text, names))?;
    let have = value(cx, uuid, column).value(&key).cloned();
    if have.is_none() && !of_sets {
        return Ok(false);
    }
    Ok(related(&Datum::from(have), &want, relation))
}

fn related(have: &Datum, want: &Datum, relation: &str) -> bool {
    let order = compare(have, want);
    match relation {
        "=" | "{=}" => order == Ordering::Equal,
        "!=" | "{!=}" => order != Ordering::Equal,
        "<" => order == Ordering::Less,
        ">" => order == Ordering::Greater,
        "<=" => order != Ordering::Greater,
        ">=" => order != Ordering::Less,
        "{<}" => have.len() < want.len() && have.is_subset(want),
        "{>}" => have.len() > want.len() && want.is_subset(have),
        "{<=}" | "{in}" => have.is_subset(want),
        "{>=}" => want.is_subset(have),
        "{not-in}" => have.is_disjoint(want),
        _ => false,
    }
}

/// By number of elements, then keys, then values.
fn compare(a: &Datum, b: &Datum) -> Ordering {
    let values = |datum: &Datum| -> Vec<Atom> { datum.pairs().iter().map(|(_, value)| value.clone()).collect() };
    a.len().cmp(&b.len()).then_with(|| a.keys().cmp(b.keys())).then_with(|| values(a).cmp(&values(b)))
}

fn check_writable(cx: &Context<'_>, column: Column, uuid: Uuid) -> Result<(), Failure> {
    let table = column.table();
    if column.schema().kind == Kind::Fixed && !cx.txn.inserts(table, uuid) {
        let column = column.name();
        return fatal(format!("cannot modify read-only column {column} in table {table}"));
    }
    Ok(())
}

/// Sets a column of a row as `COLUMN[:KEY]=VALUE` says.
pub(super) fn set_column(cx: &mut Context<'_>, table: Table, uuid: Uuid, argument: &str) -> Result<(), Failure> {
    let Place { column, key, rest } = lookup::place(table, argument)?;
    let (_, text) = lookup::operator(argument, rest, &["="])?;
    check_writable(cx, column, uuid)?;
    let ty = column.ty();
    let datum = match key {
        None => cx.parse(|names| ty.parse_with(text, names))?,
        Some(key) => {
            let Some(value_type) = &ty.value else {
                let column = column.name();
                return fatal(format!("cannot specify key to set for non-map column {column}"));
            };
            let key = cx.parse(|names| parse_atom(&ty.key, &key, names))?;
            let new = cx.parse(|names| parse_atom(value_type, text, names))?;
            value(cx, uuid, column).union(&Datum::map([(key, new)]), true)
        }
    };
    cx.txn.set(uuid, column, datum)?;
    Ok(())
}

/// The table and the row that the first two words name.
fn target(cx: &Context<'_>, command: &Command<'_>) -> Result<(Table, Option<Uuid>), Failure> {
    let table = lookup::table(command.arg(0))?;
    let optional = command.has("if-exists");
    Ok((table, lookup::existing_row(cx, table, command.arg(1), optional)?))
}

pub(super) fn set(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (table, Some(uuid)) = target(cx, command)? else { return Ok(QUIET) };
    for arg in &command.args[2..] {
        set_column(cx, table, uuid, arg)?;
    }
    Ok(QUIET)
}

pub(super) fn add(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (table, Some(uuid)) = target(cx, command)? else { return Ok(QUIET) };
    let column = lookup::column(table, command.arg(2))?;
    check_writable(cx, column, uuid)?;
    let ty = ColumnType { min: 1, max: UNLIMITED, ..*column.ty() };
    let mut added = if ty.is_map() { Datum::EMPTY_MAP } else { Datum::EMPTY_SET };
    for arg in &command.args[3..] {
        added = added.union(&cx.parse(|names| ty.parse_with(arg, names))?, false);
    }
    // As in the original, a key that is there keeps its value unless the line ends here.
    let datum = value(cx, uuid, column).union(&added, cx.is_last);
    cx.txn.set(uuid, column, datum)?;
    Ok(QUIET)
}

pub(super) fn remove(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (table, Some(uuid)) = target(cx, command)? else { return Ok(QUIET) };
    let column = lookup::column(table, command.arg(2))?;
    check_writable(cx, column, uuid)?;
    let ty = ColumnType { min: 1, max: UNLIMITED, ..*column.ty() };
    let keys = ColumnType { value: None, ..ty };
    let mut datum = value(cx, uuid, column).clone();
    for arg in &command.args[3..] {
        let pairs = cx.parse(|names| ty.parse_with(arg, names));
        let removed = match pairs {
            Err(_) if ty.is_map() => cx.parse(|names| keys.parse_with(arg, names))?,
            other => other?,
        };
        datum = datum.difference(&removed);
    }
    cx.txn.set(uuid, column, datum)?;
    Ok(QUIET)
}

pub(super) fn clear(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (table, Some(uuid)) = target(cx, command)? else { return Ok(QUIET) };
    for arg in &command.args[2..] {
        let column = lookup::column(table, arg)?;
        check_writable(cx, column, uuid)?;
        if column.ty().min > 0 {
            let column = column.name();
            return fatal(format!(
                "\"clear\" operation cannot be applied to column {column} of table {table}, \
                 which is not allowed to be empty"
            ));
        }
        cx.txn.set(uuid, column, Datum::EMPTY_SET)?;
    }
    Ok(QUIET)
}

pub(super) fn create(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let table = lookup::table(command.arg(0))?;
    let uuid = match command.argument("id") {
        Some(id) => cx.create_symbol(id, table)?,
        None => cx.txn.make(),
    };
    cx.txn.insert_as(table, uuid).add()?;
    for arg in &command.args[1..] {
        set_column(cx, table, uuid, arg)?;
    }
    Ok(Printed::Text(format!("{uuid}\n")))
}

/// Deletes rows of root tables. Others live as long as something refers to them, so that destroying
/// them does nothing, as in the original.
pub(super) fn destroy(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let table = lookup::table(command.arg(0))?;
    let mut rows = Vec::new();
    if command.has("all") {
        if command.args.len() > 1 {
            return fatal("--all and records argument should not be specified together");
        }
        if command.has("if-exists") {
            return fatal("--all and --if-exists should not be specified together");
        }
        rows.extend(cx.txn.rows(table).map(Row::uuid));
    }
    for record in &command.args[1..] {
        rows.extend(lookup::existing_row(cx, table, record, command.has("if-exists"))?);
    }
    if table.schema().is_root {
        for uuid in rows {
            if cx.row(table, uuid).is_some() {
                cx.txn.delete(table, uuid)?;
            }
        }
    }
    Ok(QUIET)
}

/// Passes if the conditions hold. Else it fails: nothing changes while a line waits.
pub(super) fn wait_until(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    const ADVICE: &str = "and nothing changes while a line waits";
    let (table, record) = (lookup::table(command.arg(0))?, command.arg(1));
    let Some(uuid) = lookup::row(cx, table, record)? else {
        return fatal(format!("wait-until: no row \"{record}\" in table {table}, {ADVICE}"));
    };
    for condition in &command.args[2..] {
        if !holds(cx, table, uuid, condition)? {
            return fatal(format!("wait-until: {condition} doesn't hold, {ADVICE}"));
        }
    }
    Ok(QUIET)
}
