//! What becomes of a key in the flow tables: a program for all frames that agree with it in the bits of a mask.
//!
//! Translation is pure. It carries the key through the tables as the actions change it, and beside it the key as the
//! steps so far have left the frame; where the frame is to be seen (an output, NORMAL, a controller), the difference
//! becomes steps. So actions that undo each other cost nothing, and a step is never written twice.
//!
//! What it looks at it adds to the mask; what isn't done to the frame itself (`learn`, `fin_timeout`) is an
//! [`Effect`]. The [`Observer`] sees each step: with one that puts them into words, the same function is the trace.
//!
//! The meaning of an action is that of Open vSwitch 3.1, as `ofproto/trace` shows it. One file holds each family:
//!
//! | module | what it holds |
//! | --- | --- |
//! | `actions` | lists of actions |
//! | `tables` | lookups: resubmit, goto, and how often |
//! | `output` | ports, queues, controllers |
//! | `normal` | NORMAL, where its answer is wanted |
//! | `fields` | writing header fields, registers, the stack |
//! | `vlan`, `mpls` | tags and labels |
//! | `groups`, `hash` | groups; what chooses by hash |
//! | `action_set`, `branch` | the action set; clones and lengths |
//! | `learn` | flows that a frame makes |
//! | `resume` | a frame that must be read again |
//! | `commit` | from the key to steps |

mod action_set;
mod actions;
mod branch;
mod commit;
mod fields;
mod groups;
mod hash;
mod learn;
mod mpls;
mod normal;
mod observer;
mod output;
mod resume;
mod state;
mod tables;
mod vlan;

pub use observer::{Observer, Seen, Unobserved};
pub use resume::{Resume, resume};

use crate::mac_table::View;
use crate::plan::Plan;
use crate::program::{Op, Parts, Program};
use flow_table::{FlowStats, Rule, Tables};
use openflow::{Action, FlowMod};
use packet::key::slot;
use packet::{FlowKey, FlowMask};
use sim_core::DropReason;
use state::State;
use std::sync::Arc;

/// What translation reads.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The flow tables.
    pub tables: &'a Tables,
    /// The ports.
    pub plan: &'a Plan,
    /// The MAC table, to say where NORMAL sends; without it NORMAL stays a step.
    pub macs: Option<&'a View<'a>>,
}

/// What is to be done with all frames that agree with a key in the bits of a mask.
#[derive(Debug)]
pub struct Translation {
    /// The steps.
    pub program: Program,
    /// The bits.
    pub mask: FlowMask,
    /// The rules that were found, in order, to be counted.
    pub rules: Vec<Arc<Rule>>,
    /// The lookups, in order.
    pub lookups: Vec<Lookup>,
    /// The groups that were looked at.
    pub groups: Vec<u32>,
    /// The meters that it goes through.
    pub meters: Vec<u32>,
    /// What is done besides, for each frame.
    pub effects: Vec<Effect>,
    /// Whether it depends on which links are up.
    pub follows_links: bool,
    /// The key as it is in the end.
    pub last: FlowKey,
    /// Why there is nothing to do but to drop, if translation was given up.
    pub failure: Option<Failure>,
}

/// Why a translation was given up. Its frames die, whatever was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Lookups in lookups.
    #[error("Recursion too deep")]
    TooDeep,
    /// Lookups in all.
    #[error("Too many resubmits")]
    TooManyResubmits,
    /// More MPLS label stack entries than a key holds.
    #[error("Too many MPLS labels")]
    TooManyLabels,
    /// More values than the stack holds.
    #[error("Stack too deep")]
    StackTooDeep,
}

/// A lookup in a table: all that a change of the table must overlap to matter.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The table.
    pub table: u8,
    /// The key as it was then.
    pub key: FlowKey,
    /// The bits that actions had written by then, which are the same for all frames of the translation.
    pub written: FlowMask,
}

