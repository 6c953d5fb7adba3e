//! The table of a node's sockets, by itself: listeners, ends that are used again, and what bounds it.

use core::net::{IpAddr, SocketAddr};
use inet::{Event, InterfaceConfig, NeighborKey, Segment, Stack, Upper};
use packet::wire::checksum::Sum;
use packet::wire::tcp::{Flags, Packet, Repr};
use packet::wire::{ipv4, tcp};
use packet::{IpProtocol, MacAddr};
use sim_core::{Carrier, Cx, DropReason, Duration, Outbox, Pool, PortIx, Seed, Stream, Tag, Time};
use sockets::{BACKLOG, ConnectOptions, End, MAX_SOCKETS, SocketId, Sockets, State};

const OWN: [u8; 4] = [10, 0, 0, 1];
const PEER: [u8; 4] = [10, 0, 0, 2];

struct Nobody;

impl Upper for Nobody {
    fn event(&mut self, _: &mut Cx<'_>, _: Event<'_>) {}
}

struct Rig {
    now: Time,
    stack: Stack,
    sockets: Sockets,
    pool: Pool,
    rng: Stream,
    out: Outbox,
}

/// What leaves: flags, sequence number, acknowledgement.
type Sent = (Flags, u32, u32);

impl Rig {
    fn new() -> Self {
        let mut config = InterfaceConfig::new("eth0", PortIx(0), MacAddr([2, 0, 0, 0, 0, 1]));
        config.addresses.push("10.0.0.1/24".parse().expect("an address"));
        let stack = Stack::new(vec![config], Vec::new()).expect("a good configuration");
        let (pool, rng, out) = (Pool::new(), Seed(1).stream("test"), Outbox::default());
        let mut rig = Self { now: Time::ZERO, stack, sockets: Sockets::default(), pool, rng, out };
        rig.act(|_, stack, cx| {
            stack.carrier(cx, PortIx(0), Carrier::Up, &mut Nobody);
            let key = NeighborKey { interface: inet::IfIx(0), address: PEER.into() };
            stack.set_neighbor(cx, key, MacAddr([2, 0, 0, 0, 0, 2]), &mut Nobody).expect("a station");
        });
        rig
    }

