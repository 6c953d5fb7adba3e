//! How the tables change: one change, or a bundle of which all are made or none (OpenFlow 1.5.1 sections 6.4 to 6.9).
//!
//! A change is made at once and noted in a journal; if a later one of the bundle fails, the journal is undone from its end.
//! So a bundle costs little more than its changes, however large the tables are.

use crate::rule::{Removed, RemovedReason, Rule};
use crate::tables::ANY_TABLE;
use crate::{BundleError, Change, ChangeLog, Groups, MAX_TABLE, Meters, TableConfig, TableError, Tables, actions};
use openflow::{Flow, FlowCommand, FlowMod, GroupMod, MeterMod};
use sim_core::Time;
use std::borrow::Borrow;
use std::sync::Arc;

/// A change of the tables.
#[derive(Clone, Debug)]
pub enum TableMod {
    /// Of flows.
    Flow(Box<FlowMod>),
    /// Of groups.
    Group(Box<GroupMod>),
    /// Of meters.
    Meter(Box<MeterMod>),
}

impl From<FlowMod> for TableMod {
    fn from(change: FlowMod) -> Self {
        Self::Flow(Box::new(change))
    }
}

impl From<GroupMod> for TableMod {
    fn from(change: GroupMod) -> Self {
        Self::Group(Box::new(change))
    }
}

impl From<MeterMod> for TableMod {
    fn from(change: MeterMod) -> Self {
        Self::Meter(Box::new(change))
    }
}

/// What became of a flow that `learn` makes.
#[derive(Clone, Debug)]
pub enum Learnt {
    /// It was made; these went for it.
    Made(Vec<Removed>),
    /// It was there, and lives its hard time-out anew.
    Refreshed,
    /// There are as many flows of its cookie as there may be.
    Limited,
}

/// What was done, to be undone and to be told.
#[derive(Debug, Default)]
struct Journal {
    steps: Vec<Step>,
    /// The groups and the meters before the first change of them.
    groups: Option<Groups>,
    meters: Option<Meters>,
    removed: Vec<Removed>,
    noted: Vec<Change>,
}

#[derive(Debug)]
enum Step {
    Put { rule: Arc<Rule>, replaced: Option<Arc<Rule>> },
    Took(Arc<Rule>),
}

