//! A listing for a terminal: every node, and under it each of its links to what stands further down.
//!
//! A link stands once, at the node that comes first; nodes are in the file's order, switches and hubs before hosts.

use super::{Drawing, Shape, plain};
use std::fmt::Write;

/// The most characters of a line.
const WIDTH: usize = 80;

pub(super) fn write(drawing: &Drawing) -> String {
    let mut text = format!("{}: {} nodes, {} links\n", plain(&drawing.title), drawing.nodes.len(), drawing.links.len());
    let mut order: Vec<usize> = (0..drawing.nodes.len()).collect();
    order.sort_by_key(|&at| drawing.nodes[at].shape == Shape::Host);
    let mut rank = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &node)| rank[node] = place);
    let mut links: Vec<Vec<(usize, bool)>> = vec![Vec::new(); order.len()];
    let mut is_linked = vec![false; order.len()];
    for (number, link) in drawing.links.iter().enumerate() {
        let [a, b] = [0, 1].map(|side: usize| link.ends[side].node);
        let turned = rank[b] < rank[a];
        links[if turned { b } else { a }].push((number, turned));
        (is_linked[a], is_linked[b]) = (true, true);
    }
    for node in order {
        let drawn = &drawing.nodes[node];
        let is_leaf = drawn.shape == Shape::Host && links[node].is_empty() && is_linked[node];
        if is_leaf {
            continue;
        }
        let kind = match drawn.shape {
            Shape::Switch => "switch",
            Shape::Host => "host",
            Shape::Hub => "hub",
            Shape::Server => "server",
        };
        let alone = if is_linked[node] { "" } else { "  (no link)" };
        let _ = writeln!(text, "\n{} ({kind}){}{alone}", plain(&drawn.name), notes(&drawn.notes));
        let own = &links[node];
        let width =
            own.iter().map(|&(link, turned)| near(drawing, link, turned).chars().count()).max().unwrap_or(0).min(44);
        for (at, &(link, turned)) in own.iter().enumerate() {
            let corner = if at + 1 == own.len() { '`' } else { '|' };
            let far = &drawing.links[link].ends[usize::from(!turned)];
            let line = if drawing.links[link].is_up { "--" } else { "- " };
            let to = &drawing.nodes[far.node];
            let mut rest = vec![format!("{}:{}", plain(&to.name), plain(&far.label()))];
            rest.extend(to.notes.iter().filter(|_| to.shape == Shape::Host).cloned());
            let label = drawing.links[link].label();
            rest.extend((!label.is_empty()).then(|| format!("({})", plain(&label))));
            let head = format!("  {corner}-- {:<width$} {line}- ", near(drawing, link, turned));
            let indent = " ".repeat(head.chars().count().min(52));
            let one_line = head.clone() + &rest.join(" ");
            if one_line.chars().count() <= WIDTH {
                let _ = writeln!(text, "{one_line}");
            } else {
                let _ = writeln!(text, "{head}{}", rest.join(&format!("\n{indent}")));
            }
        }
    }
    text
}

fn near(drawing: &Drawing, link: usize, turned: bool) -> String {
    plain(&drawing.links[link].ends[usize::from(turned)].label())
}

fn notes(notes: &[String]) -> String {
    notes.iter().map(|note| format!(" {note}")).collect()
}
