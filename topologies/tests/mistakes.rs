//! Every rule of the lab file broken once: where the mistake is reported, and what is said of it.

use std::path::Path;
use topologies::{Diagnostic, Override, Severity, load, parse};

/// The errors of a text that must be wrong.
#[track_caller]
fn mistakes(text: &str) -> Vec<Diagnostic> {
    mistakes_with(text, &[])
}

#[track_caller]
fn mistakes_with(text: &str, overrides: &[Override]) -> Vec<Diagnostic> {
    let all = parse("f.toml", text, overrides).map(|loaded| loaded.lab.nodes().len()).expect_err(text);
    all.into_iter().filter(|d| d.severity == Severity::Error).collect()
}

/// Checks that a text has exactly one error, its place, and words of its message and remedy.
#[track_caller]
fn check(text: &str, line: u32, column: u32, words: &[&str]) {
    let errors = mistakes(text);
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 1, "{}", all.join("\n"));
    assert_eq!((errors[0].line, errors[0].column), (line, column), "{}", all[0]);
    for word in words {
        assert!(all[0].contains(word), "`{word}` is not in: {}", all[0]);
    }
    assert!(!errors[0].remedy.is_empty(), "{}", all[0]);
}

#[test]
fn a_diagnostic_names_file_line_column_key_and_remedy() {
    let mistakes = mistakes("[hosts]\nh1 = { ip = \"10.0.0.1/8\", mut = 1500 }\n");
    assert_eq!(
        mistakes[0].to_string(),
        "f.toml:2:27: error: `hosts.h1.mut`: unknown key `mut`\n  remedy: did you mean `mtu`?"
    );
}

#[test]
fn syntax() {
    check("[hosts\nh1 = {}\n", 1, 7, &["unclosed table"]);
    check("[hosts]\nh1 = 10.0.0.1/8\n", 2, 10, &["quotes"]);
    check("[hosts]\nh1 = {}\nh1 = {}\n", 3, 1, &["duplicate key", "keep one"]);
    check(&format!("[hosts]\nh1 = {}1{}\n", "[".repeat(200), "]".repeat(200)), 2, 86, &["recursion", "80 levels"]);
}

#[test]
fn empty_files() {
    check("", 1, 1, &["empty", "[hosts]"]);
    check(" \n\t\n", 1, 1, &["empty"]);
    check("name = \"x\"\n", 1, 1, &["no nodes", "[hosts]"]);
    check("# nothing\n", 1, 1, &["no nodes"]);
}

#[test]
fn top_level() {
    check("[host]\nh1 = {}\n[hosts]\nh2 = {}\n", 1, 2, &["unknown key `host`", "`hosts`"]);
    check("nodes = 1\n[hosts]\nh2 = {}\n", 1, 1, &["unknown key `nodes`", "known keys: switches, hosts"]);
    check("name = 5\n[hosts]\nh1 = {}\n", 1, 8, &["must be a string, not an integer"]);
    check("seed = -1\n[hosts]\nh1 = {}\n", 1, 8, &["-1 is out of range", "at least 0"]);
    check("seed = 1.5\n[hosts]\nh1 = {}\n", 1, 8, &["must be an integer"]);
    check("overlapping_addresses = 1\n[hosts]\nh1 = {}\n", 1, 25, &["true or false"]);
    check("hosts = 5\n", 1, 9, &["must be a table"]);
    check("vlans.a = 4096\n[hosts]\nh1 = {}\n", 1, 11, &["4096 is out of range", "0 to 4095"]);
    check("vlans.a = \"10\"\n[hosts]\nh1 = {}\n", 1, 11, &["a number from 0 to 4095"]);
}

#[test]
fn kinds_that_this_build_does_not_run() {
    for kind in ["routers", "nics", "taps", "namespaces", "vms", "controllers"] {
        check(
            &format!("[{kind}.x]\n[hosts]\nh1 = {{ to = \"x:1\" }}\n"),
            1,
            2,
            &[kind, "not available", "switches, hosts, hubs, servers"],
        );
    }
    check("[hosts]\nh1 = { dhcp = true }\n", 2, 8, &["DHCP is not available", "`ip`"]);
    check("[switches.s1]\nflows = \"f.txt\"\n", 2, 9, &["`f.txt`", "this lab is no file"]);
    check("[switches.s1]\nflows = \"/etc/passwd\"\n", 2, 9, &["leads away from the lab file"]);
    check("[switches.s1]\nflows = \"a/../../f.txt\"\n", 2, 9, &["leads away from the lab file"]);
    assert!(parse("f", "[hosts]\nh1 = { dhcp = false, run = [] }\n", &[]).is_ok());
}

