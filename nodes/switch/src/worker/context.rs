//! What a worker remembers of one bridge.

use crate::cache::{Cache, Class, EntryIx, Lookup};
use crate::execute::Execution;
use crate::mac_table::View;
use crate::plan::Plan;
use crate::port_state::PortState;
use crate::shared::Shared;
use crate::usual::{self, Choice, Sender};
use sim_core::{Batch, Frame, Outbox, Pool, PortIx, Time};
use std::sync::Arc;

/// The state of a bridge as the worker knows it.
///
/// The first cache line is what is read for each frame.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Context {
    /// The [`Shared::version`] that all here is of; 0 before the first.
    pub(super) version: u64,
    /// By slot, as many as there ever were.
    pub(super) ports: Vec<PortState>,
    pub(super) plan: Arc<Plan>,
    /// Counts what may concern entries: one with the same stamp holds, another asks its basis.
    pub(super) stamp: u64,
    /// Whether all ports are [easy](crate::port_state::Outbound::is_easy).
    floods_easily: bool,
    /// The [`Shared::epoch`] that the entries are of.
    epoch: u32,
    /// The entries by the slot of their port, but for those that ask for nothing: they are in the ports.
    pub(super) classes: Vec<Class>,
    /// How many changes the tables' log had.
    changes: u64,
    /// Counts the states of links and gates.
    pub(super) links: u64,
}

impl Context {
    /// Takes over the bridge's present state.
    #[cold]
    pub(super) fn reload(&mut self, sw: &Shared, cache: &mut Cache) {
        // The version first: a change that comes meanwhile is found by the next frame.
        let (version, epoch, plan) = (sw.version(), sw.epoch(), sw.plan());
        let changes = sw.tables().log().count();
        if epoch != self.epoch {
            self.void(cache);
            self.epoch = epoch;
        }
        if self.version == 0 || !Arc::ptr_eq(&plan, &self.plan) {
            self.plan = plan;
            self.follow(cache);
        }
        if changes != self.changes {
            self.changes = changes;
            self.stamp += 1;
        }
        self.version = version;
    }

    /// Takes over the plan's ports.
    fn follow(&mut self, cache: &mut Cache) {
        self.stamp += 1;
        self.links += 1;
        if self.ports.len() < self.plan.ports.len() {
            self.ports.resize_with(self.plan.ports.len(), PortState::default);
            self.classes.resize_with(self.plan.ports.len(), Class::default);
        }
        for slot in 0..self.ports.len() as u16 {
            self.sync(cache, slot);
            let port = &mut self.ports[usize::from(slot)];
            let before = port.rx.lookup;
            port.follow(&self.plan, slot, true);
            if let (Some(entry), None) = (whole(before), whole(port.rx.lookup)) {
                cache.bury(entry);
            }
        }
        self.floods_easily = self.ports.iter().all(|port| port.tx.is_easy);
    }

    /// Has the entry of a port with NORMAL count what the port has counted for it.
    pub(super) fn sync(&mut self, cache: &mut Cache, slot: u16) {
        let Some(port) = self.ports.get(usize::from(slot)) else { return };
        let Lookup::Normal { entry, .. } = port.rx.lookup else { return };
        let (count, used) = (port.rx.count, port.rx.used);
        let seen = std::mem::replace(&mut cache.entries[entry as usize].rest.seen, count);
        if count.packets != seen.packets {
            cache.count(entry, count.packets - seen.packets, count.bytes - seen.bytes, used);
        }
    }

    /// Says that what a port with NORMAL has counted by now isn't its entry's.
    pub(super) fn skip(&mut self, cache: &mut Cache, slot: u16) {
        let rx = &self.ports[usize::from(slot)].rx;
        if let Lookup::Normal { entry, .. } = rx.lookup {
            cache.entries[entry as usize].rest.seen = rx.count;
        }
    }

    /// Takes all entries out.
    pub(super) fn void(&mut self, cache: &mut Cache) {
        for slot in 0..self.ports.len() as u16 {
            self.sync(cache, slot);
        }
        for at in self.entries() {
            cache.bury(at);
        }
        self.classes.iter_mut().for_each(|class| *class = Class::default());
        self.ports.iter_mut().for_each(|port| port.rx.lookup = Lookup::Unknown);
    }

    /// All entries, by port.
    pub(super) fn entries(&self) -> Vec<EntryIx> {
        let whole = self.ports.iter().filter_map(|port| whole(port.rx.lookup));
        whole.chain(self.classes.iter().flat_map(Class::entries)).collect()
    }

    /// Takes an entry out, so that no frame finds it.
    pub(super) fn remove(&mut self, cache: &mut Cache, at: EntryIx) {
        let entry = &cache.entries[at as usize];
        let slot = entry.slot;
        let place = usize::from(slot);
        if entry.rest.shape.len() == 0 {
            self.sync(cache, slot);
            self.ports[place].rx.lookup = Lookup::Unknown;
        } else if self.classes[place].remove(&entry.rest.shape, &entry.rest.words, at) {
            let lookup = &mut self.ports[place].rx.lookup;
            if matches!(lookup, Lookup::Word(_) | Lookup::Key) {
                *lookup = self.classes[place].lookup();
            }
        }
        cache.bury(at);
    }

    /// Does with frames what a learning bridge does.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "it is what a node is given for a batch, taken apart")]
    pub(super) fn pass_all(
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
    pub(super) fn pass(
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
    pub(super) fn normal(
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

/// The entry that all frames of a port have.
pub(super) fn whole(lookup: Lookup) -> Option<EntryIx> {
    match lookup {
        Lookup::Fixed(entry) | Lookup::Normal { entry, .. } => Some(entry),
        Lookup::Unknown | Lookup::Closed | Lookup::Word(_) | Lookup::Key => None,
    }
}
