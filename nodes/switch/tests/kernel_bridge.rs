//! The spanning tree beside that of the Linux kernel: a triangle of two kernel bridges and the switch, in a network
//! namespace of its own. Needs `root` in `NETLOOM_TEST_WITH`, for namespaces and packet sockets.

mod rig;

use rig::{Rig, needs};
use sim_core::{PortIx, Time};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Passes frames between packet sockets and lines: the interface's number, then hexadecimal digits.
const RELAY: &str = r#"
import socket, sys, threading
sockets = []
for name in sys.argv[1:]:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 3))
    sockets.append(s)
def read(n, s):
    while True:
        frame, address = s.recvfrom(65536)
        if address[2] != socket.PACKET_OUTGOING:
            sys.stdout.write(f"{n} {frame.hex()}\n")
            sys.stdout.flush()
# What comes from now on waits in the sockets.
print("ready", flush=True)
for n, s in enumerate(sockets):
    threading.Thread(target=read, args=(n, s), daemon=True).start()
for line in sys.stdin:
    n, frame = line.split()
    sockets[int(n)].send(bytes.fromhex(frame))
"#;

/// How long the two may take: a hello, then the longest forward delay twice, then what starting processes takes.
const PATIENCE: Duration = Duration::from_secs(14);

/// What is in the kernel's word of a port: root, designated or alternate, and `BR_STATE_*`.
type PortView = (&'static str, u8);

const FORWARDING: u8 = 3;
const BLOCKING: u8 = 4;

/// A namespace with the kernel bridges k1 and k2, joined by c1 and c2; a1 of k1 and a2 of k2 lead to p0 and p1.
/// It goes, with all that is in it, when this is dropped.
struct Namespace {
    name: String,
    relay: Option<(Child, ChildStdin)>,
}

impl Namespace {
    fn new(title: &str, priorities: [u16; 2]) -> Self {
        let space = Self { name: format!("netloom-{title}-{}", std::process::id()), relay: None };
        run("ip", &format!("netns add {}", space.name));
        space.ip("link add c1 type veth peer name c2");
        for n in [1, 2] {
            space.ip(&format!("link add a{n} type veth peer name p{}", n - 1));
            let times = "stp_state 1 hello_time 100 max_age 600 forward_delay 200";
            let priority = priorities[n - 1];
            space.ip(&format!("link add k{n} type bridge {times} priority {priority} mcast_snooping 0"));
            for port in ["a", "c"] {
                space.ip(&format!("link set {port}{n} master k{n}"));
            }
            for device in ["k", "a", "c"] {
                space.ip(&format!("link set {device}{n} up"));
            }
            space.ip(&format!("link set p{} up", n - 1));
        }
        space
    }

    fn ip(&self, line: &str) {
        run("ip", &format!("-n {} {line}", self.name));
    }

    /// Starts the relay of p0 and p1; gives what comes in there.
    fn relay(&mut self) -> Receiver<(u32, Vec<u8>)> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, "python3", "-c", RELAY, "p0", "p1"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("root was promised: ip and python3 run");
        let (stdin, stdout) = (child.stdin.take().expect("it is piped"), child.stdout.take().expect("it is piped"));
        self.relay = Some((child, stdin));
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        assert_eq!(lines.next().as_deref(), Some("ready"));
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in lines {
                let (port, hex) = line.split_once(' ').expect("the relay prints two words");
                let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("the relay prints digits");
                let bytes = (0..hex.len()).step_by(2).map(byte).collect();
                if sender.send((port.parse().expect("a number"), bytes)).is_err() {
                    return;
                }
            }
        });
        receiver
    }

    fn send(&mut self, port: PortIx, frame: &[u8]) {
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        let (_, stdin) = self.relay.as_mut().expect("the relay runs");
        writeln!(stdin, "{} {hex}", port.0).expect("the relay reads");
    }

    /// What the kernel says of its bridges' roots (`8000.020000000001`) and of their ports.
    fn view(&self) -> (Vec<String>, BTreeMap<String, PortView>) {
        let script = "for k in k1 k2; do cd /sys/class/net/$k/bridge; echo $k $(cat root_id bridge_id root_port); done; \
                      for p in a1 c1 a2 c2; do cd /sys/class/net/$p/brport; \
                      echo $p $(cat designated_bridge designated_port port_id port_no state) k${p#?}; done";
        let output = Command::new("ip").args(["netns", "exec", &self.name, "sh", "-c", script]).output();
        let text = String::from_utf8(output.expect("ip runs").stdout).expect("sysfs is text");
        let (mut roots, mut bridges, mut ports) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let number = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).expect("a number");
        for line in text.lines() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                [bridge, root, id, root_port] => {
                    roots.push(root.to_owned());
                    bridges.insert(bridge, (id, root_port.parse::<u32>().expect("a number")));
                }
                [port, by, by_port, id, no, state, bridge] => {
                    let (own, root_port) = bridges[bridge];
                    // The kernel prints the designated port in decimal.
                    let by_port: u32 = by_port.parse().expect("a number");
                    let role = match () {
                        () if number(no) == root_port => "root",
                        () if (by, by_port) == (own, number(id)) => "designated",
                        () => "alternate",
                    };
                    ports.insert(port.to_owned(), (role, state.parse().expect("a number")));
                }
                _ => panic!("{line}"),
            }
        }
        (roots, ports)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some((mut child, stdin)) = self.relay.take() {
            drop(stdin);
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn run(program: &str, line: &str) {
    let status = Command::new(program).args(line.split_whitespace()).status();
    assert!(status.is_ok_and(|status| status.success()), "root was promised, but this fails: {program} {line}");
}

/// What the switch says of its root and its ports, in the kernel's words.
fn own_view(rig: &mut Rig) -> (String, BTreeMap<String, PortView>) {
    let mut get = |what: &str| rig.line(&format!("ovs-vsctl get {what}")).trim().replace('"', "");
    let root = get("bridge br0 status:stp_designated_root");
    let ports = ["p0", "p1"].map(|port| {
        let role = ["root", "designated", "alternate"]
            .into_iter()
            .find(|role| *role == get(&format!("port {port} status:stp_role")));
        let state = match get(&format!("port {port} status:stp_state")).as_str() {
            "listening" => 1,
            "learning" => 2,
            "forwarding" => FORWARDING,
            "blocking" => BLOCKING,
            _ => 0,
        };
        (port.to_owned(), (role.unwrap_or("disabled"), state))
    });
    (root, ports.into())
}

/// Runs a triangle until all its ports forward or block; gives the root that all agree on, and the ports.
#[expect(clippy::disallowed_methods, reason = "the kernel's timers are real")]
fn triangle(title: &str, kernel: [u16; 2], own: u16) -> (String, BTreeMap<String, PortView>) {
    let mut space = Namespace::new(title, kernel);
    let frames = space.relay();
    let mut rig = Rig::new(2);
    let config = format!(
        "other_config:stp-priority={own} other_config:stp-hello-time=1 other_config:stp-max-age=6 \
         other_config:stp-forward-delay=4"
    );
    rig.line(&format!(
        "ovs-vsctl add-br br0 -- set bridge br0 stp_enable=true {config} -- add-port br0 p0 -- add-port br0 p1"
    ));
    let start = Instant::now();
    let mut last_look = start;
    loop {
        rig.now = Time::from_nanos(start.elapsed().as_nanos() as u64);
        for (_, port, frame) in rig.run_to(rig.now) {
            space.send(port, &frame);
        }
        match frames.recv_timeout(Duration::from_millis(20)) {
            Ok((port, bytes)) => {
                rig.now = Time::from_nanos(start.elapsed().as_nanos() as u64);
                for (port, frame) in rig.offer(PortIx(port), &bytes).frames {
                    space.send(port, &frame);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("the relay ended"),
        }
        if last_look.elapsed() < Duration::from_millis(200) {
            continue;
        }
        last_look = Instant::now();
        let (roots, mut ports) = space.view();
        let (root, own_ports) = own_view(&mut rig);
        ports.extend(own_ports);
        let is_at_rest = ports.values().all(|(_, state)| [FORWARDING, BLOCKING].contains(state));
        if is_at_rest && roots.iter().all(|other| *other == root) {
            println!("{title}: {root} is the root after {:?}: {ports:?}", start.elapsed());
            return (root, ports);
        }
        assert!(start.elapsed() < PATIENCE, "no agreement: {roots:?}, {root}, {ports:?}");
    }
}

/// The ports that block, with their roles, after asserting that the others forward and what they are.
fn check(ports: &BTreeMap<String, PortView>, expected: [(&str, PortView); 6]) {
    let expected: BTreeMap<String, PortView> = expected.map(|(port, view)| (port.to_owned(), view)).into();
    assert_eq!(*ports, expected);
}

#[test]
fn the_kernel_and_the_switch_agree_on_the_tree_whoever_is_the_root() {
    if !needs("root") || !needs("linux") {
        return;
    }
    // Each has real seconds to wait, so they do it side by side.
    let kernel_root = std::thread::spawn(|| triangle("kernel", [4096, 8192], 32768));
    let own_root = std::thread::spawn(|| triangle("own", [8192, 32768], 4096));
    // Both end, and their namespaces go, before either is judged.
    let (kernel_root, own_root) = (kernel_root.join(), own_root.join());
    let (root, ports) = kernel_root.expect("the triangle with the kernel's root comes to rest");
    assert!(root.starts_with("1000."), "{root}");
    check(
        &ports,
        [
            ("a1", ("designated", FORWARDING)),
            ("c1", ("designated", FORWARDING)),
            ("a2", ("designated", FORWARDING)),
            ("c2", ("root", FORWARDING)),
            ("p0", ("root", FORWARDING)),
            ("p1", ("alternate", BLOCKING)),
        ],
    );
    let (root, ports) = own_root.expect("the triangle with the switch's root comes to rest");
    assert!(root.starts_with("1000."), "{root}");
    check(
        &ports,
        [
            ("a1", ("root", FORWARDING)),
            ("c1", ("designated", FORWARDING)),
            ("a2", ("root", FORWARDING)),
            ("c2", ("alternate", BLOCKING)),
            ("p0", ("designated", FORWARDING)),
            ("p1", ("designated", FORWARDING)),
        ],
    );
}
