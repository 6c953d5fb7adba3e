//! `[hosts]`: an address, or a table of addresses, routes and interfaces.

use super::keys;
use super::link::{self, LinkSpec};
use super::reader::{Reader, shorten};
use super::report::Path;
use super::setup;
use super::source::Spanned;
use super::tree::{Entry, Item, Value};
use crate::lab::SetupLine;
use inet::Cidr;
use packet::{MacAddr, VlanId};
use std::net::IpAddr;

/// The interface that a host has if nothing is said.
pub const DEFAULT_INTERFACE: &str = "eth0";

/// The most interfaces of a host.
const MAX_INTERFACES: usize = 1024;

const EXAMPLE: &str = "h1 = \"10.0.0.1/8\" or h1 = { ip = \"10.0.0.1/8\", gateway = \"10.0.0.254\" }";

/// A host as typed.
#[derive(Clone, Debug, Default)]
pub struct HostSpec {
    /// Its interfaces, in the file's order; eth0 first if the host's own keys say anything of it.
    pub interfaces: Vec<InterfaceSpec>,
    /// Default gateways.
    pub gateways: Vec<Spanned<IpAddr>>,
    /// Routes: where to, through which next hop.
    pub routes: Vec<(Cidr, IpAddr)>,
    /// The lines of `setup`.
    pub setup: Vec<SetupLine>,
    /// Services that run from the start.
    pub run: Vec<SetupLine>,
}

/// A host's interface as typed.
#[derive(Clone, Debug)]
pub struct InterfaceSpec {
    /// Its name.
    pub name: Spanned<String>,
    /// For `eth0.10`, the interface whose tagged frames it takes, and the VLAN.
    pub sub: Option<(String, VlanId)>,
    /// Its addresses; `None` if nothing is said of them.
    pub addresses: Option<Vec<Spanned<Cidr>>>,
    /// Its MAC address.
    pub mac: Option<MacAddr>,
    /// Its MTU in bytes.
    pub mtu: Option<u16>,
    /// Its link.
    pub link: LinkSpec,
}

impl InterfaceSpec {
    fn new(name: Spanned<String>) -> Self {
        Self { name, sub: None, addresses: None, mac: None, mtu: None, link: LinkSpec::default() }
    }
}

/// Reads a host.
pub(crate) fn read(r: &mut Reader, path: &Path<'_>, host: &Entry) -> Option<HostSpec> {
    let mut spec = HostSpec::default();
    let mut eth0 = InterfaceSpec::new(Spanned::new(DEFAULT_INTERFACE.to_owned(), host.pos));
    let mut has_eth0 = None;
    let entries = match &host.item.value {
        Value::String(_) => {
            eth0.addresses = addresses(r, path, &host.item);
            spec.interfaces.push(eth0);
            return Some(spec);
        }
        Value::Table(entries) => entries,
        _ => return r.wrong_type(path, &host.item, "an address or a table", EXAMPLE),
    };
    for entry in entries {
        let path = path.key(&entry.key);
        match entry.key.as_str() {
            "gateway" => spec.gateways = gateways(r, &path, &entry.item),
            "routes" => spec.routes = routes(r, &path, &entry.item),
            "interfaces" => spec.interfaces = interfaces(r, &path, &entry.item),
            "dhcp" => dhcp(r, &path, entry),
            "run" => spec.run = run(r, &path, &entry.item, &setup::host_tools()),
            "setup" => spec.setup = setup::read(r, &path, &entry.item, &setup::host_tools()),
            _ => {
                if interface_key(r, &path, entry, &mut eth0) {
                    has_eth0.get_or_insert(entry.pos);
                } else if let Some(parent) = path.parent() {
                    r.unknown_key(parent, entry, keys::HOST.names());
                }
            }
        }
    }
    eth0.link.check_has_to(r, path);
    if let Some(pos) = has_eth0 {
        if let Some(twin) = spec.interfaces.iter().position(|i| i.name.value == DEFAULT_INTERFACE) {
            let twin = spec.interfaces.remove(twin);
            let place = r.report.place(pos);
            r.report.error(
                twin.name.pos,
                path.key("interfaces").key(DEFAULT_INTERFACE),
                format!("the host's own keys are eth0's already ({place})"),
                "write eth0's keys in one of the two places",
            );
        }
        spec.interfaces.insert(0, eth0);
    } else if spec.interfaces.is_empty() {
        spec.interfaces.push(eth0);
    }
    Some(spec)
}

