//! A match of any text is read or refused, and one that was read is printed as a text of the same
//! meaning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packet::Match;

fuzz_target!(|text: &str| {
    match Match::parse(text) {
        Ok(parsed) => {
            assert!(parsed.matches(&parsed.key));
            assert_eq!(Match::parse(&parsed.to_string()), Ok(parsed));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
