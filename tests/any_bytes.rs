//! Frames of any bytes and any length, in a lab of every kind of node: no panic, and none is lost in silence.

use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use sim_core::{DropReason, Duration, LinkIx, NodeIx, PortIx, Stop, Tag, Until};
use topologies::run::Net;

const LAB: &str = r#"
[switches.s1]
setup = "ovs-vsctl set Open_vSwitch . other_config:vlan-limit=2"
[switches.s1.ports]
trunk = { to = "s2:trunk", mtu = 9000 }
tunnel = { vlan_mode = "dot1q-tunnel", tag = 100, cvlans = [0, 9], to = "h1" }
native = { vlan_mode = "native-untagged", tag = 9, trunks = [9, 100], to = "h2" }
hub = { to = "hub:1" }
[switches.s2.ports]
trunk = { trunks = [9, 100] }
access = { tag = 9, to = "h3" }
[hubs.hub]
[hosts]
h1 = { ip = ["10.0.0.1/24", "2001:db8::1/64"], mac = "02:00:00:00:00:01" }
h2 = { ip = ["10.0.0.2/24", "2001:db8::2/64"], mac = "02:00:00:00:00:02" }
h3 = { ip = ["10.0.0.3/24", "2001:db8::3/64"], mac = "02:00:00:00:00:03" }
h4 = { ip = ["10.0.0.4/24", "2001:db8::4/64"], mac = "02:00:00:00:00:04", to = "hub:2" }
"#;
/// A switch whose flows do something of each kind with whatever comes.
const FLOWS: &str = r#"
[switches.s1]
setup = '''
ovs-vsctl set Open_vSwitch . other_config:vlan-limit=2
ovs-ofctl -O OpenFlow13 add-group br0 group_id=1,type=ff,bucket=watch_port:9,actions=output:9,bucket=watch_port:2,actions=dec_ttl,output:2
ovs-ofctl -O OpenFlow13 add-group br0 group_id=2,type=select,bucket=actions=mod_nw_dst:10.0.0.3,output:3,bucket=actions=mod_tp_src:7,output:4
ovs-ofctl -O OpenFlow13 add-meter br0 meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1
ovs-ofctl del-flows br0
ovs-ofctl add-flow br0 priority=9,mpls,actions=clone(dec_mpls_ttl,output:2),pop_mpls:0x0800,dec_ttl,resubmit(,1)
ovs-ofctl add-flow br0 priority=8,in_port=1,actions=learn(table=5,idle_timeout=2,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,5),resubmit(,1)
ovs-ofctl add-flow br0 priority=8,in_port=2,dl_vlan=9,actions=push_vlan:0x88a8,mod_vlan_vid:7,ALL
ovs-ofctl add-flow br0 priority=8,in_port=2,actions=check_pkt_larger(60)->NXM_NX_REG0[0],resubmit(,2)
ovs-ofctl add-flow br0 priority=8,in_port=3,actions=mod_vlan_vid:5,push_mpls:0x8847,output(port=4,max_len=40),strip_vlan,output:1
ovs-ofctl -O OpenFlow13 add-flow br0 priority=8,in_port=4,actions=meter:1,write_actions(group:2),goto_table:1
ovs-ofctl add-flow br0 table=1,ip,actions=move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[],mod_nw_tos:12,group:1
ovs-ofctl add-flow br0 table=1,arp,actions=load:2->NXM_OF_ARP_OP[],NORMAL,IN_PORT
ovs-ofctl add-flow br0 table=1,ipv6,actions=dec_ttl,controller,mod_tp_dst:9,output:3,output:4
ovs-ofctl add-flow br0 table=2,reg0=1,actions=FLOOD
'''
[switches.s1.ports]
h1 = { to = "h1" }
h2 = { to = "h2" }
h3 = { to = "h3" }
h4 = { to = "h4" }
[hosts]
h1 = { ip = ["10.0.0.1/24", "2001:db8::1/64"], mac = "02:00:00:00:00:01" }
h2 = { ip = ["10.0.0.2/24", "2001:db8::2/64"], mac = "02:00:00:00:00:02" }
h3 = { ip = ["10.0.0.3/24", "2001:db8::3/64"], mac = "02:00:00:00:00:03" }
h4 = { ip = ["10.0.0.4/24", "2001:db8::4/64"], mac = "02:00:00:00:00:04" }
"#;
const HOSTS: [&str; 4] = ["h1", "h2", "h3", "h4"];

