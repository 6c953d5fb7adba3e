//! How a line of the prompt can go on: the words that fit where the cursor stands.
//!
//! What comes first is a node or a lab command; what follows is read off the usage of the table's entry ([`Word::usage`]),
//! except for `link` and for the programs of Open vSwitch (`open_vswitch`), whose arguments depend on the command. A word
//! that is quoted is left alone.

mod open_vswitch;
#[cfg(test)]
mod tests;

use super::device::Device;
use super::link_command::KEYS;
use super::net::Net;
use super::words;
use crate::lab::LAB_COMMANDS;
use packet::Word;
use sim_core::{NodeIx, PortIx};

/// The most candidates of an answer.
pub const MAX_CANDIDATES: usize = 500;

/// What the part of a line from `start` to the cursor can be replaced with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The byte where the candidates begin, at a character's boundary and not behind the cursor.
    pub start: usize,
    /// The candidates, at most [`MAX_CANDIDATES`]; each begins with what is there already. One that ends with `:`, `=`
    /// or `,` goes on without a blank.
    pub candidates: Vec<String>,
}

/// How a line can go on at byte `pos`; a `pos` inside a character counts as in front of it, one behind the line as its
/// end.
pub fn complete(net: &Net, line: &str, pos: usize) -> Completion {
    let line = &line[..line.floor_char_boundary(pos)];
    let start =
        line.rfind(char::is_whitespace).map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    let words: Vec<&str> = line[..start].split_whitespace().collect();
    let mut found = Found { start, typed: &line[start..], candidates: Vec::new() };
    if !line.contains(['"', '\'', '\\']) {
        found.line(net, &words);
    }
    Completion { start: found.start, candidates: found.candidates }
}

/// The candidates so far.
struct Found<'l> {
    start: usize,
    /// What is there already.
    typed: &'l str,
    candidates: Vec<String>,
}

impl<'l> Found<'l> {
    /// Adds those that begin with what is there.
    fn offer<'c>(&mut self, candidates: impl IntoIterator<Item = &'c str>) {
        self.offer_with(candidates, "");
    }

    /// Adds those that begin with what is there, with something behind each.
    fn offer_with<'c>(&mut self, candidates: impl IntoIterator<Item = &'c str>, behind: &str) {
        let left = MAX_CANDIDATES - self.candidates.len();
        let fit = candidates.into_iter().filter(|candidate| candidate.starts_with(self.typed));
        self.candidates.extend(fit.take(left).map(|candidate| format!("{candidate}{behind}")));
    }

    /// Goes on behind the last of these characters that is there.
    fn behind(&mut self, separators: &[char]) {
        if let Some(at) = self.typed.rfind(separators) {
            self.start += at + 1;
            self.typed = &self.typed[at + 1..];
        }
    }

    fn line(&mut self, net: &Net, words: &[&str]) {
        let Some((first, rest)) = words.split_first() else {
            self.offer(LAB_COMMANDS.iter().map(|word| word.name));
            return self.offer(net.names().all());
        };
        if let Some(node) = net.names().find(first) {
            return self.node(net, node, rest);
        }
        match *first {
            "link" => self.link(net, rest),
            "help" if rest.is_empty() => {
                self.offer(LAB_COMMANDS.iter().map(|word| word.name));
                self.offer(net.names().all());
            }
            name => {
                if let Some(word) = LAB_COMMANDS.iter().find(|word| word.name == name) {
                    self.argument(net, word, rest);
                }
            }
        }
    }

    fn node(&mut self, net: &Net, node: NodeIx, words: &[&str]) {
        let device = net.engine().node(node);
        let known = words::of(device);
        let Some((first, rest)) = words.split_first() else {
            return self.offer(known.map(|word| word.name));
        };
        match (device, *first) {
            (_, "help") if rest.is_empty() => self.offer(known.map(|word| word.name)),
            (Device::Switch(switch), _) => self.open_vswitch(switch, first, rest),
            _ => {
                if let Some(word) = known.clone().find(|word| word.name == *first) {
                    self.argument(net, word, rest);
                }
            }
        }
    }

    /// `link NODE:PORT`, then `up`, `down`, or keys with values and a direction.
    fn link(&mut self, net: &Net, words: &[&str]) {
        match words {
            [] => self.link_end(net),
            [_, rest @ ..] if rest.len().is_multiple_of(2) => {
                if rest.is_empty() {
                    self.offer(["up", "down"]);
                } else {
                    self.offer(["out", "in"]);
                }
                self.offer(KEYS.iter().map(|(key, ..)| *key));
            }
            [.., key] => self.offer(KEYS.iter().filter(|(known, ..)| known == key).map(|(_, _, example)| *example)),
        }
    }

    /// `NODE:PORT`: the node first, then its ports.
    fn link_end(&mut self, net: &Net) {
        let Some((name, _)) = self.typed.split_once(':') else {
            return self.offer_with(net.names().all(), ":");
        };
        if let Some(node) = net.names().find(name) {
            let ports = (0..).map_while(|port| net.names().port_name(node, PortIx(port)));
            self.behind(&[':']);
            self.offer(ports);
        }
    }

    /// The next argument of a word, as its usage says.
    fn argument(&mut self, net: &Net, word: &Word, words: &[&str]) {
        let usage = Usage::of(word);
        let (mut place, mut value_is_next) = (0, false);
        for word in words {
            if std::mem::take(&mut value_is_next) {
                continue;
            }
            value_is_next = usage.takes_value(word);
            place += usize::from(!word.starts_with('-'));
        }
        if value_is_next {
            return;
        }
        if self.typed.starts_with('-') {
            return self.offer(usage.options.iter().map(|(option, _)| *option));
        }
        let Some(kind) = usage.places.get(place).or(usage.places.last().filter(|_| usage.repeats)) else { return };
        match *kind {
            "HOST" => self.offer(net.hosts().map(|(node, _)| net.names().node(node))),
            "NODE" => self.offer(net.names().all()),
            "NODE:PORT" => self.link_end(net),
            choices if choices.chars().any(char::is_uppercase) => {}
            choices => self.offer(choices.split('|')),
        }
    }
}

/// A usage text, taken apart.
#[derive(Debug, Default)]
struct Usage {
    places: Vec<&'static str>,
    /// Options, and whether a value follows.
    options: Vec<(&'static str, bool)>,
    repeats: bool,
}

impl Usage {
    fn of(word: &Word) -> Self {
        let mut usage = Self::default();
        let mut tokens = word.usage.split_whitespace();
        while let Some(token) = tokens.next() {
            let bare = token.trim_matches(['[', ']']);
            if bare.starts_with('-') {
                let has_value = !token.ends_with(']');
                usage.options.push((bare, has_value));
                if has_value {
                    tokens.next();
                }
            } else if bare == ".." {
                usage.repeats = true;
            } else {
                usage.repeats |= bare.ends_with("..");
                usage.places.push(bare.trim_end_matches('.'));
            }
        }
        usage
    }

    fn takes_value(&self, option: &str) -> bool {
        self.options.iter().any(|(known, has_value)| *known == option && *has_value)
    }
}
