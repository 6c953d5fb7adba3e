//! Names and comments as they may stand in a pcapng option (draft-ietf-opsawg-pcapng, section 3.5): UTF-8 without a
//! terminator, no longer than the 16-bit length field can say. Control characters are escaped, since a viewer may
//! print the text to a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Most bytes that an option's value may have. Below the field's 65535 so that the padded value fits it as well.
const OPTION_SIZE: usize = 65_532;

/// What replaces the tail of a text that is too long.
const ELLIPSIS: char = '\u{2026}';

/// `text` with its control characters escaped (`\n`, `\u{1b}`) and, if it is too long, its tail cut off.
pub(crate) fn option_text(text: &str) -> Cow<'_, str> {
    if text.len() <= OPTION_SIZE && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len().min(OPTION_SIZE));
    for c in text.chars() {
        let start = safe.len();
        if c.is_control() {
            write!(safe, "{}", c.escape_default()).expect("a String takes all that is written to it");
        } else {
            safe.push(c);
        }
        if safe.len() > OPTION_SIZE - ELLIPSIS.len_utf8() {
            safe.truncate(start);
            safe.push(ELLIPSIS);
            break;
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_is_kept_as_it_is() {
        assert!(matches!(option_text("s1:trunk > s2:trunk"), Cow::Borrowed("s1:trunk > s2:trunk")));
        assert_eq!(option_text("Zürich → 東京"), "Zürich → 東京");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(option_text("a\nb\x1b[31m\0\u{9b}"), "a\\nb\\u{1b}[31m\\u{0}\\u{9b}");
    }

    #[test]
    fn a_text_that_is_too_long_ends_in_an_ellipsis() {
        let cut = option_text(&"é".repeat(40_000)).into_owned();
        assert!(cut.len() <= OPTION_SIZE && cut.len() > OPTION_SIZE - 8, "{}", cut.len());
        assert!(cut.ends_with("é…"));
    }

    #[test]
    fn the_longest_text_that_fits_is_kept_whole() {
        let text = "x".repeat(OPTION_SIZE);
        assert_eq!(option_text(&text), text);
    }

    proptest! {
        #[test]
        fn no_control_character_and_no_excess_length_get_through(text in "\\PC{0,20}[\\x00-\\xff]{0,40}", n in 1usize..3000) {
            let text = text.repeat(n);
            let safe = option_text(&text);
            prop_assert!(safe.len() <= OPTION_SIZE);
            prop_assert!(!safe.chars().any(char::is_control));
        }
    }
}
