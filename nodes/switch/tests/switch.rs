//! What a switch does, seen from its ports and its command lines.

mod rig;

use rig::{Rig, frame};
use sim_core::{Carrier, DropReason, PortIx, Time};
use switch::CacheStats;

/// A switch with the bridge br0, which has `p0`, `p1` ... as ports, and what `line` sets.
fn bridge(ports: usize, line: &str) -> Rig {
    let mut rig = Rig::new(ports);
    let add: String = (0..ports).map(|n| format!(" -- add-port br0 p{n}")).collect();
    rig.line(&format!("ovs-vsctl add-br br0{add}{line}"));
    rig
}

#[test]
fn a_frame_to_a_station_that_was_heard_goes_to_its_port_alone() {
    let mut rig = bridge(3, "");
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1, 2]);
    assert_eq!(rig.ports(1, &frame(2, 1, 0)), [0]);
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1]);
}

#[test]
fn vlans_are_apart_and_a_drop_says_why() {
    let mut rig = bridge(3, " -- set port p0 tag=9 -- set port p1 tag=19 -- set port p2 trunks=9,19");
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [2]);
    assert_eq!(rig.death(0, &frame(1, 255, 9)), "p0: tagged_on_access (VLAN 9 tag, access port of VLAN 9)");
    assert_eq!(rig.death(2, &frame(1, 255, 20)), "p2: vlan_not_allowed (VLAN 20 is not in trunks [9, 19])");
    let mut pair = bridge(2, " -- set port p0 trunks=9,19 -- set port p1 tag=9");
    assert_eq!(pair.death(0, &frame(1, 255, 19)), "p1: vlan_not_allowed (VLAN 19, port carries 9)");
}

#[test]
fn each_reason_of_a_bridge_is_told_with_its_cause() {
    let mut rig = bridge(3, " -- del-port br0 p2 -- set port p0 protected=true -- set port p1 protected=true");
    assert_eq!(
        rig.death(2, &frame(1, 2, 0)),
        "p2: no_bridge (p2 is in no bridge; `ovs-vsctl add-port BRIDGE p2` adds it)"
    );
    assert_eq!(rig.death(0, &frame(1, 2, 0)), "p1: protected (p1 is protected, and so is the port it came from)");
    assert_eq!(rig.death(0, &frame(1, 1, 0)), "p0: same_port (02:00:00:00:00:01 is behind p0, where it came from)");
    assert_eq!(rig.death(0, &[0; 13]), "p0: malformed (13 bytes)");
    let mut bpdu = frame(1, 1, 0);
    bpdu[..6].copy_from_slice(&[1, 0x80, 0xc2, 0, 0, 0]);
    let said = "p0: reserved_multicast (to 01:80:c2:00:00:00, other_config:forward-bpdu is not set)";
    assert_eq!(rig.death(0, &bpdu), said);
    rig.line("ovs-vsctl set bridge br0 other_config:forward-bpdu=true -- set port p0 protected=false");
    assert_eq!(rig.ports(0, &bpdu), [1]);
    rig.carrier(1, Carrier::Down);
    assert_eq!(rig.death(0, &frame(1, 2, 0)), "p1: port_down (p1 is down)");
}

#[test]
fn a_station_behind_a_port_that_goes_down_is_unreachable_until_it_comes_up() {
    let mut rig = bridge(3, "");
    rig.ports(1, &frame(2, 255, 0));
    rig.carrier(1, Carrier::Down);
    assert_eq!(rig.death(0, &frame(1, 2, 0)), "p1: port_down (p1 is down)");
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [2]);
    rig.carrier(1, Carrier::Up);
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1]);
}

#[test]
fn a_new_vlan_of_a_port_forgets_the_stations_behind_it() {
    let mut rig = bridge(3, "");
    rig.ports(0, &frame(1, 255, 0));
    rig.ports(1, &frame(2, 255, 0));
    rig.line("ovs-vsctl set port p1 tag=9");
    let left: Vec<u16> = rig.switch.macs("br0", Time::ZERO).iter().map(|entry| entry.ofport).collect();
    assert_eq!(left, [1]);
}

