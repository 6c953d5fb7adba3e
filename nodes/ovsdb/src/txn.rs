//! A transaction: changes that are made together or not at all (RFC 7047 section 5.2).

use indexmap::IndexMap;

use crate::atom::Atom;
use crate::datum::Datum;
use crate::error::Error;
use crate::integrity;
use crate::mutator::{Mutator, mutated};
use crate::row::Row;
use crate::schema::{Column, Kind};
use crate::store::{Change, Changes, Store, Stored};
use crate::uuid::Uuid;
use crate::vswitch::Table;

/// The rows that a transaction touched, as they are now; `None` if deleted.
pub(crate) type Touched = IndexMap<(Table, Uuid), Option<Row>>;

/// A transaction. It reads the store with its own changes applied; the store itself changes at
/// [`Txn::commit`] and not at all if the transaction is dropped.
#[derive(Debug)]
pub struct Txn<'a> {
    store: &'a mut Store,
    touched: Touched,
    names: IndexMap<String, Named>,
    made: u32,
}

#[derive(Debug)]
struct Named {
    uuid: Uuid,
    inserted: bool,
}

impl<'a> Txn<'a> {
    pub(crate) fn new(store: &'a mut Store) -> Txn<'a> {
        let made = store.made;
        Txn { store, touched: IndexMap::new(), names: IndexMap::new(), made }
    }

    /// The row with this identifier.
    pub fn row(&self, table: Table, uuid: Uuid) -> Option<&Row> {
        match self.touched.get(&(table, uuid)) {
            Some(now) => now.as_ref(),
            None => self.store.row(table, uuid),
        }
    }

    /// The rows of a table in the order of their insertion.
    pub fn rows(&self, table: Table) -> impl Iterator<Item = &Row> {
        let known = self
            .store
            .rows(table)
            .filter_map(move |row| self.touched.get(&(table, row.uuid())).map_or(Some(row), Option::as_ref));
        let inserted = self
            .touched
            .iter()
            .filter(move |((t, uuid), _)| *t == table && self.store.row(table, *uuid).is_none())
            .filter_map(|(_, now)| now.as_ref());
        known.chain(inserted)
    }

    /// The first row that has `value` in `column`.
    pub fn find(&self, column: Column, value: impl Into<Atom>) -> Option<&Row> {
        let value = value.into();
        self.rows(column.table()).find(|row| row.get(column).only() == Some(&value))
    }

    /// Starts a row: `txn.insert(Table::Port).with(port::NAME, "a1").add()?`.
    pub fn insert(&mut self, table: Table) -> RowBuilder<'_, 'a> {
        let uuid = self.make();
        RowBuilder { row: Row::new(table, uuid), error: None, txn: self }
    }

    /// Starts a row that the transaction calls `name`; see [`Txn::named`].
    pub fn insert_named(&mut self, table: Table, name: &str) -> RowBuilder<'_, 'a> {
        let uuid = self.named(name);
        let mut error = None;
        match self.names.get_mut(name) {
            Some(named) if !named.inserted => named.inserted = true,
            _ => error = Some(Error::NameTwice { name: name.to_owned() }),
        }
        RowBuilder { row: Row::new(table, uuid), error, txn: self }
    }

    /// The identifier of the row that the transaction calls `name`, inserted before or later.
    pub fn named(&mut self, name: &str) -> Uuid {
        if let Some(named) = self.names.get(name) {
            return named.uuid;
        }
        let uuid = self.make();
        self.names.insert(name.to_owned(), Named { uuid, inserted: false });
        uuid
    }

    /// Starts a row with an identifier that [`Txn::make`] gave.
    pub(crate) fn insert_as(&mut self, table: Table, uuid: Uuid) -> RowBuilder<'_, 'a> {
        RowBuilder { row: Row::new(table, uuid), error: None, txn: self }
    }

    /// Is the row one that this transaction inserted?
    pub(crate) fn inserts(&self, table: Table, uuid: Uuid) -> bool {
        self.store.row(table, uuid).is_none() && self.row(table, uuid).is_some()
    }

    /// An identifier for a row to come.
    pub(crate) fn make(&mut self) -> Uuid {
        let uuid = Uuid::generate(self.store.seed, self.made);
        self.made = self.made.wrapping_add(1);
        uuid
    }

    /// Sets a column of a row.
    ///
    /// # Errors
    /// If the row doesn't exist, the column can't be changed or doesn't take the value.
    pub fn set(&mut self, uuid: Uuid, column: Column, datum: impl Into<Datum>) -> Result<(), Error> {
        let datum = datum.into().checked(column)?;
        let table = column.table();
        let row = self.row(table, uuid).ok_or(Error::NoRow { table, uuid })?;
        if *row.get(column) == datum {
            return Ok(());
        }
        if column.schema().kind == Kind::Fixed && self.store.row(table, uuid).is_some() {
            return Err(Error::Fixed { column });
        }
        let store = &*self.store;
        let now = self
            .touched
            .entry((table, uuid))
            .or_insert_with(|| store.row(table, uuid).cloned())
            .as_mut()
            .ok_or(Error::NoRow { table, uuid })?;
        now.put(column, datum);
        Ok(())
    }

    /// Changes a column of a row by what it holds.
    ///
    /// # Errors
    /// As [`Txn::set`]; and if the mutator doesn't suit the column, or the arithmetic fails.
    pub fn mutate(
        &mut self,
        uuid: Uuid,
        column: Column,
        mutator: Mutator,
        argument: impl Into<Datum>,
    ) -> Result<(), Error> {
        let table = column.table();
        let row = self.row(table, uuid).ok_or(Error::NoRow { table, uuid })?;
        let datum = mutated(column, row.get(column), mutator, &argument.into())?;
        self.set(uuid, column, datum)
    }

    /// Deletes a row. Weak references to it disappear; strong ones must be gone at the commit.
    ///
    /// # Errors
    /// If the row doesn't exist.
    pub fn delete(&mut self, table: Table, uuid: Uuid) -> Result<(), Error> {
        if self.row(table, uuid).is_none() {
            return Err(Error::NoRow { table, uuid });
        }
        self.touched.insert((table, uuid), None);
        Ok(())
    }

    /// Checks the whole and changes the store, or leaves it as it was. Rows of tables that aren't
    /// roots disappear when nothing refers to them any more.
    ///
    /// # Errors
    /// What rule of the schema the result would break.
    pub fn commit(self) -> Result<Changes, Error> {
        let Txn { store, mut touched, names, made } = self;
        if let Some((name, _)) = names.iter().find(|(_, named)| !named.inserted) {
            return Err(Error::NameNotInserted { name: name.clone() });
        }
        let strong = integrity::settle(store, &mut touched)?;
        store.made = made;
        Ok(apply(store, touched, strong))
    }
}

fn apply(store: &mut Store, touched: Touched, strong: integrity::Counts) -> Changes {
    let mut changes = Changes::new();
    let mut thinned = [false; Table::ALL.len()];
    for ((table, uuid), new) in touched {
        let rows = &mut store.tables[table as usize];
        let old = match (rows.get_mut(&uuid), &new) {
            (None, None) => continue,
            (None, Some(row)) => {
                rows.insert(uuid, Stored { row: row.clone(), strong: 0 });
                None
            }
            (Some(stored), Some(row)) if stored.row == *row => continue,
            (Some(stored), Some(row)) => Some(std::mem::replace(&mut stored.row, row.clone())),
            (Some(stored), None) => {
                thinned[table as usize] = true;
                Some(std::mem::replace(&mut stored.row, Row::new(table, Uuid::NIL)))
            }
        };
        changes.push(Change { table, uuid, old, new });
    }
    for ((table, uuid), delta) in strong {
        if let Some(stored) = store.tables[table as usize].get_mut(&uuid) {
            stored.strong = stored.strong.saturating_add_signed(delta);
        }
    }
    for (rows, thinned) in store.tables.iter_mut().zip(thinned) {
        if thinned {
            rows.retain(|_, stored| stored.row.uuid() != Uuid::NIL);
        }
    }
    store.generation += u64::from(!changes.is_empty());
    changes
}

/// A row that is being put together; [`RowBuilder::add`] adds it to the transaction.
#[derive(Debug)]
#[must_use = "the row is inserted by `add`"]
pub struct RowBuilder<'t, 'a> {
    txn: &'t mut Txn<'a>,
    row: Row,
    error: Option<Error>,
}

impl RowBuilder<'_, '_> {
    /// The identifier that the row will have.
    pub fn uuid(&self) -> Uuid {
        self.row.uuid()
    }

    /// Sets a column. What is wrong with the value, [`RowBuilder::add`] says.
    pub fn with(mut self, column: Column, datum: impl Into<Datum>) -> Self {
        if self.error.is_none() {
            if column.table() == self.row.table() {
                match datum.into().checked(column) {
                    Ok(datum) => self.row.put(column, datum),
                    Err(error) => self.error = Some(error),
                }
            } else {
                let name = column.name().to_owned();
                self.error = Some(Error::UnknownColumn { table: self.row.table(), name, nearest: None });
            }
        }
        self
    }

    /// Inserts the row.
    ///
    /// # Errors
    /// The first value that its column doesn't take.
    pub fn add(self) -> Result<Uuid, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let uuid = self.row.uuid();
        self.txn.touched.insert((self.row.table(), uuid), Some(self.row));
        Ok(uuid)
    }
}
