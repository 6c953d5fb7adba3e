//! Checks: nodes, links, ports and bridges by their names.

use super::Names;
use crate::lab::{
    CheckKind, ConnectCheck, Directions, DropsCheck, DropsSite, Family, FramesCheck, HttpCheck, Lab, LabBridge,
    LabCheck, LabEnd, LabServer, MacCheck, NodeKind, PathCheck, PathExpect, PingCheck, PingTarget, ThroughputCheck,
};
use crate::spec::{
    CheckKindSpec, CheckSpec, DEFAULT_BRIDGE, DEFAULT_INTERFACE, Direction, MacOf, Reader, Spanned, Target, UrlSpec,
    shorten,
};
use packet::MacAddr;
use sim_core::{DropReason, LinkIx, NodeIx, Time};
use std::net::IpAddr;

/// How many hosts a default name lists.
const MAX_LISTED: usize = 4;

pub(super) fn resolve(r: &mut Reader, lab: &Lab, names: &Names, spec: CheckSpec) -> Option<LabCheck> {
    let mut check = Check { r, lab, names, index: spec.index };
    let (default_name, kind) = check.kind(spec.kind)?;
    Some(LabCheck {
        name: spec.name.unwrap_or(default_name),
        at: spec.at.map(|at| Time::ZERO + at),
        limit: spec.within,
        kind,
        line: r.report.line(spec.pos),
    })
}

/// A check while its names are looked up.
struct Check<'a> {
    r: &'a mut Reader,
    lab: &'a Lab,
    names: &'a Names,
    index: usize,
}

impl<'a> Check<'a> {
    fn kind(&mut self, kind: CheckKindSpec) -> Option<(String, CheckKind)> {
        match kind {
            CheckKindSpec::Ping { from, to, count, size, family, expect } => {
                let name = format!("ping {} {}", from.value, to.value);
                let (from, to) = self.pair(&from, &to, "ping", "to", family)?;
                Some((name, CheckKind::Ping(PingCheck { from, to, count, size, family, expect })))
            }
            CheckKindSpec::Reach(hosts) => {
                self.hosts(&hosts, "reach").map(|(name, nodes)| (name, CheckKind::Reach(nodes)))
            }
            CheckKindSpec::Apart(hosts) => {
                self.hosts(&hosts, "apart").map(|(name, nodes)| (name, CheckKind::Apart(nodes)))
            }
            CheckKindSpec::Frames { link, direction, filter, range: (min, max) } => {
                let name = format!("frames {}", end_name(&link.value));
                let (link, is_first) = self.link(&link, "frames.link")?;
                let directions = match (direction, is_first) {
                    (Direction::Both, _) => Directions::Both,
                    (Direction::Out, true) | (Direction::In, false) => Directions::Forward,
                    (Direction::Out, false) | (Direction::In, true) => Directions::Backward,
                };
                Some((
                    name,
                    CheckKind::Frames(Box::new(FramesCheck {
                        link,
                        directions,
                        filter: filter.map(|filter| *filter),
                        min,
                        max,
                    })),
                ))
            }
            CheckKindSpec::Drops { node, port, link, reason, range: (min, max) } => {
                let (place, site) = self.drops_site(node.as_ref(), port.as_ref(), link.as_ref())?;
                let parts = ["drops", place.as_str(), reason.map_or("", DropReason::name)];
                let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
                Some((name, CheckKind::Drops(DropsCheck { site, reason, min, max })))
            }
            CheckKindSpec::Mac { switch, bridge, vlan, address, port, expect } => {
                let (what, mac) = self.mac(&address)?;
                let (node, bridges, has_setup) = self.switch(&switch)?;
                let bridge = self.bridge(&switch.value, bridges, has_setup, bridge.as_ref());
                if let Some(port) = &port {
                    self.port(node, port, "mac.port")?;
                }
                let name = format!("mac {} {what}", switch.value);
                let (bridge, port) = (bridge?, port.map(|port| port.value));
                Some((name, CheckKind::Mac(MacCheck { switch: node, bridge, vlan, address: mac, port, expect })))
            }
            CheckKindSpec::Connect { transport, from, to, port, family, expect } => {
                let kind = transport.name();
                let name = format!("{kind} {} {} {port}", from.value, to.value);
                let (from, to) = self.pair(&from, &to, kind, "to", family)?;
                Some((name, CheckKind::Connect(ConnectCheck { transport, from, to, port, family, expect })))
            }
            CheckKindSpec::Http { from, url, status, contains, expect } => {
                let name = format!("http {} {}", from.value, url.text);
                let (from, to) = self.pair(&from, &url.host, "http", "url", None)?;
                let UrlSpec { port, path, text, .. } = url;
                let http = HttpCheck { from, to, port, path, url: text, status, contains, expect };
                Some((name, CheckKind::Http(Box::new(http))))
            }
            CheckKindSpec::Throughput { from, to, transport, rate, span, range: (min, max) } => {
                let name = format!("throughput {} {}", from.value, to.value);
                let (sender, receiver) = (self.host(&from, "throughput.from"), self.host(&to, "throughput.to"));
                let (sender, receiver) = (sender?, receiver?);
                if sender == receiver {
                    self.error(&to, "throughput.to", "the host sends to itself", "name another host");
                    return None;
                }
                let check = ThroughputCheck { from: sender, to: receiver, transport, rate, span, min, max };
                Some((name, CheckKind::Throughput(check)))
            }
            CheckKindSpec::Path { from, to, via, dropped, at } => {
                let name = format!("path {} {}", from.value, to.value);
                let (from, to) = self.pair(&from, &to, "path", "to", None)?;
                let via: Option<Vec<NodeIx>> = via.iter().map(|node| self.node(node, "path.via")).collect();
                let expect = match dropped {
                    None => PathExpect::Via(via?),
                    Some(reason) => PathExpect::Dropped { reason, at: self.path_end(at)? },
                };
                Some((name, CheckKind::Path(Box::new(PathCheck { from, to, expect }))))
            }
        }
    }

