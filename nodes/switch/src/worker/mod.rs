//! The worker: what moves frames. One for each thread, for all bridges of that thread.
//!
//! A worker owns its cache: entries, and what they have counted. Several workers of one bridge share nothing for each frame
//! but the MAC table; the flows, which [`Worker::flush`] adds to, count atomically.

mod context;
mod effects;
mod finder;
mod packet_out;
mod upkeep;

use crate::cache::{Cache, EntryIx, Lookup};
use crate::counters::{CacheStats, PortCounters};
use crate::execute::Execution;
use crate::port_state::PortState;
use crate::shared::Shared;
use context::Context;
pub(crate) use effects::carry_out;
use finder::Finder;
use sim_core::{Batch, Drop, DropReason, Frame, Outbox, Pool, PortIx, Time};

/// The shortest frame that is one: two addresses and a type.
const MIN_LEN: usize = 14;

/// Moves the frames of bridges, and remembers for that what it needs.
#[derive(Debug, Default)]
pub struct Worker {
    contexts: Vec<Context>,
    vacant: Vec<u32>,
    cache: Cache,
    translates_all: bool,
    /// When entries are looked at next.
    next_turn: Time,
    /// The entries of the batch at hand.
    found: Vec<Option<EntryIx>>,
    /// The frames of the batch at hand that are none too short.
    whole: Vec<Frame>,
}

/// Which way a frame goes through a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
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
            context.void(&mut self.cache);
            *context = Context::default();
            self.vacant.push(id);
        }
    }

    /// Has every frame translated anew, or no longer. It is slow, and makes no difference to what becomes of frames: tests
    /// compare the two.
    pub fn set_caching(&mut self, is_on: bool) {
        self.translates_all = !is_on;
        for context in &mut self.contexts {
            context.void(&mut self.cache);
        }
    }

    /// Moves frames that came in by a port of the node. All of them leave by `out`, as frames or as drops.
    pub fn run(&mut self, sw: &Shared, now: Time, port: PortIx, batch: &mut Batch, pool: &mut Pool, out: &mut Outbox) {
        let context = current(&mut self.contexts, &mut self.cache, sw);
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
        let Some(context) = current(&mut self.contexts, &mut self.cache, sw) else {
            return drop_all(batch, out, Drop::at(port, DropReason::NoBridge));
        };
        let at = usize::from(slot);
        let known = context.stamp;
        let Some(state) = context.ports.get_mut(at) else {
            return drop_all(batch, out, Drop::at(port, DropReason::NoBridge));
        };
        let (packets, bytes, shortest) = sum(batch.as_slice());
        if !matches!(state.rx.lookup, Lookup::Normal { stamp, .. } if stamp == known) || shortest < MIN_LEN {
            return self.run_programs(sw, now, port, slot, batch, pool, out);
        }
        state.rx.count.add(packets, bytes);
        state.rx.used = now;
        self.cache.stats.masked_hits += packets;
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
        slot: u16,
        batch: &mut Batch,
        pool: &mut Pool,
        out: &mut Outbox,
    ) {
        self.keep_up(now);
        let Self { contexts, cache, translates_all, found, whole, .. } = self;
        let Some(context) = contexts.get_mut(sw.id() as usize) else {
            return drop_all(batch, out, Drop::at(port, DropReason::NoBridge));
        };
        let at = usize::from(slot);
        context.sync(cache, slot);
        if batch.as_slice().iter().any(|frame| frame.len() < MIN_LEN) {
            let plan = &context.plan;
            let mut execution = Execution::new(plan, sw, now, port, slot, &mut context.ports, pool, out);
            for frame in batch.drain() {
                match frame.len() {
                    ..MIN_LEN => drop(execution.receive(frame, MIN_LEN)),
                    _ => whole.push(frame),
                }
            }
            whole.drain(..).for_each(|frame| batch.push(frame));
            context.skip(cache, slot);
        }
        let (packets, bytes, _) = sum(batch.as_slice());
        let mut finder = Finder { context, cache, sw, now, slot };
        let entry = if *translates_all {
            finder.translate_all(batch.as_slice(), found);
            None
        } else {
            finder.whole(packets, bytes).or_else(|| finder.find_all(batch.as_slice(), found))
        };
        let Context { plan, ports, .. } = &mut *context;
        ports[at].rx.count.add(packets, bytes);
        let mut execution = Execution::new(plan, sw, now, port, slot, ports, pool, out);
        if let Some(entry) = entry {
            execution.run_all(&cache.entries[entry as usize].program, batch);
        }
        for (frame, entry) in batch.drain().zip(&*found) {
            match entry {
                Some(entry) => execution.run(&cache.entries[*entry as usize].program, frame),
                // What NORMAL does with frames of a closed port is to learn at most.
                None => execution.normal(frame),
            }
        }
        context.skip(cache, slot);
    }

    /// How frames found their program so far.
    pub fn stats(&self) -> CacheStats {
        self.cache.stats
    }

    /// What went through the ports of a bridge, by slot.
    pub fn counters(&self, id: u32, slot: u16) -> PortCounters {
        let port = self.contexts.get(id as usize).and_then(|context| context.ports.get(usize::from(slot)));
        port.map(PortState::counters).unwrap_or_default()
    }

    /// Counts a frame that the switch itself sent or kept, of so many bytes.
    pub(crate) fn count_own(&mut self, sw: &Shared, slot: u16, direction: Direction, size: usize) {
        let Some(context) = current(&mut self.contexts, &mut self.cache, sw) else { return };
        context.sync(&mut self.cache, slot);
        if let Some(port) = context.ports.get_mut(usize::from(slot)) {
            match direction {
                Direction::In => port.rx.count.add(1, size as u64),
                Direction::Out => port.tx.count.add(1, size as u64),
            }
            context.skip(&mut self.cache, slot);
        }
    }

    /// Sets the counters of a slot to zero, as for a port that is new there.
    pub fn clear_counters(&mut self, id: u32, slot: u16) {
        let Some(context) = self.contexts.get_mut(id as usize) else { return };
        context.sync(&mut self.cache, slot);
        if let Some(port) = context.ports.get_mut(usize::from(slot)) {
            port.clear_counters();
            context.skip(&mut self.cache, slot);
        }
    }
}

/// What is remembered of a bridge, as it is now.
#[inline(always)]
fn current<'a>(contexts: &'a mut [Context], cache: &mut Cache, sw: &Shared) -> Option<&'a mut Context> {
    let context = contexts.get_mut(sw.id() as usize)?;
    if context.version != sw.version() {
        context.reload(sw, cache);
    }
    Some(context)
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
