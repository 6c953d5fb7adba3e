//! What RSTP does at a port: timers, edges, guards, hubs, and neighbours that speak STP.

mod rig;

use packet::wire::bpdu::{Bpdu, BridgeId, Flags, PortId, PortRole, Ticks, Vector};
use rig::naive::assert_tree;
use rig::topologies::{bridges, ring};
use rig::{DELAY, End, Network, bridge_config, port_config, shared_port_config};
use sim_core::{Duration, Time};
use spanning_tree::Protocol::Rstp;
use spanning_tree::{Guard, Output, PortConfig, PortNumber, Role, State};

const HELLO: Duration = Duration::from_secs(2);

/// A bridge with one port on a link with nobody at the other end.
fn alone(config: PortConfig) -> (Network, End) {
    let mut net = bridges(Rstp, 1);
    net.add_segment(&[(0, config)]);
    (net, (0, PortNumber(1)))
}

/// Two bridges, the first of which is the root, on a link whose second end is configured.
fn pair(second: PortConfig) -> (Network, End, End) {
    let mut net = bridges(Rstp, 2);
    net.add_segment(&[(0, port_config()), (1, second)]);
    (net, (0, PortNumber(1)), (1, PortNumber(1)))
}

/// What a designated port of a bridge of this priority says that takes itself for the root.
fn hello(priority: u16) -> Vector {
    let id = BridgeId(u64::from(priority) << 48 | 0x99);
    Vector {
        flags: Flags { role: PortRole::Designated, ..Flags::default() },
        root: id,
        root_path_cost: 0,
        bridge: id,
        port: PortId(0x8001),
        message_age: Ticks(0),
        max_age: Ticks::from_secs(20),
        hello_time: Ticks::from_secs(2),
        forward_delay: Ticks::from_secs(15),
    }
}

/// Runs until a port is in a state, and says how long that took.
fn time_until(net: &mut Network, end: End, state: State) -> Duration {
    let start = net.now;
    while net.port(end).state != state {
        let next = net.next_event();
        assert!(next.since(start) < Duration::from_secs(100), "it never comes to {state:?}:\n{}", net.picture());
        net.run_until(next);
    }
    net.now.since(start)
}

fn sent(net: &Network, (bridge, port): End) -> &[(Time, Bpdu)] {
    &net.switches[bridge].ports[&port].sent
}

#[test]
fn an_edge_port_forwards_at_once() {
    let (net, end) = alone(PortConfig { admin_edge: true, ..port_config() });
    assert_eq!(net.port(end).state, State::Forwarding);
    assert!(net.port(end).is_edge);
}

#[test]
fn a_silent_link_is_an_edge_after_migrate_time_and_a_silent_hub_after_max_age() {
    for (config, secs) in [(port_config(), 3), (shared_port_config(), 20)] {
        let (mut net, end) = alone(config);
        assert_eq!(time_until(&mut net, end, State::Forwarding), Duration::from_secs(secs));
        assert!(net.port(end).is_edge);
    }
}

#[test]
fn without_auto_edge_a_silent_link_learns_after_max_age_and_forwards_a_hello_time_later() {
    let (mut net, end) = alone(PortConfig { auto_edge: false, ..port_config() });
    assert_eq!(time_until(&mut net, end, State::Learning), Duration::from_secs(20));
    assert_eq!(time_until(&mut net, end, State::Forwarding), HELLO);
    assert!(!net.port(end).is_edge);
}

#[test]
fn a_bpdu_ends_what_was_an_edge_and_stations_are_no_change_of_the_topology() {
    let (mut net, end) = alone(PortConfig { admin_edge: true, ..port_config() });
    net.run_for(HELLO);
    assert_eq!(net.tree(0).status(net.now).changes, 0);
    net.inject(end, &Bpdu::Rst(hello(0xf000)));
    assert!(!net.port(end).is_edge);
    assert_eq!(net.tree(0).status(net.now).changes, 1);
}

#[test]
fn setting_admin_edge_makes_an_edge_of_a_port_that_is_up() {
    let (mut net, end) = alone(PortConfig { auto_edge: false, ..port_config() });
    net.run_for(HELLO);
    assert_eq!(net.port(end).state, State::Blocking);
    net.set_port(end, PortConfig { admin_edge: true, auto_edge: false, ..port_config() });
    assert_eq!(net.port(end).state, State::Forwarding);
}

