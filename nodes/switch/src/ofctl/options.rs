//! The options of `ovs-ofctl` (ovs-ofctl(8), "OPTIONS").

use crate::command::CommandError;
use packet::field::Field;
use std::fmt;

/// A version of OpenFlow, which decides how answers are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u8);

/// What dumped flows are sorted by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// The field; `None` for the priority.
    pub(super) field: Option<&'static Field>,
    pub(super) is_descending: bool,
}

/// The options of a line.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) version: Version,
    pub(super) is_strict: bool,
    pub(super) is_bundle: bool,
    pub(super) may_create: bool,
    pub(super) has_stats: bool,
    pub(super) has_names: bool,
    pub(super) sorts: Vec<Order>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: Version::V10,
            is_strict: false,
            is_bundle: false,
            may_create: false,
            has_stats: true,
            has_names: false,
            sorts: Vec::new(),
        }
    }
}

impl Version {
    /// The version that `ovs-ofctl` speaks unless told otherwise, with Nicira's extensions.
    pub(super) const V10: Self = Self(0);
    pub(super) const V13: Self = Self(3);
    pub(super) const V14: Self = Self(4);
    pub(super) const V15: Self = Self(5);

    /// A list as `-O` takes it; the highest of it counts.
    fn parse(list: &str) -> Result<Self, CommandError> {
        let one = |name: &str| {
            let number = name.strip_prefix("OpenFlow1").and_then(|rest| rest.strip_prefix('.').or(Some(rest)));
            match number.map(str::parse::<u8>) {
                Some(Ok(number @ 0..=5)) => Ok(Self(number)),
                _ => Err(CommandError::new(format!("ovs-ofctl: Unknown OpenFlow version: \"{name}\""))),
            }
        };
        let versions = list.split([',', ' ']).filter(|name| !name.is_empty()).map(one);
        versions.collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().max().unwrap_or(Self::V10))
    }

    /// What comes behind `1.`.
    pub(super) fn minor(self) -> u8 {
        self.0
    }

    /// The transaction's number of a request, which is higher where the flow format is agreed upon first.
    pub(super) fn reply_xid(self) -> u32 {
        if self == Self::V10 { 4 } else { 2 }
    }
}

/// As it stands behind the name of a message: nothing, or ` (OF1.3)`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::V10 { Ok(()) } else { write!(f, " (OF1.{})", self.0) }
    }
}

/// Parts a line into options and words.
pub(super) fn parse(line: &[String]) -> Result<(Options, Vec<&str>), CommandError> {
    let mut options = Options::default();
    let mut words = Vec::new();
    let mut rest = line.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        if word == "--" {
            words.extend(rest);
            break;
        }
        if word.len() < 2 || !word.starts_with('-') {
            words.push(word);
            continue;
        }
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (name, Some(value)),
            // `-OOpenFlow13`.
            _ if !word.starts_with("--") && word.len() > 2 && word.is_char_boundary(2) => {
                (&word[..2], Some(&word[2..]))
            }
            _ => (word, None),
        };
        let mut value = || {
            let given = attached.or_else(|| rest.next());
            given.ok_or_else(|| CommandError::new(format!("ovs-ofctl: option '{name}' requires an argument")))
        };
        match name {
            "-O" | "--protocols" => options.version = Version::parse(value()?)?,
            // How long to wait, and formats that the version decides.
            "-t" | "--timeout" | "-F" | "--flow-format" | "-P" | "--packet-in-format" => drop(value()?),
            "--strict" => options.is_strict = true,
            "--bundle" => options.is_bundle = true,
            "--may-create" => options.may_create = true,
            "--no-stats" => options.has_stats = false,
            "--stats" => options.has_stats = true,
            "--names" => options.has_names = true,
            "--no-names" => options.has_names = false,
            "--sort" | "--rsort" => options.sorts.push(order(attached, name == "--rsort")?),
            "-m" | "--more" | "-v" | "--verbose" | "--read-only" | "--timestamp" | "--color" | "--log-file" => {}
            _ => return Err(CommandError::new(format!("ovs-ofctl: unrecognized option '{word}'"))),
        }
    }
    Ok((options, words))
}

fn order(field: Option<&str>, is_descending: bool) -> Result<Order, CommandError> {
    let field = match field {
        None | Some("priority") => None,
        Some(name) => {
            let unknown = || CommandError::new(format!("ovs-ofctl: {name}: unknown field name"));
            Some(Field::find(name).ok_or_else(unknown)?)
        }
    };
    Ok(Order { field, is_descending })
}
