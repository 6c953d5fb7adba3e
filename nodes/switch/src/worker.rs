//! The worker: what moves frames. One for each thread, for all bridges of that thread.

use crate::cache::{KeyCache, Lookup, MAX_PROGRAMS, ProgramIx, WordCache};
use crate::counters::{CacheStats, PortCounters};
use crate::execute::Execution;
use crate::mac_table::View;
use crate::plan::{Gate, Plan};
use crate::port_state::PortState;
use crate::program::{Op, Program};
use crate::shared::Shared;
use crate::translate::{Translation, Unobserved, World, translate as translation_of};
use crate::usual::{self, Choice, Sender};
use flow_table::{Rule, Tables};
use openflow::{Action, Flow, FlowCommand, FlowMod};
use packet::key::slot;
use packet::{FlowKey, FlowMask};
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

/// Which way a frame goes through a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

/// What is remembered of one bridge.
///
/// The first cache line is what is read for each frame.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Context {
    /// The [`Shared::version`] that all here is of; 0 before the first.
    version: u64,
    /// By slot, as many as there ever were.
    ports: Vec<PortState>,
    plan: Arc<Plan>,
    generation: u64,
    /// Whether all ports are [easy](crate::port_state::Outbound::is_easy).
    floods_easily: bool,
    programs: Vec<Program>,
    keys: KeyCache,
    /// The [`Shared::epoch`] that programs and keys are of.
    epoch: u32,
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
        let context = current(&mut self.contexts, &mut self.generation, sw);
        match context.and_then(|context| context.plan.slot(port)) {
            Some(slot) => self.run_at(sw, now, port, slot, batch, pool, out),
            None => drop_all(batch, out, Drop::at(port, DropReason::NoBridge)),
        }
    }

    /// As [`Worker::run`], for whoever knows the slot of the port.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "it is what a node is given for a batch, taken apart")]
    pub(crate) fn run_at(
        &mut self,
        sw: &Shared,
        now: Time,
        port: PortIx,
        slot: u16,
        batch: &mut Batch,
        pool: &mut Pool,
        out: &mut Outbox,
    ) {
        let Some(context) = current(&mut self.contexts, &mut self.generation, sw) else {
            return drop_all(batch, out, Drop::at(port, DropReason::NoBridge));
        };
        let at = usize::from(slot);
        let Some(state) = context.ports.get_mut(at) else {
            return drop_all(batch, out, Drop::at(port, DropReason::NoBridge));
        };
        let (packets, bytes, shortest) = sum(batch.as_slice());
        if !matches!(state.rx.lookup, Lookup::Normal) || shortest < MIN_LEN {
            return self.run_programs(sw, now, port, slot, batch, pool, out);
        }
        state.rx.count.add(packets, bytes);
        if let Some(flow) = &state.rx.flow {
            flow.count(packets, bytes, now);
        }
        self.stats.masked_hits += packets;
        if packets != 1 {
            return context.pass_all(sw, now, port, slot, batch, pool, out);
        }
        // In a lab there is one frame. Without a loop, what it needs stays in registers.
        let Some(frame) = batch.pop() else { return };
        if let Err(frame) = context.pass(&sw.macs.view(now), slot, frame, pool, out) {
            context.normal(sw, now, port, slot, frame, pool, out);
        }
    }

    /// Moves frames whose programs are still to be found, or do more than NORMAL.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "as above")]
    fn run_programs(
        &mut self,
        sw: &Shared,
        now: Time,
        port: PortIx,
        in_slot: u16,
        batch: &mut Batch,
        pool: &mut Pool,
        out: &mut Outbox,
    ) {
        let Some(context) = self.contexts.get_mut(sw.id() as usize) else {
            return drop_all(batch, out, Drop::at(port, DropReason::NoBridge));
        };
        let at = usize::from(in_slot);
        if matches!(context.ports[at].rx.lookup, Lookup::Unknown) {
            context.choose(sw, in_slot);
        }
        let Context { plan, generation, ports, programs, keys, .. } = context;
        let (lookup, flow) = (ports[at].rx.lookup, ports[at].rx.flow.clone());
        let mut execution = Execution::new(plan, sw, now, port, in_slot, ports, pool, out);
        let ofport = u32::from(plan.ports[at].ofport);
        match lookup {
            Lookup::Unknown => unreachable!("`choose` gives another"),
            // What NORMAL does with frames of a closed port is to learn at most.
            Lookup::Normal | Lookup::Closed => {
                self.stats.masked_hits += batch.len() as u64;
                for frame in batch.drain() {
                    let Some(frame) = execution.receive(frame, MIN_LEN) else { continue };
                    if let Some(flow) = &flow {
                        flow.count(1, frame.len() as u64, now);
                    }
                    execution.normal(frame);
                }
            }
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
        let port = self.contexts.get(id as usize).and_then(|context| context.ports.get(usize::from(slot)));
        port.map(PortState::counters).unwrap_or_default()
    }

    /// Counts a frame that the switch itself sent or kept, of so many bytes.
    pub(crate) fn count_own(&mut self, sw: &Shared, slot: u16, direction: Direction, size: usize) {
        let context = current(&mut self.contexts, &mut self.generation, sw);
        if let Some(port) = context.and_then(|context| context.ports.get_mut(usize::from(slot))) {
            match direction {
                Direction::In => port.rx.count.add(1, size as u64),
                Direction::Out => port.tx.count.add(1, size as u64),
            }
        }
    }

    /// Sets the counters of a slot to zero, as for a port that is new there.
    pub fn clear_counters(&mut self, id: u32, slot: u16) {
        let context = self.contexts.get_mut(id as usize);
        if let Some(port) = context.and_then(|context| context.ports.get_mut(usize::from(slot))) {
            port.clear_counters();
        }
    }
}