#[test]
fn servers() {
    let server = |keys: &str| format!("[servers.v1]\n{keys}\n[hosts]\nh1 = {{}}\n");
    check(&server("nic = 1"), 2, 1, &["unknown key `nic`", "did you mean `nics`?"]);
    check(&server("nics.eth0 = \"10.1.1.3\""), 2, 13, &["no prefix length"]);
    check(&server("nics.eth0 = { to = \"h1\", gateway = \"10.0.0.1\" }"), 2, 26, &["unknown key `gateway`"]);
    check(&server("setup = \"rm -rf /\""), 2, 9, &["`rm` is no tool that runs here", "ovs-vsctl"]);
    let bridge = "nics.eth0 = {}\nbridges.br1.ports.eth0 = { to = \"h1\" }";
    check(&server(bridge), 3, 28, &["`eth0` is a NIC", "nics.eth0"]);
    check("[servers.v1]\n[hosts]\nh1 = { to = \"v1\" }\n", 3, 8, &["a server without an eth0", "name the port"]);
    let address = "[servers.v1]\nnics.eth0 = \"10.0.0.1/8\"\n[hosts]\nh1 = { to = \"v1:tap0\" }\n";
    check(address, 4, 1, &["10.0.0.1 already (line 2, column 13)"]);
}

#[test]
fn services() {
    check("[hosts]\nh1 = { run = [\"htp 80\"] }\n", 2, 15, &["`htp` is no tool", "did you mean `http`?"]);
    check("[hosts]\nh1 = { run = [\"\"] }\n", 2, 15, &["says nothing"]);
    check("[hosts]\nh1 = { setup = \"ovs-vsctl show\" }\n", 2, 16, &["`ovs-vsctl` is no tool"]);
    let at = |keys: &str, place: &str, expect: &[&str]| {
        let column = keys.find(place).expect("the place is in the line") as u32 + 1;
        check(&format!("[hosts]\nh1 = {{}}\nh2 = {{}}\n[[checks]]\n{keys}\n"), 5, column, expect);
    };
    at("tcp = { from = \"h1\", to = \"h2\" }", "tcp", &["lacks `port`"]);
    at("tcp = { from = \"h1\", to = \"h2\", port = 0 }", "0 }", &["1", "65535"]);
    at(
        "udp = { from = \"h1\", to = \"h2\", port = 7, expect = \"refused\" }",
        "\"refused",
        &["reachable", "unreachable"],
    );
    at("http = { from = \"h1\", url = \"ftp://h2/\" }", "\"ftp", &["no URL", "http://HOST"]);
    at("http = { from = \"h1\", url = \"http://h3/\" }", "\"http://h3", &["no node called `h3`"]);
    at("throughput = { from = \"h1\", to = \"h1\" }", "\"h1\" }", &["sends to itself"]);
    at("throughput = { from = \"h1\", to = \"h2\", rate = \"1Mbit\" }", "\"1Mbit", &["TCP finds its rate"]);
    at("throughput = { from = \"h1\", to = \"h2\", for = \"0s\" }", "\"0s", &["nothing can be measured"]);
    at("throughput = { from = \"h1\", to = \"h2\", min = \"2Mbit\", max = \"1Mbit\" }", "\"1Mbit", &["at least `min`"]);
}

#[test]
fn names() {
    check("[hosts]\n\"a:b\" = \"10.0.0.1/8\"\n", 2, 1, &["contains ':'", "without ':', '/' or blanks"]);
    check("[hosts]\n\"a/b\" = \"10.0.0.1/8\"\n", 2, 1, &["contains '/'"]);
    check("[hosts]\n\"a b\" = \"10.0.0.1/8\"\n", 2, 1, &["contains ' '"]);
    check("[hosts]\n\"\" = \"10.0.0.1/8\"\n", 2, 1, &["is empty"]);
    check(&format!("[hosts]\n{} = \"10.0.0.1/8\"\n", "x".repeat(65)), 2, 1, &["more than 64 characters"]);
    assert!(parse("f", &format!("[hosts]\n{} = \"10.0.0.1/8\"\n", "x".repeat(64)), &[]).is_ok());
    check("[hosts]\nall = \"10.0.0.1/8\"\n", 2, 1, &["`all`", "something else"]);
    check("[hosts]\nx = \"10.0.0.1/8\"\n[hubs.x]\n", 3, 7, &["already (line 2, column 1)"]);
    check("[switches.s1.ports]\n\"a b\" = { type = \"internal\" }\n", 2, 1, &["a port contains ' '"]);
    check("[switches.s1.ports]\nvlan10.1 = { tag = 9 }\n", 2, 8, &["unknown key `1`", "needs quotes"]);
    check("[hosts]\nh2.x = \"10.0.0.1/8\"\nh1 = {}\n", 2, 4, &["unknown key `x`", "needs quotes"]);
}

