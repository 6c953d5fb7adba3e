//! Frames of any bytes, links and configurations that change, at any times, at a bridge of STP and one of RSTP: nothing
//! panics, no input makes more than a few outputs a port, the next time is always ahead, and a port without a link is silent.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use packet::wire::bpdu::{Bpdu, BridgeId};
use sim_core::{Duration, Time};
use spanning_tree::{BridgeConfig, Guard, Output, PortConfig, PortNumber, Protocol, SpanningTree, State};

#[derive(Arbitrary, Debug)]
enum Step {
    /// The bytes behind the LLC header.
    Bpdu(u8, Vec<u8>),
    /// A BPDU of the kind told, by its 31 or 35 bytes.
    Vector(u8, bool, [u8; 35]),
    Frame(u8, Vec<u8>),
    Link(u8, bool),
    Port(u8, [u8; 3]),
    Remove(u8),
    Configure([u8; 6]),
    Change,
    Check(u8),
    Pass(u16),
    PassLong(u16),
}

const PORTS: u8 = 4;

fn port(n: u8) -> PortNumber {
    PortNumber(u16::from(n % PORTS) + 1)
}

fn port_config([priority, cost, bits]: [u8; 3]) -> PortConfig {
    PortConfig {
        priority,
        path_cost: u32::from(cost) + 1,
        admin_edge: bits & 1 != 0,
        auto_edge: bits & 2 != 0,
        point_to_point: bits & 4 != 0,
        guard: Guard { bpdu: bits & 24 == 24, root: bits & 32 != 0 },
    }
}

fn bridge_config([priority, address, hello, max_age, delay, bits]: [u8; 6]) -> BridgeConfig {
    BridgeConfig {
        id: BridgeId(u64::from(priority) << 56 | u64::from(address)),
        hello_time: Duration::from_millis(100 * u64::from(hello)),
        max_age: Duration::from_millis(200 * u64::from(max_age)),
        forward_delay: Duration::from_millis(200 * u64::from(delay)),
        transmit_hold_count: bits >> 1,
        force_stp: bits & 1 != 0,
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let size = (payload.len() as u16 + 3).to_be_bytes();
    [&[1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 9], &size[..], &[0x42, 0x42, 3], payload].concat()
}

fn hear(tree: &mut SpanningTree, now: Time, n: u8, frame: &[u8], out: &mut Vec<Output>) {
    match Bpdu::parse_frame(frame) {
        Ok(bpdu) => tree.receive(now, port(n), &bpdu, out),
        Err(_) => tree.count_error(port(n)),
    }
}

fn drive(protocol: Protocol, steps: &[Step]) {
    let (mut now, mut out) = (Time::ZERO, Vec::new());
    let mut tree = SpanningTree::new(protocol, bridge_config([0x80, 1, 20, 100, 75, 12]));
    for n in 0..PORTS {
        tree.set_port(now, port(n), port_config([128, 18, 6]), &mut out);
        tree.set_link(now, port(n), true, &mut out);
    }
    for step in steps {
        let until = match step {
            Step::Pass(span) => now + Duration::from_millis((*span).into()),
            Step::PassLong(span) => now + Duration::from_secs(u64::from(*span) / 64),
            _ => now,
        };
        match step {
            Step::Bpdu(n, payload) => hear(&mut tree, now, *n, &frame(&payload[..payload.len().min(1400)]), &mut out),
            Step::Vector(n, rst, bytes) => {
                let kind: [u8; 4] = if *rst { [0, 0, 2, 2] } else { [0; 4] };
                hear(&mut tree, now, *n, &frame(&[&kind[..], bytes].concat()), &mut out);
            }
            Step::Frame(n, bytes) => hear(&mut tree, now, *n, bytes, &mut out),
            Step::Link(n, is_up) => tree.set_link(now, port(*n), *is_up, &mut out),
            Step::Port(n, config) => tree.set_port(now, port(*n), port_config(*config), &mut out),
            Step::Remove(n) => tree.remove_port(now, port(*n), &mut out),
            Step::Configure(config) => tree.configure(now, bridge_config(*config), &mut out),
            Step::Change => tree.notify_change(now, &mut out),
            Step::Check(n) => tree.check_migration(now, port(*n), &mut out),
            Step::Pass(_) | Step::PassLong(_) => {}
        }
        look(&tree, now, &mut out);
        while tree.next_wake() <= until {
            now = tree.next_wake();
            tree.wake(now, &mut out);
            look(&tree, now, &mut out);
        }
        now = until;
    }
}

fn look(tree: &SpanningTree, now: Time, out: &mut Vec<Output>) {
    assert!(tree.next_wake() > now, "a time that has passed: {now}");
    assert!(out.len() <= 16 * usize::from(PORTS), "{out:?}");
    out.clear();
    for port in tree.ports() {
        let status = tree.port_status(port).expect("it was listed");
        assert!(status.since <= now);
        assert!(status.state != State::Forwarding || status.role != spanning_tree::Role::Disabled);
    }
    let status = tree.status(now);
    assert!(status.root <= status.id);
}

libfuzzer_sys::fuzz_target!(|steps: Vec<Step>| {
    drive(Protocol::Stp, &steps);
    drive(Protocol::Rstp, &steps);
});
