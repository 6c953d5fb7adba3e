//! `netloom exec`: one command, on a lab that runs, or on a lab file that is run to a time first.

use crate::cli::{CaptureArgs, LabArgs};
use crate::control::client::{self, Lab, Target};
use crate::control::protocol::{Answer, Body, Request};
use crate::input;
use crate::output::{Failure, PASSED, USAGE, harmless, print};
use crate::save;
use clap::Args;
use sim_core::{Duration, Time};
use std::path::Path;
use topologies::run::{CommandError, End, Request as Wish};

/// The arguments of `exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// A lab file, or the name of a lab that runs
    lab: String,
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
    match Target::of(&args.lab) {
        Target::File(path) => in_file(&path, args),
        Target::Name(_) | Target::Socket(_) => {
            let LabArgs { seed, define } = &args.args;
            if args.at.is_some() || seed.is_some() || !define.is_empty() || !args.capture.captures.is_empty() {
                let message = "--at, --seed, -D and --capture are for a lab file; a lab that runs has its own already";
                return Err(Failure::usage(message));
            }
            let lab = client::connect(&args.lab)?;
            follow(lab, &Request::Exec { line: ovsdb::words::join(&args.words) })
        }
    }
}

/// Sends a command to a lab and prints what it prints; gives the command's status.
pub(crate) fn follow(mut lab: Lab, request: &Request) -> Result<u8, Failure> {
    lab.ask(request)?;
    while let Some(reply) = lab.reply()? {
        match reply.body {
            Body::Output(text) => print(&harmless(&text))?,
            Body::Ok(Answer::Status { status }) => return Ok(status),
            Body::Error(problem) => {
                eprintln!("{}", harmless(&problem.message));
                return Ok(problem.status.unwrap_or(USAGE));
            }
            Body::Ok(_) | Body::Event(_) | Body::Lost(_) => {}
        }
    }
    Err(lab.ended())
}

/// Runs the lab of a file to a time, then the command.
fn in_file(file: &Path, args: &ExecArgs) -> Result<u8, Failure> {
    let (words, at) = split_at(args)?;
    let mut session = input::session(Some(file), &args.args, &args.capture)?;
    let end = match at {
        Some(at) => End::At(Time::ZERO + at),
        None if session.lab().checks().is_empty() => End::At(Time::from_secs(1)),
        None => End::Decided,
    };
    session.run(end);
    session.take_output();
    input::give_files(&mut session, &words);
    let result = session.command(&words);
    let result = result.and_then(|text| match session.take_request() {
        None => Ok(text),
        Some(Wish::Save { file, text }) => save::write(&file, &text).map_err(failed),
        Some(Wish::Console(_) | Wish::Exit) => {
            Err(failed(format!("`{}` is for the prompt of `netloom run`", words.join(" "))))
        }
    });
    if result.is_ok() {
        session.run(End::Quiet);
    }
    input::finish_captures(session.net_mut())?;
    input::print_failed_events(Some(file), &mut session);
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
