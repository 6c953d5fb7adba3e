//! A picture that needs nothing else: SVG 1.1.
//!
//! Each layer has, from the top: a row for every link within the layer, then, over each node, a line of text for every
//! link that comes down to it, then the node. Columns are as wide as the widest text in them, so that no text lies on
//! another; a font whose letters are all of one width makes that a matter of counting.

use super::layers::layers;
use super::{Drawing, DrawnLink, Shape, xml};
use std::fmt::Write;

/// Width of a letter and height of a line of the small font, in pixels.
const LETTER: f64 = 6.7;
const LINE: f64 = 14.0;
/// Room around texts and between columns.
const PAD: f64 = 12.0;
/// Between a layer's nodes and the texts of the next.
const GAP: f64 = 70.0;

/// A node's box.
#[derive(Clone, Copy, Default)]
struct Place {
    x: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Place {
    fn middle(self) -> f64 {
        self.x + self.width / 2.0
    }

    fn bottom(self) -> f64 {
        self.top + self.height
    }
}

pub(super) fn write(drawing: &Drawing) -> String {
    let layers = layers(drawing);
    let mut layer_of = vec![0; drawing.nodes.len()];
    for (at, layer) in layers.iter().enumerate() {
        layer.iter().for_each(|&node| layer_of[node] = at);
    }
    // The links that come down to each node, and those within each layer.
    let mut down: Vec<Vec<usize>> = vec![Vec::new(); drawing.nodes.len()];
    let mut level: Vec<Vec<usize>> = vec![Vec::new(); layers.len()];
    for (number, link) in drawing.links.iter().enumerate() {
        let [a, b] = [link.ends[0].node, link.ends[1].node];
        match layer_of[a].cmp(&layer_of[b]) {
            std::cmp::Ordering::Less => down[b].push(number),
            std::cmp::Ordering::Greater => down[a].push(number),
            std::cmp::Ordering::Equal => level[layer_of[a]].push(number),
        }
    }
    let texts: Vec<Vec<String>> = (0..drawing.nodes.len())
        .map(|node| down[node].iter().map(|&link| sentence(&drawing.links[link], node)).collect())
        .collect();
    let column = |node: usize| {
        let own = own_width(drawing, node);
        texts[node].iter().map(|text| width(text)).fold(own, f64::max) + 2.0 * PAD
    };
    let level_text = |link: usize| sentence(&drawing.links[link], drawing.links[link].ends[1].node);
    let widest_level = level
        .iter()
        .flatten()
        .map(|&link| width(&level_text(link)) + 2.0 * PAD)
        .fold(width(&drawing.title) + 2.0 * PAD, f64::max);
    let widths: Vec<f64> = layers.iter().map(|layer| layer.iter().map(|&node| column(node)).sum()).collect();
    let total = widths.iter().copied().fold(widest_level, f64::max);

    let mut places = vec![Place::default(); drawing.nodes.len()];
    let (mut y, mut level_tops) = (LINE * 2.0, Vec::new());
    for (at, layer) in layers.iter().enumerate() {
        level_tops.push(y);
        y += LINE * 1.5 * level[at].len() as f64;
        let lines = layer.iter().map(|&node| texts[node].len()).max().unwrap_or(0);
        y += LINE * lines as f64 + PAD;
        let mut x = (total - widths[at]) / 2.0;
        let mut bottom = y;
        for &node in layer {
            let own = own_width(drawing, node);
            let height = LINE * (1.0 + drawing.nodes[node].notes.len() as f64) + PAD;
            places[node] = Place { x: x + (column(node) - own) / 2.0, top: y, width: own, height };
            bottom = bottom.max(y + height);
            x += column(node);
        }
        y = bottom + GAP;
    }
    let height = y - GAP + PAD;

    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {total:.0} {height:.0}\" \
         font-family=\"monospace\" font-size=\"11\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        xml(&drawing.title)
    );
    // Lines first, so that texts and boxes lie on them.
    let mut labels = String::new();
    label(&mut labels, total / 2.0, LINE, &drawing.title);
    for (at, links) in level.iter().enumerate() {
        for (row, &link) in links.iter().enumerate() {
            let y = level_tops[at] + LINE * 1.5 * (row as f64 + 0.5);
            let [a, b] = [0, 1].map(|side: usize| places[drawing.links[link].ends[side].node]);
            let spread = 8.0 * (row as f64 - links.len() as f64 / 2.0);
            let [x, z] = [a, b].map(|place| place.middle() + spread.clamp(-place.width / 2.0, place.width / 2.0));
            let way = format!("M{x:.1} {:.1} L{x:.1} {y:.1} L{z:.1} {y:.1} L{z:.1} {:.1}", a.top, b.top);
            path(&mut text, &way, &drawing.links[link]);
            let sentence = level_text(link);
            let half = width(&sentence) / 2.0;
            let middle = f64::midpoint(x, z).clamp(half, (total - half).max(half));
            label(&mut labels, middle, y + 4.0, &sentence);
        }
    }
    for (node, links) in down.iter().enumerate() {
        let below = places[node];
        for (row, &link) in links.iter().enumerate() {
            let [a, b] = [0, 1].map(|side: usize| drawing.links[link].ends[side].node);
            let above = places[if a == node { b } else { a }];
            let spread = 8.0 * (row as f64 - (links.len() as f64 - 1.0) / 2.0);
            let x = below.middle() + spread.clamp(-below.width / 2.0, below.width / 2.0);
            let end = below.top - LINE * links.len() as f64 - PAD;
            let way = format!("M{:.1} {:.1} L{x:.1} {end:.1} L{x:.1} {:.1}", above.middle(), above.bottom(), below.top);
            path(&mut text, &way, &drawing.links[link]);
            label(&mut labels, below.middle(), below.top - LINE * (links.len() - row) as f64 + 4.0, &texts[node][row]);
        }
    }
    text += &labels;
    for (node, place) in drawing.nodes.iter().zip(&places) {
        let (radius, fill) = match node.shape {
            Shape::Switch => (2.0, "#cfe2f3"),
            Shape::Host => (12.0, "#f4f4f4"),
            Shape::Hub => (0.0, "#ead9c8"),
            Shape::Server => (4.0, "#d9d2e9"),
        };
        let _ = writeln!(
            text,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{radius}\" fill=\"{fill}\" stroke=\"black\"/>",
            place.x, place.top, place.width, place.height
        );
        for (row, line) in std::iter::once(&node.name).chain(&node.notes).enumerate() {
            label(&mut text, place.middle(), place.top + LINE * (row as f64 + 1.0) + 2.0, line);
        }
    }
    text + "</svg>\n"
}

