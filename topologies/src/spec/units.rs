//! Numbers with units: durations, rates, sizes, shares of a hundred.
//!
//! Reading is exact: `1.5ms` is 1500000 ns, and `0.5ns`, which would be rounded, is a mistake.

use sim_core::{Duration, Probability};

/// Units of time and their nanoseconds.
pub(crate) const TIME: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Units of rate and their bits per second.
pub(crate) const RATE: &[(&str, u64)] = &[("bit", 1), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000)];

/// Units of size and their bytes.
pub(crate) const SIZE: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)];

/// Why a text is no number with a unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnitError {
    /// It doesn't begin with a number.
    #[error("`{0}` is no number with a unit")]
    NoNumber(String),
    /// A number alone.
    #[error("`{0}` has no unit")]
    NoUnit(String),
    /// A unit that isn't among those of this kind.
    #[error("`{0}` is no unit")]
    UnknownUnit(String),
    /// Not a whole number of the smallest unit.
    #[error("`{0}` is finer than 1 {1}")]
    TooFine(String, &'static str),
    /// Above 2^64 - 1 of the smallest unit.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// A span of time, as in `200us` or `1.5s`.
pub(crate) fn duration(text: &str) -> Result<Duration, UnitError> {
    scaled(text, TIME).map(Duration::from_nanos)
}

/// Bits per second, as in `10Gbit`.
pub(crate) fn rate(text: &str) -> Result<u64, UnitError> {
    scaled(text, RATE)
}

/// Bytes, as in `64KiB`.
pub(crate) fn size(text: &str) -> Result<u64, UnitError> {
    scaled(text, SIZE)
}

/// A share of a hundred, as in `0.5%`; `None` unless it lies in 0 to 100.
pub(crate) fn percent(text: &str) -> Option<Probability> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    Probability::new(number.parse::<f64>().ok()? / 100.0)
}

/// The names of units, for messages.
pub(crate) fn names(units: &[(&'static str, u64)]) -> String {
    units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn scaled(text: &str, units: &[(&'static str, u64)]) -> Result<u64, UnitError> {
    let trimmed = text.trim();
    let shown = || trimmed.chars().take(40).collect::<String>();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..end], trimmed[end..].trim_start());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (number.contains('.') && fraction.is_empty()) {
        return Err(UnitError::NoNumber(shown()));
    }
    let fraction = fraction.trim_end_matches('0');
    let zero = fraction.is_empty() && whole.bytes().all(|b| b == b'0');
    let factor = match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() && zero => 1,
        None if unit.is_empty() => return Err(UnitError::NoUnit(shown())),
        None => return Err(UnitError::UnknownUnit(unit.chars().take(40).collect())),
    };
    // 24 digits times the largest factor (below 2^42) stay below 2^128.
    let digits = whole.trim_start_matches('0');
    if digits.len() > 20 {
        return Err(UnitError::TooLarge(shown()));
    }
    let smallest = units[0].0;
    if fraction.len() > 15 {
        return Err(UnitError::TooFine(shown(), smallest));
    }
    let whole: u128 = if digits.is_empty() { 0 } else { digits.parse().expect("at most 20 digits") };
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().expect("at most 15 digits") };
    let power = 10_u128.pow(fraction.len() as u32);
    let part = part * u128::from(factor);
    if !part.is_multiple_of(power) {
        return Err(UnitError::TooFine(shown(), smallest));
    }
    u64::try_from(whole * u128::from(factor) + part / power).map_err(|_| UnitError::TooLarge(shown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_read_exactly() {
        assert_eq!(duration("200us"), Ok(Duration::from_micros(200)));
        assert_eq!(duration("1.5 ms"), Ok(Duration::from_nanos(1_500_000)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        assert_eq!(duration("3m"), Ok(Duration::from_secs(180)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("0.10s"), Ok(Duration::from_millis(100)));
        assert_eq!(rate("2.5Gbit"), Ok(2_500_000_000));
        assert_eq!(rate("1kbit"), Ok(1000));
        assert_eq!(size("64KiB"), Ok(65536));
        assert_eq!(size("0.5KiB"), Ok(512));
        assert_eq!(percent("5%"), Probability::new(0.05));
        assert_eq!(percent("100%"), Some(Probability::ONE));
    }

    #[test]
    fn other_texts_are_mistakes() {
        assert_eq!(duration("10"), Err(UnitError::NoUnit("10".to_owned())));
        assert_eq!(duration("10sec"), Err(UnitError::UnknownUnit("sec".to_owned())));
        assert_eq!(duration("0.5ns"), Err(UnitError::TooFine("0.5ns".to_owned(), "ns")));
        assert_eq!(duration("ms"), Err(UnitError::NoNumber("ms".to_owned())));
        assert_eq!(duration("1.s"), Err(UnitError::NoNumber("1.s".to_owned())));
        assert_eq!(duration("1.2.3s"), Err(UnitError::NoNumber("1.2.3s".to_owned())));
        assert_eq!(duration("-1s"), Err(UnitError::NoNumber("-1s".to_owned())));
        assert_eq!(duration("99999999h"), Err(UnitError::TooLarge("99999999h".to_owned())));
        assert_eq!(rate("1gbit"), Err(UnitError::UnknownUnit("gbit".to_owned())));
        for text in ["5", "101%", "-1%", "inf%", "nan%", "%", "1e1%", "5%%"] {
            assert_eq!(percent(text), None, "{text}");
        }
        assert!(duration(&"9".repeat(100)).is_err());
    }
}
