//! A server: NICs with a network stack, Open vSwitch, and the commands of a Linux shell's networking.
//!
//! A host and an Open vSwitch side by side.

use host::{ConfigError, Host, HostConfig, InterfaceConfig, Reply, RouteConfig};
use sim_core::{Batch, Carrier, Cx, Drop, Node, PortIx, Seed, Tag, Time};
use switch::{CommandError, Switch, WorkerHandle};

/// How a server is to be.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The node's name.
    pub name: String,
    /// Its NICs: interfaces of its network stack.
    pub nics: Vec<InterfaceConfig>,
    /// Static routes.
    pub routes: Vec<RouteConfig>,
    /// The node's other ports with their names: unplugged interfaces (TAPs), until a bridge takes them.
    pub taps: Vec<(String, PortIx)>,
}

/// A server.
#[derive(Debug)]
pub struct Server {
    host: Host,
    switch: Switch,
}

impl Server {
    /// A server without bridges. `ports` of its configuration are all ports of the node.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub fn new(config: ServerConfig, seed: Seed, worker: &WorkerHandle) -> Result<Self, ConfigError> {
        let ServerConfig { name, nics, routes, taps } = config;
        let mut switch = Switch::new(&name, seed, worker);
        for (tap, port) in taps {
            switch.attach(&tap, port);
        }
        let host = Host::new(HostConfig { name, interfaces: nics, routes })?;
        Ok(Self { host, switch })
    }

    /// Its network stack and what stands on it.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Acts on its network stack: what it sends goes where the interface leads, out of a NIC or into a bridge.
    pub fn with_host<R>(&mut self, cx: &mut Cx<'_>, f: impl FnOnce(&mut Host, &mut Cx<'_>) -> R) -> R {
        f(&mut self.host, cx)
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
    pub fn settle(&mut self, _now: Time) {}

    /// Does what a line says: a tool of Open vSwitch, an applet (`ip ifconfig route arp tunctl ping brctl tcpdump`),
    /// or a word of a host's prompt. Frames that it sends carry `tag`.
    pub fn command(&mut self, cx: &mut Cx<'_>, words: &[String], tag: Tag) -> Reply {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.host.command(cx, &words, tag)
    }

    /// A line of `setup`, before the lab runs: a command that would take lab time is refused.
    ///
    /// # Errors
    /// What the program would print on standard error.
    pub fn setup(&mut self, now: Time, words: &[String]) -> Result<String, CommandError> {
        self.switch.command_at(now, words)
    }

    /// Why a frame died here.
    pub fn explain_drop(&self, drop: &Drop, frame: &[u8]) -> String {
        self.switch.explain_drop(drop, frame)
    }
}

impl Node for Server {
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        self.host.frames(cx, port, batch);
    }
    fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        self.host.carrier(cx, port, state);
    }
    fn wake(&mut self, cx: &mut Cx<'_>) {
        self.host.wake(cx);
    }
    fn next_wake(&self) -> Time {
        self.host.next_wake()
    }
}
