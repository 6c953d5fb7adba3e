//! A transfer that is measured, as `iperf -c` makes it.
//!
//! TCP counts what the peer has acknowledged; UDP counts what the server's report says arrived. A TCP transfer ends when
//! all that was written is acknowledged, so that its rate is the goodput.

use core::net::{IpAddr, SocketAddr};

use inet::IcmpError;
use sim_core::{Duration, Tag, Time};
use sockets::{ConnectError, ConnectOptions, Counters, SocketId};

use crate::net::attempt::{AttemptOutcome, Protocol, outcome_of};
use crate::net::iperf_text::{self, Interval};
use crate::net::server::IPERF_BUFFER;
use crate::net::udp_report::{self, Count};
use crate::net::{Step, TTL};

/// The port of iperf.
pub(crate) const IPERF_PORT: u16 = 5001;
/// The most streams of a transfer.
const MAX_STREAMS: u8 = 64;
/// How often the end of a UDP stream is told until it is answered, and how long apart, as iperf 2 does.
const MAX_ENDINGS: u32 = 10;
const ENDING_INTERVAL: Duration = Duration::from_millis(250);
/// How often, and how many times, a UDP transfer looks whether its next hop is known.
const RESOLVE_INTERVAL: Duration = Duration::from_millis(1);
const MAX_TRIES: u32 = 3000;
/// How long a transfer waits for what is still to be acknowledged.
const DRAIN: Duration = Duration::from_secs(60);
/// What is written at once.
const CHUNK: usize = 64 << 10;

/// A transfer to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferConfig {
    /// Whom to.
    pub to: IpAddr,
    /// To which port; something must take the data there.
    pub port: u16,
    /// By which protocol. UDP wants [`Service::Iperf`](crate::Service::Iperf) at the other end, which reports.
    pub protocol: Protocol,
    /// Bits a second of each stream. TCP without one takes what it gets; UDP without one takes 2²⁰, as iperf 2 does.
    pub rate: Option<u64>,
    /// How long to send.
    pub duration: Duration,
    /// How much to send on each stream; counts instead of `duration`.
    pub bytes: Option<u64>,
    /// Bytes of data in each UDP datagram, at least 52.
    pub size: u16,
    /// Streams side by side, 1..=64.
    pub streams: u8,
    /// Bytes that a TCP connection queues in each direction.
    pub buffer: u32,
    /// From one line of text to the next, if there are to be any before the last.
    pub interval: Option<Duration>,
    /// Marks all frames and the notice of the end.
    pub tag: Tag,
}

impl TransferConfig {
    /// Ten seconds to iperf's port, 5001.
    pub fn new(to: IpAddr, protocol: Protocol, tag: Tag) -> Self {
        Self {
            to,
            port: IPERF_PORT,
            protocol,
            rate: None,
            duration: Duration::from_secs(10),
            bytes: None,
            size: if to.is_ipv4() { 1470 } else { 1450 },
            streams: 1,
            buffer: IPERF_BUFFER,
            interval: None,
            tag,
        }
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// Connecting or sending.
    Running,
    /// All is sent and acknowledged, or the report is there.
    Done,
    /// No connection, or it broke; for UDP, no report came.
    Failed(AttemptOutcome),
}

/// What a transfer has measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferReport {
    /// How far it is.
    pub state: TransferState,
    /// Bytes of data that arrived: acknowledged ones for TCP; for UDP as the server's report says, 0 before it came.
    pub bytes: u64,
    /// Bytes of data sent.
    pub sent: u64,
    /// From the first byte to the last acknowledgement; for UDP the time between the first and the last that arrived.
    pub elapsed: Duration,
    /// TCP segments sent again.
    pub retransmits: u64,
    /// Times that a TCP retransmission timer ran out.
    pub timeouts: u64,
    /// UDP datagrams sent.
    pub datagrams: u64,
    /// Those that did not arrive.
    pub lost: u64,
    /// Those that arrived after a later one.
    pub out_of_order: u64,
    /// Smoothed as RFC 1889 section 6.3.1 does.
    pub jitter: Duration,
}

