//! What a cache must not change: frames, drops and the counters of flows are those of a worker that translates every
//! frame anew, whatever changes in between.

mod rig;

use openflow::{Action, Flow, FlowCommand, FlowMod, parse_actions};
use packet::{EtherType, MacAddr, Match};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use proptest::prop_assert_eq;
use rig::{Outcome, Rig, frame};
use sim_core::{Carrier, Duration, PortIx};
use switch::CacheStats;

const PORTS: usize = 3;

/// What happens to a switch.
#[derive(Clone, Debug)]
enum Event {
    Frame(u32, Vec<u8>),
    Table(Box<FlowMod>),
    Link(u32, Carrier),
    Rows(&'static str),
    Pass(Duration),
}

fn matched() -> impl Strategy<Value = Match> {
    let port = prop_oneof![2 => Just(""), 1 => Just("in_port=1"), 1 => Just("in_port=2")];
    let tag = prop_oneof![4 => Just(""), 1 => Just("dl_vlan=5"), 1 => Just("vlan_tci=0"), 1 => Just("dl_vlan_pcp=3")];
    let address = prop_oneof![
        4 => Just(""),
        1 => Just("dl_dst=02:00:00:00:00:02"),
        1 => Just("dl_src=02:00:00:00:00:01"),
        1 => Just("dl_dst=01:00:00:00:00:00/01:00:00:00:00:00")
    ];
    let rest = prop::sample::select(vec![
        "",
        "ip",
        "arp",
        "udp",
        "tcp",
        "ip,nw_dst=10.0.0.0/31",
        "ip,nw_dst=10.0.0.3",
        "ip,nw_src=10.0.0.0/30",
        "udp,tp_dst=53",
        "udp,tp_dst=80",
        "tcp,tp_dst=80",
        "udp,nw_dst=10.0.0.2,tp_src=1",
        "ip,nw_ttl=1",
    ]);
    (port, tag, address, rest).prop_map(|(port, tag, address, rest)| {
        let words = [port, tag, address, rest].into_iter().filter(|word| !word.is_empty());
        Match::parse(&words.collect::<Vec<_>>().join(",")).expect("all of these can be matched together")
    })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (1..4_u32).prop_map(Action::Output),
        1 => Just(Action::Normal),
        1 => Just(Action::Flood),
        1 => Just(Action::InPort),
        1 => prop::sample::select(vec![5, 9]).prop_map(Action::ModVlanVid),
        1 => Just(Action::StripVlan),
        1 => Just(Action::PushVlan(EtherType::VLAN)),
        1 => (1..4_u8).prop_map(|n| Action::ModDlDst(MacAddr([2, 0, 0, 0, 0, n]))),
        1 => (0..4_u8).prop_map(|n| Action::ModNwDst([10, 0, 0, n].into())),
        1 => prop::sample::select(vec![53, 80]).prop_map(Action::ModTpDst),
        1 => Just(Action::DecTtl(vec![0])),
        4 => (prop::option::weighted(0.2, 1..4_u32), 1..4_u8)
            .prop_map(|(in_port, table)| Action::Resubmit { in_port, table: Some(table), ct: false }),
        1 => prop::sample::select(LEARN.to_vec()).prop_map(learn),
    ]
}

/// What is learnt stands in a table of its own, where nothing is deleted by another than a `learn`, so that it doesn't
/// matter that entries learn again twice a second only.
const LEARN: [&str; 3] = [
    "learn(table=3,priority=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])",
    "learn(table=3,priority=2,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:2->NXM_OF_IN_PORT[],output:NXM_OF_IN_PORT[])",
    "learn(table=3,priority=3,hard_timeout=60,eth_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[],load:9->NXM_OF_IP_TOS[],output:NXM_OF_IN_PORT[])",
];

fn learn(text: &str) -> Action {
    let matched = Match::parse("ip").expect("this can be matched");
    let mut actions = parse_actions(text, &matched, &|_| None).expect("this can be learnt");
    actions.pop().expect("there is one")
}

