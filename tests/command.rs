//! The subcommands as a shell meets them: what they read, print, and end with.

mod support;

use pcap::Reader;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use support::{netloom, tempdir};

/// Two hosts on a switch; h2 is 1 ms away, so that the first echo takes 4.04 ms and the next 2.02 ms.
const LAB: &str = r#"name = "pair"
seed = 3
[switches.s1.ports]
h1 = { to = "h1" }
h2 = { to = "h2", delay = "1ms" }
[hosts]
h1 = "10.0.0.1/24"
h2 = "10.0.0.2/24"
"#;

/// A lab file of its own directory.
struct Lab {
    _directory: tempfile::TempDir,
    file: PathBuf,
}

impl Lab {
    fn new(text: &str) -> Self {
        let directory = tempdir();
        let file = directory.path().join("lab.toml");
        fs::write(&file, text).expect("the directory is the test's own");
        Self { _directory: directory, file }
    }

    /// Runs a subcommand on the lab.
    fn run(&self, command: &str, arguments: &[&str]) -> Output {
        netloom().arg(command).arg(&self.file).args(arguments).stdin(Stdio::null()).output().expect("netloom starts")
    }

    /// What `exec` prints; it must succeed.
    #[track_caller]
    fn exec(&self, line: &str) -> String {
        let output = self.run("exec", &Vec::from_iter(line.split_whitespace()));
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        text(&output.stdout)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("netloom writes UTF-8")
}

/// Runs `netloom run` with lines on its standard input; gives what it printed after its greeting.
fn prompt(lab: &Path, lines: &str) -> Vec<String> {
    let mut child = netloom()
        .args(["run", "--no-socket"])
        .arg(lab)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("netloom starts");
    child.stdin.take().expect("it is piped").write_all(lines.as_bytes()).expect("the lab reads its prompt");
    let output = child.wait_with_output().expect("it ends with its input");
    assert_eq!(output.status.code(), Some(0));
    let printed = text(&output.stdout);
    let mut lines = printed.lines().map(str::to_owned);
    let greeting = lines.next().expect("it greets");
    assert!(greeting.starts_with("pair: 3 nodes, 2 links."), "{greeting}");
    lines.collect()
}

#[test]
fn exec_runs_to_a_second_or_to_the_time_given_and_prints_the_command_s_words() {
    let lab = Lab::new(LAB);
    let two = "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=4.040 ms\n84 bytes from 10.0.0.2 icmp_seq=2 ttl=64 time=2.020 ms\n";
    assert_eq!(lab.exec("h1 ping h2 -c 2"), two);
    assert_eq!(lab.exec("h1 ping h2 -c 2 --at 30s"), two);
    assert_eq!(lab.exec("h1 ping 10.0.0.9 -c 1"), "host (10.0.0.9) not reachable\n");
    let shown = lab.exec("h1 show ip");
    assert!(shown.starts_with("NAME      : h1\n") && shown.contains("IP/MASK   : 10.0.0.1/24\n"), "{shown}");
}

#[test]
fn exec_runs_an_event_of_the_file_first_if_its_time_is_before() {
    let lab = Lab::new(&format!("{LAB}[[events]]\nat = \"2s\"\ndo = \"h1 ping h2 -c 1\"\n"));
    let table = |line: &str| {
        let shown = lab.exec(line);
        shown.lines().skip(1).filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).collect::<Vec<_>>()
    };
    assert_eq!(table("s1 ovs-appctl fdb/show br0"), [0; 0], "nobody has spoken at 1 s");
    assert_eq!(table("s1 ovs-appctl fdb/show br0 --at 2s"), [0; 0], "and at 2 s no frame has arrived yet");
    assert_eq!(table("s1 ovs-appctl fdb/show br0 --at 12500ms"), [10, 10]);
    assert_eq!(table("s1 ovs-appctl fdb/show br0 --at 400s"), [0; 0], "stations age");
}

#[test]
fn exec_waits_for_the_checks_if_there_are_some() {
    let lab = Lab::new(&format!("{LAB}[[checks]]\nat = \"5s\"\nping = {{ from = \"h1\", to = \"h2\" }}\n"));
    assert!(lab.exec("checks").starts_with("pass    ping h1 h2  (5.004040 s)"), "{}", lab.exec("checks"));
    assert_eq!(lab.exec("checks --at 1s"), "waits   ping h1 h2\n");
}

