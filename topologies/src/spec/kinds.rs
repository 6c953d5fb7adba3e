//! The kinds of nodes and of checks that a lab file may hold, and which of them this build runs.

use super::keys::Table;

/// A kind of node or of check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The file's word: a table's name, a check's key.
    pub name: &'static str,
    /// Whether this build runs it. A file that uses another gets an error that says so.
    pub supported: bool,
}

const fn runs(name: &'static str) -> Kind {
    Kind { name, supported: true }
}

const fn later(name: &'static str) -> Kind {
    Kind { name, supported: false }
}

/// The tables of nodes.
pub const NODE_KINDS: &[Kind] = &[
    runs("switches"),
    runs("hosts"),
    runs("hubs"),
    runs("servers"),
    later("routers"),
    later("nics"),
    later("taps"),
    later("namespaces"),
    later("vms"),
    later("controllers"),
];

/// The kinds of checks.
pub const CHECK_KINDS: &[Kind] = &[
    runs("ping"),
    runs("reach"),
    runs("apart"),
    runs("frames"),
    runs("drops"),
    runs("mac"),
    runs("tcp"),
    runs("udp"),
    runs("http"),
    runs("throughput"),
    runs("path"),
];

/// The kind called `name`.
pub fn find(kinds: &'static [Kind], name: &str) -> Option<Kind> {
    kinds.iter().copied().find(|kind| kind.name == name)
}

/// The names of all kinds, and then of the other keys of the table that they are keys of.
pub(crate) fn with_others(kinds: &'static [Kind], table: &'static Table) -> impl Iterator<Item = &'static str> + Clone {
    let others = table.own_keys().map(|key| key.name).filter(move |name| find(kinds, name).is_none());
    kinds.iter().map(|kind| kind.name).chain(others)
}

/// The names of the kinds that this build runs, for messages.
pub(crate) fn supported(kinds: &'static [Kind]) -> String {
    kinds.iter().filter(|kind| kind.supported).map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}
