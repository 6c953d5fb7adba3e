//! Explaining a packet of a lab file, and trying lines in replays: the same lab, the same seed, the line at the time of
//! the packet, the same packet.
//!
//! A line that lets the packet pass is a remedy. If none does, the line that brings the packet furthest stays, and the
//! search goes on from there, since both ends of a trunk may be wrong; in the end each line is left out once, to see
//! whether it was needed.

use super::model::{Explanation, Remedy};
use super::remedy::candidates;
use super::{Findings, Probe, Question};
use crate::lab::Lab;
use crate::run::build::SetupError;
use crate::run::history::Past;
use crate::run::session::Session;
use sim_core::Time;

/// How many lines may be needed together.
const MAX_LINES: usize = 5;
/// How many replays are made for an explanation.
const MAX_TRIALS: usize = 200;
/// How many events a replay may take; a lab that takes more than this to come to its time has its lines untried.
const MAX_EVENTS: u64 = 20_000_000;

/// Explains a packet of a lab at a time.
///
/// # Errors
/// All that the lab's devices refuse.
pub fn explain(lab: &Lab, question: &Question, at: Time) -> Result<Explanation, Vec<SetupError>> {
    explain_past(&Past::of_file(lab), question, at)
}

/// Explains a packet of a lab that is at rest after its setup: at 1 s, or when spanning tree has settled.
///
/// # Errors
/// All that the lab's devices refuse.
pub fn explain_at_rest(lab: &Lab, question: &Question) -> Result<Explanation, Vec<SetupError>> {
    let past = Past::of_file(lab);
    let mut session = past.replay(Time::from_secs(1), MAX_EVENTS)?;
    session.settle();
    Ok(explained(&past, question, session))
}

/// Explains a packet that is sent at a time in a lab that was told things while it ran. The lab itself notices nothing: it
/// is replayed.
///
/// # Errors
/// All that the lab's devices refuse.
pub fn explain_past(past: &Past, question: &Question, at: Time) -> Result<Explanation, Vec<SetupError>> {
    Ok(explained(past, question, past.replay(at, MAX_EVENTS)?))
}

fn explained(past: &Past, question: &Question, mut session: Session) -> Explanation {
    let at = session.net().engine().now();
    let is_quick = session.net().engine().events() < MAX_EVENTS / 10;
    let first = look(&mut session, question);
    let mut search = Search { past, question, at, lines: Vec::new(), tried: 0 };
    let mut explanation = first.explanation;
    if let Some(fault) = first.fault.filter(|_| is_quick) {
        let found = search.run(&session, fault);
        explanation.tried = search.tried;
        if found {
            explanation.remedies = search.lines;
        }
    }
    explanation
}

/// Sends the packet, and sees what becomes of it.
pub(super) fn look(session: &mut Session, question: &Question) -> Findings {
    let net = session.net_mut();
    let probe = Probe::start(net, question);
    probe.run(net);
    let findings = probe.findings(net).unwrap_or_else(|| unanswered(net, &probe));
    probe.finish(net);
    findings
}

/// The lab ended before the answer could come: there were too many events.
fn unanswered(net: &crate::run::Net, probe: &Probe) -> Findings {
    let fault = super::fault::find(net, probe, &super::probe::Answer::Missing(String::new()));
    let outcome = fault.outcome(net, Vec::new());
    let explanation = Explanation {
        lab: net.name().to_owned(),
        seed: net.engine().seed().0,
        at_ns: probe.sent.as_nanos(),
        question: probe.question.text(net, probe.address),
        outcome,
        legs: Vec::new(),
        remedies: Vec::new(),
        tried: 0,
    };
    Findings { explanation, fault: None }
}

struct Search<'a> {
    past: &'a Past,
    question: &'a Question,
    at: Time,
    lines: Vec<Remedy>,
    tried: usize,
}

/// What a trial found.
enum Trial {
    Delivered,
    Stopped(Box<(Session, super::Fault)>),
}

impl Search<'_> {
    /// Looks for lines; whether they were found.
    fn run(&mut self, session: &Session, fault: super::Fault) -> bool {
        let mut present: Option<Session> = None;
        let mut fault = fault;
        while self.lines.len() < MAX_LINES {
            let net = present.as_ref().unwrap_or(session).net();
            let mut best: Option<(Session, super::Fault, Remedy)> = None;
            for candidate in candidates(net, self.question, &fault) {
                if self.tried >= MAX_TRIALS {
                    return false;
                }
                let lines: Vec<Remedy> = self.lines.iter().cloned().chain([candidate.remedy.clone()]).collect();
                match self.attempt(&lines) {
                    Some(Trial::Delivered) => {
                        self.lines = lines;
                        self.prune();
                        return true;
                    }
                    Some(Trial::Stopped(stopped)) => {
                        let (session, found) = *stopped;
                        let best_so_far = best.as_ref().map_or(fault.progress, |(_, best, _)| best.progress);
                        if found.progress > best_so_far {
                            best = Some((session, found, candidate.remedy));
                        }
                    }
                    None => {}
                }
            }
            let Some((session, found, remedy)) = best else { return false };
            self.lines.push(remedy);
            (present, fault) = (Some(session), found);
        }
        false
    }

    /// Replays the lab with lines; `None` if one of them can't be done.
    fn attempt(&mut self, lines: &[Remedy]) -> Option<Trial> {
        self.tried += 1;
        let mut session = self.past.replay(self.at, MAX_EVENTS).ok()?;
        for remedy in lines {
            session.command(&ovsdb::words::split(&remedy.line).ok()?).ok()?;
        }
        session.settle();
        let Findings { fault, .. } = look(&mut session, self.question);
        Some(match fault {
            None => Trial::Delivered,
            Some(fault) => Trial::Stopped(Box::new((session, fault))),
        })
    }

    /// Leaves out the lines that weren't needed.
    fn prune(&mut self) {
        let mut number = 0;
        while self.lines.len() > 1 && number < self.lines.len() {
            let mut fewer = self.lines.clone();
            fewer.remove(number);
            if matches!(self.attempt(&fewer), Some(Trial::Delivered)) {
                self.lines = fewer;
            } else {
                number += 1;
            }
        }
    }
}
