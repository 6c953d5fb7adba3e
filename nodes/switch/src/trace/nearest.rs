//! The rule that came nearest: one that would have been preferred to the one that was found, and what in the frame it
//! doesn't match.

use flow_table::{Rule, Tables};
use packet::field::FIELDS;
use packet::{Field, FlowKey, FlowMask, Match};
use std::cmp::Reverse;
use std::sync::Arc;

/// How many rules of a table are looked at, which ones of a larger table isn't said.
const MAX_RULES: usize = 10_000;

/// The rule of a table that a key fails in the fewest fields, the one of the highest priority among equals; and what
/// it wants of the first of those fields.
pub(super) fn nearest(
    tables: &Tables,
    table: u8,
    key: &FlowKey,
    found: Option<&Arc<Rule>>,
) -> Option<(Arc<Rule>, String)> {
    let is_preferred = |rule: &&Arc<Rule>| found.is_none_or(|found| rule.priority() > found.priority());
    let rules = tables.rules(table).take(MAX_RULES).filter(is_preferred);
    let differing = rules.filter_map(|rule| {
        let matched = rule.matched();
        let fields = failed(&matched, key);
        (!fields.is_empty()).then(|| (fields.len(), Reverse(rule.priority()), fields[0], rule))
    });
    let (_, _, field, rule) = differing.min_by_key(|(fields, priority, _, rule)| (*fields, *priority, rule.id()))?;
    Some((Arc::clone(rule), why(field, &rule.matched(), key)))
}

/// The fields in which a key differs from a match, those that say the most first: the first rows of the table that
/// have the bits.
fn failed(matched: &Match, key: &FlowKey) -> Vec<&'static Field> {
    let mut left = FlowMask::EMPTY;
    let words = left.words_mut().iter_mut().zip(matched.mask.words());
    let differs = matched.key.words().iter().zip(key.words());
    words.zip(differs).for_each(|((left, mask), (wanted, has))| *left = (wanted ^ has) & mask);
    let mut fields = Vec::new();
    // A field that has no meaning for the match is another's bits.
    for meaning in [true, false] {
        for field in FIELDS {
            let is_meant = !meaning || field.needs.are_met(&matched.key, &matched.mask);
            if left.get(field.slot) != 0 && is_meant {
                left.set(field.slot, 0);
                fields.push(field);
            }
        }
    }
    // Of another type, the rest has no meaning.
    fields.sort_by_key(|field| field.name != "dl_type" && field.name != "eth_type");
    fields
}

/// `tp_dst is 80, the rule wants 8080`.
fn why(field: &Field, matched: &Match, key: &FlowKey) -> String {
    let (wanted, mask) = (matched.key.get(field.slot), matched.mask.get(field.slot));
    let has = key.get(field.slot);
    let text = |value, mask| Value { field, value, mask }.to_string();
    if field.name.contains("vlan") && has == 0 {
        return format!("there is no such VLAN tag, the rule wants {}={}", field.name, text(wanted, mask));
    }
    format!("{} is {}, the rule wants {}", field.name, text(has, field.slot.max()), text(wanted, mask))
}

struct Value<'a> {
    field: &'a Field,
    value: u128,
    mask: u128,
}

impl std::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.field.write_value(f, self.value, self.mask)
    }
}
