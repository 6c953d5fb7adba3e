//! What `ovs-ofctl` has set is saved: flows, groups, meters, ports, tables.

use super::{saved, session, tell};
use topologies::load;
use topologies::run::{End, Session};

const LAB: &str = r#"
name = "set"
[switches.s1.ports]
a = { to = "h1" }
b = { to = "h2" }
[hosts]
h1 = "10.0.0.1/24"
h2 = "10.0.0.2/24"
"#;

const LINES: &[&str] = &[
    "add-group br0 group_id=2,type=all,bucket=output:1,bucket=output:2",
    "-O OpenFlow15 add-group br0 group_id=1,type=select,selection_method=hash,fields(ip_src),bucket=weight:3,output:1,bucket=group:2",
    "add-group br0 group_id=3,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2",
    "-O OpenFlow13 add-meter br0 meter=1,pktps,burst,stats,bands=type=drop,rate=17,burst_size=20",
    "-O OpenFlow13 add-meter br0 meter=2,kbps,bands=type=drop,rate=1000,type=dscp_remark,rate=500,prec_level=1",
    "add-flow br0 priority=5,ip,cookie=0x7,idle_timeout=600,hard_timeout=900,send_flow_rem,actions=group:1",
    "-O OpenFlow13 add-flow br0 priority=6,icmp,importance=3,actions=meter:2,write_actions(output:2),goto_table:4",
    "add-flow br0 table=4,actions=learn(table=5,idle_timeout=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),group:3",
    "mod-port br0 a no-flood",
    "mod-port br0 a no-receive",
    "mod-port br0 b no-forward",
    "mod-port br0 br0 down",
    "mod-table br0 4 evict",
];

/// What of two labs has to be the same.
fn seen(session: &mut Session) -> Vec<String> {
    let dumps = [
        "-O OpenFlow15 --no-stats dump-flows br0",
        "-O OpenFlow15 dump-groups br0",
        "-O OpenFlow13 dump-meters br0",
        "-O OpenFlow14 dump-table-desc br0",
        "show br0",
    ];
    dumps.iter().map(|dump| tell(session, &format!("s1 ovs-ofctl {dump}")).replace("reset_counts ", "")).collect()
}

#[test]
fn what_ovs_ofctl_has_set_is_there_in_the_saved_lab() {
    let mut told = session(LAB);
    told.run(End::At(sim_core::Time::from_millis(10)));
    LINES.iter().for_each(|line| drop(tell(&mut told, &format!("s1 ovs-ofctl {line}"))));
    let text = saved(&told);
    let mut again = session(&text);
    again.run(End::At(sim_core::Time::from_millis(10)));
    assert_eq!(seen(&mut again), seen(&mut told), "{text}");
}

#[test]
fn the_flows_of_a_file_beside_the_lab_are_saved_in_the_lab() {
    let dir = std::env::temp_dir().join(format!("netloom-saved-flows-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("files can be made");
    let text = LAB.replace("[switches.s1.ports]", "[switches.s1]\nflows = \"s1.flows\"\n[switches.s1.ports]");
    std::fs::write(dir.join("lab.toml"), text).expect("files can be made");
    let flows = "# two\npriority=7,in_port=a,actions=b\ntable=1,priority=0,actions=drop\n";
    std::fs::write(dir.join("s1.flows"), flows).expect("files can be made");
    let loaded = load(&dir.join("lab.toml"), &[]);
    std::fs::remove_dir_all(&dir).expect("it is there");
    let Ok(loaded) = loaded else { panic!("the lab is right") };
    let mut told = Session::new(loaded.lab).expect("the flows are right");
    let text = saved(&told);
    assert!(!text.contains("flows = "), "{text}");
    assert!(text.contains("priority=7,in_port=1,actions=output:2"), "{text}");
    assert_eq!(seen(&mut session(&text)), seen(&mut told), "{text}");
}
