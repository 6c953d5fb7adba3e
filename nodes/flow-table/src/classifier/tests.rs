//! The classifier beside a list of the same entries, and the masks that searches give.

use super::naive::Naive;
use super::*;
use packet::key::slot;
use packet::{Slot, WORDS};
use proptest::prelude::*;
use proptest::sample::{Index, select};

#[derive(Clone, Debug)]
struct Item {
    matched: CompactMatch,
    priority: u16,
    conjunctions: Vec<Conjunction>,
    number: usize,
}

impl Entry for Item {
    fn matched(&self) -> &CompactMatch {
        &self.matched
    }

    fn priority(&self) -> u16 {
        self.priority
    }

    fn conjunctions(&self) -> impl Iterator<Item = Conjunction> {
        self.conjunctions.iter().copied()
    }

    fn matched_mut(&mut self) -> Option<&mut CompactMatch> {
        Some(&mut self.matched)
    }
}

/// Few values of a field, many of which begin or end alike.
fn value(slot: Slot) -> impl Strategy<Value = u128> {
    let top = slot.max() ^ slot.max() >> 1;
    let values = vec![0, 1, 2, 3, 0x50, top, top | 1, top | top >> 1, top >> 2, slot.max()];
    select(values).prop_map(move |value| value & slot.max())
}

/// All bits of a field, its first ones, or any.
fn bits(slot: Slot) -> impl Strategy<Value = u128> {
    let max = slot.max();
    prop_oneof![
        3 => Just(max),
        3 => (1..=u32::from(slot.width)).prop_map(move |len| max & !max.checked_shr(len).unwrap_or(0)),
        1 => value(slot),
    ]
}

const FIELDS: [Slot; 14] = [
    slot::IN_PORT,
    slot::METADATA,
    slot::reg(0),
    slot::VLAN_VID,
    slot::DL_TYPE,
    slot::DL_DST,
    slot::NW_PROTO,
    slot::NW_SRC,
    slot::NW_DST,
    slot::IPV6_SRC,
    slot::TCP_FLAGS,
    slot::TP_SRC,
    slot::TP_DST,
    slot::CONJ_ID,
];

fn matched() -> impl Strategy<Value = Match> {
    let field = select(FIELDS.to_vec()).prop_flat_map(|slot| (Just(slot), value(slot), bits(slot)));
    prop::collection::vec(field, 0..4).prop_map(|fields| {
        let mut matched = Match::ANY;
        for (slot, value, bits) in fields {
            matched.key.set(slot, value & bits);
            matched.mask.set(slot, bits);
        }
        matched
    })
}

fn key() -> impl Strategy<Value = FlowKey> {
    let values: Vec<_> = FIELDS.iter().map(|slot| value(*slot)).collect();
    values
        .prop_map(|values| FIELDS.iter().zip(values).fold(FlowKey::EMPTY, |key, (slot, value)| key.with(*slot, value)))
}

#[derive(Clone, Debug)]
enum Change {
    Insert(Box<Match>, u16, Vec<Conjunction>),
    /// A match that is there, with another priority.
    Again(Index, u16),
    Remove(Index),
}

/// Changes, of which so many of 10 are clauses of conjunctions.
fn changes(soft: u32) -> impl Strategy<Value = Vec<Change>> {
    let clause = (1..4_u32, 0..3_u8, 2..4_u8).prop_map(|(id, clause, n_clauses)| Conjunction {
        id,
        clause: clause % n_clauses,
        n_clauses,
    });
    let conjunctions = prop_oneof![
        10 - soft => Just(Vec::new()),
        soft => prop::collection::vec(clause, 1..3),
    ];
    let change = prop_oneof![
        6 => (matched(), 0..8_u16, conjunctions).prop_map(|(matched, priority, clauses)| Change::Insert(Box::new(matched), priority, clauses)),
        1 => (any::<Index>(), 0..8_u16).prop_map(|(index, priority)| Change::Again(index, priority)),
        2 => any::<Index>().prop_map(Change::Remove),
    ];
    prop::collection::vec(change, 1..60)
}

