//! Flows, groups and meters beside those that a real Open vSwitch gives back. Needs `ovs`.

use openflow::{Flow, FlowCommand, Group, GroupCommand, Meter};

#[path = "../../../tests/support/real_ovs.rs"]
mod real_ovs;

use real_ovs::Real;

/// Was `peer` promised to this run (`NETLOOM_TEST_WITH`)? Else the test says that it is left out.
fn needs(peer: &str) -> bool {
    let promised = std::env::var("NETLOOM_TEST_WITH").unwrap_or_default();
    let found = promised.split_whitespace().any(|name| name == peer);
    if !found {
        println!("left out: needs {peer}");
    }
    found
}

/// A switch with the bridge br0.
fn start(title: &str) -> Real {
    let real = Real::start(title);
    real.vsctl("add-br br0 -- set bridge br0 datapath_type=dummy fail-mode=secure");
    real
}

/// What `ovs-ofctl` prints; `None` if it fails.
fn ofctl(real: &Real, arguments: &[&str]) -> Option<String> {
    let target = format!("unix:{}", real.path("br0.mgmt"));
    let arguments = arguments.iter().map(|argument| if *argument == "br0" { target.as_str() } else { argument });
    let output = std::process::Command::new("ovs-ofctl").args(arguments).output().expect("ovs-ofctl was promised");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

const FLOWS: &[&str] = &[
    "cookie=0x5,table=3,idle_timeout=10,hard_timeout=20,importance=7,priority=5,send_flow_rem,no_packet_counts,no_byte_counts,ip,actions=1",
    "table=1,importance=9,actions=2",
    "table=2,send_flow_rem,actions=2",
    "table=4,no_packet_counts,actions=2",
    "table=5,no_byte_counts,ip,actions=2",
    "table=7,cookie=1,actions=drop",
    "table=8,tcp,priority=3,actions=drop",
    "table=9,priority=3,actions=drop",
    "table=10,ip,idle_timeout=3,actions=drop",
    "in_port=1,actions=drop",
    "table=12,cookie=3,idle_timeout=3,importance=3,send_flow_rem,actions=drop",
    "table=13,dl_vlan=3,priority=0,actions=write_actions(output:3),goto_table:14",
    "table=14,tun_id=5,reg0=3/7,metadata=9,actions=resubmit(,15)",
];

#[test]
fn a_flow_is_printed_as_a_switch_gives_it_back() {
    if !needs("ovs") {
        return;
    }
    let real = start("openflow-flows");
    let mut ours = Vec::new();
    for text in FLOWS {
        assert!(ofctl(&real, &["-O", "OpenFlow14", "add-flow", "br0", text]).is_some(), "{text}");
        ours.push(format!(" {}", Flow::parse(text, &|_| None).unwrap()));
    }
    let theirs = ofctl(&real, &["-O", "OpenFlow14", "--no-stats", "dump-flows", "br0"]).unwrap();
    let mut theirs: Vec<&str> = theirs.lines().collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
}

const GROUPS: &[&str] = &[
    "group_id=1,type=select,bucket=output:1",
    "group_id=3,type=select,selection_method=hash,fields=ip_src,bucket=weight=5,output=1",
    "group_id=4,type=ff,bucket=watch_port:1,output:1,bucket=watch_group=1,actions=output:2,output:3",
    "group_id=5,type=all,bucket=output:1,bucket=bucket_id=7,output:2,bucket=output:3,group:1",
    "group_id=6,type=indirect,bucket=output:1",
    "group_id=8,type=all",
    "group_id=9,type=select,bucket=weight=0,output:1",
    "group_id=11,type=all,bucket=actions=drop",
    "group_id=12,type=all,bucket=drop",
    "group_id=13,type=all,bucket=actions=",
    "group_id=17,type=select,selection_method=dp_hash,selection_method_param=5,bucket=output:1",
    "group_id=19,type=select,selection_method=hash,selection_method_param=0x100,fields(eth_src,ip_src,ip_dst),bucket=output:1",
    "group_id=21,type=all,bucket=set_field:1.2.3.4->ip_src,output:1",
    "group_id=22,type=all,bucket=mod_nw_src:1.2.3.4,resubmit(,3),normal",
    "group_id=23,type=all,bucket=learn(table=1)",
    "group_id=25,type=all,bucket=output:1,bucket=bucket_id=0,output:2",
    "group_id=26,type=select,selection_method=hash,fields(in_port,reg0=0xff),bucket=output:1",
    "group_id=0xffffff00,type=all,bucket=output:1",
    "group_id=33 type=all bucket=output:1 bucket=output:2,3",
    "group_id=35,type=all,bucket=set_field:5->reg0,load:3->reg1[0..3],mod_vlan_vid:3,pop_vlan,group:3,output:1",
    "group_id=39,type=all,bucket=actions=output:1,bucket_id=3",
    "group_id=41,type=select,selection_method=hash,fields(ip_src=255.255.255.0,eth_src=00:00:00:ff:ff:ff),bucket=output:1",
    "group_id=42,type=select,selection_method=hash,fields(ip_src=255.255.255.0),bucket=output:1",
    "group_id=44,type=select,selection_method=hash,fields(tcp_dst),fields(tcp_src),bucket=output:1",
    "group_id=45,type=all,bucket=clone(output:1)",
    "group_id=50,group_id=51,type=all,bucket=output:1",
    "group_id=52,type=fast_failover,bucket=watch_port:2,output:1",
    "group_id=53,type=select,selection_method=hash,bucket=weight:1,output:1",
    "group_id=54,type=select,selection_method=hash,fields(tcp_dst=0xffff),bucket=output:1",
    "group_id=55,type=select,bucket=watch_port:2,output:1",
    "group_id=56,type=select,selection_method=hash,fields(reg1,ip_dst,tcp_src,metadata,in_port,eth_type,vlan_vid,ip_src,eth_dst,tun_id),bucket=output:1",
    "group_id=57,type=select,bucket=weight:0xffff,output:1,actions=output:2",
];

const WRONG_GROUPS: &[&str] = &[
    "group_id=7,type=indirect,bucket=output:1,bucket=output:2",
    "group_id=7,type=indirect",
    "group_id=10,type=all,bucket=",
    "group_id=1,type=select,bucket=weight:5",
    "group_id=14,type=all,bucket=weight=5,output:1",
    "group_id=15,type=ff,bucket=output:1",
    "group_id=16,type=all,bucket=watch_port:1,output:1",
    "group_id=18,type=select,selection_method=foo,bucket=output:1",
    "group_id=20,type=all,selection_method=hash,bucket=output:1",
    "group_id=24,type=all,bucket=bucket_id=1,output:1,bucket=bucket_id=1,output:2",
    "group_id=27,type=select,fields(ip_src),bucket=output:1",
    "group_id=28,type=select,selection_method=dp_hash,fields(ip_src),bucket=output:1",
    "group_id=0xffffff01,type=all,bucket=output:1",
    "group_id=all,type=all,bucket=output:1",
    "group_id=29,type=foo,bucket=output:1",
    "group_id=30,bucket=output:1",
    "type=all,bucket=output:1",
    "group_id=31,type=ff,bucket=watch_port:none,output:1",
    "group_id=34,type=all,bucket=output:1,weight:3,output:2",
    "group_id=36,type=all,command_bucket_id=1,bucket=output:1",
    "group_id=37,type=all,foo=3,bucket=output:1",
    "group_id=38,type=all,bucket=foo=3",
    "group_id=40,type=all,buckets=output:1",
    "group_id=42,type=select,selection_method=hash,fields(foo),bucket=output:1",
    "group_id=43,type=select,selection_method=hash,fields(ip_src=1.2.3.4/8),bucket=output:1",
    "group_id=46,type=all,bucket=goto_table:3",
    "group_id=48,type=select,selection_method_param=5,bucket=output:1",
    "group_id=49,type=all,bucket=bucket_id=4294967041,output:1",
];

#[test]
fn a_group_is_printed_as_a_switch_gives_it_back() {
    for text in GROUPS {
        let group = Group::parse(text, &|_| None).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(Group::parse(&group.to_string(), &|_| None), Ok(group), "{text}");
    }
    for text in WRONG_GROUPS {
        assert!(Group::parse(text, &|_| None).is_err(), "{text}");
    }
    if !needs("ovs") {
        return;
    }
    let real = start("openflow-groups");
    let mut ours = Vec::new();
    for text in GROUPS {
        assert!(ofctl(&real, &["-O", "OpenFlow15", "add-group", "br0", text]).is_some(), "{text}");
        ours.push(format!(" {}", Group::parse(text, &|_| None).unwrap()));
    }
    for text in WRONG_GROUPS {
        assert_eq!(ofctl(&real, &["-O", "OpenFlow15", "add-group", "br0", text]), None, "{text}");
    }
    let theirs = ofctl(&real, &["dump-groups", "br0"]).unwrap();
    let mut theirs: Vec<&str> = theirs.lines().skip(1).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
}

const METERS: &[&str] = &[
    "meter=1,kbps,bands=type=drop,rate=1000",
    "meter=2,pktps,burst,stats,bands=type=drop,rate=1000,burst_size=100",
    "meter=3,kbps,bands=type=drop,rate=1,type=drop,rate=2",
    "meter=11 kbps burst bands=type=drop rate=1 burst_size=4",
    "meter=15,kbps,band=type=drop,rate=1",
    "meter=17,kbps,bands=type=drop,rate=0x10",
    "meter=controller,pktps,bands=type=drop,rate=1",
    "meter=slowpath,pktps,bands=type=drop,rate=1",
];

const WRONG_METERS: &[&str] = &[
    "meter=5,bands=type=drop,rate=1",
    "meter=6,kbps",
    "meter=7,kbps,bands=rate=5",
    "meter=8,kbps,bands=type=drop",
    "meter=all,kbps,bands=type=drop,rate=1",
    "meter=0,kbps,bands=type=drop,rate=1",
    "kbps,bands=type=drop,rate=1",
    "meter=9,kbps,bands=type=drop,rate=5,burst_size=3",
    "meter=10,kbps,pktps,bands=type=drop,rate=1",
    "meter=12,kbps,burst,bands=type=drop,rate=1",
    "meter=13,kbps,foo,bands=type=drop,rate=1",
    "meter=14,kbps,bands=type=drop,foo=3",
    "meter=16,kbps,bands=type=foo,rate=1",
    "meter=0xffff0001,kbps,bands=type=drop,rate=1",
    "meter=19,kbps=3,bands=type=drop,rate=1",
    "meter=20,kbps,bands=type=drop,rate=1,prec_level=3",
];

#[test]
fn a_meter_is_printed_as_a_switch_gives_it_back() {
    for text in METERS.iter().chain(&["meter=4,kbps,bands=type=dscp_remark,rate=5,prec_level=3"]) {
        let meter = Meter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(Meter::parse(&meter.to_string()), Ok(meter), "{text}");
    }
    for text in WRONG_METERS {
        assert!(Meter::parse(text).is_err(), "{text}");
    }
    if !needs("ovs") {
        return;
    }
    let real = start("openflow-meters");
    let mut ours = Vec::new();
    for text in METERS {
        assert!(ofctl(&real, &["-O", "OpenFlow13", "add-meter", "br0", text]).is_some(), "{text}");
        ours.push(Meter::parse(text).unwrap().to_string());
    }
    for text in WRONG_METERS {
        assert_eq!(ofctl(&real, &["-O", "OpenFlow13", "add-meter", "br0", text]), None, "{text}");
    }
    let theirs = ofctl(&real, &["-O", "OpenFlow13", "dump-meters", "br0"]).unwrap();
    let (_, theirs) = theirs.split_once('\n').unwrap();
    let mut theirs: Vec<&str> = theirs.trim_end().split("\n\n").collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
}

#[test]
fn what_differs_is_printed_as_ovs_ofctl_prints_it() {
    let old = "ip,actions=1\ntcp,priority=5,actions=1,2\ntable=2,actions=drop\ntable=3,cookie=4,actions=drop\n\
               table=4,idle_timeout=3,actions=3\ntable=5,ip,importance=3,actions=3\narp,priority=9,actions=3\n";
    let new = "tcp,priority=5,actions=1,3\ntable=2,cookie=2,actions=drop\npriority=9,table=3,cookie=4,actions=drop\n\
               table=4,actions=3\ntable=5,ip,hard_timeout=9,actions=3\nip,actions=5\narp,priority=9,actions=3\n";
    let flows = |text| openflow::parse_file(text, &|_| None).unwrap();
    let (old_flows, new_flows) = (flows(old), flows(new));
    let ours: Vec<String> = openflow::diff(&old_flows, &new_flows).iter().map(ToString::to_string).collect();
    let expected = [
        "-ip actions=output:1",
        "+ip actions=output:5",
        "-priority=5,tcp actions=output:1,output:2",
        "+priority=5,tcp actions=output:1,output:3",
        "-table=2  actions=drop",
        "+table=2  cookie=0x2 actions=drop",
        "-table=3  cookie=0x4 actions=drop",
        "+table=3 priority=9 cookie=0x4 actions=drop",
        "-table=4  idle_timeout=3 actions=output:3",
        "+table=4  actions=output:3",
        "-table=5 ip importance=3 actions=output:3",
        "+table=5 ip hard_timeout=9 actions=output:3",
    ];
    assert_eq!(ours, expected);
    assert_eq!(openflow::diff(&old_flows, &old_flows), []);
    if !needs("ovs") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let paths = [("old", old), ("new", new)].map(|(name, text)| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    });
    let output = std::process::Command::new("ovs-ofctl").arg("diff-flows").args(&paths).output();
    let theirs = output.expect("ovs-ofctl was promised").stdout;
    assert_eq!(ours.join("\n") + "\n", String::from_utf8_lossy(&theirs));
}

