//! Mistakes and warnings, collected while a file is read.

use super::source::{Pos, Source};
use crate::error::{Diagnostic, Severity};
use std::fmt;

/// How many mistakes and warnings are reported; what comes after them is counted.
pub(crate) const MAX_DIAGNOSTICS: usize = 1000;

/// How many known names all searches for a nearest one may look at together: a file with thousands of mistakes
/// isn't helped by the ten-thousandth suggestion.
const NEAREST_BUDGET: usize = 2_000_000;

/// The path of a key, as a list that lives on the stack of whoever reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    key: Segment<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Segment<'a> {
    Key(&'a str),
    /// An element of an array, from 0.
    Index(usize),
}

impl<'a> Path<'a> {
    /// A key of the top level.
    pub(crate) const fn top(key: &'a str) -> Self {
        Self { parent: None, key: Segment::Key(key) }
    }

    /// The path of the table that this key is in.
    pub(crate) const fn parent(&self) -> Option<&'a Path<'a>> {
        self.parent
    }

    /// A key below this one.
    pub(crate) const fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), key: Segment::Key(key) }
    }

    /// An element of this array, from 0.
    pub(crate) const fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), key: Segment::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
        }
        match self.key {
            Segment::Index(index) => write!(f, "[{index}]"),
            Segment::Key(key) => {
                if self.parent.is_some() {
                    f.write_str(".")?;
                }
                write!(f, "{}", Key(key))
            }
        }
    }
}

/// A key as TOML writes it: in quotes unless it is bare.
pub(crate) struct Key<'a>(pub(crate) &'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !self.0.is_empty() && self.0.bytes().all(bare) { f.write_str(self.0) } else { write!(f, "{:?}", self.0) }
    }
}

/// What has been found so far.
#[derive(Debug)]
pub(crate) struct Report {
    sources: Vec<Source>,
    found: Vec<(Pos, Diagnostic)>,
    more: usize,
    errors: usize,
    nearest_budget: usize,
}

impl Report {
    pub(crate) fn new(file: Source) -> Self {
        Self { sources: vec![file], found: Vec::new(), more: 0, errors: 0, nearest_budget: NEAREST_BUDGET }
    }

    /// A report on the same text with nothing in it.
    pub(crate) fn emptied(&self) -> Self {
        Self { sources: self.sources.clone(), found: Vec::new(), more: 0, errors: 0, nearest_budget: NEAREST_BUDGET }
    }

    /// Adds an override; gives its number.
    pub(crate) fn add_source(&mut self, source: Source) -> u32 {
        self.sources.push(source);
        self.sources.len() as u32 - 1
    }

    /// The source of a place.
    pub(crate) fn source(&self, pos: Pos) -> &Source {
        &self.sources[pos.source as usize]
    }

    /// The line of a place, from 1; 0 in an override.
    pub(crate) fn line(&self, pos: Pos) -> u32 {
        self.source(pos).line(pos.offset)
    }

    /// Line and column of a place, from 1.
    pub(crate) fn line_and_column(&self, pos: Pos) -> (u32, u32) {
        self.source(pos).place(pos.offset)
    }

    /// Whether what comes from now on is only counted, so that its words need not be made.
    pub(crate) const fn is_full(&self) -> bool {
        self.found.len() >= MAX_DIAGNOSTICS
    }

    /// A place in words, for a message about another place.
    pub(crate) fn place(&self, pos: Pos) -> String {
        if self.is_full() {
            return String::new();
        }
        let source = self.source(pos);
        match source.place(pos.offset) {
            (0, _) => source.name.to_string(),
            (line, column) => format!("line {line}, column {column}"),
        }
    }

    pub(crate) fn error(
        &mut self,
        pos: Pos,
        key: impl fmt::Display,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.errors += 1;
        self.add(Severity::Error, pos, &key, message.into(), remedy.into());
    }

    pub(crate) fn warning(
        &mut self,
        pos: Pos,
        key: impl fmt::Display,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Warning, pos, &key, message.into(), remedy.into());
    }

    fn add(&mut self, severity: Severity, pos: Pos, key: &dyn fmt::Display, message: String, remedy: String) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        let source = self.source(pos);
        let (line, column) = source.place(pos.offset);
        let file = source.name.clone();
        self.found.push((pos, Diagnostic { severity, file, line, column, key: key.to_string(), message, remedy }));
    }

    /// Whether the lab can't be used.
    pub(crate) const fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The candidate that a mistyped word most likely means.
    pub(crate) fn nearest<'c>(&mut self, word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
        let budget = &mut self.nearest_budget;
        let within_budget = candidates.into_iter().take_while(|_| {
            *budget = budget.saturating_sub(1);
            *budget > 0
        });
        // One letter is no nearer to another than to any.
        let comparable = within_budget.filter(|candidate| word.len() > 1 || candidate.len() > 1);
        ovsdb::schema::nearest(word, comparable)
    }

    /// The diagnostics in the order of their places.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        let mut found = self.found;
        found.sort_by_key(|(pos, _)| *pos);
        let mut diagnostics: Vec<Diagnostic> = found.into_iter().map(|(_, diagnostic)| diagnostic).collect();
        if self.more > 0 {
            diagnostics.push(Diagnostic {
                severity: if self.errors > 0 { Severity::Error } else { Severity::Warning },
                file: self.sources[0].name.clone(),
                line: 0,
                column: 0,
                key: String::new(),
                message: format!("{} more mistakes and warnings", self.more),
                remedy: String::new(),
            });
        }
        diagnostics
    }
}
