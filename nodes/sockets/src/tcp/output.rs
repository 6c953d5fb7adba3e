//! What leaves, and when: SYN, data that is lost, new data, FIN, acknowledgements.

use packet::wire::tcp::{Flags, HEADER_SIZE, Repr};
use sim_core::Time;

use crate::tcp::connection::{Connection, End, LINGER, MAX_SYN_TIMEOUTS, MAX_TIMEOUTS, State};
use crate::tcp::options::MAX_BLOCKS;
use crate::tcp::{Ends, Options};

/// A segment that leaves.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: Flags,
    pub(crate) window: u16,
    pub(crate) options: Options,
    /// Bytes of data.
    pub(crate) size: usize,
    /// Where the data is, and how far behind the first byte that is queued.
    pub(crate) connection: Option<&'a Connection>,
    pub(crate) from: usize,
}

impl Outgoing<'_> {
    /// Calls `emit` with the number of bytes behind the IP header and what writes them there.
    pub(crate) fn write(&self, ends: &Ends, emit: impl FnOnce(usize, &mut dyn FnMut(&mut [u8]))) {
        let mut options = [0; 40];
        let options_size = self.options.emit(&mut options);
        let header_size = HEADER_SIZE + options_size;
        let size = header_size + self.size;
        let Ends { local, remote } = *ends;
        emit(size, &mut |bytes| {
            if let Some(connection) = self.connection {
                connection.outgoing.ring.read(self.from, &mut bytes[header_size..]);
            }
            let repr = Repr {
                src_port: local.port(),
                dst_port: remote.port(),
                seq: self.seq,
                ack: self.ack,
                flags: self.flags,
                window: self.window,
                urgent: 0,
                options: &options[..options_size],
                payload: &[],
            };
            let pseudo = inet::pseudo(local.ip(), remote.ip(), packet::IpProtocol::TCP, size);
            repr.emit(bytes, packet::wire::checksum::Sum::new());
            let mut segment = packet::wire::tcp::Packet::new_checked(bytes).expect("a header was written there");
            segment.fill_checksum(pseudo);
        });
    }
}

