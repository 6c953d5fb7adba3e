//! The texts of `ofproto/trace` and `dpctl/dump-flows` beside those of the real Open vSwitch, for pipelines that between
//! them have what a trace tells of. Needs `ovs` in `NETLOOM_TEST_WITH`.

mod rig;

use rig::real::Real;
use rig::{Rig, needs};
use sim_core::PortIx;
use std::collections::BTreeSet;

const PORTS: u32 = 4;

/// Groups and flows, and what is asked of them.
const PIPELINES: [(&[&str], &[&str], &str); 24] = [
    (&[], &["actions=output:2"], "in_port=1"),
    (&[], &["priority=7,cookie=5,ip,nw_dst=10.0.0.0/8,actions=drop"], "in_port=1,ip,nw_dst=10.1.2.3"),
    (&[], &["in_port=2,actions=output:1"], "in_port=1,tcp,tp_dst=80"),
    (&[], &["tcp,tp_dst=80,actions=dec_ttl,mod_nw_src:1.2.3.4,output:2"], "in_port=1,tcp,tp_dst=80,nw_ttl=64"),
    (&[], &["tcp,actions=dec_ttl,output:2"], "in_port=1,tcp,nw_ttl=1"),
    (
        &[],
        &["actions=load:3->reg0[],resubmit(,1),output:2", "table=1,reg0=3,actions=output:3"],
        "in_port=1,udp,udp_src=53",
    ),
    (
        &[],
        &["actions=resubmit(,1),resubmit(,2)", "table=2,actions=push_vlan:0x8100,set_field:4106->vlan_vid,output:3"],
        "in_port=1",
    ),
    (&[], &["actions=NORMAL"], "in_port=1,dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff"),
    (&[], &["actions=NORMAL"], "in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,dl_vlan=5,dl_vlan_pcp=3"),
    (&[], &["actions=FLOOD,IN_PORT"], "in_port=2,arp,arp_op=1"),
    (&["group_id=1,type=all,bucket=output:2,bucket=push_vlan:0x8100,output:3"], &["actions=group:1"], "in_port=1"),
    (
        &["group_id=1,type=indirect,bucket=resubmit(,1)"],
        &["actions=group:1,output:4", "table=1,actions=output:2"],
        "in_port=1",
    ),
    (
        &["group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3"],
        &["actions=group:1"],
        "in_port=1",
    ),
    (
        &["group_id=1,type=select,selection_method=hash,fields(ip_dst),bucket=output:2,bucket=output:3"],
        &["ip,actions=group:1"],
        "in_port=1,ip,nw_dst=10.0.0.7",
    ),
    (
        &[],
        &["actions=write_actions(output:2,dec_ttl),goto_table:3", "table=3,actions=write_metadata:5"],
        "in_port=1,ip,nw_ttl=9",
    ),
    (&[], &["actions=write_actions(output:2),goto_table:3", "table=3,actions=clear_actions"], "in_port=1"),
    (
        &[],
        &["actions=learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),output:2"],
        "in_port=1,dl_src=02:00:00:00:00:07",
    ),
    (&[], &["actions=clone(push_vlan:0x8100,output:2),output:3"], "in_port=1"),
    (
        &[],
        &["mpls,actions=pop_mpls:0x0800,output:2,dec_ttl,output:3"],
        "in_port=1,mpls,mpls_label=5,mpls_bos=1,mpls_ttl=3",
    ),
    (&[], &["ip,actions=push_mpls:0x8847,set_mpls_label:9,output:2"], "in_port=1,tcp,nw_ttl=7,nw_tos=32"),
    (
        &[],
        &["actions=push:NXM_OF_IN_PORT[],pop:NXM_NX_REG2[0..15],output:NXM_NX_REG2[0..15],output:77"],
        "in_port=3,ipv6",
    ),
    (&[], &["ipv6,actions=mod_dl_dst:02:00:00:00:00:01,in_port"], "in_port=1,ipv6,ipv6_dst=fe80::1"),
    (
        &[],
        &[
            "tcp,nw_src=10.0.0.1,actions=conjunction(7,1/2)",
            "tcp,tp_dst=80,actions=conjunction(7,2/2)",
            "conj_id=7,actions=output:4",
        ],
        "in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80",
    ),
    (
        &[],
        &["actions=check_pkt_larger(100)->reg0[0],resubmit(,1),output:3", "table=1,reg0=1,actions=output:2"],
        "in_port=1",
    ),
];

