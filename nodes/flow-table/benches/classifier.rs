//! How long does a search of the classifier take, that each frame makes which misses the caches? How many flows can be
//! added and removed in a second? And how much memory does a flow take, rule and all?
//!
//! Searches run beside a list by descending priority, which is what a table without a classifier would be.
//!
//! `cargo bench -p netloom-flow-table --bench classifier [-- SECONDS [CASE]]` prints one line for each case.

use flow_table::{Classifier, Rule, Tables};
use openflow::{Action, Flow, FlowCommand, FlowMod};
use packet::key::slot;
use packet::{FlowKey, FlowMask, Match};
use sim_core::Time;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u128) -> u128 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u128::from(self.0 >> 33) % below
    }
}

/// A flow of five fields, `tcp,nw_src,nw_dst,tp_dst`, that only the number tells from others.
fn five_fields(n: u32) -> Match {
    let mut matched = Match::ANY;
    matched.require(slot::DL_TYPE, 0x800);
    matched.require(slot::NW_PROTO, 6);
    matched.require(slot::NW_SRC, u128::from(0x0a00_0000 + n));
    matched.require(slot::NW_DST, u128::from(0xc0a8_0000 + n % 1000));
    matched.require(slot::TP_DST, 80);
    matched
}

/// Flow `n` of a table with ten masks: ports, stations, prefixes of two lengths, connections. The table has `stations`
/// values of each field.
fn of_ten_masks(n: u32, stations: u32) -> (Match, u16) {
    let mut matched = Match::ANY;
    let value = u128::from(n / 10 % stations);
    let mut prefix = |slot, len| {
        matched.require(slot::DL_TYPE, 0x800);
        matched.key.set(slot, value << (32 - len));
        matched.mask.set(slot, slot.max() << (32 - len) & slot.max());
    };
    match n % 10 {
        0 => matched.require(slot::IN_PORT, value),
        1 => matched.require(slot::DL_DST, value),
        2 => matched.require(slot::DL_SRC, value),
        3 => prefix(slot::NW_DST, 24),
        4 => prefix(slot::NW_DST, 16),
        5 => prefix(slot::NW_SRC, 24),
        6 => prefix(slot::NW_SRC, 32),
        kind => {
            matched.require(slot::DL_TYPE, 0x800);
            matched.require(slot::NW_PROTO, 6);
            match kind {
                7 => matched.require(slot::TP_DST, value & 0xffff),
                8 => matched.require(slot::TP_SRC, value & 0xffff),
                _ => matched.require(slot::METADATA, value),
            }
        }
    }
    // The masks that look at most have the greatest priorities.
    (matched, (100 + n % 10) as u16)
}

fn keys(stations: u32) -> Vec<FlowKey> {
    let mut numbers = Numbers(1);
    let mut key = || {
        // Ten times as many values as flows have, so that most keys miss most masks.
        let mut value = || numbers.next(u128::from(10 * stations));
        FlowKey::EMPTY
            .with(slot::IN_PORT, value())
            .with(slot::DL_TYPE, 0x800)
            .with(slot::DL_DST, value())
            .with(slot::DL_SRC, value())
            .with(slot::NW_PROTO, 6)
            .with(slot::NW_SRC, value() << 13)
            .with(slot::NW_DST, value() << 13)
            .with(slot::METADATA, value())
            .with(slot::TP_SRC, value())
            .with(slot::TP_DST, value())
    };
    (0..4096).map(|_| key()).collect()
}

fn flow(matched: Match, priority: u16) -> Flow {
    Flow { matched, priority, actions: vec![Action::Output(2)], ..Flow::default() }
}

/// Does something over and over for some seconds; gives the ns that each took.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn measure(seconds: f64, mut each: impl FnMut()) -> f64 {
    let (start, before) = (std::time::Instant::now(), on_cpu_ns());
    let mut count = 0_u64;
    while start.elapsed().as_secs_f64() < seconds {
        for _ in 0..64 {
            each();
        }
        count += 64;
    }
    // On a busy machine the clock counts what others do.
    let taken = before.zip(on_cpu_ns()).map_or(start.elapsed().as_nanos() as u64, |(before, after)| after - before);
    taken as f64 / count as f64
}

/// How long something takes, in ns.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn once(what: impl FnOnce()) -> f64 {
    let (start, before) = (std::time::Instant::now(), on_cpu_ns());
    what();
    before.zip(on_cpu_ns()).map_or(start.elapsed().as_nanos() as f64, |(before, after)| (after - before) as f64)
}

/// The words of the command line. Cargo adds `--bench`.
fn words() -> impl Iterator<Item = String> {
    std::env::args().skip(1).filter(|word| !word.starts_with("--"))
}

fn is_wanted(name: &str) -> bool {
    words().nth(1).is_none_or(|only| only == name)
}

