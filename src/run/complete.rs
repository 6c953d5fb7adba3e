//! What Tab offers at the prompt: what could stand where the cursor is.

use crate::terminal::Completion;
use topologies::lab::LAB_COMMANDS;
use topologies::run::Net;

/// What could stand at `pos` of `line`: a node or a lab command as the first word, nodes and their ports behind it.
pub(super) fn complete(net: &Net, line: &str, pos: usize) -> Completion {
    let before = line.get(..pos).unwrap_or(line);
    let start = before.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
    let word = &before[start..];
    let is_first = before[..start].trim().is_empty();
    let commands = LAB_COMMANDS.iter().map(|command| command.name).filter(|_| is_first);
    let candidates = net.names().all().chain(commands).filter(|name| name.starts_with(word)).map(str::to_owned);
    Completion { start, candidates: candidates.collect() }
}
