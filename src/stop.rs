//! `netloom stop`: ends a running lab.

use crate::control::client;
use crate::control::protocol::Request;
use crate::output::{Failure, PASSED};
use clap::Args;

/// The arguments of `stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// A lab that runs
    lab: String,
}

/// Ends the lab, and waits until it has ended.
pub(crate) fn run(args: &StopArgs) -> Result<u8, Failure> {
    let mut lab = client::connect(&args.lab)?;
    lab.call(&Request::Stop {})?;
    while lab.reply()?.is_some() {}
    Ok(PASSED)
}
