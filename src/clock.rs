//! The machine's clock, for labs that run at the pace of the wall.
#![allow(clippy::disallowed_methods, reason = "this is the one place where a lab meets the machine's clock")]

use sim_core::{Duration, WallClock, Woken};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

/// The wall clock, and a channel whose messages interrupt its waits.
#[derive(Debug)]
pub(crate) struct Wall<T> {
    start: Instant,
    outside: Receiver<T>,
    /// A message that was received and not taken.
    received: Option<T>,
    /// Whether the channel's other end is gone.
    closed: bool,
}

impl<T> Wall<T> {
    /// A clock that starts now.
    pub(crate) fn new(outside: Receiver<T>) -> Self {
        Self { start: Instant::now(), outside, received: None, closed: false }
    }

    /// The next message, if there is one.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.received.take().or_else(|| self.outside.try_recv().ok())
    }
}

impl<T> WallClock for Wall<T> {
    fn elapsed(&mut self) -> Duration {
        Duration::from_nanos(self.start.elapsed().as_nanos() as u64)
    }

    fn wait_until(&mut self, deadline: Duration) -> Woken {
        let left = std::time::Duration::from_nanos((deadline - self.elapsed()).as_nanos());
        if self.received.is_some() {
            return Woken::Outside;
        }
        if self.closed {
            std::thread::sleep(left);
            return Woken::Deadline;
        }
        match self.outside.recv_timeout(left) {
            Ok(message) => {
                self.received = Some(message);
                Woken::Outside
            }
            Err(RecvTimeoutError::Timeout) => Woken::Deadline,
            Err(RecvTimeoutError::Disconnected) => {
                self.closed = true;
                Woken::Outside
            }
        }
    }

    fn is_called(&mut self) -> bool {
        self.received = self.received.take().or_else(|| self.outside.try_recv().ok());
        self.received.is_some()
    }
}

/// Seconds of wall time that `work` takes, and what it gives.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (f64, R) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}
