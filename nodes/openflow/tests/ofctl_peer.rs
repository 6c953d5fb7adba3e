//! The normal form of flows beside that of Open vSwitch's `ovs-ofctl parse-flow`. Needs `ovs`.

use std::process::Command;

use openflow::Flow;

/// Flows that OpenFlow 1.0 can say.
const FLOWS_10: &[&str] = &[
    "priority=100,udp,tp_dst=53,actions=output:2",
    "actions=drop",
    "actions=",
    "table=3,cookie=0x5,idle_timeout=10,hard_timeout=20,in_port=1 actions=mod_vlan_vid:10,output:2",
    "actions=strip_vlan,NORMAL",
    "actions=flood,all,local,in_port,LOCAL",
    "ip,actions=mod_nw_src:1.2.3.4,mod_nw_dst:1.2.3.5,mod_nw_tos:4,dec_ttl,1",
    "tcp,actions=mod_tp_src:80,mod_tp_dst:90,normal",
    "actions=mod_dl_src:00:11:22:33:44:55,mod_dl_dst:1:2:3:4:5:6",
    "actions=mod_vlan_pcp:3,2",
    "actions=set_vlan_vid:0xa",
    "actions=1,,2",
    "actions=output:in_port",
    "actions=mod_vlan_vid(10),output(2)",
    "actions=OUTPUT:3,NorMal",
    "actions=output:2 , 3",
    "actions=65534,0",
    "in_port=1 ip actions=2",
    "duration=5,n_packets=3,actions=1",
    "priority=0x10,arp actions=1",
    "priority=010 actions=1",
    "priority=1,priority=5 action=1",
    "in_port=LOCAL,actions=1",
    "cookie=18446744073709551614,priority=0 actions=1",
    "dl_vlan=5,dl_src=00:11:22:33:44:55/ff:ff:00:00:00:00,actions=pop_vlan,2",
    "actions=set_field:00:11:22:33:44:55->dl_src",
    "ip,actions=set_field:1.2.3.4->nw_src,set_field:1.2.3.4->ip_dst",
    "tcp,actions=set_field:80->tcp_src,set_field:90->tcp_dst",
    "ip,actions=set_field:4->nw_tos",
];

/// Flows with actions that came with OpenFlow 1.1.
const FLOWS_13: &[&str] = &[
    "actions=push_vlan:0x8100,set_field:4100->vlan_vid,output:1",
    "actions=push_vlan:0x88a8,set_field:4100->vlan_vid,set_field:7->vlan_pcp,all",
    "dl_vlan=5,actions=set_field:4106->vlan_vid,1",
    "dl_vlan=5,priority=7,actions=set_field:0x1006->vlan_vid,set_field:3->vlan_pcp,1",
    "actions=push_vlan:33024,1",
];

/// Flows that both refuse.
const WRONG: &[&str] = &[
    "actions",
    "priority=5",
    "actions=foo",
    "actions=output:foo",
    "actions=output:70000",
    "actions=65280",
    "actions=mod_vlan_vid:5000",
    "actions=mod_vlan_vid",
    "actions=mod_vlan_pcp:8",
    "actions=mod_nw_tos:3",
    "actions=mod_dl_src:1",
    "actions=push_vlan:0x1234,1",
    "actions=drop,1",
    "actions=set_field:1->foo",
    "actions=set_field:1",
    "actions=set_field:10->vlan_vid",
    "actions=set_field:80->tcp_src",
    "dl_vlan=5,actions=strip_vlan,set_field:6->vlan_vid",
    "priority=70000,actions=1",
    "priority=x,actions=1",
    "priority,actions=1",
    "table=300,actions=1",
    "cookie=0x10/0xff,actions=1",
    "idle_timeout=70000,actions=1",
    "foo=1,actions=1",
];

/// Was `peer` promised to this run (`NETLOOM_TEST_WITH`)? Else the test says that it is left out.
fn needs(peer: &str) -> bool {
    let promised = std::env::var("NETLOOM_TEST_WITH").unwrap_or_default();
    let found = promised.split_whitespace().any(|name| name == peer);
    if !found {
        println!("left out: needs {peer}");
    }
    found
}

/// What the original prints of a flow; `None` if it refuses it.
fn original(version: &str, flow: &str) -> Option<String> {
    let output = Command::new("ovs-ofctl")
        .args(["-O", version, "parse-flow", flow])
        .output()
        .expect("Open vSwitch was promised: ovs-ofctl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let printed = text.lines().find_map(|line| line.split_once(": ADD ")).map(|(_, flow)| flow.to_owned());
    printed.filter(|_| output.status.success())
}

/// Our flow in the form of OpenFlow messages, which differs from that of dumps.
fn ours(text: &str) -> String {
    let flow = Flow::parse(text, &|_| None).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut words = Vec::new();
    if flow.table != 0 {
        words.push(format!("table:{}", flow.table));
    }
    let bare = Flow { table: 0, cookie: 0, idle_timeout: 0, hard_timeout: 0, ..flow.clone() }.to_string();
    let (matched, actions) = bare.split_once("actions=").unwrap();
    words.extend(Some(matched.trim_end().to_owned()).filter(|matched| !matched.is_empty()));
    let numbers = [("idle", u64::from(flow.idle_timeout)), ("hard", u64::from(flow.hard_timeout))];
    if flow.cookie != 0 {
        words.push(format!("cookie:{:#x}", flow.cookie));
    }
    words.extend(numbers.iter().filter(|(_, n)| *n != 0).map(|(word, n)| format!("{word}:{n}")));
    words.push(format!("actions={actions}"));
    words.join(" ")
}

#[test]
fn the_normal_form_is_that_of_ovs_ofctl() {
    if !needs("ovs") {
        return;
    }
    for (version, flows) in [("OpenFlow10", FLOWS_10), ("OpenFlow13", FLOWS_13)] {
        for flow in flows {
            assert_eq!(original(version, flow), Some(ours(flow)), "{flow}");
        }
    }
}

#[test]
fn what_ovs_ofctl_refuses_is_refused() {
    if !needs("ovs") {
        return;
    }
    for flow in WRONG {
        assert_eq!(original("OpenFlow10,OpenFlow13", flow), None, "{flow}");
        assert!(Flow::parse(flow, &|_| None).is_err(), "{flow}");
    }
}
