//! The connection: what it holds, and what its user does with it.

use core::fmt;
use core::net::SocketAddr;

use sim_core::{Duration, Tag, Time};

use crate::tcp::ranges::Ranges;
use crate::tcp::recovery::Recovery;
use crate::tcp::ring::Ring;
use crate::tcp::rtt::RoundTrip;

/// How long a connection stays in TIME-WAIT, and in FIN-WAIT-2 after its user is gone, as in Linux.
pub(crate) const LINGER: Duration = Duration::from_secs(60);
/// Timeouts in a row after which a connection is given up, as in Linux.
pub(crate) const MAX_TIMEOUTS: u32 = 15;
/// The same for a SYN that nobody answers.
pub(crate) const MAX_SYN_TIMEOUTS: u32 = 6;
/// The least maximum segment size that a peer is believed, as in Linux.
pub(crate) const MIN_MSS: u64 = 48;

/// The states of RFC 9293 section 3.3.2, but for LISTEN, which is a listener's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A SYN was sent.
    SynSent,
    /// A SYN was answered.
    SynReceived,
    /// Open.
    Established,
    /// Closed here; the FIN is not acknowledged.
    FinWait1,
    /// Closed here; the FIN is acknowledged.
    FinWait2,
    /// Closed by the peer.
    CloseWait,
    /// Closed by both at once.
    Closing,
    /// Closed by the peer, then here.
    LastAck,
    /// Closed; late segments may still come.
    TimeWait,
    /// Over.
    Closed,
}

impl fmt::Display for State {
    /// As ss(8) and netstat(8) have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::CloseWait => "CLOSE_WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::Closed => "CLOSED",
        })
    }
}

/// How a connection ended, or failed to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Both sides closed it.
    Finished,
    /// Nothing listens on the port: a reset answered the SYN, or an ICMP error did.
    Refused,
    /// The peer reset it, or this side aborted it.
    Reset,
    /// The peer answers no more.
    TimedOut,
    /// An ICMP error said that the peer cannot be reached, or the next hop does not answer.
    Unreachable,
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ends {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
}

/// What a connection has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes of data that the peer has acknowledged.
    pub acknowledged: u64,
    /// Bytes of data that came in, each counted once.
    pub received: u64,
    /// Segments with data, a SYN or a FIN that were sent again.
    pub retransmits: u64,
    /// Times that the retransmission timer ran out.
    pub timeouts: u64,
    /// The smoothed round-trip time, once one was measured.
    pub round_trip: Option<Duration>,
    /// The congestion window in bytes.
    pub congestion_window: u64,
    /// The most bytes of data of a segment.
    pub segment_size: u64,
}

/// A TCP connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) ends: Ends,
    pub(crate) tag: Tag,
    pub(crate) state: State,
    pub(crate) end: Option<End>,
    pub(crate) outgoing: Sending,
    pub(crate) incoming: Receiving,
    /// When the timer that runs ends: retransmission, probe, or lingering.
    pub(crate) timer: Time,
    pub(crate) timeouts_in_row: u32,
    pub(crate) timeouts: u64,
    /// An acknowledgement is owed.
    pub(crate) ack_now: bool,
    /// No acknowledgement of an unacceptable segment leaves before.
    pub(crate) next_challenge: Time,
    /// A reset is owed, as the user has aborted.
    pub(crate) reset_now: bool,
    /// Whether nobody uses it any more.
    pub(crate) orphan: bool,
}

/// What goes to the peer.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) first_seq: u32,
    /// The first offset that is not acknowledged.
    pub(crate) una: u64,
    /// The first offset that was never sent.
    pub(crate) nxt: u64,
    /// Data from `una` on.
    pub(crate) ring: Ring,
    /// The offset behind the last byte written.
    pub(crate) written: u64,
    /// Whether a FIN follows.
    pub(crate) finish: bool,
    /// The peer's window in bytes.
    pub(crate) window: u64,
    pub(crate) scale: u8,
    /// Of the segment that told the window: its offset and acknowledgement (RFC 9293 `SND.WL1`, `SND.WL2`).
    pub(crate) window_told: (u64, u64),
    pub(crate) recovery: Recovery,
    pub(crate) rtt: RoundTrip,
    /// The most bytes that may be queued.
    pub(crate) limit: u64,
}

