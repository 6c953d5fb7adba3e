//! Events and checks on a running lab, in the lab's total order: at one instant events come first, then frames, then
//! timers, then checks.

use super::build::SetupError;
use super::check::{self, Machine, Poll, Prepared};
use super::net::Net;
use super::pingall::Pingall;
use super::prompt::{self, CommandError, Outcome};
use super::report::{CheckResult, Report, Status};
use super::save;
use super::storm;
use crate::lab::{Lab, LabCheck};
use host::SessionId;
use sim_core::{NodeIx, Stop, Tag, Time, Until};
use std::fmt::Write;

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Until all checks are decided.
    Decided,
    /// To an instant, all that happens at it included.
    At(Time),
    /// Until all commands that run are done.
    Quiet,
}

/// A command that takes lab time.
#[derive(Debug)]
enum Job {
    Host { node: NodeIx, session: SessionId, tag: Tag },
    Pingall(Box<Pingall>),
}

#[derive(Debug)]
enum State {
    Waiting,
    Running { machine: Machine, poll_at: Time },
    Decided(CheckResult),
}

#[derive(Debug)]
struct Check {
    spec: LabCheck,
    prepared: Prepared,
    state: State,
}

/// An event whose line couldn't be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    /// Line and column of the line in the file, from 1.
    pub place: (u32, u32),
    /// Why.
    pub message: String,
}

/// What a line asked for that is not the lab's to do, but whoever reads the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `save FILE`: write this text to that file of the machine.
    Save {
        /// The file.
        file: String,
        /// The lab as it was when the line was typed.
        text: String,
    },
    /// `NODE console`: put the node's name in front of every line until `exit`, `quit` or `disconnect`.
    Console(NodeIx),
    /// `exit` or `quit`: end the lab.
    Exit,
}

/// A lab with its events and checks.
#[derive(Debug)]
pub struct Session {
    net: Net,
    lab: Lab,
    /// Events in the order in which they happen; those before `next_event` have.
    events: Vec<usize>,
    next_event: usize,
    checks: Vec<Check>,
    /// Whether the checks run.
    grading: bool,
    /// Whether their report is printed once they are decided.
    announce: bool,
    /// Whether somebody has seen how they came out.
    is_seen: bool,
    jobs: Vec<Job>,
    output: String,
    errors: Vec<EventError>,
    request: Option<Request>,
    /// Why the lab can't go on.
    exhausted: Option<String>,
}

impl Session {
    /// Makes the lab.
    ///
    /// # Errors
    /// All that its devices refuse.
    pub fn new(lab: Lab) -> Result<Self, Vec<SetupError>> {
        let mut net = Net::new(&lab)?;
        let mut events: Vec<usize> = (0..lab.events().len()).collect();
        events.sort_by_key(|&number| lab.events()[number].at);
        let checks = lab
            .checks()
            .iter()
            .map(|spec| Check { prepared: check::prepare(&mut net, spec), spec: spec.clone(), state: State::Waiting })
            .collect();
        Ok(Self {
            net,
            lab,
            events,
            next_event: 0,
            checks,
            grading: true,
            announce: false,
            is_seen: false,
            jobs: Vec::new(),
            output: String::new(),
            errors: Vec::new(),
            request: None,
            exhausted: None,
        })
    }

    /// Leaves the checks alone until the command `checks` runs them: for a lab that somebody works in.
    pub fn without_checks(mut self) -> Self {
        self.grading = false;
        self
    }

    /// The lab that runs.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The running lab.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// The running lab.
    pub fn net_mut(&mut self) -> &mut Net {
        &mut self.net
    }

    /// What commands printed since this was last asked.
    pub fn take_output(&mut self) -> String {
        std::mem::take(&mut self.output)
    }

    /// Events that failed since this was last asked.
    pub fn take_errors(&mut self) -> Vec<EventError> {
        std::mem::take(&mut self.errors)
    }

    /// What the last line asked for that is not the lab's to do.
    pub fn take_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    /// The lab as it is now, as a lab file: its checks as they were written, and the events that are still to come.
    pub fn save(&self) -> String {
        let to_come = self.events[self.next_event..].iter().map(|&number| &self.lab.events()[number]);
        save::text(&self.lab, &self.net, to_come)
    }

    /// The loop guard's message, if it ended the lab.
    pub fn exhausted(&self) -> Option<&str> {
        self.exhausted.as_deref()
    }

