//! netloom: a network lab in one process.
//!
//! One file for each subcommand; `cli` holds their arguments, `output` what they share of printing.

mod bench;
mod capture;
mod check;
mod cli;
mod clock;
mod console;
mod control;
mod events;
mod example;
mod exec;
mod explain;
mod generate;
mod graph;
mod input;
mod inspect;
mod link;
mod output;
mod pingall;
mod run;
mod save;
mod schema;
mod stop;
mod terminal;
mod validate;

use clap::Parser;
use std::process::ExitCode;

/// Counts allocations for `bench sim`; all else it does is pass them on to the system's allocator.
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    match cli::Cli::parse().command.run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::from(failure.code)
        }
    }
}
