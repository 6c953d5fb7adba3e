//! Action programs: what is done with the frames of a cache entry.
//!
//! A step is what Open vSwitch calls a datapath action. Translation works out what all frames of an entry have in common,
//! so a step holds values and no questions; where the answer differs from frame to frame (a station's port, a meter, a
//! length, a hash) the step says how to find it.

use crate::rewrite::Bits;
use crate::translate::Resume;
use crate::vlan::Tag;
use flow_table::{FlowStats, TableStats};
use openflow::{Controller, Sample};
use sim_core::{DropReason, Time};
use std::cell::Cell;
use std::sync::Arc;

/// A step of a program. Ports are given by slot; what is too large for a step stands in the program's [`Parts`], and is
/// given by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sends to a port.
    Output(u16),
    /// Sends as a learning bridge would.
    Normal,
    /// The same, as if it had come in by the port of this slot.
    NormalFrom(u16),
    /// Sends to all ports but the one it came from, whatever their VLANs; without ports that don't flood if the
    /// flag is set.
    Everywhere {
        /// Whether ports that don't flood are left out.
        floodable_only: bool,
    },
    /// Writes bits of header fields.
    Set(Bits),
    /// Puts a tag in front.
    PushVlan(Tag),
    /// Takes the outer tag away.
    PopVlan,
    /// Puts a label stack entry in front of the packet.
    PushMpls {
        /// The Ethernet type that says so.
        ethertype: u16,
        /// The entry.
        lse: u32,
    },
    /// Takes the top label stack entry away; this Ethernet type follows.
    PopMpls(u16),
    /// Cuts the next output to so many bytes.
    Truncate(u32),
    /// Runs it through a meter, which may end it.
    Meter(u32),
    /// Sends it to the controllers: [`Parts::controllers`].
    Controller(u16),
    /// Sends a sample to collectors: [`Parts::samples`].
    Sample(u16),
    /// Carries out a program on a copy: [`Parts::programs`].
    Clone(u16),
    /// Ends with one of two programs, by the frame's bytes without FCS.
    IfLonger {
        /// Bytes.
        than: u16,
        /// For longer ones, in [`Parts::programs`].
        longer: u16,
        /// For the others, in [`Parts::programs`].
        others: u16,
    },
    /// Carries out one of several programs on a copy, chosen by the frame's hash: [`Parts::selects`].
    Select(u16),
    /// Has the frame read again, and goes on as [`Parts::resumes`] says.
    Recirculate(u16),
    /// Ends the frame.
    Drop(DropReason),
}

/// Steps that are done in order. The last one disposes of the frame. It lies in the program itself: most programs have
/// no other, and then nothing else is read.
#[derive(Clone, Debug)]
pub struct Program {
    last: Op,
    steps: Box<[Op]>,
    /// What is too large for a step.
    pub parts: Option<Box<Parts>>,
    credits: Box<[Credit]>,
    counted: Counted,
}

/// What counts the frames of a program.
#[derive(Clone, Debug)]
pub enum Credit {
    /// A flow that was found, a group or a bucket.
    Flow(Arc<FlowStats>),
    /// A table that was looked up, and whether it had a flow for them.
    Table(Arc<TableStats>, bool),
}

/// What a program has counted and the flows have not yet. It is in the memory of the one worker that has the program, so
/// a frame costs no locked instruction, and no cache line for each flow.
#[derive(Clone, Debug, Default)]
struct Counted {
    packets: Cell<u64>,
    bytes: Cell<u64>,
    /// The last time, in ns of lab time.
    used: Cell<u64>,
}

/// What is too large for a step.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Programs of steps that have some. Their own parts are here too: they have none.
    pub programs: Vec<Program>,
    /// What controllers are sent.
    pub controllers: Vec<Controller>,
    /// What collectors are sent.
    pub samples: Vec<Sample>,
    /// Programs to choose from.
    pub selects: Vec<Select>,
    /// How frames go on that are read again.
    pub resumes: Vec<Arc<Resume>>,
}

