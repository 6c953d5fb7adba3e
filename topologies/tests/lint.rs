//! Every rule of the linter on a lab that breaks it and on a nearby one that doesn't.

use std::path::Path;
use topologies::lint::{RULES, lint, lint_text};

/// The rules that a lab breaks, with the lines and the texts.
#[track_caller]
fn findings(text: &str) -> Vec<(&'static str, u32, String)> {
    let linted = lint_text("f.toml", text, &[]).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    let all = linted.findings.into_iter();
    all.map(|found| (found.rule, found.diagnostic.line, found.diagnostic.to_string())).collect()
}

/// Checks that a lab breaks exactly one rule once: at this line, in these words.
#[track_caller]
fn breaks(rule: &str, line: u32, words: &[&str], text: &str) {
    let found = findings(text);
    assert_eq!(found.iter().map(|f| (f.0, f.1)).collect::<Vec<_>>(), [(rule, line)], "{found:#?}");
    for word in words.iter().chain(&["remedy: ", "warning: "]) {
        assert!(found[0].2.contains(word), "`{word}` is not in: {}", found[0].2);
    }
}

/// Checks that nothing looks wrong in a lab.
#[track_caller]
fn is_clean(text: &str) {
    assert_eq!(findings(text), []);
}

const TWO_HOSTS: &str = "[hosts]\nh1 = \"10.0.0.1/24\"\nh2 = \"10.0.0.2/24\"\n";

#[test]
fn open_trunk() {
    let lab = |b: &str| {
        format!(
            "{TWO_HOSTS}h3 = \"10.0.0.3/24\"\n[switches.s1.ports]\na = {{ tag = 9, to = \"h1\" }}\nb = {{ {b}to = \"h2\" }}\nc = {{ tag = 9, to = \"h3\" }}\n"
        )
    };
    breaks("open_trunk", 7, &["switches.s1.ports.b", "h2 hangs on s1:b", "tag = 10"], &lab(""));
    is_clean(&lab("tag = 9, "));
    is_clean(&format!("{TWO_HOSTS}[switches.s1.ports]\na = {{ to = \"h1\" }}\nb = {{ to = \"h2\" }}\n"));
}

#[test]
fn open_trunk_looks_across_trunks_and_not_behind_access_ports() {
    let lab = |mode: &str| {
        format!(
            "{TWO_HOSTS}h3 = \"10.0.0.3/24\"\n[switches.s1.ports]\na = {{ tag = 9, to = \"h1\" }}\nup = {{ {mode}to = \"s2:up\" }}\n\
             c = {{ tag = 9, to = \"h3\" }}\n[switches.s2.ports]\nup = {{}}\nb = {{ to = \"h2\" }}\n"
        )
    };
    breaks("open_trunk", 11, &["h2 hangs on s2:b"], &lab(""));
    is_clean(&lab("tag = 9, "));
}

#[test]
fn a_setup_line_that_gives_the_port_its_tag_counts() {
    let lab = |line: &str| {
        format!(
            "{TWO_HOSTS}[switches.s1]\nsetup = '''\n{line}\n'''\n[switches.s1.ports]\na = {{ tag = 9, to = \"h1\" }}\n\
             b = {{ to = \"h2\" }}\n"
        )
    };
    is_clean(&lab("ovs-vsctl set port b tag=9"));
    assert_eq!(findings(&lab("ovs-vsctl set port b other_config:x=1"))[0].0, "lone_vlan");
}

