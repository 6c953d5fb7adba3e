//! Every example passes its own checks, is the same lab twice with one seed, and is in `netloom example`.

#[path = "support/for_examples.rs"]
mod for_examples;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use support::{netloom, tempdir};

for_examples::each_example!(each_passes, super::passes);
for_examples::each_example!(each_repeats, super::repeats);

use each_passes::NAMES as EXAMPLES;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).with_extension("toml")
}

fn check(name: &str, arguments: &[&str]) -> Output {
    netloom().arg("check").arg(example(name)).args(arguments).output().expect("netloom starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("netloom writes UTF-8")
}

/// The example passes, without a warning, and its JSON has the documented shape.
fn passes(name: &str) {
    let output = check(name, &[]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    assert!(!report.contains("FAIL") && !report.contains("VACUOUS"), "{report}");

    let output = check(name, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let report = text(&output.stdout);
    assert_eq!(report.lines().count(), 1, "one object a line: {report}");
    let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    let keys = |value: &serde_json::Value| Vec::from_iter(value.as_object().expect("an object").keys().cloned());
    assert_eq!(BTreeSet::from_iter(keys(&report)), set(&["lab", "seed", "passed", "failed", "vacuous", "checks"]));
    assert_eq!(report["lab"], name);
    let checks = report["checks"].as_array().expect("a list of checks");
    assert!(!checks.is_empty());
    assert_eq!(
        (&report["passed"], &report["failed"], &report["vacuous"]),
        (&checks.len().into(), &0.into(), &0.into())
    );
    let mut before = 0;
    for check in checks {
        assert_eq!(BTreeSet::from_iter(keys(check)), set(&["name", "status", "detail", "at_ns"]), "{check}");
        assert_eq!(check["status"], "passed");
        assert!(check["name"].is_string() && check["detail"].is_string());
        let at = check["at_ns"].as_u64().expect("nanoseconds");
        assert!(at >= before, "checks of the examples are decided in the file's order");
        before = at;
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Two runs of one seed write the same capture and the same report; another seed writes other bytes, and passes too.
fn repeats(name: &str) {
    let directory = tempdir();
    let run = |file: &str, seed: &str| {
        let path = directory.path().join(file);
        let output =
            check(name, &["--seed", seed, "--format", "json", "--capture", &format!("all={}", path.display())]);
        assert_eq!(output.status.code(), Some(0), "with seed {seed}: {}", text(&output.stdout));
        (fs::read(path).expect("the capture is there"), output.stdout)
    };
    let first = run("first.pcapng", "7");
    assert!(first.0.len() > 1000, "a capture of {} bytes", first.0.len());
    assert!(first == run("second.pcapng", "7"), "two runs of one seed differ");
    assert!(first.0 != run("other.pcapng", "8").0, "another seed gives the same capture");
}

#[test]
fn every_file_of_the_directory_is_a_test() {
    let directory = example("x").parent().expect("it has a parent").to_owned();
    let files = fs::read_dir(directory).expect("the examples are there").map(|entry| entry.expect("a file").path());
    let names: BTreeSet<String> =
        files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    assert_eq!(names, set(EXAMPLES));
}

#[test]
fn each_opens_with_what_it_teaches_and_is_called_after_its_file() {
    for name in EXAMPLES {
        let text = fs::read_to_string(example(name)).expect("the example is there");
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(comment.iter().any(|line| line.starts_with("# What it teaches: ")), "{name}");
        assert!(text.contains(&format!("\nname = \"{name}\"\n")), "{name}");
        assert!(text.contains("[[checks]]"), "{name}");
    }
}

#[test]
fn the_command_lists_and_prints_the_files_of_the_directory() {
    let output = netloom().arg("example").output().expect("netloom starts");
    assert_eq!(output.status.code(), Some(0));
    let listed = text(&output.stdout);
    let names: BTreeSet<String> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    assert_eq!(names, set(EXAMPLES), "{listed}");
    for name in EXAMPLES {
        let output = netloom().args(["example", name]).output().expect("netloom starts");
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout == fs::read(example(name)).expect("the example is there"), "{name}");
    }
    let output = netloom().args(["example", "vlan-two-server"]).output().expect("netloom starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("vlan-two-servers"), "{}", text(&output.stderr));
}

#[test]
fn a_loop_that_no_check_ends_is_caught_and_named() {
    let directory = tempdir();
    let file = directory.path().join("storm.toml");
    let mut lab = fs::read_to_string(example("broadcast-loop")).expect("the example is there");
    lab += "\n[[checks]]\nname = \"never\"\nframes = { link = \"s1:right\", min = 100000000 }\nwithin = \"1h\"\n";
    fs::write(&file, lab).expect("the directory is the test's own");
    let output = netloom().arg("check").arg(file).args(["--max-events", "1000000"]).output().expect("netloom starts");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let message = text(&output.stderr);
    assert!(message.contains("loop") && message.contains("1000000 events"), "{message}");
    for link in ["s1:right - s2:left", "s2:right - s3:left", "s3:right - s1:left"] {
        let (a, b) = link.split_once(" - ").expect("two ends");
        assert!(message.contains(link) || message.contains(&format!("{b} - {a}")), "{link} in {message}");
    }
    assert!(!message.contains("h1:") && !message.contains("h2:"), "a host's link is on no loop: {message}");
    let report = text(&output.stdout);
    assert!(report.contains("FAIL    never") && report.contains("1 failed"), "{report}");
}
