//! The command `show`: the configuration as a tree.

use super::command::Command;
use super::context::{Answer, Context, Printed};
use crate::row::Row;
use crate::schema::Column;
use crate::vswitch::{Table, bridge, controller, interface, manager, open_vswitch, port};

/// What is shown of a table's rows: the column that names them, and the columns below. A column
/// that refers to a table that is shown is followed.
fn shown(table: Table) -> (Option<Column>, &'static [Column]) {
    match table {
        Table::OpenVSwitch => {
            (None, &[open_vswitch::MANAGER_OPTIONS, open_vswitch::BRIDGES, open_vswitch::OVS_VERSION])
        }
        Table::Bridge => {
            (Some(bridge::NAME), &[bridge::CONTROLLER, bridge::FAIL_MODE, bridge::DATAPATH_TYPE, bridge::PORTS])
        }
        Table::Port => (Some(port::NAME), &[port::TAG, port::TRUNKS, port::INTERFACES]),
        Table::Interface => (Some(interface::NAME), &[interface::TYPE, interface::OPTIONS, interface::ERROR]),
        Table::Controller => (Some(controller::TARGET), &[controller::IS_CONNECTED]),
        Table::Manager => (Some(manager::TARGET), &[manager::IS_CONNECTED]),
        _ => (None, &[]),
    }
}

pub(super) fn show(cx: &mut Context<'_>, _: &Command<'_>) -> Answer {
    let mut text = String::new();
    for row in cx.txn.rows(Table::OpenVSwitch) {
        show_row(cx, row, 0, &mut text);
    }
    Ok(Printed::Text(text))
}

/// The depth is bounded: no table that is shown leads back to one above it.
fn show_row(cx: &Context<'_>, row: &Row, level: usize, text: &mut String) {
    let (name, columns) = shown(row.table());
    let indent = "    ".repeat(level);
    text.push_str(&indent);
    match name {
        Some(name) => {
            text.push_str(&format!("{} {}\n", row.table(), name.ty().print(row.get(name))));
        }
        None => text.push_str(&format!("{}\n", row.uuid())),
    }
    for column in columns {
        if let Some((table, _)) = column.ty().key.refers {
            for row in row.references(*column).filter_map(|uuid| cx.row(table, uuid)) {
                show_row(cx, row, level + 1, text);
            }
        } else if row.get(*column) != column.ty().default() {
            let value = column.ty().print(row.get(*column));
            text.push_str(&format!("{indent}    {}: {value}\n", column.name()));
        }
    }
}
