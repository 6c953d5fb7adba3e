//! A stack by itself: what comes in on one interface and goes out by another, and interfaces that come and go.

use core::net::IpAddr;
use inet::{Cidr, Event, Forwarding, IfIx, InterfaceConfig, NeighborKey, RouteConfig, Stack, Upper};
use packet::wire::{ipv4, ipv6, vlan};
use packet::{IpProtocol, MacAddr, VlanId};
use sim_core::{Batch, Carrier, Cx, DropReason, Outbox, Pool, PortIx, Seed, Stream, Time};

struct Nobody;

impl Upper for Nobody {
    fn event(&mut self, _: &mut Cx<'_>, _: Event<'_>) {}
}

struct Rig {
    stack: Stack,
    pool: Pool,
    rng: Stream,
    out: Outbox,
}

fn mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

fn cidr(text: &str) -> Cidr {
    text.parse().expect("an address")
}

/// eth0 10.0.0.254/24, eth1 10.1.0.254/24 and eth1.7 10.7.0.254/24, with a neighbour .9 on each, forwarding.
fn router() -> Rig {
    let nic = |name: &str, port, vlan: Option<u16>, address| InterfaceConfig {
        vlan: vlan.and_then(VlanId::new),
        ..InterfaceConfig::new(name, PortIx(port), mac(port as u8)).with_address(cidr(address))
    };
    let interfaces = vec![
        nic("eth0", 0, None, "10.0.0.254/24"),
        nic("eth1", 1, None, "10.1.0.254/24"),
        nic("eth1.7", 1, Some(7), "10.7.0.254/24"),
    ];
    let interfaces: Vec<_> = interfaces.into_iter().map(|nic| InterfaceConfig { mac: mac(200), ..nic }).collect();
    let stack = Stack::new(interfaces, Vec::new()).expect("a good configuration");
    let mut rig = Rig { stack, pool: Pool::new(), rng: Seed(1).stream("test"), out: Outbox::default() };
    rig.act(|stack, cx| {
        stack.set_forwarding(Forwarding { ipv4: true, ipv6: true });
        stack.carrier(cx, PortIx(0), Carrier::Up, &mut Nobody);
        stack.carrier(cx, PortIx(1), Carrier::Up, &mut Nobody);
        for (ix, address) in [(0, [10, 0, 0, 9]), (1, [10, 1, 0, 9]), (2, [10, 7, 0, 9])] {
            let key = NeighborKey { interface: IfIx(ix), address: address.into() };
            stack.set_neighbor(cx, key, mac(9), &mut Nobody).expect("a station");
        }
    });
    rig
}

/// A frame that left: by which port, its bytes, and whether they are where they came in.
type Sent = (u32, Vec<u8>, bool);

/// A packet in a frame to the router, with padding behind it.
fn packet(src: [u8; 4], dst: [u8; 4], ttl: u8) -> Vec<u8> {
    let header = ipv4::Repr {
        src: src.into(),
        dst: dst.into(),
        protocol: IpProtocol(253),
        ttl,
        tos: 0,
        ident: 7,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: 10,
    };
    let mut bytes = [&mac(200).0[..], &mac(9).0, &[8, 0], &[0; 20], b"0123456789", &[0xee; 16]].concat();
    header.emit(&mut bytes[14..]);
    bytes
}

/// Makes the checksum of the header right again.
fn fill_checksum(bytes: &mut [u8]) {
    ipv4::Packet::new_header(&mut bytes[14..]).expect("a header").fill_checksum();
}

