//! What a line or a file says of flows: the words that only a change has, and the flow.

use super::options::{Options, Version};
use crate::bridge::Bridge;
use crate::command::CommandError;
use flow_table::Tables;
use openflow::{Flow, FlowCommand, FlowError, FlowMod};

/// The words that ask for flows that are there.
const CONDITIONS: &[&str] = &["out_port", "out_group"];

/// Reads changes of flows of a bridge.
pub(super) struct Reader<'a> {
    pub(super) tables: &'a Tables,
    pub(super) ports: &'a dyn Fn(&str) -> Option<u32>,
    pub(super) version: Version,
}

/// The number of a port by its name.
pub(super) fn port_names(bridge: &Bridge) -> impl Fn(&str) -> Option<u32> + '_ {
    |name| {
        let slot = bridge.slot_named(name)?;
        Some(u32::from(bridge.slots[usize::from(slot)].as_ref()?.ofport))
    }
}

/// Reads one change.
pub(super) fn change(
    bridge: &Bridge,
    options: &Options,
    command: FlowCommand,
    text: &str,
) -> Result<FlowMod, CommandError> {
    let reader = Reader { tables: &bridge.shared.tables(), ports: &port_names(bridge), version: options.version };
    reader.change(command, text).map_err(|error| failed(&error))
}

/// Reads a file of changes, one a line, each with `add`, `delete` and the like before it, or without for `add`.
pub(super) fn file(bridge: &Bridge, options: &Options, name: &str, text: &str) -> Result<Vec<FlowMod>, CommandError> {
    let reader = Reader { tables: &bridge.shared.tables(), ports: &port_names(bridge), version: options.version };
    let mut changes = Vec::new();
    let mut errors = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (command, flow) = command(line);
        match reader.change(command, flow) {
            Ok(change) => changes.push(change),
            Err(error) => errors.push(format!("ovs-ofctl: {name}:{number}: {error}")),
        }
    }
    if errors.is_empty() { Ok(changes) } else { Err(CommandError::new(errors.join("\n"))) }
}

fn failed(error: &impl std::fmt::Display) -> CommandError {
    CommandError::new(format!("ovs-ofctl: {error}"))
}

/// The command that a line of a file begins with.
fn command(line: &str) -> (FlowCommand, &str) {
    let commands = [
        ("add", FlowCommand::Add),
        ("modify", FlowCommand::Modify),
        ("modify_strict", FlowCommand::ModifyStrict),
        ("delete", FlowCommand::Delete),
        ("delete_strict", FlowCommand::DeleteStrict),
    ];
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match commands.iter().find(|(name, _)| *name == word) {
        Some((_, command)) => (*command, rest),
        None => (FlowCommand::Add, line),
    }
}

impl Reader<'_> {
    /// Reads a change. Who deletes or dumps gives no actions, and no priority unless it is strict.
    pub(super) fn change(&self, command: FlowCommand, text: &str) -> Result<FlowMod, String> {
        let is_selection = matches!(command, FlowCommand::Delete | FlowCommand::DeleteStrict);
        let is_add = command == FlowCommand::Add;
        let head = text.find("actions=").or_else(|| text.find("action=")).unwrap_or(text.len());
        if is_selection && head < text.len() {
            return Err("unknown keyword actions".to_owned());
        }
        let (mut bare, mut change) = (text.as_bytes().to_vec(), FlowMod::new(command, Flow::default()));
        change.table = None;
        let mut cookie = None;
        let mut flags = change.flow.flags;
        let mut importance = 0;
        for word in text[..head].split(|c: char| c == ',' || c.is_whitespace()) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || number(value).ok_or_else(|| format!("{name}: `{value}` is not a number"));
            match name {
                "table" => match self.tables.table_named(value) {
                    Some(table) => change.table = Some(table),
                    None => {
                        let known = number().ok().and_then(|table| u8::try_from(table).ok());
                        change.table = Some(known.ok_or_else(|| format!("unknown table \"{value}\""))?);
                    }
                },
                "cookie" => match value.split_once('/') {
                    Some(_) if is_add => return Err("flow additions cannot use a cookie mask".to_owned()),
                    Some((bits, mask)) => {
                        let wrong = || format!("cookie: `{value}` is not COOKIE/MASK");
                        change.cookie_match = self::number(bits).ok_or_else(wrong)?;
                        change.cookie_mask = self::number(mask).ok_or_else(wrong)?;
                    }
                    None if is_selection => {
                        let remedy = "to match on a cookie, specify a mask, e.g.";
                        return Err(format!("cannot set cookie ({remedy} cookie={value}/-1)"));
                    }
                    None => cookie = Some(number()?),
                },
                _ if CONDITIONS.contains(&name) && !is_selection => return Err(format!("unknown keyword {name}")),
                "out_port" => {
                    let port = (self.ports)(value).or_else(|| number().ok().and_then(|port| port.try_into().ok()));
                    change.out_port = Some(port.ok_or_else(|| format!("{value} is not a port"))?);
                }
                "out_group" => {
                    let group = u32::try_from(number()?).map_err(|_| format!("invalid group id {value}"))?;
                    change.out_group = Some(group);
                }
                "priority" if command == FlowCommand::Delete => return Err("unknown keyword priority".to_owned()),
                "importance" if !is_selection => {
                    importance = u16::try_from(number()?).map_err(|_| format!("invalid importance \"{value}\""))?;
                }
                "check_overlap" => change.check_overlap = true,
                "reset_counts" => change.reset_counts = true,
                "send_flow_rem" => flags.send_flow_rem = true,
                "no_packet_counts" => flags.no_packet_counts = true,
                "no_byte_counts" => flags.no_byte_counts = true,
                _ => continue,
            }
            // Errors of what is left say where it stands.
            let at = word.as_ptr().addr() - text.as_ptr().addr();
            bare[at..at + word.len()].fill(b' ');
        }
        let mut bare = String::from_utf8_lossy(&bare).into_owned();
        if is_selection {
            bare.push_str(" actions=drop");
        }
        let flow = Flow::parse(&bare, self.ports).map_err(|error: FlowError| error.to_string())?;
        change.flow = Flow { table: change.table.unwrap_or(0), flags, importance, ..flow };
        change.flow.cookie = cookie.unwrap_or(0);
        let is_nicira = self.version == Version::V10;
        match command {
            // OpenFlow 1.0 adds anew; later versions keep the counters unless told to reset them.
            FlowCommand::Add => change.reset_counts |= is_nicira,
            // Nicira's messages always have a cookie, and OpenFlow's own never.
            FlowCommand::Modify | FlowCommand::ModifyStrict => {
                change.new_cookie = is_nicira && (cookie.is_some() || change.cookie_mask == 0);
            }
            FlowCommand::Delete | FlowCommand::DeleteStrict => {}
        }
        Ok(change)
    }
}

/// A number as strtoull(3) reads it, with -1 for all ones.
fn number(text: &str) -> Option<u64> {
    if text == "-1" {
        return Some(u64::MAX);
    }
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
