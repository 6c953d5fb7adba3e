//! What the programs print: the originals' words and layouts.

mod lab;

use host::Reply;
use lab::{Device, Lab, Plan};
use sim_core::{NodeIx, PortIx, Time};

fn server(setup: &str) -> (Lab, NodeIx, NodeIx) {
    let mut lab = Lab::new();
    let peer = lab.host(1, "10.1.1.9/24", "");
    let nics: &[(&str, &[&str])] = &[("eth0", &["10.1.1.3/24", "2001:db8::1/64"])];
    let server = lab.server(&Plan { name: "s", nics, taps: &["tap0"], setup });
    lab.link((peer, 0), (server, 0));
    lab.run_for(1);
    (lab, peer, server)
}

#[track_caller]
fn check(lab: &mut Lab, node: NodeIx, line: &str, expect: &str) {
    let text = lab.line(node, line);
    assert_eq!(text, expect, "{line}:\n{text}");
}

#[test]
fn ip_shows_addresses_and_links_as_iproute2_does() {
    let (mut lab, _, server) = server(
        "
        ovs-vsctl add-br br0
        ip link add link eth0 name eth0.10 type vlan id 10
        ip addr add 169.254.7.7/16 dev br0
        ip addr add 10.1.1.4/24 dev eth0",
    );
    check(
        &mut lab,
        server,
        "ip addr show eth0",
        "\
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
    link/ether 02:00:00:00:00:74 brd ff:ff:ff:ff:ff:ff
    inet 10.1.1.3/24 brd 10.1.1.255 scope global eth0
       valid_lft forever preferred_lft forever
    inet 10.1.1.4/24 brd 10.1.1.255 scope global secondary eth0
       valid_lft forever preferred_lft forever
    inet6 2001:db8::1/64 scope global \n       valid_lft forever preferred_lft forever
    inet6 fe80::ff:fe00:74/64 scope link \n       valid_lft forever preferred_lft forever
",
    );
    check(
        &mut lab,
        server,
        "ip -br a",
        "\
lo               UNKNOWN        127.0.0.1/8 ::1/128 \n\
eth0             UP             10.1.1.3/24 10.1.1.4/24 2001:db8::1/64 fe80::ff:fe00:74/64 \n\
tap0             DOWN           \n\
br0              DOWN           169.254.7.7/16 \n\
eth0.10@eth0     DOWN           \n",
    );
    check(
        &mut lab,
        server,
        "ip -d link show eth0.10",
        "\
5: eth0.10@eth0: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:74 brd ff:ff:ff:ff:ff:ff
    vlan protocol 802.1Q id 10 <REORDER_HDR> \n",
    );
    check(
        &mut lab,
        server,
        "ip l show lo",
        "\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n",
    );
    lab.lines(server, "ip link set br0 up mtu 1400 address 02:00:00:00:00:33\novs-vsctl add-port br0 tap0");
    check(
        &mut lab,
        server,
        "ip link show br0",
        "\
4: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:33 brd ff:ff:ff:ff:ff:ff\n",
    );
    assert!(
        lab.line(server, "ip link show tap0")
            .contains("<NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc fq_codel master ovs-system state DOWN ")
    );
    check(&mut lab, server, "ovs-vsctl get interface br0 mac_in_use", "\"02:00:00:00:00:33\"\n");
}

