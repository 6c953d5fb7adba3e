//! Reports as JUnit's XML, which build servers read.
//!
//! A suite for each run, a case for each check. A vacuous check proves nothing and is skipped. There is no clock in it:
//! `time` is lab time, from the decision before to the check's own, so the same labs give the same bytes.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use std::path::Path;
use std::time::Duration;
use topologies::run::{Report, Status};

/// The suite of a report; the seed is part of its name where a lab runs with several.
pub(super) fn suite(report: &Report, is_sweep: bool) -> TestSuite {
    let name = if is_sweep { format!("{} seed {}", report.lab, report.seed) } else { report.lab.clone() };
    let mut suite = TestSuite::new(name.clone());
    suite.add_property(("seed", report.seed.to_string().as_str()));
    let mut before = 0;
    for check in &report.checks {
        let status = match check.status {
            Status::Passed => TestCaseStatus::success(),
            Status::Failed => non_success(NonSuccessKind::Failure, &check.detail),
            Status::Vacuous => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(format!("vacuous: {}", check.detail));
                status
            }
        };
        let mut case = TestCase::new(check.name.clone(), status);
        case.set_classname(name.clone());
        case.set_time(Duration::from_nanos(check.at_ns.saturating_sub(before)));
        if check.status == Status::Passed && !check.detail.is_empty() {
            case.set_system_out(lines(&check.detail));
        }
        before = before.max(check.at_ns);
        suite.add_test_case(case);
    }
    suite.set_time(Duration::from_nanos(before));
    suite
}

/// The suite of a lab that can't be read.
pub(super) fn broken(lab: &Path, failure: &str) -> TestSuite {
    let name = lab.display().to_string();
    let mut suite = TestSuite::new(name.clone());
    let mut case = TestCase::new("the lab file", non_success(NonSuccessKind::Error, failure));
    case.set_classname(name);
    suite.add_test_case(case);
    suite
}

fn non_success(kind: NonSuccessKind, detail: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    let first = detail.split("; ").next().unwrap_or_default();
    status.set_message(first.lines().next().unwrap_or_default());
    status.set_description(lines(detail));
    status
}

/// A detail with its parts on lines of their own.
fn lines(detail: &str) -> String {
    detail.replace("; ", "\n")
}

/// The whole document.
pub(super) fn document(suites: Vec<TestSuite>) -> Result<String, String> {
    let mut report = quick_junit::Report::new("netloom");
    report.add_test_suites(suites);
    report.to_string().map_err(|error| error.to_string())
}
