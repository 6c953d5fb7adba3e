//! Which labs run with which seeds.

use super::CheckArgs;
use crate::input;
use crate::output::Failure;
use std::str::FromStr;
use topologies::{LoadedLab, load, load_with_checks};

/// The most runs of one call.
const MAX_RUNS: u64 = 1_000_000;

/// Seeds from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seeds {
    first: u64,
    last: u64,
}

impl Seeds {
    /// Whether a seed is the first.
    pub(super) const fn begins_with(self, seed: u64) -> bool {
        self.first == seed
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once("..").ok_or("write the first and the last seed, as in 1..100")?;
        let seed = |text: &str| match text.parse::<u64>() {
            Ok(seed) if seed <= i64::MAX as u64 => Ok(seed),
            _ => Err(format!("`{text}` is no seed: a number from 0 to {}", i64::MAX)),
        };
        match (seed(first)?, seed(last)?) {
            (first, last) if first > last => Err(format!("no seed is from {first} to {last}")),
            (first, last) if last - first >= MAX_RUNS => Err(format!("at most {MAX_RUNS} seeds at once")),
            (first, last) => Ok(Self { first, last }),
        }
    }
}

/// A part of all runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// From 1.
    part: usize,
    parts: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
        match numbers {
            Some((part, parts)) if (1..=parts).contains(&part) => Ok(Self { part, parts }),
            _ => Err("write the part and how many there are, from 1/1, as in 2/8".to_owned()),
        }
    }
}

/// A lab with a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Its place in the output, from 0.
    pub(super) number: usize,
    /// The lab's number on the command line.
    pub(super) lab: usize,
    /// The seed; `None`: the lab's own.
    pub(super) seed: Option<u64>,
}

/// All labs, read, and the runs of this shard.
pub(super) struct Plan {
    /// The labs, as on the command line.
    pub(super) labs: Vec<Result<LoadedLab, Failure>>,
    /// The runs: labs in their order, each with its seeds in theirs.
    pub(super) runs: Vec<Run>,
    /// How many runs all shards have together.
    pub(super) total: usize,
}

impl Plan {
    pub(super) fn new(args: &CheckArgs) -> Result<Self, Failure> {
        let overrides = input::overrides(&args.lab)?;
        let read = |lab: &std::path::PathBuf| match &args.checks {
            None => load(lab, &overrides),
            Some(checks) => load_with_checks(lab, checks, &overrides),
        };
        let labs: Vec<_> =
            args.labs.iter().map(|lab| read(lab).map_err(|mistakes| Failure::mistakes(&mistakes))).collect();
        let seeds = || match args.seeds {
            None => vec![None],
            Some(Seeds { first, last }) => (first..=last).map(Some).collect::<Vec<_>>(),
        };
        // A lab that can't be read counts, so that the shards are the same for all who share them.
        let all = (0..labs.len()).flat_map(|lab| seeds().into_iter().map(move |seed| (lab, seed)));
        let total = labs.len() * seeds().len();
        let is_ours = |at: usize| args.shard.is_none_or(|shard| at % shard.parts == shard.part - 1);
        let ours = all.enumerate().filter(|(at, (lab, _))| is_ours(*at) && labs[*lab].is_ok());
        let runs = ours.enumerate().map(|(number, (_, (lab, seed)))| Run { number, lab, seed }).collect();
        Ok(Self { labs, runs, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_from_one_to_another() {
        assert_eq!("1..100".parse(), Ok(Seeds { first: 1, last: 100 }));
        assert_eq!("7..7".parse(), Ok(Seeds { first: 7, last: 7 }));
        for text in ["", "5", "..", "1..", "..5", "5..1", "1...5", "a..b", "0..99999999999", "-1..5"] {
            assert!(text.parse::<Seeds>().is_err(), "{text}");
        }
    }

    #[test]
    fn shards_are_parts_of_a_number() {
        assert_eq!("1/1".parse(), Ok(Shard { part: 1, parts: 1 }));
        assert_eq!("8/8".parse(), Ok(Shard { part: 8, parts: 8 }));
        for text in ["", "1", "0/4", "5/4", "1/0", "a/b", "1/2/3", "-1/4"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
