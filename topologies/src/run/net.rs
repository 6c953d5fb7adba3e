//! The running lab: its engine, its names, and what can be asked of its nodes.

use super::build::{self, LabEngine, SetupError};
use super::capture::{CaptureEnd, CaptureId, LiveCapture, LiveSink, Sink};
use super::device::Device;
use super::names::Names;
use super::watch::Lookout;
use crate::lab::Lab;
use host::Host;
use packet::{MacAddr, Match};
use pcap::{Format, Section};
use sim_core::{Cx, DirIx, Engine, LinkIx, NodeIx, PortIx, Tag, Time};
use spanning_tree::{Role, SpanningTree, State};
use std::collections::BTreeSet;
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
        let hosts = nodes.filter(|(_, device)| device.is_host());
        hosts.filter_map(|(number, device)| Some((NodeIx(number as u32), device.as_host()?)))
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

    /// Whether a bridge of the lab runs spanning tree.
    pub fn has_spanning_tree(&self) -> bool {
        self.spanning_trees().next().is_some()
    }

    /// Whether no port of a spanning tree is on its way to forwarding.
    pub fn is_settled(&self) -> bool {
        let mut ports =
            self.spanning_trees().flat_map(|tree| tree.ports().into_iter().filter_map(|p| tree.port_status(p)));
        ports.all(|port| match port.role {
            Role::Root | Role::Designated => port.state == State::Forwarding || port.is_guarded,
            Role::Alternate | Role::Backup | Role::Disabled => true,
        })
    }

    fn spanning_trees(&self) -> impl Iterator<Item = &SpanningTree> {
        let switches = self.engine.nodes().iter().filter_map(Device::as_switch);
        switches.flat_map(|switch| switch.bridges().filter_map(|bridge| switch.spanning_tree(bridge)))
    }

    /// Captures the links that `what` names: `NODE:PORT`, or `all`.
    pub fn capture(&mut self, what: &str, sink: Sink, format: Format) -> Result<(), CaptureError> {
        let dirs = self.directions(&[what.to_owned()])?;
        let section = Section { lab: &self.name, seed: self.engine.seed().0 };
        let names = Rc::clone(&self.names);
        self.engine.watch_mut().captures.open_file(sink, format, &section, &dirs, &names)?;
        dirs.iter().for_each(|&dir| self.engine.tap(dir, true));
        Ok(())
    }

    /// Opens a capture that somebody reads as it goes, as pcapng. It ends with [`Net::close_capture`].
    ///
    /// # Errors
    /// A link that isn't there, or a sink that takes nothing.
    pub fn open_capture(&mut self, what: &LiveCapture, sink: Box<dyn LiveSink>) -> Result<CaptureId, CaptureError> {
        let dirs = self.directions(&what.links)?;
        let section = Section { lab: &self.name, seed: self.engine.seed().0 };
        let names = Rc::clone(&self.names);
        let id = self.engine.watch_mut().captures.open_live(sink, &section, &dirs, &names, what)?;
        dirs.iter().for_each(|&dir| self.engine.tap(dir, true));
        Ok(id)
    }

    /// Ends a live capture; gives what it holds. A link that nobody captures any more is looked at no longer.
    pub fn close_capture(&mut self, id: CaptureId) -> Option<CaptureEnd> {
        let now = self.engine.now();
        let (end, dirs) = self.engine.watch_mut().captures.close(id, now)?;
        for dir in dirs {
            let wanted = self.engine.watch().looks_at(dir);
            self.engine.tap(dir, wanted);
        }
        Some(end)
    }

    /// The live captures that have all that they were to hold, and those whose sink failed: to be closed.
    pub fn captures_over(&self) -> Vec<CaptureId> {
        self.engine.watch().captures.over(self.engine.now())
    }

    /// When the next live capture ends by itself; [`Time::NEVER`] if none does.
    pub fn next_capture_end(&self) -> Time {
        self.engine.watch().captures.next_end()
    }

    /// Whether a live capture is open.
    pub fn has_live_capture(&self) -> bool {
        self.engine.watch().captures.has_live()
    }

    /// Both directions of links named by either end, each once; of all links for `all`.
    fn directions(&self, links: &[String]) -> Result<Vec<DirIx>, LinkError> {
        let mut found = Vec::new();
        for text in links {
            if text == "all" {
                found.extend((0..self.engine.link_count() as u32).map(LinkIx));
            } else {
                found.push(self.find_link(text)?.link());
            }
        }
        let mut known = BTreeSet::new();
        found.retain(|link| known.insert(*link));
        Ok(found.into_iter().flat_map(|link| [link.forward(), link.backward()]).collect())
    }

    /// Hands what was captured so far to whoever reads.
    pub fn flush_captures(&mut self) -> io::Result<()> {
        self.engine.watch_mut().captures.flush()
    }

    /// Ends all captures.
    pub fn finish_captures(&mut self) -> io::Result<()> {
        let now = self.engine.now();
        self.engine.watch_mut().captures.finish(now)
    }

    /// Counts frames on some directions from now on; gives the counter's number.
    pub(crate) fn count_frames(&mut self, dirs: Vec<DirIx>, filter: Option<Match>) -> usize {
        dirs.iter().for_each(|&dir| self.engine.tap(dir, true));
        self.engine.watch_mut().count_frames(dirs, filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    struct Nowhere;

    impl Write for Nowhere {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl LiveSink for Nowhere {
        fn has_room(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_link_is_looked_at_as_long_as_one_capture_of_it_is_open() {
        let text = "[hosts]\nh1 = { ip = \"10.0.0.1/24\", to = \"h2\" }\nh2 = \"10.0.0.2/24\"\n";
        let lab = crate::parse("lab.toml", text, &[]).expect("it is right").lab;
        let mut net = Net::new(&lab).expect("it has no setup");
        let what = LiveCapture { links: vec!["h1".to_owned(), "h2:eth0".to_owned()], ..LiveCapture::default() };
        let away = net.find_link("h1").expect("it is there");
        let looks = |net: &Net| [away, away.reverse()].map(|dir| net.engine().watch().looks_at(dir));
        let one = net.open_capture(&what, Box::new(Nowhere)).expect("it opens");
        let two = net.open_capture(&what, Box::new(Nowhere)).expect("it opens");
        assert_eq!(net.close_capture(one), Some(CaptureEnd::default()));
        assert_eq!((looks(&net), net.close_capture(one)), ([true, true], None));
        net.close_capture(two);
        assert_eq!((looks(&net), net.has_live_capture()), ([false, false], false));
    }
}
