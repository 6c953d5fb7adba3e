//! When flows end by their time-outs: to the instant, whether or not frames or commands come then.

mod rig;

use rig::{Rig, frame};
use sim_core::{Node, Time};

fn at(ms: u64) -> Time {
    Time::from_nanos(ms * 1_000_000)
}

fn rig(flows: &[&str]) -> Rig {
    let mut rig = Rig::new(3);
    rig.line("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure");
    (0..3).for_each(|n| drop(rig.line(&format!("ovs-vsctl add-port br0 p{n}"))));
    flows.iter().for_each(|flow| drop(rig.line(&format!("ovs-ofctl add-flow br0 {flow}"))));
    rig
}

/// How many flows a table has. Unlike a command, it changes nothing.
fn flows(rig: &Rig, table: u8) -> usize {
    let shared = rig.switch.shared("br0").expect("it is there");
    let tables = shared.tables();
    tables.tables().find(|(number, _)| *number == table).map_or(0, |(_, flows)| flows)
}

/// Finds that a table's last flow goes at an instant, and at no earlier one.
#[track_caller]
fn goes_at(rig: &mut Rig, table: u8, end: Time) {
    rig.run_to(Time::from_nanos(end.as_nanos() - 1));
    assert_eq!(flows(rig, table), 1, "1 ns before");
    rig.run_to(end);
    assert_eq!(flows(rig, table), 0, "then");
    assert_eq!(rig.switch.next_wake(), Time::NEVER, "nothing is waited for");
}

const LEARN: &str = "in_port=1,actions=learn(table=1,idle_timeout=IDLE,hard_timeout=HARD,\
                     NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),2";

fn learns(idle: u32, hard: u32) -> Rig {
    let learn = LEARN.replace("IDLE", &idle.to_string()).replace("HARD", &hard.to_string());
    let mut rig = rig(&[&learn, "in_port=2,actions=resubmit(,1)"]);
    assert_eq!(rig.switch.next_wake(), Time::NEVER);
    rig.run_to(at(1500));
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1]);
    assert_eq!(flows(&rig, 1), 1, "it is learnt");
    rig
}

#[test]
fn a_learnt_flow_ends_by_its_idle_time_out_although_no_frame_comes() {
    let mut rig = learns(10, 0);
    assert_eq!(rig.switch.next_wake(), at(11_500));
    goes_at(&mut rig, 1, at(11_500));
}

#[test]
fn a_learnt_flow_ends_by_its_hard_time_out_although_no_frame_comes() {
    let mut rig = learns(0, 7);
    assert_eq!(rig.switch.next_wake(), at(8_500));
    goes_at(&mut rig, 1, at(8_500));
}

#[test]
fn a_flow_that_is_learnt_again_lives_its_hard_time_out_anew() {
    let mut rig = learns(0, 7);
    rig.run_to(at(4_000));
    assert_eq!(rig.ports(0, &frame(1, 2, 0)), [1]);
    goes_at(&mut rig, 1, at(11_000));
}

#[test]
fn frames_that_only_the_cache_saw_put_an_idle_time_out_off() {
    let mut rig = learns(10, 0);
    for ms in [2_000, 5_000, 9_000] {
        rig.run_to(at(ms));
        assert_eq!(rig.ports(1, &frame(2, 1, 0)), [0], "by the flow that was learnt");
    }
    goes_at(&mut rig, 1, at(19_000));
}

#[test]
fn frames_put_off_no_hard_time_out() {
    let mut rig = learns(10, 12);
    for ms in [2_000, 9_000, 13_000] {
        rig.run_to(at(ms));
        assert_eq!(rig.ports(1, &frame(2, 1, 0)), [0]);
    }
    goes_at(&mut rig, 1, at(13_500));
}

#[test]
fn frames_of_a_port_that_does_nothing_but_normal_put_an_idle_time_out_off() {
    let mut rig = rig(&["idle_timeout=5,actions=normal"]);
    for ms in [1_000, 4_000, 8_000] {
        rig.run_to(at(ms));
        assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1, 2]);
    }
    goes_at(&mut rig, 0, at(13_000));
}

/// A TCP segment with these flags.
fn segment(flags: u8) -> Vec<u8> {
    let mut bytes = frame(1, 2, 0);
    bytes.truncate(14);
    bytes.extend([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend([0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0x10, 0, 0, 0, 0, 0]);
    bytes
}

#[test]
fn the_end_of_a_connection_shortens_a_flows_time_out_and_that_is_kept() {
    const ACK: u8 = 0x10;
    const FIN: u8 = 0x11;
    let mut rig =
        rig(&["table=0,actions=resubmit(,1)", "table=1,idle_timeout=100,tcp,actions=fin_timeout(idle_timeout=3),2"]);
    rig.run_to(at(2_000));
    assert_eq!(rig.ports(0, &segment(ACK)), [1]);
    rig.run_to(at(4_000));
    assert_eq!(rig.ports(0, &segment(FIN)), [1]);
    goes_at(&mut rig, 1, at(7_000));
}