/// What comes from the peer.
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(crate) first_seq: u32,
    /// The first offset that has not come.
    pub(crate) nxt: u64,
    /// The first offset that the user has not read.
    pub(crate) read: u64,
    /// Data from `read` on.
    pub(crate) ring: Ring,
    /// What came behind a gap.
    pub(crate) beyond: Ranges,
    /// The offset of the last segment behind a gap: its run is told first.
    pub(crate) last_beyond: u64,
    /// The FIN's offset, once it came.
    pub(crate) fin: Option<u64>,
    /// The most bytes that may wait to be read.
    pub(crate) limit: u64,
    pub(crate) scale: u8,
    /// The offset behind the window that the peer was told.
    pub(crate) edge: u64,
    pub(crate) mss: u64,
    pub(crate) sack: bool,
}

impl Connection {
    /// A connection in SYN-SENT; the SYN is the first thing that leaves. `mss` is what segments of this side's
    /// interface hold, `buffer` the most bytes queued in each direction.
    pub(crate) fn new(ends: Ends, first_seq: u32, mss: u64, buffer: u64, tag: Tag) -> Self {
        let scale = (0..14).find(|shift| buffer >> shift <= u64::from(u16::MAX)).unwrap_or(14);
        let outgoing = Sending {
            first_seq,
            una: 0,
            nxt: 0,
            ring: Ring::default(),
            written: 1,
            finish: false,
            window: 0,
            scale: 0,
            window_told: (0, 0),
            recovery: Recovery::new(mss),
            rtt: RoundTrip::default(),
            limit: buffer,
        };
        let incoming = Receiving {
            first_seq: 0,
            nxt: 0,
            read: 1,
            ring: Ring::default(),
            beyond: Ranges::default(),
            last_beyond: 0,
            fin: None,
            limit: buffer,
            scale,
            edge: 0,
            mss,
            sack: true,
        };
        Self {
            ends,
            tag,
            state: State::SynSent,
            end: None,
            outgoing,
            incoming,
            timer: Time::NEVER,
            timeouts_in_row: 0,
            timeouts: 0,
            ack_now: false,
            next_challenge: Time::ZERO,
            reset_now: false,
            orphan: false,
        }
    }

    /// This side's address and port.
    pub fn local(&self) -> SocketAddr {
        self.ends.local
    }

    /// The peer's address and port.
    pub fn remote(&self) -> SocketAddr {
        self.ends.remote
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether it was opened by both sides and is not over: data can come or go.
    pub fn is_open(&self) -> bool {
        (State::Established..State::Closed).contains(&self.state)
    }

    /// Whether the peer has closed and everything that it sent was read.
    pub fn is_read_out(&self) -> bool {
        self.state == State::Closed || self.incoming.fin.is_some_and(|fin| self.incoming.read >= fin)
    }

    /// Whether all that was written is acknowledged.
    pub fn is_flushed(&self) -> bool {
        self.outgoing.una >= self.outgoing.written
    }

    /// What it has done.
    pub fn counters(&self) -> Counters {
        let Sending { una, written, recovery, rtt, .. } = &self.outgoing;
        Counters {
            acknowledged: una.min(written).saturating_sub(1),
            received: self.incoming.data_end().saturating_sub(1),
            retransmits: recovery.retransmits,
            timeouts: self.timeouts,
            round_trip: rtt.smoothed(),
            congestion_window: recovery.window,
            segment_size: recovery.mss,
        }
    }

    /// How many bytes can be read.
    pub fn readable(&self) -> usize {
        (self.incoming.data_end().saturating_sub(self.incoming.read)) as usize
    }

    /// Reads what came; gives the number of bytes.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> usize {
        let size = out.len().min(self.readable());
        let incoming = &mut self.incoming;
        incoming.ring.read(0, &mut out[..size]);
        self.skip(size)
    }