#[test]
fn a_designated_port_sends_a_hello_every_two_seconds_and_a_root_port_none() {
    let (mut net, designated, root) = pair(port_config());
    net.run_for(HELLO * 3);
    let before = sent(&net, root).len();
    let start = sent(&net, designated).len();
    net.run_for(HELLO * 20);
    let hellos: Vec<Time> = sent(&net, designated)[start..].iter().map(|(at, _)| *at).collect();
    assert_eq!(hellos.len(), 20);
    assert!(hellos.windows(2).all(|pair| pair[1].since(pair[0]) == HELLO), "{hellos:?}");
    assert_eq!(sent(&net, root).len(), before);
}

#[test]
fn no_port_sends_more_than_the_hold_count_in_a_second() {
    for hold_count in [1, 3, 6, 10] {
        let mut net = ring(Rstp, 16);
        for bridge in 0..16 {
            let config = net.switches[bridge].config;
            net.configure(bridge, spanning_tree::BridgeConfig { transmit_hold_count: hold_count, ..config });
        }
        // Another hold count begins to count anew.
        net.switches.iter_mut().flat_map(|switch| switch.ports.values_mut()).for_each(|port| port.sent.clear());
        // Each of them becomes the root in turn.
        for bridge in (0..16).rev() {
            net.run_for(Duration::from_millis(40));
            let config = net.switches[bridge].config;
            let id = BridgeId(config.id.0 - (1 << 60));
            net.forbids_loops = false;
            net.configure(bridge, spanning_tree::BridgeConfig { id, ..config });
        }
        net.run_for(Duration::from_secs(10));
        let limit = usize::from(hold_count);
        for port in net.switches.iter().flat_map(|switch| switch.ports.values()) {
            let busy = port.sent.windows(limit + 1).find(|w| w[limit].0.since(w[0].0) < Duration::from_secs(1));
            assert!(busy.is_none(), "{hold_count}: {busy:?}");
        }
    }
}

#[test]
fn a_bpdu_at_a_port_with_bpdu_guard_disables_it_until_its_link_goes_down() {
    let guarded = PortConfig { guard: Guard { bpdu: true, root: false }, ..port_config() };
    let (mut net, _, end) = pair(guarded);
    net.run_for(HELLO);
    assert_eq!(net.guarded, [end]);
    assert_eq!(net.role(end), (Role::Disabled, State::Disabled));
    assert!(net.port(end).is_guarded);
    net.run_for(HELLO * 100);
    assert_eq!((net.guarded.len(), net.role(end)), (1, (Role::Disabled, State::Disabled)));
    net.segments[0].is_silent = true;
    net.set_link(0, false);
    net.set_link(0, true);
    assert_eq!(net.role(end), (Role::Designated, State::Blocking));
    assert!(!net.port(end).is_guarded);
}

#[test]
fn configuring_a_port_anew_ends_what_bpdu_guard_did() {
    let guarded = PortConfig { guard: Guard { bpdu: true, root: false }, ..port_config() };
    let (mut net, _, end) = pair(guarded);
    net.run_for(HELLO);
    net.set_port(end, guarded);
    assert!(net.port(end).is_guarded, "what is as before is no change");
    net.set_port(end, port_config());
    net.run_for(HELLO * 2);
    assert_tree(&net);
}

#[test]
fn a_better_root_at_a_port_with_root_guard_blocks_it_for_three_hellos() {
    let guarded = PortConfig { guard: Guard { bpdu: false, root: true }, ..port_config() };
    let (mut net, first, end) = pair(guarded);
    net.run_for(HELLO * 10);
    assert_eq!(net.role(end), (Role::Designated, State::Blocking));
    assert!(net.port(end).is_guarded);
    assert_eq!(net.tree(1).status(net.now).root, net.switches[1].config.id);
    // The other bridge becomes worse: it stops to claim the root.
    let config = net.switches[first.0].config;
    net.configure(first.0, spanning_tree::BridgeConfig { id: bridge_config(0xf000, 1).id, ..config });
    // What was under way is the last that is refused.
    let took = time_until(&mut net, end, State::Forwarding);
    assert!(took > HELLO * 2 && took <= HELLO * 3 + DELAY, "{took}");
    net.run_for(HELLO);
    assert!(!net.port(end).is_guarded);
    assert_tree(&net);
}