#[test]
fn native_vlan() {
    let lab = |near: &str, far: &str| {
        format!(
            "{TWO_HOSTS}h3 = \"10.0.0.3/24\"\nh4 = \"10.0.0.4/24\"\n[switches.s1.ports]\na = {{ tag = 10, to = \"h1\" }}\n\
             b = {{ tag = 20, to = \"h2\" }}\nup = {{ {near}, to = \"s2:up\" }}\n[switches.s2.ports]\n\
             up = {{ {far} }}\nc = {{ tag = 10, to = \"h3\" }}\nd = {{ tag = 20, to = \"h4\" }}\n"
        )
    };
    let native = |mode: &str, tag: u16| format!("vlan_mode = \"{mode}\", tag = {tag}, trunks = [10, 20]");
    let words = ["s1:up - s2:up", "VLAN 10 at s1:up", "VLAN 20 at s2:up", "one `tag`"];
    breaks("native_vlan", 9, &words, &lab(&native("native-untagged", 10), &native("native-untagged", 20)));
    breaks("native_vlan", 9, &words, &lab(&native("native-tagged", 10), &native("native-tagged", 20)));
    breaks(
        "native_vlan",
        9,
        &["VLAN 10 at s1:up and refused at s2:up"],
        &lab(&native("native-untagged", 10), "trunks = [10, 20]"),
    );
    breaks(
        "native_vlan",
        9,
        &["refused at s1:up and VLAN 10 at s2:up"],
        &lab("trunks = [10, 20]", &native("native-untagged", 10)),
    );
    is_clean(&lab(&native("native-untagged", 10), &native("native-untagged", 10)));
    is_clean(&lab(&native("native-tagged", 10), "trunks = [10, 20]"));
    // What flows make of a frame is theirs.
    let steered = "[switches.s2]\nsetup = \"ovs-vsctl set-fail-mode br0 secure\"\n";
    is_clean(&(lab(&native("native-untagged", 10), &native("native-untagged", 20)) + steered));
}

#[test]
fn native_vlan_of_two_access_ports() {
    let lab = |far: u16| {
        format!(
            "{TWO_HOSTS}[switches.s1.ports]\na = {{ tag = 10, to = \"h1\" }}\nup = {{ tag = 10, to = \"s2:up\" }}\n\
             [switches.s2.ports]\nup = {{ tag = {far} }}\nb = {{ tag = {far}, to = \"h2\" }}\n"
        )
    };
    breaks("native_vlan", 6, &["the two VLANs become one"], &lab(20));
    is_clean(&lab(10));
}

#[test]
fn one_sided_trunk() {
    let lab = |far: &str| {
        format!(
            "{TWO_HOSTS}h3 = \"10.0.0.3/24\"\nh4 = \"10.0.0.4/24\"\n[switches.s1.ports]\na = {{ tag = 10, to = \"h1\" }}\n\
             b = {{ tag = 20, to = \"h2\" }}\nup = {{ trunks = [10, 20], to = \"s2:up\" }}\n[switches.s2.ports]\n\
             up = {{ {far} }}\nc = {{ tag = 10, to = \"h3\" }}\nd = {{ tag = 20, to = \"h4\" }}\n"
        )
    };
    breaks("one_sided_trunk", 11, &["s1:up carries VLAN 20 and s2:up", "add 20"], &lab("trunks = [10]"));
    breaks("one_sided_trunk", 11, &["s2:up is an access port of VLAN 10", "s1:up", "tag = 10"], &lab("tag = 10"));
    is_clean(&lab("trunks = [10, 20]"));
    is_clean(&lab(""));
}

#[test]
fn lone_vlan() {
    let lab = |b: &str| {
        format!(
            "{TWO_HOSTS}h3 = \"10.0.0.3/24\"\n[switches.s1.ports]\na = {{ tag = 10, to = \"h1\" }}\nb = {{ {b}, to = \"h2\" }}\n\
             c = {{ tag = 10, to = \"h3\" }}\n"
        )
    };
    breaks("lone_vlan", 7, &["s1:b is in VLAN 11", "nothing else"], &lab("tag = 11"));
    breaks(
        "lone_vlan",
        7,
        &["s1:b carries VLAN 11, 12, which no access port is in"],
        &lab("vlan_mode = \"native-untagged\", tag = 10, trunks = [11, 12]"),
    );
    is_clean(&lab("tag = 10"));
    is_clean(&(lab("tag = 11") + "[[checks]]\napart = [\"h1\", \"h2\"]\n"));
}

