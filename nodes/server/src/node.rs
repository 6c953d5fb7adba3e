//! The server as a node of the lab.

use host::{ConfigError, Host, HostConfig, Reply, SessionId};
use inet::IfIx;
use packet::MacAddr;
use sim_core::{Batch, Carrier, Cx, Drop, Node, PortIx, Seed, Tag, Time};
use switch::{CommandError, Switch, WorkerHandle};

use crate::ServerConfig;
use crate::applet;
use crate::capture::Captures;
use crate::change::aside;
use crate::devices::{Device, Devices, Kind};
use crate::inside::{Inside, Side};
use crate::session::Sessions;

/// A server.
#[derive(Debug)]
pub struct Server {
    pub(crate) host: Host,
    pub(crate) switch: Switch,
    pub(crate) devices: Devices,
    pub(crate) loopback: IfIx,
    pub(crate) inside: Inside,
    pub(crate) captures: Captures,
    pub(crate) sessions: Sessions,
    /// Whether it is a host with a shell, and has no Open vSwitch.
    pub(crate) is_host: bool,
}

impl Server {
    /// A server without bridges. `ports` of its configuration are all ports of the node.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub fn new(config: ServerConfig, seed: Seed, worker: &WorkerHandle) -> Result<Self, ConfigError> {
        let ServerConfig { name, nics, routes, taps } = config;
        let switch = Switch::new(&name, seed, worker);
        let ports = nics.iter().map(|nic| nic.port).chain(taps.iter().map(|(_, port)| *port));
        let devices = Devices::new(ports.map(|port| port.index() + 1).max().unwrap_or(0));
        let host = Host::new(HostConfig { name, interfaces: nics, routes })?;
        let mut server = Self {
            host,
            switch,
            devices,
            loopback: IfIx(0),
            inside: Inside::default(),
            captures: Captures::default(),
            sessions: Sessions::default(),
            is_host: false,
        };
        server.add_nics();
        server.add_loopback()?;
        aside(Time::ZERO, |cx| {
            taps.iter().try_for_each(|(tap, port)| server.add_device_at(cx, tap, Kind::Tap, *port, true))
        })?;
        Ok(server)
    }

    /// Its network stack and what stands on it.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Acts on its network stack: what it sends goes where the interface leads, out of a NIC or into a bridge.
    pub fn with_host<R>(&mut self, cx: &mut Cx<'_>, f: impl FnOnce(&mut Host, &mut Cx<'_>) -> R) -> R {
        self.with_side(cx, Side::Stack, |server, cx| f(&mut server.host, cx))
    }

    /// Its Open vSwitch.
    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    /// Its Open vSwitch, to be configured: [`Server::settle`] is to be called afterwards.
    pub fn switch_mut(&mut self) -> &mut Switch {
        &mut self.switch
    }

    /// Has the stack's interfaces follow the bridges: each bridge's local port is one.
    pub fn settle(&mut self, now: Time) {
        self.follow_aside(now);
    }

    /// The name of the network device at a port: a port of the node's, or one that no link has, as drops name it.
    pub fn port_name(&self, port: PortIx) -> Option<&str> {
        self.devices.get(port).map(|device| device.name.as_str())
    }

    /// Does what a line says: a tool of Open vSwitch, an applet ([`commands`](crate::commands)), or a word of a host's
    /// prompt. Frames that it sends carry `tag`.
    pub fn command(&mut self, cx: &mut Cx<'_>, words: &[String], tag: Tag) -> Reply {
        applet::run(self, cx, words, tag).unwrap_or_else(|failure| Reply::Failed(failure.message))
    }

    /// A line of `setup`, before the lab runs: a command that would take lab time is refused.
    ///
    /// # Errors
    /// What the program would print on standard error.
    pub fn setup(&mut self, now: Time, words: &[String]) -> Result<String, CommandError> {
        aside(now, |cx| applet::set_up(self, cx, words))
    }

    /// What a command that runs printed since this was last asked; `None` if there is no such command.
    pub fn session_news(&mut self, id: SessionId) -> Option<String> {
        self.news_of(id)
    }

    /// The output of a command that ran, once it is done, without what [`Server::session_news`] gave; the session is then
    /// forgotten.
    pub fn session_output(&mut self, id: SessionId) -> Option<String> {
        self.end_session(id, false)
    }

    /// Ends a command that runs, as Ctrl-C does; gives what it printed so far, without what [`Server::session_news`] gave.
    pub fn cancel_session(&mut self, id: SessionId) -> Option<String> {
        self.end_session(id, true)
    }

    /// Why a frame died here.
    pub fn explain_drop(&self, drop: &Drop, frame: &[u8]) -> String {
        crate::explain::drop(self, drop, frame)
    }

    pub(crate) fn add_nics(&mut self) {
        let nics: Vec<(PortIx, Device, MacAddr)> = self
            .host
            .interfaces()
            .iter()
            .enumerate()
            .filter(|(_, interface)| interface.vlan().is_none())
            .map(|(at, nic)| {
                let mut device = Device::new(nic.name(), Kind::Nic, IfIx(at as u32), nic.is_admin_up());
                device.has_carrier = nic.has_carrier();
                device.has_address = !nic.addresses().is_empty();
                (nic.port(), device, nic.mac())
            })
            .collect();
        for (port, device, mac) in nics {
            self.switch.attach(&device.name, port);
            self.switch.set_mac(port, mac);
            self.devices.insert(port, device);
        }
    }

    pub(crate) fn add_loopback(&mut self) -> Result<(), ConfigError> {
        let Some(port) = self.devices.vacant() else { return Ok(()) };
        self.loopback = self.host.stack_mut().0.add_loopback(port)?;
        let device = Device::new("lo", Kind::Loopback, self.loopback, true);
        self.devices.insert(port, device);
        Ok(())
    }
}

impl Node for Server {
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        for frame in batch.drain() {
            self.enter(cx, port, frame);
        }
    }

    fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        self.set_carrier(cx, port, state);
    }

    fn wake(&mut self, cx: &mut Cx<'_>) {
        self.with_side(cx, Side::Stack, |server, cx| server.host.wake(cx));
        self.with_side(cx, Side::Bridges, |server, cx| server.switch.wake(cx));
        self.sessions.wake(cx);
    }

    fn next_wake(&self) -> Time {
        self.host.next_wake().min(self.switch.next_wake()).min(self.sessions.next_wake())
    }
}
