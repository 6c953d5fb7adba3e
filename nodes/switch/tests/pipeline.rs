//! What becomes of frames where it isn't one program for all of them: what a frame's length or hash chooses, packets that
//! come to light behind labels, and NORMAL from another port.

mod rig;

use packet::key::slot;
use packet::{FlowKey, compose};
use rig::{Rig, frame};
use sim_core::PortIx;
use switch::Switch;

/// A bridge of the ports 1, 2, 3 and 4, which are the node's 0, 1, 2 and 3.
fn bridge(lines: &[&str]) -> Rig {
    let mut rig = Rig::new(4);
    let ports: String = (0..4).map(|n| format!(" -- add-port br0 p{n}")).collect();
    rig.line(&format!("ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0{ports}"));
    rig.line("ovs-ofctl del-flows br0");
    lines.iter().for_each(|line| drop(rig.line(&format!("ovs-ofctl -O OpenFlow15 {line}"))));
    rig
}

/// A UDP packet of a port to port 9, in a frame of a size.
fn udp(port: u16, size: usize) -> Vec<u8> {
    let text =
        format!("udp,dl_src=02:00:00:00:00:01,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=9,udp_src={port},udp_dst=9");
    let mut bytes = compose(&FlowKey::parse_with(&text, &|_| None).expect("it is a flow"));
    bytes.resize(size, 0);
    bytes
}

/// A packet behind a label.
fn labelled(label: u32, packet: &[u8]) -> Vec<u8> {
    let entry = (label << 12 | 1 << 8 | 64).to_be_bytes();
    [&packet[..12], &[0x88, 0x47], &entry, &packet[14..]].concat()
}

/// The frames that the flows of a table have counted.
fn counted(switch: &Switch, table: u8) -> Vec<u64> {
    let tables = switch.shared("br0").expect("br0 is there").tables();
    let mut rules: Vec<_> = tables.rules(table).collect();
    rules.sort_by_key(|rule| rule.id());
    rules.into_iter().map(|rule| rule.stats.get().0).collect()
}

/// The frames that a group's buckets have counted.
fn buckets(switch: &Switch, group: u32) -> Vec<u64> {
    let tables = switch.shared("br0").expect("br0 is there").tables();
    tables.group(group).expect("it is there").buckets.iter().map(|bucket| bucket.get().0).collect()
}

#[test]
fn a_bucket_and_the_flows_behind_it_count_the_frames_that_it_was_chosen_for() {
    let mut rig = bridge(&[
        "add-group br0 group_id=1,type=select,bucket=resubmit(,1),bucket=weight:3,output:3",
        "add-flow br0 in_port=1,actions=group:1",
        "add-flow br0 table=1,actions=output:2",
    ]);
    let mut left = [0; 4];
    for port in 0..100 {
        let ports = rig.ports(0, &udp(port, 60));
        assert_eq!(ports, rig.ports(0, &udp(port, 60)), "a connection stays with its bucket");
        ports.iter().for_each(|port| left[*port as usize] += 2);
    }
    rig.line("ovs-ofctl dump-flows br0");
    assert!(left[1] > 20 && left[2] > 100 && left[1] + left[2] == 200, "{left:?}");
    assert_eq!(buckets(&rig.switch, 1), [left[1], left[2]]);
    assert_eq!((counted(&rig.switch, 0), counted(&rig.switch, 1)), (vec![200], vec![left[1]]));
}

#[test]
fn the_flows_behind_a_length_count_the_frames_of_that_length() {
    let mut rig = bridge(&[
        "add-flow br0 in_port=1,actions=check_pkt_larger(100)->reg0[0],resubmit(,1),output:4",
        "add-flow br0 table=1,reg0=1,actions=output:2",
        "add-flow br0 table=1,reg0=0,actions=output:3",
    ]);
    assert_eq!(rig.ports(0, &udp(1, 101)), [1, 3]);
    assert_eq!(rig.ports(0, &udp(1, 101)), [1, 3]);
    assert_eq!(rig.ports(0, &udp(1, 100)), [2, 3]);
    rig.line("ovs-ofctl dump-flows br0");
    assert_eq!((counted(&rig.switch, 0), counted(&rig.switch, 1)), (vec![3], vec![2, 1]));
}

