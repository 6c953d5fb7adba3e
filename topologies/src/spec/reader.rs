//! What reading any key needs: types, ranges, names, units; each mistake goes to the report.

use super::files::Files;
use super::report::{Path, Report};
use super::setup;
use super::source::{Pos, Spanned};
use super::tree::{Entry, Item, Value};
use super::units::{self, UnitError};
use indexmap::IndexMap;
use packet::VlanId;
use sim_core::Duration;
use std::ops::RangeInclusive;

/// The most characters of a name.
pub const MAX_NAME_LEN: usize = 64;

/// Reads values and collects mistakes. Every method gives `None` after it has reported why.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) report: Report,
    /// The file's names for VLANs.
    pub(crate) vlans: IndexMap<String, VlanId>,
    /// How many more bytes the variables of `setup` lines may make of the whole file.
    pub(crate) setup_budget: usize,
    /// The files that the lab file may name.
    pub(crate) files: Files,
}

impl Reader {
    pub(crate) fn new(report: Report, files: Files) -> Self {
        Self { report, vlans: IndexMap::new(), setup_budget: setup::MAX_TOTAL_SIZE, files }
    }

    /// Reports a value of the wrong type.
    pub(crate) fn wrong_type<T>(&mut self, path: &Path<'_>, item: &Item, wanted: &str, example: &str) -> Option<T> {
        let remedy = format!("write it as in {example}");
        self.report.error(item.pos, path, format!("must be {wanted}, not {}", item.value.noun()), remedy);
        None
    }

    /// A table's entries.
    pub(crate) fn table<'i>(&mut self, path: &Path<'_>, item: &'i Item, example: &str) -> Option<&'i [Entry]> {
        match &item.value {
            Value::Table(entries) => Some(entries),
            _ => self.wrong_type(path, item, "a table", example),
        }
    }

    /// An array's elements.
    pub(crate) fn array<'i>(&mut self, path: &Path<'_>, item: &'i Item, example: &str) -> Option<&'i [Item]> {
        match &item.value {
            Value::Array(items) => Some(items),
            _ => self.wrong_type(path, item, "an array", example),
        }
    }

