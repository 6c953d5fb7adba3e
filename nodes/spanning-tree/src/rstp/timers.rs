//! The timers of a port: IEEE 802.1D-2004 clause 17.17, and one for what the standard doesn't have.
//!
//! The standard counts seconds down. Here a timer is the instant at which it expires, so that nothing happens in
//! between; and a timer that the standard sets again and again while a port stays what it is, is held instead.

use sim_core::{Duration, Time};

/// A timer of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// edgeDelayWhile (17.17.1).
    EdgeDelay,
    /// fdWhile (17.17.2).
    ForwardDelay,
    /// helloWhen (17.17.3).
    Hello,
    /// mdelayWhile (17.17.4).
    MigrationDelay,
    /// rbWhile (17.17.5).
    RecentBackup,
    /// rcvdInfoWhile (17.17.6).
    ReceivedInformation,
    /// rrWhile (17.17.7).
    RecentRoot,
    /// tcWhile (17.17.8).
    TopologyChange,
    /// When txCount (17.19.44) falls by one.
    Transmit,
    /// While it runs, the port hears what it doesn't accept, or itself.
    Refusal,
}

const TIMERS: usize = Timer::Refusal as usize + 1;

/// The timers of a port. Those that never ran have expired.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers([Time; TIMERS]);

impl Timers {
    pub(super) const fn new() -> Self {
        Self([Time::ZERO; TIMERS])
    }

    /// Whether a timer is zero, in the standard's words.
    pub(super) const fn has_expired(&self, timer: Timer, now: Time) -> bool {
        self.0[timer as usize].as_nanos() <= now.as_nanos()
    }

    /// Starts a timer. It doesn't run where the span is nothing.
    pub(super) fn start(&mut self, timer: Timer, now: Time, span: Duration) {
        self.0[timer as usize] = now + span;
    }

    /// Stops a timer at zero.
    pub(super) const fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = Time::ZERO;
    }

    /// Keeps a timer from expiring, until it is started or stopped.
    pub(super) const fn hold(&mut self, timer: Timer) {
        self.0[timer as usize] = Time::NEVER;
    }

    /// When the next of those that run expires.
    pub(super) fn next(&self, now: Time) -> Time {
        self.0.iter().copied().filter(|&at| at > now).min().unwrap_or(Time::NEVER)
    }
}