/// Commands of `add-flows` and whether both take them.
const LINES: &[(&str, bool)] = &[
    ("add priority=5 actions=1", true),
    ("modify table=3 actions=1", true),
    ("modify_strict,priority=3,tcp,actions=2", true),
    ("delete", true),
    ("delete tcp", true),
    ("delete,tcp", true),
    ("delete_strict priority=3,tcp", true),
    ("add", false),
    ("foo actions=2", false),
    ("add_or_mod actions=1", false),
    ("delete actions=1", false),
    ("  add  actions=1 # one", true),
    ("modify importance=3,actions=1", false),
    ("modify cookie=3/-1,cookie=4,actions=1", true),
    ("modify cookie=4,actions=1", true),
    ("delete cookie=1", false),
    ("delete cookie=1/-1", true),
    ("delete cookie=1/0xf,cookie=3/0xf", true),
    ("delete importance=3", false),
    ("delete priority=3", false),
    ("delete idle_timeout=3", false),
    ("delete send_flow_rem", false),
    ("ADD actions=1", false),
    ("cookie=1/-1,actions=1", false),
    ("out_port=1,actions=1", false),
    ("delete out_port=LOCAL", true),
    ("delete out_port=any", true),
    ("delete table=255", true),
    ("table=255,actions=1", true),
    ("modify reset_counts check_overlap send_flow_rem actions=1", true),
    ("duration=3s,n_packets=5,n_bytes=3,idle_age=4,hard_age=3,actions=1", true),
    ("importance=70000,actions=1", false),
    ("actions=2 importance=3", false),
];

