//! Groups: `add-group`, `mod-group`, `del-groups`, buckets, and showing them.

use super::options::{Options, Version};
use super::{dump, read};
use crate::bridge::Bridge;
use crate::command::CommandError;
use flow_table::TableError;
use openflow::{Bucket, BucketPlace, Group, GroupCommand, GroupKind, GroupMod, Selection};
use sim_core::Time;
use std::fmt::Write;

/// Makes one change.
pub(super) fn change(
    bridge: &Bridge,
    now: Time,
    options: &Options,
    command: GroupCommand,
    text: &str,
) -> Result<String, CommandError> {
    let change = read::group(bridge, command, text)?;
    apply(bridge, now, options, &[change])
}

/// Makes the changes of a file's text, up to the first that can't be made.
pub(super) fn change_all(
    bridge: &Bridge,
    now: Time,
    options: &Options,
    name: &str,
    text: &str,
) -> Result<String, CommandError> {
    apply(bridge, now, options, &read::group_file(bridge, name, text)?)
}

fn apply(bridge: &Bridge, now: Time, options: &Options, changes: &[GroupMod]) -> Result<String, CommandError> {
    let result = bridge.shared.change_tables(|tables| {
        let mut changes = changes.iter().enumerate();
        changes.try_for_each(|(at, change)| tables.apply_group(now, change).map(drop).map_err(|error| (at, error)))
    });
    result.map(|()| String::new()).map_err(|(at, error)| refused(options.version, at, error, &changes[at]))
}

fn refused(version: Version, at: usize, error: TableError, change: &GroupMod) -> CommandError {
    let xid = 6 + 2 * at;
    let name = if version == Version::V10 { "NXT_GROUP_MOD" } else { "OFPT_GROUP_MOD" };
    CommandError::new(format!(
        "OFPT_ERROR{version} (xid={xid:#x}): {error}\n{name}{version} (xid={xid:#x}):\n {}",
        message(change, has_bucket_ids(version))
    ))
}

/// Whether a version's messages number buckets.
fn has_bucket_ids(version: Version) -> bool {
    version == Version::V10 || version == Version::V15
}

/// A change as `ovs-ofctl` prints the message of it.
pub(super) fn message(change: &GroupMod, has_ids: bool) -> String {
    let list = |group: u32, buckets: &[Bucket]| {
        // Buckets alone say nothing of the group's type.
        let kind = if buckets.iter().any(|bucket| bucket.weight != 1) { GroupKind::Select } else { GroupKind::All };
        let whole = Group { id: group, kind, selection: Selection::Default, buckets: buckets.to_vec() };
        let text = shown(&whole, has_ids);
        text.split_once(",bucket=").map_or_else(String::new, |(_, buckets)| format!(",bucket={buckets}"))
    };
    match change {
        GroupMod::Add(group) => format!("ADD {}", shown(group, has_ids)),
        GroupMod::Modify(group) => format!("MOD {}", shown(group, has_ids)),
        GroupMod::AddOrModify(group) => format!("ADD_OR_MOD {}", shown(group, has_ids)),
        GroupMod::Delete(Some(group)) => format!("DEL group_id={group}"),
        GroupMod::Delete(None) => "DEL group_id=all".to_owned(),
        GroupMod::InsertBuckets { group, at, buckets } => {
            format!("INSERT_BUCKET command_bucket_id:{},group_id={group}{}", place(*at), list(*group, buckets))
        }
        GroupMod::RemoveBuckets { group, at } => {
            format!("REMOVE_BUCKET command_bucket_id:{},group_id={group}", place(*at))
        }
    }
}

fn place(at: BucketPlace) -> String {
    match at {
        BucketPlace::First => "first".to_owned(),
        BucketPlace::Last => "last".to_owned(),
        BucketPlace::All => "all".to_owned(),
        BucketPlace::Bucket(id) => id.to_string(),
    }
}

/// A group in words; before OpenFlow 1.5 buckets have no numbers, and hashes no fields.
fn shown(group: &Group, has_ids: bool) -> String {
    if has_ids {
        return group.to_string();
    }
    let mut text = Group { selection: Selection::Default, ..group.clone() }.to_string();
    for bucket in &group.buckets {
        text = text.replacen(&format!("bucket_id:{},", bucket.id), "", 1);
    }
    text
}

/// The groups, or one.
pub(super) fn dump(bridge: &Bridge, options: &Options, only: Option<&str>) -> Result<String, CommandError> {
    let version = options.version;
    let only = only.map(|text| number(text.strip_prefix("group_id=").unwrap_or(text))).transpose()?;
    let name = if version == Version::V10 { "NXST_GROUP_DESC" } else { "OFPST_GROUP_DESC" };
    let mut text = format!("{name} reply{version} (xid=0x2):\n");
    let tables = bridge.shared.tables();
    for state in tables.groups().iter().filter(|state| only.is_none_or(|only| only == state.group.id)) {
        // Writing to a string can't fail.
        let _ = writeln!(text, " {}", shown(&state.group, has_bucket_ids(version)));
    }
    Ok(text)
}

/// What went through the groups, or through one.
pub(super) fn stats(bridge: &Bridge, now: Time, options: &Options, only: Option<&str>) -> Result<String, CommandError> {
    let version = options.version;
    let only = match only {
        Some("group_id=all" | "group_id=any") | None => None,
        Some(text) => {
            let unknown = || CommandError::new(format!("ovs-ofctl: unknown keyword {text}; write group_id=1"));
            Some(number(text.strip_prefix("group_id=").ok_or_else(unknown)?)?)
        }
    };
    let name = if version == Version::V10 { "NXST_GROUP" } else { "OFPST_GROUP" };
    let mut text = format!("{name} reply{version} (xid=0x6):\n");
    let tables = bridge.shared.tables();
    for state in tables.groups().iter().filter(|state| only.is_none_or(|only| only == state.group.id)) {
        let (id, (packets, bytes)) = (state.group.id, state.stats.get());
        let _ = write!(
            text,
            " group_id={id},duration={},ref_count={},packet_count={packets},byte_count={bytes}",
            dump::duration(now, state.since),
            tables.group_uses(id),
        );
        for (at, bucket) in state.buckets.iter().enumerate() {
            let (packets, bytes) = bucket.get();
            let _ = write!(text, ",bucket{at}:packet_count={packets},byte_count={bytes}");
        }
        text.push('\n');
    }
    Ok(text)
}

fn number(text: &str) -> Result<u32, CommandError> {
    text.parse().map_err(|_| CommandError::new(format!("ovs-ofctl: invalid group id {text}")))
}
