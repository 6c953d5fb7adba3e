//! The entries of a classifier that have the same mask.

use super::prefixes::{Known, Lens, Prefixes};
use super::stage::{Part, STAGES, Seen, Stage};
use super::trie::Trie;
use super::{Entry, prefixes};
use crate::compact::{SharedMask, half};
use hashbrown::HashTable;
use packet::key::slot;
use packet::{FlowKey, FlowMask, Match};
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

/// The hash of the words of a key that a mask has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hash(u32);

/// What hashing begins with if nothing else is said.
pub(super) const BASIS: u64 = 0x243f_6a88_85a3_08d3;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hash {
    /// The hash of words.
    pub(super) fn of(basis: u64, words: impl Iterator<Item = u64>) -> Self {
        Self::from_state(words.fold(basis, mix))
    }

    /// The upper half of a state that goes on from stage to stage.
    fn from_state(state: u64) -> Self {
        Self((state >> 32) as u32)
    }

    /// 64 bits for a table, which takes its place from the lowest and a tag from the highest.
    pub(super) fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(FACTOR)
    }
}

/// Takes a word into a hash's state: the two halves of a product.
#[inline]
fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * u128::from(FACTOR);
    product as u64 ^ (product >> 64) as u64
}

/// The entries of one mask.
#[derive(Clone, Debug)]
pub(super) struct Subtable<T> {
    mask: Arc<SharedMask>,
    /// What hashing begins with.
    basis: u64,
    /// The stages in which the mask has bits; one without any if it has none.
    stages: Box<[Stage]>,
    prefixes: Lens,
    ports: Option<Ports>,
    /// Of entries with the same match, the one of the greatest priority.
    entries: Vec<T>,
    /// Where they are in `entries`.
    index: HashTable<(Hash, u32)>,
    /// The others, by match and descending priority.
    shadowed: BTreeMap<(Box<[u32]>, Reverse<u16>), T>,
    /// How many entries there are of each priority.
    priorities: BTreeMap<u16, u32>,
}

/// The ports of the entries, if the mask has bits of them.
#[derive(Clone, Debug)]
struct Ports {
    trie: Trie<u32>,
    /// Where they are in a compact match.
    at: usize,
    /// Up to the last bit that counts.
    len: u8,
    mask: u32,
}

/// The half of a word that has both ports.
const PORTS: usize = slot::TP_SRC.word as usize * 2;
const _: () = assert!(slot::TP_DST.word == slot::TP_SRC.word && slot::TP_SRC.shift == 0 && slot::TP_DST.shift == 16);

impl Ports {
    fn new(mask: &SharedMask) -> Option<Self> {
        let bits = ports(half(mask.bits().words(), PORTS));
        let at = mask.used().position(|number| number == PORTS)?;
        (bits != 0).then(|| Self { trie: Trie::default(), at, len: 32 - bits.trailing_zeros() as u8, mask: bits })
    }

    /// True if no entry has the key's ports; adds the bits to the mask that tell.
    fn exclude(&self, key: &FlowKey, mask: &mut FlowMask) -> bool {
        let found = self.trie.lookup(ports(half(key.words(), PORTS)) & self.mask);
        if found.has(self.len) {
            return false;
        }
        let looked = self.mask & !u32::MAX.checked_shr(u32::from(found.bits)).unwrap_or(0);
        mask.set(slot::TP_SRC, mask.get(slot::TP_SRC) | u128::from(looked >> 16));
        mask.set(slot::TP_DST, mask.get(slot::TP_DST) | u128::from(looked & 0xffff));
        true
    }
}

/// The ports, the source before the destination.
fn ports(half: u32) -> u32 {
    half.rotate_left(16)
}

impl<T: Entry> Subtable<T> {
    pub(super) fn new(mask: Arc<SharedMask>, basis: u64) -> Self {
        let lens = prefixes::lens(mask.bits());
        let stage = |bits: &FlowMask| {
            let common = mask.bits().intersection(bits);
            let part = |(at, number): (usize, usize)| {
                let bits = half(common.words(), number);
                (bits != 0).then_some(Part { half: number as u8, at: at as u8, bits })
            };
            let is_here = |(field, len): &(usize, u8)| *len > 0 && common.get(prefixes::FIELDS[*field]) != 0;
            let prefixes = lens.into_iter().enumerate().filter(is_here).collect();
            Stage { parts: mask.used().enumerate().filter_map(part).collect(), prefixes, seen: Seen::default() }
        };
        let mut stages: Vec<Stage> = STAGES.iter().map(stage).filter(|stage| !stage.parts.is_empty()).collect();
        if stages.is_empty() {
            stages.push(stage(&FlowMask::EMPTY));
        }
        let ports = Ports::new(&mask);
        Self {
            mask,
            basis,
            stages: stages.into(),
            prefixes: lens,
            ports,
            entries: Vec::new(),
            index: HashTable::new(),
            shadowed: BTreeMap::new(),
            priorities: BTreeMap::new(),
        }
    }

    pub(super) fn mask(&self) -> &Arc<SharedMask> {
        &self.mask
    }

