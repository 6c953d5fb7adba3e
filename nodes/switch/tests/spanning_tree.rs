//! A switch with a spanning tree, seen from its ports and its command lines.

mod rig;

use packet::MacAddr;
use packet::wire::bpdu::{Bpdu, BridgeId, Flags, GROUP, PortId, PortRole, Ticks, Vector};
use rig::{Rig, frame};
use sim_core::{Carrier, Duration, Node, PortIx, Time};
use spanning_tree::{PortNumber, Protocol, Role, State};

/// A switch with the bridge br0, its ports `p0`, `p1` ..., and what `line` sets.
fn bridge(ports: usize, line: &str) -> Rig {
    let mut rig = Rig::new(ports);
    let add: String = (0..ports).map(|n| format!(" -- add-port br0 p{n}")).collect();
    rig.line(&format!("ovs-vsctl add-br br0{add}{line}"));
    rig
}

/// As [`bridge`], speaking STP.
fn stp(ports: usize, line: &str) -> Rig {
    bridge(ports, &format!(" -- set bridge br0 stp_enable=true{line}"))
}

/// A BPDU of a bridge of priority 4096 that is the root.
fn better() -> Bpdu {
    let bridge = BridgeId::new(0x1000, MacAddr([2, 0, 0, 0, 0, 1]));
    Bpdu::Config(Vector {
        flags: Flags::default(),
        root: bridge,
        root_path_cost: 4,
        bridge,
        port: PortId(0x8003),
        message_age: Ticks(0),
        max_age: Ticks::from_secs(20),
        hello_time: Ticks::from_secs(2),
        forward_delay: Ticks::from_secs(15),
    })
}

fn hear(rig: &mut Rig, port: u32, bpdu: Bpdu) {
    let outcome = rig.offer(PortIx(port), &bpdu.to_frame(MacAddr([2, 0, 0, 0, 0, 1])));
    assert!(outcome.drops.is_empty(), "{outcome:?}");
}

fn get(rig: &mut Rig, what: &str) -> String {
    rig.line(&format!("ovs-vsctl get {what}")).trim().to_owned()
}

#[test]
fn a_port_passes_frames_on_only_after_listening_and_learning() {
    let mut rig = stp(2, "");
    let sent = rig.run_to(Time::from_secs(14));
    assert_eq!(sent.iter().filter(|(_, port, _)| port.0 == 0).count(), 8, "one BPDU at once and one each 2 s");
    assert!(sent.iter().all(|(_, _, frame)| frame.starts_with(&GROUP.0) && frame.len() == 60));
    assert_eq!(rig.death(0, &frame(1, 255, 0)), "p0: port_blocked (STP: s1:p0 is a designated port, listening)");
    assert!(rig.switch.macs("br0", rig.now).is_empty());
    rig.run_to(Time::from_secs(16));
    assert_eq!(rig.death(0, &frame(1, 255, 0)), "p0: port_blocked (STP: s1:p0 is a designated port, learning)");
    assert_eq!(rig.switch.macs("br0", rig.now).len(), 1, "it learns all the same");
    rig.run_to(Time::from_secs(31));
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1]);
}

#[test]
fn of_two_ways_to_the_root_one_is_closed_both_ways() {
    let mut rig = stp(3, "");
    for second in (0..40).step_by(2) {
        rig.run_to(Time::from_secs(second));
        hear(&mut rig, 0, better());
        hear(&mut rig, 1, better());
    }
    assert_eq!(rig.death(1, &frame(1, 255, 0)), "p1: port_blocked (STP: s1:p1 is an alternate port, blocking)");
    assert_eq!(rig.ports(2, &frame(2, 255, 0)), [0], "floods leave it out");
    assert_eq!(rig.ports(0, &frame(3, 255, 0)), [2]);
    rig.line("ovs-ofctl add-flow br0 in_port=p2,actions=output:p1");
    assert_eq!(rig.death(2, &frame(2, 255, 0)), "p1: port_blocked (STP: s1:p1 is an alternate port, blocking)");
    rig.line("ovs-ofctl del-flows br0 in_port=p2");
    rig.line("ovs-appctl fdb/add br0 p1 0 02:00:00:00:00:09");
    assert_eq!(rig.death(2, &frame(2, 9, 0)), "p1: port_blocked (STP: s1:p1 is an alternate port, blocking)");
    let tree = rig.switch.spanning_tree("br0").expect("it has one");
    assert_eq!(tree.protocol(), Protocol::Stp);
    let status = tree.port_status(PortNumber(2)).expect("p1 takes part");
    assert_eq!((status.role, status.state), (Role::Alternate, State::Blocking));
    let names: Vec<_> = rig.switch.tree_ports("br0").into_iter().collect();
    assert_eq!(names, [(PortNumber(1), "p0"), (PortNumber(2), "p1"), (PortNumber(3), "p2")]);
}

