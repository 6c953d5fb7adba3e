//! Options before the first command.

use indexmap::IndexMap;

use super::context::{Failure, fatal};
use super::table::{Cells, Format, Style};

/// What the global options say.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) oneline: bool,
    pub(super) dry_run: bool,
    pub(super) help: bool,
    pub(super) version: bool,
    pub(super) style: Style,
    /// Options of the first command that stand before it.
    pub(super) local: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Nothing,
    Argument,
    Maybe,
}

/// Global options: name, argument, and the short form; in the order in which messages name them.
const GLOBAL: &[(&str, Takes, Option<char>)] = &[
    ("db", Takes::Argument, None),
    ("no-syslog", Takes::Nothing, None),
    ("no-wait", Takes::Nothing, None),
    ("dry-run", Takes::Nothing, None),
    ("oneline", Takes::Nothing, None),
    ("timeout", Takes::Argument, Some('t')),
    ("retry", Takes::Nothing, None),
    ("help", Takes::Nothing, Some('h')),
    ("leader-only", Takes::Nothing, None),
    ("no-leader-only", Takes::Nothing, None),
    ("shuffle-remotes", Takes::Nothing, None),
    ("no-shuffle-remotes", Takes::Nothing, None),
    ("version", Takes::Nothing, Some('V')),
    ("verbose", Takes::Maybe, Some('v')),
    ("log-file", Takes::Maybe, None),
    ("syslog-method", Takes::Argument, None),
    ("syslog-target", Takes::Argument, None),
    ("format", Takes::Argument, Some('f')),
    ("data", Takes::Argument, Some('d')),
    ("no-headings", Takes::Nothing, None),
    ("pretty", Takes::Nothing, None),
    ("bare", Takes::Nothing, None),
    ("max-column-width", Takes::Argument, None),
    ("private-key", Takes::Argument, Some('p')),
    ("certificate", Takes::Argument, Some('c')),
    ("ca-cert", Takes::Argument, Some('C')),
    ("ssl-protocols", Takes::Argument, None),
    ("ssl-ciphers", Takes::Argument, None),
    ("bootstrap-ca-cert", Takes::Argument, None),
    ("peer-ca-cert", Takes::Argument, None),
];

/// Options of commands.
const LOCAL: &[(&str, Takes, Option<char>)] = &[
    ("id", Takes::Argument, None),
    ("if-exists", Takes::Nothing, None),
    ("may-exist", Takes::Nothing, None),
    ("columns", Takes::Argument, None),
    ("all", Takes::Nothing, None),
    ("fake-iface", Takes::Nothing, None),
    ("with-iface", Takes::Nothing, None),
    ("inactivity-probe", Takes::Argument, None),
    ("real", Takes::Nothing, None),
    ("fake", Takes::Nothing, None),
    ("bootstrap", Takes::Nothing, None),
];

/// Reads the options; gives them and the words from the first command on. As in getopt_long(3), a
/// long option may be abbreviated and `--` ends the options.
pub(super) fn parse(words: &[String]) -> Result<(Options, &[String]), Failure> {
    let mut options = Options::default();
    let mut local: IndexMap<&str, Option<String>> = IndexMap::new();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if word == "--" {
            rest = after;
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            rest = after;
            let (name, argument) = match long.split_once('=') {
                Some((name, argument)) => (name, Some(argument.to_owned())),
                None => (long, None),
            };
            let (full, takes) = find(name, long)?;
            let argument = match (takes, argument) {
                (Takes::Nothing, Some(_)) => {
                    return fatal(format!("option '--{full}' doesn't allow an argument"));
                }
                (Takes::Argument, None) => {
                    let Some((argument, after)) = rest.split_first() else {
                        return fatal(format!("option '--{full}' requires an argument"));
                    };
                    rest = after;
                    Some(argument.clone())
                }
                (_, argument) => argument,
            };
            if LOCAL.iter().any(|(name, ..)| *name == full) {
                local.insert(full, argument);
            } else {
                options.apply(full, argument)?;
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            rest = after;
            let mut letters = letters.chars();
            while let Some(letter) = letters.next() {
                let Some((full, takes, _)) = GLOBAL.iter().find(|(_, _, short)| *short == Some(letter)) else {
                    return fatal(format!("invalid option -- '{letter}'"));
                };
                if *takes == Takes::Nothing {
                    options.apply(full, None)?;
                    continue;
                }
                let attached = std::mem::replace(&mut letters, "".chars()).as_str();
                let argument = if !attached.is_empty() {
                    Some(attached.to_owned())
                } else if *takes == Takes::Maybe {
                    None
                } else if let Some((argument, after)) = rest.split_first() {
                    rest = after;
                    Some(argument.clone())
                } else {
                    return fatal(format!("option requires an argument -- '{letter}'"));
                };
                options.apply(full, argument)?;
            }
        } else {
            break;
        }
    }
    options.local = local
        .into_iter()
        .map(|(name, argument)| match argument {
            Some(argument) => format!("--{name}={argument}"),
            None => format!("--{name}"),
        })
        .collect();
    Ok((options, rest))
}

/// The long option that `name` abbreviates; messages quote `typed`.
fn find(name: &str, typed: &str) -> Result<(&'static str, Takes), Failure> {
    let all = || GLOBAL.iter().chain(LOCAL).map(|(full, takes, _)| (*full, *takes));
    if let Some(exact) = all().find(|(full, _)| *full == name) {
        return Ok(exact);
    }
    let mut matches = all().filter(|(full, _)| !name.is_empty() && full.starts_with(name));
    match (matches.next(), matches.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => {
            let names: Vec<String> =
                all().filter(|(full, _)| full.starts_with(name)).map(|(full, _)| format!("'--{full}'")).collect();
            fatal(format!("option '--{typed}' is ambiguous; possibilities: {}", names.join(" ")))
        }
        (None, _) => fatal(format!("unrecognized option '--{typed}'")),
    }
}

impl Options {
    fn apply(&mut self, name: &str, argument: Option<String>) -> Result<(), Failure> {
        let argument = argument.unwrap_or_default();
        match name {
            "oneline" => self.oneline = true,
            "dry-run" => self.dry_run = true,
            "help" => self.help = true,
            "version" => self.version = true,
            "no-headings" => self.style.headings = false,
            "bare" => {
                self.style.format = Format::List;
                self.style.cells = Cells::Bare;
                self.style.headings = false;
            }
            "pretty" => self.style.pretty = true,
            "max-column-width" => self.style.max_width = leading_number(&argument).max(0).unsigned_abs(),
            "format" => match Format::named(&argument) {
                Some(format) => self.style.format = format,
                None => return fatal(format!("unknown output format \"{argument}\"")),
            },
            "data" => match Cells::named(&argument) {
                Some(cells) => self.style.cells = cells,
                None => return fatal(format!("unknown data format \"{argument}\"")),
            },
            "timeout" if !argument.parse::<u32>().is_ok_and(|seconds| seconds > 0) => {
                return fatal(format!("value {argument} on -t or --timeout is invalid"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The number at the beginning of a text, as atoll(3) gives it: 0 if there is none, and the nearest
/// number of 64 bits if it is too large.
pub(super) fn leading_number(text: &str) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.chars().map_while(|c| c.to_digit(10)).map(i64::from);
    digits.fold(0, |sum, digit| sum.saturating_mul(10).saturating_add(if negative { -digit } else { digit }))
}
