//! `netloom explain`: its text to the letter, its JSON, what the check `path` makes of it, and the lab that runs.

#![allow(clippy::disallowed_methods, reason = "a lab of these tests runs at the pace of the wall clock")]

#[path = "support/lab.rs"]
mod lab;
mod support;

use lab::Running;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};
use support::{netloom, tempdir};

/// Two switches, a trunk, and hosts in two VLANs.
const VLANS: &str = r#"
[switches.s1.ports]
trunk = { trunks = [9, 19], to = "s2:trunk" }
a1 = { tag = 9, to = "a1" }
b1 = { tag = 19, to = "b1" }
[switches.s2.ports]
trunk = { trunks = [9, 19] }
a2 = { tag = 9, to = "a2" }
[hosts]
a1 = { ip = "192.168.9.1/24", mac = "02:00:00:00:00:01" }
a2 = { ip = "192.168.9.2/24", mac = "02:00:00:00:00:02" }
b1 = { ip = "192.168.19.1/24", mac = "02:00:00:00:00:03" }
"#;

/// What is printed of a lab, and the exit code.
fn said(lab: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let directory = tempdir();
    let file = directory.path().join("lab.toml");
    fs::write(&file, lab).expect("the directory is the test's own");
    let (word, rest) = arguments.split_first().expect("a subcommand");
    let output = netloom().arg(word).arg(&file).args(rest).output().expect("netloom starts");
    let text = String::from_utf8([output.stderr, output.stdout].concat()).expect("netloom writes UTF-8");
    (text, output.status.code())
}

/// The explanation of a packet in a lab.
fn explained(lab: &str, arguments: &[&str]) -> Value {
    let (text, code) = said(lab, &[&["explain"], arguments, &["--format", "json"]].concat());
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(code, Some(i32::from(value["outcome"]["result"] != "delivered")), "{text}");
    value
}

/// The lines of an explanation that let the packet pass.
fn remedies(explanation: &Value) -> Vec<&str> {
    let remedies = explanation["remedies"].as_array().expect("a list");
    remedies.iter().map(|remedy| remedy["line"].as_str().expect("a line")).collect()
}

#[test]
fn a_delivered_packet_is_told_hop_by_hop() {
    let expected = "\
echo request from a1 to a2 (192.168.9.2), at 1 s
ARP request for 192.168.9.2: a1 to a2
ARP reply: a2 to a1
echo request
  1.000060 s  a1  out by eth0
      192.168.9.2 is on its own subnet, dev eth0; 192.168.9.2 is 02:00:00:00:00:02
  1.000070 s  s1  in by a1, out by trunk
      br0: untagged, VLAN 9 inside
        forwarding to learned port
  1.000080 s  s2  in by trunk, out by a2
      br0: tagged VLAN 9, VLAN 9 inside
        forwarding to learned port
  1.000090 s  a2  in by eth0
echo reply
  1.000090 s  a2  out by eth0
      192.168.9.1 is on its own subnet, dev eth0; 192.168.9.1 is 02:00:00:00:00:01
  1.000101 s  s2  in by a2, out by trunk
      br0: untagged, VLAN 9 inside
        forwarding to learned port
  1.000111 s  s1  in by trunk, out by a1
      br0: tagged VLAN 9, VLAN 9 inside
        forwarding to learned port
  1.000121 s  a1  in by eth0
delivered over 3 links, answered after 0.121 ms
";
    assert_eq!(said(VLANS, &["explain", "--from", "a1", "--to", "a2"]), (expected.to_owned(), Some(0)));
}

#[test]
fn a_packet_that_a_trunk_drops_is_told_with_the_line_that_lets_it_pass() {
    let expected = "\
echo request from a1 to a2 (192.168.9.2), at 1 s
ARP request for 192.168.9.2, lost on its way
  1.000000 s  a1  out by eth0
  1.000010 s  s1  in by a1, out by trunk
      br0: untagged, VLAN 9 inside
        no learned MAC for destination, flooding
  1.000020 s  s2  in by trunk
      br0: tagged VLAN 9
        dropping VLAN 9 packet: port trunk doesn't carry the VLAN
      dropped: vlan_not_allowed (VLAN 9 is not in trunks [19])
ARP request for 192.168.9.2 dropped at s2:trunk: VLAN 9 is not in trunks [19]
  remedy: s2 ovs-vsctl set port trunk trunks=9,19
";
    let lab = VLANS.replacen("trunk = { trunks = [9, 19] }", "trunk = { trunks = [19] }", 1);
    assert_eq!(said(&lab, &["explain", "--from", "a1", "--to", "a2"]), (expected.to_owned(), Some(1)));
}

