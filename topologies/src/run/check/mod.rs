//! The checks: each a small machine that is polled when something happened or its time has come.

mod apart;
mod connect;
mod count;
mod http;
mod mac;
mod path;
mod ping;
mod throughput;
mod tries;

use super::net::Net;
use super::report::Status;
use crate::lab::{CheckKind, DropsSite, LabCheck, PingTarget};
use sim_core::Time;

/// What a poll finds.
pub(crate) enum Poll {
    /// Undecided; poll again at this time, or when something happens.
    Wait(Time),
    /// Decided.
    Done(Verdict),
}

/// How a check came out, and what was seen.
pub(crate) struct Verdict {
    pub(crate) status: Status,
    pub(crate) detail: String,
}

impl Verdict {
    fn passed(detail: impl Into<String>) -> Poll {
        Poll::Done(Self { status: Status::Passed, detail: detail.into() })
    }

    fn failed(detail: impl Into<String>) -> Poll {
        Poll::Done(Self { status: Status::Failed, detail: detail.into() })
    }

    /// A sender that put no frame on a wire proves nothing.
    fn nothing_sent(sender: &str, met: &str) -> Poll {
        Self::vacuous(joined(format!("{sender} put no frame on a wire, so this proves nothing"), met))
    }

    fn vacuous(detail: impl Into<String>) -> Poll {
        Poll::Done(Self { status: Status::Vacuous, detail: detail.into() })
    }
}

/// A check that has started.
#[derive(Debug)]
pub(crate) enum Machine {
    Ping(ping::PingMachine),
    Reach(ping::ReachMachine),
    Apart(apart::ApartMachine),
    Count(count::CountMachine),
    Mac(mac::MacMachine),
    Connect(connect::ConnectMachine),
    Http(Box<http::HttpMachine>),
    Throughput(throughput::ThroughputMachine),
    Path(Box<path::PathMachine>),
}

/// What a check needs from time 0 on, before it starts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prepared {
    counter: Option<usize>,
}

/// Sets up what a check counts from time 0.
pub(crate) fn prepare(net: &mut Net, check: &LabCheck) -> Prepared {
    let CheckKind::Frames(frames) = &check.kind else { return Prepared::default() };
    use crate::lab::Directions;
    let dirs = match frames.directions {
        Directions::Forward => vec![frames.link.forward()],
        Directions::Backward => vec![frames.link.backward()],
        Directions::Both => vec![frames.link.forward(), frames.link.backward()],
    };
    let filter = frames.filter.as_ref().map(|filter| filter.matcher);
    Prepared { counter: Some(net.count_frames(dirs, filter)) }
}

impl Machine {
    /// Starts a check, now.
    pub(crate) fn start(net: &mut Net, check: &LabCheck, prepared: Prepared) -> Self {
        let (now, within) = (net.engine().now(), check.within());
        match &check.kind {
            CheckKind::Ping(ping) => Self::Ping(ping::PingMachine::start(net, ping, within)),
            CheckKind::Reach(hosts) => Self::Reach(ping::ReachMachine::start(net, hosts, within)),
            CheckKind::Apart(hosts) => Self::Apart(apart::ApartMachine::start(net, hosts, within)),
            CheckKind::Frames(frames) => {
                let what = count::Counted::Frames(prepared.counter.unwrap_or_default());
                Self::Count(count::CountMachine::new(what, frames.min, frames.max, check.limit.map(|l| now + l)))
            }
            CheckKind::Drops(drops) => {
                let port = match &drops.site {
                    DropsSite::Port(node, name) => net.names().find_port(*node, name),
                    _ => None,
                };
                let what = count::Counted::Drops { site: drops.site.clone(), port, reason: drops.reason };
                Self::Count(count::CountMachine::new(what, drops.min, drops.max, check.limit.map(|l| now + l)))
            }
            CheckKind::Mac(mac) => Self::Mac(mac::MacMachine::new(mac, check.limit.map(|l| now + l))),
            CheckKind::Connect(connect) => Self::Connect(connect::ConnectMachine::start(net, connect, within)),
            CheckKind::Http(http) => Self::Http(Box::new(http::HttpMachine::start(net, http, within))),
            CheckKind::Path(path) => Self::Path(Box::new(path::PathMachine::start(net, path, within))),
            CheckKind::Throughput(run) => Self::Throughput(throughput::ThroughputMachine::start(net, run, within)),
        }
    }

    /// Looks whether the check is decided.
    pub(crate) fn poll(&mut self, net: &mut Net) -> Poll {
        match self {
            Self::Ping(machine) => machine.poll(net),
            Self::Reach(machine) => machine.poll(net),
            Self::Apart(machine) => machine.poll(net),
            Self::Count(machine) => machine.poll(net),
            Self::Mac(machine) => machine.poll(net),
            Self::Connect(machine) => machine.poll(net),
            Self::Http(machine) => machine.poll(net),
            Self::Throughput(machine) => machine.poll(net),
            Self::Path(machine) => machine.poll(net),
        }
    }

    /// What the undecided check has to say when the lab ends before its time.
    pub(crate) fn unfinished(&mut self, net: &mut Net) -> String {
        match self {
            Self::Ping(machine) => machine.drops(net),
            Self::Reach(_) | Self::Apart(_) | Self::Mac(_) => String::new(),
            Self::Count(machine) => machine.describe(net),
            Self::Connect(machine) => machine.finish(net),
            Self::Http(machine) => machine.finish(net),
            Self::Throughput(machine) => machine.finish(net),
            Self::Path(machine) => machine.finish(net),
        }
    }

    /// Whether the check must see every counted frame and drop as it happens.
    pub(crate) fn is_impatient(&self) -> bool {
        matches!(self, Self::Count(_))
    }
}

/// The address that a ping goes to.
fn target_address(net: &Net, from: sim_core::NodeIx, to: PingTarget, ipv6: Option<bool>) -> Option<std::net::IpAddr> {
    match to {
        PingTarget::Address(address) => Some(address),
        PingTarget::Host(node) => match ipv6 {
            Some(_) => net.address_of(node, ipv6),
            None => net.common_address(from, node).or_else(|| net.address_of(node, None)),
        },
    }
}

fn joined(first: String, then: &str) -> String {
    if then.is_empty() { first } else { format!("{first}: {then}") }
}

/// Whom a check asks: a host's name with the address that was chosen, or the address.
fn target_name(net: &Net, to: PingTarget, address: Option<std::net::IpAddr>) -> String {
    match (to, address) {
        (PingTarget::Host(node), Some(address)) => format!("{} ({address})", net.names().node(node)),
        (PingTarget::Host(node), None) => net.names().node(node).to_owned(),
        (PingTarget::Address(address), _) => address.to_string(),
    }
}

/// Reports the frames that a check's own tag met, and forgets the tag.
fn drops_of(net: &mut Net, tag: sim_core::Tag) -> String {
    let found = net.engine().watch().drops_of(tag);
    net.engine_mut().watch_mut().forget(tag);
    found
}
