//! A pingall of what `generate` writes loses nothing: in patterns with loops it waits for spanning tree.

mod support;

use std::fs;
use support::{netloom, tempdir};

/// Generates a lab and pings all pairs; gives the last line.
fn pingall(pattern: &str) -> String {
    let directory = tempdir();
    let file = directory.path().join("lab.toml");
    let generated = netloom().arg("generate").args(pattern.split(' ')).output().expect("netloom starts");
    fs::write(&file, generated.stdout).expect("the directory is the test's own");
    let output = netloom().arg("pingall").arg(file).output().expect("netloom starts");
    let text = String::from_utf8(output.stdout).expect("netloom writes UTF-8");
    text.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn patterns_with_loops_are_one_network_once_their_tree_is_there() {
    let results = |received: u32| format!("*** Results: 0% dropped ({received}/{received} received)");
    assert_eq!(pingall("ring --switches 5"), results(20));
    assert_eq!(pingall("ring --switches 5 --stp"), results(20));
    assert_eq!(pingall("torus --x 3 --y 3"), results(72));
    assert_eq!(pingall("leaf-spine --leaves 4 --spines 2 --hosts 2"), results(56));
}

#[test]
fn patterns_without_loops_need_no_waiting() {
    assert_eq!(pingall("tree --depth 2 --fanout 3"), "*** Results: 0% dropped (72/72 received)");
}
