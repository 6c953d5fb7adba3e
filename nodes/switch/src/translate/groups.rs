//! Groups (OpenFlow 1.5.1 section 5.10).
//!
//! Each bucket is done with the key as it was before the group, and so is what follows the group. Which bucket a
//! `select` takes by the datapath's hash, the frame decides; by a hash of fields, the key does.

use super::actions::Flow;
use super::{Observer, Place, Seen, Translator, action_set};
use crate::program::{Op, Select};
use flow_table::GroupState;
use openflow::{Action, Bucket, GroupKind, Selection};
use std::sync::Arc;

/// How deep a chain of watched groups may be.
const MAX_WATCHED: u8 = 64;
/// Hash values that a `select` tells apart, at least and at most.
const HASHES: std::ops::RangeInclusive<usize> = 16..=256;

impl<O: Observer> Translator<'_, O> {
    /// `group`.
    pub(super) fn group(&mut self, id: u32) -> Flow {
        if !self.groups.contains(&id) {
            self.groups.push(id);
        }
        let tables = self.world.tables;
        let Some(group) = tables.group(id) else {
            self.say(Seen::Warning(format_args!("output to nonexistent group {id}")));
            // The list ends here.
            return Flow::Break;
        };
        let state = Arc::clone(group);
        let group = &state.group;
        self.counters.push(Arc::clone(&state.stats));
        match group.kind {
            GroupKind::All | GroupKind::Indirect => {
                self.counters.extend(state.buckets.iter().cloned());
                for bucket in &group.buckets {
                    self.bucket(bucket);
                }
            }
            GroupKind::FastFailover => match group.buckets.iter().find(|bucket| self.is_live(bucket, 0)) {
                Some(bucket) => {
                    self.count(&state, bucket);
                    self.say(Seen::Detail(format_args!("using bucket {}", bucket.id)));
                    self.bucket(bucket);
                }
                None => self.say(Seen::Detail(format_args!("no live bucket"))),
            },
            GroupKind::Select => match &group.selection {
                Selection::Hash { param, fields } => {
                    let basis = self.hash_of_fields(*param, fields);
                    self.select_by_fields(&state, basis);
                }
                Selection::Default => self.select_by_frame(&state, 0),
                Selection::DpHash { param } => self.select_by_frame(&state, *param as u32),
            },
        }
        Flow::Continue
    }

    /// Has frames counted that go to a bucket.
    fn count(&mut self, state: &GroupState, bucket: &Bucket) {
        let at = state.group.buckets.iter().position(|other| std::ptr::eq(other, bucket));
        self.counters.extend(at.and_then(|at| state.buckets.get(at)).cloned());
    }

    /// Carries out a bucket; its actions are an action set.
    #[inline(never)]
    fn bucket(&mut self, bucket: &Bucket) {
        if self.failure.is_some() || !self.may_resubmit() {
            return;
        }
        let actions = action_set::in_order(&bucket.actions);
        let old = self.state.clone();
        let exits = self.exits;
        self.say(Seen::Bucket(bucket.id));
        let body = |at: &mut Self| {
            at.depth.level = at.depth.level.saturating_add(1);
            at.deeper(true, |at| at.actions_of(Place::Bucket, &actions));
            at.depth.level = at.depth.level.saturating_sub(1);
            if at.frozen.is_some() {
                at.put_off();
            }
        };
        if actions.iter().all(|action| matches!(action, Action::Group(_)) || self.can_take_back(action)) {
            body(self);
        } else {
            self.copied(body);
        }
        // The bucket is a copy: what ends it doesn't end what follows.
        self.state = old;
        self.exits = exits;
    }

    /// Whether a bucket may be used. Links that are watched are followed.
    fn is_live(&mut self, bucket: &Bucket, depth: u8) -> bool {
        if bucket.watch_port.is_none() && bucket.watch_group.is_none() {
            return true;
        }
        bucket.watch_port.is_some_and(|port| self.is_up(port))
            || bucket.watch_group.is_some_and(|group| self.is_group_live(group, depth + 1))
    }

    fn is_group_live(&mut self, id: u32, depth: u8) -> bool {
        if depth > MAX_WATCHED {
            return false;
        }
        if !self.groups.contains(&id) {
            self.groups.push(id);
        }
        let tables = self.world.tables;
        tables.group(id).is_some_and(|state| state.group.buckets.iter().any(|bucket| self.is_live(bucket, depth)))
    }

    /// Whether frames leave by a port now.
    pub(super) fn is_up(&mut self, port: u32) -> bool {
        self.follows_links = true;
        let plan = self.world.plan;
        plan.slot_of_ofport(port).is_some_and(|slot| plan.ports[usize::from(slot)].link.is_some())
    }

    /// Takes the bucket of the highest weighted hash.
    fn select_by_fields(&mut self, state: &GroupState, basis: u32) {
        let mut best: Option<(u32, &Bucket)> = None;
        for bucket in &state.group.buckets {
            if !self.is_live(bucket, 0) {
                continue;
            }
            let score = (super::hash::hash_int(bucket.id, basis) & 0xffff) * u32::from(bucket.weight);
            self.say(Seen::Detail(format_args!("bucket {}: score {score}", bucket.id)));
            if best.is_none_or(|(highest, _)| score >= highest) {
                best = Some((score, bucket));
            }
        }
        match best {
            Some((_, bucket)) => {
                self.count(state, bucket);
                self.say(Seen::Detail(format_args!("using bucket {}", bucket.id)));
                self.bucket(bucket);
            }
            None => self.say(Seen::Detail(format_args!("no live bucket"))),
        }
    }

    /// Lets each frame's hash choose.
    fn select_by_frame(&mut self, state: &GroupState, basis: u32) {
        let live: Vec<&Bucket> = state.group.buckets.iter().filter(|bucket| self.is_live(bucket, 0)).collect();
        let live: Vec<&Bucket> = live.into_iter().filter(|bucket| bucket.weight > 0).collect();
        if live.is_empty() {
            return self.say(Seen::Detail(format_args!("no live bucket")));
        }
        self.commit();
        let mut program = |bucket: &&Bucket| {
            self.choice(|at| {
                at.count(state, bucket);
                at.bucket(bucket);
            })
        };
        let programs: Vec<u16> = live.iter().map(&mut program).collect();
        let weights: Vec<u16> = live.iter().map(|bucket| bucket.weight).collect();
        let programs = shares(&weights).into_iter().map(|at| programs[at]).collect();
        let select = self.part(|parts| &mut parts.selects, Select { basis, programs });
        self.ops.push(Op::Select(select));
    }
}

