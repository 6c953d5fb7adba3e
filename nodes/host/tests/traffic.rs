//! Traffic: sources, sinks, closed ports and the rate limit of ICMP errors.

mod lab;

use host::{SinkCounters, UdpSourceConfig};
use lab::{Lab, host};
use packet::wire::{ipv4, udp};
use sim_core::{DropReason, Duration, NodeIx, Tag, Time};

const SECOND: u64 = 1_000_000_000;

fn pair() -> (Lab, NodeIx, NodeIx) {
    let mut lab = Lab::new();
    let a = lab.host(host(1, &["10.0.0.1/24", "2001:db8::1/64"]));
    let b = lab.host(host(2, &["10.0.0.2/24", "2001:db8::2/64"]));
    lab.link((a, 0), (b, 0));
    (lab, a, b)
}

fn source(to: &str, size: u16, interval: u64, until: u64) -> UdpSourceConfig {
    UdpSourceConfig {
        to: to.parse().expect("an address"),
        port: 9,
        size,
        interval: Duration::from_nanos(interval),
        start: Time::ZERO,
        until: Time::from_nanos(until),
        tag: Tag::NONE,
    }
}

#[test]
fn a_sink_counts_what_a_source_sends_over_both_families() {
    for to in ["10.0.0.2", "2001:db8::2"] {
        let (mut lab, a, b) = pair();
        lab.act(b, |host, _| host.open_udp_sink(9));
        let id = lab.act(a, |host, cx| host.start_udp_source(cx, source(to, 64, 100_000, SECOND)));
        lab.run(2 * SECOND);
        assert_eq!(lab.at(a).udp_source(id).expect("a source").sent, 10_000);
        assert_eq!(lab.at(b).udp_sink(9), Some(SinkCounters { datagrams: 10_000, bytes: 640_000 }));
        assert_eq!(lab.engine.next_event(), Time::NEVER);
    }
}

#[test]
fn each_datagram_has_its_own_identification_and_right_checksums() {
    let (mut lab, a, b) = pair();
    lab.act(b, |host, _| host.open_udp_sink(9));
    lab.act(a, |host, cx| host.start_udp_source(cx, source("10.0.0.2", 33, 1_000_000, 70_000 * 1_000_000)));
    lab.run(71 * SECOND);
    let mut idents = Vec::new();
    for arrival in
        lab.engine.watch().arrivals.iter().filter(|arrival| arrival.to == b && arrival.bytes[12..14] == [8, 0])
    {
        let packet = ipv4::Packet::new_checked(&arrival.bytes[14..]).expect("IPv4");
        assert!(packet.verify_checksum(), "ident {}", packet.ident());
        let pseudo = packet::wire::checksum::pseudo_v4(packet.src(), packet.dst(), packet.protocol(), 41);
        assert!(udp::Packet::new_checked(packet.payload()).expect("UDP").verify_checksum(pseudo));
        idents.push(packet.ident());
    }
    // More than all identifications: each follows the one before.
    assert_eq!(idents.len(), 70_000);
    assert!(idents.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
}

#[test]
fn a_source_in_steady_state_takes_no_more_memory() {
    let (mut lab, a, b) = pair();
    lab.act(b, |host, _| host.open_udp_sink(9));
    lab.act(a, |host, cx| host.start_udp_source(cx, source("10.0.0.2", 1000, 2_000, SECOND / 20)));
    lab.run(1_000_000);
    let footprint = lab.engine.pool().footprint();
    lab.run(SECOND / 10);
    assert_eq!(lab.engine.pool().footprint(), footprint);
    assert_eq!(lab.engine.pool().live(), 0);
    // Of the 11 that came before ARP's answer at 20.068 us, three waited.
    assert_eq!(lab.at(b).udp_sink(9).expect("a sink").datagrams, 25_000 - 8);
}

#[test]
fn long_datagrams_travel_in_fragments() {
    let (mut lab, a, b) = pair();
    lab.act(b, |host, _| host.open_udp_sink(9));
    lab.act(a, |host, cx| host.start_udp_source(cx, source("10.0.0.2", 5000, 1_000_000, 10_000_000)));
    lab.run(SECOND);
    assert_eq!(lab.at(b).udp_sink(9), Some(SinkCounters { datagrams: 10, bytes: 50_000 }));
}

#[test]
fn a_closed_port_is_told_at_a_limited_rate_and_each_datagram_counted() {
    let (mut lab, a, b) = pair();
    // 10000 datagrams in 100 ms, each of them to nobody: 50 at once, then one each millisecond.
    lab.act(a, |host, cx| host.start_udp_source(cx, source("10.0.0.2", 64, 10_000, SECOND / 10)));
    lab.run(SECOND);
    let drops = lab.engine.node_drops(b).total(None, Some(DropReason::NoListener));
    assert_eq!(drops, 10_000);
    let errors: Vec<_> = lab.arrivals(a).into_iter().filter(|(_, text)| text.contains("unreachable")).collect();
    assert_eq!(errors[0].1, "ICMP 10.0.0.2 udp port 9 unreachable, length 100");
    assert!((148..=150).contains(&errors.len()), "{}", errors.len());
}

#[test]
fn a_source_without_a_route_counts_its_failures() {
    let (mut lab, a, _) = pair();
    let id = lab.act(a, |host, cx| host.start_udp_source(cx, source("192.0.2.1", 64, 100_000_000, SECOND)));
    lab.run(2 * SECOND);
    let counters = lab.at(a).udp_source(id).expect("a source");
    assert_eq!((counters.sent, counters.failed), (0, 10));
}

#[test]
fn a_source_follows_a_neighbour_to_its_new_mac_address() {
    let (mut lab, a, b) = pair();
    lab.act(b, |host, _| host.open_udp_sink(9));
    lab.act(a, |host, cx| host.start_udp_source(cx, source("10.0.0.2", 64, 1_000_000, SECOND)));
    lab.run(SECOND / 2);
    let mut claim = [0xff; 42];
    claim[6..12].copy_from_slice(&lab::mac(9).0);
    claim[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
    claim[22..28].copy_from_slice(&lab::mac(9).0);
    claim[28..32].copy_from_slice(&[10, 0, 0, 2]);
    claim[38..42].copy_from_slice(&[10, 0, 0, 1]);
    lab.act(b, |host, cx| host.send_raw(cx, lab::P0, &claim, Tag::NONE));
    lab.run(2 * SECOND);
    let counters = lab.at(b).interfaces()[0].counters();
    assert_eq!((counters.rx_frames, counters.rx_filtered), (1 + 501, 499));
}
