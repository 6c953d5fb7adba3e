//! The command line.

use crate::output::{Console, Failure, Format};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A network lab in one process.
#[derive(Debug, Parser)]
#[command(name = "netloom", version, about, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a lab's checks in virtual time and report them
    Check(crate::check::CheckArgs),
    /// Run a lab; prompt lines come from standard input. Without a file: a first VLAN lab
    Run(crate::run::RunArgs),
    /// Read a lab file and report every mistake and warning in it
    Validate(crate::validate::ValidateArgs),
    /// Ping between all pairs of hosts, as Mininet does
    Pingall(crate::pingall::PingallArgs),
    /// One command on a node of a running lab, or of a lab file that is run to a time first
    Exec(crate::exec::ExecArgs),
    /// Send a packet, follow it, and say where it ends, why, and which line would let it pass
    Explain(crate::explain::ExplainArgs),
    /// Show the nodes of a running lab or of a lab file; without LAB, of all labs that run
    Inspect(crate::inspect::InspectArgs),
    /// Capture links of a running lab into a file or a pipe
    Capture(crate::capture::CaptureCommandArgs),
    /// Show a link of a running lab or change it
    Link(crate::link::LinkArgs),
    /// Follow what happens in a running lab
    Events(crate::events::EventsArgs),
    /// Open the console of a node of a running lab
    Console(crate::console::ConsoleArgs),
    /// Write a lab as it is now, as a lab file
    Save(crate::save::SaveArgs),
    /// End a running lab
    Stop(crate::stop::StopArgs),
    /// Write a lab of a regular shape to standard output
    Generate(crate::generate::GenerateArgs),
    /// Draw a lab
    Graph(crate::graph::GraphArgs),
    /// Print what a lab file may say, as a JSON Schema or as a reference
    Schema(crate::schema::SchemaArgs),
    /// List the examples that are built in, or write one to standard output
    Example(crate::example::ExampleArgs),
    /// Measure this build
    Bench(crate::bench::BenchArgs),
}

impl Command {
    /// Runs the subcommand; gives its exit code.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Self::Check(args) => crate::check::run(&args),
            Self::Run(args) => crate::run::run(&args),
            Self::Validate(args) => crate::validate::run(&args),
            Self::Pingall(args) => crate::pingall::run(&args),
            Self::Exec(args) => crate::exec::run(&args),
            Self::Explain(args) => crate::explain::run(&args),
            Self::Inspect(args) => crate::inspect::run(&args),
            Self::Capture(args) => crate::capture::run(&args),
            Self::Link(args) => crate::link::run(&args),
            Self::Events(args) => crate::events::run(&args),
            Self::Console(args) => crate::console::run(&args),
            Self::Save(args) => crate::save::run(&args),
            Self::Stop(args) => crate::stop::run(&args),
            Self::Generate(args) => crate::generate::run(&args),
            Self::Graph(args) => crate::graph::run(&args),
            Self::Schema(args) => crate::schema::run(&args),
            Self::Example(args) => crate::example::run(&args),
            Self::Bench(args) => crate::bench::run(args),
        }
    }
}

/// What every command that reads a lab file takes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LabArgs {
    /// The lab's seed, instead of the file's
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Sets a key of the file, as in `-D switches.s1.ports.a.tag=9`
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    pub(crate) define: Vec<String>,
}

/// Where captures go.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CaptureArgs {
    /// Captures a link, named by either end, or all of them: `s1:trunk=FILE`, `all=FILE`; FILE `-` is standard output
    #[arg(long = "capture", value_name = "NODE:PORT=FILE")]
    pub(crate) captures: Vec<String>,
}

impl CaptureArgs {
    /// Where text goes beside the captures.
    pub(crate) fn console(&self) -> Console {
        Console { is_taken: self.captures.iter().any(|capture| capture.ends_with("=-")) }
    }
}

/// How to print.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FormatArgs {
    /// Text for people or JSON for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// A lab file, or nothing for the lab that is built in.
#[derive(Clone, Debug, Args)]
pub(crate) struct OptionalLab {
    /// The lab file
    pub(crate) lab: Option<PathBuf>,
}