#[test]
fn a_root_guard_that_is_taken_away_lets_the_better_root_in() {
    let guarded = PortConfig { guard: Guard { bpdu: false, root: true }, ..port_config() };
    let (mut net, _, end) = pair(guarded);
    net.run_for(HELLO * 5);
    net.set_port(end, port_config());
    net.run_for(HELLO * 2);
    assert_eq!(net.role(end), (Role::Root, State::Forwarding));
    assert_tree(&net);
}

#[test]
fn of_two_ports_on_one_hub_one_is_the_backup_of_the_other() {
    let mut net = bridges(Rstp, 2);
    net.add_segment(&[(0, shared_port_config()), (0, shared_port_config()), (1, shared_port_config())]);
    net.run_for(Duration::from_secs(60));
    assert_tree(&net);
    assert_eq!(net.role((0, PortNumber(2))), (Role::Backup, State::Blocking));
    // It takes over when the other one is gone.
    net.act(0, |tree, now, out| tree.set_link(now, PortNumber(1), false, out));
    net.run_for(Duration::from_secs(30));
    assert_eq!(net.role((0, PortNumber(2))), (Role::Designated, State::Forwarding));
}

#[test]
fn a_port_that_hears_itself_blocks_for_as_long_as_it_does() {
    let (mut net, end) = alone(port_config());
    net.segments[0].loops_back = true;
    net.run_for(Duration::from_secs(100));
    assert_eq!(net.role(end), (Role::Designated, State::Blocking));
    assert_eq!(net.port(end).counters.forwarded, 0);
    net.segments[0].loops_back = false;
    assert!(time_until(&mut net, end, State::Forwarding) <= HELLO * 5);
}

#[test]
fn who_is_worse_and_learns_all_the_same_is_disputed() {
    let (mut net, end) = alone(PortConfig { auto_edge: false, ..port_config() });
    time_until(&mut net, end, State::Forwarding);
    let mut message = hello(0xf000);
    net.inject(end, &Bpdu::Rst(message));
    assert_eq!(net.port(end).state, State::Forwarding, "it doesn't learn");
    message.flags.learning = true;
    net.inject(end, &Bpdu::Rst(message));
    assert_eq!(net.role(end), (Role::Designated, State::Blocking));
}

#[test]
fn a_neighbour_that_speaks_stp_is_answered_in_stp_until_it_is_asked_again() {
    let (mut net, end) = alone(port_config());
    net.run_for(Duration::from_millis(3500));
    assert!(matches!(sent(&net, end).last(), Some((_, Bpdu::Rst(_)))));
    net.inject(end, &Bpdu::Config(hello(0xf000)));
    assert!(net.port(end).speaks_stp);
    net.run_for(HELLO);
    let Some((_, Bpdu::Config(message))) = sent(&net, end).last() else { panic!("no configuration BPDU") };
    assert_eq!((message.flags.role, message.flags.proposal), (PortRole::Unknown, false));
    // An RST BPDU changes nothing before Migrate Time is over, and then at once.
    net.run_for(Duration::from_secs(3));
    net.inject(end, &Bpdu::Rst(hello(0xf000)));
    assert!(!net.port(end).speaks_stp);
    net.run_for(Duration::from_secs(3));
    net.inject(end, &Bpdu::Config(hello(0xf000)));
    assert!(net.port(end).speaks_stp);
    net.act(0, |tree, now, out| tree.check_migration(now, PortNumber(1), out));
    assert!(!net.port(end).speaks_stp);
}

#[test]
fn an_stp_neighbour_that_is_the_root_hears_of_changes_until_it_acknowledges_them() {
    let mut net = bridges(Rstp, 1);
    net.add_segment(&[(0, port_config())]);
    net.add_segment(&[(0, port_config())]);
    let (root, other): (End, End) = ((0, PortNumber(1)), (0, PortNumber(2)));
    net.forbids_loops = false;
    for _ in 0..20 {
        net.inject(root, &Bpdu::Config(hello(0x1000)));
        net.run_for(HELLO);
    }
    assert_eq!(net.role(root), (Role::Root, State::Forwarding));
    net.act(0, |tree, now, out| tree.notify_change(now, out));
    for told in 1..4 {
        net.inject(root, &Bpdu::Config(hello(0x1000)));
        net.run_for(HELLO);
        assert_eq!(sent(&net, root).iter().filter(|(_, bpdu)| *bpdu == Bpdu::TopologyChange).count(), told);
    }
    let mut ack = hello(0x1000);
    ack.flags.topology_change_ack = true;
    net.inject(root, &Bpdu::Config(ack));
    net.run_for(Duration::from_millis(1));
    let before = sent(&net, root).len();
    net.run_for(HELLO * 2);
    assert_eq!(sent(&net, root).len(), before, "it was acknowledged");
    // A notification from an STP bridge below is acknowledged in turn.
    net.run_for(Duration::from_secs(1));
    net.inject(root, &Bpdu::Config(ack));
    net.inject(other, &Bpdu::Config(hello(0xf000)));
    net.inject(other, &Bpdu::TopologyChange);
    net.run_for(HELLO);
    let Some((_, Bpdu::Config(message))) = sent(&net, other).last() else { panic!("no configuration BPDU") };
    assert!(message.flags.topology_change_ack);
}

