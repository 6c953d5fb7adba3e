//! The one grammar of what can be typed: `NODE COMMAND...`, or a lab command.
//!
//! Standard input of `run`, events and `exec` all come here. A command that takes lab time (a ping) is
//! [`Outcome::Running`]; whoever drives the lab asks for its output later. What can be typed stands in tables: [`LAB_COMMANDS`]
//! for the lab, `words` for the nodes; `help` and [`complete()`] read them.

pub use super::complete::{Completion, complete};
use super::device::Device;
use super::iperf::Iperf;
use super::net::Net;
use super::pingall::Pingall;
use super::resolve::resolve;
use super::{link_command, listing, words};
use crate::lab::command::CONSOLE;
use crate::lab::{LAB_COMMANDS, Transport};
use host::{Reply, SessionId};
use packet::Word;
use sim_core::{NodeIx, Tag};

/// What came of a line.
#[derive(Debug)]
pub enum Outcome {
    /// It is done; what it printed.
    Text(String),
    /// A host's command runs.
    Running {
        /// The host.
        node: NodeIx,
        /// Its command.
        session: SessionId,
        /// The tag of its notices.
        tag: Tag,
    },
    /// An iperf runs.
    Iperf(Box<Iperf>),
    /// A pingall runs.
    Pingall(Box<Pingall>),
    /// The state of the checks is asked for.
    Checks,
    /// The lab as it is now is asked for, as a lab file.
    Save {
        /// The file of the machine that it is to be written to; `None`: it is printed. Only whoever typed it may have it
        /// written.
        file: Option<String>,
    },
    /// Lines are to go to this node until `exit`, `quit` or `disconnect`.
    Console(NodeIx),
    /// The lab is to end.
    Exit,
}

/// Why a line can't be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// What is wrong, and what could be typed instead.
    pub message: String,
    /// The exit status that the command would have.
    pub status: u8,
}

impl CommandError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 1 }
    }
}

/// Does what a line of words says.
///
/// # Errors
/// An unknown word, with the nearest known one, or what the node says.
pub fn command(net: &mut Net, words: &[String]) -> Result<Outcome, CommandError> {
    let Some((first, rest)) = words.split_first() else { return Ok(Outcome::Text(String::new())) };
    if let Some(node) = net.names().find(first) {
        return node_command(net, node, rest);
    }
    let text = |text: String| Ok(Outcome::Text(text));
    match (first.as_str(), rest) {
        ("link", _) => link_command::run(net, rest).map(Outcome::Text),
        ("stop" | "start", [name]) => {
            let node = find_node(net, name)?;
            net.engine_mut().set_running(node, first == "start");
            text(String::new())
        }
        ("stop" | "start", _) => Err(CommandError::new(format!("{first}: name one node, as in `{first} s1`"))),
        ("iperf", _) => Iperf::start(net, Transport::Tcp, rest).map(|iperf| Outcome::Iperf(Box::new(iperf))),
        ("iperfudp", _) => Iperf::start(net, Transport::Udp, rest).map(|iperf| Outcome::Iperf(Box::new(iperf))),
        ("help" | "?", []) => text(help()),
        ("help" | "?", [name]) => help_about(net, name).map(Outcome::Text),
        ("save", [] | [_]) => Ok(Outcome::Save { file: rest.first().cloned() }),
        ("help" | "?" | "save", _) => Err(CommandError::new(format!("{first}: one word at most"))),
        (name, [more, ..]) if crate::lab::command::names().any(|known| known == name) => {
            Err(CommandError::new(format!("{name}: nothing follows it, found `{more}`")))
        }
        ("nodes", _) => text(listing::nodes(net)),
        ("net", _) => text(listing::net(net)),
        ("links", _) => text(listing::links(net)),
        ("dump", _) => text(listing::dump(net)),
        ("pingall", _) => Ok(Outcome::Pingall(Box::new(Pingall::new(net)))),
        ("pingpair", _) => Ok(Outcome::Pingall(Box::new(Pingall::of_the_first(net, 2)))),
        ("checks", _) => Ok(Outcome::Checks),
        ("exit" | "quit", _) => Ok(Outcome::Exit),
        _ => Err(unknown(net, first)),
    }
}

/// The node called `name`.
pub(crate) fn find_node(net: &Net, name: &str) -> Result<NodeIx, CommandError> {
    net.names().find(name).ok_or_else(|| {
        let hint = packet::nearest(name, net.names().all()).map(|near| format!("; did you mean `{near}`?"));
        CommandError::new(format!("there is no node `{name}`{}", hint.unwrap_or_default()))
    })
}

