//! The running lab: its engine, its names, and what can be asked of its nodes.

use super::build::{self, LabEngine, SetupError};
use super::capture::Sink;
use super::device::Device;
use super::names::Names;
use super::watch::Lookout;
use crate::lab::Lab;
use host::Host;
use packet::{MacAddr, Match};
use pcap::{Format, Section};
use sim_core::{Cx, DirIx, Engine, LinkIx, NodeIx, PortIx, Tag};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use switch::Switch;

/// Why a text names no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No such node, or no such port on it.
    #[error("there is no `{name}`{}", hint(.nearest))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name that is there.
        nearest: Option<String>,
    },
    /// The port has no link.
    #[error("`{0}` has no link")]
    NoLink(String),
}

/// Why a link can't be captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is no such link.
    #[error("capture: {0}")]
    Link(#[from] LinkError),
    /// The capture can't be written.
    #[error("capture: {0}")]
    Io(#[from] io::Error),
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// A running lab.
#[derive(Debug)]
pub struct Net {
    name: String,
    engine: LabEngine,
    names: Rc<Names>,
    next_tag: u32,
}

impl Net {
    /// Makes the lab's devices and links, and runs its setup lines.
    ///
    /// # Errors
    /// All that the devices refuse.
    pub fn new(lab: &Lab) -> Result<Self, Vec<SetupError>> {
        let (engine, names) = build::build(lab)?;
        Ok(Self { name: lab.name().to_owned(), engine, names, next_tag: 0 })
    }

    /// The lab's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The engine.
    pub fn engine(&self) -> &Engine<Device, Lookout> {
        &self.engine
    }

    /// The engine.
    pub fn engine_mut(&mut self) -> &mut Engine<Device, Lookout> {
        &mut self.engine
    }

    /// The names.
    pub fn names(&self) -> &Rc<Names> {
        &self.names
    }

    /// A tag that nobody has.
    pub fn new_tag(&mut self) -> Tag {
        self.next_tag += 1;
        Tag(self.next_tag)
    }

    /// All hosts, in order.
    pub fn hosts(&self) -> impl Iterator<Item = (NodeIx, &Host)> {
        let nodes = self.engine.nodes().iter().enumerate();
        nodes.filter_map(|(number, device)| match device {
            Device::Host(host) => Some((NodeIx(number as u32), &**host)),
            _ => None,
        })
    }

    /// A host, or a server's network stack.
    pub fn host(&self, node: NodeIx) -> Option<&Host> {
        self.engine.node(node).as_host()
    }

    /// A switch, or a server's.
    pub fn switch(&self, node: NodeIx) -> Option<&Switch> {
        self.engine.node(node).as_switch()
    }

    /// Acts on a host or a server's network stack; nothing happens to a node of another kind.
    pub fn with_host<R>(&mut self, node: NodeIx, f: impl FnOnce(&mut Host, &mut Cx<'_>) -> R) -> Option<R> {
        self.engine.act(node, |device, cx| device.with_host(cx, f))
    }

    /// The first address of a host, of a family if one is given; IPv4 before IPv6 otherwise.
    pub fn address_of(&self, node: NodeIx, ipv6: Option<bool>) -> Option<IpAddr> {
        let host = self.host(node)?;
        let own = || host.addresses().map(|(_, own)| own.address()).filter(|address| !address.is_loopback());
        let first = |six: bool| own().find(|address| address.is_ipv6() == six);
        match ipv6 {
            Some(six) => first(six),
            None => first(false).or_else(|| first(true)),
        }
    }

    /// An address of `to` of a family that `from` has as well, IPv4 if both are common.
    pub(crate) fn common_address(&self, from: NodeIx, to: NodeIx) -> Option<IpAddr> {
        let family = [false, true]
            .into_iter()
            .find(|&six| self.address_of(from, Some(six)).is_some() && self.address_of(to, Some(six)).is_some())?;
        self.address_of(to, Some(family))
    }

    /// The MAC address of a host's first interface.
    pub fn mac_of(&self, node: NodeIx) -> Option<MacAddr> {
        self.host(node)?.interfaces().iter().map(host::Interface::mac).find(|mac| !mac.is_zero())
    }

    /// The link that has `NODE:PORT` at one end (`NODE` alone: its eth0, or its only port), and the direction
    /// that leads away from there.
    ///
    /// # Errors
    /// There is no such port, or no link on it.
    pub fn find_link(&self, text: &str) -> Result<DirIx, LinkError> {
        let unknown = |nearest: Option<String>| LinkError::Unknown { name: text.to_owned(), nearest };
        let (node_name, port_name) = text.split_once(':').map_or((text, None), |(node, port)| (node, Some(port)));
        let node = self
            .names
            .find(node_name)
            .ok_or_else(|| unknown(packet::nearest(node_name, self.names.all()).map(str::to_owned)))?;
        let port = match port_name {
            Some(port) => self.names.find_port(node, port).ok_or_else(|| {
                let ports = (0..).map_while(|i| self.names.port_name(node, PortIx(i)));
                unknown(packet::nearest(port, ports).map(|port| format!("{node_name}:{port}")))
            })?,
            None => PortIx(0),
        };
        self.engine.direction_from(node, port).ok_or_else(|| LinkError::NoLink(text.to_owned()))
    }

    /// Captures the links that `what` names: `NODE:PORT`, or `all`.
    pub fn capture(&mut self, what: &str, sink: Sink, format: Format) -> Result<(), CaptureError> {
        let dirs: Vec<DirIx> = if what == "all" {
            (0..self.engine.link_count() as u32).flat_map(|n| [LinkIx(n).forward(), LinkIx(n).backward()]).collect()
        } else {
            let link = self.find_link(what)?.link();
            vec![link.forward(), link.backward()]
        };
        let section = Section { lab: &self.name, seed: self.engine.seed().0 };
        let names = Rc::clone(&self.names);
        self.engine.watch_mut().captures.open(sink, format, &section, &dirs, &names)?;
        dirs.iter().for_each(|&dir| self.engine.tap(dir, true));
        Ok(())
    }

    /// Hands what was captured so far to whoever reads.
    pub fn flush_captures(&mut self) -> io::Result<()> {
        self.engine.watch_mut().captures.flush()
    }

    /// Ends all captures.
    pub fn finish_captures(&mut self) -> io::Result<()> {
        self.engine.watch_mut().captures.finish()
    }

    /// Counts frames on some directions from now on; gives the counter's number.
    pub(crate) fn count_frames(&mut self, dirs: Vec<DirIx>, filter: Option<Match>) -> usize {
        dirs.iter().for_each(|&dir| self.engine.tap(dir, true));
        self.engine.watch_mut().count_frames(dirs, filter)
    }
}
