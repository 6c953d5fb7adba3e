//! `netloom generate`: labs of regular shapes, with Mininet's names and addresses.

use crate::output::{Failure, PASSED, print};
use clap::{Args, Subcommand};
use topologies::{Pattern, SpanningTree};

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
    /// A ring of switches, each with hosts
    Ring {
        /// Switches, at least 3
        #[arg(long, value_name = "K", default_value_t = 3)]
        switches: u32,
        /// Hosts on each switch
        #[arg(long, value_name = "N", default_value_t = 1)]
        hosts: u32,
        #[command(flatten)]
        tree: TreeArgs,
    },
    /// A grid of switches whose rows and columns are rings
    Torus {
        /// Rows, at least 3
        #[arg(short, long, value_name = "X", default_value_t = 3)]
        x: u32,
        /// Columns, at least 3
        #[arg(short, long, value_name = "Y", default_value_t = 3)]
        y: u32,
        /// Hosts on each switch
        #[arg(long, value_name = "N", default_value_t = 1)]
        hosts: u32,
        #[command(flatten)]
        tree: TreeArgs,
    },
    /// Leaf switches with hosts, each linked to every spine switch
    LeafSpine {
        /// Leaves
        #[arg(long, value_name = "L", default_value_t = 2)]
        leaves: u32,
        /// Spines
        #[arg(long, value_name = "S", default_value_t = 2)]
        spines: u32,
        /// Hosts on each leaf
        #[arg(long, value_name = "N", default_value_t = 2)]
        hosts: u32,
        #[command(flatten)]
        tree: TreeArgs,
    },
}

/// How the switches of a shape with loops break them.
#[derive(Clone, Copy, Debug, Args)]
struct TreeArgs {
    /// Writes stp_enable (IEEE 802.1D-1998) instead of rstp_enable
    #[arg(long)]
    stp: bool,
}

impl TreeArgs {
    const fn protocol(self) -> SpanningTree {
        if self.stp { SpanningTree::Stp } else { SpanningTree::Rstp }
    }
}

/// Writes the lab.
pub(crate) fn run(args: &GenerateArgs) -> Result<u8, Failure> {
    let (pattern, tree) = match args.pattern {
        PatternArgs::Single { hosts } => (Pattern::Single { hosts }, None),
        PatternArgs::Linear { switches, hosts } => (Pattern::Linear { switches, hosts }, None),
        PatternArgs::Tree { depth, fanout } => (Pattern::Tree { depth, fanout }, None),
        PatternArgs::Star { switches, hosts } => (Pattern::Star { switches, hosts }, None),
        PatternArgs::Ring { switches, hosts, tree } => (Pattern::Ring { switches, hosts }, Some(tree)),
        PatternArgs::Torus { x, y, hosts, tree } => (Pattern::Torus { x, y, hosts }, Some(tree)),
        PatternArgs::LeafSpine { leaves, spines, hosts, tree } => {
            (Pattern::LeafSpine { leaves, spines, hosts }, Some(tree))
        }
    };
    let tree = tree.map_or(SpanningTree::default(), TreeArgs::protocol);
    print(&topologies::generate_with(pattern, tree).map_err(Failure::usage)?)?;
    Ok(PASSED)
}
