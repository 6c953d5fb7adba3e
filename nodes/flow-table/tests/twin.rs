//! The tables beside a list of flows that is searched from end to end, with the definitions of OpenFlow 1.5.1 section 6.4
//! and ovs-ofctl(8): random changes, bundles, frames and times.

use flow_table::{Rule, TableMod, Tables};
use openflow::{Action, Flow, FlowCommand, FlowFlags, FlowMod};
use packet::key::slot;
use packet::{FlowKey, FlowMask, Match};
use proptest::prelude::*;
use sim_core::Time;

/// A flow of the list.
#[derive(Clone, Debug, PartialEq)]
struct Listed {
    flow: Flow,
    since: Time,
    modified: Time,
    used: Time,
    packets: u64,
}

#[derive(Clone, Debug)]
enum Act {
    Change(Box<FlowMod>),
    Bundle(Vec<FlowMod>),
    Frame(u8, u8, u8),
    Wait(u8),
}

fn matched(in_port: u8, dl_type: u8) -> Match {
    let mut matched = Match::ANY;
    if in_port < 3 {
        matched.require(slot::IN_PORT, u128::from(in_port));
    }
    match dl_type {
        0..3 => matched.require(slot::DL_TYPE, u128::from(dl_type)),
        // The lowest bit of the type alone.
        3 => {
            let mut mask = matched.mask;
            mask.set(slot::DL_TYPE, 1);
            matched = Match::new(matched.key.with(slot::DL_TYPE, 1), mask);
        }
        _ => {}
    }
    matched
}

fn change() -> impl Strategy<Value = FlowMod> {
    let command = prop_oneof![
        4 => Just(FlowCommand::Add),
        1 => Just(FlowCommand::Modify),
        1 => Just(FlowCommand::ModifyStrict),
        1 => Just(FlowCommand::Delete),
        1 => Just(FlowCommand::DeleteStrict),
    ];
    let place = (0..3_u8, 0..3_u16, 0..5_u8, 0..6_u8);
    let rest = (0..3_u64, prop_oneof![3 => Just(0_u64), 1 => 0..4_u64], 0..3_u64, 1..4_u32, 0..4_u16, 0..4_u16);
    let asks =
        (any::<bool>(), any::<bool>(), prop::option::weighted(0.3, 1..4_u32), prop::option::weighted(0.9, 0..3_u8));
    (command, place, rest, asks).prop_map(
        |(
            command,
            (table, priority, in_port, dl_type),
            (cookie, cookie_mask, cookie_match, port, idle_timeout, hard_timeout),
            (check_overlap, reset_counts, out_port, wanted),
        )| {
            // 3 leads to a group that isn't there, and so can't be.
            let action = if port == 3 && priority == 2 { Action::Group(9) } else { Action::Output(port) };
            let flow = Flow {
                table,
                priority,
                cookie,
                idle_timeout,
                hard_timeout,
                matched: matched(in_port, dl_type),
                actions: vec![action],
                ..Flow::default()
            };
            let is_add = command == FlowCommand::Add;
            FlowMod {
                table: if is_add { Some(table) } else { wanted },
                cookie_mask: if is_add { 0 } else { cookie_mask },
                cookie_match,
                new_cookie: reset_counts,
                out_port,
                check_overlap,
                reset_counts,
                ..FlowMod::new(command, flow)
            }
        },
    )
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => change().prop_map(|change| Act::Change(Box::new(change))),
        1 => prop::collection::vec(change(), 0..6).prop_map(Act::Bundle),
        4 => (0..3_u8, 0..4_u8, 0..4_u8).prop_map(|(table, port, ty)| Act::Frame(table, port, ty)),
        2 => (0..30_u8).prop_map(Act::Wait),
    ]
}

/// Whether every frame of `narrow` is one of `wide`.
fn is_within(narrow: &Match, wide: &Match) -> bool {
    narrow.mask.covers(&wide.mask) && wide.matches(&narrow.key)
}

fn overlaps(a: &Match, b: &Match) -> bool {
    a.key.equals_under(&b.key, &a.mask.intersection(&b.mask))
}

