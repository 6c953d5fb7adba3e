//! An HTTP/1.1 client (RFC 9110, RFC 9112): one GET or HEAD, the connection closed behind it. Chunked bodies are left as
//! they come; redirects are told, not followed.

use core::fmt::Write;
use core::net::SocketAddr;

use sim_core::{Duration, Tag, Time};
use sockets::{ConnectError, ConnectOptions, End, SocketId};

use crate::net::Step;
use crate::net::attempt::{AttemptOutcome, outcome_of};

/// The most bytes of a response that are kept; what is more is read and counted.
pub const MAX_RESPONSE: usize = 256 << 10;

/// A page to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Whom to ask.
    pub to: SocketAddr,
    /// The `Host` header.
    pub host: String,
    /// The path, beginning with `/`.
    pub path: String,
    /// HEAD instead of GET.
    pub head: bool,
    /// How long it may take in all.
    pub timeout: Duration,
    /// Marks all frames and the notice of the end.
    pub tag: Tag,
}

/// How a fetch is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpStatus {
    /// `None` while it runs; then [`AttemptOutcome::Answered`] if there is a response, or why there is none.
    pub outcome: Option<AttemptOutcome>,
    /// The status code; 0 if there is none.
    pub status: u16,
    /// The status line, without its end.
    pub status_line: String,
    /// Names and values of the headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body, at most 256 KiB of it.
    pub body: Vec<u8>,
}

/// What of a response is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Print {
    /// Nothing: a check reads the status.
    Nothing,
    /// The body, as curl does.
    Body,
    /// Status line, headers and body: `curl -i`.
    Whole,
    /// What was sent and received: `curl -v`.
    Verbose,
    /// The status line and the body.
    StatusAndBody,
}

#[derive(Debug)]
pub(crate) struct Http {
    request: HttpRequest,
    print: Print,
    begun: Time,
    socket: Option<SocketId>,
    sent: bool,
    received: Vec<u8>,
    pub(crate) status: HttpStatus,
}

impl Http {
    pub(crate) fn new(request: HttpRequest, print: Print) -> Self {
        let status =
            HttpStatus { outcome: None, status: 0, status_line: String::new(), headers: Vec::new(), body: Vec::new() };
        Self { request, print, begun: Time::ZERO, socket: None, sent: false, received: Vec::new(), status }
    }

    pub(crate) fn step(&mut self, step: &mut Step<'_, '_>) -> bool {
        if self.status.outcome.is_some() {
            return true;
        }
        let now = step.cx.now;
        let Some(socket) = self.socket else { return self.begin(step) };
        let Some(connection) = step.sockets.get(socket) else { return self.end(step, AttemptOutcome::Timeout) };
        let (open, end) = (connection.is_open(), connection.end());
        if open && !self.sent {
            self.sent = true;
            let text = self.request_text();
            if self.print == Print::Verbose {
                let (ip, port) = (self.request.to.ip(), self.request.to.port());
                let _ = writeln!(step.text, "* Connected to {ip} ({ip}) port {port} (#0)");
                quote(step.text, '>', &text);
            }
            step.sockets.write(socket, text.as_bytes());
        }
        let mut buffer = [0; 4096];
        loop {
            match step.sockets.read(socket, &mut buffer) {
                0 => break,
                size => {
                    let kept = size.min(MAX_RESPONSE.saturating_sub(self.received.len()));
                    self.received.extend_from_slice(&buffer[..kept]);
                }
            }
        }
        let over = step.sockets.get(socket).is_none_or(|connection| connection.is_read_out());
        if self.complete() || (over && self.sent) {
            self.parse();
            let answered = self.status.status != 0;
            let after = now.since(self.begun);
            return match (answered, end) {
                (true, _) => self.end(step, AttemptOutcome::Answered { after }),
                (false, Some(End::Refused)) => self.end(step, AttemptOutcome::Refused),
                _ => self.end(step, AttemptOutcome::Timeout),
            };
        }
        if let Some(end) = end.filter(|_| !self.sent) {
            return self.end(step, outcome_of(end));
        }
        let deadline = self.begun + self.request.timeout;
        if now >= deadline {
            return self.end(step, AttemptOutcome::Timeout);
        }
        step.alarm = deadline;
        false
    }

