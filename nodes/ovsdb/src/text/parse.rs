//! Values from text.

use super::TextError;
use crate::atom::Atom;
use crate::datum::Datum;
use crate::schema::{AtomType, BaseType, ColumnType};
use crate::uuid::Uuid;

impl ColumnType {
    /// The datum that `text` says. Types, ranges, allowed strings and numbers of elements hold.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(&self, text: &str) -> Result<Datum, TextError> {
        self.parse_with(text, &mut |_, _| None)
    }

    /// The same, with names (`@x`) for rows that have no identifier yet.
    pub(crate) fn parse_with(&self, text: &str, names: &mut Names<'_>) -> Result<Datum, TextError> {
        let (open, close) = if self.is_map() { ('{', '}') } else { ('[', ']') };
        let mut rest = text.trim_start_matches(' ');
        if rest.is_empty() {
            let (brackets, what) = if self.is_map() { ("{}", "map") } else { ("[]", "set") };
            return Err(TextError::Nothing(brackets, what));
        }
        let bracketed = rest.strip_prefix(open);
        let end = bracketed.map(|_| close);
        rest = bracketed.map_or(rest, |rest| rest.trim_start_matches(' '));
        let mut atoms: Vec<Atom> = Vec::new();
        let mut pairs: Vec<(Atom, Atom)> = Vec::new();
        while let Some(c) = rest.chars().next().filter(|c| Some(*c) != end) {
            if is_delimiter(c) {
                let wanted = self.english();
                return Err(TextError::Unexpected { text: text.to_owned(), found: c, wanted });
            }
            let (key, after) = token(rest)?;
            if let Some(value_type) = &self.value {
                let key = parse_atom(&self.key, &key, names)?;
                let Some(after) = after.trim_start_matches(' ').strip_prefix('=') else {
                    let found = after.trim_start_matches(' ').chars().next();
                    return Err(TextError::NoEquals { text: rest.to_owned(), found });
                };
                let (value, after) = token(after.trim_start_matches(' '))?;
                pairs.push((key, parse_atom(value_type, &value, names)?));
                rest = after;
            } else {
                parse_element(&self.key, &key, names, &mut atoms)?;
                rest = after;
            }
            rest = rest.trim_start_matches(' ');
            rest = rest.strip_prefix(',').map_or(rest, |rest| rest.trim_start_matches(' '));
        }
        if let Some(close) = end {
            let Some(after) = rest.strip_prefix(close) else {
                return Err(TextError::Unclosed { text: text.to_owned(), close });
            };
            if !after.trim_start_matches(' ').is_empty() {
                return Err(TextError::Trailing { text: text.to_owned(), close });
            }
        }
        let len = atoms.len() + pairs.len();
        let (bound, limit) = if len < self.min { ("minimum", self.min) } else { ("maximum", self.max) };
        if len < self.min || len > self.max {
            let what = if self.is_map() { "pair(s)" } else { "value(s)" };
            return Err(TextError::Count { text: text.to_owned(), len, what, bound, limit });
        }
        let datum = if self.is_map() { Datum::map(pairs) } else { Datum::set(atoms) };
        if datum.len() < len {
            return Err(TextError::Duplicate { text: text.to_owned(), map: self.is_map() });
        }
        Ok(datum)
    }
}

/// The greatest number of elements that one range stands for.
pub(crate) const MAX_SPAN: u64 = 4096;

/// Ranges add no more to a set that has so many elements, so that a short text is no huge set.
const MAX_ELEMENTS: usize = 1 << 16;

/// Finds the row that a name stands for.
pub(crate) type Names<'n> = dyn FnMut(&str, &BaseType) -> Option<Uuid> + 'n;

/// One element, or in a set of integers a range of them (`1-5`).
fn parse_element(base: &BaseType, text: &str, names: &mut Names<'_>, atoms: &mut Vec<Atom>) -> Result<(), TextError> {
    if base.atom != AtomType::Integer || text.parse::<i64>().is_ok() {
        atoms.push(parse_atom(base, text, names)?);
        return Ok(());
    }
    let bad = || TextError::Integer(text.to_owned());
    let (first, last) = text
        .char_indices()
        .skip(1)
        .find(|(_, c)| *c == '-')
        .map(|(at, _)| (&text[..at], &text[at + 1..]))
        .ok_or_else(bad)?;
    let first: i64 = first.parse().map_err(|_| bad())?;
    let last: i64 = last.parse().map_err(|_| bad())?;
    if last < first {
        return Err(TextError::Span(text.to_owned()));
    }
    constrained(base, Atom::Integer(first))?;
    constrained(base, Atom::Integer(last))?;
    if last.abs_diff(first) >= MAX_SPAN || atoms.len() > MAX_ELEMENTS {
        return Err(TextError::LongSpan(text.to_owned()));
    }
    atoms.extend((first..=last).map(Atom::Integer));
    Ok(())
}

