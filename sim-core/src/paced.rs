//! The paced driver: virtual time held to a wall clock.
//!
//! Events happen when the wall clock gets to them, never earlier; how much later is the lag, which is reported.
//! The clock is the caller's, since this crate has none.

use crate::engine::{Engine, Stop, Until, Watch};
use crate::node::Node;
use crate::time::{Duration, Time};

/// A wall clock, and a way to wait for it.
pub trait WallClock {
    /// Time since the clock's own start.
    fn elapsed(&mut self) -> Duration;

    /// Waits until [`WallClock::elapsed`] reaches `deadline`, or something outside wants attention.
    fn wait_until(&mut self, deadline: Duration) -> Woken;

    /// Whether something outside wants attention. Asked now and then while the lab is behind and there is no wait.
    fn is_called(&mut self) -> bool {
        false
    }
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The deadline came.
    Deadline,
    /// A command or a frame waits outside.
    Outside,
}

/// Why a paced run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacedStop {
    /// The instant asked for has come.
    Reached,
    /// The engine stopped first.
    Engine(Stop),
    /// Something outside wants attention; the lab's time is the wall's, unless it is behind.
    Outside,
}

/// While the lab is behind, so many instants happen before the clock is asked whether it is called.
const INSTANTS_UNASKED: u32 = 256;

/// A lab's time tied to a wall clock's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paced {
    /// What the wall clock shows at the lab's start.
    origin: Duration,
    max_lag: Duration,
}

impl Paced {
    /// Ties the lab's time `now` to what the clock shows.
    pub fn new(clock: &mut impl WallClock, now: Time) -> Self {
        let origin = clock.elapsed() - now.since(Time::ZERO);
        Self { origin, max_lag: Duration::ZERO }
    }

    /// The most that an event was late so far.
    pub fn max_lag(&self) -> Duration {
        self.max_lag
    }

    /// How far the lab's time is behind the clock now. A lab that waits isn't behind, however long ago its last event was:
    /// `next` is when something happens again.
    pub fn lag(&self, clock: &mut impl WallClock, next: Time) -> Duration {
        clock.elapsed() - (self.origin + next.since(Time::ZERO))
    }

    /// Runs to `until`.
    pub fn run<N: Node, W: Watch<N>>(
        &mut self,
        engine: &mut Engine<N, W>,
        until: Time,
        clock: &mut impl WallClock,
    ) -> PacedStop {
        engine.start();
        let mut unasked = 0;
        loop {
            let next = engine.next_event().min(until);
            let deadline = self.origin + next.since(Time::ZERO);
            if clock.elapsed() < deadline && clock.wait_until(deadline) == Woken::Outside {
                // Nothing is due before `deadline`, so this only sets the time.
                let present = Time::ZERO + (clock.elapsed() - self.origin);
                return match engine.run(Until::Before(present.min(next))) {
                    Stop::Reached => PacedStop::Outside,
                    stop => PacedStop::Engine(stop),
                };
            }
            if next != Time::NEVER {
                self.max_lag = self.max_lag.max(clock.elapsed() - deadline);
            }
            match engine.run(Until::Through(next)) {
                Stop::Reached if next == until => return PacedStop::Reached,
                Stop::Reached => {
                    unasked += 1;
                    if unasked == INSTANTS_UNASKED {
                        unasked = 0;
                        if clock.is_called() {
                            return PacedStop::Outside;
                        }
                    }
                }
                stop => return PacedStop::Engine(stop),
            }
        }
    }
}
