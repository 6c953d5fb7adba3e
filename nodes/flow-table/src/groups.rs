//! Groups: buckets of actions by number (OpenFlow 1.5.1 section 5.10).
//!
//! As in Open vSwitch a bucket may name a group that isn't there, which then does nothing. Unlike there, a group that
//! would lead to itself is refused, as OpenFlow has it.

use crate::actions;
use crate::error::TableError;
use crate::rule::FlowStats;
use openflow::{Bucket, BucketPlace, Group, GroupKind, GroupMod};
use sim_core::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A group, and what went through it. It never changes: a change puts another in its place, whose counters start anew.
#[derive(Debug)]
pub struct GroupState {
    /// What its maker asked for.
    pub group: Group,
    /// When it was made; a change keeps it.
    pub since: Time,
    /// What came to it.
    pub stats: Arc<FlowStats>,
    /// What went to each bucket, in their order.
    pub buckets: Box<[Arc<FlowStats>]>,
}

/// The groups of a bridge by number.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    groups: BTreeMap<u32, Arc<GroupState>>,
}

impl Groups {
    /// The largest number that a group may have.
    pub const MAX_ID: u32 = 0xffff_ff00;
    /// How many there may be.
    pub const MAX: usize = 65_536;
    /// How many buckets one may have.
    pub const MAX_BUCKETS: usize = 4096;

    /// The group of a number.
    pub fn get(&self, id: u32) -> Option<&Arc<GroupState>> {
        self.groups.get(&id)
    }

    /// The groups by number.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<GroupState>> {
        self.groups.values()
    }

    /// Makes a change; gives the numbers of groups that changed, and whether they are gone.
    pub(crate) fn apply(&mut self, now: Time, change: &GroupMod) -> Result<(Vec<u32>, bool), TableError> {
        let known = |id: &u32| self.groups.get(id).cloned();
        match change {
            GroupMod::Add(group) if known(&group.id).is_some() => Err(TableError::GroupExists),
            GroupMod::Add(group) => self.put(group.clone(), now),
            GroupMod::Modify(group) if known(&group.id).is_none() => Err(TableError::UnknownGroup),
            GroupMod::Modify(group) | GroupMod::AddOrModify(group) => self.put(group.clone(), now),
            GroupMod::Delete(None) => Ok((std::mem::take(&mut self.groups).into_keys().collect(), true)),
            GroupMod::Delete(Some(id)) => Ok((self.groups.remove(id).map(|_| *id).into_iter().collect(), true)),
            GroupMod::InsertBuckets { group, at, buckets } => {
                let old = known(group).ok_or(TableError::UnknownGroup)?;
                let mut group = old.group.clone();
                let at = match at {
                    BucketPlace::First => 0,
                    BucketPlace::Last | BucketPlace::All => group.buckets.len(),
                    BucketPlace::Bucket(id) => position(&group, *id)? + 1,
                };
                group.buckets.splice(at..at, buckets.iter().cloned());
                self.put(group, now)
            }
            GroupMod::RemoveBuckets { group, at } => {
                let old = known(group).ok_or(TableError::UnknownGroup)?;
                let mut group = old.group.clone();
                match at {
                    BucketPlace::All => group.buckets.clear(),
                    BucketPlace::First if group.buckets.is_empty() => return Err(TableError::UnknownBucket),
                    BucketPlace::First => drop(group.buckets.remove(0)),
                    BucketPlace::Last => drop(group.buckets.pop().ok_or(TableError::UnknownBucket)?),
                    BucketPlace::Bucket(id) => drop(group.buckets.remove(position(&group, *id)?)),
                }
                self.put(group, now)
            }
        }
    }

    fn put(&mut self, group: Group, now: Time) -> Result<(Vec<u32>, bool), TableError> {
        check(&group)?;
        let old = self.groups.get(&group.id);
        if old.is_none() && self.groups.len() >= Self::MAX {
            return Err(TableError::OutOfGroups);
        }
        if self.leads_back(&group) {
            return Err(TableError::GroupLoop);
        }
        let since = old.map_or(now, |old| old.since);
        let buckets = group.buckets.iter().map(|_| Arc::default()).collect();
        let id = group.id;
        self.groups.insert(id, Arc::new(GroupState { group, since, stats: Arc::default(), buckets }));
        Ok((vec![id], false))
    }

    /// Whether a group, were it there, would lead to itself.
    fn leads_back(&self, group: &Group) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = named(&group.buckets);
        while let Some(id) = open.pop() {
            if id == group.id {
                return true;
            }
            if seen.insert(id) {
                open.extend(self.groups.get(&id).into_iter().flat_map(|state| named(&state.group.buckets)));
            }
        }
        false
    }
}

/// The groups that buckets name.
fn named(buckets: &[Bucket]) -> Vec<u32> {
    buckets.iter().flat_map(|bucket| actions::groups(&bucket.actions)).collect()
}

