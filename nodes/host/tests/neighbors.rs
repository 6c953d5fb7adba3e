//! ARP and neighbour discovery, one frame played by hand at a time.

mod lab;

use host::PingRequest;
use inet::{IfIx, NeighborKey, NeighborState};
use lab::{Lab, P0, host, mac};
use packet::wire::{arp, icmpv6, ipv6, ndisc};
use packet::{IpProtocol, MacAddr};
use sim_core::{DropReason, NodeIx, Tag, Time};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first host is the one that is tested; frames are played from the second's NIC.
fn pair() -> (Lab, NodeIx, NodeIx) {
    let mut lab = Lab::new();
    let a = lab.host(host(1, &["10.0.0.1/24", "2001:db8::1/64"]));
    let b = lab.host(host(2, &[]));
    lab.link((a, 0), (b, 0));
    (lab, a, b)
}

fn play(lab: &mut Lab, from: NodeIx, frame: &[u8]) {
    lab.act(from, |host, cx| host.send_raw(cx, P0, frame, Tag(3)));
    lab.run(lab.engine.now().as_nanos() + 100_000);
}

fn play_arp(lab: &mut Lab, b: NodeIx, operation: arp::Operation, sender: (MacAddr, [u8; 4]), target_ip: [u8; 4]) {
    let mut frame = [&[0xff; 6][..], &sender.0.0, &[8, 6]].concat();
    frame.resize(14 + arp::SIZE, 0);
    let packet = arp::Repr {
        operation,
        sender_mac: sender.0,
        sender_ip: sender.1.into(),
        target_mac: MacAddr::ZERO,
        target_ip: target_ip.into(),
    };
    packet.emit(&mut frame[14..]);
    play(lab, b, &frame);
}

fn play_ndisc(lab: &mut Lab, b: NodeIx, src: &str, dst: &str, hop_limit: u8, message: ndisc::Repr) {
    let [src, dst]: [Ipv6Addr; 2] = [src, dst].map(|text| text.parse().expect("an address"));
    let to = if dst.is_multicast() { MacAddr::ipv6_multicast(dst) } else { mac(1) };
    let mut frame = [&to.0[..], &mac(2).0, &[0x86, 0xdd]].concat();
    let payload_len = message.buffer_len();
    frame.resize(54 + payload_len, 0);
    let next_header = IpProtocol::ICMPV6;
    let header = ipv6::Repr { src, dst, next_header, hop_limit, traffic_class: 0, flow_label: 0, payload_len };
    header.emit(&mut frame[14..]);
    icmpv6::Repr::Ndisc(message).emit(&mut frame[54..], src, dst);
    play(lab, b, &frame);
}

fn known(lab: &Lab, a: NodeIx, address: impl Into<IpAddr>) -> Option<MacAddr> {
    let key = NeighborKey { interface: IfIx(0), address: address.into() };
    match lab.at(a).stack().neighbors().state(key, lab.engine.now())? {
        NeighborState::Reachable(mac, _) => Some(mac),
        other => panic!("{other:?}"),
    }
}