#[test]
fn who_is_forced_to_stp_never_sends_an_rst_bpdu_and_takes_the_delays_of_stp() {
    let mut net = bridges(Rstp, 0);
    for address in [1, 2] {
        net.add_bridge(Rstp, spanning_tree::BridgeConfig { force_stp: true, ..bridge_config(0x8000, address) });
    }
    net.add_link(0, 1);
    let (first, second) = ((0, PortNumber(1)), (1, PortNumber(1)));
    // Max Age until it learns (17.29.1), Forward Delay until it forwards.
    assert_eq!(time_until(&mut net, first, State::Forwarding), Duration::from_secs(35));
    net.run_for(Duration::from_secs(10));
    assert_tree(&net);
    assert!(sent(&net, first).iter().all(|(_, bpdu)| matches!(bpdu, Bpdu::Config(_))));
    assert!(sent(&net, second).iter().all(|(_, bpdu)| !matches!(bpdu, Bpdu::Rst(_))));
}

#[test]
fn a_change_is_told_to_everyone_and_flushes_every_port_but_where_it_came_from() {
    let mut net = ring(Rstp, 4);
    net.add_segment(&[(1, PortConfig { admin_edge: true, ..port_config() })]);
    net.run_for(Duration::from_secs(30));
    let flushes = |net: &Network, end: End| net.switches[end.0].ports[&end.1].flushes;
    let before = net.tree(1).status(net.now).changes;
    assert!(!net.tree(1).status(net.now).is_changing);
    // A bridge behind port 1 of bridge 1, which is its way to the root, tells of a change.
    let (from, other, edge) = ((1, PortNumber(1)), (1, PortNumber(2)), (1, PortNumber(3)));
    let counts = [from, other, edge].map(|end| flushes(&net, end));
    net.act(0, |tree, now, out| tree.notify_change(now, out));
    net.run_for(DELAY * 4);
    assert_eq!([from, other, edge].map(|end| flushes(&net, end)), [counts[0], counts[1] + 1, counts[2]]);
    assert_eq!(net.tree(1).status(net.now).changes, before + 1);
    assert!(net.tree(1).status(net.now).is_changing);
    // For a hello time and a second the others are told.
    net.run_for(Duration::from_secs(3));
    assert!(!net.tree(1).status(net.now).is_changing);
}

#[test]
fn a_port_that_is_removed_was_down_before_and_is_forgotten() {
    let mut net = ring(Rstp, 3);
    net.run_for(HELLO);
    let mut out = Vec::new();
    let now = net.now;
    net.switches[1].tree.remove_port(now, PortNumber(1), &mut out);
    assert_eq!(out.first(), Some(&Output::State(PortNumber(1), State::Disabled)));
    assert_eq!(net.tree(1).ports(), [PortNumber(2)]);
    assert!(net.tree(1).port_status(PortNumber(1)).is_none());
    net.switches[1].tree.remove_port(now, PortNumber(2), &mut out);
    assert_eq!(net.tree(1).next_wake(), Time::NEVER);
    assert_eq!(net.tree(1).status(now).root, net.switches[1].config.id);
}

#[test]
fn a_configuration_bpdu_that_is_too_old_is_an_error() {
    let (mut net, end) = alone(port_config());
    net.inject(end, &Bpdu::Config(Vector { message_age: Ticks::from_secs(20), ..hello(0x1000) }));
    assert_eq!((net.port(end).counters.errors, net.port(end).counters.rx), (1, 0));
    assert_eq!(net.port(end).role, Role::Designated);
}
