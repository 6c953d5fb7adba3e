//! `netloom run`: a lab at the pace of the wall clock, with a prompt on standard input.

use crate::cli::{CaptureArgs, LabArgs, OptionalLab};
use crate::clock::Wall;
use crate::input;
use crate::output::{Console, Failure, PASSED};
use clap::Args;
use sim_core::{Duration, Paced, PacedStop, Stop, Time};
use std::io::{BufRead, Read, stdin};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use topologies::run::{End, Session};

/// Lines that may wait for the lab.
const WAITING_LINES: usize = 64;
/// The longest line that the prompt takes, in bytes.
const MAX_LINE: usize = 64 << 10;

/// The arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    file: OptionalLab,
    #[command(flatten)]
    lab: LabArgs,
    #[command(flatten)]
    capture: CaptureArgs,
    /// Runs so much lab time as fast as possible, then ends, without a prompt
    #[arg(long = "for", value_name = "T", value_parser = input::parse_time)]
    span: Option<Duration>,
}

/// Runs the lab.
pub(crate) fn run(args: &RunArgs) -> Result<u8, Failure> {
    let file = args.file.lab.as_deref();
    let mut session = input::session(file, &args.lab, &args.capture)?.without_checks();
    let console = args.capture.console();
    match args.span {
        Some(span) => {
            session.run(End::At(Time::ZERO + span));
            show(&mut session, file, console)?;
            let now = session.net().engine().now();
            console.print(&format!("{} s of lab time, {} events\n", now, session.net().engine().events()))?;
        }
        None => prompt(&mut session, file, console)?,
    }
    input::finish_captures(session.net_mut())?;
    Ok(PASSED)
}

/// Does lines from standard input as they come, while the lab runs at the wall's pace.
fn prompt(session: &mut Session, file: Option<&Path>, console: Console) -> Result<(), Failure> {
    let net = session.net();
    let (nodes, links) = (net.engine().nodes().len(), net.engine().link_count());
    console.print(&format!(
        "{}: {nodes} nodes, {links} links. `help` lists what can be typed; the end of input ends the lab.\n",
        session.lab().name()
    ))?;
    let mut clock = Wall::new(read_lines());
    let mut paced = Paced::new(&mut clock, session.net().engine().now());
    loop {
        let due = session.next_due();
        match paced.run(session.net_mut().engine_mut(), due, &mut clock) {
            PacedStop::Outside => {}
            PacedStop::Reached | PacedStop::Engine(Stop::Noticed | Stop::Reached) => {
                let now = session.net().engine().now();
                session.run(End::At(now));
            }
            PacedStop::Engine(Stop::Exhausted) => break,
        }
        // A line may have come in just as the engine had something to tell.
        if let Some(line) = clock.received.take() {
            do_line(session, &line, console)?;
        }
        show(session, file, console)?;
        session.net_mut().flush_captures()?;
        if clock.closed && !session.is_busy() {
            break;
        }
    }
    eprintln!("the lab was at most {:.3} ms behind the wall clock", paced.max_lag().as_nanos() as f64 / 1e6);
    Ok(())
}

/// A line of standard input.
#[derive(Debug)]
enum Line {
    Text(String),
    /// Longer than [`MAX_LINE`]; it is gone.
    TooLong,
}

/// Reads standard input on a thread of its own, since a lab doesn't wait for it.
fn read_lines() -> Receiver<Line> {
    let (send, receive) = sync_channel(WAITING_LINES);
    std::thread::spawn(move || {
        let mut input = stdin().lock();
        while let Some(line) = read_line(&mut input) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

/// The next line; of one that is too long nothing is kept. `None` at the end of input.
fn read_line(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    let len = input.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line).ok()?;
    if len == MAX_LINE && line.last() != Some(&b'\n') {
        input.skip_until(b'\n').ok()?;
        return Some(Line::TooLong);
    }
    (len > 0).then(|| Line::Text(String::from_utf8_lossy(&line).into_owned()))
}

fn do_line(session: &mut Session, line: &Line, console: Console) -> Result<(), Failure> {
    let Line::Text(line) = line else {
        return console.print(&format!("a line of more than {MAX_LINE} bytes was passed over\n"));
    };
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let result = match ovsdb::words::split(line) {
        Ok(words) => session.command(&words).map_err(|error| error.message),
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(text) => console.print(&text),
        Err(message) => console.print(&format!("{}\n", message.trim_end())),
    }
}

/// Prints what commands and events have to say.
fn show(session: &mut Session, file: Option<&Path>, console: Console) -> Result<(), Failure> {
    input::print_failed_events(file, session);
    console.print(&session.take_output())
}
