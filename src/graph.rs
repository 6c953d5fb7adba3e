//! `netloom graph`: draws a lab.

use crate::cli::LabArgs;
use crate::input;
use crate::output::{Failure, PASSED, print};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use topologies::graph::{GraphFormat, graph};

/// The arguments of `graph`.
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The lab file
    lab: PathBuf,
    #[command(flatten)]
    args: LabArgs,
    /// A listing, Graphviz's DOT, a Mermaid flowchart, or a picture
    #[arg(long, value_enum, default_value_t = Drawn::Text)]
    format: Drawn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Drawn {
    Text,
    Dot,
    Mermaid,
    Svg,
}

/// Writes the drawing to standard output.
pub(crate) fn run(args: &GraphArgs) -> Result<u8, Failure> {
    let loaded = input::load(Some(&args.lab), &args.args)?;
    let format = match args.format {
        Drawn::Text => GraphFormat::Text,
        Drawn::Dot => GraphFormat::Dot,
        Drawn::Mermaid => GraphFormat::Mermaid,
        Drawn::Svg => GraphFormat::Svg,
    };
    print(&graph(&loaded.lab, format))?;
    Ok(PASSED)
}