/// Reads a key of an interface; `false` if it is none.
fn interface_key(r: &mut Reader, path: &Path<'_>, entry: &Entry, spec: &mut InterfaceSpec) -> bool {
    match entry.key.as_str() {
        "ip" => spec.addresses = addresses(r, path, &entry.item),
        "mac" => spec.mac = mac(r, path, &entry.item),
        // The interface's own, and the link's if `to` stands here as well.
        "mtu" => {
            let first_key = spec.link.first_key;
            link::read_key(r, path, entry, &mut spec.link);
            spec.link.first_key = first_key;
            spec.mtu = Some(spec.link.config.forward.mtu as u16);
        }
        _ => return link::read_key(r, path, entry, &mut spec.link),
    }
    true
}

/// Reads a table of interfaces.
pub(super) fn interfaces(r: &mut Reader, path: &Path<'_>, item: &Item) -> Vec<InterfaceSpec> {
    let Some(entries) = r.table(path, item, "interfaces.eth1 = { ip = \"10.1.0.1/16\" }") else { return Vec::new() };
    if entries.len() > MAX_INTERFACES {
        let message = format!("{} interfaces are more than the {MAX_INTERFACES} that a host may have", entries.len());
        r.report.error(item.pos, path, message, "spread them over several hosts");
        return Vec::new();
    }
    let mut interfaces = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = path.key(&entry.key);
        let mut spec = InterfaceSpec::new(Spanned::new(entry.key.clone(), entry.pos));
        if r.name(&path, entry.pos, &entry.key, "an interface") {
            spec.sub = sub_interface(r, &path, entry);
        }
        match &entry.item.value {
            Value::String(_) => spec.addresses = addresses(r, &path, &entry.item),
            Value::Table(keys) => {
                for key in keys {
                    let path = path.key(&key.key);
                    if key.key == "dhcp" {
                        dhcp(r, &path, key);
                    } else if !interface_key(r, &path, key, &mut spec) {
                        r.unknown_key(path.parent().unwrap_or(&path), key, keys::INTERFACE.names());
                    }
                }
            }
            _ => {
                let _: Option<()> =
                    r.wrong_type(&path, &entry.item, "an address or a table", "eth1 = { ip = \"10.1.0.1/16\" }");
            }
        }
        match (&spec.sub, spec.link.pos()) {
            (Some((parent, _)), Some(pos)) => {
                let remedy = format!("put the link's keys on {parent}, which has the wire");
                r.report.error(
                    pos,
                    path,
                    format!("`{}` is a VLAN of {parent} and has no link of its own", entry.key),
                    remedy,
                );
                spec.link = LinkSpec::default();
            }
            _ => spec.link.check_has_to(r, &path),
        }
        interfaces.push(spec);
    }
    interfaces
}

/// What `eth0.10` implies: its parent and its VLAN.
fn sub_interface(r: &mut Reader, path: &Path<'_>, entry: &Entry) -> Option<(String, VlanId)> {
    let (parent, vlan) = entry.key.rsplit_once('.')?;
    let number: Option<u16> = vlan.parse().ok().filter(|n| (1..4095).contains(n));
    match number.and_then(VlanId::new) {
        Some(vlan) if !parent.is_empty() && !parent.contains('.') => Some((parent.to_owned(), vlan)),
        _ => {
            let message = format!("`{}` is no VLAN of an interface", shorten(&entry.key));
            r.report.error(
                entry.pos,
                path,
                message,
                "write the interface, a dot and one VLAN from 1 to 4094, as in \"eth0.10\"",
            );
            None
        }
    }
}

fn addresses(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<Vec<Spanned<Cidr>>> {
    let mut addresses = Vec::new();
    for item in r.one_or_more(item) {
        let Value::String(text) = &item.value else {
            let _: Option<()> = r.wrong_type(path, item, "an address", "\"10.0.0.1/8\"");
            continue;
        };
        if let Ok(bare) = text.trim().parse::<IpAddr>() {
            let len = if bare.is_ipv4() { 24 } else { 64 };
            let message = format!("the address {bare} has no prefix length");
            r.report.error(
                item.pos,
                path,
                message,
                format!("write the subnet's length behind it, as in \"{bare}/{len}\""),
            );
            continue;
        }
        let Some(address) = r.parsed::<Cidr>(path, item, "\"10.0.0.1/8\" or \"2001:db8::1/64\"") else { continue };
        if let Some(problem) = no_host_address(address.value) {
            r.report.error(
                item.pos,
                path,
                format!("{} {problem}", address.value.address()),
                "give the host an address of its own within the subnet",
            );
            continue;
        }
        addresses.push(address);
    }
    Some(addresses)
}

/// Why an address can't be a host's.
pub(crate) fn no_host_address(address: Cidr) -> Option<&'static str> {
    let ip = address.address();
    if ip.is_unspecified() {
        return Some("is no address");
    }
    if ip.is_multicast() || matches!(ip, IpAddr::V4(v4) if v4.is_broadcast()) {
        return Some("is the address of a group");
    }
    if ip.is_loopback() {
        return Some("is the loopback address");
    }
    let IpAddr::V4(v4) = ip else { return None };
    if address.prefix_len() <= 30 {
        if address.network().address() == ip {
            return Some("is the address of the subnet itself");
        }
        if address.broadcast() == Some(v4) {
            return Some("is the broadcast address of the subnet");
        }
    }
    None
}