    fn error(&mut self, at: &Spanned<String>, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        let key = format!("checks[{}].{key}", self.index);
        self.r.report.error(at.pos, key, message, remedy);
    }

    fn node(&mut self, name: &Spanned<String>, key: &str) -> Option<NodeIx> {
        let key = format!("checks[{}].{key}", self.index);
        self.names.find(self.r, name.pos, &key, &name.value)
    }

    fn host(&mut self, name: &Spanned<String>, key: &str) -> Option<NodeIx> {
        let node = self.node(name, key)?;
        if matches!(self.lab.node(node).kind, NodeKind::Host(_) | NodeKind::Server(_)) {
            return Some(node);
        }
        self.error(name, key, format!("`{}` is no host", name.value), "name a host or a server");
        None
    }

    fn hosts(&mut self, hosts: &[Spanned<String>], key: &str) -> Option<(String, Vec<NodeIx>)> {
        let mut nodes = Vec::with_capacity(hosts.len());
        let mut seen = std::collections::BTreeSet::new();
        for host in hosts {
            let node = self.host(host, key);
            if node.is_some_and(|node| !seen.insert(node)) {
                self.error(host, key, format!("`{}` is there twice", host.value), "name each host once");
            }
            nodes.push(node);
        }
        let mut listed: Vec<&str> = hosts.iter().take(MAX_LISTED).map(|host| host.value.as_str()).collect();
        if hosts.len() > MAX_LISTED {
            listed.push("...");
        }
        Some((format!("{key} {}", listed.join(" ")), nodes.into_iter().collect::<Option<_>>()?))
    }

    /// Who asks, and whom: another host or an address.
    fn pair(
        &mut self,
        from: &Spanned<String>,
        to: &Spanned<String>,
        kind: &str,
        to_key: &str,
        family: Option<Family>,
    ) -> Option<(NodeIx, PingTarget)> {
        let key = format!("{kind}.{to_key}");
        let asker = self.host(from, &format!("{kind}.from"));
        let target = self.target(to, &key, family);
        let (asker, target) = (asker?, target?);
        if target == PingTarget::Host(asker) {
            self.error(to, &key, "the host asks itself", "name another host");
            return None;
        }
        Some((asker, target))
    }

    fn target(&mut self, to: &Spanned<String>, key: &str, family: Option<Family>) -> Option<PingTarget> {
        if self.names.by_name.contains_key(&to.value) {
            return self.host(to, key).map(PingTarget::Host);
        }
        if let Ok(address) = to.value.parse::<IpAddr>() {
            if family.is_some_and(|family| (family == Family::V6) != address.is_ipv6()) {
                self.error(to, key, format!("{address} is not of the check's `family`"), "leave `family` out");
                return None;
            }
            return Some(PingTarget::Address(address));
        }
        self.node(to, key).map(PingTarget::Host)
    }

    /// The node, and its port, where a packet is to end; the outer `None` after a mistake.
    fn path_end(&mut self, at: Option<Spanned<Target>>) -> Option<Option<(NodeIx, Option<String>)>> {
        let Some(at) = at else { return Some(None) };
        let node = self.node(&Spanned::new(at.value.node.clone(), at.pos), "path.at")?;
        if let Some(port) = &at.value.port {
            self.port(node, &Spanned::new(port.clone(), at.pos), "path.at")?;
        }
        Some(Some((node, at.value.port)))
    }

