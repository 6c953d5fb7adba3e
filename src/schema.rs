//! `netloom schema`: what a lab file may say, for editors and for people.

use crate::output::{Failure, PASSED, print};
use clap::{Args, ValueEnum};

/// The arguments of `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// A JSON Schema (draft 2020-12) for editors, or the reference in Markdown
    #[arg(long, value_enum, default_value_t = SchemaFormat::Json)]
    format: SchemaFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemaFormat {
    Json,
    Markdown,
}

/// Writes the schema to standard output.
pub(crate) fn run(args: &SchemaArgs) -> Result<u8, Failure> {
    match args.format {
        SchemaFormat::Json => {
            let text = serde_json::to_string_pretty(&topologies::schema::schema()).map_err(Failure::usage)?;
            print(&(text + "\n"))?;
        }
        SchemaFormat::Markdown => print(&topologies::schema::markdown())?,
    }
    Ok(PASSED)
}
