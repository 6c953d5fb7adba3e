//! Lines of tutorials, pasted: what they promise happens.

mod lab;

use lab::{Lab, Plan};
use sim_core::NodeIx;

/// "Isolating VM traffic using VLANs" of Open vSwitch's documentation: two hosts with two virtual machines each.
struct Isolation {
    lab: Lab,
    vms: [NodeIx; 4],
}

const HOST: &str = "
    ovs-vsctl add-br br0
    ovs-vsctl add-port br0 eth0
    tunctl -t tap0
    ifconfig tap0 up
    ip tuntap add mode tap tap1
    ip link set tap1 up
";

fn isolation(tags: [&str; 4]) -> Isolation {
    let mut lab = Lab::new();
    let vms = [1, 2, 3, 4].map(|n| lab.host(n, &format!("10.0.0.{n}/24"), ""));
    let servers = [0, 1].map(|at| {
        let ports =
            format!("ovs-vsctl add-port br0 tap0 {}\novs-vsctl add-port br0 tap1 {}", tags[2 * at], tags[2 * at + 1]);
        let setup = format!("{HOST}{ports}");
        lab.server(&Plan { name: ["a", "b"][at], nics: &[("eth0", &[])], taps: &["tap0", "tap1"], setup: &setup })
    });
    lab.link((servers[0], 0), (servers[1], 0));
    for (at, vm) in vms.into_iter().enumerate() {
        lab.link((vm, 0), (servers[at / 2], 1 + (at % 2) as u32));
    }
    Isolation { lab, vms }
}

#[test]
fn machines_of_one_vlan_reach_each_other_across_servers_and_others_do_not() {
    let Isolation { mut lab, vms: [a1, a2, b1, b2] } = isolation(["tag=9", "tag=19", "tag=9", "tag=19"]);
    assert!(lab.reaches(a1, "10.0.0.3") && lab.reaches(b1, "10.0.0.1"));
    assert!(lab.reaches(a2, "10.0.0.4") && lab.reaches(b2, "10.0.0.2"));
    for (from, to) in [(a1, "10.0.0.2"), (a1, "10.0.0.4"), (b2, "10.0.0.1"), (b2, "10.0.0.3")] {
        assert!(!lab.reaches(from, to), "{to}");
    }
}

#[test]
fn a_trunk_that_does_not_carry_a_vlan_keeps_it_on_its_server() {
    let Isolation { mut lab, vms: [a1, a2, b1, b2] } = isolation(["tag=9", "tag=19", "tag=9", "tag=19"]);
    assert!(lab.reaches(a2, "10.0.0.4"));
    let server = NodeIx(4);
    lab.line(server, "ovs-vsctl set port eth0 trunks=9");
    assert!(lab.reaches(a1, "10.0.0.3") && lab.reaches(b1, "10.0.0.1"));
    assert!(!lab.reaches(a2, "10.0.0.4") && !lab.reaches(b2, "10.0.0.2"));
}

fn one_nic(setup: &str) -> (Lab, NodeIx, NodeIx) {
    let mut lab = Lab::new();
    let peer = lab.host(1, "192.168.1.1/24", "");
    let nics: &[(&str, &[&str])] = &[("eth0", &["192.168.1.5/24"])];
    let server = lab.server(&Plan { name: "s", nics, taps: &[], setup });
    lab.link((peer, 0), (server, 0));
    (lab, peer, server)
}