/// Which of the weights each hash value stands for: each has its share, by Webster's method.
fn shares(weights: &[u16]) -> Vec<usize> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let least = weights.iter().copied().min().unwrap_or(1).max(1);
    let wanted = total.div_ceil(u64::from(least)).next_power_of_two();
    let len = usize::try_from(wanted).unwrap_or(usize::MAX).clamp(*HASHES.start(), *HASHES.end());
    let mut divisors = vec![1_u64; weights.len()];
    let mut shares = Vec::with_capacity(len);
    for _ in 0..len {
        // Weight over divisor, compared without division; among equals the last.
        let more = |a: &usize, b: &usize| {
            (u64::from(weights[*a]) * divisors[*b]).cmp(&(u64::from(weights[*b]) * divisors[*a]))
        };
        let Some(winner) = (0..weights.len()).max_by(more) else { break };
        divisors[winner] += 2;
        shares.push(winner);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_values_are_shared_by_weight() {
        let count = |weights: &[u16]| {
            let shares = shares(weights);
            (0..weights.len()).map(|at| shares.iter().filter(|share| **share == at).count()).collect::<Vec<_>>()
        };
        assert_eq!(count(&[1, 1]), [8, 8]);
        assert_eq!(count(&[100]), [16]);
        assert_eq!(count(&[1, 3]), [4, 12]);
        assert_eq!(count(&[1, 999]), [0, 256]);
    }
}
