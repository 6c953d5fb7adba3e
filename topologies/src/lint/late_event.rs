//! Events that `check` never sees, since all checks are decided before.

use super::Linter;
use crate::lab::{CheckKind, LabCheck};
use sim_core::{Duration, Time};

pub(super) fn check(l: &mut Linter<'_>) {
    if l.lab.checks().is_empty() {
        return;
    }
    let (mut end, mut last) = (Time::ZERO, Time::ZERO);
    for (_, check) in l.checks() {
        end = check.at.unwrap_or(end) + longest(check);
        last = last.max(end);
    }
    for (number, event) in l.lab.events().iter().enumerate().filter(|(_, event)| event.at > last) {
        let path = ["events".to_owned(), number.to_string(), "at".to_owned()];
        let message =
            format!("happens at {} s, and `check` ends at {last} s at the latest: it never sees the event", event.at);
        l.warn(&path, message, "let it happen earlier, or add a check with an `at` behind it");
    }
}

/// The longest that a check takes from its start.
fn longest(check: &LabCheck) -> Duration {
    match &check.kind {
        // Without `within` they are judged as they start.
        CheckKind::Frames(_) | CheckKind::Drops(_) | CheckKind::Mac(_) => check.limit.unwrap_or(Duration::ZERO),
        CheckKind::Ping(_)
        | CheckKind::Reach(_)
        | CheckKind::Apart(_)
        | CheckKind::Connect(_)
        | CheckKind::Http(_)
        | CheckKind::Path(_) => check.within(),
        CheckKind::Throughput(throughput) => check.within() + throughput.span,
    }
}