#[test]
fn ip_shows_routes_and_neighbours_as_iproute2_does() {
    let (mut lab, _, server) = server(
        "
        ip route add default via 10.1.1.1
        ip route add 10.9.0.0/16 dev eth0 metric 50
        ip -6 route add default via 2001:db8::99
        ip neigh add 10.1.1.7 lladdr 02:00:00:00:00:07 dev eth0",
    );
    check(
        &mut lab,
        server,
        "ip route",
        "\
default via 10.1.1.1 dev eth0 \n\
10.1.1.0/24 dev eth0 proto kernel scope link src 10.1.1.3 \n\
10.9.0.0/16 dev eth0 scope link metric 50 \n",
    );
    check(&mut lab, server, "ip r show dev eth0 default", "default via 10.1.1.1 \n");
    check(&mut lab, server, "ip -6 route show default", "default via 2001:db8::99 dev eth0 metric 1024 pref medium\n");
    check(&mut lab, server, "ip route get 9.9.9.9", "9.9.9.9 via 10.1.1.1 dev eth0 src 10.1.1.3 uid 0 \n    cache \n");
    check(&mut lab, server, "ip ro get 10.1.1.3", "local 10.1.1.3 dev lo src 10.1.1.3 uid 0 \n    cache <local> \n");
    check(&mut lab, server, "ip neigh", "10.1.1.7 dev eth0 lladdr 02:00:00:00:00:07 PERMANENT \n");
    lab.line(server, "ping -c 1 10.1.1.9");
    check(
        &mut lab,
        server,
        "ip n show dev eth0",
        "\
10.1.1.7 lladdr 02:00:00:00:00:07 PERMANENT \n\
10.1.1.9 lladdr 02:00:00:00:00:01 REACHABLE \n",
    );
    lab.line(server, "ip neigh flush all");
    check(&mut lab, server, "ip neigh", "10.1.1.7 dev eth0 lladdr 02:00:00:00:00:07 PERMANENT \n");
}

#[test]
fn net_tools_print_their_tables() {
    let (mut lab, _, server) = server(
        "
        route add default gw 10.1.1.1
        route add -net 8.0.0.0 netmask 255.0.0.0 dev eth0
        route add -host 9.9.9.9 dev eth0 metric 50
        arp -s 10.1.1.8 02:00:00:00:00:08",
    );
    check(
        &mut lab,
        server,
        "route -n",
        "\
Kernel IP routing table
Destination     Gateway         Genmask         Flags Metric Ref    Use Iface
0.0.0.0         10.1.1.1        0.0.0.0         UG    0      0        0 eth0
8.0.0.0         0.0.0.0         255.0.0.0       U     0      0        0 eth0
9.9.9.9         0.0.0.0         255.255.255.255 UH    50     0        0 eth0
10.1.1.0        0.0.0.0         255.255.255.0   U     0      0        0 eth0
",
    );
    lab.try_line(server, "ping -c 1 10.1.1.77");
    lab.run_for(10);
    check(
        &mut lab,
        server,
        "arp -n",
        "\
Address                  HWtype  HWaddress           Flags Mask            Iface
10.1.1.8                 ether   02:00:00:00:00:08   CM                    eth0
10.1.1.77                        (incomplete)                              eth0
",
    );
    check(
        &mut lab,
        server,
        "arp -an",
        "\
? (10.1.1.8) at 02:00:00:00:00:08 [ether] PERM on eth0
? (10.1.1.77) at <incomplete> on eth0
",
    );
    check(
        &mut lab,
        server,
        "ifconfig eth0",
        "\
eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 10.1.1.3  netmask 255.255.255.0  broadcast 10.1.1.255
        inet6 2001:db8::1  prefixlen 64  scopeid 0x0<global>
        inet6 fe80::ff:fe00:74  prefixlen 64  scopeid 0x20<link>
        ether 02:00:00:00:00:74  txqueuelen 1000  (Ethernet)
        RX packets 0  bytes 0 (0.0 B)
        RX errors 0  dropped 0  overruns 0  frame 0
        TX packets 1  bytes 42 (42.0 B)
        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0

",
    );
    assert!(!lab.line(server, "ifconfig").contains("br0"));
    lab.lines(server, "ovs-vsctl add-br br0\nifconfig br0 192.168.223.3 up mtu 1400 hw ether 02:00:00:00:00:44");
    let text = lab.line(server, "ifconfig br0");
    assert!(text.starts_with("br0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1400\n        inet 192.168.223.3  netmask 255.255.255.0"), "{text}");
    lab.line(server, "ifconfig br0 0");
    assert!(!lab.line(server, "ifconfig br0").contains("inet "));
}