    pub(super) fn prefixes(&self) -> &Lens {
        &self.prefixes
    }

    /// The greatest priority of its entries.
    pub(super) fn max_priority(&self) -> Option<u16> {
        self.priorities.last_key_value().map(|(priority, _)| *priority)
    }

    /// The entry of the greatest priority that has the key's bits. Those that were looked at are added to the mask: all of
    /// the subtable's if there is one, and those that tell that there is none if there is none.
    #[inline]
    pub(super) fn find(&self, key: &FlowKey, tries: &Prefixes, known: &mut Known, mask: &mut FlowMask) -> Option<&T> {
        let mut exclude = |stage: &Stage, mask: &mut FlowMask| {
            stage.prefixes.iter().any(|(field, len)| tries.exclude(known, *field, *len, key, mask))
        };
        let (last, before) = self.stages.split_last()?;
        let mut state = self.basis;
        for (n, stage) in before.iter().enumerate() {
            // What a trie tells holds whatever the stages before have: their bits do not count.
            if exclude(stage, mask) {
                return None;
            }
            state = stage.go_on(state, key);
            if !stage.seen.has(Hash::from_state(state)) {
                self.add(n + 1, mask);
                return None;
            }
        }
        if exclude(last, mask) {
            return None;
        }
        let found = self.head(Hash::from_state(last.go_on(state, key)), |entry| {
            let halves = entry.matched().halves();
            self.parts(self.stages.len()).all(|part| part.of(key) == part.of_compact(halves))
        });
        if found.is_some() || !self.ports.as_ref().is_some_and(|ports| ports.exclude(key, mask)) {
            self.add(self.stages.len(), mask);
        }
        found.map(|(_, entry)| entry)
    }

    /// Adds the bits of the first stages to a mask.
    fn add(&self, stages: usize, mask: &mut FlowMask) {
        self.parts(stages).for_each(|part| part.add_to(mask));
    }

    /// What the mask has in the first stages.
    fn parts(&self, stages: usize) -> impl Iterator<Item = &Part> {
        self.stages[..stages].iter().flat_map(|stage| &stage.parts)
    }

    /// An entry and those with the same match and less priority, in that order.
    pub(super) fn chain<'a>(&'a self, head: &'a T) -> impl Iterator<Item = &'a T> {
        let rest = (!self.shadowed.is_empty()).then(|| self.shadowed_by(head.matched().halves()));
        std::iter::once(head).chain(rest.into_iter().flatten())
    }

    /// All with a match of these halves, by descending priority.
    pub(super) fn same(&self, halves: &[u32]) -> impl Iterator<Item = &T> {
        let head = self.head(self.hash(halves), |entry| entry.matched().halves() == halves);
        head.into_iter().flat_map(|(_, head)| self.chain(head))
    }

    /// The entry with a match of these halves and this priority.
    pub(super) fn get(&self, halves: &[u32], priority: u16) -> Option<&T> {
        let (_, head) = self.head(self.hash(halves), |entry| entry.matched().halves() == halves)?;
        match head.priority() == priority {
            true => Some(head),
            false if self.shadowed.is_empty() => None,
            false => self.shadowed.get(&(halves.into(), Reverse(priority))),
        }
    }

