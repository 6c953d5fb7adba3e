//! What the subcommands share of printing: formats, failures and their exit codes.

use clap::ValueEnum;
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use topologies::Diagnostic;

/// Exit code: everything passed.
pub(crate) const PASSED: u8 = 0;
/// Exit code: some check failed.
pub(crate) const FAILED: u8 = 1;
/// Exit code: the file or the usage is wrong.
pub(crate) const USAGE: u8 = 2;
/// Exit code: nothing was proven.
pub(crate) const UNPROVEN: u8 = 3;

/// How to print a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Why a subcommand gave up.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    lines: Vec<String>,
}

impl Failure {
    /// The usage is wrong, or a file is: one message.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { code: USAGE, lines: vec![format!("netloom: {message}")] }
    }

    /// Mistakes of a lab file, all of them.
    pub(crate) fn mistakes(mistakes: &[Diagnostic]) -> Self {
        Self { code: USAGE, lines: mistakes.iter().map(ToString::to_string).collect() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{}", line.trim_end()))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::usage(error)
    }
}

/// Where text goes: to standard output, or to standard error while a capture is written to the former.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Whether standard output is a capture's.
    pub(crate) is_taken: bool,
}

impl Console {
    /// Writes text.
    pub(crate) fn print(self, text: &str) -> Result<(), Failure> {
        if self.is_taken {
            return Ok(io::stderr().write_all(text.as_bytes())?);
        }
        print(text)
    }
}

/// Writes to standard output.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Writes to standard output. A reader that has gone away ends the program quietly, as it does `cat`.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match write(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}

/// Text from a lab as it may go to a terminal: control characters are escaped (`\u{1b}`), lines and tabs stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match is_harmful(c) {
            true => safe.extend(c.escape_default()),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_sent_to_the_terminal() {
        assert_eq!(harmless("plain\ttext\n"), "plain\ttext\n");
        assert_eq!(harmless("a\u{1b}[2Jb\r\u{9b}"), "a\\u{1b}[2Jb\\r\\u{9b}");
    }
}
