//! Servers: ports that answer until they are closed.

use core::fmt::{self, Write};
use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use inet::Stack;
use sim_core::{Tag, Time};
use sockets::{DEFAULT_BUFFER, SocketId, Sockets};

use crate::net::attempt::Protocol;
use crate::net::http::printable;
use crate::net::iperf_text::{self, Interval};
use crate::net::transfer::IPERF_PORT;
use crate::net::udp_report::{self, Flow};
use crate::net::{Mail, TTL};

/// What a port does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Sends back what comes (RFC 862).
    Echo,
    /// Takes what comes (RFC 863).
    Discard,
    /// TCP: sends characters as long as somebody takes them. UDP: answers each datagram with a line (RFC 864).
    Chargen,
    /// Answers HTTP/1.1 with one page whose title is the host's name. TCP only.
    Http,
    /// What `iperf -s` does.
    Iperf,
    /// Prints what comes to [`Host::server_log`](crate::Host::server_log): `nc -l -k`.
    Print,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Echo => "echo",
            Self::Discard => "discard",
            Self::Chargen => "chargen",
            Self::Http => "http",
            Self::Iperf => "iperf",
            Self::Print => "nc",
        })
    }
}

/// Why a port can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServeError {
    /// Something listens there.
    #[error("{0} port {1} is in use: `show sockets` lists what listens, `close {0} {1}` closes it")]
    PortTaken(Protocol, u16),
    /// HTTP over UDP, say.
    #[error("that is served by TCP alone")]
    WrongProtocol,
    /// Port 0.
    #[error("0 is no port: take one from 1 to 65535")]
    NoPort,
}

/// The buffer of connections that iperf opens: a link of 10 Gbit/s with a round trip of 10 ms and more.
pub(crate) const IPERF_BUFFER: u32 = 16 << 20;
/// The most bytes of a request.
const MAX_REQUEST: usize = 8 << 10;
/// The most bytes of what servers printed that are kept: the last ones.
const MAX_LOG: usize = 64 << 10;
/// The most senders of datagrams that an iperf server counts at once; the one heard longest ago gives way.
const MAX_FLOWS: usize = 1024;
/// A line of a character generator.
const CHARGEN: &[u8] = b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh\r\n";

/// The servers of a host.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    host: String,
    tcp: BTreeMap<u16, Service>,
    udp: BTreeMap<u16, Service>,
    /// Those of both that somebody at the prompt opened.
    typed: BTreeSet<(Protocol, u16)>,
    /// Ports that tasks listen on.
    lent: BTreeMap<u16, Protocol>,
    /// Ports that are closed after one client, and those that have had it.
    once: BTreeSet<(Protocol, u16)>,
    done: Vec<(Protocol, u16)>,
    connections: BTreeMap<SocketId, Serving>,
    flows: BTreeMap<(u16, SocketAddr), (u32, Flow)>,
    ids: BTreeMap<(Protocol, u16), u32>,
    log: String,
}

/// A connection that is served.
#[derive(Debug)]
struct Serving {
    service: Service,
    port: u16,
    id: u32,
    since: Time,
    /// What came last, until which an iperf server counts.
    last: Time,
    /// What is to be sent, or of the request.
    held: Vec<u8>,
}

impl Servers {
    pub(crate) fn new(host: &str) -> Self {
        Self { host: host.into(), ..Self::default() }
    }

    /// Opens a port.
    pub(crate) fn open(
        &mut self,
        sockets: &mut Sockets,
        stack: &mut Stack,
        protocol: Protocol,
        port: u16,
        service: Service,
    ) -> Result<(), ServeError> {
        match (protocol, service) {
            _ if port == 0 => return Err(ServeError::NoPort),
            (Protocol::Udp, Service::Http) => return Err(ServeError::WrongProtocol),
            (Protocol::Udp, _) => {
                if self.udp.contains_key(&port) || stack.has_udp(port) {
                    return Err(ServeError::PortTaken(protocol, port));
                }
                stack.open_udp(port);
                self.udp.insert(port, service);
            }
            (Protocol::Tcp, _) => {
                let buffer = if service == Service::Iperf { IPERF_BUFFER } else { DEFAULT_BUFFER };
                if !sockets.listen(port, buffer) {
                    return Err(ServeError::PortTaken(protocol, port));
                }
                self.tcp.insert(port, service);
            }
        }
        Ok(())
    }