fn change() -> impl Strategy<Value = Event> {
    let command =
        prop_oneof![4 => Just(FlowCommand::Add), 1 => Just(FlowCommand::DeleteStrict), 1 => Just(FlowCommand::Delete)];
    (command, 0..3_u8, 0..4_u16, matched(), prop::collection::vec(action(), 0..4)).prop_map(
        |(command, table, priority, matched, actions)| {
            let flow = Flow { table, priority, matched, actions, ..Flow::default() };
            // Which of two flows of one priority a frame finds that matches both isn't said (OpenFlow 1.5.1 section 6.4), and
            // may change with flows that it doesn't match. So there are none.
            let change = FlowMod { check_overlap: true, ..FlowMod::new(command, flow) };
            Event::Table(Box::new(change))
        },
    )
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let mac = || prop_oneof![5 => (1..4_u8).prop_map(|n| [2, 0, 0, 0, 0, n]), 1 => Just([0xff; 6])];
    let tag = prop_oneof![3 => Just(None), 1 => (prop::sample::select(vec![5_u16, 9]), 0..4_u16).prop_map(Some)];
    let ip = (0..4_u8, 0..4_u8, prop::sample::select(vec![6_u8, 17, 1]), 1..3_u8);
    let ports = (1..3_u16, prop::sample::select(vec![53_u16, 80]));
    let cut = prop_oneof![9 => Just(60_usize), 1 => 10..60_usize];
    (mac(), (1..4_u8), tag, ip, ports, 0..8_u8, cut).prop_map(|(dst, src, tag, ip, ports, kind, cut)| {
        let mut bytes = [dst, [2, 0, 0, 0, 0, src]].concat();
        if let Some((vid, pcp)) = tag {
            bytes.extend([0x81, 0]);
            bytes.extend((pcp << 13 | vid).to_be_bytes());
        }
        if kind == 0 {
            bytes.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
            bytes.resize(60, 0);
            return bytes;
        }
        let (from, to, proto, ttl) = ip;
        let len = 20 + 20;
        bytes.extend([8, 0, 0x45, 0, 0, len, 0, 0, 0, 0, ttl, proto, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
        bytes.extend(ports.0.to_be_bytes());
        bytes.extend(ports.1.to_be_bytes());
        bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0]);
        bytes.resize(bytes.len().max(60), 0);
        bytes.truncate(cut.max(10));
        bytes
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        24 => (0..PORTS as u32, bytes()).prop_map(|(port, bytes)| Event::Frame(port, bytes)),
        4 => change(),
        1 => (0..PORTS as u32, any::<bool>()).prop_map(|(port, up)| Event::Link(port, if up { Carrier::Up } else { Carrier::Down })),
        1 => prop::sample::select(vec![
            "ovs-vsctl set port p0 tag=5",
            "ovs-vsctl clear port p0 tag",
            "ovs-vsctl set port p1 protected=true",
        ])
        .prop_map(Event::Rows),
        1 => (0..12_000_u64).prop_map(|ms| Event::Pass(Duration::from_millis(ms))),
    ]
}

/// What came of a frame, if the event was one.
fn apply(rig: &mut Rig, event: &Event) -> Option<Outcome> {
    match event {
        Event::Frame(port, bytes) => return Some(rig.offer(PortIx(*port), bytes)),
        Event::Table(change) => {
            let shared = rig.switch.shared("br0").expect("the bridge was made");
            let _ = shared.change_tables(|tables| tables.apply(rig.now, change));
        }
        Event::Link(port, state) => rig.carrier(*port, *state),
        Event::Rows(line) => drop(rig.line(line)),
        Event::Pass(time) => drop(rig.run_to(rig.now + *time)),
    }
    None
}

/// The counters of all flows and tables.
fn counters(rig: &Rig) -> Vec<(String, (u64, u64))> {
    let tables = (0..4).filter_map(|table| {
        let shared = rig.switch.shared("br0")?;
        let stats = shared.tables().table_stats(table)?.get();
        Some((format!("table {table}"), stats))
    });
    tables.chain(flow_counters(rig)).collect()
}

/// The counters of all flows.
fn flow_counters(rig: &Rig) -> Vec<(String, (u64, u64))> {
    let shared = rig.switch.shared("br0").expect("the bridge was made");
    let all = FlowMod { table: None, ..FlowMod::new(FlowCommand::Delete, Flow::default()) };
    let rules = shared.tables().selected(&all);
    rules.iter().map(|rule| (format!("{:?}", rule.flow()), rule.stats.get())).collect()
}

fn bridge() -> Rig {
    let mut rig = Rig::new(PORTS);
    rig.line("ovs-vsctl add-br br0 -- add-port br0 p0 -- add-port br0 p1 -- add-port br0 p2");
    rig
}

/// How many histories are compared: more if the long tests are asked for.
fn cases() -> u32 {
    if std::env::var_os("NETLOOM_LONG").is_some() { 20_000 } else { 200 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn a_cache_makes_no_difference_to_frames_drops_and_counters(events in prop::collection::vec(event(), 1..120)) {
        let (mut cached, mut plain) = (bridge(), bridge());
        for rig in [&mut cached, &mut plain] {
            // A table counts from its first flow on.
            for table in 1..4 {
                rig.line(&format!("ovs-ofctl add-flow br0 table={table},priority=9,dl_type=0x1234,actions=drop"));
            }
        }
        plain.worker.set_caching(false);
        for (n, event) in events.iter().enumerate() {
            prop_assert_eq!(apply(&mut cached, event), apply(&mut plain, event), "event {}: {:?}", n, event);
            if n % 8 == 0 {
                prop_assert_eq!(counters(&cached), counters(&plain), "after event {}", n);
            }
        }
        prop_assert_eq!(counters(&cached), counters(&plain));
        prop_assert_eq!(plain.worker.worker().stats().masked_hits, 0);
    }
}

fn misses(rig: &Rig) -> u64 {
    rig.worker.worker().stats().misses
}

#[test]
fn a_flow_that_no_frame_of_an_entry_can_match_voids_nothing() {
    let mut rig = bridge();
    rig.line("ovs-ofctl add-flow br0 in_port=1,ip,nw_dst=10.0.0.0/8,actions=output:2");
    rig.line("ovs-ofctl add-flow br0 in_port=2,actions=output:1");
    let packet = packet([10, 1, 2, 3]);
    for port in [0, 1, 2] {
        rig.ports(port, &packet);
    }
    assert_eq!(misses(&rig), 3);
    let offer_all = |rig: &mut Rig| (0..3).for_each(|port| drop(rig.ports(port, &packet)));
    rig.line("ovs-ofctl add-flow br0 priority=9,in_port=1,ip,nw_dst=11.0.0.0/8,actions=drop");
    offer_all(&mut rig);
    assert_eq!(misses(&rig), 3, "no frame of the entry goes to 11.0.0.0/8");
    rig.line("ovs-ofctl add-flow br0 priority=9,in_port=3,arp,actions=drop");
    offer_all(&mut rig);
    assert_eq!(misses(&rig), 4, "port 3 had an entry for all frames, which may be ARP");
    rig.line("ovs-ofctl add-flow br0 priority=9,in_port=1,ip,nw_dst=10.1.0.0/16,actions=drop");
    offer_all(&mut rig);
    assert_eq!(misses(&rig), 5, "some frames to 10.0.0.0/8 go to 10.1.0.0/16");
}

/// A UDP packet from 10.0.0.1 to an address, with nothing in it.
fn packet(to: [u8; 4]) -> Vec<u8> {
    let mut packet = frame(1, 2, 0);
    packet.truncate(14);
    packet.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1]);
    packet.extend(to);
    packet.extend([0, 1, 0, 2, 0, 8, 0, 0]);
    packet
}

