//! What a typed line does: a command of the lab, or of the node whose console is open.

use crate::input;
use crate::save;
use topologies::run::{Request, Session, Started};

/// What the prompt shows while no console is open.
const PROMPT: &str = "netloom> ";

/// What leads from a node's console back to the lab.
const LEAVE: [&str; 3] = ["exit", "quit", "disconnect"];

/// The prompt's state: which node's console is open.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    console: Option<String>,
    is_left: bool,
}

/// How a line's command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its output goes to the lab's common output once it is done.
    Common,
    /// It is a job of its own.
    Own,
}

impl Prompt {
    /// What stands before the line that is typed.
    pub(super) fn text(&self) -> String {
        match &self.console {
            Some(node) => format!("{node}> "),
            None => PROMPT.to_owned(),
        }
    }

    /// The node whose console is open.
    pub(super) fn console(&self) -> Option<&str> {
        self.console.as_deref()
    }

    /// Whether a line has asked for the lab's end.
    pub(super) fn is_left(&self) -> bool {
        self.is_left
    }

    /// Closes the console that is open; false if none is.
    pub(super) fn leave(&mut self) -> bool {
        self.console.take().is_some()
    }

    /// Does a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn do_line(&mut self, session: &mut Session, line: &str, mode: Mode) -> Result<Started, String> {
        let nothing = Ok(Started::Text(String::new()));
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return nothing;
        }
        let mut words = ovsdb::words::split(line).map_err(|error| error.to_string())?;
        if let Some(node) = &self.console {
            if matches!(words.as_slice(), [word] if LEAVE.contains(&word.as_str())) {
                self.console = None;
                return nothing;
            }
            words.insert(0, node.clone());
        }
        input::give_files(session, &words);
        let result = match mode {
            Mode::Common => session.command(&words).map(Started::Text),
            Mode::Own => session.start(&words),
        };
        let started = result.map_err(|error| error.message)?;
        match session.take_request() {
            None => Ok(started),
            Some(Request::Exit) => {
                self.is_left = true;
                nothing
            }
            Some(Request::Console(node)) => {
                let name = session.net().names().node(node).to_owned();
                let text = format!("lines go to {name}; `exit` leads back to the lab\n");
                self.console = Some(name);
                Ok(Started::Text(text))
            }
            Some(Request::Save { file, text }) => save::write(&file, &text).map(Started::Text),
        }
    }
}
