//! The examples, damaged at random: each runs, or is refused with a place in the file. Nothing panics, nothing hangs.

mod support;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use sim_core::Time;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use support::long;
use topologies::run::{End, Session};
use topologies::{Diagnostic, parse};

/// How many events a damaged lab may take. A check decides within it, or a storm ends it.
const MAX_EVENTS: u64 = 20_000;

/// No lab time beyond this: a `within` of a year is not waited for.
const LONGEST: Time = Time::from_secs(100);

fn examples() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = directory.read_dir().expect("it is there").map(|entry| entry.expect("a file").path());
    let mut texts: Vec<(String, String)> = files
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("it is text");
            (path.file_name().expect("a name").to_string_lossy().into_owned(), text)
        })
        .collect();
    texts.sort();
    texts
}

/// Damages a text in one of many ways.
fn damage(rng: &mut Pcg64, text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    let mut out: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    let line = rng.random_range(0..lines.len());
    let pick = |rng: &mut Pcg64, of: &[&str]| of[rng.random_range(0..of.len())].to_owned();
    match rng.random_range(0..11) {
        0 => drop(out.remove(line)),
        1 => {
            let twin = out[line].clone();
            out.insert(line, twin);
        }
        2 => {
            let other = rng.random_range(0..lines.len());
            out.swap(line, other);
        }
        // A word for another.
        3 | 4 => {
            let (from, to) = (pick(rng, &words), pick(rng, &words));
            out[line] = out[line].replacen(&from, &to, 1);
            let all = out.join("\n").replacen(&from, &to, 1);
            return all;
        }
        // A number for another.
        5 | 6 => {
            let numbers =
                ["0", "-1", "1", "4095", "4096", "65536", "9223372036854775807", "99999999999999999999", "1.5", "1e9"];
            let from =
                words.iter().copied().filter(|word| word.bytes().all(|b| b.is_ascii_digit())).collect::<Vec<_>>();
            let (from, to) = (pick(rng, &from), pick(rng, &numbers));
            return text.replacen(&from, &to, rng.random_range(1..3));
        }
        // A table deleted, or doubled.
        7 | 8 => {
            let starts: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with('[')).collect();
            let at = rng.random_range(0..starts.len());
            let end = starts.get(at + 1).copied().unwrap_or(lines.len());
            let table: Vec<String> = out[starts[at]..end].to_vec();
            if rng.random() {
                out.drain(starts[at]..end);
            } else {
                out.extend(table);
            }
        }
        // A character, or several.
        9 => {
            let mut chars: Vec<char> = text.chars().collect();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..chars.len());
                chars[at] = char::from(rng.random_range(0..128_u8));
            }
            return chars.into_iter().collect();
        }
        _ => {
            let mut chars: Vec<char> = text.chars().collect();
            let at = rng.random_range(0..chars.len());
            let end = (at + rng.random_range(1..30)).min(chars.len());
            chars.drain(at..end);
            return chars.into_iter().collect();
        }
    }
    out.join("\n")
}

/// Runs a lab; what it is refused with, if it is.
fn run(file: &str, text: &str) -> Result<(), Vec<Diagnostic>> {
    let loaded = parse(file, text, &[])?;
    topologies::lint::lint_text(file, text, &[])?;
    let mut session = Session::new(loaded.lab)
        .map_err(|errors| errors.iter().map(|error| error.diagnostic(file)).collect::<Vec<_>>())?;
    session.net_mut().engine_mut().set_max_events(MAX_EVENTS);
    session.run(End::At(LONGEST));
    let report = session.report();
    assert_eq!(report.checks.len(), session.lab().checks().len());
    Ok(())
}

#[test]
fn a_damaged_example_runs_or_is_refused_with_a_place() {
    let examples = examples();
    let (count, mut ran, mut refused) = (if long() { 20_000 } else { 500 }, 0, 0);
    for number in 0..count {
        let mut rng = Pcg64::seed_from_u64(number);
        let (file, text) = &examples[rng.random_range(0..examples.len())];
        let mut damaged = damage(&mut rng, text);
        for _ in 0..rng.random_range(0..3) {
            if damaged.contains('[') && damaged.contains('1') {
                damaged = damage(&mut rng, &damaged);
            }
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| run(file, &damaged)));
        let Ok(outcome) = outcome else { panic!("{file} with damage {number} panics:\n{damaged}") };
        match outcome {
            Ok(()) => ran += 1,
            Err(mistakes) => {
                refused += 1;
                assert!(!mistakes.is_empty());
                let lines = damaged.lines().count().max(1) as u32;
                for found in mistakes {
                    let has_place = (1..=lines + 1).contains(&found.line) && found.column >= 1;
                    assert!(has_place && !found.message.is_empty(), "{found}\n{damaged}");
                }
            }
        }
    }
    assert!(ran > count / 10 && refused > count / 10, "{ran} ran, {refused} were refused");
}
