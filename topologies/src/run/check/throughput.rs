//! `throughput`: how fast data goes.
//!
//! A transfer that can't begin, since nobody answers yet, is tried again each second. The check is decided when a
//! transfer is over, at the latest `within` after `for` has passed.

use super::{Poll, Verdict, drops_of, joined};
use crate::lab::{ThroughputCheck, Transport};
use crate::run::measure::{self, Measurement, Plan};
use crate::run::net::Net;
use host::{TransferReport, TransferState};
use sim_core::{Duration, Tag, Time};

const SECOND: Duration = Duration::from_secs(1);

/// A running `throughput` check.
#[derive(Debug)]
pub(crate) struct ThroughputMachine {
    check: ThroughputCheck,
    tag: Tag,
    running: Option<Measurement>,
    /// When to try again.
    retry: Time,
    end: Time,
    refusal: String,
}

impl ThroughputMachine {
    pub(super) fn start(net: &mut Net, check: &ThroughputCheck, within: Duration) -> Self {
        let (tag, now) = (net.new_tag(), net.engine().now());
        net.engine_mut().watch_mut().follow(tag);
        let end = now + check.span + within;
        Self { check: check.clone(), tag, running: None, retry: now, end, refusal: String::new() }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        let now = net.engine().now();
        if self.running.is_none() && now >= self.retry && now < self.end {
            self.retry = now + SECOND;
            let ThroughputCheck { from, to, transport, rate, span, .. } = self.check;
            let rate = (transport == Transport::Udp).then_some(rate);
            match Measurement::start(net, Plan { from, to, transport, rate, span }, self.tag) {
                Ok(running) => self.running = Some(running),
                Err(refusal) => self.refusal = refusal,
            }
        }
        let report = self.running.as_ref().and_then(|running| running.report(net));
        match report {
            Some(report) if report.state == TransferState::Done => self.judge(net, &report),
            Some(report) if now >= self.end && report.bytes > 0 => self.judge(net, &report),
            Some(report) if now < self.end => {
                let Some(why) = measure::failure(&report) else { return Poll::Wait(self.end) };
                why.clone_into(&mut self.refusal);
                if let Some(running) = self.running.take() {
                    running.finish(net);
                }
                Poll::Wait(self.retry.min(self.end))
            }
            None if now < self.end => Poll::Wait(self.retry.min(self.end)),
            _ => {
                let met = self.finish(net);
                Verdict::failed(joined("no data arrived".to_owned(), &met))
            }
        }
    }

    fn judge(&mut self, net: &mut Net, report: &TransferReport) -> Poll {
        let met = self.finish(net);
        let goodput = report.goodput();
        let mut seen = format!("{} in {:.3} s", rate(goodput), report.elapsed.as_secs_f64());
        match self.check.transport {
            Transport::Tcp if report.retransmits > 0 => {
                seen += &format!(", {} segments sent again", report.retransmits);
            }
            Transport::Udp => seen += &format!(", {} of {} datagrams lost", report.lost, report.datagrams),
            Transport::Tcp => {}
        }
        let wanted = |bound: Option<u64>| bound.map_or(String::new(), |bound| rate(bound as f64));
        let (min, max) = (self.check.min, self.check.max);
        if min.is_some_and(|min| goodput < min as f64) {
            return Verdict::failed(joined(format!("{seen}; at least {} wanted", wanted(min)), &met));
        }
        if max.is_some_and(|max| goodput > max as f64) {
            return Verdict::failed(format!("{seen}; at most {} wanted", wanted(max)));
        }
        Verdict::passed(seen)
    }

    /// Ends the transfer; says what its frames met.
    pub(super) fn finish(&mut self, net: &mut Net) -> String {
        if let Some(running) = self.running.take() {
            running.finish(net);
        }
        let met = drops_of(net, self.tag);
        if met.is_empty() { self.refusal.clone() } else { met }
    }
}

/// A rate for people.
pub(crate) fn rate(bits: f64) -> String {
    match bits {
        bits if bits >= 1e9 => format!("{:.2} Gbit/s", bits / 1e9),
        bits if bits >= 1e6 => format!("{:.2} Mbit/s", bits / 1e6),
        bits if bits >= 1e3 => format!("{:.2} kbit/s", bits / 1e3),
        bits => format!("{bits:.0} bit/s"),
    }
}
