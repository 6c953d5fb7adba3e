//! Timers (802.1D-1998 section 8.5.6): they count up from a value, and the time-out is asked for when it matters,
//! since the root may change it while they run.

use sim_core::{Duration, Time};

/// A timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timer(Option<Running>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Running {
    since: Time,
    /// What it counted from.
    from: Duration,
}

/// A bridge's own timers. In the order in which they are looked at.
#[derive(Debug, Default)]
pub(super) struct BridgeTimers {
    /// From one configuration BPDU to the next, at the root.
    pub(super) hello: Timer,
    /// From one topology change notification to the next, until one is heard.
    pub(super) notification: Timer,
    /// How long the root tells of a topology change.
    pub(super) topology_change: Timer,
}

/// A port's timers. In the order in which they are looked at.
#[derive(Debug, Default)]
pub(super) struct PortTimers {
    /// How old what was heard is.
    pub(super) message_age: Timer,
    /// How long it has been listening or learning.
    pub(super) forward_delay: Timer,
    /// Since the last configuration BPDU was sent.
    pub(super) hold: Timer,
    /// How old the better root is that its guard refused.
    pub(super) guard: Timer,
}

impl Timer {
    /// Starts it, or starts it anew, at a value.
    pub(super) fn start(&mut self, now: Time, from: Duration) {
        self.0 = Some(Running { since: now, from });
    }

    pub(super) fn stop(&mut self) {
        self.0 = None;
    }

    pub(super) fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// What it has counted; nothing if it doesn't run.
    pub(super) fn value(&self, now: Time) -> Duration {
        self.0.map_or(Duration::ZERO, |running| running.from + now.since(running.since))
    }

    /// When it will have counted so much.
    pub(super) fn due(&self, timeout: Duration) -> Time {
        self.0.map_or(Time::NEVER, |running| running.since + (timeout - running.from))
    }

    /// Stops it if it has counted so much; whether it had.
    pub(super) fn expire(&mut self, now: Time, timeout: Duration) -> bool {
        let is_due = self.due(timeout) <= now;
        if is_due {
            self.stop();
        }
        is_due
    }
}