#[test]
fn gateway() {
    let lab = |gateway: &str, router: &str| {
        format!(
            "[hosts]\nr = \"10.0.0.254/24\"\n[hosts.h1]\nip = \"10.0.0.1/24\"\ngateway = \"{gateway}\"\n\
             [switches.s1.ports]\na = {{ tag = 9, to = \"h1\" }}\nb = {{ tag = {router}, to = \"r\" }}\n\
             c = {{ tag = 9, to = \"hub\" }}\nd = {{ tag = 10, to = \"hub:2\" }}\n[hubs]\nhub = {{}}\n"
        )
    };
    let without_hub = |gateway: &str, router: &str| {
        let lab = lab(gateway, router);
        let end = lab.find("c = ").expect("it has a hub");
        lab[..end].to_owned() + "[[checks]]\napart = [\"h1\", \"r\"]\n"
    };
    breaks(
        "gateway",
        5,
        &["hosts.h1.gateway", "10.1.0.254 is in no subnet of h1", "no_route"],
        &lab("10.1.0.254", "9"),
    );
    breaks("gateway", 5, &["no node of the lab has the address 10.0.0.253"], &lab("10.0.0.253", "9"));
    breaks(
        "gateway",
        5,
        &["10.0.0.254 is r:eth0, which isn't in one broadcast domain"],
        &without_hub("10.0.0.254", "10"),
    );
    is_clean(&lab("10.0.0.254", "9"));
    // Over the hub the two VLANs are one.
    is_clean(&lab("10.0.0.254", "10"));
}

#[test]
fn gateway_says_nothing_where_flows_decide() {
    let lab = |setup: &str| {
        format!(
            "[hosts]\nr = \"10.0.0.254/24\"\nh1 = {{ ip = \"10.0.0.1/24\", gateway = \"10.0.0.254\" }}\n[switches.s1]\n\
             setup = \"{setup}\"\n[switches.s1.ports]\na = {{ tag = 9, to = \"h1\" }}\nb = {{ tag = 10, to = \"r\" }}\n\
             [[checks]]\napart = [\"h1\", \"r\"]\n"
        )
    };
    breaks("gateway", 3, &["broadcast domain"], &lab("ovs-vsctl show"));
    is_clean(&lab("ovs-ofctl add-flow br0 actions=normal"));
}

#[test]
fn next_hops_of_routes_are_gateways_too() {
    let lab = |via: &str| {
        format!(
            "[switches.s1.ports]\na = {{ to = \"h1\" }}\nb = {{ to = \"r\" }}\n[hosts]\nr = \"10.0.0.254/24\"\n[hosts.h1]\n\
             ip = \"10.0.0.1/24\"\nroutes = [\n  {{ to = \"10.2.0.0/16\", via = \"{via}\" }},\n]\n"
        )
    };
    breaks("gateway", 9, &["hosts.h1.routes[0].via", "10.9.0.1 is in no subnet"], &lab("10.9.0.1"));
    is_clean(&lab("10.0.0.254"));
}

#[test]
fn mtu() {
    let lab = |trunk: &str, link: &str| {
        format!(
            "[hosts]\nh1 = {{ ip = \"10.0.0.1/24\", mtu = 9000 }}\nh2 = {{ ip = \"10.0.0.2/24\", mtu = 9000 }}\n\
             [switches.s1.ports]\nup = {{ to = \"s2:up\"{trunk} }}\nh1 = {{ to = \"h1\"{link} }}\n[switches.s2.ports]\nup = {{}}\n\
             h2 = {{ to = \"h2\", mtu = 9000 }}\n"
        )
    };
    breaks(
        "mtu",
        5,
        &["h1:eth0 sends packets of up to 9000", "s1:up - s2:up takes 1500", "mtu_exceeded"],
        &lab("", ", mtu = 9000"),
    );
    breaks("mtu", 6, &["the link s1:h1 - h1:eth0 takes 1500"], &lab(", mtu = 9000", ""));
    is_clean(&lab(", mtu = 9000", ", mtu = 9000"));
    // Nobody is there to be sent to.
    is_clean("[hosts]\nh1 = { ip = \"10.0.0.1/24\", mtu = 9000 }\n[switches.s1.ports]\nh1 = { to = \"h1\" }\n");
}

