//! A terminal with a line to edit: history, completion, and output above the line.
//!
//! The line is read on a thread of its own, and output is written on another: rustyline takes it only while a line is being
//! edited, and whoever prints mustn't wait for that.

use crate::output::Failure;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::config::{CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, ExternalPrinter, Helper};
use std::fs;
use std::io::{IsTerminal, stdin, stdout};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// The most lines that the history keeps.
const HISTORY: usize = 1000;
/// So long a completion is waited for.
const COMPLETION_PATIENCE: Duration = Duration::from_secs(1);
/// So long the last output may take.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(1);

/// What happens at a terminal.
#[derive(Debug)]
pub(crate) enum Event {
    /// A line. The next is read after [`Terminal::resume`]; so it is after `Interrupt` and `End`.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    End,
    /// Tab: what could stand at `pos`?
    Complete {
        /// The line.
        line: String,
        /// The cursor's place in it, in bytes.
        pos: usize,
        /// Where the answer goes.
        answer: Sender<Completion>,
    },
}

/// What could stand at a place of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// Where the word begins that the candidates replace, in bytes.
    pub(crate) start: usize,
    /// What could stand there.
    pub(crate) candidates: Vec<String>,
}

/// A terminal whose lines are being read.
#[derive(Debug)]
pub(crate) struct Terminal {
    output: Sender<String>,
    written: Receiver<()>,
    resume: Sender<String>,
    /// How the terminal was set up before.
    before: Option<Termios>,
}

/// Whether standard input and output are a terminal.
pub(crate) fn is_there() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Starts to read lines behind `prompt`.
///
/// # Errors
/// The terminal can't be used.
pub(crate) fn start<M: From<Event> + Send + 'static>(hub: Sender<M>, prompt: String) -> Result<Terminal, Failure> {
    let before = tcgetattr(stdin()).ok();
    let config = Config::builder()
        .max_history_size(HISTORY)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(Failure::usage)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .auto_add_history(true)
        .build();
    let mut editor: Editor<Asker<M>, FileHistory> = Editor::with_config(config).map_err(Failure::usage)?;
    editor.set_helper(Some(Asker { hub: hub.clone() }));
    let printer = editor.create_external_printer().map_err(Failure::usage)?;
    let (output, to_write) = channel();
    let (said, written) = channel();
    std::thread::spawn(move || write(printer, to_write, &said));
    let (resume, resumed) = channel();
    std::thread::spawn(move || read(editor, prompt, &hub, &resumed));
    Ok(Terminal { output, written, resume, before })
}

impl Terminal {
    /// Prints above the line that is being edited.
    pub(crate) fn print(&self, text: String) {
        // The thread ends with the terminal.
        let _ = self.output.send(text);
    }

    /// Reads the next line.
    pub(crate) fn resume(&self, prompt: String) {
        let _ = self.resume.send(prompt);
    }

    /// Gives the terminal back as it was.
    pub(crate) fn end(self) {
        drop(self.output);
        let _ = self.written.recv_timeout(OUTPUT_PATIENCE);
        if let Some(before) = self.before {
            let _ = tcsetattr(stdin(), OptionalActions::Flush, &before);
        }
    }
}

fn write(mut printer: impl ExternalPrinter, to_write: Receiver<String>, said: &Sender<()>) {
    for text in to_write {
        if printer.print(text).is_err() {
            break;
        }
    }
    let _ = said.send(());
}

fn read<M: From<Event>>(
    mut editor: Editor<Asker<M>, FileHistory>,
    mut prompt: String,
    hub: &Sender<M>,
    resumed: &Receiver<String>,
) {
    let history = history_file();
    if let Some(history) = &history {
        // There is none at first.
        let _ = editor.load_history(history);
    }
    loop {
        let event = match editor.readline(&prompt) {
            Ok(line) => {
                if let Some(history) = &history {
                    let _ = editor.append_history(history);
                }
                Event::Line(line)
            }
            Err(ReadlineError::Interrupted) => Event::Interrupt,
            Err(_) => Event::End,
        };
        if hub.send(M::from(event)).is_err() {
            return;
        }
        match resumed.recv() {
            Ok(next) => prompt = next,
            Err(_) => return,
        }
    }
}

/// Where the history is kept: `netloom/history` in the user's state directory, which is made if need be.
fn history_file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    let directory = state.join("netloom");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).ok()?;
    Some(directory.join("history"))
}

/// Asks the main thread what could stand where the cursor is.
struct Asker<M> {
    hub: Sender<M>,
}

impl<M: From<Event>> Completer for Asker<M> {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let (answer, answered) = channel();
        let event = Event::Complete { line: line.to_owned(), pos, answer };
        let completion = match self.hub.send(M::from(event)) {
            Ok(()) => answered.recv_timeout(COMPLETION_PATIENCE).unwrap_or_default(),
            Err(_) => Completion::default(),
        };
        Ok((completion.start.min(pos), completion.candidates))
    }
}

impl<M: From<Event>> Hinter for Asker<M> {
    type Hint = String;
}
impl<M: From<Event>> Highlighter for Asker<M> {}
impl<M: From<Event>> Validator for Asker<M> {}
impl<M: From<Event>> Helper for Asker<M> {}
