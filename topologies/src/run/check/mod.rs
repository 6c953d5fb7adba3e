//! The checks: each a small machine that is polled when something happened or its time has come.

mod apart;
mod count;
mod mac;
mod ping;

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
        }
    }

    /// What the undecided check has to say when the lab ends before its time.
    pub(crate) fn unfinished(&mut self, net: &mut Net) -> String {
        match self {
            Self::Ping(machine) => machine.drops(net),
            Self::Reach(_) | Self::Apart(_) | Self::Mac(_) => String::new(),
            Self::Count(machine) => machine.describe(net),
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
        PingTarget::Host(node) => {
            let family = ipv6.or_else(|| {
                // The family that both have, IPv4 first.
                [false, true]
                    .into_iter()
                    .find(|&six| net.address_of(from, Some(six)).is_some() && net.address_of(node, Some(six)).is_some())
            });
            net.address_of(node, family)
        }
    }
}
