//! The contract of a node.
//!
//! A node is a value: it has no clock, socket, thread or random source of its own. It is given the
//! time and a place for what it does, and its handlers can't fail. A frame that it doesn't send on or
//! keep ends as a [`Drop`] with its reason, or was for the node itself.

use crate::drops::Drop;
use crate::frame::{Frame, Pool, Tag};
use crate::random::Stream;
use crate::time::Time;
use std::fmt;

/// A port of a node: 0 is its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortIx(pub u32);

impl PortIx {
    /// The port as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for PortIx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Whether a port's link carries frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// It does.
    Up,
    /// It doesn't, or there is no link.
    Down,
}

/// What every node does. Calls come in the lab's total order of events.
pub trait Node {
    /// Frames came in on `port`. The node drains `batch`: one frame in a lab, up to 32 on a NIC.
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch);

    /// The link on `port` came up or went down. Called for each linked port at the start.
    fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier);

    /// [`Node::next_wake`] has come. Spurious calls are harmless.
    fn wake(&mut self, cx: &mut Cx<'_>);

    /// When the node wants [`Node::wake`], in O(1); [`Time::NEVER`] if it waits for nothing.
    /// Asked after each call of the others.
    fn next_wake(&self) -> Time;
}

/// What a node is given with each call.
pub struct Cx<'a> {
    /// The time.
    pub now: Time,
    /// Where frames come from.
    pub pool: &'a mut Pool,
    /// The node's random stream.
    pub rng: &'a mut Stream,
    /// Where frames, drops and notices go.
    pub out: &'a mut Outbox,
}

/// Frames that are handed over together.
#[derive(Debug, Default)]
pub struct Batch {
    frames: Vec<Frame>,
}

impl Batch {
    /// The most frames that a driver hands over at once.
    pub const MAX: usize = 32;

    /// An empty batch with room for [`Batch::MAX`].
    pub fn new() -> Self {
        Self { frames: Vec::with_capacity(Self::MAX) }
    }

    /// Adds a frame.
    pub fn push(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    /// Takes the last frame out: for a batch of one, which is a lab's.
    #[inline]
    pub fn pop(&mut self) -> Option<Frame> {
        self.frames.pop()
    }

    /// Takes all frames out, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Frame> + '_ {
        self.frames.drain(..)
    }

    /// The frames.
    pub fn as_slice(&self) -> &[Frame] {
        &self.frames
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

/// Where a node puts what it does. The driver empties it after each call.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The first frame, most often the only one.
    pub(crate) first: Option<(PortIx, Frame)>,
    /// Those after it.
    pub(crate) frames: Vec<(PortIx, Frame)>,
    pub(crate) drops: Vec<(Drop, Frame)>,
    pub(crate) notices: Vec<Tag>,
}

impl Outbox {
    /// Sends `frame` out of `port`.
    #[inline]
    pub fn send(&mut self, port: PortIx, frame: Frame) {
        if self.first.is_none() {
            self.first = Some((port, frame));
        } else {
            self.frames.push((port, frame));
        }
    }

    /// Ends `frame`, for a reason.
    #[inline]
    pub fn drop(&mut self, frame: Frame, why: Drop) {
        self.drops.push((why, frame));
    }

    /// Tells whoever drives the lab that a session with this tag (a ping, say) has something new: the run ends, and
    /// the driver asks the node.
    pub fn notice(&mut self, tag: Tag) {
        self.notices.push(tag);
    }

    /// Takes the frames out, in the order sent.
    pub fn take_frames(&mut self) -> impl Iterator<Item = (PortIx, Frame)> + '_ {
        self.first.take().into_iter().chain(self.frames.drain(..))
    }

    /// Takes the drops out.
    pub fn take_drops(&mut self) -> impl Iterator<Item = (Drop, Frame)> + '_ {
        self.drops.drain(..)
    }

    /// Takes the notices out.
    pub fn take_notices(&mut self) -> impl Iterator<Item = Tag> + '_ {
        self.notices.drain(..)
    }
}
