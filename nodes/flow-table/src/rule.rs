//! A flow in a table, and what it matched.

use crate::{CompactMatch, Conjunction, Entry};
use openflow::{Action, Flow, FlowFlags};
use packet::{FlowMask, Match};
use sim_core::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A flow in a table, in little memory: what [`Rule::flow`] gives, with its match in compact form.
#[derive(Clone, Debug)]
pub struct Rule {
    matched: CompactMatch,
    actions: Arc<[Action]>,
    table: u8,
    priority: u16,
    /// A number that means something to who made the flow.
    pub cookie: u64,
    /// It goes after so many seconds without a frame; 0 is never.
    pub idle_timeout: u16,
    /// It goes after so many seconds; 0 is never.
    pub hard_timeout: u16,
    /// Of flows in a full table, those of the least importance go first.
    pub importance: u16,
    /// What it asks for besides.
    pub flags: FlowFlags,
    /// When it was made.
    pub since: Time,
    /// When it was last changed.
    pub modified: Time,
    /// What it matched.
    pub stats: Arc<FlowStats>,
}

/// What a flow matched. Workers add to it what their caches have counted, now and then; anybody may read it.
#[derive(Debug, Default)]
pub struct FlowStats {
    packets: AtomicU64,
    bytes: AtomicU64,
    /// When it last matched, in ns of lab time; 0 for never.
    used: AtomicU64,
}

impl FlowStats {
    /// Counts frames, the last of which came at `used`.
    pub fn count(&self, packets: u64, bytes: u64, used: Time) {
        self.packets.fetch_add(packets, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.used.fetch_max(used.as_nanos(), Ordering::Relaxed);
    }

    /// Frames and bytes so far.
    pub fn get(&self) -> (u64, u64) {
        (self.packets.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

impl Rule {
    /// A flow that is new.
    pub fn new(flow: &Flow, since: Time) -> Self {
        Self {
            matched: CompactMatch::new(&flow.matched),
            actions: flow.actions.as_slice().into(),
            table: flow.table,
            priority: flow.priority,
            cookie: flow.cookie,
            idle_timeout: flow.idle_timeout,
            hard_timeout: flow.hard_timeout,
            importance: flow.importance,
            flags: flow.flags,
            since,
            modified: since,
            stats: Arc::default(),
        }
    }

    /// The rule with other actions. Rules with the same list may share it.
    #[must_use]
    pub fn with_actions(self, actions: Arc<[Action]>) -> Self {
        Self { actions, ..self }
    }

    /// What its maker asked for.
    pub fn flow(&self) -> Flow {
        Flow {
            table: self.table,
            priority: self.priority,
            cookie: self.cookie,
            idle_timeout: self.idle_timeout,
            hard_timeout: self.hard_timeout,
            importance: self.importance,
            flags: self.flags,
            matched: self.matched(),
            actions: self.actions.to_vec(),
        }
    }

    /// Which frames it means. It is put together anew: see [`Rule::compact`].
    pub fn matched(&self) -> Match {
        self.matched.expand()
    }

    /// Which bits of a key its match looks at.
    pub fn mask(&self) -> &FlowMask {
        self.matched.mask()
    }

    /// Which frames it means, as it is kept.
    pub fn compact(&self) -> &CompactMatch {
        &self.matched
    }

    /// What is done with them.
    pub fn actions(&self) -> &Arc<[Action]> {
        &self.actions
    }

    /// The table that it is in.
    pub fn table(&self) -> u8 {
        self.table
    }

    /// Of flows that match a frame, the one of the greatest priority counts.
    pub fn priority(&self) -> u16 {
        self.priority
    }

    /// Since when no frame has matched.
    pub fn idle_since(&self) -> Time {
        self.modified.max(Time::from_nanos(self.stats.used.load(Ordering::Relaxed)))
    }
}

impl Entry for Arc<Rule> {
    fn matched(&self) -> &CompactMatch {
        &self.matched
    }

    fn priority(&self) -> u16 {
        self.priority
    }

    fn conjunctions(&self) -> impl Iterator<Item = Conjunction> {
        self.actions.iter().filter_map(|action| match *action {
            Action::Conjunction { id, clause, n_clauses } => Some(Conjunction { id, clause, n_clauses }),
            _ => None,
        })
    }

    fn matched_mut(&mut self) -> Option<&mut CompactMatch> {
        Some(&mut Arc::get_mut(self)?.matched)
    }
}
