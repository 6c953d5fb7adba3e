//! The worker: what moves frames. One for each thread, for all bridges of that thread.

use crate::cache::{KeyCache, Lookup, MAX_PROGRAMS, ProgramIx, WordCache};
use crate::counters::{CacheStats, PortCounters};
use crate::execute::Execution;
use crate::plan::Plan;
use crate::program::Program;
use crate::shared::Shared;
use packet::FlowKey;
use packet::key::slot;
use sim_core::{Batch, Drop, DropReason, Frame, Outbox, Pool, PortIx, Time};
use std::sync::Arc;

/// The shortest frame that is one: two addresses and a type.
const MIN_LEN: usize = 14;

/// Moves the frames of bridges, and remembers for that what it needs.
#[derive(Debug, Default)]
pub struct Worker {
    contexts: Vec<Context>,
    vacant: Vec<u32>,
    words: WordCache,
    stats: CacheStats,
    /// Counts the states of bridges that were seen, so that an entry of another one is never found.
    generation: u64,
}

/// What is remembered of one bridge.
#[derive(Debug, Default)]
struct Context {
    plan: Arc<Plan>,
    /// The [`Shared::version`] that all here is of; 0 before the first.
    version: u64,
    generation: u64,
    lookups: Vec<Lookup>,
    programs: Vec<Program>,
    keys: KeyCache,
    counters: Vec<PortCounters>,
}

impl Worker {
    /// A worker without bridges.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for a bridge; gives the id for [`Shared::new`].
    pub fn admit(&mut self) -> u32 {
        if let Some(id) = self.vacant.pop() {
            return id;
        }
        self.contexts.push(Context::default());
        (self.contexts.len() - 1) as u32
    }

    /// Forgets a bridge that is no more.
    pub fn release(&mut self, id: u32) {
        if let Some(context) = self.contexts.get_mut(id as usize) {
            *context = Context::default();
            self.vacant.push(id);
        }
    }

    /// Moves frames that came in by a port of the node. All of them leave by `out`, as frames or as drops.
    pub fn run(&mut self, sw: &Shared, now: Time, port: PortIx, batch: &mut Batch, pool: &mut Pool, out: &mut Outbox) {
        let Some(context) = self.contexts.get_mut(sw.id() as usize) else {
            return drop_all(batch, out, Drop::at(port, DropReason::NoBridge));
        };
        if context.version != sw.version() {
            self.generation += 1;
            context.reload(sw, self.generation);
        }
        let Some(in_slot) = context.plan.slot(port) else {
            return drop_all(batch, out, Drop::at(port, DropReason::NoBridge));
        };
        let Context { plan, generation, lookups, programs, keys, counters, .. } = context;
        let mut lookup = lookups[usize::from(in_slot)];
        if matches!(lookup, Lookup::Unknown) {
            lookup = choose(sw, plan, in_slot, programs);
            lookups[usize::from(in_slot)] = lookup;
        }
        let mut execution = Execution::new(plan, sw, now, port, in_slot, counters, pool, out);
        let ofport = u32::from(plan.ports[usize::from(in_slot)].ofport);
        match lookup {
            Lookup::Unknown => unreachable!("`choose` gives another"),
            Lookup::Fixed(at) => {
                self.stats.masked_hits += batch.len() as u64;
                execution.run_all(&programs[at as usize], batch, MIN_LEN);
            }
            Lookup::Word(mask) => {
                for frame in batch.drain() {
                    let Some(frame) = execution.receive(frame, MIN_LEN) else { continue };
                    let word = FlowKey::extract_word0(ofport, &frame) & mask;
                    let at = match self.words.find(*generation, word) {
                        Some(at) => {
                            self.stats.masked_hits += 1;
                            at
                        }
                        None => {
                            self.stats.misses += 1;
                            let key = FlowKey::extract(ofport, &frame);
                            let at = translate(sw, plan, in_slot, &key, programs, keys);
                            self.words.insert(*generation, word, at);
                            at
                        }
                    };
                    let program = &programs[at as usize];
                    program.count(1, frame.len() as u64, now);
                    execution.run(program, frame);
                }
            }
            Lookup::Key => {
                for frame in batch.drain() {
                    let Some(frame) = execution.receive(frame, MIN_LEN) else { continue };
                    let key = FlowKey::extract(ofport, &frame);
                    let at = match keys.find(&key) {
                        Some(at) => {
                            self.stats.masked_hits += 1;
                            at
                        }
                        None => {
                            self.stats.misses += 1;
                            translate(sw, plan, in_slot, &key, programs, keys)
                        }
                    };
                    let program = &programs[at as usize];
                    program.count(1, frame.len() as u64, now);
                    execution.run(program, frame);
                }
            }
        }
        if programs.len() > MAX_PROGRAMS {
            // The cache is full: it starts anew with the next batch.
            context.version = 0;
        }
    }

    /// How frames found their program so far.
    pub fn stats(&self) -> CacheStats {
        self.stats
    }

    /// What went through the ports of a bridge, by slot.
    pub fn counters(&self, id: u32, slot: u16) -> PortCounters {
        let counters = self.contexts.get(id as usize).and_then(|context| context.counters.get(usize::from(slot)));
        counters.copied().unwrap_or_default()
    }

    /// Sets the counters of a slot to zero, as for a port that is new there.
    pub fn clear_counters(&mut self, id: u32, slot: u16) {
        let counters =
            self.contexts.get_mut(id as usize).and_then(|context| context.counters.get_mut(usize::from(slot)));
        if let Some(counters) = counters {
            *counters = PortCounters::default();
        }
    }
}

impl Context {
    /// Takes over the bridge's present state and forgets what came from an older one.
    #[cold]
    fn reload(&mut self, sw: &Shared, generation: u64) {
        self.version = sw.version();
        self.plan = sw.plan();
        self.generation = generation;
        self.lookups.clear();
        self.lookups.resize(self.plan.ports.len(), Lookup::Unknown);
        self.programs.clear();
        self.keys.clear();
        if self.counters.len() < self.plan.ports.len() {
            self.counters.resize(self.plan.ports.len(), PortCounters::default());
        }
    }
}

/// How much of a port's frames must be read with the flow tables as they are.
#[cold]
fn choose(sw: &Shared, plan: &Plan, in_slot: u16, programs: &mut Vec<Program>) -> Lookup {
    let ofport = plan.ports[usize::from(in_slot)].ofport;
    let reads = sw.pipeline().reads(ofport);
    match reads.used_words() {
        0 => {
            let key = FlowKey::EMPTY.with(slot::IN_PORT, u128::from(ofport));
            let translation = sw.pipeline().translate(plan, in_slot, &key);
            programs.push(translation.program);
            Lookup::Fixed((programs.len() - 1) as ProgramIx)
        }
        1 => Lookup::Word(reads.with(slot::IN_PORT).words()[0]),
        _ => Lookup::Key,
    }
}

#[cold]
#[inline(never)]
fn translate(
    sw: &Shared,
    plan: &Plan,
    in_slot: u16,
    key: &FlowKey,
    programs: &mut Vec<Program>,
    keys: &mut KeyCache,
) -> ProgramIx {
    // The word's entry may have made room for another; its translation is still there.
    if let Some(at) = keys.find(key) {
        return at;
    }
    let translation = sw.pipeline().translate(plan, in_slot, key);
    programs.push(translation.program);
    let at = (programs.len() - 1) as ProgramIx;
    keys.insert(key, &translation.mask, at);
    at
}

#[cold]
fn drop_all(batch: &mut Batch, out: &mut Outbox, why: Drop) {
    batch.drain().for_each(|frame: Frame| out.drop(frame, why));
}
