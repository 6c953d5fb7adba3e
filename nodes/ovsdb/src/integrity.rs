//! What must hold over all rows when a transaction commits (RFC 7047 sections 3.2 and 4.1.3).
//!
//! In this order: strong references must have their rows; rows that nothing holds are collected;
//! what was deleted must not be held; weak references without a row disappear; then indexes and numbers of rows. The work is proportional to
//! what the transaction touched, but for unique columns, whose table is read once.

use std::collections::BTreeMap;

use crate::datum::Datum;
use crate::error::Error;
use crate::row::Row;
use crate::schema::{BaseType, Column, Strength};
use crate::store::Store;
use crate::txn::Touched;
use crate::uuid::Uuid;
use crate::vswitch::Table;

/// By how much each row's number of strong references changes.
pub(crate) type Counts = BTreeMap<(Table, Uuid), i32>;

/// Completes what a transaction touched by what follows from it, and checks the result.
pub(crate) fn settle(store: &Store, touched: &mut Touched) -> Result<Counts, Error> {
    let counts = collect_unheld(store, touched)?;
    check_deleted(store, touched, &counts)?;
    drop_weak(store, touched)?;
    for table in Table::ALL {
        check_table(store, touched, *table)?;
    }
    Ok(counts)
}

fn exists(store: &Store, touched: &Touched, table: Table, uuid: Uuid) -> bool {
    touched.get(&(table, uuid)).map_or_else(|| store.row(table, uuid).is_some(), Option::is_some)
}

/// A strong reference: from which column, to which row.
type Reference = (Column, Table, Uuid);

/// The strong references that a row's change takes away, and those that it adds. A column that must
/// refer to something and was never set refers to the row zero, which no table has.
fn moved(old: Option<&Row>, new: Option<&Row>) -> (Vec<Reference>, Vec<Reference>) {
    let (mut gone, mut added) = (Vec::new(), Vec::new());
    let Some(table) = old.or(new).map(Row::table) else { return (gone, added) };
    for column in table.columns() {
        let ty = column.ty();
        let refers = |base: Option<BaseType>| {
            let (table, strength) = base?.refers?;
            (strength == Strength::Strong).then_some(table)
        };
        let key = refers(Some(ty.key));
        let target = refers(ty.value);
        if key.is_none() && target.is_none() {
            continue;
        }
        let old = old.map_or(none(column), |row| row.get(column));
        let new = new.map_or(none(column), |row| row.get(column));
        if old == new {
            continue;
        }
        for (from, to, found) in [(old, new, &mut gone), (new, old, &mut added)] {
            if let Some(table) = key {
                let moved = from.keys().filter(|atom| ty.is_map() || !to.contains_key(atom));
                found.extend(moved.filter_map(|atom| Some((column, table, atom.as_uuid()?))));
            }
            if let Some(table) = target {
                let values = from.pairs().iter().filter_map(|(_, atom)| atom.as_uuid());
                found.extend(values.map(|uuid| (column, table, uuid)));
            }
        }
    }
    (gone, added)
}

/// The value of a column in a row that doesn't exist: no reference.
fn none(column: Column) -> &'static Datum {
    static EMPTY_SET: Datum = Datum::EMPTY_SET;
    static EMPTY_MAP: Datum = Datum::EMPTY_MAP;
    if column.ty().is_map() { &EMPTY_MAP } else { &EMPTY_SET }
}

/// Counts how the strong references change, and deletes the rows of tables that aren't roots to
/// which none is left, and what only they held, and so on.
fn collect_unheld(store: &Store, touched: &mut Touched) -> Result<Counts, Error> {
    let mut counts = Counts::new();
    let mut doubtful = Vec::new();
    for ((table, uuid), new) in &*touched {
        let old = store.row(*table, *uuid);
        if old.is_none() {
            doubtful.push((*table, *uuid));
        }
        let (gone, added) = moved(old, new.as_ref());
        for (column, table, target) in added {
            if !exists(store, touched, table, target) {
                return Err(Error::Dangling { column, row: *uuid, table, target });
            }
            *counts.entry((table, target)).or_default() += 1;
        }
        for (_, table, target) in gone {
            *counts.entry((table, target)).or_default() -= 1;
            doubtful.push((table, target));
        }
    }
    while let Some((table, uuid)) = doubtful.pop() {
        if table.schema().is_root || strong(store, &counts, table, uuid) > 0 {
            continue;
        }
        let now = match touched.get(&(table, uuid)) {
            Some(now) => now.as_ref(),
            None => store.row(table, uuid),
        };
        if now.is_some() {
            for (_, table, target) in moved(now, None).0 {
                *counts.entry((table, target)).or_default() -= 1;
                doubtful.push((table, target));
            }
            touched.insert((table, uuid), None);
        }
    }
    Ok(counts)
}

