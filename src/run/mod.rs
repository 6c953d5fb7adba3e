//! `netloom run`: a lab at the pace of the wall clock, with a prompt and a control socket.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`live`] | the loop: the lab's time, what is typed, what clients ask |
//! | [`lines`] | standard input that is a pipe or a file |
//! | [`prompt`] | what a typed line does; a node's console |
//! | [`complete`] | what Tab offers |

mod complete;
mod lines;
mod live;
mod prompt;

use crate::cli::{CaptureArgs, LabArgs, OptionalLab};
use crate::control::{place, server};
use crate::input;
use crate::output::{Failure, PASSED};
use clap::Args;
use sim_core::{Duration, Time};
use std::path::PathBuf;
use topologies::run::{End, Session};

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
    /// Calls the lab so, instead of what its file says: two labs that run at once need different names
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Puts the control socket there
    #[arg(long, value_name = "PATH", conflicts_with = "span")]
    socket: Option<PathBuf>,
    /// Runs without a control socket
    #[arg(long, conflicts_with = "socket")]
    no_socket: bool,
    /// Reads nothing from standard input: the lab runs until `netloom stop` or a signal ends it
    #[arg(long, conflicts_with = "span")]
    no_prompt: bool,
}

/// Runs the lab.
pub(crate) fn run(args: &RunArgs) -> Result<u8, Failure> {
    let file = args.file.lab.as_deref();
    let mut lab = args.lab.clone();
    // A JSON text is a TOML text.
    lab.define.extend(args.name.as_ref().map(|name| format!("name={}", serde_json::json!(name))));
    let mut session = input::session(file, &lab, &args.capture)?.without_checks();
    let console = args.capture.console();
    let code = match args.span {
        Some(span) => {
            session.run(End::At(Time::ZERO + span));
            input::print_failed_events(file, &mut session);
            console.print(&session.take_output())?;
            let now = session.net().engine().now();
            console.print(&format!("{} s of lab time, {} events\n", now, session.net().engine().events()))?;
            PASSED
        }
        None => paced(&mut session, args)?,
    };
    input::finish_captures(session.net_mut())?;
    Ok(code)
}

/// Runs the lab at the wall's pace; gives the exit code.
fn paced(session: &mut Session, args: &RunArgs) -> Result<u8, Failure> {
    let name = session.lab().name().to_owned();
    let socket = match args.no_socket {
        true => None,
        false => Some(place::claim(&name, args.socket.as_deref()).map_err(Failure::usage)?),
    };
    let (hub, inbox) = std::sync::mpsc::channel();
    let greeting = server::greeting(&name, session.lab().seed().0);
    let server = server::start(socket, greeting, hub.clone())?;
    let result = live::run(session, args, &hub, inbox);
    server.end();
    result
}
