//! The loop of a running lab: its time goes with the wall's, and what is typed and what clients ask comes in between.
//!
//! All of it comes through one queue, in the order in which it came, and acts on the session at the lab's present instant.

use super::RunArgs;
use super::complete::complete;
use super::lines::{self, Line, MAX_LINE};
use super::prompt::{Mode, Prompt};
use crate::clock::Wall;
use crate::control::desk::{Desk, Message};
use crate::input;
use crate::output::{Console, Failure, PASSED, harmless, write};
use crate::terminal::{self, Terminal};
use sim_core::{Paced, PacedStop, Stop};
use std::io::{ErrorKind, Write, stderr};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};
use topologies::run::{End, JobId, Session, Started};

/// So many messages are taken between two looks at the lab.
const MESSAGES_AT_ONCE: usize = 64;

/// What comes from outside.
#[derive(Debug)]
pub(super) enum Input {
    /// Of standard input that is no terminal.
    Line(Line),
    /// Of the terminal.
    Terminal(terminal::Event),
    /// Of the control socket, and signals.
    Control(Message),
}

impl From<Line> for Input {
    fn from(line: Line) -> Self {
        Self::Line(line)
    }
}

impl From<terminal::Event> for Input {
    fn from(event: terminal::Event) -> Self {
        Self::Terminal(event)
    }
}

impl From<Message> for Input {
    fn from(message: Message) -> Self {
        Self::Control(message)
    }
}

/// Where lines come from.
enum Source {
    Nowhere,
    Pipe(Receiver<()>),
    Terminal(Terminal),
}

/// Why the loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// Once the commands that run are done.
    Idle,
    /// At once, with this exit code.
    Now(u8),
}

struct Live<'a> {
    session: &'a mut Session,
    file: Option<&'a Path>,
    console: Console,
    source: Source,
    prompt: Prompt,
    /// Commands of the terminal that run, the last one last.
    jobs: Vec<JobId>,
    desk: Desk,
    leave: Option<Leave>,
}

/// Runs the lab until its input, a client or a signal ends it; gives the exit code.
pub(super) fn run(
    session: &mut Session,
    args: &RunArgs,
    hub: &Sender<Input>,
    inbox: Receiver<Input>,
) -> Result<u8, Failure> {
    let console = args.capture.console();
    let net = session.net();
    let (nodes, links) = (net.engine().nodes().len(), net.engine().link_count());
    let ends = if args.no_prompt { "`netloom stop` ends it" } else { "the end of input ends the lab" };
    console.print(&format!(
        "{}: {nodes} nodes, {links} links. `help` lists what can be typed; {ends}.\n",
        harmless(session.lab().name())
    ))?;
    let prompt = Prompt::default();
    let source = match args.no_prompt {
        true => Source::Nowhere,
        false if !console.is_taken && terminal::is_there() => {
            Source::Terminal(terminal::start(hub.clone(), prompt.text()).map_err(Failure::usage)?)
        }
        false => Source::Pipe(lines::read(hub.clone())),
    };
    let file = args.file.lab.as_deref();
    let desk = Desk::default();
    let mut live = Live { session, file, console, source, prompt, jobs: Vec::new(), desk, leave: None };
    let result = live.go(inbox);
    live.desk.end(live.session);
    // Live captures end with their statistics before the clients' thread does.
    let finished = input::finish_captures(live.session.net_mut());
    if let Source::Terminal(terminal) = live.source {
        terminal.end();
    }
    let code = result?;
    finished.map(|()| code)
}

