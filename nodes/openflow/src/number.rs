//! Numbers as ovs-ofctl reads them.

/// An unsigned number: decimal, hexadecimal after `0x`, octal after `0`, as strtoull(3) with base 0.
pub(crate) fn parse<T: TryFrom<u64>>(text: &str) -> Option<T> {
    T::try_from(u64::try_from(wide(text)?).ok()?).ok()
}

/// One of up to 128 bits.
pub(crate) fn wide(text: &str) -> Option<u128> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_prefix_tells_the_base() {
        assert_eq!(parse::<u16>("0"), Some(0));
        assert_eq!(parse::<u16>("10"), Some(10));
        assert_eq!(parse::<u16>("0x10"), Some(16));
        assert_eq!(parse::<u16>("010"), Some(8));
        assert_eq!(parse::<u64>("0xffffffffffffffff"), Some(u64::MAX));
        for text in ["", "-1", "+1", "08", "1 ", "0x", "0x+1", "65536", "é"] {
            assert_eq!(parse::<u16>(text), None, "{text}");
        }
    }
}