impl Tables {
    /// Makes a change of flows; gives the rules that went.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn apply(&mut self, now: Time, change: &FlowMod) -> Result<Vec<Removed>, TableError> {
        self.atomic(|tables, journal| tables.change_flows(journal, now, change))
    }

    /// Makes a change of groups; gives the rules that went with one.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn apply_group(&mut self, now: Time, change: &GroupMod) -> Result<Vec<Removed>, TableError> {
        self.atomic(|tables, journal| tables.change_groups(journal, now, change))
    }

    /// Makes a change of meters; gives the rules that went with one.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn apply_meter(&mut self, now: Time, change: &MeterMod) -> Result<Vec<Removed>, TableError> {
        self.atomic(|tables, journal| tables.change_meters(journal, now, change))
    }

    /// Makes all of these changes in order, or none; gives the rules that went.
    ///
    /// # Errors
    /// The first change that can't be made.
    pub fn apply_all<M: Borrow<TableMod>>(
        &mut self,
        now: Time,
        changes: impl IntoIterator<Item = M>,
    ) -> Result<Vec<Removed>, BundleError> {
        self.atomic(|tables, journal| {
            for (index, change) in changes.into_iter().enumerate() {
                let result = match change.borrow() {
                    TableMod::Flow(change) => tables.change_flows(journal, now, change),
                    TableMod::Group(change) => tables.change_groups(journal, now, change),
                    TableMod::Meter(change) => tables.change_meters(journal, now, change),
                };
                result.map_err(|error| BundleError { index, error })?;
            }
            Ok(())
        })
    }

    /// The changes after which the tables hold these flows and no other. Flows that are there stay, with their counters.
    pub fn difference(&self, wanted: &[Flow]) -> Vec<FlowMod> {
        let place = |flow: &Flow| (flow.table, flow.priority, flow.matched);
        // Of flows of the same table, match and priority the last counts.
        let mut wanted: Vec<(&Flow, bool)> = wanted.iter().rev().map(|flow| (flow, true)).collect();
        wanted.sort_by_key(|(flow, _)| place(flow));
        wanted.dedup_by_key(|(flow, _)| place(flow));
        let mut changes = Vec::new();
        for rule in self.tables.values().flat_map(|table| table.rules.iter()) {
            let key = (rule.table(), rule.priority(), rule.matched());
            match wanted.binary_search_by_key(&key, |(flow, _)| place(flow)) {
                Ok(at) => wanted[at].1 = !is_same(rule, wanted[at].0),
                Err(_) => changes.push(FlowMod::new(FlowCommand::DeleteStrict, rule.flow())),
            }
        }
        let missing = wanted.into_iter().filter(|(_, is_missing)| *is_missing);
        changes.extend(missing.map(|(flow, _)| FlowMod::new(FlowCommand::Add, flow.clone())));
        changes
    }

    /// Removes the flows whose time is up.
    pub fn expire(&mut self, now: Time) -> Vec<Removed> {
        if self.next_expiry() > now {
            return Vec::new();
        }
        self.certain(|tables, journal| {
            while let Some(rule) = tables.timers.take_due(now) {
                tables.remove(journal, &rule, rule.deadline().1);
            }
        })
    }

    /// Makes a flow as `learn` does, or has it live on if it is there. `limit` is how many flows of its cookie the table
    /// may have; 0 is any number.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn learn(&mut self, now: Time, change: &FlowMod, limit: u32) -> Result<Learnt, TableError> {
        let flow = &change.flow;
        if let Some(rule) = self.get(flow.table, &flow.matched, flow.priority)
            && is_same(rule, flow)
            && rule.flags == (openflow::FlowFlags { reset_counts: rule.flags.reset_counts, ..flow.flags })
        {
            rule.refresh(now);
            return Ok(Learnt::Refreshed);
        }
        let count = self.tables.get(&flow.table).map_or(0, |table| table.with_cookie(flow.cookie));
        if limit != 0 && count >= limit as usize {
            return Ok(Learnt::Limited);
        }
        self.apply(now, change).map(Learnt::Made)
    }

    /// Shortens the time-outs of a flow that is still there, as `fin_timeout` does: to so many seconds; 0 leaves one.
    pub fn reduce_timeouts(&mut self, rule: &Rule, idle_timeout: u16, hard_timeout: u16) {
        let shorter = |is: u16, most: u16| if most != 0 && (is == 0 || is > most) { most } else { is };
        let Some(there) = self.get(rule.table(), &rule.matched(), rule.priority()) else { return };
        let idle = shorter(there.idle_timeout, idle_timeout);
        let hard = shorter(there.hard_timeout, hard_timeout);
        if there.id != rule.id || (idle, hard) == (there.idle_timeout, there.hard_timeout) {
            return;
        }
        let modified = there.modified();
        let reduced = there.changed(modified, |rule| (rule.idle_timeout, rule.hard_timeout) = (idle, hard));
        self.certain(|tables, journal| tables.replace(journal, reduced));
    }

    /// Follows a table's configuration; gives the rules that had to go for it.
    pub fn configure(&mut self, table: u8, config: TableConfig) -> Vec<Removed> {
        if config == TableConfig::default() && !self.tables.contains_key(&table) {
            return Vec::new();
        }
        self.table_mut(table).configure(config);
        self.evict_surplus(table)
    }

    /// Says whether a table evicts flows, as OpenFlow's table mod does, besides its configuration; gives the rules that
    /// had to go for it.
    pub fn set_eviction(&mut self, table: u8, evicts: bool) -> Vec<Removed> {
        self.table_mut(table).set_eviction(evicts);
        self.evict_surplus(table)
    }

    fn evict_surplus(&mut self, number: u8) -> Vec<Removed> {
        self.certain(|tables, journal| {
            while let Some(table) = tables.tables.get_mut(&number)
                && table.rules.len() > table.limit()
                && let Some(rule) = table.surplus()
            {
                tables.remove(journal, &rule, RemovedReason::Eviction);
            }
        })
    }

    /// Does what can't fail.
    fn certain(&mut self, body: impl FnOnce(&mut Self, &mut Journal)) -> Vec<Removed> {
        let done: Result<_, std::convert::Infallible> = self.atomic(|tables, journal| {
            body(tables, journal);
            Ok(())
        });
        match done {
            Ok(removed) => removed,
        }
    }

    /// Does something whole or not at all.
    fn atomic<E>(&mut self, body: impl FnOnce(&mut Self, &mut Journal) -> Result<(), E>) -> Result<Vec<Removed>, E> {
        let mut journal = Journal::default();
        match body(self, &mut journal) {
            Ok(()) => {
                self.remove_learnt(&mut journal);
                self.tell(&journal);
                Ok(journal.removed)
            }
            Err(error) => {
                self.undo(journal);
                Err(error)
            }
        }
    }

    fn undo(&mut self, journal: Journal) {
        for step in journal.steps.into_iter().rev() {
            match step {
                Step::Put { rule, replaced: None } => drop(self.take(&rule)),
                Step::Put { replaced: Some(rule), .. } | Step::Took(rule) => drop(self.put(rule)),
            }
        }
        self.groups = journal.groups.unwrap_or_else(|| std::mem::take(&mut self.groups));
        self.meters = journal.meters.unwrap_or_else(|| std::mem::take(&mut self.meters));
    }

    /// Notes in the log what caches must know.
    fn tell(&mut self, journal: &Journal) {
        if journal.steps.len() + journal.noted.len() > ChangeLog::LEN {
            return self.note(Change::All);
        }
        for change in &journal.noted {
            self.note(change.clone());
        }
        for step in &journal.steps {
            let rule = match step {
                Step::Put { rule, replaced: Some(old) } if is_same_to_frames(rule, old) => continue,
                Step::Put { rule, .. } | Step::Took(rule) => rule,
            };
            self.note(Change::Flow { table: rule.table(), matched: Box::new(rule.matched()) });
        }
    }

    fn change_flows(&mut self, journal: &mut Journal, now: Time, change: &FlowMod) -> Result<(), TableError> {
        match change.command {
            FlowCommand::Add => self.add(journal, now, change),
            FlowCommand::Modify | FlowCommand::ModifyStrict => self.modify(journal, now, change),
            FlowCommand::Delete | FlowCommand::DeleteStrict => {
                for rule in self.selected(change) {
                    self.remove(journal, &rule, RemovedReason::Delete);
                }
                Ok(())
            }
        }
    }

    fn add(&mut self, journal: &mut Journal, now: Time, change: &FlowMod) -> Result<(), TableError> {
        let table = match change.table {
            None | Some(ANY_TABLE) => 0,
            Some(MAX_TABLE) => return Err(TableError::Internal),
            Some(table) => table,
        };
        let flow = &change.flow;
        actions::check(&flow.actions, table, &self.groups, &self.meters)?;
        let actions = self.lists.share(&flow.actions);
        let mut rule = Rule::with_actions(flow, actions, now).in_table(table);
        match self.get(table, &flow.matched, flow.priority) {
            Some(old) => rule.succeed(old, !change.reset_counts),
            None => self.make_room(journal, table, change)?,
        }
        rule.flags.reset_counts = change.reset_counts;
        self.made += 1;
        rule.id = self.made;
        self.replace(journal, rule);
        Ok(())
    }

    /// Sees to it that a flow that isn't there can come.
    fn make_room(&mut self, journal: &mut Journal, number: u8, change: &FlowMod) -> Result<(), TableError> {
        let flow = &change.flow;
        let table = self.table_mut(number);
        if change.check_overlap && table.rules.overlapping(&flow.matched, flow.priority).next().is_some() {
            return Err(TableError::Overlap);
        }
        if let Some(victim) = table.victim()? {
            self.remove(journal, &victim, RemovedReason::Eviction);
        }
        Ok(())
    }

    fn modify(&mut self, journal: &mut Journal, now: Time, change: &FlowMod) -> Result<(), TableError> {
        let meant = self.selected(&FlowMod { out_port: None, out_group: None, ..change.clone() });
        if meant.is_empty() {
            // Who asks for a cookie means flows that are there.
            return if change.cookie_mask == 0 { self.add(journal, now, change) } else { Ok(()) };
        }
        let actions = self.lists.share(&change.flow.actions);
        for old in meant {
            actions::check(&actions, old.table(), &self.groups, &self.meters)?;
            let rule = old.changed(now, |rule| {
                rule.set_actions(Arc::clone(&actions));
                if change.new_cookie {
                    rule.cookie = change.flow.cookie;
                }
                rule.succeed(&old, !change.reset_counts);
            });
            self.replace(journal, rule);
        }
        Ok(())
    }

    fn change_groups(&mut self, journal: &mut Journal, now: Time, change: &GroupMod) -> Result<(), TableError> {
        journal.groups.get_or_insert_with(|| self.groups.clone());
        let (changed, are_gone) = self.groups.apply(now, change)?;
        if are_gone && changed.iter().any(|id| self.group_uses(*id) != 0) {
            let names = |rule: &Rule| actions::groups(rule.actions()).iter().any(|id| changed.contains(id));
            self.remove_if(journal, names, RemovedReason::GroupDelete);
        }
        journal.noted.extend(changed.into_iter().map(Change::Group));
        Ok(())
    }

    fn change_meters(&mut self, journal: &mut Journal, now: Time, change: &MeterMod) -> Result<(), TableError> {
        journal.meters.get_or_insert_with(|| self.meters.clone());
        let (changed, are_gone) = self.meters.apply(now, change)?;
        if are_gone && changed.iter().any(|id| self.meter_uses(*id) != 0) {
            let names = |rule: &Rule| actions::meters(rule.actions()).iter().any(|id| changed.contains(id));
            self.remove_if(journal, names, RemovedReason::MeterDelete);
        }
        journal.noted.extend(changed.into_iter().map(Change::Meter));
        Ok(())
    }

    fn replace(&mut self, journal: &mut Journal, rule: Rule) {
        let (rule, replaced) = self.put(Arc::new(rule));
        journal.steps.push(Step::Put { rule, replaced });
    }

    fn remove(&mut self, journal: &mut Journal, rule: &Rule, reason: RemovedReason) {
        if let Some(rule) = self.take(rule) {
            journal.steps.push(Step::Took(Arc::clone(&rule)));
            journal.removed.push(Removed { rule, reason });
        }
    }

    fn remove_if(&mut self, journal: &mut Journal, is_meant: impl Fn(&Rule) -> bool, reason: RemovedReason) {
        let rules = self.tables.values().flat_map(|table| table.rules.iter());
        let mut meant: Vec<Arc<Rule>> = rules.filter(|rule| is_meant(rule)).cloned().collect();
        meant.sort_by_key(|rule| (rule.table(), rule.id));
        meant.iter().for_each(|rule| self.remove(journal, rule, reason));
    }

    /// Removes what was learnt by rules that are gone and wanted it to go with them (`delete_learned`).
    fn remove_learnt(&mut self, journal: &mut Journal) {
        let mut seen = 0;
        while seen < journal.steps.len() {
            let gone: Vec<(u8, u64)> = match &journal.steps[seen] {
                Step::Put { replaced: Some(rule), .. } | Step::Took(rule) => {
                    actions::owned_learns(rule.actions()).iter().map(|learn| (learn.table, learn.cookie)).collect()
                }
                Step::Put { .. } => Vec::new(),
            };
            for (table, cookie) in gone {
                if self.uses.learnt.contains_key(&(table, cookie)) {
                    continue;
                }
                let is_learnt = |rule: &Rule| rule.table() == table && rule.cookie == cookie;
                self.remove_if(journal, is_learnt, RemovedReason::Delete);
            }
            seen += 1;
        }
    }
}

/// Whether a flow would leave a rule as it is (ovs-ofctl(8), `replace-flows`).
fn is_same(rule: &Rule, flow: &Flow) -> bool {
    rule.cookie == flow.cookie
        && rule.idle_timeout == flow.idle_timeout
        && rule.hard_timeout == flow.hard_timeout
        && rule.importance == flow.importance
        && **rule.actions() == *flow.actions
}

/// Whether a rule in another's place does the same with frames, and counts them at the same place.
fn is_same_to_frames(rule: &Rule, old: &Rule) -> bool {
    Arc::ptr_eq(&rule.stats, &old.stats) && rule.actions() == old.actions()
}