#[test]
fn a_nic_in_a_bridge_loses_its_address_s_reachability_until_the_bridge_has_the_address() {
    let (mut lab, peer, server) = one_nic("");
    assert!(lab.reaches(peer, "192.168.1.5"));
    lab.lines(server, "ovs-vsctl add-br br0\novs-vsctl add-port br0 eth0");
    assert!(!lab.reaches(peer, "192.168.1.5"));
    assert!(lab.line(server, "ip addr show eth0").contains("inet 192.168.1.5/24"), "the address stays");
    assert!(!lab.reaches(server, "192.168.1.1"), "answers come to the bridge");
    lab.lines(server, "ifconfig eth0 0\nifconfig br0 192.168.1.5 netmask 255.255.255.0");
    assert!(lab.reaches(peer, "192.168.1.5"));
    assert!(lab.reaches(server, "192.168.1.1"));
    lab.line(server, "ovs-vsctl del-br br0");
    assert!(!lab.reaches(peer, "192.168.1.5"));
    assert!(lab.failure(server, "ip addr show br0").contains("Device \"br0\" does not exist."));
    lab.line(server, "ip addr add 192.168.1.5/24 dev eth0");
    assert!(lab.reaches(peer, "192.168.1.5"));
}

#[test]
fn a_bridge_is_down_until_it_is_taken_up_and_then_its_address_answers() {
    let (mut lab, peer, server) = one_nic(
        "ovs-vsctl add-br br0\novs-vsctl add-port br0 eth0\nip addr flush dev eth0\nip addr add 192.168.1.5/24 dev br0",
    );
    assert!(lab.line(server, "ip -br link show br0").starts_with("br0              DOWN "));
    assert!(!lab.reaches(peer, "192.168.1.5"));
    lab.line(server, "ip link set br0 up");
    assert!(lab.reaches(peer, "192.168.1.5"));
    lab.line(server, "ip link set br0 down");
    assert!(!lab.reaches(peer, "192.168.1.5"));
}

#[test]
fn an_internal_port_with_a_tag_is_an_interface_of_that_vlan() {
    let (mut lab, peer, server) = one_nic("ovs-vsctl add-br br0\novs-vsctl add-port br0 eth0 tag=7");
    lab.lines(
        server,
        "
        ovs-vsctl add-port br0 vlan7 tag=7 -- set interface vlan7 type=internal
        ovs-vsctl add-port br0 vlan8 tag=8 -- set interface vlan8 type=internal
        ip addr flush dev eth0
        ip addr add 192.168.1.6/24 dev vlan8
        ip link set vlan8 up",
    );
    assert!(!lab.reaches(peer, "192.168.1.6"));
    lab.lines(
        server,
        "ip addr del 192.168.1.6/24 dev vlan8\nip addr add 192.168.1.6/24 dev vlan7\nip link set vlan7 up",
    );
    assert!(lab.reaches(peer, "192.168.1.6"));
}

#[test]
fn a_vlan_of_a_nic_and_one_of_a_bridge_meet() {
    let mut lab = Lab::new();
    let plan = |name, setup| Plan { name, nics: &[("eth0", &[])], taps: &[], setup };
    let a = lab.server(&plan(
        "a",
        "
        ip link add link eth0 name eth0.10 type vlan id 10
        ip addr add 10.10.0.1/24 dev eth0.10
        ip link set eth0.10 up",
    ));
    let b = lab.server(&plan(
        "b",
        "
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 eth0
        ip link set br0 up
        ip link add link br0 name br0.10 type vlan id 10
        ip addr add 10.10.0.2/24 dev br0.10
        ip link set br0.10 up",
    ));
    lab.link((a, 0), (b, 0));
    assert!(lab.reaches(a, "10.10.0.2") && lab.reaches(b, "10.10.0.1"));
    lab.line(b, "ip link del br0.10");
    assert!(!lab.reaches(a, "10.10.0.2"));
}

/// A server with two bridges, a host behind each.
fn two_bridges() -> (Lab, NodeIx, NodeIx, NodeIx) {
    let mut lab = Lab::new();
    let h1 = lab.host(1, "10.1.0.1/24", "10.1.0.254");
    let h2 = lab.host(2, "10.2.0.1/24", "10.2.0.254");
    let setup = "
        ovs-vsctl add-br br1
        ovs-vsctl add-br br2
        ovs-vsctl add-port br1 tap1
        ovs-vsctl add-port br2 tap2
        ifconfig br1 10.1.0.254/24
        ifconfig br2 10.2.0.254/24";
    let server = lab.server(&Plan { name: "s", nics: &[], taps: &["tap1", "tap2"], setup });
    lab.link((h1, 0), (server, 0));
    lab.link((h2, 0), (server, 1));
    (lab, h1, h2, server)
}

