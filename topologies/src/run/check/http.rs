//! `http`: whether a page can be had.

use super::tries::{Tries, Try};
use super::{Poll, Verdict, joined};
use crate::lab::{Expect, HttpCheck};
use crate::run::measure::outcome_text;
use crate::run::net::Net;
use host::{AttemptOutcome, HttpRequest, HttpStatus};
use sim_core::Duration;
use std::net::SocketAddr;

/// A running `http` check.
#[derive(Debug)]
pub(crate) struct HttpMachine {
    check: HttpCheck,
    tries: Tries,
    /// What the last try came to.
    last: Option<String>,
    within: Duration,
}

impl HttpMachine {
    pub(super) fn start(net: &mut Net, check: &HttpCheck, within: Duration) -> Self {
        let tries = Tries::new(net, check.from, check.to, None, within);
        Self { check: check.clone(), tries, last: None, within }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        if let Some(Try { to, timeout, tag }) = self.tries.due(net) {
            let HttpCheck { from, port, path, .. } = &self.check;
            let host = authority(&self.check.url);
            let to = SocketAddr::new(to, *port);
            let request = HttpRequest { to, host, path: path.clone(), head: false, timeout, tag };
            self.tries.add(net.with_host(*from, |host, cx| host.http_get(cx, request)));
        }
        let ended = |status: &&HttpStatus| status.outcome.is_some();
        for status in self.tries.outcomes(net, |host, id| host.http_status(id).filter(ended).cloned()) {
            let outcome = status.outcome.unwrap_or(AttemptOutcome::Pending);
            if !matches!(outcome, AttemptOutcome::Answered { .. }) {
                self.last = Some(outcome_text(outcome).to_owned());
                continue;
            }
            if self.check.expect == Expect::Unreachable {
                self.finish(net);
                return Verdict::failed(format!("{} answered, and should not: {}", self.check.url, status.status_line));
            }
            match self.misses(&status) {
                None => {
                    self.finish(net);
                    let size = status.body.len();
                    return Verdict::passed(format!("{} answered {}, {size} bytes", self.check.url, status.status));
                }
                missed => self.last = missed,
            }
        }
        if !self.tries.is_over(net) {
            return Poll::Wait(self.tries.next());
        }
        let sent = self.tries.has_sent(net);
        let met = self.finish(net);
        let none = format!("no answer from {} within {}", self.check.url, self.within);
        match self.check.expect {
            Expect::Reachable => {
                Verdict::failed(joined(format!("{} was not had within {}", self.check.url, self.within), &met))
            }
            Expect::Unreachable if sent => Verdict::passed(joined(none, &met)),
            Expect::Unreachable => Verdict::nothing_sent(self.tries.asker(net), &met),
        }
    }

    /// What an answer lacks to pass.
    fn misses(&self, status: &HttpStatus) -> Option<String> {
        if status.status != self.check.status {
            return Some(format!("the answer was `{}`, and {} is wanted", status.status_line, self.check.status));
        }
        let body = String::from_utf8_lossy(&status.body);
        let wanted = self.check.contains.as_deref().filter(|wanted| !body.contains(wanted))?;
        Some(format!("the page of {} bytes doesn't contain `{wanted}`", status.body.len()))
    }

    /// Ends all tries; says what their frames met.
    pub(super) fn finish(&mut self, net: &mut Net) -> String {
        let met = self.tries.finish(net);
        match &self.last {
            Some(last) if met.is_empty() => last.clone(),
            Some(last) => format!("{met}; {last}"),
            None => met,
        }
    }
}

/// Host and port as the URL has them.
fn authority(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    rest.split('/').next().unwrap_or_default().to_owned()
}