impl TransferReport {
    /// Bits of data a second that arrived.
    pub fn goodput(&self) -> f64 {
        if self.elapsed == Duration::ZERO { 0.0 } else { self.bytes as f64 * 8.0 / self.elapsed.as_secs_f64() }
    }
}

#[derive(Debug)]
pub(crate) struct Transfer {
    config: TransferConfig,
    streams: Vec<Stream>,
    begun: Option<Time>,
    next_line: Duration,
    /// Bytes told in the lines so far.
    printed: u64,
    failed: Option<AttemptOutcome>,
    finished: bool,
    /// Whether the last line is printed.
    summed: bool,
    /// How often the next hop was looked for.
    tries: u32,
}

#[derive(Debug)]
struct Stream {
    socket: Option<SocketId>,
    port: u16,
    connected: Option<Time>,
    written: u64,
    /// What the socket counted, once it is released.
    counters: Counters,
    datagrams: u64,
    report: Option<Count>,
    endings: u32,
    next: Time,
    ended: Option<Time>,
}

impl Transfer {
    pub(crate) fn new(config: TransferConfig) -> Self {
        let streams = config.streams.clamp(1, MAX_STREAMS);
        let size = config.size.max(udp_report::MIN_SIZE as u16);
        let interval = config.interval.map(|interval| interval.max(Duration::from_millis(1)));
        let stream = |_| Stream {
            socket: None,
            port: 0,
            connected: None,
            written: 0,
            counters: Counters::default(),
            datagrams: 0,
            report: None,
            endings: 0,
            next: Time::ZERO,
            ended: None,
        };
        Self {
            config: TransferConfig { size, interval, ..config },
            streams: (0..streams).map(stream).collect(),
            begun: None,
            next_line: interval.unwrap_or(Duration::MAX),
            printed: 0,
            failed: None,
            finished: false,
            summed: false,
            tries: 0,
        }
    }

    /// What was measured so far.
    pub(crate) fn report(&self, sockets: &sockets::Sockets, now: Time) -> TransferReport {
        let mut report = TransferReport {
            state: match (self.failed, self.finished) {
                (Some(outcome), _) => TransferState::Failed(outcome),
                (None, true) => TransferState::Done,
                (None, false) => TransferState::Running,
            },
            bytes: 0,
            sent: 0,
            elapsed: Duration::ZERO,
            retransmits: 0,
            timeouts: 0,
            datagrams: 0,
            lost: 0,
            out_of_order: 0,
            jitter: Duration::ZERO,
        };
        for stream in &self.streams {
            let counters = stream.now(sockets);
            report.bytes += counters.acknowledged;
            report.sent += stream.written;
            report.retransmits += counters.retransmits;
            report.timeouts += counters.timeouts;
            report.datagrams += stream.datagrams;
            let end = stream.ended.unwrap_or(now);
            let mut elapsed = stream.connected.map_or(Duration::ZERO, |at| end.since(at));
            if let Some(count) = stream.report {
                report.bytes += count.bytes;
                // What was lost behind the last that arrived is told by no number.
                report.lost += count.lost + stream.datagrams.saturating_sub(count.datagrams);
                report.out_of_order += count.out_of_order;
                report.jitter = report.jitter.max(count.jitter);
                elapsed = count.elapsed;
            }
            report.elapsed = report.elapsed.max(elapsed);
        }
        report
    }

    pub(crate) fn step(&mut self, step: &mut Step<'_, '_>) -> bool {
        if self.finished {
            return true;
        }
        if self.begun.is_none() {
            self.begin(step);
        }
        if self.failed.is_none() {
            match self.config.protocol {
                Protocol::Tcp => self.step_tcp(step),
                Protocol::Udp => self.step_udp(step),
            }
        }
        if let (Some(outcome), false) = (self.failed, self.finished) {
            let why = match outcome {
                AttemptOutcome::Refused => "Connection refused",
                AttemptOutcome::NoRoute => "Network is unreachable",
                AttemptOutcome::Unreachable => "No route to host",
                _ => "Connection timed out",
            };
            match self.config.protocol {
                Protocol::Tcp => step.text.push_str(&format!("tcp connect failed: {why}\n")),
                Protocol::Udp => step.text.push_str(&format!("write failed: {why}\n")),
            }
            step.released.extend(self.streams.iter_mut().filter_map(|stream| stream.socket.take()));
            self.finished = true;
        }
        self.finished
    }

