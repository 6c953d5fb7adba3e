//! What a typed line does: a command of the lab, or of the node whose console is open.

use topologies::run::{Session, Started};

/// What the prompt shows while no console is open.
const PROMPT: &str = "netloom> ";

/// The prompt's state: which node's console is open.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    console: Option<String>,
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
            if matches!(words.as_slice(), [word] if word == "exit") {
                self.console = None;
                return nothing;
            }
            words.insert(0, node.clone());
        } else if let Some(node) = console_of(session, &words) {
            self.console = Some(node);
            return nothing;
        }
        let result = match mode {
            Mode::Common => session.command(&words).map(Started::Text),
            Mode::Own => session.start(&words),
        };
        result.map_err(|error| error.message)
    }
}

/// The node whose console a line asks for: `NODE console`.
fn console_of(session: &Session, words: &[String]) -> Option<String> {
    match words {
        [node, word] if word == "console" && session.net().names().find(node).is_some() => Some(node.clone()),
        _ => None,
    }
}
