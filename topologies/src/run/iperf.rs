//! `iperf` and `iperfudp`: what can be sent from one host to another, in Mininet's words.

use super::measure::{self, Measurement, Plan};
use super::net::Net;
use super::prompt::CommandError;
use crate::lab::Transport;
use sim_core::{Duration, NodeIx, Tag};

/// How long Mininet measures.
const SPAN: Duration = Duration::from_secs(5);

/// The rate of `iperfudp` in bit/s if none is told: Mininet's.
const UDP_RATE: u64 = 10_000_000;

/// A measurement that was typed.
#[derive(Debug)]
pub struct Iperf {
    running: Option<Measurement>,
    tag: Tag,
    head: String,
    is_told: bool,
    /// The rate that UDP was to send, as in `10M`.
    asked: Option<String>,
}

impl Iperf {
    /// Begins: `[HOST HOST]`, for UDP with the rate in front if one is told.
    ///
    /// # Errors
    /// What is wrong with the words, or why nothing can be measured.
    pub(super) fn start(net: &mut Net, transport: Transport, words: &[String]) -> Result<Self, CommandError> {
        let name = if transport == Transport::Tcp { "iperf" } else { "iperfudp" };
        let (rate, hosts) = match (transport, words) {
            (Transport::Udp, [rate, hosts @ ..]) if rate.starts_with(|c: char| c.is_ascii_digit()) => {
                let wrong = || CommandError::new(format!("{name}: `{rate}` is no rate: write it as in 10Mbit"));
                let bits = crate::spec::units::rate(rate).ok().filter(|rate| *rate > 0).ok_or_else(wrong)?;
                (Some(bits), hosts)
            }
            _ => (None, words),
        };
        let (from, to) = ends(net, name, hosts)?;
        let rate = (transport == Transport::Udp).then_some(rate.unwrap_or(UDP_RATE));
        let tag = net.new_tag();
        let running = Measurement::start(net, Plan { from, to, transport, rate, span: SPAN }, tag)
            .map_err(|error| CommandError::new(format!("{name}: {error}")))?;
        let proto = if transport == Transport::Tcp { "TCP" } else { "UDP" };
        let (a, b) = (net.names().node(from), net.names().node(to));
        let head = format!("*** Iperf: testing {proto} bandwidth between {a} and {b} \n");
        let asked = rate.map(|rate| bandwidth(rate as f64));
        Ok(Self { running: Some(running), tag, head, is_told: false, asked })
    }

    /// The tag of its frames and notices.
    pub(super) fn tag(&self) -> Tag {
        self.tag
    }

    /// What it printed since this was last asked, and whether it is over.
    pub(super) fn poll(&mut self, net: &mut Net) -> (String, bool) {
        let mut text = if std::mem::replace(&mut self.is_told, true) { String::new() } else { self.head.clone() };
        let report = self.running.as_ref().and_then(|running| running.report(net));
        let Some(report) = report else { return (text, true) };
        if report.state == host::TransferState::Running {
            return (text, false);
        }
        self.cancel(net);
        text += &match measure::failure(&report) {
            Some(why) => format!("*** Results: none: {why}\n"),
            None => {
                let elapsed = report.elapsed.as_secs_f64();
                let sent = if elapsed > 0.0 { report.sent as f64 * 8.0 / elapsed } else { 0.0 };
                let rates = [report.goodput(), sent].map(bandwidth);
                let parts: Vec<String> = self.asked.iter().chain(&rates).map(|part| format!("'{part}'")).collect();
                format!("*** Results: [{}]\n", parts.join(", "))
            }
        };
        (text, true)
    }

    /// Ends it.
    pub(super) fn cancel(&mut self, net: &mut Net) {
        if let Some(running) = self.running.take() {
            running.finish(net);
        }
    }
}

/// The two hosts: those that are named, or the first and the last.
fn ends(net: &Net, name: &str, words: &[String]) -> Result<(NodeIx, NodeIx), CommandError> {
    let usage = || CommandError::new(format!("{name}: name two hosts, as in `{name} h1 h2`"));
    let find = |word: &String| {
        let node = super::prompt::find_node(net, word)?;
        let is_host = net.host(node).is_some();
        if is_host { Ok(node) } else { Err(CommandError::new(format!("{name}: `{word}` is no host"))) }
    };
    let (from, to) = match words {
        [] => {
            let hosts: Vec<NodeIx> = net.hosts().map(|(node, _)| node).collect();
            match hosts.as_slice() {
                [first, .., last] => (*first, *last),
                _ => return Err(usage()),
            }
        }
        [from, to] => (find(from)?, find(to)?),
        _ => return Err(usage()),
    };
    if from == to { Err(usage()) } else { Ok((from, to)) }
}

/// A rate as iperf 2 prints it: three digits.
fn bandwidth(bits: f64) -> String {
    let (value, unit) = match bits {
        bits if bits >= 1e9 => (bits / 1e9, "Gbits/sec"),
        bits if bits >= 1e6 => (bits / 1e6, "Mbits/sec"),
        bits if bits >= 1e3 => (bits / 1e3, "Kbits/sec"),
        bits => (bits, "bits/sec"),
    };
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {unit}")
}