#[test]
fn the_mac_table_is_shown_in_open_vswitchs_layout() {
    let mut rig = bridge(3, " -- set port p1 tag=9");
    rig.ports(0, &frame(1, 255, 0));
    rig.now = Time::from_secs(12);
    rig.ports(1, &frame(2, 255, 0));
    rig.line("ovs-appctl fdb/add br0 p2 19 02:00:00:00:00:07");
    let expected = " port  VLAN  MAC                Age\n    1     0  02:00:00:00:00:01   12\n    2     9  02:00:00:00:00:02    0\n    \
                    3    19  02:00:00:00:00:07  static\n";
    assert_eq!(rig.line("ovs-appctl fdb/show br0"), expected);
    assert_eq!(rig.line("ovs-appctl fdb/flush br0"), "table successfully flushed\n");
    let expected = " port  VLAN  MAC                Age\n    3    19  02:00:00:00:00:07  static\n";
    assert_eq!(rig.line("ovs-appctl fdb/show br0"), expected);
    let expected = "Statistics for bridge \"br0\":\n  Current/maximum MAC entries in the table: 1/8192\n  \
                    Current static MAC entries in the table : 1\n  Total number of learned MAC entries     : 2\n  \
                    Total number of expired MAC entries     : 0\n  Total number of evicted MAC entries     : 0\n  \
                    Total number of port moved MAC entries  : 0\n";
    assert_eq!(rig.line("ovs-appctl fdb/stats-show br0"), expected);
    rig.line("ovs-appctl fdb/del br0 19 02:00:00:00:00:07");
    let error = rig.try_line("ovs-appctl fdb/del br0 19 02:00:00:00:00:07").unwrap_err();
    assert!(error.message.starts_with("could not find static mac entry\novs-appctl: "), "{error}");
}

#[test]
fn lines_that_make_no_sense_say_what_is_wrong() {
    let mut rig = bridge(1, "");
    let mut says = |line: &str| rig.try_line(line).unwrap_err().message;
    assert!(says("ovs-appctl fdb/show br1").starts_with("no such bridge\n"));
    assert!(says("ovs-appctl fdb/show").starts_with("\"fdb/show\" command requires at least 1 arguments\n"));
    assert!(says("ovs-appctl fdb/shov br0").contains("did you mean fdb/show?"));
    assert!(says("ovs-appctl fdb/add br0 p0 4096 02:00:00:00:00:01").starts_with("bad VLAN"));
    assert!(says("ovs-appctl fdb/add br0 p9 0 02:00:00:00:00:01").contains("no port p9"));
    assert_eq!(says("ovs-ofctl show br1"), "ovs-ofctl: br1 is not a bridge or a socket");
    assert_eq!(says("ovs-ofctl dump-ports br0 p9"), "ovs-ofctl: br0: unknown port `p9'");
    assert!(says("ovs-vsctll show").contains("did you mean ovs-vsctl?"));
    assert!(says("ovs-vsctl add-br br0").starts_with("ovs-vsctl: "));
}

#[test]
fn flows_decide_before_the_bridge_does() {
    let mut rig = bridge(3, "");
    rig.now = Time::from_millis(2500);
    rig.ports(0, &frame(1, 2, 0));
    rig.now = Time::from_secs(4);
    let expected = "NXST_FLOW reply (xid=0x4):\n cookie=0x0, duration=4.000s, table=0, n_packets=1, n_bytes=21, idle_age=1, \
                    priority=0 actions=NORMAL\n";
    assert_eq!(rig.line("ovs-ofctl dump-flows br0"), expected);
    rig.line("ovs-ofctl add-flow br0 priority=9,in_port=1,dl_vlan=9,actions=strip_vlan,output:2,mod_vlan_vid:7,output:3,IN_PORT");
    let outcome = rig.offer(PortIx(0), &frame(1, 2, 9)).frames;
    let expected = [(PortIx(1), frame(1, 2, 0)), (PortIx(2), frame(1, 2, 7)), (PortIx(0), frame(1, 2, 7))];
    assert_eq!(outcome, expected);
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1, 2]);
    rig.line("ovs-ofctl del-flows br0 dl_vlan=9");
    assert_eq!(rig.ports(0, &frame(1, 2, 9)), [1, 2]);
    rig.line("ovs-ofctl add-flow br0 priority=5,in_port=p1,actions=drop");
    assert_eq!(rig.death(1, &frame(1, 2, 0)), "nowhere: flow_drop (a flow of br0 has no output)");
    rig.line("ovs-ofctl del-flows br0");
    assert_eq!(rig.death(1, &frame(1, 2, 0)), "nowhere: table_miss (no flow of br0 matches)");
}

#[test]
fn a_secure_bridge_starts_without_flows() {
    let mut rig = bridge(2, " -- set-fail-mode br0 secure");
    assert_eq!(rig.line("ovs-ofctl dump-flows br0"), "NXST_FLOW reply (xid=0x4):\n");
    assert_eq!(rig.offer(PortIx(0), &frame(1, 2, 0)).drops[0].reason, DropReason::TableMiss);
    rig.line("ovs-vsctl del-fail-mode br0");
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1]);
}

