//! Two hosts that ping: over ARP, over ND, in VLANs, in fragments, and nobody there.

mod lab;

use host::{HostConfig, Outcome, PingError, PingRequest};
use inet::IcmpError;
use lab::{Lab, P0, host, mac, nic, sub, with_gateway};
use sim_core::{Duration, NodeIx, Tag, Time};

const SECOND: u64 = 1_000_000_000;

fn pair(a: HostConfig, b: HostConfig) -> (Lab, NodeIx, NodeIx) {
    let mut lab = Lab::new();
    let (a, b) = (lab.host(a), lab.host(b));
    lab.link((a, 0), (b, 0));
    (lab, a, b)
}

fn v4_pair() -> (Lab, NodeIx, NodeIx) {
    pair(host(1, &["10.0.0.1/24"]), host(2, &["10.0.0.2/24"]))
}

fn request(to: &str) -> PingRequest {
    PingRequest::new(to.parse().expect("an address"), Tag(7))
}

fn reply(rtt: u64) -> Outcome {
    Outcome::Reply { rtt: Duration::from_nanos(rtt), ttl: 64 }
}

#[test]
fn a_first_ping_takes_arp_and_echo_to_the_nanosecond() {
    let (mut lab, a, b) = v4_pair();
    let ping = lab.ping(a, request("10.0.0.2").with_count(2));
    lab.run(3 * SECOND);
    // 10 Gbit/s are 0.8 ns a byte: 34 ns for the 42 bytes of ARP, 79 ns for the 98 of an echo.
    let (arp, echo) = (10_034, 10_079);
    assert_eq!(lab.outcomes(a, ping), [reply(2 * arp + 2 * echo), reply(2 * echo)]);
    assert_eq!(
        lab.arrivals(b)[..2],
        [
            (arp, "Request who-has 10.0.0.2 tell 10.0.0.1".into()),
            (2 * arp + echo, "ICMP echo request, id 3274, seq 1, length 64".into()),
        ]
    );
    assert_eq!(
        lab.arrivals(a)[..2],
        [
            (2 * arp, "Reply 10.0.0.2 is-at 02:00:00:00:00:02".into()),
            (2 * arp + 2 * echo, "ICMP echo reply, id 3274, seq 1, length 64".into()),
        ]
    );
    assert_eq!((lab.arrivals(a).len(), lab.arrivals(b).len()), (3, 3));
    assert_eq!(lab.engine.pool().live(), 0);
}

#[test]
fn a_first_ping_over_ipv6_takes_neighbour_discovery() {
    let (mut lab, a, b) = pair(host(1, &["2001:db8::1/64"]), host(2, &["2001:db8::2/64"]));
    let ping = lab.ping(a, request("2001:db8::2"));
    lab.run(SECOND);
    // 86 bytes of solicitation and advertisement, 118 of echo.
    assert_eq!(lab.outcomes(a, ping), [reply(2 * 10_069 + 2 * 10_095)]);
    let texts: Vec<_> = lab.arrivals(b).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts[0], "ICMP6, neighbor solicitation, who has 2001:db8::2, length 32");
    assert_eq!(texts[1], "ICMP6, echo request, id 3274, seq 1, length 64");
    assert_eq!(lab.engine.watch().arrivals[0].bytes[..6], [0x33, 0x33, 0xff, 0, 0, 2]);
}

#[test]
fn link_local_addresses_are_there_and_answer() {
    let (mut lab, a, _) = pair(host(1, &["2001:db8::1/64"]), host(2, &["2001:db8::2/64"]));
    let ping = lab.ping(a, request("fe80::ff:fe00:2"));
    lab.run(SECOND);
    assert!(matches!(lab.outcomes(a, ping)[..], [Outcome::Reply { .. }]));
    let (mut lab, a, _) = v4_pair();
    let refused = lab.act(a, |host, cx| host.ping(cx, request("fe80::ff:fe00:2")));
    assert_eq!(refused, Err(PingError::NoRoute("fe80::ff:fe00:2".parse().expect("an address"))));
}

