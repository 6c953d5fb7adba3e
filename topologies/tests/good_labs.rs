//! What labs without mistakes mean.

use packet::MacAddr;
use sim_core::{Duration, LinkIx, Probability, QueueLimit, Seed, Time};
use topologies::lab::{CheckKind, Directions, DropsSite, Expect, LabHost, LabSwitch, MacCheck, PingTarget, Presence};
use topologies::{Lab, LoadedLab, NodeKind, Override, Pattern, SpanningTree, generate, generate_with, parse};

const FIRST_LAB: &str = r#"
name = "vlan-isolation"
description = "Two switches, two VLANs, one trunk"

[switches.s1.ports]
trunk = { trunks = [9, 19], to = "s2:trunk", delay = "200us" }
a1 = { tag = 9,  to = "a1" }
b1 = { tag = 19, to = "b1" }

[switches.s2.ports]
trunk = { trunks = [9, 19] }
a2 = { tag = 9, to = "a2" }

[hosts]
a1 = "192.168.9.1/24"
a2 = "192.168.9.2/24"
b1 = "192.168.9.3/24"          # the same subnet on purpose: only the VLAN keeps it apart

[[checks]]
ping = { from = "a1", to = "a2" }
[[checks]]
apart = ["a1", "b1"]
"#;

#[track_caller]
fn load_with(text: &str, overrides: &[(&str, &str)]) -> LoadedLab {
    let overrides: Vec<Override> = overrides.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    parse("labs/test.toml", text, &overrides).unwrap_or_else(|mistakes| {
        let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"))
    })
}

#[track_caller]
fn load(text: &str) -> Lab {
    load_with(text, &[]).lab
}

fn host<'l>(lab: &'l Lab, name: &str) -> &'l LabHost {
    match &lab.node(lab.find(name).unwrap()).kind {
        NodeKind::Host(host) => host,
        _ => panic!("{name} is no host"),
    }
}

fn switch<'l>(lab: &'l Lab, name: &str) -> &'l LabSwitch {
    match &lab.node(lab.find(name).unwrap()).kind {
        NodeKind::Switch(switch) => switch,
        _ => panic!("{name} is no switch"),
    }
}

/// `TABLE.column=value` for each column of a port.
fn columns(switch: &LabSwitch, bridge: usize, port: &str) -> Vec<String> {
    let port = switch.bridges[bridge].ports.iter().find(|p| p.name == port).unwrap();
    port.columns.iter().map(|(column, value)| format!("{column:?}={}", column.ty().print(value))).collect()
}

fn addresses(host: &LabHost) -> Vec<String> {
    let all = host.interfaces.iter().flat_map(|i| i.addresses.iter().map(move |a| format!("{} {a}", i.name)));
    all.collect()
}

fn link_names(lab: &Lab) -> Vec<String> {
    lab.links().iter().map(|l| format!("{} {}", lab.end_name(l.ends[0]), lab.end_name(l.ends[1]))).collect()
}