const FLOWS: &str = r#"
[switches.s1]
fail_mode = "secure"
setup = '''
ovs-ofctl add-flow br0 priority=10,actions=goto_table:1
ovs-ofctl add-flow br0 table=1,priority=5,arp,actions=FLOOD
ovs-ofctl add-flow br0 table=1,priority=20,icmp,nw_dst=10.0.0.3,actions=output:2
ovs-ofctl add-flow br0 table=1,priority=20,icmp,nw_dst=10.0.0.1,actions=output:1
ovs-ofctl add-flow br0 table=1,priority=1,actions=drop
'''
ports.h1 = { to = "h1" }
ports.h2 = { to = "h2" }
[hosts]
h1 = { ip = "10.0.0.1/24", mac = "02:00:00:00:00:01" }
h2 = { ip = "10.0.0.2/24", mac = "02:00:00:00:00:02" }
"#;

#[test]
fn a_packet_that_a_flow_drops_is_told_with_the_flow_that_came_nearest() {
    let expected = "\
echo request from h1 to h2 (10.0.0.2), at 1 s
ARP request for 10.0.0.2: h1 to h2
ARP reply: h2 to h1
echo request, lost on its way
  1.000040 s  h1  out by eth0
      10.0.0.2 is on its own subnet, dev eth0; 10.0.0.2 is 02:00:00:00:00:02
  1.000050 s  s1  in by h1
      br0: untagged
        table 0: priority=10 actions=goto_table:1
          table 1: table=1, priority=1 actions=drop
            nearest: table=1, priority=20,icmp,nw_dst=10.0.0.3 actions=output:2
            but nw_dst is 10.0.0.2, the rule wants 10.0.0.3
      dropped: flow_drop (a flow of br0 has no output)
echo request dropped at s1: the flow table=1, priority=1 actions=drop drops it
  remedy: s1 ovs-ofctl add-flow br0 table=1,priority=1,actions=NORMAL
";
    assert_eq!(said(FLOWS, &["explain", "--from", "h1", "--to", "h2"]), (expected.to_owned(), Some(1)));
    let value = explained(FLOWS, &["--from", "h1", "--to", "h2"]);
    let outcome = &value["outcome"];
    assert_eq!((&outcome["reason"], &outcome["at"]), (&"flow_drop".into(), &"s1".into()));
    let flow = &outcome["flow"];
    assert_eq!((&flow["bridge"], &flow["table"]), (&"br0".into(), &1.into()));
    assert_eq!(flow["flow"], "table=1, priority=1 actions=drop");
}

#[test]
fn the_json_has_the_documented_members() {
    let value = explained(VLANS, &["--from", "a1", "--to", "a2"]);
    let keys = |value: &Value| {
        let mut keys = Vec::from_iter(value.as_object().expect("an object").keys().cloned());
        keys.sort();
        keys
    };
    assert_eq!(keys(&value), ["at_ns", "lab", "legs", "outcome", "question", "remedies", "seed", "tried"]);
    assert_eq!(keys(&value["outcome"]), ["after_ns", "path", "result"]);
    assert_eq!(value["outcome"]["path"], json!(["a1", "s1", "s2", "a2"]));
    assert_eq!(keys(&value["legs"][0]), ["arrived", "hops", "what"]);
    assert_eq!(keys(&value["legs"][0]["hops"][1]), ["decisions", "in_port", "node", "out_ports", "time_ns"]);
    let lab = VLANS.replacen("trunk = { trunks = [9, 19] }", "trunk = { trunks = [19] }", 1);
    let value = explained(&lab, &["--from", "a1", "--to", "a2"]);
    assert_eq!(keys(&value["outcome"]), ["at", "flow", "path", "reason", "result", "what", "why"]);
    assert_eq!(
        (&value["outcome"]["reason"], &value["outcome"]["at"]),
        (&"vlan_not_allowed".into(), &"s2:trunk".into())
    );
    assert_eq!(remedies(&value), ["s2 ovs-vsctl set port trunk trunks=9,19"]);
}

