//! When flows go by their time-outs.
//!
//! A flow stands under the deadline that it had when it was put here. A frame moves the deadline away without telling;
//! that is found out when the old one comes, once for each period at most.

use crate::rule::Rule;
use sim_core::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Flows by deadline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    /// Deadlines with the rules' numbers.
    due: BTreeSet<(Time, u64)>,
    rules: BTreeMap<u64, (Time, Arc<Rule>)>,
}

impl Timers {
    /// Puts a rule in, if it has a deadline.
    pub(crate) fn insert(&mut self, rule: &Arc<Rule>) {
        let (deadline, _) = rule.deadline();
        if deadline < Time::NEVER {
            self.due.insert((deadline, rule.id));
            self.rules.insert(rule.id, (deadline, Arc::clone(rule)));
        }
    }

    /// Takes a rule out.
    pub(crate) fn remove(&mut self, rule: &Rule) {
        if let Some((deadline, _)) = self.rules.remove(&rule.id) {
            self.due.remove(&(deadline, rule.id));
        }
    }

    /// The first deadline, or an earlier one that a frame has moved since.
    pub(crate) fn next(&self) -> Time {
        self.due.first().map_or(Time::NEVER, |(deadline, _)| *deadline)
    }

    /// A rule whose deadline has come.
    pub(crate) fn take_due(&mut self, now: Time) -> Option<Arc<Rule>> {
        while let Some(&(deadline, id)) = self.due.first() {
            if deadline > now {
                return None;
            }
            self.due.pop_first();
            let Some((_, rule)) = self.rules.remove(&id) else { continue };
            if rule.deadline().0 <= now {
                return Some(rule);
            }
            self.insert(&rule);
        }
        None
    }
}
