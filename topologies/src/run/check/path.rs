//! `path`: which way an echo request goes, or where and why it ends. It is sent at the start, and again a second after it
//! didn't go as it should, until the end of `within`.

use super::{Poll, Verdict};
use crate::lab::{PathCheck, PathExpect};
use crate::run::explain::{Explanation, Outcome, Probe, Question};
use crate::run::net::Net;
use sim_core::{Duration, Time};

const SECOND: Duration = Duration::from_secs(1);

/// A running `path` check.
#[derive(Debug)]
pub(crate) struct PathMachine {
    check: PathCheck,
    probe: Option<Probe>,
    /// When the next one is sent.
    next: Time,
    end: Time,
    /// What became of the last one.
    last: String,
}

impl PathMachine {
    pub(super) fn start(net: &mut Net, check: &PathCheck, within: Duration) -> Self {
        let now = net.engine().now();
        Self { check: check.clone(), probe: None, next: now, end: now + within, last: String::new() }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        let now = net.engine().now();
        if let Some(probe) = self.probe.take() {
            let Some(explanation) = probe.explanation(net) else {
                let until = probe.patience();
                self.probe = Some(probe);
                return Poll::Wait(until);
            };
            probe.finish(net);
            if self.is_met(net, &explanation) {
                return Verdict::passed(said(&explanation));
            }
            self.last = said(&explanation);
        }
        if now < self.next {
            return Poll::Wait(self.next);
        }
        if now >= self.end {
            return Verdict::failed(std::mem::take(&mut self.last));
        }
        let probe = Probe::start(net, &Question::echo(self.check.from, self.check.to));
        let until = probe.patience();
        self.probe = Some(probe);
        self.next = now + SECOND;
        Poll::Wait(until)
    }

    fn is_met(&self, net: &Net, explanation: &Explanation) -> bool {
        match (&self.check.expect, &explanation.outcome) {
            (PathExpect::Via(via), Outcome::Delivered { path, .. }) => {
                let mut path = path.iter();
                via.iter().all(|&node| path.any(|passed| passed == net.names().node(node)))
            }
            (PathExpect::Dropped { reason, at }, Outcome::Dropped { reason: found, at: place, .. }) => {
                let is_there =
                    at.as_ref().is_none_or(|(node, port)| is_at(net, place, net.names().node(*node), port.as_deref()));
                found == reason.name() && is_there
            }
            _ => false,
        }
    }

    pub(super) fn finish(&mut self, net: &mut Net) -> String {
        if let Some(probe) = self.probe.take() {
            probe.finish(net);
        }
        std::mem::take(&mut self.last)
    }
}

/// Whether a place is this node, or this port of it; a link is found by either end.
fn is_at(net: &Net, place: &str, node: &str, port: Option<&str>) -> bool {
    let Some(port) = port else { return place.split(':').next() == Some(node) };
    let wanted = format!("{node}:{port}");
    let is_same_link = || match (net.find_link(place), net.find_link(&wanted)) {
        (Ok(one), Ok(other)) => one.link() == other.link(),
        _ => false,
    };
    place == wanted || is_same_link()
}

fn said(explanation: &Explanation) -> String {
    match &explanation.outcome {
        Outcome::Delivered { path, .. } => format!("the way is {}", path.join(", ")),
        dropped => dropped.to_string(),
    }
}