#[test]
fn the_check_path_holds_a_lab_to_its_ways() {
    let lab = |check: &str| format!("{VLANS}[[checks]]\nwithin = \"2s\"\npath = {{ from = \"a1\", {check} }}\n");
    for (check, code) in [
        ("to = \"a2\", via = [\"s1\", \"s2\"]", 0),
        ("to = \"a2\", via = [\"s2\", \"s1\"]", 1),
        ("to = \"b1\", dropped = \"no_neighbor\"", 1),
        ("to = \"a2\", dropped = \"vlan_not_allowed\"", 1),
    ] {
        let (text, found) = said(&lab(check), &["check"]);
        assert_eq!(found, Some(code), "{check}: {text}");
    }
    let pruned = lab("to = \"a2\", dropped = \"vlan_not_allowed\", at = \"s2:trunk\"").replacen(
        "trunks = [9, 19] }",
        "trunks = [19] }",
        1,
    );
    let (text, code) = said(&pruned, &["check"]);
    assert_eq!(code, Some(0), "{text}");
    let (text, code) = said(&pruned.replace("at = \"s2:trunk\"", "at = \"s1:a1\""), &["check"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("ARP request for 192.168.9.2 dropped at s2:trunk: VLAN 9 is not in trunks [19]"), "{text}");
}

#[test]
fn of_two_faults_both_lines_are_told() {
    let lab = VLANS.replace("trunks = [9, 19]", "trunks = [19]");
    let value = explained(&lab, &["--from", "a1", "--to", "a2"]);
    let mut lines = remedies(&value);
    lines.sort_unstable();
    assert_eq!(lines, ["s1 ovs-vsctl set port trunk trunks=9,19", "s2 ovs-vsctl set port trunk trunks=9,19"]);
}

const IPV6: &str = r#"
[switches.s1.ports]
h1 = { to = "h1" }
h2 = { to = "h2" }
h3 = { to = "h3" }
[hosts]
h1 = "2001:db8::1/64"
h2 = "2001:db8::2/64"
h3 = "2001:db8::3/64"
"#;

#[test]
fn ipv6_is_explained_as_well() {
    let value = explained(IPV6, &["--from", "h1", "--to", "h2"]);
    assert_eq!(value["outcome"]["path"], json!(["h1", "s1", "h2"]));
    assert!(value["legs"][0]["what"].as_str().is_some_and(|what| what.contains("2001:db8::2")), "{value}");
    let moved = IPV6.replace("h2 = \"2001:db8::2/64\"", "h2 = \"2001:db8:7::2/64\"");
    let value = explained(&moved, &["--from", "h1", "--to", "h2"]);
    assert_eq!(value["outcome"]["result"], "dropped");
    assert!(!remedies(&value).is_empty(), "{value}");
    assert!(remedies(&value).iter().all(|line| line.contains("ip addr add 2001:db8:")), "{value}");
}

#[test]
fn a_port_that_nobody_listens_on_is_told_with_a_listener() {
    let value = explained(VLANS, &["--from", "a1", "--to", "a2", "--tcp", "22"]);
    let outcome = &value["outcome"];
    assert_eq!((&outcome["reason"], &outcome["at"]), (&"no_listener".into(), &"a2".into()));
    assert_eq!(outcome["why"], "nothing listens on tcp port 22");
    assert_eq!(remedies(&value), ["a2 listen tcp 22"]);
}

#[test]
fn an_address_may_stand_for_a_node() {
    let value = explained(VLANS, &["--from", "a1", "--to", "192.168.9.2"]);
    assert_eq!(value["outcome"]["result"], "delivered");
    let value = explained(VLANS, &["--from", "a1", "--to", "192.168.9.77"]);
    assert_eq!((&value["outcome"]["reason"], &value["outcome"]["at"]), (&"no_neighbor".into(), &"a1".into()));
    assert_eq!(value["outcome"]["why"], "no node of the lab has 192.168.9.77");
}

#[test]
fn a_lab_that_runs_is_explained_with_all_that_it_was_told_and_notices_nothing() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "vlans", VLANS, &[]);
    let explain = ["explain", "vlans", "--from", "a1", "--to", "a2"];
    let output = lab.netloom(&explain);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut client = lab.client();
    client.exec("s2 ovs-vsctl set port trunk trunks=19");
    let (_, before) = client.call(json!({"do": "inspect"}));
    let output = lab.netloom(&explain);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("ARP request for 192.168.9.2 dropped at s2:trunk: VLAN 9 is not in trunks [19]\n"), "{text}");
    assert!(text.ends_with("  remedy: s2 ovs-vsctl set port trunk trunks=9,19\n"), "{text}");
    let (_, after) = client.call(json!({"do": "inspect"}));
    assert_eq!(after["ok"]["links"], before["ok"]["links"], "no frame was sent in the lab itself");
    client.exec("s2 ovs-vsctl set port trunk trunks=9,19");
    assert_eq!(lab.netloom(&explain).status.code(), Some(0));
    let output = lab.netloom(&["explain", "vlans", "--from", "a1", "--to", "nobody"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_hundred_failing_checks_cost_no_two_seconds_more() {
    let failing = VLANS.replace("trunks = [9, 19]", "trunks = [19]");
    let checks =
        |kind: &str| format!("{failing}{}", format!("[[checks]]\nat = \"1s\"\nwithin = \"1s\"\n{kind}\n").repeat(100));
    let time = |kind: &str| {
        let started = Instant::now();
        let (text, code) = said(&checks(kind), &["check"]);
        assert_eq!(code, Some(1), "{text}");
        (started.elapsed(), text)
    };
    let (plain, _) = time("mac = { switch = \"s1\", host = \"a2\" }");
    let (explained, text) = time("ping = { from = \"a1\", to = \"a2\" }");
    assert!(text.contains("dropped at s1:trunk: VLAN 9 is not in trunks [19]"), "{text}");
    assert!(explained < plain + Duration::from_secs(2), "{explained:?} and {plain:?} without explanations");
}
