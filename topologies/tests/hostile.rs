//! Nothing that a file says makes reading it panic or run away.

use proptest::prelude::*;
use topologies::{Override, parse};

/// A lab that uses most of the language, to be damaged.
const LAB: &str = r#"
name = "x"
seed = 3
vlans.v = 9
[switches.s1]
stp_enable = true
other_config = { a = 1 }
setup = '''
A=br0
$ sudo ovs-vsctl set bridge $A \
  stp_enable=false # why
'''
[switches.s1.ports]
t = { trunks = [9, "v"], to = "s2:t", delay = { out = "200us", in = "1ms" }, loss = "5%", queue = "64KiB" }
a = { tag = "v", to = "a1", interface = { external_ids = { id = "1" } } }
[switches.s2.bridges.br1.ports]
t = { trunks = [9], vlan_mode = "trunk" }
"vlan10.1" = { type = "internal", tag = 9 }
[hubs]
h = { ports = 3 }
[hosts]
a1 = "192.168.9.1/24"
a2 = { ip = ["192.168.9.2/24", "2001:db8::2/64"], gateway = "192.168.9.254", routes = [{ to = "10.0.0.0/8", via = "192.168.9.254" }], to = "h", mtu = 1400 }
a3 = { interfaces = { eth0 = { to = "h:2", mac = "02:00:00:00:00:03" }, "eth0.10" = "10.1.0.1/16" } }
[[events]]
at = "1s"
do = "link s1:t down"
[[checks]]
ping = { from = "a1", to = "a2", count = 2 }
expect = "unreachable"
[[checks]]
frames = { link = "s1:t", direction = "out", filter = "icmp", min = 1 }
[[checks]]
mac = { switch = "s1", host = "a1", vlan = "v" }
"#;

/// Tokens of the language, so that random texts get beyond the first mistake of syntax.
const TOKENS: &[&str] = &[
    "[switches.s1]",
    "[switches.s1.ports]",
    "[hosts]",
    "[hubs]",
    "[[checks]]",
    "[[events]]",
    "[vlans]",
    "[servers.x]",
    "\n",
    "\n",
    "\n",
    " = ",
    " = ",
    "{",
    "}",
    "[",
    "]",
    ",",
    ".",
    "\"",
    "'''",
    "#",
    "\\",
    "$",
    "ports",
    "to",
    "tag",
    "trunks",
    "h1",
    "h2",
    "s1",
    "p",
    "\"h1\"",
    "\"s1:p\"",
    "\"10.0.0.1/8\"",
    "9",
    "-1",
    "99999999999999999999",
    "1.5",
    "true",
    "delay",
    "\"1ms\"",
    "loss",
    "\"5%\"",
    "ping",
    "reach",
    "from",
    "at",
    "do",
    "within",
    "setup",
    "interfaces",
    "eth0.10",
    "ip",
    "\u{fc}",
    "\r",
    "\t",
    "\u{0}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_texts_never_panic(text in ".{0,200}") {
        let _ = parse("f", &text, &[]);
    }

    #[test]
    fn random_tokens_never_panic(tokens in proptest::collection::vec(0..TOKENS.len(), 0..60)) {
        let text: String = tokens.into_iter().map(|token| TOKENS[token]).collect();
        let _ = parse("f", &text, &[]);
    }

    #[test]
    fn a_damaged_lab_is_read_or_has_located_mistakes(
        damage in proptest::collection::vec((0..LAB.len(), 0..8_usize, 0..TOKENS.len()), 1..4)
    ) {
        let mut text: Vec<char> = LAB.chars().collect();
        for (at, length, token) in damage {
            let at = at.min(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, TOKENS[token].chars());
        }
        let text: String = text.into_iter().collect();
        let lines = text.split('\n').count();
        if let Err(mistakes) = parse("f", &text, &[]) {
            prop_assert!(!mistakes.is_empty());
            for mistake in mistakes {
                prop_assert!((1..=lines as u32).contains(&mistake.line), "{mistake}");
                prop_assert!(mistake.column >= 1 && !mistake.message.is_empty(), "{mistake}");
            }
        }
    }

    #[test]
    fn any_override_of_a_lab_is_applied_or_reported(key in "[a-z0-9.\"=\\[\\] ]{0,20}", value in ".{0,20}") {
        let overrides: Vec<Override> = vec![(key, value)];
        let _ = parse("f", LAB, &overrides);
    }
}

#[test]
fn the_lab_to_be_damaged_is_whole() {
    assert!(parse("f", LAB, &[]).is_ok());
}