#[test]
fn a_bpdu_is_never_forwarded_and_not_read_without_a_tree() {
    let bytes = better().to_frame(MacAddr([2, 0, 0, 0, 0, 1]));
    let mut plain = bridge(2, "");
    assert!(plain.death(0, &bytes).starts_with("p0: reserved_multicast"));
    let mut rig = stp(2, " -- set bridge br0 other_config:forward-bpdu=true");
    rig.line("ovs-ofctl add-flow br0 actions=flood");
    rig.run_to(Time::from_secs(31));
    let tagged = [&bytes[..12], &[0x81, 0, 0, 9], &bytes[12..]].concat();
    for bytes in [bytes.to_vec(), tagged] {
        // What it sends of its own is another one, as the root is another bridge now.
        let outcome = rig.offer(PortIx(0), &bytes);
        assert!(outcome.frames.iter().all(|(_, sent)| sent[12..] != bytes[12..]), "{outcome:?}");
        assert!(outcome.drops.is_empty());
    }
    rig.line("ovs-vsctl set port p0 other_config:stp-enable=false");
    rig.run_to(Time::from_secs(32));
    assert_eq!(rig.death(0, &bytes), "p0: reserved_multicast (a BPDU, and p0 takes no part in the spanning tree)");
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1], "without STP a port forwards");
    assert_eq!(rig.live_frames(), 0);
}

#[test]
fn columns_and_commands_tell_what_the_tree_is() {
    let mut rig =
        stp(2, " -- set bridge br0 other_config:stp-priority=8192 other_config:stp-system-id=02:00:00:00:00:77");
    rig.run_to(Time::from_secs(1));
    hear(&mut rig, 0, better());
    rig.run_to(Time::from_secs(3));
    assert_eq!(
        get(&mut rig, "bridge br0 status"),
        r#"{stp_bridge_id="2000.020000000077", stp_designated_root="1000.020000000001", stp_root_path_cost="6"}"#
    );
    assert_eq!(
        get(&mut rig, "port p0 status statistics"),
        "{stp_port_id=\"32769\", stp_role=root, stp_sec_in_state=\"3\", stp_state=listening}\n\
         {stp_error_count=0, stp_rx_count=1, stp_tx_count=1}"
    );
    assert_eq!(get(&mut rig, "port br0 status"), "{}");
    assert_eq!(
        rig.line("ovs-appctl stp/show br0"),
        "---- br0 ----\nRoot ID:\n  stp-priority  4096\n  stp-system-id   02:00:00:00:00:01\n  stp-hello-time  2s\n  \
         stp-max-age     20s\n  stp-fwd-delay   15s\n  root-port       p0\n  root-path-cost  6\n\nBridge ID:\n  \
         stp-priority  8192\n  stp-system-id   02:00:00:00:00:77\n  stp-hello-time  2s\n  stp-max-age     20s\n  \
         stp-fwd-delay   15s\n\n  Interface  Role       State      Cost  Pri.Nbr \n  \
         ---------- ---------- ---------- ----- -------\n  \
         p0         root       listening  2     128.1\n  p1         designated listening  2     128.2\n\n"
    );
    assert_eq!(rig.line("ovs-appctl stp/show"), rig.line("ovs-appctl stp/show br0"));
    assert_eq!(rig.line("ovs-appctl rstp/show"), "");
    assert!(rig.try_line("ovs-appctl rstp/tcn br0").is_err_and(|e| e.message.starts_with("No such RSTP object")));
    assert_eq!(rig.line("ovs-appctl stp/tcn br0"), "OK\n");
    rig.run_to(Time::from_secs(20));
    assert!(rig.line("ovs-ofctl show br0").contains("state:      STP_LEARN"));
}

