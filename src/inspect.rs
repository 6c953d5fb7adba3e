//! `netloom inspect`: the nodes of a lab and their addresses, as containerlab's table has them.

use crate::cli::{CaptureArgs, LabArgs};
use crate::control::client::{self, Lab, Target};
use crate::control::protocol::{Answer, Request};
use crate::input;
use crate::output::{Failure, PASSED, harmless, print};
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table};
use topologies::run::Inspection;

/// Borders as containerlab draws them.
const BORDERS: &str = "││──├─┼┤│─┼├┤┬┴╭╮╰╯";

/// The arguments of `inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A lab that runs, or a lab file, which is shown as it is at the start
    #[arg(conflicts_with = "all")]
    lab: Option<String>,
    /// All labs that run, as without LAB
    #[arg(long)]
    all: bool,
    /// A table for people, JSON (one object a line) or CSV for programs
    #[arg(long, value_enum, default_value_t = InspectFormat::Table)]
    format: InspectFormat,
    #[command(flatten)]
    args: LabArgs,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InspectFormat {
    Table,
    Json,
    Csv,
}

/// A lab, with its JSON.
type Seen = (Inspection, String);

/// Shows the lab, or all that run.
pub(crate) fn run(args: &InspectArgs) -> Result<u8, Failure> {
    let (labs, names_lab) = match args.lab.as_deref() {
        None => (client::running().into_iter().filter_map(|lab| ask(lab).ok()).collect(), true),
        Some(text) => match Target::of(text) {
            Target::File(path) => {
                let session = input::session(Some(&path), &args.args, &CaptureArgs::default())?;
                (vec![seen(session.inspect())], false)
            }
            Target::Name(_) | Target::Socket(_) => (vec![ask(client::connect(text)?)?], false),
        },
    };
    if labs.is_empty() {
        eprintln!("no lab runs: `netloom run FILE` starts one");
    }
    print(&match args.format {
        InspectFormat::Json => labs.iter().map(|(_, json)| format!("{json}\n")).collect(),
        InspectFormat::Csv => csv(&rows(&labs, "lab", names_lab, " ")),
        InspectFormat::Table if labs.is_empty() => String::new(),
        InspectFormat::Table => table(&rows(&labs, "Lab", names_lab, "\n")),
    })?;
    Ok(PASSED)
}

fn ask(mut lab: Lab) -> Result<Seen, Failure> {
    match lab.call(&Request::Inspect {})? {
        // Numbers and texts always serialise.
        Answer::Lab(running) => Ok((running.lab.clone(), serde_json::to_string(&running).unwrap_or_default())),
        _ => Err(Failure::usage("the lab's reply is not understood")),
    }
}

fn seen(inspection: Inspection) -> Seen {
    let json = serde_json::to_string(&inspection).unwrap_or_default();
    (inspection, json)
}

/// The table's rows, the head first. Several addresses are joined by `joint`.
fn rows(labs: &[Seen], lab: &str, names_lab: bool, joint: &str) -> Vec<Vec<String>> {
    let titles = if lab == "lab" {
        ["name", "kind", "state", "ipv4", "ipv6"]
    } else {
        ["Name", "Kind", "State", "IPv4", "IPv6"]
    };
    let head = names_lab.then_some(lab).into_iter().chain(titles).map(str::to_owned).collect();
    let mut rows = vec![head];
    for (inspection, _) in labs {
        for node in &inspection.nodes {
            let name = names_lab.then(|| inspection.lab.clone());
            let addresses = [node.ipv4.join(joint), node.ipv6.join(joint)];
            let cells = [node.name.clone(), node.kind.clone(), node.state.clone()].into_iter().chain(addresses);
            rows.push(name.into_iter().chain(cells).map(|cell| harmless(&cell).into_owned()).collect());
        }
    }
    rows
}

fn table(rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_preset(BORDERS);
    if let Some((head, rows)) = rows.split_first() {
        table.set_header(head.iter().map(|title| comfy_table::Cell::new(title).set_alignment(CellAlignment::Center)));
        table.add_rows(rows);
    }
    table.to_string() + "\n"
}

/// Comma-separated values (RFC 4180, with plain line ends).
fn csv(rows: &[Vec<String>]) -> String {
    let field = |text: &String| match text.contains(['"', ',', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.clone(),
    };
    rows.iter().map(|row| row.iter().map(field).collect::<Vec<_>>().join(",") + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_a_comma_or_a_quote_is_quoted() {
        let rows = [vec!["a,b".to_owned(), "say \"x\"".to_owned(), "plain".to_owned()]];
        assert_eq!(csv(&rows), "\"a,b\",\"say \"\"x\"\"\",plain\n");
    }

    #[test]
    fn the_table_has_the_borders_of_containerlab() {
        let rows = [["Name", "Kind"], ["h1", "host"], ["s1", "switch"]].map(|row| row.map(str::to_owned).to_vec());
        let expected = "\
╭──────┬────────╮
│ Name ┆  Kind  │
"
        .replace('┆', "│");
        let found = table(&rows);
        assert!(found.starts_with(&expected), "{found}");
        assert!(found.ends_with("│ s1   │ switch │\n╰──────┴────────╯\n"), "{found}");
        assert!(found.contains("├──────┼────────┤\n│ h1   │ host   │\n├──────┼────────┤\n"), "{found}");
    }
}
