//! The words that a node takes at the prompt: tables of the crates, picked by kind.

use super::device::Device;
use crate::lab::command::CONSOLE;
use packet::Word;

/// What every node takes that takes anything.
const ALL: &[Word] = &[
    Word::new(CONSOLE, "", "lines go to this node until `exit`"),
    Word::new("help", "[COMMAND]", "this list, or what a command takes"),
];

/// What a node of this kind takes; nothing if it takes no commands.
pub(crate) fn of(device: &Device) -> impl Iterator<Item = &'static Word> + Clone {
    let words: Vec<&'static Word> = match device {
        device if device.is_host() => server::words_of_hosts().chain(ALL).collect(),
        Device::Server(_) => server::words().chain(ALL).collect(),
        Device::Switch(_) => switch::commands().iter().chain(ALL).collect(),
        Device::Hub(_) | Device::Host(_) => Vec::new(),
    };
    words.into_iter()
}
