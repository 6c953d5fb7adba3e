//! netcat: connects and sends a text, listens and prints, or tries ports.

use core::fmt::Write;
use core::net::{IpAddr, SocketAddr};

use inet::IcmpError;
use sim_core::{Duration, Time};
use sockets::{ConnectOptions, End, SocketId, State};

use crate::net::attempt::{Attempt, AttemptOutcome, AttemptRequest, Protocol};
use crate::net::http::printable;
use crate::net::{Step, TTL};

/// What netcat is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Send the text to a port, print what comes back.
    Send { to: SocketAddr, text: String },
    /// Print what comes to a port.
    Listen { port: u16 },
    /// Try ports.
    Scan { to: IpAddr, first: u16, last: u16 },
}

#[derive(Debug)]
pub(crate) struct Netcat {
    mode: Mode,
    protocol: Protocol,
    verbose: bool,
    /// How long to wait for a connection, and for more to come.
    wait: Option<Duration>,
    begun: Option<Time>,
    /// Since when nothing came.
    quiet: Time,
    socket: Option<SocketId>,
    port: u16,
    sent: usize,
    open: bool,
    received: Vec<u8>,
    refused: bool,
    attempt: Option<Attempt>,
}

/// How long a UDP netcat waits for an answer, if not told.
const UDP_WAIT: Duration = Duration::from_secs(1);
/// The same for each port that is tried.
const SCAN_WAIT: Duration = Duration::from_secs(2);

impl Netcat {
    pub(crate) fn new(mode: Mode, protocol: Protocol, verbose: bool, wait: Option<Duration>) -> Self {
        Self {
            mode,
            protocol,
            verbose,
            wait,
            begun: None,
            quiet: Time::ZERO,
            socket: None,
            port: 0,
            sent: 0,
            open: false,
            received: Vec::new(),
            refused: false,
            attempt: None,
        }
    }

    /// The port that it listens on, if it does.
    pub(crate) fn listens(&self) -> Option<u16> {
        match self.mode {
            Mode::Listen { port } => Some(port),
            _ => None,
        }
    }

    pub(crate) fn is_udp(&self) -> bool {
        self.protocol == Protocol::Udp
    }

    pub(crate) fn step(&mut self, step: &mut Step<'_, '_>) -> bool {
        match (self.mode.clone(), self.protocol) {
            (Mode::Scan { to, last, .. }, _) => self.scan(step, to, last),
            (Mode::Send { to, text }, Protocol::Tcp) => self.talk(step, Some((to, &text))),
            (Mode::Listen { .. }, Protocol::Tcp) => self.talk(step, None),
            (mode, Protocol::Udp) => self.exchange(step, &mode),
        }
    }

    /// A peer has opened a connection; false if there is one already.
    pub(crate) fn accepted(&mut self, socket: SocketId) -> bool {
        if self.socket.is_some() {
            return false;
        }
        self.socket = Some(socket);
        true
    }

    pub(crate) fn datagram(&mut self, now: Time, from: SocketAddr, data: &[u8]) {
        match &mut self.attempt {
            Some(attempt) => attempt.answered(now, from),
            None => {
                self.quiet = now;
                self.received.extend_from_slice(data);
            }
        }
    }

    pub(crate) fn failed(&mut self, now: Time, error: IcmpError, about: SocketAddr) {
        match &mut self.attempt {
            Some(attempt) => attempt.failed(now, error, about),
            None => self.refused |= error == IcmpError::PortUnreachable,
        }
    }

