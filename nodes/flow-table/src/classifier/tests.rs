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
    let (mut real, mut naive) = (Classifier::default(), Naive(Vec::<Item>::new()));
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
