//! What an entry's translation rests on: with it the entry tells whether a change concerns it.

use crate::translate::Lookup;
use flow_table::Change;
use packet::key::FRAG_ANY;
use packet::key::slot::{self, WIRE_WORDS};
use packet::{FlowKey, FlowMask, Match, WORDS};

const PORTS: packet::Slot = slot::TP_SRC;
const PORTS_MASK: u64 =
    (slot::TP_SRC.max() as u64) << slot::TP_SRC.shift | (slot::TP_DST.max() as u64) << slot::TP_DST.shift;

/// What a translation looked at.
#[derive(Debug, Default)]
pub(crate) struct Basis {
    lookups: Box<[Place]>,
    writes: Box<[Write]>,
    groups: Box<[u32]>,
    meters: Box<[u32]>,
    /// The words of the key that aren't zero, without the bits that the entry doesn't ask for.
    words: Box<[Known]>,
}

/// A lookup: a table, and what actions had made of the key by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    table: u8,
    /// Of all writes, those from here ..
    first: u32,
    /// .. to before here.
    end: u32,
}

/// Bits of a word that actions had written, which are the same for all frames of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Write {
    word: u8,
    bits: u64,
    value: u64,
}

/// A word of the entry's key.
#[derive(Clone, Copy, Debug)]
struct Known {
    word: u8,
    bits: u64,
    value: u64,
}

impl Basis {
    /// What a translation of `key` rests on that holds for all keys that agree in `mask`.
    pub(crate) fn new(key: &FlowKey, mask: &FlowMask, lookups: &[Lookup], groups: &[u32], meters: &[u32]) -> Self {
        let mut places: Vec<Place> = Vec::new();
        let mut writes: Vec<Write> = Vec::new();
        for Lookup { table, key: now, written } in lookups {
            let mut written = *written;
            if now.in_port() != key.in_port() {
                // It was looked up as if the frame had come in by another port.
                written.add(slot::IN_PORT);
            }
            let used = written.words().iter().enumerate().filter(|(_, bits)| **bits != 0);
            let new: Vec<Write> =
                used.map(|(word, &bits)| Write { word: word as u8, bits, value: now.words()[word] & bits }).collect();
            let range = |place: &Place| place.first as usize..place.end as usize;
            // Tables that follow each other mostly see the same key.
            let same = places.last().filter(|last| writes[range(last)] == new[..]).copied();
            let (first, end) = match same {
                Some(place) => (place.first, place.end),
                None => (writes.len() as u32, (writes.len() + new.len()) as u32),
            };
            if same.is_none() {
                writes.extend(new);
            }
            let place = Place { table: *table, first, end };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let wire = mask.words()[..WIRE_WORDS].iter().enumerate().filter(|(_, bits)| **bits != 0);
        let known = wire.map(|(word, &bits)| Known { word: word as u8, bits, value: key.words()[word] & bits });
        Self {
            lookups: places.into(),
            writes: writes.into(),
            groups: groups.into(),
            meters: meters.into(),
            words: known.collect(),
        }
    }

    /// Whether a change may give some frame of the entry another translation.
    pub(crate) fn is_touched_by(&self, change: &Change) -> bool {
        match change {
            Change::Flow { table, matched } => {
                self.lookups.iter().any(|place| place.table == *table && self.may_match(place, matched))
            }
            Change::Group(id) => self.groups.contains(id),
            Change::Meter(id) => self.meters.contains(id),
            Change::All => true,
        }
    }

    /// Whether some frame of the entry may have had a match when this table was looked up.
    fn may_match(&self, place: &Place, matched: &Match) -> bool {
        let writes = &self.writes[place.first as usize..place.end as usize];
        let (keys, masks) = (matched.key.words(), matched.mask.words());
        (0..WORDS).filter(|&word| masks[word] != 0).all(|word| {
            let (mut bits, mut value) = self.known(word);
            if let Some(write) = writes.iter().find(|write| usize::from(write.word) == word) {
                (bits, value) = (bits | write.bits, value & !write.bits | write.value);
            }
            (value ^ keys[word]) & masks[word] & bits == 0
        })
    }

    /// The bits of a word that all frames of the entry have in common as they come in.
    fn known(&self, word: usize) -> (u64, u64) {
        const OF_LOOKUP: usize = slot::CONJ_ID.word as usize;
        match word {
            ..WIRE_WORDS => {
                let found = self.words.iter().find(|known| usize::from(known.word) == word);
                let (bits, value) = found.map_or((0, 0), |known| (known.bits, known.value));
                // Fragments are looked up as if they had no ports.
                let unknown = if word == PORTS.word.into() && self.is_fragment() { PORTS_MASK } else { 0 };
                (bits & !unknown, value & !unknown)
            }
            // A lookup itself sets the conjunction.
            OF_LOOKUP => (0, 0),
            // Frames come in without anything in them.
            _ => (u64::MAX, 0),
        }
    }

    fn is_fragment(&self) -> bool {
        let first = self.words.iter().find(|known| known.word == slot::NW_FRAG.word);
        first.is_some_and(|known| known.value >> slot::NW_FRAG.shift & u64::from(FRAG_ANY) != 0)
    }

    /// The meters that it goes through.
    pub(crate) fn meters(&self) -> &[u32] {
        &self.meters
    }

    /// The key that stands for all frames of the entry, and the bits that they have in common.
    pub(crate) fn key(&self) -> (FlowKey, FlowMask) {
        let (mut key, mut mask) = (FlowKey::EMPTY, FlowMask::EMPTY);
        for known in &self.words {
            key.words_mut()[usize::from(known.word)] = known.value;
            mask.words_mut()[usize::from(known.word)] = known.bits;
        }
        (key, mask)
    }
}
