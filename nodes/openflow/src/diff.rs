//! What differs between two sets of flows, as `ovs-ofctl diff-flows` prints it.

use std::collections::BTreeMap;
use std::fmt;

use packet::Match;

use crate::Flow;
use crate::action::List;

/// A flow that stands in one of two sets, or differs from the one of its table, priority and match in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference<'f> {
    /// The flow.
    pub flow: &'f Flow,
    /// Whether it is of the second set.
    pub is_new: bool,
}

/// What differs between two sets of flows: those of the first alone and those of the second alone, by table and falling
/// priority. Flows of the same table, priority and match differ in cookie, time-outs, importance or actions. Of several in
/// one set the last counts.
pub fn diff<'f>(old: &'f [Flow], new: &'f [Flow]) -> Vec<Difference<'f>> {
    type Key = (u8, std::cmp::Reverse<u16>, Match);
    let mut flows: BTreeMap<Key, [Option<&'f Flow>; 2]> = BTreeMap::new();
    for (side, set) in [old, new].into_iter().enumerate() {
        for flow in set {
            let key = (flow.table, std::cmp::Reverse(flow.priority), flow.matched);
            flows.entry(key).or_default()[side] = Some(flow);
        }
    }
    let mut differences = Vec::new();
    for [old, new] in flows.into_values() {
        if let (Some(old), Some(new)) = (old, new)
            && is_same(old, new)
        {
            continue;
        }
        differences.extend(old.map(|flow| Difference { flow, is_new: false }));
        differences.extend(new.map(|flow| Difference { flow, is_new: true }));
    }
    differences
}

fn is_same(a: &Flow, b: &Flow) -> bool {
    let version = |flow: &Flow| (flow.cookie, flow.idle_timeout, flow.hard_timeout, flow.importance);
    version(a) == version(b) && a.actions == b.actions
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { flow, is_new } = self;
        f.write_str(if *is_new { "+" } else { "-" })?;
        if flow.table != 0 {
            write!(f, "table={} ", flow.table)?;
        }
        let mut separator = "";
        if flow.priority != Flow::DEFAULT_PRIORITY {
            write!(f, "priority={}", flow.priority)?;
            separator = ",";
        }
        if !flow.matched.is_any() {
            write!(f, "{separator}{}", flow.matched)?;
        }
        if flow.cookie != 0 {
            write!(f, " cookie={:#x}", flow.cookie)?;
        }
        let numbers =
            [("idle_timeout", flow.idle_timeout), ("hard_timeout", flow.hard_timeout), ("importance", flow.importance)];
        for (word, number) in numbers.iter().filter(|(_, number)| *number != 0) {
            write!(f, " {word}={number}")?;
        }
        write!(f, " actions={}", List(&flow.actions))
    }
}
