//! Putting what a translation does into words.

use super::nearest::nearest;
use super::{TraceKind, TraceStep};
use crate::mac_table::StationKey;
use crate::translate::{Learnt, Observer, Seen};
use packet::Subfield;
use sim_core::{DropArgs, DropReason};
use std::fmt;

/// Keeps what it sees in words.
pub(super) struct Recorder<'a> {
    /// What it saw.
    pub steps: Vec<TraceStep>,
    /// Whether flows and stations are learnt, or it is only said that they would be.
    pub learns: bool,
    /// The stations that are to be learnt, and the slots that they are behind.
    pub stations: Vec<(StationKey, u16)>,
    /// Why NORMAL drops: the slot that refuses it, why, and with what.
    pub refusal: Option<(Option<u16>, DropReason, DropArgs)>,
    /// The names of slots.
    pub name: &'a dyn Fn(u16) -> Option<String>,
}

impl Observer for Recorder<'_> {
    fn see(&mut self, depth: u8, seen: Seen<'_>) {
        let (kind, text) = match seen {
            Seen::Lookup { tables, table, key, rule } => {
                let text = match rule {
                    Some(rule) => {
                        let matched = rule.matched().to_string();
                        let separator = if matched.is_empty() { "" } else { ", " };
                        let cookie = match rule.cookie {
                            0 => String::new(),
                            cookie => format!(", cookie {cookie:#x}"),
                        };
                        format!("{table:2}. {matched}{separator}priority {}{cookie}", rule.priority())
                    }
                    None => format!("{table:2}. No match."),
                };
                let nearest = nearest(tables, table, key, rule).map(|(rule, why)| (rule.flow().to_string(), why));
                (TraceKind::Table { table, rule: rule.map(|rule| rule.flow().to_string()), nearest }, text)
            }
            Seen::Action(action) => (TraceKind::Action, action.to_string()),
            Seen::Drop => (TraceKind::Action, "drop".to_owned()),
            Seen::Bucket(id) => (TraceKind::Action, format!("bucket {id}")),
            Seen::ActionSet => (TraceKind::Section, "--. Executing action set:".to_owned()),
            Seen::Resumed => (TraceKind::Section, "thaw".to_owned()),
            Seen::Subfield(to, value) => (TraceKind::Detail, format!("{to} is now {}", Value(to, value))),
            Seen::Written(verb, []) => (TraceKind::Detail, format!("action set {verb} empty")),
            Seen::Written(verb, set) => {
                let set: Vec<String> = set.iter().map(ToString::to_string).collect();
                (TraceKind::Detail, format!("action set {verb}: {}", set.join(",")))
            }
            Seen::Learn(_) if !self.learns => {
                (TraceKind::Warning, "suppressing side effects, so learn action ignored".to_owned())
            }
            Seen::Learn(learnt) => (TraceKind::Detail, in_words(learnt)),
            // Its words come with what follows from it.
            Seen::Normal(_) => return,
            Seen::Station(key, slot) => {
                self.stations.push((key, slot));
                if !self.learns {
                    return;
                }
                let name = (self.name)(slot).unwrap_or_default();
                let (mac, vlan) = (key.mac(), key.vlan());
                (TraceKind::Detail, format!("learned that {mac} is on port {name} in VLAN {vlan}"))
            }
            Seen::NormalDrop(slot, reason, args) => {
                self.refusal = Some((slot, reason, args));
                let name = slot.and_then(self.name).unwrap_or_default();
                (TraceKind::Error, refusal(reason, args, &name))
            }
            Seen::Detail(text) => (TraceKind::Detail, text.to_string()),
            Seen::Warning(text) => (TraceKind::Warning, text.to_string()),
            Seen::Error(text) => (TraceKind::Error, text.to_string()),
        };
        self.steps.push(TraceStep { depth: depth.saturating_add(1), kind, text });
    }
}

/// A learnt flow, as the trace of Open vSwitch tells it.
fn in_words(learnt: &Learnt) -> String {
    let flow = &learnt.change.flow;
    let mut words = vec![format!("table={}", flow.table)];
    let matched = flow.matched.to_string();
    if !matched.is_empty() {
        words.push(matched);
    }
    words.push(format!("priority={}", flow.priority));
    let numbers = [("idle", flow.idle_timeout), ("hard", flow.hard_timeout)];
    if flow.cookie != 0 {
        words.push(format!("cookie={:#x}", flow.cookie));
    }
    words.extend(numbers.iter().filter(|(_, n)| *n != 0).map(|(name, n)| format!("{name}={n}")));
    if flow.flags.send_flow_rem {
        words.push("send_flow_rem".to_owned());
    }
    let actions: Vec<String> = flow.actions.iter().map(ToString::to_string).collect();
    words.push(format!("actions={}", if actions.is_empty() { "drop".to_owned() } else { actions.join(",") }));
    words.join(" ")
}

/// Why NORMAL drops.
fn refusal(reason: DropReason, args: DropArgs, port: &str) -> String {
    match (reason, args) {
        (DropReason::TaggedOnAccess, DropArgs::Vlan(vlan)) => {
            format!("dropping VLAN {vlan} tagged packet received on port {port} configured as VLAN access port")
        }
        (DropReason::VlanNotAllowed, DropArgs::Vlan(vlan)) => {
            format!("dropping VLAN {vlan} packet: port {port} doesn't carry the VLAN")
        }
        (DropReason::ReservedMulticast, _) => "packet has reserved destination MAC, dropping packet".to_owned(),
        (DropReason::SamePort, _) => "learned port is input port, dropping".to_owned(),
        (reason, _) if port.is_empty() => format!("dropping packet: {reason}"),
        (reason, _) => format!("dropping packet at port {port}: {reason}"),
    }
}

/// A subfield's value: the field's own form if it is whole.
struct Value<'a>(&'a Subfield, u128);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(to, value) = self;
        match value {
            value if to.is_whole() => to.field.write_value(f, *value, to.field.slot.max()),
            0 => f.write_str("0"),
            value => write!(f, "{value:#x}"),
        }
    }
}
