//! Printing groups as `ovs-ofctl dump-groups` does.

use std::fmt;

use packet::field::Field;

use super::{Bucket, BucketPlace, Group, GroupKind, Selection};
use crate::action::{Hex, List};

/// The kinds by their names; `fast_failover` is read as well.
pub(super) const KINDS: [(&str, GroupKind); 4] = [
    ("all", GroupKind::All),
    ("select", GroupKind::Select),
    ("indirect", GroupKind::Indirect),
    ("ff", GroupKind::FastFailover),
];

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KINDS.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group_id={},type={}{}", self.id, self.kind, self.selection)?;
        self.buckets.iter().try_for_each(|bucket| Shown(bucket, self.kind).fmt(f))
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, param, fields) = match self {
            Selection::Default => return Ok(()),
            Selection::DpHash { param } => ("dp_hash", param, &[][..]),
            Selection::Hash { param, fields } => ("hash", param, &fields[..]),
        };
        write!(f, ",selection_method={method}")?;
        if *param != 0 {
            write!(f, ",selection_method_param={param}")?;
        }
        match fields {
            [] => Ok(()),
            [one] => write!(f, ",fields={}", Masked(one)),
            [first, others @ ..] => {
                write!(f, ",fields({}", Masked(first))?;
                others.iter().try_for_each(|field| write!(f, ",{}", Masked(field)))?;
                f.write_str(")")
            }
        }
    }
}

/// A field, and which bits of it unless all.
struct Masked<'m>(&'m (&'static Field, u128));

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, mask) = *self.0;
        f.write_str(field.set_name)?;
        if mask == field.slot.max() {
            return Ok(());
        }
        f.write_str("=")?;
        match field.format {
            packet::field::Format::Hex(_) => Hex(mask).fmt(f),
            _ => field.write_value(f, mask, field.slot.max()),
        }
    }
}

/// A bucket of a group of some kind.
struct Shown<'b>(&'b Bucket, GroupKind);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown(bucket, kind) = self;
        write!(f, ",bucket=bucket_id:{}", bucket.id)?;
        if *kind == GroupKind::Select && bucket.weight != 1 {
            write!(f, ",weight:{}", bucket.weight)?;
        }
        if let Some(port) = bucket.watch_port {
            write!(f, ",watch_port:{port}")?;
        }
        if let Some(group) = bucket.watch_group {
            write!(f, ",watch_group:{group}")?;
        }
        write!(f, ",actions={}", List(&bucket.actions))
    }
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BucketPlace::First => f.write_str("first"),
            BucketPlace::Last => f.write_str("last"),
            BucketPlace::All => f.write_str("all"),
            BucketPlace::Bucket(id) => id.fmt(f),
        }
    }
}