#[test]
fn only_as_much_is_read_as_the_flows_ask_for() {
    let stats = |flow: &str| {
        let mut rig = bridge(2, "");
        rig.line("ovs-ofctl del-flows br0");
        rig.line(&format!("ovs-ofctl add-flow br0 {flow},actions=output:2"));
        for src in 0..10 {
            rig.ports(0, &frame(src, 2, 0));
        }
        rig.worker.worker().stats()
    };
    assert_eq!(stats("in_port=1"), CacheStats { exact_hits: 0, masked_hits: 9, misses: 1 });
    assert_eq!(stats("in_port=1,ip"), CacheStats { exact_hits: 0, masked_hits: 9, misses: 1 });
    assert_eq!(stats("dl_dst=02:00:00:00:00:02"), CacheStats { exact_hits: 0, masked_hits: 9, misses: 1 });
    assert_eq!(stats("dl_src=02:00:00:00:00:02"), CacheStats { exact_hits: 0, masked_hits: 0, misses: 10 });
}

#[test]
fn counters_are_shown_as_ovs_ofctl_and_ovs_vsctl_show_them() {
    let mut rig = bridge(2, "");
    rig.ports(0, &frame(1, 255, 0));
    rig.offer(PortIx(0), &[0; 5]);
    let expected = "OFPST_PORT reply (xid=0x4): 1 ports\n  port  1: rx pkts=2, bytes=26, drop=1, errs=0, frame=0, over=0, crc=0\n           \
                    tx pkts=0, bytes=0, drop=0, errs=0, coll=0\n";
    assert_eq!(rig.line("ovs-ofctl dump-ports br0 p0"), expected);
    assert_eq!(rig.line("ovs-vsctl get interface p1 statistics:tx_packets ofport link_state"), "1\n2\nup\n");
    assert_eq!(rig.switch.counters("p1").map(|counters| counters.tx_bytes), Some(21));
}

#[test]
fn an_interface_without_a_device_has_an_error_and_comes_to_life_with_it() {
    let mut rig = bridge(1, " -- add-port br0 eth7 -- add-port br0 late -- set interface late ofport_request=40");
    let error = rig.line("ovs-vsctl get interface eth7 error ofport");
    assert_eq!(error, "\"could not open network device eth7 (No such device)\"\n-1\n");
    rig.switch.attach("late", PortIx(5));
    rig.carrier(5, Carrier::Up);
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [5]);
    assert_eq!(rig.line("ovs-vsctl get interface late error ofport"), "[]\n40\n");
}

#[test]
fn an_internal_interface_needs_no_device_and_is_down_without_one() {
    let mut rig = bridge(1, " -- add-port br0 vnet0 -- set interface vnet0 type=internal");
    assert_eq!(rig.line("ovs-vsctl get interface vnet0 error ofport link_state"), "[]\n2\ndown\n");
    assert_eq!(rig.offer(PortIx(0), &frame(1, 2, 0)).drops[0].reason, DropReason::PortDown);
}

#[test]
fn two_bridges_of_a_switch_are_apart() {
    let mut rig = Rig::new(4);
    rig.line("ovs-vsctl add-br br0 -- add-br br1 -- add-port br0 p0 -- add-port br0 p1 -- add-port br1 p2 -- add-port br1 p3");
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1]);
    assert_eq!(rig.ports(2, &frame(1, 255, 0)), [3]);
    rig.line("ovs-vsctl del-br br0 -- add-port br1 p0");
    assert_eq!(rig.ports(2, &frame(1, 255, 0)), [3, 0]);
    assert_eq!(rig.switch.bridges().collect::<Vec<_>>(), ["br1"]);
}

#[test]
fn a_mirror_copies_what_comes_and_goes_and_its_port_takes_no_frames() {
    let mirror = " -- --id=@m get port p2 -- --id=@s get port p0 -- --id=@n create mirror name=m0 select_src_port=@s \
                  select_dst_port=@s output_port=@m -- set bridge br0 mirrors=@n -- set port p1 tag=9 -- set port p0 tag=9";
    let mut rig = bridge(3, mirror);
    let outcome = rig.offer(PortIx(0), &frame(1, 255, 0)).frames;
    assert_eq!(outcome, [(PortIx(2), frame(1, 255, 9)), (PortIx(1), frame(1, 255, 0))]);
    let outcome = rig.offer(PortIx(1), &frame(2, 1, 0)).frames;
    assert_eq!(outcome, [(PortIx(0), frame(2, 1, 0)), (PortIx(2), frame(2, 1, 9))]);
    assert_eq!(rig.death(2, &frame(3, 1, 0)), "p2: port_blocked (p2 is a mirror's output port and takes no frames)");
}

