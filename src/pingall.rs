//! `netloom pingall`: an echo between all pairs of hosts, in virtual time.

use crate::cli::{CaptureArgs, FormatArgs, LabArgs, OptionalLab};
use crate::input;
use crate::output::{FAILED, Failure, Format, PASSED, UNPROVEN};
use clap::Args;
use sim_core::{Duration, Time};
use topologies::run::{End, Pingall, Session};

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

/// The longest that spanning tree is waited for: Max Age and twice the forward delay, and some seconds.
const LONGEST: Duration = Duration::from_secs(60);
/// How often it is looked at.
const STEP: Duration = Duration::from_millis(100);

/// Lets spanning tree come to rest, as whoever types `pingall` waits until the lab is up.
fn settle(session: &mut Session) {
    // Spanning tree begins with the lab's first nanosecond.
    session.run(End::At(Time::from_nanos(1)));
    while session.net().has_spanning_tree() && session.net().engine().now() < Time::ZERO + LONGEST {
        let next = session.net().engine().now() + STEP;
        session.run(End::At(next));
        if session.net().is_settled() {
            break;
        }
    }
}

/// Pings; the exit code says whether all replies came.
pub(crate) fn run(args: &PingallArgs) -> Result<u8, Failure> {
    let mut session = input::session(args.file.lab.as_deref(), &args.lab, &args.capture)?.without_checks();
    settle(&mut session);
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