#[test]
fn the_first_lab_means_what_it_says() {
    let LoadedLab { lab, warnings } = load_with(FIRST_LAB, &[]);
    assert_eq!(warnings, []);
    assert_eq!(
        (lab.name(), lab.description(), lab.seed()),
        ("vlan-isolation", "Two switches, two VLANs, one trunk", Seed(1))
    );
    let names: Vec<&str> = lab.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["s1", "s2", "a1", "a2", "b1"]);
    assert_eq!(link_names(&lab), ["s1:trunk s2:trunk", "s1:a1 a1:eth0", "s1:b1 b1:eth0", "s2:a2 a2:eth0"]);
    let trunk = &lab.links()[0].config;
    assert_eq!(trunk.forward.delay, Duration::from_micros(200));
    assert_eq!(trunk.backward, trunk.forward);
    assert_eq!(lab.links()[1].config, sim_core::LinkConfig::default());
    let s1 = switch(&lab, "s1");
    assert_eq!(s1.bridges.len(), 1);
    assert_eq!(s1.bridges[0].name, "br0");
    assert_eq!(columns(s1, 0, "trunk"), ["Port.trunks=[9, 19]"]);
    assert_eq!(columns(s1, 0, "a1"), ["Port.tag=9"]);
    assert_eq!(addresses(host(&lab, "b1")), ["eth0 192.168.9.3/24"]);
    assert_eq!(lab.checks().len(), 2);
    assert_eq!(lab.checks()[0].name, "ping a1 a2");
    assert_eq!((lab.checks()[0].line, lab.checks()[0].within()), (20, Duration::from_secs(5)));
    let CheckKind::Ping(ping) = &lab.checks()[0].kind else { panic!() };
    assert_eq!((ping.count, ping.size, ping.expect), (1, 56, Expect::Reachable));
    assert_eq!(ping.to, PingTarget::Host(lab.find("a2").unwrap()));
    let CheckKind::Apart(apart) = &lab.checks()[1].kind else { panic!() };
    assert_eq!(*apart, ["a1", "b1"].map(|name| lab.find(name).unwrap()));
    assert_eq!(lab.parts(), 1);
}

#[test]
fn nodes_ports_and_links_keep_the_order_of_the_file() {
    let lab = load(
        r#"
[hosts]
z = "10.0.0.1/8"
[switches.s9.ports]
q = { to = "a" }
b = { to = "z" }
a = { to = "s1:x" }
[hubs.m]
[hosts.a]
ip = "10.0.0.2/8"
[switches.s1]
"#,
    );
    let names: Vec<&str> = lab.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["z", "s9", "m", "a", "s1"]);
    let ports: Vec<&str> = lab.nodes()[1].ports.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(ports, ["q", "b", "a"]);
    assert_eq!(link_names(&lab), ["s9:q a:eth0", "s9:b z:eth0", "s9:a s1:x"]);
    assert_eq!(lab.link_at(lab.find("s1").unwrap(), "x"), Some(LinkIx(2)));
    assert_eq!(lab.parts(), 2);
}

#[test]
fn link_keys_hold_for_both_directions_or_as_seen_from_their_end() {
    let lab = load(
        r#"
[switches.s1.ports]
p = { to = "s2:p", delay = { out = "1ms", in = "2ms" }, jitter = "100us", rate = "1.5Mbit", loss = "5%", duplicate = "0.1%", corrupt = { in = "1%" }, reorder = "25%", queue = "64KiB", mtu = 9000, up = false }
q = { to = "s2:q", queue = 7, rate = { out = "10kbit" } }
[switches.s2]
"#,
    );
    let link = &lab.links()[0].config;
    let percent = |p: f64| Probability::new(p / 100.0).unwrap();
    assert!(link.down);
    assert_eq!(link.forward.delay, Duration::from_millis(1));
    assert_eq!(link.backward.delay, Duration::from_millis(2));
    for direction in [&link.forward, &link.backward] {
        assert_eq!(direction.jitter, Duration::from_micros(100));
        assert_eq!(direction.rate, 1_500_000);
        assert_eq!(direction.loss, percent(5.0));
        assert_eq!(direction.duplicate, percent(0.1));
        assert_eq!(direction.reorder, percent(25.0));
        assert_eq!(direction.queue, QueueLimit::Bytes(65536));
        assert_eq!(direction.mtu, 9000);
    }
    assert_eq!((link.forward.corrupt, link.backward.corrupt), (Probability::ZERO, percent(1.0)));
    let other = &lab.links()[1].config;
    assert_eq!((other.forward.rate, other.backward.rate), (10_000, 10_000_000_000));
    assert_eq!(other.forward.queue, QueueLimit::Frames(7));
    assert_eq!(other.forward.delay, Duration::from_micros(10));
}