#[test]
fn a_mirror_into_a_vlan_reaches_all_ports_that_carry_it_and_copies_no_frame_of_it() {
    let mirror = " -- set port p0 tag=9 -- set port p1 tag=9 -- set port p2 trunks=99 -- set port p3 tag=99 \
                  -- --id=@n create mirror name=m0 select_all=true output_vlan=99 -- set bridge br0 mirrors=@n";
    let mut rig = bridge(4, mirror);
    let mut outcome = rig.offer(PortIx(0), &frame(1, 255, 0)).frames;
    outcome.sort();
    // The copy leaves p2, a trunk, in VLAN 99 with its tag, and p3, an access port, without.
    assert_eq!(outcome, [(PortIx(1), frame(1, 255, 0)), (PortIx(2), frame(1, 255, 99)), (PortIx(3), frame(1, 255, 0))]);
    assert_eq!(rig.ports(3, &frame(3, 255, 0)), [2], "a frame of VLAN 99 itself isn't copied into it");
}

#[test]
fn a_mirrors_copies_are_cut_to_its_snaplen_and_the_frame_itself_is_not() {
    let mirror = " -- --id=@m get port p2 -- --id=@n create mirror name=m0 select_all=true output_port=@m snaplen=20 \
                  -- set bridge br0 mirrors=@n";
    let mut rig = bridge(3, mirror);
    let sizes: Vec<_> =
        rig.offer(PortIx(0), &frame(1, 255, 0)).frames.into_iter().map(|(port, bytes)| (port, bytes.len())).collect();
    assert_eq!(sizes, [(PortIx(2), 20), (PortIx(1), frame(1, 255, 0).len())]);
}

#[test]
fn a_bond_is_one_port_and_sends_by_a_link_that_is_up() {
    let mut rig = Rig::new(3);
    rig.line("ovs-vsctl add-br br0 -- add-bond br0 bond0 p0 p1 -- add-port br0 p2");
    let first = rig.ports(2, &frame(1, 255, 0));
    assert!(first == [0] || first == [1], "{first:?}");
    rig.carrier(first[0], Carrier::Down);
    let second = 1 - first[0];
    assert_eq!(rig.ports(2, &frame(1, 255, 0)), [second]);
    assert_eq!(rig.ports(second, &frame(2, 255, 0)), [2]);
    rig.carrier(first[0], Carrier::Up);
    assert_eq!(rig.ports(2, &frame(1, 2, 0)), first);
}

#[test]
fn vlans_without_learning_are_flooded() {
    let mut rig = bridge(3, " -- set bridge br0 flood_vlans=9");
    for vlan in [0, 9] {
        rig.ports(1, &frame(2, 255, vlan));
    }
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1]);
    assert_eq!(rig.ports(0, &frame(1, 2, 9)), [1, 2]);
}

#[test]
fn tables_follow_their_configured_size_and_ageing_time() {
    let mut rig = bridge(2, " -- set bridge br0 other_config:mac-table-size=10 other_config:mac-aging-time=20");
    for src in 0..30 {
        rig.ports(0, &frame(src, 255, 0));
    }
    let stats = rig.switch.mac_stats("br0", Time::ZERO).expect("br0 exists");
    assert_eq!((stats.entries, stats.evicted), (10, 20));
    assert_eq!(rig.switch.macs("br0", Time::from_secs(19)).len(), 10);
    assert_eq!(rig.switch.macs("br0", Time::from_secs(20)).len(), 0);
}

proptest::proptest! {
    #[test]
    fn a_frame_of_any_bytes_goes_out_or_is_a_drop(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100),
        tag in 0..3_usize,
        port in 0..4_u32,
    ) {
        let mut rig = bridge(4, " -- set port p0 vlan_mode=dot1q-tunnel tag=9 -- set port p1 tag=9 -- set port p2 vlan_mode=native-untagged tag=5");
        rig.line("ovs-ofctl add-flow br0 ip,in_port=4,actions=dec_ttl,mod_nw_src:1.2.3.4,mod_tp_dst:5,mod_vlan_pcp:3,FLOOD,strip_vlan,push_vlan:0x88a8,ALL");
        let mut bytes = bytes;
        if bytes.len() > 14 && tag > 0 {
            bytes[12..14].copy_from_slice(&[[0x81, 0], [8, 0]][tag - 1]);
        }
        let outcome = rig.offer(PortIx(port), &bytes);
        assert!(outcome.frames.len() + outcome.drops.len() > 0);
        for drop in &outcome.drops {
            assert!(!rig.switch.explain_drop(drop, &bytes).is_empty());
        }
        assert_eq!(rig.live_frames(), 0);
    }
}
