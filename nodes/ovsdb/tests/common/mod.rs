//! A real ovsdb-server to compare with.

use std::path::PathBuf;
use std::process::Command;

/// Was `peer` promised to this run (`NETLOOM_TEST_WITH`)? Else the test says that it is left out.
pub(crate) fn needs(peer: &str) -> bool {
    let promised = std::env::var("NETLOOM_TEST_WITH").unwrap_or_default();
    let found = promised.split_whitespace().any(|name| name == peer);
    if !found {
        println!("left out: needs {peer}");
    }
    found
}

/// A server on an empty database in a directory of its own; it ends when this is dropped.
pub(crate) struct Server {
    dir: PathBuf,
}

/// What the original printed.
#[allow(dead_code, reason = "each test file compiles this module for itself")]
pub(crate) struct Printed {
    pub(crate) status: i32,
    pub(crate) text: String,
    pub(crate) errors: String,
}

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// The schema that is installed.
#[allow(dead_code, reason = "each test file compiles this module for itself")]
pub(crate) fn installed_schema() -> String {
    std::fs::read_to_string(SCHEMA).expect("Open vSwitch was promised: its schema is installed")
}

#[allow(dead_code, reason = "each test file compiles this module for itself")]
impl Server {
    pub(crate) fn start(name: &str) -> Server {
        let dir = std::env::temp_dir().join(format!("netloom-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("the temporary directory can be written");
        let server = Server { dir };
        let path = |file: &str| server.dir.join(file).display().to_string();
        run("ovsdb-tool", &["create", &path("db"), SCHEMA]);
        run(
            "ovsdb-server",
            &[
                &path("db"),
                &format!("--remote=punix:{}", path("sock")),
                &format!("--unixctl={}", path("ctl")),
                &format!("--pidfile={}", path("pid")),
                &format!("--log-file={}", path("log")),
                "--no-chdir",
                "--detach",
            ],
        );
        server
    }

    pub(crate) fn vsctl(&self, words: &[String]) -> Printed {
        let socket = self.dir.join("sock");
        let output = Command::new("ovs-vsctl")
            .arg("--no-wait")
            .arg(format!("--db=unix:{}", socket.display()))
            .args(words)
            .output()
            .expect("Open vSwitch was promised: ovs-vsctl runs");
        Printed {
            status: output.status.code().unwrap_or(-1),
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.dir.join("pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn run(program: &str, args: &[&str]) {
    let status = Command::new(program).args(args).status();
    assert!(status.is_ok_and(|status| status.success()), "Open vSwitch was promised, but {program} {args:?} fails");
}
