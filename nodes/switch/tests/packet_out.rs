//! `ovs-ofctl packet-out`: where a frame goes that the bridge is given, and who counts it.

mod rig;

use rig::{Outcome, Rig, frame};
use sim_core::{DropReason, Time};

fn rig(flows: &[&str]) -> Rig {
    let mut rig = Rig::new(3);
    rig.line("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure");
    (0..3).for_each(|n| drop(rig.line(&format!("ovs-vsctl add-port br0 p{n}"))));
    flows.iter().for_each(|flow| drop(rig.line(&format!("ovs-ofctl add-flow br0 {flow}"))));
    rig
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ports(outcome: &Outcome) -> Vec<u32> {
    outcome.frames.iter().map(|(port, _)| port.0).collect()
}

/// Gives the bridge a frame from station 1 to station 2.
fn give(rig: &mut Rig, in_port: &str, actions: &str) -> Outcome {
    rig.sent_by(&format!(
        "ovs-ofctl packet-out br0 in_port={in_port},packet={},actions={actions}",
        hex(&frame(1, 2, 0))
    ))
}

fn reasons(outcome: &Outcome) -> Vec<DropReason> {
    outcome.drops.iter().map(|drop| drop.reason).collect()
}

#[test]
fn a_frame_goes_where_its_actions_send_it_as_they_make_it() {
    let mut rig = rig(&[]);
    let sent = give(&mut rig, "1", "2");
    assert_eq!((ports(&sent), &sent.frames[0].1), (vec![1], &frame(1, 2, 0)));
    let sent = give(&mut rig, "p0", "mod_vlan_vid:7,p2");
    assert_eq!((ports(&sent), &sent.frames[0].1), (vec![2], &frame(1, 2, 7)));
    let (one, other) = (hex(&frame(1, 2, 0)), hex(&frame(3, 4, 0)));
    let sent = rig.sent_by(&format!("ovs-ofctl packet-out br0 none output:2,output:3 {one} {other}"));
    assert_eq!(ports(&sent), [1, 2, 1, 2]);
    assert!(rig.line("ovs-ofctl dump-ports br0 2").contains("tx pkts=3,"), "its ports count it");
    assert_eq!(rig.live_frames(), 0);
}

#[test]
fn a_frame_for_the_tables_is_counted_by_the_flows_that_it_finds() {
    let mut rig = rig(&["in_port=1,metadata=5,actions=resubmit(,1)", "table=1,actions=3"]);
    let line = format!("in_port=1,metadata=5,packet={},actions=table", hex(&frame(1, 2, 0)));
    assert_eq!(ports(&rig.sent_by(&format!("ovs-ofctl packet-out br0 {line}"))), [2]);
    let dump = rig.line("ovs-ofctl dump-flows br0");
    assert_eq!(dump.matches("n_packets=1, ").count(), 2, "{dump}");
    assert!(rig.line("ovs-ofctl dump-tables br0").contains("active=1, lookup=1, matched=1"));
    assert_eq!(reasons(&give(&mut rig, "1", "table")), [DropReason::TableMiss], "without the metadata");
    assert!(rig.line("ovs-ofctl dump-tables br0").contains("active=1, lookup=2, matched=1"));
}

#[test]
fn normal_floods_a_frame_of_no_port_and_learns_nothing_from_it() {
    let mut rig = rig(&[]);
    for source in ["none", "controller"] {
        assert_eq!(ports(&give(&mut rig, source, "normal")), [0, 1, 2], "{source}");
        assert!(rig.switch.macs("br0", Time::ZERO).is_empty(), "{source}");
    }
    assert_eq!(ports(&give(&mut rig, "1", "normal")), [1, 2], "not back to where it seems to come from");
    let macs = rig.switch.macs("br0", Time::ZERO);
    assert_eq!(macs.iter().map(|entry| entry.ofport).collect::<Vec<_>>(), [1], "that port is where the station is");
    let sent = give(&mut rig, "99", "normal");
    assert_eq!((ports(&sent), reasons(&sent)), (vec![], vec![DropReason::PortBlocked]), "no such port");
    assert_eq!(ports(&give(&mut rig, "99", "all")), [0, 1, 2]);
}

#[test]
fn a_frame_that_goes_nowhere_is_dropped_with_a_reason() {
    let mut rig = rig(&[]);
    assert_eq!(reasons(&give(&mut rig, "1", "drop")), [DropReason::FlowDrop]);
    assert_eq!(reasons(&give(&mut rig, "1", "1")), [DropReason::SamePort]);
    assert_eq!(reasons(&give(&mut rig, "1", "table")), [DropReason::TableMiss]);
    assert_eq!(reasons(&give(&mut rig, "1", "controller")), [DropReason::NoListener]);
    assert_eq!(rig.live_frames(), 0);
}

#[test]
fn what_a_packet_out_learns_ends_in_time() {
    let mut rig = rig(&[]);
    give(&mut rig, "1", "learn(table=1,hard_timeout=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),2");
    assert_eq!(sim_core::Node::next_wake(&rig.switch), Time::from_nanos(5_000_000_000));
}

#[test]
fn before_the_lab_runs_nothing_is_sent() {
    let mut rig = rig(&[]);
    let line = format!("ovs-ofctl packet-out br0 1 2 {}", hex(&frame(1, 2, 0)));
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let error = rig.switch.command_at(Time::ZERO, &words).unwrap_err();
    assert!(error.message.contains("put the line into [[events]]"), "{error}");
}
