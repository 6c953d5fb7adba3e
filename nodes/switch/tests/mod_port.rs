//! `ovs-ofctl mod-port`: ports that take no frames, or send none.

mod rig;

use rig::{Rig, frame};

fn rig() -> Rig {
    let mut rig = Rig::new(3);
    rig.line("ovs-vsctl add-br br0");
    (0..3).for_each(|n| drop(rig.line(&format!("ovs-vsctl add-port br0 p{n}"))));
    rig
}

#[test]
fn a_port_that_receives_nothing_still_sends() {
    let mut rig = rig();
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1, 2]);
    rig.line("ovs-ofctl mod-port br0 p0 no-receive");
    assert_eq!(rig.death(0, &frame(1, 255, 0)), "p0: port_down (`ovs-ofctl mod-port br0 p0 no-receive`)");
    assert_eq!(rig.ports(1, &frame(2, 255, 0)), [0, 2]);
    rig.carrier(2, sim_core::Carrier::Down);
    assert_eq!(rig.ports(1, &frame(2, 255, 0)), [0], "also when another link went down");
    rig.line("ovs-ofctl mod-port br0 p0 receive");
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1]);
}

#[test]
fn a_port_that_forwards_nothing_still_receives() {
    let mut rig = rig();
    rig.line("ovs-ofctl mod-port br0 p1 no-forward");
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [2]);
    assert_eq!(rig.ports(1, &frame(2, 255, 0)), [0, 2]);
    assert_eq!(rig.death(0, &frame(1, 2, 0)), "p1: port_down (`ovs-ofctl mod-port br0 p1 no-forward`)");
    rig.line("ovs-ofctl mod-port br0 p1 forward");
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1]);
}

#[test]
fn what_is_set_is_shown() {
    let mut rig = rig();
    for (port, word) in [("p0", "no-receive"), ("p1", "no-forward"), ("p2", "no-packet-in"), ("p2", "no-flood")] {
        rig.line(&format!("ovs-ofctl mod-port br0 {port} {word}"));
    }
    let shown = rig.line("ovs-ofctl show br0");
    for config in ["NO_RECV\n", "NO_FWD\n", "NO_FLOOD NO_PACKET_IN\n"] {
        assert!(shown.contains(&format!("config:     {config}")), "{config}: {shown}");
    }
}

#[test]
fn a_frame_for_a_controller_that_is_not_there_says_so() {
    let mut rig = rig();
    rig.line("ovs-ofctl add-flow br0 priority=9,actions=controller");
    let death = rig.death(0, &frame(1, 2, 0));
    assert!(death.ends_with("no_listener (a flow of br0 sends it to a controller, and none is connected)"), "{death}");
}