/// One value, alone.
pub(crate) fn parse_atom(base: &BaseType, text: &str, names: &mut Names<'_>) -> Result<Atom, TextError> {
    let owned = || text.to_owned();
    let atom = match base.atom {
        AtomType::Integer => Atom::Integer(text.parse().map_err(|_| TextError::Integer(owned()))?),
        AtomType::Real => text
            .parse()
            .ok()
            .filter(|real: &f64| real.is_finite())
            .map(Atom::Real)
            .ok_or_else(|| TextError::Real(owned()))?,
        AtomType::Boolean => match text {
            "true" | "yes" | "on" | "1" => Atom::Boolean(true),
            "false" | "no" | "off" | "0" => Atom::Boolean(false),
            _ => return Err(TextError::Boolean(owned())),
        },
        AtomType::String => Atom::String(parse_string(text)?),
        AtomType::Uuid => {
            let named = if text.starts_with('@') { names(text, base) } else { None };
            let uuid = named.or_else(|| Uuid::parse(text));
            Atom::Uuid(uuid.ok_or_else(|| TextError::Uuid(owned()))?)
        }
    };
    constrained(base, atom)
}

fn constrained(base: &BaseType, atom: Atom) -> Result<Atom, TextError> {
    match &atom {
        Atom::Integer(value) if *value < base.min || *value > base.max => {
            Err(TextError::Range { value: *value, min: base.min, max: base.max })
        }
        Atom::String(word) if !base.allowed.is_empty() && !base.allowed.contains(&word.as_str()) => {
            Err(TextError::NotAllowed { value: atom, allowed: base.allowed })
        }
        _ => Ok(atom),
    }
}

fn parse_string(text: &str) -> Result<String, TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    let Some(rest) = text.strip_prefix('"') else { return Ok(text.to_owned()) };
    let inner = rest.strip_suffix('"').ok_or_else(|| TextError::Quote(text.to_owned()))?;
    unescape(inner).map_err(|problem| TextError::Escape { text: text.to_owned(), problem })
}

/// Resolves the escapes of a JSON string's inside (RFC 8259 section 7).
fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '"' {
            return Err("quoted string may not include unescaped \"".to_owned());
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(c @ ('"' | '\\' | '/')) => out.push(c),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => out.push(unicode_escape(&mut chars)?),
            Some(c) => return Err(format!("bad escape \\{c}")),
            None => return Err("quoted string may not end with backslash".to_owned()),
        }
    }
    Ok(out)
}

/// What follows `\u`: four hexadecimal digits, or twice that for a surrogate pair.
fn unicode_escape(chars: &mut std::str::Chars<'_>) -> Result<char, &'static str> {
    let first = hex4(chars)?;
    if first == 0 {
        return Err("null bytes not supported in quoted strings");
    }
    if let Some(c) = char::from_u32(first) {
        return Ok(c);
    }
    if !(0xd800..0xdc00).contains(&first) {
        return Err("malformed escaped surrogate pair");
    }
    if (chars.next(), chars.next()) != (Some('\\'), Some('u')) {
        return Err("malformed escaped surrogate pair");
    }
    let second = hex4(chars)?;
    if !(0xdc00..0xe000).contains(&second) {
        return Err("malformed escaped surrogate pair");
    }
    char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or("malformed escaped surrogate pair")
}

fn hex4(chars: &mut std::str::Chars<'_>) -> Result<u32, &'static str> {
    let mut value = 0;
    for _ in 0..4 {
        let digit = chars.next().ok_or("quoted string ends within \\u escape")?;
        value = value << 4 | digit.to_digit(16).ok_or("malformed \\u escape")?;
    }
    Ok(value)
}

/// Splits off a token: up to a delimiter that is neither quoted nor behind a backslash. The quotes
/// stay in the token.
pub(crate) fn token(text: &str) -> Result<(String, &str), TextError> {
    let mut out = String::new();
    let mut quoted = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                if quoted {
                    out.push('\\');
                }
                let (_, c) = chars.next().ok_or_else(|| TextError::Backslash(text.to_owned()))?;
                out.push(c);
            }
            c if !quoted && is_delimiter(c) => return Ok((out, &text[at..])),
            c => {
                out.push(c);
                quoted ^= c == '"';
            }
        }
    }
    if quoted {
        return Err(TextError::OpenQuote(text.to_owned()));
    }
    Ok((out, ""))
}

fn is_delimiter(c: char) -> bool {
    ":=, []{}!<>".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vswitch::{interface, port};

    #[test]
    fn a_short_text_is_no_huge_set() {
        let ty = interface::CFM_REMOTE_MPIDS.ty();
        assert_eq!(ty.parse("1-4096").map(|set| set.len()), Ok(4096));
        assert_eq!(ty.parse("1-4097"), Err(TextError::LongSpan("1-4097".to_owned())));
        let spans: Vec<String> = (0..1000).map(|n| format!("{}-{}", n * 4096, n * 4096 + 4095)).collect();
        assert!(matches!(ty.parse(&spans.join(",")), Err(TextError::LongSpan(_))));
    }

    #[test]
    fn names_stand_for_rows_where_the_caller_knows_them() {
        let ty = port::INTERFACES.ty();
        let row = Uuid::from_bytes([7; 16]);
        assert_eq!(ty.parse_with("@i", &mut |name, _| (name == "@i").then_some(row)), Ok(Datum::from(row)));
        assert_eq!(ty.parse("@i"), Err(TextError::Uuid("@i".to_owned())));
    }
}