    /// One TCP connection, its own or a peer's.
    fn talk(&mut self, step: &mut Step<'_, '_>, send: Option<(SocketAddr, &str)>) -> bool {
        let now = step.cx.now;
        if self.begun.is_none() {
            (self.begun, self.quiet) = (Some(now), now);
            if let Some((to, _)) = send {
                let options = ConnectOptions { tag: step.tag, ..ConnectOptions::default() };
                match step.sockets.connect(step.cx, step.stack, to, options) {
                    Ok(socket) => {
                        self.socket = Some(socket);
                        step.opened.push(socket);
                    }
                    Err(error) => {
                        let _ =
                            writeln!(step.text, "nc: connect to {} port {} (tcp) failed: {error}", to.ip(), to.port());
                        return true;
                    }
                }
            } else if self.verbose {
                let _ = writeln!(step.text, "Listening on 0.0.0.0 {}", self.listens().unwrap_or(0));
            }
        }
        let Some(socket) = self.socket else {
            // A listener waits as long as it takes.
            return false;
        };
        let Some(connection) = step.sockets.get(socket) else { return true };
        let (state, end, remote) = (connection.state(), connection.end(), connection.remote());
        if connection.is_open() && !self.open {
            (self.open, self.quiet) = (true, now);
            if self.verbose && send.is_some() {
                let _ = writeln!(step.text, "Connection to {} {} port [tcp/*] succeeded!", remote.ip(), remote.port());
            } else if self.verbose {
                let _ = writeln!(step.text, "Connection received on {} {}", remote.ip(), remote.port());
            }
        }
        if let Some((_, text)) = send.filter(|_| self.open) {
            if self.sent < text.len() {
                self.sent += step.sockets.write(socket, &text.as_bytes()[self.sent..]);
            }
            // Without a text nothing ends it but the peer, as with a terminal for its input.
            if !text.is_empty() && self.sent == text.len() && matches!(state, State::Established | State::CloseWait) {
                step.sockets.close(socket);
            }
        }
        let mut buffer = [0; 4096];
        loop {
            match step.sockets.read(socket, &mut buffer) {
                0 => break,
                size => {
                    self.quiet = now;
                    step.text.push_str(&printable(&buffer[..size]));
                }
            }
        }
        let over = step.sockets.get(socket).is_none_or(|connection| connection.is_read_out());
        let late = self.wait.is_some_and(|wait| now >= self.quiet + wait);
        if over || late {
            if !self.open {
                let why = match (end, late) {
                    (_, true) | (Some(End::TimedOut), _) => "Connection timed out",
                    (Some(End::Unreachable), _) => "No route to host",
                    _ => "Connection refused",
                };
                let _ =
                    writeln!(step.text, "nc: connect to {} port {} (tcp) failed: {why}", remote.ip(), remote.port());
            }
            step.released.push(socket);
            return true;
        }
        step.alarm = self.wait.map_or(Time::NEVER, |wait| self.quiet + wait);
        false
    }

    /// Datagrams, to a port or from anybody.
    fn exchange(&mut self, step: &mut Step<'_, '_>, mode: &Mode) -> bool {
        let now = step.cx.now;
        if self.begun.is_none() {
            (self.begun, self.quiet) = (Some(now), now);
            if let Mode::Send { to, text } = mode {
                self.port = step.open_port();
                if let Err(error) = step.send_datagram(self.port, *to, TTL, text.as_bytes()) {
                    let _ = writeln!(step.text, "nc: {error}");
                    return true;
                }
            }
        }
        step.text.push_str(&printable(&core::mem::take(&mut self.received)));
        if self.refused {
            step.text.push_str("nc: read failed (udp): Connection refused\n");
            return true;
        }
        let listening = matches!(mode, Mode::Listen { .. });
        let wait = self.wait.or((!listening).then_some(UDP_WAIT));
        let until = wait.map_or(Time::NEVER, |wait| self.quiet + wait);
        step.alarm = until;
        now >= until
    }

    /// Tries one port after the other.
    fn scan(&mut self, step: &mut Step<'_, '_>, to: IpAddr, last: u16) -> bool {
        loop {
            let Mode::Scan { first: port, .. } = self.mode else { return true };
            let request = AttemptRequest {
                to,
                port,
                protocol: self.protocol,
                timeout: self.wait.unwrap_or(SCAN_WAIT),
                tag: step.tag,
            };
            let attempt = self.attempt.get_or_insert_with(|| Attempt::new(&request));
            if !attempt.step(step) {
                return false;
            }
            let protocol = self.protocol;
            let open = match attempt.outcome {
                AttemptOutcome::Answered { .. } => Ok(()),
                // Silence is what a UDP port that takes datagrams answers with.
                AttemptOutcome::Timeout if protocol == Protocol::Udp => Ok(()),
                AttemptOutcome::Refused => Err("Connection refused"),
                AttemptOutcome::NoRoute => Err("Network is unreachable"),
                AttemptOutcome::Unreachable => Err("No route to host"),
                AttemptOutcome::Timeout | AttemptOutcome::Pending => Err("Connection timed out"),
            };
            let _ = match open {
                Ok(()) => writeln!(step.text, "Connection to {to} {port} port [{protocol}/*] succeeded!"),
                Err(why) => writeln!(step.text, "nc: connect to {to} port {port} ({protocol}) failed: {why}"),
            };
            self.attempt = None;
            match &mut self.mode {
                Mode::Scan { first, .. } if *first < last => *first += 1,
                _ => return true,
            }
        }
    }
}
