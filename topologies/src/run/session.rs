//! Events and checks on a running lab, in the lab's total order: at one instant events come first, then frames, then
//! timers, then checks.

use super::build::SetupError;
use super::check::{self, Machine, Poll, Prepared};
use super::explain;
use super::history::{History, Past, Told};
use super::inspect::Inspection;
use super::jobs::{Audience, Ended, Job, JobId, JobNews, Jobs};
use super::net::Net;
use super::observer::{Observed, Observer};
use super::prompt::{self, CommandError, Outcome};
use super::report::{CheckResult, CheckStanding, Report, Status};
use super::save;
use super::storm;
use crate::lab::{Lab, LabCheck};
use sim_core::{Duration, NodeIx, Stop, Tag, Time, Until};
use std::fmt::Write;

/// The most failed checks of a lab that are explained.
const MAX_EXPLAINED: usize = 4;
/// The most events of a lab that is replayed for that.
const MAX_REPLAYED_EVENTS: u64 = 1_000_000;

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

/// What came of a line that was started for somebody in particular.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is done; what it printed.
    Text(String),
    /// It runs: [`Session::job_news`] tells what it prints.
    Job(JobId),
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
    /// Whether somebody has seen how they came out.
    is_seen: bool,
    jobs: Jobs,
    observer: Option<Box<Observer>>,
    history: History,
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
            is_seen: false,
            jobs: Jobs::default(),
            observer: None,
            history: History::default(),
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

    /// Whether commands still run that print into [`Session::take_output`].
    pub fn is_busy(&self) -> bool {
        self.jobs.has_common()
    }

    /// Gives a node the text of a file that its next line may name: see [`switch::files_of`]. Nothing comes of it if the node
    /// has no switch.
    pub fn give_file(&mut self, node: &str, name: &str, text: &str) {
        let Some(node) = self.net.names().find(node) else { return };
        self.net.engine_mut().act(node, |device, _| {
            if let Some(switch) = device.as_switch_mut() {
                switch.give_file(name, text);
            }
        });
    }

    /// Does what a line says, now. Commands that take lab time print into [`Session::take_output`] as the lab runs.
    ///
    /// # Errors
    /// What is wrong with the line, or what the node says.
    pub fn command(&mut self, words: &[String]) -> Result<String, CommandError> {
        self.tell(words, Audience::Common).map(Self::printed)
    }

    /// What a line printed at once.
    fn printed(started: Started) -> String {
        match started {
            Started::Text(text) => text,
            Started::Job(_) => String::new(),
        }
    }

    /// Does what a line says, now, for somebody who wants its output alone: [`Session::job_news`] gives that of a command
    /// that takes lab time.
    ///
    /// # Errors
    /// What is wrong with the line, or what the node says.
    pub fn start(&mut self, words: &[String]) -> Result<Started, CommandError> {
        self.tell(words, Audience::Own)
    }

    /// A line that comes from outside: not one of the file's events.
    fn tell(&mut self, words: &[String], audience: Audience) -> Result<Started, CommandError> {
        self.history.note(self.net.engine().now(), Told::Line(words.to_vec()));
        self.begin(words, audience)
    }

    /// The lab's file and what it was told so far, from which [`explain::explain_past`] replays it; `None` if it was told
    /// more than is kept.
    pub fn past(&self) -> Option<Past> {
        Past::of(&self.lab, &self.history)
    }

    /// What a command that was [started](Session::start) printed since this was last asked; `None` if there is no such
    /// command. Once its status has been told it is forgotten.
    pub fn job_news(&mut self, job: JobId) -> Option<JobNews> {
        self.jobs.news(job)
    }

    /// Ends a command that runs, as Ctrl-C does: its status is [`CANCELLED`](super::CANCELLED). Nothing happens to one that
    /// is over.
    pub fn cancel(&mut self, job: JobId) {
        self.history.note(self.net.engine().now(), Told::Cancel(job));
        let ended = self.jobs.cancel(&mut self.net, job);
        self.note_ends(ended);
    }

    /// Keeps what happens from now on for [`Session::take_observed`], or no longer.
    pub fn observe(&mut self, observe: bool) {
        if observe != self.observer.is_some() {
            self.observer = observe.then(|| Box::new(Observer::new(&self.net)));
        }
    }

    /// What happened since this was last asked, if it is kept.
    pub fn take_observed(&mut self) -> Vec<Observed> {
        self.observer.as_mut().map(|observer| observer.take()).unwrap_or_default()
    }

    /// Sums up the drops since the last sum, for [`Session::take_observed`].
    pub fn sum_drops(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer.sum_drops(&self.net);
        }
    }

    /// The lab at a glance.
    pub fn inspect(&self) -> Inspection {
        Inspection::new(&self.net)
    }

    fn begin(&mut self, words: &[String], audience: Audience) -> Result<Started, CommandError> {
        let result = self.obey(words, audience);
        if let Some(observer) = &mut self.observer {
            let status = match &result {
                Ok(Started::Text(_)) => Some(0),
                Ok(Started::Job(_)) => None,
                Err(error) => Some(error.status),
            };
            match status {
                Some(status) => observer.command(&self.net, &words.join(" "), status),
                None => observer.compare(&self.net),
            }
        }
        result
    }

    fn obey(&mut self, words: &[String], audience: Audience) -> Result<Started, CommandError> {
        self.request = None;
        let job = match prompt::command(&mut self.net, words)? {
            Outcome::Text(text) => return Ok(Started::Text(text)),
            Outcome::Save { file: None } => return Ok(Started::Text(self.save())),
            Outcome::Save { file: Some(file) } => {
                let text = self.save();
                return Ok(self.ask(Request::Save { file, text }));
            }
            Outcome::Console(node) => return Ok(self.ask(Request::Console(node))),
            Outcome::Exit => return Ok(self.ask(Request::Exit)),
            Outcome::Running { node, session, tag } => Job::Host { node, session, tag },
            Outcome::Pingall(pingall) => Job::Pingall(pingall),
            Outcome::Iperf(iperf) => Job::Iperf(iperf),
            Outcome::Checks => match self.run_checks() {
                Some(text) => return Ok(Started::Text(text)),
                None => Job::Checks,
            },
        };
        let id = self.jobs.add(words.join(" "), job, audience);
        self.poll_jobs(None);
        self.after_polls();
        Ok(Started::Job(id))
    }

    fn ask(&mut self, request: Request) -> Started {
        self.request = Some(request);
        Started::Text(String::new())
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

    /// Lets spanning tree come to rest, if there is any: at most for a minute, which is Max Age and twice the forward delay,
    /// and some seconds.
    pub fn settle(&mut self) {
        // Spanning tree begins with the lab's first nanosecond.
        let start = self.net.engine().now();
        let step = |session: &mut Self, span: Duration| session.run(End::At(session.net.engine().now() + span));
        if start == Time::ZERO {
            step(self, Duration::from_nanos(1));
        }
        while self.net.has_spanning_tree() && self.net.engine().now() < start + Duration::from_secs(60) {
            step(self, Duration::from_millis(100));
            if self.net.is_settled() || self.exhausted.is_some() {
                break;
            }
        }
    }

    /// The instant at which an event or a check is due, or a live capture ends, next; [`Time::NEVER`] if none is.
    pub fn next_due(&self) -> Time {
        self.next_event_at().min(self.next_check_at()).min(self.net.next_capture_end())
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
            match self.begin(&event.words, Audience::Common) {
                Ok(started) => self.output += &Self::printed(started),
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
                let result = CheckResult {
                    name: check.spec.name.clone(),
                    status: verdict.status,
                    detail: verdict.detail,
                    at_ns: self.net.engine().now().as_nanos(),
                };
                if let Some(observer) = &mut self.observer {
                    observer.check(&self.net, &result);
                }
                check.state = State::Decided(result);
            }
        }
    }

    /// Has the engine stop at every counted frame and drop while a check waits for one; prints a report that is due.
    fn after_polls(&mut self) {
        if self.jobs.has_checks() && self.is_decided() {
            self.is_seen = true;
            let report = self.report();
            let status = u8::from(report.passed < report.checks.len());
            let ended = self.jobs.finish_checks(&report.text(), status);
            self.note_ends(ended);
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
        let ended = self.jobs.poll(&mut self.net, tag);
        self.note_ends(ended);
    }

    fn note_ends(&mut self, ended: impl IntoIterator<Item = Ended>) {
        for Ended { line, status, common } in ended {
            self.output += &common;
            if let Some(observer) = &mut self.observer {
                observer.command(&self.net, &line, status);
            }
        }
    }

    /// Runs the checks from now on. While they run, says how they stand; of those that ran by themselves, how they came
    /// out.
    fn run_checks(&mut self) -> Option<String> {
        if self.grading && self.is_decided() && !self.is_seen {
            self.is_seen = true;
            return Some(self.report().text());
        }
        if !self.grading || self.is_decided() {
            self.checks.iter_mut().for_each(|check| check.state = State::Waiting);
            self.grading = true;
            return None;
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
        Some(text)
    }

    /// How the checks stand, in the file's order. Looking changes nothing.
    pub fn standing(&self) -> Vec<CheckStanding> {
        let standing = |check: &Check| {
            let (state, result) = match &check.state {
                State::Waiting => ("waiting", None),
                State::Running { .. } => ("running", None),
                State::Decided(result) => (result.status.name(), Some(result)),
            };
            CheckStanding {
                name: check.spec.name.clone(),
                state: state.to_owned(),
                detail: result.map(|result| result.detail.clone()),
                at_ns: result.map(|result| result.at_ns),
            }
        };
        self.checks.iter().map(standing).collect()
    }

    /// Adds to what the failed checks saw where their packet ends and why, as it is seen in a replay of the lab in which
    /// nothing else is asked. A lab that took long is not replayed.
    pub fn explain_failed(&mut self) {
        if self.net.engine().events() > MAX_REPLAYED_EVENTS || self.exhausted.is_some() {
            return;
        }
        let mut left = MAX_EXPLAINED;
        for check in &mut self.checks {
            let State::Decided(result) = &mut check.state else { continue };
            if result.status != Status::Failed || left == 0 {
                continue;
            }
            let Some(text) = explain::of_check(&self.lab, &check.spec, Time::from_nanos(result.at_ns)) else {
                continue;
            };
            left -= 1;
            let seen = std::mem::take(&mut result.detail);
            result.detail = if seen.is_empty() { text } else { format!("{seen}; {text}") };
        }
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
