//! `netloom pingall`: an echo between all pairs of hosts, in virtual time.

use crate::cli::{CaptureArgs, FormatArgs, LabArgs, OptionalLab};
use crate::input;
use crate::output::{FAILED, Failure, Format, PASSED, UNPROVEN};
use clap::Args;
use topologies::run::Pingall;

/// The arguments of `pingall`.
#[derive(Debug, Args)]
pub(crate) struct PingallArgs {
    #[command(flatten)]
    file: OptionalLab,
    #[command(flatten)]
    lab: LabArgs,
    #[command(flatten)]
    capture: CaptureArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Pings; the exit code says whether all replies came.
pub(crate) fn run(args: &PingallArgs) -> Result<u8, Failure> {
    let mut session = input::session(args.file.lab.as_deref(), &args.lab, &args.capture)?.without_checks();
    // As whoever types `pingall` waits until the lab is up.
    session.settle();
    let net = session.net_mut();
    let report = Pingall::new(net).run(net);
    input::finish_captures(net)?;
    let console = args.capture.console();
    match args.format.format {
        Format::Text => console.print(&report.text())?,
        Format::Json => console.print(&report.json())?,
    }
    Ok(match (report.sent, report.received) {
        (0, _) => UNPROVEN,
        (sent, received) if sent == received => PASSED,
        _ => FAILED,
    })
}