    /// Takes bytes that came without looking at them; gives how many there were.
    pub(crate) fn skip(&mut self, most: usize) -> usize {
        let size = most.min(self.readable());
        let incoming = &mut self.incoming;
        incoming.ring.advance(size);
        incoming.read += size as u64;
        // RFC 9293 section 3.8.6.2.2: a window is told as it opens by a good part, not byte by byte.
        let opened = (incoming.read + incoming.limit).saturating_sub(incoming.edge);
        if opened >= incoming.limit / 2 && self.is_open() {
            self.ack_now = true;
        }
        size
    }

    /// How many bytes can be written now: enough for what may leave in two round trips, up to the limit.
    pub fn writable(&self) -> usize {
        let Sending { una, written, limit, recovery, finish, .. } = &self.outgoing;
        if *finish || !matches!(self.state, State::Established | State::CloseWait) {
            return 0;
        }
        let most = (2 * recovery.window + (64 << 10)).min(*limit);
        most.saturating_sub(written - (*una).max(1)) as usize
    }

    /// Writes what finds room; gives the number of bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let size = bytes.len().min(self.writable());
        if size == 0 {
            return 0;
        }
        let outgoing = &mut self.outgoing;
        let at = outgoing.written - outgoing.una.max(1);
        outgoing.ring.write(at as usize, &bytes[..size]);
        outgoing.written += size as u64;
        size
    }

    /// Closes this side: a FIN follows what was written, once the connection is open.
    pub(crate) fn close(&mut self) {
        self.outgoing.finish = true;
        self.state = match self.state {
            State::SynSent => return self.finish(End::Reset),
            State::Established => State::FinWait1,
            State::CloseWait => State::LastAck,
            other => other,
        };
    }

    /// Ends it at once; the peer is told by a reset.
    pub(crate) fn abort(&mut self) {
        if self.state != State::Closed {
            self.reset_now = !matches!(self.state, State::SynSent | State::TimeWait);
            self.finish(End::Reset);
        }
    }

    /// It is over.
    pub(crate) fn finish(&mut self, end: End) {
        self.state = State::Closed;
        self.end.get_or_insert(end);
        self.timer = Time::NEVER;
        self.ack_now = false;
        self.outgoing.ring.clear();
        self.outgoing.recovery.sacked.clear();
        self.incoming.beyond.clear();
    }

    pub(crate) fn enter_time_wait(&mut self, now: Time) {
        self.state = State::TimeWait;
        self.end.get_or_insert(End::Finished);
        self.timer = now + LINGER;
        self.outgoing.ring.clear();
    }

    /// When [`Connection::wake`] is wanted.
    pub(crate) fn next_wake(&self) -> Time {
        self.timer
    }

    /// The timer may have run out.
    pub(crate) fn wake(&mut self, now: Time) {
        if now < self.timer {
            return;
        }
        self.timer = Time::NEVER;
        match self.state {
            State::Closed => {}
            State::TimeWait => self.finish(End::Finished),
            State::FinWait2 => self.finish(End::TimedOut),
            _ => self.timed_out(now),
        }
    }
}

impl Receiving {
    /// How far a sequence number is behind the first that has not come.
    pub(crate) fn distance(&self, seq: u32) -> i32 {
        seq.wrapping_sub(self.first_seq.wrapping_add(self.nxt as u32)) as i32
    }

    /// The offset behind the last byte of data that came without a gap.
    pub(crate) fn data_end(&self) -> u64 {
        self.fin.map_or(self.nxt, |fin| self.nxt.min(fin))
    }
}