    /// Closes a port; false if no server has it. Open connections go on.
    pub(crate) fn close(&mut self, sockets: &mut Sockets, stack: &mut Stack, protocol: Protocol, port: u16) -> bool {
        self.typed.remove(&(protocol, port));
        self.once.remove(&(protocol, port));
        match protocol {
            Protocol::Tcp => {
                let found = self.tcp.remove(&port).is_some();
                if found {
                    sockets.close_listener(port);
                }
                found
            }
            Protocol::Udp => {
                let found = self.udp.remove(&port).is_some();
                if found {
                    stack.close_udp(port);
                    self.flows.retain(|(at, _), _| *at != port);
                }
                found
            }
        }
    }

    /// The ports that are open, and what they do.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (Protocol, u16, Service)> + '_ {
        let of = |protocol| move |(port, service): (&u16, &Service)| (protocol, *port, *service);
        self.tcp.iter().map(of(Protocol::Tcp)).chain(self.udp.iter().map(of(Protocol::Udp)))
    }

    /// Notes that somebody at the prompt opened a port.
    pub(crate) fn note_typed(&mut self, protocol: Protocol, port: u16) {
        self.typed.insert((protocol, port));
    }

    /// The lines of the prompt that open what was opened there.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let typed = self.ports().filter(|(protocol, port, _)| self.typed.contains(&(*protocol, *port)));
        typed.map(|(protocol, port, service)| {
            let is_udp = protocol == Protocol::Udp;
            match service {
                Service::Echo | Service::Discard | Service::Chargen => format!("listen {protocol} {port} {service}"),
                Service::Http => format!("http {port}"),
                Service::Print => format!("nc -l -k {}{port}", if is_udp { "-u " } else { "" }),
                Service::Iperf => {
                    let mut line = String::from("iperf -s");
                    line += if is_udp { " -u" } else { "" };
                    if port != IPERF_PORT {
                        // Writing to a String can't fail.
                        let _ = write!(line, " -p {port}");
                    }
                    line += if self.once.contains(&(protocol, port)) { " -1" } else { "" };
                    line
                }
            }
        })
    }

    /// Lends a port to a task.
    pub(crate) fn lend(
        &mut self,
        sockets: &mut Sockets,
        stack: &mut Stack,
        protocol: Protocol,
        port: u16,
    ) -> Result<(), ServeError> {
        match protocol {
            Protocol::Tcp if sockets.listen(port, DEFAULT_BUFFER) => {}
            Protocol::Udp if !stack.has_udp(port) => stack.open_udp(port),
            _ => return Err(ServeError::PortTaken(protocol, port)),
        }
        self.lent.insert(port, protocol);
        Ok(())
    }

    /// The task needs it no more.
    pub(crate) fn give_back(&mut self, sockets: &mut Sockets, stack: &mut Stack, port: u16) {
        match self.lent.remove(&port) {
            Some(Protocol::Tcp) => sockets.close_listener(port),
            Some(Protocol::Udp) => stack.close_udp(port),
            None => {}
        }
    }

    /// A port is closed once it has served one client.
    pub(crate) fn serve_once(&mut self, protocol: Protocol, port: u16) {
        self.once.insert((protocol, port));
    }

    /// The ports that have served their one client.
    pub(crate) fn take_done(&mut self) -> Vec<(Protocol, u16)> {
        core::mem::take(&mut self.done)
    }

    /// What servers have printed, the last [`MAX_LOG`] bytes.
    pub(crate) fn log(&self) -> &str {
        &self.log
    }

    /// A peer has opened a connection.
    pub(crate) fn accepted(&mut self, now: Time, port: u16, socket: SocketId, sockets: &mut Sockets) {
        let Some(service) = self.tcp.get(&port).copied() else {
            sockets.abort(socket);
            return sockets.release(socket);
        };
        let mut id = 0;
        if service == Service::Iperf
            && let Some(connection) = sockets.get(socket)
        {
            id = self.next_id(Protocol::Tcp, port);
            let text = iperf_text::connected(id, connection);
            self.print(&text);
        }
        let serving = Serving { service, port, id, since: now, last: now, held: Vec::new() };
        self.connections.insert(socket, serving);
        self.serve(now, socket, sockets);
    }

    /// Something came for a connection.
    pub(crate) fn serve(&mut self, now: Time, socket: SocketId, sockets: &mut Sockets) {
        let Some(mut serving) = self.connections.remove(&socket) else { return };
        let Some(connection) = sockets.get(socket) else { return };
        let (fresh, over) = (connection.readable() > 0, connection.is_read_out());
        let gone = connection.state() == sockets::State::Closed;
        if fresh {
            serving.last = now;
        }
        let done = match serving.service {
            Service::Echo => serving.echo(socket, sockets) && sockets.get(socket).is_some_and(|c| c.is_read_out()),
            Service::Discard | Service::Iperf => {
                sockets.discard(socket);
                over || sockets.get(socket).is_some_and(|connection| connection.is_read_out())
            }
            Service::Chargen => {
                sockets.discard(socket);
                serving.generate(socket, sockets);
                over
            }
            Service::Print => {
                let mut buffer = [0; 4096];
                loop {
                    match sockets.read(socket, &mut buffer) {
                        0 => break,
                        size => self.print(&printable(&buffer[..size])),
                    }
                }
                sockets.get(socket).is_some_and(|connection| connection.is_read_out())
            }
            Service::Http => serving.answer(&self.host, socket, sockets) || over,
        };
        if !done && !gone {
            self.connections.insert(socket, serving);
            return;
        }
        if serving.service == Service::Iperf {
            let count = sockets.get(socket).map_or(0, |connection| connection.counters().received);
            let to = serving.last.since(serving.since);
            let interval = Interval { from: sim_core::Duration::ZERO, to, bytes: count };
            let text = [iperf_text::head(false), &iperf_text::line(&serving.id.to_string(), &interval)].concat();
            self.print(&text);
        }
        self.served(Protocol::Tcp, serving.port);
        sockets.release(socket);
    }

    /// A client was served.
    fn served(&mut self, protocol: Protocol, port: u16) {
        if self.once.remove(&(protocol, port)) {
            self.done.push((protocol, port));
        }
    }

    /// A datagram came in; gives the answer.
    pub(crate) fn datagram(&mut self, now: Time, from: SocketAddr, port: u16, data: &[u8], tag: Tag) -> Option<Mail> {
        let answer = match self.udp.get(&port)? {
            Service::Discard | Service::Http => return None,
            Service::Print => {
                self.print(&printable(data));
                return None;
            }
            Service::Echo => data.to_vec(),
            Service::Chargen => CHARGEN.to_vec(),
            Service::Iperf => self.counted(now, from, port, data)?,
        };
        // Two echo ports must not answer each other for ever.
        let own = |port| matches!(port, 0 | 7 | 19);
        (!own(from.port())).then_some(Mail { to: from, from_port: port, ttl: TTL, data: answer, tag })
    }

    /// Counts a datagram of iperf; the last of a sender is answered.
    fn counted(&mut self, now: Time, from: SocketAddr, port: u16, data: &[u8]) -> Option<Vec<u8>> {
        let (number, sent) = udp_report::read_header(data)?;
        let key = (port, from);
        if !self.flows.contains_key(&key) {
            // The end of a flow that is not known, repeated.
            if number < 0 {
                return None;
            }
            if self.flows.len() >= MAX_FLOWS {
                let oldest = self.flows.iter().min_by_key(|(_, (_, flow))| flow.first).map(|(key, _)| *key)?;
                self.flows.remove(&oldest);
            }
            let id = self.next_id(Protocol::Udp, port);
            self.flows.insert(key, (id, Flow::new(now)));
            let local = SocketAddr::new(if from.is_ipv4() { [0, 0, 0, 0].into() } else { [0u16; 8].into() }, port);
            self.print(&iperf_text::ends(id, local, from, ""));
        }
        let (id, flow) = self.flows.get_mut(&key)?;
        if number >= 0 {
            if flow.done {
                *flow = Flow::new(now);
            }
            flow.datagram(now, number, sent, data.len());
            return None;
        }
        if !core::mem::replace(&mut flow.done, true) {
            // The number of the last tells how many there were, also if those before it were lost.
            flow.ended(number);
            let interval = Interval { from: sim_core::Duration::ZERO, to: flow.count.elapsed, bytes: flow.count.bytes };
            let line = iperf_text::line_with_losses(&id.to_string(), &interval, &flow.count);
            let text = [iperf_text::head(true), &line].concat();
            let answer = udp_report::write_answer(number, &flow.count);
            self.print(&text);
            self.served(Protocol::Udp, port);
            return Some(answer);
        }
        Some(udp_report::write_answer(number, &flow.count))
    }

    fn next_id(&mut self, protocol: Protocol, port: u16) -> u32 {
        let id = self.ids.entry((protocol, port)).or_default();
        *id += 1;
        *id
    }

    /// Prints to the log.
    pub(crate) fn print(&mut self, text: &str) {
        self.log.push_str(text);
        if self.log.len() > MAX_LOG {
            let cut = self.log.len() - MAX_LOG;
            let line = self.log.as_bytes()[cut..].iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            self.log.drain(..cut + line);
        }
    }
}

