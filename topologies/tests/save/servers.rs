//! Servers, and the services of servers and hosts.

use super::{load, saved, session, tell};
use topologies::run::{End, Session};

#[test]
fn a_plain_server_is_saved_as_it_was_typed() {
    let text = r#"name = "servers"

[switches.s1.ports]
1 = {}

[servers.host1]
gateway = "10.1.1.1"
routes = [{ to = "10.9.0.0/16", via = "10.1.1.2" }]
run = ["iperf -s", "http 80"]
setup = '''
tunctl -t tap9
ovs-vsctl -- add-br br1 \
  -- add-port br1 tap0 \
  -- set Port tap0 tag=5
ip link set dev br1 up
ip addr add 192.168.223.3/24 dev br1
sysctl -w net.ipv4.ip_forward=1
ip route add 10.8.0.0/16 dev br1 metric 7
'''

[servers.host1.nics]
eth0 = { ip = "10.1.1.3/24", to = "s1:1", delay = "1ms" }
eth1 = { mac = "02:00:00:00:00:01", mtu = 9000 }
"eth0.10" = "10.10.1.3/24"

[hosts]
vm1 = { ip = "192.168.223.1/24", gateway = "192.168.223.3", run = ["listen tcp 5432 echo"], to = "host1:tap0" }
"#;
    let mut lab = session(text);
    assert_eq!(lab.save(), text);
    lab.run(End::At(sim_core::Time::from_secs(1)));
    assert_eq!(lab.save(), text.replace("\"iperf -s\", \"http 80\"", "\"http 80\", \"iperf -s\""), "they serve now");
}

const CHANGED: &str = r#"
[switches.core]
[servers.one]
nics.eth0 = { ip = "10.1.1.3/24", to = "core:1" }
nics.eth1 = { to = "core:2" }
nics."eth1.7" = "10.7.0.3/24"
gateway = "10.1.1.1"
[servers.one.bridges.b0.ports]
x = { to = "vm3", delay = "3ms", mtu = 1400 }
spare = {}
loose = { to = "vm4" }
[servers.two]
nics.eth0 = { ip = "10.1.1.4/24", to = "core:3" }
[hosts]
vm1 = { ip = "192.168.223.1/24", to = "one:tap0" }
vm2 = { ip = "192.168.223.2/24", to = "one:tap1" }
vm3 = "192.168.223.33/24"
vm4 = "192.168.223.44/24"
"#;

/// What is done to the lab before it is saved.
const LINES: &[&str] = &[
    "one ovs-vsctl del-port loose",
    "one tunctl -t tap7",
    "one ip tuntap add dev tap8 mode tap",
    "one ip link set tap7 up",
    "one ovs-vsctl add-br br1 -- add-port br1 tap0 tag=5 -- add-port br1 tap1",
    "one ovs-vsctl add-port br1 int0 -- set interface int0 type=internal",
    "one ovs-vsctl del-port tap0 -- add-port br1 tap0 tag=6",
    "one ovs-ofctl add-flow br1 priority=5,in_port=2,actions=drop",
    "one ovs-appctl fdb/add br1 tap1 0 02:00:00:00:00:77",
    "one ifconfig br1 192.168.223.3/24 up",
    "one ip addr add 2001:db8::3/64 dev br1",
    "one ip addr add 10.5.0.1/24 dev int0",
    "one ip addr add 10.255.0.1/32 dev lo",
    "one ip link add link br1 name br1.9 type vlan id 9",
    "one ip link set br1.9 up mtu 1400",
    "one ip addr add 10.99.0.1/24 dev br1.9",
    "one ip link set int0 address 02:00:00:00:00:99",
    "one ip link set eth1.7 mtu 1300",
    "one ip addr add 10.1.1.5/24 dev eth0",
    "one ip addr add 10.1.1.0/24 dev eth0",
    "one ip link set b0 up",
    "one ip route add 10.66.0.0/16 dev br1",
    "one ip route add 10.67.0.0/16 via 10.1.1.9",
    "one ip route add 10.67.0.0/16 via 10.1.1.8 metric 9",
    "one ip -6 route add 2001:db8:1::/48 via 2001:db8::1",
    "one ip -6 route add default dev br1",
    "one ip neigh add 10.1.1.77 lladdr 02:00:00:00:00:78 dev eth0",
    "one arp -s 192.168.223.99 02:00:00:00:00:79",
    "one sysctl -w net.ipv6.conf.all.forwarding=1",
    "one iperf -s -u -p 6000",
    "one listen udp 7",
    "one nc -l -k 9000",
    "two ifconfig eth0 down",
    "two ovs-vsctl add-br br0 -- add-port br0 eth0",
    "two ip link set eth0 mtu 1450",
    "two ip addr flush dev eth0",
    "two ifconfig br0 10.1.1.4 netmask 255.255.255.0",
    "two ip link set lo down",
    "vm1 listen tcp 5432 echo",
    "vm1 http 80",
    "vm2 iperf -s -1",
];