#[test]
fn packets_go_from_bridge_to_bridge_if_and_only_if_forwarding_is_on() {
    let (mut lab, h1, h2, server) = two_bridges();
    assert!(lab.reaches(h1, "10.1.0.254"));
    assert!(!lab.reaches(h1, "10.2.0.1"));
    let off = "br1: no_route (10.2.0.1 is no address of this server, and net.ipv4.ip_forward is 0)";
    assert!(lab.drops().iter().any(|drop| drop == off));
    assert_eq!(lab.line(server, "sysctl -w net.ipv4.ip_forward=1"), "net.ipv4.ip_forward = 1\n");
    assert!(lab.reaches(h1, "10.2.0.1") && lab.reaches(h2, "10.1.0.1"));
    lab.line(server, "echo 0 > /proc/sys/net/ipv4/ip_forward");
    assert!(!lab.reaches(h1, "10.2.0.1"));
}

#[test]
fn a_tap_is_unplugged_until_a_bridge_takes_it_or_it_has_an_address() {
    let mut lab = Lab::new();
    let vm = lab.host(1, "10.0.0.1/24", "");
    let server = lab.server(&Plan { name: "s", nics: &[], taps: &["tap0"], setup: "" });
    lab.link((vm, 0), (server, 0));
    assert!(!lab.reaches(vm, "10.0.0.2"));
    let unplugged = "tap0: no_bridge (tap0 is in no bridge; `ovs-vsctl add-port BRIDGE tap0` adds it)";
    assert!(lab.drops().iter().all(|drop| drop == unplugged || drop == "0: no_neighbor"));
    lab.line(server, "ifconfig tap0 10.0.0.2/24");
    assert!(lab.reaches(vm, "10.0.0.2") && lab.reaches(server, "10.0.0.1"));
    lab.drops();
    lab.line(server, "ip link set tap0 down");
    assert!(!lab.reaches(vm, "10.0.0.2"));
    let down = "tap0: port_down (tap0 is down; `ip link set tap0 up` brings it up)";
    assert!(lab.drops().iter().any(|drop| drop == down));
}

#[test]
fn the_default_route_goes_with_the_last_address_and_is_added_again_by_the_bridge() {
    let (mut lab, peer, server) =
        one_nic("route add default gw 192.168.1.1\novs-vsctl add-br br0\novs-vsctl add-port br0 eth0");
    lab.line(peer, "ip 192.168.1.1/24");
    assert!(lab.line(server, "ip route").starts_with("default via 192.168.1.1 dev eth0"));
    lab.lines(server, "ifconfig eth0 0.0.0.0\nifconfig br0 192.168.1.5 netmask 255.255.255.0 up");
    assert!(!lab.line(server, "ip route").contains("default"));
    lab.line(server, "route add default gw 192.168.1.1 br0");
    assert!(lab.line(server, "ip route").starts_with("default via 192.168.1.1 dev br0"));
    assert!(lab.reaches(server, "192.168.1.1"));
}

#[test]
fn a_vlan_of_a_nic_comes_before_the_bridge_that_the_nic_is_in() {
    let mut lab = Lab::new();
    let setup = |n: u8, more: &str| {
        format!(
            "
        ip link add link eth0 name eth0.10 type vlan id 10
        ip addr add 10.10.0.{n}/24 dev eth0.10
        ip link set eth0.10 up
        {more}"
        )
    };
    let nics: &[(&str, &[&str])] = &[("eth0", &[])];
    let a = lab.server(&Plan { name: "a", nics, taps: &[], setup: &setup(1, "") });
    let bridged = setup(2, "ovs-vsctl add-br br0\novs-vsctl add-port br0 eth0");
    let b = lab.server(&Plan { name: "b", nics, taps: &[], setup: &bridged });
    lab.link((a, 0), (b, 0));
    assert!(lab.reaches(a, "10.10.0.2"));
}