    /// Whether all checks are decided.
    pub fn is_decided(&self) -> bool {
        self.checks.iter().all(|check| matches!(check.state, State::Decided(_)))
    }

    /// Whether commands still run.
    pub fn is_busy(&self) -> bool {
        !self.jobs.is_empty() || self.announce
    }

    /// Does what a line says, now. Commands that take lab time print into [`Session::take_output`] as the lab runs.
    ///
    /// # Errors
    /// What is wrong with the line, or what the node says.
    pub fn command(&mut self, words: &[String]) -> Result<String, CommandError> {
        self.request = None;
        match prompt::command(&mut self.net, words)? {
            Outcome::Text(text) => return Ok(text),
            Outcome::Running { node, session, tag } => self.jobs.push(Job::Host { node, session, tag }),
            Outcome::Pingall(pingall) => self.jobs.push(Job::Pingall(pingall)),
            Outcome::Checks => return Ok(self.run_checks()),
            Outcome::Save { file: None } => return Ok(self.save()),
            Outcome::Save { file: Some(file) } => self.request = Some(Request::Save { file, text: self.save() }),
            Outcome::Console(node) => self.request = Some(Request::Console(node)),
            Outcome::Exit => self.request = Some(Request::Exit),
        }
        self.poll_jobs(None);
        Ok(String::new())
    }

    /// Runs in virtual time, as fast as possible.
    pub fn run(&mut self, end: End) {
        let limit = if let End::At(time) = end { time } else { Time::NEVER };
        loop {
            let done = match end {
                End::Decided => self.is_decided(),
                End::At(_) => false,
                End::Quiet => !self.is_busy(),
            };
            if done || self.exhausted.is_some() || !self.advance(limit) {
                return;
            }
        }
    }

    /// The instant at which an event or a check is due next; [`Time::NEVER`] if none is.
    pub fn next_due(&self) -> Time {
        self.next_event_at().min(self.next_check_at())
    }

    /// Runs to the next thing of interest, at most to `limit`; false once `limit` is reached.
    fn advance(&mut self, limit: Time) -> bool {
        let (event, check) = (self.next_event_at(), self.next_check_at());
        let is_event = event <= check.min(limit) && event != Time::NEVER;
        let until = if is_event { Until::Before(event) } else { Until::Through(check.min(limit)) };
        match self.net.engine_mut().run(until) {
            Stop::Reached if is_event => {
                self.happen(event);
                true
            }
            Stop::Reached => {
                self.start_and_poll();
                check < limit
            }
            Stop::Noticed => {
                self.deliver_notices();
                self.poll_running();
                true
            }
            Stop::Exhausted => {
                self.exhausted = Some(storm::message(&self.net));
                false
            }
        }
    }

    fn next_event_at(&self) -> Time {
        self.events.get(self.next_event).map_or(Time::NEVER, |&number| self.lab.events()[number].at)
    }

    fn next_check_at(&self) -> Time {
        let now = self.net.engine().now();
        let mut previous_decided = true;
        let mut next = Time::NEVER;
        if !self.grading {
            return next;
        }
        for check in &self.checks {
            let due = match (&check.state, check.spec.at) {
                (State::Waiting, Some(at)) => at.max(now),
                (State::Waiting, None) if previous_decided => now,
                (State::Running { poll_at, .. }, _) => *poll_at,
                _ => Time::NEVER,
            };
            next = next.min(due);
            previous_decided = matches!(check.state, State::Decided(_));
        }
        next
    }

    /// All events of an instant happen.
    fn happen(&mut self, at: Time) {
        while self.next_event_at() == at {
            let event = self.lab.events()[self.events[self.next_event]].clone();
            self.next_event += 1;
            match self.command(&event.words) {
                Ok(text) => self.output += &text,
                Err(error) => self.errors.push(EventError {
                    place: event.place,
                    message: format!("the event at {} s failed: {}", event.at, error.message.trim_end()),
                }),
            }
        }
    }

    /// Starts the checks that are due and polls those whose time has come, in the file's order.
    fn start_and_poll(&mut self) {
        let now = self.net.engine().now();
        if !self.grading {
            return;
        }
        for number in 0..self.checks.len() {
            let previous_decided = number == 0 || matches!(self.checks[number - 1].state, State::Decided(_));
            let check = &mut self.checks[number];
            let due = match (&check.state, check.spec.at) {
                (State::Waiting, Some(at)) => at <= now,
                (State::Waiting, None) => previous_decided,
                (State::Running { poll_at, .. }, _) => *poll_at <= now,
                (State::Decided(_), _) => false,
            };
            if !due {
                continue;
            }
            if matches!(check.state, State::Waiting) {
                let machine = Machine::start(&mut self.net, &check.spec, check.prepared);
                check.state = State::Running { machine, poll_at: now };
            }
            self.poll(number);
        }
        self.after_polls();
    }

