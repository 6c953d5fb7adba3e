//! What a frame costs is bounded, whatever flows and groups ask for: these are small, and would take years.

mod rig;

use rig::Rig;
use sim_core::PortIx;

/// A bridge of two ports with these groups and flows.
fn bridge(groups: &[String], flows: &str) -> Rig {
    let mut rig = Rig::new(2);
    rig.line("ovs-vsctl add-br br0 -- add-port br0 p0 -- add-port br0 p1");
    rig.line("ovs-ofctl del-flows br0");
    for group in groups {
        rig.line(&format!("ovs-ofctl -O OpenFlow13 add-group br0 {group}"));
    }
    let now = rig.now;
    rig.switch.add_flows(now, "br0", "flows", flows).unwrap_or_else(|error| panic!("{error}"));
    rig
}

/// A frame of an MPLS packet with one label, an IPv4 datagram behind it.
fn labelled() -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0x47, 0, 0, 0x11, 64];
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([0, 53, 0, 53, 0, 8, 0, 0]);
    frame
}

#[test]
fn groups_of_which_each_watches_the_next_in_several_ways() {
    let bucket = |next: u32| format!(",bucket=watch_group:{next},actions=output:2").repeat(8);
    let mut groups = vec!["group_id=1,type=ff,bucket=watch_port:9,actions=output:2".to_owned()];
    groups.extend((2..40).map(|id| format!("group_id={id},type=ff{}", bucket(id - 1))));
    let mut rig = bridge(&groups, "actions=group:39");
    assert_eq!(rig.death(0, &rig::frame(1, 2, 0)), "nowhere: too_many_resubmits");
    // A few ways are gone through.
    let mut rig = bridge(&groups, "actions=group:4");
    assert_eq!(rig.death(0, &rig::frame(1, 2, 0)), "nowhere: flow_drop (a flow of br0 has no output)");
}

#[test]
fn an_action_set_that_grows_and_grows() {
    let writes = vec!["set_field:1->reg0"; 16].join(",");
    let again = vec!["resubmit(,1)"; 3000].join(",");
    let flows = format!("table=0,actions={again}\ntable=1,actions=write_actions({writes},output:2)");
    let mut rig = bridge(&[], &flows);
    assert_eq!(rig.death(0, &rig::frame(1, 2, 0)), "nowhere: too_many_resubmits");
}

#[test]
fn flows_that_a_frame_makes_again_and_again() {
    let learns = vec!["learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])"; 16].join(",");
    let flows = format!("table=0,actions={},output:2\ntable=1,actions={learns}", vec!["resubmit(,1)"; 3000].join(","));
    let mut rig = bridge(&[], &flows);
    assert_eq!(rig.death(0, &rig::frame(1, 2, 0)), "nowhere: too_many_resubmits");
}

#[test]
fn a_frame_of_which_each_copy_is_read_again_for_more_copies() {
    let copies = vec!["clone(pop_mpls:0x0800,dec_ttl,push_mpls:0x8847,resubmit(,1))"; 64].join(",");
    let flows = format!("table=0,mpls,actions={copies}\ntable=1,mpls,actions=output:2,{copies}");
    let mut rig = bridge(&[], &flows);
    let sent = rig.offer(PortIx(0), &labelled()).frames.len();
    assert!((1..=256).contains(&sent), "{sent} copies");
}