#[test]
fn columns() {
    let port = |columns: &str| format!("[switches.s1.ports]\np = {{ type = \"internal\", {columns} }}\n");
    check(&port("tga = 9"), 2, 26, &["unknown key `tga`", "`tag`"]);
    check(&port("tag = 4096"), 2, 32, &["4096 is out of range", "0 to 4095"]);
    check(&port("tag = -1"), 2, 32, &["-1 is out of range"]);
    check(&port("tag = true"), 2, 32, &["must be a VLAN, not a boolean"]);
    check(&port("tag = \"admin\""), 2, 32, &["no VLAN called `admin`", "[vlans]"]);
    check(&format!("vlans.admin = 10\n{}", port("trunks = [1, \"amdin\"]")), 3, 39, &["trunks[1]", "`admin`"]);
    check(&port("cvlans = [1, 5000]"), 2, 39, &["5000 is out of range"]);
    check(&port("tag = 1, trunks = [2]"), 2, 35, &["needs a `vlan_mode`", "native-untagged"]);
    check(
        &port("vlan_mode = \"native-taged\""),
        2,
        38,
        &["`native-taged`", "did you mean `native-tagged`?", "dot1q-tunnel"],
    );
    check(
        &port("vlan_mode = \"x\""),
        2,
        38,
        &["use one of: trunk, access, native-tagged, native-untagged, dot1q-tunnel"],
    );
    check(&port("protected = 1"), 2, 38, &["true or false"]);
    check(&port("other_config = 1"), 2, 41, &["must be a table"]);
    check(&port("other_config = { a = [1] }"), 2, 47, &["other_config.a", "must be a string"]);
    check(&port("name = \"x\""), 2, 26, &["leave it out"]);
    check(&port("statistics = {}"), 2, 26, &["status that the switch writes"]);
    check(&port("ofport = 5"), 2, 26, &["`ofport_request`"]);
    check(&port("qos = \"x\""), 2, 26, &["refers to a row of the table QoS", "`setup`"]);
    check(&port("ofport_request = 65280"), 2, 43, &["1 to 65279"]);
    check(&port("interface = { mak = \"x\" }"), 2, 40, &["`mac`"]);
    check(&port("mtu_request = 1400, interface = { mtu_request = 1500 }"), 2, 60, &["set already (line 2, column 26)"]);
    check("[switches.s1.ports]\np = { type = \"vxlann\" }\n", 2, 14, &["`vxlan`"]);
    check("[switches.s1]\nstp_enabel = true\n", 2, 1, &["unknown key `stp_enabel`", "`stp_enable`"]);
    check("[switches.s1]\nfail_mode = \"open\"\n", 2, 13, &["standalone, secure"]);
    check("[switches.s1]\ncontroller = []\n", 2, 1, &["refers to a row of the table Controller"]);
    check("[switches.s1]\nbridges.br1.prots = {}\n", 2, 13, &["`ports`"]);
    check(
        "[switches.s1]\nports.p = { type = \"internal\" }\nbridges.br0 = {}\n",
        3,
        9,
        &["br0's already (line 2, column 1)", "one of the two places"],
    );
    check(
        "[switches.s1]\nbridges.br1.ports.p = { type = \"internal\" }\nbridges.br2.ports.p = { type = \"internal\" }\n",
        3,
        19,
        &["already (line 2, column 19)"],
    );
    check("[switches.s1]\nbridges.br1.ports.br1 = {}\n", 2, 19, &["`br1` is a bridge"]);
    check("switches.s1 = 5\n", 1, 15, &["must be a table"]);
}

const PAIR: &str = "[switches.s1.ports]\np = { to = \"s2:p\" }\nq = {}\n[switches.s2.ports]\n";

