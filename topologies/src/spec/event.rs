//! `[[events]]`: a time and a line for the prompt.

use super::keys;
use super::reader::Reader;
use super::report::Path;
use super::source::{Pos, Spanned};
use super::tree::Item;
use sim_core::Duration;

/// An event as typed.
#[derive(Clone, Debug)]
pub struct EventSpec {
    /// When, from the lab's start.
    pub at: Duration,
    /// The words of `do`.
    pub words: Spanned<Vec<String>>,
    /// Where the event starts.
    pub pos: Pos,
}

const EXAMPLE: &str = "{ at = \"2s\", do = \"link s1:trunk down\" }";

/// Reads all events.
pub(crate) fn read_all(r: &mut Reader, path: &Path<'_>, item: &Item) -> Vec<EventSpec> {
    let items = r.array(path, item, "[[events]]").unwrap_or_default();
    items.iter().enumerate().filter_map(|(at, item)| read(r, &path.index(at), item)).collect()
}

fn read(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<EventSpec> {
    let (mut at, mut words) = (None, None);
    let mut missing = vec!["at", "do"];
    for entry in r.table(path, item, EXAMPLE)? {
        let key = path.key(&entry.key);
        missing.retain(|known| *known != entry.key);
        match entry.key.as_str() {
            "at" => at = r.duration(&key, &entry.item),
            "do" => words = command(r, &key, &entry.item),
            _ => r.unknown_key(path, entry, keys::EVENT.names()),
        }
    }
    for key in missing {
        r.report.error(item.pos, path, format!("the event lacks `{key}`"), format!("write it as in {EXAMPLE}"));
    }
    Some(EventSpec { at: at?, words: words?, pos: item.pos })
}

fn command(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<Spanned<Vec<String>>> {
    let text = r.string(path, item, "\"link s1:trunk down\"")?;
    match ovsdb::words::split(text) {
        Ok(words) if words.is_empty() => {
            r.report.error(item.pos, path, "is empty", "write a line for the prompt, as in \"link s1:trunk down\"");
            None
        }
        Ok(words) => Some(Spanned::new(words, item.pos)),
        Err(error) => {
            r.report.error(item.pos, path, error.to_string(), "close the quote");
            None
        }
    }
}
