//! Graphviz's DOT language.

use super::{Drawing, Shape, plain};
use std::fmt::Write;

pub(super) fn write(drawing: &Drawing) -> String {
    let mut text = format!(
        "graph {} {{\n  overlap=false;\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=9];\n",
        quoted(&drawing.title)
    );
    for (number, node) in drawing.nodes.iter().enumerate() {
        let shape = match node.shape {
            Shape::Switch => "box, style=filled, fillcolor=lightblue",
            Shape::Host => "ellipse",
            Shape::Hub => "diamond",
            Shape::Server => "box3d, style=filled, fillcolor=lightgrey",
        };
        let label = std::iter::once(&node.name).chain(&node.notes).map(|line| escaped(line)).collect::<Vec<_>>();
        let _ = writeln!(text, "  n{number} [label=\"{}\", shape={shape}];", label.join("\\n"));
    }
    for link in &drawing.links {
        let [a, b] = &link.ends;
        let style = if link.is_up { "" } else { ", style=dashed" };
        let _ = writeln!(
            text,
            "  n{} -- n{} [taillabel={}, headlabel={}, label={}{style}];",
            a.node,
            b.node,
            quoted(&a.label()),
            quoted(&b.label()),
            quoted(&link.label())
        );
    }
    text + "}\n"
}

/// A string of DOT. A backslash would begin an escape of its own.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('"', "\\\"")
}
