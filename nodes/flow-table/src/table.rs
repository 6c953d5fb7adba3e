//! One table: its flows, what its configuration says, and what was looked up in it.

use crate::evict::Evictable;
use crate::rule::Rule;
use crate::{Classifier, TableError};
use packet::{Match, Subfield};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many flows a table may have that has no limit of its own.
pub const MAX_FLOWS: usize = 1_000_000;

/// What a row of Open vSwitch's table `Flow_Table` says (ovs-vswitchd.conf.db(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableConfig {
    /// A name, which stands for the table's number in commands; may be empty.
    pub name: String,
    /// How many flows it may have.
    pub flow_limit: Option<u32>,
    /// Whether a full table makes room by evicting a flow: `overflow_policy=evict`.
    pub evicts: bool,
    /// By which fields flows are grouped to choose the one: `groups`.
    pub groups: Vec<Subfield>,
}

/// Lookups in a table. Workers add to it what their caches have counted, now and then; anybody may read it.
#[derive(Debug, Default)]
pub struct TableStats {
    lookups: AtomicU64,
    matched: AtomicU64,
}

impl TableStats {
    /// Counts the lookups of so many frames, and whether they found a flow.
    #[inline]
    pub fn count(&self, packets: u64, found: bool) {
        self.lookups.fetch_add(packets, Ordering::Relaxed);
        self.matched.fetch_add(if found { packets } else { 0 }, Ordering::Relaxed);
    }

    /// Lookups, and how many of them found a flow.
    pub fn get(&self) -> (u64, u64) {
        (self.lookups.load(Ordering::Relaxed), self.matched.load(Ordering::Relaxed))
    }
}

/// A table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) rules: Classifier<Arc<Rule>>,
    pub(crate) config: TableConfig,
    pub(crate) stats: Arc<TableStats>,
    /// What may be evicted, kept while the table evicts.
    evictable: Option<Evictable>,
    /// Whether `mod-table` had it evict.
    is_told_to_evict: bool,
    /// How many flows have each cookie but 0.
    cookies: BTreeMap<u64, u32>,
}

impl Table {
    /// A table without flows, whose hashes have this key.
    pub(crate) fn keyed(key: u64) -> Self {
        Self {
            rules: Classifier::keyed(key),
            config: TableConfig::default(),
            stats: Arc::default(),
            evictable: None,
            is_told_to_evict: false,
            cookies: BTreeMap::new(),
        }
    }

    /// The rule of a match and priority.
    pub(crate) fn get(&self, matched: &Match, priority: u16) -> Option<&Arc<Rule>> {
        self.rules.get(matched, priority)
    }

    /// Puts a rule in; gives it back as it stands there, and the one whose place it takes.
    pub(crate) fn put(&mut self, rule: Arc<Rule>) -> (Arc<Rule>, Option<Arc<Rule>>) {
        let (matched, priority) = (rule.matched(), rule.priority());
        // A second hold on the rule would keep the classifier from having it share its mask with others.
        let replaced = self.rules.insert(rule);
        if let Some(old) = &replaced {
            self.forget(old);
        }
        let rule = self.rules.get(&matched, priority).map(Arc::clone).expect("it was put in");
        if rule.cookie != 0 {
            *self.cookies.entry(rule.cookie).or_default() += 1;
        }
        if let Some(evictable) = &mut self.evictable {
            evictable.insert(&rule);
        }
        (rule, replaced)
    }

    /// Takes a rule out.
    pub(crate) fn take(&mut self, matched: &Match, priority: u16) -> Option<Arc<Rule>> {
        let rule = self.rules.remove(matched, priority)?;
        self.forget(&rule);
        Some(rule)
    }

    fn forget(&mut self, rule: &Rule) {
        if let Some(count) = self.cookies.get_mut(&rule.cookie) {
            *count -= 1;
            if *count == 0 {
                self.cookies.remove(&rule.cookie);
            }
        }
        if let Some(evictable) = &mut self.evictable {
            evictable.remove(rule);
        }
    }

    /// How many flows have a cookie.
    pub(crate) fn with_cookie(&self, cookie: u64) -> usize {
        if cookie != 0 {
            return self.cookies.get(&cookie).map_or(0, |count| *count as usize);
        }
        self.rules.len() - self.cookies.values().map(|count| *count as usize).sum::<usize>()
    }

    /// Follows its configuration.
    pub(crate) fn configure(&mut self, config: TableConfig) {
        let is_same = self.config.groups == config.groups;
        self.config = config;
        self.follow_eviction(!is_same);
    }

    /// Whether it evicts, as OpenFlow's table mod says it, whatever its configuration.
    pub(crate) fn set_eviction(&mut self, evicts: bool) {
        self.is_told_to_evict = evicts;
        self.follow_eviction(false);
    }

    pub(crate) fn is_told_to_evict(&self) -> bool {
        self.is_told_to_evict
    }

    pub(crate) fn evicts(&self) -> bool {
        self.config.evicts || self.is_told_to_evict
    }

    fn follow_eviction(&mut self, is_new: bool) {
        if !self.evicts() {
            self.evictable = None;
        } else if self.evictable.is_none() || is_new {
            let mut evictable = Evictable::new(self.config.groups.clone());
            self.rules.iter().for_each(|rule| evictable.insert(rule));
            self.evictable = Some(evictable);
        }
    }

    /// How many flows it may have.
    pub(crate) fn limit(&self) -> usize {
        self.config.flow_limit.map_or(MAX_FLOWS, |limit| limit as usize)
    }

    /// The rule that must go for another one to come, if any.
    pub(crate) fn victim(&mut self) -> Result<Option<Arc<Rule>>, TableError> {
        if self.rules.len() < self.limit() {
            return Ok(None);
        }
        self.surplus().map(Some).ok_or(TableError::TableFull)
    }

    /// The rule that goes first, if any may.
    pub(crate) fn surplus(&mut self) -> Option<Arc<Rule>> {
        self.evictable.as_mut()?.choose()
    }
}