#[test]
fn overlay_mtu() {
    let lab = |ty: &str, options: &str, mtu: u32| {
        format!(
            "[hosts]\nvm = \"192.168.0.1/24\"\npeer = \"192.168.0.2/24\"\ncore = \"10.0.0.2/24\"\nedge = \"10.0.0.3/24\"\n[switches.s1.bridges.br-int.ports]\n\
             vm = {{ to = \"vm\" }}\npeer = {{ to = \"peer\" }}\ntun = {{ type = \"{ty}\", options = {{ {options} }} }}\n[switches.s1.bridges.br-phy.ports]\n\
             uplink = {{ to = \"core\", mtu = {mtu} }}\nedge = {{ to = \"edge\", mtu = 9000 }}\n"
        )
    };
    let v4 = "remote_ip = \"10.0.0.2\"";
    breaks(
        "overlay_mtu",
        11,
        &["50 bytes of headers in the tunnel s1:tun", "1550 together", "mtu = 1550"],
        &lab("vxlan", v4, 1500),
    );
    is_clean(&lab("vxlan", v4, 1550));
    breaks("overlay_mtu", 11, &["38 bytes"], &lab("gre", v4, 1537));
    breaks("overlay_mtu", 11, &["42 bytes"], &lab("gre", "remote_ip = \"10.0.0.2\", key = 1", 1541));
    breaks("overlay_mtu", 11, &["70 bytes"], &lab("geneve", "remote_ip = \"2001:db8::2\"", 1569));
    is_clean(&lab("gre", v4, 1538));
}

#[test]
fn intent() {
    let lab = |checks: &str| {
        format!(
            "[switches.s1.ports]\na = {{ to = \"h1\" }}\nb = {{ to = \"h2\" }}\n{TWO_HOSTS}[[checks]]\nping = {{ from = \"h1\", to = \"h2\" }}\n{checks}"
        )
    };
    let again = "[[checks]]\nping = { from = \"h1\", to = \"h2\" }\n";
    breaks("intent", 10, &["says what \"ping h1 h2\" (line 8) says already"], &lab(again));
    breaks(
        "intent",
        8,
        &["is part of what \"reach h1 h2\" (line 10) says"],
        &lab("[[checks]]\nreach = [\"h1\", \"h2\"]\n"),
    );
    let contradicts = ["contradicts \"ping h1 h2\" (line 8) about h1 and h2", "one of the two fails"];
    breaks("intent", 10, &contradicts, &lab("[[checks]]\napart = [\"h1\", \"h2\"]\n"));
    breaks(
        "intent",
        10,
        &contradicts,
        &lab("[[checks]]\nping = { from = \"h1\", to = \"h2\", expect = \"unreachable\" }\n"),
    );
    is_clean(&lab("[[checks]]\nping = { from = \"h2\", to = \"h1\" }\n"));
    is_clean(&lab("[[checks]]\nping = { from = \"h1\", to = \"h2\" }\nat = \"9s\"\n"));
    is_clean(&lab(&format!("[[checks]]\nframes = {{ link = \"h1:eth0\" }}\n{again}")));
    is_clean(&lab(&format!("{again}[[events]]\nat = \"0s\"\ndo = \"link h1:eth0 down\"\n")));
}