#[test]
fn a_change_of_the_topology_makes_stations_forgotten_and_age_fast() {
    let mut rig = stp(3, "");
    rig.run_to(Time::from_secs(31));
    rig.ports(0, &frame(1, 255, 0));
    assert_eq!(rig.switch.macs("br0", rig.now).len(), 1);
    rig.line("ovs-appctl fdb/add br0 p1 0 02:00:00:00:00:09");
    rig.line("ovs-appctl stp/tcn br0");
    let left: Vec<bool> = rig.switch.macs("br0", rig.now).iter().map(|entry| entry.is_static).collect();
    assert_eq!(left, [true], "only what was entered by hand stays");
    rig.ports(0, &frame(1, 255, 0));
    rig.run_to(Time::from_secs(31 + 16));
    assert_eq!(rig.switch.macs("br0", rig.now).len(), 1, "a learnt entry lives for the forward delay");
    rig.run_to(Time::from_secs(31 + 36));
    rig.ports(0, &frame(1, 255, 0));
    rig.run_to(Time::from_secs(31 + 36 + 200));
    assert_eq!(rig.switch.macs("br0", rig.now).len(), 2, "then for the usual time again");
}

#[test]
fn the_tree_follows_links_and_rows_at_run_time() {
    let mut rig = stp(3, "");
    rig.run_to(Time::from_secs(31));
    rig.carrier(2, Carrier::Down);
    rig.carrier(2, Carrier::Up);
    rig.run_to(Time::from_secs(31));
    assert_eq!(get(&mut rig, "port p2 status:stp_state"), "listening", "at one instant, but it was away");
    rig.run_to(Time::from_secs(62));
    rig.carrier(1, Carrier::Down);
    rig.run_to(Time::from_secs(63));
    assert_eq!(get(&mut rig, "port p1 status:stp_state"), "disabled");
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [2]);
    rig.carrier(1, Carrier::Up);
    rig.run_to(Time::from_secs(64));
    assert_eq!(get(&mut rig, "port p1 status:stp_state"), "listening");
    rig.line("ovs-vsctl del-port p2");
    assert_eq!(rig.switch.tree_ports("br0").len(), 2);
    rig.line("ovs-vsctl add-port br0 p2 -- set port p2 other_config:stp-path-cost=70");
    rig.run_to(Time::from_secs(95));
    assert_eq!(rig.switch.tree_ports("br0").get(&PortNumber(3)), Some(&"p2"));
    rig.line("ovs-vsctl set bridge br0 stp_enable=false");
    assert_eq!(rig.switch.next_wake(), Time::NEVER);
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1, 2]);
    assert_eq!(get(&mut rig, "bridge br0 status"), "{}");
    rig.line("ovs-vsctl set bridge br0 stp_enable=true");
    assert!(rig.death(0, &frame(1, 255, 0)).contains("port_blocked"));
    rig.line("ovs-vsctl del-br br0");
    assert_eq!(rig.switch.next_wake(), Time::NEVER);
}

#[test]
fn internal_ports_bonds_and_mirror_outputs_take_no_part() {
    let line = " -- add-port br0 in0 -- set interface in0 type=internal -- del-port p1 -- del-port p2 \
                -- add-bond br0 bond0 p1 p2 -- --id=@p get port p3 -- --id=@m create mirror name=m select_all=true \
                output_port=@p -- set bridge br0 mirrors=@m";
    let mut rig = stp(4, line);
    rig.run_to(Time::from_secs(1));
    let names: Vec<_> = rig.switch.tree_ports("br0").into_values().collect();
    assert_eq!(names, ["p0"]);
    assert_eq!(rig.switch.tree_complaints("br0"), ["port bond0: cannot enable STP on bonds, disabling"]);
}

#[test]
fn values_that_cannot_be_are_defaults_and_are_complained_about() {
    let mut rig = stp(
        2,
        " -- set bridge br0 other_config:stp-max-age=99 other_config:stp-priority=x other_config:stp-hello-time=1 \
          -- set port p0 other_config:stp-path-cost=99999 other_config:stp-port-priority=16",
    );
    rig.run_to(Time::from_secs(1));
    assert_eq!(
        rig.switch.tree_complaints("br0"),
        [
            "bridge br0: invalid stp-priority x, using the default",
            "bridge br0: invalid stp-max-age 99, using the default",
            "port p0: invalid stp-path-cost 99999, using the default"
        ]
    );
    let status = rig.switch.spanning_tree("br0").expect("it has one").status(rig.now);
    assert_eq!((status.max_age, status.hello_time), (Duration::from_secs(20), Duration::from_secs(1)));
    assert!(rig.line("ovs-appctl stp/show").contains("p0         designated listening  2     16.1\n"));
    assert_eq!(
        rig.line("ovs-vsctl set port p0 other_config:stp-port-num=7"),
        "ovs-vswitchd: bridge br0: must manually configure all STP port IDs or none, disabling\n",
        "what is new is said once"
    );
    assert!(rig.switch.spanning_tree("br0").is_none(), "all numbers by hand, or none");
    rig.line("ovs-vsctl set bridge br0 rstp_enable=true");
    assert_eq!(rig.switch.spanning_tree("br0").map(|tree| tree.protocol()), Some(Protocol::Rstp));
}