    fn act<R>(&mut self, f: impl FnOnce(&mut Sockets, &mut Stack, &mut Cx<'_>) -> R) -> R {
        let mut cx = Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
        f(&mut self.sockets, &mut self.stack, &mut cx)
    }

    /// A segment from the peer's `port` to port 80.
    fn offer(&mut self, port: u16, seq: u32, ack: u32, flags: Flags) -> Result<(), DropReason> {
        self.offer_to(port, 80, seq, ack, flags)
    }

    fn offer_to(&mut self, src_port: u16, dst_port: u16, seq: u32, ack: u32, flags: Flags) -> Result<(), DropReason> {
        let repr = Repr { src_port, dst_port, seq, ack, flags, window: 65535, urgent: 0, options: &[], payload: &[] };
        let mut bytes = [0; tcp::HEADER_SIZE];
        repr.emit(&mut bytes, Sum::new());
        let [from, to] = [PEER, OWN].map(IpAddr::from);
        let segment = Segment { from, to, mtu: 1500, bytes: &bytes, unsummed: true, tag: Tag::NONE };
        self.act(|sockets, _, cx| sockets.segment(cx, &segment))
    }

    fn sent(&mut self) -> Vec<Sent> {
        self.act(|sockets, stack, cx| sockets.transmit(cx, stack, &mut Nobody));
        let frames = self.out.take_frames();
        frames
            .map(|(_, frame)| {
                let packet = ipv4::Packet::new_checked(&frame[14..]).expect("a packet");
                let segment = Packet::new_checked(packet.payload()).expect("a segment");
                let pseudo = inet::pseudo(OWN.into(), PEER.into(), IpProtocol::TCP, packet.payload().len());
                assert!(segment.verify_checksum(pseudo));
                (segment.flags(), segment.seq(), segment.ack())
            })
            .collect()
    }

    fn pass(&mut self, span: Duration) {
        self.now += span;
        let now = self.now;
        self.sockets.wake(now);
        self.sent();
    }

    /// The peer's `port` opens a connection to port 80; gives the socket and this side's next sequence number.
    fn opened(&mut self, port: u16) -> (SocketId, u32) {
        self.offer(port, 100, 0, Flags::SYN).expect("it is listened");
        let first = self.sent().last().expect("an answer").1;
        self.offer(port, 101, first.wrapping_add(1), Flags::ACK).expect("it is known");
        self.sent();
        let (_, id) = self.sockets.next_accepted().expect("it is open");
        (id, first.wrapping_add(1))
    }

    /// The same, closed by this side and then by the peer, whose last sequence number is 102.
    fn in_time_wait(&mut self, port: u16) -> (SocketId, u32) {
        let (id, next) = self.opened(port);
        self.sockets.close(id);
        self.sent();
        self.offer(port, 101, next.wrapping_add(1), Flags::FIN | Flags::ACK).expect("it is known");
        self.sent();
        while self.sockets.next_changed().is_some() {}
        assert_eq!(self.state(id), Some(State::TimeWait));
        (id, next.wrapping_add(1))
    }

    fn state(&self, id: SocketId) -> Option<State> {
        self.sockets.get(id).map(sockets::Connection::state)
    }

    fn half_open(&self) -> usize {
        self.sockets.listeners().next().expect("one listens").1.half_open
    }
}

fn listening() -> Rig {
    let mut rig = Rig::new();
    assert!(rig.sockets.listen(80, 1 << 16));
    rig
}

#[test]
fn a_port_that_is_listened_on_again_owes_nothing_of_before() {
    let mut rig = listening();
    rig.offer(5000, 100, 0, Flags::SYN).expect("it is listened");
    rig.sockets.close_listener(80);
    assert!(rig.sockets.listen(80, 1 << 16));
    rig.offer(5001, 100, 0, Flags::SYN).expect("it is listened");
    let sent = rig.sent();
    assert!(sent.iter().any(|sent| sent.0 == Flags::RST | Flags::ACK), "the old one is reset: {sent:?}");
    assert_eq!((rig.half_open(), rig.sockets.connections().count()), (1, 1));
}

#[test]
fn a_new_syn_takes_the_place_of_what_is_over_and_its_user_hears_of_the_end() {
    let mut rig = listening();
    let (id, _) = rig.in_time_wait(5000);
    rig.offer(5000, 5000, 0, Flags::SYN).expect("it is listened");
    let sent = rig.sent();
    assert!(matches!(sent[..], [(flags, _, 5001)] if flags == Flags::SYN | Flags::ACK), "{sent:?}");
    assert_eq!(rig.sockets.next_changed(), Some(id));
    let connection = rig.sockets.get(id).expect("its user has not released it");
    assert_eq!((connection.state(), connection.end()), (State::Closed, Some(End::Finished)));
    rig.sockets.release(id);
    rig.sent();
    assert_eq!(rig.state(id), None);
    assert_eq!(rig.sockets.connections().count(), 1, "the new one stays");
}

#[test]
fn an_old_syn_and_one_for_a_closed_port_leave_what_is_over_alone() {
    let mut rig = listening();
    let (id, next) = rig.in_time_wait(5000);
    rig.offer(5000, 100, 0, Flags::SYN).expect("it is known");
    assert_eq!(rig.sent(), [(Flags::ACK, next, 102)]);
    assert_eq!(rig.state(id), Some(State::TimeWait));
    rig.sockets.close_listener(80);
    rig.pass(Duration::from_secs(1));
    rig.offer(5000, 5000, 0, Flags::SYN).expect("it is known");
    assert_eq!(rig.sent(), [(Flags::ACK, next, 102)]);
    assert_eq!(rig.state(id), Some(State::TimeWait));
}

#[test]
fn a_full_table_forgets_who_has_been_over_longest_for_whoever_comes() {
    let mut rig = listening();
    let first = rig.in_time_wait(1000).0;
    rig.sockets.release(first);
    for n in 1..MAX_SOCKETS as u16 {
        let (id, _) = rig.in_time_wait(1000 + n);
        rig.sockets.release(id);
        if n == 1 {
            // What comes late makes the first wait anew: the second has been over longer.
            rig.pass(Duration::from_secs(2));
            rig.offer(1000, 101, 0, Flags::FIN | Flags::ACK).expect("it is known");
            rig.sent();
        }
    }
    assert_eq!(rig.sockets.connections().count(), MAX_SOCKETS);
    rig.offer(9000, 100, 0, Flags::SYN).expect("there is room");
    rig.sent();
    assert_eq!(rig.state(first), Some(State::TimeWait));
    let to = SocketAddr::from((PEER, 80));
    rig.act(|sockets, stack, cx| sockets.connect(cx, stack, to, ConnectOptions::default())).expect("there is room");
    assert_eq!(rig.sockets.connections().count(), MAX_SOCKETS);
}

#[test]
fn half_open_connections_are_bounded_and_given_up() {
    let mut rig = listening();
    for n in 0..BACKLOG as u16 {
        rig.offer(1000 + n, 100, 0, Flags::SYN).expect("there is room");
    }
    assert_eq!(rig.offer(9000, 100, 0, Flags::SYN), Err(DropReason::NoBuffer));
    rig.sent();
    assert_eq!(rig.half_open(), BACKLOG);
    rig.offer(1000, 101, 0, Flags::RST).expect("it is known");
    rig.sent();
    assert_eq!(rig.half_open(), BACKLOG - 1);
    while rig.sockets.next_wake() != Time::NEVER {
        let span = rig.sockets.next_wake().since(rig.now);
        rig.pass(span);
    }
    assert_eq!((rig.half_open(), rig.sockets.connections().count()), (0, 0));
    assert!(rig.now < Time::from_secs(130), "six repetitions: {}", rig.now);
}

#[test]
fn what_is_for_no_socket_is_refused_by_a_reset_that_a_reset_never_gets() {
    let mut rig = Rig::new();
    assert_eq!(rig.offer(5000, 100, 0, Flags::SYN), Err(DropReason::NoListener));
    assert_eq!(rig.sent(), [(Flags::RST | Flags::ACK, 0, 101)]);
    assert_eq!(rig.offer(5000, 100, 7, Flags::ACK), Err(DropReason::NoListener));
    assert_eq!(rig.sent(), [(Flags::RST, 7, 0)]);
    assert_eq!(rig.offer(5000, 100, 0, Flags::RST), Err(DropReason::NoListener));
    assert_eq!(rig.sent(), []);
}

#[test]
fn a_reset_ends_a_connection_at_the_expected_number_alone() {
    let mut rig = listening();
    let (id, next) = rig.opened(5000);
    // RFC 5961 section 3.2: elsewhere in the window it is asked about, outside it is nothing.
    rig.offer(5000, 102, next, Flags::RST).expect("it is known");
    assert_eq!(rig.sent(), [(Flags::ACK, next, 101)]);
    rig.offer(5000, 100_000_000, next, Flags::RST).expect("it is known");
    assert_eq!((rig.sent(), rig.state(id)), (vec![], Some(State::Established)));
    // Section 4: so is a SYN; and not more often than twice a second.
    rig.offer(5000, 101, next, Flags::SYN).expect("it is known");
    assert_eq!((rig.sent(), rig.state(id)), (vec![], Some(State::Established)));
    rig.pass(Duration::from_millis(500));
    rig.offer(5000, 101, next, Flags::SYN).expect("it is known");
    assert_eq!((rig.sent(), rig.state(id)), (vec![(Flags::ACK, next, 101)], Some(State::Established)));
    rig.offer(5000, 101, next, Flags::RST).expect("it is known");
    assert_eq!(rig.sockets.get(id).and_then(sockets::Connection::end), Some(End::Reset));
}