#[test]
fn columns_take_the_types_of_the_schema_and_the_names_of_vlans() {
    let lab = load(
        r#"
[vlans]
admin = 10
guest = 20
[switches.s1]
rstp_enable = true
flood_vlans = ["guest", 30]
other_config = { mac-aging-time = 60, forward-bpdu = true, x = "y" }
protocols = ["OpenFlow10", "OpenFlow13"]
[switches.s1.ports]
a = { tag = "admin", to = "h1" }
t = { trunks = ["admin", "guest", 7], tag = 7, vlan_mode = "native-untagged", to = "h2" }
i = { type = "internal", mac = "02:00:00:00:00:01", interface = { mac = "02:00:00:00:00:02", external_ids = { id = "x" } }, external_ids = { id = "port" } }
p = { type = "patch", options = { peer = "q" }, ofport_request = 9 }
one = { trunks = "admin", to = "h3" }
zero = { tag = 0, to = "h4" }
[hosts]
h1 = {}
h2 = {}
h3 = {}
h4 = {}
"#,
    );
    let s1 = switch(&lab, "s1");
    let bridge: Vec<String> = s1.bridges[0].columns.iter().map(|(c, v)| format!("{c:?}={}", c.ty().print(v))).collect();
    assert_eq!(
        bridge,
        [
            "Bridge.rstp_enable=true",
            "Bridge.flood_vlans=[20, 30]",
            "Bridge.other_config={forward-bpdu=\"true\", mac-aging-time=\"60\", x=y}",
            "Bridge.protocols=[OpenFlow10, OpenFlow13]",
        ]
    );
    assert_eq!(columns(s1, 0, "a"), ["Port.tag=10"]);
    assert_eq!(columns(s1, 0, "t"), ["Port.trunks=[7, 10, 20]", "Port.tag=7", "Port.vlan_mode=native-untagged"]);
    assert_eq!(
        columns(s1, 0, "i"),
        [
            "Interface.type=internal",
            "Port.mac=\"02:00:00:00:00:01\"",
            "Interface.mac=\"02:00:00:00:00:02\"",
            "Interface.external_ids={id=x}",
            "Port.external_ids={id=port}",
        ]
    );
    assert_eq!(columns(s1, 0, "one"), ["Port.trunks=[10]"]);
    assert_eq!(columns(s1, 0, "zero"), ["Port.tag=0"]);
    let sockets: Vec<bool> = s1.bridges[0].ports.iter().map(|port| port.socket.is_some()).collect();
    assert_eq!(sockets, [true, true, false, false, true, true], "a port with a type is no link's end");
    assert_eq!(lab.vlans().keys().collect::<Vec<_>>(), ["admin", "guest"]);
}

#[test]
fn a_port_that_only_a_link_names_is_br0s() {
    let text = "[switches.s1.ports]\na = { to = \"s2:new\" }\n[switches.s2.bridges.br1.ports]\nx = { to = \"s3:y\" }\n[switches.s3]\n";
    let lab = load(text);
    let s2 = switch(&lab, "s2");
    let bridges: Vec<(&str, Vec<(&str, bool)>)> = s2
        .bridges
        .iter()
        .map(|b| (b.name.as_str(), b.ports.iter().map(|p| (p.name.as_str(), p.declared)).collect()))
        .collect();
    assert_eq!(bridges, [("br0", vec![("new", false)]), ("br1", vec![("x", true)])]);
    assert_eq!(switch(&lab, "s3").bridges[0].name, "br0");
}

