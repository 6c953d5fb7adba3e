//! What the commands of a line share.

use indexmap::IndexMap;

use super::table::Table as Listing;
use crate::datum::Datum;
use crate::error::Error;
use crate::row::Row;
use crate::schema::{BaseType, Column, Strength};
use crate::store::{Changes, Store};
use crate::text::{Names, TextError};
use crate::txn::Txn;
use crate::uuid::Uuid;
use crate::vswitch::Table;

/// Why a line ends.
#[derive(Debug)]
pub(super) enum Failure {
    /// With a message and exit status 1.
    Fatal(String),
    /// With this exit status and no message.
    Exit(u8),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        super::transaction_error(&error)
    }
}

impl From<TextError> for Failure {
    fn from(error: TextError) -> Failure {
        Failure::Fatal(error.to_string())
    }
}

/// Ends the line with a message.
pub(super) fn fatal<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Fatal(message.into()))
}

/// What a command prints.
#[derive(Debug)]
pub(super) enum Printed {
    Text(String),
    Table(Listing),
}

/// What a command gives.
pub(super) type Answer = Result<Printed, Failure>;

/// Nothing to print.
pub(super) const QUIET: Printed = Printed::Text(String::new());

/// A name like `@x`, which stands for a row within the line.
#[derive(Debug)]
struct Symbol {
    uuid: Uuid,
    created: bool,
    strong: bool,
    weak: bool,
}

/// The transaction of a line, and what its commands have named.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) txn: Txn<'a>,
    /// The row of the table `Open_vSwitch`.
    pub(super) root: Uuid,
    symbols: IndexMap<String, Symbol>,
    /// The command that runs is the last of the line.
    pub(super) is_last: bool,
    pub(super) warnings: &'a mut Vec<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(store: &'a mut Store, warnings: &'a mut Vec<String>) -> Result<Context<'a>, Failure> {
        let root = store.root().map(Row::uuid);
        let mut txn = store.begin();
        let root = match root {
            Some(root) => root,
            None => txn.insert(Table::OpenVSwitch).add()?,
        };
        Ok(Context { txn, root, symbols: IndexMap::new(), is_last: false, warnings })
    }

    /// Makes `id` the name of a row that is created, and gives its identifier.
    pub(super) fn create_symbol(&mut self, id: &str, table: Table) -> Result<Uuid, Failure> {
        let uuid = self.txn.make();
        let symbol = self.claim(id, uuid)?;
        symbol.strong |= table.schema().is_root;
        Ok(symbol.uuid)
    }

    /// Makes `id` the name of a row that exists.
    pub(super) fn name_row(&mut self, id: &str, uuid: Uuid) -> Result<(), Failure> {
        if self.symbols.get(id).is_some_and(|symbol| !symbol.created) {
            return fatal(format!("row id \"{id}\" specified on \"get\" command was used before it was defined"));
        }
        self.claim(id, uuid)?.strong = true;
        Ok(())
    }

    fn claim(&mut self, id: &str, uuid: Uuid) -> Result<&mut Symbol, Failure> {
        if !id.starts_with('@') {
            return fatal(format!("row id \"{id}\" does not begin with \"@\""));
        }
        let symbol =
            self.symbols.entry(id.to_owned()).or_insert(Symbol { uuid, created: false, strong: false, weak: false });
        if symbol.created {
            return fatal(format!("row id \"{id}\" may only be specified on one --id option"));
        }
        symbol.created = true;
        Ok(symbol)
    }

    /// Parses with names for rows.
    pub(super) fn parse<T>(
        &mut self,
        parse: impl FnOnce(&mut Names<'_>) -> Result<T, TextError>,
    ) -> Result<T, Failure> {
        let Context { txn, symbols, .. } = self;
        let mut names = |name: &str, base: &BaseType| {
            let symbol = symbols.entry(name.to_owned()).or_insert_with(|| Symbol {
                uuid: txn.make(),
                created: false,
                strong: false,
                weak: false,
            });
            match base.refers {
                Some((_, Strength::Weak)) => symbol.weak = true,
                _ => symbol.strong = true,
            }
            Some(symbol.uuid)
        };
        Ok(parse(&mut names)?)
    }

    /// Commits, or with `dry_run` forgets, what the commands did.
    pub(super) fn finish(self, dry_run: bool) -> Result<Changes, Failure> {
        for (name, symbol) in &self.symbols {
            if !symbol.created {
                return fatal(format!(
                    "row id \"{name}\" is referenced but never created \
                     (e.g. with \"-- --id={name} create ...\")"
                ));
            }
            if !symbol.strong {
                let what = if symbol.weak { "only a weak" } else { "no" };
                self.warnings.push(format!(
                    "row id \"{name}\" was created but {what} reference to it was inserted, \
                     so it will not actually appear in the database"
                ));
            }
        }
        Ok(if dry_run { Changes::new() } else { self.txn.commit()? })
    }

    /// A row that a column refers to, or that was found before.
    pub(super) fn row(&self, table: Table, uuid: Uuid) -> Option<&Row> {
        self.txn.row(table, uuid)
    }

    /// Adds `uuid` to the references in a column.
    pub(super) fn refer(&mut self, row: Uuid, column: Column, uuid: Uuid) -> Result<(), Failure> {
        let old = self.row(column.table(), row).map_or(Datum::EMPTY_SET, |row| row.get(column).clone());
        self.txn.set(row, column, old.union(&Datum::from(uuid), false))?;
        Ok(())
    }

    /// Removes `uuid` from the references in a column.
    pub(super) fn unrefer(&mut self, row: Uuid, column: Column, uuid: Uuid) -> Result<(), Failure> {
        let old = self.row(column.table(), row).map_or(Datum::EMPTY_SET, |row| row.get(column).clone());
        self.txn.set(row, column, old.difference(&Datum::from(uuid)))?;
        Ok(())
    }
}
