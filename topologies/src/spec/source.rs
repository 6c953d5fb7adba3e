//! Places in what was typed: the file, or an override of the command line.

use std::sync::Arc;

/// A place in what was typed. Places order as the text does; overrides come after the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pos {
    /// 0 is the file; overrides and a file of checks come after it.
    pub(crate) source: u32,
    /// Bytes from the source's start.
    pub(crate) offset: u32,
}

/// A value and where it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it starts.
    pub pos: Pos,
}

impl<T> Spanned<T> {
    /// A value that was typed at `pos`.
    pub const fn new(value: T, pos: Pos) -> Self {
        Self { value, pos }
    }
}

/// A text with a name, and where its lines start.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
    line_starts: Vec<u32>,
    /// Whether it has lines that are worth naming: an override has none.
    has_lines: bool,
}

impl Source {
    /// A file.
    pub(crate) fn file(name: &str, text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at as u32 + 1);
        Self {
            name: name.into(),
            text: text.into(),
            line_starts: std::iter::once(0).chain(ends).collect(),
            has_lines: true,
        }
    }

    /// An override of the command line.
    pub(crate) fn define(key: &str, value: &str) -> Self {
        Self { name: format!("-D {key}={value}").into(), text: value.into(), line_starts: vec![0], has_lines: false }
    }

    /// The line of a byte, from 1; 0 in an override.
    pub(crate) fn line(&self, offset: u32) -> u32 {
        if self.has_lines { self.line_starts.partition_point(|start| *start <= offset) as u32 } else { 0 }
    }

    /// Line and column (in characters) of a byte, both from 1; zeros in an override.
    pub(crate) fn place(&self, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        if line == 0 {
            return (0, 0);
        }
        let start = self.line_starts[line as usize - 1] as usize;
        let mut end = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let column = self.text.get(start..end).map_or(0, |before| before.chars().count());
        (line, column as u32 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_1() {
        let source = Source::file("f", "a\n\u{fc}b = 1\n");
        assert_eq!(source.place(0), (1, 1));
        assert_eq!(source.place(1), (1, 2));
        assert_eq!(source.place(2), (2, 1));
        assert_eq!(source.place(4), (2, 2), "a character of two bytes is one column");
        assert_eq!(source.place(3), (2, 1), "inside a character is where it starts");
        assert_eq!(source.place(10), (3, 1));
        assert_eq!(source.place(u32::MAX), (3, 1));
    }
}