fn numbers<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<usize> {
    let mut numbers: Vec<usize> = items.into_iter().map(|item| item.number).collect();
    numbers.sort_unstable();
    numbers
}

/// Makes the changes in both, and compares what they find at the end and on the way.
fn agree(changes: &[Change], keys: &[(FlowKey, [u64; WORDS])], asked: &[Match]) -> Result<(), TestCaseError> {
    let (mut real, mut naive) = (Classifier::keyed(7), Naive(Vec::<Item>::new()));
    for (number, change) in changes.iter().enumerate() {
        let item = match change {
            Change::Insert(matched, priority, conjunctions) => Some(Item {
                matched: CompactMatch::new(matched),
                priority: *priority,
                conjunctions: conjunctions.clone(),
                number,
            }),
            _ if naive.0.is_empty() => None,
            Change::Again(index, priority) => Some(Item { priority: *priority, number, ..index.get(&naive.0).clone() }),
            Change::Remove(index) => {
                let Item { matched, priority, .. } = index.get(&naive.0).clone();
                let matched = matched.expand();
                prop_assert_eq!(numbers(&naive.remove(&matched, priority)), numbers(&real.remove(&matched, priority)));
                prop_assert!(real.get(&matched, priority).is_none() && real.remove(&matched, priority).is_none());
                None
            }
        };
        if let Some(item) = item {
            let (matched, priority) = (item.matched.expand(), item.priority);
            prop_assert_eq!(numbers(&naive.insert(item.clone())), numbers(&real.insert(item)));
            prop_assert_eq!(numbers(naive.get(&matched, priority)), numbers(real.get(&matched, priority)));
        }
        if number % 8 != 0 && number + 1 < changes.len() {
            continue;
        }
        prop_assert_eq!((real.len(), real.is_empty()), (naive.0.len(), naive.0.is_empty()));
        prop_assert_eq!(numbers(real.iter()), numbers(&naive.0));
        for (key, noise) in keys {
            let mut mask = FlowMask::EMPTY;
            let found = real.lookup(key, &mut mask).map(|item| item.number);
            let may = numbers(naive.lookup(key));
            prop_assert!(found.map_or(may.is_empty(), |found| may.contains(&found)), "{found:?} of {may:?}");
            // Any key that agrees in the mask's bits finds the very same.
            let words = std::array::from_fn(|word| key.words()[word] ^ noise[word] & !mask.words()[word]);
            let mut again = FlowMask::EMPTY;
            prop_assert_eq!(real.lookup(&FlowKey::from_words(words), &mut again).map(|item| item.number), found);
        }
        for matched in asked {
            prop_assert_eq!(numbers(real.covered_by(matched)), numbers(naive.covered_by(matched)));
            for priority in 0..8 {
                let overlapping = numbers(naive.overlapping(matched, priority));
                prop_assert_eq!(numbers(real.overlapping(matched, priority)), overlapping);
            }
        }
    }
    Ok(())
}

