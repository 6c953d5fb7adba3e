//! Mermaid's flowcharts, as Markdown on many sites shows them.

use super::{Drawing, Shape, plain};
use std::fmt::Write;

pub(super) fn write(drawing: &Drawing) -> String {
    let mut text = "graph LR\n".to_owned();
    for (number, node) in drawing.nodes.iter().enumerate() {
        let (open, close) = match node.shape {
            Shape::Switch => ("[", "]"),
            Shape::Host => ("([", "])"),
            Shape::Hub => ("{{", "}}"),
            Shape::Server => ("[[", "]]"),
        };
        let lines: Vec<String> = std::iter::once(&node.name).chain(&node.notes).map(|line| escaped(line)).collect();
        let _ = writeln!(text, "  n{number}{open}\"{}\"{close}", lines.join("<br/>"));
    }
    for link in &drawing.links {
        let [a, b] = &link.ends;
        let line = if link.is_up { "---" } else { "-.-" };
        let ports = format!("{} : {}", a.label(), b.label());
        let label = [ports, link.label()].into_iter().filter(|part| !part.is_empty()).map(|part| escaped(&part));
        let _ = writeln!(text, "  n{} {line}|\"{}\"| n{}", a.node, label.collect::<Vec<_>>().join("<br/>"), b.node);
    }
    text
}

/// A text in a label: what HTML or Mermaid would read is written as a number, which Mermaid's labels take as `#N;`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | ';' | '`' | '\\' | '|' | '{' | '}' => {
                let _ = write!(out, "#{};", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}
