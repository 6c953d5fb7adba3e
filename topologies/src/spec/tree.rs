//! TOML as typed: values in the file's order, each with its place; overrides put into it.

use super::reader::shorten;
use super::report::{Key, Report};
use super::source::{Pos, Source};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A value and where it starts.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) pos: Pos,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// A date or a time, which no key of a lab has.
    Datetime,
    Array(Vec<Item>),
    Table(Vec<Entry>),
}

/// A key of a table and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) pos: Pos,
    pub(crate) item: Item,
}

impl Value {
    /// The type in words.
    pub(crate) const fn noun(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Datetime => "a date or time",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// Parses a file, which is the report's source of that number. Duplicate keys are reported and passed over; after any other mistake of syntax there is no tree,
/// since most of what follows from it would be wrong.
pub(crate) fn parse(report: &mut Report, source: u32, text: &str) -> Option<Vec<Entry>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut usable = true;
    for error in errors {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().next().unwrap_or_default();
        let message = message.strip_suffix(", expected nothing").unwrap_or(message);
        let is_duplicate = message == "duplicate key";
        usable &= is_duplicate;
        let remedy = syntax_remedy(message);
        let message = match error.span().and_then(|span| text.get(span)).filter(|_| is_duplicate) {
            Some(key) => format!("duplicate key `{}`", shorten(key)),
            None => message.to_owned(),
        };
        report.error(Pos { source, offset: offset as u32 }, "", message, remedy);
    }
    usable.then(|| table(source, document.get_ref()))
}

fn syntax_remedy(message: &str) -> &'static str {
    if message == "duplicate key" {
        "keep one of them"
    } else if ["string values must be quoted", "invalid float", "invalid integer", "invalid datetime"]
        .iter()
        .any(|known| message.contains(known))
    {
        "write a text in quotes, as in \"10.0.0.1/8\""
    } else if message.contains("recurs") {
        "a lab nests at most 80 levels deep"
    } else {
        "the file is TOML 1.1: `key = value` lines below `[table]` headers, each on a line of its own"
    }
}

/// Puts `value` at the dotted path `key`: the value is TOML, or else a string.
pub(crate) fn define(report: &mut Report, root: &mut Vec<Entry>, key: &str, value: &str) {
    let number = report.add_source(Source::define(key, value));
    let pos = Pos { source: number, offset: 0 };
    let Some(path) = key_path(key) else {
        report.error(
            pos,
            "",
            format!("`{key}` is no path of a key"),
            "write it with dots, as in switches.s1.ports.a.tag",
        );
        return;
    };
    let value = match DeValue::parse(value) {
        Ok(parsed) => convert(number, parsed.get_ref()),
        Err(_) => Value::String(value.to_owned()),
    };
    let item = Item { pos, value };
    if let Err(at) = put(root, &path, pos, item) {
        let at = path[..at].iter().map(|key| Key(key).to_string()).collect::<Vec<_>>().join(".");
        report.error(
            pos,
            key,
            format!("`{at}` has no keys of its own"),
            "name a key that the file has, or a new key of a table",
        );
    }
}

/// The segments of a dotted key.
fn key_path(key: &str) -> Option<Vec<String>> {
    if key.contains(['\n', '=']) {
        return None;
    }
    let line = format!("{key}=0");
    let document = DeTable::parse(&line).ok()?;
    let mut path = Vec::new();
    let mut table = document.get_ref();
    loop {
        let (segment, value) = table.iter().next()?;
        path.push(segment.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(path),
        }
    }
}

/// Puts an item at a path, tables made on the way. The error is how many segments lead to something that is no table.
fn put(table: &mut Vec<Entry>, path: &[String], pos: Pos, item: Item) -> Result<(), usize> {
    let Some((key, rest)) = path.split_first() else { return Err(0) };
    let at = table.iter().position(|entry| entry.key == *key).unwrap_or_else(|| {
        let empty = Item { pos, value: Value::Table(Vec::new()) };
        table.push(Entry { key: key.clone(), pos, item: empty });
        table.len() - 1
    });
    put_item(&mut table[at].item, rest, pos, item).map_err(|deeper| deeper + 1)
}

fn put_item(place: &mut Item, path: &[String], pos: Pos, item: Item) -> Result<(), usize> {
    let Some((key, rest)) = path.split_first() else {
        *place = item;
        return Ok(());
    };
    match &mut place.value {
        Value::Table(table) => put(table, path, pos, item),
        Value::Array(items) => {
            let element = key.parse::<usize>().ok().and_then(|index| items.get_mut(index)).ok_or(0_usize)?;
            put_item(element, rest, pos, item).map_err(|deeper| deeper + 1)
        }
        _ => Err(0),
    }
}

fn table(source: u32, table: &DeTable<'_>) -> Vec<Entry> {
    table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            pos: start(source, key.span()),
            item: Item { pos: start(source, value.span()), value: convert(source, value.get_ref()) },
        })
        .collect()
}

const fn start(source: u32, span: Range<usize>) -> Pos {
    Pos { source, offset: span.start as u32 }
}

fn convert(source: u32, value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            // Beyond 64 bits a number keeps its sign and its size: no key takes one, and the range check says so.
            let text = number.as_str();
            let limit = if text.starts_with('-') { i64::MIN } else { i64::MAX };
            Value::Integer(i64::from_str_radix(text, number.radix()).unwrap_or(limit))
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(_) => Value::Datetime,
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| Item { pos: start(source, item.span()), value: convert(source, item.get_ref()) })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(source, inner)),
    }
}
