//! Congestion control and loss recovery of a sender: RFC 5681 with the initial window of RFC 6928, and RFC 6675 (selective
//! acknowledgements) or, to a peer without them, RFC 6582 (NewReno).
//!
//! All places are offsets of the stream that is sent. What is lost is told by a *loss point*: everything before it that
//! the peer doesn't have and that was not sent again is lost. A duplicate acknowledgement lets one more segment leave
//! before a loss is sure (RFC 3042) because it takes a segment out of the pipe.

use crate::tcp::ranges::Ranges;

/// Duplicate acknowledgements, or segments above a gap, that make a loss sure.
const THRESHOLD: u64 = 3;

/// The congestion window and what is known of losses.
#[derive(Debug)]
pub(crate) struct Recovery {
    pub(crate) mss: u64,
    pub(crate) window: u64,
    threshold: u64,
    /// Whether the window held the sender back when it last had something to send: else it doesn't grow (RFC 2861).
    pub(crate) limits: bool,
    /// Bytes acknowledged that have not made the window larger yet.
    credit: u64,
    pub(crate) sack: bool,
    pub(crate) sacked: Ranges,
    duplicates: u64,
    /// A loss is being repaired until this offset is acknowledged.
    until: Option<u64>,
    /// Whether that loss was told by the timer, so that the window grows meanwhile.
    by_timer: bool,
    /// Everything before it is taken for lost, as the timer ran out.
    timed_out_to: u64,
    /// Everything lost before it was sent again.
    resent_to: u64,
    /// The first segment of a repair leaves whatever is in the pipe.
    first: bool,
    /// Segments sent again.
    pub(crate) retransmits: u64,
}

impl Recovery {
    pub(crate) fn new(mss: u64) -> Self {
        Self {
            mss,
            window: initial_window(mss),
            threshold: u64::MAX,
            limits: false,
            credit: 0,
            sack: false,
            sacked: Ranges::default(),
            duplicates: 0,
            until: None,
            by_timer: false,
            timed_out_to: 0,
            resent_to: 0,
            first: false,
            retransmits: 0,
        }
    }

    /// The peer has said how long its segments may be.
    pub(crate) fn start(&mut self, mss: u64, sack: bool) {
        (self.mss, self.sack, self.window) = (mss, sack, initial_window(mss));
    }

    /// Acknowledged up to `una`, by `acked` bytes more than before.
    pub(crate) fn acknowledged(&mut self, una: u64, acked: u64) {
        self.sacked.remove_below(una);
        self.resent_to = self.resent_to.max(una);
        self.duplicates = match self.until {
            // Without selective acknowledgements, what a partial one acknowledges has left the pipe already, but for what
            // was sent again.
            Some(_) => self.duplicates.saturating_sub((acked / self.mss).saturating_sub(1)),
            None => 0,
        };
        if self.until.is_some_and(|until| una >= until) {
            self.until = None;
            self.duplicates = 0;
        }
        // RFC 6582 section 3.2 step 3: a partial acknowledgement tells of the next loss.
        self.first |= self.until.is_some() && !self.sack;
        if self.until.is_some() && !self.by_timer || !self.limits {
            return;
        }
        if self.window < self.threshold {
            self.window += acked.min(self.mss);
            return;
        }
        self.credit += acked;
        if self.credit >= self.window {
            self.credit -= self.window;
            self.window += self.mss;
        }
    }

    /// The peer has `start..end`, behind a gap.
    pub(crate) fn selectively_acknowledged(&mut self, start: u64, end: u64) {
        self.sacked.insert(start, end);
    }

    /// An acknowledgement that says nothing new came in.
    pub(crate) fn duplicate(&mut self) {
        if !self.sack {
            self.duplicates += 1;
        }
    }

    /// Looks for losses in `una..nxt`; a first one halves the window.
    pub(crate) fn look(&mut self, una: u64, nxt: u64) {
        if self.until.is_none() && self.loss_point(una) > una {
            self.threshold = (self.window.min(nxt - una) / 2).max(2 * self.mss);
            self.window = self.threshold;
            (self.until, self.by_timer, self.first) = (Some(nxt), false, true);
            (self.resent_to, self.credit) = (una, 0);
        }
    }

    /// The timer ran out: all of `una..nxt` is taken for lost.
    pub(crate) fn timed_out(&mut self, una: u64, nxt: u64) {
        if !self.by_timer || self.until.is_none() {
            self.threshold = (self.window.min(nxt - una) / 2).max(2 * self.mss);
        }
        self.window = self.mss;
        (self.until, self.by_timer, self.first) = (Some(nxt), true, true);
        (self.resent_to, self.timed_out_to, self.credit, self.duplicates) = (una, nxt, 0, 0);
    }

    /// Segments were too long for the path: all of `una..nxt` leaves again in shorter ones, which is no congestion.
    pub(crate) fn shorten(&mut self, mss: u64, una: u64, nxt: u64) {
        self.mss = mss;
        if una == nxt {
            return;
        }
        (self.until, self.by_timer, self.first) = (Some(nxt), true, true);
        (self.resent_to, self.timed_out_to) = (una, nxt);
    }

    /// The first lost run of offsets of `una..nxt` that was not sent again.
    pub(crate) fn lost(&self, una: u64, nxt: u64) -> Option<(u64, u64)> {
        self.until?;
        self.sacked.gap(self.resent_to.max(una), self.loss_point(una).min(nxt))
    }

    /// Everything lost before `end` was sent again.
    pub(crate) fn resent(&mut self, end: u64) {
        (self.resent_to, self.first) = (end, false);
        self.retransmits += 1;
    }

    /// Bytes that are taken to be on their way.
    pub(crate) fn pipe(&self, una: u64, nxt: u64) -> u64 {
        let resent = self.resent_to.clamp(una, nxt);
        if self.until.is_none() && self.sacked.is_empty() {
            return (nxt - una).saturating_sub(self.duplicates * self.mss);
        }
        let repaired = if self.until.is_some() { resent } else { una };
        let rest = repaired.max(self.loss_point(una)).min(nxt);
        let first = repaired - una - self.sacked.covered(una, repaired);
        let second = nxt - rest - self.sacked.covered(rest, nxt);
        (first + second).saturating_sub(self.duplicates * self.mss)
    }

    /// Whether `size` bytes may leave with so many in the pipe.
    pub(crate) fn allows(&self, pipe: u64, size: u64) -> bool {
        pipe + size <= self.window
    }

    /// The same for bytes that are sent again.
    pub(crate) fn allows_again(&self, pipe: u64, size: u64) -> bool {
        self.first || self.allows(pipe, size)
    }

    /// Everything before it that the peer doesn't have is lost (RFC 6675 section 3, `IsLost`).
    fn loss_point(&self, una: u64) -> u64 {
        let told = match self.sack {
            true => {
                let (mut bytes, mut runs) = (0, 0);
                let above = self.sacked.iter().rev().find(|(start, end)| {
                    bytes += end - start;
                    runs += 1;
                    bytes > (THRESHOLD - 1) * self.mss || runs >= THRESHOLD
                });
                above.map_or(una, |(start, _)| start)
            }
            false if self.duplicates >= THRESHOLD || self.until.is_some() => una + self.mss,
            false => una,
        };
        if self.until.is_some() && self.by_timer { told.max(self.timed_out_to) } else { told }
    }
}

/// RFC 6928 section 2.
fn initial_window(mss: u64) -> u64 {
    (10 * mss).min((2 * mss).max(14_600))
}