/// Bytes that begin as a frame of the lab may, so that they get far.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let address = prop_oneof![
        4 => (1..5_u8).prop_map(|n| vec![2, 0, 0, 0, 0, n]),
        1 => prop::sample::select(vec![vec![0xff; 6], vec![0x33, 0x33, 0, 0, 0, 1], vec![0x33, 0x33, 0xff, 0, 0, 2]]),
        1 => prop::collection::vec(any::<u8>(), 6),
    ];
    let tags: Vec<Vec<u8>> = vec![
        vec![],
        vec![0x81, 0, 0, 9],
        vec![0x81, 0, 0x60, 0],
        vec![0x88, 0xa8, 0, 100, 0x81, 0, 0, 9],
        vec![0x81, 0, 0, 9, 0x81],
    ];
    let heads: Vec<Vec<u8>> = vec![
        vec![],
        // ARP for IPv4.
        vec![0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1],
        // IPv4 with its shortest header; TCP, UDP and ICMP follow in the random bytes.
        vec![0x08, 0x00, 0x45, 0],
        vec![0x08, 0x00, 0x4f, 0],
        // A label, and IPv4 behind it.
        vec![0x88, 0x47, 0, 0, 0x11, 64, 0x45, 0],
        // IPv6: ICMPv6, and a chain of extension headers.
        vec![0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255],
        vec![0x86, 0xdd, 0x60, 0, 0, 0, 0, 64, 0, 1],
    ];
    let tail =
        prop_oneof![4 => prop::collection::vec(any::<u8>(), 0..120), 1 => prop::collection::vec(any::<u8>(), 0..9100)];
    (address.clone(), address, prop::sample::select(tags), prop::sample::select(heads), tail, 0..10_000_usize).prop_map(
        |(dst, src, tags, head, tail, cut)| {
            let mut frame = [dst, src, tags, head, tail].concat();
            // One in four ends early, at any place.
            frame.truncate(if cut % 4 == 0 { cut % 40 } else { usize::MAX });
            frame
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_frame_panics_or_is_lost_in_silence(frames in prop::collection::vec((0..HOSTS.len(), frame()), 1..40)) {
        sent_through(LAB, &frames);
    }

    #[test]
    fn flows_send_a_frame_somewhere_or_drop_it_once(host in 0..HOSTS.len(), frame in frame()) {
        let mut net = sent_through(FLOWS, &[]);
        let node = net.names().find(HOSTS[host]).expect("the lab has it");
        net.with_host(node, |host, cx| host.send_raw(cx, PortIx(0), &frame, Tag::NONE));
        // It has arrived, and nothing that comes of it.
        let end = net.engine().now() + Duration::from_micros(19);
        assert_eq!(net.engine_mut().run(Until::Through(end)), Stop::Reached);
        let s1 = net.names().find("s1").expect("the lab has it");
        let switch = net.engine().node(s1).as_switch().expect("it is one");
        let ports = HOSTS.map(|host| switch.counters(host).expect("the bridge has the port"));
        let came: u64 = ports.iter().map(|port| port.rx_packets).sum();
        let went: u64 = ports.iter().map(|port| port.tx_packets).sum();
        let died = net.engine().node_drops(s1).total(None, None);
        let lost = net.engine().link_drops(net.engine().direction_from(node, PortIx(0)).expect("it has a link"));
        assert_eq!(came + lost.total(None, None), 1);
        assert_eq!(u64::from(went > 0) + died, came, "{went} went, {died} died");
    }

    #[test]
    fn flows_let_nothing_go_round(frames in prop::collection::vec((0..HOSTS.len(), frame()), 1..40)) {
        sent_through(FLOWS, &frames);
    }
}

/// A lab through which hosts have sent frames, when all is over.
fn sent_through(lab: &str, frames: &[(usize, Vec<u8>)]) -> Net {
    let loaded = topologies::parse("bytes.toml", lab, &[]).expect("the lab is right");
    let mut net = Net::new(&loaded.lab).expect("the lab is right");
    net.engine_mut().run(Until::Through(sim_core::Time::ZERO));
    for (host, bytes) in frames {
        let node = net.names().find(HOSTS[*host]).expect("the lab has it");
        net.with_host(node, |host, cx| host.send_raw(cx, PortIx(0), bytes, Tag::NONE));
        let end = net.engine().now() + Duration::from_secs(1);
        assert_eq!(net.engine_mut().run(Until::Through(end)), Stop::Reached);
    }
    // Hosts may still ask for neighbours to answer to.
    let end = net.engine().now() + Duration::from_secs(30);
    assert_eq!(net.engine_mut().run(Until::Through(end)), Stop::Reached);
    assert_eq!(net.engine().in_flight(), 0);
    for name in HOSTS {
        compare_ends(&net, net.names().find(name).expect("the lab has it"));
    }
    net
}

/// What a host sent on its link has arrived at the other end or is a drop of the link.
fn compare_ends(net: &Net, host: NodeIx) {
    let engine = net.engine();
    let away = engine.direction_from(host, PortIx(0)).expect("every host has a link");
    let counters = net.host(host).expect("it is a host").interfaces()[0].counters();
    let drops = engine.link_drops(away);
    assert_eq!(drops.total(None, Some(DropReason::CorruptFcs)), 0);
    assert_eq!(counters.tx_frames, engine.link_counters(away).frames + drops.total(None, None));
    let malformed = engine.node_drops(host).total(None, Some(DropReason::Malformed));
    let arrived = engine.link_counters(away.reverse()).frames;
    let received = counters.rx_frames + counters.rx_filtered;
    assert!((received..=received + malformed).contains(&arrived), "{arrived} arrived, {received} received");
    let all = (0..engine.link_count() as u32).map(LinkIx).map(|link| engine.link_counters(link.forward()).frames);
    assert!(all.sum::<u64>() < 100_000, "no frame goes round");
}
