//! STP at a port and on its wire: what is sent and when, changes of the topology, guards.

mod rig;

use packet::wire::bpdu::{Bpdu, BridgeId, Flags, PortId, Ticks, Vector};
use rig::topologies::{bridges, ring};
use rig::{End, Network, bridge_config, port_config};
use sim_core::{Duration, Time};
use spanning_tree::Protocol::Stp;
use spanning_tree::{BridgeConfig, Guard, Output, PortConfig, PortNumber, Role, SpanningTree, State};

const PORT: PortNumber = PortNumber(1);

/// What the bridge of least priority sends.
fn better(message_age: u8, max_age: u8) -> Vector {
    Vector {
        flags: Flags::default(),
        root: BridgeId(1),
        root_path_cost: 0,
        bridge: BridgeId(1),
        port: PortId(0x8001),
        message_age: Ticks::from_secs(message_age),
        max_age: Ticks::from_secs(max_age),
        hello_time: Ticks::from_secs(2),
        forward_delay: Ticks::from_secs(15),
    }
}

/// A bridge whose ports 1.. have links.
fn bridge(ports: &[PortConfig]) -> SpanningTree {
    let mut tree = SpanningTree::new(Stp, bridge_config(0x8000, 1));
    for (number, config) in (1..).map(PortNumber).zip(ports) {
        tree.set_port(Time::ZERO, number, *config, &mut Vec::new());
        tree.set_link(Time::ZERO, number, true, &mut Vec::new());
    }
    tree
}

/// Does all that is due until an instant.
fn run(tree: &mut SpanningTree, end: Time) -> Vec<Output> {
    let mut out = Vec::new();
    while tree.next_wake() <= end {
        tree.wake(tree.next_wake(), &mut out);
    }
    out
}

fn receive(tree: &mut SpanningTree, at: u64, port: u16, bpdu: Bpdu) -> Vec<Output> {
    let now = Time::from_secs(at);
    let mut out = run(tree, now);
    out.clear();
    tree.receive(now, PortNumber(port), &bpdu, &mut out);
    out
}

fn sent(out: &[Output], port: u16) -> Vec<Bpdu> {
    let to_port = |output: &Output| match output {
        Output::Send(PortNumber(number), bpdu) if *number == port => Some(*bpdu),
        _ => None,
    };
    out.iter().filter_map(to_port).collect()
}

/// A ring of three at rest, after two minutes. Bridge 0 is the root, bridge 2 closes its port to 1, and has a station.
fn settled_ring() -> Network {
    let mut net = ring(Stp, 3);
    net.add_segment(&[(2, port_config())]);
    net.run_for(Duration::from_secs(120));
    net
}

fn flushes(net: &Network, bridge: usize) -> u64 {
    net.switches[bridge].ports.values().map(|port| port.flushes).sum()
}

#[test]
fn a_message_is_older_at_each_bridge_that_passes_it_on() {
    let mut tree = bridge(&[port_config(); 2]);
    let out = receive(&mut tree, 5, 1, Bpdu::Config(better(3, 20)));
    let [Bpdu::Config(passed)] = sent(&out, 2)[..] else { panic!("{out:?}") };
    assert_eq!((passed.root, passed.root_path_cost), (BridgeId(1), 10));
    assert_eq!((passed.bridge, passed.port), (bridge_config(0x8000, 1).id, PortId(0x8002)));
    assert_eq!((passed.message_age, passed.max_age), (Ticks(3 * 256 + 1), Ticks::from_secs(20)));
    // Somebody asks a second and a half later: the answer is older by that.
    let mut out = run(&mut tree, Time::from_millis(6500));
    let worse = Bpdu::Config(Vector { root: BridgeId(u64::MAX), ..better(0, 20) });
    tree.receive(Time::from_millis(6500), PortNumber(2), &worse, &mut out);
    let [Bpdu::Config(answer)] = sent(&out, 2)[..] else { panic!("{out:?}") };
    assert_eq!(answer.message_age, Ticks(3 * 256 + 384 + 1));
}

#[test]
fn a_message_that_is_as_old_as_it_may_be_is_not_believed() {
    let mut tree = bridge(&[port_config()]);
    receive(&mut tree, 1, 1, Bpdu::Config(better(20, 20)));
    assert_eq!(tree.port_status(PORT).expect("it is there").role, Role::Designated);
    receive(&mut tree, 2, 1, Bpdu::Config(better(19, 20)));
    assert_eq!(tree.port_status(PORT).expect("it is there").role, Role::Root);
    run(&mut tree, Time::from_secs(3));
    assert_eq!(tree.port_status(PORT).expect("it is there").role, Role::Designated, "its last second has passed");
}

