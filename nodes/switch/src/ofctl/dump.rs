//! Showing flows and tables: `dump-flows`, `dump-aggregate`, `dump-tables`.

use super::options::{Options, Order, Version};
use super::read;
use crate::bridge::Bridge;
use crate::command::CommandError;
use flow_table::{Rule, Tables};
use openflow::{Action, Flow, FlowCommand};
use sim_core::Time;
use std::cmp::Ordering;
use std::fmt::Write;
use std::sync::Arc;

/// The flows, as a reply to `dump-flows`.
pub(super) fn flows(bridge: &Bridge, now: Time, options: &Options, filter: &str) -> Result<String, CommandError> {
    let command = if options.is_strict { FlowCommand::DeleteStrict } else { FlowCommand::Delete };
    let selected = read::change(bridge, options, command, filter)?;
    let mut rules = bridge.shared.tables().selected(&selected);
    if !options.sorts.is_empty() {
        rules.sort_by(|a, b| compare(a, b, &options.sorts));
    }
    // Sorted, or with names, flows are no longer the message that came.
    let is_reply = options.sorts.is_empty() && !options.has_names && options.has_stats;
    let version = options.version;
    let mut text = String::new();
    if is_reply {
        let xid = if filter.is_empty() { version.reply_xid() } else { version.reply_xid() + 4 };
        let name = if version == Version::V10 { "NXST_FLOW" } else { "OFPST_FLOW" };
        // Writing to a string can't fail.
        let _ = writeln!(text, "{name} reply{version} (xid={xid:#x}):");
    }
    let has_age = is_reply && (version == Version::V10 || version == Version::V15);
    for rule in rules {
        let line = line(&rule, now, options, has_age);
        let _ = if options.has_names { writeln!(text, " {}", named(bridge, &line)) } else { writeln!(text, " {line}") };
    }
    Ok(text)
}

fn line(rule: &Rule, now: Time, options: &Options, has_age: bool) -> String {
    let flow = rule.flow();
    let mut text = String::new();
    // Writing to a string can't fail.
    if options.has_stats {
        let (packets, bytes) = rule.stats.get();
        let _ = write!(
            text,
            "cookie={:#x}, duration={}, table={}, n_packets={packets}, n_bytes={bytes}, ",
            flow.cookie,
            duration(now, rule.since),
            flow.table
        );
    } else {
        if flow.cookie != 0 {
            let _ = write!(text, "cookie={:#x}, ", flow.cookie);
        }
        if flow.table != 0 {
            let _ = write!(text, "table={}, ", flow.table);
        }
    }
    let number = |text: &mut String, name: &str, value: u16| {
        if value != 0 {
            let _ = write!(text, "{name}={value}, ");
        }
    };
    number(&mut text, "idle_timeout", flow.idle_timeout);
    number(&mut text, "hard_timeout", flow.hard_timeout);
    if options.version >= Version::V13 {
        let flags = [
            (flow.flags.send_flow_rem, "send_flow_rem "),
            (flow.flags.reset_counts, "reset_counts "),
            (flow.flags.no_packet_counts, "no_packet_counts "),
            (flow.flags.no_byte_counts, "no_byte_counts "),
        ];
        text.extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| *word));
    }
    if options.version >= Version::V14 {
        number(&mut text, "importance", flow.importance);
    }
    if has_age {
        let seconds = |since: Time| now.since(since).as_nanos() / 1_000_000_000;
        let _ = write!(text, "idle_age={}, ", seconds(rule.idle_since()));
        if seconds(rule.modified()) != seconds(rule.since) {
            let _ = write!(text, "hard_age={}, ", seconds(rule.modified()));
        }
    }
    let head = head_of(&flow);
    text.push_str(&head);
    if !head.is_empty() {
        text.push(' ');
    }
    text + "actions=" + &openflow::actions_of_version(&flow.actions, &flow.matched, options.version.minor())
}

/// How long ago a time is, in seconds: `5s` or `5.250s`.
pub(super) fn duration(now: Time, since: Time) -> String {
    let millis = now.since(since).as_millis();
    match millis % 1000 {
        0 => format!("{}s", millis / 1000),
        rest => format!("{}.{rest:03}s", millis / 1000),
    }
}

/// Priority and match: `priority=10,tcp,tp_dst=80`.
pub(super) fn head_of(flow: &Flow) -> String {
    let matched = flow.matched.to_string();
    match (flow.priority, matched.as_str()) {
        (Flow::DEFAULT_PRIORITY, _) => matched,
        (priority, "") => format!("priority={priority}"),
        (priority, matched) => format!("priority={priority},{matched}"),
    }
}

/// Actions in a line.
pub(super) fn actions_of(actions: &[Action]) -> String {
    if actions.is_empty() {
        return "drop".to_owned();
    }
    let actions: Vec<String> = actions.iter().map(ToString::to_string).collect();
    actions.join(",")
}

/// A line with the names of ports in place of their numbers.
fn named(bridge: &Bridge, line: &str) -> String {
    let name = |number: &str| {
        let number: u16 = number.parse().ok()?;
        let found = bridge.slots.iter().flatten().find(|member| member.ofport == number);
        found.map(|member| &*member.name)
    };
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = ["in_port=", "output:"].iter().filter_map(|word| Some(rest.find(word)? + word.len())).min() {
        let (before, after) = rest.split_at(at);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        text.push_str(before);
        text.push_str(name(&after[..digits]).unwrap_or(&after[..digits]));
        rest = &after[digits..];
    }
    text + rest
}