impl Serving {
    /// Sends back what came; true if nothing is held.
    fn echo(&mut self, socket: SocketId, sockets: &mut Sockets) -> bool {
        let mut buffer = [0; 4096];
        loop {
            if !self.held.is_empty() {
                let written = sockets.write(socket, &self.held);
                self.held.drain(..written);
                if !self.held.is_empty() {
                    return false;
                }
            }
            match sockets.read(socket, &mut buffer) {
                0 => return true,
                size => self.held.extend_from_slice(&buffer[..size]),
            }
        }
    }

    /// Writes characters as long as they find room.
    fn generate(&mut self, socket: SocketId, sockets: &mut Sockets) {
        while sockets.get(socket).is_some_and(|connection| connection.writable() >= CHARGEN.len()) {
            sockets.write(socket, CHARGEN);
        }
    }

    /// Reads a request and answers it; true once it has.
    fn answer(&mut self, host: &str, socket: SocketId, sockets: &mut Sockets) -> bool {
        let mut buffer = [0; 1024];
        loop {
            let size = sockets.read(socket, &mut buffer);
            self.held.extend_from_slice(&buffer[..size]);
            let whole = self.held.windows(4).any(|end| end == b"\r\n\r\n");
            if whole || self.held.len() > MAX_REQUEST {
                let response = response(host, self.port, whole.then_some(&self.held));
                sockets.write(socket, response.as_bytes());
                return true;
            }
            if size == 0 {
                return false;
            }
        }
    }
}