/// What is remembered of a bridge, as it is now. `generation` counts the states that were seen.
#[inline(always)]
fn current<'a>(contexts: &'a mut [Context], generation: &mut u64, sw: &Shared) -> Option<&'a mut Context> {
    let context = contexts.get_mut(sw.id() as usize)?;
    if context.version != sw.version() {
        context.reload(sw, generation);
    }
    Some(context)
}

impl Context {
    /// Takes over the bridge's present state and forgets what came from an older one. `generation` counts the states
    /// whose translations differ.
    #[cold]
    fn reload(&mut self, sw: &Shared, generation: &mut u64) {
        let is_full = self.programs.len() > MAX_PROGRAMS;
        let holds = self.version != 0 && self.epoch == sw.epoch() && !is_full;
        self.version = sw.version();
        self.epoch = sw.epoch();
        self.plan = sw.plan();
        if !holds {
            *generation += 1;
            self.generation = *generation;
            self.programs.clear();
            self.keys.clear();
        }
        if self.ports.len() < self.plan.ports.len() {
            self.ports.resize_with(self.plan.ports.len(), PortState::default);
        }
        for (slot, port) in self.ports.iter_mut().enumerate() {
            port.follow(&self.plan, slot as u16, holds);
        }
        self.floods_easily = self.ports.iter().all(|port| port.tx.is_easy);
    }

    /// Finds out how much of a port's frames must be read with the flow tables as they are.
    #[cold]
    fn choose(&mut self, sw: &Shared, in_slot: u16) {
        let Self { plan, ports, programs, .. } = self;
        let (port, rx) = (&plan.ports[usize::from(in_slot)], &mut ports[usize::from(in_slot)].rx);
        if port.gate != Gate::Open {
            rx.lookup = Lookup::Closed;
            return;
        }
        let reads = reads(&sw.tables(), port.ofport);
        rx.lookup = match reads.used_words() {
            0 => {
                let key = FlowKey::EMPTY.with(slot::IN_PORT, u128::from(port.ofport));
                let world = World { tables: &sw.tables(), plan, macs: None };
                let Translation { program, .. } = translation_of(world, in_slot, &key, &mut Unobserved);
                if program.only() == Some(Op::Normal) && usual::is_possible(plan, port) {
                    rx.flow = program.stats.first().cloned();
                    Lookup::Normal
                } else {
                    programs.push(program);
                    Lookup::Fixed((programs.len() - 1) as ProgramIx)
                }
            }
            1 => Lookup::Word(reads.with(slot::IN_PORT).words()[0]),
            _ => Lookup::Key,
        };
    }

