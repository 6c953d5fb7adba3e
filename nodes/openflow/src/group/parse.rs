//! Reading groups and changes of them.

use packet::field::{FIELDS, Field};

use super::print::KINDS;
use super::{Bucket, BucketPlace, Group, GroupCommand, GroupKind, GroupMod, Selection};
use crate::action;
use crate::error::{FlowError, FlowErrorKind};
use crate::port::{self, Ports};
use crate::text::{Found, Word, Words, Wrong, short};
use crate::{number, subfield};

/// The greatest number of a group and of a bucket (OpenFlow 1.5.1 section 7.3.4.3).
const MAX_ID: u32 = 0xffff_ff00;
const GROUP_ID: &str = "a group: 0 to 4294967040";
const BUCKET_ID: &str = "a bucket: 0 to 4294967040";

impl GroupCommand {
    /// The words of `add-groups` by which a line names its command.
    pub(crate) const WORDS: [(&str, GroupCommand); 6] = [
        ("add", GroupCommand::Add),
        ("modify", GroupCommand::Modify),
        ("add_or_mod", GroupCommand::AddOrModify),
        ("delete", GroupCommand::Delete),
        ("insert_bucket", GroupCommand::InsertBuckets),
        ("remove_bucket", GroupCommand::RemoveBuckets),
    ];

    /// Does it say what a group is?
    fn defines(self) -> bool {
        matches!(self, GroupCommand::Add | GroupCommand::Modify | GroupCommand::AddOrModify)
    }

    /// May it have this word?
    fn takes(self, word: &str) -> bool {
        match word {
            "group_id" => true,
            "bucket" => self.defines() || self == GroupCommand::InsertBuckets,
            "command_bucket_id" => matches!(self, GroupCommand::InsertBuckets | GroupCommand::RemoveBuckets),
            _ => self.defines(),
        }
    }

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, command)| *command == self).map_or("", |(word, _)| word)
    }
}

