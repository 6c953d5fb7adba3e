//! STP and RSTP on anything that may come, in any order, at any time.

mod rig;

use packet::wire::bpdu::{Bpdu, BridgeId, Flags, PortId, PortRole, Ticks, Vector};
use proptest::prelude::*;
use rig::{bridge_config, port_config};
use sim_core::{Duration, Time};
use spanning_tree::{Guard, Output, PortConfig, PortNumber, Protocol, SpanningTree, State};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Input {
    Receive(u16, Bpdu),
    SetLink(u16, bool),
    SetPort(u16, PortConfig),
    RemovePort(u16),
    Configure {
        priority: u16,
        force_stp: bool,
        hello: u64,
        hold_count: u8,
    },
    NotifyChange,
    CheckMigration(u16),
    /// Nothing comes for this many milliseconds.
    Pass(u64),
}

/// Few identifiers, so that they meet; the bridge's own is one of them.
fn bridge_id() -> impl Strategy<Value = BridgeId> {
    (0..4u64, 0..4u64).prop_map(|(priority, address)| BridgeId(priority << 60 | address))
}

fn ticks() -> impl Strategy<Value = Ticks> {
    prop_oneof![Just(Ticks(0)), Just(Ticks::from_secs(2)), Just(Ticks::from_secs(20)), any::<u16>().prop_map(Ticks)]
}

fn vector() -> impl Strategy<Value = Vector> {
    let role = prop_oneof![
        Just(PortRole::Unknown),
        Just(PortRole::AlternateBackup),
        Just(PortRole::Root),
        Just(PortRole::Designated)
    ];
    let flags = (any::<[bool; 6]>(), role).prop_map(|(bits, role)| Flags {
        topology_change: bits[0],
        proposal: bits[1],
        role,
        learning: bits[2],
        forwarding: bits[3],
        agreement: bits[4],
        topology_change_ack: bits[5],
    });
    let cost = prop_oneof![0..40u32, any::<u32>()];
    let port = prop_oneof![(1..4u16).prop_map(|number| PortId(0x8000 | number)), any::<u16>().prop_map(PortId)];
    (flags, bridge_id(), cost, bridge_id(), port, [ticks(), ticks(), ticks(), ticks()]).prop_map(
        |(flags, root, root_path_cost, bridge, port, [message_age, max_age, hello_time, forward_delay])| Vector {
            flags,
            root,
            root_path_cost,
            bridge,
            port,
            message_age,
            max_age,
            hello_time,
            forward_delay,
        },
    )
}

fn config() -> impl Strategy<Value = PortConfig> {
    (any::<u8>(), 1..40u32, any::<[bool; 5]>()).prop_map(|(priority, path_cost, bits)| PortConfig {
        priority,
        path_cost,
        admin_edge: bits[0],
        auto_edge: bits[1],
        point_to_point: bits[2],
        guard: Guard { bpdu: bits[3] && bits[4], root: bits[4] },
    })
}

fn input() -> impl Strategy<Value = Input> {
    let port = || 1..4u16;
    let bpdu = prop_oneof![
        6 => vector().prop_map(Bpdu::Rst),
        2 => vector().prop_map(Bpdu::Config),
        1 => Just(Bpdu::TopologyChange)
    ];
    prop_oneof![
        12 => (port(), bpdu).prop_map(|(port, bpdu)| Input::Receive(port, bpdu)),
        3 => (port(), any::<bool>()).prop_map(|(port, is_up)| Input::SetLink(port, is_up)),
        2 => (port(), config()).prop_map(|(port, config)| Input::SetPort(port, config)),
        1 => port().prop_map(Input::RemovePort),
        1 => (any::<u16>(), any::<bool>(), 0..12u64, any::<u8>()).prop_map(|(priority, force_stp, hello, hold_count)| {
            Input::Configure { priority, force_stp, hello, hold_count }
        }),
        1 => Just(Input::NotifyChange),
        1 => port().prop_map(Input::CheckMigration),
        6 => prop_oneof![0..100u64, 0..30_000u64].prop_map(Input::Pass)
    ]
}

/// Carries outputs out on a picture of the ports, and sees that nothing is said twice or of a port that isn't there.
fn carry_out(states: &mut BTreeMap<PortNumber, State>, tree: &SpanningTree, out: &mut Vec<Output>) {
    for output in out.drain(..) {
        match output {
            Output::State(port, state) => {
                assert_ne!(states.insert(port, state), Some(state), "{port:?} is {state:?} already");
            }
            Output::Send(port, _) => assert_ne!(states[&port], State::Disabled, "{port:?} sends"),
            Output::Flush(port) | Output::BpduGuard(port) => assert!(states.contains_key(&port)),
        }
    }
    for port in tree.ports() {
        let state = tree.port_status(port).map(|status| status.state);
        assert_eq!(state, Some(states.get(&port).copied().unwrap_or_default()), "{port:?}");
    }
}

fn check(protocol: Protocol, inputs: &[Input]) {
    let id = bridge_config(0x1000, 1);
    let mut tree = SpanningTree::new(protocol, id);
    let mut out = Vec::new();
    let mut now = Time::ZERO;
    let mut states = BTreeMap::new();
    for number in 1..4 {
        states.insert(PortNumber(number), State::Disabled);
        tree.set_port(now, PortNumber(number), port_config(), &mut out);
        tree.set_link(now, PortNumber(number), true, &mut out);
    }
    for input in inputs {
        match *input {
            Input::Receive(port, ref bpdu) => tree.receive(now, PortNumber(port), bpdu, &mut out),
            Input::SetLink(port, is_up) => tree.set_link(now, PortNumber(port), is_up, &mut out),
            Input::SetPort(port, config) => {
                states.entry(PortNumber(port)).or_default();
                tree.set_port(now, PortNumber(port), config, &mut out);
            }
            Input::RemovePort(port) => tree.remove_port(now, PortNumber(port), &mut out),
            Input::Configure { priority, force_stp, hello, hold_count } => {
                let mut config = bridge_config(priority, 1);
                config.force_stp = force_stp;
                config.hello_time = Duration::from_secs(hello);
                config.transmit_hold_count = hold_count;
                tree.configure(now, config, &mut out);
            }
            Input::NotifyChange => tree.notify_change(now, &mut out),
            Input::CheckMigration(port) => tree.check_migration(now, PortNumber(port), &mut out),
            Input::Pass(millis) => {
                let end = now + Duration::from_millis(millis);
                let mut wakes = 0;
                while tree.next_wake() <= end {
                    now = tree.next_wake().max(now);
                    tree.wake(now, &mut out);
                    assert!(tree.next_wake() > now, "it wakes at {now} again and again");
                    carry_out(&mut states, &tree, &mut out);
                    wakes += 1;
                    // Three ports with ten timers, none of which is shorter than a second when it repeats.
                    assert!(wakes < 30 * (2 + millis / 1000), "{wakes} wakes in {millis} ms");
                }
                now = end;
            }
        }
        carry_out(&mut states, &tree, &mut out);
        states.retain(|port, _| tree.ports().contains(port));
        assert!(tree.next_wake() > now);
        // A call that isn't due does nothing.
        tree.wake(now, &mut out);
        assert_eq!(out, []);
        // At most one port leads to the root, and the root has none.
        let status = tree.status(now);
        assert_eq!(status.root_port.is_none(), status.root == status.id && status.root_path_cost == 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn nothing_that_comes_in_upsets_a_bridge(inputs in prop::collection::vec(input(), 1..150)) {
        check(Protocol::Stp, &inputs);
        check(Protocol::Rstp, &inputs);
    }
}