#[test]
fn brctl_and_tunctl_work_on_open_vswitch_s_bridges() {
    let (mut lab, _, server) = server("");
    check(&mut lab, server, "brctl show", "");
    check(&mut lab, server, "tunctl -t tap7", "Set 'tap7' persistent and owned by uid 0\n");
    lab.lines(
        server,
        "brctl addbr br0\nbrctl addif br0 eth0\nbrctl addif br0 tap7\nbrctl stp br0 on\nbrctl setbridgeprio br0 4096",
    );
    check(&mut lab, server, "ovs-vsctl list-ports br0", "eth0\ntap7\n");
    check(
        &mut lab,
        server,
        "brctl show",
        "\
bridge name\tbridge id\t\tSTP enabled\tinterfaces
br0\t\t1000.020000000074\tyes\t\teth0
\t\t\t\t\t\t\ttap7
",
    );
    check(&mut lab, server, "ovs-vsctl get bridge br0 stp_enable", "true\n");
    for (line, expect) in [
        ("brctl addbr br0", "device br0 already exists; can't create bridge with the same name"),
        ("brctl addif br0 tap7", "device tap7 is already a member of a bridge; can't add it to bridge br0."),
        ("brctl addif br9 tap7", "bridge br9 does not exist!"),
        ("brctl addif br0 tap9", "interface tap9 does not exist!"),
        ("brctl delif br0 tap0", "device tap0 is not a slave of br0"),
        ("brctl delbr br9", "bridge br9 doesn't exist; can't delete it"),
    ] {
        assert_eq!(lab.failure(server, line), expect);
    }
    assert!(lab.line(server, "brctl showstp br0").starts_with("br0\n bridge id\t\t1000.020000000074\n"));
    lab.lines(server, "brctl delif br0 tap7\nbrctl delbr br0");
    check(&mut lab, server, "tunctl -d tap7", "Set 'tap7' nonpersistent\n");
    assert_eq!(lab.failure(server, "ip link show tap7"), "Device \"tap7\" does not exist.");
}

#[test]
fn ping_prints_what_iputils_prints() {
    let (mut lab, _, server) = server("");
    check(
        &mut lab,
        server,
        "ping -c 2 10.1.1.9",
        "\
PING 10.1.1.9 (10.1.1.9) 56(84) bytes of data.
64 bytes from 10.1.1.9: icmp_seq=1 ttl=64 time=0.040 ms
64 bytes from 10.1.1.9: icmp_seq=2 ttl=64 time=0.020 ms

--- 10.1.1.9 ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time 1000ms
rtt min/avg/max/mdev = 0.020/0.030/0.040/0.010 ms
",
    );
    check(
        &mut lab,
        server,
        "ping -c1 -s 100 -I eth0 10.1.1.77",
        "\
PING 10.1.1.77 (10.1.1.77) from 10.1.1.3 eth0: 100(128) bytes of data.
From 10.1.1.3 icmp_seq=1 Destination Host Unreachable

--- 10.1.1.77 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms

",
    );
    check(
        &mut lab,
        server,
        "ping -c 1 -s 2000 -M do 10.1.1.9",
        "\
PING 10.1.1.9 (10.1.1.9) 2000(2028) bytes of data.
ping: local error: message too long, mtu=1500

--- 10.1.1.9 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms

",
    );
    check(
        &mut lab,
        server,
        "ping -q -c 1 2001:db8::1",
        "\
PING 2001:db8::1(2001:db8::1) 56 data bytes

--- 2001:db8::1 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
rtt min/avg/max/mdev = 0.000/0.000/0.000/0.000 ms
",
    );
    assert_eq!(lab.line(server, "ping 10.1.1.9").matches("icmp_seq").count(), 5, "five without -c");
    assert_eq!(lab.line(server, "ping -w 3 10.1.1.9").matches("icmp_seq").count(), 3, "as many as three seconds hold");
    for (line, expect) in [
        ("ping 8.8.8.8", "ping: connect: Network is unreachable"),
        ("ping", "ping: usage error: Destination address required"),
        ("ping -c 0 10.1.1.9", "ping: invalid argument: '0': out of range: 1 <= value <= 65535"),
        ("ping -s foo 10.1.1.9", "ping: invalid argument: 'foo'"),
        ("ping foo", "ping: foo: Name or service not known"),
        ("ping -6 10.1.1.9", "ping: 10.1.1.9: Address family for hostname not supported"),
        ("ping -I eth7 10.1.1.9", "ping: unknown iface: eth7"),
    ] {
        assert_eq!(lab.failure(server, line), expect);
    }
}