fn position(group: &Group, bucket: u32) -> Result<usize, TableError> {
    group.buckets.iter().position(|other| other.id == bucket).ok_or(TableError::UnknownBucket)
}

fn check(group: &Group) -> Result<(), TableError> {
    if group.id > Groups::MAX_ID || group.kind == GroupKind::Indirect && group.buckets.len() > 1 {
        return Err(TableError::InvalidGroup);
    }
    if group.buckets.len() > Groups::MAX_BUCKETS {
        return Err(TableError::OutOfBuckets);
    }
    let mut ids = BTreeSet::new();
    if group.buckets.iter().all(|bucket| ids.insert(bucket.id)) { Ok(()) } else { Err(TableError::BucketExists) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openflow::{Action, Selection};
    use std::borrow::Borrow;

    fn bucket(id: u32, action: Action) -> Bucket {
        Bucket { id, weight: 1, watch_port: None, watch_group: None, actions: vec![action] }
    }

    fn group(id: u32, actions: &[Action]) -> Group {
        let buckets = (0..).zip(actions).map(|(id, action)| bucket(id, action.clone())).collect();
        Group { id, kind: GroupKind::All, selection: Selection::Default, buckets }
    }

    fn apply(groups: &mut Groups, change: impl Borrow<GroupMod>) -> Result<(), TableError> {
        groups.apply(Time::ZERO, change.borrow()).map(|_| ())
    }

    fn ids(groups: &Groups, id: u32) -> Vec<u32> {
        groups.get(id).unwrap().group.buckets.iter().map(|bucket| bucket.id).collect()
    }

    #[test]
    fn each_command_does_what_open_vswitch_does() {
        let mut groups = Groups::default();
        let one = group(1, &[Action::Output(1), Action::Output(2)]);
        assert_eq!(apply(&mut groups, GroupMod::Modify(one.clone())), Err(TableError::UnknownGroup));
        apply(&mut groups, GroupMod::Add(one.clone())).unwrap();
        assert_eq!(apply(&mut groups, GroupMod::Add(one.clone())), Err(TableError::GroupExists));
        let insert = |at, id| GroupMod::InsertBuckets { group: 1, at, buckets: vec![bucket(id, Action::Output(3))] };
        assert_eq!(apply(&mut groups, insert(BucketPlace::Last, 0)), Err(TableError::BucketExists));
        assert_eq!(apply(&mut groups, insert(BucketPlace::Bucket(9), 5)), Err(TableError::UnknownBucket));
        apply(&mut groups, insert(BucketPlace::Bucket(0), 8)).unwrap();
        apply(&mut groups, insert(BucketPlace::First, 7)).unwrap();
        apply(&mut groups, insert(BucketPlace::Last, 6)).unwrap();
        assert_eq!(ids(&groups, 1), [7, 0, 8, 1, 6]);
        let remove = |at| GroupMod::RemoveBuckets { group: 1, at };
        assert_eq!(apply(&mut groups, remove(BucketPlace::Bucket(9))), Err(TableError::UnknownBucket));
        apply(&mut groups, remove(BucketPlace::First)).unwrap();
        apply(&mut groups, remove(BucketPlace::Last)).unwrap();
        apply(&mut groups, remove(BucketPlace::Bucket(8))).unwrap();
        assert_eq!(ids(&groups, 1), [0, 1]);
        apply(&mut groups, remove(BucketPlace::All)).unwrap();
        assert_eq!(apply(&mut groups, remove(BucketPlace::Last)), Err(TableError::UnknownBucket));
        apply(&mut groups, GroupMod::AddOrModify(group(3, &[]))).unwrap();
        apply(&mut groups, GroupMod::Delete(Some(77))).unwrap();
        apply(&mut groups, GroupMod::Delete(None)).unwrap();
        assert_eq!(groups.iter().count(), 0);
    }

    #[test]
    fn a_group_that_leads_to_itself_is_refused() {
        let mut groups = Groups::default();
        assert_eq!(apply(&mut groups, GroupMod::Add(group(1, &[Action::Group(1)]))), Err(TableError::GroupLoop));
        apply(&mut groups, GroupMod::Add(group(1, &[Action::Group(2)]))).unwrap();
        apply(&mut groups, GroupMod::Add(group(2, &[Action::Clone(vec![Action::Group(3)])]))).unwrap();
        assert_eq!(apply(&mut groups, GroupMod::Add(group(3, &[Action::Group(1)]))), Err(TableError::GroupLoop));
        apply(&mut groups, GroupMod::Add(group(3, &[Action::Output(1), Action::Group(4)]))).unwrap();
    }

    #[test]
    fn an_indirect_group_has_one_bucket_at_most() {
        let mut two = group(1, &[Action::Output(1), Action::Output(2)]);
        two.kind = GroupKind::Indirect;
        assert_eq!(apply(&mut Groups::default(), GroupMod::Add(two)), Err(TableError::InvalidGroup));
    }
}