#[test]
fn a_host_has_what_it_does_not_say_by_default() {
    let lab = load(
        r#"
[hosts]
h7 = {}
web300 = { mtu = 9000 }
own = { ip = ["192.0.2.1/24", "2001:db8::1/64"], mac = "02:00:00:00:00:99", gateway = ["192.0.2.254", "2001:db8::fe"], routes = [{ to = "10.1.0.0/16", via = "192.0.2.9" }] }
r = { interfaces = { eth1 = { ip = "10.3.0.1/16" }, "eth1.10" = "10.4.0.1/16", "eth2.20" = { ip = "10.5.0.1/16", mtu = 1400 } } }
silent = { ip = [] }
"#,
    );
    assert_eq!(addresses(host(&lab, "h7")), ["eth0 10.0.0.7/8"]);
    assert_eq!(addresses(host(&lab, "web300")), ["eth0 10.0.1.44/8"]);
    assert_eq!(host(&lab, "web300").interfaces[0].mtu, 9000);
    let own = host(&lab, "own");
    assert_eq!(addresses(own), ["eth0 192.0.2.1/24", "eth0 2001:db8::1/64"]);
    assert_eq!(own.interfaces[0].mac, MacAddr([2, 0, 0, 0, 0, 0x99]));
    assert_eq!(own.gateways.len(), 2);
    assert_eq!(own.routes.len(), 1);
    let r = host(&lab, "r");
    let interfaces: Vec<(&str, Option<u16>, u32, u16)> =
        r.interfaces.iter().map(|i| (i.name.as_str(), i.vlan.map(|v| v.get()), i.port.0, i.mtu)).collect();
    assert_eq!(
        interfaces,
        [
            ("eth1", None, 0, 1500),
            ("eth2", None, 1, 1500),
            ("eth1.10", Some(10), 0, 1500),
            ("eth2.20", Some(20), 1, 1400)
        ]
    );
    assert_eq!(r.interfaces[2].mac, r.interfaces[0].mac);
    assert_eq!(addresses(host(&lab, "silent")), [""; 0]);
}

#[test]
fn default_macs_do_not_depend_on_the_seed() {
    let mac = |seed: &str| {
        let lab = load_with("[hosts]\nh1 = {}\n", &[("seed", seed)]).lab;
        assert_eq!(lab.seed(), Seed(seed.parse().unwrap()));
        host(&lab, "h1").interfaces[0].mac
    };
    assert_eq!(mac("1"), mac("2"));
    assert!(mac("1").is_local() && mac("1").is_unicast());
}

#[test]
fn hubs_have_numbered_ports_or_those_that_links_name() {
    let lab = load(
        r#"
[hubs]
big = { ports = 4 }
small = {}
[hosts]
h1 = { to = "big" }
h2 = { to = "big:1" }
h3 = { to = "big" }
h4 = { to = "small" }
h5 = { to = "small:left" }
h6 = { to = "small" }
"#,
    );
    assert_eq!(
        link_names(&lab),
        ["h1:eth0 big:2", "h2:eth0 big:1", "h3:eth0 big:3", "h4:eth0 small:1", "h5:eth0 small:left", "h6:eth0 small:2"]
    );
    assert_eq!(lab.nodes()[0].ports.len(), 4);
    assert_eq!(lab.nodes()[0].ports[3].link, None);
}

#[test]
fn an_mtu_at_a_hosts_to_is_the_interfaces_and_the_links() {
    let lab = load(
        "[hosts]\nh1 = { mtu = 9000, to = \"s:a\" }\nh2 = { mtu = 1400 }\n[switches.s.ports]\na = {}\nb = { to = \"h2\" }\n",
    );
    assert_eq!(lab.links()[0].config.forward.mtu, 9000);
    assert_eq!(lab.links()[1].config.forward.mtu, 1500);
    assert_eq!(host(&lab, "h2").interfaces[0].mtu, 1400);
}

#[test]
fn setup_lines_keep_their_lines_of_the_file() {
    let lab = load(
        "[switches.s1]\nsetup = '''\n# comment\nBR=br0\n$ sudo ovs-vsctl set bridge $BR \\\n  stp_enable=true\n\novs-ofctl show br0\n'''\n[switches.s2]\nsetup = \"ovs-vsctl show\\novs-vsctl list-br\"\n[switches.s3]\nsetup = \"\"\"ovs-vsctl \\\n   show\\nA=1\novs-vsctl $A\"\"\"\n",
    );
    let lines = |name: &str| -> Vec<(u32, String)> {
        switch(&lab, name).setup.iter().map(|line| (line.line, line.words.join(" "))).collect()
    };
    assert_eq!(
        lines("s1"),
        [(5, "ovs-vsctl set bridge br0 stp_enable=true".to_owned()), (8, "ovs-ofctl show br0".to_owned())]
    );
    assert_eq!(lines("s3"), [(13, "ovs-vsctl show".to_owned()), (15, "ovs-vsctl 1".to_owned())]);
    assert_eq!(lines("s2"), [(11, "ovs-vsctl show".to_owned()), (11, "ovs-vsctl list-br".to_owned())]);
}