impl Group {
    /// Reads a group as `add-group` does:
    /// `group_id=1,type=select,selection_method=hash,fields(ip_src),bucket=weight:2,output:1,bucket=output:2`.
    /// Buckets without a number get the lowest that is free. A port may have a name that `ports` knows.
    ///
    /// # Errors
    /// The first wrong word.
    pub fn parse(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Group, FlowError> {
        let draft = Draft::read(GroupCommand::Add, text, 0, ports).and_then(|draft| draft.group(text));
        draft.map_err(|wrong| wrong.within(text))
    }
}

/// Reads a change of groups, as the argument of a command.
///
/// # Errors
/// The first wrong word.
pub fn parse_group_mod(
    command: GroupCommand,
    text: &str,
    ports: &dyn Fn(&str) -> Option<u32>,
) -> Result<GroupMod, FlowError> {
    parse_at(command, text, 0, ports)
}

/// The same from a byte of the text on.
pub(crate) fn parse_at(
    command: GroupCommand,
    text: &str,
    offset: usize,
    ports: Ports<'_>,
) -> Result<GroupMod, FlowError> {
    let draft = Draft::read(command, text, offset, ports);
    draft.and_then(|draft| draft.change(command, text)).map_err(|wrong| wrong.within(text))
}

/// What the words say before it is known whether they fit.
#[derive(Default)]
struct Draft {
    /// `None` for all.
    id: Option<Option<u32>>,
    kind: Option<GroupKind>,
    method: Option<(usize, String)>,
    param: Option<(usize, u64)>,
    fields: Option<(usize, Vec<(&'static Field, u128)>)>,
    place: Option<BucketPlace>,
    /// With the place of each.
    buckets: Vec<(usize, DraftBucket)>,
}

/// A bucket, perhaps without a number and a weight.
#[derive(Default)]
struct DraftBucket {
    id: Option<u32>,
    weight: Option<u16>,
    watch_port: Option<u32>,
    watch_group: Option<u32>,
    actions: Vec<crate::Action>,
}

/// The words of a group.
const WORDS: &[&str] =
    &["group_id", "type", "selection_method", "selection_method_param", "fields", "command_bucket_id", "bucket"];

impl Draft {
    fn read(command: GroupCommand, text: &str, offset: usize, ports: Ports<'_>) -> Found<Draft> {
        let mut draft = Draft::default();
        let mut words = Words::from(text, offset);
        // Where the bucket that is being read began.
        let mut bucket = None;
        while let Some(word) = words.next()? {
            if let Some(known) = WORDS.iter().find(|known| **known == word.name)
                && !command.takes(known)
            {
                return Err(word.wrong(FlowErrorKind::NotFor { word: known, command: command.word() }));
            }
            if word.name == "bucket" {
                if let Some(start) = bucket.replace(word.value_at) {
                    draft.bucket(text, start, word.at, ports)?;
                }
            } else if bucket.is_none() {
                draft.set(&word)?;
            }
        }
        if let Some(start) = bucket {
            draft.bucket(text, start, text.len(), ports)?;
        }
        Ok(draft)
    }

    /// Takes a word before the buckets.
    fn set(&mut self, word: &Word<'_>) -> Found<()> {
        match word.name {
            "group_id" if word.value == "all" => self.id = Some(None),
            "group_id" => self.id = Some(Some(limited(word, "group_id", GROUP_ID)?)),
            "type" => {
                let value = word.needed("type", "=all")?;
                let value = if value == "fast_failover" { "ff" } else { value };
                let kind = KINDS.iter().find(|(name, _)| *name == value);
                self.kind =
                    Some(kind.ok_or_else(|| word.bad("type", "a type: all, select, indirect, ff or fast_failover"))?.1);
            }
            "selection_method" => {
                self.method = Some((word.at, short(word.needed("selection_method", "=hash")?)));
            }
            "selection_method_param" => {
                self.param = Some((word.at, word.number("selection_method_param", "a number of 64 bits")?));
            }
            "fields" => {
                let fields = &mut self.fields.get_or_insert_with(|| (word.at, Vec::new())).1;
                let mut parts = word.words();
                while let Some(part) = parts.next()? {
                    let (field, mask) = masked(&part)?;
                    fields.retain(|(other, _)| *other != field);
                    fields.push((field, mask));
                }
            }
            "command_bucket_id" => {
                self.place = Some(match word.value {
                    "first" => BucketPlace::First,
                    "last" => BucketPlace::Last,
                    "all" => BucketPlace::All,
                    _ => BucketPlace::Bucket(limited(
                        word,
                        "command_bucket_id",
                        "a bucket: its number, first, last or all",
                    )?),
                });
            }
            _ => {
                let nearest = packet::nearest(word.name, WORDS.iter().copied());
                let kind = FlowErrorKind::UnknownPart { word: short(word.name), within: "a group", nearest };
                return Err(word.wrong(kind));
            }
        }
        Ok(())
    }

    /// Reads a bucket: words of its own anywhere, the others are actions.
    fn bucket(&mut self, text: &str, start: usize, end: usize, ports: Ports<'_>) -> Found<()> {
        let mut bucket = DraftBucket::default();
        let mut words = Words::from(&text[..end], start);
        // The actions, with blanks in place of the other words, so that their errors are in place.
        let mut actions = String::new();
        while let Some(word) = words.next()? {
            let mut from = word.at;
            match word.name {
                "bucket_id" => bucket.id = Some(limited(&word, "bucket_id", BUCKET_ID)?),
                "weight" => bucket.weight = Some(word.number("weight", "a weight: 0 to 65535")?),
                "watch_port" => {
                    let port = port::parse(word.needed("watch_port", ":1")?, ports);
                    let port = port.filter(|port| matches!(*port, 0..=port::MAX | port::ANY));
                    let port = port.ok_or_else(|| word.bad("watch_port", "a port: its name or number, or any"))?;
                    bucket.watch_port = Some(port).filter(|port| *port != port::ANY);
                }
                "watch_group" => bucket.watch_group = Some(limited(&word, "watch_group", GROUP_ID)?),
                "actions" | "action" => from = word.value_at,
                _ => {}
            }
            if !matches!(word.name, "bucket_id" | "weight" | "watch_port" | "watch_group") {
                actions.push_str(&" ".repeat(from - start - actions.len()));
                actions.push_str(&text[from..word.end]);
            }
        }
        if actions.is_empty() {
            return Err(Wrong { at: start, kind: FlowErrorKind::NoBucketActions });
        }
        bucket.actions = action::parse_free(Words::of(&actions, start), "a bucket", ports)?;
        self.buckets.push((start, bucket));
        Ok(())
    }

    /// What the command does.
    fn change(self, command: GroupCommand, text: &str) -> Found<GroupMod> {
        let missing = |word, example| Wrong { at: text.len(), kind: FlowErrorKind::MissingWord { word, example } };
        let one = |id: Option<Option<u32>>| id.flatten().ok_or_else(|| missing("group_id", "=1"));
        Ok(match command {
            GroupCommand::Add => GroupMod::Add(self.group(text)?),
            GroupCommand::Modify => GroupMod::Modify(self.group(text)?),
            GroupCommand::AddOrModify => GroupMod::AddOrModify(self.group(text)?),
            GroupCommand::Delete => GroupMod::Delete(self.id.flatten()),
            GroupCommand::InsertBuckets => {
                let at = self.place.ok_or_else(|| missing("command_bucket_id", "=last"))?;
                if at == BucketPlace::All {
                    let wanted = "a place to insert at: a bucket's number, first or last";
                    let kind = FlowErrorKind::Value { word: "command_bucket_id", value: "all".to_owned(), wanted };
                    return Err(Wrong { at: 0, kind });
                }
                // As in Open vSwitch, which doesn't know the group's kind here.
                GroupMod::InsertBuckets { group: one(self.id)?, at, buckets: numbered(self.buckets, 0)? }
            }
            GroupCommand::RemoveBuckets => {
                GroupMod::RemoveBuckets { group: one(self.id)?, at: self.place.unwrap_or(BucketPlace::All) }
            }
        })
    }

    /// The group, if its words fit together.
    fn group(self, text: &str) -> Found<Group> {
        let end = text.len();
        let missing = |word, example| Wrong { at: end, kind: FlowErrorKind::MissingWord { word, example } };
        let kind = self.kind.ok_or_else(|| missing("type", "=all"))?;
        let id = self.id.flatten().ok_or_else(|| missing("group_id", "=1"))?;
        let unfit = |at, what| Err(Wrong { at, kind: FlowErrorKind::Unfit(what) });
        let selection = match (self.method, self.param, self.fields) {
            (None, None, None) => Selection::Default,
            (None, Some((at, _)), _) => return unfit(at, "selection_method_param needs selection_method"),
            (Some((at, _)), ..) if kind != GroupKind::Select => {
                return unfit(at, "selection_method is for groups with type=select");
            }
            (Some((_, method)), param, fields) if method == "hash" => Selection::Hash {
                param: param.map_or(0, |(_, param)| param),
                fields: fields.map_or_else(Vec::new, |(_, fields)| sorted(fields)),
            },
            (_, _, Some((at, _))) => return unfit(at, "fields need selection_method=hash"),
            (Some((_, method)), param, _) if method == "dp_hash" => {
                Selection::DpHash { param: param.map_or(0, |(_, param)| param) }
            }
            (Some((at, value)), ..) => {
                let wanted = "a method: hash or dp_hash";
                return Err(Wrong { at, kind: FlowErrorKind::Value { word: "selection_method", value, wanted } });
            }
        };
        for (at, bucket) in &self.buckets {
            let watches = bucket.watch_port.is_some() || bucket.watch_group.is_some();
            match kind {
                GroupKind::FastFailover if !watches => {
                    return unfit(*at, "a bucket of type=ff needs watch_port or watch_group");
                }
                GroupKind::All | GroupKind::Indirect if watches => {
                    return unfit(*at, "buckets that watch are for groups with type=ff or select");
                }
                _ if kind != GroupKind::Select && bucket.weight.is_some_and(|weight| weight != 0) => {
                    return unfit(*at, "buckets with a weight are for groups with type=select");
                }
                _ => {}
            }
        }
        if kind == GroupKind::Indirect && self.buckets.len() != 1 {
            return unfit(end, "a group with type=indirect has one bucket");
        }
        let weight = u16::from(kind == GroupKind::Select);
        Ok(Group { id, kind, selection, buckets: numbered(self.buckets, weight)? })
    }
}

/// Gives the buckets without a number the lowest that is free.
fn numbered(drafts: Vec<(usize, DraftBucket)>, weight: u16) -> Found<Vec<Bucket>> {
    let mut taken = std::collections::BTreeSet::new();
    for (at, draft) in &drafts {
        if let Some(id) = draft.id
            && !taken.insert(id)
        {
            return Err(Wrong { at: *at, kind: FlowErrorKind::Unfit("another bucket has the same bucket_id") });
        }
    }
    let mut next = 0;
    let mut buckets = Vec::new();
    for (_, DraftBucket { id, weight: own, watch_port, watch_group, actions }) in drafts {
        let id = id.unwrap_or_else(|| {
            while taken.contains(&next) {
                next += 1;
            }
            next += 1;
            next - 1
        });
        buckets.push(Bucket { id, weight: own.unwrap_or(weight), watch_port, watch_group, actions });
    }
    Ok(buckets)
}

/// A number that isn't reserved.
fn limited(word: &Word<'_>, name: &'static str, wanted: &'static str) -> Found<u32> {
    let value = word.needed(name, "=1")?;
    number::parse(value).filter(|id| *id <= MAX_ID).ok_or_else(|| word.bad(name, wanted))
}

/// A field and which bits of it are hashed.
fn masked(part: &Word<'_>) -> Found<(&'static Field, u128)> {
    let field = subfield::field(part, part.name)?;
    if part.value.is_empty() {
        return Ok((field, field.slot.max()));
    }
    let wrong = |error| part.wrong(FlowErrorKind::FieldValue { word: "fields", field: field.name, error });
    let (mask, all) = field.parse_value(part.value, &|_| None).map_err(wrong)?;
    if all != field.slot.max() {
        return Err(part.bad("fields", "a mask of the field's form, without another mask"));
    }
    Ok((field, mask))
}

/// The fields in the order of the table, as a dump has them.
fn sorted(mut fields: Vec<(&'static Field, u128)>) -> Vec<(&'static Field, u128)> {
    fields.sort_by_key(|(field, _)| (rank(field), FIELDS.iter().position(|row| row.name == field.name)));
    fields
}

/// The order of Open vSwitch where it isn't that of the table: what rides with a frame, registers, then headers from the
/// outermost.
fn rank(field: &Field) -> usize {
    const BEFORE: [&str; 5] = ["tun_", "metadata", "in_port", "pkt_mark", "ct_"];
    const HEADERS: [&str; 4] = ["eth_", "vlan_", "mpls_", "ip_"];
    let place = |parts: &[&str]| parts.iter().position(|part| field.set_name.starts_with(part));
    match place(&BEFORE) {
        Some(place) => place,
        None if field.nxm.contains("REG") => BEFORE.len(),
        None => BEFORE.len() + 1 + place(&HEADERS).unwrap_or(HEADERS.len()),
    }
}