/// Keys, each with other bits for where its mask has none: few are changed in some, all in others.
fn keys() -> impl Strategy<Value = Vec<(FlowKey, [u64; WORDS])>> {
    let noise = prop_oneof![
        any::<[u64; WORDS]>(),
        (key(), key()).prop_map(|(a, b)| std::array::from_fn(|word| a.words()[word] ^ b.words()[word])),
    ];
    prop::collection::vec((key(), noise), 20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_classifier_finds_what_a_list_finds(changes in changes(0), keys in keys(), asked in prop::collection::vec(matched(), 4)) {
        agree(&changes, &keys, &asked)?;
    }

    #[test]
    fn conjunctions_are_found_by_their_definition(changes in changes(6), keys in keys(), asked in prop::collection::vec(matched(), 2)) {
        agree(&changes, &keys, &asked)?;
    }
}

/// The entry of a match in words.
fn item(matched: &str, priority: u16, number: usize) -> Item {
    let matched: Match = matched.parse().expect("it is a match");
    Item { matched: CompactMatch::new(&matched), priority, conjunctions: Vec::new(), number }
}

/// Says in words what was looked at when a key was searched among matches, whose priorities descend, and which was found.
fn check(matches: &[&str], key: &str, found: Option<usize>, looked: &str) {
    let mut classifier = Classifier::default();
    for (number, matched) in matches.iter().enumerate() {
        classifier.insert(item(matched, 100 - number as u16, number));
    }
    let key = Match::parse(key).expect("it is a match").key;
    let mut mask = FlowMask::EMPTY;
    assert_eq!(classifier.lookup(&key, &mut mask).map(|item| item.number), found);
    // What matches always require is of no interest here.
    mask.add(slot::DL_TYPE);
    if key.nw_proto() != 0 {
        mask.add(slot::NW_PROTO);
    }
    assert_eq!(Match::new(key, mask).to_string(), looked);
}

#[test]
fn what_differs_in_a_lower_layer_is_not_read_above() {
    let mac = "tcp,dl_dst=02:00:00:00:00:01,nw_dst=10.0.0.1,tp_dst=80";
    check(&[mac], "tcp,dl_dst=02:00:00:00:00:02,nw_dst=10.0.0.1,tp_dst=80", None, "tcp,dl_dst=02:00:00:00:00:02");
    check(&["tcp,in_port=1,dl_dst=02:00:00:00:00:01"], "tcp,in_port=2", None, "tcp,in_port=2");
    check(&[mac], "tcp,dl_dst=02:00:00:00:00:01,nw_dst=10.0.0.1,tp_dst=80", Some(0), mac);
}

#[test]
fn of_an_address_only_the_bits_count_that_tell_it_from_prefixes() {
    let table = ["tcp,nw_dst=10.1.2.3", "tcp,nw_dst=10.1.0.0/16", "tcp,nw_src=10.0.0.0/8"];
    check(&table, "tcp,nw_dst=192.168.0.1,nw_src=192.0.0.1", None, "tcp,nw_src=128.0.0.0/1,nw_dst=128.0.0.0/1");
    check(&table, "tcp,nw_dst=10.1.128.1,nw_src=192.0.0.1", Some(1), "tcp,nw_dst=10.1.128.0/17");
    check(&table, "tcp,nw_dst=10.0.0.1,nw_src=10.0.0.1", Some(2), "tcp,nw_src=10.0.0.0/8,nw_dst=10.0.0.0/16");
    let table = ["ipv6,ipv6_dst=2001:db8::1", "ipv6,ipv6_dst=2001:db8:1::/48"];
    check(&table, "ipv6,ipv6_dst=fe80::1", None, "ipv6,ipv6_dst=8000::/1");
    check(&table, "ipv6,ipv6_dst=2001:db8:1::7", Some(1), "ipv6,ipv6_dst=2001:db8:1::/48");
}

#[test]
fn of_ports_only_the_bits_count_that_tell_them_from_those_there_are() {
    check(&["tcp,tp_dst=80", "tcp,tp_dst=443"], "tcp,tp_dst=8080", None, "tcp,tp_dst=0x1000/0xf000");
    check(&["tcp,tp_src=80,tp_dst=80"], "tcp,tp_src=81,tp_dst=80", None, "tcp,tp_src=81");
}

#[test]
fn entries_of_less_priority_than_what_was_found_are_not_looked_at() {
    check(&["in_port=1", "tcp,dl_dst=02:00:00:00:00:01,tp_dst=80"], "tcp,in_port=1", Some(0), "tcp,in_port=1");
}

#[test]
fn masks_of_all_lengths_of_prefixes_and_ports_find_what_a_list_finds() {
    let (mut real, mut naive) = (Classifier::default(), Naive(Vec::new()));
    for number in 0..32 * 17 * 2 {
        let (source, dest) = (number % 32 + 1, number / 32 % 17);
        let mut matched = Match::ANY;
        matched.mask.set(slot::NW_SRC, slot::NW_SRC.max() << (32 - source) & slot::NW_SRC.max());
        matched.mask.set(slot::TP_DST, 0xffff << (16 - dest) & 0xffff);
        matched.key.set(slot::NW_SRC, 0x0a0a_5555 >> (number / 544 * 3));
        matched.key.set(slot::TP_DST, 0x5050 >> (number / 544));
        let matched = CompactMatch::new(&Match::new(matched.key, matched.mask));
        let entry = Item { matched, priority: (number * 7 % 1088) as u16, conjunctions: Vec::new(), number };
        naive.insert(entry.clone());
        real.insert(entry);
    }
    assert_eq!(real.subtables().count(), 32 * 17);
    for flip in 0..32 * 16 {
        let (source, dest) = (0x0a0a_5555 ^ 1 << (flip % 32), 0x5050 ^ 1 << (flip / 32));
        let key = FlowKey::EMPTY.with(slot::NW_SRC, source).with(slot::TP_DST, dest);
        let mut mask = FlowMask::EMPTY;
        let found = real.lookup(&key, &mut mask).map(|item| item.number);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), numbers(naive.lookup(&key)));
        let noise = std::array::from_fn(|word| key.words()[word] ^ !mask.words()[word]);
        assert_eq!(real.lookup(&FlowKey::from_words(noise), &mut mask).map(|item| item.number), found);
    }
    for entry in &naive.0 {
        assert!(real.remove_compact(&entry.matched, entry.priority).is_some());
    }
    assert!(real.is_empty() && real.subtables().next().is_none() && real.order.is_empty());
}

