//! The same command lines through Open vSwitch's ovs-vsctl and ours: exit status, output, message
//! and warnings agree. Needs `ovs`.

mod common;

use common::{Printed, Server, needs};
use ovsdb::{Store, vsctl, words};

/// A line for each command; the order matters, since both sides keep what earlier lines did.
const LINES: &str = include_str!("vsctl_lines.txt");

#[test]
fn command_lines_behave_as_in_open_vswitch() {
    if !needs("ovs") {
        return;
    }
    let server = Server::start("vsctl");
    let mut store = Store::new(1);
    let mut failures = Vec::new();
    let mut count = 0;
    assert_eq!(server.vsctl(&["init".to_owned()]).status, 0);
    for line in LINES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        count += 1;
        let words = words::split(line).unwrap();
        let real = normal(&words, &server.vsctl(&words));
        let our = match vsctl::run(&mut store, &words) {
            Ok(output) => Printed {
                status: 0,
                text: output.text,
                errors: output.warnings.iter().map(|w| format!("|WARN|{w}\n")).collect(),
            },
            Err(error) => {
                let warnings: String = error.warnings.iter().map(|w| format!("|WARN|{w}\n")).collect();
                Printed { status: error.status.into(), text: String::new(), errors: warnings + &error.message }
            }
        };
        let our = normal(&words, &our);
        if real != our {
            failures.push(format!("$ {line}\n--- Open vSwitch\n{real}\n--- netloom\n{our}\n"));
        }
    }
    assert!(count >= 150, "only {count} lines");
    assert!(failures.is_empty(), "{} of {count} differ:\n{}", failures.len(), failures.join("\n"));
}

/// Status, text and messages without what must differ: identifiers, the order of rows, times.
fn normal(words: &[String], printed: &Printed) -> String {
    let text = without_uuids(&printed.text);
    let is = |word: &str| words.iter().any(|w| w == word);
    let mut parts: Vec<String> = if is("show") {
        paths(&text)
    } else if is("list") || is("find") {
        let separator = if words.iter().any(|w| matches!(w.as_str(), "table" | "csv")) { "\n" } else { "\n\n" };
        text.trim_end().split(separator).map(str::to_owned).collect()
    } else {
        vec![text]
    };
    parts.sort();
    let mut errors: Vec<String> = without_uuids(&printed.errors)
        .lines()
        .filter(|line| !line.contains("ovsdb_idl|WARN|"))
        .map(|line| line.split_once("|WARN|").map_or(line, |(_, text)| text).to_owned())
        .collect();
    errors.sort();
    format!("status {}\n{}\n{}", printed.status, parts.join("\n"), errors.join("\n"))
}

/// The lines of a tree, each with the lines that it is below of.
fn paths(text: &str) -> Vec<String> {
    let mut path: Vec<&str> = Vec::new();
    text.lines()
        .map(|line| {
            path.truncate((line.len() - line.trim_start().len()) / 4);
            path.push(line);
            path.join(" / ")
        })
        .collect()
}

fn without_uuids(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match rest.get(..36).and_then(ovsdb::Uuid::parse) {
            Some(_) => {
                out.push_str("<uuid>");
                rest = &rest[36..];
                // HTML names a row again, in short.
                if let Some(short) = rest.strip_prefix("\">").and_then(|rest| rest.get(8..)) {
                    rest = short;
                }
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}
