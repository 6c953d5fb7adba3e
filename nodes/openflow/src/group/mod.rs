//! Groups (OpenFlow 1.5.1 section 5.10; ovs-ofctl(8), "Group Syntax").

mod parse;
mod print;

use crate::Action;
use packet::field::Field;

pub(crate) use parse::parse_at;
pub use parse::parse_group_mod;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number, 0 to 0xffffff00.
    pub id: u32,
    /// What it does with its buckets.
    pub kind: GroupKind,
    /// How one of `select` is chosen.
    pub selection: Selection,
    /// Its buckets in order.
    pub buckets: Vec<Bucket>,
}

/// What a group does with its buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Carries out all, each on a copy.
    All,
    /// Carries out one, chosen by hash among those that are live.
    Select,
    /// Carries out its only one.
    Indirect,
    /// Carries out the first that is live.
    FastFailover,
}

/// How a bucket of `select` is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// As the switch likes: by the datapath's hash.
    #[default]
    Default,
    /// By the datapath's hash: `selection_method=dp_hash`.
    DpHash {
        /// What the hash starts from.
        param: u64,
    },
    /// By a hash of fields: `selection_method=hash`.
    Hash {
        /// What the hash starts from.
        param: u64,
        /// The fields and which bits of them; none for the usual ones.
        fields: Vec<(&'static Field, u128)>,
    },
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its number in the group, 0 to 0xffffff00.
    pub id: u32,
    /// Its share, for `select`, where it is 1 unless said; 0 is none. In other groups 0.
    pub weight: u16,
    /// The port that must be up for it to be live.
    pub watch_port: Option<u32>,
    /// The group that must be live for it to be live.
    pub watch_group: Option<u32>,
    /// What it does.
    pub actions: Vec<Action>,
}

/// What is done with groups: the commands of ovs-ofctl(8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupCommand {
    /// `add-group`.
    Add,
    /// `mod-group`.
    Modify,
    /// `mod-group --may-create`.
    AddOrModify,
    /// `del-groups`.
    Delete,
    /// `insert-buckets`.
    InsertBuckets,
    /// `remove-buckets`.
    RemoveBuckets,
}

/// A change of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupMod {
    /// Adds one; there must be none of its number.
    Add(Group),
    /// Changes one that is there.
    Modify(Group),
    /// Adds or changes one: `mod-group --may-create`.
    AddOrModify(Group),
    /// Removes one, or all; the flows that use it go with it.
    Delete(Option<u32>),
    /// Adds buckets before the one of this number.
    InsertBuckets {
        /// The group.
        group: u32,
        /// Where.
        at: BucketPlace,
        /// The buckets.
        buckets: Vec<Bucket>,
    },
    /// Removes buckets.
    RemoveBuckets {
        /// The group.
        group: u32,
        /// Which.
        at: BucketPlace,
    },
}

/// Places in a group's buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketPlace {
    /// The first.
    First,
    /// The last.
    Last,
    /// All, to remove.
    All,
    /// The one of this number.
    Bucket(u32),
}
