//! What becomes of a key in the flow tables: a program for all frames that agree with it in the bits of a mask.
//!
//! Translation is pure. It carries the key through the tables as the actions change it, and beside it the key as the
//! steps so far have left the frame; where the frame is to be seen (an output, NORMAL, a controller), the difference
//! becomes steps. So actions that undo each other cost nothing, and a step is never written twice.
//!
//! What it looks at it adds to the mask; what isn't done to the frame itself (`learn`, `fin_timeout`) is an
//! [`Effect`]. The [`Observer`] sees each step: with one that puts them into words, the same function is the trace.

mod actions;
mod commit;
mod observer;

pub use observer::{Observer, Seen, Unobserved};

use crate::mac_table::View;
use crate::plan::Plan;
use crate::program::{Op, Parts, Program};
use flow_table::{Rule, Tables};
use openflow::FlowMod;
use packet::key::slot;
use packet::{FlowKey, FlowMask};
use sim_core::DropReason;
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
    /// The time-outs of a flow are shortened.
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
    let mut at = Translator {
        world,
        observer,
        in_slot,
        flow: *key,
        base: *key,
        written: FlowMask::EMPTY,
        mask: FlowMask::EMPTY.with(slot::IN_PORT),
        tpids: [0; 2],
        depth: 0,
        resubmits: 0,
        ops: Vec::new(),
        parts: Parts::default(),
        rules: Vec::new(),
        lookups: Vec::new(),
        groups: Vec::new(),
        meters: Vec::new(),
        effects: Vec::new(),
        follows_links: false,
        reason: None,
    };
    at.table(0);
    at.finish()
}

/// A key on its way.
struct Translator<'a, O> {
    world: World<'a>,
    observer: &'a mut O,
    in_slot: u16,
    /// The key as the actions so far have made it.
    flow: FlowKey,
    /// The key of the frame as the steps so far have made it.
    base: FlowKey,
    /// The bits of `flow` that actions have written.
    written: FlowMask,
    mask: FlowMask,
    /// The types of the tags that were pushed, the outer one first; 0 for one that the frame had.
    tpids: [u16; 2],
    /// How deep lookups are in one another.
    depth: u8,
    /// How many lookups there were.
    resubmits: u32,
    ops: Vec<Op>,
    parts: Parts,
    rules: Vec<Arc<Rule>>,
    lookups: Vec<Lookup>,
    groups: Vec<u32>,
    meters: Vec<u32>,
    effects: Vec<Effect>,
    follows_links: bool,
    /// Why the frame dies if no step sends it.
    reason: Option<DropReason>,
}

/// How deep lookups may be in one another (ovs-actions(7), `resubmit`).
const MAX_DEPTH: u8 = 64;
/// How many lookups there may be.
const MAX_RESUBMITS: u32 = 4096;

impl<O: Observer> Translator<'_, O> {
    /// Looks up in a table and does what the rule says.
    fn table(&mut self, table: u8) {
        if self.depth >= MAX_DEPTH || self.resubmits >= MAX_RESUBMITS {
            self.reason = Some(DropReason::TooManyResubmits);
            self.observer.see(self.depth, Seen::Error(format_args!("resubmitted too often")));
            return;
        }
        self.resubmits += 1;
        let World { tables, .. } = self.world;
        self.lookups.push(Lookup { table, key: self.flow, written: self.written });
        let mut looked = FlowMask::EMPTY;
        let rule = tables.lookup(table, &self.flow, &mut looked);
        self.look(&looked);
        self.observer.see(self.depth, Seen::Lookup { tables, table, key: &self.flow, rule });
        let Some(rule) = rule else {
            self.reason.get_or_insert(DropReason::TableMiss);
            return;
        };
        self.rules.push(Arc::clone(rule));
        self.depth += 1;
        self.actions(rule.actions());
        self.depth -= 1;
    }

    /// Notes that these bits of the key were looked at. What actions have written is the same for all frames.
    fn look(&mut self, looked: &FlowMask) {
        let words = self.mask.words_mut().iter_mut().zip(looked.words()).zip(self.written.words());
        words.for_each(|((mask, looked), written)| *mask |= looked & !written);
    }

    fn finish(self) -> Translation {
        let stats = self.rules.iter().map(|rule| Arc::clone(&rule.stats)).collect();
        let mut program = Program::new(self.ops, self.reason.unwrap_or(DropReason::FlowDrop), stats);
        let Parts { programs, controllers, samples, selects } = &self.parts;
        if !(programs.is_empty() && controllers.is_empty() && samples.is_empty() && selects.is_empty()) {
            program.parts = Some(Box::new(self.parts));
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
            last: self.flow,
        }
    }
}
