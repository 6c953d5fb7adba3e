//! The retransmission timeout (RFC 6298), with Linux's least timeout of 200 ms instead of the RFC's 1 s: of a loss of
//! 1 % on a path of 10 ms, a second for each timeout would leave less than half of what the congestion window allows.

use sim_core::{Duration, Time};

/// The timeout until a round trip was measured.
pub(crate) const INITIAL_RTO: Duration = Duration::from_secs(1);
/// The least timeout.
pub(crate) const MIN_RTO: Duration = Duration::from_millis(200);
/// The most, however often it was doubled.
pub(crate) const MAX_RTO: Duration = Duration::from_secs(60);

/// What is known of the round-trip time.
#[derive(Debug, Default)]
pub(crate) struct RoundTrip {
    smoothed: Option<u64>,
    variation: u64,
    /// The segment that is timed: the offset behind it, and when it left. Never one that was sent twice (Karn).
    timed: Option<(u64, Time)>,
    doublings: u32,
}

impl RoundTrip {
    /// A new segment leaves, `end` the offset behind it.
    pub(crate) fn sent(&mut self, end: u64, now: Time) {
        if self.timed.is_none() {
            self.timed = Some((end, now));
        }
    }

    /// Something was sent again: what is timed may be taken for it.
    pub(crate) fn retransmitted(&mut self) {
        self.timed = None;
    }

    /// Everything before `una` is acknowledged.
    pub(crate) fn acknowledged(&mut self, una: u64, now: Time) {
        self.doublings = 0;
        if let Some((_, sent)) = self.timed.take_if(|(end, _)| *end <= una) {
            let sample = now.since(sent).as_nanos();
            match &mut self.smoothed {
                Some(smoothed) => {
                    self.variation = self.variation / 4 * 3 + smoothed.abs_diff(sample) / 4;
                    *smoothed = *smoothed / 8 * 7 + sample / 8;
                }
                None => {
                    self.smoothed = Some(sample);
                    self.variation = sample / 2;
                }
            }
        }
    }

    /// The timer ran out: the next timeout is twice as long.
    pub(crate) fn back_off(&mut self) {
        self.doublings += 1;
        self.timed = None;
    }

    /// The timeout.
    pub(crate) fn timeout(&self) -> Duration {
        let base = self
            .smoothed
            .map_or(INITIAL_RTO, |smoothed| Duration::from_nanos(smoothed + 4 * self.variation).max(MIN_RTO));
        (base * (1 << self.doublings.min(16))).min(MAX_RTO)
    }

    /// The smoothed round-trip time.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.smoothed.map(Duration::from_nanos)
    }
}
