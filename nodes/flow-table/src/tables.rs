//! The tables of a bridge.

use crate::{Change, ChangeLog, Classifier, Rule};
use openflow::{FlowCommand, FlowMod, Group};
use packet::{FlowKey, FlowMask};
use sim_core::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The flow tables of a bridge, with its groups and meters.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    tables: BTreeMap<u8, Classifier<Arc<Rule>>>,
    groups: BTreeMap<u32, Arc<Group>>,
    log: ChangeLog,
}

/// Why a change can't be made. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {}

/// A rule that is gone.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Why.
    pub reason: RemovedReason,
}

/// Why a rule is gone (OpenFlow 1.5.1 section 7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedReason {
    /// No frame for as long as its idle time-out.
    IdleTimeout,
    /// Its hard time-out.
    HardTimeout,
    /// A change.
    Delete,
    /// Its group was deleted.
    GroupDelete,
    /// Its meter was deleted.
    MeterDelete,
    /// Another one took its room.
    Eviction,
}

impl Tables {
    /// The rule that a key finds in a table; the bits that were looked at are added to the mask.
    pub fn lookup(&self, table: u8, key: &FlowKey, mask: &mut FlowMask) -> Option<&Arc<Rule>> {
        self.tables.get(&table)?.lookup(key, mask)
    }

    /// Makes a change; gives the rules that went.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn apply(&mut self, now: Time, change: &FlowMod) -> Result<Vec<Removed>, TableError> {
        let flow = &change.flow;
        let mut removed = Vec::new();
        match change.command {
            FlowCommand::Add => {
                let rule = Arc::new(Rule::new(flow, now));
                self.tables.entry(flow.table).or_default().insert(rule);
                self.log.note(Change::Flow { table: flow.table, matched: Box::new(flow.matched) });
            }
            FlowCommand::Modify | FlowCommand::ModifyStrict => {}
            FlowCommand::Delete | FlowCommand::DeleteStrict => {
                for rule in self.selected(change) {
                    let matched = rule.matched();
                    if let Some(table) = self.tables.get_mut(&rule.table()) {
                        table.remove(&matched, rule.priority());
                    }
                    self.log.note(Change::Flow { table: rule.table(), matched: Box::new(matched) });
                    removed.push(Removed { rule, reason: RemovedReason::Delete });
                }
            }
        }
        Ok(removed)
    }

    /// The rules that a change means, by table, descending priority and age.
    pub fn selected(&self, which: &FlowMod) -> Vec<Arc<Rule>> {
        let wants = &which.flow.matched;
        let tables = self.tables.iter().filter(|(table, _)| which.table.is_none_or(|wanted| wanted == **table));
        tables.flat_map(|(_, table)| table.covered_by(wants)).cloned().collect()
    }

    /// A group.
    pub fn group(&self, id: u32) -> Option<&Arc<Group>> {
        self.groups.get(&id)
    }

    /// Puts a group in the place of the one of its number.
    pub fn set_group(&mut self, group: Group) {
        self.log.note(Change::Group(group.id));
        self.groups.insert(group.id, Arc::new(group));
    }

    /// The changes so far.
    pub fn log(&self) -> &ChangeLog {
        &self.log
    }
}
