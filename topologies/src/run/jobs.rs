//! Commands that take lab time, and what each has printed so far.
//!
//! A command of the file's events or of a pipe prints into the lab's common output once it is done. One that was
//! started for somebody in particular keeps its output for whoever asks, line by line as it comes.

use super::iperf::Iperf;
use super::net::Net;
use super::pingall::Pingall;
use host::SessionId;
use sim_core::{NodeIx, Tag};

/// A command that runs. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

/// The status of a command that was cancelled, as a shell has it after Ctrl-C.
pub const CANCELLED: u8 = 130;

/// What a command printed since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobNews {
    /// Whole lines, unless the command is over.
    pub text: String,
    /// The command's status, if it is over; it is then forgotten.
    pub status: Option<u8>,
}

/// What runs.
#[derive(Debug)]
pub(super) enum Job {
    Host {
        node: NodeIx,
        session: SessionId,
        tag: Tag,
    },
    Pingall(Box<Pingall>),
    Iperf(Box<Iperf>),
    /// The file's checks; [`Jobs::finish_checks`] ends it.
    Checks,
}

/// Whom a job prints for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Everybody who reads the lab's output.
    Common,
    /// Whoever started it.
    Own,
}

#[derive(Debug)]
struct Running {
    id: JobId,
    line: String,
    job: Job,
    audience: Audience,
    text: String,
    status: Option<u8>,
}

/// A job that came to its end.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) line: String,
    pub(super) status: u8,
    /// What it printed, if everybody is to read it.
    pub(super) common: String,
}

/// The bytes of a command's output that wait for somebody to ask; more than that stays with the node, which bounds it.
const MAX_HELD: usize = 1 << 20;

/// The jobs of a lab.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    running: Vec<Running>,
    last: u64,
}

impl Jobs {
    /// Adds a job; it goes on with [`Jobs::poll`].
    pub(super) fn add(&mut self, line: String, job: Job, audience: Audience) -> JobId {
        self.last += 1;
        let id = JobId(self.last);
        self.running.push(Running { id, line, job, audience, text: String::new(), status: None });
        id
    }

    /// Whether a job runs that everybody reads.
    pub(super) fn has_common(&self) -> bool {
        self.running.iter().any(|running| running.audience == Audience::Common)
    }

    /// Looks after the jobs of a tag, or all; gives those that came to their end.
    pub(super) fn poll(&mut self, net: &mut Net, tag: Option<Tag>) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.running.retain_mut(|running| {
            if running.status.is_some() || tag.is_some_and(|tag| running.job.tag() != tag) {
                return true;
            }
            let (text, is_over) = running.job.poll(net, running.text.len() < MAX_HELD);
            running.text += &text;
            if !is_over {
                return true;
            }
            running.end(0, &mut ended)
        });
        ended
    }

    /// Whether somebody waits for the checks.
    pub(super) fn has_checks(&self) -> bool {
        self.running.iter().any(|running| running.waits_for_checks())
    }

    /// Ends the jobs that wait for the checks, with the report as their output.
    pub(super) fn finish_checks(&mut self, report: &str, status: u8) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.running.retain_mut(|running| {
            if !running.waits_for_checks() {
                return true;
            }
            report.clone_into(&mut running.text);
            running.end(status, &mut ended)
        });
        ended
    }

    /// What a job printed since this was last asked; `None` if there is no such job, or it is everybody's.
    pub(super) fn news(&mut self, id: JobId) -> Option<JobNews> {
        let place = self.running.iter().position(|running| running.id == id && running.audience == Audience::Own)?;
        let running = &mut self.running[place];
        if let Some(status) = running.status {
            return Some(JobNews { text: self.running.remove(place).text, status: Some(status) });
        }
        let whole = running.text.rfind('\n').map_or(0, |end| end + 1);
        let rest = running.text.split_off(whole);
        Some(JobNews { text: std::mem::replace(&mut running.text, rest), status: None })
    }

    /// Ends a job that runs, as Ctrl-C does; what it printed so far is still to be asked for.
    pub(super) fn cancel(&mut self, net: &mut Net, id: JobId) -> Option<Ended> {
        let running = self.running.iter_mut().find(|running| running.id == id && running.status.is_none())?;
        running.text += &running.job.cancel(net);
        running.status = Some(CANCELLED);
        Some(Ended { line: running.line.clone(), status: CANCELLED, common: String::new() })
    }
}

impl Running {
    /// Notes its end; whether it stays, for whoever asks for its output.
    fn end(&mut self, status: u8, ended: &mut Vec<Ended>) -> bool {
        self.status = Some(status);
        let is_common = self.audience == Audience::Common;
        let common = if is_common { std::mem::take(&mut self.text) } else { String::new() };
        ended.push(Ended { line: self.line.clone(), status, common });
        !is_common
    }

    fn waits_for_checks(&self) -> bool {
        matches!(self.job, Job::Checks) && self.status.is_none()
    }
}

impl Job {
    fn tag(&self) -> Tag {
        match self {
            Self::Host { tag, .. } => *tag,
            Self::Pingall(pingall) => pingall.tag(),
            Self::Iperf(iperf) => iperf.tag(),
            Self::Checks => Tag::NONE,
        }
    }

    /// What it printed since this was last asked, and whether it is over. Without room the node keeps what it printed, as
    /// far as it will.
    fn poll(&mut self, net: &mut Net, has_room: bool) -> (String, bool) {
        match self {
            Self::Host { node, session, .. } => {
                net.engine_mut().act(*node, |device, _| match device.session_output(*session) {
                    Some(rest) => (rest, true),
                    None if !has_room => (String::new(), false),
                    None => (device.session_news(*session).unwrap_or_default(), false),
                })
            }
            Self::Pingall(pingall) => {
                let is_over = pingall.poll(net);
                (pingall.news(net), is_over)
            }
            Self::Iperf(iperf) => iperf.poll(net),
            Self::Checks => (String::new(), false),
        }
    }

    fn cancel(&mut self, net: &mut Net) -> String {
        match self {
            Self::Host { node, session, .. } => {
                net.engine_mut().act(*node, |device, _| device.cancel_session(*session)).unwrap_or_default()
            }
            Self::Pingall(pingall) => pingall.cancel(net),
            Self::Iperf(iperf) => {
                iperf.cancel(net);
                String::new()
            }
            Self::Checks => String::new(),
        }
    }
}