#[test]
fn no_more_than_one_configuration_a_second_leaves_a_port() {
    let mut tree = bridge(&[port_config()]);
    let worse = Bpdu::Config(Vector { root: BridgeId(u64::MAX), ..better(0, 20) });
    let mut times = Vec::new();
    for tenth in 0..100 {
        let now = Time::from_millis(tenth * 100);
        let mut out = run(&mut tree, now);
        tree.receive(now, PORT, &worse, &mut out);
        times.extend(sent(&out, 1).iter().map(|_| tenth));
    }
    assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + 10), "{times:?}");
    assert!(times.len() >= 9, "what is held back is sent later: {times:?}");
}

#[test]
fn a_change_is_told_to_the_root_until_it_is_acknowledged_and_by_the_root_to_all() {
    let mut net = settled_ring();
    let (before, changes) = (flushes(&net, 1), net.tree(2).status(net.now).changes);
    net.act(2, |tree, now, out| tree.notify_change(now, out));
    net.run_for(Duration::from_secs(4));
    let to_root = &net.switches[2].ports[&net.end(2, 2).1].sent;
    let told = to_root.iter().filter(|(at, bpdu)| *at >= Time::from_secs(120) && *bpdu == Bpdu::TopologyChange).count();
    assert_eq!(told, 1, "the root acknowledges the first one");
    assert!((0..3).all(|bridge| net.tree(bridge).status(net.now).is_changing));
    assert!(flushes(&net, 1) > before, "who is not concerned forgets its stations, too");
    assert_eq!(net.tree(2).status(net.now).changes, changes + 1, "its own change is not counted twice");
    // The root tells of it for max age and forward delay.
    net.run_for(Duration::from_secs(30));
    assert!(net.tree(1).status(net.now).is_changing);
    net.run_for(Duration::from_secs(4));
    assert!((0..3).all(|bridge| !net.tree(bridge).status(net.now).is_changing));
}

#[test]
fn a_port_that_closes_or_opens_is_a_change() {
    let mut net = settled_ring();
    let before = net.tree(1).status(net.now).changes;
    net.run_for(Duration::from_secs(60));
    assert_eq!(net.tree(1).status(net.now).changes, before, "nothing happens");
    // The link between 0 and 2; 2 opens its other port.
    net.set_link(2, false);
    let cut = net.now;
    net.run_for(Duration::from_secs(60));
    let status = net.tree(1).status(net.now);
    assert!(status.changes > before && status.last_change > Some(cut + Duration::from_secs(29)));
    assert_eq!(net.role(net.end(1, 2)), (Role::Root, State::Forwarding));
}

#[test]
fn a_cable_from_a_bridge_to_itself_is_closed_at_one_end() {
    let mut net = bridges(Stp, 1);
    net.add_segment(&[(0, port_config()), (0, port_config())]);
    net.run_for(Duration::from_secs(40));
    assert_eq!(net.role((0, PortNumber(1))), (Role::Designated, State::Forwarding));
    assert_eq!(net.role((0, PortNumber(2))), (Role::Backup, State::Blocking));
}

#[test]
fn priorities_and_costs_can_be_changed_while_it_runs() {
    let mut net = settled_ring();
    let closed = |net: &Network| -> Vec<End> {
        let ends = net.segments.iter().flat_map(|segment| segment.ends.iter().copied());
        ends.filter(|end| net.role(*end).1 == State::Blocking).collect()
    };
    assert_eq!(closed(&net), [net.end(1, 2)]);
    // The way from 2 to 0 becomes dear, so that the one over 1 is better.
    net.set_port(net.end(2, 2), PortConfig { path_cost: 100, ..port_config() });
    net.run_for(Duration::from_secs(60));
    assert_eq!(closed(&net), [net.end(2, 2)]);
    // Then 2 becomes the root; between 0 and 1 it is 1 that closes.
    let config = net.switches[2].config;
    net.configure(2, BridgeConfig { id: BridgeId(0x1000 << 48 | 3), ..config });
    net.run_for(Duration::from_secs(60));
    assert!((0..3).all(|bridge| net.tree(bridge).status(net.now).root == BridgeId(0x1000 << 48 | 3)));
    assert_eq!(closed(&net), [net.end(0, 1)]);
    // The root's times are in force everywhere, within the standard's limits.
    let max_age = Duration::from_secs(8);
    net.configure(2, BridgeConfig { id: BridgeId(0x1000 << 48 | 3), max_age, forward_delay: max_age, ..config });
    net.run_for(Duration::from_secs(10));
    let status = net.tree(0).status(net.now);
    assert_eq!((status.max_age, status.forward_delay), (max_age, max_age));
}

