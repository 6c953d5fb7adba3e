//! Two connections and a wire of 10 ms between them, without a host around them.

use core::net::SocketAddr;
use std::collections::VecDeque;

use packet::wire::tcp::{Flags, Packet, Repr};
use sim_core::{Duration, Tag, Time};

use crate::tcp::connection::Connection;
use crate::tcp::ranges::MAX_RUNS;
use crate::tcp::{End, Ends, State};

/// A segment on its way: when it arrives, whether at `b`, its bytes.
type InFlight = (Time, bool, Vec<u8>);

struct Pair {
    now: Time,
    a: Connection,
    b: Option<Connection>,
    wire: VecDeque<InFlight>,
    /// Segments with data that `a` sent.
    sent: usize,
    lost: fn(usize) -> bool,
    buffer: u64,
    sack: bool,
}

fn ends() -> Ends {
    let address = |n, port| SocketAddr::from(([10, 0, 0, n], port));
    Ends { local: address(1, 1000), remote: address(2, 80) }
}

impl Pair {
    fn new(buffer: u64, sack: bool, lost: fn(usize) -> bool) -> Self {
        let mut a = Connection::new(ends(), u32::MAX - 5000, 1460, 1 << 20, Tag::NONE);
        a.incoming.sack = sack;
        let wire = VecDeque::new();
        let mut pair = Self { now: Time::ZERO, a, b: None, wire, sent: 0, lost, buffer, sack };
        pair.flush();
        pair
    }

    fn flush(&mut self) {
        let arrival = self.now + Duration::from_millis(10);
        let Self { a, b, wire, sent, lost, now, .. } = self;
        let mut send = |to_b: bool, connection: &Connection, segment: &crate::tcp::Outgoing<'_>| {
            let mut bytes = Vec::new();
            segment.write(&connection.ends, |size, write| {
                bytes.resize(size, 0);
                write(&mut bytes);
            });
            *sent += usize::from(to_b && segment.size > 0);
            if !(to_b && segment.size > 0 && lost(*sent)) {
                wire.push_back((arrival, to_b, bytes));
            }
        };
        a.transmit(*now, &mut |connection, segment| send(true, connection, segment));
        if let Some(b) = b {
            b.transmit(*now, &mut |connection, segment| send(false, connection, segment));
        }
    }

    /// Goes on to the next arrival or timer; false if there is none before `until`.
    fn step(&mut self, until: Time) -> bool {
        let timers = self.a.next_wake().min(self.b.as_ref().map_or(Time::NEVER, Connection::next_wake));
        let next = timers.min(self.wire.front().map_or(Time::NEVER, |(at, ..)| *at));
        if next > until {
            return false;
        }
        self.now = next;
        while let Some((_, to_b, bytes)) = self.wire.pop_front_if(|(at, ..)| *at <= next) {
            let repr = Repr::parse(&Packet::new_checked(&bytes[..]).expect("a segment that was sent"));
            match (to_b, &mut self.b) {
                (false, _) => drop(self.a.segment(next, &repr)),
                (true, Some(b)) => drop(b.segment(next, &repr)),
                (true, None) => {
                    let Ends { local, remote } = ends();
                    let ends = Ends { local: remote, remote: local };
                    let mut b = Connection::new(ends, 7, 1460, self.buffer, Tag::NONE);
                    b.incoming.sack = self.sack;
                    b.accept(&repr);
                    self.b = Some(b);
                }
            }
        }
        self.a.wake(next);
        if let Some(b) = &mut self.b {
            b.wake(next);
        }
        self.flush();
        true
    }

    fn run(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while self.step(until) {}
        self.now = until;
    }

    fn read(&mut self) -> Vec<u8> {
        let b = self.b.as_mut().expect("the SYN has come");
        let mut out = vec![0; b.readable()];
        b.read(&mut out);
        self.flush();
        out
    }
}

fn data(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n / 7) as u8).collect()
}

#[test]
fn without_selective_acknowledgements_what_is_lost_is_sent_again_one_segment_after_the_other() {
    // Three of one window.
    let mut pair = Pair::new(1 << 20, false, |n| [12, 15, 17].contains(&n));
    pair.run(1);
    let bytes = data(60_000);
    assert_eq!(pair.a.write(&bytes), 60_000);
    pair.flush();
    pair.run(10);
    assert_eq!(pair.read(), bytes);
    let counters = pair.a.counters();
    assert_eq!((counters.retransmits, counters.timeouts), (3, 0));
}

#[test]
fn with_selective_acknowledgements_nothing_is_sent_again_that_arrived() {
    let mut pair = Pair::new(1 << 20, true, |n| [12, 15, 18].contains(&n));
    pair.run(1);
    let bytes = data(100_000);
    assert_eq!(pair.a.write(&bytes), 94_736, "two windows and 64 KiB");
    pair.flush();
    pair.run(10);
    assert_eq!(pair.read(), bytes[..94_736]);
    let counters = pair.a.counters();
    assert_eq!((counters.retransmits, counters.timeouts), (3, 0));
}