/// How long this process has had a CPU, where the system tells (Linux, proc(5)).
fn on_cpu_ns() -> Option<u64> {
    std::fs::read_to_string("/proc/self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
}

/// Searches a table by keys.
fn lookup(name: &str, flows: &[(Match, u16)], keys: &[FlowKey], seconds: f64, with_list: bool) {
    if !is_wanted(name) {
        return;
    }
    let mut classifier = Classifier::default();
    for (matched, priority) in flows {
        classifier.insert(Arc::new(Rule::new(&flow(*matched, *priority), Time::ZERO)));
    }
    let mut list: Vec<&(Match, u16)> = flows.iter().collect();
    list.sort_by_key(|(_, priority)| std::cmp::Reverse(*priority));
    let mut found = 0_usize;
    let mut next = keys.iter().cycle();
    let real = measure(seconds, || {
        let Some(key) = next.next() else { return };
        let mut mask = FlowMask::EMPTY;
        found += usize::from(classifier.lookup(key, &mut mask).is_some());
        black_box(&mask);
    });
    print!("{name:14} {real:7.1} ns a search of {} flows", classifier.len());
    if with_list {
        let naive = measure(seconds, || {
            let Some(key) = next.next() else { return };
            let mut mask = FlowMask::EMPTY;
            black_box(list.iter().find(|(matched, _)| {
                mask = mask.union(&matched.mask);
                matched.matches(key)
            }));
            black_box(&mask);
        });
        print!(", {naive:.1} ns of a list");
    }
    println!();
}

/// Adds flows to a table that has some, and removes them.
fn change(name: &str, before: u32, more: u32, matched: impl Fn(u32) -> (Match, u16)) {
    if !is_wanted(name) {
        return;
    }
    let mut classifier = Classifier::default();
    let rule = |n| {
        let (matched, priority) = matched(n);
        Arc::new(Rule::new(&flow(matched, priority), Time::ZERO))
    };
    (0..before).for_each(|n| drop(classifier.insert(rule(n))));
    let flows: Vec<Flow> = (before..before + more).map(matched_flow(&matched)).collect();
    let added = once(|| {
        for flow in &flows {
            classifier.insert(Arc::new(Rule::new(flow, Time::ZERO)));
        }
    });
    let len = classifier.len();
    let removed = once(|| {
        for flow in &flows {
            classifier.remove(&flow.matched, flow.priority);
        }
    });
    let rate = |ns: f64| f64::from(more) * 1e3 / ns;
    let (added, removed) = (rate(added), rate(removed));
    println!("{name:14} {added:.2} million flows added in a second, {removed:.2} removed, {before} to {len}");
}

fn matched_flow(matched: &impl Fn(u32) -> (Match, u16)) -> impl Fn(u32) -> Flow {
    |n| {
        let (matched, priority) = matched(n);
        flow(matched, priority)
    }
}

/// The memory of a million flows with one list of actions, by what was asked of the allocator.
fn memory(name: &str) {
    const FLOWS: u32 = 1_000_000;
    if !is_wanted(name) {
        return;
    }
    let bytes = |region: &Region<'_, System>| {
        let change = region.change();
        (change.bytes_allocated as i64 - change.bytes_deallocated as i64) as f64
    };
    let region = Region::new(ALLOCATOR);
    let mut tables = Tables::default();
    for n in 0..FLOWS {
        let added = tables.apply(Time::ZERO, &FlowMod::new(FlowCommand::Add, flow(five_fields(n), 100)));
        added.expect("there is room");
    }
    let all = bytes(&region);
    let every = FlowMod { table: None, ..FlowMod::new(FlowCommand::Delete, Flow::default()) };
    let rules: Vec<Arc<Rule>> = tables.selected(&every);
    drop(tables);
    let kept = bytes(&region) - (rules.capacity() * size_of::<Arc<Rule>>()) as f64;
    let [all, kept] = [all, kept].map(|bytes| bytes / f64::from(FLOWS));
    println!("{name:14} {all:.1} bytes a flow of {FLOWS}, {kept:.1} of them the rule, {:.1} the table", all - kept);
}

fn main() {
    let seconds = words().next().and_then(|word| word.parse().ok()).unwrap_or(1.0);
    let ten = |flows: u32| -> Vec<_> { (0..flows).map(|n| of_ten_masks(n, flows / 10)).collect() };
    lookup("10-masks", &ten(1000), &keys(100), seconds, true);
    lookup("10-masks-100k", &ten(100_000), &keys(10_000), seconds, true);
    // Each length of a prefix with each kind of port: 96 masks.
    let many: Vec<_> = (0..9600_u32)
        .map(|n| {
            let (mut matched, len) = (five_fields(n), 1 + n % 32);
            matched.mask.set(slot::NW_SRC, slot::NW_SRC.max() << (32 - len) & slot::NW_SRC.max());
            matched.mask.set(slot::NW_DST, 0);
            if n % 3 == 1 {
                matched.mask.set(slot::TP_DST, 0xff00);
            } else if n % 3 == 2 {
                matched.mask.set(slot::TP_DST, 0);
            }
            // The longest prefix goes first.
            (Match::new(matched.key, matched.mask), len as u16)
        })
        .collect();
    lookup("96-masks", &many, &keys(10_000), seconds, true);
    change("five-fields", 100_000, 100_000, |n| (five_fields(n), 100));
    change("ten-masks", 100_000, 100_000, |n| of_ten_masks(n, 1 << 24));
    memory("memory");
}