/// The lines of a dump that runs while `act` does something.
fn dump(lab: &mut Lab, node: NodeIx, line: &str, act: impl FnOnce(&mut Lab)) -> Vec<String> {
    let Reply::Running(id) = lab.try_line(node, line) else { panic!("{line} does not run") };
    act(lab);
    let text = lab.engine.act(node, |device, _| match device {
        Device::Server(server) => server.cancel_session(id),
        Device::Host(_) => None,
    });
    let text = text.expect("a session");
    let lines = text.lines().filter(|line| !line.starts_with("tcpdump: ") && !line.starts_with("listening on "));
    lines.map(str::to_owned).collect()
}

#[test]
fn tcpdump_sees_both_directions_on_nics_taps_bridges_and_sub_interfaces() {
    let (mut lab, peer, server) =
        server("ovs-vsctl add-br br0\novs-vsctl add-port br0 eth0\nip addr flush dev eth0\nifconfig br0 10.1.1.3/24");
    lab.reaches(peer, "10.1.1.3");
    let ping = |lab: &mut Lab| assert!(lab.reaches(peer, "10.1.1.3"));
    let request = "IP 10.1.1.9 > 10.1.1.3: ICMP echo request, id 3275, seq 1, length 64";
    let id = |lines: &[String]| {
        lines[0].split("id ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("").to_owned()
    };
    for device in ["br0", "eth0"] {
        let lines = dump(&mut lab, server, &format!("tcpdump -t -n -i {device} icmp"), ping);
        let id = id(&lines);
        let reply = format!("IP 10.1.1.3 > 10.1.1.9: ICMP echo reply, id {id}, seq 1, length 64");
        assert_eq!(lines[..2], [request.replace("3275", &id), reply], "{device}");
        assert_eq!(lines[2..], ["2 packets captured", "2 packets received by filter", "0 packets dropped by kernel"]);
    }
    let lines = dump(&mut lab, server, "tcpdump -tni any -c 2 icmp", ping);
    assert!(
        lines[0].starts_with("eth0  In  IP 10.1.1.9 > ") && lines[1].starts_with("br0   In  IP 10.1.1.9 > "),
        "{lines:#?}"
    );
    assert_eq!(lines[2], "2 packets captured");
    let now = lab.engine.now().as_nanos() / 1_000_000_000;
    let lines = dump(&mut lab, server, "tcpdump -e -v -x -c 1 -i br0 src host 10.1.1.9 and icmp", ping);
    assert!(lines[0].starts_with(&format!("00:00:{now:02}.001010 02:00:00:00:00:01 > 02:00:00:00:00:74, ethertype IPv4 (0x0800), length 98: (tos 0x0, ttl 64, id ")), "{lines:#?}");
    assert!(lines[1].starts_with("    10.1.1.9 > 10.1.1.3: ICMP echo request, id "), "{lines:#?}");
    assert!(lines[2].starts_with("\t0x0000:  4500 0054 "), "{lines:#?}");
    assert_eq!(lab.failure(server, "tcpdump -i eth9"), "tcpdump: eth9: No such device exists\n(No such device exists)");
    assert_eq!(lab.failure(server, "tcpdump -i br0 foo bar"), "tcpdump: can't parse filter expression: syntax error");
    let text = lab.line(server, "ovs-vsctl show");
    assert!(text.contains("Port eth0"), "{text}");
}

#[test]
fn tutorials_lines_that_prepare_a_machine_are_accepted_and_others_are_not() {
    let (mut lab, _, server) = server("");
    for line in [
        "modprobe openvswitch",
        "/etc/init.d/openvswitch-switch start",
        "service openvswitch-switch restart",
        "systemctl enable --now openvswitch-switch",
        "apt-get install -y openvswitch-switch",
        "apt install bridge-utils",
        "/usr/sbin/ifconfig eth0 up",
        "/sbin/ip link set eth0 up",
    ] {
        check(&mut lab, server, line, "");
    }
    check(&mut lab, server, "hostname", "s\n");
    assert!(lab.failure(server, "systemctl stop firewalld").contains("there is nothing like that"));
    assert!(lab.failure(server, "iptables -L").starts_with("iptables: no packet filter here"));
    assert_eq!(lab.failure(server, "ifconfg eth0"), "unknown command `ifconfg`: did you mean `ifconfig`?");
    assert_eq!(lab.failure(server, "ovs-vsclt show"), "unknown command `ovs-vsclt`: did you mean `ovs-vsctl`?");
    let help = lab.line(server, "help");
    for word in server::words() {
        let entries = help.lines().filter(|line| line.split(' ').next() == Some(word.name));
        assert_eq!(entries.count(), 1, "{}: {help}", word.name);
        let said = format!("{:?}", lab.try_line(server, word.name));
        assert!(!said.contains("unknown command"), "{}: {said}", word.name);
    }
    assert!(lab.line(server, "help tcpdump").starts_with("tcpdump [-i IFACE|any]"));
    assert!(lab.failure(server, "frobnicate").starts_with("unknown command `frobnicate`"));
}

#[test]
fn errors_are_the_originals() {
    let (mut lab, _, server) = server("");
    for (line, expect) in [
        ("ip foo", "Object \"foo\" is unknown, try \"ip help\"."),
        ("ip addr add 10.1.1.3/24 dev eth0", "Error: ipv4: Address already assigned."),
        ("ip addr del 9.9.9.9/8 dev eth0", "Error: ipv4: Address not found."),
        ("ip addr add foo dev eth0", "Error: any valid prefix is expected rather than \"foo\"."),
        ("ip addr add 1.1.1.1/8", "Not enough information: \"dev\" argument is required."),
        ("ip link set eth9 up", "Cannot find device \"eth9\""),
        ("ip addr show dev eth9", "Device \"eth9\" does not exist."),
        ("ip link set dev eth0 mtu 20", "Error: mtu less than device minimum."),
        ("ip link set dev eth0 address ff:ff:ff:ff:ff:ff", "RTNETLINK answers: Cannot assign requested address"),
        ("ip route del 99.0.0.0/8", "RTNETLINK answers: No such process"),
        ("ip route add 1.2.3.4/8 dev eth0", "Error: Invalid prefix for given prefix length."),
        ("ip route add 1.1.1.1", "RTNETLINK answers: No such device"),
        ("ip neigh del 10.1.1.8 dev eth0", "RTNETLINK answers: No such file or directory"),
        ("ifconfig eth9", "eth9: error fetching interface information: Device not found"),
        ("ifconfig eth0 foo", "foo: Host name lookup failure\nifconfig: `--help' gives usage information."),
        ("route del -net 99.0.0.0/8", "SIOCDELRT: No such process"),
        ("sysctl net.ipv4.nope", "sysctl: cannot stat /proc/sys/net/ipv4/nope: No such file or directory"),
        ("tunctl -t eth0", "TUNSETIFF: Invalid argument"),
    ] {
        assert_eq!(lab.failure(server, line), expect, "{line}");
    }
}

#[test]
fn setup_refuses_what_takes_lab_time() {
    let (lab, _, node) = server("");
    let config = server::ServerConfig { name: "t".into(), nics: Vec::new(), routes: Vec::new(), taps: Vec::new() };
    let worker = switch::WorkerHandle::new();
    let mut fresh = server::Server::new(config, sim_core::Seed(1), &worker).expect("a good configuration");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for line in ["ping 127.0.0.1", "tcpdump -i lo"] {
        let error = fresh.setup(Time::ZERO, &words(line)).expect_err(line);
        assert!(error.message.contains("takes lab time"), "{error}");
    }
    assert_eq!(fresh.port_name(PortIx(0)), Some("lo"));
    assert_eq!(lab.at(node).port_name(PortIx(1)), Some("tap0"));
    assert!(server::commands().iter().all(|applet| !applet.what.is_empty()));
}
