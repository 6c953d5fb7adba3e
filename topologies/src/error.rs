//! What is wrong, or looks wrong, in a lab file: where, what, and what to do about it.

use std::fmt;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The lab can't run.
    Error,
    /// The lab runs, but perhaps not as meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A mistake or a warning.
///
/// `Display` is `FILE:LINE:COLUMN: error: message`, and the remedy on an indented line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file as it was named, or the override (`-D key=value`) that it is about.
    pub file: Arc<str>,
    /// The line, from 1; 0 where it is about no place in particular.
    pub line: u32,
    /// The column in characters, from 1; 0 where the line is.
    pub column: u32,
    /// The path of the key, as in `switches.s1.ports.a1.tag`; empty where it is about no key.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; empty where the message says it all.
    pub remedy: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}: ", self.severity)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "\n  remedy: {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_prints_its_place_its_key_and_its_remedy() {
        let mut diagnostic = Diagnostic {
            severity: Severity::Error,
            file: "a.toml".into(),
            line: 3,
            column: 7,
            key: "hosts.a".to_owned(),
            message: "no such thing".to_owned(),
            remedy: "leave it out".to_owned(),
        };
        assert_eq!(diagnostic.to_string(), "a.toml:3:7: error: `hosts.a`: no such thing\n  remedy: leave it out");
        diagnostic = Diagnostic { line: 0, key: String::new(), remedy: String::new(), ..diagnostic };
        assert_eq!(diagnostic.to_string(), "a.toml: error: no such thing");
    }
}