/// What is done besides.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A flow is made, or made again so that it doesn't age.
    Learn(Box<Learnt>),
    /// The time-outs of a flow are shortened: a TCP connection ends.
    FinTimeout {
        /// The flow.
        rule: Arc<Rule>,
        /// Seconds without a frame; 0 leaves it.
        idle_timeout: u16,
        /// Seconds; 0 leaves it.
        hard_timeout: u16,
    },
}

/// A flow that `learn` makes.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// The change that makes it.
    pub change: FlowMod,
    /// How many flows of its cookie there may be; 0 is any number.
    pub limit: u32,
    /// The rule that asked for it and takes it along: `delete_learned`.
    pub owner: Option<Arc<Rule>>,
}

/// What is to be done with frames like this one, which came in by the port of a slot.
pub fn translate<O: Observer>(world: World<'_>, in_slot: u16, key: &FlowKey, observer: &mut O) -> Translation {
    let mut at = Translator::new(world, in_slot, key, observer);
    at.state.flow.set(slot::ACTSET_OUTPUT, UNSET);
    at.lookup(key.in_port(), 0);
    at.end();
    at.finish(key)
}

/// What is to be done with frames like this one if the actions are these, as in a packet-out.
pub fn translate_actions<O: Observer>(
    world: World<'_>,
    in_slot: u16,
    key: &FlowKey,
    actions: &[Action],
    observer: &mut O,
) -> Translation {
    let mut at = Translator::new(world, in_slot, key, observer);
    at.state.flow.set(slot::ACTSET_OUTPUT, UNSET);
    at.depth.level = 1;
    at.actions(actions);
    at.depth.level = 0;
    at.end();
    at.finish(key)
}

/// What `actset_output` is while the action set has no output.
const UNSET: u128 = 0xfff7;

/// A key on its way.
struct Translator<'a, O> {
    world: World<'a>,
    observer: &'a mut O,
    in_slot: u16,
    /// The key as it came in.
    original: FlowKey,
    /// The key and what else actions change and a clone restores.
    state: State,
    /// The key of the frame as the steps so far have made it.
    base: FlowKey,
    /// The bits of `base` that steps have written.
    settled: FlowMask,
    /// Whose the tags of `base` are, the outer one first: see [`vlan`].
    base_marks: vlan::Marks,
    mask: FlowMask,
    /// The rule and the table whose actions are carried out.
    rule: Option<Arc<Rule>>,
    table: u8,
    /// The way here: see [`tables`].
    depth: tables::Depth,
    /// How many actions may still be carried out.
    fuel: u32,
    /// Whether the list that is carried out is the action set, or a group's bucket.
    place: Place,
    /// Whether nothing more is done in the lists at hand.
    exits: bool,
    /// The actions that are to be carried out when the frame was read again, the innermost first.
    frozen: Option<Vec<(u8, Vec<Action>)>>,
    /// How often the frame was read before.
    resumed: u8,
    ops: Vec<Op>,
    parts: Parts,
    rules: Vec<Arc<Rule>>,
    lookups: Vec<Lookup>,
    groups: Vec<u32>,
    /// The counters of tables, groups and buckets.
    counters: Vec<Arc<FlowStats>>,
    meters: Vec<u32>,
    effects: Vec<Effect>,
    follows_links: bool,
    /// Why the frame dies if no step sends it.
    reason: Option<DropReason>,
    failure: Option<Failure>,
}

/// Where a list of actions comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Rule,
    ActionSet,
    Bucket,
}

/// How many actions may be carried out.
const MAX_ACTIONS: u32 = 65_536;
/// How many programs of its own a program may have.
const MAX_PARTS: usize = 4096;

impl<'a, O: Observer> Translator<'a, O> {
    fn new(world: World<'a>, in_slot: u16, key: &FlowKey, observer: &'a mut O) -> Self {
        Self {
            world,
            observer,
            in_slot,
            original: *key,
            state: State::new(key),
            base: *key,
            settled: FlowMask::EMPTY,
            base_marks: vlan::OWN,
            mask: FlowMask::EMPTY.with(slot::IN_PORT),
            rule: None,
            table: 0,
            depth: tables::Depth::default(),
            fuel: MAX_ACTIONS,
            place: Place::Rule,
            exits: false,
            frozen: None,
            resumed: 0,
            ops: Vec::new(),
            parts: Parts::default(),
            rules: Vec::new(),
            lookups: Vec::new(),
            groups: Vec::new(),
            counters: Vec::new(),
            meters: Vec::new(),
            effects: Vec::new(),
            follows_links: false,
            reason: None,
            failure: None,
        }
    }

