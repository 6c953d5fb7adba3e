//! Whatever comes in: no panic, no frame lost from sight.

mod lab;

use host::PingRequest;
use lab::{Lab, P0, host, sub};
use proptest::prelude::*;
use sim_core::{NodeIx, Tag};

/// Two hosts that know each other, and frames that one sent the other: ARP, ND, echo, fragments, UDP.
fn pair() -> (Lab, NodeIx, NodeIx) {
    let mut lab = Lab::new();
    let mut ends = [1, 2].map(|n| host(n, &[&format!("10.0.0.{n}/24"), &format!("2001:db8::{n}/64")]));
    for (n, end) in (1..).zip(&mut ends) {
        end.interfaces.push(sub(n, 10, &[&format!("10.0.10.{n}/24")]));
    }
    let [a, b] = ends.map(|end| lab.host(end));
    lab.link((a, 0), (b, 0));
    (lab, a, b)
}

fn valid_frames() -> Vec<Vec<u8>> {
    let (mut lab, a, b) = pair();
    for to in ["10.0.0.2", "2001:db8::2", "10.0.10.2", "10.0.0.77"] {
        for size in [8, 3000] {
            lab.ping(a, PingRequest::new(to.parse().expect("an address"), Tag::NONE).with_size(size));
        }
    }
    let to = "10.0.0.2".parse().expect("an address");
    lab.act(a, |host, cx| {
        let (interval, start) = (sim_core::Duration::from_secs(1), sim_core::Time::ZERO);
        let until = sim_core::Time::from_millis(1);
        let config = host::UdpSourceConfig { to, port: 9, size: 10, interval, start, until, tag: Tag::NONE };
        host.start_udp_source(cx, config)
    });
    lab.run(5_000_000_000);
    let arrivals = lab.engine.watch().arrivals.iter();
    arrivals.filter(|arrival| arrival.to == b).map(|arrival| arrival.bytes.clone()).collect()
}

/// Sends frames at a host and counts that each was filtered, taken or dropped, and none kept.
fn check(frames: &[Vec<u8>]) {
    let (mut lab, a, b) = pair();
    for frame in frames {
        lab.act(a, |host, cx| host.send_raw(cx, P0, frame, Tag(3)));
        lab.run(lab.engine.now().as_nanos() + 100_000);
    }
    lab.run(lab.engine.now().as_nanos() + 40_000_000_000);
    assert_eq!(lab.engine.pool().live(), 0);
    assert!(lab.at(b).stack().neighbors().len() <= frames.len());
    assert_eq!(lab.engine.next_event(), sim_core::Time::NEVER);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn frames_of_any_bytes_do_no_harm(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 1..8)) {
        check(&frames);
    }

    #[test]
    fn valid_frames_with_bytes_changed_or_cut_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec((0usize..80, any::<u8>()), 0..4), 0usize..120), 1..12)
    ) {
        let valid = valid_frames();
        let frames: Vec<Vec<u8>> = changes
            .iter()
            .map(|(which, bytes, cut)| {
                let mut frame = valid[which.index(valid.len())].clone();
                for (at, byte) in bytes {
                    if let Some(place) = frame.get_mut(*at) {
                        *place = *byte;
                    }
                }
                // Half of them stay whole.
                if *cut < 60 {
                    frame.truncate(*cut);
                }
                frame
            })
            .collect();
        check(&frames);
    }

    #[test]
    fn headers_of_any_bytes_behind_a_good_ethernet_header_do_no_harm(
        packets in prop::collection::vec((0usize..4, prop::collection::vec(any::<u8>(), 0..100)), 1..8)
    ) {
        let frames: Vec<Vec<u8>> = packets
            .iter()
            .map(|(kind, bytes)| {
                let mut frame = [&lab::mac(2).0[..], &lab::mac(1).0].concat();
                frame.extend([[8, 0], [8, 6], [0x86, 0xdd], [0x81, 0]][*kind]);
                let at = frame.len();
                frame.extend(bytes);
                // A good version, destination and checksum let more of them get deep.
                if let Some(packet) = frame.get_mut(at..at + 40) {
                    match kind {
                        0 => {
                            packet[0] = 0x45;
                            packet[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
                            packet[2..4].copy_from_slice(&[0, bytes.len() as u8]);
                            packet[10..12].fill(0);
                            let sum = packet::wire::checksum::checksum(&packet[..20]);
                            packet[10..12].copy_from_slice(&sum.to_be_bytes());
                        }
                        2 => {
                            packet[0] = 0x60;
                            packet[4..6].copy_from_slice(&[0, bytes.len() as u8 - 40]);
                            let own: core::net::Ipv6Addr = "2001:db8::2".parse().expect("an address");
                            packet[24..40].copy_from_slice(&own.octets());
                        }
                        _ => {}
                    }
                }
                frame
            })
            .collect();
        check(&frames);
    }
}
