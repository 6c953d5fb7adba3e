//! The ways in which `check` runs: other checks, many seeds, shards, several labs at once, JUnit's XML.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;
use support::{netloom, tempdir};

/// Two hosts, and a link that loses one frame in eight: whether the pings pass depends on the seed.
const LOSSY: &str = r#"
name = "lossy"
[switches.s1.ports]
a = { to = "h1", loss = "12%" }
b = { to = "h2" }
[hosts]
h1 = "10.0.0.1/24"
h2 = "10.0.0.2/24"
[[checks]]
name = "one try"
ping = { from = "h1", to = "h2" }
within = "1s"
[[checks]]
name = "<b> & \"c\""
ping = { from = "h2", to = "h1" }
within = "1s"
"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self(tempdir());
        for (name, text) in files {
            fs::write(place.0.path().join(name), text).expect("the directory is the test's own");
        }
        place
    }

    fn check(&self, arguments: &[&str]) -> Output {
        netloom().arg("check").args(arguments).current_dir(self.0.path()).output().expect("netloom starts")
    }

    fn out(&self, arguments: &[&str]) -> String {
        text(&self.check(arguments).stdout)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("netloom writes UTF-8")
}

#[test]
fn the_checks_of_another_file_are_taken_instead() {
    let checks = "[[checks]]\nname = \"other\"\nreach = [\"h1\", \"h2\"]\n";
    let place = Place::new(&[("lab.toml", LOSSY), ("checks.toml", checks), ("no.toml", "name = \"x\"\n")]);
    let output = place.check(&["lab.toml", "--checks", "checks.toml", "-D", "switches.s1.ports.a.loss=0%"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).starts_with("pass    other"), "{output:?}");

    let wrong = "\n[[checks]]\nping = { from = \"h1\", to = \"h3\" }\n";
    let place = Place::new(&[("lab.toml", LOSSY), ("checks.toml", wrong), ("no.toml", "name = \"x\"\n")]);
    let output = place.check(&["lab.toml", "--checks", "checks.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(
        message.starts_with("checks.toml:3:28: error: `checks[0].ping.to`: there is no node called `h3`"),
        "{message}"
    );
    let output = place.check(&["lab.toml", "--checks", "no.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("no.toml:1:1: error: `checks`: the file has no checks"), "{output:?}");
    let output = place.check(&["lab.toml", "--checks", "missing.toml"]);
    assert!(text(&output.stderr).starts_with("missing.toml: error: there is no such file"), "{output:?}");
}

#[test]
fn a_sweep_says_which_seeds_fail_and_with_which_check() {
    let place = Place::new(&[("lab.toml", LOSSY)]);
    let output = place.check(&["lab.toml", "--seeds", "1..30"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let summary = text(&output.stdout);
    let last = summary.lines().last().expect("a summary");
    let passed = (1..=30).filter(|seed| place.check(&["lab.toml", "--seed", &seed.to_string()]).status.success());
    let passed: Vec<u64> = passed.collect();
    assert!(!passed.is_empty() && passed.len() < 30, "the lab is to depend on the seed: {passed:?}");
    assert_eq!(last, format!("lossy: 30 seeds, {} passed, {} didn't", passed.len(), 30 - passed.len()));
    let failed: Vec<u64> = (1..=30).filter(|seed| !passed.contains(seed)).collect();
    let named: Vec<String> =
        summary.lines().filter_map(|line| line.split_once(": FAIL ")).map(|(seed, _)| seed.to_owned()).collect();
    let expected: Vec<String> = failed.iter().take(20).map(|seed| format!("seed {seed}")).collect();
    assert_eq!(named, expected, "{summary}");
    let all_pass = place.check(&["lab.toml", "--seeds", "1..5", "-D", "switches.s1.ports.a.loss=0%"]);
    assert_eq!(all_pass.status.code(), Some(0));
    assert_eq!(text(&all_pass.stdout), "lossy: 5 seeds, 5 passed, 0 didn't\n");
}

#[test]
fn the_lines_of_a_sweep_are_the_same_whatever_the_jobs_and_the_shards() {
    let other = LOSSY.replace("\"lossy\"", "\"other\"").replace("12%", "20%");
    let place = Place::new(&[("a.toml", LOSSY), ("b.toml", &other)]);
    let sweep = ["a.toml", "b.toml", "--seeds", "3..12", "--format", "json"];
    let all = place.out(&sweep);
    let seeds: Vec<(String, u64)> = all
        .lines()
        .map(|line| {
            let report: Value = serde_json::from_str(line).expect("an object a line");
            (report["lab"].as_str().expect("a name").to_owned(), report["seed"].as_u64().expect("a number"))
        })
        .collect();
    let expected: Vec<_> =
        ["lossy", "other"].into_iter().flat_map(|lab| (3..=12).map(move |seed| (lab.to_owned(), seed))).collect();
    assert_eq!(seeds, expected);
    assert_eq!(place.out(&[sweep.as_slice(), &["--jobs", "1"]].concat()), all);
    assert_eq!(place.out(&[sweep.as_slice(), &["--jobs", "7"]].concat()), all);

    let mut merged: Vec<String> = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let part = place.out(&[sweep.as_slice(), &["--shard", shard]].concat());
        assert!(part.lines().count() >= 6, "{part}");
        merged.extend(part.lines().map(str::to_owned));
    }
    let mut whole: Vec<String> = all.lines().map(str::to_owned).collect();
    merged.sort();
    whole.sort();
    assert_eq!(merged, whole);
    assert_eq!(place.out(&["a.toml", "--shard", "2/2"]), "", "one run is in the first part");
}

#[test]
fn several_labs_are_reported_in_their_order_and_the_worst_exit_code_counts() {
    let good = LOSSY.replace("12%", "0%").replace("\"lossy\"", "\"good\"");
    let bad = LOSSY.replace("12%", "100%").replace("\"lossy\"", "\"bad\"");
    let place = Place::new(&[("good.toml", &good), ("bad.toml", &bad), ("broken.toml", "[hosts]\nh1 = 1\n")]);
    let names = ["bad.toml", "good.toml", "bad.toml", "good.toml", "good.toml", "bad.toml"];
    let output = place.check(&names);
    assert_eq!(output.status.code(), Some(1));
    let report = text(&output.stdout);
    let order: Vec<&str> = report
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(_, rest)| rest.contains(" passed, "))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(order, names.map(|name| name.trim_end_matches(".toml")));
    assert_eq!(place.check(&["good.toml", "broken.toml", "bad.toml"]).status.code(), Some(2));
    assert_eq!(place.check(&["good.toml", "good.toml"]).status.code(), Some(0));
}

#[test]
fn junit_has_a_suite_a_lab_and_a_case_a_check() {
    let vacuous = "\n[[checks]]\nname = \"nothing\"\nping = { from = \"h1\", to = \"10.9.9.9\", expect = \"unreachable\" }\nwithin = \"1s\"\n";
    let good = LOSSY.replace("12%", "0%").replace("\"lossy\"", "\"good\"") + vacuous;
    let bad = LOSSY.replace("12%", "100%").replace("\"lossy\"", "\"bad\"");
    let place = Place::new(&[("good.toml", &good), ("bad.toml", &bad), ("broken.toml", "[hosts]\nh1 = 1\n")]);
    let arguments = ["good.toml", "bad.toml", "broken.toml", "--format", "junit"];
    let output = place.check(&arguments);
    assert_eq!(output.status.code(), Some(2));
    let xml = text(&output.stdout);
    let document = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let suites: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testsuite")).collect();
    let counts = |suite: &roxmltree::Node<'_, '_>| {
        ["name", "tests", "failures", "errors", "skipped"]
            .map(|key| suite.attribute(key).unwrap_or_default().to_owned())
            .join(" ")
    };
    let all: Vec<String> = suites.iter().map(counts).collect();
    assert_eq!(all, ["good 3 0 0 1", "bad 2 2 0 0", "broken.toml 1 0 1 0"], "{xml}");
    let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    assert!(cases.iter().any(|case| case.attribute("name") == Some("<b> & \"c\"")), "{xml}");
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).expect("a failure");
    assert!(failure.attribute("message").is_some_and(|message| message.contains("no reply from h2")), "{xml}");
    let skipped = document.descendants().find(|node| node.has_tag_name("skipped")).expect("a vacuous check");
    assert!(skipped.attribute("message").is_some_and(|message| message.starts_with("vacuous: ")), "{xml}");
    assert!(!xml.contains("timestamp"), "{xml}");
    assert_eq!(place.out(&arguments), xml, "the same bytes again");
}

#[test]
fn what_cannot_be_is_refused() {
    let place = Place::new(&[("lab.toml", LOSSY)]);
    for arguments in [
        ["--seeds", "5..1"].as_slice(),
        &["--seeds", "5"],
        &["--shard", "3/2"],
        &["--shard", "0/2"],
        &["--jobs", "0"],
        &["--seeds", "1..2", "--seed", "4"],
        &["--seeds", "1..2", "--capture", "all=x.pcapng"],
    ] {
        let output = place.check(&[&["lab.toml"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty());
    }
    assert!(!Path::new(&place.0.path().join("x.pcapng")).exists());
}

#[test]
fn each_failed_seed_keeps_its_capture() {
    let place = Place::new(&[("lab.toml", LOSSY)]);
    fs::create_dir(place.0.path().join("kept")).expect("the directory is the test's own");
    place.check(&["lab.toml", "--seeds", "1..8", "--capture-failed", "kept"]);
    for seed in 1..=8 {
        let passed = place.check(&["lab.toml", "--seed", &seed.to_string()]).status.success();
        assert_eq!(place.0.path().join(format!("kept/lab-{seed}.pcapng")).exists(), !passed, "{seed}");
    }
}
