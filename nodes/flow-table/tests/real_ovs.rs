//! Searches beside the real Open vSwitch: they find the same, and their masks have no bit more. Needs `ovs` in
//! `NETLOOM_TEST_WITH`.

#[path = "../../../tests/support/real_ovs.rs"]
#[expect(unreachable_pub, reason = "crates share it")]
mod peer;

use flow_table::{Classifier, Rule};
use openflow::{Action, Flow};
use packet::key::slot;
use packet::{FlowMask, Match};
use peer::Real;
use sim_core::Time;
use std::process::Command;
use std::sync::Arc;

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next(from.len() as u64) as usize]
    }

    /// A match of some of the fields that tries and stages tell apart.
    fn matched(&mut self) -> String {
        let mut words = vec![self.pick(&["tcp", "tcp", "udp", "ip", "arp"]).to_owned()];
        if self.next(3) == 0 {
            words.push(format!("in_port={}", 1 + self.next(2)));
        }
        if self.next(3) == 0 {
            words.push(format!("dl_dst=02:00:00:00:00:{:02x}", self.next(4)));
        }
        for field in ["nw_src", "nw_dst"] {
            if self.next(2) == 0 {
                let len = self.pick(&["8", "16", "24", "32", "32", "13"]);
                words.push(format!("{field}={}/{len}", self.address()));
            }
        }
        if ["tcp", "udp"].contains(&words[0].as_str()) {
            for field in ["tp_src", "tp_dst"] {
                if self.next(2) == 0 {
                    words.push(format!(
                        "{field}={}",
                        self.pick(&["80", "443", "0x50/0xfff0", "8080", "22", "0x8000/0x8000"])
                    ));
                }
            }
        }
        words.join(",")
    }

    fn address(&mut self) -> String {
        format!("{}.{}.{}.{}", self.pick(&["10", "10", "192", "172"]), self.next(3), self.next(3), self.next(3))
    }

    /// A key of all fields.
    fn key(&mut self) -> String {
        let protocol = self.pick(&["tcp", "tcp", "udp"]);
        format!(
            "in_port={},dl_src=02:00:00:00:01:00,dl_dst=02:00:00:00:00:{:02x},{protocol},nw_src={},nw_dst={},nw_ttl=64,{protocol}_src={},{protocol}_dst={}",
            1 + self.next(2),
            self.next(4),
            self.address(),
            self.address(),
            self.pick(&["80", "443", "85", "1234", "40000", "22"]),
            self.pick(&["80", "443", "85", "1234", "40000", "22"]),
        )
    }
}

/// What the real one looks at in every frame.
const ALWAYS: FlowMask = FlowMask::EMPTY.with(slot::IN_PORT).with(slot::DL_TYPE).with(slot::NW_FRAG);

/// A table of the real one and one of ours.
struct Pair {
    real: Real,
    ours: Classifier<Arc<Rule>>,
    /// Of the masks that were compared, those that are equal, and all.
    equal: [u32; 2],
}

impl Pair {
    /// Both without flows, if the real one was promised.
    fn start(title: &str) -> Option<Self> {
        let promised = std::env::var("NETLOOM_TEST_WITH").unwrap_or_default();
        if !promised.split_whitespace().any(|peer| peer == "ovs") {
            println!("left out: needs ovs");
            return None;
        }
        let real = Real::start(title);
        real.vsctl("add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure");
        for port in ["p1", "p2"] {
            real.vsctl(&format!("add-port br0 {port} -- set interface {port} type=dummy"));
        }
        Some(Self { real, ours: Classifier::default(), equal: [0; 2] })
    }

    /// Puts these flows in place of all.
    fn replace(&mut self, flows: &[String]) {
        let file = self.real.path("flows");
        let lines: String = flows.iter().map(|flow| format!("add {flow}\n")).collect();
        std::fs::write(&file, "del\n".to_owned() + &lines).expect("the directory for temporary files can be written");
        let target = format!("unix:{}", self.real.path("br0.mgmt"));
        let status = Command::new("ovs-ofctl").args(["add-flows", &target, &file]).status();
        assert!(status.is_ok_and(|status| status.success()), "{lines}");
        self.ours = Classifier::default();
        for text in flows {
            let (head, actions) = text.split_once(",actions=").expect("a flow has actions");
            let (id, head): (Vec<&str>, Vec<&str>) = head.split(',').partition(|word| word.starts_with("conj_id="));
            let mut flow = Flow::parse(&format!("{},actions=drop", head.join(",")), &|_| None).expect("it is a flow");
            if let [id] = id[..] {
                flow.matched.require(slot::CONJ_ID, id["conj_id=".len()..].parse().expect("it is a number"));
            }
            flow.actions = conjunctions(actions);
            self.ours.insert(Arc::new(Rule::new(&flow, Time::ZERO)));
        }
    }

