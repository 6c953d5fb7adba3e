//! `netloom check`: runs labs in virtual time until their checks are decided.
//!
//! A run is a lab and a seed. Runs are independent and take place side by side, each on a thread of its own, since a
//! running lab stays where it was made; what they print is put back in order. `plan` says which runs there are, `run`
//! is one of them, `junit` a report for build servers.

mod junit;
mod plan;
mod run;

use crate::cli::{CaptureArgs, LabArgs};
use crate::output::{FAILED, Failure, PASSED, UNPROVEN, USAGE};
use clap::{Args, ValueEnum};
use plan::{Plan, Seeds, Shard};
use run::Outcome;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use topologies::run::{Report, Status};

/// How many events a check may take.
const MAX_EVENTS: u64 = 200_000_000;

/// How many failed seeds a lab's summary names.
const NAMED_SEEDS: usize = 20;

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Lab files
    #[arg(required = true, value_name = "LAB")]
    labs: Vec<PathBuf>,
    #[command(flatten)]
    lab: LabArgs,
    /// Takes the checks of another file instead of the labs' own
    #[arg(long, value_name = "FILE")]
    checks: Option<PathBuf>,
    /// Runs each lab with every seed from A to B, both included, and says how many pass
    #[arg(long, value_name = "A..B", conflicts_with = "seed")]
    seeds: Option<Seeds>,
    /// Runs part I of N only, counted from 1: each lab with each seed is in exactly one part
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// How many labs run at once; without it, as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    capture: CaptureArgs,
    /// Keeps the capture of all links of a lab that failed, as DIR/LAB.pcapng, with --seeds as DIR/LAB-SEED.pcapng
    #[arg(long, value_name = "DIR")]
    capture_failed: Option<PathBuf>,
    /// Ends a lab after so many events: most likely it has a loop
    #[arg(long, value_name = "N", default_value_t = MAX_EVENTS)]
    max_events: u64,
    /// Text for people, JSON for programs (one object a line), or JUnit's XML for build servers
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    format: CheckFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    Text,
    Json,
    Junit,
}

/// Checks the labs; gives the worst of their exit codes.
pub(crate) fn run(args: &CheckArgs) -> Result<u8, Failure> {
    let plan = Plan::new(args)?;
    if !args.capture.captures.is_empty() && plan.total > 1 {
        let message = "--capture is for one lab and one seed; --capture-failed DIR keeps a file for each that fails";
        return Err(Failure::usage(message));
    }
    let mut printer = Printer { args, codes: Vec::new(), suites: Vec::new(), summary: None };
    for (number, lab) in plan.labs.iter().enumerate() {
        if let Err(failure) = lab {
            eprint!("{failure}");
            printer.codes.push(failure.code);
            printer.suites.push((number, junit::broken(&args.labs[number], &failure.to_string())));
        }
    }
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let workers = args.jobs.map_or(processors, usize::from).min(plan.runs.len()).max(1);
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    thread::scope(|scope| -> Result<(), Failure> {
        for _ in 0..workers {
            let (plan, next, done) = (&plan, &next, done.clone());
            scope.spawn(move || {
                while let Some(run) = plan.runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if done.send((run.number, run::one(args, plan, run))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        // Whoever is done early waits for those before it.
        let mut waiting = std::collections::BTreeMap::new();
        let mut expected = 0;
        for (number, outcome) in results {
            waiting.insert(number, outcome);
            while let Some(outcome) = waiting.remove(&expected) {
                expected += 1;
                if let Err(failure) = printer.print(&outcome) {
                    next.store(usize::MAX / 2, Ordering::Relaxed);
                    return Err(failure);
                }
            }
        }
        Ok(())
    })?;
    printer.finish()
}

/// Prints outcomes in their order, and keeps what their sum needs.
struct Printer<'a> {
    args: &'a CheckArgs,
    codes: Vec<u8>,
    /// JUnit's suites, each with its lab's number.
    suites: Vec<(usize, quick_junit::TestSuite)>,
    /// Of the lab whose seeds are being run.
    summary: Option<Summary>,
}

/// How a lab came out with its seeds.
#[derive(Default)]
struct Summary {
    lab: usize,
    name: String,
    passed: usize,
    /// Seeds whose runs didn't pass, each with why.
    others: Vec<(u64, String)>,
}

impl Printer<'_> {
    fn print(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        eprint!("{}", outcome.messages);
        self.codes.push(outcome.code);
        let console = self.args.capture.console();
        let is_sweep = self.args.seeds.is_some();
        match (&outcome.report, self.args.format) {
            (_, CheckFormat::Text) if is_sweep => self.add_to_summary(outcome)?,
            (Some(report), CheckFormat::Text) => console.print(&report.text())?,
            (Some(report), CheckFormat::Json) => console.print(&report.json())?,
            (Some(report), CheckFormat::Junit) => self.suites.push((outcome.lab, junit::suite(report, is_sweep))),
            (None, CheckFormat::Junit) => {
                let suite = junit::broken(&self.args.labs[outcome.lab], &outcome.messages);
                self.suites.push((outcome.lab, suite));
            }
            (None, CheckFormat::Text | CheckFormat::Json) => {}
        }
        Ok(())
    }

    fn add_to_summary(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        if self.summary.as_ref().is_some_and(|summary| summary.lab != outcome.lab) {
            self.print_summary()?;
        }
        let summary = self.summary.get_or_insert_with(|| Summary { lab: outcome.lab, ..Summary::default() });
        if let Some(report) = &outcome.report {
            summary.name.clone_from(&report.lab);
        }
        match &outcome.report {
            Some(_) if outcome.code == PASSED => summary.passed += 1,
            Some(report) => summary.others.push((outcome.seed, why(report))),
            None => summary.others.push((outcome.seed, "didn't start".to_owned())),
        }
        Ok(())
    }

    fn print_summary(&mut self) -> Result<(), Failure> {
        let Some(summary) = self.summary.take() else { return Ok(()) };
        let Summary { name, passed, others, .. } = &summary;
        let mut text = String::new();
        for (seed, why) in others.iter().take(NAMED_SEEDS) {
            let _ = writeln!(text, "seed {seed}: {why}");
        }
        if let more @ 1.. = others.len().saturating_sub(NAMED_SEEDS) {
            let _ = writeln!(text, "and {more} more seeds");
        }
        let _ = writeln!(text, "{name}: {} seeds, {passed} passed, {} didn't", passed + others.len(), others.len());
        self.args.capture.console().print(&topologies::run::report::printable_lines(&text))
    }

    /// Prints what is left; gives the worst exit code.
    fn finish(mut self) -> Result<u8, Failure> {
        self.print_summary()?;
        if self.args.format == CheckFormat::Junit {
            // Labs that can't be read were found out first.
            self.suites.sort_by_key(|(lab, _)| *lab);
            let suites = std::mem::take(&mut self.suites).into_iter().map(|(_, suite)| suite).collect();
            let text = junit::document(suites).map_err(Failure::usage)?;
            self.args.capture.console().print(&text)?;
        }
        let worst = [USAGE, FAILED, UNPROVEN].into_iter().find(|code| self.codes.contains(code));
        Ok(worst.unwrap_or(PASSED))
    }
}

/// The first check that didn't pass, in a line.
fn why(report: &Report) -> String {
    let Some(first) = report.checks.iter().find(|check| check.status != Status::Passed) else {
        return "no check".to_owned();
    };
    let detail = first.detail.split("; ").next().unwrap_or_default();
    let more = match report.failed + report.vacuous - 1 {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    format!("{} {}: {detail}{more}", first.status.word(), first.name)
}
