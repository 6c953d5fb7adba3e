//! `netloom generate`: labs of regular shapes, with Mininet's names and addresses.

use crate::output::{Failure, PASSED, print};
use clap::{Args, Subcommand};
use topologies::Pattern;

/// The arguments of `generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    pattern: PatternArgs,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum PatternArgs {
    /// One switch with hosts
    Single {
        /// Hosts
        #[arg(long, value_name = "N", default_value_t = 2)]
        hosts: u32,
    },
    /// A row of switches, each with hosts
    Linear {
        /// Switches
        #[arg(long, value_name = "K", default_value_t = 2)]
        switches: u32,
        /// Hosts on each switch
        #[arg(long, value_name = "N", default_value_t = 1)]
        hosts: u32,
    },
    /// A tree of switches, hosts at its leaves
    Tree {
        /// Levels of switches
        #[arg(long, value_name = "D", default_value_t = 1)]
        depth: u32,
        /// Children of each switch
        #[arg(long, value_name = "F", default_value_t = 2)]
        fanout: u32,
    },
    /// A switch in the middle of switches, each with hosts
    Star {
        /// Switches around the one in the middle
        #[arg(long, value_name = "K", default_value_t = 2)]
        switches: u32,
        /// Hosts on each of them
        #[arg(long, value_name = "N", default_value_t = 1)]
        hosts: u32,
    },
}

/// Writes the lab.
pub(crate) fn run(args: &GenerateArgs) -> Result<u8, Failure> {
    let pattern = match args.pattern {
        PatternArgs::Single { hosts } => Pattern::Single { hosts },
        PatternArgs::Linear { switches, hosts } => Pattern::Linear { switches, hosts },
        PatternArgs::Tree { depth, fanout } => Pattern::Tree { depth, fanout },
        PatternArgs::Star { switches, hosts } => Pattern::Star { switches, hosts },
    };
    print(&topologies::generate(pattern).map_err(Failure::usage)?)?;
    Ok(PASSED)
}
