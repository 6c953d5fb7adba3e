//! TCP and UDP between hosts: attempts, servers, pages, and what the wire may do to them.

mod lab;

use host::{AttemptOutcome, AttemptRequest, HttpRequest, Protocol, Service, TransferConfig, TransferState};
use lab::{Lab, P0, host, mac};
use packet::IpProtocol;
use packet::wire::tcp::{Flags, Repr};
use packet::wire::{checksum, ipv4};
use proptest::prelude::*;
use sim_core::{Duration, LinkConfig, LinkIx, NodeIx, Probability, Tag};

const SECOND: u64 = 1_000_000_000;

fn pair(seed: u64, config: &LinkConfig) -> (Lab, NodeIx, NodeIx) {
    let mut lab = Lab::with_seed(seed);
    let a = lab.host(host(1, &["10.0.0.1/24", "2001:db8::1/64"]));
    let b = lab.host(host(2, &["10.0.0.2/24", "2001:db8::2/64"]));
    lab.link_with((a, 0), (b, 0), config);
    (lab, a, b)
}

fn attempt(lab: &mut Lab, from: NodeIx, protocol: Protocol, to: &str, port: u16) -> AttemptOutcome {
    let to = to.parse().expect("an address");
    let request = AttemptRequest { to, port, protocol, timeout: Duration::from_secs(5), tag: Tag(9) };
    let id = lab.act(from, |host, cx| host.attempt(cx, &request));
    lab.run(lab.engine.now().as_nanos() + 6 * SECOND);
    lab.at(from).attempt_outcome(id).expect("not forgotten")
}

#[test]
fn an_attempt_tells_open_closed_silent_and_absent_apart() {
    let (mut lab, a, b) = pair(1, &LinkConfig::default());
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        lab.act(b, |host, _| host.serve(protocol, 7, Service::Echo).expect("free"));
        for to in ["10.0.0.2", "2001:db8::2"] {
            let found = attempt(&mut lab, a, protocol, to, 7);
            // ARP or ND and one round trip, or the round trip alone.
            let AttemptOutcome::Answered { after } = found else { panic!("{protocol} {to}: {found:?}") };
            assert!(
                after >= Duration::from_micros(20) && after < Duration::from_micros(50),
                "{protocol} {to}: {after}"
            );
            assert_eq!(attempt(&mut lab, a, protocol, to, 8), AttemptOutcome::Refused, "{protocol} {to}");
        }
        assert_eq!(attempt(&mut lab, a, protocol, "10.0.0.9", 7), AttemptOutcome::Unreachable);
        assert_eq!(attempt(&mut lab, a, protocol, "192.0.2.1", 7), AttemptOutcome::NoRoute);
    }
    assert!(lab.notices.iter().all(|(node, tag)| (*node, *tag) == (a, Tag(9))));
    assert_eq!(lab.notices.len(), 12);
    let dark = lab.engine.link_config(LinkIx(0).backward()).clone();
    lab.engine.configure(LinkIx(0).backward(), sim_core::DirectionConfig { loss: Probability::ONE, ..dark });
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        assert_eq!(attempt(&mut lab, a, protocol, "10.0.0.2", 7), AttemptOutcome::Timeout);
    }
    assert!(lab.engine.watch().arrivals.iter().all(|arrival| arrival.tag == Tag(9)), "all frames are the attempts'");
}

#[test]
fn a_host_reaches_its_own_ports() {
    let (mut lab, a, _) = pair(1, &LinkConfig::default());
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        lab.act(a, |host, _| host.serve(protocol, 7, Service::Echo).expect("free"));
        for to in ["10.0.0.1", "127.0.0.1", "2001:db8::1", "::1"] {
            let found = attempt(&mut lab, a, protocol, to, 7);
            assert!(matches!(found, AttemptOutcome::Answered { .. }), "{protocol} {to}: {found:?}");
            assert_eq!(attempt(&mut lab, a, protocol, to, 8), AttemptOutcome::Refused, "{protocol} {to}");
        }
    }
    assert!(lab.engine.watch().arrivals.is_empty(), "nothing of it is seen on a wire");
}