#[test]
fn a_packet_behind_a_label_is_read_and_goes_on() {
    let mut rig = bridge(&[
        "add-flow br0 in_port=1,mpls,actions=load:7->reg1[],output:4,pop_mpls:0x0800,dec_ttl,resubmit(,1),output:3",
        "add-flow br0 table=1,udp,reg1=7,udp_dst=9,actions=mod_tp_dst:80,output:2",
        "add-flow br0 table=1,priority=0,actions=drop",
    ]);
    let outcome = rig.offer(PortIx(0), &labelled(5, &udp(1, 60)));
    let [whole, found, rest] = &outcome.frames[..] else { panic!("{outcome:?}") };
    assert_eq!((whole, outcome.drops.len()), (&(PortIx(3), labelled(5, &udp(1, 60))), 0));
    for (frame, port) in [(found, 1), (rest, 2)] {
        let key = FlowKey::extract(0, &frame.1);
        assert_eq!((frame.0, key.nw_ttl(), key.tp_dst(), key.tp_src()), (PortIx(port), 8, 80, 1));
    }
    rig.line("ovs-ofctl dump-flows br0");
    assert_eq!(counted(&rig.switch, 1), [1, 0]);
    // A program of one entry, and behind the label another packet.
    let mut other = udp(1, 60);
    other[23] = 6;
    assert_eq!(rig.ports(0, &labelled(5, &other)), [3, 2]);
    rig.line("ovs-ofctl dump-flows br0");
    assert_eq!((counted(&rig.switch, 1), rig.worker.worker().stats().misses), (vec![1, 1], 1));
    // What is behind the label ends too early to be read, and has no time to live.
    assert_eq!(rig.ports(0, &labelled(5, &udp(1, 60))[..22]), [3]);
}

#[test]
fn labels_behind_labels_are_read_as_often_as_it_takes_and_no_more() {
    let mut rig = bridge(&[
        "add-flow br0 actions=pop_mpls:0x0800,push_vlan:0x8100,dec_ttl,push_mpls:0x8847,resubmit(,0),output:2",
    ]);
    assert!(rig.death(0, &labelled(5, &udp(1, 60))).starts_with("nowhere: "));
    let clones = "clone(pop_mpls:0x0800,dec_ttl,push_mpls:0x8847,resubmit(,1)),".repeat(40);
    let mut rig = bridge(&[
        &format!("add-flow br0 in_port=1,mpls,actions={clones}output:2"),
        &format!("add-flow br0 table=1,mpls,actions={clones}output:3"),
    ]);
    assert!(rig.ports(0, &labelled(5, &udp(1, 60))).len() < 1000);
    assert_eq!(rig.live_frames(), 0);
}

#[test]
fn normal_after_another_port_was_written_floods_back_and_not_there() {
    let mut rig = bridge(&["add-flow br0 actions=load:2->in_port[],NORMAL"]);
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [0, 2, 3]);
    // The station was learnt behind that port.
    assert_eq!(rig.line("ovs-appctl fdb/show br0").lines().nth(1).map(|line| line[..5].trim()), Some("2"));
    rig.line("ovs-ofctl add-flow br0 in_port=3,priority=40000,actions=NORMAL");
    assert_eq!(rig.ports(2, &frame(3, 1, 0)), [1]);
}

#[test]
fn a_part_of_a_label_is_written_without_the_rest() {
    let mut rig = bridge(&["add-flow br0 mpls,actions=set_mpls_label:9,output:2"]);
    for class in 0..3_u8 {
        let mut bytes = labelled(5, &udp(1, 60));
        bytes[16] |= class << 1;
        let frames = rig.offer(PortIx(0), &bytes).frames;
        let key = FlowKey::extract(0, &frames[0].1);
        assert_eq!((key.get(slot::MPLS_LABEL), key.get(slot::MPLS_TC)), (9, class.into()));
    }
    assert_eq!(rig.worker.worker().stats().misses, 1, "the class is no matter");
}

#[test]
fn nesting_up_to_every_limit_fits_a_thread_of_two_mebibytes() {
    let clones = |inner: &str, depth: usize| format!("{}{inner}{}", "clone(".repeat(depth), ")".repeat(depth));
    let to_itself = "resubmit(,0)".to_owned();
    let lists = [to_itself.clone(), clones(&to_itself, 30), [&to_itself[..]; 70].join(","), clones("group:1", 30)];
    for list in &lists {
        std::thread::scope(|scope| {
            let run = || {
                let mut rig = bridge(&["add-group br0 group_id=1,type=all,bucket=resubmit(,0),bucket=resubmit(,1)"]);
                let mut flows: Vec<String> =
                    (1..=253).map(|table| format!("table={table},actions={}", forward(list, table))).collect();
                flows.push(format!("actions={list},output:2"));
                flows.push(format!("in_port=2,priority=9,actions={},output:3", forward(list, 0)));
                let now = rig.now;
                rig.switch.add_flows(now, "br0", "flows", &flows.join("\n")).expect("the flows are good");
                for port in 0..2 {
                    rig.offer(PortIx(port), &udp(1, 60));
                    let trace = rig.switch.trace(now, "br0", PortIx(port), &udp(1, 60)).expect("it is in br0");
                    assert!(trace.to_string().len() > 1000);
                }
                rig.line("ovs-appctl dpctl/dump-flows");
            };
            let thread = std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, run);
            thread.expect("a thread can be made").join().expect("it ends well");
        });
    }
}

/// A list that goes to the next table where another goes to itself.
fn forward(list: &str, table: u32) -> String {
    match table {
        253 => "output:2".to_owned(),
        _ => list.replace("resubmit(,0)", &format!("resubmit(,{})", table + 1)),
    }
}