/// By the first of the orders that tells two flows apart; those without a field come after those that have it.
fn compare(a: &Arc<Rule>, b: &Arc<Rule>, orders: &[Order]) -> Ordering {
    let by = |order: &Order| {
        let ordering = match order.field {
            None => a.priority().cmp(&b.priority()),
            Some(field) => {
                let (a, b) = (a.matched(), b.matched());
                let (has_a, has_b) = (a.mask.get(field.slot) != 0, b.mask.get(field.slot) != 0);
                if has_a != has_b {
                    return has_b.cmp(&has_a);
                }
                a.key.get(field.slot).cmp(&b.key.get(field.slot))
            }
        };
        if order.is_descending { ordering.reverse() } else { ordering }
    };
    orders.iter().map(by).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

/// What all flows matched together.
pub(super) fn aggregate(bridge: &Bridge, options: &Options, filter: &str) -> Result<String, CommandError> {
    let command = if options.is_strict { FlowCommand::DeleteStrict } else { FlowCommand::Delete };
    let selected = read::change(bridge, options, command, filter)?;
    let (packets, bytes, flows) = bridge.shared.tables().aggregate(&selected);
    let version = options.version;
    let xid = if filter.is_empty() { version.reply_xid() } else { version.reply_xid() + 4 };
    let name = if version == Version::V10 { "NXST_AGGREGATE" } else { "OFPST_AGGREGATE" };
    Ok(format!("{name} reply{version} (xid={xid:#x}): packet_count={packets} byte_count={bytes} flow_count={flows}\n"))
}

/// A table as `dump-tables` tells it.
#[derive(PartialEq, Eq)]
struct Shown {
    name: String,
    flows: usize,
    lookups: u64,
    matched: u64,
    limit: usize,
}

/// The tables; what is as in the table before isn't said again.
pub(super) fn tables(bridge: &Bridge, options: &Options) -> String {
    /// The last table that a controller sees.
    const LAST: u8 = 253;
    let version = options.version;
    let tables = bridge.shared.tables();
    let all: Vec<Shown> = (0..=LAST).map(|number| shown(&tables, number)).collect();
    let mut text = format!("OFPST_TABLE reply{version} (xid=0x2):\n");
    let mut at = 0;
    while at < all.len() {
        let table = &all[at];
        let same = all[at..].iter().take_while(|other| *other == table).count();
        if at > 0 && same > 1 && all[at - 1] == *table {
            let last = at + same - 1;
            let end = if at + same < all.len() { "\n" } else { "" };
            let _ = writeln!(text, "  tables {at}...{last}: ditto{end}");
            at += same;
            continue;
        }
        let name = if table.name.is_empty() { String::new() } else { format!(" (\"{}\")", table.name) };
        let _ = write!(
            text,
            "  table {at}{name}:\n    active={}, lookup={}, matched={}\n",
            table.flows, table.lookups, table.matched
        );
        if version == Version::V10 {
            let is_same = at > 0 && all[at - 1].limit == table.limit;
            let features = if at == 0 {
                format!(
                    "    max_entries={}\n    matching:\n      exact match or wildcard: in_port eth_{{src,dst,type}} \
                     vlan_{{vid,pcp}} ip_{{src,dst}} nw_{{proto,tos}} tcp_{{src,dst}}\n",
                    table.limit
                )
            } else if is_same {
                "    (same features)\n".to_owned()
            } else {
                format!("    max_entries={}\n    (same matching)\n", table.limit)
            };
            text.push_str(&features);
        }
        text.push('\n');
        at += 1;
    }
    text
}

fn shown(tables: &Tables, number: u8) -> Shown {
    let config = tables.table_config(number);
    let flows = tables.tables().find(|(other, _)| *other == number).map_or(0, |(_, flows)| flows);
    let (lookups, matched) = tables.table_stats(number).map_or((0, 0), |stats| stats.get());
    let limit = config.and_then(|config| config.flow_limit).map_or(flow_table::MAX_FLOWS, |limit| limit as usize);
    Shown { name: config.map_or_else(String::new, |config| config.name.clone()), flows, lookups, matched, limit }
}

/// What tables do when they are full.
pub(super) fn table_descriptions(bridge: &Bridge, options: &Options) -> String {
    let version = options.version.max(Version::V14);
    let tables = bridge.shared.tables();
    let mut text = format!("OFPST_TABLE_DESC reply{version} (xid=0x2):\n");
    for number in 0..flow_table::MAX_TABLE {
        let config = tables.table_config(number).filter(|config| !config.name.is_empty());
        let name = config.map_or_else(String::new, |config| format!(" (\"{}\")", config.name));
        let eviction = if tables.evicts(number) { "on" } else { "off" };
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "{}  table {number}{name}:\n   eviction={eviction} eviction_flags=OTHER|IMPORTANCE|LIFETIME\n   vacancy=off\n",
            if number == 0 { "" } else { "\n" }
        );
    }
    text
}