    fn begin(&mut self, step: &mut Step<'_, '_>) {
        let TransferConfig { to, port, protocol, buffer, size, tag, .. } = self.config;
        let now = step.cx.now;
        self.begun = Some(now);
        step.text.push_str(&iperf_text::opening(&format!("Client connecting to {to},"), protocol, port, buffer));
        if protocol == Protocol::Udp {
            let gap = self.gap(1).as_nanos() as f64 / 1e3;
            step.text.push_str(&format!("Sending {size} byte datagrams, IPG target: {gap:.2} us (kalman adjust)\n"));
        }
        step.text.push_str(iperf_text::RULE);
        for (i, stream) in self.streams.iter_mut().enumerate() {
            if protocol == Protocol::Udp {
                stream.port = step.open_port();
                stream.connected = Some(now);
                stream.next = now;
                let Some(source) = step.stack.source_to(to, None) else {
                    self.failed = Some(AttemptOutcome::NoRoute);
                    return;
                };
                let ends = (SocketAddr::new(source, stream.port), SocketAddr::new(to, port));
                step.text.push_str(&iperf_text::ends(i as u32 + 1, ends.0, ends.1, ""));
                continue;
            }
            let options = ConnectOptions { buffer, tag, port: None };
            match step.sockets.connect(step.cx, step.stack, SocketAddr::new(to, port), options) {
                Ok(socket) => {
                    stream.socket = Some(socket);
                    step.opened.push(socket);
                }
                Err(ConnectError::NoRoute(_)) => self.failed = Some(AttemptOutcome::NoRoute),
                Err(_) => self.failed = Some(AttemptOutcome::Unreachable),
            }
        }
        if protocol == Protocol::Udp {
            step.text.push_str(iperf_text::head(false));
        }
    }

    fn step_tcp(&mut self, step: &mut Step<'_, '_>) {
        let now = step.cx.now;
        let TransferConfig { duration, bytes, rate, .. } = self.config;
        let mut alarm = Time::NEVER;
        let alone = self.streams.len() == 1;
        let mut started = None;
        for (i, stream) in self.streams.iter_mut().enumerate() {
            let id = i as u32 + 1;
            let Some(socket) = stream.socket else { continue };
            let Some(connection) = step.sockets.get(socket) else { continue };
            if stream.connected.is_none() && connection.is_open() {
                stream.connected = Some(now);
                step.text.push_str(&iperf_text::connected(id, connection));
                if self.config.interval.is_some() && alone {
                    step.text.push_str(iperf_text::head(false));
                }
            }
            let (state, end) = (connection.state(), connection.end());
            if state == sockets::State::Closed && !connection.is_flushed() {
                self.failed = Some(end.map_or(AttemptOutcome::Timeout, outcome_of));
                return;
            }
            let Some(connected) = stream.connected else { continue };
            started = Some(started.map_or(connected, |before: Time| before.min(connected)));
            let elapsed = now.since(connected);
            let over = match bytes {
                Some(bytes) => stream.written >= bytes,
                None => elapsed >= duration,
            };
            if !over {
                let mut most = bytes.map_or(u64::MAX, |bytes| bytes - stream.written);
                if let Some(rate) = rate {
                    let due = (u128::from(elapsed.as_nanos()) * u128::from(rate) / 8_000_000_000) as u64;
                    most = most.min((due + 1460).saturating_sub(stream.written));
                    let next = u128::from(stream.written + 1) * 8_000_000_000 / u128::from(rate.max(1));
                    let next = Duration::from_nanos(next.min(u64::MAX.into()) as u64);
                    alarm = alarm.min((connected + next).max(now + Duration::from_micros(100)));
                }
                stream.written += write(step, socket, most);
                if bytes.is_none() {
                    alarm = alarm.min(connected + duration);
                } else if bytes.is_some_and(|bytes| stream.written >= bytes) {
                    step.sockets.close(socket);
                }
            } else if bytes.is_none() && stream.ended.is_none() {
                step.sockets.close(socket);
                alarm = alarm.min(connected + duration + DRAIN);
                if elapsed >= duration + DRAIN {
                    self.failed = Some(AttemptOutcome::Timeout);
                    return;
                }
            }
            let connection = step.sockets.get(socket).expect("looked up above");
            if (over || bytes.is_some_and(|bytes| stream.written >= bytes)) && connection.is_flushed() {
                stream.counters = connection.counters();
                stream.ended = Some(now);
                stream.socket = None;
                step.released.push(socket);
                if !alone || self.config.interval.is_none() {
                    step.text.push_str(iperf_text::head(false));
                }
                let bytes = stream.counters.acknowledged;
                let interval = Interval { from: Duration::ZERO, to: elapsed, bytes };
                if !(alone && self.config.interval.is_some()) {
                    step.text.push_str(&iperf_text::line(&id.to_string(), &interval));
                }
            }
        }
        let ended = self.streams.iter().all(|stream| stream.ended.is_some());
        if let Some(started) = started {
            self.print_lines(step, started, ended);
            if !ended {
                alarm = alarm.min(started + self.next_line);
            }
        }
        self.finished = ended;
        step.alarm = alarm;
    }

