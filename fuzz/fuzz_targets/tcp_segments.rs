//! Segments of any header and data, near what was last said and far from it: at a host with services that people type at,
//! and at [`Sockets`] whose user does anything at any time. Nothing panics, what is due is ahead, sockets are bounded, every
//! frame that came is for somebody, and what is read is not more than was sent.
#![no_main]

use core::net::{IpAddr, SocketAddr};
use host::{Host, HostConfig, InterfaceConfig, Protocol, Service};
use inet::{Event, NeighborKey, Segment, Stack, Upper};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use packet::wire::tcp::{Flags, Packet, Repr};
use packet::wire::{checksum, ipv4};
use packet::{IpProtocol, MacAddr};
use sim_core::{Batch, Carrier, Cx, Duration, Node, Outbox, Pool, PortIx, Seed, Stream, Tag, Time};
use sockets::{ConnectOptions, SocketId, Sockets};

#[derive(Arbitrary, Debug)]
struct Wire {
    /// Which of a few peers' ports, and which port it goes to.
    ends: u8,
    /// Distance from what the peer is expected to say next.
    seq: i16,
    /// Distance from what it is expected to acknowledge.
    ack: i16,
    /// Whether the distances count in large steps.
    far: bool,
    flags: u8,
    window: u16,
    options: [u8; 12],
    size: u16,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Segment(Wire),
    Pass(u16),
    PassLong(u8),
    Connect(u8),
    Write(u8, u16),
    Read(u8, u16),
    Close(u8),
    Abort(u8),
    Release(u8),
    Listen(u8, u16),
    CloseListener(u8),
    Transmit,
    Error(u8, u16),
}

const OWN: [u8; 4] = [10, 0, 0, 1];
const PEER: [u8; 4] = [10, 0, 0, 2];
const OWN_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const PEER_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const P0: PortIx = PortIx(0);

/// What the peers know of their conversations: by their port and the other's, what they say next and what they have heard.
#[derive(Default)]
struct Peers(std::collections::BTreeMap<(u16, u16), (u32, u32)>);

impl Peers {
    fn hears(&mut self, frame: &[u8]) {
        let Ok(packet) = ipv4::Packet::new_checked(frame.get(14..).unwrap_or_default()) else { return };
        if packet.protocol() != IpProtocol::TCP {
            return;
        }
        let segment = Packet::new_checked(packet.payload()).expect("what is sent is a segment");
        let repr = Repr::parse(&segment);
        let length = repr.payload.len() as u32
            + u32::from(repr.flags.contains(Flags::SYN))
            + u32::from(repr.flags.contains(Flags::FIN));
        let known = self.0.entry((repr.dst_port, repr.src_port)).or_default();
        *known = (if repr.flags.contains(Flags::ACK) { repr.ack } else { known.0 }, repr.seq.wrapping_add(length));
    }

    fn says(&self, wire: &Wire) -> Vec<u8> {
        let (src, dst) = match wire.ends & 8 {
            0 => (5000 + u16::from(wire.ends & 3), 7 + u16::from(wire.ends >> 4 & 3)),
            // One that this side opened.
            _ => self.0.keys().nth(usize::from(wire.ends >> 4)).copied().unwrap_or((80, 50_000)),
        };
        let (seq, ack) = self.0.get(&(src, dst)).copied().unwrap_or_default();
        let step = if wire.far { 70_000 } else { 1 };
        let distance = |by: i16| i32::from(by).wrapping_mul(step) as u32;
        let payload = vec![0x5a; usize::from(wire.size % 1500)];
        let mut options = [1; 12];
        if wire.flags & 0x40 != 0 {
            options = wire.options;
        }
        if wire.flags & 0x80 != 0 {
            // A block of what is on its way.
            options[..4].copy_from_slice(&[1, 1, 5, 10]);
            let from = ack.wrapping_sub(u32::from(wire.options[4]) * 16);
            options[4..8].copy_from_slice(&from.to_be_bytes());
            options[8..].copy_from_slice(&from.wrapping_add(u32::from(wire.options[5]) * 8).to_be_bytes());
        }
        let repr = Repr {
            src_port: src,
            dst_port: dst,
            seq: seq.wrapping_add(distance(wire.seq)),
            ack: ack.wrapping_add(distance(wire.ack)),
            flags: Flags(u16::from(wire.flags & 0x3f)),
            window: wire.window,
            urgent: 0,
            options: &options,
            payload: &payload,
        };
        let mut bytes = vec![0; repr.buffer_len()];
        repr.emit(&mut bytes, checksum::pseudo_v4(PEER.into(), OWN.into(), IpProtocol::TCP, repr.buffer_len()));
        bytes
    }
}

