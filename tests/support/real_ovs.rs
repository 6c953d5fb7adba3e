//! A real Open vSwitch with dummy devices, in a directory of its own. The tests of the crates take this file in by its
//! path.

#![allow(dead_code, reason = "each test file uses a part of the helpers")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running Open vSwitch without bridges.
#[derive(Debug)]
pub struct Real {
    dir: PathBuf,
    children: Vec<Child>,
}

impl Real {
    /// Starts it.
    pub fn start(title: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("netloom-{title}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("the directory for temporary files can be written");
        let mut real = Self { dir, children: Vec::new() };
        real.output("ovsdb-tool", &["create", &real.path("db"), "/usr/share/openvswitch/vswitch.ovsschema"]);
        let remote = format!("--remote=punix:{}", real.path("sock"));
        real.spawn("ovsdb-server", &[&real.path("db"), &remote, &format!("--unixctl={}", real.path("db.ctl"))], "sock");
        real.vsctl("--no-wait init");
        let daemon = "/usr/lib/openvswitch-switch/ovs-vswitchd";
        let unixctl = format!("--unixctl={}", real.path("ctl"));
        let db = format!("unix:{}", real.path("sock"));
        let options = ["--enable-dummy=override", "--disable-system", "--disable-system-route", &unixctl, &db];
        real.spawn(daemon, &options, "ctl");
        real
    }

    /// A path in its directory.
    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// Starts a daemon and waits for its socket.
    #[expect(clippy::disallowed_methods, reason = "a real process takes real time to start")]
    fn spawn(&mut self, program: &str, arguments: &[&str], socket: &str) {
        let child = self.command(program, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.children.push(child.unwrap_or_else(|error| panic!("{program} was promised: {error}")));
        let socket = self.path(socket);
        for _ in 0..1000 {
            if Path::new(&socket).exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{program} made no {socket} in 10 s");
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments);
        for variable in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"] {
            command.env(variable, &self.dir);
        }
        command
    }

    fn output(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program, arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{program} was promised: {error}"));
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a line that works; gives what it prints.
    pub fn vsctl(&self, line: &str) -> String {
        let db = format!("--db=unix:{}", self.path("sock"));
        let words: Vec<&str> = ["--timeout=20", &db].into_iter().chain(line.split_whitespace()).collect();
        self.output("ovs-vsctl", &words)
    }

    /// Runs a line of `ovs-ofctl`; gives what it prints, on standard error as well, and its exit status.
    pub fn ofctl(&self, words: &[&str]) -> (String, i32) {
        let output = self.command("ovs-ofctl", &[&["--timeout=20"], words].concat()).current_dir(&self.dir).output();
        let output = output.unwrap_or_else(|error| panic!("ovs-ofctl was promised: {error}"));
        let text = [output.stderr, output.stdout].concat();
        (String::from_utf8_lossy(&text).into_owned(), output.status.code().unwrap_or(-1))
    }

    /// Runs a command that works; gives what it prints.
    pub fn appctl(&self, words: &[&str]) -> String {
        let target = self.path("ctl");
        self.output("ovs-appctl", &[&["-t", &target], words].concat())
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
