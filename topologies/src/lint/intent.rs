//! Checks that say the same twice, or the opposite of each other.
//!
//! Only checks that see the same lab are compared: not in a file with events, not with an `at`, and a repetition
//! across a check that counts what happened so far may be meant.

use super::Linter;
use crate::lab::{CheckKind, Expect, LabCheck, PingCheck, PingTarget};
use sim_core::NodeIx;

pub(super) fn check(l: &mut Linter<'_>) {
    if !l.lab.events().is_empty() {
        return;
    }
    let comparable: Vec<(usize, &LabCheck)> = l.checks().filter(|(_, check)| check.at.is_none()).collect();
    // A file of ten thousand checks is a program's, and says what it means.
    if comparable.len() > 500 {
        return;
    }
    for (later, second) in &comparable {
        let before = comparable.iter().take_while(|(earlier, _)| earlier < later);
        for &(earlier, first) in before {
            if let Some(pair) = contradiction(l, first, second) {
                let message = format!("contradicts {} about {pair}: one of the two fails", l.check_place(earlier));
                l.warn(&l.check_path(*later), message, "keep the one that says what the lab is to do");
                break;
            }
            let counts_between = l.lab.checks()[earlier..*later].iter().any(|check| counts(&check.kind));
            if !counts_between && says(&first.kind, &second.kind) {
                let message = format!("says what {} says already", l.check_place(earlier));
                l.warn(&l.check_path(*later), message, "leave one of the two out");
                break;
            }
            if !counts_between && says(&second.kind, &first.kind) {
                let message = format!("is part of what {} says below", l.check_place(*later));
                l.warn(&l.check_path(earlier), message, "leave it out");
                break;
            }
        }
    }
}

const fn counts(kind: &CheckKind) -> bool {
    matches!(kind, CheckKind::Frames(_) | CheckKind::Drops(_) | CheckKind::Mac(_))
}

/// Whether all that the second says is in the first.
fn says(first: &CheckKind, second: &CheckKind) -> bool {
    let within = |all: &[NodeIx], some: &[NodeIx]| some.iter().all(|node| all.contains(node));
    match (first, second) {
        (CheckKind::Ping(a), CheckKind::Ping(b)) => {
            (a.from, a.to, a.count, a.size, a.family, a.expect) == (b.from, b.to, b.count, b.size, b.family, b.expect)
        }
        (CheckKind::Reach(all), CheckKind::Reach(some)) | (CheckKind::Apart(all), CheckKind::Apart(some)) => {
            within(all, some)
        }
        (CheckKind::Reach(all), CheckKind::Ping(ping)) => plain(ping).is_some_and(|pair| within(all, &pair)),
        _ => false,
    }
}

/// The hosts of a ping that says no more than `reach` would.
fn plain(ping: &PingCheck) -> Option<[NodeIx; 2]> {
    let PingTarget::Host(to) = ping.to else { return None };
    let is_plain = ping.expect == Expect::Reachable && ping.count == 1 && ping.size == 56 && ping.family.is_none();
    is_plain.then_some([ping.from, to])
}

/// The hosts, in words, of whom one check wants what the other forbids.
fn contradiction(l: &Linter<'_>, first: &LabCheck, second: &LabCheck) -> Option<String> {
    one_way(l, &first.kind, &second.kind).or_else(|| one_way(l, &second.kind, &first.kind))
}

fn one_way(l: &Linter<'_>, wants: &CheckKind, forbids: &CheckKind) -> Option<String> {
    let name = |node: NodeIx| l.lab.node(node).name.as_str();
    let pair = |a, b| Some(format!("{} and {}", name(a), name(b)));
    match (wants, forbids) {
        (CheckKind::Reach(hosts), CheckKind::Apart(apart)) => {
            let both: Vec<NodeIx> = hosts.iter().copied().filter(|host| apart.contains(host)).collect();
            let pairs = both.iter().enumerate().flat_map(|(at, a)| both[..at].iter().map(move |b| (*b, *a)));
            pairs.into_iter().find(|&(a, b)| are_neighbours(l, a, b)).and_then(|(a, b)| pair(a, b))
        }
        (CheckKind::Reach(hosts), CheckKind::Ping(ping)) => match (ping.expect, ping.family, ping.to) {
            (Expect::Unreachable, None, PingTarget::Host(to)) if hosts.contains(&ping.from) && hosts.contains(&to) => {
                pair(ping.from, to)
            }
            _ => None,
        },
        (CheckKind::Ping(a), CheckKind::Ping(b)) => match (a.expect, b.expect, a.to) {
            (Expect::Reachable, Expect::Unreachable, PingTarget::Host(to))
                if (a.from, a.to, a.size, a.family) == (b.from, b.to, b.size, b.family) =>
            {
                pair(a.from, to)
            }
            _ => None,
        },
        (CheckKind::Ping(ping), CheckKind::Apart(apart)) => {
            let [from, to] = plain(ping)?;
            (apart.contains(&from) && apart.contains(&to) && are_neighbours(l, from, to)).then(|| pair(from, to))?
        }
        _ => None,
    }
}

/// Whether two hosts reach each other without a router: then a reply is a frame that arrived.
fn are_neighbours(l: &Linter<'_>, a: NodeIx, b: NodeIx) -> bool {
    let addresses = |node| l.layout.stations_of(node).flat_map(|station| station.addresses);
    addresses(a).all(|own| addresses(b).any(|other| own.contains(other.address())))
        && addresses(b).all(|own| addresses(a).any(|other| own.contains(other.address())))
}