#[test]
fn entries_are_shown_as_ovs_dpctl_shows_them() {
    let mut rig = bridge();
    rig.line("ovs-ofctl add-flow br0 in_port=1,ip,nw_dst=10.0.0.0/8,actions=mod_tp_dst:80,output:2");
    rig.line("ovs-ofctl add-flow br0 in_port=2,actions=output:1,output:3");
    for _ in 0..3 {
        rig.ports(0, &packet([10, 1, 2, 3]));
    }
    rig.ports(1, &packet([10, 1, 2, 3]));
    rig.now += Duration::from_millis(1500);
    assert_eq!(
        rig.line("ovs-appctl dpctl/dump-flows"),
        "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,proto=17,frag=no),udp(dst=2), \
         packets:2, bytes:84, used:1.500s, actions:set(udp(dst=80)),2\n\
         recirc_id(0),in_port(2), packets:0, bytes:0, used:never, actions:1,3\n"
    );
    let verbose = rig.line("ovs-appctl dpctl/dump-flows -m");
    assert!(verbose.contains("in_port(p1),eth(src=00:00:00:00:00:00/00:00:00:00:00:00,"), "{verbose}");
    assert!(verbose.contains("used:never, dp:ovs, actions:p0,p2\n"), "{verbose}");
    assert_eq!(rig.line("ovs-appctl dpif/dump-flows --names br0"), rig.line("ovs-appctl dpctl/dump-flows --names"));
    let show = rig.line("ovs-appctl dpctl/show");
    assert!(show.starts_with("system@ovs-system:\n  lookups: hit:2 missed:2 lost:0\n  flows: 2\n"), "{show}");
    rig.line("ovs-ofctl add-flow br0 priority=9,in_port=2,arp,actions=drop");
    assert!(!rig.line("ovs-appctl dpctl/dump-flows").contains("in_port(2)"), "it is to be translated again");
    rig.line("ovs-appctl dpctl/del-flows");
    assert_eq!(rig.line("ovs-appctl dpctl/dump-flows"), "");
    let flows = rig.line("ovs-ofctl dump-flows br0 in_port=1");
    assert!(flows.contains("n_packets=3, n_bytes=126"), "{flows}");
}

