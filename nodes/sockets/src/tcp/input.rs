//! What a segment that comes in does (RFC 9293 section 3.10.7, RFC 5961 against forged ones).

use packet::wire::tcp::{Flags, Repr};
use sim_core::{Duration, Time};

use crate::tcp::connection::{Connection, End, LINGER, MIN_MSS, State};
use crate::tcp::{Options, Outgoing};

/// The least time between acknowledgements of unacceptable segments without data, as in Linux: two sides that
/// disagree must not answer each other for ever.
const CHALLENGE_INTERVAL: Duration = Duration::from_millis(500);

/// What a segment for no connection is answered: a reset, unless it is one (RFC 9293 section 3.10.7.1).
pub(crate) fn refusal(segment: &Repr<'_>) -> Option<Outgoing<'static>> {
    if segment.flags.contains(Flags::RST) {
        return None;
    }
    let (seq, ack, flags) = match segment.flags.contains(Flags::ACK) {
        true => (segment.ack, 0, Flags::RST),
        false => (0, segment.seq.wrapping_add(length(segment) as u32), Flags::RST | Flags::ACK),
    };
    Some(Outgoing { seq, ack, flags, window: 0, options: Options::default(), size: 0, connection: None, from: 0 })
}

/// The sequence numbers that a segment takes.
fn length(segment: &Repr<'_>) -> u64 {
    let control = |flag| u64::from(segment.flags.contains(flag));
    segment.payload.len() as u64 + control(Flags::SYN) + control(Flags::FIN)
}

impl Connection {
    /// A SYN came for a listener: the connection answers it.
    pub(crate) fn accept(&mut self, segment: &Repr<'_>) {
        self.state = State::SynReceived;
        self.synchronize(segment);
    }

    /// Whether a SYN with this sequence number opens anew what is over here (RFC 9293 section 3.10.7.4): it is no old one.
    pub(crate) fn is_followed_by(&self, seq: u32) -> bool {
        self.state == State::TimeWait && self.incoming.distance(seq) >= 0
    }

    /// A segment came in; gives a reset to send, if it asks for one.
    pub(crate) fn segment(&mut self, now: Time, segment: &Repr<'_>) -> Option<Outgoing<'static>> {
        match self.state {
            State::Closed => return refusal(segment),
            State::SynSent => return self.in_syn_sent(now, segment),
            _ => {}
        }
        let has = |flag| segment.flags.contains(flag);
        let incoming = &self.incoming;
        let distance = incoming.distance(segment.seq);
        let start = incoming.nxt as i64 + i64::from(distance);
        let end = start + length(segment) as i64;
        let (nxt, edge) = (incoming.nxt as i64, incoming.edge.max(incoming.nxt) as i64);
        let acceptable = match end - start {
            0 => start >= nxt && start <= edge,
            _ => end > nxt && (start < edge || start == nxt),
        };
        if !acceptable {
            if has(Flags::RST) {
                return None;
            }
            if self.state == State::SynReceived && has(Flags::SYN) {
                // Our answer was lost.
                self.outgoing.nxt = 0;
                self.outgoing.rtt.retransmitted();
            } else {
                if self.state == State::TimeWait {
                    self.timer = now + LINGER;
                }
                self.challenge(now, !segment.payload.is_empty() || has(Flags::FIN));
            }
            return None;
        }
        if has(Flags::RST) {
            match distance {
                0 => self.finish(if self.state == State::SynReceived { End::Refused } else { End::Reset }),
                _ => self.challenge(now, false),
            }
            return None;
        }
        if has(Flags::SYN) {
            self.challenge(now, false);
            return None;
        }
        if !has(Flags::ACK) {
            return None;
        }
        if let Err(reply) = self.acknowledgement(now, segment, start) {
            return reply;
        }
        if self.state != State::Closed {
            self.take_in(now, segment, start);
        }
        None
    }

    /// The next hop does not answer, or an ICMP error came in about a segment. Soft once the connection is open.
    pub(crate) fn failed(&mut self, end: End) {
        if matches!(self.state, State::SynSent | State::SynReceived) {
            self.finish(end);
        }
    }

    /// The path takes packets of `mtu` bytes at most (RFC 1191, RFC 8201).
    pub(crate) fn shorten(&mut self, mtu: u64) {
        let headers = if self.ends.remote.is_ipv4() { 40 } else { 60 };
        let mss = mtu.saturating_sub(headers).max(MIN_MSS);
        if mss < self.outgoing.recovery.mss && self.is_open() {
            let (una, nxt) = (self.outgoing.una, self.outgoing.nxt);
            self.outgoing.recovery.shorten(mss, una, nxt);
            self.outgoing.rtt.retransmitted();
        }
    }

    fn in_syn_sent(&mut self, now: Time, segment: &Repr<'_>) -> Option<Outgoing<'static>> {
        let has = |flag| segment.flags.contains(flag);
        let acks_syn = has(Flags::ACK) && segment.ack == self.outgoing.first_seq.wrapping_add(1);
        if has(Flags::ACK) && !acks_syn {
            return refusal(segment);
        }
        if has(Flags::RST) {
            if acks_syn {
                self.finish(End::Refused);
            }
            return None;
        }
        if !has(Flags::SYN) || !acks_syn {
            return None;
        }
        self.synchronize(segment);
        self.state = State::Established;
        (self.outgoing.una, self.outgoing.nxt) = (1, 1);
        self.outgoing.rtt.acknowledged(1, now);
        (self.timer, self.timeouts_in_row) = (Time::NEVER, 0);
        self.outgoing.window_told = (0, 1);
        self.ack_now = true;
        None
    }

    /// Takes over what a SYN says.
    fn synchronize(&mut self, segment: &Repr<'_>) {
        let options = Options::parse(segment.options);
        let incoming = &mut self.incoming;
        (incoming.first_seq, incoming.nxt, incoming.edge) = (segment.seq, 1, 1);
        match options.window_scale {
            Some(scale) => self.outgoing.scale = scale,
            None => {
                incoming.scale = 0;
                incoming.limit = incoming.limit.min(u64::from(u16::MAX));
            }
        }
        incoming.sack = options.sack_permitted;
        // RFC 9293 section 3.7.1: 536 bytes, and 1220 for IPv6, if the peer doesn't say.
        let default = if self.ends.remote.is_ipv4() { 536 } else { 1220 };
        let theirs = options.mss.filter(|mss| *mss != 0).map_or(default, u64::from).max(MIN_MSS);
        self.outgoing.recovery.start(theirs.min(incoming.mss), options.sack_permitted);
        self.outgoing.window = segment.window.into();
    }

    /// What the acknowledgement says; an error if the segment is done with, by a reset perhaps.
    fn acknowledgement(&mut self, now: Time, segment: &Repr<'_>, start: i64) -> Result<(), Option<Outgoing<'static>>> {
        let outgoing = &mut self.outgoing;
        let una = outgoing.una;
        let distance = segment.ack.wrapping_sub(outgoing.first_seq.wrapping_add(una as u32)) as i32;
        let ack = una as i64 + i64::from(distance);
        if self.state == State::SynReceived {
            if ack != 1 {
                return Err(refusal(segment));
            }
            self.state = if outgoing.finish { State::FinWait1 } else { State::Established };
            // It was about to be sent again.
            outgoing.nxt = 1;
        }
        if ack > outgoing.nxt as i64 {
            self.challenge(now, false);
            return Err(None);
        }
        let flight = outgoing.nxt - una;
        let mut fresh = false;
        if outgoing.recovery.sack && flight > 0 && segment.options.len() >= 10 {
            let options = Options::parse(segment.options);
            for (left, right) in &options.blocks[..options.block_count] {
                let place = |seq: &u32| {
                    let distance = seq.wrapping_sub(outgoing.first_seq.wrapping_add(una as u32)) as i32;
                    u64::try_from(una as i64 + i64::from(distance)).ok()
                };
                if let (Some(left), Some(right)) = (place(left), place(right))
                    && una <= left
                    && left < right
                    && right <= outgoing.nxt
                {
                    outgoing.recovery.selectively_acknowledged(left, right);
                    fresh = true;
                }
            }
        }
        let window = u64::from(segment.window) << outgoing.scale;
        let newer = start > outgoing.window_told.0 as i64
            || (start == outgoing.window_told.0 as i64 && ack >= outgoing.window_told.1 as i64);
        let same_window = window == outgoing.window;
        if newer && start >= 0 && ack >= 0 {
            outgoing.window = window;
            outgoing.window_told = (start as u64, ack as u64);
        }
        self.timeouts_in_row = 0;
        if distance > 0 {
            let (ack, acked) = (ack as u64, ack as u64 - una);
            let data = ack.clamp(1, outgoing.written) - una.clamp(1, outgoing.written);
            outgoing.ring.advance(data as usize);
            outgoing.una = ack;
            outgoing.rtt.acknowledged(ack, now);
            outgoing.recovery.acknowledged(ack, acked);
            self.timer = Time::NEVER;
        } else if distance == 0 && flight > 0 && segment.payload.is_empty() && (same_window || fresh) {
            outgoing.recovery.duplicate();
        }
        let (una, nxt) = (outgoing.una, outgoing.nxt);
        outgoing.recovery.look(una, nxt);
        if outgoing.finish && una > outgoing.written {
            match self.state {
                State::FinWait1 => {
                    self.state = State::FinWait2;
                    self.timer = Time::NEVER;
                }
                State::Closing => self.enter_time_wait(now),
                State::LastAck => self.finish(End::Finished),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes in data and FIN.
    fn take_in(&mut self, now: Time, segment: &Repr<'_>, start: i64) {
        let incoming = &mut self.incoming;
        let mut payload = segment.payload;
        let mut at = start;
        let fin = segment.flags.contains(Flags::FIN);
        let fin_at = start + payload.len() as i64;
        if payload.is_empty() && !fin {
            return;
        }
        if at < incoming.nxt as i64 {
            let known = (incoming.nxt as i64 - at) as usize;
            payload = payload.get(known..).unwrap_or_default();
            at = incoming.nxt as i64;
        }
        let at = at as u64;
        // Data end where the stream is known to end, and where the buffer ends.
        let end = incoming.fin.unwrap_or(u64::MAX).min(incoming.read + incoming.limit);
        payload = &payload[..payload.len().min(end.saturating_sub(at) as usize)];
        self.ack_now = true;
        if !payload.is_empty() {
            incoming.ring.write((at - incoming.read) as usize, payload);
            let end = at + payload.len() as u64;
            if at > incoming.nxt {
                incoming.beyond.insert(at, end);
                incoming.last_beyond = at;
            } else {
                incoming.nxt = end;
                if !incoming.beyond.is_empty() {
                    incoming.nxt = incoming.beyond.around(end).map_or(end, |(_, end)| end);
                    incoming.beyond.remove_below(incoming.nxt);
                }
            }
        }
        // A FIN before what has come already would take it back.
        let plausible = fin_at >= incoming.nxt as i64 && incoming.beyond.iter().all(|(_, end)| end as i64 <= fin_at);
        if fin && incoming.fin.is_none() && plausible {
            incoming.fin = Some(fin_at as u64);
        }
        if incoming.fin == Some(incoming.nxt) {
            incoming.nxt += 1;
            match self.state {
                State::Established => self.state = State::CloseWait,
                State::FinWait1 => self.state = State::Closing,
                State::FinWait2 => self.enter_time_wait(now),
                _ => {}
            }
        }
    }

    /// Acknowledges an unacceptable segment, though seldom if it carried nothing.
    fn challenge(&mut self, now: Time, carried: bool) {
        if carried || now >= self.next_challenge {
            self.ack_now = true;
            if !carried {
                self.next_challenge = now + CHALLENGE_INTERVAL;
            }
        }
    }
}