/// The response to a request; `None` is one that is too long (RFC 9110, RFC 9112).
fn response(host: &str, port: u16, request: Option<&Vec<u8>>) -> String {
    let text = request.map(|bytes| String::from_utf8_lossy(bytes));
    let mut words = text.as_deref().and_then(|text| text.lines().next()).unwrap_or_default().split(' ');
    let (method, target, version) = (words.next().unwrap_or(""), words.next(), words.next());
    let status = match (&text, target, version) {
        (None, ..) => "431 Request Header Fields Too Large",
        (_, Some(_), Some(version)) if version.starts_with("HTTP/1.") => match (method, target) {
            ("GET" | "HEAD", Some("/" | "/index.html")) => "200 OK",
            ("GET" | "HEAD", _) => "404 Not Found",
            _ => "405 Method Not Allowed",
        },
        _ => "400 Bad Request",
    };
    let found = status.starts_with("200");
    let title = if found { host } else { status };
    let body = format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1>\n<p>{host}, port {port}</p>\n\
         </body>\n</html>\n"
    );
    let mut head = format!(
        "HTTP/1.1 {status}\r\nServer: netloom\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n",
        body.len()
    );
    if status.starts_with("405") {
        let _ = write!(head, "Allow: GET, HEAD\r\n");
    }
    head.push_str("\r\n");
    if method != "HEAD" {
        head.push_str(&body);
    }
    head
}
