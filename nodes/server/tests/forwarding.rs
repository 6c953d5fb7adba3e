//! Servers as routers: hops, MTUs, what senders are told.

mod lab;

use std::net::IpAddr;

use host::{Outcome, PingRequest};
use inet::IcmpError;
use lab::{Lab, Plan};
use sim_core::{DropReason, NodeIx, Tag};

/// h1 - r1 - r2 - h2, 10.1.0.0/24, 10.9.0.0/24 and 10.2.0.0/24, and the same with fd00:N::/64.
struct Chain {
    lab: Lab,
    h1: NodeIx,
    r1: NodeIx,
    r2: NodeIx,
}

fn chain(setup1: &str, setup2: &str) -> Chain {
    let mut lab = Lab::new();
    let on = "sysctl -w net.ipv4.ip_forward=1\nsysctl -w net.ipv6.conf.all.forwarding=1\n";
    let h1 = lab.server(&Plan {
        name: "h1",
        nics: &[("eth0", &["10.1.0.1/24", "fd00:1::1/64"])],
        taps: &[],
        setup: "route add default gw 10.1.0.254\nip -6 route add default via fd00:1::254",
    });
    let h2 = lab.server(&Plan {
        name: "h2",
        nics: &[("eth0", &["10.2.0.1/24", "fd00:2::1/64"])],
        taps: &[],
        setup: "ip route add default via 10.2.0.254\nip route add fd00::/16 via fd00:2::254",
    });
    let nics: &[(&str, &[&str])] =
        &[("eth0", &["10.1.0.254/24", "fd00:1::254/64"]), ("eth1", &["10.9.0.1/24", "fd00:9::1/64"])];
    let routes = "ip route add 10.2.0.0/24 via 10.9.0.2\nip route add fd00:2::/64 via fd00:9::2 dev eth1\n";
    let r1 = lab.server(&Plan { name: "r1", nics, taps: &[], setup: &format!("{on}{routes}{setup1}") });
    let nics: &[(&str, &[&str])] =
        &[("eth0", &["10.2.0.254/24", "fd00:2::254/64"]), ("eth1", &["10.9.0.2/24", "fd00:9::2/64"])];
    let routes = "route add -net 10.1.0.0 netmask 255.255.255.0 gw 10.9.0.1\nip route add fd00:1::/64 via fd00:9::1\n";
    let r2 = lab.server(&Plan { name: "r2", nics, taps: &[], setup: &format!("{on}{routes}{setup2}") });
    lab.link((h1, 0), (r1, 0));
    lab.link((r1, 1), (r2, 1));
    lab.link((r2, 0), (h2, 0));
    Chain { lab, h1, r1, r2 }
}

fn request(to: &str) -> PingRequest {
    PingRequest::new(to.parse().expect("an address"), Tag(9))
}

fn error(from: &str, error: IcmpError) -> Outcome {
    Outcome::Error { from: from.parse().expect("an address"), error }
}

#[test]
fn each_hop_on_the_way_tells_that_the_time_to_live_ran_out_there() {
    let Chain { mut lab, h1, r1, r2 } = chain("", "");
    for (to, hops) in [("10.2.0.1", ["10.1.0.254", "10.9.0.2"]), ("fd00:2::1", ["fd00:1::254", "fd00:9::2"])] {
        assert!(lab.reaches(h1, to));
        for (ttl, hop) in (1..).zip(hops) {
            let outcome = lab.ping_with(h1, PingRequest { ttl, ..request(to) });
            assert_eq!(outcome, error(hop, IcmpError::TimeExceeded), "{to}, TTL {ttl}");
        }
        let Outcome::Reply { ttl, .. } = lab.ping_with(h1, PingRequest { ttl: 3, ..request(to) }) else {
            panic!("{to}")
        };
        assert_eq!(ttl, 62);
    }
    for router in [r1, r2] {
        assert_eq!(lab.engine.node_drops(router).total(None, Some(DropReason::TtlExpired)), 2);
    }
    let text = lab.line(h1, "ping -c 1 -t 1 10.2.0.1");
    assert!(text.contains("\nFrom 10.1.0.254 icmp_seq=1 Time to live exceeded\n"), "{text}");
    assert!(text.contains("1 packets transmitted, 0 received, +1 errors, 100% packet loss"), "{text}");
}

#[test]
fn a_router_without_a_route_and_one_whose_neighbour_is_silent_say_so() {
    let Chain { mut lab, h1, r2, .. } = chain("", "");
    assert_eq!(lab.ping(h1, "10.77.0.1"), error("10.1.0.254", IcmpError::NoRoute));
    assert_eq!(lab.ping(h1, "fd00:77::1"), error("fd00:1::254", IcmpError::NoRoute));
    lab.drops();
    assert_eq!(
        lab.ping_with(h1, PingRequest { timeout: sim_core::Duration::from_secs(5), ..request("10.2.0.77") }),
        error("10.9.0.2", IcmpError::HostUnreachable)
    );
    assert_eq!(lab.drops(), ["eth0: no_neighbor (10.2.0.77 does not answer on eth0)"]);
    assert_eq!(lab.engine.node_drops(r2).total(None, Some(DropReason::NoNeighbor)), 1);
}

