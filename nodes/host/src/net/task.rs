//! Tasks: what a host does that takes time and ends.

use core::net::SocketAddr;

use inet::{IcmpError, Stack};
use sim_core::{Cx, Tag, Time};
use sockets::{SocketId, Sockets};

use core::net::IpAddr;

use crate::net::{Attempt, Http, Mail, Netcat, Trace, Transfer};

/// A task of a host. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// What tasks there are.
#[derive(Debug)]
pub(crate) enum Task {
    Attempt(Attempt),
    Http(Box<Http>),
    Netcat(Box<Netcat>),
    Trace(Trace),
    Transfer(Box<Transfer>),
}

/// A task with what it has printed.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) task: Task,
    pub(crate) tag: Tag,
    pub(crate) text: String,
    pub(crate) finished: bool,
    pub(crate) alarm: Time,
    /// TCP ports whose connections are the task's.
    pub(crate) listening: Vec<u16>,
}

/// What a task is given with each step.
pub(crate) struct Step<'a, 'b> {
    pub(crate) cx: &'a mut Cx<'b>,
    pub(crate) stack: &'a mut Stack,
    pub(crate) sockets: &'a mut Sockets,
    pub(crate) outbox: &'a mut Vec<Mail>,
    pub(crate) tag: Tag,
    /// What it prints.
    pub(crate) text: &'a mut String,
    /// When it wants to be stepped again, if nothing comes before.
    pub(crate) alarm: Time,
    /// Connections that are the task's from now on.
    pub(crate) opened: Vec<SocketId>,
    /// Connections that it has done with.
    pub(crate) released: Vec<SocketId>,
    /// UDP ports that are the task's from now on.
    pub(crate) ports: Vec<u16>,
    pub(crate) last_port: &'a mut u16,
}

impl Running {
    pub(crate) fn new(task: Task, tag: Tag) -> Self {
        Self { task, tag, text: String::new(), finished: false, alarm: Time::NEVER, listening: Vec::new() }
    }
}

impl Task {
    /// Goes on; true once it has ended.
    pub(crate) fn step(&mut self, step: &mut Step<'_, '_>) -> bool {
        match self {
            Self::Attempt(attempt) => attempt.step(step),
            Self::Http(http) => http.step(step),
            Self::Netcat(netcat) => netcat.step(step),
            Self::Trace(trace) => trace.step(step),
            Self::Transfer(transfer) => transfer.step(step),
        }
    }

    /// A datagram came in for one of its ports.
    pub(crate) fn datagram(&mut self, now: Time, from: SocketAddr, port: u16, data: &[u8]) {
        match self {
            Self::Attempt(attempt) => attempt.answered(now, from),
            Self::Netcat(netcat) => netcat.datagram(now, from, data),
            Self::Transfer(transfer) => transfer.answered(port, data),
            Self::Http(_) | Self::Trace(_) => {}
        }
    }

    /// An ICMP error came in about a datagram that one of its ports sent to `about`.
    pub(crate) fn error(&mut self, now: Time, from: IpAddr, error: IcmpError, about: SocketAddr) {
        match self {
            Self::Attempt(attempt) => attempt.failed(now, error, about),
            Self::Netcat(netcat) => netcat.failed(now, error, about),
            Self::Trace(trace) => trace.failed(now, from, error, about.port()),
            Self::Transfer(transfer) => transfer.failed(error),
            Self::Http(_) => {}
        }
    }

    /// A connection came to a port that it listens on; false if it wants none.
    pub(crate) fn accepted(&mut self, socket: SocketId) -> bool {
        match self {
            Self::Netcat(netcat) => netcat.accepted(socket),
            _ => false,
        }
    }
}