struct Nobody;

impl Upper for Nobody {
    fn event(&mut self, _: &mut Cx<'_>, _: Event<'_>) {}
}

struct World {
    now: Time,
    pool: Pool,
    rng: Stream,
    out: Outbox,
    peers: Peers,
}

impl World {
    fn new() -> Self {
        Self {
            now: Time::ZERO,
            pool: Pool::new(),
            rng: Seed(1).stream("fuzz"),
            out: Outbox::default(),
            peers: Peers::default(),
        }
    }

    fn act<R>(&mut self, f: impl FnOnce(&mut Cx<'_>) -> R) -> R {
        let result = f(&mut Cx { now: self.now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out });
        for (_, frame) in self.out.take_frames() {
            self.peers.hears(&frame);
        }
        self.out.take_drops().for_each(drop);
        assert_eq!(self.out.take_notices().count() / 1000, 0);
        result
    }

    fn until(&self, step: &Step) -> Time {
        match step {
            Step::Pass(span) => self.now + Duration::from_millis((*span).into()),
            Step::PassLong(span) => self.now + Duration::from_secs((*span).into()),
            _ => self.now,
        }
    }
}

fn config() -> InterfaceConfig {
    let mut config = InterfaceConfig::new("eth0", P0, OWN_MAC);
    config.addresses.push("10.0.0.1/24".parse().expect("an address"));
    config
}

fn neighbor() -> NeighborKey {
    NeighborKey { interface: inet::IfIx(0), address: PEER.into() }
}

fn at_host(steps: &[Step]) {
    let mut world = World::new();
    let config = HostConfig { name: "h1".to_owned(), interfaces: vec![config()], routes: Vec::new() };
    let mut host = Host::new(config).expect("a good configuration");
    world.act(|cx| {
        host.carrier(cx, P0, Carrier::Up);
        let (stack, upper) = host.stack_mut();
        stack.set_neighbor(cx, neighbor(), PEER_MAC, upper).expect("a station");
    });
    let services = [Service::Echo, Service::Http, Service::Chargen, Service::Iperf];
    for (port, service) in (7..).zip(services) {
        host.serve(Protocol::Tcp, port, service).expect("a free port");
    }
    for step in steps {
        let until = world.until(step);
        match step {
            Step::Segment(wire) => {
                let segment = world.peers.says(wire);
                let header = ipv4::Repr {
                    src: PEER.into(),
                    dst: OWN.into(),
                    protocol: IpProtocol::TCP,
                    ttl: 64,
                    tos: 0,
                    ident: 0,
                    dont_fragment: true,
                    more_fragments: false,
                    fragment_offset: 0,
                    payload_len: segment.len(),
                };
                let mut bytes = [&OWN_MAC.0[..], &PEER_MAC.0, &[8, 0], &[0; 20], &segment].concat();
                header.emit(&mut bytes[14..]);
                let mut batch = Batch::new();
                batch.push(world.pool.copied(&bytes));
                world.act(|cx| host.frames(cx, P0, &mut batch));
            }
            Step::Connect(n) => {
                let line = format!("nc 10.0.0.2 {}", 80 + n % 4);
                let words: Vec<&str> = line.split(' ').collect();
                world.act(|cx| drop(host.command(cx, &words, Tag::NONE)));
            }
            _ => {}
        }
        let mut wakes = 0;
        while host.next_wake() <= until {
            world.now = world.now.max(host.next_wake());
            world.act(|cx| host.wake(cx));
            wakes += 1;
            assert!(wakes < 100_000, "it never rests");
        }
        world.now = until;
    }
    drop(host);
    assert_eq!(world.pool.live(), 0);
}

fn at_sockets(steps: &[Step]) {
    let mut world = World::new();
    let mut stack = Stack::new(vec![config()], Vec::new()).expect("a good configuration");
    let mut sockets = Sockets::default();
    world.act(|cx| {
        stack.carrier(cx, P0, Carrier::Up, &mut Nobody);
        stack.set_neighbor(cx, neighbor(), PEER_MAC, &mut Nobody).expect("a station");
    });
    let mut sent = 0;
    for step in steps {
        let until = world.until(step);
        let id = |n: u8| {
            let count = sockets.connections().count().max(1);
            sockets.connections().nth(usize::from(n) % count).map_or(SocketId(0), |(id, _)| id)
        };
        match step {
            Step::Segment(wire) => {
                let bytes = world.peers.says(wire);
                sent += u64::from(wire.size);
                let [from, to] = [PEER, OWN].map(IpAddr::from);
                let segment = Segment { from, to, mtu: 1500, bytes: &bytes, unsummed: false, tag: Tag::NONE };
                let _ = world.act(|cx| sockets.segment(cx, &segment));
            }
            Step::Connect(n) => {
                let to = SocketAddr::from((PEER, 80 + u16::from(n % 2)));
                let port = (n & 4 != 0).then_some(6000 + u16::from(n >> 6));
                let options = ConnectOptions { port, buffer: 1 << (12 + n % 8), tag: Tag::NONE };
                let _ = world.act(|cx| sockets.connect(cx, &stack, to, options));
            }
            Step::Write(n, size) => drop(sockets.write(id(*n), &vec![7; usize::from(*size)])),
            Step::Read(n, size) => drop(sockets.read(id(*n), &mut vec![0; usize::from(*size)])),
            Step::Close(n) => sockets.close(id(*n)),
            Step::Abort(n) => sockets.abort(id(*n)),
            Step::Release(n) => sockets.release(id(*n)),
            Step::Listen(n, buffer) => drop(sockets.listen(7 + u16::from(n % 4), u32::from(*buffer))),
            Step::CloseListener(n) => sockets.close_listener(7 + u16::from(n % 4)),
            Step::Error(n, mtu) => {
                let error = match n & 3 {
                    0 => inet::IcmpError::TooBig(u32::from(*mtu) as _),
                    1 => inet::IcmpError::PortUnreachable,
                    _ => inet::IcmpError::HostUnreachable,
                };
                if let Some(connection) = sockets.get(id(n >> 2)) {
                    let (local, remote) = (connection.local(), connection.remote());
                    let flow = inet::Flow::Ports { src: local.port(), dst: remote.port() };
                    let protocol = IpProtocol::TCP;
                    sockets.error(error, &inet::Quoted { src: local.ip(), dst: remote.ip(), protocol, flow });
                }
            }
            Step::Transmit => world.act(|cx| sockets.transmit(cx, &mut stack, &mut Nobody)),
            Step::Pass(_) | Step::PassLong(_) => {
                world.act(|cx| sockets.transmit(cx, &mut stack, &mut Nobody));
                let mut wakes = 0;
                while sockets.next_wake() <= until {
                    world.now = world.now.max(sockets.next_wake());
                    world.act(|cx| {
                        sockets.wake(cx.now);
                        sockets.transmit(cx, &mut stack, &mut Nobody);
                    });
                    wakes += 1;
                    assert!(wakes < 100_000, "it never rests");
                }
                while sockets.next_accepted().is_some() || sockets.next_changed().is_some() {}
                assert!(!sockets.has_work());
            }
        }
        world.now = until;
        let received: u64 = sockets.connections().map(|(_, connection)| connection.counters().received).sum();
        assert!(received <= sent, "{received} bytes of {sent}");
        for (port, listener) in sockets.listeners() {
            assert!(listener.half_open <= sockets.connections().count(), "port {port}");
        }
    }
    drop((stack, sockets));
    assert_eq!(world.pool.live(), 0);
}

libfuzzer_sys::fuzz_target!(|steps: Vec<Step>| {
    at_host(&steps);
    at_sockets(&steps);
});
