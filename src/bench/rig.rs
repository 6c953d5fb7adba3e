//! A switch that is driven as fast as it goes: bridge br0 with the ports n0 (1) and n1 (2).

use crate::output::Failure;
use openflow::FlowMod;
use sim_core::{Batch, Carrier, Cx, Node, Outbox, Pool, PortIx, Seed, Stream, Time};
use switch::{Switch, WorkerHandle};

/// The switch, and what it is driven with.
pub(super) struct Rig {
    pub(super) switch: Switch,
    pub(super) worker: WorkerHandle,
    pub(super) now: Time,
    pool: Pool,
    rng: Stream,
    out: Outbox,
    batch: Batch,
}

impl Rig {
    /// A bridge with the fail mode `secure` or `standalone`.
    pub(super) fn new(fail_mode: &str) -> Result<Self, Failure> {
        let (seed, worker) = (Seed(1), WorkerHandle::new());
        let mut rig = Self {
            switch: Switch::new("bench", seed, &worker),
            worker,
            now: Time::ZERO,
            pool: Pool::new(),
            rng: seed.stream("bench"),
            out: Outbox::default(),
            batch: Batch::new(),
        };
        for (name, port) in [("n0", PortIx(0)), ("n1", PortIx(1))] {
            rig.switch.attach(name, port);
            rig.act(|switch, cx| switch.carrier(cx, port, Carrier::Up));
        }
        rig.line(&format!(
            "ovs-vsctl add-br br0 -- set bridge br0 fail-mode={fail_mode} \
             -- add-port br0 n0 -- set Interface n0 ofport_request=1 -- add-port br0 n1 -- set Interface n1 ofport_request=2"
        ))?;
        Ok(rig)
    }

    fn act<R>(&mut self, f: impl FnOnce(&mut Switch, &mut Cx<'_>) -> R) -> R {
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
        f(&mut self.switch, &mut cx)
    }

    pub(super) fn line(&mut self, line: &str) -> Result<(), Failure> {
        let words = ovsdb::words::split(line).map_err(Failure::usage)?;
        self.words(&words)
    }

    pub(super) fn words(&mut self, words: &[String]) -> Result<(), Failure> {
        self.act(|switch, cx| switch.command(cx, words)).map(drop).map_err(Failure::usage)
    }

    /// Changes the flow tables. What a benchmark asks for can be done.
    pub(super) fn change(&self, change: &FlowMod) {
        if let Some(shared) = self.switch.shared("br0") {
            let _ = shared.change_tables(|tables| tables.apply(self.now, change));
        }
    }

    /// Copies a frame into the batch.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.batch.push(self.pool.copied(bytes));
    }

    /// Offers the batch to port 1; what comes out is freed.
    pub(super) fn run(&mut self) {
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
        self.switch.frames(&mut cx, PortIx(0), &mut self.batch);
        self.out.take_frames().for_each(drop);
        self.out.take_drops().for_each(drop);
    }
}