fn answers(lab: &Lab, b: NodeIx) -> Vec<String> {
    lab.arrivals(b).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn a_question_is_answered_and_the_asker_entered() {
    let (mut lab, a, b) = pair();
    play_arp(&mut lab, b, arp::Operation::REQUEST, (mac(2), [10, 0, 0, 2]), [10, 0, 0, 1]);
    assert_eq!(answers(&lab, b), ["Reply 10.0.0.1 is-at 02:00:00:00:00:01"]);
    assert_eq!(known(&lab, a, [10, 0, 0, 2]), Some(mac(2)));
    assert_eq!(lab.engine.watch().arrivals[1].tag, Tag(3));
}

#[test]
fn a_question_for_others_enters_nobody_but_updates_who_is_known() {
    let (mut lab, a, b) = pair();
    play_arp(&mut lab, b, arp::Operation::REQUEST, (mac(2), [10, 0, 0, 2]), [10, 0, 0, 3]);
    assert_eq!((answers(&lab, b).len(), known(&lab, a, [10, 0, 0, 2])), (0, None));
    play_arp(&mut lab, b, arp::Operation::REQUEST, (mac(2), [10, 0, 0, 2]), [10, 0, 0, 1]);
    // A gratuitous one: RFC 5227's announcement.
    play_arp(&mut lab, b, arp::Operation::REQUEST, (mac(5), [10, 0, 0, 2]), [10, 0, 0, 2]);
    assert_eq!(known(&lab, a, [10, 0, 0, 2]), Some(mac(5)));
}

#[test]
fn an_address_probe_is_answered_and_enters_nobody() {
    let (mut lab, a, b) = pair();
    play_arp(&mut lab, b, arp::Operation::REQUEST, (mac(2), [0; 4]), [10, 0, 0, 1]);
    assert_eq!(answers(&lab, b), ["Reply 10.0.0.1 is-at 02:00:00:00:00:01"]);
    assert_eq!(lab.at(a).stack().neighbors().len(), 0);
}

#[test]
fn who_claims_an_own_address_or_a_group_mac_is_not_believed() {
    let (mut lab, a, b) = pair();
    play_arp(&mut lab, b, arp::Operation::REPLY, (mac(2), [10, 0, 0, 1]), [10, 0, 0, 1]);
    assert_eq!(lab.at(a).stack().neighbors().len(), 0);
    play_arp(&mut lab, b, arp::Operation::REPLY, (MacAddr([3, 0, 0, 0, 0, 1]), [10, 0, 0, 2]), [10, 0, 0, 1]);
    assert_eq!(lab.at(a).stack().neighbors().len(), 0);
    assert_eq!(lab.engine.node_drops(a).total(None, Some(DropReason::Malformed)), 1);
}

const TARGET: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

#[test]
fn a_solicitation_is_answered_to_its_sender_who_is_entered() {
    let (mut lab, a, b) = pair();
    let solicit = ndisc::Repr::NeighborSolicit { target: TARGET, lladdr: Some(mac(2)) };
    play_ndisc(&mut lab, b, "2001:db8::2", "ff02::1:ff00:1", 255, solicit);
    assert_eq!(answers(&lab, b), ["ICMP6, neighbor advertisement, tgt is 2001:db8::1, length 32"]);
    assert_eq!(lab.engine.watch().arrivals[1].bytes[..6], mac(2).0);
    assert_eq!(known(&lab, a, "2001:db8::2".parse::<Ipv6Addr>().expect("an address")), Some(mac(2)));
}

#[test]
fn a_probe_for_duplicates_is_answered_to_all_nodes() {
    let (mut lab, a, b) = pair();
    let solicit = ndisc::Repr::NeighborSolicit { target: TARGET, lladdr: None };
    play_ndisc(&mut lab, b, "::", "ff02::1:ff00:1", 255, solicit);
    let answer = &lab.engine.watch().arrivals[1].bytes;
    assert_eq!(answer[..6], [0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!(answer[54 + 4] >> 5, 0b001, "not a router, not solicited, override");
    assert_eq!(lab.at(a).stack().neighbors().len(), 0);
}

#[test]
fn discovery_that_crossed_a_router_is_dropped() {
    let (mut lab, a, b) = pair();
    let solicit = ndisc::Repr::NeighborSolicit { target: TARGET, lladdr: Some(mac(2)) };
    play_ndisc(&mut lab, b, "2001:db8::2", "ff02::1:ff00:1", 254, solicit);
    assert_eq!(answers(&lab, b).len(), 0);
    assert_eq!(lab.engine.node_drops(a).total(None, Some(DropReason::Malformed)), 1);
}

#[test]
fn an_advertisement_replaces_an_address_only_if_it_says_override() {
    let (mut lab, a, b) = pair();
    let target: Ipv6Addr = "2001:db8::2".parse().expect("an address");
    let advert = |n: u8, override_: bool| {
        let flags = ndisc::NeighborFlags { router: false, solicited: false, override_ };
        ndisc::Repr::NeighborAdvert { flags, target, lladdr: Some(mac(n)) }
    };
    play_ndisc(&mut lab, b, "2001:db8::2", "ff02::1", 255, advert(2, true));
    assert_eq!(known(&lab, a, target), None, "nobody asked");
    lab.act(a, |host, cx| host.ping(cx, PingRequest::new(target.into(), Tag::NONE))).expect("a route");
    play_ndisc(&mut lab, b, "2001:db8::2", "ff02::1", 255, advert(2, false));
    assert_eq!(known(&lab, a, target), Some(mac(2)));
    play_ndisc(&mut lab, b, "2001:db8::2", "ff02::1", 255, advert(5, false));
    assert_eq!(known(&lab, a, target), Some(mac(2)));
    play_ndisc(&mut lab, b, "2001:db8::2", "ff02::1", 255, advert(5, true));
    assert_eq!(known(&lab, a, target), Some(mac(5)));
}

#[test]
fn pings_to_a_broadcast_address_are_not_answered() {
    let mut lab = Lab::new();
    let (a, b) = (lab.host(host(1, &["10.0.0.1/24"])), lab.host(host(2, &["10.0.0.2/24"])));
    lab.link((a, 0), (b, 0));
    let to = Ipv4Addr::new(10, 0, 0, 255).into();
    let ping = lab.ping(a, PingRequest::new(to, Tag::NONE));
    lab.run(Time::from_secs(2).as_nanos());
    assert_eq!(answers(&lab, b), ["ICMP echo request, id 3274, seq 1, length 64"]);
    assert_eq!(lab.outcomes(a, ping), [host::Outcome::Timeout]);
}