#[test]
fn link_ends() {
    check(
        &format!("{PAIR}p = {{ to = \"s1:p\" }}\n"),
        5,
        7,
        &["both ends", "s2:p", "s1:p", "line 2, column 7", "leave `to` out"],
    );
    check(
        &format!("{PAIR}p = {{ to = \"s1:q\" }}\n"),
        5,
        7,
        &["s2:p has a link already", "s1:p to s2:p", "line 2, column 7"],
    );
    check(&format!("{PAIR}r = {{ to = \"s1:p\" }}\n"), 5, 7, &["s1:p has a link already"]);
    check(&format!("{PAIR}r = {{ to = \"s2:r\" }}\n"), 5, 7, &["linked to itself"]);
    check(
        &format!("{PAIR}r = {{ to = \"s3:r\" }}\n"),
        5,
        7,
        &["switches.s2.ports.r.to", "no node called `s3`", "`s1`"],
    );
    check(&format!("{PAIR}r = {{ to = \"s1\" }}\n"), 5, 7, &["`s1` is a switch", "s1:p"]);
    check(&format!("{PAIR}r = {{ to = \"s1:\" }}\n"), 5, 12, &["no end of a link", "NODE:PORT"]);
    check(&format!("{PAIR}r = {{ to = \":p\" }}\n"), 5, 12, &["no end of a link"]);
    check(&format!("{PAIR}r = {{ to = \"s1:a:b\" }}\n"), 5, 12, &["no end of a link"]);
    check(&format!("{PAIR}r = {{ to = \"s1:a b\" }}\n"), 5, 7, &["contains ' '"]);
    check(&format!("{PAIR}r = {{ to = \"s1:br0\" }}\n"), 5, 7, &["`br0` is a bridge"]);
    check(&format!("{PAIR}r = {{ to = 5 }}\n"), 5, 12, &["must be a string"]);
    check(
        "[switches.s1.ports]\np = { type = \"internal\" }\nq = { to = \"s1:p\" }\n",
        3,
        7,
        &["has a `type` (line 2, column 7)"],
    );
    check("[switches.s1.ports]\np = { type = \"internal\", to = \"s1:q\" }\n", 2, 26, &["no link's end", "leave out"]);
    check("[hosts]\nh1 = { to = \"h2:eth1\" }\nh2 = {}\n", 2, 8, &["h2 has no interface `eth1`", "`h2:eth0`"]);
    check(
        "[hosts]\nh1 = { to = \"h2:eth0.5\" }\nh2 = { interfaces.\"eth0.5\" = {} }\n",
        2,
        8,
        &["VLAN of eth0", "h2:eth0"],
    );
    check(
        "[hosts.h1.interfaces]\n\"eth0.5\" = { ip = \"10.0.0.1/8\", to = \"h2\" }\n[hosts.h2]\n",
        2,
        33,
        &["put the link's keys on eth0"],
    );
    check(
        "[hubs]\nb = { ports = 1 }\n[hosts]\nh1 = { to = \"b\" }\nh2 = { to = \"b\" }\n",
        5,
        8,
        &["all 1 ports", "more `ports`"],
    );
    check("[hubs]\nb = { ports = 1 }\n[hosts]\nh1 = { to = \"b:2\" }\n", 4, 8, &["ports 1 to 1"]);
    check("[hubs]\nb = { ports = 0 }\n", 2, 15, &["1 to 4096"]);
    check("[hubs]\nb = { to = \"h1\" }\n[hosts]\nh1 = {}\n", 2, 7, &["at its other end", "to = \"b\""]);
    check("[hubs]\nb = { port = 2 }\n", 2, 7, &["`ports`"]);
    check("[hubs]\nb = 2\n", 2, 5, &["must be a table"]);
}