/// The real switch and ours with the same ports.
struct Both {
    real: Real,
    bridge: String,
}

impl Both {
    fn start(title: &str) -> Self {
        let real = Real::start(title);
        real.vsctl("set Open_vSwitch . other_config:vlan-limit=2");
        real.vsctl("add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure");
        (1..=PORTS).for_each(|n| {
            real.vsctl(&format!("add-port br0 p{n} -- set interface p{n} ofport_request={n}"));
        });
        let bridge = real.path("br0.mgmt");
        Self { real, bridge }
    }

    /// Has both do the same afresh; gives ours.
    fn install(&self, groups: &[&str], flows: &[&str]) -> Rig {
        let mut rig = Rig::new(PORTS as usize + 1);
        let ports: String = (1..=PORTS).map(|n| format!(" -- add-port br0 p{n}")).collect();
        rig.line(&format!("ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0{ports}"));
        rig.line("ovs-ofctl del-flows br0");
        // By which words the real one tells an action depends on the version that it came by.
        let is_new = !groups.is_empty()
            || flows.iter().any(|flow| ["goto", "write", "push_vlan"].iter().any(|word| flow.contains(word)));
        let version = if is_new { "OpenFlow15" } else { "OpenFlow10" };
        let mut both = |command: &str, text: &str| {
            let mut words = vec!["-O", version, command, &self.bridge];
            words.extend(Some(text).filter(|text| !text.is_empty()));
            let (said, status) = self.real.ofctl(&words);
            assert_eq!(status, 0, "{words:?}: {said}");
            rig.line(&format!("ovs-ofctl -O {version} {command} br0 {text}"));
        };
        both("del-flows", "");
        if version != "OpenFlow10" {
            both("del-groups", "");
        }
        groups.iter().for_each(|group| both("add-group", group));
        flows.iter().for_each(|flow| both("add-flow", flow));
        self.real.appctl(&["fdb/flush", "br0"]);
        rig
    }
}

