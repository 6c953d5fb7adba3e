//! `[hubs]`: a number of ports, or as many as links name.

use super::keys;
use super::reader::Reader;
use super::report::Path;
use super::tree::Entry;

/// The most ports of a hub.
pub const MAX_HUB_PORTS: i64 = 4096;

/// A hub as typed.
#[derive(Clone, Debug, Default)]
pub struct HubSpec {
    /// How many ports it has, called 1, 2 ...; `None`: those that links name.
    pub ports: Option<u32>,
}

/// Reads a hub.
pub(crate) fn read(r: &mut Reader, path: &Path<'_>, hub: &Entry) -> Option<HubSpec> {
    let mut spec = HubSpec::default();
    for entry in r.table(path, &hub.item, "hub1 = { ports = 4 } or hub1 = {}")? {
        let key = path.key(&entry.key);
        match entry.key.as_str() {
            "ports" => spec.ports = r.integer(&key, &entry.item, 1..=MAX_HUB_PORTS).map(|ports| ports as u32),
            "to" => r.report.error(
                entry.pos,
                key,
                "a link to a hub is written at its other end",
                format!("write to = \"{}\" at the switch's port or the host", hub.key),
            ),
            _ => r.unknown_key(path, entry, keys::HUB.names()),
        }
    }
    Some(spec)
}