#[test]
fn link_keys() {
    let key = |key: &str| format!("[switches.s1.ports]\np = {{ to = \"s2:p\", {key} }}\n[switches.s2]\n");
    check(&key("dealy = \"1ms\""), 2, 20, &["`delay`"]);
    check(&key("delay = 10"), 2, 28, &["has no unit", "ns, us, ms, s, m, h"]);
    check(&key("delay = \"10\""), 2, 28, &["`10` has no unit"]);
    check(&key("delay = \"10sec\""), 2, 28, &["`sec` is no unit", "ns, us, ms, s, m, h"]);
    check(&key("delay = true"), 2, 28, &["a string with a unit"]);
    check(&key("jitter = \"x\""), 2, 29, &["no number with a unit"]);
    check(&key("rate = \"10gbit\""), 2, 27, &["did you mean `Gbit`?"]);
    check(&key("rate = \"0bit\""), 2, 27, &["a rate of 0", "up = false"]);
    check(&key("loss = \"5\""), 2, 27, &["share of a hundred", "\"5%\""]);
    check(&key("loss = 0.05"), 2, 27, &["share of a hundred"]);
    check(&key("corrupt = \"101%\""), 2, 30, &["0 to 100"]);
    check(&key("queue = -1"), 2, 28, &["0 to 1000000"]);
    check(&key("queue = \"64kB\""), 2, 28, &["`kB` is no unit", "B, KiB, MiB"]);
    check(&key("mtu = 67"), 2, 26, &["68 to 65535"]);
    check(&key("up = 1"), 2, 25, &["true or false"]);
    check(&key("up = { out = false }"), 2, 25, &["both directions"]);
    check(&key("delay = { uot = \"1ms\" }"), 2, 30, &["unknown key `uot`", "`out`"]);
    check(&key("delay = { out = \"1x\" }"), 2, 36, &["delay.out", "`x` is no unit"]);
    check(
        "[switches.s1.ports]\np = { delay = \"1ms\" }\n",
        2,
        7,
        &["no `to` stands here", "the end that has `to`", "switches.s1.ports.p.delay"],
    );
    check("[hosts]\nh1 = { rate = \"1Gbit\" }\n", 2, 8, &["no `to` stands here"]);
}

#[test]
fn hosts() {
    let host = |value: &str| format!("[hosts]\nh1 = {value}\n");
    check(&host("5"), 2, 6, &["an address or a table", "10.0.0.1/8"]);
    check(&host("\"10.0.0.1\""), 2, 6, &["no prefix length", "\"10.0.0.1/24\""]);
    check(&host("\"10.0.0.1/33\""), 2, 6, &["10.0.0.1/33"]);
    check(&host("\"10.0.0/8\""), 2, 6, &["10.0.0/8"]);
    check(&host("{ ip = [\"10.0.0.1/8\", 5] }"), 2, 28, &["must be an address"]);
    check(&host("\"224.0.0.1/8\""), 2, 6, &["a group"]);
    check(&host("\"10.0.0.0/8\""), 2, 6, &["the subnet itself"]);
    check(&host("\"10.255.255.255/8\""), 2, 6, &["broadcast address"]);
    check(&host("\"127.0.0.1/8\""), 2, 6, &["loopback"]);
    check(&host("{ gateway = \"10.0.0.1/8\" }"), 2, 18, &["next hop", "without a prefix"]);
    check(&host("{ gateway = [\"10.0.0.1\", \"10.0.0.2\"] }"), 2, 31, &["one gateway for each family"]);
    check(&host("{ routes = [{ to = \"10.1.0.0/16\" }] }"), 2, 18, &["lacks `via`"]);
    check(
        &host("{ routes = [{ to = \"10.1.0.1/16\", via = \"10.0.0.1\" }] }"),
        2,
        25,
        &["bits behind its prefix", "10.1.0.0/16"],
    );
    check(&host("{ routes = [{ to = \"2001:db8::/32\", via = \"10.0.0.1\" }] }"), 2, 18, &["different families"]);
    check(&host("{ routes = { to = \"10.1.0.0/16\" } }"), 2, 17, &["must be an array"]);
    check(&host("{ mac = \"02:00\" }"), 2, 14, &["02:00:00:00:00:01"]);
    check(&host("{ mac = \"01:00:00:00:00:01\" }"), 2, 14, &["a group"]);
    check(&host("{ mtu = 70000 }"), 2, 14, &["68 to 65535"]);
    check(&host("{ gatewya = \"10.0.0.1\" }"), 2, 8, &["`gateway`"]);
    check(&host("{ dhcp = 1 }"), 2, 15, &["true or false"]);
    check(&host("{ ip = [], interfaces.eth0 = {} }"), 2, 28, &["eth0's already (line 2, column 8)"]);
    check(&host("{ interfaces.\"eth0.4095\" = {} }"), 2, 19, &["no VLAN of an interface", "1 to 4094"]);
    check(&host("{ interfaces.\"eth0.1.2\" = {} }"), 2, 19, &["one VLAN"]);
    check(&host("{ interfaces.eth1.pi = \"10.0.0.1/8\" }"), 2, 24, &["`ip`"]);
    check("[hosts]\nweb = {}\n", 2, 1, &["no `ip`", "`web`", "add ip"]);
    check("[hosts]\nh0 = {}\n", 2, 1, &["1 to 16777214"]);
    check(
        "[hosts]\na = \"10.0.0.1/8\"\nh1 = {}\n",
        3,
        1,
        &["10.0.0.1 already (line 2, column 5)", "overlapping_addresses"],
    );
    check("[hosts]\na = { ip = [\"2001:db8::1/64\", \"2001:db8::1/64\"] }\n", 2, 31, &["2001:db8::1 already"]);
    assert!(parse("f", "overlapping_addresses = true\n[hosts]\na = \"10.0.0.1/8\"\nh1 = {}\n", &[]).is_ok());
}