    /// The elements of an array, or a value alone.
    pub(crate) fn one_or_more<'i>(&self, item: &'i Item) -> &'i [Item] {
        match &item.value {
            Value::Array(items) => items,
            _ => std::slice::from_ref(item),
        }
    }

    /// A string.
    pub(crate) fn string<'i>(&mut self, path: &Path<'_>, item: &'i Item, example: &str) -> Option<&'i str> {
        match &item.value {
            Value::String(text) => Some(text),
            _ => self.wrong_type(path, item, "a string", example),
        }
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, path: &Path<'_>, item: &Item) -> Option<bool> {
        match item.value {
            Value::Boolean(truth) => Some(truth),
            _ => self.wrong_type(path, item, "true or false", "key = true, without quotes"),
        }
    }

    /// An integer in a range.
    pub(crate) fn integer(&mut self, path: &Path<'_>, item: &Item, range: RangeInclusive<i64>) -> Option<i64> {
        let Value::Integer(number) = item.value else {
            return self.wrong_type(path, item, "an integer", "key = 9, without quotes or a decimal point");
        };
        if range.contains(&number) {
            return Some(number);
        }
        let (least, most) = (range.start(), range.end());
        let remedy = match (*least, *most) {
            (least, i64::MAX) => format!("use a number of at least {least}"),
            _ => format!("use a number from {least} to {most}"),
        };
        self.report.error(item.pos, path, format!("{number} is out of range"), remedy);
        None
    }

    /// One of a few words; gives which.
    pub(crate) fn one_of(&mut self, path: &Path<'_>, item: &Item, words: &[&'static str]) -> Option<usize> {
        let text = self.string(path, item, &format!("{:?}", words[0]))?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            self.report.error(
                item.pos,
                path,
                format!("`{}` is not among its values", shorten(text)),
                format!("use one of: {}", words.join(", ")),
            );
        }
        found
    }

    /// A span of time.
    pub(crate) fn duration(&mut self, path: &Path<'_>, item: &Item) -> Option<Duration> {
        if matches!(item.value, Value::Integer(0)) {
            return Some(Duration::ZERO);
        }
        let text = self.with_unit(path, item, "\"200us\"", units::TIME)?;
        let result = units::duration(text);
        self.unit_result(path, item, result, units::TIME)
    }

    /// A text with a unit; a bare number is told that it needs one.
    pub(crate) fn with_unit<'i>(
        &mut self,
        path: &Path<'_>,
        item: &'i Item,
        example: &str,
        units: &[(&'static str, u64)],
    ) -> Option<&'i str> {
        match &item.value {
            Value::String(text) => Some(text),
            Value::Integer(_) | Value::Float(_) => {
                let remedy = format!("write it in quotes with one of {}, as in {example}", units::names(units));
                self.report.error(item.pos, path, "has no unit", remedy);
                None
            }
            _ => self.wrong_type(path, item, "a string with a unit", example),
        }
    }

    /// What reading a unit gave, or its mistake reported.
    pub(crate) fn unit_result<T>(
        &mut self,
        path: &Path<'_>,
        item: &Item,
        result: Result<T, UnitError>,
        units: &[(&'static str, u64)],
    ) -> Option<T> {
        result
            .map_err(|error| {
                let remedy = match &error {
                    UnitError::UnknownUnit(unit) => {
                        let known = units.iter().map(|(name, _)| *name);
                        match known.clone().find(|name| name.eq_ignore_ascii_case(unit)) {
                            Some(name) => format!("did you mean `{name}`? The units are {}", units::names(units)),
                            None => format!("the units are {}", units::names(units)),
                        }
                    }
                    UnitError::TooFine(..) | UnitError::TooLarge(_) => "use a number within its range".to_owned(),
                    UnitError::NoNumber(_) | UnitError::NoUnit(_) => {
                        format!("write a number and one of {}", units::names(units))
                    }
                };
                self.report.error(item.pos, path, error.to_string(), remedy);
            })
            .ok()
    }

    /// A VLAN: a number from 0 to 4095, or a name from `[vlans]`.
    pub(crate) fn vlan(&mut self, path: &Path<'_>, item: &Item) -> Option<VlanId> {
        match &item.value {
            Value::String(name) => {
                if let Some(vlan) = self.vlans.get(name) {
                    return Some(*vlan);
                }
                let nearest = self.report.nearest(name, self.vlans.keys().map(String::as_str)).map(str::to_owned);
                let remedy = match nearest {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!("add it to the table [vlans], as in {name:?} = 10, or use a number from 0 to 4095"),
                };
                self.report.error(item.pos, path, format!("there is no VLAN called `{}`", shorten(name)), remedy);
                None
            }
            Value::Integer(_) => {
                let number = self.integer(path, item, 0..=i64::from(VlanId::MAX))?;
                VlanId::new(number as u16)
            }
            _ => self.wrong_type(path, item, "a VLAN", "10 or a name from [vlans]"),
        }
    }

    /// Reports a key that its table doesn't have, with the nearest one that it has.
    pub(crate) fn unknown_key<'c>(
        &mut self,
        parent: &Path<'_>,
        entry: &Entry,
        known: impl IntoIterator<Item = &'c str>,
    ) {
        let path = parent.key(&entry.key);
        if self.report.is_full() {
            self.report.error(entry.pos, path, "", "");
            return;
        }
        let known: Vec<&str> = known.into_iter().collect();
        let mut remedy = match self.report.nearest(&entry.key, known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("known keys: {}", known.join(", ")),
        };
        if self.follows_dot(entry.pos) {
            remedy.push_str(". A name with a dot needs quotes, as in \"vlan10.1\"");
        }
        self.report.error(entry.pos, path, format!("unknown key `{}`", shorten(&entry.key)), remedy);
    }

    /// Whether a dot stands before a key: then it may be the rest of a name that lacks quotes.
    fn follows_dot(&self, pos: Pos) -> bool {
        let source = self.report.source(pos);
        let before = source.text.get(..pos.offset as usize).unwrap_or_default();
        before.trim_end_matches([' ', '\t']).ends_with('.')
    }

    /// Whether a text can be a name; what it names goes into the message.
    pub(crate) fn name(&mut self, path: &Path<'_>, pos: Pos, name: &str, what: &str) -> bool {
        let problem = if name.is_empty() {
            "is empty".to_owned()
        } else if name.chars().count() > MAX_NAME_LEN {
            format!("has more than {MAX_NAME_LEN} characters")
        } else if let Some(bad) = name.chars().find(|c| matches!(c, ':' | '/') || c.is_whitespace() || c.is_control()) {
            format!("contains {bad:?}")
        } else {
            return true;
        };
        let remedy = format!("a name has 1 to {MAX_NAME_LEN} characters without ':', '/' or blanks");
        self.report.error(pos, path, format!("the name of {what} {problem}"), remedy);
        false
    }

    /// A whole value parsed by its type's own reader.
    pub(crate) fn parsed<T: std::str::FromStr>(
        &mut self,
        path: &Path<'_>,
        item: &Item,
        example: &str,
    ) -> Option<Spanned<T>>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.string(path, item, example)?;
        match text.trim().parse() {
            Ok(value) => Some(Spanned::new(value, item.pos)),
            Err(error) => {
                self.report.error(item.pos, path, shorten(&error.to_string()), format!("write it as in {example}"));
                None
            }
        }
    }
}

/// A text short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    const MOST: usize = 80;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['\u{2026}']).collect() }
}
