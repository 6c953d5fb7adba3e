//! Tables of rows.

use indexmap::IndexMap;

use crate::atom::Atom;
use crate::datum::Datum;
use crate::error::Error;
use crate::row::Row;
use crate::schema::Column;
use crate::txn::Txn;
use crate::uuid::Uuid;
use crate::vswitch::Table;

/// The rows of one switch's database, in the order of their insertion.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) tables: [IndexMap<Uuid, Stored>; Table::ALL.len()],
    pub(crate) seed: u64,
    pub(crate) made: u32,
    pub(crate) generation: u64,
}

/// A row, and how many strong references it has.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) row: Row,
    pub(crate) strong: u32,
}

impl Store {
    /// A store as `ovs-vsctl init` leaves it: one empty row in the table `Open_vSwitch`. The
    /// identifiers of its rows depend on `seed` and the order of insertion alone.
    pub fn new(seed: u64) -> Store {
        let mut store = Store::empty(seed);
        store
            .transact(|txn| txn.insert(Table::OpenVSwitch).add())
            .expect("an empty row of a root table breaks no rule");
        store
    }

    /// A store without any row.
    pub fn empty(seed: u64) -> Store {
        Store { tables: Default::default(), seed, made: 0, generation: 0 }
    }

    /// The row of the table `Open_vSwitch`; `None` only in a store made [`Store::empty`] or
    /// emptied since.
    pub fn root(&self) -> Option<&Row> {
        self.rows(Table::OpenVSwitch).next()
    }

    /// The row with this identifier.
    pub fn row(&self, table: Table, uuid: Uuid) -> Option<&Row> {
        Some(&self.tables[table as usize].get(&uuid)?.row)
    }

    /// The rows of a table in the order of their insertion.
    pub fn rows(&self, table: Table) -> impl ExactSizeIterator<Item = &Row> {
        self.tables[table as usize].values().map(|stored| &stored.row)
    }

    /// The first row that has `value` in `column`, e.g. a bridge by its name.
    pub fn find(&self, column: Column, value: impl Into<Atom>) -> Option<&Row> {
        let value = value.into();
        self.rows(column.table()).find(|row| row.get(column).only() == Some(&value))
    }

    /// The rows that a row's column refers to, in the order of their identifiers.
    pub fn follow(&self, row: &Row, column: Column) -> impl Iterator<Item = &Row> {
        let ty = column.ty();
        let refers = ty.value.and_then(|value| value.refers).or(ty.key.refers);
        row.references(column).filter_map(move |uuid| self.row(refers?.0, uuid))
    }

    /// How many transactions changed the store.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Starts a transaction. Nothing changes before [`Txn::commit`].
    pub fn begin(&mut self) -> Txn<'_> {
        Txn::new(self)
    }

    /// Makes the changes that `body` makes, all of them or none.
    ///
    /// # Errors
    /// What `body` gives, or what the commit finds.
    pub fn transact<T, E: From<Error>>(
        &mut self,
        body: impl FnOnce(&mut Txn<'_>) -> Result<T, E>,
    ) -> Result<(T, Changes), E> {
        let mut txn = self.begin();
        let answer = body(&mut txn)?;
        let changes = txn.commit()?;
        Ok((answer, changes))
    }

    /// Sets one column of one row, in a transaction of its own.
    ///
    /// # Errors
    /// As [`Txn::set`] and [`Txn::commit`].
    pub fn set(&mut self, uuid: Uuid, column: Column, datum: impl Into<Datum>) -> Result<Changes, Error> {
        let mut txn = self.begin();
        txn.set(uuid, column, datum)?;
        txn.commit()
    }
}

/// What a transaction did to one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The row's table.
    pub table: Table,
    /// The row's identifier.
    pub uuid: Uuid,
    /// The row before; `None` if it was inserted.
    pub old: Option<Row>,
    /// The row after; `None` if it was deleted.
    pub new: Option<Row>,
}

impl Change {
    /// Does the column have another value than before? A row that is inserted or deleted has the
    /// column's default before or after.
    pub fn changes(&self, column: Column) -> bool {
        let value =
            |row: &Option<Row>| row.as_ref().map_or(column.ty().default().clone(), |row| row.get(column).clone());
        self.table == column.table() && value(&self.old) != value(&self.new)
    }

    /// The columns whose values changed.
    pub fn columns(&self) -> impl Iterator<Item = Column> {
        self.table.columns().filter(|column| self.changes(*column))
    }
}

/// What a transaction did: a change for each row that was inserted, deleted or modified, in the
/// order in which the transaction first touched them, then what the store removed by itself.
pub type Changes = Vec<Change>;
