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
use super::listing;
use super::net::Net;
use super::usage::{Place, Usage};
use super::words;
use crate::lab::LAB_COMMANDS;
use host::{Host, Interface};
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
                    self.argument(net, None, word, rest);
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
            (_, "ovs-vsctl" | "ovs-ofctl" | "ovs-appctl") => {
                if let Some(switch) = device.as_switch() {
                    self.open_vswitch(switch, first, rest);
                }
            }
            _ => {
                if let Some(word) = known.clone().find(|word| word.name == *first) {
                    self.argument(net, Some(device), word, rest);
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
    fn argument(&mut self, net: &Net, device: Option<&Device>, word: &Word, words: &[&str]) {
        let usage = Usage::of(word);
        let choices = match usage.next(words) {
            Place::Value(choices) => choices,
            _ if self.typed.starts_with('-') => return self.offer(usage.options.iter().map(|(option, _)| *option)),
            Place::Of(choices) => choices,
            Place::Other => return,
        };
        for kind in choices.split('|') {
            match kind {
                "HOST" => {
                    let has_stack = |node: &NodeIx| net.host(*node).is_some();
                    self.offer(listing::all(net).filter(has_stack).map(|node| net.names().node(node)));
                }
                "NODE" => self.offer(net.names().all()),
                "NODE:PORT" => self.link_end(net),
                "IFACE" => {
                    let host = device.and_then(Device::as_host);
                    let there = host.into_iter().flat_map(Host::interfaces).filter(|interface| !interface.is_removed());
                    self.offer(there.map(Interface::name));
                }
                "BRIDGE" => {
                    let switch = device.and_then(Device::as_switch);
                    self.offer(switch.into_iter().flat_map(open_vswitch::bridges));
                }
                kind if kind.is_empty() || kind.chars().any(char::is_uppercase) => {}
                kind => self.offer([kind]),
            }
        }
    }
}
