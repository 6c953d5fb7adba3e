use super::*;
use crate::run::Session;
use proptest::prelude::*;

const LAB: &str = r#"
[switches.s1.ports]
trunk = { trunks = [9, 19], to = "s2:trunk" }
a1 = { tag = 9, to = "a1" }
spare = {}
[switches.s2.bridges.br7.ports]
trunk = {}
a2 = { to = "a2" }
[servers.v]
nics.eth0 = { ip = "10.0.0.9/24", to = "hub:1" }
setup = "ovs-vsctl add-br br1"
[hubs.hub]
[hosts]
a1 = "10.0.0.1/24"
a2 = "10.0.0.2/24"
"#;

fn session() -> Session {
    Session::new(crate::parse("lab.toml", LAB, &[]).expect("the lab is right").lab).expect("so are its devices")
}

/// The candidates at the place of `|`, joined by blanks, and the line with the first of them.
#[track_caller]
fn check(line: &str, expect: &str) {
    let session = session();
    let pos = line.find('|').expect("the cursor is marked");
    let line = line.replacen('|', "", 1);
    let found = complete(session.net(), &line, pos);
    assert_eq!(found.candidates.join(" "), expect, "{line}");
}

/// These are among the candidates, and those are not.
#[track_caller]
fn has(line: &str, some: &[&str], none: &[&str]) {
    let session = session();
    let found = complete(session.net(), line, line.len()).candidates;
    some.iter().for_each(|word| assert!(found.iter().any(|known| known == word), "{word} in {found:?}"));
    none.iter().for_each(|word| assert!(found.iter().all(|known| known != word), "no {word} in {found:?}"));
}

#[test]
fn the_first_word_is_a_lab_command_or_a_node() {
    check("pi|", "pingall pingpair");
    check("s|", "stop start save s1 s2");
    check("h|", "help hub");
    has("", &["link", "a1", "s1", "hub"], &[]);
    check("help pi|", "pingall pingpair");
    check("nothing of the kind |", "");
    check("s| ovs-vsctl show", "stop start save s1 s2");
}

#[test]
fn a_node_takes_the_words_of_its_kind() {
    check("s1 |", "ovs-vsctl ovs-ofctl ovs-appctl console help");
    check("a1 s|", "show ss sysctl");
    check("a1 ifconfig |", "eth0");
    check("a1 tcp|", "tcpdump");
    check("a1 show |", "all arp ip ipv6 log sockets");
    check("a1 ping |", "v a1 a2");
    check("a1 ping a2 -|", "-c -s -l -i -w -T -D");
    check("a1 ping -c |", "");
    check("a1 ping -c 3 a|", "a1 a2");
    check("a1 ping a2 |", "");
    check("a1 ping a2 -c -|", "");
    check("a1 iperf -c |", "v a1 a2");
    check("a1 trace a2 -P |", "udp icmp");
    check("a1 close |", "tcp udp");
    check("a1 http g|", "get");
    check("hub |", "");
    check("stop h|", "hub");
    check("stop hub |", "");
}

#[test]
fn a_server_takes_programs_those_of_open_vswitch_and_the_words_of_hosts() {
    has("v ", &["ifconfig", "ip", "tcpdump", "ovs-vsctl", "iperf", "console", "help"], &[]);
    check("v if|", "ifconfig");
    check("v ifconfig |", "eth0 lo br1");
    check("v ifconfig br1 u|", "up");
    check("v ip |", "addr link route neigh tuntap");
    check("v ping -I |", "eth0 lo br1");
    check("v ping a|", "a1 a2");
    check("v tcpdump -i |", "eth0 lo br1 any");
    check("v brctl addif |", "br1");
    check("v brctl addif br1 |", "eth0 lo br1");
    check("v ovs-vsctl list-ports |", "br1");
    check("v help tcp|", "tcpdump");
}

#[test]
fn a_link_is_named_by_its_end_and_changed_by_keys_and_values() {
    check("link s|", "s1: s2:");
    check("link s1:|", "trunk a1 spare");
    check("link s1:t|", "trunk");
    assert_eq!(complete(session().net(), "link s1:t", 9).start, 8);
    check("link a1 |", "up down delay jitter rate loss corrupt duplicate reorder queue mtu");
    check("link a1 lo|", "loss");
    check("link a1 loss |", "5%");
    check("link a1 loss 5% |", "out in delay jitter rate loss corrupt duplicate reorder queue mtu");
}