    /// Does with frames what a learning bridge does.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "as above")]
    fn pass_all(
        &mut self,
        sw: &Shared,
        now: Time,
        port: PortIx,
        in_slot: u16,
        batch: &mut Batch,
        pool: &mut Pool,
        out: &mut Outbox,
    ) {
        let mut macs = sw.macs.view(now);
        for frame in batch.drain() {
            if let Err(frame) = self.pass(&macs, in_slot, frame, pool, out) {
                self.normal(sw, now, port, in_slot, frame, pool, out);
                // The table may have moved to a larger array.
                macs = sw.macs.view(now);
            }
        }
    }

    /// Does with a usual frame what a learning bridge does; gives back an unusual one.
    #[inline(always)]
    fn pass(
        &mut self,
        macs: &View<'_>,
        in_slot: u16,
        frame: Frame,
        pool: &mut Pool,
        out: &mut Outbox,
    ) -> Result<(), Frame> {
        let Self { ports, plan, floods_easily, .. } = self;
        let choice = usual::choose(&ports[usize::from(in_slot)].rx, macs, &frame);
        let mut sender = Sender { ports, pool, out };
        match choice {
            Choice::Known(slot, path) => sender.send_known(slot, path, frame),
            Choice::Flood(path) if *floods_easily => sender.flood(&plan.flood_order, path, frame),
            Choice::Flood(_) | Choice::Unusual => Err(frame),
        }
    }

    /// Does with a frame what a learning bridge does, whatever frame it is.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "as above")]
    fn normal(
        &mut self,
        sw: &Shared,
        now: Time,
        port: PortIx,
        in_slot: u16,
        frame: Frame,
        pool: &mut Pool,
        out: &mut Outbox,
    ) {
        Execution::new(&self.plan, sw, now, port, in_slot, &mut self.ports, pool, out).normal(frame);
    }
}

/// The bits that can matter to frames from an OpenFlow port.
fn reads(tables: &Tables, in_port: u16) -> FlowMask {
    let is_possible = |rule: &&Arc<Rule>| {
        let mask = rule.mask().get(slot::IN_PORT);
        rule.compact().key().get(slot::IN_PORT) & mask == u128::from(in_port) & mask
    };
    let first = tables.selected(&FlowMod::new(FlowCommand::Delete, Flow::default()));
    let possible = first.iter().filter(is_possible);
    let mut reads = possible.fold(FlowMask::EMPTY, |all, rule| all.union(rule.mask()));
    let sends = |action: &Action| matches!(action, Action::Output(_) | Action::Normal | Action::Flood | Action::All);
    if !first.iter().all(|rule| rule.actions().iter().all(sends)) {
        reads = FlowMask::FULL;
    }
    reads.set(slot::IN_PORT, 0);
    reads
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
    let translation = translation_of(World { tables: &sw.tables(), plan, macs: None }, in_slot, key, &mut Unobserved);
    programs.push(translation.program);
    let at = (programs.len() - 1) as ProgramIx;
    keys.insert(key, &translation.mask, at);
    at
}

/// How many frames, how many bytes in all, and in the shortest.
#[inline]
fn sum(frames: &[Frame]) -> (u64, u64, usize) {
    // In a lab there is one; the loop for many is no loop then.
    if let [frame] = frames {
        return (1, frame.len() as u64, frame.len());
    }
    let lens = frames.iter().map(Frame::len);
    (frames.len() as u64, lens.clone().sum::<usize>() as u64, lens.min().unwrap_or(0))
}

/// Ends all frames for one reason.
#[cold]
pub(crate) fn drop_all(batch: &mut Batch, out: &mut Outbox, why: Drop) {
    batch.drain().for_each(|frame: Frame| out.drop(frame, why));
}