    fn step_udp(&mut self, step: &mut Step<'_, '_>) {
        let now = step.cx.now;
        let TransferConfig { to, port, duration, bytes, size, .. } = self.config;
        let begun = self.begun.unwrap_or(now);
        let to = SocketAddr::new(to, port);
        let mut data = vec![0; usize::from(size)];
        let mut alarm = Time::NEVER;
        // The first datagram has the next hop asked for; more would push each other out of the few places where they wait.
        let asked = self.streams.iter().map(|stream| stream.datagrams).max().unwrap_or(0);
        if asked == 1 && !step.stack.is_resolved(to.ip(), now) && self.tries < MAX_TRIES {
            self.tries += 1;
            self.begun = Some(now);
            step.alarm = now + RESOLVE_INTERVAL;
            return;
        }
        for i in 0..self.streams.len() {
            let count = self.streams[i].datagrams;
            let next = begun + self.gap(count);
            let stream = &mut self.streams[i];
            let over = bytes.map_or(now.since(begun) >= duration, |bytes| stream.written >= bytes);
            if !over {
                if now >= next {
                    udp_report::write_header(&mut data, stream.datagrams.min(i32::MAX as u64) as i32, now);
                    if step.send_datagram(stream.port, to, TTL, &data).is_err() {
                        self.failed = Some(AttemptOutcome::NoRoute);
                        return;
                    }
                    stream.datagrams += 1;
                    stream.written += u64::from(size);
                    let next = begun + self.gap(count + 1);
                    alarm = alarm.min(next.max(now + Duration::from_nanos(1)));
                } else {
                    alarm = alarm.min(next);
                }
                if bytes.is_none() {
                    alarm = alarm.min(begun + duration);
                }
                continue;
            }
            stream.ended.get_or_insert(now);
            if stream.report.is_some() {
                continue;
            }
            if now >= stream.next && stream.endings < MAX_ENDINGS {
                stream.endings += 1;
                stream.next = now + ENDING_INTERVAL;
                udp_report::write_header(&mut data, -(stream.datagrams.min(i32::MAX as u64) as i32), now);
                if step.send_datagram(stream.port, to, TTL, &data).is_err() {
                    self.failed = Some(AttemptOutcome::NoRoute);
                    return;
                }
            } else if now >= stream.next {
                self.failed = Some(AttemptOutcome::Timeout);
                step.text.push_str("WARNING: did not receive ack of last datagram after 10 tries.\n");
                self.finished = true;
                return;
            }
            alarm = alarm.min(stream.next);
        }
        let sent = self.streams.iter().all(|stream| stream.ended.is_some());
        self.print_lines(step, begun, sent);
        if !sent {
            alarm = alarm.min(begun + self.next_line);
        }
        if self.streams.iter().all(|stream| stream.report.is_some()) {
            for (i, stream) in self.streams.iter().enumerate() {
                let id = (i + 1).to_string();
                let count = stream.report.expect("all are there");
                let interval = Interval { from: Duration::ZERO, to: count.elapsed, bytes: count.bytes };
                let line = iperf_text::line_with_losses(&id, &interval, &count);
                step.text.push_str(&format!(
                    "[{id:>3}] Sent {} datagrams\n[{id:>3}] Server Report:\n{}{line}",
                    stream.datagrams,
                    iperf_text::head(true)
                ));
            }
            self.finished = true;
        }
        step.alarm = alarm;
    }

