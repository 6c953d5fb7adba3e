//! What the checks found.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
    /// It proves nothing: the sender put no frame on a wire.
    Vacuous,
}

impl Status {
    /// The status as programs read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Vacuous => "vacuous",
        }
    }

    /// The status as people read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed => "FAIL",
            Self::Vacuous => "VACUOUS",
        }
    }
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// The check's name.
    pub name: String,
    /// How it came out.
    pub status: Status,
    /// What was seen.
    pub detail: String,
    /// When it was decided, in nanoseconds of lab time.
    pub at_ns: u64,
}

/// How a check stands while the lab runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckStanding {
    /// The check's name.
    pub name: String,
    /// `waiting`, `running`, or how it came out: `passed`, `failed`, `vacuous`.
    pub state: String,
    /// What was seen, once it is decided.
    pub detail: Option<String>,
    /// When it was decided, in nanoseconds of lab time.
    pub at_ns: Option<u64>,
}

/// All checks of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The lab.
    pub lab: String,
    /// Its seed.
    pub seed: u64,
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many prove nothing.
    pub vacuous: usize,
    /// The checks, in the file's order.
    pub checks: Vec<CheckResult>,
}

impl Report {
    /// A report of some results.
    pub fn new(lab: &str, seed: u64, checks: Vec<CheckResult>) -> Self {
        let count = |status| checks.iter().filter(|check| check.status == status).count();
        Self {
            lab: lab.to_owned(),
            seed,
            passed: count(Status::Passed),
            failed: count(Status::Failed),
            vacuous: count(Status::Vacuous),
            checks,
        }
    }

    /// The exit code: 0 all passed, 1 some failed, 3 nothing proven.
    pub fn exit_code(&self) -> u8 {
        match (self.failed, self.vacuous, self.passed) {
            (0, 0, 1..) => 0,
            (0, ..) => 3,
            _ => 1,
        }
    }

    /// The report for programs: one line.
    pub fn json(&self) -> String {
        // Fields of numbers and texts always serialise.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let word = check.status.word();
            let _ = writeln!(text, "{word:<7} {}  ({:.6} s)", printable(&check.name), check.at_ns as f64 / 1e9);
            for part in check.detail.split("; ").filter(|part| !part.is_empty()) {
                let _ = writeln!(text, "        {}", printable(part));
            }
        }
        let _ = write!(text, "{}: {} passed, {} failed", printable(&self.lab), self.passed, self.failed);
        if self.vacuous > 0 {
            let _ = write!(text, ", {} vacuous", self.vacuous);
        }
        if self.checks.is_empty() {
            text += "; the file has no checks, so nothing is proven";
        }
        text.push('\n');
        text
    }
}

/// The same for a text of many lines.
pub fn printable_lines(text: &str) -> String {
    text.lines().flat_map(|line| [printable(line), "\n".to_owned()]).collect()
}

/// The text with control characters replaced, so that a lab file can't drive the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