#[test]
fn hosts_of_different_subnets_may_be_routed_and_apart() {
    is_clean(
        "[switches.s1.ports]\na = { tag = 1, to = \"h1\" }\nb = { tag = 2, to = \"h2\" }\nr1 = { tag = 1, to = \"r\" }\n\
         r2 = { tag = 2, to = \"r:eth1\" }\n[hosts.h1]\nip = \"10.0.1.1/24\"\ngateway = \"10.0.1.254\"\n[hosts.h2]\nip = \"10.0.2.1/24\"\n\
         gateway = \"10.0.2.254\"\n[hosts.r.interfaces]\neth0 = \"10.0.1.254/24\"\neth1 = \"10.0.2.254/24\"\n\
         [[checks]]\nping = { from = \"h1\", to = \"h2\" }\n[[checks]]\napart = [\"h1\", \"h2\"]\n",
    );
}

const TRIANGLE: &str = "[switches.s1.ports]\nright = { to = \"s2:left\" }\nh1 = { to = \"h1\" }\n[switches.s2.ports]\nleft = {}\n\
     right = { to = \"s3:left\" }\nh2 = { to = \"h2\" }\n[switches.s3.ports]\nleft = {}\nright = { to = \"s1:left\" }\n\
     [hosts]\nh1 = \"10.0.0.1/24\"\nh2 = \"10.0.0.2/24\"\n";

#[test]
fn spanning_tree() {
    let links = [
        "s1:right - s2:left",
        "s2:right - s3:left",
        "s3:right - s1:left",
        "rstp_enable = true on s1, s2, s3",
        "up = false",
    ];
    breaks("spanning_tree", 2, &links, TRIANGLE);
    let tree = |switches: &[u8]| {
        switches.iter().fold(TRIANGLE.to_owned(), |lab, s| {
            lab.replace(
                &format!("[switches.s{s}.ports]"),
                &format!("[switches.s{s}]\nrstp_enable = true\n[switches.s{s}.ports]"),
            )
        })
    };
    is_clean(&tree(&[1, 2, 3]));
    let found = findings(&tree(&[1, 2]));
    assert!(found[0].2.contains("rstp_enable = true on s3,"), "s3 drops the others' BPDUs: {found:?}");
    is_clean(&TRIANGLE.replace("to = \"s1:left\"", "to = \"s1:left\", up = false"));
}

#[test]
fn a_loop_is_of_one_vlan() {
    let lab = |second: &str| {
        format!(
            "{TWO_HOSTS}h3 = \"10.0.0.3/24\"\nh4 = \"10.0.0.4/24\"\n[switches.s1.ports]\na = {{ tag = 10, to = \"h1\" }}\nb = {{ tag = 20, to = \"h2\" }}\n\
             one = {{ trunks = [10], to = \"s2:one\" }}\ntwo = {{ trunks = [{second}], to = \"s2:two\" }}\n\
             [switches.s2.ports]\none = {{ trunks = [10] }}\ntwo = {{ trunks = [{second}] }}\nc = {{ tag = 10, to = \"h3\" }}\nd = {{ tag = 20, to = \"h4\" }}\n"
        )
    };
    is_clean(&lab("20"));
    breaks("spanning_tree", 9, &["VLAN 10", "s1:one - s2:one", "s1:two - s2:two"], &lab("10, 20"));
}

#[test]
fn a_switch_on_one_hub_with_two_ports_is_a_loop() {
    let lab = |stp: bool| {
        format!(
            "{TWO_HOSTS}[hubs]\nhub = {{}}\n[switches.s1]\nstp_enable = {stp}\n[switches.s1.ports]\na = {{ to = \"h1\" }}\nb = {{ to = \"h2\" }}\n\
             c = {{ to = \"hub\" }}\nd = {{ to = \"hub\" }}\n"
        )
    };
    breaks("spanning_tree", 11, &["s1:c - hub:1", "s1:d - hub:2"], &lab(false));
    is_clean(&lab(true));
}

