//! `ovs-ofctl` beside the real one: the same lines on both switches, what they print and what they refuse. Needs `ovs`.
//!
//! Left out of the comparison are times, numbers of transactions, the order of lines, which in the real one comes from
//! hashes, and the words in which a line itself is found wrong, which here say where and what to do.

mod rig;

use rig::real::Real;
use rig::{Rig, needs};

/// Lines after `ovs-ofctl`, in order; the files that they name are in [`FILES`].
const LINES: &[&str] = &[
    "add-flow br0 priority=10,cookie=0x5,in_port=1,idle_timeout=60,hard_timeout=100,send_flow_rem,check_overlap,actions=2",
    "add-flow br0 priority=10,ip,check_overlap,actions=2",
    "add-flow br0 priority=10,ip,actions=2",
    "add-flow br0 priority=10,arp,importance=5,actions=mod_vlan_vid:7,3",
    "add-flow br0 table=3,cookie=0x7,actions=resubmit(,4)",
    "dump-flows br0",
    "--no-stats dump-flows br0",
    "-O OpenFlow14 --no-stats dump-flows br0 mpls",
    "dump-flows br0 table=3",
    "dump-flows br0 out_port=2",
    "dump-flows br0 cookie=7/-1",
    "dump-flows br0 cookie=7",
    "dump-flows br0 actions=1",
    "dump-flows br0 priority=1",
    "dump-flows br0 a b",
    "--names dump-flows br0",
    "--sort dump-flows br0",
    "--rsort=in_port dump-flows br0",
    "--sort=foo dump-flows br0",
    "dump-aggregate br0",
    "dump-aggregate br0 table=3",
    "-O OpenFlow13 dump-aggregate br0",
    "mod-flows br0 priority=10,ip,actions=3",
    "mod-flows br0 cookie=9,arp,actions=3",
    "mod-flows br0 table=9,arp,actions=3",
    "--strict mod-flows br0 table=9,priority=5,arp,actions=1",
    "mod-flows br0 cookie=0x77/-1,table=11,actions=1",
    "mod-flows br0",
    "dump-flows br0",
    "-O OpenFlow13 --strict mod-flows br0 priority=10,in_port=1,actions=1",
    "dump-flows br0",
    "--strict mod-flows br0 priority=10,in_port=1,actions=1",
    "dump-flows br0",
    "--strict del-flows br0 priority=10,in_port=1",
    "del-flows br0 cookie=3",
    "del-flows br0 cookie=9/-1",
    "del-flows br0 priority=5",
    "del-flows br0 out_port=3,table=9",
    "dump-flows br0",
    "add-flow br0 out_port=2,actions=1",
    "add-flow br0 cookie=1/2,actions=1",
    "add-flow br0 table=255,actions=1",
    "add-flow br0 table=254,actions=1",
    "add-flow br0 table=foo,actions=1",
    "add-flow br0 actions=group:5",
    "-O OpenFlow13 add-flow br0 actions=group:5",
    "-O OpenFlow13 add-flow br0 actions=meter:5",
    "add-flow br0",
    "add-flow",
    "add-flow br1 actions=drop",
    "foo br0",
    "-O foo dump-flows br0",
    "del-flows br0",
    "add-flows br0 flows",
    "dump-flows br0",
    "add-flows br0 group",
    "dump-flows br0",
    "add-flows br0 nofile",
    "--bundle add-flows br0 group",
    "--bundle add-flow br0 priority=1,actions=group:99",
    "dump-flows br0",
    "diff-flows br0 other",
    "diff-flows other br0",
    "-O OpenFlow13 replace-flows br0 other",
    "diff-flows br0 other",
    "dump-flows br0",
    "add-flows br0 changes",
    "dump-flows br0",
    "-O OpenFlow13 add-meter br0 meter=1,kbps,band=type=drop,rate=1000",
    "-O OpenFlow13 add-meter br0 meter=1,kbps,band=type=drop,rate=1000",
    "-O OpenFlow13 mod-meter br0 meter=77,kbps,bands=type=drop,rate=1",
    "-O OpenFlow13 mod-meter br0 meter=1,pktps,burst,stats,bands=type=drop,rate=17,burst_size=20",
    "-O OpenFlow13 add-meter br0 meter=0,kbps,bands=type=drop,rate=1",
    "-O OpenFlow13 add-meter br0 meter=5,kbps",
    "-O OpenFlow13 dump-meters br0",
    "-O OpenFlow13 dump-meter br0 meter=1",
    "-O OpenFlow13 add-flow br0 priority=4,actions=meter:1,2",
    "-O OpenFlow13 del-meter br0 meter=88",
    "-O OpenFlow13 del-meters br0",
    "-O OpenFlow13 dump-meters br0",
    "-O OpenFlow13 dump-flows br0 priority=9",
    "get-frags br0",
    "-O OpenFlow13 add-group br0 group_id=1,type=select,bucket=output:1,bucket=weight:5,output:2",
    "-O OpenFlow13 add-group br0 group_id=1,type=select,bucket=output:1,bucket=weight:5,output:2",
    "add-group br0 group_id=2,type=all,bucket=output:1,bucket=output:2",
    "add-group br0 group_id=3,type=indirect,bucket=group:2",
    "add-group br0 group_id=4,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2",
    "add-group br0 group_id=5,type=select,selection_method=hash,fields(ip_src),bucket=output:1",
    "add-group br0 group_id=6,type=all,bucket=group:77",
    "add-group br0 group_id=2,type=all,bucket=output:1",
    "mod-group br0 group_id=99,type=all,bucket=output:1",
    "--may-create mod-group br0 group_id=99,type=all,bucket=output:1",
    "add-group br0 group_id=7,type=foo,bucket=output:1",
    "add-group br0 type=all,bucket=output:1",
    "add-group br0 group_id=7,bucket=output:1",
    "add-group br0 group_id=7,type=indirect,bucket=output:1,bucket=output:2",
    "add-group br0 group_id=7,type=all,bucket=weight:3,output:1",
    "add-group br0 group_id=8,type=all",
    "add-group br0 group_id=4294967290,type=all",
    "add-group br0",
    "dump-groups br0",
    "dump-groups br0 2",
    "-O OpenFlow13 dump-groups br0",
    "-O OpenFlow15 dump-groups br0",
    "dump-group-stats br0",
    "dump-group-stats br0 1",
    "dump-group-stats br0 group_id=1",
    "-O OpenFlow15 insert-buckets br0 group_id=1,command_bucket_id=last,bucket=bucket_id:7,weight:2,output:3",
    "-O OpenFlow15 insert-buckets br0 group_id=1,command_bucket_id=first,bucket=bucket_id:7,weight:2,output:3",
    "-O OpenFlow15 insert-buckets br0 group_id=1,command_bucket_id=0,bucket=bucket_id:8,weight:2,output:3",
    "-O OpenFlow15 insert-buckets br0 group_id=1,command_bucket_id=55,bucket=bucket_id:9,weight:2,output:3",
    "-O OpenFlow15 insert-buckets br0 group_id=111,command_bucket_id=last,bucket=bucket_id:9,weight:2,output:3",
    "-O OpenFlow15 dump-groups br0 1",
    "-O OpenFlow15 remove-buckets br0 group_id=1,command_bucket_id=55",
    "-O OpenFlow15 remove-buckets br0 group_id=1,command_bucket_id=last",
    "-O OpenFlow15 dump-groups br0 1",
    "-O OpenFlow15 remove-buckets br0 group_id=1",
    "-O OpenFlow15 dump-groups br0 1",
    "add-flow br0 priority=3,actions=group:2",
    "-O OpenFlow13 --no-stats dump-flows br0 out_group=9",
    "dump-group-stats br0 group_id=2",
    "del-groups br0 group_id=2",
    "del-groups br0 group_id=12345",
    "add-groups br0 groups",
    "dump-flows br0",
    "dump-groups br0",
    "del-groups br0",
    "dump-groups br0",
    "set-frags br0 foo",
    "mod-port br0 p1 no-flood",
    "mod-port br0 2 down",
    "mod-port br0 p9 up",
    "mod-port br0 p1 foo",
    "queue-stats br0",
    "queue-stats br0 2",
    "queue-get-config br0 1",
    "queue-get-config br0",
    "-O OpenFlow13 queue-get-config br0",
    "dump-desc br0",
    "dump-tables br0",
    "-O OpenFlow13 dump-tables br0",
    "-O OpenFlow14 mod-table br0 3 evict",
    "-O OpenFlow14 dump-table-desc br0",
    "mod-table br0 3 foo",
    "dump-tables br0 3",
    "queue-stats br0 1 5",
    "queue-stats br0 p9",
    "-O OpenFlow13 meter-stats br0 meter=9",
    "dump-group-features br0",
    "-O OpenFlow13 dump-group-features br0",
    "dump-table-features br0",
    "-O OpenFlow13 add-flow br0 table=20,priority=1,ip,send_flow_rem,actions=goto_table:21",
    "-O OpenFlow13 add-flow br0 table=20,priority=2,ip,actions=clear_actions,write_actions(output:1),goto_table:22",
    "add-flow br0 table=20,priority=3,tcp,actions=mod_dl_src:00:00:00:00:00:01,mod_nw_src:1.2.3.4,mod_nw_tos:32,mod_tp_dst:8,1",
    "add-flow br0 table=20,priority=4,dl_vlan=5,actions=mod_vlan_vid:7,output:1",
    "add-flow br0 table=20,priority=5,actions=mod_vlan_vid:7,mod_vlan_pcp:3,output:1",
    "-O OpenFlow13 add-flow br0 table=20,priority=6,actions=push_vlan:0x8100,set_field:4103->vlan_vid,output:1",
    "add-flow br0 table=20,priority=7,udp,actions=mod_tp_src:7,clone(mod_dl_dst:00:00:00:00:00:02,output:1)",
    "add-flow br0 table=20,priority=8,actions=load:5->NXM_NX_REG1[],load:5->NXM_NX_REG0[0..3],set_tunnel:5,output:1",
    "add-flow br0 table=20,priority=9,dl_vlan=3,actions=strip_vlan,mod_vlan_pcp:3,output:1",
    "-O OpenFlow14 add-flow br0 table=20,priority=10,importance=3,no_packet_counts,actions=output:1",
    "dump-flows br0 table=20",
    "--no-stats dump-flows br0 table=20",
    "-O OpenFlow13 dump-flows br0 table=20",
    "-O OpenFlow14 --no-stats dump-flows br0 table=20",
    "-O OpenFlow15 dump-flows br0 table=20",
    "del-flows br0",
    "bundle br0 bundle",
    "--no-stats dump-flows br0",
    "dump-groups br0",
    "bundle br0 bad_bundle",
    "--no-stats dump-flows br0",
    "bundle br0 no_bundle",
    "packet-out br0 1 2 ffffffffffff0000000000010800",
    "packet-out br0 in_port=1,packet=ffffffffffff0000000000010800,actions=2",
    "packet-out br0 in_port=1,packet=fff,actions=2",
    "packet-out br0 1 goto_table:2 ffffffffffff0000000000010800",
    "packet-out br0 1 2",
    "mod-port br0 p1 no-receive",
    "mod-port br0 p2 no-forward",
    "mod-port br0 p3 no-packet-in",
    "probe br0",
];