#[test]
fn events_and_checks_find_what_they_name() {
    let lab = load(
        r#"
[vlans]
v = 9
[switches.s1.ports]
t = { to = "s2:t" }
a = { to = "h1" }
[switches.s2.ports]
t = {}
b = { to = "h2" }
[hosts]
h1 = {}
h2 = {}
[[events]]
at = "1.5s"
do = "link s2:t down"
[[events]]
at = 0
do = "h1 ping 'h2 x'"
[[checks]]
name = "no way"
at = "2s"
within = "3s"
ping = { from = "h1", to = "10.0.0.2", count = 3, size = 0, family = 4 }
expect = "unreachable"
[[checks]]
frames = { link = "s2:t", direction = "out", filter = "icmp", max = 0 }
[[checks]]
drops = { node = "s1", port = "a", reason = "vlan_not_allowed", min = 2, max = 4 }
[[checks]]
drops = { link = "h1" }
[[checks]]
drops = {}
[[checks]]
mac = { switch = "s1", vlan = "v", host = "h2", port = "t", expect = "absent" }
[[checks]]
reach = ["h1", "h2"]
"#,
    );
    assert_eq!((lab.events()[0].at, lab.events()[0].place), (Time::from_millis(1500), (15, 6)));
    assert_eq!(lab.events()[1].words, ["h1", "ping", "h2 x"]);
    let checks = lab.checks();
    assert_eq!(
        (checks[0].name.as_str(), checks[0].at, checks[0].within()),
        ("no way", Some(Time::from_secs(2)), Duration::from_secs(3))
    );
    let CheckKind::Ping(ping) = &checks[0].kind else { panic!() };
    assert_eq!((ping.to, ping.count, ping.size), (PingTarget::Address("10.0.0.2".parse().unwrap()), 3, 0));
    assert_eq!(ping.expect, Expect::Unreachable);
    let CheckKind::Frames(frames) = &checks[1].kind else { panic!() };
    assert_eq!((frames.link, frames.directions, frames.min, frames.max), (LinkIx(0), Directions::Backward, 0, Some(0)));
    assert_eq!(frames.filter.as_ref().map(|filter| filter.text.as_str()), Some("icmp"));
    let CheckKind::Drops(drops) = &checks[2].kind else { panic!() };
    assert_eq!(drops.site, DropsSite::Port(lab.find("s1").unwrap(), "a".to_owned()));
    assert_eq!((drops.min, drops.max, checks[2].name.as_str()), (2, Some(4), "drops s1:a vlan_not_allowed"));
    let CheckKind::Drops(drops) = &checks[3].kind else { panic!() };
    assert_eq!((&drops.site, drops.min), (&DropsSite::Link(LinkIx(1)), 1));
    let CheckKind::Drops(drops) = &checks[4].kind else { panic!() };
    assert_eq!(drops.site, DropsSite::Anywhere);
    let CheckKind::Mac(MacCheck { bridge, vlan, address, port, expect, .. }) = &checks[5].kind else { panic!() };
    assert_eq!((bridge.as_str(), vlan.map(|v| v.get()), port.as_deref()), ("br0", Some(9), Some("t")));
    assert_eq!((*address, *expect), (host(&lab, "h2").interfaces[0].mac, Presence::Absent));
}

