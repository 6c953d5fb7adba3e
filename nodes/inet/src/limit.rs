//! The rate limit of ICMP errors (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f): a token bucket.

use sim_core::{Duration, Time};

/// The most ICMP errors that leave at once.
pub const ERROR_BURST: u64 = 50;
/// The time in which one more ICMP error may leave: 1000 a second.
pub const ERROR_INTERVAL: Duration = Duration::from_millis(1);

/// A bucket that holds up to [`ERROR_BURST`] tokens and gains one each [`ERROR_INTERVAL`].
#[derive(Clone, Debug)]
pub(crate) struct TokenBucket {
    /// Tokens as the time that they took to gather.
    credit: Duration,
    counted: Time,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn full() -> Self {
        Self { credit: ERROR_INTERVAL * ERROR_BURST, counted: Time::ZERO }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, now: Time) -> bool {
        self.credit = (self.credit + now.since(self.counted)).min(ERROR_INTERVAL * ERROR_BURST);
        self.counted = now;
        if self.credit < ERROR_INTERVAL {
            return false;
        }
        self.credit = self.credit - ERROR_INTERVAL;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_50_passes_and_then_one_each_millisecond() {
        let mut bucket = TokenBucket::full();
        let at_once = (0..200).filter(|_| bucket.take(Time::from_secs(7))).count();
        assert_eq!(at_once, 50);
        // Ten tries each millisecond for a second.
        let start = Time::from_secs(7);
        let later = (1..=10_000u64).filter(|i| bucket.take(start + Duration::from_micros(100) * *i)).count();
        assert_eq!(later, 1000);
    }
}
