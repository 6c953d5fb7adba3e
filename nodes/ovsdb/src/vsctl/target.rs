//! Commands on what a bridge or the switch talks to: controllers, managers, SSL, and the
//! mappings of Auto-Attach.

use super::bridge::{line, sorted};
use super::command::Command;
use super::context::{Answer, Context, Failure, Printed, QUIET, fatal};
use super::options::leading_number;
use crate::atom::Atom;
use crate::datum::Datum;
use crate::schema::Column;
use crate::uuid::Uuid;
use crate::vswitch::{Table, auto_attach, bridge, controller, manager, open_vswitch, ssl};

/// The values of a string column in the rows that a column refers to.
fn targets<'c>(cx: &'c Context<'_>, row: Uuid, refers: Column, target: Column) -> Vec<&'c str> {
    let Some(row) = cx.row(refers.table(), row) else { return Vec::new() };
    let rows = row.references(refers).filter_map(|uuid| cx.row(target.table(), uuid));
    rows.filter_map(|row| row.str(target)).collect()
}

/// Replaces the rows that a column refers to by one for each target.
fn set_targets(
    cx: &mut Context<'_>,
    row: Uuid,
    refers: Column,
    (target, probe): (Column, Column),
    values: &[String],
    probe_ms: Option<&str>,
) -> Answer {
    let mut rows: Vec<Uuid> = Vec::new();
    for value in values {
        if !METHODS.iter().any(|method| value.starts_with(method)) {
            cx.warnings.push(format!("target type \"{value}\" is possibly erroneous"));
        }
        let mut row = cx.txn.insert(target.table()).with(target, value);
        if let Some(ms) = probe_ms {
            row = row.with(probe, leading_number(ms));
        }
        rows.push(row.add()?);
    }
    cx.txn.set(row, refers, rows)?;
    Ok(QUIET)
}

/// How a target may begin.
const METHODS: &[&str] = &["tcp:", "unix:", "ssl:", "ptcp:", "punix:", "pssl:"];

/// The row of a real bridge, or of a fake one's parent.
fn any_bridge(cx: &Context<'_>, command: &Command<'_>) -> Result<Uuid, Failure> {
    Ok(cx.network().bridge(command.arg(0))?.row)
}

fn real_bridge(cx: &Context<'_>, command: &Command<'_>) -> Result<Uuid, Failure> {
    Ok(cx.network().real_bridge(command.arg(0))?.row)
}

pub(super) fn get_controller(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let row = any_bridge(cx, command)?;
    Ok(sorted(targets(cx, row, bridge::CONTROLLER, controller::TARGET)))
}

pub(super) fn del_controller(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let row = real_bridge(cx, command)?;
    cx.txn.set(row, bridge::CONTROLLER, Datum::EMPTY_SET)?;
    Ok(QUIET)
}

pub(super) fn set_controller(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let row = real_bridge(cx, command)?;
    let values = &command.args[1..];
    let columns = (controller::TARGET, controller::INACTIVITY_PROBE);
    set_targets(cx, row, bridge::CONTROLLER, columns, values, command.argument("inactivity-probe"))
}

pub(super) fn get_fail_mode(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let row = any_bridge(cx, command)?;
    match cx.row(Table::Bridge, row).and_then(|row| row.str(bridge::FAIL_MODE)) {
        Some(mode) => line(mode),
        None => Ok(QUIET),
    }
}

pub(super) fn del_fail_mode(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let row = real_bridge(cx, command)?;
    cx.txn.set(row, bridge::FAIL_MODE, Datum::EMPTY_SET)?;
    Ok(QUIET)
}

pub(super) fn set_fail_mode(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let row = real_bridge(cx, command)?;
    if !matches!(command.arg(1), "standalone" | "secure") {
        return fatal("fail-mode must be \"standalone\" or \"secure\"");
    }
    cx.txn.set(row, bridge::FAIL_MODE, command.arg(1))?;
    Ok(QUIET)
}

pub(super) fn get_manager(cx: &mut Context<'_>, _: &Command<'_>) -> Answer {
    Ok(sorted(targets(cx, cx.root, open_vswitch::MANAGER_OPTIONS, manager::TARGET)))
}

pub(super) fn del_manager(cx: &mut Context<'_>, _: &Command<'_>) -> Answer {
    cx.txn.set(cx.root, open_vswitch::MANAGER_OPTIONS, Datum::EMPTY_SET)?;
    Ok(QUIET)
}

pub(super) fn set_manager(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (root, refers) = (cx.root, open_vswitch::MANAGER_OPTIONS);
    let columns = (manager::TARGET, manager::INACTIVITY_PROBE);
    set_targets(cx, root, refers, columns, command.args, command.argument("inactivity-probe"))
}

