//! `ip` of iproute2 (ip(8)): addresses, links, routes, neighbours, TAPs. Objects, commands and keywords may be
//! abbreviated as there.

mod addr;
mod link;
mod neigh;
mod route;
mod tuntap;

use core::str::FromStr;

use inet::IfIx;
use sim_core::Cx;

use super::words::{abbreviated, shown};
use super::{Answer, Failure, Line};
use crate::Server;

const USAGE: &str = "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
       OBJECT := { address | link | neighbor | route | tuntap }
       OPTIONS := { -4 | -6 | -br[ief] | -d[etails] }";

/// What stands before the object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// `-4` or `-6`: whether it is the latter.
    v6: Option<bool>,
    brief: bool,
    details: bool,
}

pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let mut options = Options::default();
    let mut words = line.words.iter();
    let object = loop {
        match words.next() {
            None => return Err(Failure::new(255, USAGE)),
            Some(&"-4") => options.v6 = Some(false),
            Some(&"-6") => options.v6 = Some(true),
            Some(&"-f" | &"-family") => match words.next() {
                Some(&"inet") => options.v6 = Some(false),
                Some(&"inet6") => options.v6 = Some(true),
                _ => return Err(Failure::new(255, USAGE)),
            },
            Some(&"-br" | &"-brief" | &"--brief") => options.brief = true,
            Some(&"-d" | &"-details") => options.details = true,
            // Counts, one line each and colours change no meaning.
            Some(&"-s" | &"-o" | &"-c" | &"-n" | &"-statistics" | &"-oneline") => {}
            Some(option) if option.starts_with('-') => {
                let option = shown(option.trim_start_matches('-'));
                return Err(Failure::new(255, format!("Option \"-{option}\" is unknown, try \"ip -help\".")));
            }
            Some(object) => break *object,
        }
    };
    let words = words.as_slice();
    match abbreviated(object, &["address", "route", "neighbor", "neighbour", "link", "tuntap", "help"]) {
        Some("address") => addr::run(server, options, words),
        Some("route") => route::run(server, options, words),
        Some("neighbor" | "neighbour") => neigh::run(server, cx, options, words),
        Some("link") => link::run(server, cx, options, words),
        Some("tuntap") => tuntap::run(server, cx, words),
        Some(_) => Err(Failure::new(255, USAGE)),
        None => Err(Failure::new(1, format!("Object \"{}\" is unknown, try \"ip help\".", shown(object)))),
    }
}

/// The command of an object's line, and what is behind it. Without one it is `show`.
fn command<'a, 'b>(words: &'b [&'b str], known: &[&'a str], usage: &str) -> Result<(&'a str, &'b [&'b str]), Failure> {
    let Some((first, rest)) = words.split_first() else { return Ok(("show", words)) };
    match abbreviated(first, known) {
        Some("list" | "lst") => Ok(("show", rest)),
        Some(command) => Ok((command, rest)),
        None if *first == "help" => Err(Failure::new(255, usage)),
        None => Err(Failure::new(
            255,
            format!("Command \"{}\" is unknown, try \"ip {usage} help\".", shown(first), usage = usage_object(usage)),
        )),
    }
}

fn usage_object(usage: &str) -> &str {
    usage.split_whitespace().nth(2).unwrap_or_default()
}

/// The words behind a command.
struct Words<'a> {
    rest: core::slice::Iter<'a, &'a str>,
}

impl<'a> Words<'a> {
    fn new(words: &'a [&'a str]) -> Self {
        Self { rest: words.iter() }
    }

    fn next(&mut self) -> Option<&'a str> {
        self.rest.next().copied()
    }

    /// The value behind a keyword.
    fn value(&mut self) -> Result<&'a str, Failure> {
        self.next().ok_or_else(|| Failure::new(255, "Command line is not complete. Try option \"help\""))
    }

    fn number<T: FromStr>(&mut self, what: &str) -> Result<T, Failure> {
        let text = self.value()?;
        text.parse().map_err(|_| wrong(what, text))
    }
}

/// What iproute2 says of a value that is none.
fn wrong(what: &str, text: &str) -> Failure {
    Failure::new(255, format!("Error: argument \"{}\" is wrong: {what}", shown(text)))
}

fn garbage(text: &str) -> Failure {
    Failure::new(255, format!("Error: either \"dev\" is duplicate, or \"{}\" is a garbage.", shown(text)))
}

fn no_device() -> Failure {
    Failure::new(1, "Not enough information: \"dev\" argument is required.")
}

/// What the kernel answers.
fn kernel(text: &str) -> Failure {
    Failure::new(2, format!("RTNETLINK answers: {text}"))
}

/// The interface of that name, to be changed.
fn find(server: &Server, name: &str) -> Result<IfIx, Failure> {
    server.interface_named(name).ok_or_else(|| Failure::new(1, format!("Cannot find device \"{}\"", shown(name))))
}

/// The interface of that name, to be shown.
fn find_shown(server: &Server, name: &str) -> Result<IfIx, Failure> {
    let missing = || Failure::new(1, format!("Device \"{}\" does not exist.", shown(name)));
    server.interface_named(name).ok_or_else(missing)
}
