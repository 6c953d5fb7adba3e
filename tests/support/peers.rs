//! What a test needs beyond Rust, and the peers that it compares with.
//!
//! Plain `cargo test` needs nothing: a test that wants root or a program says so with [`needs`] and is left out, with
//! a line on standard error. `NETLOOM_TEST_WITH="root tshark ..."`, as `tests/run` sets it, promises what is there;
//! then the test runs, and fails if the promise is not kept.
//!
//! The tests of the other crates take this file in with `#[path = "../../tests/support/peers.rs"] mod peers;`.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::thread;

/// The names that a test may need, each with the programs that it stands for.
const PEERS: [(&str, &[&str]); 5] = [
    ("root", &[]),
    ("tshark", &["tshark"]),
    ("ovs", &["ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl"]),
    ("linux", &["ip", "bridge", "ifconfig", "route", "arp", "brctl", "ping", "tcpdump", "sysctl", "python3"]),
    ("valgrind", &["valgrind"]),
];

/// Whether the test may run: all of `names` are promised. If not, the test is listed as left out and should return.
///
/// # Panics
/// If a name is promised and not there, or isn't one of [`PEERS`].
pub(crate) fn needs(names: &[&str]) -> bool {
    let promised = env::var("NETLOOM_TEST_WITH").unwrap_or_default();
    let missing: Vec<&str> =
        names.iter().copied().filter(|name| !promised.split_whitespace().any(|promise| promise == *name)).collect();
    if !missing.is_empty() {
        let current = thread::current();
        // Not `eprintln`: the test harness keeps that of a test that passes to itself.
        let _ = writeln!(
            io::stderr().lock(),
            "left out: {}: needs {}",
            current.name().unwrap_or("a test"),
            missing.join(" ")
        );
        return false;
    }
    for name in names {
        let (_, programs) = PEERS.iter().find(|(peer, _)| peer == name).expect("needs() takes the names of PEERS");
        for program in *programs {
            assert!(is_installed(program), "NETLOOM_TEST_WITH promises {name}, but {program} is not installed");
        }
        assert!(*name != "root" || is_root(), "NETLOOM_TEST_WITH promises root, but the test runs as another user");
    }
    true
}

/// Whether the random tests should run long: `tests/run --long`.
pub(crate) fn long() -> bool {
    env::var_os("NETLOOM_LONG").is_some_and(|value| value == "1")
}

/// The values of `fields` in each packet of `file` that the display filter lets through (all for an empty one), as
/// tshark dissects them. A field that occurs more than once is joined with commas; one that doesn't occur is empty.
///
/// # Panics
/// If tshark complains about anything.
pub(crate) fn tshark_fields(file: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut tshark = Command::new("tshark");
    // No names looked up, no preferences of the user's, no local time.
    tshark.env("WIRESHARK_CONFIG_DIR", "/nonexistent").env("TZ", "UTC").env("LC_ALL", "C.UTF-8").arg("-n");
    tshark.arg("-r").arg(file).args(["-Y", filter, "-T", "fields", "-E", "separator=/t"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output().expect("tshark starts");
    let complaints: Vec<String> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("Running as user "))
        .map(str::to_owned)
        .collect();
    assert!(output.status.success() && complaints.is_empty(), "tshark on {}: {complaints:#?}", file.display());
    let text = String::from_utf8(output.stdout).expect("tshark writes UTF-8");
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The packets of `file` that tshark finds malformed or warns of: number and message. Empty for a sound capture.
pub(crate) fn tshark_warnings(file: &Path) -> Vec<Vec<String>> {
    const WARNING: &str = "_ws.malformed || _ws.expert.severity >= \"Warning\"";
    tshark_fields(file, WARNING, &["frame.number", "_ws.expert.message"])
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective =
        status.lines().find_map(|line| line.strip_prefix("Uid:")).and_then(|ids| ids.split_whitespace().nth(1));
    effective == Some("0")
}