#[test]
fn all_frames_of_a_ping_and_of_its_answers_carry_its_tag() {
    let (mut lab, a, _) = v4_pair();
    lab.ping(a, request("10.0.0.2"));
    lab.run(2 * SECOND);
    let notices = &lab.notices;
    assert_eq!(lab.engine.watch().arrivals.len(), 4);
    assert!(lab.engine.watch().arrivals.iter().all(|arrival| arrival.tag == Tag(7)));
    assert_eq!(*notices, [(a, Tag(7))]);
}

#[test]
fn nobody_there_is_asked_for_thrice_a_second_apart_and_then_unreachable() {
    let (mut lab, a, b) = v4_pair();
    let patient = PingRequest { timeout: Duration::from_secs(10), ..request("10.0.0.9") };
    let ping = lab.ping(a, patient);
    lab.run(20 * SECOND);
    let asked: Vec<_> = lab.arrivals(b).into_iter().map(|(at, _)| at).collect();
    assert_eq!(asked, [10_034, SECOND + 10_034, 2 * SECOND + 10_034]);
    assert_eq!(lab.outcomes(a, ping), [Outcome::NoNeighbor("10.0.0.9".parse().expect("an address"))]);
    let drops: Vec<_> = lab.engine.watch().drops.iter().map(|(at, reason, _)| (*at, reason.name())).collect();
    assert_eq!(drops, [(3 * SECOND, "no_neighbor")]);
    assert_eq!(lab.at(b).interfaces()[0].counters().rx_filtered, 0);
}

#[test]
fn many_pings_to_one_host_ask_for_it_once_and_the_last_three_wait() {
    let (mut lab, a, b) = v4_pair();
    let pings: Vec<_> = (0..5).map(|_| lab.ping(a, request("10.0.0.2"))).collect();
    lab.run(SECOND / 2);
    let requests = lab.arrivals(b).iter().filter(|(_, text)| text.starts_with("Request")).count();
    assert_eq!(requests, 1);
    let unreachable = Outcome::NoNeighbor("10.0.0.2".parse().expect("an address"));
    for (i, ping) in pings.into_iter().enumerate() {
        match lab.outcomes(a, ping)[..] {
            [outcome] if i < 2 => assert_eq!(outcome, unreachable, "displaced by later ones"),
            [Outcome::Reply { .. }] => {}
            ref other => panic!("ping {i}: {other:?}"),
        }
    }
}

#[test]
fn a_ping_times_out_and_a_late_reply_changes_nothing() {
    let (mut lab, a, _) = v4_pair();
    let ping = lab.ping(a, PingRequest { timeout: Duration::from_nanos(1000), ..request("10.0.0.2").with_count(2) });
    lab.run(1000);
    assert_eq!(lab.outcomes(a, ping), [Outcome::Timeout]);
    lab.run(2 * SECOND);
    let status = lab.at(a).ping_status(ping).expect("not forgotten");
    assert!(status.finished && status.received == 0 && status.sent == 2);
    lab.act(a, |host, _| host.forget_ping(ping));
    assert_eq!(lab.at(a).ping_status(ping), None);
}

#[test]
fn a_forgotten_ping_sends_nothing_more() {
    let (mut lab, a, b) = v4_pair();
    let ping = lab.ping(a, request("10.0.0.2").with_count(100));
    lab.run(SECOND + SECOND / 2);
    lab.act(a, |host, _| host.forget_ping(ping));
    let before = lab.arrivals(b).len();
    lab.run(10 * SECOND);
    assert_eq!((before, lab.arrivals(b).len()), (3, 3));
    assert_eq!(lab.engine.next_event(), Time::NEVER);
}

#[test]
fn long_requests_and_replies_travel_in_fragments() {
    let (mut lab, a, b) = v4_pair();
    let ping = lab.ping(a, request("10.0.0.2").with_size(4000));
    lab.run(SECOND);
    assert!(matches!(lab.outcomes(a, ping)[..], [Outcome::Reply { .. }]));
    let texts: Vec<_> = lab.arrivals(b).into_iter().skip(1).map(|(_, text)| text).collect();
    assert_eq!(texts, ["fragment 0+1480", "fragment 1480+1480", "fragment 2960+1048"]);
    let longest = lab.engine.watch().arrivals.iter().map(|arrival| arrival.bytes.len()).max();
    assert_eq!(longest, Some(1514));
    assert_eq!(lab.at(a).stack().reassembly_failures(), 0);
}