    /// Prints the lines whose time has come, and the last one.
    fn print_lines(&mut self, step: &mut Step<'_, '_>, started: Time, ended: bool) {
        let now = step.cx.now;
        let tcp = self.config.protocol == Protocol::Tcp;
        let done: u64 = self.streams.iter().map(|stream| stream.done(tcp, step.sockets)).sum();
        let name = if self.streams.len() > 1 { "SUM" } else { "1" };
        if let Some(interval) = self.config.interval {
            while started + self.next_line <= now && (self.printed < done || self.next_line <= self.config.duration) {
                let from = Duration::from_nanos(self.next_line.as_nanos() - interval.as_nanos());
                let line = Interval { from, to: self.next_line, bytes: done - self.printed };
                if self.config.bytes.is_some() || self.next_line <= self.config.duration {
                    step.text.push_str(&iperf_text::line(name, &line));
                }
                self.printed = done;
                self.next_line += interval;
            }
        }
        let wanted = self.config.interval.is_some() || self.streams.len() > 1 || !tcp;
        if ended && wanted && !core::mem::replace(&mut self.summed, true) {
            let end = self.streams.iter().filter_map(|stream| stream.ended).max().unwrap_or(now);
            let line = Interval { from: Duration::ZERO, to: end.since(started), bytes: done };
            step.text.push_str(&iperf_text::line(name, &line));
        }
    }

    /// When the datagram of this number leaves, counted from the start.
    fn gap(&self, number: u64) -> Duration {
        let rate = self.config.rate.unwrap_or(1 << 20).max(1);
        let nanos = u128::from(number) * u128::from(self.config.size) * 8_000_000_000 / u128::from(rate);
        Duration::from_nanos(nanos.min(u64::MAX.into()) as u64)
    }

    /// The server's report has come.
    pub(crate) fn answered(&mut self, from_port: u16, data: &[u8]) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.port == from_port)
            && stream.endings > 0
        {
            stream.report = stream.report.or(udp_report::read_answer(data));
        }
    }

    /// An ICMP error came in about a datagram.
    pub(crate) fn failed(&mut self, error: IcmpError) {
        if self.failed.is_none() {
            self.failed = match error {
                IcmpError::PortUnreachable => Some(AttemptOutcome::Refused),
                IcmpError::TooBig(_) => None,
                _ => Some(AttemptOutcome::Unreachable),
            };
        }
    }
}

impl Stream {
    fn now(&self, sockets: &sockets::Sockets) -> Counters {
        let connection = self.socket.and_then(|socket| sockets.get(socket));
        connection.map_or(self.counters, |connection| connection.counters())
    }

    /// Bytes done with: acknowledged, or sent where nothing acknowledges.
    fn done(&self, tcp: bool, sockets: &sockets::Sockets) -> u64 {
        if tcp { self.now(sockets).acknowledged } else { self.written }
    }
}

/// Writes up to `most` bytes of a pattern; gives how many found room.
fn write(step: &mut Step<'_, '_>, socket: SocketId, most: u64) -> u64 {
    static DIGITS: [u8; CHUNK] = {
        let mut digits = [0; CHUNK];
        let mut i = 0;
        while i < CHUNK {
            digits[i] = b'0' + (i % 10) as u8;
            i += 1;
        }
        digits
    };
    let mut written = 0;
    // Small pieces would cost a call for each acknowledgement.
    let room = step.sockets.get(socket).map_or(0, |connection| connection.writable());
    if (room as u64) < most.min(CHUNK as u64 / 4) {
        return 0;
    }
    while written < most {
        let size = (most - written).min(CHUNK as u64) as usize;
        let done = step.sockets.write(socket, &DIGITS[..size]);
        written += done as u64;
        if done < size {
            break;
        }
    }
    written
}
