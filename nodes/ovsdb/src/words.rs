//! How a line becomes words.
/// Why a line can't be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A quote has no end.
    #[error("the quote {quote} at character {at} has no end")]
    OpenQuote {
        /// `'` or `"`.
        quote: char,
        /// Its place, counted from 1.
        at: usize,
    },
    /// A backslash ends the line.
    #[error("nothing follows the backslash at the end")]
    Backslash,
}

/// Splits a line into words by the quoting rules of POSIX shells (XCU section 2.2): blanks
/// separate; `'...'` holds everything as it is; in `"..."` a backslash quotes `"`, `\`, `$`,
/// `` ` `` and a line break; elsewhere it quotes anything. Nothing is expanded, and no character
/// has another meaning.
///
/// # Errors
/// A quote without an end, or a backslash at the end.
pub fn split(line: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars().enumerate();
    while let Some((at, c)) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some((_, '\'')) => break,
                        Some((_, c)) => word.push(c),
                        None => return Err(SplitError::OpenQuote { quote: '\'', at: at + 1 }),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some((_, '"')) => break,
                        Some((_, '\\')) => match chars.next() {
                            Some((_, '\n')) => {}
                            Some((_, c @ ('"' | '\\' | '$' | '`'))) => word.push(c),
                            Some((_, c)) => word.extend(['\\', c]),
                            None => return Err(SplitError::OpenQuote { quote: '"', at: at + 1 }),
                        },
                        Some((_, c)) => word.push(c),
                        None => return Err(SplitError::OpenQuote { quote: '"', at: at + 1 }),
                    }
                }
            }
            '\\' => match chars.next() {
                Some((_, '\n')) => {}
                Some((_, c)) => word.get_or_insert_default().push(c),
                None => return Err(SplitError::Backslash),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// A word as [`split`] reads it back, in quotes where it needs them.
pub fn quote(word: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '\'' | '"' | '\\');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &[&str]) {
        assert_eq!(split(line).unwrap(), expect, "{line}");
    }

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        check("", &[]);
        check("  a \t b\n", &["a", "b"]);
        check("a'b c'd \"e f\"g ''", &["ab cd", "e fg", ""]);
        check(r#"x="a \"b\" \n" \"c\" d\ e"#, &[r#"x=a "b" \n"#, "\"c\"", "d e"]);
        check("a\\\nb", &["ab"]);
        check("set port p1 tag=5 -- --id=@m $x *", &["set", "port", "p1", "tag=5", "--", "--id=@m", "$x", "*"]);
        check("'a\\' #b", &["a\\", "#b"]);
    }

    #[test]
    fn a_quoted_word_is_read_back_as_it_is() {
        for word in ["", "a", "a b", "it's", "\"", "a\\b", "\n", "set port p1", "$x*"] {
            assert_eq!(split(&format!("x {} y", quote(word))).unwrap(), ["x", word, "y"], "{word:?}");
        }
    }

    #[test]
    fn an_open_quote_is_reported_with_its_place() {
        assert_eq!(split("ab 'c"), Err(SplitError::OpenQuote { quote: '\'', at: 4 }));
        assert_eq!(split("ab \"c\\"), Err(SplitError::OpenQuote { quote: '"', at: 4 }));
        assert_eq!(split("ab\\"), Err(SplitError::Backslash));
    }
}
