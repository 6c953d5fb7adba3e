//! `netloom explain`: why a packet arrives or doesn't, and what would let it pass.

use crate::cli::{FormatArgs, LabArgs};
use crate::control::client::{self, Target};
use crate::control::protocol::{Answer, Request};
use crate::input;
use crate::output::{FAILED, Failure, Format, PASSED, print};
use clap::Args;
use sim_core::{Duration, NodeIx, Time};
use std::net::IpAddr;
use std::path::Path;
use topologies::lab::{Lab, NodeKind, PingTarget, Transport};
use topologies::run::{Explanation, Question, explain};

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A lab file, or the name of a lab that runs
    lab: String,
    /// The host or server that sends
    #[arg(long, value_name = "NODE")]
    from: String,
    /// The host, server or address that it sends to
    #[arg(long, value_name = "NODE|ADDRESS")]
    to: String,
    /// An echo request, which is what is sent if nothing else is said
    #[arg(long, conflicts_with_all = ["tcp", "udp"])]
    icmp: bool,
    /// A TCP connection to this port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    tcp: Option<u16>,
    /// A UDP datagram to this port
    #[arg(long, value_name = "PORT", conflicts_with = "tcp", value_parser = clap::value_parser!(u16).range(1..))]
    udp: Option<u16>,
    /// Bytes of data in an echo request
    #[arg(long, value_name = "BYTES", default_value_t = 56, value_parser = clap::value_parser!(u16).range(..=65507))]
    size: u16,
    /// When, in lab time; without it, at 1s or when spanning tree has settled
    #[arg(long, value_name = "T", value_parser = input::parse_time)]
    at: Option<Duration>,
    #[command(flatten)]
    args: LabArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// What is asked: a packet by the names of its ends.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The host or server that sends.
    pub(crate) from: String,
    /// The host, server or address that it sends to.
    pub(crate) to: String,
    /// A TCP connection to this port.
    pub(crate) tcp: Option<u16>,
    /// A UDP datagram to this port.
    pub(crate) udp: Option<u16>,
    /// Bytes of data in an echo request.
    pub(crate) size: Option<u16>,
}

/// Explains a packet; the exit code says whether it was answered.
pub(crate) fn run(args: &ExplainArgs) -> Result<u8, Failure> {
    let ExplainArgs { from, to, tcp, udp, size, .. } = args;
    let asked = Asked { from: from.clone(), to: to.clone(), tcp: *tcp, udp: *udp, size: Some(*size) };
    let explanation = match Target::of(&args.lab) {
        Target::File(path) => of_file(&path, &asked, args)?,
        Target::Name(_) | Target::Socket(_) => of_running(asked, args)?,
    };
    match args.format.format {
        Format::Text => print(&explanation.to_string())?,
        Format::Json => print(&explanation.json())?,
    }
    Ok(if explanation.is_delivered() { PASSED } else { FAILED })
}

fn of_file(path: &Path, asked: &Asked, args: &ExplainArgs) -> Result<Explanation, Failure> {
    let loaded = input::load(Some(path), &args.args)?;
    input::print_warnings(&loaded.warnings);
    let lab = loaded.lab;
    let question = asked.question(&lab).map_err(Failure::usage)?;
    let result = match args.at {
        Some(at) => explain::explain(&lab, &question, Time::ZERO + at),
        None => explain::explain_at_rest(&lab, &question),
    };
    let name = path.display().to_string();
    result.map_err(|errors| Failure::mistakes(&input::located(&name, &errors)))
}

/// Asks a lab that runs; it replays itself.
fn of_running(asked: Asked, args: &ExplainArgs) -> Result<Explanation, Failure> {
    let LabArgs { seed, define } = &args.args;
    if args.at.is_some() || seed.is_some() || !define.is_empty() {
        let message = "--at, --seed and -D are for a lab file; of a lab that runs, the present is explained";
        return Err(Failure::usage(message));
    }
    let Asked { from, to, tcp, udp, size } = asked;
    match client::connect(&args.lab)?.call(&Request::Explain { from, to, tcp, udp, size })? {
        Answer::Explanation(explanation) => Ok(*explanation),
        _ => Err(Failure::usage("the lab's reply is not understood")),
    }
}

impl Asked {
    /// The packet in a lab.
    ///
    /// # Errors
    /// What the lab doesn't have, in words.
    pub(crate) fn question(&self, lab: &Lab) -> Result<Question, String> {
        let from = host(lab, "from", &self.from)?;
        let to = match (lab.find(&self.to), self.to.parse::<IpAddr>()) {
            (None, Ok(address)) => PingTarget::Address(address),
            _ => PingTarget::Host(host(lab, "to", &self.to)?),
        };
        if to == PingTarget::Host(from) {
            return Err(format!("to {}: the host sends to itself; name another one", self.to));
        }
        let tcp = self.tcp.map(|port| (Transport::Tcp, port));
        let udp = self.udp.map(|port| (Transport::Udp, port));
        if tcp.is_some() && udp.is_some() {
            return Err("tcp or udp: a packet is one of them".to_owned());
        }
        let question = Question::echo(from, to);
        Ok(Question { port: tcp.or(udp), size: self.size.unwrap_or(question.size), ..question })
    }
}

fn host(lab: &Lab, end: &str, name: &str) -> Result<NodeIx, String> {
    let Some(node) = lab.find(name) else {
        let near = packet::nearest(name, lab.nodes().iter().map(|node| node.name.as_str()));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(format!("{end} {name}: there is no such node{hint}"));
    };
    match lab.node(node).kind {
        NodeKind::Host(_) | NodeKind::Server(_) => Ok(node),
        _ => Err(format!("{end} {name}: name a host or a server, or an address")),
    }
}