    fn begin(&mut self, step: &mut Step<'_, '_>) -> bool {
        self.begun = step.cx.now;
        if self.print == Print::Verbose {
            let _ = writeln!(step.text, "*   Trying {}...", self.request.to);
        }
        let options = ConnectOptions { tag: step.tag, ..ConnectOptions::default() };
        match step.sockets.connect(step.cx, step.stack, self.request.to, options) {
            Ok(socket) => {
                self.socket = Some(socket);
                step.opened.push(socket);
                step.alarm = self.begun + self.request.timeout;
                false
            }
            Err(ConnectError::NoRoute(_)) => self.end(step, AttemptOutcome::NoRoute),
            Err(_) => self.end(step, AttemptOutcome::Unreachable),
        }
    }

    fn end(&mut self, step: &mut Step<'_, '_>, outcome: AttemptOutcome) -> bool {
        self.status.outcome = Some(outcome);
        if let Some(socket) = self.socket.take() {
            step.released.push(socket);
        }
        if self.print != Print::Nothing {
            self.print(step, outcome);
        }
        true
    }

    fn print(&self, step: &mut Step<'_, '_>, outcome: AttemptOutcome) {
        let (ip, port) = (self.request.to.ip(), self.request.to.port());
        let millis = step.cx.now.since(self.begun).as_millis();
        let failed = match outcome {
            AttemptOutcome::Answered { .. } => None,
            AttemptOutcome::Timeout if self.sent => Some("(52) Empty reply from server".into()),
            AttemptOutcome::Timeout => Some(format!("(28) Connection timed out after {millis} milliseconds")),
            _ => {
                Some(format!("(7) Failed to connect to {ip} port {port} after {millis} ms: Couldn't connect to server"))
            }
        };
        if let Some(failed) = failed {
            let _ = writeln!(step.text, "curl: {failed}");
            return;
        }
        let at = head_end(&self.received).unwrap_or(self.received.len());
        let head = String::from_utf8_lossy(&self.received[..at]).replace('\r', "");
        match self.print {
            Print::Verbose => quote(step.text, '<', &head),
            Print::Whole => step.text.push_str(&printable(head.as_bytes())),
            Print::StatusAndBody => {
                let _ = writeln!(step.text, "{}", printable(self.status.status_line.as_bytes()));
            }
            Print::Body | Print::Nothing => {}
        }
        step.text.push_str(&printable(&self.status.body));
        if self.print == Print::Verbose {
            step.text.push_str("* Closing connection 0\n");
        }
    }

    fn request_text(&self) -> String {
        let HttpRequest { host, path, head, .. } = &self.request;
        let method = if *head { "HEAD" } else { "GET" };
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: netloom\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
    }

    /// Whether the response is all there, by its own account.
    fn complete(&self) -> bool {
        let Some(at) = head_end(&self.received) else { return false };
        let length = headers(&self.received[..at]).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|(_, value)| value.parse::<usize>().ok());
        self.request.head || length.is_some_and(|length| self.received.len() - at >= length)
    }

    fn parse(&mut self) {
        let at = head_end(&self.received).unwrap_or(self.received.len());
        let head = &self.received[..at];
        let line = String::from_utf8_lossy(head).lines().next().unwrap_or_default().to_string();
        if let Some(code) = line.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1)) {
            self.status.status = code.parse().ok().filter(|code| (100..1000).contains(code)).unwrap_or(0);
        }
        self.status.status_line = line;
        self.status.headers = headers(head).collect();
        self.status.body = self.received[at..].to_vec();
    }
}

/// Where the body begins.
fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

fn headers(head: &[u8]) -> impl Iterator<Item = (String, String)> {
    let text = String::from_utf8_lossy(head).into_owned();
    let lines: Vec<String> = text.lines().skip(1).map(str::to_string).collect();
    lines.into_iter().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().into(), value.trim().into()))
    })
}

/// Lines behind a mark, as curl shows what goes and comes.
fn quote(text: &mut String, mark: char, head: &str) {
    for line in head.lines() {
        let _ = writeln!(text, "{}", format!("{mark} {}", printable(line.as_bytes())).trim_end());
    }
}

/// Bytes as text that a terminal takes as text.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let shown = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '.' } else { c };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}