#[test]
fn ovs_vsctl_knows_its_commands_and_what_they_are_about() {
    has("s1 ovs-vsctl ", &["add-port", "show", "set"], &[]);
    check("s1 ovs-vsctl add-p|", "add-port");
    check("s1 ovs-vsctl list-ports |", "br0");
    check("s2 ovs-vsctl list-ports |", "br7");
    check("s1 ovs-vsctl port-to-br |", "br0 trunk a1 spare");
    check("s1 ovs-vsctl set Po|", "Port");
    check("s1 ovs-vsctl set port |", "br0 trunk a1 spare");
    check("s1 ovs-vsctl set Open_vSwitch |", ".");
    has("s1 ovs-vsctl set port a1 ", &["tag=", "vlan_mode="], &["tag"]);
    check("s1 ovs-vsctl set port a1 vlan_mode=native-|", "native-tagged native-untagged");
    check("s1 ovs-vsctl set port a1 protected=|", "true false");
    has("s1 ovs-vsctl get port a1 ", &["tag", "vlan_mode"], &["tag="]);
    has("s1 ovs-vsctl add-port br0 x tag=3 -- set ", &["Interface"], &["interface"]);
    check("s1 ovs-vsctl --if-exists del-port sp|", "spare");
}

#[test]
fn ovs_ofctl_and_ovs_appctl_know_bridges_ports_fields_and_actions() {
    check("s1 ovs-appctl fdb/sh|", "fdb/show");
    check("s1 ovs-appctl fdb/show |", "br0");
    check("s1 ovs-appctl fdb/add br0 t|", "trunk");
    check("s1 ovs-ofctl add-flow |", "br0");
    has("s1 ovs-ofctl add-flow br0 ", &["dl_vlan=", "icmp", "actions=", "priority="], &[]);
    check("s1 ovs-ofctl add-flow br0 ip,nw_s|", "nw_src=");
    check("s1 ovs-ofctl add-flow br0 in_port=a|", "a1");
    check("s1 ovs-ofctl add-flow br0 ip,actions=strip_vlan,no|", "normal");
}

#[test]
fn a_large_lab_is_answered_at_once_with_a_bounded_list() {
    let text = crate::generate(crate::Pattern::Linear { switches: 1000, hosts: 9 }).expect("the pattern is a lab");
    let lab = crate::parse("large.toml", &text, &[]).expect("it is right").lab;
    let net = Session::new(lab).expect("so are its devices");
    for line in ["", "h", "link s", "h1s1 ping ", "stop "] {
        assert_eq!(complete(net.net(), line, line.len()).candidates.len(), MAX_CANDIDATES, "{line}");
    }
    assert_eq!(complete(net.net(), "h9s1000", 7).candidates, ["h9s1000"]);
}

proptest! {
    /// Any text and any place: a start on a boundary in front of the cursor, and candidates that go on from there.
    #[test]
    fn any_line_is_answered(line in line(), pos in 0_usize..200) {
        thread_local!(static SESSION: Session = session());
        SESSION.with(|session| {
            let found = complete(session.net(), &line, pos);
            let cursor = line.floor_char_boundary(pos);
            prop_assert!(line.is_char_boundary(found.start) && found.start <= cursor);
            prop_assert!(found.candidates.len() <= MAX_CANDIDATES);
            let typed = &line[found.start..cursor];
            prop_assert!(found.candidates.iter().all(|word| word.starts_with(typed)), "{typed:?} {found:?}");
            Ok(())
        })?;
    }
}

fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("s1".to_owned()),
        Just("a1".to_owned()),
        Just("link".to_owned()),
        Just("ovs-vsctl".to_owned()),
        Just("ovs-ofctl".to_owned()),
        Just("set".to_owned()),
        Just("add-flow".to_owned()),
        Just("br0".to_owned()),
        Just("--".to_owned()),
        Just("ping".to_owned()),
        "[a-z:=,\\-|é\u{2003}'\"\\\\]{0,8}",
        any::<String>(),
    ];
    proptest::collection::vec((word, "[ \t\u{a0}\u{3000}]{0,2}"), 0..8)
        .prop_map(|parts| parts.into_iter().map(|(word, blank)| word + &blank).collect())
}
