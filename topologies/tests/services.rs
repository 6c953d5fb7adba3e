//! The checks of services: what each passes at, what it says when it doesn't, and when it proves nothing.

use topologies::run::{End, Report, Session, Status};

const LAB: &str = r#"
[switches.s1.ports]
a = { tag = 9, to = "a" }
b = { tag = 9, to = "b", rate = "10Mbit", queue = 50 }
c = { tag = 19, to = "c" }
[hosts]
a = { ip = ["10.0.0.1/24", "2001:db8::1/64"], run = ["http 80", "listen tcp 22"] }
b = "10.0.0.2/24"
c = "10.0.0.3/24"
d = "10.0.0.4/24"
"#;

fn report(checks: &str) -> Report {
    let text = format!("{LAB}{checks}");
    let loaded = topologies::parse("services.toml", &text, &[]).unwrap_or_else(|found| panic!("{found:#?}"));
    let mut session = Session::new(loaded.lab).unwrap_or_else(|errors| panic!("{errors:#?}"));
    session.run(End::Decided);
    assert!(session.take_errors().is_empty());
    session.report()
}

/// One check, how it comes out, and what its detail says.
#[track_caller]
fn check(check: &str, status: Status, detail: &[&str]) {
    let report = report(&format!("[[checks]]\n{check}\n"));
    let found = &report.checks[0];
    assert_eq!(found.status, status, "{check}: {}", found.detail);
    for part in detail {
        assert!(found.detail.contains(part), "{check}: {} lacks {part}", found.detail);
    }
}

#[test]
fn a_port_answers_refuses_or_is_silent() {
    check("tcp = { from = \"b\", to = \"a\", port = 22 }", Status::Passed, &["a (10.0.0.1) port 22 answered after"]);
    // Nothing listens: the check does.
    check("tcp = { from = \"b\", to = \"a\", port = 23 }", Status::Passed, &["port 23 answered"]);
    check("udp = { from = \"b\", to = \"a\", port = 53 }", Status::Passed, &["port 53 answered"]);
    check("tcp = { from = \"b\", to = \"a\", port = 23, expect = \"refused\" }", Status::Passed, &["refused"]);
    check("tcp = { from = \"b\", to = \"a\", port = 22, expect = \"refused\" }", Status::Failed, &["should not"]);
    check("tcp = { from = \"b\", to = \"a\", port = 22, expect = \"unreachable\" }", Status::Failed, &["should not"]);
    let apart = "tcp = { from = \"c\", to = \"a\", port = 22, expect = \"unreachable\" }";
    check(apart, Status::Passed, &["no answer from a (10.0.0.1) port 22 within 5s", "vlan_not_allowed"]);
    check(
        "tcp = { from = \"c\", to = \"a\", port = 22 }",
        Status::Failed,
        &["no answer", "vlan_not_allowed", "no_neighbor"],
    );
    let silent = "udp = { from = \"c\", to = \"a\", port = 53 }\nwithin = \"2s\"";
    check(silent, Status::Failed, &["within 2s", "vlan_not_allowed"]);
    check("tcp = { from = \"b\", to = \"10.0.0.9\", port = 22 }", Status::Failed, &["10.0.0.9 port 22", "no_neighbor"]);
}

#[test]
fn a_host_without_a_wire_proves_nothing() {
    let nothing = "d put no frame on a wire, so this proves nothing";
    check("tcp = { from = \"d\", to = \"a\", port = 22, expect = \"unreachable\" }", Status::Vacuous, &[nothing]);
    check("udp = { from = \"d\", to = \"a\", port = 22, expect = \"unreachable\" }", Status::Vacuous, &[nothing]);
    check("http = { from = \"d\", url = \"http://a/\", expect = \"unreachable\" }", Status::Vacuous, &[nothing]);
}

#[test]
fn what_a_check_opens_it_closes() {
    let report = report(
        "[[checks]]\ntcp = { from = \"b\", to = \"a\", port = 99 }\n\
         [[checks]]\ntcp = { from = \"b\", to = \"a\", port = 99, expect = \"refused\" }\n",
    );
    assert!(report.checks.iter().all(|check| check.status == Status::Passed), "{}", report.text());
}

#[test]
fn a_page_has_a_status_and_a_text() {
    check("http = { from = \"b\", url = \"http://a/\", contains = \"<title>a\" }", Status::Passed, &["answered 200"]);
    check("http = { from = \"b\", url = \"http://10.0.0.1/none\", status = 404 }", Status::Passed, &["404"]);
    check("http = { from = \"b\", url = \"http://a/none\" }", Status::Failed, &["404", "200 is wanted"]);
    check(
        "http = { from = \"b\", url = \"http://a/\", contains = \"cats\" }",
        Status::Failed,
        &["doesn't contain `cats`"],
    );
    check("http = { from = \"b\", url = \"http://a:81/\" }", Status::Failed, &["was not had", "refused"]);
    check("http = { from = \"b\", url = \"http://a/\", expect = \"unreachable\" }", Status::Failed, &["should not"]);
    let apart = "http = { from = \"c\", url = \"http://a/\", expect = \"unreachable\" }";
    check(apart, Status::Passed, &["no answer", "vlan_not_allowed"]);
}

#[test]
fn a_throughput_is_what_arrives() {
    let run = |keys: &str| format!("throughput = {{ from = \"a\", to = \"b\", for = \"1s\", {keys} }}");
    check(&run("min = \"9Mbit\", max = \"10Mbit\""), Status::Passed, &["Mbit/s in"]);
    check(&run("min = \"11Mbit\""), Status::Failed, &["at least 11.00 Mbit/s wanted"]);
    check(&run("max = \"5Mbit\""), Status::Failed, &["at most 5.00 Mbit/s wanted"]);
    check(&run("proto = \"udp\", rate = \"2Mbit\", min = \"1.9Mbit\""), Status::Passed, &["0 of", "datagrams lost"]);
    check(&run("proto = \"udp\", rate = \"20Mbit\", min = \"15Mbit\""), Status::Failed, &["queue_full"]);
    let apart = "throughput = { from = \"c\", to = \"a\", for = \"1s\" }\nwithin = \"1s\"";
    check(apart, Status::Failed, &["no data arrived", "vlan_not_allowed"]);
}
