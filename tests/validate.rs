//! `validate` as a linter, and the commands that draw and describe a lab.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use support::netloom;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).with_extension("toml")
}

fn run(command: &str, name: &str, arguments: &[&str]) -> Output {
    netloom().arg(command).arg(example(name)).args(arguments).output().expect("netloom starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("netloom writes UTF-8")
}

#[test]
fn a_warning_has_its_place_its_remedy_and_its_rule_and_fails_under_strict_only() {
    let output = run("validate", "broadcast-loop", &[]);
    assert_eq!(output.status.code(), Some(0));
    let message = text(&output.stderr);
    assert!(message.contains("broadcast-loop.toml:13:1: warning: `switches.s1.ports.right`: a loop"), "{message}");
    assert!(message.contains("\n  remedy: ") && message.ends_with("  rule: spanning_tree\n"), "{message}");
    assert!(text(&output.stdout).ends_with(", 1 warning\n"));

    assert_eq!(run("validate", "broadcast-loop", &["--strict"]).status.code(), Some(1));
    assert_eq!(run("validate", "broadcast-loop", &["--strict", "--allow", "spanning_tree"]).status.code(), Some(0));
    assert_eq!(run("validate", "vlan-two-servers", &["--strict"]).status.code(), Some(0));
    let output = run("validate", "vlan-two-servers", &["--allow", "spaning_tree"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `spanning_tree`?"), "{output:?}");
}

#[test]
fn json_is_an_object_a_line_for_each_file() {
    let output = run("validate", "broadcast-loop", &["--format", "json"]);
    let report: Value = serde_json::from_str(&text(&output.stdout)).expect("one object");
    assert_eq!((&report["valid"], &report["nodes"], &report["links"]), (&true.into(), &5.into(), &5.into()));
    let found = &report["diagnostics"][0];
    assert_eq!((&found["rule"], &found["severity"]), (&"spanning_tree".into(), &"warning".into()));
    assert_eq!(
        (&found["line"], &found["column"], &found["key"]),
        (&13.into(), &1.into(), &"switches.s1.ports.right".into())
    );
    assert!(output.stderr.is_empty());

    let output = run("validate", "broadcast-loop", &["--format", "json", "-D", "switches.s1.ports.h1.to=h3"]);
    assert_eq!(output.status.code(), Some(2));
    let report: Value = serde_json::from_str(&text(&output.stdout)).expect("one object");
    assert_eq!(report["valid"], false);
    assert_eq!(report["diagnostics"][0]["severity"], "error");
}

#[test]
fn graph_and_schema_write_to_standard_output() {
    for (format, start) in
        [("text", "vlan-two-servers: 6 nodes"), ("dot", "graph \""), ("mermaid", "graph LR\n"), ("svg", "<svg ")]
    {
        let output = run("graph", "vlan-two-servers", &["--format", format]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).starts_with(start), "{output:?}");
    }
    let schema = netloom().arg("schema").output().expect("netloom starts");
    let schema: Value = serde_json::from_str(&text(&schema.stdout)).expect("it is JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let reference = netloom().args(["schema", "--format", "markdown"]).output().expect("netloom starts");
    assert!(text(&reference.stdout).starts_with("# The keys of the lab file\n"));
}
