//! NORMAL beside the real Open vSwitch: random VLAN configurations, random frames, the same ports and tags.
//!
//! The real one runs with dummy devices in a directory of its own; `ofproto/trace` with a packet says what it
//! does with a frame, and learns. Needs `ovs` in `NETLOOM_TEST_WITH`.

mod rig;

use rig::{Rig, needs};
use sim_core::{PortIx, Seed, Stream};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PORTS: usize = 4;
const CONFIGURATIONS: usize = 40;
const FRAMES: usize = 12;
const VLANS: [u16; 4] = [5, 9, 10, 4094];

/// Where an output goes, and the tags: protocol identifier, priority, VLAN.
type Output = (String, Vec<(u16, u16, u16)>);

/// A running Open vSwitch with the bridge br0.
struct Real {
    dir: PathBuf,
    children: Vec<Child>,
    /// The interface of each datapath port.
    names: Vec<(String, String)>,
}

impl Real {
    fn start() -> Self {
        let dir = std::env::temp_dir().join(format!("netloom-ovs-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("the directory for temporary files can be written");
        let mut real = Self { dir, children: Vec::new(), names: Vec::new() };
        real.output("ovsdb-tool", &["create", &real.path("db"), "/usr/share/openvswitch/vswitch.ovsschema"]);
        let remote = format!("--remote=punix:{}", real.path("sock"));
        real.spawn("ovsdb-server", &[&real.path("db"), &remote, &format!("--unixctl={}", real.path("db.ctl"))], "sock");
        real.vsctl("--no-wait init -- set Open_vSwitch . other_config:vlan-limit=2");
        let daemon = "/usr/lib/openvswitch-switch/ovs-vswitchd";
        let unixctl = format!("--unixctl={}", real.path("ctl"));
        let db = format!("unix:{}", real.path("sock"));
        let options = ["--enable-dummy=override", "--disable-system", "--disable-system-route", &unixctl, &db];
        real.spawn(daemon, &options, "ctl");
        let ports: String = (0..PORTS).map(|n| format!(" -- add-port br0 p{n}")).collect();
        real.vsctl(&format!("add-br br0 -- set bridge br0 datapath_type=dummy{ports}"));
        for line in real.appctl(&["dpif/show"]).lines() {
            // `    p1 3/1: (system)`
            if let Some((name, rest)) = line.trim().split_once(' ')
                && let Some((_, number)) = rest.split(':').next().unwrap_or_default().split_once('/')
            {
                real.names.push((number.to_owned(), name.to_owned()));
            }
        }
        real
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// Starts a daemon and waits for its socket.
    #[expect(clippy::disallowed_methods, reason = "a real process takes real time to start")]
    fn spawn(&mut self, program: &str, arguments: &[&str], socket: &str) {
        let child = self.command(program, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.children.push(child.unwrap_or_else(|error| panic!("{program} was promised: {error}")));
        let socket = self.path(socket);
        for _ in 0..1000 {
            if Path::new(&socket).exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{program} made no {socket} in 10 s");
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments);
        for variable in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"] {
            command.env(variable, &self.dir);
        }
        command
    }

    fn output(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program, arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{program} was promised: {error}"));
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn vsctl(&self, line: &str) {
        let db = format!("--db=unix:{}", self.path("sock"));
        let words: Vec<&str> = ["--timeout=20", &db].into_iter().chain(line.split_whitespace()).collect();
        self.output("ovs-vsctl", &words);
    }

    fn appctl(&self, words: &[&str]) -> String {
        let target = self.path("ctl");
        self.output("ovs-appctl", &[&["-t", &target], words].concat())
    }

    /// The outputs of a frame, and how the trace says it.
    fn send(&self, port: usize, frame: &[u8]) -> (Vec<Output>, String) {
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = self.appctl(&["ofproto/trace", "br0", &format!("in_port=p{port}"), &hex]);
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

impl Drop for Real {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
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
    let real = Real::start();
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
            let (expected, trace) = real.send(port, &frame);
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
