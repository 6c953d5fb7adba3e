//! `netloom events`: follows what happens in a running lab.

use crate::cli::FormatArgs;
use crate::control::client;
use crate::control::protocol::{Body, Request};
use crate::output::{Failure, Format, PASSED, harmless, print};
use clap::Args;
use sim_core::Time;
use topologies::run::{Happening, Observed};

/// The arguments of `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// A lab that runs
    lab: String,
    #[command(flatten)]
    format: FormatArgs,
}

/// Prints events until the lab ends.
pub(crate) fn run(args: &EventsArgs) -> Result<u8, Failure> {
    let mut lab = client::connect(&args.lab)?;
    lab.ask(&Request::Events {})?;
    while let Some(reply) = lab.reply()? {
        let text = match (reply.body, args.format.format) {
            (Body::Event(event), Format::Text) => text(&event),
            (Body::Event(event), Format::Json) => crate::control::protocol::line(&event),
            (Body::Lost(count), Format::Text) => format!("{count} events lost: they came faster than they were read\n"),
            (Body::Lost(count), Format::Json) => format!("{{\"lost\":{count}}}\n"),
            (Body::Error(problem), _) => return Err(Failure::usage(problem.message)),
            (Body::Output(_), _) => continue,
            (Body::Ok(_), _) => break,
        };
        print(&text)?;
    }
    Ok(PASSED)
}

/// An event as a line for people.
fn text(event: &Observed) -> String {
    let what = match &event.what {
        Happening::Link { ends: [a, b], up } => format!("link {a} - {b} {}", if *up { "up" } else { "down" }),
        Happening::Node { node, running } => format!("node {node} {}", if *running { "started" } else { "stopped" }),
        Happening::Command { line, status: 0 } => format!("done: {line}"),
        Happening::Command { line, status } => format!("failed with {status}: {line}"),
        Happening::Check { name, status, detail } => format!("check {}: {name}: {detail}", status.name()),
        Happening::Drops { at, reason, count } => format!("{count} dropped at {at}: {reason}"),
    };
    format!("{}  {}\n", Time::from_nanos(event.time_ns), harmless(&what).replace('\n', "; "))
}
