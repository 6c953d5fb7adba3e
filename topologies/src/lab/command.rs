//! The commands of the prompt that are the lab's and no node's.

use packet::Word;

/// All of them, in the order in which `help` lists them.
pub const LAB_COMMANDS: &[Word] = &[
    Word::new("help", "[COMMAND]", "this list; what a command takes; `NODE help`: what a node takes"),
    Word::new("nodes", "", "the names of all nodes"),
    Word::new("net", "", "the nodes and what each port is linked to"),
    Word::new("links", "", "the links, and whether both ends are up"),
    Word::new("dump", "", "the nodes with their kinds, ports and addresses"),
    Word::new(
        "link",
        "NODE:PORT [up|down | KEY VALUE.. [out|in]]",
        "shows a link, or changes it: delay, loss, rate ..",
    ),
    Word::new("pingall", "", "an echo between all pairs of hosts"),
    Word::new("pingpair", "", "an echo between the first two hosts, both ways"),
    Word::new("iperf", "[HOST HOST]", "how fast TCP goes between two hosts, else the first and the last"),
    Word::new("iperfudp", "[RATE] [HOST HOST]", "the same with UDP at a rate, 10Mbit if not told"),
    Word::new("stop", "NODE", "takes a node out: its links go down"),
    Word::new("start", "NODE", "puts a stopped node back"),
    Word::new("checks", "", "runs the file's checks; while they run, how they stand"),
    Word::new("save", "[FILE]", "the lab as it is now, as a lab file")
        .with_details("    FILE    where to write it; without one it is printed\n"),
    Word::new("exit", "", "ends the lab"),
    Word::new("quit", "", "ends the lab"),
];

/// What only somebody who types can ask for, and no event: it concerns the prompt or the machine, not the lab.
const TYPED_ONLY: &[&str] = &["save", "exit", "quit"];

/// The word that, behind a node's name, has the prompt's lines go to that node.
pub(crate) const CONSOLE: &str = "console";

/// Their words.
pub(crate) fn names<'a>() -> impl Iterator<Item = &'a str> + Clone {
    LAB_COMMANDS.iter().map(|command| command.name)
}

/// The word of a line that only somebody at the prompt can ask for, so that the line can't be an event.
pub(crate) fn typed_only<'w>(first: &'w str, second: Option<&'w str>, is_node: bool) -> Option<&'w str> {
    if is_node { second.filter(|word| *word == CONSOLE) } else { Some(first).filter(|word| TYPED_ONLY.contains(word)) }
}