#[test]
fn a_match_may_be_there_with_every_priority() {
    const MATCH: &str = "tcp,tp_dst=80";
    let matched: Match = MATCH.parse().expect("it is a match");
    let key = matched.key;
    let mut classifier = Classifier::default();
    // Neither ascending nor descending: 40503 is odd, and so comes by all.
    let order = |n: usize| (n * 40_503 % 65_536) as u16;
    for n in 0..65_536 {
        assert!(classifier.insert(item(MATCH, order(n), n)).is_none());
    }
    assert_eq!(classifier.insert(item(MATCH, order(5), 70_000)).map(|item| item.number), Some(5));
    assert_eq!((classifier.len(), classifier.overlapping(&matched, 9).count()), (65_536, 1));
    let mut mask = FlowMask::EMPTY;
    for priority in (0..=u16::MAX).rev() {
        let found = classifier.lookup(&key, &mut mask).map(|item| item.priority);
        assert_eq!(found, Some(priority));
        assert!(classifier.remove(&matched, priority).is_some());
    }
    assert!(classifier.lookup(&key, &mut mask).is_none());
}

#[test]
fn a_clone_keeps_what_it_had() {
    let mut classifier = Classifier::default();
    classifier.insert(item("ip,nw_dst=10.0.0.0/8", 1, 0));
    let before = classifier.clone();
    classifier.insert(item("ip,nw_dst=10.0.0.0/16", 2, 1));
    classifier.remove(&"ip,nw_dst=10.0.0.0/8".parse().expect("it is a match"), 1);
    assert_eq!((numbers(before.iter()), numbers(classifier.iter())), (vec![0], vec![1]));
    let key = Match::parse("ip,nw_dst=10.0.0.1").expect("it is a match").key;
    let mut mask = FlowMask::EMPTY;
    assert_eq!(before.lookup(&key, &mut mask).map(|item| item.number), Some(0));
    assert_eq!(mask.get(slot::NW_DST), 0xff00_0000);
}

#[test]
fn entries_share_the_mask_of_their_subtable() {
    let mut classifier = Classifier::default();
    (0..10).for_each(|n| drop(classifier.insert(item(&format!("in_port={n}"), 1, n))));
    let mut masks = classifier.iter().map(|item| item.matched.shared_mask());
    let first = masks.next().expect("there are ten");
    assert!(masks.all(|mask| Arc::ptr_eq(mask, first)));
}