#[test]
fn a_lost_last_segment_is_repeated_by_the_timer() {
    let mut pair = Pair::new(1 << 20, true, |n| n == 1);
    pair.run(1);
    pair.a.write(b"only");
    pair.flush();
    pair.run(1);
    assert_eq!(pair.read(), b"only");
    assert_eq!(pair.a.counters().timeouts, 1);
}

#[test]
fn a_window_that_was_shut_opens_again() {
    let mut pair = Pair::new(8192, true, |_| false);
    pair.run(1);
    let bytes = data(50_000);
    pair.a.write(&bytes);
    pair.flush();
    pair.run(30);
    let mut found = Vec::new();
    assert_eq!(pair.b.as_ref().map(Connection::readable), Some(8192), "the buffer's size and no more");
    for _ in 0..20 {
        found.extend(pair.read());
        pair.run(10);
    }
    assert_eq!(found, bytes);
}

#[test]
fn a_path_that_takes_less_gets_shorter_segments() {
    let mut pair = Pair::new(1 << 20, true, |n| n < 5);
    pair.run(1);
    let bytes = data(5840);
    pair.a.write(&bytes);
    pair.flush();
    pair.a.shorten(1300);
    pair.flush();
    pair.run(5);
    assert_eq!(pair.read(), bytes);
    assert_eq!(pair.a.counters().segment_size, 1260);
}

#[test]
fn both_sides_close_in_turn() {
    let mut pair = Pair::new(1 << 20, true, |_| false);
    pair.run(1);
    pair.a.write(b"bye");
    pair.a.close();
    pair.flush();
    pair.run(1);
    let b = pair.b.as_mut().expect("there");
    assert_eq!((pair.a.state(), b.state(), b.is_read_out()), (State::FinWait2, State::CloseWait, false));
    assert_eq!(pair.read(), b"bye");
    let b = pair.b.as_mut().expect("there");
    assert!(b.is_read_out());
    b.close();
    pair.flush();
    pair.run(1);
    assert_eq!(pair.a.state(), State::TimeWait);
    assert_eq!(pair.b.as_ref().and_then(Connection::end), Some(End::Finished));
    pair.run(60);
    assert_eq!(pair.a.state(), State::Closed);
}

#[test]
fn without_selective_acknowledgements_a_short_last_segment_is_repeated_as_it_was() {
    // The tenth segment has 100 bytes.
    let mut pair = Pair::new(1 << 20, false, |n| [3, 10].contains(&n));
    pair.run(1);
    let bytes = data(9 * 1460 + 100);
    pair.a.write(&bytes);
    pair.a.close();
    pair.flush();
    pair.run(20);
    assert!(pair.read() == bytes, "what was written comes out, and nothing else");
    assert_eq!(pair.a.state(), State::FinWait2);
}

#[test]
fn a_shorter_path_changes_nothing_for_a_connection_that_has_nothing_on_its_way() {
    for sack in [false, true] {
        let mut pair = Pair::new(1 << 20, sack, |_| false);
        pair.run(1);
        pair.a.shorten(1300);
        pair.flush();
        let bytes = data(5000);
        pair.a.write(&bytes);
        pair.flush();
        pair.run(1);
        assert_eq!(pair.read(), bytes);
        assert_eq!(pair.a.counters().retransmits, 0, "selective acknowledgements: {sack}");
    }
}

#[test]
fn what_is_written_after_closing_goes_nowhere() {
    let mut pair = Pair::new(1 << 20, true, |_| false);
    pair.run(1);
    pair.a.close();
    pair.flush();
    pair.run(1);
    assert_eq!(pair.a.state(), State::FinWait2);
    assert_eq!(pair.a.write(b"late"), 0);
}

/// A connection that answered a SYN with offset 0 at 100, and what it sends.
fn half_open() -> Connection {
    let mut b = Connection::new(ends(), 7, 1460, 1 << 20, Tag::NONE);
    b.accept(&segment(100, 0, Flags::SYN, &[]));
    b
}

fn segment(seq: u32, ack: u32, flags: Flags, payload: &[u8]) -> Repr<'_> {
    Repr { src_port: 80, dst_port: 1000, seq, ack, flags, window: 65535, urgent: 0, options: &[], payload }
}

/// What leaves: flags, sequence number, bytes of data.
fn leaving(connection: &mut Connection) -> Vec<(Flags, u32, usize)> {
    let mut out = Vec::new();
    connection.transmit(Time::ZERO, &mut |connection, segment| {
        segment.write(&connection.ends, |size, write| write(&mut vec![0; size]));
        out.push((segment.flags, segment.seq, segment.size));
    });
    out
}

