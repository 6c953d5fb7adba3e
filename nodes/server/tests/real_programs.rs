//! The real programs of a Linux machine, in a network namespace of their own, and the server's: the same lines, the same
//! text. What differs by nature is replaced: queueing disciplines, the veth's peer, counters, times.
//!
//! Needs root, and the programs; one that isn't installed is passed over with a line on standard error.

mod lab;
#[path = "../../../tests/support/peers.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod peers;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use host::Reply;
use lab::{Lab, Plan};

/// What makes the namespace what the server is: eth0 with 10.1.1.3/24 and the MAC address of the lab's first server.
const NAMESPACE: &str = "
    sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    ip link set lo up
    ip link add eth0 address 02:00:00:00:00:74 type veth peer name p0
    ip addr add 10.1.1.3/24 brd + dev eth0
    ip link set eth0 up
    ip link set p0 up
    sleep 0.1";

/// Lines that change something, and lines that show it. Those that fail are to fail in the same words.
const LINES: &[&str] = &[
    "ip addr show eth0",
    "ip -br addr show eth0",
    "ip -br link show eth0",
    "ip link show eth0",
    "ip route",
    "ip route add default via 10.1.1.1",
    "ip route add 10.9.0.0/16 dev eth0 metric 50",
    "route add -host 9.9.9.9 dev eth0",
    "route add -net 8.0.0.0 netmask 255.0.0.0 gw 10.1.1.8",
    "ip route",
    "ip r s default",
    "ip route show dev eth0",
    "ip route get 10.1.1.9",
    "ip route get 9.9.9.9",
    "ip route get 10.1.1.3",
    "route -n",
    "ip neigh add 10.1.1.7 lladdr 02:00:00:00:00:07 dev eth0",
    "arp -s 10.1.1.8 02:00:00:00:00:08",
    "ip neigh",
    "ip neigh show dev eth0",
    "arp -n",
    "arp -an",
    "arp -n 10.1.1.50",
    "arp -d 10.1.1.99",
    "ifconfig eth0",
    "ifconfig eth9",
    "ip foo",
    "ip addr del 9.9.9.9/8 dev eth0",
    "ip addr add foo dev eth0",
    "ip addr add 1.1.1.1/8",
    "ip addr add 10.1.1.3/24 dev eth0",
    "ip link set eth9 up",
    "ip addr show dev eth9",
    "ip link set dev eth0 mtu 20",
    "ip link set dev eth0 address ff:ff:ff:ff:ff:ff",
    "ip route del 99.0.0.0/8",
    "ip route add 99.0.0.0/8 via 77.0.0.1",
    "ip route add 1.2.3.4/8 dev eth0",
    "ip neigh del 10.1.1.77 dev eth0",
    "route del -net 99.0.0.0/8",
    "route add -net 99.0.0.0/8 gw 77.0.0.1",
    "route add default gw 10.1.1.1",
    "sysctl net.ipv4.ip_forward",
    "sysctl -w net.ipv4.ip_forward=1",
    "sysctl net.ipv4.nope",
    "ping -c 1 10.1.1.3",
    "ping -c 1 -q 127.0.0.1",
    "ping -c 1 -s 2000 -M do 10.1.1.44",
    "ping",
    "ping -s foo 1.1.1.1",
    "brctl delbr br9",
    "brctl addif br9 eth0",
    "ip addr add 10.3.3.3/16 brd + dev eth0",
    "ip addr show eth0",
    "ip addr flush dev eth0",
    "ip route",
    "ifconfig eth0 172.16.5.1",
    "ip addr show eth0",
    "ip link set eth0 down",
    "ip addr show eth0",
    "ifconfig eth0",
    "ip route",
    "ifconfig eth0 10.4.4.4 netmask 255.255.252.0",
    "ip -br a show eth0",
    "route -n",
];

fn is_installed(program: &str) -> bool {
    ["/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"].iter().any(|path| std::path::Path::new(path).join(program).exists())
}

/// What every line printed, by its number.
fn real() -> BTreeMap<usize, String> {
    let mut script = format!("{NAMESPACE}\n");
    for (at, line) in LINES.iter().enumerate() {
        let _ = writeln!(script, "echo '### {at}'; {line} 2>&1");
    }
    let output = Command::new("unshare").args(["-n", "sh", "-c", &script]).env("LC_ALL", "C").output();
    let output = output.expect("unshare starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let parts = text.split("### ").skip(1).filter_map(|part| {
        let (at, text) = part.split_once('\n')?;
        Some((at.parse().ok()?, text.to_owned()))
    });
    parts.collect()
}