const FILES: &[(&str, &str)] = &[
    ("flows", "# flows\n\npriority=1,ip actions=2\ntable=3,cookie=5,actions=drop # the last\nactions=1\n"),
    ("group", "priority=77,actions=1\npriority=5,actions=group:99\npriority=6,actions=1\n"),
    ("other", "priority=1,ip actions=2\ntable=3,cookie=6,idle_timeout=9,actions=drop\npriority=4,actions=normal\n"),
    (
        "bundle",
        "flow add priority=5,actions=1\ngroup group_id=4,type=all,bucket=output:1\nflow priority=6,actions=group:4\n",
    ),
    (
        "bad_bundle",
        "flow delete\ngroup add group_id=5,type=all,bucket=output:1\nflow add priority=6,actions=group:44\n",
    ),
    ("no_bundle", "flow add priority=5,actions=1\nbogus add x\n"),
    ("groups", "group_id=20,type=all,bucket=1\ngroup_id=20,type=all,bucket=1\ngroup_id=21,type=all\n"),
    (
        "changes",
        "delete\nadd priority=5,actions=1\nmodify ip,actions=3\nmodify_strict priority=8,ip,actions=3\n\
         delete_strict priority=8,ip\nadd table=7,actions=drop\n",
    ),
];

/// Takes out what differs from run to run, and sorts the lines.
fn comparable(text: &str) -> Vec<String> {
    let without = |line: &str| {
        let mut line = line.to_owned();
        for (word, end) in [("duration=", ", "), ("idle_age=", ", "), ("hard_age=", ", "), ("(xid=", ")")] {
            while let Some(at) = line.find(word) {
                let rest = line[at..].find(end).map_or(line.len(), |len| at + len + end.len());
                line.replace_range(at..rest, "");
            }
        }
        match (line.find("unix:"), line.rfind('/')) {
            (Some(from), Some(to)) if from < to => line.replace_range(from + 5..=to, ""),
            _ => {}
        }
        line
    };
    // The real one logs on standard error.
    let is_log = |line: &&str| line.contains("|WARN|") || line.contains("|INFO|");
    let mut lines: Vec<String> = text.lines().filter(|line| !is_log(line)).map(without).collect();
    lines.sort();
    lines
}

