//! `netloom link`: shows a link of a running lab or changes it, in the words of the prompt's `link`.

use crate::control::client;
use crate::control::protocol::Request;
use crate::exec;
use crate::output::Failure;
use clap::Args;

/// The arguments of `link`.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// A lab that runs
    lab: String,
    /// A link, named by either end
    #[arg(value_name = "NODE:PORT")]
    link: String,
    /// `up`, `down`, or `delay 10ms loss 5%`, for one direction with `out` or `in` behind it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    change: Vec<String>,
}

/// Changes the link; the exit code is the command's.
pub(crate) fn run(args: &LinkArgs) -> Result<u8, Failure> {
    let change = ovsdb::words::join(&args.change);
    exec::follow(client::connect(&args.lab)?, &Request::Link { link: args.link.clone(), change })
}