#[test]
fn at_the_prompt_the_checks_run_when_they_are_asked_for_and_then_again() {
    let lab = Lab::new(&format!("{LAB}[[checks]]\nping = {{ from = \"h1\", to = \"h2\" }}\n"));
    let table = prompt(&lab.file, "s1 ovs-appctl fdb/show br0\n");
    assert_eq!(table, [" port  VLAN  MAC                Age"], "nobody has spoken");
    let reports = prompt(&lab.file, "checks\nh1 ping h2 -c 2\nchecks\n").join("\n");
    assert!(reports.contains("pass    ping h1 h2") && reports.contains("pair: 1 passed, 0 failed"), "{reports}");
}

#[test]
fn exec_speaks_open_vswitch_s_words_on_a_switch() {
    let lab = Lab::new(LAB);
    let shown = lab.exec("s1 ovs-vsctl show");
    let indented = |line: &str| format!("\n{line}\n");
    for line in ["    Bridge br0", "        Port h1", "            Interface h1", "                type: internal"] {
        assert!(shown.contains(&indented(line)), "{line:?} in\n{shown}");
    }
    assert_eq!(lab.exec("s1 ovs-vsctl list-ports br0"), "h1\nh2\n");
    assert_eq!(lab.exec("s1 ovs-vsctl get port h1 tag"), "[]\n");
    assert_eq!(lab.exec("s1 ovs-appctl fdb/show br0"), " port  VLAN  MAC                Age\n");
}

#[test]
fn exec_ends_with_the_command_s_own_status() {
    let lab = Lab::new(LAB);
    for (line, status, message) in [
        ("frobnicate", 1, "neither a node nor a lab command"),
        ("helpp", 1, "did you mean `help`?"),
        ("h1 frobnicate", 1, "unknown command `frobnicate`"),
        ("s1 ls", 127, "ls: command not found"),
        ("s1 ovs-vsctl lst port", 1, "ovs-vsctl: unknown command 'lst'"),
        ("s1 ovs-vsctl list-ports br9", 1, "no bridge named br9"),
        ("s1 ovs-appctl fdb/show", 2, "requires at least 1 arguments"),
        ("link s1:h9 down", 1, "did you mean `s1:h"),
        ("link s1:h1 dely 1ms", 1, "did you mean `delay`?"),
    ] {
        let output = lab.run("exec", &Vec::from_iter(line.split_whitespace()));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{line}: {said}");
        assert!(said.contains(message), "{line}: {said}");
        assert!(output.stdout.is_empty(), "{line}");
    }
}

#[test]
fn lines_of_standard_input_are_typed_at_the_prompt() {
    let lab = Lab::new(LAB);
    let printed = prompt(&lab.file, "\n# a comment\nlink s1:h2 down\nh1 ping h2 -c 1\nfrob\nh1 frob\n");
    assert!(printed[0].contains("`frob` is neither a node nor a lab command"), "{printed:?}");
    assert!(printed[1].contains("unknown command `frob`"), "{printed:?}");
    assert_eq!(printed[2..], ["host (10.0.0.2) not reachable"]);
    let printed = prompt(&lab.file, "link s1:h2 down\nlink s1:h2 up\nlink s1:h2 delay 0ms\nh1 ping h2 -c 1\npingall");
    let (answers, pingall): (Vec<&String>, Vec<&String>) = printed.iter().partition(|line| line.contains("bytes from"));
    assert_eq!(answers.len(), 1, "{printed:?}");
    assert_eq!(pingall.last().map(|line| line.as_str()), Some("*** Results: 0% dropped (2/2 received)"), "{printed:?}");
}

#[test]
fn a_prompt_of_hostile_lines_ends_with_its_input() {
    let lab = Lab::new(LAB);
    let printed =
        prompt(&lab.file, &format!("{}\n\"open\nlink\nh1\ns1\nlink s1:h1 loss 101%\nstop\n", "x ".repeat(20_000)));
    assert_eq!(printed.len(), 7, "one answer a line: {printed:?}");
}

