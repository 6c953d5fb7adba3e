//! `netloom run` keeps to the wall clock: what takes lab time takes as much of the reader's.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the wall clock is what is tested")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use support::{netloom, tempdir};

/// A link of 300 ms each way.
const SLOW: &str = r#"
name = "slow"
[hosts]
h1 = { ip = "10.0.0.1/24", to = "h2", delay = "300ms" }
h2 = "10.0.0.2/24"
"#;
/// After so long without a word, the lab hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running lab with a prompt.
struct Running {
    child: Child,
    prompt: Option<ChildStdin>,
    lines: Receiver<(Instant, String)>,
    _directory: tempfile::TempDir,
}

impl Running {
    fn start(lab: &str) -> Self {
        let directory = tempdir();
        let file = directory.path().join("lab.toml");
        fs::write(&file, lab).expect("the directory is the test's own");
        let mut child = netloom()
            .arg("run")
            .arg(file)
            .env("XDG_RUNTIME_DIR", directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("netloom starts");
        let (prompt, output) = (child.stdin.take(), child.stdout.take().expect("it is piped"));
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Self { child, prompt, lines, _directory: directory }
    }

    /// Types a line; gives when.
    fn say(&mut self, line: &str) -> Instant {
        let prompt = self.prompt.as_mut().expect("the prompt is open");
        let now = Instant::now();
        writeln!(prompt, "{line}").and_then(|()| prompt.flush()).expect("the lab reads its prompt");
        now
    }

    /// The next line that begins with `start`, and when it came.
    fn line(&self, start: &str) -> (Instant, String) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok((at, line)) if line.starts_with(start) => return (at, line),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => panic!("nothing begins with {start:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the lab ended before it said {start:?}"),
            }
        }
    }

    /// Ends the input; gives what is left of the output, and what was said on standard error.
    fn end(mut self) -> (Vec<String>, String) {
        drop(self.prompt.take());
        let rest = self.lines.iter().map(|(_, line)| line).collect();
        let mut errors = String::new();
        self.child.stderr.take().expect("it is piped").read_to_string(&mut errors).expect("netloom writes UTF-8");
        assert_eq!(self.child.wait().expect("it can be waited for").code(), Some(0), "{errors}");
        (rest, errors)
    }
}

/// Standard error says how far the lab lagged behind, and nothing else.
fn only_lag(errors: &str) {
    let lag =
        errors.strip_prefix("the lab was at most ").and_then(|rest| rest.strip_suffix(" ms behind the wall clock\n"));
    let lag: f64 = lag.and_then(|lag| lag.parse().ok()).unwrap_or_else(|| panic!("{errors}"));
    assert!(lag >= 0.0, "{errors}");
}

#[test]
fn a_ping_over_300_ms_each_way_answers_no_earlier_than_600_ms() {
    let mut lab = Running::start(SLOW);
    lab.line("slow: 2 nodes, 1 links");
    // 600 ms to find the address are too long for the first echo, which waits for a second.
    let asked = lab.say("h1 ping h2 -c 1");
    let (answered, _) = lab.line("10.0.0.2 icmp_seq=1 timeout");
    assert!(answered - asked >= Duration::from_secs(1), "{:?}", answered - asked);
    let asked = lab.say("h1 ping h2 -c 1");
    let (answered, line) = lab.line("84 bytes from 10.0.0.2");
    assert!(answered - asked >= Duration::from_millis(600), "{:?}: {line}", answered - asked);
    assert!(line.contains("time=600."), "{line}");
    let (rest, errors) = lab.end();
    assert_eq!(rest, Vec::<String>::new());
    only_lag(&errors);
}

#[test]
fn the_end_of_input_waits_for_the_commands_that_run() {
    let mut lab = Running::start(SLOW);
    let asked = lab.say("h1 ping h2 -c 2");
    let (rest, errors) = lab.end();
    assert!(asked.elapsed() >= Duration::from_millis(1600));
    assert!(rest.last().is_some_and(|line| line.starts_with("84 bytes from 10.0.0.2 icmp_seq=2")), "{rest:?}");
    only_lag(&errors);
}

#[test]
fn lines_that_come_all_at_once_are_all_done() {
    let mut lab = Running::start("[hosts]\nh1 = { ip = \"10.0.0.1/24\", to = \"h2\" }\nh2 = \"10.0.0.2/24\"\n");
    // Taking the link down ends the ping above at once, just as the next line comes in.
    let lines =
        ["h1 ping h2 -c 1 -s 61", "link h1 down", "h1 ping h2 -c 1 -s 62", "link h1 up", "h1 ping h2 -c 1 -s 63"];
    lab.say(&lines.join("\n"));
    let (rest, _) = lab.end();
    let answers = rest.iter().filter(|line| line.contains("bytes from") || line.contains("not reachable")).count();
    assert_eq!(answers, 3, "{rest:?}");
}

#[test]
fn an_event_of_the_file_comes_at_its_time() {
    let event = "[[events]]\nat = \"400ms\"\ndo = \"h1 show ip\"\n";
    let started = Instant::now();
    let lab = Running::start(&format!("{SLOW}{event}"));
    let (shown, _) = lab.line("IP/MASK");
    assert!(shown - started >= Duration::from_millis(400));
    only_lag(&lab.end().1);
}

#[test]
fn for_a_span_of_lab_time_it_does_not_wait() {
    let directory = tempdir();
    let file = directory.path().join("lab.toml");
    fs::write(&file, SLOW).expect("the directory is the test's own");
    let started = Instant::now();
    let mut command = netloom();
    let output = command.arg("run").arg(file).args(["--for", "1000h"]).stdin(Stdio::null()).output();
    let output = output.expect("netloom starts");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("3600000.000000000 s of lab time"), "{text}");
    assert!(started.elapsed() < PATIENCE);
}