impl Rig {
    fn act<R>(&mut self, f: impl FnOnce(&mut Stack, &mut Cx<'_>) -> R) -> R {
        let mut cx = Cx { now: Time::ZERO, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
        f(&mut self.stack, &mut cx)
    }

    /// What leaves after a frame came in on port 0, and whether it is the same memory.
    fn offer(&mut self, bytes: &[u8], share: bool) -> (Vec<Sent>, Vec<DropReason>) {
        let frame = self.pool.copied(bytes);
        let end = frame.bytes().as_ptr_range().end;
        let kept = share.then(|| frame.share());
        let mut batch = Batch::new();
        batch.push(frame);
        self.act(|stack, cx| stack.frames(cx, PortIx(0), &mut batch, &mut Nobody));
        let sent = self.out.take_frames().map(|(port, frame)| {
            // The padding is gone from its end, and a tag stands in front of the same bytes.
            let is_same = frame.bytes().as_ptr_range().end == end.wrapping_sub(16);
            (port.0, frame.to_vec(), is_same)
        });
        let sent = sent.collect();
        if let Some(kept) = kept {
            assert_eq!(kept.bytes(), bytes, "others' bytes stay");
        }
        (sent, self.out.take_drops().map(|(drop, _)| drop.reason).collect())
    }
}

#[test]
fn a_packet_goes_on_in_the_frame_that_it_came_in_without_its_padding() {
    for (dst, header) in [([10, 1, 0, 9], 14), ([10, 7, 0, 9], 18)] {
        let mut rig = router();
        let (sent, drops) = rig.offer(&packet([10, 0, 0, 9], dst, 64), false);
        let [(1, bytes, true)] = &sent[..] else { panic!("{sent:?} {drops:?}") };
        assert_eq!(bytes[..12], [mac(9).0, mac(200).0].concat());
        assert_eq!(vlan::outer(bytes).and_then(|(_, tag)| tag).map(|tag| tag.vid.get()), (header == 18).then_some(7));
        let packet = ipv4::Packet::new_checked(&bytes[header..]).expect("a packet");
        assert!(packet.verify_checksum() && packet.ttl() == 63);
        assert_eq!((packet.payload(), bytes.len()), (&b"0123456789"[..], header + 30));
    }
}

#[test]
fn bytes_that_others_hold_are_copied_first() {
    let mut rig = router();
    let (sent, _) = rig.offer(&packet([10, 0, 0, 9], [10, 1, 0, 9], 64), true);
    assert_eq!(sent.len(), 1);
    assert!(!sent[0].2);
}

#[test]
fn what_is_not_to_be_forwarded_is_dropped_with_its_reason() {
    use DropReason::{BadChecksum, Malformed, NoRoute, TtlExpired};
    let good = packet([10, 0, 0, 9], [10, 1, 0, 9], 64);
    let mut broken = good.clone();
    broken[24] ^= 1;
    for (bytes, expect) in [
        (packet([10, 0, 0, 9], [10, 1, 0, 9], 1), TtlExpired),
        (packet([10, 0, 0, 9], [99, 0, 0, 1], 64), NoRoute),
        (packet([10, 0, 0, 9], [10, 1, 0, 255], 64), NoRoute),
        (packet([10, 0, 0, 9], [169, 254, 0, 1], 64), NoRoute),
        (packet([10, 0, 0, 254], [10, 1, 0, 9], 64), Malformed),
        (packet([224, 0, 0, 1], [10, 1, 0, 9], 64), Malformed),
        (packet([0, 0, 0, 0], [10, 1, 0, 9], 64), Malformed),
        (broken, BadChecksum),
        (good[..30].to_vec(), Malformed),
    ] {
        let (sent, drops) = router().offer(&bytes, false);
        assert_eq!(drops, [expect], "{bytes:02x?}");
        assert!(sent.iter().all(|(port, ..)| *port == 0), "at most an error goes back");
    }
    let mut to_all = good;
    to_all[..6].fill(0xff);
    let (sent, drops) = router().offer(&to_all, false);
    assert_eq!((sent.len(), &drops[..]), (0, &[NoRoute][..]), "a broadcast frame's packet is not forwarded");
}

#[test]
fn an_error_is_never_told_of_an_error() {
    for (kind, told) in [(8, 1), (3, 0), (11, 0), (5, 0), (0, 1)] {
        let mut bytes = packet([10, 0, 0, 9], [99, 0, 0, 1], 64);
        (bytes[23], bytes[34]) = (1, kind);
        fill_checksum(&mut bytes);
        assert_eq!(router().offer(&bytes, false).0.len(), told, "ICMP type {kind}");
    }
}

#[test]
fn of_a_packet_in_fragments_the_first_is_told_of_alone() {
    for (offset, told) in [(0u16, 1), (1, 0), (0x1f00, 0)] {
        let mut bytes = packet([10, 0, 0, 9], [99, 0, 0, 1], 64);
        bytes[20..22].copy_from_slice(&(0x2000 | offset).to_be_bytes());
        fill_checksum(&mut bytes);
        let (sent, drops) = router().offer(&bytes, false);
        assert_eq!((sent.len(), drops.len()), (told, 1), "offset {offset}");
    }
}

#[test]
fn addresses_of_a_link_stay_on_it() {
    let mut rig = router();
    let far: IpAddr = "2001:db8:1::9".parse().expect("an address");
    rig.act(|stack, cx| {
        stack.set_addresses(IfIx(1), vec![cidr("2001:db8:1::fe/64")]);
        let key = NeighborKey { interface: IfIx(1), address: far };
        stack.set_neighbor(cx, key, mac(9), &mut Nobody).expect("a station");
    });
    let IpAddr::V6(dst) = far else { unreachable!("it has colons") };
    for (src, sent, why) in [
        ("2001:db8::9", 1, None),
        ("fe80::9", 0, Some(DropReason::NoRoute)),
        ("::", 0, Some(DropReason::Malformed)),
        ("ff02::1", 0, Some(DropReason::Malformed)),
        ("2001:db8:1::fe", 0, Some(DropReason::Malformed)),
    ] {
        let header = ipv6::Repr {
            src: src.parse().expect("an address"),
            dst,
            next_header: IpProtocol(253),
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            payload_len: 4,
        };
        let mut bytes = [&mac(200).0[..], &mac(9).0, &[0x86, 0xdd], &[0; 44], &[0xee; 16]].concat();
        header.emit(&mut bytes[14..]);
        let (frames, drops) = rig.offer(&bytes, false);
        assert_eq!((frames.len(), drops), (sent, why.into_iter().collect()), "{src}");
    }
}

#[test]
fn interfaces_keep_their_indices_as_others_come_and_go() {
    let mut rig = router();
    let (eth1, sub) = (IfIx(1), IfIx(2));
    let added = rig.act(|stack, _| {
        let config = InterfaceConfig::new("br0", PortIx(5), mac(5)).with_address(cidr("10.5.0.1/24"));
        stack.add_interface(config).expect("a free name")
    });
    assert_eq!(added, IfIx(3));
    rig.act(|stack, _| stack.add_route(RouteConfig::default_via([10, 1, 0, 9].into()), 0)).expect("on link");
    rig.act(|stack, cx| stack.remove_interface(cx, eth1, &mut Nobody));
    assert!(rig.stack.interface(eth1).is_removed() && rig.stack.interface(sub).is_removed(), "and its VLANs");
    assert_eq!(rig.stack.interface(added).name(), "br0");
    assert_eq!(rig.stack.interface_named("eth1"), None);
    assert!(rig.stack.routes().lookup([10, 1, 0, 9].into()).is_none(), "the default route went as well");
    assert_eq!(rig.offer(&packet([10, 0, 0, 9], [10, 1, 0, 9], 64), false).1, [DropReason::NoRoute]);
    // The place is taken again, and nothing of the old one is left in it.
    let again = rig.act(|stack, _| stack.add_interface(InterfaceConfig::new("eth9", PortIx(1), mac(6)))).expect("free");
    assert_eq!(again, eth1);
    assert!(rig.stack.interface(again).addresses().is_empty());
    assert_eq!(rig.stack.neighbors().iter(Time::ZERO).filter(|(key, _)| key.interface == again).count(), 0);
}

#[test]
fn an_interface_that_is_down_neither_sends_nor_receives_nor_answers_for_its_address() {
    let mut rig = router();
    rig.act(|stack, cx| stack.set_admin(cx, IfIx(0), false, &mut Nobody));
    assert_eq!(rig.offer(&packet([10, 0, 0, 9], [10, 1, 0, 9], 64), false).1, [DropReason::PortDown]);
    assert!(!rig.stack.is_local([10, 0, 0, 254].into()));
    assert!(rig.stack.routes().lookup([10, 0, 0, 9].into()).is_none());
    rig.act(|stack, cx| stack.set_admin(cx, IfIx(0), true, &mut Nobody));
    assert!(rig.stack.is_local([10, 0, 0, 254].into()));
    assert_eq!(rig.offer(&packet([10, 0, 0, 9], [10, 1, 0, 9], 64), false).0.len(), 1);
}

#[test]
fn the_loopback_interface_has_addresses_and_no_route() {
    let mut rig = router();
    let lo = rig.act(|stack, _| stack.add_loopback(PortIx(9))).expect("a free name");
    assert_eq!(rig.stack.interface(lo).addresses(), [cidr("127.0.0.1/8"), cidr("::1/128")]);
    assert!(rig.stack.routes().lookup([127, 0, 0, 1].into()).is_none());
    assert!(rig.stack.is_local([127, 0, 0, 1].into()));
    assert!(rig.stack.addresses().all(|(ix, _)| ix != lo), "nobody else can speak to them");
}
