//! `ovs-vsctl` on a store, without a process: ovs-vsctl(8) of Open vSwitch 3.1.
//!
//! A line is global options and commands chained by `--`; [`run`] does them in one transaction.
//! Messages, tables and exit statuses are the original's. What differs:
//! - rows are listed in the order of their insertion, and `list-dp-cap` prints in the order of keys;
//! - `wait-until` fails at once when its condition doesn't hold, since nothing changes while it waits;
//! - a command sees what those before it on the line did to connection-tracking zones, where the
//!   original sees the zones from before the line; and a zone that is no number, or an empty timeout,
//!   is refused, where the original reads memory it hasn't written, or crashes;
//! - options about connections and logs are accepted and do nothing; `--commands` and `--options`,
//!   which serve the completion of shells, aren't there.
//!
//! - `options`: global options; `command`: the commands and their words.
//! - `context`: what the commands of a line share; `lookup`: tables, columns and rows by their
//!   abbreviated names; `network`: bridges, ports and interfaces as the commands see them.
//! - `bridge`, `port`, `target` (controllers, managers, SSL), `datapath` (connection-tracking zones),
//!   `record` (get, set ...), `show`: the commands.
//! - `table`: rows as list, table, html, csv and json.

mod bridge;
mod command;
mod context;
mod datapath;
mod lookup;
mod network;
mod options;
mod port;
mod record;
mod show;
mod table;
mod target;

use crate::atom::Atom;
use crate::error::Error;
use crate::store::{Changes, Store};
use crate::text::{not_allowed, out_of_range, quote};
use crate::vswitch::VERSION;
use context::{Context, Failure, Printed};

/// What a command line gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Standard output.
    pub text: String,
    /// Warnings, as on standard error; the line succeeded all the same.
    pub warnings: Vec<String>,
    /// What changed; nothing with `--dry-run`.
    pub changes: Changes,
}

/// Why a command line failed. The store is as it was, and nothing was printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct VsctlError {
    /// The message as on standard error, with `ovs-vsctl: `; empty for `br-exists`.
    pub message: String,
    /// The exit status: 1, or 2 from `br-exists`.
    pub status: u8,
    /// Warnings that precede the message.
    pub warnings: Vec<String>,
}

impl VsctlError {
    fn new(failure: Failure, warnings: Vec<String>) -> VsctlError {
        match failure {
            Failure::Fatal(message) => VsctlError { message: format!("ovs-vsctl: {message}"), status: 1, warnings },
            Failure::Exit(status) => VsctlError { message: String::new(), status, warnings },
        }
    }
}

/// Runs a command line; `words` come after `ovs-vsctl`.
///
/// # Errors
/// If any command of the line fails; then nothing has changed.
pub fn run(store: &mut Store, words: &[String]) -> Result<Output, VsctlError> {
    let mut warnings = Vec::new();
    match run_line(store, words, &mut warnings) {
        Ok((text, changes)) => Ok(Output { text, warnings, changes }),
        Err(failure) => Err(VsctlError::new(failure, warnings)),
    }
}

/// The names of the commands, in the manual's order.
pub fn commands() -> impl Iterator<Item = &'static str> {
    command::names()
}

fn run_line(store: &mut Store, words: &[String], warnings: &mut Vec<String>) -> Result<(String, Changes), Failure> {
    let (options, rest) = options::parse(words)?;
    if options.help {
        return Ok((command::usage(), Changes::new()));
    }
    if options.version {
        return Ok((format!("ovs-vsctl (netloom)\nDB Schema {VERSION}\n"), Changes::new()));
    }
    let commands = command::parse(&options.local, rest)?;
    let mut cx = Context::new(store, warnings)?;
    for command in &commands {
        record::prerequisites(&mut cx, command)?;
    }
    let mut printed = Vec::new();
    for (at, command) in commands.iter().enumerate() {
        cx.is_last = at + 1 == commands.len();
        printed.push((command.syntax.run)(&mut cx, command)?);
    }
    let changes = cx.finish(options.dry_run)?;
    let mut text = String::new();
    let mut tables = 0;
    for printed in printed {
        match printed {
            Printed::Text(lines) if options.oneline => {
                let line = lines.strip_suffix('\n').unwrap_or(&lines);
                text.push_str(&line.replace('\\', "\\\\").replace('\n', "\\n"));
                text.push('\n');
            }
            Printed::Text(lines) => text.push_str(&lines),
            Printed::Table(table) => {
                table.print(&options.style, tables, &mut text);
                tables += 1;
            }
        }
    }
    Ok((text, changes))
}

/// What ovsdb-server reports of a refused transaction, as JSON.
fn transaction_error(error: &Error) -> Failure {
    let (details, kind) = match error {
        Error::Dangling { column, row, table, target } => (
            format!(
                "Table {} column {} row {row} references nonexistent row {target} in table {table}.",
                column.table(),
                column.name()
            ),
            "referential integrity violation",
        ),
        Error::Referenced { table, uuid, count } => (
            format!("cannot delete {table} row {uuid} because of {count} remaining reference(s)"),
            "referential integrity violation",
        ),
        Error::TooManyRows { table, len, max } => (
            format!(
                "transaction causes \"{table}\" table to contain {len} rows, greater than the \
                 schema-defined limit of {max} row(s)"
            ),
            "constraint violation",
        ),
        Error::Count { column, len, .. } => {
            (format!("Attempted to store {len} elements in {}.", column.ty().english()), "constraint violation")
        }
        Error::Duplicate { table, columns, values, rows, both_new } => {
            let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name())).collect();
            (
                format!(
                    "Transaction causes multiple rows in \"{table}\" table to have identical \
                     values ({values}) for index on column{} {}.  First row, with UUID {}, {}.  \
                     Second row, with UUID {}, was inserted by this transaction.",
                    if names.len() > 1 { "s" } else { "" },
                    names.join(" and "),
                    rows[0],
                    if *both_new {
                        "was inserted by this transaction"
                    } else {
                        "existed in the database before this transaction and was not modified by \
                         the transaction"
                    },
                    rows[1]
                ),
                "constraint violation",
            )
        }
        Error::Range { value, min, max, .. } => (out_of_range(*value, *min, *max), "constraint violation"),
        Error::NotAllowed { value, allowed, .. } => {
            (not_allowed(&Atom::from(value.as_str()), allowed), "constraint violation")
        }
        other => (other.to_string(), "constraint violation"),
    };
    Failure::Fatal(format!("transaction error: {{\"details\":{},\"error\":\"{kind}\"}}", quote(&details)))
}
