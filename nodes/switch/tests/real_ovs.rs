//! NORMAL beside the real Open vSwitch: random VLAN configurations, random frames, the same ports and tags.
//!
//! The real one runs with dummy devices in a directory of its own; `ofproto/trace` with a packet says what it
//! does with a frame, and learns. Needs `ovs` in `NETLOOM_TEST_WITH`.

mod rig;

use rig::real::Real;
use rig::{Rig, needs};
use sim_core::{PortIx, Seed, Stream};
use std::collections::BTreeSet;

const PORTS: usize = 4;
const CONFIGURATIONS: usize = 40;
const FRAMES: usize = 12;
const VLANS: [u16; 4] = [5, 9, 10, 4094];

/// Where an output goes, and the tags: protocol identifier, priority, VLAN.
type Output = (String, Vec<(u16, u16, u16)>);

/// A running Open vSwitch with ports on br0, and the interface of each of its datapath's ports.
struct Datapath {
    real: Real,
    names: Vec<(String, String)>,
}

impl Datapath {
    fn start() -> Self {
        let real = Real::start("normal");
        real.vsctl("set Open_vSwitch . other_config:vlan-limit=2");
        let ports: String = (0..PORTS).map(|n| format!(" -- add-port br0 p{n}")).collect();
        real.vsctl(&format!("add-br br0 -- set bridge br0 datapath_type=dummy{ports}"));
        let text = real.appctl(&["dpif/show"]);
        // `    p1 3/1: (system)`
        let name = |line: &str| {
            let (name, rest) = line.trim().split_once(' ')?;
            let (_, number) = rest.split(':').next()?.split_once('/')?;
            Some((number.to_owned(), name.to_owned()))
        };
        let names = text.lines().filter_map(name).collect();
        Self { real, names }
    }

    /// The outputs of a frame, and how the trace says it.
    fn send(&self, port: usize, frame: &[u8]) -> (Vec<Output>, String) {
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = self.real.appctl(&["ofproto/trace", "br0", &format!("in_port=p{port}"), &hex]);
        let actions = text.lines().find_map(|line| line.strip_prefix("Datapath actions: "));
        let mut stack = tags(frame);
        let mut outputs = Vec::new();
        for action in split(actions.unwrap_or_else(|| panic!("no actions in {text}"))) {
            if action == "pop_vlan" {
                stack.remove(0);
            } else if let Some(arguments) = action.strip_prefix("push_vlan(") {
                let number = |key: &str, otherwise| {
                    let value = arguments.trim_end_matches(')').split(',').find_map(|word| word.strip_prefix(key));
                    value.map_or(otherwise, |value| match value.strip_prefix("0x") {
                        Some(hex) => u16::from_str_radix(hex, 16).expect("a number"),
                        None => value.parse().expect("a number"),
                    })
                };
                stack.insert(0, (number("tpid=", 0x8100), number("pcp=", 0), number("vid=", 0)));
            } else if action != "drop" {
                let name = self.names.iter().find(|(number, _)| number == action).map(|(_, name)| name.clone());
                outputs.push((name.unwrap_or_else(|| panic!("{action} in {text}")), stack.clone()));
            }
        }
        // Here the local port leads nowhere.
        outputs.retain(|(name, _)| name != "br0");
        outputs.sort();
        (outputs, text)
    }
}

/// The actions of a list; commas in brackets don't part them.
fn split(actions: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = actions.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.collect()
}

fn tags(frame: &[u8]) -> Vec<(u16, u16, u16)> {
    packet::wire::vlan::tags(frame).map(|tag| (tag.tpid.0, u16::from(tag.pcp), tag.vid.get())).collect()
}

fn pick<T: Copy>(random: &mut Stream, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

fn vlans(random: &mut Stream) -> String {
    let list: BTreeSet<u16> = (0..random.below(3)).map(|_| pick(random, &VLANS)).collect();
    let list: Vec<String> = list.iter().map(u16::to_string).collect();
    format!("[{}]", list.join(","))
}

fn configuration(random: &mut Stream) -> String {
    let modes = ["access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel", "[]"];
    let ports: Vec<String> = (0..PORTS)
        .map(|n| {
            let tag = pick(random, &["5", "9", "10", "[]", "0"]);
            let (trunks, cvlans) = (vlans(random), vlans(random));
            let priority = pick(random, &["never", "if-nonzero", "always"]);
            let ethertype = pick(random, &["802.1q", "802.1ad"]);
            format!(
                "set port p{n} vlan_mode={} tag={tag} trunks={trunks} cvlans={cvlans} protected={} \
                 other_config:priority-tags={priority} other_config:qinq-ethtype={ethertype}",
                pick(random, &modes),
                pick(random, &[true, false, false, false]),
            )
        })
        .collect();
    ports.join(" -- ")
}

fn frame(random: &mut Stream) -> Vec<u8> {
    let station = |n: u64| [2, 0, 0, 0, 0, n as u8];
    let dst = match random.below(10) {
        0 => [0xff; 6],
        1 => [1, 0x80, 0xc2, 0, 0, random.below(18) as u8],
        2 => [1, 0, 0x0c, 0xcc, 0xcc, pick(random, &[0xc0, 0xc7, 0xc8, 0xcc, 0xcd, 0xce])],
        n => station(n % 5),
    };
    let src = match random.below(12) {
        0 => [3, 0, 0, 0, 0, 1],
        n => station(n % 5),
    };
    let mut frame = [dst, src].concat();
    for _ in 0..random.below(3) {
        frame.extend(pick(random, &[[0x81, 0], [0x88, 0xa8]]));
        let vid = pick(random, &[5, 9, 10, 4094, 0]);
        frame.extend((pick(random, &[0_u16, 3, 7]) << 13 | vid).to_be_bytes());
    }
    frame.extend([
        0x08, 0x00, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0x66, 0xcf, 10, 0, 0, 1, 10, 0, 0, 2, 0, 7, 0, 7, 0, 8, 0, 0,
    ]);
    frame.resize(60, 0);
    frame
}

#[test]
fn normal_decides_as_the_real_open_vswitch_does() {
    if !needs("ovs") {
        return;
    }
    let peer = Datapath::start();
    let real = &peer.real;
    let mut random = Seed(2).stream("real ovs");
    let (mut forwarded, mut retagged) = (0, 0);
    for _ in 0..CONFIGURATIONS {
        let lines = configuration(&mut random);
        real.vsctl(&lines);
        real.appctl(&["fdb/flush", "br0"]);
        let mut ours = Rig::new(PORTS);
        let ports: String = (0..PORTS).map(|n| format!(" -- add-port br0 p{n}")).collect();
        ours.line(&format!("ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0{ports} -- {lines}"));
        for _ in 0..FRAMES {
            let (port, frame) = (random.below(PORTS as u64) as usize, frame(&mut random));
            let (expected, trace) = peer.send(port, &frame);
            let outcome = ours.offer(PortIx(port as u32), &frame);
            let mut found: Vec<Output> =
                outcome.frames.iter().map(|(port, bytes)| (format!("p{port}"), tags(bytes))).collect();
            found.sort();
            forwarded += usize::from(!expected.is_empty());
            retagged += usize::from(expected.iter().any(|(_, after)| *after != tags(&frame)));
            assert_eq!(found, expected, "{:?} by p{port} with {lines}\n{:?}\n{trace}", tags(&frame), outcome.drops);
        }
    }
    let compared = CONFIGURATIONS * FRAMES;
    println!("{compared} frames compared, {forwarded} of them forwarded, {retagged} with other tags");
    assert!(forwarded > compared / 5 && retagged > compared / 10, "{forwarded} {retagged}");
}
