//! Commands on datapaths: what they can do, and the timeouts of connection-tracking zones.

use super::bridge::line;
use super::command::Command;
use super::context::{Answer, Context, Failure, Printed, QUIET, fatal};
use super::options::leading_number;
use crate::atom::Atom;
use crate::datum::Datum;
use crate::row::Row;
use crate::uuid::Uuid;
use crate::vswitch::{Table, ct_timeout_policy, ct_zone, datapath, open_vswitch};

/// The datapath of a type (`system`, `netdev`).
fn find<'c>(cx: &'c Context<'_>, name: &str) -> Option<&'c Row> {
    let root = cx.row(Table::OpenVSwitch, cx.root)?;
    let uuid = root.get(open_vswitch::DATAPATHS).value(&Atom::from(name))?.as_uuid()?;
    cx.row(Table::Datapath, uuid)
}

/// The same for commands that change it: its identifier and its zones.
fn zones(cx: &Context<'_>, name: &str) -> Result<(Uuid, Datum), Failure> {
    match find(cx, name) {
        Some(row) => Ok((row.uuid(), row.get(datapath::CT_ZONES).clone())),
        None => fatal(format!("datapath {name} does not exist")),
    }
}

/// Reads `zone=NUMBER`. As scanf's `%i` does, the number may be hexadecimal or octal, and what
/// follows it doesn't count.
fn zone_id(text: &str) -> Result<i64, Failure> {
    let number = text.strip_prefix("zone=").unwrap_or_default().trim_ascii_start();
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let Ok(magnitude) = i64::from_str_radix(&digits[..end], radix) else {
        return fatal(format!("\"{text}\" is not a zone; use zone=NUMBER"));
    };
    Ok(if number.starts_with('-') { -magnitude } else { magnitude })
}

/// Reads `KEY=SECONDS`. A colon or parentheses may stand for `=`, a list ends at its first pair, and
/// seconds that are no number are 0, as in the original.
fn timeout(text: &str) -> Result<(&str, i64), Failure> {
    const BLANKS: [char; 5] = [',', ' ', '\t', '\r', '\n'];
    let pair = text.trim_start_matches(BLANKS);
    if pair.is_empty() {
        return fatal("a timeout policy is empty; use KEY=SECONDS");
    }
    let end = pair.find(|c| BLANKS.contains(&c) || ":=(".contains(c)).unwrap_or(pair.len());
    let (key, value) = pair.split_at(end);
    Ok((key, seconds(value.strip_prefix([':', '=', '(']).unwrap_or_default())))
}

/// The number at the beginning of a text, cut to 32 bits as atoi(3) does; 0 after a blank.
fn seconds(text: &str) -> i64 {
    let number = if text.starts_with(|c: char| c.is_ascii_whitespace()) { 0 } else { leading_number(text) };
    let [a, b, c, d, ..] = number.to_le_bytes();
    i64::from(i32::from_le_bytes([a, b, c, d]))
}

/// The row with these timeouts; zones share it, unless a key is given twice.
fn policy(cx: &mut Context<'_>, arguments: &[String]) -> Result<Uuid, Failure> {
    let mut pairs: Vec<(&str, i64)> = Vec::new();
    for argument in arguments {
        let (key, seconds) = timeout(argument)?;
        // Of equal keys the first counts.
        if !pairs.iter().any(|(known, _)| *known == key) {
            pairs.push((key, seconds));
        }
    }
    let timeouts = Datum::map(pairs);
    let is_same = |row: &&Row| timeouts.len() == arguments.len() && *row.get(ct_timeout_policy::TIMEOUTS) == timeouts;
    let known = cx.txn.rows(Table::CtTimeoutPolicy).find(is_same);
    match known.map(Row::uuid) {
        Some(uuid) => Ok(uuid),
        None => Ok(cx.txn.insert(Table::CtTimeoutPolicy).with(ct_timeout_policy::TIMEOUTS, timeouts).add()?),
    }
}

pub(super) fn add_zone_tp(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let zone = zone_id(command.arg(1))?;
    let (datapath, zones) = zones(cx, command.arg(0))?;
    let known = zones.value(&Atom::Integer(zone)).and_then(Atom::as_uuid);
    if known.is_some() && !command.has("may-exist") {
        return fatal(format!("zone id {zone} already exists"));
    }
    let policy = policy(cx, &command.args[2..])?;
    if let Some(known) = known {
        cx.txn.set(known, ct_zone::TIMEOUT_POLICY, policy)?;
        return Ok(QUIET);
    }
    let row = cx.txn.insert(Table::CtZone).with(ct_zone::TIMEOUT_POLICY, policy).add()?;
    cx.txn.set(datapath, datapath::CT_ZONES, zones.union(&Datum::map([(zone, row)]), true))?;
    Ok(QUIET)
}

pub(super) fn del_zone_tp(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let zone = zone_id(command.arg(1))?;
    let (datapath, zones) = zones(cx, command.arg(0))?;
    if !zones.contains_key(&Atom::Integer(zone)) {
        if command.has("if-exists") {
            return Ok(QUIET);
        }
        return fatal(format!("zone id {zone} does not exist"));
    }
    cx.txn.set(datapath, datapath::CT_ZONES, zones.difference(&Datum::from(zone)))?;
    Ok(QUIET)
}

pub(super) fn list_zone_tp(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let Some(row) = find(cx, command.arg(0)) else {
        return fatal(format!("datapath: {} record not found", command.arg(0)));
    };
    let mut text = String::new();
    for (zone, uuid) in row.get(datapath::CT_ZONES).pairs() {
        let zone_row = uuid.as_uuid().and_then(|uuid| cx.row(Table::CtZone, uuid));
        let policy = zone_row.and_then(|row| row.reference(ct_zone::TIMEOUT_POLICY));
        text.push_str(&format!("Zone:{zone}, Timeout Policies:"));
        match policy.and_then(|uuid| cx.row(Table::CtTimeoutPolicy, uuid)) {
            Some(policy) => {
                for (key, seconds) in policy.get(ct_timeout_policy::TIMEOUTS).pairs() {
                    text.push_str(&format!(" {key}={seconds}"));
                }
            }
            None => text.push_str(" system default"),
        }
        text.push('\n');
    }
    Ok(Printed::Text(text))
}

pub(super) fn list_dp_cap(cx: &mut Context<'_>, command: &Command<'_>) -> Answer {
    let Some(row) = find(cx, command.arg(0)) else {
        return fatal(format!("datapath \"{}\" record not found", command.arg(0)));
    };
    let pairs: Vec<String> =
        row.str_pairs(datapath::CAPABILITIES).map(|(key, value)| format!("{key}={value}")).collect();
    line(pairs.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_needs_a_number() {
        for text in ["", "8", "zone", "zone=", "zone=x", "zone=0x", "zone=-", "zone=99999999999999999999"] {
            assert!(zone_id(text).is_err(), "{text}");
        }
        for (text, zone) in [("zone=0", 0), ("zone=08", 0), ("zone=0X1fg", 31), ("zone= -3", -3), ("zone=010", 8)] {
            assert_eq!(zone_id(text).ok(), Some(zone), "{text}");
        }
    }

    #[test]
    fn a_timeout_needs_a_key() {
        assert!(timeout("").is_err() && timeout(" ,").is_err());
        assert_eq!(timeout("a").ok(), Some(("a", 0)));
        assert_eq!(timeout("a=99999999999999999999").ok(), Some(("a", -1)));
        assert_eq!(timeout("a=-99999999999999999999").ok(), Some(("a", 0)));
    }
}