#[test]
fn bpdu_guard_shuts_a_port_until_hands_are_laid_on_it() {
    let guard = Guard { bpdu: true, root: false };
    let mut tree = bridge(&[PortConfig { guard, ..port_config() }, port_config()]);
    run(&mut tree, Time::from_secs(40));
    let out = receive(&mut tree, 41, 1, Bpdu::TopologyChange);
    assert!(out.contains(&Output::State(PORT, State::Disabled)) && out.contains(&Output::BpduGuard(PORT)), "{out:?}");
    assert!(tree.port_status(PORT).expect("it is there").is_guarded);
    assert!(receive(&mut tree, 42, 1, Bpdu::TopologyChange).is_empty());
    assert!(sent(&run(&mut tree, Time::from_secs(60)), 1).is_empty());
    let mut out = Vec::new();
    tree.set_link(Time::from_secs(60), PORT, false, &mut out);
    tree.set_link(Time::from_secs(60), PORT, true, &mut out);
    assert_eq!(tree.port_status(PORT).expect("it is there").state, State::Listening);
    receive(&mut tree, 61, 1, Bpdu::TopologyChange);
    tree.set_port(Time::from_secs(61), PORT, port_config(), &mut out);
    assert_eq!(tree.port_status(PORT).expect("it is there").state, State::Listening, "without guard, too");
}

#[test]
fn root_guard_blocks_a_port_for_as_long_as_a_better_root_is_heard() {
    let guard = Guard { bpdu: false, root: true };
    let mut tree = bridge(&[PortConfig { guard, ..port_config() }, port_config()]);
    run(&mut tree, Time::from_secs(40));
    receive(&mut tree, 40, 1, Bpdu::Config(better(0, 20)));
    receive(&mut tree, 50, 1, Bpdu::Config(better(0, 20)));
    let status = |tree: &SpanningTree| tree.port_status(PORT).expect("it is there");
    assert_eq!((status(&tree).role, status(&tree).state), (Role::Designated, State::Blocking));
    assert!(status(&tree).is_guarded);
    assert_eq!(tree.status(Time::from_secs(50)).root, bridge_config(0x8000, 1).id);
    run(&mut tree, Time::from_secs(69));
    assert!(status(&tree).is_guarded);
    run(&mut tree, Time::from_secs(70));
    assert_eq!((status(&tree).is_guarded, status(&tree).state), (false, State::Listening));
    run(&mut tree, Time::from_secs(100));
    assert_eq!(status(&tree).state, State::Forwarding);
    // A worse one is none of its business.
    let worse = Vector { root: BridgeId(u64::MAX), ..better(0, 20) };
    receive(&mut tree, 101, 1, Bpdu::Config(worse));
    assert_eq!(status(&tree).state, State::Forwarding);
}

#[test]
fn what_is_counted() {
    let mut tree = bridge(&[port_config()]);
    receive(&mut tree, 1, 1, Bpdu::Config(better(0, 20)));
    receive(&mut tree, 1, 1, Bpdu::Rst(better(0, 20)));
    tree.count_error(PORT);
    run(&mut tree, Time::from_secs(60));
    let counters = tree.port_status(PORT).expect("it is there").counters;
    assert_eq!((counters.rx, counters.errors, counters.forwarded), (1, 2, 1));
    assert!(counters.tx > 10);
}

#[test]
fn a_bridge_without_links_asks_for_nothing() {
    let mut tree = bridge(&[port_config()]);
    tree.set_link(Time::from_secs(1), PORT, false, &mut Vec::new());
    assert_eq!(tree.next_wake(), Time::NEVER);
    tree.set_link(Time::from_secs(2), PORT, true, &mut Vec::new());
    assert!(tree.next_wake() < Time::NEVER);
    tree.remove_port(Time::from_secs(3), PORT, &mut Vec::new());
    assert_eq!((tree.next_wake(), tree.ports().len()), (Time::NEVER, 0));
}

#[test]
fn who_is_root_no_more_since_its_priority_was_raised_says_no_more_hellos() {
    let mut tree = bridge(&[port_config(), port_config()]);
    // Port 2 hears port 1.
    let own = sent(&run(&mut tree, Time::from_secs(4)), 1);
    receive(&mut tree, 4, 2, *own.last().expect("hellos"));
    let mut out = Vec::new();
    tree.configure(Time::from_secs(5), bridge_config(0x9000, 1), &mut out);
    assert_ne!(tree.status(Time::from_secs(5)).root_port, None, "what port 2 heard is the best that is known");
    let out = run(&mut tree, Time::from_secs(10));
    assert_eq!(sent(&out, 1).iter().filter(|bpdu| matches!(bpdu, Bpdu::Config(_))).count(), 0, "{out:?}");
    // A root whose hellos have no time between them asks nobody else for the same.
    let hasty = Vector { hello_time: Ticks(0), ..better(0, 20) };
    receive(&mut tree, 10, 2, Bpdu::Config(hasty));
    assert!(tree.next_wake() > Time::from_secs(10));
}
