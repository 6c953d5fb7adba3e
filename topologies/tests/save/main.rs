//! What `save` writes gives the same lab.

mod openflow;
mod servers;

use proptest::prelude::*;
use std::fmt::Write;
use std::path::Path;
use topologies::run::{CommandError, End, Request, Session};
use topologies::{LoadedLab, Pattern, generate, parse};

#[track_caller]
fn load(text: &str) -> LoadedLab {
    parse("saved.toml", text, &[]).unwrap_or_else(|mistakes| {
        let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}\n{text}", all.join("\n"))
    })
}

#[track_caller]
fn session(text: &str) -> Session {
    Session::new(load(text).lab).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

fn words(line: &str) -> Vec<String> {
    ovsdb::words::split(line).expect("the line has words")
}

/// What a line prints, or the error.
fn ask(session: &mut Session, line: &str) -> Result<String, CommandError> {
    session.command(&words(line))
}

#[track_caller]
fn tell(session: &mut Session, line: &str) -> String {
    ask(session, line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Saves a lab, and finds that what was saved saves itself as it is.
#[track_caller]
fn saved(session: &Session) -> String {
    let text = session.save();
    assert_eq!(self::session(&text).save(), text, "saving is not at rest");
    text
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    std::fs::read_to_string(path).expect("the example is there")
}

fn examples() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let files = std::fs::read_dir(directory).expect("the examples are there");
    let mut names: Vec<String> =
        files.map(|file| file.expect("a file").file_name().into_string().expect("its name is text")).collect();
    names.sort();
    names
}

fn results(text: &str) -> Vec<(String, String)> {
    let mut session = session(text);
    session.run(End::Decided);
    session.report().checks.iter().map(|check| (check.name.clone(), format!("{:?}", check.status))).collect()
}

#[test]
fn every_example_is_saved_as_a_lab_that_saves_itself_and_passes_the_same_checks() {
    for name in examples() {
        let text = example(&name);
        let saved = saved(&session(&text));
        assert_eq!(results(&saved), results(&text), "{name}:\n{saved}");
    }
}

#[test]
fn a_plain_lab_is_saved_as_it_was_typed() {
    let text = r#"name = "plain"
description = "two \"hosts\""
seed = 7

[vlans]
blue = 5
"v.6" = 6

[switches.s1]
stp_enable = true

[switches.s1.ports]
a = { tag = 5, to = "h1", delay = "20ms", loss = "5%" }
"b.1" = { trunks = [5, 6], to = "s2:p", rate = { out = "1Mbit", in = "10Gbit" } }
c = { interface = { external_ids = { id = "x y" } } }

[switches.s2.ports]
p = {}
q = { to = "h2", up = false }

[hubs.hub1]
ports = 2

[hosts]
h1 = "10.0.0.1/8"
h2 = { ip = ["10.0.0.2/8", "2001:db8::2/64"], gateway = "10.0.0.1", routes = [{ to = "10.9.0.0/16", via = "10.0.0.3" }], mac = "02:00:00:00:00:02" }
h3 = { ip = "10.0.0.3/8", mtu = 9000, to = "hub1:1" }
h4 = { interfaces = { eth0 = { to = "hub1:2" }, "eth0.10" = "10.10.0.1/24" } }

[[events]]
at = "2s"
do = "link s1:a down"

[[checks]]
name = "they talk"
ping = { from = "h1", to = "h2", count = 3 }
within = "1s"
"#;
    assert_eq!(session(text).save(), text);
}

const CHANGED: &str = r#"
[switches.s1.ports]
h1 = { tag = 5, to = "h1" }
h2 = { to = "h2" }
s2 = { to = "s2:s1" }
x = { to = "s2:x" }
[switches.s2.ports]
s1 = {}
x = {}
[switches.s3.bridges.left.ports]
a = { to = "h3" }
[switches.s3.bridges.right.ports]
b = { to = "h6" }
[hosts]
h1 = "10.0.0.1/24"
h2 = "10.0.0.2/24"
h3 = "10.0.0.3/24"
h4 = { ip = "10.0.0.4/24", to = "s2:h4x" }
h5 = { ip = "10.0.0.5/24", to = "s2:h5" }
h6 = "10.0.0.6/24"
"#;

/// What of two labs has to be the same.
fn seen(session: &mut Session) -> Vec<String> {
    let mut lines = Vec::new();
    for switch in ["s1", "s2", "s3"] {
        lines.push(tell(session, &format!("{switch} ovs-vsctl show")));
        for table in ["Port", "Interface", "Bridge"] {
            let columns = match table {
                "Port" => "name,tag,trunks,vlan_mode,other_config,external_ids,bond_mode",
                "Interface" => "name,type,ofport,options,external_ids",
                _ => "name,stp_enable,rstp_enable,fail_mode,other_config,flood_vlans",
            };
            lines.push(tell(session, &format!("{switch} ovs-vsctl --columns={columns} list {table}")));
        }
        for table in ["Mirror", "QoS", "Queue"] {
            let columns = match table {
                "Mirror" => "name,select_all,select_vlan,output_vlan",
                "QoS" => "type,other_config",
                _ => "dscp,other_config",
            };
            lines.push(tell(session, &format!("{switch} ovs-vsctl --columns={columns} list {table}")));
        }
        lines.push(tell(session, &format!("{switch} ovs-vsctl get Open_vSwitch . other_config")));
        for bridge in tell(session, &format!("{switch} ovs-vsctl -- --real list-br")).lines() {
            let flows = tell(session, &format!("{switch} ovs-ofctl dump-flows {bridge}"));
            let flow = |line: &str| line.split_once("idle_age=").map(|(_, rest)| rest.to_owned());
            lines.extend(flows.lines().filter_map(flow));
            let macs = tell(session, &format!("{switch} ovs-appctl fdb/show {bridge}"));
            lines.extend(macs.lines().filter(|line| line.contains("static")).map(str::to_owned));
        }
    }
    for host in ["h1", "h2", "h3", "h4", "h5"] {
        lines.push(tell(session, &format!("{host} show ip")));
        lines.push(tell(session, &format!("{host} show ipv6")));
    }
    let mut links: Vec<String> = tell(session, "links").lines().map(str::to_owned).collect();
    links.sort();
    for link in &links {
        let (end, _) = link.split_once("<->").expect("two ends");
        let shown = tell(session, &format!("link {end}"));
        lines.extend(shown.lines().filter(|line| !line.starts_with(' ')).map(str::to_owned));
    }
    lines.extend(links);
    lines
}

/// Lines of which any may be told to the lab above in any order; what doesn't fit is refused and changes nothing.
const LINES: &[&str] = &[
    "link s1:s2 down",
    "link s1:s2 up",
    "link h1 loss 33.3% out",
    "link h4 mtu 1400",
    "link s2:x rate 1234567bit queue 3B in",
    "h1 ip 10.1.0.1/16 10.1.0.254",
    "h1 ip 2001:db8::1/64",
    "h4 ip 10.0.0.1/24",
    "h5 ip 10.3.0.0/24",
    "s1 ovs-vsctl del-port h1",
    "s1 ovs-vsctl del-port x",
    "s1 ovs-vsctl add-port br0 h1 tag=4",
    "s1 ovs-vsctl add-port br0 x",
    "s1 ovs-vsctl add-port br0 nowhere -- set interface nowhere ofport_request=2",
    "s1 ovs-vsctl add-port br0 in0 -- set interface in0 type=internal",
    "s1 ovs-vsctl add-port br0 pa -- set interface pa type=patch options:peer=pb",
    "s1 ovs-vsctl set interface h2 type=internal",
    "s1 ovs-vsctl set interface h2 ofport_request=2",
    "s1 ovs-vsctl set interface x ofport_request=17",
    "s1 ovs-vsctl add-br br1",
    "s1 ovs-vsctl add-br odd:name",
    "s1 ovs-vsctl add-port odd:name x",
    "s1 ovs-vsctl add-port br1 x tag=3",
    "s1 ovs-vsctl add-br fake br0 12",
    "s1 ovs-vsctl del-br br0",
    "s1 ovs-vsctl set port h1 trunks=5,6",
    "s1 ovs-vsctl set port h2 vlan_mode=access tag=7 external_ids:a='x y'",
    "s1 ovs-vsctl set interface h2 external_ids:\"a.b\"='\"q\\\\\"' other_config:c=d",
    "s1 ovs-vsctl set bridge br0 fail_mode=secure",
    "s1 ovs-vsctl set bridge br0 other_config:mac-table-size=10 flood_vlans=1,2",
    "s1 ovs-vsctl add-bond br0 bond0 h1 x lacp=active",
    "s1 ovs-vsctl -- --id=@p get port h2 -- --id=@m create mirror name=m select_dst_port=@p -- add bridge br0 mirrors @m",
    "s1 ovs-vsctl set port h2 qos=@q -- --id=@q create qos type=linux-htb queues=0=@a -- --id=@a create queue dscp=3",
    "s1 ovs-vsctl create queue dscp=9",
    "s1 ovs-vsctl set-controller br0 tcp:127.0.0.1",
    "s1 ovs-vsctl set-manager ptcp:6640",
    "s1 ovs-vsctl set Open_vSwitch . external_ids:x=y",
    "s1 ovs-ofctl add-flow br0 priority=7,in_port=2,actions=output:3,4",
    "s1 ovs-ofctl add-flow br0 arp,actions=flood",
    "s1 ovs-ofctl add-flow br0 priority=0,actions=drop",
    "s1 ovs-ofctl del-flows br0",
    "s1 ovs-ofctl del-flows br0 arp",
    "s1 ovs-appctl fdb/add br0 h2 7 00:00:00:00:00:07",
    "s3 ovs-vsctl del-br left",
    "s3 ovs-vsctl add-port right a",
    "s3 ovs-vsctl add-br br0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_is_told_a_lab_the_saved_one_has_it(
        lines in proptest::collection::vec(proptest::sample::select(LINES), 1..12),
    ) {
        same_after(&lines);
    }

    #[test]
    fn random_labs_are_saved_as_labs_that_save_themselves_and_pass_the_same_checks(text in random_lab()) {
        let saved = saved(&session(&text));
        prop_assert_eq!(results(&saved), results(&text), "{}\n{}", text, saved);
    }
}

/// A tree of switches with hosts and hubs on them, links with odd properties, and a check that some hosts reach others.
fn random_lab() -> impl Strategy<Value = String> {
    let name = prop_oneof!["[a-z]{1,4}", "[a-z.\"'\\u{e9}-]{1,6}"];
    let node = (name, any::<u32>(), any::<u32>(), 0_u32..4);
    (proptest::collection::vec(node, 2..10), any::<bool>()).prop_map(|(nodes, hosts_first)| {
        let quote = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        let (mut hosts, mut switches, mut names) = (String::new(), String::new(), Vec::<String>::new());
        for (number, (name, place, dice, kind)) in nodes.iter().enumerate() {
            let name = format!("{name}{number}");
            let (key, parent) = (quote(&name), *place as usize % number.max(1));
            let keys = match dice % 7 {
                0 => ", delay = \"1234ns\"",
                1 => ", loss = { out = \"0.7%\" }, mtu = 9000",
                2 => ", rate = { in = \"3Mbit\" }, jitter = \"5us\"",
                3 => ", queue = \"100B\", reorder = \"1%\", duplicate = \"12.5%\"",
                4 => ", up = false",
                _ => "",
            };
            let to = (number > 0).then(|| quote(&format!("{}:p.{number}", names[parent])));
            if *kind == 0 && number > 0 {
                // Only a switch can have others below it: a host takes its parent's place.
                let to = to.expect("it has a parent");
                let _ = writeln!(hosts, "{key} = {{ ip = \"10.0.{}.{number}/16\", to = {to}{keys} }}", dice % 200);
                names.push(names[parent].clone());
                continue;
            }
            if *kind == 1 {
                let _ = writeln!(switches, "[hubs.{key}]");
                let _ = writeln!(switches, "[switches.SW{number}]");
                names.push(name);
                continue;
            }
            let columns = match dice % 5 {
                0 => "tag = 7, ",
                1 => "trunks = [1, 2, 7], external_ids = { \"a.b\" = \"c d\" }, ",
                2 => "vlan_mode = \"native-untagged\", tag = 2, trunks = [7], ",
                _ => "",
            };
            let _ = writeln!(switches, "[switches.{key}]\nother_config = {{ mac-table-size = {} }}", dice % 9 + 10);
            if let Some(to) = to {
                let _ = writeln!(switches, "[switches.{key}.ports]\nup = {{ {columns}to = {to}{keys} }}");
            }
            names.push(name);
        }
        let hosts = format!("[hosts]\nFIRST = \"10.9.0.1/16\"\nSECOND = {{ ip = \"10.9.0.2/16\", to = \"FIRST\" }}\n{hosts}");
        let checks = "[[checks]]\nping = { from = \"FIRST\", to = \"SECOND\" }\n[[checks]]\ndrops = { reason = \"loss\", min = 0 }\n";
        let nodes = if hosts_first { hosts + &switches } else { switches + &hosts };
        format!("name = \"random\"\n{nodes}{checks}")
    })
}

/// Tells a lab some lines, and compares what can be seen of it with what can be seen of the lab that is saved.
#[track_caller]
fn same_after(lines: &[&str]) -> String {
    let mut told = session(CHANGED);
    told.run(End::At(sim_core::Time::from_millis(10)));
    lines.iter().for_each(|line| _ = ask(&mut told, line));
    let text = saved(&told);
    let mut again = session(&text);
    again.run(End::At(sim_core::Time::from_millis(10)));
    assert_eq!(again.take_errors(), [], "{text}");
    let (before, after) = (seen(&mut told), seen(&mut again));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(without_ids(after), without_ids(before), "{lines:?} became\n{text}");
    }
    assert_eq!(before.len(), after.len(), "{lines:?} became\n{text}");
    text
}