impl Connection {
    /// Lets everything leave that may.
    pub(crate) fn transmit(&mut self, now: Time, emit: &mut impl FnMut(&Self, &Outgoing<'_>)) {
        if self.reset_now {
            self.reset_now = false;
            emit(self, &self.outgoing_at(self.outgoing.nxt, Flags::RST | Flags::ACK, 0));
        }
        match self.state {
            State::Closed => return,
            State::SynSent | State::SynReceived => return self.transmit_syn(now, emit),
            _ => {}
        }
        let (una, mss) = (self.outgoing.una, self.outgoing.recovery.mss);
        let mut pipe = self.outgoing.recovery.pipe(una, self.outgoing.nxt);
        while let Some((start, end)) = self.outgoing.recovery.lost(una, self.outgoing.nxt) {
            let size = (end - start).min(mss);
            if !self.outgoing.recovery.allows_again(pipe, size) {
                break;
            }
            self.transmit_data(start, size, emit);
            self.outgoing.recovery.resent(start + size);
            self.outgoing.rtt.retransmitted();
            pipe += size;
        }
        if self.outgoing.recovery.lost(una, self.outgoing.nxt).is_none() {
            self.transmit_new(now, pipe, emit);
        }
        if self.ack_now {
            self.ack_now = false;
            let nxt = self.outgoing.nxt;
            self.incoming.tell_window();
            let mut segment = self.outgoing_at(nxt, Flags::ACK, 0);
            self.tell_blocks(&mut segment.options);
            emit(self, &segment);
        }
        if self.state == State::FinWait2 && self.orphan && self.timer == Time::NEVER {
            self.timer = now + LINGER;
        }
        let owed = self.outgoing.nxt > una || self.outgoing.written > self.outgoing.nxt;
        if self.state < State::FinWait2 || matches!(self.state, State::CloseWait | State::Closing | State::LastAck) {
            match (owed, self.timer) {
                (true, Time::NEVER) => self.timer = now + self.outgoing.rtt.timeout(),
                (false, _) => self.timer = Time::NEVER,
                _ => {}
            }
        }
    }

    /// Sends new data, and the FIN behind the last, as the windows allow.
    fn transmit_new(&mut self, now: Time, mut pipe: u64, emit: &mut impl FnMut(&Self, &Outgoing<'_>)) {
        let (una, mss) = (self.outgoing.una, self.outgoing.recovery.mss);
        loop {
            let outgoing = &self.outgoing;
            let queued = outgoing.written.saturating_sub(outgoing.nxt);
            let room = (una + outgoing.window).saturating_sub(outgoing.nxt);
            let size = queued.min(mss).min(room);
            let flight = outgoing.nxt - una;
            // No small segment as the window runs out, while an acknowledgement is to come (RFC 9293 section 3.8.6.2.1).
            let silly = size < queued.min(mss) && flight > 0;
            let fin = outgoing.finish && outgoing.nxt + size == outgoing.written;
            if silly || size == 0 && !fin {
                self.outgoing.recovery.limits = false;
                break;
            }
            self.outgoing.recovery.limits = !self.outgoing.recovery.allows(pipe, size);
            if self.outgoing.recovery.limits {
                break;
            }
            let size = size + u64::from(fin);
            self.transmit_data(self.outgoing.nxt, size, emit);
            self.outgoing.nxt += size;
            self.outgoing.rtt.sent(self.outgoing.nxt, now);
            pipe += size;
        }
    }

    /// The retransmission timer ran out.
    pub(crate) fn timed_out(&mut self, now: Time) {
        self.timeouts_in_row += 1;
        self.timeouts += 1;
        let syn = matches!(self.state, State::SynSent | State::SynReceived);
        if self.timeouts_in_row > if syn { MAX_SYN_TIMEOUTS } else { MAX_TIMEOUTS } {
            return self.finish(End::TimedOut);
        }
        let outgoing = &mut self.outgoing;
        outgoing.rtt.back_off();
        if syn {
            outgoing.nxt = 0;
            outgoing.recovery.retransmits += 1;
            return;
        }
        if outgoing.nxt == outgoing.una {
            // The window is shut: one byte asks whether it still is (RFC 9293 section 3.8.6.1).
            outgoing.window = outgoing.window.max(1);
            return;
        }
        let (una, nxt) = (outgoing.una, outgoing.nxt);
        outgoing.recovery.timed_out(una, nxt);
        self.timer = now + self.outgoing.rtt.timeout();
    }

    fn transmit_syn(&mut self, now: Time, emit: &mut impl FnMut(&Self, &Outgoing<'_>)) {
        if self.outgoing.nxt > 0 {
            return;
        }
        let accepting = self.state == State::SynReceived;
        let flags = if accepting { Flags::SYN | Flags::ACK } else { Flags::SYN };
        let incoming = &mut self.incoming;
        let window = incoming.limit.min(u16::MAX.into()) as u16;
        incoming.edge = incoming.nxt + u64::from(window);
        // A SYN's answer offers only what the SYN did.
        let scaled = !accepting || self.incoming.scale > 0 || self.outgoing.scale > 0;
        let options = Options {
            mss: Some(self.incoming.mss as u16),
            window_scale: scaled.then_some(self.incoming.scale),
            sack_permitted: self.incoming.sack,
            ..Options::default()
        };
        let segment = Outgoing { options, window, ..self.outgoing_at(0, flags, 0) };
        let segment = Outgoing { ack: if accepting { segment.ack } else { 0 }, ..segment };
        emit(self, &segment);
        self.outgoing.nxt = 1;
        match self.timeouts_in_row {
            0 => self.outgoing.rtt.sent(1, now),
            _ => self.outgoing.rtt.retransmitted(),
        }
        self.timer = now + self.outgoing.rtt.timeout();
        self.ack_now = false;
    }

    /// Sends the offsets from `start` on, `size` of them, the FIN among them if it is there.
    fn transmit_data(&mut self, start: u64, size: u64, emit: &mut impl FnMut(&Self, &Outgoing<'_>)) {
        self.incoming.tell_window();
        let written = self.outgoing.written;
        let fin = self.outgoing.finish && start + size > written;
        let bytes = size - u64::from(fin);
        let mut flags = Flags::ACK;
        if fin {
            flags = flags | Flags::FIN;
        }
        if bytes > 0 && start + bytes == written {
            flags = flags | Flags::PSH;
        }
        emit(self, &self.outgoing_at(start, flags, bytes as usize));
        // What is owed went with it, unless blocks are to be told.
        self.ack_now &= !self.incoming.beyond.is_empty();
    }

    /// A segment with `size` bytes of data from offset `start` on.
    fn outgoing_at(&self, start: u64, flags: Flags, size: usize) -> Outgoing<'_> {
        let (outgoing, incoming) = (&self.outgoing, &self.incoming);
        Outgoing {
            seq: outgoing.first_seq.wrapping_add(start as u32),
            ack: incoming.first_seq.wrapping_add(incoming.nxt as u32),
            flags,
            window: (incoming.edge.saturating_sub(incoming.nxt) >> incoming.scale).min(u16::MAX.into()) as u16,
            options: Options::default(),
            size,
            connection: (size > 0).then_some(self),
            from: start.saturating_sub(outgoing.una.max(1)) as usize,
        }
    }

    /// The runs behind a gap: that of the last segment first, then from the front (RFC 2018 section 4).
    fn tell_blocks(&self, options: &mut Options) {
        let incoming = &self.incoming;
        if incoming.beyond.is_empty() || !incoming.sack {
            return;
        }
        let seq = |offset: u64| incoming.first_seq.wrapping_add(offset as u32);
        let newest = incoming.beyond.around(incoming.last_beyond);
        if let Some((start, end)) = newest {
            options.push(seq(start), seq(end));
        }
        for (start, end) in incoming.beyond.iter().filter(|run| Some(*run) != newest).take(MAX_BLOCKS - 1) {
            options.push(seq(start), seq(end));
        }
    }
}

impl crate::tcp::connection::Receiving {
    /// Moves the window's edge to where the buffer allows; it never moves back.
    fn tell_window(&mut self) {
        let room = (self.read + self.limit).saturating_sub(self.nxt);
        let told = (room >> self.scale).min(u16::MAX.into()) << self.scale;
        self.edge = self.edge.max(self.nxt + told);
    }
}