    /// Notes that these bits of the key were looked at. What actions have written is the same for all frames.
    fn look(&mut self, looked: &FlowMask) {
        let words = self.mask.words_mut().iter_mut().zip(looked.words()).zip(self.state.written.words());
        words.for_each(|((mask, looked), written)| *mask |= looked & !written);
    }

    /// The same for all bits of a slot.
    fn look_at(&mut self, slot: packet::Slot) {
        self.look(&FlowMask::EMPTY.with(slot));
    }

    /// Gives up.
    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    /// Puts a part into its list; gives its place there.
    fn part<T>(&mut self, list: fn(&mut Parts) -> &mut Vec<T>, part: T) -> u16 {
        let list = list(&mut self.parts);
        if list.len() >= MAX_PARTS {
            self.failure.get_or_insert(Failure::TooManyResubmits);
            return 0;
        }
        list.push(part);
        (list.len() - 1) as u16
    }

    /// Carries out a program of its own: what `body` does with the frame as the steps so far have made it is done with
    /// a copy. Gives the program's place.
    fn program(&mut self, body: impl FnOnce(&mut Self)) -> u16 {
        let outer = std::mem::take(&mut self.ops);
        let (base, settled, marks) = (self.base, self.settled, self.base_marks);
        body(self);
        let ops = std::mem::replace(&mut self.ops, outer);
        (self.base, self.settled, self.base_marks) = (base, settled, marks);
        let program = Program::new(ended(ops, self.why()), self.why(), Vec::new());
        self.part(|parts| &mut parts.programs, program)
    }

    /// Why a frame dies that is sent nowhere.
    fn why(&self) -> DropReason {
        self.reason.unwrap_or(DropReason::FlowDrop)
    }

    fn finish(mut self, key: &FlowKey) -> Translation {
        let mut reason = self.why();
        if let Some(failure) = self.failure {
            self.ops.clear();
            self.parts = Parts::default();
            let is_resubmit = matches!(failure, Failure::TooDeep | Failure::TooManyResubmits);
            reason = if is_resubmit { DropReason::TooManyResubmits } else { DropReason::FlowDrop };
        }
        let stats = self.rules.iter().map(|rule| Arc::clone(&rule.stats)).chain(self.counters).collect();
        let mut program = Program::new(ended(self.ops, reason), reason, stats);
        if !self.parts.is_empty() {
            program.parts = Some(Box::new(self.parts));
        }
        // Metadata and registers are the same for all frames when they come in.
        self.mask.words_mut()[slot::DATAPATH_WORDS..].fill(0);
        let mut last = self.state.flow;
        if last.get(slot::ACTSET_OUTPUT) == UNSET {
            last.set(slot::ACTSET_OUTPUT, key.get(slot::ACTSET_OUTPUT));
        }
        Translation {
            program,
            mask: self.mask,
            rules: self.rules,
            lookups: self.lookups,
            groups: self.groups,
            meters: self.meters,
            effects: self.effects,
            follows_links: self.follows_links,
            last,
            failure: self.failure,
        }
    }
}

/// Steps of which one disposes of the frame. Meters and samples don't, nor does telling that a time to live ran out.
fn ended(mut ops: Vec<Op>, reason: DropReason) -> Vec<Op> {
    let is_told = |op: &Op| matches!(op, Op::Controller(_)) && reason == DropReason::TtlExpired;
    let is_aside = |op: &Op| matches!(op, Op::Meter(_) | Op::Sample(_)) || is_told(op) || !op.is_end();
    if !ops.is_empty() && ops.iter().all(is_aside) {
        ops.push(Op::Drop(reason));
    }
    ops
}