impl Parts {
    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        let Self { programs, controllers, samples, selects, resumes } = self;
        programs.is_empty() && controllers.is_empty() && samples.is_empty() && selects.is_empty() && resumes.is_empty()
    }
}

/// Programs of which a frame's hash chooses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// What the hash starts from.
    pub basis: u32,
    /// The programs by their place in [`Parts::programs`]; the hash modulo the length chooses.
    pub programs: Box<[u16]>,
}

impl Program {
    /// The program of these steps; if none disposes of the frame, it dies for `reason`. `credits` is what counts its frames.
    pub fn new(mut ops: Vec<Op>, reason: DropReason, credits: Vec<Credit>) -> Self {
        // What is written after the last output can't be seen.
        let end = ops.iter().rposition(Op::is_end).map_or(0, |last| last + 1);
        ops.truncate(end);
        let last = ops.pop().unwrap_or(Op::Drop(reason));
        Self { last, steps: ops.into(), parts: None, credits: credits.into(), counted: Counted::default() }
    }

    /// What counts its frames, to have another program count them.
    pub(crate) fn take_credits(&mut self) -> Vec<Credit> {
        std::mem::take(&mut self.credits).into_vec()
    }

    /// Counts frames for the flows that it stands for, which learn of it when the worker pushes them.
    #[inline]
    pub fn count(&self, packets: u64, bytes: u64, now: Time) {
        let Counted { packets: all, bytes: all_bytes, used } = &self.counted;
        all.set(all.get() + packets);
        all_bytes.set(all_bytes.get() + bytes);
        used.set(now.as_nanos());
    }

    /// Has the flows count what was counted since the last time, by the programs of its steps too; gives the program's own
    /// frames and bytes.
    pub(crate) fn push(&self) -> (u64, u64) {
        let (packets, bytes) = (self.counted.packets.take(), self.counted.bytes.take());
        if packets != 0 {
            let used = Time::from_nanos(self.counted.used.get());
            for credit in &self.credits {
                match credit {
                    Credit::Flow(stats) => stats.count(packets, bytes, used),
                    Credit::Table(stats, found) => stats.count(packets, *found),
                }
            }
        }
        if let Some(parts) = &self.parts {
            parts.programs.iter().for_each(|program| {
                program.push();
            });
        }
        (packets, bytes)
    }

    /// Whether it has counted what the flows don't know.
    #[inline]
    pub(crate) fn has_counted(&self) -> bool {
        self.counted.packets.get() != 0
    }

    /// What it has counted and the flows don't know: frames and bytes.
    pub(crate) fn counted(&self) -> (u64, u64) {
        (self.counted.packets.get(), self.counted.bytes.get())
    }

    /// When it counted last.
    pub(crate) fn used(&self) -> Time {
        Time::from_nanos(self.counted.used.get())
    }

    /// Forgets all but the last step.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(Vec::new(), DropReason::FlowDrop, Vec::new());
    }

    /// The step of a program that has one step.
    #[inline]
    pub fn only(&self) -> Option<Op> {
        self.steps.is_empty().then_some(self.last)
    }

    /// The steps before the last one, and the last one.
    #[inline]
    pub fn split(&self) -> (&[Op], Op) {
        (&self.steps, self.last)
    }

    /// All steps.
    pub fn ops(&self) -> impl Iterator<Item = Op> {
        self.steps.iter().copied().chain([self.last])
    }
}

impl Op {
    /// Whether it can be seen outside: it takes a frame or a copy of it, or counts it.
    pub(crate) fn is_end(&self) -> bool {
        !matches!(
            self,
            Self::Set(_)
                | Self::PushVlan(_)
                | Self::PopVlan
                | Self::PushMpls { .. }
                | Self::PopMpls(_)
                | Self::Truncate(_)
        )
    }
}
