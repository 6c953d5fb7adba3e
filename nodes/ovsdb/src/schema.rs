//! What a table, a column and its type are (RFC 7047 section 3.2).
//!
//! A schema is constant data: [`Table`] and [`Column`] are indexes into it, so a row stores a byte
//! for a column and no name. The tables themselves are in [`crate::vswitch`].

pub use packet::nearest;

use crate::datum::Datum;
use crate::error::Error;
use crate::vswitch::{self, Table};

/// The type of an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AtomType {
    /// A signed 64-bit integer.
    Integer,
    /// A double.
    Real,
    /// `true` or `false`.
    Boolean,
    /// UTF-8 text.
    String,
    /// The identifier of a row.
    Uuid,
}

impl AtomType {
    /// The type's name in schemas and messages.
    pub const fn name(self) -> &'static str {
        match self {
            AtomType::Integer => "integer",
            AtomType::Real => "real",
            AtomType::Boolean => "boolean",
            AtomType::String => "string",
            AtomType::Uuid => "uuid",
        }
    }
}

/// How a reference holds its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// The row must exist, and lives as long as it is referenced.
    Strong,
    /// The reference disappears when the row does.
    Weak,
}

/// The type of a column's keys or values: an atom's type and what limits it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaseType {
    /// The atom's type.
    pub atom: AtomType,
    /// Least integer allowed.
    pub min: i64,
    /// Greatest integer allowed.
    pub max: i64,
    /// Strings allowed; all if empty.
    pub allowed: &'static [&'static str],
    /// The table that a uuid refers to.
    pub refers: Option<(Table, Strength)>,
}

/// A column that holds any number of values has this `max`.
pub const UNLIMITED: usize = usize::MAX;

/// The type of a column: a set of `min..=max` keys, or a map if there is a value type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnType {
    /// The type of the elements or, in a map, of the keys.
    pub key: BaseType,
    /// The type of a map's values.
    pub value: Option<BaseType>,
    /// Least number of elements: 0 or 1.
    pub min: usize,
    /// Greatest number of elements; [`UNLIMITED`] if any.
    pub max: usize,
}

impl ColumnType {
    /// A map?
    pub const fn is_map(&self) -> bool {
        self.value.is_some()
    }

    /// Exactly one element?
    pub const fn is_scalar(&self) -> bool {
        self.min == 1 && self.max == 1 && self.value.is_none()
    }

    /// The value of a column that nothing was stored in (RFC 7047 section 5.2.1).
    pub fn default(&self) -> &'static Datum {
        static EMPTY_SET: Datum = Datum::EMPTY_SET;
        static EMPTY_MAP: Datum = Datum::EMPTY_MAP;
        static ZERO: Datum = Datum::ZERO;
        static ZERO_REAL: Datum = Datum::ZERO_REAL;
        static FALSE: Datum = Datum::FALSE;
        static EMPTY_STRING: Datum = Datum::EMPTY_STRING;
        static NIL: Datum = Datum::NIL;
        match (self.min, self.value) {
            (_, Some(_)) => &EMPTY_MAP,
            (0, None) => &EMPTY_SET,
            (_, None) => match self.key.atom {
                AtomType::Integer => &ZERO,
                AtomType::Real => &ZERO_REAL,
                AtomType::Boolean => &FALSE,
                AtomType::String => &EMPTY_STRING,
                AtomType::Uuid => &NIL,
            },
        }
    }
}

/// Who writes a column, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Written at any time.
    Config,
    /// Written when the row is inserted, and never again (`mutable: false`).
    Fixed,
    /// Status that doesn't outlive the switch (`ephemeral: true`).
    Ephemeral,
}

/// What a schema says of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnSchema {
    /// The column's name.
    pub name: &'static str,
    /// Who writes it.
    pub kind: Kind,
    /// Its type.
    pub ty: ColumnType,
}

/// What a schema says of a table.
#[derive(Clone, Copy, Debug)]
pub struct TableSchema {
    /// The table's name.
    pub name: &'static str,
    /// Its columns in alphabetical order.
    pub columns: &'static [ColumnSchema],
    /// Rows live on their own, even if nothing refers to them.
    pub is_root: bool,
    /// Greatest number of rows.
    pub max_rows: usize,
    /// Sets of columns whose values together are unique in the table.
    pub indexes: &'static [&'static [Column]],
}

impl Table {
    /// What the schema says of the table.
    pub fn schema(self) -> &'static TableSchema {
        &vswitch::TABLES[self as usize]
    }

    /// The table's name, as in `ovs-vsctl list NAME`.
    pub fn name(self) -> &'static str {
        self.schema().name
    }

    /// The table of exactly this name.
    ///
    /// # Errors
    /// [`Error::UnknownTable`], with the nearest name.
    pub fn named(name: &str) -> Result<Table, Error> {
        Table::ALL.iter().copied().find(|table| table.name() == name).ok_or_else(|| Error::UnknownTable {
            name: name.to_owned(),
            nearest: nearest(name, Table::ALL.iter().map(|table| table.name())),
        })
    }

    /// The table's columns in alphabetical order.
    pub fn columns(self) -> impl ExactSizeIterator<Item = Column> {
        (0..self.schema().columns.len() as u8).map(move |index| Column::new(self, index))
    }

    /// The column of exactly this name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], with the nearest name.
    pub fn column(self, name: &str) -> Result<Column, Error> {
        match self.schema().columns.binary_search_by(|column| column.name.cmp(name)) {
            Ok(index) => Ok(Column::new(self, index as u8)),
            Err(_) => Err(Error::UnknownColumn {
                table: self,
                name: name.to_owned(),
                nearest: nearest(name, self.schema().columns.iter().map(|column| column.name)),
            }),
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A column of a table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column {
    table: Table,
    index: u8,
}

impl Column {
    pub(crate) const fn new(table: Table, index: u8) -> Column {
        Column { table, index }
    }

    /// The table that the column belongs to.
    pub const fn table(self) -> Table {
        self.table
    }

    pub(crate) const fn index(self) -> u8 {
        self.index
    }

    /// What the schema says of the column.
    pub fn schema(self) -> &'static ColumnSchema {
        &self.table.schema().columns[usize::from(self.index)]
    }

    /// The column's name.
    pub fn name(self) -> &'static str {
        self.schema().name
    }

    /// The column's type.
    pub fn ty(self) -> &'static ColumnType {
        &self.schema().ty
    }
}

impl std::fmt::Debug for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.table.name(), self.name())
    }
}