#[test]
fn setup_lines() {
    let setup = |line: &str| format!("[switches.s1]\nsetup = '''\novs-vsctl show\n{line}\n'''\n");
    check(&setup("ovs-vscl show"), 4, 1, &["`ovs-vscl` is no tool", "`ovs-vsctl`"]);
    check(&setup("rm -rf /"), 4, 1, &["`rm`", "nothing runs on the machine"]);
    check(&setup("ovs-vsctl \"x"), 4, 1, &["has no end", "quote"]);
    check(&setup("ovs-vsctl $BR"), 4, 1, &["`BR` is not set", "BR=value"]);
    check(&setup("ovs-vsctl show \\\n  | cat"), 4, 1, &["needs a shell"]);
    check("[switches.s1]\nsetup = 5\n", 2, 9, &["must be a string"]);
}

#[test]
fn the_variables_of_setup_lines_are_bounded() {
    let doubling = "A=$A$A\n".repeat(11);
    let lines = "ovs-vsctl $A\n".repeat(2000);
    let text = format!("[switches.s1]\nsetup = '''\nA=xxxxxxxxxxxxxxxx\n{doubling}{lines}'''\n");
    check(&text, 524, 1, &["more than 16 MiB", "shorter variables"]);
}

#[test]
fn events() {
    let event =
        |keys: &str| format!("[hosts]\nh1 = {{ to = \"s1:p\" }}\n[switches.s1]\nports.p = {{}}\n[[events]]\n{keys}\n");
    check(&event("at = \"1s\""), 5, 1, &["lacks `do`"]);
    check(&event("do = \"stop s1\""), 5, 1, &["lacks `at`"]);
    check(&event("at = 5\ndo = \"stop s1\""), 6, 6, &["has no unit"]);
    check(&event("at = \"1s\"\ndo = \"\""), 7, 6, &["is empty"]);
    check(&event("at = \"1s\"\ndo = \"h2 ping h1\""), 7, 6, &["neither a node nor a lab command", "`h1`"]);
    check(&event("at = \"1s\"\ndo = \"h1\""), 7, 6, &["nothing to do"]);
    check(&event("at = \"1s\"\ndo = \"stop s2\""), 7, 6, &["no node called `s2`"]);
    check(&event("at = \"1s\"\ndo = \"link s1:q down\""), 7, 6, &["no link at `s1:q`"]);
    check(&event("at = \"1s\"\ndo = \"link\""), 7, 6, &["lacks what it is about"]);
    check(&event("at = \"1s\"\ndo = \"h1 'x\""), 7, 6, &["has no end"]);
    check(&event("at = \"1s\"\ndoo = \"stop s1\"\ndo = \"stop s1\""), 7, 1, &["unknown key `doo`"]);
}

