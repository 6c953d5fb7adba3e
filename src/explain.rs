//! `netloom explain`: why a packet arrives or doesn't, and what would let it pass.

use crate::cli::{FormatArgs, LabArgs};
use crate::control::client::Target;
use crate::input;
use crate::output::{FAILED, Failure, Format, PASSED, print};
use clap::Args;
use sim_core::{Duration, NodeIx, Time};
use std::net::IpAddr;
use topologies::lab::{Lab, NodeKind, PingTarget, Transport};
use topologies::run::{Question, explain};

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A lab file
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

/// Explains a packet; the exit code says whether it was answered.
pub(crate) fn run(args: &ExplainArgs) -> Result<u8, Failure> {
    let Target::File(path) = Target::of(&args.lab) else {
        let message = format!(
            "explain replays a lab from its file: `netloom save {0} > {0}.toml` writes the file of a lab that runs",
            args.lab
        );
        return Err(Failure::usage(message));
    };
    let loaded = input::load(Some(&path), &args.args)?;
    input::print_warnings(&loaded.warnings);
    let lab = loaded.lab;
    let question = question(&lab, args)?;
    let result = match args.at {
        Some(at) => explain::explain(&lab, &question, Time::ZERO + at),
        None => explain::explain_at_rest(&lab, &question),
    };
    let name = path.display().to_string();
    let explanation = result.map_err(|errors| Failure::mistakes(&input::located(&name, &errors)))?;
    match args.format.format {
        Format::Text => print(&explanation.to_string())?,
        Format::Json => print(&explanation.json())?,
    }
    Ok(if explanation.is_delivered() { PASSED } else { FAILED })
}

fn question(lab: &Lab, args: &ExplainArgs) -> Result<Question, Failure> {
    let from = host(lab, "--from", &args.from)?;
    let to = match (lab.find(&args.to), args.to.parse::<IpAddr>()) {
        (None, Ok(address)) => PingTarget::Address(address),
        _ => PingTarget::Host(host(lab, "--to", &args.to)?),
    };
    if to == PingTarget::Host(from) {
        return Err(Failure::usage(format!("--to {}: the host sends to itself; name another one", args.to)));
    }
    let tcp = args.tcp.map(|port| (Transport::Tcp, port));
    let udp = args.udp.map(|port| (Transport::Udp, port));
    Ok(Question { from, to, port: tcp.or(udp), size: args.size })
}

fn host(lab: &Lab, option: &str, name: &str) -> Result<NodeIx, Failure> {
    let Some(node) = lab.find(name) else {
        let near = packet::nearest(name, lab.nodes().iter().map(|node| node.name.as_str()));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Failure::usage(format!("{option} {name}: there is no such node{hint}")));
    };
    match lab.node(node).kind {
        NodeKind::Host(_) | NodeKind::Server(_) => Ok(node),
        _ => Err(Failure::usage(format!("{option} {name}: name a host or a server, or an address"))),
    }
}
