//! What somebody types at the prompt of `netloom run`: consoles, saving, the end.

mod support;

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};
use support::{netloom, tempdir};

const LAB: &str = "name = \"typed\"\n\n[switches.s1.ports]\nh1 = { to = \"h1\" }\n\n[hosts]\nh1 = \"10.0.0.1/24\"\n";

/// Types lines at a lab's prompt; gives what it printed once it has ended.
fn type_at(directory: &tempfile::TempDir, lines: &str) -> Output {
    let file = directory.path().join("lab.toml");
    fs::write(&file, LAB).expect("the directory is the test's own");
    let mut child = netloom()
        .arg("run")
        .arg(file)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("netloom starts");
    child.stdin.take().expect("it is piped").write_all(lines.as_bytes()).expect("netloom reads");
    child.wait_with_output().expect("netloom ends")
}

#[test]
fn a_console_takes_a_node_s_words_until_exit_and_exit_at_the_lab_ends_it() {
    let output = type_at(&tempdir(), "h1 console\nshow arp\nnodes\nexit\nnodes\nexit\nnodes\n");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0));
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
    assert!(at("lines go to h1") < at("arp table is empty"), "{text}");
    assert!(at("unknown command `nodes`") < at("available nodes are: \nh1 s1"), "it is no word of a host: {text}");
    assert_eq!(text.matches("available nodes").count(), 1, "nothing is done after the end: {text}");
}

#[test]
fn save_prints_the_lab_or_writes_it_where_somebody_said() {
    let directory = tempdir();
    let output = type_at(&directory, "save\nlink h1 down\nsave now.toml\nsave no/such/place.toml\nexit\n");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(LAB), "{text}");
    assert!(text.contains("saved to now.toml") && text.contains("no/such/place.toml can't be written"), "{text}");
    let saved = fs::read_to_string(directory.path().join("now.toml")).expect("it was saved");
    assert_eq!(saved, LAB.replace("to = \"h1\"", "to = \"h1\", up = false"));
}

#[test]
fn exec_saves_as_well_and_has_no_console() {
    let directory = tempdir();
    let file = directory.path().join("lab.toml");
    fs::write(&file, LAB).expect("the directory is the test's own");
    let exec = |words: &[&str]| netloom().arg("exec").arg(&file).args(words).output().expect("netloom starts");
    let output = exec(&["save"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), LAB);
    let output = exec(&["h1", "console"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("prompt of `netloom run`"));
}