#[test]
fn lines_are_answered_and_refused_as_by_the_real_one() {
    if !needs("ovs") {
        return;
    }
    let real = Real::start("ofctl");
    let ports = "add-port br0 p1 -- add-port br0 p2 -- add-port br0 p3";
    real.vsctl(&format!(
        "add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure -- {ports} \
         -- set interface p1 ofport_request=1 -- set interface p2 ofport_request=2 -- set interface p3 ofport_request=3"
    ));
    let mut ours = Rig::new(4);
    ours.line(&format!("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure -- {ports}"));
    for (name, text) in FILES {
        std::fs::write(real.path(name), text).expect("the directory is there");
        ours.switch.give_file(name, text);
    }
    let mut differing = Vec::new();
    for line in LINES {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (expected, status) = real.ofctl(&words);
        let (found, found_status) = match ours.try_line(&format!("ovs-ofctl {line}")) {
            Ok(text) => (text, 0),
            Err(error) => (error.message, i32::from(error.status)),
        };
        let is_wrong_line = found_status == 1 && found.starts_with("ovs-ofctl: ");
        if is_wrong_line && status == 1 && comparable(&expected)[0].starts_with("ovs-ofctl: ") {
            continue;
        }
        if (comparable(&found), found_status) != (comparable(&expected), status) {
            differing.push(format!(
                "ovs-ofctl {line}\nours ({found_status}):\n{found}\nthe real one ({status}):\n{expected}"
            ));
        }
    }
    assert!(differing.is_empty(), "{} of {} differ\n{}", differing.len(), LINES.len(), differing.join("\n"));
}
