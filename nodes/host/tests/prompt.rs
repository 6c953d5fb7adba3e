//! VPCS's words.

mod lab;

use host::{Host, Reply};
use lab::{Lab, host, with_gateway};
use proptest::prelude::*;
use sim_core::{NodeIx, Tag};

const SECOND: u64 = 1_000_000_000;

fn pair() -> (Lab, NodeIx) {
    let mut lab = Lab::new();
    let a = lab.host(with_gateway(host(1, &["10.0.0.1/24", "2001:db8::1/64"]), "10.0.0.254"));
    let b = lab.host(host(2, &["10.0.0.2/24", "2001:db8::2/64"]));
    lab.link((a, 0), (b, 0));
    (lab, a)
}

fn type_line(lab: &mut Lab, node: NodeIx, line: &str) -> Reply {
    let words: Vec<&str> = line.split_whitespace().collect();
    lab.act(node, |host: &mut Host, cx| host.command(cx, &words, Tag(5)))
}

/// What a line prints in the end.
fn check(lab: &mut Lab, node: NodeIx, line: &str, expect: &str) {
    let printed = match type_line(lab, node, line) {
        Reply::Done(text) => text,
        Reply::Failed(text) => format!("error: {text}\n"),
        Reply::Running(id) => {
            assert_eq!(lab.act(node, |host, _| host.session_output(id)), None, "it takes time");
            lab.run(lab.engine.now().as_nanos() + 30 * SECOND);
            let text = lab.act(node, |host, _| host.session_output(id)).expect("done by now");
            assert_eq!(lab.act(node, |host, _| host.session_output(id)), None, "told once");
            text
        }
    };
    assert_eq!(printed, expect, "{line}");
}

#[test]
fn ping_prints_vpcs_lines() {
    let (mut lab, a) = pair();
    check(
        &mut lab,
        a,
        "ping 10.0.0.2 -c 2",
        "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n\
         84 bytes from 10.0.0.2 icmp_seq=2 ttl=64 time=0.020 ms\n",
    );
    let progress = lab.notices.iter().filter(|(_, tag)| *tag == Tag(5));
    assert_eq!(progress.count(), 2);
    check(&mut lab, a, "ping 2001:db8::2 -c 1 -s 100", "148 bytes from 2001:db8::2 icmp6_seq=1 ttl=64 time=0.040 ms\n");
    let own = "84 bytes from 10.0.0.1 icmp_seq=1 ttl=64 time=0.000 ms\n";
    check(&mut lab, a, "ping 10.0.0.1 -c 1", own);
    check(&mut lab, a, "ping 10.0.0.2 -c 1 -s 5000 -D", "10.0.0.2 icmp_seq=1 longer than the MTU of 1500 bytes\n");
}