#[test]
fn a_line_of_add_flows_is_taken_or_refused_as_by_ovs_ofctl() {
    let real = needs("ovs").then(|| start("openflow-lines"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("flows").display().to_string();
    for (line, is_good) in LINES {
        let ours = openflow::parse_flow_mods(FlowCommand::Add, line, &|_| None);
        assert_eq!(ours.is_ok(), *is_good, "{line}: {ours:?}");
        if let Some(real) = &real {
            std::fs::write(&file, format!("{line}\n")).unwrap();
            let theirs = ofctl(real, &["-O", "OpenFlow10,OpenFlow14", "add-flows", "br0", &file]);
            assert_eq!(theirs.is_some(), *is_good, "{line}");
        }
    }
}

/// Commands of `add-groups` and whether both take them, one after the other.
const GROUP_LINES: &[(&str, bool)] = &[
    ("group_id=12,type=select,bucket=output:1", true),
    ("insert_bucket group_id=12,command_bucket_id=first,bucket=bucket_id:5,output:3", true),
    ("insert_bucket group_id=12,command_bucket_id=last,bucket=bucket_id:7,output:3,bucket=bucket_id:8,output:4", true),
    ("insert_bucket group_id=12,command_bucket_id=5,bucket=bucket_id:9,output:3", true),
    ("insert_bucket group_id=12,bucket=bucket_id:10,output:3", false),
    ("insert_bucket group_id=12,command_bucket_id=all,bucket=bucket_id:10,output:3", false),
    ("insert_bucket group_id=12,type=all,command_bucket_id=first,bucket=output:1", false),
    ("insert_bucket group_id=12,command_bucket_id=first,selection_method=hash,bucket=output:1", false),
    ("remove_bucket group_id=12,command_bucket_id=5", true),
    ("remove_bucket group_id=12,command_bucket_id=first,bucket=output:1", false),
    ("remove_bucket group_id=12", true),
    ("modify group_id=12,type=all,bucket=output:1", true),
    ("add_or_mod group_id=13,type=all,bucket=output:1", true),
    ("delete group_id=12,type=all", false),
    ("delete group_id=12,bucket=output:1", false),
    ("delete group_id=12", true),
    ("delete group_id=all", true),
];

#[test]
fn a_line_of_add_groups_is_taken_or_refused_as_by_ovs_ofctl() {
    let real = needs("ovs").then(|| start("openflow-group-lines"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("groups").display().to_string();
    for (line, is_good) in GROUP_LINES {
        let ours = openflow::parse_group_mods(GroupCommand::Add, line, &|_| None);
        assert_eq!(ours.is_ok(), *is_good, "{line}: {ours:?}");
        if let Some(real) = &real {
            std::fs::write(&file, format!("{line}\n")).unwrap();
            let theirs = ofctl(real, &["-O", "OpenFlow15", "add-groups", "br0", &file]);
            assert_eq!(theirs.is_some(), *is_good, "{line}");
        }
    }
}