#[test]
fn what_an_entry_learns_is_learnt_again_twice_a_second_at_most() {
    let mut rig = bridge();
    let learn = "table=1,hard_timeout=10,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]";
    rig.line(&format!("ovs-ofctl add-flow br0 actions=learn({learn}),resubmit(,1)"));
    let learnt = |rig: &Rig| flow_counters(rig).len() - 2;
    rig.ports(0, &frame(1, 2, 0));
    assert_eq!(learnt(&rig), 1);
    assert_eq!(rig.ports(1, &frame(2, 1, 0)), [0]);
    assert_eq!((learnt(&rig), misses(&rig)), (2, 2));
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1], "the flow that was learnt since is seen");
    let before = misses(&rig);
    rig.now += Duration::from_millis(600);
    rig.ports(0, &frame(1, 2, 0));
    rig.ports(1, &frame(2, 1, 0));
    assert_eq!(misses(&rig), before, "to learn again what is known changes nothing");
    rig.line("ovs-ofctl del-flows br0 table=1");
    rig.ports(0, &frame(1, 2, 0));
    rig.now += Duration::from_millis(600);
    rig.ports(0, &frame(1, 2, 0));
    assert_eq!(learnt(&rig), 1);
}

#[test]
fn a_frame_whose_entry_asks_for_more_than_those_before_is_told_from_others() {
    let mut rig = bridge();
    rig.line("ovs-ofctl add-flow br0 priority=1,ip,actions=output:2");
    let arp = [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6][..], &[0; 46]].concat();
    let tagged = [&packet([10, 0, 0, 2])[..12], &[0x81, 0, 0, 5], &packet([10, 0, 0, 2])[12..]].concat();
    rig.ports(0, &arp);
    rig.line("ovs-ofctl add-flow br0 priority=2,vlan_tci=0,actions=output:3");
    assert_eq!(rig.ports(0, &tagged), [1], "only now a frame's tag is asked for");
    assert_eq!(rig.ports(0, &packet([10, 0, 0, 2])), [2]);
}

#[test]
fn a_table_that_is_looked_up_as_if_from_another_port_is_followed() {
    let mut rig = bridge();
    rig.line("ovs-ofctl add-flow br0 actions=resubmit(9,1)");
    rig.line("ovs-ofctl add-flow br0 table=1,priority=1,actions=output:2");
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1]);
    rig.line("ovs-ofctl add-flow br0 table=1,priority=2,in_port=9,actions=output:3");
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [2]);
}

#[test]
fn what_was_learnt_is_learnt_again_by_the_next_frame_if_it_is_deleted_or_another_took_its_place() {
    let mut rig = bridge();
    let learn = "learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])";
    rig.line(&format!("ovs-ofctl add-flow br0 actions={learn}"));
    rig.line("ovs-ofctl add-flow br0 priority=40000,dl_dst=02:00:00:00:00:01,actions=resubmit(,1)");
    let found = |rig: &mut Rig| rig.ports(2, &frame(9, 1, 0));
    for port in [0, 1, 0, 1] {
        rig.ports(port, &frame(1, 2, 0));
        assert_eq!(found(&mut rig), [port], "the station has moved");
    }
    rig.line("ovs-ofctl del-flows br0 table=1");
    rig.ports(1, &frame(1, 2, 0));
    assert_eq!(found(&mut rig), [1]);
}