/// What of two labs has to be the same.
fn seen(lab: &mut Session) -> Vec<String> {
    let mut seen = Vec::new();
    for server in ["one", "two"] {
        for line in [
            "ifconfig -a",
            "ip -d link",
            "ip addr",
            "ip route",
            "ip -6 route",
            "arp -n",
            "ip neigh",
            "ip tuntap show",
            "sysctl net.ipv4.ip_forward",
            "sysctl net.ipv6.conf.all.forwarding",
            "ovs-vsctl --columns=name,tag list Port",
            "ovs-vsctl --columns=name,ofport,type,mac_in_use list Interface",
            "show sockets",
        ] {
            seen.push(format!("{server} {line}:\n{}", without_counters(&tell(lab, &format!("{server} {line}")))));
        }
    }
    for line in ["one ovs-ofctl dump-flows br1", "one brctl show", "vm1 show sockets", "vm2 show sockets", "links"] {
        seen.push(tell(lab, line));
    }
    seen
}

fn without_counters(text: &str) -> String {
    let lines = text.lines().filter(|line| !["RX ", "TX "].iter().any(|way| line.trim_start().starts_with(way)));
    lines.collect::<Vec<_>>().join("\n")
}

fn settled(text: &str) -> Session {
    let mut lab = session(text);
    lab.run(End::At(sim_core::Time::from_millis(10)));
    lab
}

#[test]
fn a_server_that_was_changed_is_saved_as_one_that_is_like_it() {
    let mut lab = settled(CHANGED);
    for line in LINES {
        tell(&mut lab, line);
    }
    lab.run(End::At(sim_core::Time::from_millis(20)));
    let text = saved(&lab);
    let mut again = settled(&text);
    for (before, after) in seen(&mut lab).iter().zip(seen(&mut again)) {
        assert_eq!(*before, after, "{text}");
    }
    assert_eq!(again.save(), text);
    load(&text);
}

#[test]
fn the_order_in_which_devices_came_does_not_creep() {
    let mut lab = settled("[servers.s]\nnics.eth0 = \"10.0.0.1/24\"\n");
    for line in [
        "s ovs-vsctl add-br zz -- add-br aa -- add-port zz eth0",
        "s ip link add link zz name v5 type vlan id 5",
        "s ip link add link eth0 name eth0.6 type vlan id 6",
        "s tunctl -t tap2",
        "s tunctl -t tap1",
        "s tunctl -d tap2",
        "s ovs-vsctl add-br mm -- add-port zz int -- set interface int type=internal",
        "s tunctl -t tap0",
        "s ip neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev v5",
        "s ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev tap0",
        "s ifconfig zz 10.0.0.7/24",
        "s ovs-vsctl del-port eth0",
    ] {
        tell(&mut lab, line);
    }
    let text = saved(&lab);
    let mut again = settled(&text);
    for line in ["s ifconfig -a", "s ip neigh show dev v5", "s route -n", "s ovs-vsctl list-br"] {
        assert_eq!(without_counters(&tell(&mut again, line)), without_counters(&tell(&mut lab, line)), "{text}");
    }
}

#[test]
fn the_ends_of_links_that_only_a_bridge_names_stay_where_they_are() {
    let text = saved(&session(CHANGED));
    let table = "\n[servers.one.bridges.b0.ports]\nx = { to = \"vm3\", delay = \"3ms\", mtu = 1400 }\nspare = {}\nloose = { to = \"vm4\" }\n";
    assert!(text.contains(table) && !text.contains("setup"), "{text}");
    let mut lab = session(CHANGED);
    tell(&mut lab, "one ovs-vsctl del-br b0");
    let text = saved(&lab);
    assert!(
        text.contains("[servers.one.bridges.br0.ports]\nloose =") && text.contains("ovs-vsctl del-br br0"),
        "{text}"
    );
    assert_eq!(tell(&mut session(&text), "one ovs-vsctl list-br"), "");
}

#[test]
fn what_a_check_opens_is_no_service() {
    let text = "[hosts]\nh1 = { run = [\"iperf -s\"], to = \"h2\" }\nh2 = {}\n[[checks]]\ntcp = { from = \"h1\", to = \"h2\", port = 80 }\n\
                [[checks]]\nudp = { from = \"h1\", to = \"h2\", port = 53 }\n";
    let mut lab = session(text);
    lab.run(End::At(sim_core::Time::from_nanos(5000)));
    assert!(tell(&mut lab, "h2 show sockets").contains("*:80"));
    assert_eq!(saved(&lab).matches("run = ").count(), 1, "that of h1");
    lab.run(End::Decided);
    tell(&mut lab, "h2 http 8080");
    let text = saved(&lab);
    assert_eq!(text.matches("run = ").count(), 2, "{text}");
    assert!(text.contains("run = [\"http 8080\"]") && text.contains("run = [\"iperf -s\"]"), "{text}");
    tell(&mut lab, "h2 close tcp 8080");
    tell(&mut lab, "h1 close tcp 5001");
    assert!(!saved(&lab).contains("run = "));
}