/// What is written at a link, as seen from the lower node: the ports from above to below, and what isn't usual.
fn sentence(link: &DrawnLink, lower: usize) -> String {
    let [a, b] = &link.ends;
    let (above, below) = if a.node == lower { (b, a) } else { (a, b) };
    let label = link.label();
    let notes = if label.is_empty() { String::new() } else { format!(" ({label})") };
    format!("{} - {}{notes}", above.label(), below.label())
}

fn own_width(drawing: &Drawing, node: usize) -> f64 {
    let node = &drawing.nodes[node];
    node.notes.iter().map(|note| width(note)).fold(width(&node.name), f64::max) + PAD
}

/// The width of a text: letters beyond ASCII may be twice as wide.
fn width(text: &str) -> f64 {
    text.chars().map(|c| if c.is_ascii() { LETTER } else { 2.0 * LETTER }).sum()
}

fn path(out: &mut String, way: &str, link: &DrawnLink) {
    let dashes = if link.is_up { "" } else { " stroke-dasharray=\"6 4\"" };
    let _ = writeln!(out, "<path d=\"{way}\" fill=\"none\" stroke=\"#666666\"{dashes}/>");
}

/// A text around a middle, with a white rim so that lines behind it don't hide it.
fn label(out: &mut String, x: f64, y: f64, text: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\">{}</text>",
        xml(text)
    );
}
