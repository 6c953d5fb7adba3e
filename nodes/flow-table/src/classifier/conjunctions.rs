//! Conjunctive matches (ovs-fields(7), "Conjunctive Match Fields").
//!
//! Entries that are clauses are soft: they are found only together. If those of one priority that match a key have all
//! clauses of a conjunction, the table is searched again for the key with the conjunction's id, and soft entries
//! are left out, so that nothing recurs. If that finds nothing, the conjunction did not match. An entry that is not soft
//! goes before conjunctions of its priority and of less.
//!
//! Where several conjunctions of one priority match, which the manual forbids, the one of the least id counts that finds an
//! entry.

use super::{Classifier, Conjunction, Entry, is_soft};
use packet::key::slot;
use packet::{FlowKey, FlowMask};
use std::cmp::Reverse;
use std::collections::BTreeMap;

impl<T: Entry + Clone> Classifier<T> {
    /// [`Classifier::lookup`] where there are soft entries.
    pub(super) fn lookup_conjunctive(&self, key: &FlowKey, mask: &mut FlowMask) -> Option<&T> {
        let mut soft = Vec::new();
        let hard = self.search(key, mask, |subtable, head| {
            subtable.chain(head).find(|entry| {
                let is_soft = is_soft(*entry);
                if is_soft {
                    soft.push(*entry);
                }
                !is_soft
            })
        });
        soft.retain(|entry| hard.is_none_or(|hard| hard.priority() < entry.priority()));
        soft.sort_by_key(|entry| Reverse(entry.priority()));
        let ids = soft.chunk_by(|a, b| a.priority() == b.priority()).flat_map(complete);
        let conjunctive = ids.into_iter().find_map(|id| {
            let key = key.with(slot::CONJ_ID, id.into());
            self.search(&key, mask, |subtable, head| subtable.chain(head).find(|entry| !is_soft(*entry)))
        });
        conjunctive.or(hard)
    }
}

/// The ids of the conjunctions of which entries have all clauses, in order.
pub(super) fn complete<T: Entry>(entries: &[&T]) -> Vec<u32> {
    let mut clauses: BTreeMap<(u32, u8), u64> = BTreeMap::new();
    for Conjunction { id, clause, n_clauses } in entries.iter().flat_map(|entry| entry.conjunctions()) {
        *clauses.entry((id, n_clauses)).or_default() |= 1_u64.checked_shl(clause.into()).unwrap_or(0);
    }
    let is_complete = |n_clauses: u8, bits: u64| bits.trailing_ones() >= n_clauses.into();
    clauses.into_iter().filter(|((_, n_clauses), bits)| is_complete(*n_clauses, *bits)).map(|((id, _), _)| id).collect()
}
