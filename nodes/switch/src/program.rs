//! Action programs: what is done with the frames of a cache entry.

use crate::flow::FlowStats;
use crate::rewrite::Rewrite;
use sim_core::{DropReason, Time};
use std::sync::Arc;

/// A step of a program. Ports are given by slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sends to a port.
    Output(u16),
    /// Sends as a learning bridge would.
    Normal,
    /// Sends to all ports but the one it came from, whatever their VLANs; without ports that don't flood if the
    /// flag is set.
    Everywhere {
        /// Whether ports that don't flood are left out.
        floodable_only: bool,
    },
    /// Sets bits of the outer tag's control information.
    SetTci {
        /// Their values.
        value: u16,
        /// Which bits.
        mask: u16,
        /// Whether a frame without a tag gets one.
        pushes: bool,
    },
    /// Puts a tag with this protocol identifier in front; it has the VLAN and priority of the one before it.
    PushVlan(u16),
    /// Takes the outer tag away.
    PopVlan,
    /// Writes a header field.
    Rewrite(Rewrite),
    /// Decrements the TTL; the frame dies if that is impossible.
    DecTtl,
    /// Ends the frame.
    Drop(DropReason),
}

/// Steps that are done in order. The last one disposes of the frame. It lies in the program itself: most programs have
/// no other, and then nothing else is read.
#[derive(Clone, Debug)]
pub struct Program {
    last: Op,
    steps: Box<[Op]>,
    /// The counters of the flow that it stands for.
    pub stats: Option<Arc<FlowStats>>,
}

impl Program {
    /// The program of these steps; if none disposes of the frame, it dies for `reason`.
    pub fn new(mut ops: Vec<Op>, reason: DropReason, stats: Option<Arc<FlowStats>>) -> Self {
        // What is written after the last output can't be seen.
        let end = ops.iter().rposition(Op::is_end).map_or(0, |last| last + 1);
        ops.truncate(end);
        let last = ops.pop().unwrap_or(Op::Drop(reason));
        Self { last, steps: ops.into(), stats }
    }

    /// Counts frames for the flow that it stands for.
    #[inline]
    pub fn count(&self, packets: u64, bytes: u64, now: Time) {
        if let Some(stats) = &self.stats {
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
}

impl Op {
    /// Whether it takes a frame or a copy of it.
    fn is_end(&self) -> bool {
        matches!(self, Self::Output(_) | Self::Normal | Self::Everywhere { .. } | Self::Drop(_))
    }
}
