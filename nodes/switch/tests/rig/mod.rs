//! A switch on a bench: frames in, frames and drops out.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

#[path = "../../../../tests/support/real_ovs.rs"]
pub mod real;

use sim_core::{Batch, Carrier, Cx, Drop, Node, Outbox, Pool, PortIx, Seed, Stream, Time};
use switch::{CommandError, Switch, WorkerHandle};

/// Whether `peer` was promised to this run by `NETLOOM_TEST_WITH`; a test that is left out says so.
pub fn needs(peer: &str) -> bool {
    let promised = std::env::var("NETLOOM_TEST_WITH").unwrap_or_default();
    let found = promised.split_whitespace().any(|word| word == peer);
    if !found {
        println!("left out: needs {peer}");
    }
    found
}

/// A switch whose interfaces `p0`, `p1` ... are its ports, all with a link.
pub struct Rig {
    pub switch: Switch,
    pub worker: WorkerHandle,
    pub now: Time,
    pool: Pool,
    rng: Stream,
    out: Outbox,
}

/// What became of a frame.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub frames: Vec<(PortIx, Vec<u8>)>,
    pub drops: Vec<Drop>,
}

impl Rig {
    pub fn new(ports: usize) -> Self {
        let worker = WorkerHandle::new();
        let mut switch = Switch::new("s1", Seed(1), &worker);
        (0..ports).for_each(|n| switch.attach(&format!("p{n}"), PortIx(n as u32)));
        let (pool, rng, out) = (Pool::new(), Seed(1).stream("test"), Outbox::default());
        let mut rig = Self { switch, worker, now: Time::ZERO, pool, rng, out };
        (0..ports).for_each(|n| rig.carrier(n as u32, Carrier::Up));
        rig
    }

    pub fn carrier(&mut self, port: u32, state: Carrier) {
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
        self.switch.carrier(&mut cx, PortIx(port), state);
    }

    /// Runs a line that works.
    pub fn line(&mut self, line: &str) -> String {
        self.try_line(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    pub fn try_line(&mut self, line: &str) -> Result<String, CommandError> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
        self.switch.command(&mut cx, &words)
    }

    /// What a line sends, and what of it is dropped.
    pub fn sent_by(&mut self, line: &str) -> Outcome {
        self.line(line);
        self.outcome()
    }

    pub fn offer(&mut self, port: PortIx, bytes: &[u8]) -> Outcome {
        let mut batch = Batch::new();
        batch.push(self.pool.copied(bytes));
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
        self.switch.frames(&mut cx, port, &mut batch);
        self.outcome()
    }

    fn outcome(&mut self) -> Outcome {
        let frames = self.out.take_frames().map(|(port, frame)| (port, frame.to_vec())).collect();
        let drops = self.out.take_drops().map(|(drop, _)| drop).collect();
        Outcome { frames, drops }
    }

    /// Lets time pass to an instant; gives what is sent on the way, with its time.
    pub fn run_to(&mut self, end: Time) -> Vec<(Time, PortIx, Vec<u8>)> {
        let mut sent = Vec::new();
        while self.switch.next_wake() <= end {
            self.now = self.switch.next_wake().max(self.now);
            let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
            self.switch.wake(&mut cx);
            sent.extend(self.out.take_frames().map(|(port, frame)| (self.now, port, frame.to_vec())));
        }
        self.now = end;
        sent
    }

    /// The ports that a frame leaves by.
    pub fn ports(&mut self, port: u32, bytes: &[u8]) -> Vec<u32> {
        self.offer(PortIx(port), bytes).frames.into_iter().map(|(port, _)| port.0).collect()
    }

    /// Why a frame dies, in words.
    pub fn death(&mut self, port: u32, bytes: &[u8]) -> String {
        let outcome = self.offer(PortIx(port), bytes);
        let [drop] = outcome.drops[..] else { panic!("not one drop: {outcome:?}") };
        let at = drop.port.map_or("nowhere".to_owned(), |port| format!("p{port}"));
        format!("{at}: {}", self.switch.explain_drop(&drop, bytes))
    }

    pub fn live_frames(&self) -> usize {
        self.pool.live()
    }
}

/// A frame from station `src` to station `dst`, 255 being everybody, in a VLAN unless that is 0.
pub fn frame(src: u8, dst: u8, vlan: u16) -> Vec<u8> {
    let dst = if dst == 255 { [0xff; 6] } else { [2, 0, 0, 0, 0, dst] };
    let mut bytes = [dst, [2, 0, 0, 0, 0, src]].concat();
    if vlan != 0 {
        bytes.extend([0x81, 0]);
        bytes.extend(vlan.to_be_bytes());
    }
    bytes.extend(*b"\x08\x00payload");
    bytes
}