    /// All entries, in an order that what was put in and taken out decides.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().chain(self.shadowed.values())
    }

    /// True if there is none of this priority.
    pub(super) fn lacks(&self, priority: u16) -> bool {
        !self.priorities.contains_key(&priority)
    }

    /// The entries that agree with a match in the bits that both their mask and its own have.
    pub(super) fn agreeing(&self, matched: &Match) -> impl Iterator<Item = &T> {
        let common = self.mask.bits().intersection(&matched.mask);
        let part = |(at, number): (usize, usize)| {
            let bits = half(common.words(), number);
            (bits != 0).then(|| (at, bits, bits & half(matched.key.words(), number)))
        };
        let wanted: Vec<(usize, u32, u32)> = self.mask.used().enumerate().filter_map(part).collect();
        let is_exact = common == *self.mask.bits();
        let exact = is_exact.then(|| {
            let halves: Vec<u32> = wanted.iter().map(|(_, _, value)| *value).collect();
            self.same(&halves).collect::<Vec<_>>()
        });
        let agrees =
            move |entry: &&T| wanted.iter().all(|(at, bits, value)| entry.matched().halves()[*at] & bits == *value);
        let rest = (!is_exact && !self.is_excluded(matched)).then(|| self.iter().filter(agrees));
        exact.into_iter().flatten().chain(rest.into_iter().flatten())
    }

    /// True if a stage of which a match asks for all bits tells that no entry agrees with it.
    fn is_excluded(&self, matched: &Match) -> bool {
        let mut state = self.basis;
        let asks = |part: &Part| half(matched.mask.words(), part.half.into()) & part.bits == part.bits;
        let asked = self.stages[..self.stages.len() - 1].iter().take_while(|stage| stage.parts.iter().all(asks));
        asked.into_iter().any(|stage| {
            state = stage.go_on(state, &matched.key);
            !stage.seen.has(Hash::from_state(state))
        })
    }

    /// Puts an entry in; gives back the one of the same match and priority.
    pub(super) fn insert(&mut self, value: T) -> Option<T> {
        let (halves, priority) = (value.matched().halves(), value.priority());
        let hash = self.hash(halves);
        let Some((at, head)) = self.head(hash, |entry| entry.matched().halves() == halves) else {
            self.count(halves, priority, true);
            self.index.insert_unique(hash.spread(), (hash, self.entries.len() as u32), |(hash, _)| hash.spread());
            self.entries.push(value);
            return None;
        };
        let halves: Box<[u32]> = halves.into();
        let lesser = match head.priority().cmp(&priority) {
            Ordering::Equal => return Some(mem::replace(&mut self.entries[at], value)),
            Ordering::Less => mem::replace(&mut self.entries[at], value),
            Ordering::Greater => value,
        };
        let replaced = self.shadowed.insert((halves.clone(), Reverse(lesser.priority())), lesser);
        if replaced.is_none() {
            self.count(&halves, priority, true);
        }
        replaced
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, halves: &[u32], priority: u16) -> Option<T> {
        let hash = self.hash(halves);
        let (at, head) = self.head(hash, |entry| entry.matched().halves() == halves)?;
        let removed = if head.priority() != priority {
            self.shadowed.remove(&(halves.into(), Reverse(priority)))?
        } else if let Some(next) = self.unshadow(halves) {
            mem::replace(&mut self.entries[at], next)
        } else {
            self.take(hash, at)
        };
        self.count(halves, priority, false);
        Some(removed)
    }

    /// The entry of the greatest priority with a match of these halves, and where it is.
    #[inline]
    fn head(&self, hash: Hash, is_it: impl Fn(&T) -> bool) -> Option<(usize, &T)> {
        let is_it = |(known, at): &(Hash, u32)| *known == hash && is_it(&self.entries[*at as usize]);
        let (_, at) = self.index.find(hash.spread(), is_it)?;
        Some((*at as usize, &self.entries[*at as usize]))
    }

    /// What has less priority than the one of these halves in `entries`, the greatest first.
    fn shadowed_by<'a>(&'a self, halves: &[u32]) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let halves: Box<[u32]> = halves.into();
        let from = (halves.clone(), Reverse(u16::MAX));
        self.shadowed.range(from..).take_while(move |((known, _), _)| *known == halves).map(|(_, entry)| entry)
    }

    /// Takes the one of the greatest priority out of the shadow.
    fn unshadow(&mut self, halves: &[u32]) -> Option<T> {
        if self.shadowed.is_empty() {
            return None;
        }
        let priority = self.shadowed_by(halves).next()?.priority();
        self.shadowed.remove(&(halves.into(), Reverse(priority)))
    }

    /// Takes an entry out of `entries`; the last one takes its place.
    fn take(&mut self, hash: Hash, at: usize) -> T {
        let removed = self.entries.swap_remove(at);
        if let Ok(slot) = self.index.find_entry(hash.spread(), |(_, known)| *known as usize == at) {
            slot.remove();
        }
        if let Some(moved) = self.entries.get(at) {
            let (hash, last) = (self.hash(moved.matched().halves()), self.entries.len());
            if let Some((_, known)) = self.index.find_mut(hash.spread(), |(_, known)| *known as usize == last) {
                *known = at as u32;
            }
        }
        removed
    }

    /// Notes an entry in what tells keys apart, or that it is gone.
    fn count(&mut self, halves: &[u32], priority: u16, is_there: bool) {
        let mut state = self.basis;
        let before = self.stages.len() - 1;
        for stage in &mut self.stages[..before] {
            state = stage.go_on_compact(state, halves);
            let hash = Hash::from_state(state);
            if is_there { stage.seen.add(hash) } else { stage.seen.remove(hash) }
        }
        if let Some(Ports { trie, at, len, mask }) = &mut self.ports {
            let value = ports(halves[*at]) & *mask;
            if is_there { trie.insert(value, *len) } else { trie.remove(value, *len) }
        }
        let count = self.priorities.entry(priority).or_default();
        *count = if is_there { *count + 1 } else { *count - 1 };
        if *count == 0 {
            self.priorities.remove(&priority);
        }
    }

    fn hash(&self, halves: &[u32]) -> Hash {
        Hash::from_state(self.stages.iter().fold(self.basis, |state, stage| stage.go_on_compact(state, halves)))
    }
}

impl Stage {
    /// Goes on with a hash by what a key has in this stage.
    #[inline]
    fn go_on(&self, state: u64, key: &FlowKey) -> u64 {
        self.parts.iter().fold(state, |state, part| mix(state, part.of(key).into()))
    }

    /// Goes on with a hash by what the halves of a compact match have in this stage.
    fn go_on_compact(&self, state: u64, halves: &[u32]) -> u64 {
        self.parts.iter().fold(state, |state, part| mix(state, part.of_compact(halves).into()))
    }
}