impl Live<'_> {
    fn go(&mut self, inbox: Receiver<Input>) -> Result<u8, Failure> {
        let mut clock = Wall::new(inbox);
        let mut paced = Paced::new(&mut clock, self.session.net().engine().now());
        let code = loop {
            let due = self.session.next_due().min(self.desk.next_due());
            match paced.run(self.session.net_mut().engine_mut(), due, &mut clock) {
                PacedStop::Outside => {}
                PacedStop::Reached | PacedStop::Engine(Stop::Noticed | Stop::Reached) => {
                    let now = self.session.net().engine().now();
                    self.session.run(End::At(now));
                }
                PacedStop::Engine(Stop::Exhausted) => break PASSED,
            }
            let engine = self.session.net().engine();
            let behind = paced.lag(&mut clock, engine.next_event());
            for _ in 0..MESSAGES_AT_ONCE {
                // A message may have come in just as the engine had something to tell.
                if let Some(Leave::Now(_)) = self.leave {
                    break;
                }
                let Some(input) = clock.take() else { break };
                self.take(input, behind)?;
            }
            self.desk.look_after(self.session);
            self.show()?;
            self.session.net_mut().flush_captures()?;
            match self.leave {
                Some(Leave::Now(code)) => break code,
                Some(Leave::Idle) if !self.session.is_busy() => break PASSED,
                _ if self.desk.is_over() => break PASSED,
                _ => {}
            }
        };
        let lag = paced.max_lag().as_nanos() as f64 / 1e6;
        // The terminal may be gone.
        let _ = writeln!(stderr(), "the lab was at most {lag:.3} ms behind the wall clock");
        Ok(code)
    }

    fn take(&mut self, input: Input, behind: sim_core::Duration) -> Result<(), Failure> {
        match input {
            Input::Line(line) => {
                if let Source::Pipe(done) = &self.source {
                    // It was asked for with the line.
                    let _ = done.try_recv();
                }
                match line {
                    Line::Text(line) => self.do_line(&line, Mode::Common)?,
                    Line::TooLong => {
                        self.print(&format!("a line of more than {MAX_LINE} bytes was passed over\n"))?;
                    }
                    Line::End => self.leave = self.leave.or(Some(Leave::Idle)),
                }
            }
            Input::Terminal(event) => {
                match event {
                    terminal::Event::Complete { line, pos, answer } => {
                        // Nobody waits any more if the line is gone.
                        let _ = answer.send(complete(self.session.net(), self.prompt.console(), &line, pos));
                        return Ok(());
                    }
                    terminal::Event::Line(line) => self.do_line(&line, Mode::Own)?,
                    terminal::Event::Interrupt => {
                        if let Some(&job) = self.jobs.last() {
                            self.session.cancel(job);
                        }
                    }
                    terminal::Event::End if self.prompt.leave() => {}
                    terminal::Event::End => self.leave = Some(Leave::Now(PASSED)),
                }
                if let Source::Terminal(terminal) = &self.source
                    && self.leave.is_none()
                {
                    terminal.resume(self.prompt.text());
                }
            }
            Input::Control(Message::Signal { status }) => self.leave = Some(Leave::Now(status)),
            Input::Control(message) => self.desk.take(self.session, message, behind),
        }
        Ok(())
    }

    fn do_line(&mut self, line: &str, mode: Mode) -> Result<(), Failure> {
        let result = self.prompt.do_line(self.session, line, mode);
        if self.prompt.is_left() {
            self.leave = Some(Leave::Now(PASSED));
        }
        match result {
            Ok(Started::Text(text)) => self.print(&text),
            Ok(Started::Job(job)) => {
                self.jobs.push(job);
                Ok(())
            }
            Err(message) => self.print(&format!("{}\n", message.trim_end())),
        }
    }

    /// Prints what commands and events have to say.
    fn show(&mut self) -> Result<(), Failure> {
        let mut text = String::new();
        let session = &mut *self.session;
        self.jobs.retain(|&job| {
            let news = session.job_news(job).unwrap_or_default();
            text += &news.text;
            news.status.is_none()
        });
        input::print_failed_events(self.file, session);
        text += &session.take_output();
        self.print(&text)
    }

    fn print(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        let text = harmless(text);
        match &self.source {
            Source::Terminal(terminal) => terminal.print(text.into_owned()),
            _ if self.console.is_taken => self.console.print(&text)?,
            _ => match write(&text) {
                // Nobody reads any more. The captures still end properly, and the socket goes.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.leave = Some(Leave::Now(PASSED)),
                result => result?,
            },
        }
        Ok(())
    }
}
