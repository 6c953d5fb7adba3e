//! `netloom check`: runs labs in virtual time until their checks are decided.

use crate::cli::{CaptureArgs, FormatArgs, LabArgs};
use crate::input;
use crate::output::{FAILED, Failure, Format, PASSED, UNPROVEN, USAGE};
use clap::Args;
use std::path::{Path, PathBuf};
use topologies::run::End;

/// How many events a check may take.
const MAX_EVENTS: u64 = 200_000_000;

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Lab files
    #[arg(required = true, value_name = "LAB")]
    labs: Vec<PathBuf>,
    #[command(flatten)]
    lab: LabArgs,
    #[command(flatten)]
    capture: CaptureArgs,
    /// Keeps the capture of all links of a lab that failed, as DIR/LAB.pcapng
    #[arg(long, value_name = "DIR")]
    capture_failed: Option<PathBuf>,
    /// Ends a lab after so many events: most likely it has a loop
    #[arg(long, value_name = "N", default_value_t = MAX_EVENTS)]
    max_events: u64,
    #[command(flatten)]
    format: FormatArgs,
}

/// Checks the labs; gives the worst of their exit codes.
pub(crate) fn run(args: &CheckArgs) -> Result<u8, Failure> {
    let mut codes = Vec::new();
    for lab in &args.labs {
        match check(lab, args) {
            Ok(code) => codes.push(code),
            Err(failure) => {
                eprint!("{failure}");
                codes.push(failure.code);
            }
        }
    }
    let worst = [USAGE, FAILED, UNPROVEN].into_iter().find(|code| codes.contains(code));
    Ok(worst.unwrap_or(PASSED))
}

fn check(lab: &Path, args: &CheckArgs) -> Result<u8, Failure> {
    let mut captures = args.capture.clone();
    let kept = args.capture_failed.as_ref().map(|dir| {
        let stem = lab.file_stem().unwrap_or_default().to_string_lossy();
        dir.join(format!("{stem}.pcapng"))
    });
    if let Some(file) = &kept {
        captures.captures.push(format!("all={}", file.display()));
    }
    let mut session = input::session(Some(lab), &args.lab, &captures)?;
    session.net_mut().engine_mut().set_max_events(args.max_events);
    session.run(End::Decided);
    input::finish_captures(session.net_mut())?;
    let report = session.report();
    let failed_events = input::print_failed_events(Some(lab), &mut session);
    if let Some(message) = session.exhausted() {
        eprintln!("{}: {message}", lab.display());
    }
    let console = args.capture.console();
    match args.format.format {
        Format::Text => console.print(&report.text())?,
        Format::Json => console.print(&report.json())?,
    }
    let code = if failed_events == 0 { report.exit_code() } else { USAGE };
    if let Some(file) = kept.filter(|_| code == PASSED) {
        std::fs::remove_file(file)?;
    }
    Ok(code)
}