    /// The link at an end, and whether that is its first.
    fn link(&mut self, end: &Spanned<Target>, key: &str) -> Option<(LinkIx, bool)> {
        let at = Spanned::new(end.value.node.clone(), end.pos);
        let node = self.node(&at, key)?;
        let name = end.value.port.as_deref().unwrap_or(DEFAULT_INTERFACE);
        if let Some((port, link)) = self.names.link_at(node, name) {
            return Some((link, self.lab.links[link.0 as usize].ends[0] == LabEnd { node, port }));
        }
        let linked = self.lab.node(node).ports.iter().filter(|port| port.link.is_some());
        let remedy = match self.r.report.nearest(name, linked.map(|port| port.name.as_str())) {
            Some(nearest) => format!("did you mean `{}:{nearest}`?", end.value.node),
            None => "name a link by either end, as in \"s1:trunk\"".to_owned(),
        };
        self.error(&at, key, format!("there is no link at `{}`", shorten(&end_name(&end.value))), remedy);
        None
    }

    fn drops_site(
        &mut self,
        node: Option<&Spanned<String>>,
        port: Option<&Spanned<String>>,
        link: Option<&Spanned<Target>>,
    ) -> Option<(String, DropsSite)> {
        if let Some(link) = link {
            let (found, _) = self.link(link, "drops.link")?;
            return Some((end_name(&link.value), DropsSite::Link(found)));
        }
        let Some(name) = node else { return Some((String::new(), DropsSite::Anywhere)) };
        let node = self.node(name, "drops.node")?;
        let Some(port) = port else { return Some((name.value.clone(), DropsSite::Node(node))) };
        self.port(node, port, "drops.port")?;
        Some((format!("{}:{}", name.value, port.value), DropsSite::Port(node, port.value.clone())))
    }

    /// Whether a node has a port of this name. Lines of `setup` may make any.
    fn port(&mut self, node: NodeIx, port: &Spanned<String>, key: &str) -> Option<()> {
        let (found, sockets) = (self.lab.node(node), &self.names.sockets[node.index()]);
        let has_setup = match &found.kind {
            NodeKind::Switch(switch) => !switch.setup.is_empty(),
            NodeKind::Server(server) => !server.host.setup.is_empty(),
            NodeKind::Host(_) | NodeKind::Hub(_) => false,
        };
        if has_setup || sockets.find(&port.value).is_some() || sockets.taken(&port.value).is_some() {
            return Some(());
        }
        let known = || sockets.names().chain(sockets.taken_names());
        let remedy = match self.r.report.nearest(&port.value, known()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("its ports are {}", known().take(16).collect::<Vec<_>>().join(", ")),
        };
        let message = format!("`{}` has no port called `{}`", found.name, shorten(&port.value));
        self.error(port, key, message, remedy);
        None
    }

    /// A node with bridges, the bridges that the file declares, and whether `setup` may make more.
    fn switch(&mut self, name: &Spanned<String>) -> Option<(NodeIx, &'a [LabBridge], bool)> {
        let node = self.node(name, "mac.switch")?;
        match &self.lab.node(node).kind {
            NodeKind::Switch(switch) => Some((node, &switch.bridges, !switch.setup.is_empty())),
            NodeKind::Server(server) => Some((node, &server.bridges, !server.host.setup.is_empty())),
            NodeKind::Host(_) | NodeKind::Hub(_) => {
                let message = format!("`{}` is no switch", name.value);
                self.error(name, "mac.switch", message, "name a switch or a server");
                None
            }
        }
    }

    fn bridge(
        &mut self,
        node: &str,
        bridges: &[LabBridge],
        has_setup: bool,
        name: Option<&Spanned<String>>,
    ) -> Option<String> {
        let known = || bridges.iter().map(|bridge| bridge.name.as_str());
        let Some(name) = name else {
            let br0 = known().find(|bridge| *bridge == DEFAULT_BRIDGE);
            return Some(br0.or_else(|| known().next()).unwrap_or(DEFAULT_BRIDGE).to_owned());
        };
        if known().any(|bridge| bridge == name.value) || has_setup {
            return Some(name.value.clone());
        }
        let remedy = format!("its bridges are {}", known().collect::<Vec<_>>().join(", "));
        self.error(name, "mac.bridge", format!("`{node}` has no bridge called `{}`", shorten(&name.value)), remedy);
        None
    }

    /// The address, and how the check is called after it.
    fn mac(&mut self, address: &MacOf) -> Option<(String, MacAddr)> {
        match address {
            MacOf::Address(mac) => Some((mac.to_string(), *mac)),
            MacOf::Host(name) => {
                let node = self.host(name, "mac.host")?;
                let (NodeKind::Host(host) | NodeKind::Server(LabServer { host, .. })) = &self.lab.node(node).kind
                else {
                    return None;
                };
                let Some(nic) = host.interfaces.first() else {
                    let message = format!("the server {} has no NIC", name.value);
                    self.error(name, "mac.host", message, "give the check an `address`");
                    return None;
                };
                Some((name.value.clone(), nic.mac))
            }
        }
    }
}

fn end_name(target: &Target) -> String {
    match &target.port {
        Some(port) => format!("{}:{port}", target.node),
        None => target.node.clone(),
    }
}