    fn poll_running(&mut self) {
        for number in 0..self.checks.len() {
            if matches!(self.checks[number].state, State::Running { .. }) {
                self.poll(number);
            }
        }
        self.after_polls();
    }

    fn poll(&mut self, number: usize) {
        let check = &mut self.checks[number];
        let State::Running { machine, poll_at } = &mut check.state else { return };
        match machine.poll(&mut self.net) {
            Poll::Wait(at) => *poll_at = at,
            Poll::Done(verdict) => {
                check.state = State::Decided(CheckResult {
                    name: check.spec.name.clone(),
                    status: verdict.status,
                    detail: verdict.detail,
                    at_ns: self.net.engine().now().as_nanos(),
                });
            }
        }
    }

    /// Has the engine stop at every counted frame and drop while a check waits for one; prints a report that is due.
    fn after_polls(&mut self) {
        if self.announce && self.is_decided() {
            self.announce = false;
            self.is_seen = true;
            let report = self.report().text();
            self.output += &report;
        }
        let impatient = self
            .checks
            .iter()
            .any(|check| matches!(&check.state, State::Running { machine, .. } if machine.is_impatient()));
        self.net.engine_mut().watch_all_drops(impatient);
        self.net.engine_mut().watch_mut().impatient = impatient;
    }

    fn deliver_notices(&mut self) {
        while let Some((_, tag)) = self.net.engine_mut().next_notice() {
            self.poll_jobs(Some(tag));
        }
    }

    /// Looks after the commands that run: those with this tag, or all.
    fn poll_jobs(&mut self, tag: Option<Tag>) {
        let mut left = Vec::new();
        for mut job in std::mem::take(&mut self.jobs) {
            let concerned = tag.is_none_or(|tag| job.tag() == tag);
            match if concerned { job.poll(&mut self.net) } else { None } {
                Some(text) => self.output += &text,
                None => left.push(job),
            }
        }
        self.jobs = left;
    }

    /// Runs the checks from now on. While they run, says how they stand; of those that ran by themselves, how they came
    /// out.
    fn run_checks(&mut self) -> String {
        if self.grading && self.is_decided() && !self.is_seen {
            self.is_seen = true;
            return self.report().text();
        }
        if !self.grading || self.is_decided() {
            self.checks.iter_mut().for_each(|check| check.state = State::Waiting);
            (self.grading, self.announce) = (true, true);
            self.after_polls();
            return String::new();
        }
        let mut text = String::new();
        for check in &self.checks {
            let word = match &check.state {
                State::Waiting => "waits",
                State::Running { .. } => "runs",
                State::Decided(result) => result.status.word(),
            };
            let _ = writeln!(text, "{word:<7} {}", check.spec.name);
        }
        text
    }

    /// What the checks found. Undecided ones have failed.
    pub fn report(&mut self) -> Report {
        let at_ns = self.net.engine().now().as_nanos();
        let mut results = Vec::new();
        for check in &mut self.checks {
            let detail = match &mut check.state {
                State::Decided(result) => {
                    results.push(result.clone());
                    continue;
                }
                State::Waiting => "never started".to_owned(),
                State::Running { machine, .. } => {
                    let seen = machine.unfinished(&mut self.net);
                    let why = self.exhausted.as_deref().unwrap_or("undecided when the lab ended");
                    if seen.is_empty() { why.to_owned() } else { format!("{seen}; {why}") }
                }
            };
            results.push(CheckResult { name: check.spec.name.clone(), status: Status::Failed, detail, at_ns });
        }
        Report::new(self.net.name(), self.net.engine().seed().0, results)
    }
}

impl Job {
    fn tag(&self) -> Tag {
        match self {
            Self::Host { tag, .. } => *tag,
            Self::Pingall(pingall) => pingall.tag(),
        }
    }

    /// What the command printed, once it is done.
    fn poll(&mut self, net: &mut Net) -> Option<String> {
        match self {
            Self::Host { node, session, .. } => net.with_host(*node, |host, _| host.session_output(*session)).flatten(),
            Self::Pingall(pingall) => pingall.poll(net).then(|| pingall.report(net).text()),
        }
    }
}