#[test]
fn closed_before_it_is_open_it_closes_once_it_is() {
    let mut b = half_open();
    leaving(&mut b);
    b.close();
    assert_eq!((b.state(), leaving(&mut b)), (State::SynReceived, vec![]));
    b.wake(Time::from_secs(1));
    assert_eq!(leaving(&mut b), [(Flags::SYN | Flags::ACK, 7, 0)], "its answer is repeated as it was");
    b.segment(Time::ZERO, &segment(101, 8, Flags::ACK, &[]));
    assert_eq!(b.state(), State::FinWait1);
    assert_eq!(leaving(&mut b), [(Flags::FIN | Flags::ACK, 8, 0)]);
}

#[test]
fn an_acknowledgement_counts_though_the_answer_to_the_syn_is_about_to_be_repeated() {
    let mut b = half_open();
    leaving(&mut b);
    b.segment(Time::ZERO, &segment(100, 0, Flags::SYN, &[]));
    b.segment(Time::ZERO, &segment(101, 8, Flags::ACK, b"data"));
    assert_eq!((b.state(), b.readable()), (State::Established, 4));
    assert_eq!(leaving(&mut b), [(Flags::ACK, 8, 0)]);
    let mut a = Connection::new(ends(), 7, 1460, 1 << 20, Tag::NONE);
    leaving(&mut a);
    a.wake(Time::from_secs(1));
    a.segment(Time::from_secs(1), &segment(100, 8, Flags::SYN | Flags::ACK, &[]));
    assert_eq!((a.state(), leaving(&mut a)), (State::Established, vec![(Flags::ACK, 8, 0)]));
}

#[test]
fn gaps_are_bounded_and_the_stream_goes_on_whatever_came_behind_it() {
    let mut b = half_open();
    leaving(&mut b);
    b.segment(Time::ZERO, &segment(101, 8, Flags::ACK, &[]));
    for n in 0..2 * MAX_RUNS as u32 {
        b.segment(Time::ZERO, &segment(103 + 2 * n, 8, Flags::ACK, b"x"));
        leaving(&mut b);
    }
    assert_eq!(b.incoming.beyond.iter().count(), MAX_RUNS);
    // What fills the gaps takes in what was kept, and what wasn't comes again.
    let all = data(4 * MAX_RUNS);
    for (n, part) in all.chunks(1000).enumerate() {
        b.segment(Time::ZERO, &segment(101 + 1000 * n as u32, 8, Flags::ACK, part));
        leaving(&mut b);
    }
    assert_eq!(b.readable(), all.len());
    assert!(b.incoming.beyond.is_empty());
}

#[test]
fn what_is_outside_the_window_is_not_taken() {
    let mut b = half_open();
    leaving(&mut b);
    b.segment(Time::ZERO, &segment(101, 8, Flags::ACK, &[]));
    for (start, what) in [(101 + 70_000, "beyond it"), (90, "before it")] {
        b.segment(Time::ZERO, &segment(start, 8, Flags::ACK | Flags::FIN, b"x"));
        assert_eq!(leaving(&mut b), [(Flags::ACK, 8, 0)], "{what}: it is told where the window is");
        assert_eq!((b.state(), b.readable()), (State::Established, 0), "{what}");
    }
    b.segment(Time::ZERO, &segment(101, 8, Flags::ACK | Flags::FIN, b"x"));
    assert_eq!((b.state(), b.readable()), (State::CloseWait, 1));
}

#[test]
fn each_timeout_in_a_row_takes_twice_as_long_as_the_one_before() {
    let mut b = half_open();
    leaving(&mut b);
    let mut timeouts = Vec::new();
    let mut now = Time::ZERO;
    while b.state() != State::Closed {
        timeouts.push(b.next_wake().since(now).as_secs_f64() as u64);
        now = b.next_wake();
        b.wake(now);
        b.transmit(now, &mut |_, _| {});
    }
    assert_eq!(timeouts, [1, 2, 4, 8, 16, 32, 60]);
    assert_eq!(b.end(), Some(End::TimedOut));
}

#[test]
fn a_loss_halves_the_window_and_what_was_sent_again_is_not_timed() {
    for sack in [false, true] {
        let mut pair = Pair::new(1 << 20, sack, |n| n == 30);
        pair.run(1);
        pair.a.write(&data(90_000));
        pair.flush();
        let mut most = 0;
        while pair.step(Time::from_secs(10)) {
            most = most.max(pair.a.counters().congestion_window);
        }
        let counters = pair.a.counters();
        assert_eq!((counters.timeouts, counters.retransmits), (0, 1));
        let left = counters.congestion_window;
        assert!(left <= most / 2 + 3 * 1460 && left >= most / 4, "{left} of {most}");
        assert_eq!(counters.round_trip, Some(Duration::from_millis(20)), "selective acknowledgements: {sack}");
    }
}