#[test]
fn the_longest_pings_of_both_families_come_back() {
    let (mut lab, a, _) =
        pair(host(1, &["10.0.0.1/24", "2001:db8::1/64"]), host(2, &["10.0.0.2/24", "2001:db8::2/64"]));
    let four = lab.ping(a, request("10.0.0.2").with_size(65507));
    let six = lab.ping(a, request("2001:db8::2").with_size(65527));
    lab.run(SECOND);
    for ping in [four, six] {
        assert!(matches!(lab.outcomes(a, ping)[..], [Outcome::Reply { .. }]), "{:?}", lab.outcomes(a, ping));
    }
    let refused = lab.act(a, |host, cx| host.ping(cx, request("10.0.0.2").with_size(65508)));
    assert_eq!(refused, Err(PingError::TooLong { size: 65508, max: 65507 }));
    assert_eq!(lab.engine.pool().live(), 0);
}

#[test]
fn what_must_not_be_fragmented_is_told_to_be_too_big() {
    let (mut lab, a, b) = v4_pair();
    let ping = lab.ping(a, PingRequest { dont_fragment: true, ..request("10.0.0.2").with_size(1473) });
    assert_eq!(lab.outcomes(a, ping), [Outcome::TooBig { mtu: 1500 }]);
    let ping = lab.ping(a, PingRequest { dont_fragment: true, ..request("10.0.0.2").with_size(1472) });
    lab.run(SECOND);
    assert!(matches!(lab.outcomes(a, ping)[..], [Outcome::Reply { .. }]));
    assert_eq!(lab.arrivals(b).len(), 2);
}

#[test]
fn own_addresses_answer_without_a_wire() {
    let (mut lab, a, b) = v4_pair();
    for own in ["10.0.0.1", "127.0.0.1"] {
        let ping = lab.ping(a, request(own));
        assert_eq!(lab.outcomes(a, ping), [reply(0)]);
    }
    lab.run(SECOND);
    assert_eq!(lab.arrivals(b), []);
}

#[test]
fn vlan_sub_interfaces_speak_tagged_and_hear_their_vlan_only() {
    let with = |n: u8, vlans: &[(u16, &str)]| HostConfig {
        name: format!("h{n}"),
        interfaces: vlans.iter().map(|(vlan, address)| sub(n, *vlan, &[*address])).collect(),
        routes: Vec::new(),
    };
    let a = with(1, &[(10, "10.0.10.1/24"), (20, "10.0.20.1/24")]);
    let (mut lab, a, b) = pair(a, with(2, &[(10, "10.0.10.2/24"), (30, "10.0.20.2/24")]));
    let same = lab.ping(a, request("10.0.10.2"));
    let other = lab.ping(a, request("10.0.20.2"));
    lab.run(5 * SECOND);
    assert!(matches!(lab.outcomes(a, same)[..], [Outcome::Reply { .. }]));
    assert_eq!(lab.outcomes(a, other), [Outcome::Timeout]);
    assert!(lab.arrivals(b).iter().all(|(_, text)| text.starts_with("vlan 10:") || text.starts_with("vlan 20:")));
    let nic = lab.at(b).interfaces().last().expect("the NIC of the sub-interfaces");
    assert_eq!((nic.name(), nic.counters().rx_filtered), ("eth0", 3), "ARP in VLAN 20");
    assert_eq!(lab.at(a).interfaces()[0].counters().rx_frames, 2);
}

