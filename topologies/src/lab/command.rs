//! The commands of the prompt that are the lab's and no node's.

/// A lab command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabCommand {
    /// Its word.
    pub name: &'static str,
    /// What follows it.
    pub arguments: &'static str,
    /// What it does.
    pub what: &'static str,
}

/// All of them, in the order in which `help` lists them.
pub const LAB_COMMANDS: &[LabCommand] = &[
    LabCommand {
        name: "link",
        arguments: "NODE:PORT [up|down | KEY VALUE.. [out|in]]",
        what: "shows a link, or changes it: delay, loss, rate ..",
    },
    LabCommand { name: "pingall", arguments: "", what: "pings between all pairs of hosts" },
    LabCommand { name: "stop", arguments: "NODE", what: "takes a node out: its links go down" },
    LabCommand { name: "start", arguments: "NODE", what: "puts a stopped node back" },
    LabCommand { name: "checks", arguments: "", what: "runs the file's checks; while they run, how they stand" },
    LabCommand { name: "help", arguments: "", what: "this list" },
];

/// Their words.
pub(crate) fn names<'a>() -> impl Iterator<Item = &'a str> + Clone {
    LAB_COMMANDS.iter().map(|command| command.name)
}