#[test]
fn what_is_too_long_for_the_next_link_goes_in_fragments_unless_it_must_not() {
    let Chain { mut lab, h1, r1, .. } = chain("ip link set eth1 mtu 600", "ip link set dev eth1 mtu 600");
    let long = |to| request(to).with_size(1400);
    assert!(matches!(lab.ping_with(h1, long("10.2.0.1")), Outcome::Reply { .. }));
    let df = PingRequest { dont_fragment: true, ..long("10.2.0.1") };
    assert_eq!(lab.ping_with(h1, df), error("10.1.0.254", IcmpError::TooBig(600)));
    assert_eq!(lab.ping_with(h1, long("fd00:2::1")), error("fd00:1::254", IcmpError::TooBig(600)));
    assert_eq!(lab.engine.node_drops(r1).total(None, Some(DropReason::MtuExceeded)), 2);
    assert!(lab.drops().contains(&"eth1: mtu_exceeded (1428 bytes, the limit is 600)".to_owned()));
    // Fragments of fragments: the sender's MTU is smaller than the packet as well.
    assert!(matches!(lab.ping_with(h1, request("10.2.0.1").with_size(5000)), Outcome::Reply { .. }));
}

#[test]
fn link_local_addresses_and_broadcasts_are_not_forwarded() {
    let Chain { mut lab, h1, .. } = chain("", "");
    for to in ["169.254.1.1", "10.9.0.255"] {
        assert!(!lab.reaches(h1, to), "{to}");
    }
    assert!(lab.drops().iter().all(|drop| drop.starts_with("eth0: no_route")));
}

#[test]
fn routes_are_added_replaced_and_removed_one_at_a_time() {
    let Chain { mut lab, h1, r1, .. } = chain("", "");
    let show = |lab: &mut Lab| lab.line(r1, "ip route show 10.2.0.0/24");
    assert_eq!(show(&mut lab), "10.2.0.0/24 via 10.9.0.2 dev eth1 \n");
    assert_eq!(lab.failure(r1, "ip route add 10.2.0.0/24 via 10.9.0.3"), "RTNETLINK answers: File exists");
    lab.line(r1, "ip route add 10.2.0.0/24 via 10.9.0.3 metric 20");
    assert!(lab.reaches(h1, "10.2.0.1"), "the lower metric counts");
    lab.line(r1, "ip route replace 10.2.0.0/24 via 10.9.0.9");
    assert!(!lab.reaches(h1, "10.2.0.1"));
    lab.line(r1, "ip route del 10.2.0.0/24 via 10.9.0.9");
    assert_eq!(show(&mut lab), "10.2.0.0/24 via 10.9.0.3 dev eth1 metric 20 \n");
    lab.line(r1, "route del -net 10.2.0.0/24");
    assert_eq!(lab.failure(r1, "ip route del 10.2.0.0/24"), "RTNETLINK answers: No such process");
    assert_eq!(lab.failure(r1, "ip route add 10.2.0.0/24 via 10.5.0.1"), "Error: Nexthop has invalid gateway.");
    assert_eq!(lab.failure(r1, "route add default gw 10.5.0.1"), "SIOCADDRT: Network is unreachable");
    lab.line(r1, "route add -net 10.2.0.0/24 gw 10.9.0.2");
    assert!(lab.reaches(h1, "10.2.0.1"));
    lab.lines(r1, "ip link set eth1 down\nip link set eth1 up");
    assert!(!lab.reaches(h1, "10.2.0.1"), "routes don't come back with their interface");
}

#[test]
fn a_neighbour_entered_by_hand_is_believed_until_it_is_removed() {
    let Chain { mut lab, h1, .. } = chain("", "");
    let gateway: IpAddr = [10, 1, 0, 254].into();
    assert!(lab.reaches(h1, "10.1.0.254"));
    lab.line(h1, "arp -s 10.1.0.254 02:00:00:00:00:99");
    assert!(!lab.reaches(h1, &gateway.to_string()));
    assert!(lab.line(h1, "ip neigh").contains("10.1.0.254 dev eth0 lladdr 02:00:00:00:00:99 PERMANENT"));
    assert_eq!(lab.line(h1, "arp -an"), "? (10.1.0.254) at 02:00:00:00:00:99 [ether] PERM on eth0\n");
    lab.line(h1, "arp -d 10.1.0.254");
    assert!(lab.reaches(h1, "10.1.0.254"));
    assert_eq!(lab.failure(h1, "arp -d 10.1.0.9"), "No ARP entry for 10.1.0.9");
}