#[test]
fn the_time_out_of_a_flow_that_a_frame_made_comes_on_time() {
    let mut rig = bridge();
    rig.line("ovs-ofctl add-flow br0 actions=learn(table=1,hard_timeout=3,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])");
    rig.ports(0, &frame(1, 2, 0));
    assert_eq!(flow_counters(&rig).len(), 3);
    rig.run_to(rig.now + Duration::from_secs(4));
    assert_eq!(flow_counters(&rig).len(), 2);
}

#[test]
fn tables_and_the_buckets_that_frames_choose_count_them() {
    let mut rig = bridge();
    rig.line("ovs-ofctl -O OpenFlow13 add-group br0 group_id=1,type=select,bucket=output:2,bucket=output:3");
    rig.line("ovs-ofctl -O OpenFlow13 add-flow br0 in_port=1,actions=group:1");
    rig.line("ovs-ofctl add-flow br0 table=1,actions=drop");
    rig.line("ovs-ofctl add-flow br0 in_port=2,actions=resubmit(,1)");
    rig.line("ovs-ofctl del-flows --strict br0 priority=0");
    let chosen: Vec<u32> = (1..=40).flat_map(|station| rig.ports(0, &frame(station, 99, 0))).collect();
    let counts: Vec<String> = [1, 2].map(|port| chosen.iter().filter(|to| **to == port).count().to_string()).into();
    let stats = rig.line("ovs-ofctl -O OpenFlow13 dump-group-stats br0");
    for (bucket, count) in counts.iter().enumerate() {
        assert!(stats.contains(&format!("bucket{bucket}:packet_count={count},")), "{stats} {counts:?}");
    }
    for port in [1, 2] {
        rig.ports(port, &frame(1, 2, 0));
    }
    let shared = rig.switch.shared("br0").expect("the bridge was made");
    let tables = [0, 1].map(|table| shared.tables().table_stats(table).expect("it has flows").get());
    assert_eq!(tables, [(42, 41), (1, 1)]);
}

#[test]
fn more_changes_than_are_remembered_have_entries_translated_again() {
    let mut rig = bridge();
    rig.line("ovs-ofctl add-flow br0 in_port=1,actions=output:2");
    rig.ports(0, &frame(1, 2, 0));
    for n in 0..1025 {
        rig.line(&format!(
            "ovs-ofctl add-flow br0 priority=1,in_port=2,ip,nw_dst=10.0.{}.{},actions=drop",
            n / 256,
            n % 256
        ));
    }
    rig.ports(0, &frame(1, 2, 0));
    assert_eq!(misses(&rig), 2);
    rig.ports(0, &frame(1, 2, 0));
    assert_eq!(misses(&rig), 2);
}

#[test]
fn an_entry_that_no_frame_finds_for_ten_seconds_goes() {
    let mut rig = bridge();
    rig.line("ovs-ofctl add-flow br0 in_port=1,dl_src=02:00:00:00:00:01,actions=output:2");
    rig.ports(0, &frame(1, 2, 0));
    rig.now += Duration::from_secs(9);
    rig.ports(0, &frame(1, 2, 0));
    assert_eq!(misses(&rig), 1);
    rig.now += Duration::from_secs(11);
    for _ in 0..40 {
        rig.now += Duration::from_millis(100);
        rig.ports(0, &frame(3, 2, 0));
    }
    rig.ports(0, &frame(1, 2, 0));
    assert_eq!(misses(&rig), 3);
}

#[test]
fn a_long_list_of_masks_has_an_exact_match_front() {
    let mut rig = bridge();
    for bits in 1..=24 {
        let last = 1_u32 << (32 - bits);
        let network = std::net::Ipv4Addr::from_bits(10 << 24 | last & 0x00ff_ffff);
        rig.line(&format!("ovs-ofctl add-flow br0 priority={bits},ip,nw_dst={network}/{bits},actions=output:2"));
    }
    for round in 0..2000 {
        for bit in 0..24 {
            rig.ports(0, &packet((10_u32 << 24 | 1 << bit).to_be_bytes()));
        }
        if rig.worker.worker().stats().exact_hits > 0 {
            assert!(round > 10);
            return;
        }
    }
    let CacheStats { exact_hits, masked_hits, misses } = rig.worker.worker().stats();
    panic!("{exact_hits} exact hits, {masked_hits} masked, {misses} misses");
}
