//! What a failed check has to say of the packet that didn't arrive: where it ended and why. No lines are tried, so that a
//! report stays quick; `netloom explain` tries them.

use super::Question;
use super::trial::look;
use crate::lab::{CheckKind, Expect, Lab, LabCheck, PathExpect, PingTarget, PortExpect, Transport};
use crate::run::history::Past;
use host::{Protocol, Service};
use sim_core::Time;

/// The most pairs of a `reach` check that are looked at for one that fails.
const MAX_PAIRS: usize = 30;
/// The most events of a replay.
const MAX_EVENTS: u64 = 5_000_000;

/// Why what a check wants to arrive doesn't, at a time; `None` if it wants nothing of the kind, or the packet arrives in a
/// lab in which nothing else is asked.
pub(crate) fn of_check(lab: &Lab, check: &LabCheck, at: Time) -> Option<String> {
    let questions = questions(&check.kind);
    if questions.is_empty() {
        return None;
    }
    let mut session = Past::of_file(lab).replay(at, MAX_EVENTS).ok()?;
    if let (CheckKind::Connect(connect), PingTarget::Host(node)) = (&check.kind, questions[0].to) {
        // As the check does.
        let protocol: Protocol = connect.transport.into();
        session.net_mut().with_host(node, |host, _| {
            if !host.listens(protocol, connect.port) {
                // A port that can't be served is one that the explanation will tell of.
                let _ = host.serve(protocol, connect.port, Service::Echo);
            }
        });
    }
    questions.iter().find_map(|question| {
        let explanation = look(&mut session, question).explanation;
        let text = explanation.outcome.to_string();
        (!explanation.is_delivered()).then(|| match questions.len() {
            1 => text,
            _ => format!("{}: {text}", explanation.question),
        })
    })
}

fn questions(kind: &CheckKind) -> Vec<Question> {
    match kind {
        CheckKind::Ping(ping) if ping.expect == Expect::Reachable => {
            vec![Question { size: ping.size, ..Question::echo(ping.from, ping.to) }]
        }
        CheckKind::Connect(connect) if connect.expect == PortExpect::Reachable => {
            vec![Question { port: Some((connect.transport, connect.port)), ..Question::echo(connect.from, connect.to) }]
        }
        CheckKind::Http(http) if http.expect == Expect::Reachable => {
            vec![Question { port: Some((Transport::Tcp, http.port)), ..Question::echo(http.from, http.to) }]
        }
        CheckKind::Path(path) if matches!(path.expect, PathExpect::Via(_)) => vec![Question::echo(path.from, path.to)],
        CheckKind::Reach(hosts) => {
            let pairs = hosts.iter().flat_map(|&from| hosts.iter().map(move |&to| (from, to)));
            let pairs = pairs.filter(|(from, to)| from != to).take(MAX_PAIRS);
            pairs.map(|(from, to)| Question::echo(from, PingTarget::Host(to))).collect()
        }
        _ => Vec::new(),
    }
}