#[test]
fn run_for_a_span_of_lab_time_says_where_it_got_to() {
    let lab = Lab::new(LAB);
    let output = lab.run("run", &["--for", "1ms"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("0.001000000 s of lab time, "), "{}", text(&output.stdout));
}

#[test]
fn pingall_prints_mininet_s_text() {
    let lab = Lab::new(&format!("{LAB}h3 = {{ ip = \"10.0.0.3/24\" }}\n"));
    let output = lab.run("pingall", &[]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "*** Ping: testing ping reachability\n\
                    h1 -> h2 X \nh2 -> h1 X \nh3 -> X X \n\
                    *** Results: 66% dropped (2/6 received)\n";
    assert_eq!(text(&output.stdout), expected);
    let output = Lab::new(LAB).run("pingall", &[]);
    assert_eq!(output.status.code(), Some(0));
    let expected =
        "*** Ping: testing ping reachability\nh1 -> h2 \nh2 -> h1 \n*** Results: 0% dropped (2/2 received)\n";
    assert_eq!(text(&output.stdout), expected);
    let lonely = Lab::new("[hosts]\nh1 = \"10.0.0.1/24\"\n").run("pingall", &[]);
    assert_eq!(lonely.status.code(), Some(3), "one host proves nothing");
}

#[test]
fn pingall_s_json_has_every_pair() {
    let output = Lab::new(LAB).run("pingall", &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let expected = serde_json::json!({
        "lab": "pair", "seed": 3, "sent": 2, "received": 2, "dropped_percent": 0.0,
        "pairs": [
            { "from": "h1", "to": "h2", "ok": true, "rtt_ns": report["pairs"][0]["rtt_ns"] },
            { "from": "h2", "to": "h1", "ok": true, "rtt_ns": report["pairs"][1]["rtt_ns"] },
        ],
    });
    assert_eq!(report, expected);
    // Twice 1.01 ms for the address, and again for the echo; then for the echo alone.
    let rtt = |n: usize| report["pairs"][n]["rtt_ns"].as_u64().expect("nanoseconds");
    assert!((4_040_000..4_041_000).contains(&rtt(0)) && (2_020_000..2_021_000).contains(&rtt(1)), "{report}");
}

#[test]
fn what_generate_writes_validates_and_all_hosts_of_it_reach_each_other() {
    for (arguments, hosts) in [
        ("single --hosts 5", 5),
        ("linear --switches 4 --hosts 1", 4),
        ("linear --switches 3 --hosts 2", 6),
        ("tree --depth 2 --fanout 3", 9),
        ("tree --depth 1 --fanout 2", 2),
        ("star --switches 3 --hosts 2", 6),
    ] {
        let generated = netloom().arg("generate").args(arguments.split(' ')).output().expect("netloom starts");
        assert_eq!(generated.status.code(), Some(0), "{arguments}");
        let lab = Lab::new(&text(&generated.stdout));
        let output = lab.run("validate", &[]);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{arguments}");
        let output = lab.run("pingall", &[]);
        let pairs = hosts * (hosts - 1);
        let last = format!("*** Results: 0% dropped ({pairs}/{pairs} received)\n");
        assert!(text(&output.stdout).ends_with(&last), "{arguments}: {}", text(&output.stdout));
    }
}

#[test]
fn what_generate_writes_of_shapes_with_loops_validates_and_names_its_spanning_tree() {
    for arguments in ["ring --switches 5 --hosts 2", "torus -x 3 -y 4", "leaf-spine --leaves 8 --spines 4 --hosts 16"] {
        for (flag, key) in [(None, "rstp_enable = true"), (Some("--stp"), "stp_enable = true")] {
            let generated =
                netloom().arg("generate").args(arguments.split(' ')).args(flag).output().expect("netloom starts");
            let lab = Lab::new(&text(&generated.stdout));
            let output = lab.run("validate", &[]);
            assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{arguments}");
            assert!(text(&generated.stdout).lines().any(|line| line == key), "{key} in {arguments}");
        }
    }
}

#[test]
fn generate_numbers_as_mininet_does() {
    let generated =
        netloom().args(["generate", "tree", "--depth", "2", "--fanout", "2"]).output().expect("netloom starts");
    let lab = text(&generated.stdout);
    // mn --topo tree,2,2: s1 above s2 and s3, h1 and h2 below s2, h3 and h4 below s3.
    for line in [
        "s1-eth1 = { to = \"s2:s2-eth3\" }",
        "s1-eth2 = { to = \"s3:s3-eth3\" }",
        "s3-eth2 = { to = \"h4\" }",
        "h4 = \"10.0.0.4/8\"",
    ] {
        assert!(lab.lines().any(|found| found == line), "{line} in\n{lab}");
    }
}

#[test]
fn a_key_of_the_command_line_replaces_the_file_s() {
    let lab = Lab::new(LAB);
    let report = |arguments: &[&str]| -> serde_json::Value {
        let output = lab.run("pingall", &[&["--format", "json"], arguments].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
    };
    assert_eq!(report(&["-D", "switches.s1.ports.h1.tag=9"])["received"], 0);
    assert_eq!(report(&["-D", "switches.s1.ports.h1.tag=9", "-D", "switches.s1.ports.h2.tag=9"])["received"], 2);
    let slow = report(&["-D", "switches.s1.ports.h2.delay=5ms"]);
    assert!(slow["pairs"][1]["rtt_ns"].as_u64().is_some_and(|rtt| rtt > 10_000_000), "{slow}");
    assert_eq!(report(&["--seed", "77"])["seed"], 77);
    assert_eq!(report(&["-D", "name=other"])["lab"], "other");
}

#[test]
fn a_capture_to_standard_output_is_a_sound_pcapng_and_nothing_else() {
    let lab = Lab::new(LAB);
    let output = lab.run("exec", &["--capture", "s1:h1=-", "link", "s1:h1", "up"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut reader = Reader::new(&*output.stdout).expect("a capture without packets is one");
    assert_eq!(reader.next_packet().expect("it is sound"), None);

    let events =
        "[[events]]\nat = \"0s\"\ndo = \"h1 ping h2 -c 2\"\n[[checks]]\nping = { from = \"h2\", to = \"h1\" }\n";
    let lab = Lab::new(&format!("{LAB}{events}"));
    let output = lab.run("check", &["--capture", "s1:h1=-", "--seed", "5"]);
    let mut reader = Reader::new(&*output.stdout).expect("standard output begins with a capture");
    let mut packets = 0;
    while let Some(packet) = reader.next_packet().expect("and is one to its end") {
        assert!(packet.interface < 2 && packet.comment.is_none());
        packets += 1;
    }
    assert!(packets >= 6, "{packets} packets");
    assert_eq!(
        (reader.interface_name(0), reader.interface_name(1)),
        (Some("s1:h1 > h1:eth0"), Some("h1:eth0 > s1:h1"))
    );
    assert!(reader.section_comment().is_some_and(|comment| comment.contains("pair") && comment.contains('5')));
}

#[test]
fn without_a_file_a_first_vlan_lab_runs() {
    let output = netloom().args(["run", "--for", "1s"]).stdin(Stdio::null()).output().expect("netloom starts");
    assert_eq!(output.status.code(), Some(0));
    let output = netloom().arg("pingall").output().expect("netloom starts");
    assert!(text(&output.stdout).contains("a1 -> a2 a3 X \n"), "{}", text(&output.stdout));
    let mut child = netloom();
    child.args(["run", "--no-socket"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let output = child.output().expect("netloom starts");
    assert!(text(&output.stdout).starts_with("vlan-two-servers: 6 nodes, 5 links."), "{}", text(&output.stdout));
}

#[test]
fn the_capture_of_a_lab_that_failed_is_kept_and_of_one_that_passed_is_not() {
    let directory = tempdir();
    let kept = directory.path().to_str().expect("it is UTF-8");
    for (want, code, found) in [("reach", 0, false), ("apart", 1, true)] {
        let lab = Lab::new(&format!("{LAB}[[checks]]\n{want} = [\"h1\", \"h2\"]\n"));
        let output = lab.run("check", &["--capture-failed", kept]);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert_eq!(directory.path().join("lab.pcapng").exists(), found, "{want}");
    }
}