#[test]
fn checks() {
    const NODES: &str =
        "[hosts]\nh1 = {}\nh2 = {}\n[switches.s1.ports]\np = { to = \"h1\" }\nq = { to = \"h2\" }\n[[checks]]\n";
    let at = |keys: &str, column: u32, words: &[&str]| check(&format!("{NODES}{keys}\n"), 8, column, words);
    check(NODES, 7, 1, &["says nothing", "ping, reach, apart"]);
    at("pign = {}\nping = { from = \"h1\", to = \"h2\" }", 1, &["unknown key `pign`", "`ping`"]);
    check(
        &format!("{NODES}ping = {{ from = \"h1\", to = \"h2\" }}\nreach = [\"h1\", \"h2\"]\n"),
        9,
        1,
        &["a kind already: `ping` (line 8, column 1)"],
    );
    at("ping = 5", 8, &["must be a table"]);
    at("ping = { from = \"h1\" }", 1, &["lacks `to`"]);
    at("ping = { from = \"h3\", to = \"h2\" }", 17, &["checks[0].ping.from", "no node called `h3`", "`h1`"]);
    at("ping = { from = \"s1\", to = \"h2\" }", 17, &["`s1` is no host"]);
    at("ping = { from = \"h1\", to = \"h1\" }", 28, &["asks itself"]);
    at("ping = { from = \"h1\", to = \"10.0.0.2\", family = 6 }", 28, &["not of the check's `family`"]);
    at("ping = { from = \"h1\", to = \"h2\", count = 0 }", 42, &["1 to 1000000"]);
    at("ping = { from = \"h1\", to = \"h2\", size = 65508 }", 41, &["0 to 65507"]);
    at("ping = { from = \"h1\", to = \"h2\", family = \"v5\" }", 43, &["v4, v6"]);
    at("ping = { from = \"h1\", to = \"h2\", expect = \"refused\" }", 43, &["reachable, unreachable"]);
    at("ping = { from = \"h1\", to = \"h2\", within = \"1s\" }", 34, &["stands beside `ping`"]);
    at("within = 5\nping = { from = \"h1\", to = \"h2\" }", 10, &["has no unit"]);
    at("at = \"soon\"\nping = { from = \"h1\", to = \"h2\" }", 6, &["no number with a unit"]);
    at("name = 5\nping = { from = \"h1\", to = \"h2\" }", 8, &["must be a string"]);
    at("reach = [\"h1\"]", 9, &["at least two hosts"]);
    at("reach = [\"h1\", 5]", 16, &["reach[1]", "must be a string"]);
    at("apart = [\"h1\", \"h1\"]", 16, &["`h1` is there twice"]);
    at("apart = [\"h1\", \"s1\"]", 16, &["`s1` is no host"]);
    at("expect = \"reachable\"\nreach = [\"h1\", \"h2\"]", 1, &["have no `expect`", "`apart`"]);
    at("frames = {}", 1, &["lacks `link`"]);
    at("frames = { link = \"s1:r\" }", 19, &["no link at `s1:r`"]);
    at("frames = { link = \"s2:p\" }", 19, &["no node called `s2`"]);
    at("frames = { link = \"s1:p\", direction = \"up\" }", 39, &["out, in, both"]);
    at("frames = { link = \"s1:p\", filter = \"nosuchfield=1\" }", 36, &["nosuchfield", "ovs-ofctl(8)"]);
    at("frames = { link = \"s1:p\", min = 3, max = 2 }", 42, &["at least 3 and at most 2"]);
    at("frames = { link = \"s1:p\", mni = 3 }", 27, &["`min`"]);
    at("drops = { port = \"p\" }", 18, &["needs the `node`"]);
    at("drops = { node = \"s1\", port = \"x\" }", 31, &["no port called `x`", "p, q"]);
    at("drops = { node = \"s1\", link = \"s1:p\" }", 31, &["`node` or `link`"]);
    at("drops = { reason = \"vlan_not_alowed\" }", 20, &["`vlan_not_allowed`"]);
    at("drops = { min = -1 }", 17, &["at least 0"]);
    at("mac = { host = \"h1\" }", 1, &["lacks `switch`"]);
    at("mac = { switch = \"s1\" }", 1, &["lacks `address`", "`host`"]);
    at("mac = { switch = \"h1\", host = \"h1\" }", 18, &["`h1` is no switch"]);
    at("mac = { switch = \"s1\", host = \"s1\" }", 31, &["`s1` is no host"]);
    at("mac = { switch = \"s1\", host = \"h1\", address = \"02:00:00:00:00:01\" }", 47, &["one too many"]);
    at("mac = { switch = \"s1\", address = \"2:0:0\" }", 34, &["02:00:00:00:00:01"]);
    at("mac = { switch = \"s1\", host = \"h1\", bridge = \"br1\" }", 46, &["no bridge called `br1`", "br0"]);
    at("mac = { switch = \"s1\", host = \"h1\", vlan = 5000 }", 44, &["0 to 4095"]);
    at("mac = { switch = \"s1\", host = \"h1\", vlan = \"x\" }", 44, &["no VLAN called `x`"]);
    at("mac = { switch = \"s1\", host = \"h1\", port = \"r\" }", 44, &["no port called `r`"]);
    at("mac = { switch = \"s1\", host = \"h1\", expect = \"gone\" }", 46, &["present, absent"]);
}

