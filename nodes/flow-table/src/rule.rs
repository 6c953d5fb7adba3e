//! A flow in a table, and what it matched.

use crate::{CompactMatch, Conjunction, Entry};
use openflow::{Action, Flow, FlowFlags};
use packet::{FlowMask, Match};
use sim_core::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A flow in a table, in little memory: what [`Rule::flow`] gives, with its match in compact form.
#[derive(Debug)]
pub struct Rule {
    matched: CompactMatch,
    actions: Arc<[Action]>,
    table: u8,
    priority: u16,
    /// Its number among all of its tables, in the order of making; a change keeps it.
    pub(crate) id: u64,
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
    /// When it was last changed or learnt again, in ns.
    modified: AtomicU64,
    /// What it matched.
    pub stats: Arc<FlowStats>,
}

/// What a flow matched. Workers add to it what their caches have counted, now and then; anybody may read it.
#[derive(Debug, Default)]
pub struct FlowStats {
    packets: AtomicU64,
    bytes: AtomicU64,
    /// When it last matched, or the flow was made, in ns.
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

    /// Counters of zero that matched last at this time.
    fn used_at(time: Time) -> Arc<Self> {
        Arc::new(Self { used: time.as_nanos().into(), ..Self::default() })
    }
}

impl Rule {
    /// A flow that is new.
    pub fn new(flow: &Flow, since: Time) -> Self {
        Self::with_actions(flow, flow.actions.as_slice().into(), since)
    }

    /// A flow that is new, and whose list of actions others share.
    pub(crate) fn with_actions(flow: &Flow, actions: Arc<[Action]>, since: Time) -> Self {
        Self {
            matched: CompactMatch::new(&flow.matched),
            actions,
            table: flow.table,
            priority: flow.priority,
            id: 0,
            cookie: flow.cookie,
            idle_timeout: flow.idle_timeout,
            hard_timeout: flow.hard_timeout,
            importance: flow.importance,
            flags: flow.flags,
            since,
            modified: since.as_nanos().into(),
            stats: FlowStats::used_at(since),
        }
    }

    /// The rule in a table of this number.
    pub(crate) fn in_table(self, table: u8) -> Self {
        Self { table, ..self }
    }

    /// The rule as it is after a change now, for which `change` may set what is new.
    pub(crate) fn changed(&self, now: Time, change: impl FnOnce(&mut Self)) -> Self {
        let mut rule = Self {
            matched: self.matched.clone(),
            actions: Arc::clone(&self.actions),
            modified: now.as_nanos().into(),
            stats: Arc::clone(&self.stats),
            ..*self
        };
        change(&mut rule);
        rule
    }

    /// Takes over what another rule matched, whose place it takes, or only when that was last.
    pub(crate) fn succeed(&mut self, other: &Self, keeps_counts: bool) {
        self.stats = if keeps_counts { Arc::clone(&other.stats) } else { FlowStats::used_at(other.idle_since()) };
    }

    /// Gives it other actions.
    pub(crate) fn set_actions(&mut self, actions: Arc<[Action]>) {
        self.actions = actions;
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

    /// Its number: rules that were made later have higher ones.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The table that it is in.
    pub fn table(&self) -> u8 {
        self.table
    }

    /// Of flows that match a frame, the one of the greatest priority counts.
    pub fn priority(&self) -> u16 {
        self.priority
    }

    /// When it was last changed or learnt again.
    pub fn modified(&self) -> Time {
        Time::from_nanos(self.modified.load(Ordering::Relaxed))
    }

    /// Has it live its hard time-out from now on, as a flow does that is learnt again.
    pub fn refresh(&self, now: Time) {
        self.modified.fetch_max(now.as_nanos(), Ordering::Relaxed);
    }

    /// Since when no frame has matched. A change doesn't count, nor does adding the flow again, as in Open vSwitch.
    pub fn idle_since(&self) -> Time {
        Time::from_nanos(self.stats.used.load(Ordering::Relaxed))
    }

    /// When it goes if no frame matches until then, and why; [`Time::NEVER`] if it stays.
    pub fn deadline(&self) -> (Time, RemovedReason) {
        let hard = after(self.modified(), self.hard_timeout);
        let idle = after(self.idle_since(), self.idle_timeout);
        if hard <= idle { (hard, RemovedReason::HardTimeout) } else { (idle, RemovedReason::IdleTimeout) }
    }
}

/// So many seconds later; never for none.
fn after(time: Time, seconds: u16) -> Time {
    let nanos = time.as_nanos().saturating_add(u64::from(seconds) * 1_000_000_000);
    if seconds == 0 { Time::NEVER } else { Time::from_nanos(nanos) }
}

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
