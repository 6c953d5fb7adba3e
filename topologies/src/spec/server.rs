//! `[servers.S]`: NICs with addresses, routes, bridges, `setup`.

use super::host::{self, InterfaceSpec};
use super::keys;
use super::reader::Reader;
use super::report::Path;
use super::setup;
use super::source::Spanned;
use super::switch::{self, BridgeSpec};
use super::tree::Entry;
use crate::lab::SetupLine;
use inet::Cidr;
use std::net::IpAddr;

/// A server as typed.
#[derive(Clone, Debug, Default)]
pub struct ServerSpec {
    /// Its NICs, in the file's order.
    pub nics: Vec<InterfaceSpec>,
    /// Default gateways.
    pub gateways: Vec<Spanned<IpAddr>>,
    /// Routes: where to, through which next hop.
    pub routes: Vec<(Cidr, IpAddr)>,
    /// Bridges that are there before `setup` runs.
    pub bridges: Vec<BridgeSpec>,
    /// The lines of `setup`.
    pub setup: Vec<SetupLine>,
    /// Services that run from the start.
    pub run: Vec<SetupLine>,
}

/// Reads a server.
pub(crate) fn read(r: &mut Reader, path: &Path<'_>, server: &Entry) -> Option<ServerSpec> {
    let entries = r.table(path, &server.item, "host1 = { nics.eth0 = \"10.1.1.3/24\" }")?;
    let mut spec = ServerSpec::default();
    for entry in entries {
        let key = path.key(&entry.key);
        match entry.key.as_str() {
            "nics" => spec.nics = host::interfaces(r, &key, &entry.item),
            "gateway" => spec.gateways = host::gateways(r, &key, &entry.item),
            "routes" => spec.routes = host::routes(r, &key, &entry.item),
            "bridges" => spec.bridges = switch::bridges(r, &key, &entry.item),
            "setup" => spec.setup = setup::read(r, &key, &entry.item, &setup::machine_tools()),
            "run" => spec.run = host::run(r, &key, &entry.item, &setup::machine_tools()),
            _ => r.unknown_key(path, entry, keys::SERVER.names()),
        }
    }
    Some(spec)
}
