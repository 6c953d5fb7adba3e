//! The one grammar of what can be typed: `NODE COMMAND...`, or a lab command.
//!
//! Standard input of `run`, events and `exec` all come here. A command that takes lab time (a ping) is
//! [`Outcome::Running`]; whoever drives the lab asks for its output later.

use super::device::Device;
use super::link_command;
use super::net::Net;
use super::pingall::Pingall;
use crate::lab::LAB_COMMANDS;
use host::{Reply, SessionId};
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
    /// A pingall runs.
    Pingall(Box<Pingall>),
    /// The state of the checks is asked for.
    Checks,
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
    match first.as_str() {
        "link" => link_command::run(net, rest).map(Outcome::Text),
        "pingall" => Ok(Outcome::Pingall(Box::new(Pingall::new(net)))),
        "stop" | "start" => {
            let [name] = rest else {
                return Err(CommandError::new(format!("{first}: name one node, as in `{first} s1`")));
            };
            let node = find_node(net, name)?;
            net.engine_mut().set_running(node, first == "start");
            Ok(Outcome::Text(String::new()))
        }
        "checks" => Ok(Outcome::Checks),
        "help" | "?" => Ok(Outcome::Text(help())),
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
    let mut text = "NODE COMMAND...  a command on a node: `h1 ping h2`, `s1 ovs-vsctl show`\n".to_owned();
    for command in LAB_COMMANDS {
        let usage = format!("{} {}", command.name, command.arguments);
        text += &format!("{usage:<16} {}\n", command.what);
    }
    text
}

fn node_command(net: &mut Net, node: NodeIx, words: &[String]) -> Result<Outcome, CommandError> {
    let name = net.names().node(node).to_owned();
    if words.is_empty() {
        return Err(CommandError::new(format!("{name}: what shall it do? As in `{name} help`")));
    }
    if !net.engine().is_running(node) {
        return Err(CommandError::new(format!("{name} is stopped; `start {name}` puts it back")));
    }
    let resolved = resolve(net, words);
    let tag = net.new_tag();
    net.engine_mut().act(node, |device, cx| match device {
        Device::Switch(switch) => switch_command(switch, cx, words).map(Outcome::Text),
        Device::Host(host) => {
            let words: Vec<&str> = resolved.iter().map(String::as_str).collect();
            outcome(host.command(cx, &words, tag), node, tag)
        }
        Device::Server(server) => outcome(server.command(cx, &resolved, tag), node, tag),
        Device::Hub(_) => Err(CommandError::new(format!("{name} is a hub and takes no commands"))),
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

fn switch_command(
    switch: &mut switch::Switch,
    cx: &mut sim_core::Cx<'_>,
    words: &[String],
) -> Result<String, CommandError> {
    const TOOLS: [&str; 3] = ["ovs-vsctl", "ovs-ofctl", "ovs-appctl"];
    if matches!(words[0].as_str(), "help" | "?") {
        return Ok(format!("A switch takes the lines of {}, {} and {}.\n", TOOLS[0], TOOLS[1], TOOLS[2]));
    }
    switch.command(cx, words).map_err(|error| CommandError { message: error.message, status: error.status })
}

/// The words with names of hosts replaced by their addresses; the first word is the command.
fn resolve(net: &Net, words: &[String]) -> Vec<String> {
    let address = |word: &String| net.names().find(word).and_then(|node| net.address_of(node, None));
    let mut resolved = words.to_vec();
    for word in resolved.iter_mut().skip(1) {
        if let Some(address) = address(word) {
            *word = address.to_string();
        }
    }
    resolved
}
