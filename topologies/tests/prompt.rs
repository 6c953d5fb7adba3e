//! What can be typed, and what it prints.

use proptest::prelude::*;
use sim_core::Time;
use topologies::lab::LAB_COMMANDS;
use topologies::parse;
use topologies::run::{End, Request, Session};

const LAB: &str = r#"
[switches.s1.ports]
trunk = { to = "s2:trunk" }
a1 = { to = "a1" }
[switches.s2.ports]
trunk = {}
a2 = { to = "a2" }
[hubs.hub]
ports = 1
[hosts]
a1 = "10.0.0.1/24"
a2 = "10.0.0.2/24"
a3 = { ip = "10.0.0.3/24", to = "s2:a3" }
"#;

fn session() -> Session {
    let mut session =
        Session::new(parse("lab.toml", LAB, &[]).expect("the lab is right").lab).expect("so are its devices");
    session.run(End::At(Time::from_millis(1)));
    session
}

/// What a line prints, run to its end; what is wrong if it can't be done.
fn said(session: &mut Session, line: &str) -> String {
    let words = ovsdb::words::split(line).expect("it has words");
    match session.command(&words) {
        Ok(text) => {
            session.run(End::Quiet);
            text + &session.take_output()
        }
        Err(error) => error.message,
    }
}

#[track_caller]
fn check(line: &str, expect: &str) {
    assert_eq!(said(&mut session(), line), expect, "{line}");
}

#[test]
fn nodes_net_links_and_dump_have_mininets_layouts() {
    check("nodes", "available nodes are: \na1 a2 a3 hub s1 s2\n");
    check(
        "net",
        "s1 s1:trunk--s2:trunk s1:a1--a1:eth0\ns2 s2:trunk--s1:trunk s2:a2--a2:eth0 s2:a3--a3:eth0\nhub hub:1--\n\
         a1 a1:eth0--s1:a1\na2 a2:eth0--s2:a2\na3 a3:eth0--s2:a3\n",
    );
    let mut lab = session();
    said(&mut lab, "link a1 down");
    assert_eq!(
        said(&mut lab, "links"),
        "s1:trunk<->s2:trunk (OK OK)\ns1:a1<->a1:eth0 (down down)\ns2:a2<->a2:eth0 (OK OK)\na3:eth0<->s2:a3 (OK OK)\n"
    );
    check(
        "dump",
        "<OVSSwitch s1: trunk:None,a1:None>\n<OVSSwitch s2: trunk:None,a2:None,a3:None>\n<Hub hub: 1:None>\n\
         <Host a1: eth0:10.0.0.1>\n<Host a2: eth0:10.0.0.2>\n<Host a3: eth0:10.0.0.3>\n",
    );
}

#[test]
fn pingpair_is_a_pingall_of_the_first_two_hosts() {
    check(
        "pingpair",
        "*** Ping: testing ping reachability\na1 -> a2 \na2 -> a1 \n*** Results: 0% dropped (2/2 received)\n",
    );
}

#[test]
fn help_lists_every_command_and_says_what_one_takes() {
    let all = said(&mut session(), "help");
    for word in LAB_COMMANDS {
        assert!(all.lines().any(|line| line.split(' ').next() == Some(word.name)), "{} in {all}", word.name);
        let one = said(&mut session(), &format!("help {}", word.name));
        assert!(one.starts_with(word.name) && one.contains(word.what) && one.ends_with(word.details), "{one}");
    }
    let host = said(&mut session(), "a1 help");
    assert!(host.contains("ping HOST [-c COUNT]") && host.contains("console"), "{host}");
    assert_eq!(said(&mut session(), "help a1"), host);
    check("a1 help arp", "arp                           the ARP table, as `show arp`\n");
    let switch = said(&mut session(), "s1 help");
    assert!(["ovs-vsctl", "ovs-ofctl", "ovs-appctl"].iter().all(|tool| switch.contains(tool)), "{switch}");
    assert!(said(&mut session(), "a1 help ping").contains("-c COUNT            how many, 5 if not told\n    -s SIZE"));
    check("hub help", "hub is a hub and takes no commands");
}

/// Every word of the tables is one that its node knows.
#[test]
fn what_help_lists_is_there() {
    let text = format!("{LAB}\n[servers.v]\nnics.eth0 = {{ ip = \"10.0.0.9/24\", to = \"s2:v\" }}\n");
    let lab = parse("lab.toml", &text, &[]).expect("the lab is right").lab;
    let mut lab = Session::new(lab).expect("so are its devices");
    for node in ["a1", "s1", "v"] {
        for line in said(&mut lab, &format!("{node} help")).lines().filter(|line| !line.starts_with(' ')) {
            let word = line.split(' ').next().expect("a line has a word");
            if word == "tcpdump" {
                // It would never end.
                continue;
            }
            let said = said(&mut lab, &format!("{node} {word}"));
            assert!(!said.contains("unknown command") && !said.contains("not found"), "{node} {word}: {said}");
        }
    }
}

#[test]
fn an_unknown_word_is_answered_with_the_nearest() {
    check("pingal", "`pingal` is neither a node nor a lab command; did you mean `pingall`?");
    check("help lnik", "`lnik` is neither a node nor a lab command; did you mean `link`?");
    check("stop s9", "there is no node `s9`; did you mean `s1`?");
    check("a1 help pign", "a1: there is no `pign`; did you mean `ping`?");
    check("nodes now", "nodes: nothing follows it, found `now`");
    check("stop", "stop: name one node, as in `stop s1`");
    check("save a b", "save: one word at most");
}

#[test]
fn console_and_exit_are_asked_of_whoever_reads_the_lines() {
    let mut lab = session();
    assert_eq!(said(&mut lab, "a1 console"), "");
    let node = lab.lab().find("a1").expect("it is there");
    assert_eq!(lab.take_request(), Some(Request::Console(node)));
    for word in ["exit", "quit"] {
        assert_eq!(said(&mut lab, word), "");
        assert_eq!(lab.take_request(), Some(Request::Exit));
    }
    assert_eq!(lab.take_request(), None);
    said(&mut lab, "exit");
    said(&mut lab, "nodes");
    assert_eq!(lab.take_request(), None, "it is the last line's");
    check("hub console", "hub is a hub and takes no commands");
}

proptest! {
    /// Any words are done, or refused with a message that says why.
    #[test]
    fn any_words_are_answered(words in proptest::collection::vec(word(), 0..6)) {
        let mut session = session();
        if let Err(error) = session.command(&words) {
            prop_assert!(!error.message.is_empty() || error.status != 0, "{words:?}");
        }
        session.run(End::At(Time::from_millis(2)));
    }
}

fn word() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "a1",
        "s1",
        "hub",
        "link",
        "help",
        "stop",
        "start",
        "ovs-vsctl",
        "set",
        "ping",
        "s1:trunk",
        "loss",
        "5%",
        "save",
    ];
    prop_oneof![proptest::sample::select(KNOWN).prop_map(str::to_owned), any::<String>()]
}