fn meant(listed: &Listed, change: &FlowMod) -> bool {
    let (flow, wants) = (&listed.flow, &change.flow);
    let is_strict = matches!(change.command, FlowCommand::ModifyStrict | FlowCommand::DeleteStrict);
    let matches = if is_strict {
        flow.matched == wants.matched && flow.priority == wants.priority
    } else {
        is_within(&flow.matched, &wants.matched)
    };
    change.table.is_none_or(|table| table == flow.table)
        && matches
        && (flow.cookie ^ change.cookie_match) & change.cookie_mask == 0
}

/// Makes a change in the list; false if it can't be made.
fn twin(list: &mut Vec<Listed>, now: Time, change: &FlowMod) -> bool {
    let can_be = |actions: &[Action]| !actions.contains(&Action::Group(9));
    match change.command {
        FlowCommand::Add => add(list, now, change),
        FlowCommand::Modify | FlowCommand::ModifyStrict => {
            if !list.iter().any(|listed| meant(listed, change)) {
                return change.cookie_mask != 0 || add(list, now, change);
            }
            for listed in list.iter_mut().filter(|listed| meant(listed, change)) {
                if !can_be(&change.flow.actions) {
                    return false;
                }
                listed.flow.actions = change.flow.actions.clone();
                listed.modified = now;
                if change.new_cookie {
                    listed.flow.cookie = change.flow.cookie;
                }
                if change.reset_counts {
                    listed.packets = 0;
                }
            }
            true
        }
        FlowCommand::Delete | FlowCommand::DeleteStrict => {
            let outputs = |listed: &Listed| {
                change.out_port.is_none_or(|port| listed.flow.actions.contains(&Action::Output(port)))
            };
            list.retain(|listed| !(meant(listed, change) && outputs(listed)));
            true
        }
    }
}

fn add(list: &mut Vec<Listed>, now: Time, change: &FlowMod) -> bool {
    let mut flow = Flow { table: change.table.unwrap_or(0), ..change.flow.clone() };
    flow.flags.reset_counts = change.reset_counts;
    if flow.actions.contains(&Action::Group(9)) {
        return false;
    }
    let is_place = |listed: &Listed| {
        let other = &listed.flow;
        (other.table, other.priority, other.matched) == (flow.table, flow.priority, flow.matched)
    };
    let new = Listed { flow: flow.clone(), since: now, modified: now, used: now, packets: 0 };
    if let Some(old) = list.iter().position(is_place) {
        let packets = if change.reset_counts { 0 } else { list[old].packets };
        let old = list.remove(old);
        list.push(Listed { used: old.used, packets, ..new });
        return true;
    }
    let is_in_the_way = |listed: &Listed| {
        let other = &listed.flow;
        other.table == flow.table && other.priority == flow.priority && overlaps(&other.matched, &flow.matched)
    };
    if change.check_overlap && list.iter().any(is_in_the_way) {
        return false;
    }
    list.push(new);
    true
}

fn is_up(listed: &Listed, now: Time) -> bool {
    let over =
        |since: Time, seconds: u16| seconds != 0 && now.since(since).as_nanos() >= u64::from(seconds) * 1_000_000_000;
    over(listed.modified, listed.flow.hard_timeout) || over(listed.used, listed.flow.idle_timeout)
}

fn listed(rule: &Rule) -> Listed {
    Listed {
        flow: rule.flow(),
        since: rule.since,
        modified: rule.modified(),
        used: rule.idle_since(),
        packets: rule.stats.get().0,
    }
}

fn all(tables: &Tables) -> Vec<Listed> {
    let all = FlowMod { table: None, ..FlowMod::new(FlowCommand::Delete, Flow::default()) };
    tables.selected(&all).iter().map(|rule| listed(rule)).collect()
}

