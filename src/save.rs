//! `netloom save`: a lab as it is now, as a lab file that gives the same lab.

use crate::control::client::{self, Target};
use crate::control::protocol::{Answer, Request};
use crate::input;
use crate::output::{Failure, PASSED, print};
use clap::Args;
use std::path::PathBuf;

/// The arguments of `save`.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// A lab that runs; or a lab file, which is written as it is after its setup lines
    lab: String,
    /// Writes to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the lab.
pub(crate) fn run(args: &SaveArgs) -> Result<u8, Failure> {
    let text = match Target::of(&args.lab) {
        Target::File(path) => input::session(Some(&path), &Default::default(), &Default::default())?.save(),
        Target::Name(_) | Target::Socket(_) => match client::connect(&args.lab)?.call(&Request::Save {})? {
            Answer::LabFile { lab_file } => lab_file,
            _ => return Err(Failure::usage("the lab's reply is not understood")),
        },
    };
    match &args.output {
        Some(file) => {
            std::fs::write(file, text).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
        }
        None => print(&text)?,
    }
    Ok(PASSED)
}

/// Writes a lab to the file that somebody named at the prompt; gives what is to be said of it.
pub(crate) fn write(file: &str, text: &str) -> Result<String, String> {
    match std::fs::write(file, text) {
        Ok(()) => Ok(format!("saved to {file}\n")),
        Err(error) => Err(format!("save: {file} can't be written: {error}")),
    }
}