fn mac(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<MacAddr> {
    let mac = r.parsed::<MacAddr>(path, item, "\"02:00:00:00:00:01\"")?.value;
    if mac.is_multicast() || mac.is_zero() {
        let what = if mac.is_zero() { "no address" } else { "the address of a group" };
        r.report.error(
            item.pos,
            path,
            format!("{mac} is {what}"),
            "use a unicast address, as in \"02:00:00:00:00:01\"",
        );
        return None;
    }
    Some(mac)
}

/// Reads one default gateway, or one for each family.
pub(super) fn gateways(r: &mut Reader, path: &Path<'_>, item: &Item) -> Vec<Spanned<IpAddr>> {
    let mut gateways: Vec<Spanned<IpAddr>> = Vec::new();
    for item in r.one_or_more(item) {
        let Some(gateway) = address(r, path, item) else { continue };
        if gateways.iter().any(|known| known.value.is_ipv4() == gateway.is_ipv4()) {
            r.report.error(
                item.pos,
                path,
                "a host has one gateway for each family",
                "keep one of them, or use `routes`",
            );
        } else {
            gateways.push(Spanned::new(gateway, item.pos));
        }
    }
    gateways
}

/// An address without a prefix length.
fn address(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<IpAddr> {
    let text = r.string(path, item, "\"10.0.0.254\"")?;
    let found = text.trim().parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified() && !ip.is_multicast());
    if found.is_none() {
        let remedy = "write a host's address without a prefix length, as in \"10.0.0.254\"";
        r.report.error(item.pos, path, format!("`{}` is no address of a next hop", shorten(text)), remedy);
    }
    found
}

/// Reads static routes.
pub(super) fn routes(r: &mut Reader, path: &Path<'_>, item: &Item) -> Vec<(Cidr, IpAddr)> {
    const EXAMPLE: &str = "routes = [{ to = \"10.1.0.0/16\", via = \"10.0.0.254\" }]";
    let mut routes = Vec::new();
    for (at, item) in r.array(path, item, EXAMPLE).unwrap_or_default().iter().enumerate() {
        let path = path.index(at);
        let Some(entries) = r.table(&path, item, EXAMPLE) else { continue };
        let (mut to, mut via, mut missing) = (None, None, vec!["to", "via"]);
        for entry in entries {
            let path = path.key(&entry.key);
            missing.retain(|key| *key != entry.key);
            match entry.key.as_str() {
                "to" => to = route_target(r, &path, &entry.item),
                "via" => via = address(r, &path, &entry.item),
                _ => r.unknown_key(path.parent().unwrap_or(&path), entry, keys::ROUTE.names()),
            }
        }
        for key in missing {
            r.report.error(item.pos, path, format!("the route lacks `{key}`"), format!("write it as in {EXAMPLE}"));
        }
        if let (Some(to), Some(via)) = (to, via) {
            if to.is_ipv6() == via.is_ipv6() {
                routes.push((to, via));
            } else {
                r.report.error(
                    item.pos,
                    path,
                    "`to` and `via` are of different families",
                    "use IPv4 for both or IPv6 for both",
                );
            }
        }
    }
    routes
}

fn route_target(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<Cidr> {
    let to = r.parsed::<Cidr>(path, item, "\"10.1.0.0/16\"")?.value;
    let network = to.network();
    if network != to {
        r.report.error(item.pos, path, format!("{to} has bits behind its prefix"), format!("write \"{network}\""));
        return None;
    }
    Some(to)
}

fn dhcp(r: &mut Reader, path: &Path<'_>, entry: &Entry) {
    if r.boolean(path, &entry.item) == Some(true) {
        r.report.error(entry.pos, path, "DHCP is not available in this build", "give the host an address with `ip`");
    }
}

/// Reads `run`: lines that start services, which begin with one of `tools`.
pub(super) fn run(r: &mut Reader, path: &Path<'_>, item: &Item, tools: &[&str]) -> Vec<SetupLine> {
    const EXAMPLE: &str = "run = [\"iperf -s\", \"http 80\"]";
    let mut lines = Vec::new();
    for (at, item) in r.array(path, item, EXAMPLE).unwrap_or_default().iter().enumerate() {
        let path = path.index(at);
        let Some(text) = r.string(&path, item, EXAMPLE) else { continue };
        match setup::command(text, tools) {
            Ok(words) => lines.push(SetupLine { line: r.report.line(item.pos), words, files: Vec::new() }),
            Err((message, remedy)) => r.report.error(item.pos, path, message, remedy),
        }
    }
    lines
}