#[test]
fn lone_subnet() {
    let lab = |h2: &str| {
        format!(
            "[switches.s1.ports]\na = {{ to = \"h1\" }}\nb = {{ to = \"h2\" }}\nc = {{ to = \"h3\" }}\n[hosts]\nh1 = \"10.0.0.1/24\"\nh2 = \"{h2}\"\nh3 = \"10.0.0.3/24\"\n"
        )
    };
    breaks("lone_subnet", 7, &["hosts.h2", "10.0.1.0/24", "h2:eth0"], &lab("10.0.1.2/24"));
    is_clean(&lab("10.0.0.2/24"));
    // An address that is a subnet of its own is meant to be one.
    is_clean(&lab("10.0.0.2/24").replace("h1 = \"10.0.0.1/24\"", "h1 = { ip = [\"10.0.0.1/24\", \"10.9.9.9/32\"] }"));
    is_clean(&(lab("10.0.1.2/24") + "[[checks]]\nping = { from = \"h1\", to = \"h2\", expect = \"unreachable\" }\n"));
}

#[test]
fn vacuous() {
    let lab = |check: &str| {
        format!(
            "[switches.s1.ports]\na = {{ to = \"h1\" }}\nb = {{ to = \"h2\" }}\n[switches.s2.ports]\nc = {{ to = \"h3\" }}\n{TWO_HOSTS}h3 = \"10.0.0.3/24\"\n\
             [[checks]]\n{check}\n"
        )
    };
    breaks(
        "vacuous",
        11,
        &["checks[0].reach", "can't pass", "from h1 to h3"],
        &lab("reach = [\"h1\", \"h2\", \"h3\"]"),
    );
    breaks("vacuous", 11, &["passes whatever the switches do", "from h1 to h3"], &lab("apart = [\"h1\", \"h3\"]"));
    breaks("vacuous", 11, &["every number is at least 0"], &lab("drops = { min = 0 }"));
    is_clean(&lab("reach = [\"h1\", \"h2\"]"));
    is_clean(&lab("apart = [\"h1\", \"h2\", \"h3\"]"));
    is_clean(&lab("drops = { min = 0, max = 0 }"));
}

#[test]
fn late_event() {
    let lab = |at: &str| {
        format!(
            "[switches.s1.ports]\na = {{ to = \"h1\" }}\nb = {{ to = \"h2\" }}\n{TWO_HOSTS}[[events]]\nat = \"{at}\"\ndo = \"link h1:eth0 down\"\n\
             [[checks]]\nping = {{ from = \"h1\", to = \"h2\" }}\n[[checks]]\ndrops = {{ max = 0 }}\nwithin = \"2s\"\n"
        )
    };
    breaks("late_event", 8, &["events[0].at", "at 8.000000000 s", "ends at 7.000000000 s"], &lab("8s"));
    is_clean(&lab("7s"));
}

#[test]
fn of_the_examples_only_the_loop_is_pointed_out() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut files: Vec<_> =
        directory.read_dir().expect("it is there").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() >= 8);
    for file in files {
        let linted = lint(&file, &[]).unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
        let found: Vec<(&str, u32)> = linted.findings.iter().map(|f| (f.rule, f.diagnostic.line)).collect();
        let expected: &[(&str, u32)] =
            if file.ends_with("broadcast-loop.toml") { &[("spanning_tree", 13)] } else { &[] };
        assert_eq!(found, expected, "{}: {:#?}", file.display(), linted.findings);
    }
}

#[test]
fn every_rule_has_a_test_of_its_name() {
    let tests = include_str!("lint.rs");
    for rule in RULES {
        assert!(tests.contains(&format!("\nfn {}() {{", rule.name)), "{}", rule.name);
    }
}

#[test]
fn generated_labs_of_a_thousand_switches_are_linted_at_once() {
    let pattern = topologies::Pattern::Linear { switches: 1000, hosts: 2 };
    let text = topologies::generate(pattern).expect("it is small enough");
    is_clean(&text);
}