pub(super) fn get_ssl(cx: &mut Context<'_>, _: &Command<'_>) -> Answer {
    let row = cx.row(Table::OpenVSwitch, cx.root).and_then(|row| row.reference(open_vswitch::SSL));
    let Some(row) = row.and_then(|uuid| cx.row(Table::Ssl, uuid)) else { return Ok(QUIET) };
    let text = |column| row.str(column).unwrap_or_default();
    Ok(Printed::Text(format!(
        "Private key: {}\nCertificate: {}\nCA Certificate: {}\nBootstrap: {}\n",
        text(ssl::PRIVATE_KEY),
        text(ssl::CERTIFICATE),
        text(ssl::CA_CERT),
        row.bool(ssl::BOOTSTRAP_CA_CERT).unwrap_or(false)
    )))
}

pub(super) fn del_ssl(cx: &mut Context<'_>, _: &Command<'_>) -> Answer {
    cx.txn.set(cx.root, open_vswitch::SSL, Datum::EMPTY_SET)?;
    Ok(QUIET)
}

pub(super) fn set_ssl(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let row = cx
        .txn
        .insert(Table::Ssl)
        .with(ssl::PRIVATE_KEY, command.arg(0))
        .with(ssl::CERTIFICATE, command.arg(1))
        .with(ssl::CA_CERT, command.arg(2))
        .with(ssl::BOOTSTRAP_CA_CERT, command.has("bootstrap"))
        .add()?;
    cx.txn.set(cx.root, open_vswitch::SSL, row)?;
    Ok(QUIET)
}

/// The row of a bridge's Auto-Attach, if it has one.
fn auto_attach_row(cx: &Context<'_>, bridge: Uuid) -> Option<Uuid> {
    cx.row(Table::Bridge, bridge)?.reference(bridge::AUTO_ATTACH)
}

fn mappings(cx: &Context<'_>, row: Option<Uuid>) -> Datum {
    row.and_then(|uuid| cx.row(Table::AutoAttach, uuid))
        .map_or(Datum::EMPTY_MAP, |row| row.get(auto_attach::MAPPINGS).clone())
}

/// The I-SID and the VLAN of a mapping.
fn mapping(command: &Command<'_>) -> Result<(i64, i64), Failure> {
    let number = |text| match unsigned(text) {
        Some(number) => Ok(number.cast_signed()),
        None => fatal(format!("Invalid argument {text}")),
    };
    Ok((number(command.arg(1))?, number(command.arg(2))?))
}

/// The number at the beginning of a text, as strtoull(3) gives it: a minus sign negates modulo 2^64,
/// and what is too large is the greatest number.
fn unsigned(text: &str) -> Option<u64> {
    let text = text.trim_ascii_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    match digits[..end].parse::<u64>() {
        Ok(number) if text.starts_with('-') => Some(number.wrapping_neg()),
        Ok(number) => Some(number),
        Err(_) if end > 0 => Some(u64::MAX),
        Err(_) => None,
    }
}

pub(super) fn get_aa_mapping(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let bridge = any_bridge(cx, command)?;
    let mappings = mappings(cx, auto_attach_row(cx, bridge));
    let lines = mappings.pairs().iter().map(|(isid, vlan)| format!("{isid} {vlan}\n"));
    Ok(Printed::Text(lines.collect()))
}

pub(super) fn add_aa_mapping(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let pair = mapping(command)?;
    let bridge = any_bridge(cx, command)?;
    let row = match auto_attach_row(cx, bridge) {
        Some(row) => row,
        None => {
            let row = cx.txn.insert(Table::AutoAttach).add()?;
            cx.txn.set(bridge, bridge::AUTO_ATTACH, row)?;
            row
        }
    };
    let mappings = mappings(cx, Some(row)).union(&Datum::map([pair]), true);
    cx.txn.set(row, auto_attach::MAPPINGS, mappings)?;
    Ok(QUIET)
}

pub(super) fn del_aa_mapping(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let (isid, vlan) = mapping(command)?;
    let bridge = any_bridge(cx, command)?;
    let Some(row) = auto_attach_row(cx, bridge) else { return Ok(QUIET) };
    let old = mappings(cx, Some(row));
    if old.value(&Atom::Integer(isid)) == Some(&Atom::Integer(vlan)) {
        cx.txn.set(row, auto_attach::MAPPINGS, old.difference(&Datum::map([(isid, vlan)])))?;
    }
    Ok(QUIET)
}