/// A text without what is each switch's own: numbers of recirculations, and of the bridge's port in the datapath.
fn normalised(text: &str) -> String {
    let line = |line: &str| {
        let mut line = line.trim_end().to_owned();
        if let Some(at) = line.find("recirc(0x") {
            let end = line[at..].find(')').map_or(line.len(), |end| at + end);
            line.replace_range(at..end, "recirc(0x1");
        }
        match line.strip_prefix("Datapath actions: ") {
            Some(actions) => {
                // The bridge's own port leads nowhere here.
                let is_own = |word: &&str| matches!(*word, "100" | "65534");
                let mut words: Vec<&str> = actions.split(',').filter(|word| !is_own(word)).collect();
                // In which order a flood goes by its ports depends on the order of a hash table.
                if words.iter().all(|word| word.parse::<u32>().is_ok()) {
                    words.sort_unstable();
                }
                format!("Datapath actions: {}", words.join(","))
            }
            None => line,
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn traces_are_told_as_the_real_open_vswitch_tells_them() {
    if !needs("ovs") {
        return;
    }
    let both = Both::start("trace");
    let mut differing = Vec::new();
    for (groups, flows, words) in PIPELINES {
        let mut ours = both.install(groups, flows);
        let expected = normalised(&both.real.appctl(&["ofproto/trace", "br0", words]));
        let mut found = normalised(&ours.line(&format!("ovs-appctl ofproto/trace br0 {words}")));
        // What is read may be more.
        let terms = |text: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix("Megaflow: ")).unwrap_or_default();
            line.split(',').map(str::to_owned).collect::<BTreeSet<String>>()
        };
        if terms(&found).is_superset(&terms(&expected)) {
            let megaflow = |text: &str| text.lines().find(|line| line.starts_with("Megaflow: ")).map(str::to_owned);
            found = found.replace(&megaflow(&found).unwrap_or_default(), &megaflow(&expected).unwrap_or_default());
        }
        if found != expected {
            differing.push(format!("{groups:?} {flows:?}\n--- ours\n{found}\n--- real\n{expected}"));
        }
    }
    assert!(differing.is_empty(), "{} of {} differ\n{}", differing.len(), PIPELINES.len(), differing.join("\n\n"));
}

/// Frames by port 1, in hex: ARP, UDP to port 2 and from port 1, TCP in a VLAN.
const FRAMES: [&str; 3] = [
    "ffffffffffff02000000000108060001080006040001020000000001c0a80001000000000000c0a80002000000000000000000000000000000000000",
    "02000000000202000000000108004500001c000000004011f98dc0a80001c0a80002000100020008000000000000000000000000000000000000",
    "0200000000020200000000018100600508004500002800000000400600000a0000010a000002000100500000000000000000500200000000000000000000",
];

#[test]
fn cache_entries_are_told_as_the_real_open_vswitch_tells_them() {
    if !needs("ovs") {
        return;
    }
    let both = Both::start("dump-flows");
    let pipelines: [&[&str]; 10] = [
        &["actions=output:2"],
        &["in_port=1,actions=output:2,output:3"],
        &["arp,actions=output:2"],
        &["ip,actions=output:3"],
        &["udp,tp_dst=2,actions=output:2", "udp,tp_dst=3,actions=output:3"],
        &["ip,nw_dst=192.168.0.0/24,actions=output:4"],
        &["dl_src=02:00:00:00:00:01,actions=output:2"],
        &["dl_vlan=5,actions=strip_vlan,output:2", "priority=1,actions=output:3"],
        &["tcp,tcp_flags=+syn-ack,actions=output:3", "ip,nw_ttl=64,actions=output:2"],
        &["ip,actions=mod_nw_tos:32,output:2", "arp,actions=drop"],
    ];
    let mut compared = 0;
    for flows in pipelines {
        let mut ours = both.install(&[], flows);
        for hex in FRAMES {
            both.real.appctl(&["revalidator/purge"]);
            both.real.appctl(&["netdev-dummy/receive", "p1", hex]);
            ours.line("ovs-appctl dpctl/del-flows");
            let bytes: Vec<u8> =
                (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
            ours.offer(PortIx(1), &bytes);
            // The real one takes the frame in when it next turns to it.
            let real = (0..100).find_map(|_| entry(&both.real.appctl(&["dpctl/dump-flows"])));
            let (real, expected) = real.expect("the frame makes an entry");
            let (found, actions) = entry(&ours.line("ovs-appctl dpctl/dump-flows")).expect("the frame makes an entry");
            assert_eq!(actions, expected, "{flows:?} {hex}: {found:?} {real:?}");
            // What is read is no more; but the whole tag where it is taken off, and the protocol, since packets of protocol 0
            // aren't written to.
            let more: Vec<_> =
                found.difference(&real).filter(|name| !matches!(&name[..], "vlan.pcp" | "ipv4.proto")).collect();
            assert!(more.is_empty(), "{flows:?} {hex}: {more:?} beyond {real:?}");
            compared += 1;
        }
    }
    println!("{compared} entries compared");
}

/// The fields that the one entry of a dump reads, and its actions.
fn entry(text: &str) -> Option<(BTreeSet<String>, String)> {
    let line = text.lines().find(|line| line.starts_with("recirc_id"))?;
    let (key, rest) = line.split_once(", packets:")?;
    let (_, actions) = rest.split_once("actions:")?;
    let mut fields = BTreeSet::new();
    for header in key.replace("encap(", "").split("),") {
        let Some((header, inside)) = header.split_once('(') else { continue };
        for field in inside.trim_end_matches(')').split(',') {
            let (name, value) = field.split_once('=').unwrap_or(("", field));
            let is_read = !["/0x0", "/0", "/0.0.0.0"].iter().any(|mask| value.ends_with(mask));
            if is_read && header != "packet_type" {
                fields.insert(format!("{header}.{name}"));
            }
        }
    }
    Some((fields, actions.to_owned()))
}
