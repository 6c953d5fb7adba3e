//! What the prompt answers.

/// A command of the prompt that takes lab time. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// What the prompt answers to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done; what it printed, each line with its end.
    Done(String),
    /// It can't be done; why, and what could be typed instead.
    Failed(String),
    /// It runs: its output is complete when [`Host::session_output`](crate::Host::session_output) gives it. The
    /// command's tag is noticed each time there is something new.
    Running(SessionId),
}