fn sorted(list: &[Listed]) -> Vec<Listed> {
    let mut list = list.to_vec();
    list.sort_by_key(|listed| (listed.flow.table, std::cmp::Reverse(listed.flow.priority)));
    list
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("NETLOOM_LONG").is_some() { 20_000 } else { 400 }, ..ProptestConfig::default() })]

    #[test]
    fn the_tables_hold_what_the_list_holds(acts in prop::collection::vec(act(), 1..60)) {
        let (mut tables, mut list) = (Tables::default(), Vec::<Listed>::new());
        let mut now = Time::ZERO;
        for act in acts {
            match act {
                Act::Change(change) => {
                    let mut after = list.clone();
                    let can_be = twin(&mut after, now, &change);
                    prop_assert_eq!(tables.apply(now, &change).is_ok(), can_be, "{:?}", change);
                    if can_be {
                        list = after;
                    }
                }
                Act::Bundle(changes) => {
                    let mut after = list.clone();
                    let fails = changes.iter().position(|change| !twin(&mut after, now, change));
                    let result = tables.apply_all(now, changes.into_iter().map(TableMod::from));
                    prop_assert_eq!(result.err().map(|error| error.index), fails);
                    if fails.is_none() {
                        list = after;
                    }
                }
                Act::Frame(table, port, ty) => {
                    let key = FlowKey::EMPTY.with(slot::IN_PORT, port.into()).with(slot::DL_TYPE, ty.into());
                    let found = tables.lookup(table, &key, &mut FlowMask::default());
                    let best = list.iter().filter(|l| l.flow.table == table && l.flow.matched.matches(&key));
                    let best = best.map(|listed| listed.flow.priority).max();
                    prop_assert_eq!(found.map(|rule| rule.priority()), best);
                    if let Some(rule) = found {
                        prop_assert!(rule.matched().matches(&key));
                        rule.stats.count(1, 60, now);
                        let place = (table, rule.priority(), rule.matched());
                        let is_it = |l: &&mut Listed| (l.flow.table, l.flow.priority, l.flow.matched) == place;
                        let twin = list.iter_mut().find(is_it).expect("the list has it");
                        (twin.packets, twin.used) = (twin.packets + 1, now);
                    }
                }
                Act::Wait(tenths) => {
                    now = Time::from_nanos(now.as_nanos() + u64::from(tenths) * 100_000_000);
                    // The first is due no later than said.
                    if tables.next_expiry() > now {
                        prop_assert!(!list.iter().any(|listed| is_up(listed, now)));
                    }
                    let mut gone: Vec<Listed> = tables.expire(now).iter().map(|gone| listed(&gone.rule)).collect();
                    let (mut up, left): (Vec<_>, Vec<_>) = list.into_iter().partition(|listed| is_up(listed, now));
                    list = left;
                    let key = |listed: &Listed| (listed.flow.table, listed.flow.priority, listed.flow.matched);
                    gone.sort_by_key(key);
                    up.sort_by_key(key);
                    prop_assert_eq!(gone, up);
                    prop_assert!(tables.next_expiry() > now);
                }
            }
            prop_assert_eq!(sorted(&all(&tables)).len(), list.len());
            let (mut ours, mut theirs) = (all(&tables), list.clone());
            let key = |listed: &Listed| (listed.flow.table, listed.flow.priority, listed.flow.matched);
            ours.sort_by_key(key);
            theirs.sort_by_key(key);
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn replacing_the_flows_leaves_those_that_stay(
        before in prop::collection::vec(change(), 0..30),
        wanted in prop::collection::vec(change(), 0..30),
    ) {
        let mut tables = Tables::default();
        for change in before.iter().filter(|change| change.command == FlowCommand::Add) {
            let _ = tables.apply(Time::ZERO, change);
        }
        let can_be = |flow: &Flow| !flow.actions.contains(&Action::Group(9));
        let wanted: Vec<Flow> = wanted.into_iter().map(|change| change.flow).filter(can_be).collect();
        let stays = |listed: &Listed| wanted.iter().rev().find(|flow| {
            (flow.table, flow.priority, flow.matched) == (listed.flow.table, listed.flow.priority, listed.flow.matched)
        }) == Some(&Flow { flags: FlowFlags::default(), ..listed.flow.clone() });
        let staying = all(&tables).iter().filter(|listed| stays(listed)).count();
        let changes = tables.difference(&wanted);
        let later = Time::from_secs(1);
        tables.apply_all(later, changes.into_iter().map(TableMod::from)).unwrap();
        let after = all(&tables);
        prop_assert_eq!(after.iter().filter(|listed| listed.since < later).count(), staying);
        prop_assert!(after.iter().all(stays));
        let mut places: Vec<_> = wanted.iter().map(|flow| (flow.table, flow.priority, flow.matched)).collect();
        places.sort();
        places.dedup();
        prop_assert_eq!(after.len(), places.len());
    }
}
