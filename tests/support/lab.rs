//! A lab that runs as a process of its own, and clients of its control socket.

#![allow(dead_code, reason = "each test file uses a part of the helpers")]

use crate::support::netloom;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// After so long without a word, something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running lab. Dropping it kills it.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) socket: PathBuf,
    runtime: PathBuf,
    output: BufReader<std::process::ChildStdout>,
}

/// netloom with its sockets below `runtime`.
pub(crate) fn netloom_in(runtime: &Path) -> Command {
    let mut command = netloom();
    command.env("XDG_RUNTIME_DIR", runtime);
    command
}

impl Running {
    /// Starts the lab of a text, without a prompt, and waits until it listens.
    pub(crate) fn start(runtime: &Path, name: &str, lab: &str, arguments: &[&str]) -> Self {
        let file = runtime.join(format!("{name}.toml"));
        fs::write(&file, lab).expect("the directory is the test's own");
        let mut command = netloom_in(runtime);
        command.arg("run").arg(file).arg("--no-prompt").args(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("netloom starts");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("the lab says what it is");
        assert!(line.contains("nodes"), "{line:?}");
        let socket = runtime.join("netloom").join(format!("{name}.sock"));
        Self { child, socket, runtime: runtime.to_owned(), output }
    }

    /// A new client.
    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.socket).expect("the lab listens")
    }

    /// A subcommand of netloom that finds the lab's socket.
    pub(crate) fn netloom(&self, arguments: &[&str]) -> Output {
        netloom_in(&self.runtime).args(arguments).output().expect("netloom starts")
    }

    /// The memory that the lab holds, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the lab runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
        line.trim().trim_end_matches(" kB").parse().expect("it is a number")
    }

    /// Waits for the end; gives the exit code and what was left to read.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("netloom writes UTF-8");
        let code = self.child.wait().expect("it can be waited for").code();
        (code, rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of the control socket.
pub(crate) struct Client {
    pub(crate) stream: UnixStream,
    pub(crate) reading: BufReader<UnixStream>,
    pub(crate) greeting: Value,
}

impl Client {
    pub(crate) fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client = Self { reading: BufReader::new(stream.try_clone()?), stream, greeting: Value::Null };
        client.greeting = client.reply().ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(client)
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a request.
    pub(crate) fn ask(&mut self, request: &Value) {
        self.send(format!("{request}\n").as_bytes()).expect("the lab reads");
    }

    /// The next object; `None` at the end, which comes within a line if the lab has given the client up.
    pub(crate) fn reply(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reading.read_line(&mut line) {
            Ok(_) if !line.ends_with('\n') => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no reply: {error}"),
        }
    }

    /// Asks, and reads up to the last reply of this request; gives the output between, and the last reply.
    pub(crate) fn call(&mut self, mut request: Value) -> (String, Value) {
        let id = json!("call");
        request["id"] = id.clone();
        self.ask(&request);
        self.finish(&id)
    }

    /// Reads up to the last reply of a request; gives the output between, and the last reply.
    pub(crate) fn finish(&mut self, id: &Value) -> (String, Value) {
        let mut output = String::new();
        loop {
            let reply = self.reply().expect("the lab goes on");
            if reply["id"] != *id {
                continue;
            }
            match &reply["output"] {
                Value::String(text) => output += text,
                _ if reply.get("event").is_some() || reply.get("lost").is_some() => {}
                _ => return (output, reply),
            }
        }
    }

    /// Does a line of the prompt; gives its output.
    pub(crate) fn exec(&mut self, line: &str) -> String {
        let (output, end) = self.call(json!({"do": "exec", "line": line}));
        assert_eq!(end["ok"]["status"], 0, "{line}: {end}");
        output
    }

    /// Says that nothing more will be asked.
    pub(crate) fn close_half(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the lab is there");
    }
}
