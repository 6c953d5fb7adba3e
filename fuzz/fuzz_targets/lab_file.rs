//! A lab file of any text is read, or refused with located mistakes; a lab that is read can be made.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    match topologies::parse("fuzz.toml", text, &[]) {
        Ok(loaded) => drop(topologies::run::Net::new(&loaded.lab)),
        Err(mistakes) => assert!(!mistakes.is_empty()),
    }
});
