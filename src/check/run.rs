//! One run: a lab with a seed, from its making to its report.

use super::CheckArgs;
use super::plan::{Plan, Run};
use crate::input;
use crate::output::{Failure, PASSED, USAGE};
use sim_core::Seed;
use std::fmt::Write;
use std::path::Path;
use topologies::LoadedLab;
use topologies::run::{End, Report, Session};

/// What came of a run.
pub(super) struct Outcome {
    /// The lab's number on the command line.
    pub(super) lab: usize,
    /// The seed.
    pub(super) seed: u64,
    /// What goes to standard error.
    pub(super) messages: String,
    /// The exit code.
    pub(super) code: u8,
    /// The report, if the lab ran.
    pub(super) report: Option<Report>,
}

/// Runs a lab. Whatever goes wrong is in the outcome.
pub(super) fn one(args: &CheckArgs, plan: &Plan, run: &Run) -> Outcome {
    let mut outcome = Outcome { lab: run.lab, seed: 0, messages: String::new(), code: PASSED, report: None };
    let Ok(loaded) = &plan.labs[run.lab] else { return outcome };
    if let Err(failure) = check(args, &args.labs[run.lab], loaded, run.seed, &mut outcome) {
        let _ = write!(outcome.messages, "{failure}");
        outcome.code = failure.code;
    }
    outcome
}

fn check(
    args: &CheckArgs,
    path: &Path,
    loaded: &LoadedLab,
    seed: Option<u64>,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let mut lab = loaded.lab.clone();
    if let Some(seed) = seed {
        lab = lab.with_seed(Seed(seed));
    }
    outcome.seed = lab.seed().0;
    let mut captures = args.capture.clone();
    let kept = args.capture_failed.as_ref().map(|dir| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        dir.join(seed.map_or_else(|| format!("{stem}.pcapng"), |seed| format!("{stem}-{seed}.pcapng")))
    });
    if let Some(file) = &kept {
        captures.captures.push(format!("all={}", file.display()));
    }
    // A sweep says once what the reader warns of.
    if seed.is_none_or(|seed| args.seeds.is_some_and(|seeds| seeds.begins_with(seed))) {
        loaded.warnings.iter().for_each(|warning| outcome.say(warning));
    }
    let name = path.display().to_string();
    let mut session = Session::new(lab).map_err(|errors| Failure::mistakes(&input::located(&name, &errors)))?;
    input::open_captures(session.net_mut(), &captures)?;
    session.net_mut().engine_mut().set_max_events(args.max_events);
    session.run(End::Decided);
    input::finish_captures(session.net_mut())?;
    session.explain_failed();
    let report = session.report();
    outcome.code = report.exit_code();
    for error in input::failed_events(Some(path), &mut session) {
        outcome.say(error);
        outcome.code = USAGE;
    }
    if let Some(message) = session.exhausted() {
        outcome.say(format!("{name}: {message}"));
    }
    if let Some(file) = kept.filter(|_| outcome.code == PASSED) {
        std::fs::remove_file(file)?;
    }
    outcome.report = Some(report);
    Ok(())
}

impl Outcome {
    fn say(&mut self, message: impl std::fmt::Display) {
        let _ = writeln!(self.messages, "{message}");
    }
}
