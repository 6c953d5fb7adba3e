//! An explanation for people: a line for each hop, its decisions below it.

use super::model::{Explanation, Hop, Leg, Outcome};
use crate::run::report::printable_lines;
use std::fmt::{self, Display, Write};

/// Columns of a line at most.
const WIDTH: usize = 100;

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { after_ns, path } => {
                let hops = path.len().saturating_sub(1);
                let links = if hops == 1 { "link" } else { "links" };
                write!(f, "delivered over {hops} {links}, answered after {:.3} ms", *after_ns as f64 / 1e6)
            }
            Self::Dropped { what, reason, at, why, .. } => match reason.as_str() {
                "not_sent" => write!(f, "{what} not sent by {at}: {why}"),
                "no_answer" => write!(f, "{what} not answered by {at}: {why}"),
                "mac_elsewhere" | "flow_elsewhere" => write!(f, "{what} led astray at {at}: {why}"),
                _ => write!(f, "{what} dropped at {at}: {why}"),
            },
        }
    }
}

impl Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        let _ = writeln!(text, "{}, at {} s", self.question, self.at_ns as f64 / 1e9);
        let last = self.legs.len().saturating_sub(1);
        for (number, leg) in self.legs.iter().enumerate() {
            let is_side = leg.what.starts_with("ARP") || leg.what.starts_with("neighbor");
            if is_side && leg.arrived && (number < last || self.is_delivered()) {
                write_briefly(&mut text, leg);
            } else {
                write_leg(&mut text, leg);
            }
        }
        let _ = writeln!(text, "{}", self.outcome);
        for remedy in &self.remedies {
            let _ = writeln!(text, "  remedy: {}", remedy.line);
        }
        if let (Outcome::Dropped { .. }, [], 1..) = (&self.outcome, &self.remedies[..], self.tried) {
            let _ = writeln!(text, "  remedy: none found among {} tried", self.tried);
        }
        f.write_str(&printable_lines(&text))
    }
}

fn write_briefly(text: &mut String, leg: &Leg) {
    let mut names = leg.hops.iter().map(|hop| hop.node.as_str());
    let (first, last) = (names.next().unwrap_or_default(), names.next_back().unwrap_or_default());
    let _ = writeln!(text, "{}: {first} to {last}", leg.what);
}

fn write_leg(text: &mut String, leg: &Leg) {
    let _ = writeln!(text, "{}{}", leg.what, if leg.arrived { "" } else { ", lost on its way" });
    let width = leg.hops.iter().map(|hop| hop.node.chars().count()).max().unwrap_or(0);
    for hop in &leg.hops {
        let _ = writeln!(text, "  {:.6} s  {:<width$}  {}", hop.time_ns as f64 / 1e9, hop.node, ports(hop));
        for decision in &hop.decisions {
            for (number, line) in wrapped(decision, WIDTH - 8).iter().enumerate() {
                let _ = writeln!(text, "{}{line}", if number == 0 { "      " } else { "        " });
            }
        }
    }
}

fn ports(hop: &Hop) -> String {
    let outs = match hop.out_ports.len() {
        0 => String::new(),
        1..=4 => format!("out by {}", hop.out_ports.join(", ")),
        more => format!("out by {} and {} more", hop.out_ports[..3].join(", "), more - 3),
    };
    match &hop.in_port {
        Some(port) if outs.is_empty() => format!("in by {port}"),
        Some(port) => format!("in by {port}, {outs}"),
        None => outs,
    }
}

/// A text in lines of so many columns, broken at blanks and commas.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive([' ', ',']) {
        let long = lines
            .last()
            .is_some_and(|line| !line.is_empty() && line.chars().count() + word.trim_end().chars().count() > width);
        if long {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}
