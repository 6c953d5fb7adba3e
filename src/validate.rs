//! `netloom validate`: reads lab files, makes their devices, and reports every mistake and warning.

use crate::cli::LabArgs;
use crate::input;
use crate::output::{Failure, PASSED, USAGE, print};
use clap::Args;
use std::path::{Path, PathBuf};
use topologies::run::Net;

/// The arguments of `validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// Lab files
    #[arg(required = true, value_name = "LAB")]
    labs: Vec<PathBuf>,
    #[command(flatten)]
    lab: LabArgs,
}

/// Validates the labs.
pub(crate) fn run(args: &ValidateArgs) -> Result<u8, Failure> {
    let mut code = PASSED;
    for lab in &args.labs {
        if let Err(failure) = validate(lab, args) {
            eprint!("{failure}");
            code = USAGE;
        }
    }
    Ok(code)
}

fn validate(lab: &Path, args: &ValidateArgs) -> Result<(), Failure> {
    let loaded = input::load(Some(lab), &args.lab)?;
    input::print_warnings(&loaded.warnings);
    let name = lab.display().to_string();
    let (nodes, links, checks) = (loaded.lab.nodes().len(), loaded.lab.links().len(), loaded.lab.checks().len());
    Net::new(&loaded.lab).map_err(|errors| Failure::mistakes(&input::located(&name, &errors)))?;
    let warnings = match loaded.warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        n => format!(", {n} warnings"),
    };
    print(&format!("{name}: valid: {nodes} nodes, {links} links, {checks} checks{warnings}\n"))
}