/// The number of strong references to a row.
fn strong(store: &Store, counts: &Counts, table: Table, uuid: Uuid) -> i64 {
    let before = store.tables[table as usize].get(&uuid).map_or(0, |stored| stored.strong);
    let delta = counts.get(&(table, uuid)).copied().unwrap_or(0);
    i64::from(before) + i64::from(delta)
}

/// Rows that were deleted aren't referred to any more.
fn check_deleted(store: &Store, touched: &Touched, counts: &Counts) -> Result<(), Error> {
    for ((table, uuid), new) in touched {
        let count = strong(store, counts, *table, *uuid);
        if new.is_none() && count > 0 {
            let count = count.unsigned_abs();
            return Err(Error::Referenced { table: *table, uuid: *uuid, count });
        }
    }
    Ok(())
}

/// Removes weak references to rows that don't exist (any more).
fn drop_weak(store: &Store, touched: &mut Touched) -> Result<(), Error> {
    let mut thinned = Vec::new();
    let deleted_in = |table: Table| {
        touched.iter().any(|((t, uuid), new)| *t == table && new.is_none() && store.row(table, *uuid).is_some())
    };
    let is_touched = |row: &Row| touched.contains_key(&(row.table(), row.uuid()));
    for column in weak_columns() {
        let Some((target, _)) = column.ty().key.refers else { continue };
        let changed = touched.values().flatten().filter(|row| row.table() == column.table());
        let others = store.rows(column.table()).filter(|row| !is_touched(row)).take(if deleted_in(target) {
            usize::MAX
        } else {
            0
        });
        for row in changed.chain(others) {
            let old = row.get(column);
            if old.uuids().all(|uuid| exists(store, touched, target, uuid)) {
                continue;
            }
            let new = old.retain_uuids(|uuid| exists(store, touched, target, uuid));
            thinned.push((row.uuid(), column, new.checked(column)?));
        }
    }
    for (uuid, column, datum) in thinned {
        let key = (column.table(), uuid);
        let now = touched.entry(key).or_insert_with(|| store.row(key.0, uuid).cloned());
        if let Some(row) = now {
            row.put(column, datum);
        }
    }
    Ok(())
}

/// Columns of weak references. All of the schema's are sets.
fn weak_columns() -> impl Iterator<Item = Column> {
    Table::ALL
        .iter()
        .flat_map(|table| table.columns())
        .filter(|column| matches!(column.ty().key.refers, Some((_, Strength::Weak))))
}

fn check_table(store: &Store, touched: &Touched, table: Table) -> Result<(), Error> {
    let schema = table.schema();
    let of_table = || touched.iter().filter(move |((t, _), _)| *t == table);
    let mut len = store.rows(table).len();
    for ((_, uuid), new) in of_table() {
        match (store.row(table, *uuid), new) {
            (None, Some(_)) => len += 1,
            (Some(_), None) => len -= 1,
            _ => {}
        }
    }
    if len > schema.max_rows && of_table().next().is_some() {
        return Err(Error::TooManyRows { table, len, max: schema.max_rows });
    }
    for columns in schema.indexes {
        check_unique(store, touched, table, columns)?;
    }
    Ok(())
}

/// No two rows of the table have the same values in `columns`.
fn check_unique(store: &Store, touched: &Touched, table: Table, columns: &'static [Column]) -> Result<(), Error> {
    let duplicate = |values: &[&Datum], rows: [Uuid; 2]| Error::Duplicate {
        table,
        columns,
        values: values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
        rows,
        both_new: rows.iter().all(|uuid| store.row(table, *uuid).is_none()),
    };
    let mut changed: BTreeMap<Vec<&Datum>, Uuid> = BTreeMap::new();
    for ((_, uuid), new) in touched.iter().filter(|((t, _), _)| *t == table) {
        let Some(row) = new else { continue };
        let old = store.row(table, *uuid);
        if old.is_some_and(|old| columns.iter().all(|c| old.get(*c) == row.get(*c))) {
            continue;
        }
        let values: Vec<&Datum> = columns.iter().map(|column| row.get(*column)).collect();
        if let Some(other) = changed.insert(values.clone(), *uuid) {
            return Err(duplicate(&values, [other, *uuid]));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let mut values = Vec::new();
    for row in store.rows(table) {
        let now = touched.get(&(table, row.uuid())).map_or(Some(row), Option::as_ref);
        let Some(now) = now else { continue };
        values.clear();
        values.extend(columns.iter().map(|column| now.get(*column)));
        if let Some(other) = changed.get(values.as_slice())
            && *other != row.uuid()
        {
            return Err(duplicate(&values, [row.uuid(), *other]));
        }
    }
    Ok(())
}
