//! Action programs: what is done with the frames of a cache entry.
//!
//! A step is what Open vSwitch calls a datapath action. Translation works out what all frames of an entry have in common,
//! so a step holds values and no questions; where the answer differs from frame to frame (a station's port, a meter, a
//! length, a hash) the step says how to find it.

use crate::rewrite::Bits;
use crate::translate::Resume;
use crate::vlan::Tag;
use flow_table::FlowStats;
use openflow::{Controller, Sample};
use sim_core::{DropReason, Time};
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
    /// The counters of the flows that it stands for.
    pub stats: Box<[Arc<FlowStats>]>,
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
    /// The program of these steps; if none disposes of the frame, it dies for `reason`.
    pub fn new(mut ops: Vec<Op>, reason: DropReason, stats: Vec<Arc<FlowStats>>) -> Self {
        // What is written after the last output can't be seen.
        let end = ops.iter().rposition(Op::is_end).map_or(0, |last| last + 1);
        ops.truncate(end);
        let last = ops.pop().unwrap_or(Op::Drop(reason));
        Self { last, steps: ops.into(), parts: None, stats: stats.into() }
    }

    /// Counts frames for the flows that it stands for.
    #[inline]
    pub fn count(&self, packets: u64, bytes: u64, now: Time) {
        for stats in &self.stats {
            stats.count(packets, bytes, now);
        }
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
