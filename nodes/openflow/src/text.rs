//! How a text falls into words, as in all of ovs-ofctl's syntaxes: `name`, `name:value`, `name=value` or `name(value)`,
//! with commas or blanks between.
//!
//! A value in parentheses goes to the one that closes it; in one behind `:` or `=` a comma or blank inside parentheses is
//! no end. `name(value)->target` is one word. Every part knows its place in the whole text, so that an error deep inside
//! names its column.

use crate::error::{FlowError, FlowErrorKind};
use crate::number;

/// What is wrong, and at which byte of the text.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) at: usize,
    pub(crate) kind: FlowErrorKind,
}

impl Wrong {
    /// The error for the user, who counts characters.
    pub(crate) fn within(self, text: &str) -> FlowError {
        FlowError::at(text, self.at, self.kind)
    }
}

/// What reading gives.
pub(crate) type Found<T> = Result<T, Wrong>;

/// A word and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'t> {
    /// The word.
    pub(crate) name: &'t str,
    /// What stands behind it, empty if there is nothing.
    pub(crate) value: &'t str,
    /// The byte of the text where the word begins.
    pub(crate) at: usize,
    /// The byte where its value begins.
    pub(crate) value_at: usize,
}

impl<'t> Word<'t> {
    /// The error about this word.
    pub(crate) fn wrong(&self, kind: FlowErrorKind) -> Wrong {
        Wrong { at: self.at, kind }
    }

    /// The error about its value.
    pub(crate) fn bad(&self, word: &'static str, wanted: &'static str) -> Wrong {
        self.bad_part(word, self.value, wanted)
    }

    /// The error about a part of its value.
    pub(crate) fn bad_part(&self, word: &'static str, part: &str, wanted: &'static str) -> Wrong {
        self.wrong(FlowErrorKind::Value { word, value: short(part), wanted })
    }

    /// Its value; there must be one.
    pub(crate) fn needed(&self, word: &'static str, example: &'static str) -> Found<&'t str> {
        if self.value.is_empty() {
            return Err(self.wrong(FlowErrorKind::MissingValue(word, example)));
        }
        Ok(self.value)
    }

    /// Refuses a value.
    pub(crate) fn bare(&self, word: &'static str) -> Found<()> {
        if self.value.is_empty() { Ok(()) } else { Err(self.wrong(FlowErrorKind::NoValue(word))) }
    }

    /// Its value as a number that fits.
    pub(crate) fn number<T: TryFrom<u64>>(&self, word: &'static str, wanted: &'static str) -> Found<T> {
        let value = self.needed(word, "=1")?;
        number::parse(value).ok_or_else(|| self.bad(word, wanted))
    }

    /// The words of its value.
    pub(crate) fn words(&self) -> Words<'t> {
        Words { text: self.value, at: self.value_at }
    }

    /// The same word with another value, a part of its own.
    pub(crate) fn with_value(&self, value: &'t str) -> Word<'t> {
        let skipped = value.as_ptr().addr() - self.value.as_ptr().addr();
        Word { value, value_at: self.value_at + skipped, ..*self }
    }

    /// The parts of its value around `->`.
    pub(crate) fn arrow(&self, word: &'static str, example: &'static str) -> Found<(&'t str, &'t str)> {
        self.value.split_once("->").ok_or_else(|| self.wrong(FlowErrorKind::MissingValue(word, example)))
    }
}

/// The words of a text, from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Words<'t> {
    /// What is left.
    text: &'t str,
    /// Where it begins in the whole text.
    at: usize,
}

impl<'t> Words<'t> {
    /// The words of a text from one of its bytes on.
    pub(crate) fn from(text: &'t str, at: usize) -> Words<'t> {
        Words { text: &text[at..], at }
    }

    /// The next word.
    pub(crate) fn next(&mut self) -> Found<Option<Word<'t>>> {
        self.skip(self.text.len() - self.text.trim_start_matches(separates).len());
        if self.text.is_empty() {
            return Ok(None);
        }
        let at = self.at;
        let name = self.take(self.text.find(|c: char| separates(c) || ":=(".contains(c)));
        let opened = self.text.starts_with('(');
        if !self.text.starts_with([':', '=', '(']) {
            return Ok(Some(Word { name, value: "", at, value_at: self.at }));
        }
        self.skip(1);
        let open = Wrong { at, kind: FlowErrorKind::OpenParenthesis };
        let value_at = self.at;
        let rest = self.text;
        if !opened {
            let len = value_len(rest, separates).ok_or(open)?;
            self.skip(len);
            return Ok(Some(Word { name, value: &rest[..len], at, value_at }));
        }
        let mut len = value_len(rest, |c| c == ')').filter(|len| *len < rest.len()).ok_or(open)?;
        let mut skipped = len + 1;
        if rest[skipped..].starts_with("->") {
            len = skipped + rest[skipped..].find(separates).unwrap_or(rest.len() - skipped);
            skipped = len;
        }
        self.skip(skipped);
        Ok(Some(Word { name, value: &rest[..len], at, value_at }))
    }

    fn skip(&mut self, len: usize) {
        self.text = &self.text[len..];
        self.at += len;
    }

    fn take(&mut self, len: Option<usize>) -> &'t str {
        let taken = &self.text[..len.unwrap_or(self.text.len())];
        self.skip(taken.len());
        taken
    }
}

/// Does a word end here?
fn separates(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

/// How long a value is that such a character ends unless it stands in parentheses; `None` if one of those is not closed.
fn value_len(text: &str, ends: impl Fn(char) -> bool) -> Option<usize> {
    let mut level = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            _ if level == 0 && ends(c) => return Some(at),
            '(' => level += 1,
            ')' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    (level == 0).then_some(text.len())
}

/// The beginning of a word, for messages.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let mut words = Words::from(text, 0);
        let mut found = Vec::new();
        while let Some(word) = words.next().unwrap() {
            assert!(text[word.at..].starts_with(word.name) && text[word.value_at..].starts_with(word.value), "{text}");
            found.push((word.name, word.value));
        }
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_word_has_a_value_behind_a_colon_an_equals_sign_or_in_parentheses() {
        check(" a ,, b:1,c=2\td(3,4),", &[("a", ""), ("b", "1"), ("c", "2"), ("d", "3,4")]);
        check("a(b(c,d),e),f", &[("a", "b(c,d),e"), ("f", "")]);
        check("bucket=a(1,2):3 x", &[("bucket", "a(1,2):3"), ("x", "")]);
        check("check(5)->reg0[0],x", &[("check", "5)->reg0[0]"), ("x", "")]);
        check("a()b", &[("a", ""), ("b", "")]);
        check("", &[]);
    }

    #[test]
    fn an_open_parenthesis_is_an_error_where_its_word_begins() {
        for text in ["x,a(b", "x,a(b(c)", "x,a:b(c"] {
            let mut words = Words::from(text, 0);
            words.next().unwrap();
            assert_eq!(words.next().unwrap_err().at, 2, "{text}");
        }
    }
}