#[test]
fn all_mistakes_of_a_file_come_in_one_go_and_in_its_order() {
    let text = "\
nmae = \"x\"
[switches.s1.ports]
a = { tag = 5000, to = \"h9\" }
b = { delay = 5, to = \"s1:b\" }
b = {}
[hosts]
web = {}
h1 = \"10.0.0.1\"
[routers.r]
[[checks]]
reach = [\"h1\", \"h3\"]
";
    let places: Vec<(u32, u32)> = mistakes(text).iter().map(|d| (d.line, d.column)).collect();
    assert_eq!(places, [(1, 1), (3, 13), (3, 19), (4, 15), (4, 18), (5, 1), (7, 1), (8, 6), (9, 2), (11, 16)]);
}

#[test]
fn the_number_of_reports_is_bounded() {
    let text = format!("[hubs]\n{}", (0..3000).map(|n| format!("b{n} = {{ y = 1 }}\n")).collect::<String>());
    let mistakes = mistakes(&text);
    assert_eq!(mistakes.len(), 1001);
    assert_eq!(mistakes.last().unwrap().to_string(), "f.toml: error: 2000 more mistakes and warnings");
}

#[test]
fn limits() {
    let hubs: String = (0..100_001).map(|n| format!("b{n}={{}}\n")).collect();
    let first = &mistakes(&format!("[hubs]\n{hubs}"))[0];
    assert!(first.message.contains("100001 nodes, and 100000 is the most"), "{first}");
    let ports: String = (0..300).map(|n| format!("b{n}={{ports=4096}}\n")).collect();
    let first = &mistakes(&format!("[hubs]\n{ports}"))[0];
    assert!(first.message.contains("hubs have more than 1000000 ports"), "{first}");
}

#[test]
fn overrides_are_named_in_what_is_wrong_with_them() {
    let wrong = |key: &str, value: &str| -> String {
        let overrides: Vec<Override> = vec![(key.to_owned(), value.to_owned())];
        let mistakes = mistakes_with("[hosts]\nh1 = \"10.0.0.1/8\"\n", &overrides);
        assert_eq!(mistakes.len(), 1);
        mistakes[0].to_string()
    };
    assert!(wrong("seed", "x").starts_with("-D seed=x: error: `seed`: must be an integer, not a string"));
    assert!(
        wrong("sede", "1").starts_with("-D sede=1: error: `sede`: unknown key `sede`\n  remedy: did you mean `seed`?")
    );
    assert!(wrong("hosts.h1.mtu", "1").contains("`hosts.h1` has no keys of its own"));
    assert!(wrong("a b", "1").contains("is no path of a key"));
    assert!(wrong("", "1").contains("is no path of a key"));
    assert!(wrong("a\n[b]\nc", "1").contains("is no path of a key"));
}

#[test]
fn files_that_can_not_be_read() {
    let dir = std::env::temp_dir().join(format!("netloom-lab-files-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let fails = |path: &Path, words: &str| {
        let mistakes = load(path, &[]).map(|_| ()).expect_err(words);
        assert_eq!(mistakes.len(), 1);
        let text = mistakes[0].to_string();
        assert!(text.starts_with(&path.display().to_string()) && text.contains(words), "{text}");
    };
    fails(&dir, "is a directory");
    fails(&dir.join("none.toml"), "there is no such file");
    fails(&file("empty.toml", b""), ":1:1: error: the file is empty");
    fails(&file("bytes.toml", b"[hosts]\nh\xc3\xbc = {}\nx\xff"), ":3:2: error: the byte 0xff is not UTF-8");
    let large = dir.join("large.toml");
    std::fs::File::create(&large).unwrap().set_len(100 << 20).unwrap();
    fails(&large, "has 104857600 bytes\n  remedy: a lab file has at most 16 MiB");
    assert!(load(&file("good.toml", b"[hosts]\nh1 = {}\n"), &[]).is_ok());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn ways_of_packets() {
    let path = |keys: &str| format!("[hosts]\nh1 = {{ to = \"h2\" }}\nh2 = {{}}\n[[checks]]\npath = {{ {keys} }}\n");
    check(&path("from = \"h1\", via = []"), 5, 1, &["lacks `to`"]);
    check(&path("from = \"h1\", to = \"h2\""), 5, 1, &["lacks `via`"]);
    check(&path("from = \"h1\", to = \"h1\", via = []"), 5, 28, &["asks itself"]);
    check(&path("from = \"h1\", to = \"h2\", via = [\"s1\"]"), 5, 41, &["s1"]);
    check(&path("from = \"h1\", to = \"h2\", dropped = \"los\""), 5, 44, &["no drop reason", "did you mean `loss`?"]);
    let both = path("from = \"h1\", to = \"h2\", via = [], dropped = \"loss\"");
    check(&both, 5, 40, &["`via` stands alone", "keep `via`"]);
    let place = path("from = \"h1\", to = \"h2\", dropped = \"loss\", at = \"h2:eth7\"");
    check(&place, 5, 57, &["no port called `eth7`"]);
}
