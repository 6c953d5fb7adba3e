//! A row, and typed views of its columns.

use crate::atom::Atom;
use crate::datum::Datum;
use crate::schema::Column;
use crate::uuid::Uuid;
use crate::vswitch::Table;

/// A row of a table.
///
/// Only columns that differ from their default are stored, in the order of the schema. Asking a row
/// for another table's column gives what an empty column would.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    table: Table,
    uuid: Uuid,
    cells: Vec<(u8, Datum)>,
}

impl Row {
    pub(crate) fn new(table: Table, uuid: Uuid) -> Row {
        Row { table, uuid, cells: Vec::new() }
    }

    /// The table of the row.
    pub fn table(&self) -> Table {
        self.table
    }

    /// The row's identifier.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The value of a column.
    pub fn get(&self, column: Column) -> &Datum {
        debug_assert_eq!(column.table(), self.table, "column {column:?} of another table");
        if column.table() == self.table
            && let Ok(at) = self.cells.binary_search_by_key(&column.index(), |cell| cell.0)
        {
            return &self.cells[at].1;
        }
        column.ty().default()
    }

    /// The columns that differ from their default.
    pub fn stored(&self) -> impl Iterator<Item = (Column, &Datum)> {
        self.cells.iter().map(|(index, datum)| (Column::new(self.table, *index), datum))
    }

    /// Stores a datum that was checked against the column.
    pub(crate) fn put(&mut self, column: Column, datum: Datum) {
        let found = self.cells.binary_search_by_key(&column.index(), |cell| cell.0);
        let is_default = datum == *column.ty().default();
        match (found, is_default) {
            (Ok(at), false) => self.cells[at].1 = datum,
            (Ok(at), true) => {
                self.cells.remove(at);
            }
            (Err(at), false) => self.cells.insert(at, (column.index(), datum)),
            (Err(_), true) => {}
        }
    }

    /// The text of a column that holds one string; `None` if it is empty or of another type.
    pub fn str(&self, column: Column) -> Option<&str> {
        self.get(column).only()?.as_str()
    }

    /// The number of a column that holds one integer; `None` if it is empty or of another type.
    pub fn int(&self, column: Column) -> Option<i64> {
        self.get(column).only()?.as_int()
    }

    /// The truth of a column that holds one boolean; `None` if it is empty or of another type.
    pub fn bool(&self, column: Column) -> Option<bool> {
        self.get(column).only()?.as_bool()
    }

    /// The reference of a column that holds one; `None` if it is empty or of another type.
    pub fn reference(&self, column: Column) -> Option<Uuid> {
        self.get(column).only()?.as_uuid()
    }

    /// The elements of a set of strings.
    pub fn strs(&self, column: Column) -> impl Iterator<Item = &str> {
        self.get(column).atoms().iter().filter_map(Atom::as_str)
    }

    /// The elements of a set of integers.
    pub fn ints(&self, column: Column) -> impl Iterator<Item = i64> {
        self.get(column).atoms().iter().filter_map(Atom::as_int)
    }

    /// The rows that a column refers to: a set's elements or a map's values.
    pub fn references(&self, column: Column) -> impl Iterator<Item = Uuid> {
        self.get(column).uuids()
    }

    /// The value that a map of strings (`other_config`, `external_ids`, `options`) has for `key`.
    pub fn value(&self, column: Column, key: &str) -> Option<&str> {
        let pairs = self.get(column).pairs();
        let at = pairs.binary_search_by(|(k, _)| k.as_str().unwrap_or_default().cmp(key)).ok()?;
        pairs[at].1.as_str()
    }

    /// The pairs of a map of strings.
    pub fn str_pairs(&self, column: Column) -> impl Iterator<Item = (&str, &str)> {
        self.get(column).pairs().iter().filter_map(|(key, value)| Some((key.as_str()?, value.as_str()?)))
    }
}
