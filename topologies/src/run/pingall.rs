//! An echo between all pairs of hosts, one after the other, in Mininet's order and words.

use super::net::Net;
use host::{PingId, PingRequest};
use serde::Serialize;
use sim_core::{NodeIx, Tag, Time};
use std::fmt::Write;

/// One pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PingedPair {
    /// Who asked.
    pub from: String,
    /// Whom.
    pub to: String,
    /// Whether the reply came, within a second.
    pub ok: bool,
    /// How long it took, in nanoseconds.
    pub rtt_ns: Option<u64>,
}

/// What a pingall found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PingallReport {
    /// The lab.
    pub lab: String,
    /// Its seed.
    pub seed: u64,
    /// Echo requests sent.
    pub sent: u64,
    /// Replies.
    pub received: u64,
    /// What part of the replies is missing, in percent.
    pub dropped_percent: f64,
    /// All pairs, in order.
    pub pairs: Vec<PingedPair>,
}

impl PingallReport {
    /// The report for programs: one line.
    pub fn json(&self) -> String {
        // Fields of numbers and texts always serialise.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The report in Mininet's words.
    pub fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        let mut before = None;
        for pair in &self.pairs {
            write_pair(&mut text, before, &pair.from, &pair.to, pair.ok);
            before = Some(pair.from.as_str());
        }
        text + &self.summary()
    }

    /// What stands below the pairs.
    fn summary(&self) -> String {
        let mut text = if self.pairs.is_empty() { String::new() } else { "\n".to_owned() };
        if self.sent == 0 {
            return text + "*** Warning: No packets sent\n";
        }
        // Mininet prints the percentage without a fraction.
        let _ = writeln!(
            text,
            "*** Results: {}% dropped ({}/{} received)",
            self.dropped_percent.trunc(),
            self.received,
            self.sent
        );
        text
    }
}

/// What stands above the pairs.
const HEAD: &str = "*** Ping: testing ping reachability\n";

/// Writes a pair behind the one before it, each host that asks on a line of its own.
fn write_pair(text: &mut String, before: Option<&str>, from: &str, to: &str, ok: bool) {
    if before != Some(from) {
        *text += if before.is_some() { "\n" } else { "" };
        let _ = write!(text, "{from} -> ");
    }
    let _ = write!(text, "{} ", if ok { to } else { "X" });
}

/// A pingall on its way.
#[derive(Debug)]
pub struct Pingall {
    tag: Tag,
    hosts: Vec<NodeIx>,
    from: usize,
    to: usize,
    current: Option<PingId>,
    /// For each pair so far: whether it was asked at all, and the round-trip time.
    results: Vec<(bool, Option<u64>)>,
    /// How many of them [`Pingall::news`] has told of; `None` before the first time.
    told: Option<usize>,
}

impl Pingall {
    /// A pingall of all hosts of the lab. It starts with the first [`Pingall::poll`].
    pub fn new(net: &mut Net) -> Self {
        Self::of_the_first(net, usize::MAX)
    }

    /// A pingall of the first `count` hosts of the lab.
    pub fn of_the_first(net: &mut Net, count: usize) -> Self {
        let hosts = net.hosts().map(|(node, _)| node).take(count).collect();
        Self { tag: net.new_tag(), hosts, from: 0, to: 0, current: None, results: Vec::new(), told: None }
    }

    /// The tag of its frames and notices.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// Goes on if the present echo is decided; true when all are.
    pub fn poll(&mut self, net: &mut Net) -> bool {
        loop {
            if let Some(id) = self.current {
                let host = net.host(self.hosts[self.from]);
                let Some(status) = host.and_then(|host| host.ping_status(id)) else { return true };
                if !status.finished {
                    return false;
                }
                self.results.push((true, status.first_rtt().map(sim_core::Duration::as_nanos)));
                net.with_host(self.hosts[self.from], |host, _| host.forget_ping(id));
                self.current = None;
                self.to += 1;
            }
            if self.from >= self.hosts.len() {
                return true;
            }
            if self.to == self.from {
                self.to += 1;
            }
            if self.to >= self.hosts.len() {
                self.from += 1;
                self.to = 0;
                continue;
            }
            self.start(net);
        }
    }

    fn start(&mut self, net: &mut Net) {
        let (from, to) = (self.hosts[self.from], self.hosts[self.to]);
        let ipv6 = net.address_of(from, None).map(|address| address.is_ipv6());
        let tag = self.tag;
        let started = net
            .address_of(to, ipv6)
            .and_then(|address| net.with_host(from, |host, cx| host.ping(cx, PingRequest::new(address, tag)).ok()))
            .flatten();
        self.current = started;
        if started.is_none() {
            self.results.push((false, None));
            self.to += 1;
        }
    }

    /// What [`PingallReport::text`] will say, as far as it is known and wasn't told before.
    pub fn news(&mut self, net: &Net) -> String {
        let mut text = if self.told.is_none() { HEAD.to_owned() } else { String::new() };
        let others = self.hosts.len().saturating_sub(1).max(1);
        let name = |place: usize| net.names().node(self.hosts[place]);
        for number in self.told.unwrap_or(0)..self.results.len() {
            let (from, to) = (number / others, number % others);
            let before = number.checked_sub(1).map(|before| name(before / others));
            write_pair(
                &mut text,
                before,
                name(from),
                name(if to < from { to } else { to + 1 }),
                self.results[number].1.is_some(),
            );
        }
        self.told = Some(self.results.len());
        if self.from >= self.hosts.len() {
            text += &self.report(net).summary();
        }
        text
    }

    /// Ends it before it is done; gives what it found and didn't tell yet.
    pub fn cancel(&mut self, net: &mut Net) -> String {
        if let Some(id) = self.current.take() {
            net.with_host(self.hosts[self.from], |host, _| host.forget_ping(id));
        }
        self.from = self.hosts.len();
        self.news(net)
    }

    /// What was found so far.
    pub fn report(&self, net: &Net) -> PingallReport {
        let name = |node: NodeIx| net.names().node(node).to_owned();
        let pairs = self
            .hosts
            .iter()
            .flat_map(|&from| self.hosts.iter().filter(move |&&to| to != from).map(move |&to| (from, to)));
        let pairs: Vec<PingedPair> = pairs
            .zip(&self.results)
            .map(|((from, to), &(_, rtt_ns))| PingedPair {
                from: name(from),
                to: name(to),
                ok: rtt_ns.is_some(),
                rtt_ns,
            })
            .collect();
        let (sent, received) = (pairs.len() as u64, pairs.iter().filter(|pair| pair.ok).count() as u64);
        let dropped_percent = if sent == 0 { 0.0 } else { (sent - received) as f64 * 100.0 / sent as f64 };
        PingallReport {
            lab: net.name().to_owned(),
            seed: net.engine().seed().0,
            sent,
            received,
            dropped_percent,
            pairs,
        }
    }

    /// Runs to the end on a lab that does nothing else.
    pub fn run(mut self, net: &mut Net) -> PingallReport {
        net.engine_mut().run(sim_core::Until::Through(Time::ZERO));
        while !self.poll(net) {
            match net.engine_mut().run(sim_core::Until::Through(Time::NEVER)) {
                sim_core::Stop::Noticed => while net.engine_mut().next_notice().is_some() {},
                sim_core::Stop::Reached | sim_core::Stop::Exhausted => break,
            }
        }
        self.report(net)
    }
}