fn unknown(net: &Net, word: &str) -> CommandError {
    let names = Vec::from_iter(net.names().all().map(str::to_owned));
    let known = names.iter().map(String::as_str).chain(crate::lab::command::names());
    match packet::nearest(word, known) {
        Some(near) => {
            CommandError::new(format!("`{word}` is neither a node nor a lab command; did you mean `{near}`?"))
        }
        None => CommandError::new(format!("`{word}` is neither a node nor a lab command; `help` lists them")),
    }
}

fn help() -> String {
    let node = Word::new("NODE COMMAND..", "", "a command on a node: `h1 ping h2`, `s1 ovs-vsctl show`");
    Word::list([&node].into_iter().chain(LAB_COMMANDS))
}

/// What a lab command takes, or all that a node does.
fn help_about(net: &Net, name: &str) -> Result<String, CommandError> {
    if let Some(word) = LAB_COMMANDS.iter().find(|word| word.name == name) {
        return Ok(word.about());
    }
    match net.names().find(name) {
        Some(node) => node_help(net, node, &[]),
        None => Err(unknown(net, name)),
    }
}

/// What a node takes, or what one of its words does.
fn node_help(net: &Net, node: NodeIx, about: &[String]) -> Result<String, CommandError> {
    let known = words::of(net.engine().node(node));
    let Some(word) = about.first() else {
        let list = Word::list(known);
        return if list.is_empty() { Err(takes_nothing(net, node)) } else { Ok(list) };
    };
    match known.clone().find(|known| known.name == *word) {
        Some(word) => Ok(word.about()),
        None => Err(unknown_of_node(net, node, word)),
    }
}

fn takes_nothing(net: &Net, node: NodeIx) -> CommandError {
    CommandError::new(format!("{} is a hub and takes no commands", net.names().node(node)))
}

fn unknown_of_node(net: &Net, node: NodeIx, word: &str) -> CommandError {
    let name = net.names().node(node);
    let known = words::of(net.engine().node(node)).map(|known| known.name);
    let hint = match packet::nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`{name} help` lists what there is"),
    };
    CommandError::new(format!("{name}: there is no `{word}`; {hint}"))
}

/// The word that was meant by one that the node has not. A host without a shell knows only its own words by itself.
fn mistyped(net: &Net, node: NodeIx, word: &str) -> Option<&'static str> {
    let known = words::of(net.engine().node(node)).map(|known| known.name);
    let is_path = word.contains('/');
    if is_path || known.clone().any(|known| known == word) { None } else { packet::nearest(word, known) }
}

fn node_command(net: &mut Net, node: NodeIx, words: &[String]) -> Result<Outcome, CommandError> {
    let name = net.names().node(node).to_owned();
    let Some((first, rest)) = words.split_first() else {
        return Err(CommandError::new(format!("{name}: what shall it do? As in `{name} help`")));
    };
    match first.as_str() {
        "help" | "?" => return node_help(net, node, rest).map(Outcome::Text),
        _ if matches!(net.engine().node(node), Device::Hub(_)) => return Err(takes_nothing(net, node)),
        CONSOLE if rest.is_empty() => return Ok(Outcome::Console(node)),
        _ => {}
    }
    if !net.engine().is_running(node) {
        return Err(CommandError::new(format!("{name} is stopped; `start {name}` puts it back")));
    }
    if net.engine().node(node).is_host()
        && let Some(near) = mistyped(net, node, first)
    {
        return Err(CommandError::new(format!("unknown command `{first}`: did you mean `{near}`?")));
    }
    let resolved = resolve(net, node, words);
    let tag = net.new_tag();
    let seed = net.engine().seed();
    net.engine_mut().act(node, |device, cx| {
        device.prepare(&resolved, seed);
        match device {
            Device::Switch(switch) => switch
                .command(cx, words)
                .map(Outcome::Text)
                .map_err(|error| CommandError { message: error.message, status: error.status }),
            Device::Host(host) => {
                let words: Vec<&str> = resolved.iter().map(String::as_str).collect();
                outcome(host.command(cx, &words, tag), node, tag)
            }
            Device::Server(server) => outcome(server.command(cx, &resolved, tag), node, tag),
            Device::Hub(_) => Ok(Outcome::Text(String::new())),
        }
    })
}

/// What came of a line that a host or a server was told.
fn outcome(reply: Reply, node: NodeIx, tag: Tag) -> Result<Outcome, CommandError> {
    match reply {
        Reply::Done(text) => Ok(Outcome::Text(text)),
        Reply::Failed(message) => Err(CommandError::new(message.trim_end())),
        Reply::Running(session) => Ok(Outcome::Running { node, session, tag }),
    }
}
