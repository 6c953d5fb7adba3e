//! `netloom validate`: reads lab files, makes their devices, and reports every mistake, and what looks wrong.

use crate::cli::{FormatArgs, LabArgs};
use crate::input;
use crate::output::{FAILED, Failure, Format, PASSED, USAGE, print};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use topologies::lint::{Finding, Linted, RULES, lint};
use topologies::{Diagnostic, Override};

/// The arguments of `validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// Lab files
    #[arg(required = true, value_name = "LAB")]
    labs: Vec<PathBuf>,
    /// Ends with exit code 1 if there is a warning
    #[arg(long)]
    strict: bool,
    /// Leaves out the warnings of a rule; `docs/reference.md` lists the rules
    #[arg(long, value_name = "RULE", value_parser = rule)]
    allow: Vec<&'static str>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    lab: LabArgs,
}

fn rule(name: &str) -> Result<&'static str, String> {
    let names = || RULES.iter().map(|rule| rule.name);
    names().find(|known| *known == name).ok_or_else(|| match packet::nearest(name, names()) {
        Some(near) => format!("there is no such rule; did you mean `{near}`?"),
        None => format!("there is no such rule; the rules are {}", names().collect::<Vec<_>>().join(", ")),
    })
}

/// Validates the labs; gives the worst of their exit codes.
pub(crate) fn run(args: &ValidateArgs) -> Result<u8, Failure> {
    let overrides = input::overrides(&args.lab)?;
    let mut worst = PASSED;
    for lab in &args.labs {
        worst = worst.max(validate(lab, &overrides, args)?);
    }
    Ok(worst)
}

fn validate(lab: &Path, overrides: &[Override], args: &ValidateArgs) -> Result<u8, Failure> {
    let name = lab.display().to_string();
    let Linted { lab, mut findings } = match lint(lab, overrides) {
        Ok(linted) => linted,
        Err(mistakes) => {
            match args.format.format {
                Format::Text => eprint!("{}", Failure::mistakes(&mistakes)),
                Format::Json => {
                    let diagnostics: Vec<Value> = mistakes.iter().map(|mistake| object(mistake, "")).collect();
                    print(&format!("{}\n", json!({ "file": name, "valid": false, "diagnostics": diagnostics })))?;
                }
            }
            return Ok(USAGE);
        }
    };
    findings.retain(|found| !args.allow.contains(&found.rule));
    let (nodes, links, checks) = (lab.nodes().len(), lab.links().len(), lab.checks().len());
    match args.format.format {
        Format::Text => {
            for Finding { rule, diagnostic } in &findings {
                eprintln!("{diagnostic}");
                if !rule.is_empty() {
                    eprintln!("  rule: {rule}");
                }
            }
            let warnings = match findings.len() {
                0 => String::new(),
                1 => ", 1 warning".to_owned(),
                n => format!(", {n} warnings"),
            };
            print(&format!("{name}: valid: {nodes} nodes, {links} links, {checks} checks{warnings}\n"))?;
        }
        Format::Json => {
            let diagnostics: Vec<Value> = findings.iter().map(|found| object(&found.diagnostic, found.rule)).collect();
            let report = json!({
                "file": name, "valid": true, "nodes": nodes, "links": links, "checks": checks, "diagnostics": diagnostics
            });
            print(&format!("{report}\n"))?;
        }
    }
    Ok(if args.strict && !findings.is_empty() { FAILED } else { PASSED })
}

/// A diagnostic for programs.
fn object(found: &Diagnostic, rule: &str) -> Value {
    json!({
        "severity": found.severity.to_string(),
        "rule": rule,
        "file": &*found.file,
        "line": found.line,
        "column": found.column,
        "key": found.key,
        "message": found.message,
        "remedy": found.remedy,
    })
}
