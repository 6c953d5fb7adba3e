//! `netloom console`: a node's console, on a lab that runs elsewhere.
//!
//! Lines go to the node until `exit` or Ctrl-D; Ctrl-C cancels the command that runs. Input that is no terminal is done line
//! by line.

use crate::control::client::{self, Lab};
use crate::control::protocol::{Body, Id, Reply, Request};
use crate::output::{Failure, PASSED, harmless, print};
use crate::terminal::{self, Completion, Event, Terminal};
use clap::Args;
use std::io::{BufRead, stdin};
use std::sync::mpsc::channel;

/// The arguments of `console`.
#[derive(Debug, Args)]
pub(crate) struct ConsoleArgs {
    /// A lab that runs
    lab: String,
    /// The node
    node: String,
}

/// What comes from outside.
#[derive(Debug)]
enum Input {
    Terminal(Event),
    Reply(Box<Reply>),
    LabEnded,
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Terminal(event)
    }
}

/// Runs the console until it is left or the lab ends.
pub(crate) fn run(args: &ConsoleArgs) -> Result<u8, Failure> {
    let mut lab = client::connect(&args.lab)?;
    let node = ovsdb::words::join([&args.node]);
    has_node(&mut lab, &args.node)?;
    if terminal::is_there() { interactive(lab, &args.node, &node) } else { piped(lab, &node) }
}

fn has_node(lab: &mut Lab, node: &str) -> Result<(), Failure> {
    use crate::control::protocol::Answer;
    let Answer::Lab(seen) = lab.call(&Request::Inspect {})? else {
        return Err(Failure::usage("the lab's reply is not understood"));
    };
    let mut names = seen.lab.nodes.iter().map(|node| node.name.as_str());
    if names.clone().any(|name| name == node) {
        return Ok(());
    }
    let near = packet::nearest(node, &mut names).map(|near| format!("; did you mean `{near}`?"));
    Err(Failure::usage(format!("there is no node `{node}` in {}{}", lab.greeting.lab, near.unwrap_or_default())))
}

/// Whether a line leaves the console; `None` if there is nothing in it.
fn leaves(line: &str) -> Option<bool> {
    match line.trim() {
        "" => None,
        line if line.starts_with('#') => None,
        line => Some(line == "exit"),
    }
}

fn piped(mut lab: Lab, node: &str) -> Result<u8, Failure> {
    for line in stdin().lock().lines() {
        let line = line?;
        match leaves(&line) {
            None => continue,
            Some(true) => break,
            Some(false) => {}
        }
        lab.ask(&Request::Exec { line: format!("{node} {line}") })?;
        loop {
            let Some(reply) = lab.reply()? else { return Err(lab.ended()) };
            match said(reply.body) {
                Said::Text(text) => print(&text)?,
                Said::End(text) => {
                    print(&text)?;
                    break;
                }
            }
        }
    }
    Ok(PASSED)
}

/// What a reply means for whoever reads the console.
enum Said {
    Text(String),
    End(String),
}

fn said(body: Body) -> Said {
    match body {
        Body::Output(text) => Said::Text(harmless(&text).into_owned()),
        Body::Error(problem) => Said::End(format!("{}\n", harmless(problem.message.trim_end()))),
        Body::Ok(_) => Said::End(String::new()),
        Body::Event(_) | Body::Lost(_) => Said::Text(String::new()),
    }
}

fn interactive(mut lab: Lab, name: &str, node: &str) -> Result<u8, Failure> {
    let (hub, inbox) = channel();
    let prompt = format!("{}> ", harmless(name));
    let mut replies = lab.replies()?;
    let terminal = terminal::start(hub.clone(), prompt.clone())?;
    std::thread::spawn(move || {
        while let Ok(Some(reply)) = replies.next_reply() {
            if hub.send(Input::Reply(Box::new(reply))).is_err() {
                return;
            }
        }
        let _ = hub.send(Input::LabEnded);
    });
    let result = converse(&mut lab, &terminal, &prompt, node, inbox);
    terminal.end();
    result
}

fn converse(
    lab: &mut Lab,
    terminal: &Terminal,
    prompt: &str,
    node: &str,
    inbox: std::sync::mpsc::Receiver<Input>,
) -> Result<u8, Failure> {
    let mut running: Vec<Id> = Vec::new();
    for input in inbox {
        match input {
            Input::Reply(reply) => {
                let id = reply.id.clone();
                match said(reply.body) {
                    Said::Text(text) => terminal.print(text),
                    Said::End(text) => {
                        running.retain(|known| *known != id);
                        if !text.is_empty() {
                            terminal.print(text);
                        }
                    }
                }
            }
            Input::LabEnded => return Err(lab.ended()),
            Input::Terminal(event) => {
                match event {
                    Event::Line(line) => match leaves(&line) {
                        Some(true) => return Ok(PASSED),
                        Some(false) => running.push(lab.ask(&Request::Exec { line: format!("{node} {line}") })?),
                        None => {}
                    },
                    Event::Interrupt => {
                        if let Some(of) = running.last() {
                            let of = of.clone();
                            lab.ask(&Request::Cancel { of })?;
                        }
                    }
                    Event::End => return Ok(PASSED),
                    Event::Complete { answer, .. } => {
                        // Nobody waits any more if the line is gone.
                        let _ = answer.send(Completion::default());
                        continue;
                    }
                }
                terminal.resume(prompt.to_owned());
            }
        }
    }
    Err(lab.ended())
}
