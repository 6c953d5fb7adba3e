//! The tables of a bridge: looking up, selecting, and what is kept beside the rules. How they change is in `change`.

use crate::actions::{self, Lists};
use crate::rule::Rule;
use crate::table::{Table, TableConfig, TableStats};
use crate::timers::Timers;
use crate::{Change, ChangeLog, GroupState, Groups, MeterState, Meters};
use openflow::{FlowCommand, FlowMod};
use packet::{FlowKey, FlowMask};
use sim_core::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The last table of a bridge. It is the switch's own: flows can't be put there.
pub const MAX_TABLE: u8 = 254;
/// The number that stands for all tables, or for the first where a flow is added.
pub(crate) const ANY_TABLE: u8 = 255;

/// The flow tables of a bridge, with its groups and meters.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub(crate) tables: BTreeMap<u8, Table>,
    /// The key of the tables' hashes.
    key: u64,
    pub(crate) lists: Lists,
    pub(crate) groups: Groups,
    pub(crate) meters: Meters,
    pub(crate) timers: Timers,
    pub(crate) log: ChangeLog,
    pub(crate) uses: Uses,
    /// How many rules were made.
    pub(crate) made: u64,
}

/// What rules name, with the number of rules that do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    pub(crate) groups: BTreeMap<u32, u32>,
    pub(crate) meters: BTreeMap<u32, u32>,
    /// Table and cookie of flows that are deleted with the last rule that learns them.
    pub(crate) learnt: BTreeMap<(u8, u64), u32>,
}

impl Tables {
    /// Tables without flows, whose hashes nobody can foresee who doesn't know the key: frames make flows too. Nothing else
    /// depends on it.
    pub fn keyed(key: u64) -> Self {
        Self { key, ..Self::default() }
    }

    /// The rule that a key finds in a table; the bits that were looked at are added to the mask.
    pub fn lookup(&self, table: u8, key: &FlowKey, mask: &mut FlowMask) -> Option<&Arc<Rule>> {
        self.tables.get(&table)?.rules.lookup(key, mask)
    }

    /// The rules that a change means, or that a dump shows, by table, descending priority and age.
    pub fn selected(&self, which: &FlowMod) -> Vec<Arc<Rule>> {
        let mut found: Vec<Arc<Rule>> = self.tables_of(which).flat_map(|table| meant(table, which)).collect();
        found.sort_by_key(|rule| (rule.table(), std::cmp::Reverse(rule.priority()), rule.id));
        found
    }

    /// The rules of a table, in no order that means anything but always the same.
    pub fn rules(&self, table: u8) -> impl Iterator<Item = &Arc<Rule>> {
        self.tables.get(&table).into_iter().flat_map(|table| table.rules.iter())
    }

    /// Frames and bytes that flows matched, and how many flows: what `dump-aggregate` says.
    pub fn aggregate(&self, which: &FlowMod) -> (u64, u64, usize) {
        self.tables_of(which).flat_map(|table| meant(table, which)).fold((0, 0, 0), |(packets, bytes, flows), rule| {
            let (p, b) = rule.stats.get();
            (packets + p, bytes + b, flows + 1)
        })
    }

