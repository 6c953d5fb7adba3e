//! The neighbour table by itself.

use super::*;
use proptest::prelude::*;
use sim_core::Pool;

fn key(n: u8) -> NeighborKey {
    NeighborKey { interface: IfIx(0), address: [10, 0, 0, n].into() }
}

fn mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

fn lengths(waiting: Waiting) -> Vec<usize> {
    waiting.into_iter().flatten().map(|frame| frame.len()).collect()
}

#[test]
fn a_neighbour_is_asked_for_three_times_a_second_apart_and_then_given_up() {
    let (mut table, mut pool) = (Neighbors::new(8), Pool::new());
    assert!(table.wait(key(1), Time::from_millis(500), pool.zeroed(60)).ask);
    assert!(!table.wait(key(1), Time::from_millis(900), pool.zeroed(61)).ask);
    for at in [1500, 2500] {
        assert_eq!(table.next_wake(), Time::from_millis(at));
        assert!(matches!(table.due(Time::from_millis(at)), Some(Due::Ask(k, _)) if k == key(1)));
        assert!(table.due(Time::from_millis(at)).is_none());
    }
    match table.due(table.next_wake()) {
        Some(Due::Failed(failed, waiting)) => assert_eq!((failed, lengths(waiting)), (key(1), vec![60, 61])),
        other => panic!("{other:?}"),
    }
    assert_eq!((table.next_wake(), table.len()), (Time::NEVER, 0));
}

#[test]
fn the_last_three_frames_wait_and_leave_in_order() {
    let (mut table, mut pool) = (Neighbors::new(8), Pool::new());
    let displaced: Vec<_> = (60..65)
        .map(|len| table.wait(key(1), Time::ZERO, pool.zeroed(len)).displaced.map(|frame| frame.len()))
        .collect();
    assert_eq!(displaced, [None, None, None, Some(60), Some(61)]);
    let (waiting, _) = table.learn(key(1), mac(1), Time::ZERO, Learn::Update);
    assert_eq!(lengths(waiting), [62, 63, 64]);
    assert_eq!(table.next_wake(), Time::NEVER);
}

#[test]
fn a_neighbour_is_known_for_300_seconds_and_then_asked_for_again() {
    let (mut table, mut pool) = (Neighbors::new(8), Pool::new());
    table.learn(key(1), mac(1), Time::from_secs(1), Learn::Create);
    assert_eq!(table.lookup(key(1), Time::from_secs(300)), Some((mac(1), Time::from_secs(301))));
    assert_eq!(table.lookup(key(1), Time::from_secs(301)), None);
    assert_eq!(table.state(key(1), Time::from_secs(301)), Some(NeighborState::Stale(mac(1))));
    let version = table.version();
    assert!(table.wait(key(1), Time::from_secs(301), pool.zeroed(60)).ask);
    assert_ne!(table.version(), version);
}

#[test]
fn what_nobody_asked_for_is_entered_only_if_told() {
    let mut table = Neighbors::new(8);
    table.learn(key(1), mac(1), Time::ZERO, Learn::Update);
    assert!(table.is_empty());
    table.learn(key(1), mac(1), Time::ZERO, Learn::Create);
    table.learn(key(1), mac(2), Time::ZERO, Learn::Update);
    assert_eq!(table.lookup(key(1), Time::ZERO).map(|(mac, _)| mac), Some(mac(2)));
}

#[test]
fn a_full_table_gives_up_the_neighbour_used_longest_ago() {
    let (mut table, mut pool) = (Neighbors::new(2), Pool::new());
    table.wait(key(1), Time::ZERO, pool.zeroed(60));
    table.learn(key(2), mac(2), Time::ZERO, Learn::Create);
    let queued = table.wait(key(3), Time::ZERO, pool.zeroed(61));
    let (evicted, waiting) = queued.evicted.expect("a frame waited for it");
    assert_eq!((evicted, lengths(waiting)), (key(1), vec![60]));
    table.lookup(key(2), Time::ZERO);
    table.learn(key(4), mac(4), Time::ZERO, Learn::Create);
    assert!(table.lookup(key(2), Time::ZERO).is_some() && table.state(key(3), Time::ZERO).is_none());
}

#[test]
fn a_neighbour_takes_one_cache_line() {
    assert_eq!(size_of::<Slot>(), 64);
}

#[test]
fn what_is_overheard_updates_who_is_known_and_keeps_nobody_longer() {
    let (mut table, mut pool) = (Neighbors::new(2), Pool::new());
    assert_eq!(table.overhear(key(1), mac(1), Time::ZERO), Overheard::Nothing);
    assert!(table.is_empty());
    table.learn(key(1), mac(1), Time::ZERO, Learn::Create);
    table.learn(key(2), mac(2), Time::ZERO, Learn::Create);
    let version = table.version();
    table.overhear(key(1), mac(9), Time::from_secs(200));
    assert_ne!(table.version(), version);
    assert_eq!(table.state(key(1), Time::from_secs(499)), Some(NeighborState::Reachable(mac(9), Time::from_secs(500))));
    table.learn(key(3), mac(3), Time::from_secs(200), Learn::Create);
    assert!(table.state(key(1), Time::from_secs(200)).is_none(), "1 was used before 2");
    table.wait(key(4), Time::from_secs(200), pool.zeroed(60));
    assert_eq!(table.overhear(key(4), mac(4), Time::from_secs(200)), Overheard::Awaited);
}

#[test]
fn timers_stay_bounded_however_often_entries_come_and_go() {
    let (mut table, mut pool) = (Neighbors::new(4), Pool::new());
    for i in 0..1000u32 {
        table.wait(key(i as u8), Time::ZERO, pool.zeroed(60));
    }
    assert_eq!(table.len(), 4);
    assert!(table.timers.len() <= 8, "{}", table.timers.len());
    assert_eq!(pool.live(), 4);
}

proptest! {
    #[test]
    fn the_table_forgets_as_a_list_in_the_order_of_use_does(steps in prop::collection::vec((0u8..3, 0u8..8), 0..80)) {
        let mut table = Neighbors::new(4);
        // The naive twin: keys, the one used last at the end.
        let mut twin: Vec<u8> = Vec::new();
        for (what, n) in steps {
            let known = twin.contains(&n);
            match what {
                0 => {
                    prop_assert_eq!(table.lookup(key(n), Time::ZERO).is_some(), known);
                }
                1 => {
                    table.learn(key(n), mac(n), Time::ZERO, Learn::Update);
                }
                _ => {
                    table.learn(key(n), mac(n), Time::ZERO, Learn::Create);
                }
            }
            if known || what == 2 {
                twin.retain(|k| *k != n);
                twin.push(n);
                if twin.len() > 4 {
                    twin.remove(0);
                }
            }
            let mut expect = twin.clone();
            expect.sort_unstable();
            let found: Vec<u8> = (0..8).filter(|n| table.state(key(*n), Time::ZERO).is_some()).collect();
            prop_assert_eq!(found, expect);
        }
    }
}
