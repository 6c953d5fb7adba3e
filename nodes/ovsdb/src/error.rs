//! Why a transaction is refused.

use crate::schema::{Column, UNLIMITED};
use crate::uuid::Uuid;
use crate::vswitch::Table;

/// Why a transaction is refused. The store is then as it was before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No table has this name.
    #[error("no table is named \"{name}\"{}", did_you_mean(.nearest))]
    UnknownTable {
        /// What was asked for.
        name: String,
        /// The nearest table.
        nearest: Option<&'static str>,
    },
    /// The table has no such column.
    #[error("table {table} has no column \"{name}\"{}", did_you_mean(.nearest))]
    UnknownColumn {
        /// The table that was searched.
        table: Table,
        /// What was asked for.
        name: String,
        /// The nearest column.
        nearest: Option<&'static str>,
    },
    /// The table has no such row.
    #[error("table {table} has no row {uuid}")]
    NoRow {
        /// The table.
        table: Table,
        /// The identifier that no row has.
        uuid: Uuid,
    },
    /// A value is of another type than the column.
    #[error("{}: takes {}, not {got}", place(.column), type_words(.column))]
    Type {
        /// The column.
        column: Column,
        /// The type of the value.
        got: &'static str,
    },
    /// A string is none of those that the column takes.
    #[error("{}: \"{value}\" is not one of {}", place(.column), .allowed.join(", "))]
    NotAllowed {
        /// The column.
        column: Column,
        /// The string.
        value: String,
        /// What the column takes.
        allowed: &'static [&'static str],
    },
    /// An integer is outside the column's range.
    #[error("{}: {value} is not in the range {}", place(.column), range(*.min, *.max))]
    Range {
        /// The column.
        column: Column,
        /// The integer.
        value: i64,
        /// The least that the column takes.
        min: i64,
        /// The greatest that the column takes.
        max: i64,
    },
    /// The column takes another number of elements.
    #[error("{}: takes {} values, not {len}", place(.column), counts(*.min, *.max))]
    Count {
        /// The column.
        column: Column,
        /// The number given.
        len: usize,
        /// The least number.
        min: usize,
        /// The greatest number.
        max: usize,
    },
    /// The column is written when the row is inserted, and never again.
    #[error("{}: can't be changed after the row was inserted", place(.column))]
    Fixed {
        /// The column.
        column: Column,
    },
    /// The mutation doesn't exist for the column's type.
    #[error("{}: can't {mutation} a column of this type", place(.column))]
    Mutation {
        /// The column.
        column: Column,
        /// What was tried.
        mutation: &'static str,
    },
    /// The result of a mutation is no 64-bit integer, or a division by zero.
    #[error("{}: arithmetic overflow or division by zero", place(.column))]
    Arithmetic {
        /// The column.
        column: Column,
    },
    /// Two rows have the same values in columns that must differ.
    #[error("two rows of table {table} have {columns} = {values}, which must be unique", columns = names(.columns))]
    Duplicate {
        /// The table.
        table: Table,
        /// The columns that are unique together.
        columns: &'static [Column],
        /// Their values as text.
        values: String,
        /// The two rows, the elder first.
        rows: [Uuid; 2],
        /// The transaction inserted the elder too.
        both_new: bool,
    },
    /// A strong reference to a row that doesn't exist.
    #[error("{}: row {row} refers to row {target} of table {table}, which doesn't exist", place(.column))]
    Dangling {
        /// The column that refers.
        column: Column,
        /// The row that refers.
        row: Uuid,
        /// The table referred to.
        table: Table,
        /// The row that doesn't exist.
        target: Uuid,
    },
    /// A deleted row still has strong references.
    #[error("row {uuid} of table {table} can't be deleted: {count} references to it remain")]
    Referenced {
        /// The table.
        table: Table,
        /// The row.
        uuid: Uuid,
        /// The number of references.
        count: u64,
    },
    /// The table would have more rows than it may.
    #[error("table {table} would have {len} rows, but at most {max} are allowed")]
    TooManyRows {
        /// The table.
        table: Table,
        /// The number of rows it would have.
        len: usize,
        /// The number it may have.
        max: usize,
    },
    /// A name was used for a row that the transaction doesn't insert.
    #[error("the row named \"{name}\" is referred to but never inserted")]
    NameNotInserted {
        /// The name.
        name: String,
    },
    /// Two rows of a transaction were given one name.
    #[error("two rows are named \"{name}\"")]
    NameTwice {
        /// The name.
        name: String,
    },
}

fn place(column: &Column) -> String {
    format!("column {} of table {}", column.name(), column.table())
}

fn type_words(column: &Column) -> String {
    let ty = column.ty();
    match ty.value {
        Some(value) => format!("a map of {} to {}", ty.key.atom.name(), value.atom.name()),
        None if ty.max == 1 => ty.key.atom.name().to_owned(),
        None => format!("a set of {}", ty.key.atom.name()),
    }
}

fn did_you_mean(nearest: &Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!("; did you mean \"{name}\"?"))
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(" and ")
}

fn range(min: i64, max: i64) -> String {
    if max == i64::MAX { format!("{min} or more") } else { format!("{min} to {max}") }
}

fn counts(min: usize, max: usize) -> String {
    match (min, max) {
        (min, UNLIMITED) => format!("{min} or more"),
        (min, max) if min == max => min.to_string(),
        (min, max) => format!("{min} to {max}"),
    }
}