#[test]
fn overrides_set_keys_of_the_file() {
    let lab = load_with(
        FIRST_LAB,
        &[
            ("seed", "7"),
            ("name", "other name"),
            ("switches.s1.ports.a1.tag", "19"),
            ("hosts.a1", "10.9.9.9/24"),
            ("hosts.\"c.1\".ip", "10.9.9.8/24"),
            ("checks.0.within", "1s"),
            ("switches.s1.ports.a1.loss", "{ out = \"1%\" }"),
        ],
    )
    .lab;
    assert_eq!(addresses(host(&lab, "c.1")), ["eth0 10.9.9.8/24"]);
    assert_eq!((lab.seed(), lab.name()), (Seed(7), "other name"));
    assert_eq!(columns(switch(&lab, "s1"), 0, "a1"), ["Port.tag=19"]);
    assert_eq!(addresses(host(&lab, "a1")), ["eth0 10.9.9.9/24"]);
    assert_eq!(lab.checks()[0].within(), Duration::from_secs(1));
    assert_eq!(lab.links()[1].config.forward.loss, Probability::new(0.01).unwrap());
    assert_eq!(lab.links()[1].config.backward.loss, Probability::ZERO);
}

#[test]
fn a_lab_without_a_name_is_called_after_its_file() {
    assert_eq!(load("[hosts]\nh1 = {}\n").name(), "test");
}

#[test]
fn generated_labs_parse_without_warnings_and_have_mininets_names() {
    for (pattern, nodes, links) in [
        (Pattern::Single { hosts: 3 }, 4, 3),
        (Pattern::Linear { switches: 4, hosts: 1 }, 8, 7),
        (Pattern::Linear { switches: 3, hosts: 2 }, 9, 8),
        (Pattern::Tree { depth: 2, fanout: 3 }, 13, 12),
        (Pattern::Tree { depth: 3, fanout: 2 }, 15, 14),
        (Pattern::Star { switches: 3, hosts: 2 }, 10, 9),
        (Pattern::Ring { switches: 3, hosts: 1 }, 6, 6),
        (Pattern::Ring { switches: 5, hosts: 2 }, 15, 15),
        (Pattern::Torus { x: 3, y: 4, hosts: 1 }, 24, 36),
        (Pattern::Torus { x: 3, y: 3, hosts: 2 }, 27, 36),
        (Pattern::LeafSpine { leaves: 8, spines: 4, hosts: 16 }, 140, 160),
        (Pattern::LeafSpine { leaves: 1, spines: 1, hosts: 1 }, 3, 2),
    ] {
        let text = generate(pattern).unwrap();
        let LoadedLab { lab, warnings } = load_with(&text, &[]);
        assert_eq!(warnings, [], "{pattern:?}");
        assert_eq!((lab.nodes().len(), lab.links().len(), lab.parts()), (nodes, links, 1), "{pattern:?}");
        assert_eq!(pattern.check(), Ok(nodes as u64));
    }
    let lab = load(&generate(Pattern::Linear { switches: 2, hosts: 2 }).unwrap());
    assert_eq!(
        link_names(&lab),
        [
            "s1:s1-eth1 h1s1:eth0",
            "s1:s1-eth2 h2s1:eth0",
            "s1:s1-eth3 s2:s2-eth3",
            "s2:s2-eth1 h1s2:eth0",
            "s2:s2-eth2 h2s2:eth0"
        ]
    );
    assert_eq!(addresses(host(&lab, "h2s2")), ["eth0 10.0.0.4/8"]);
    let tree = load(&generate(Pattern::Tree { depth: 2, fanout: 2 }).unwrap());
    assert_eq!(
        link_names(&tree),
        [
            "s1:s1-eth1 s2:s2-eth3",
            "s1:s1-eth2 s3:s3-eth3",
            "s2:s2-eth1 h1:eth0",
            "s2:s2-eth2 h2:eth0",
            "s3:s3-eth1 h3:eth0",
            "s3:s3-eth2 h4:eth0"
        ]
    );
    let torus = load(&generate(Pattern::Torus { x: 3, y: 3, hosts: 1 }).unwrap());
    // mn --topo torus,3,3: h1x1 on s1x1, which is linked along its row and its column.
    assert_eq!(
        link_names(&torus)[..3],
        ["s1x1:s1x1-eth1 h1x1:eth0", "s1x1:s1x1-eth2 s1x2:s1x2-eth2", "s1x1:s1x1-eth3 s2x1:s2x1-eth2"]
    );
    assert!(link_names(&torus).contains(&"s3x1:s3x1-eth4 s1x1:s1x1-eth5".to_owned()), "{:?}", link_names(&torus));
    let names: Vec<String> = load(&generate(Pattern::Torus { x: 3, y: 3, hosts: 2 }).unwrap())
        .nodes()
        .iter()
        .map(|node| node.name.clone())
        .collect();
    assert!(names.contains(&"h3x2x1".to_owned()), "{names:?}");
    let fabric = load(&generate(Pattern::LeafSpine { leaves: 2, spines: 2, hosts: 2 }).unwrap());
    assert_eq!(
        link_names(&fabric),
        [
            "leaf1:leaf1-eth1 h1:eth0",
            "leaf1:leaf1-eth2 h2:eth0",
            "leaf1:leaf1-eth3 spine1:spine1-eth1",
            "leaf1:leaf1-eth4 spine2:spine2-eth1",
            "leaf2:leaf2-eth1 h3:eth0",
            "leaf2:leaf2-eth2 h4:eth0",
            "leaf2:leaf2-eth3 spine1:spine1-eth2",
            "leaf2:leaf2-eth4 spine2:spine2-eth2",
        ]
    );
    assert!(generate(Pattern::Single { hosts: 0 }).is_err());
    assert!(generate(Pattern::Ring { switches: 2, hosts: 1 }).unwrap_err().to_string().contains("at least 3"));
    assert!(generate(Pattern::Torus { x: 2, y: 9, hosts: 1 }).unwrap_err().to_string().contains("at least 3"));
    assert!(generate(Pattern::Torus { x: u32::MAX, y: u32::MAX, hosts: u32::MAX }).is_err());
    assert!(generate(Pattern::LeafSpine { leaves: 1000, spines: 1000, hosts: 1 }).is_err());
    assert!(generate(Pattern::Tree { depth: 40, fanout: 2 }).is_err());
    assert!(generate(Pattern::Tree { depth: u32::MAX, fanout: u32::MAX }).is_err());
}

