//! Random pipelines and frames.
//!
//! No two flows of a table have the same priority, since of two that both match it is not said which one counts; only the
//! clauses of a conjunction do, and they are all of one conjunction.

mod actions;
mod frames;
mod matches;
mod values;

pub use frames::{Said, frame};
pub use values::{Kind, chance};

use actions::Context;
use matches::About;
use sim_core::Stream;
use values::pick;

/// The addresses of the stations.
pub const STATIONS: [u64; 5] =
    [0x0200_0000_0001, 0x0200_0000_0002, 0x0200_0000_0003, 0x0200_0000_00f4, 0x0600_0100_0005];
/// The tables into which frames' flows go; no other flow leads there.
pub const LEARNT: [u8; 2] = [20, 21];
/// The VLANs.
pub const VLANS: [u16; 4] = [5, 9, 10, 4094];

/// Groups and flows.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// Whether the flows are installed by OpenFlow 1.0; see [`Context::openflow10`].
    pub openflow10: bool,
    pub groups: Vec<String>,
    pub flows: Vec<String>,
}

impl Pipeline {
    /// Whether frames may make flows.
    pub fn learns(&self) -> bool {
        self.flows.iter().chain(&self.groups).any(|line| line.contains("learn("))
    }

    /// Without one flow or group after the other, and then without one of their actions after the other.
    pub fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for at in 0..self.flows.len() {
            let mut smaller = self.clone();
            smaller.flows.remove(at);
            all.push(smaller);
        }
        for at in 0..self.groups.len() {
            let mut smaller = self.clone();
            smaller.groups.remove(at);
            all.push(smaller);
        }
        for (at, flow) in self.flows.iter().enumerate() {
            let (matched, actions) = flow.split_once("actions=").expect("flows have actions");
            let words: Vec<&str> = crate::outcome::split(actions).collect();
            for gone in 0..words.len() {
                let mut words = words.clone();
                words.remove(gone);
                let mut smaller = self.clone();
                let actions = if words.is_empty() { "drop".to_owned() } else { words.join(",") };
                smaller.flows[at] = format!("{matched}actions={actions}");
                if actions != "drop" || words.len() != gone {
                    all.push(smaller);
                }
            }
        }
        all.retain(|smaller| format!("{smaller:?}").len() < format!("{self:?}").len());
        all
    }
}

/// A pipeline.
pub fn pipeline(random: &mut Stream) -> Pipeline {
    let openflow10 = chance(random, 3);
    let last_table = random.below(5) as u8;
    let mut pipeline = Pipeline { openflow10, ..Pipeline::default() };
    if !openflow10 {
        for id in 1..=random.below(4) as u32 {
            pipeline.groups.push(group(random, id));
        }
    }
    let groups = pipeline.groups.len() as u32;
    let cx = |table, found: &matches::Match| Context {
        table,
        last_table,
        openflow10,
        about: found.about,
        tagged: found.tagged,
        depth: 0,
        in_bucket: false,
        pushed: 0,
        groups,
    };
    for table in 0..=last_table {
        let mut priorities: Vec<u64> = (1..=20).map(|n| n * 100 + random.below(90)).collect();
        let mut priority = |random: &mut Stream| priorities.remove(random.below(priorities.len() as u64) as usize);
        for _ in 0..2 + random.below(5) {
            let found = matches::random_match(random, table > 0);
            let actions = actions::actions(random, &mut cx(table, &found));
            let line = format!("table={table},priority={},{} actions={actions}", priority(random), found.text);
            pipeline.flows.push(line);
        }
        if chance(random, 4) {
            let actions = actions::actions(random, &mut cx(table, &nothing()));
            let (clauses, result) = (priority(random), priority(random));
            conjunction(random, table, (clauses, result), &actions, &mut pipeline.flows);
        }
        if !chance(random, 4) {
            let actions = actions::actions(random, &mut cx(table, &nothing()));
            pipeline.flows.push(format!("table={table},priority=1 actions={actions}"));
        }
    }
    pipeline
}

fn nothing() -> matches::Match {
    matches::Match { text: String::new(), about: About::Any, tagged: None }
}

/// The flows of a conjunction of two or three clauses.
fn conjunction(random: &mut Stream, table: u8, priorities: (u64, u64), actions: &str, flows: &mut Vec<String>) {
    let clauses = [
        ["ip,nw_src=10.0.0.1", "ip,nw_src=10.0.0.2", "ip,nw_src=192.168.0.0/16", "ip,nw_src=10.0.0.0/9"],
        ["ip,nw_dst=10.0.0.2", "ip,nw_dst=10.0.0.0/24", "tcp,tp_dst=80", "udp,tp_src=53"],
        ["in_port=1", "in_port=2", "dl_src=02:00:00:00:00:01", "vlan_tci=0x0000"],
    ];
    let n = 2 + random.below(2) as usize;
    let id = 7 + random.below(3);
    for (clause, terms) in clauses[..n].iter().enumerate() {
        for _ in 0..1 + random.below(3) {
            let terms = pick(random, terms);
            let line =
                format!("table={table},priority={},{terms} actions=conjunction({id},{}/{n})", priorities.0, clause + 1);
            if !flows.contains(&line) {
                flows.push(line);
            }
        }
    }
    flows.push(format!("table={table},priority={},conj_id={id} actions={actions}", priorities.1));
}

/// A group that uses those before it.
fn group(random: &mut Stream, id: u32) -> String {
    let mut cx = Context {
        table: 0,
        last_table: 0,
        openflow10: false,
        about: About::Any,
        tagged: None,
        depth: 1,
        in_bucket: true,
        pushed: 0,
        groups: id - 1,
    };
    let mut bucket = |random: &mut Stream, condition: &str| {
        let mut words = Vec::new();
        let count = random.below(3);
        cx.about = About::Any;
        cx.tagged = None;
        cx.pushed = 0;
        actions::list(random, &mut cx, count, &mut words);
        words.push(actions::output(random));
        format!("bucket={condition}actions={}", words.join(","))
    };
    let watch = |up: bool, random: &mut Stream| {
        let port = if up { 1 + random.below(4) } else { 5 };
        format!("watch_port:{port},")
    };
    match random.below(4) {
        0 => {
            let buckets: Vec<String> = (0..1 + random.below(3)).map(|_| bucket(random, "")).collect();
            format!("group_id={id},type=all,{}", buckets.join(","))
        }
        1 => format!("group_id={id},type=indirect,{}", bucket(random, "")),
        2 => {
            let buckets: Vec<String> = (0..1 + random.below(3))
                .map(|_| {
                    let watched = watch(!chance(random, 2), random);
                    bucket(random, &watched)
                })
                .collect();
            format!("group_id={id},type=ff,{}", buckets.join(","))
        }
        // (The datapath's hash would need a second round, which a trace doesn't do.)
        _ => {
            let buckets: Vec<String> = (0..1 + random.below(4))
                .map(|_| {
                    let watched = watch(!chance(random, 4), random);
                    let watched = format!("weight:{},{watched}", 1 + random.below(3));
                    bucket(random, &watched)
                })
                .collect();
            let fields = pick(random, &["eth_src,ip_dst", "eth_dst", "ip_src,ip_dst,tcp_src", "vlan_vid,ipv6_dst"]);
            format!("group_id={id},type=select,selection_method=hash,fields({fields}),{}", buckets.join(","))
        }
    }
}
