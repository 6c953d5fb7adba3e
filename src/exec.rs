//! `netloom exec`: runs a lab to a time, then one command.

use crate::cli::{CaptureArgs, LabArgs};
use crate::input;
use crate::output::{Failure, PASSED};
use clap::Args;
use sim_core::{Duration, Time};
use std::path::PathBuf;
use topologies::run::{CommandError, End, Request};

/// The arguments of `exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// The lab file
    lab: PathBuf,
    /// A node and its command, or a lab command
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "NODE COMMAND")]
    words: Vec<String>,
    /// When to run it, in lab time; without it, once all checks are decided, or at 1s if there are none
    #[arg(long, value_name = "T", value_parser = input::parse_time)]
    at: Option<Duration>,
    #[command(flatten)]
    args: LabArgs,
    #[command(flatten)]
    capture: CaptureArgs,
}

/// Runs the command; the exit code is the command's.
pub(crate) fn run(args: &ExecArgs) -> Result<u8, Failure> {
    let (words, at) = split_at(args)?;
    let mut session = input::session(Some(&args.lab), &args.args, &args.capture)?;
    let end = match at {
        Some(at) => End::At(Time::ZERO + at),
        None if session.lab().checks().is_empty() => End::At(Time::from_secs(1)),
        None => End::Decided,
    };
    session.run(end);
    session.take_output();
    let result = session.command(&words);
    let result = result.and_then(|text| match session.take_request() {
        None => Ok(text),
        Some(Request::Save { file, text }) => crate::typed::save(&file, &text).map(|said| said + "\n").map_err(failed),
        Some(Request::Console(_) | Request::Exit) => {
            Err(failed(format!("`{}` is for the prompt of `netloom run`", words.join(" "))))
        }
    });
    if result.is_ok() {
        session.run(End::Quiet);
    }
    input::finish_captures(session.net_mut())?;
    input::print_failed_events(Some(&args.lab), &mut session);
    match result {
        Ok(text) => {
            args.capture.console().print(&(text + &session.take_output()))?;
            Ok(PASSED)
        }
        Err(error) => {
            eprintln!("{}", error.message.trim_end());
            Ok(error.status)
        }
    }
}

fn failed(message: String) -> CommandError {
    CommandError { message, status: 1 }
}

/// The command's words, and the `--at` that may stand behind them.
fn split_at(args: &ExecArgs) -> Result<(Vec<String>, Option<Duration>), Failure> {
    let mut words = args.words.clone();
    if args.at.is_none()
        && let [.., flag, time] = words.as_slice()
        && flag == "--at"
    {
        let at = input::parse_time(time).map_err(|error| Failure::usage(format!("--at: {error}")))?;
        words.truncate(words.len() - 2);
        return Ok((words, Some(at)));
    }
    Ok((words, args.at))
}
