//! Any line and any frame: an answer, and no panic.

mod lab;

use host::{Outcome, Reply};
use inet::IcmpError;
use lab::{Lab, Plan};
use proptest::prelude::*;
use sim_core::{Batch, Node, PortIx};

fn server(lab: &mut Lab) -> sim_core::NodeIx {
    let setup = "
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 tap0 tag=9
        ovs-vsctl add-port br1 tap1
        ifconfig br0 10.0.0.1/24
        ifconfig br1 10.1.0.1/24
        ifconfig br1 add fd00:1::1/64
        ip link add link eth0 name eth0.5 type vlan id 5
        sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1";
    let nics: &[(&str, &[&str])] = &[("eth0", &["10.2.0.1/24", "fd00:2::1/64"])];
    lab.server(&Plan { name: "s", nics, taps: &["tap0", "tap1"], setup })
}

/// Words that the programs know, and others.
const WORD: &str = "ip|addr|address|a|link|l|route|r|neigh|n|tuntap|add|del|show|flush|set|get|replace|dev|via|up|down|\
    mtu|type|vlan|id|name|default|metric|lladdr|mode|tap|master|eth0|eth0\\.5|br0|br1|tap0|tap1|lo|x|\
    ifconfig|netmask|hw|ether|inet6|-a|-net|-host|gw|arp|-s|-d|-n|-an|tunctl|-t|brctl|addbr|delbr|addif|delif|stp|on|\
    showstp|showmacs|setfd|setpathcost|sysctl|-w|net\\.ipv4\\.ip_forward=1|echo|>|/proc/sys/net/ipv4/ip_forward|ping|-c|\
    -i|-W|-M|do|-I|tcpdump|-e|-X|any|host|and|\\(|-br|-6|-4|-d|ovs-vsctl|add-br|add-port|del-br|del-port|\
    10\\.0\\.0\\.[0-9]|10\\.[0-9]\\.0\\.0/[0-9]{1,2}|fd00:[0-9]::[0-9]/[0-9]{1,3}|02:00:00:00:00:0[0-9]|\
    255\\.255\\.[0-9]{1,3}\\.0|-?[0-9]{0,6}|[!-~]{0,5}";

/// A frame that gets past the first checks: to a MAC address of the server's, with bytes behind an IP header's start.
fn frame() -> impl Strategy<Value = (u32, Vec<u8>)> {
    let types = prop::sample::select(vec![[8, 0], [0x86, 0xdd], [8, 6], [0x81, 0], [0, 0x26]]);
    let body = prop::collection::vec(any::<u8>(), 0..120);
    (0u32..5, 0usize..4, types, any::<bool>(), body).prop_map(|(port, dst, ethertype, sound, mut body)| {
        let first = if ethertype == [8, 0] { 0x45 } else { 0x60 };
        if sound && body.len() > 20 {
            (body[0], body[8], body[16], body[17]) = (first, 64, 10, 1);
            let len = (body.len() as u16).to_be_bytes();
            (body[2], body[3], body[6], body[7]) = (len[0], len[1], 0, 0);
            body[10..12].fill(0);
            let sum = packet::wire::checksum::checksum(&body[..20]);
            body[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        let dst = [[0xff; 6], [2, 0, 0, 0, 0, 100], [1, 0x80, 0xc2, 0, 0, 0], [2, 0, 0, 0, 0, 9]][dst];
        (port, [&dst[..], &[2, 0, 0, 0, 0, 7], &ethertype, &body].concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_line_has_an_answer(lines in prop::collection::vec(prop::collection::vec(WORD, 0..8), 1..12)) {
        let mut lab = Lab::new();
        let node = server(&mut lab);
        for words in lines {
            let line = words.join(" ");
            if let Reply::Failed(text) = lab.try_line(node, &line) {
                prop_assert!(!text.is_empty(), "{line}");
            }
            lab.run_for(20);
        }
        // It still works, unless the lines took that away.
        lab.try_line(node, "ip addr");
    }

    #[test]
    fn any_frame_is_sent_kept_or_dropped(frames in prop::collection::vec(frame(), 1..20)) {
        let mut lab = Lab::new();
        let node = server(&mut lab);
        lab.try_line(node, "tcpdump -e -v -X -i any");
        for (port, bytes) in frames {
            lab.engine.start();
            lab.engine.act(node, |device, cx| {
                let mut batch = Batch::new();
                batch.push(cx.pool.copied(&bytes));
                device.frames(cx, PortIx(port), &mut batch);
            });
        }
        lab.run_for(10_000);
        prop_assert_eq!(lab.engine.in_flight(), 0);
    }
}

#[test]
fn two_servers_that_route_to_each_other_give_up_a_packet_when_its_time_is_over() {
    let mut lab = Lab::new();
    let h = lab.host(1, "10.5.0.1/24", "10.5.0.254");
    let setup = "sysctl -w net.ipv4.ip_forward=1";
    let nics: &[(&str, &[&str])] = &[("eth0", &["10.0.0.1/24"]), ("eth1", &["10.5.0.254/24"])];
    let a = lab.server(&Plan { name: "a", nics, taps: &[], setup });
    let b = lab.server(&Plan { name: "b", nics: &[("eth0", &["10.0.0.2/24"])], taps: &[], setup });
    lab.link((a, 0), (b, 0));
    lab.link((h, 0), (a, 1));
    lab.line(a, "ip route add default via 10.0.0.2");
    lab.line(b, "ip route add default via 10.0.0.1");
    let error = Outcome::Error { from: [10, 0, 0, 2].into(), error: IcmpError::TimeExceeded };
    assert_eq!(lab.ping(h, "99.0.0.1"), error);
    assert!(lab.engine.events() < 200, "{}", lab.engine.events());
}

#[test]
fn a_loop_between_stack_and_bridge_ends_with_the_time_to_live() {
    let mut lab = Lab::new();
    let vm = lab.host(1, "10.0.0.9/24", "10.0.0.1");
    let setup = "
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 tap0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br1 other -- set interface other type=internal
        ifconfig br0 10.0.0.1/24
        ifconfig br1 10.1.0.1/24
        ip link set other up
        sysctl -w net.ipv4.ip_forward=1
        ip route add default via 10.1.0.9
        ip link set other address 02:00:00:00:00:88
        ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:88 dev br1";
    let server = lab.server(&Plan { name: "s", nics: &[], taps: &["tap0"], setup });
    lab.link((vm, 0), (server, 0));
    let error = Outcome::Error { from: [10, 0, 0, 1].into(), error: IcmpError::TimeExceeded };
    assert_eq!(lab.ping(vm, "99.0.0.1"), error);
    let drops = lab.drops();
    assert!(drops.len() == 1 && drops[0].contains("ttl_expired"), "{drops:?}");
}