    fn tables_of<'a>(&'a self, which: &FlowMod) -> impl Iterator<Item = &'a Table> + use<'a> {
        let table = which.table.filter(|table| *table != ANY_TABLE);
        self.tables.range(table.unwrap_or(0)..=table.unwrap_or(ANY_TABLE)).map(|(_, table)| table)
    }

    /// The tables that have flows or a configuration, by number, each with the number of its flows.
    pub fn tables(&self) -> impl Iterator<Item = (u8, usize)> + '_ {
        self.tables.iter().map(|(number, table)| (*number, table.rules.len()))
    }

    /// The lookups in a table; `None` if it never had a flow.
    pub fn table_stats(&self, table: u8) -> Option<&Arc<TableStats>> {
        Some(&self.tables.get(&table)?.stats)
    }

    /// What a table's configuration says.
    pub fn table_config(&self, table: u8) -> Option<&TableConfig> {
        Some(&self.tables.get(&table)?.config)
    }

    /// Whether a table evicts flows, by its configuration or by [`Tables::set_eviction`].
    pub fn evicts(&self, table: u8) -> bool {
        self.tables.get(&table).is_some_and(Table::evicts)
    }

    /// The tables that [`Tables::set_eviction`] has evict.
    pub fn told_to_evict(&self) -> impl Iterator<Item = u8> + '_ {
        self.tables.iter().filter(|(_, table)| table.is_told_to_evict()).map(|(number, _)| *number)
    }

    /// The table of a name.
    pub fn table_named(&self, name: &str) -> Option<u8> {
        let is_it = |table: &Table| !name.is_empty() && table.config.name == name;
        self.tables.iter().find(|(_, table)| is_it(table)).map(|(number, _)| *number)
    }

    /// The group of a number.
    pub fn group(&self, id: u32) -> Option<&Arc<GroupState>> {
        self.groups.get(id)
    }

    /// The groups.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// How many flows name a group.
    pub fn group_uses(&self, id: u32) -> u32 {
        self.uses.groups.get(&id).copied().unwrap_or(0)
    }

    /// The meter of a number.
    pub fn meter(&self, id: u32) -> Option<&Arc<MeterState>> {
        self.meters.get(id)
    }

    /// The meters.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Whether these actions can be carried out on a frame that no flow has found.
    ///
    /// # Errors
    /// If they name a group or a meter that isn't there.
    pub fn check(&self, actions: &[openflow::Action]) -> Result<(), crate::TableError> {
        actions::check(actions, 0, &self.groups, &self.meters)
    }

    /// How many flows name a meter.
    pub fn meter_uses(&self, id: u32) -> u32 {
        self.uses.meters.get(&id).copied().unwrap_or(0)
    }

    /// The changes so far.
    pub fn log(&self) -> &ChangeLog {
        &self.log
    }

    /// When [`Tables::expire`] is to be called next; it may find that frames have put it off.
    pub fn next_expiry(&self) -> Time {
        self.timers.next()
    }

    /// The rule of a table, match and priority.
    pub(crate) fn get(&self, table: u8, matched: &packet::Match, priority: u16) -> Option<&Arc<Rule>> {
        self.tables.get(&table)?.get(matched, priority)
    }

    /// Puts a rule in, and gives it back as it stands there, and the one whose place it takes; all that is kept beside the
    /// rules follows.
    pub(crate) fn put(&mut self, rule: Arc<Rule>) -> (Arc<Rule>, Option<Arc<Rule>>) {
        self.uses.count(&rule, true);
        let (rule, replaced) = self.table_mut(rule.table()).put(rule);
        if let Some(old) = &replaced {
            self.timers.remove(old);
            self.uses.count(old, false);
        }
        self.timers.insert(&rule);
        (rule, replaced)
    }

    /// Takes a rule out; all that is kept beside the rules follows.
    pub(crate) fn take(&mut self, rule: &Rule) -> Option<Arc<Rule>> {
        let taken = self.tables.get_mut(&rule.table())?.take(&rule.matched(), rule.priority())?;
        self.timers.remove(&taken);
        self.uses.count(&taken, false);
        Some(taken)
    }

    /// A table, which is made if it never had a flow.
    pub(crate) fn table_mut(&mut self, number: u8) -> &mut Table {
        self.tables.entry(number).or_insert_with(|| Table::keyed(self.key))
    }

    pub(crate) fn note(&mut self, change: Change) {
        self.log.note(change);
    }
}

/// The rules of a table that a change means.
fn meant<'a>(table: &'a Table, which: &FlowMod) -> Vec<Arc<Rule>> {
    let wants = &which.flow.matched;
    let has_cookie = |rule: &Rule| (rule.cookie ^ which.cookie_match) & which.cookie_mask == 0;
    let outputs = |rule: &Rule| which.out_port.is_none_or(|port| actions::output_to(rule.actions(), port));
    let is_in_group =
        |rule: &Rule| which.out_group.is_none_or(|group| actions::groups(rule.actions()).contains(&group));
    let is_meant = |rule: &&'a Arc<Rule>| has_cookie(rule) && outputs(rule) && is_in_group(rule);
    match which.command {
        FlowCommand::ModifyStrict | FlowCommand::DeleteStrict => {
            table.get(wants, which.flow.priority).filter(is_meant).cloned().into_iter().collect()
        }
        FlowCommand::Add | FlowCommand::Modify | FlowCommand::Delete => {
            table.rules.covered_by(wants).filter(is_meant).cloned().collect()
        }
    }
}

impl Uses {
    /// Counts what a rule names, as it comes or goes.
    fn count(&mut self, rule: &Rule, comes: bool) {
        for id in actions::groups(rule.actions()) {
            count(&mut self.groups, id, comes);
        }
        for id in actions::meters(rule.actions()) {
            count(&mut self.meters, id, comes);
        }
        for learn in actions::owned_learns(rule.actions()) {
            count(&mut self.learnt, (learn.table, learn.cookie), comes);
        }
    }
}

fn count<K: Ord>(uses: &mut BTreeMap<K, u32>, key: K, comes: bool) {
    let uses = uses.entry(key);
    match uses {
        std::collections::btree_map::Entry::Occupied(mut entry) => {
            *entry.get_mut() = if comes { entry.get().saturating_add(1) } else { entry.get() - 1 };
            if *entry.get() == 0 {
                entry.remove();
            }
        }
        std::collections::btree_map::Entry::Vacant(entry) if comes => drop(entry.insert(1)),
        std::collections::btree_map::Entry::Vacant(_) => {}
    }
}
