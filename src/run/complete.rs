//! What Tab offers at the prompt, also in a node's console.

use crate::terminal::Completion;
use topologies::run::Net;

/// What could stand at `pos` of `line`, which goes to `console` if one is open.
pub(super) fn complete(net: &Net, console: Option<&str>, line: &str, pos: usize) -> Completion {
    let before = console.map_or(String::new(), |node| format!("{} ", ovsdb::words::join([node])));
    let whole = format!("{before}{line}");
    let found = topologies::run::complete(net, &whole, before.len() + pos);
    Completion { start: found.start.saturating_sub(before.len()), candidates: found.candidates }
}