#[test]
fn a_port_that_closes_voids_no_translation() {
    let mut rig = stp(3, "");
    rig.line("ovs-ofctl add-flow br0 arp,actions=drop");
    rig.run_to(Time::from_secs(31));
    let misses = |rig: &Rig| rig.worker.worker().stats().misses;
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1, 2]);
    assert_eq!(misses(&rig), 1);
    hear(&mut rig, 1, better());
    rig.carrier(2, Carrier::Down);
    rig.run_to(Time::from_secs(32));
    assert_eq!(rig.ports(0, &frame(1, 255, 0)), [1]);
    assert_eq!(misses(&rig), 1);
    hear(&mut rig, 0, better());
    assert!(rig.death(1, &frame(2, 255, 0)).contains("an alternate port"));
    assert_eq!(misses(&rig), 1);
    rig.line("ovs-ofctl add-flow br0 icmp,actions=drop");
    rig.ports(0, &frame(1, 255, 0));
    assert_eq!(misses(&rig), 2);
}

#[test]
fn guards_keep_what_they_guard() {
    let mut rig = stp(3, " -- set port p0 other_config:bpdu-guard=true -- set port p1 other_config:root-guard=true");
    rig.run_to(Time::from_secs(31));
    hear(&mut rig, 0, better());
    hear(&mut rig, 1, better());
    assert_eq!(rig.death(0, &frame(1, 255, 0)), "p0: port_blocked (STP: s1:p0 is shut by its BPDU guard)");
    assert_eq!(
        rig.death(1, &frame(1, 255, 0)),
        "p1: port_blocked (STP: s1:p1 is blocked by its root guard: a better root is heard there)"
    );
    let tree = |rig: &Rig| rig.switch.spanning_tree("br0").expect("it has one").status(rig.now);
    let status = tree(&rig);
    assert_eq!(status.root, status.id);
    rig.run_to(Time::from_secs(31 + 20 + 31));
    assert_eq!(rig.ports(1, &frame(1, 255, 0)), [2], "the better root was heard no more");
    assert!(rig.death(0, &frame(1, 255, 0)).contains("BPDU guard"), "that one waits for hands");
    rig.carrier(0, Carrier::Down);
    rig.run_to(Time::from_secs(121));
    rig.carrier(0, Carrier::Up);
    rig.run_to(Time::from_secs(160));
    assert_eq!(rig.ports(0, &frame(1, 255, 0)).len(), 2);
}

#[test]
fn rstp_opens_a_port_to_another_bridge_in_one_exchange_and_one_to_a_station_in_seconds() {
    let mut rig =
        bridge(2, " -- set bridge br0 rstp_enable=true -- set port p1 other_config:rstp-port-admin-edge=true");
    rig.run_to(Time::from_millis(1));
    assert!(rig.death(0, &frame(1, 255, 0)).ends_with("(RSTP: s1:p0 is a designated port, discarding)"));
    let Bpdu::Config(vector) = better() else { panic!("it is one") };
    let flags = Flags { proposal: true, role: PortRole::Designated, ..Flags::default() };
    let proposal = Bpdu::Rst(Vector { flags, ..vector });
    let answers: Vec<Bpdu> = rig
        .offer(PortIx(0), &proposal.to_frame(MacAddr([2, 0, 0, 0, 0, 1])))
        .frames
        .iter()
        .filter(|(port, _)| port.0 == 0)
        .map(|(_, frame)| Bpdu::parse_frame(frame).expect("it sends BPDUs"))
        .collect();
    assert!(answers.iter().any(|bpdu| bpdu.vector().is_some_and(|vector| vector.flags.agreement)), "{answers:?}");
    assert_eq!(rig.ports(1, &frame(1, 255, 0)), [0]);
    assert_eq!(get(&mut rig, "port p0 rstp_status:rstp_port_role rstp_status:rstp_port_state"), "Root\nForwarding");
    assert_eq!(get(&mut rig, "port p0 rstp_statistics:rstp_rx_count"), "1");
    assert_eq!(
        get(&mut rig, "bridge br0 rstp_status:rstp_root_id rstp_status:rstp_bridge_port_id"),
        "\"1.000.020000000001\"\n\"8001\""
    );
}