#[test]
fn a_host_that_is_not_there_is_not_reachable_and_one_that_is_silent_times_out() {
    let (mut lab, a) = pair();
    check(&mut lab, a, "ping 10.0.0.9", "host (10.0.0.9) not reachable\n");
    let far = "host (192.0.2.1) not reachable: gateway 10.0.0.254 does not answer\n";
    check(&mut lab, a, "ping 192.0.2.1 -c 3", far);
    check(&mut lab, a, "ping 10.0.0.2 -c 1", "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    lab.engine.set_running(NodeIx(1), false);
    lab.engine.set_running(NodeIx(1), true);
    let fast = "10.0.0.2 icmp_seq=1 timeout\n84 bytes from 10.0.0.2 icmp_seq=2 ttl=64 time=0.020 ms\n";
    let mut config = lab.engine.link_config(sim_core::LinkIx(0).forward()).clone();
    type_line(&mut lab, a, "ping 10.0.0.2 -c 1");
    lab.run(lab.engine.now().as_nanos() + SECOND);
    config.loss = sim_core::Probability::ONE;
    lab.engine.configure(sim_core::LinkIx(0).forward(), config.clone());
    let Reply::Running(id) = type_line(&mut lab, a, "ping 10.0.0.2 -c 2 -w 500") else { panic!("a ping runs") };
    lab.run(lab.engine.now().as_nanos() + SECOND / 2);
    config.loss = sim_core::Probability::ZERO;
    lab.engine.configure(sim_core::LinkIx(0).forward(), config);
    lab.run(lab.engine.now().as_nanos() + SECOND);
    assert_eq!(lab.act(a, |host, _| host.session_output(id)).as_deref(), Some(fast));
}

#[test]
fn a_command_that_is_cancelled_gives_what_it_has() {
    let (mut lab, a) = pair();
    let Reply::Running(id) = type_line(&mut lab, a, "ping 10.0.0.2 -c 100") else { panic!("a ping runs") };
    lab.run(SECOND / 2);
    let text = lab.act(a, |host, _| host.cancel_session(id)).expect("it ran");
    assert_eq!(text, "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    lab.run(10 * SECOND);
    assert_eq!(lab.engine.next_event(), sim_core::Time::NEVER);
}

#[test]
fn show_prints_addresses_and_neighbours() {
    let (mut lab, a) = pair();
    check(&mut lab, a, "show arp", "arp table is empty\n");
    check(
        &mut lab,
        a,
        "show ip",
        "NAME      : h1\nINTERFACE : eth0\nIP/MASK   : 10.0.0.1/24\nGATEWAY   : 10.0.0.254\n\
         MAC       : 02:00:00:00:00:01\nMTU       : 1500\n",
    );
    check(
        &mut lab,
        a,
        "show ipv6",
        "NAME             : h1\nINTERFACE        : eth0\nLINK-LOCAL SCOPE : fe80::ff:fe00:1/64\n\
         GLOBAL SCOPE     : 2001:db8::1/64\nGATEWAY          :\nMAC              : 02:00:00:00:00:01\n\
         MTU              : 1500\n",
    );
    check(
        &mut lab,
        a,
        "show",
        "NAME  INTERFACE  IP/MASK         GATEWAY     MAC\n\
         h1    eth0       10.0.0.1/24     10.0.0.254  02:00:00:00:00:01\n\
         h1    eth0       2001:db8::1/64              02:00:00:00:00:01\n",
    );
    check(&mut lab, a, "ping 10.0.0.2 -c 1", "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    check(&mut lab, a, "arp", "02:00:00:00:00:02  10.0.0.2 expires in 270 seconds\n");
    check(&mut lab, a, "clear arp", "");
    check(&mut lab, a, "arp", "arp table is empty\n");
}

#[test]
fn ip_sets_the_address_and_the_gateway() {
    let (mut lab, a) = pair();
    check(&mut lab, a, "ip 10.0.1.7/24 10.0.1.254", "h1 : 10.0.1.7/24 gateway 10.0.1.254\n");
    let addresses: Vec<String> = lab.at(a).addresses().map(|(_, address)| address.to_string()).collect();
    assert_eq!(addresses, ["10.0.1.7/24", "2001:db8::1/64", "fe80::ff:fe00:1/64"]);
    check(&mut lab, a, "ip 10.0.0.5/24", "h1 : 10.0.0.5/24\n");
    check(&mut lab, a, "ping 10.0.0.2 -c 1", "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    let no_route = "error: host (192.0.2.1) not reachable: no route; `ip ADDRESS/LEN GATEWAY` sets a gateway\n";
    check(&mut lab, a, "ping 192.0.2.1", no_route);
}

#[test]
fn what_is_not_understood_says_what_could_be_typed() {
    let (mut lab, a) = pair();
    for (line, expect) in [
        ("pnig 10.0.0.2", "unknown command `pnig`: did you mean `ping`?"),
        ("show arpp", "unknown command `show arpp`: did you mean `show arp`?"),
        ("frobnicate", "unknown command `frobnicate`: one of ?, arp, clear, help, ip, ping, show"),
        ("ping", "usage: ping HOST [-c COUNT] [-s SIZE] [-i MS] [-w MS] [-T TTL] [-D]"),
        ("ping nobody", "ping: `nobody` is neither an address nor a host's name"),
        ("ping 10.0.0.2 -c 0", "ping: `-c` takes a number from 1 to 65535, found `0`"),
        ("ping 10.0.0.2 -c", "ping: `-c` needs a number behind it"),
        ("ping 10.0.0.2 -x", "ping: unknown option `-x`: one of -c -s -l -i -w -T -D"),
        (
            "ip 10.0.0.1",
            "ip: `10.0.0.1` is not an address with a prefix length, as in 192.168.9.1/24 or 2001:db8::1/64",
        ),
        ("ip 10.0.0.1/24 10.1.0.1", "ip: the gateway 10.1.0.1 is not in 10.0.0.0/24"),
        ("ip 224.0.0.1/24", "ip: 224.0.0.1 is no host's address"),
    ] {
        check(&mut lab, a, line, &format!("error: {expect}\n"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_words_are_answered(words in prop::collection::vec("(ping|show|ip|clear|arp|-c|-s|10\\.0\\.0\\.2|::1|/|[0-9]{1,6}|\\PC{0,6})", 0..6)) {
        let (mut lab, a) = pair();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match lab.act(a, |host, cx| host.command(cx, &words, Tag::NONE)) {
            Reply::Failed(text) => prop_assert!(!text.is_empty()),
            Reply::Done(text) => prop_assert!(text.is_empty() || text.ends_with('\n')),
            Reply::Running(id) => prop_assert!(lab.act(a, |host, _| host.cancel_session(id)).is_some()),
        }
    }
}
