//! Lines that somebody types: what of them is the prompt's to do and not the lab's.

use topologies::run::{Request, Session};

/// A prompt: the lab's, or the console of a node.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    /// The node that lines go to.
    console: Option<String>,
}

/// What came of a line.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// What is printed.
    pub(crate) text: String,
    /// Whether the lab is to end.
    pub(crate) ends: bool,
}

impl Typed {
    /// Does what a line says.
    pub(crate) fn line(&mut self, session: &mut Session, line: &str) -> Answer {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Answer::default();
        }
        let mut words = match ovsdb::words::split(line) {
            Ok(words) => words,
            Err(error) => return Answer { text: format!("{error}\n"), ends: false },
        };
        if let Some(node) = &self.console {
            if matches!(words.as_slice(), [word] if ["exit", "quit", "disconnect"].contains(&word.as_str())) {
                self.console = None;
                return Answer::default();
            }
            words.insert(0, node.clone());
        }
        let text = match session.command(&words) {
            Ok(text) => text,
            Err(error) => format!("{}\n", error.message.trim_end()),
        };
        match session.take_request() {
            None => Answer { text, ends: false },
            Some(Request::Exit) => Answer { text, ends: true },
            Some(Request::Console(node)) => {
                let name = session.net().names().node(node).to_owned();
                let text = format!("lines go to {name}; `exit` leads back to the lab\n");
                self.console = Some(name);
                Answer { text, ends: false }
            }
            Some(Request::Save { file, text }) => {
                let text = save(&file, &text).unwrap_or_else(|error| error) + "\n";
                Answer { text, ends: false }
            }
        }
    }
}

/// Writes a lab to the file that somebody named.
pub(crate) fn save(file: &str, text: &str) -> Result<String, String> {
    match std::fs::write(file, text) {
        Ok(()) => Ok(format!("saved to {file}")),
        Err(error) => Err(format!("save: {file} can't be written: {error}")),
    }
}