/// The identifiers of rows differ between two labs, and so may the order in which rows are listed.
fn without_ids(text: &str) -> Vec<String> {
    let is_id = |word: &str| word.len() == 36 && word.bytes().filter(|b| *b == b'-').count() == 4;
    let line =
        |line: &str| line.split(' ').map(|word| if is_id(word) { "ID" } else { word }).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = text.lines().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn links_are_saved_as_they_are_now() {
    let text = same_after(&[
        "link s1:s2 down",
        "link h1 loss 5% delay 20ms out",
        "link s1:h2 queue 10 rate 1500kbit jitter 3us",
        "link s2:x mtu 9000 queue 64KiB duplicate 0.1%",
    ]);
    assert!(text.contains("up = false"), "{text}");
    // An interface's MTU and its link's can't both be said where the interface has the link's `to`.
    assert!(same_after(&["link h5 mtu 1400"]).contains("do = \"link h5:eth0 mtu 1400 out\""));
}

#[test]
fn a_stopped_node_is_stopped_in_the_saved_lab() {
    let mut told = session(CHANGED);
    tell(&mut told, "stop s2");
    let text = saved(&told);
    assert!(text.contains("at = \"0s\"\ndo = \"stop s2\""), "{text}");
    let mut again = session(&text);
    again.run(End::At(sim_core::Time::from_millis(1)));
    assert_eq!(tell(&mut again, "dump"), tell(&mut told, "dump"));
    assert!(tell(&mut told, "dump").contains("<OVSSwitch s2: s1:None,x:None,h4x:None,h5:None stopped>"));
}

#[test]
fn hosts_are_saved_with_the_addresses_that_they_have_now() {
    let text = same_after(&["h1 ip 10.1.0.1/16 10.1.0.254", "h2 ip 2001:db8::2/64", "h3 ip 10.0.0.2/24"]);
    assert!(text.contains("overlapping_addresses = true"), "h2 and h3 have one address now: {text}");
    assert!(text.contains("h1 = { ip = \"10.1.0.1/16\", gateway = \"10.1.0.254\" }"), "{text}");
}

#[test]
fn rows_flows_and_static_addresses_of_switches_are_saved() {
    same_after(&["s1 ovs-vsctl set port h1 tag=7 other_config:a=b -- set bridge br0 rstp_enable=true"]);
    same_after(&["s1 ovs-vsctl set port h1 trunks=5,6", "s1 ovs-vsctl set Open_vSwitch . other_config:vlan-limit=2"]);
    same_after(&["s1 ovs-vsctl set port br0 tag=9 -- set interface br0 external_ids:x=\"a 'b'\""]);
    same_after(&["s1 ovs-vsctl add-port br0 v1 tag=3 -- set interface v1 type=internal"]);
    same_after(&["s1 ovs-vsctl add-port br0 gone", "s1 ovs-vsctl set interface gone options:a=b"]);
    same_after(&["s1 ovs-vsctl add-br br1 -- add-port br1 p1 -- set interface p1 type=patch options:peer=p0"]);
    same_after(&[
        "s1 ovs-vsctl set bridge br0 flood_vlans=3,4 fail_mode=secure",
        "s1 ovs-ofctl add-flow br0 ip,actions=2",
    ]);
    same_after(&["s1 ovs-ofctl add-flow br0 'cookie=7,priority=5,ip,nw_src=10.0.0.1,actions=mod_vlan_vid:3,output:2'"]);
    same_after(&["s1 ovs-ofctl del-flows br0", "s1 ovs-ofctl add-flow br0 table=1,arp,actions=drop"]);
    same_after(&[
        "s1 ovs-appctl fdb/add br0 h2 5 00:00:00:00:00:07",
        "s1 ovs-appctl fdb/add br0 br0 0 00:00:00:00:00:08",
    ]);
    same_after(&["s1 ovs-vsctl add-br fake br0 12 -- add-port fake inner -- set interface inner type=internal"]);
}

#[test]
fn ports_keep_their_openflow_numbers() {
    let text = same_after(&["s1 ovs-vsctl del-port h2", "s1 ovs-ofctl add-flow br0 in_port=3,actions=output:4"]);
    assert!(text.contains("ofport_request = 3"), "{text}");
    let text = same_after(&["s1 ovs-vsctl del-port h1 -- add-port br0 h1"]);
    assert!(text.contains("h1 = { ofport_request = 1, to = \"h1\" }"), "it is the last row and the first port: {text}");
    same_after(&["s1 ovs-vsctl set interface h2 ofport_request=77"]);
}

#[test]
fn what_no_table_can_say_is_saved_as_lines_of_setup() {
    let bond = "s1 ovs-vsctl del-port h2 -- del-port s2 -- add-bond br0 bond0 h2 s2 bond_mode=active-backup tag=4";
    let text = same_after(&[bond]);
    assert!(
        text.contains("\novs-vsctl -- add-bond br0 bond0 h2 s2 \\\n  -- set Port bond0 bond_mode=active-backup tag=4"),
        "{text}"
    );
    same_after(&[bond, "s1 ovs-vsctl del-bond-iface s2"]);
    same_after(&[
        "s1 ovs-vsctl -- --id=@p get port h1 -- --id=@m create mirror name=m0 select_all=true output_port=@p \
         -- set bridge br0 mirrors=@m",
    ]);
    same_after(&[
        "s2 ovs-vsctl set port s1 qos=@q -- --id=@q create qos type=linux-htb other_config:max-rate=1000 queues=0=@a \
         -- --id=@a create queue dscp=3 other_config:min-rate=7",
    ]);
    same_after(&["s3 ovs-vsctl del-br left", "s3 ovs-vsctl set-controller right tcp:127.0.0.1:6653"]);
    same_after(&["s3 ovs-vsctl del-br left -- del-br right"]);
    same_after(&["s3 ovs-vsctl add-br br0 -- del-port a -- add-port br0 a tag=2"]);
    same_after(&["s3 ovs-vsctl add-br odd/name -- add-port odd/name some:port"]);
}

#[test]
fn events_that_have_happened_are_not_saved_and_those_to_come_keep_their_distance() {
    let text = "[hosts]\nh1 = {}\nh2 = { to = \"h1\" }\n[[events]]\nat = \"1s\"\ndo = \"link h1 loss 5%\"\n\
                [[events]]\nat = \"2500ms\"\ndo = \"h1 ping 'h2' -c 1\"\n";
    let mut session = session(text);
    session.run(End::At(sim_core::Time::from_secs(2)));
    let text = session.save();
    assert!(text.contains("loss = \"5%\"") && !text.contains("link h1 loss"), "{text}");
    assert!(text.contains("at = \"500ms\"\ndo = \"h1 ping h2 -c 1\""), "{text}");
}

#[test]
fn generated_labs_are_saved_as_labs_that_save_themselves() {
    for pattern in [
        Pattern::Tree { depth: 2, fanout: 3 },
        Pattern::Torus { x: 3, y: 3, hosts: 2 },
        Pattern::LeafSpine { leaves: 3, spines: 2, hosts: 2 },
    ] {
        let text = generate(pattern).expect("the pattern is a lab");
        let mut before = session(&text);
        let mut after = session(&saved(&before));
        assert_eq!(tell(&mut after, "net"), tell(&mut before, "net"));
    }
}

#[test]
fn only_who_types_it_can_have_a_file_written() {
    let mut typed = session("[hosts]\nh1 = {}\n");
    assert_eq!(tell(&mut typed, "save"), typed.save());
    assert_eq!(typed.take_request(), None);
    assert_eq!(tell(&mut typed, "save /tmp/x.toml"), "");
    let text = typed.save();
    assert_eq!(typed.take_request(), Some(Request::Save { file: "/tmp/x.toml".to_owned(), text }));
    for line in ["save /tmp/x.toml", "save", "exit", "h1 console"] {
        let text = format!("[hosts]\nh1 = {{}}\n[[events]]\nat = \"1s\"\ndo = \"{line}\"\n");
        let mistakes = parse("x.toml", &text, &[]).expect_err("no event may do that");
        assert!(mistakes.iter().any(|mistake| mistake.message.contains("no event")), "{mistakes:?}");
    }
}