/// The text without what differs by nature.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut words: Vec<String> = line.trim_end().split(' ').map(str::to_owned).collect();
        for at in 1..words.len() {
            let replaced = match words[at - 1].as_str() {
                "qdisc" => Some("*"),
                "packets" | "bytes" => Some("*"),
                _ if words[at].starts_with("time=") || words[at].starts_with("ttl=") => Some("*"),
                _ => None,
            };
            if let Some(replaced) = replaced {
                replaced.clone_into(&mut words[at]);
            }
        }
        let mut line = words.join(" ").replace("eth0@p0", "eth0");
        // Lines of which only the first words are the same by nature.
        for head in ["rtt min/avg/max/mdev", "        RX packets", "        TX packets"] {
            if line.starts_with(head) {
                line = head.to_owned();
            }
        }
        if let Some((_, rest)) = line.split_once(": ").filter(|(number, _)| number.parse::<u32>().is_ok()) {
            line = format!("N: {rest}");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    // Names are padded to their own length by `-br`.
    out.split('\n')
        .map(|line| {
            if line.starts_with("eth0 ") {
                line.split_whitespace().collect::<Vec<_>>().join(" ")
            } else {
                line.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
        .trim_end()
        .to_owned()
}

#[test]
fn the_real_programs_print_the_same() {
    if !peers::needs(&["root", "linux"]) {
        return;
    }
    let real = real();
    let mut lab = Lab::new();
    let peer = lab.host(1, "10.250.0.1/24", "");
    let server = lab.server(&Plan { name: "s", nics: &[("eth0", &["10.1.1.3/24"])], taps: &[], setup: "" });
    lab.link((peer, 0), (server, 0));
    lab.run_for(1);
    let mut differences = String::new();
    for (at, line) in LINES.iter().enumerate() {
        let program = line.split(' ').next().unwrap_or_default();
        let ours = match lab.try_line(server, line) {
            Reply::Done(text) | Reply::Failed(text) => text,
            Reply::Running(_) => lab.line(server, line),
        };
        if !is_installed(program) {
            eprintln!("left out: {line}: {program} is not installed");
            continue;
        }
        let theirs = real.get(&at).map_or("", String::as_str);
        let (ours, theirs) = (plain(&ours), plain(theirs));
        // The kernel lists neighbours by a hash whose key is random.
        let is_neighbors = line.starts_with("ip neigh") || program == "arp";
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        if ours != theirs && !(is_neighbors && sorted(&ours) == sorted(&theirs)) {
            let _ = writeln!(differences, "--- {line}\nreal:\n{theirs}\nours:\n{ours}");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Filters whose frames are compared with those that the real one lets through.
const FILTERS: &[&str] = &[
    "",
    "arp",
    "ip",
    "ip6",
    "icmp",
    "icmp6",
    "udp",
    "tcp",
    "vlan",
    "vlan 10",
    "vlan 11",
    "vlan and icmp",
    "icmp or vlan",
    "host 10.0.0.1",
    "src host 10.0.0.1",
    "dst 10.0.0.2",
    "src or dst host 10.0.0.2",
    "net 10.0.0.0/24",
    "net 10.1",
    "net 10.0.0.0 mask 255.255.255.0",
    "port 5300",
    "udp port 5300",
    "tcp port 5300",
    "src port 80",
    "dst portrange 5000-6000",
    "ether host 02:00:00:00:00:64",
    "ether dst 02:00:00:00:00:74",
    "ether broadcast",
    "multicast",
    "ether proto 0x0806",
    "not arp and not icmp",
    "udp or icmp and arp",
    "icmp or ( udp and port 5300 )",
    "! ip",
    "arp host 10.0.0.2",
    "ip host 10.0.0.2",
    "ip proto 17",
    "ip6 proto 58",
    "host 10.0.0.1 and not 10.0.0.9",
    "less 60",
    "greater 90",
    "host fd00::1",
    "ip6 net fd00::/64",
    "tcp or udp",
    "udp and src 10.0.0.2",
    "host 10.0.0.1 or 10.0.0.7",
];

fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        bytes.extend(word.to_le_bytes());
    }
    for frame in frames {
        for word in [0, 0, frame.len() as u32, frame.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    bytes
}

#[test]
fn the_real_tcpdump_prints_the_same_lines_for_the_same_filters() {
    if !peers::needs(&["root", "linux"]) {
        return;
    }
    if !is_installed("tcpdump") {
        eprintln!("left out: tcpdump is not installed");
        return;
    }
    let mut lab = Lab::new();
    let setup = |n: u8| {
        format!(
            "
        ip link add link eth0 name eth0.10 type vlan id 10
        ip addr add 10.1.0.{n}/24 dev eth0.10
        ip link set eth0.10 up"
        )
    };
    let a =
        lab.server(&Plan { name: "a", nics: &[("eth0", &["10.0.0.1/24", "fd00::1/64"])], taps: &[], setup: &setup(1) });
    let b =
        lab.server(&Plan { name: "b", nics: &[("eth0", &["10.0.0.2/24", "fd00::2/64"])], taps: &[], setup: &setup(2) });
    let link = lab.link((a, 0), (b, 0));
    lab.engine.tap(link.forward(), true);
    lab.engine.tap(link.backward(), true);
    lab.run_for(1);
    // What has an IP header's details is compared without -v, whose form differs for what is checked.
    let options = ["-t -n", "-t -n -e", "-t -n -x"];
    let mut dumps = Vec::new();
    for filter in FILTERS {
        let Reply::Running(id) = lab.try_line(a, &format!("tcpdump -t -n -e -i eth0 {filter}")) else {
            panic!("{filter}")
        };
        dumps.push((options[1], *filter, id));
    }
    for option in options {
        let Reply::Running(id) = lab.try_line(a, &format!("tcpdump {option} -i eth0")) else { panic!("{option}") };
        dumps.push((option, "", id));
    }
    for to in ["10.0.0.2", "fd00::2", "10.1.0.2"] {
        assert!(lab.reaches(a, to), "{to}");
    }
    // A datagram to a port that nobody listens on, and a TCP segment.
    let udp = b"\x45\0\0\x20\0\x01\0\0\x40\x11\x66\xca\x0a\0\0\x01\x0a\0\0\x02\x30\x39\x14\xb4\0\x0c\0\0abcd";
    let tcp = b"\x45\0\0\x28\0\x02\0\0\x40\x06\x66\xcc\x0a\0\0\x01\x0a\0\0\x02\0\x50\x9c\x40\0\0\0\x01\0\0\0\0\x50\x02\x20\0\0\0\0\0";
    for packet in [&udp[..], &tcp[..]] {
        let frame = [&b"\x02\0\0\0\0\x74\x02\0\0\0\0\x64\x08\0"[..], packet].concat();
        lab.engine.act(a, |device, cx| match device {
            lab::Device::Server(server) => {
                server.with_host(cx, |host, cx| host.send_raw(cx, sim_core::PortIx(0), &frame, sim_core::Tag::NONE));
            }
            lab::Device::Host(_) => {}
        });
        lab.run_for(100);
    }
    let frames = std::mem::take(&mut lab.engine.watch_mut().frames);
    assert!(frames.len() >= 12, "{}", frames.len());
    let file = std::env::temp_dir().join(format!("netloom-tcpdump-{}.pcap", std::process::id()));
    std::fs::write(&file, pcap(&frames)).expect("a file");
    let mut differences = String::new();
    for (option, filter, id) in dumps {
        let ours = lab.engine.act(a, |device, _| match device {
            lab::Device::Server(server) => server.cancel_session(id),
            lab::Device::Host(_) => None,
        });
        let ours = ours.expect("a session");
        let lines = ours.lines().filter(|line| !line.starts_with("tcpdump: ") && !line.starts_with("listening on "));
        let ours: Vec<&str> = lines.filter(|line| !line.contains(" packets ") && !line.contains(" packet ")).collect();
        let mut real = Command::new("tcpdump");
        real.args(option.split(' ')).arg("-r").arg(&file).args(filter.split_whitespace()).env("LC_ALL", "C");
        let output = real.output().expect("tcpdump starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let theirs: Vec<&str> = text.lines().collect();
        if ours != theirs {
            let _ = writeln!(
                differences,
                "--- {option} {filter}\nreal:\n{}\nours:\n{}",
                theirs.join("\n"),
                ours.join("\n")
            );
        }
    }
    let _ = std::fs::remove_file(&file);
    assert!(differences.is_empty(), "{differences}");
}