    /// Asks both what a key finds: the same rule, and a mask that has no bit more.
    fn check(&mut self, key: &str) {
        let traced = self.real.appctl(&["ofproto/trace", "br0", key]);
        let line = |start: &str| traced.lines().find_map(|line| line.strip_prefix(start)).expect("it is traced");
        let cookie = line(" 0. ").split_once("cookie ").map_or(0, |(_, cookie)| {
            u64::from_str_radix(cookie.trim_start_matches("0x"), 16).expect("a cookie is a number")
        });
        let words: Vec<&str> =
            line("Megaflow: ").split(',').filter(|word| !["recirc_id=0", "eth"].contains(word)).collect();
        let theirs = Match::parse(&words.join(",")).expect("its words are ours").mask.union(&ALWAYS);
        let mut mask = ALWAYS;
        let asked = Match::parse(key).expect("it is a match").key;
        let found = self.ours.lookup(&asked, &mut mask).map_or(0, |rule| rule.cookie);
        let told = format!("{key}: {traced}, ours {found:#x} {}", Match::new(asked, mask));
        assert_eq!(found, cookie, "{told}");
        // It is no field of a frame.
        mask.set(slot::CONJ_ID, 0);
        assert!(theirs.covers(&mask), "{told}");
        self.equal[0] += u32::from(theirs == mask);
        self.equal[1] += 1;
    }
}

/// The clauses of a list of actions.
fn conjunctions(actions: &str) -> Vec<Action> {
    let clause = |text: &str| {
        let mut numbers = text.trim_end_matches(')').split([',', '/']).map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok).expect("a conjunction has three numbers");
        let (id, clause, n_clauses): (u32, u32, u32) = (next(), next(), next());
        Action::Conjunction { id, clause: clause as u8 - 1, n_clauses: n_clauses as u8 }
    };
    actions.split("conjunction(").skip(1).map(|text| clause(text.trim_end_matches(','))).collect()
}

#[test]
fn searches_look_at_no_bit_more_than_those_of_open_vswitch() {
    let Some(mut pair) = Pair::start("masks") else { return };
    let mut numbers = Numbers(1);
    for _ in 0..30 {
        let flow = |priority| format!("cookie={priority},priority={priority},{},actions=drop", numbers.matched());
        let flows: Vec<String> = (1..30).map(flow).collect();
        pair.replace(&flows);
        (0..10).for_each(|_| pair.check(&numbers.key()));
    }
    let [equal, all] = pair.equal;
    assert!(equal > all * 3 / 4, "{equal} of {all}");
}

#[test]
fn conjunctions_match_as_in_open_vswitch() {
    let Some(mut pair) = Pair::start("conjunctions") else { return };
    let mut numbers = Numbers(2);
    for _ in 0..30 {
        let mut flows = Vec::new();
        for priority in 1..40_u64 {
            let head = format!("cookie={priority},priority={priority}");
            match numbers.next(4) {
                0 => flows.push(format!("{head},{},actions=drop", numbers.matched())),
                1 => flows.push(format!("{head},conj_id={},ip,actions=drop", 1 + numbers.next(39))),
                // A conjunction by its priority, each clause with some values.
                _ => {
                    let n_clauses = 2 + numbers.next(2);
                    for clause in 1..=n_clauses {
                        for _ in 0..3 {
                            let matched = numbers.matched();
                            flows
                                .push(format!("{head},{matched},actions=conjunction({priority},{clause}/{n_clauses})"));
                        }
                    }
                    // Of some that match, nothing comes.
                    if numbers.next(3) > 0 {
                        flows.push(format!(
                            "cookie={0},priority={0},conj_id={priority},ip,actions=drop",
                            100 + priority
                        ));
                    }
                }
            }
        }
        pair.replace(&flows);
        (0..10).for_each(|_| pair.check(&numbers.key()));
    }
    let [equal, all] = pair.equal;
    assert!(equal > all * 3 / 4, "{equal} of {all}");
}
