//! TOML as a person would type it: keys without needless quotes, one line for a small table.

use crate::spec::tree::{Item, Value};
use std::fmt::Write;

/// Keys and their values, both as TOML.
pub(super) type Keys = Vec<(String, String)>;

/// A text as TOML's basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key, in quotes unless it is bare.
pub(super) fn key(name: &str) -> String {
    let is_bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !name.is_empty() && name.bytes().all(is_bare) { name.to_owned() } else { quoted(name) }
}

/// A table on one line.
pub(super) fn inline(keys: &Keys) -> String {
    if keys.is_empty() {
        return "{}".to_owned();
    }
    let pairs: Vec<String> = keys.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A table's keys, one a line.
pub(super) fn lines(file: &mut String, keys: &Keys) {
    for (name, value) in keys {
        let _ = writeln!(file, "{name} = {value}");
    }
}

/// An array.
pub(super) fn array(values: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", values.into_iter().collect::<Vec<_>>().join(", "))
}

/// A text of lines: between `'''` if it can stand there as it is.
pub(super) fn lines_of_text(lines: &[String]) -> String {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n');
    let is_plain = |line: &String| !line.contains("'''") && !line.contains(is_odd);
    if lines.iter().all(is_plain) {
        return format!("'''\n{}\n'''", lines.join("\n"));
    }
    quoted(&lines.join("\n"))
}

/// The keys of a table that was typed, one a line.
pub(super) fn typed_table(file: &mut String, item: &Item) {
    if let Value::Table(entries) = &item.value {
        for entry in entries {
            let _ = writeln!(file, "{} = {}", key(&entry.key), typed(&entry.item));
        }
    }
}

/// A value that was typed.
fn typed(item: &Item) -> String {
    match &item.value {
        Value::String(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(truth) => truth.to_string(),
        // No key of a lab has one.
        Value::Datetime => quoted(""),
        Value::Array(items) => array(items.iter().map(typed)),
        Value::Table(entries) => inline(&entries.iter().map(|e| (key(&e.key), typed(&e.item))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::de::DeValue;

    #[test]
    fn any_text_is_read_back() {
        for text in ["", "plain", "a \"b\" \\ 'c'", "new\nline\ttab\r\u{7f}\u{0}\u{1f}\u{85}", "\u{e9}\u{1f600}"] {
            let read = DeValue::parse(&quoted(text)).map(|value| value.get_ref().as_str().map(str::to_owned));
            assert_eq!(read.ok().flatten().as_deref(), Some(text));
        }
        for lines in [&["a", "b 'c'"][..], &["it''' ends"], &["x\ry"], &["tab\there"]] {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            let text = lines_of_text(&lines);
            let read = DeValue::parse(&text).map(|value| value.get_ref().as_str().map(str::to_owned));
            assert_eq!(read.ok().flatten().as_deref().map(str::trim_end), Some(lines.join("\n").as_str()));
        }
    }

    #[test]
    fn keys_have_quotes_where_they_need_them() {
        assert_eq!(
            (key("a_b-1").as_str(), key("eth0.10").as_str(), key("").as_str()),
            ("a_b-1", "\"eth0.10\"", "\"\"")
        );
    }
}