#[test]
fn a_priority_tag_is_no_vlan() {
    let (mut lab, a, b) = v4_pair();
    let mut frame = vec![0xff; 6];
    frame.extend(mac(1).0);
    frame.extend([0x81, 0, 0xe0, 0, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac(1).0);
    frame.extend([10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
    lab.act(a, |host, cx| host.send_raw(cx, P0, &frame, Tag(3)));
    lab.run(SECOND);
    assert_eq!(lab.arrivals(a)[0].1, "Reply 10.0.0.2 is-at 02:00:00:00:00:02");
    assert_eq!(lab.at(b).interfaces()[0].counters().rx_frames, 1);
}

#[test]
fn the_nic_filters_what_is_for_others_and_drops_nothing() {
    let (mut lab, a, b) = pair(host(1, &["10.0.0.1/24"]), host(2, &["2001:db8::2/64"]));
    let to = |dst: [u8; 6], rest: &[u8]| [&dst[..], &mac(1).0, rest].concat();
    let payload = [0x88, 0xb5, 1, 2, 3];
    let frames = [
        to(mac(9).0, &payload),
        to([0x33, 0x33, 0xff, 0, 0, 3], &payload),
        to([1, 0x80, 0xc2, 0, 0, 0], &payload),
        to(mac(2).0, &[0x81, 0, 0, 5, 0x88, 0xb5]),
        to(mac(2).0, &[0x88, 0xa8, 0, 0, 0x88, 0xb5]),
    ];
    for frame in &frames {
        lab.act(a, |host, cx| host.send_raw(cx, P0, frame, Tag(3)));
    }
    lab.run(SECOND);
    assert_eq!(lab.at(b).interfaces()[0].counters().rx_filtered, 5);
    assert_eq!(lab.engine.node_drops(b).total(None, None), 0);
    assert_eq!(lab.at(b).interfaces()[0].counters().rx_frames, 0);
    // Its own address, the broadcast address and its groups pass.
    for dst in [mac(2).0, [0xff; 6], [0x33, 0x33, 0, 0, 0, 1], [0x33, 0x33, 0xff, 0, 0, 2]] {
        lab.act(a, |host, cx| host.send_raw(cx, P0, &to(dst, &payload), Tag(3)));
    }
    lab.run(2 * SECOND);
    assert_eq!(lab.at(b).interfaces()[0].counters().rx_frames, 4);
}

#[test]
fn without_a_route_nothing_leaves_and_with_a_gateway_it_goes_there() {
    let (mut lab, a, b) = v4_pair();
    let far = "192.168.1.1".parse().expect("an address");
    assert_eq!(lab.act(a, |host, cx| host.ping(cx, request("192.168.1.1"))), Err(PingError::NoRoute(far)));
    lab.run(SECOND);
    assert!(lab.arrivals(b).is_empty());
    let (mut lab, a, b) = pair(with_gateway(host(1, &["10.0.0.1/24"]), "10.0.0.2"), host(2, &["10.0.0.2/24"]));
    lab.ping(a, request("192.168.1.1"));
    lab.run(SECOND);
    let texts: Vec<_> = lab.arrivals(b).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        ["Request who-has 10.0.0.2 tell 10.0.0.1", "ICMP echo request, id 3274, seq 1, length 64"],
        "a host forwards nothing"
    );
    assert_eq!(
        lab.engine.node_drops(b).iter().map(|(_, reason, n)| (reason.name(), n)).collect::<Vec<_>>(),
        [("no_route", 1)]
    );
}

#[test]
fn a_request_without_a_way_back_is_dropped_by_who_got_it() {
    let (mut lab, a, b) = pair(
        HostConfig { interfaces: vec![nic(1, &["10.0.0.1/8"])], ..host(1, &[]) },
        HostConfig { interfaces: vec![nic(2, &["10.5.0.2/24"])], ..host(2, &[]) },
    );
    let ping = lab.ping(a, request("10.5.0.2"));
    lab.run(2 * SECOND);
    assert_eq!(lab.outcomes(a, ping), [Outcome::Timeout]);
    let drops: Vec<_> = lab.engine.node_drops(b).iter().map(|(_, reason, n)| (reason.name(), n)).collect();
    assert_eq!(drops, [("no_route", 1)]);
}

#[test]
fn an_icmp_error_ends_the_request_that_it_quotes() {
    let (mut lab, a, b) = pair(with_gateway(host(1, &["10.0.0.1/24"]), "10.0.0.2"), host(2, &["10.0.0.2/24"]));
    let ping = lab.ping(a, request("192.168.1.1"));
    lab.run(SECOND / 2);
    // The gateway, played by hand, quotes what it got.
    let got = lab.engine.watch().arrivals.last().expect("the request").bytes[14..].to_vec();
    let message = packet::wire::icmpv4::Repr::Unreachable { code: 1, mtu: 0, quoted: &got };
    let header = packet::wire::ipv4::Repr {
        src: [10, 0, 0, 2].into(),
        dst: [10, 0, 0, 1].into(),
        protocol: packet::IpProtocol::ICMP,
        ttl: 64,
        tos: 0,
        ident: 1,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: message.buffer_len(),
    };
    let mut frame = [&mac(1).0[..], &mac(2).0, &[8, 0]].concat();
    frame.resize(34 + message.buffer_len(), 0);
    header.emit(&mut frame[14..]);
    message.emit(&mut frame[34..]);
    lab.act(b, |host, cx| host.send_raw(cx, P0, &frame, Tag::NONE));
    lab.run(SECOND / 2 + 100_000);
    let from = "10.0.0.2".parse().expect("an address");
    assert_eq!(lab.outcomes(a, ping), [Outcome::Error { from, error: IcmpError::HostUnreachable }]);
}

#[test]
fn a_link_that_goes_down_takes_its_neighbours_along() {
    let (mut lab, a, b) = v4_pair();
    lab.ping(a, request("10.0.0.2"));
    lab.run(SECOND);
    assert_eq!((lab.at(a).stack().neighbors().len(), lab.at(b).stack().neighbors().len()), (1, 1));
    lab.engine.set_link(sim_core::LinkIx(0), false);
    assert_eq!((lab.at(a).stack().neighbors().len(), lab.at(b).stack().neighbors().len()), (0, 0));
    assert!(!lab.at(a).interfaces()[0].is_up());
}

#[test]
fn a_neighbour_is_asked_for_again_after_300_seconds() {
    let (mut lab, a, b) = v4_pair();
    let every = Duration::from_secs(10);
    lab.ping(a, PingRequest { interval: every, ..request("10.0.0.2").with_count(60) });
    lab.run(600 * SECOND);
    let asked = |node| -> Vec<u64> {
        let arrivals = lab.arrivals(node).into_iter();
        arrivals.filter(|(_, text)| text.starts_with("Request")).map(|(at, _)| at).collect()
    };
    // b learnt from a's question, 20 us before the answer came; so it is b that asks first, before its reply at 300 s,
    // and by that a knows b again.
    assert_eq!((asked(b), asked(a)), (vec![10_034], vec![300 * SECOND + 10_079 + 10_034]));
}

#[test]
fn a_hub_gives_each_frame_to_all_others() {
    let mut lab = Lab::new();
    let hosts: Vec<_> = (1..=3).map(|n| lab.host(host(n, &[&format!("10.0.0.{n}/24")]))).collect();
    let hub = lab.hub(4);
    for (port, host) in hosts.iter().enumerate() {
        lab.link((*host, 0), (hub, port as u32));
    }
    let ping = lab.ping(hosts[0], request("10.0.0.2"));
    lab.run(SECOND);
    assert!(matches!(lab.outcomes(hosts[0], ping)[..], [Outcome::Reply { .. }]));
    let third = lab.at(hosts[2]).interfaces()[0].counters();
    assert_eq!((third.rx_frames, third.rx_filtered), (1, 3), "it hears ARP's question and filters the rest");
    let lab::Device::Hub(hub) = lab.engine.node(hub) else { panic!("a hub") };
    let counters = hub.counters(sim_core::PortIx(2)).expect("a port");
    assert_eq!((counters.rx_frames, counters.tx_frames, counters.tx_bytes), (0, 4, 42 + 42 + 98 + 98));
    assert_eq!(hub.counters(sim_core::PortIx(3)).expect("a port").tx_frames, 0);
    assert_eq!(lab.engine.node_drops(sim_core::NodeIx(3)).total(None, None), 0);
}
