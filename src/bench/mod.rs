//! `netloom bench`: figures to put beside those of other programs.

mod flows;
mod rig;
mod sim;
mod switch;

use crate::output::Failure;
use clap::{Args, Subcommand};

/// The arguments of `bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Two hosts and a chain of switches: bridge hops for each second of wall time
    Sim(sim::SimArgs),
    /// One switch on one core, a capture looped into its first port
    Switch(switch::SwitchArgs),
    /// What flows cost: to load, to keep, to change, and to find for a frame that the cache doesn't know
    Flows(flows::FlowsArgs),
}

/// Runs a benchmark.
pub(crate) fn run(args: BenchArgs) -> Result<u8, Failure> {
    match args.what {
        What::Sim(args) => sim::run(&args),
        What::Switch(args) => switch::run(&args),
        What::Flows(args) => flows::run(&args),
    }
}
