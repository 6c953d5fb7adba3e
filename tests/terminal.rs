//! `netloom run` and `netloom console` at a terminal: a line to edit, completion, history, output above it.

#![allow(clippy::disallowed_methods, reason = "the labs of these tests run at the pace of the wall clock")]

#[path = "support/lab.rs"]
mod lab;
mod support;

use lab::{PATIENCE, Running, netloom_in};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use support::tempdir;

const PAIR: &str = "[hosts]\nh1 = { ip = \"10.0.0.1/24\", to = \"h2\" }\nh2 = \"10.0.0.2/24\"\n";

/// The line editor asks for pasted text to be marked when it begins to edit a line.
const EDITING: &str = "\u{1b}[?2004h";

/// A program at a terminal of its own.
struct Session {
    child: Child,
    master: File,
    slave: File,
    shown: Receiver<String>,
    /// What was shown since the last keys.
    rest: String,
}

impl Session {
    fn start(mut command: Command, state: &Path) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("there are terminals");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("it is ours");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let name = name.to_str().expect("it is plain text").to_owned();
        let no_tty = OFlags::NOCTTY.bits() as i32;
        let open = || OpenOptions::new().read(true).write(true).custom_flags(no_tty).open(&name).expect("it is ours");
        let slave = open();
        command.env("XDG_STATE_HOME", state).env("TERM", "xterm").stdin(open()).stdout(open()).stderr(Stdio::null());
        let child = command.spawn().expect("netloom starts");
        let master = File::from(master);
        let mut reading = master.try_clone().expect("it can be");
        let (send, shown) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(size @ 1..) = reading.read(&mut buffer) {
                if send.send(String::from_utf8_lossy(&buffer[..size]).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { child, master, slave, shown, rest: String::new() }
    }

    /// Types, and forgets what was shown before.
    fn types(&mut self, keys: &str) {
        while self.shown.try_recv().is_ok() {}
        self.rest.clear();
        self.master.write_all(keys.as_bytes()).expect("the terminal is open");
    }

    /// Types what ends a line, and waits until the next one is being edited: keys that come before are thrown away.
    fn enters(&mut self, keys: &str, prompt: &str) {
        self.types(keys);
        self.waits(|shown| shown.split_once(EDITING).is_some_and(|(_, after)| after.contains(prompt)), prompt);
    }

    /// Waits until `text` is shown.
    fn shows(&mut self, text: &str) {
        self.waits(|shown| shown.contains(text), text);
    }

    fn waits(&mut self, is_there: impl Fn(&str) -> bool, what: &str) {
        while !is_there(&self.rest) {
            match self.shown.recv_timeout(PATIENCE) {
                Ok(more) => self.rest += &more,
                Err(_) => panic!("{what:?} isn't shown, but {:?}", self.rest),
            }
        }
    }

    /// Waits for the end; the terminal is as it was.
    fn ends(mut self) {
        assert_eq!(self.child.wait().expect("it can be waited for").code(), Some(0));
        let modes = tcgetattr(&self.slave).expect("it is a terminal").local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // One that has ended can't be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_line_is_edited_completed_and_remembered() {
    let directory = tempdir();
    let file = directory.path().join("pair.toml");
    fs::write(&file, PAIR).expect("the directory is the test's own");
    let mut command = netloom_in(directory.path());
    command.arg("run").arg(&file);
    let mut terminal = Session::start(command, directory.path());
    terminal.shows("netloom> ");
    terminal.enters("h1 pinx\u{8}g h2 -c 1\r", "netloom> ");
    terminal.shows("84 bytes from 10.0.0.2 icmp_seq=1");
    terminal.types("\u{10}");
    terminal.shows("h1 ping h2 -c 1");
    terminal.enters("\u{15}pinga\t\r", "netloom> ");
    terminal.shows("*** Results: 0% dropped");
    // Ctrl-C ends the command that runs and not the lab.
    terminal.enters("h1 ping h2 -c 60000 -i 3600000\r", "netloom> ");
    terminal.shows("icmp_seq=1 ttl=64");
    terminal.enters("\u{3}", "netloom> ");
    // A console takes lines for its node until `exit` or Ctrl-D.
    terminal.enters("h2 console\r", "h2> ");
    terminal.enters("show ip\r", "h2> ");
    terminal.shows("IP/MASK");
    terminal.enters("exit\r", "netloom> ");
    terminal.enters("h1 console\r", "h1> ");
    terminal.enters("\u{4}", "netloom> ");
    terminal.types("\u{4}");
    terminal.ends();
    let history = fs::read_to_string(directory.path().join("netloom/history")).expect("it is kept");
    assert!(history.lines().any(|line| line == "h1 ping h2 -c 1"), "{history}");
}

#[test]
fn a_lab_that_is_stopped_from_outside_gives_the_terminal_back() {
    let directory = tempdir();
    let file = directory.path().join("pair.toml");
    fs::write(&file, PAIR).expect("the directory is the test's own");
    let mut command = netloom_in(directory.path());
    command.arg("run").arg(&file);
    let mut terminal = Session::start(command, directory.path());
    terminal.shows("netloom> ");
    terminal.types("half a line");
    terminal.shows("half a line");
    let stopped = netloom_in(directory.path()).args(["stop", "pair"]).output().expect("netloom starts");
    assert_eq!(stopped.status.code(), Some(0));
    terminal.ends();
}

#[test]
fn a_console_speaks_to_a_node_of_a_lab_that_runs_elsewhere() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut command = netloom_in(directory.path());
    command.args(["console", "pair", "h1"]);
    let mut terminal = Session::start(command, directory.path());
    terminal.shows("h1> ");
    terminal.enters("ping h2 -c 2 -i 10\r", "h1> ");
    terminal.shows("icmp_seq=2");
    terminal.enters("ping h2 -c 60000 -i 3600000\r", "h1> ");
    terminal.shows("icmp_seq=1");
    terminal.enters("\u{3}", "h1> ");
    terminal.types("exit\r");
    terminal.ends();
    drop(lab);
}
