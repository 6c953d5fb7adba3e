//! Which flow leaves a full table (ovs-vswitchd.conf.db(5), "Flow_Table TABLE", "Eviction Policy").
//!
//! Flows with a time-out are kept in groups by the values of fields. The one to go is in the largest group, of the least
//! importance, and next to expire; among several of the largest groups, the one first in order.

use crate::rule::Rule;
use packet::Subfield;
use sim_core::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The values of a group's fields.
type Values = Arc<[u128]>;

/// The flows of a table that may be evicted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evictable {
    fields: Vec<Subfield>,
    /// Importance, deadline and number of the rules of each group.
    groups: BTreeMap<Values, BTreeSet<(u16, Time, u64)>>,
    /// The groups by size.
    sizes: BTreeSet<(usize, Values)>,
    rules: BTreeMap<u64, (Time, Arc<Rule>)>,
}

impl Evictable {
    /// No flows, to be told apart by these fields.
    pub(crate) fn new(fields: Vec<Subfield>) -> Self {
        Self { fields, ..Self::default() }
    }

    /// Puts a rule in, if it has a time-out.
    pub(crate) fn insert(&mut self, rule: &Arc<Rule>) {
        let (deadline, _) = rule.deadline();
        if deadline < Time::NEVER {
            let entry = (rule.importance, deadline, rule.id);
            self.change_group(rule, |group| group.insert(entry));
            self.rules.insert(rule.id, (deadline, Arc::clone(rule)));
        }
    }

    /// Takes a rule out.
    pub(crate) fn remove(&mut self, rule: &Rule) {
        if let Some((deadline, rule)) = self.rules.remove(&rule.id) {
            let entry = (rule.importance, deadline, rule.id);
            self.change_group(&rule, |group| group.remove(&entry));
        }
    }

    /// The rule to go, if any may.
    pub(crate) fn choose(&mut self) -> Option<Arc<Rule>> {
        loop {
            let (_, values) = self.sizes.last()?;
            let (_, deadline, id) = self.groups.get(values)?.first()?;
            let (_, rule) = self.rules.get(id)?;
            if rule.deadline().0 == *deadline {
                return Some(Arc::clone(rule));
            }
            // Frames have moved its deadline since.
            let rule = Arc::clone(rule);
            self.remove(&rule);
            self.insert(&rule);
        }
    }

    fn change_group(&mut self, rule: &Rule, change: impl FnOnce(&mut BTreeSet<(u16, Time, u64)>) -> bool) {
        let key = rule.matched().key;
        let values: Values = self.fields.iter().map(|field| field.get(&key)).collect();
        let group = self.groups.entry(Arc::clone(&values)).or_default();
        self.sizes.remove(&(group.len(), Arc::clone(&values)));
        change(group);
        match group.len() {
            0 => drop(self.groups.remove(&values)),
            size => drop(self.sizes.insert((size, values))),
        }
    }
}