#[test]
fn every_switch_of_a_generated_lab_with_loops_speaks_a_spanning_tree_protocol() {
    let loops = [
        Pattern::Ring { switches: 3, hosts: 1 },
        Pattern::Torus { x: 3, y: 3, hosts: 1 },
        Pattern::LeafSpine { leaves: 2, spines: 2, hosts: 1 },
    ];
    for pattern in loops {
        for (tree, key) in [(SpanningTree::Rstp, "rstp_enable"), (SpanningTree::Stp, "stp_enable")] {
            let lab = load(&generate_with(pattern, tree).unwrap());
            for node in lab.nodes() {
                let NodeKind::Switch(switch) = &node.kind else { continue };
                let columns: Vec<&str> = switch.bridges[0].columns.iter().map(|(column, _)| column.name()).collect();
                assert_eq!(columns, [key], "{pattern:?} {}", node.name);
            }
        }
    }
    assert!(!generate(Pattern::Star { switches: 3, hosts: 2 }).unwrap().contains("stp_enable"));
}

#[test]
fn warnings_leave_the_lab_as_it_is() {
    let LoadedLab { lab, warnings } =
        load_with("[switches.s1.ports]\nlone = { tag = 9 }\n[hosts]\nh1 = { to = \"s1:new\" }\n", &[]);
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(lab.links().len(), 1);
    assert_eq!(texts.len(), 2);
    assert!(
        texts[0].starts_with("labs/test.toml:2:1: warning: `switches.s1`: s1:lone has no link and is down\n  remedy: "),
        "{}",
        texts[0]
    );
    assert!(texts[1].starts_with("labs/test.toml:4:8: warning: `hosts.h1.to`: h1 hangs on s1:new"), "{}", texts[1]);
    let with_setup = "[switches.s1]\nsetup = \"ovs-vsctl set port new tag=9\"\n[hosts]\nh1 = { to = \"s1:new\" }\n";
    assert_eq!(load_with(with_setup, &[]).warnings, []);
}