#[test]
fn a_port_that_is_closed_refuses_again() {
    let (mut lab, a, b) = pair(1, &LinkConfig::default());
    lab.act(b, |host, _| host.serve(Protocol::Tcp, 80, Service::Http).expect("free"));
    assert!(lab.act(b, |host, _| host.serve(Protocol::Tcp, 80, Service::Echo)).is_err());
    assert!(lab.at(b).listens(Protocol::Tcp, 80));
    assert!(lab.act(b, |host, cx| host.stop_serving(cx, Protocol::Tcp, 80)));
    assert!(!lab.act(b, |host, cx| host.stop_serving(cx, Protocol::Tcp, 80)));
    assert_eq!(attempt(&mut lab, a, Protocol::Tcp, "10.0.0.2", 80), AttemptOutcome::Refused);
}

#[test]
fn a_page_names_its_host() {
    let (mut lab, a, b) = pair(1, &LinkConfig::default());
    lab.act(b, |host, _| host.serve(Protocol::Tcp, 80, Service::Http).expect("free"));
    let mut get = |path: &str, head: bool| {
        let request = HttpRequest {
            to: "10.0.0.2:80".parse().expect("an address"),
            host: "h2".into(),
            path: path.into(),
            head,
            timeout: Duration::from_secs(5),
            tag: Tag(3),
        };
        let id = lab.act(a, |host, cx| host.http_get(cx, request));
        lab.run(lab.engine.now().as_nanos() + SECOND);
        lab.at(a).http_status(id).expect("not forgotten").clone()
    };
    let page = get("/", false);
    assert_eq!((page.status, page.status_line.as_str()), (200, "HTTP/1.1 200 OK"), "{page:?}");
    let body = String::from_utf8(page.body).expect("text");
    assert!(body.contains("<title>h2</title>"), "{body}");
    let length = page.headers.iter().find(|(name, _)| name == "Content-Length").map(|(_, value)| value.clone());
    assert_eq!(length, Some(body.len().to_string()));
    assert_eq!(get("/nothing", false).status, 404);
    let head = get("/", true);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

fn impaired(loss: f64, reorder: f64, duplicate: f64, corrupt: f64) -> LinkConfig {
    let mut config = LinkConfig::default();
    for direction in [&mut config.forward, &mut config.backward] {
        direction.delay = Duration::from_millis(2);
        direction.jitter = Duration::from_millis(1);
        direction.rate = 100_000_000;
        let p = |p| Probability::new(p).expect("a probability");
        (direction.loss, direction.reorder) = (p(loss), p(reorder));
        (direction.duplicate, direction.corrupt) = (p(duplicate), p(corrupt));
    }
    config
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn bytes_arrive_once_and_in_order_whatever_the_link_does(
        seed in any::<u64>(),
        loss in 0.0..0.15,
        reorder in 0.0..0.3,
        duplicate in 0.0..0.3,
        corrupt in 0.0..0.1,
        size in 1usize..60_000,
        queue in 3u32..200,
    ) {
        let mut config = impaired(loss, reorder, duplicate, corrupt);
        config.forward.queue = sim_core::QueueLimit::Frames(queue);
        let (mut lab, a, b) = pair(seed, &LinkConfig::default());
        // The two know each other's MAC address: ARP gives up after three requests, TCP doesn't.
        prop_assert_eq!(attempt(&mut lab, a, Protocol::Tcp, "10.0.0.2", 7), AttemptOutcome::Refused);
        lab.engine.configure(LinkIx(0).forward(), config.forward);
        lab.engine.configure(LinkIx(0).backward(), config.backward);
        // Words of their own number: a byte twice, missing or out of place shows.
        let text: String = (0..size / 6).map(|n| format!("{n:05} ")).collect();
        lab.act(b, |host, _| host.serve(Protocol::Tcp, 7, Service::Print).expect("free"));
        let words = ["nc", "10.0.0.2", "7", text.as_str()];
        let reply = lab.act(a, |host, cx| host.command(cx, &words, Tag(1)));
        let host::Reply::Running(id) = reply else { panic!("{reply:?}") };
        lab.run(600 * SECOND);
        prop_assert_eq!(lab.at(b).server_log(), &(text + "\n"));
        prop_assert_eq!(lab.act(a, |host, _| host.session_output(id)), Some(String::new()));
        // TIME-WAIT and all timers are over.
        lab.run(3000 * SECOND);
        prop_assert_eq!(lab.engine.next_event(), sim_core::Time::NEVER);
    }
}

#[test]
fn what_is_echoed_is_what_was_sent_also_where_both_ways_are_bad() {
    let (mut lab, a, b) = pair(5, &impaired(0.05, 0.1, 0.1, 0.05));
    lab.act(b, |host, _| host.serve(Protocol::Tcp, 7, Service::Echo).expect("free"));
    let text: String = (0..20_000).map(|n| format!("{n:05} ")).collect();
    let reply = lab.act(a, |host, cx| host.command(cx, &["nc", "2001:db8::2", "7", &text], Tag(1)));
    let host::Reply::Running(id) = reply else { panic!("{reply:?}") };
    lab.run(600 * SECOND);
    assert_eq!(lab.act(a, |host, _| host.session_output(id)), Some(text + "\n"));
}

/// A TCP segment in an Ethernet frame from 10.0.0.`from` to 10.0.0.2.
fn segment(from: u8, repr: &Repr<'_>) -> Vec<u8> {
    let (src, dst) = ([10, 0, 0, from].into(), [10, 0, 0, 2].into());
    let size = repr.buffer_len();
    let mut bytes = vec![0; 34 + size];
    bytes[..6].copy_from_slice(&mac(2).0);
    bytes[6..12].copy_from_slice(&mac(1).0);
    bytes[12..14].copy_from_slice(&[8, 0]);
    let header = ipv4::Repr {
        src,
        dst,
        protocol: IpProtocol::TCP,
        ttl: 64,
        tos: 0,
        ident: 1,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: size,
    };
    header.emit(&mut bytes[14..]);
    repr.emit(&mut bytes[34..], checksum::pseudo_v4(src, dst, IpProtocol::TCP, size));
    bytes
}

#[test]
fn a_flood_of_syns_fills_the_backlog_and_no_more() {
    let (mut lab, a, b) = pair(1, &LinkConfig::default());
    lab.act(b, |host, _| host.serve(Protocol::Tcp, 80, Service::Http).expect("free"));
    for n in 0..10_000u32 {
        let repr = Repr {
            src_port: 1024 + n as u16,
            dst_port: 80,
            seq: n,
            ack: 0,
            flags: Flags::SYN,
            window: 1000,
            urgent: 0,
            options: &[],
            payload: &[],
        };
        let bytes = segment(1, &repr);
        // The sender doesn't know of them, so that it would reset them: its answers are kept away.
        let dark = lab.engine.link_config(LinkIx(0).backward()).clone();
        lab.engine.configure(LinkIx(0).backward(), sim_core::DirectionConfig { loss: Probability::ONE, ..dark });
        lab.act(a, |host, cx| host.send_raw(cx, P0, &bytes, Tag::NONE));
        lab.run(lab.engine.now().as_nanos() + 10_000);
    }
    lab.run(lab.engine.now().as_nanos() + SECOND / 10);
    let dropped = lab.engine.node_drops(b).total(None, Some(sim_core::DropReason::NoBuffer));
    assert_eq!(dropped, 10_000 - 128);
    let reply = lab.act(b, |host, cx| host.command(cx, &["show", "sockets"], Tag::NONE));
    let host::Reply::Done(text) = reply else { panic!("{reply:?}") };
    assert!(text.contains("LISTEN (http), 9872 SYNs dropped"), "{text}");
    assert_eq!(text.matches("SYN_RECV").count(), 128);
    // The half-open ones are given up after a minute or two, and the port serves again.
    lab.run(200 * SECOND);
    let bright = lab.engine.link_config(LinkIx(0).backward()).clone();
    lab.engine.configure(LinkIx(0).backward(), sim_core::DirectionConfig { loss: Probability::ZERO, ..bright });
    assert!(matches!(attempt(&mut lab, a, Protocol::Tcp, "10.0.0.2", 80), AttemptOutcome::Answered { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_segment_makes_a_host_panic(
        segments in prop::collection::vec(
            (0u8..4, any::<u16>(), -3i64..70_000, -3i64..4, any::<u16>(), prop::collection::vec(any::<u8>(), 0..=10),
             prop::collection::vec(any::<u8>(), 0..40)),
            1..30,
        ),
    ) {
        let (mut lab, a, b) = pair(1, &LinkConfig::default());
        for (port, service) in [(7, Service::Echo), (19, Service::Chargen), (80, Service::Http), (5001, Service::Iperf)] {
            lab.act(b, |host, _| host.serve(Protocol::Tcp, port, service).expect("free"));
        }
        // The peer's first sequence number, as far as its answers have told.
        let mut theirs = [0u32; 4];
        for (port, flags, seq, ack, window, options, payload) in segments {
            let dst_port = [7, 19, 80, 5001][usize::from(port)];
            let options: Vec<u8> = options.chunks_exact(4).flatten().copied().collect();
            let repr = Repr {
                src_port: 4000,
                dst_port,
                seq: 1000u32.wrapping_add(seq as u32),
                ack: theirs[usize::from(port)].wrapping_add(ack as u32),
                flags: Flags(flags & 0x1f),
                window,
                urgent: 0,
                options: &options,
                payload: &payload,
            };
            let bytes = segment(1, &repr);
            lab.act(a, |host, cx| host.send_raw(cx, P0, &bytes, Tag::NONE));
            // Long enough for an answer, short of the reset by the sender that doesn't know of it.
            lab.run(lab.engine.now().as_nanos() + 25_000);
            let answers = &lab.engine.watch().arrivals;
            let last = answers.iter().rev().find(|arrival| arrival.to == a && arrival.bytes.len() >= 54);
            if let Some(last) = last.filter(|last| last.bytes[12..14] == [8, 0] && last.bytes[23] == 6) {
                theirs[usize::from(port)] = u32::from_be_bytes([38, 39, 40, 41].map(|at| last.bytes[at]));
            }
        }
        lab.run(lab.engine.now().as_nanos() + SECOND);
    }

    #[test]
    fn no_bytes_at_an_open_port_make_a_host_panic(
        segments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..10),
    ) {
        let (mut lab, a, b) = pair(1, &LinkConfig::default());
        lab.act(b, |host, _| host.serve(Protocol::Udp, 5001, Service::Iperf).expect("free"));
        lab.act(b, |host, _| host.serve(Protocol::Tcp, 80, Service::Http).expect("free"));
        for payload in segments {
            let text = String::from_utf8_lossy(&payload);
            for line in [["nc", "-w1", "10.0.0.2", "80", &*text].as_slice(), &["nc", "-u", "10.0.0.2", "5001", &*text]] {
                lab.act(a, |host, cx| host.command(cx, line, Tag(1)));
            }
            lab.run(lab.engine.now().as_nanos() + SECOND);
        }
    }
}

#[test]
fn two_runs_send_the_same_frames() {
    let run = || {
        let (mut lab, a, b) = pair(42, &impaired(0.02, 0.05, 0.05, 0.02));
        lab.act(b, |host, _| host.serve(Protocol::Tcp, 5001, Service::Iperf).expect("free"));
        let config = TransferConfig {
            duration: Duration::from_secs(1),
            streams: 3,
            ..TransferConfig::new([10, 0, 0, 2].into(), Protocol::Tcp, Tag(1))
        };
        let id = lab.act(a, |host, cx| host.start_transfer(cx, config));
        lab.run(100 * SECOND);
        assert_eq!(lab.at(a).transfer(id, lab.engine.now()).map(|report| report.state), Some(TransferState::Done));
        let arrivals = lab.engine.watch().arrivals.iter();
        arrivals.map(|arrival| (arrival.at, arrival.bytes.clone())).collect::<Vec<_>>()
    };
    let first = run();
    assert!(first.len() > 1000);
    assert!(first == run());
}

#[test]
fn a_transfer_that_is_forgotten_resets_its_connection_and_stops() {
    let (mut lab, a, b) = pair(1, &impaired(0.0, 0.0, 0.0, 0.0));
    lab.act(b, |host, _| host.serve(Protocol::Tcp, 5001, Service::Iperf).expect("free"));
    let id = lab
        .act(a, |host, cx| host.start_transfer(cx, TransferConfig::new([10, 0, 0, 2].into(), Protocol::Tcp, Tag(1))));
    lab.run(SECOND);
    lab.act(a, |host, cx| host.forget_task(cx, id));
    lab.run(2 * SECOND);
    assert_eq!(lab.at(a).transfer(id, lab.engine.now()), None);
    assert_eq!(lab.engine.next_event(), sim_core::Time::NEVER);
}
