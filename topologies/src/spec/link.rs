//! The keys of a link, which stand on the end that has `to`.

use super::keys;
use super::reader::{Reader, shorten};
use super::report::Path;
use super::source::{Pos, Spanned};
use super::tree::{Entry, Item, Value};
use super::units;
use sim_core::{DirectionConfig, LinkConfig, Probability, QueueLimit};

/// The least MTU in bytes: what every IPv4 link carries (RFC 791).
pub(crate) const MIN_MTU: i64 = 68;
/// The greatest MTU in bytes.
pub(crate) const MAX_MTU: i64 = 65535;

/// Where a link leads: `NODE:PORT`, or `NODE` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node's name.
    pub node: String,
    /// The port's name; `None`: a host's eth0, a hub's next free port.
    pub port: Option<String>,
}

/// What was typed of a link at one end.
#[derive(Clone, Debug, Default)]
pub struct LinkSpec {
    /// The other end.
    pub to: Option<Spanned<Target>>,
    /// What the keys say; `forward` leads away from this end.
    pub config: LinkConfig,
    /// The first of the link's keys and its place; `mtu` of a host's interface doesn't count.
    pub first_key: Option<Spanned<&'static str>>,
}

/// Reads `to` or a link's key; `false` if the key is neither.
pub(crate) fn read_key(r: &mut Reader, path: &Path<'_>, entry: &Entry, link: &mut LinkSpec) -> bool {
    if entry.key == "to" {
        link.to = target(r, path, &entry.item).map(|target| Spanned::new(target, entry.pos));
        return true;
    }
    let Some(key) = keys::LINK.find(&entry.key).map(|key| key.name) else { return false };
    link.first_key.get_or_insert(Spanned::new(key, entry.pos));
    let (item, config) = (&entry.item, &mut link.config);
    match key {
        "delay" => both(r, path, item, config, |d, v| d.delay = v, Reader::duration),
        "jitter" => both(r, path, item, config, |d, v| d.jitter = v, Reader::duration),
        "rate" => both(r, path, item, config, |d, v| d.rate = v, rate),
        "loss" => both(r, path, item, config, |d, v| d.loss = v, share),
        "duplicate" => both(r, path, item, config, |d, v| d.duplicate = v, share),
        "corrupt" => both(r, path, item, config, |d, v| d.corrupt = v, share),
        "reorder" => both(r, path, item, config, |d, v| d.reorder = v, share),
        "queue" => both(r, path, item, config, |d, v| d.queue = v, queue),
        "mtu" => both(r, path, item, config, |d, v| d.mtu = v, mtu),
        _ => up(r, path, item, config),
    }
    true
}

/// Reads `NODE:PORT` or `NODE`.
pub(crate) fn target(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<Target> {
    let text = r.string(path, item, "\"s1:p1\"")?;
    let (node, port) = match text.split_once(':') {
        Some((node, port)) => (node, Some(port)),
        None => (text, None),
    };
    if node.is_empty() || port.is_some_and(|port| port.is_empty() || port.contains([':', '/'])) {
        r.report.error(
            item.pos,
            path,
            format!("`{}` is no end of a link", shorten(text)),
            "write NODE:PORT, as in \"s1:p1\", or NODE for a host's eth0",
        );
        return None;
    }
    Some(Target { node: node.to_owned(), port: port.map(str::to_owned) })
}

/// Reads a value that holds for both directions, or `{ out, in }` as seen from this end.
fn both<T: Copy>(
    r: &mut Reader,
    path: &Path<'_>,
    item: &Item,
    config: &mut LinkConfig,
    set: fn(&mut DirectionConfig, T),
    read: fn(&mut Reader, &Path<'_>, &Item) -> Option<T>,
) {
    let Value::Table(entries) = &item.value else {
        if let Some(value) = read(r, path, item) {
            set(&mut config.forward, value);
            set(&mut config.backward, value);
        }
        return;
    };
    if entries.is_empty() {
        r.report.error(item.pos, path, "says nothing", "give a value, or { out = .., in = .. } as seen from this end");
    }
    for entry in entries {
        let direction = match entry.key.as_str() {
            "out" => &mut config.forward,
            "in" => &mut config.backward,
            _ => {
                r.unknown_key(path, entry, ["out", "in"]);
                continue;
            }
        };
        if let Some(value) = read(r, &path.key(&entry.key), &entry.item) {
            set(direction, value);
        }
    }
}

fn up(r: &mut Reader, path: &Path<'_>, item: &Item, config: &mut LinkConfig) {
    if matches!(item.value, Value::Table(_)) {
        r.report.error(
            item.pos,
            path,
            "a link is up or down in both directions",
            "write up = false, or loss = { out = \"100%\" }",
        );
    } else if let Some(up) = r.boolean(path, item) {
        config.down = !up;
    }
}

fn rate(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<u64> {
    let text = r.with_unit(path, item, "\"10Gbit\"", units::RATE)?;
    let rate = r.unit_result(path, item, units::rate(text), units::RATE)?;
    if rate == 0 {
        r.report.error(item.pos, path, "nothing crosses a link with a rate of 0", "give a rate, or write up = false");
        return None;
    }
    Some(rate)
}

fn share(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<Probability> {
    let found = match &item.value {
        Value::Integer(0) => Some(Probability::ZERO),
        Value::String(text) => units::percent(text),
        Value::Integer(_) | Value::Float(_) => None,
        _ => return r.wrong_type(path, item, "a share of a hundred", "\"5%\""),
    };
    if found.is_none() {
        r.report.error(item.pos, path, "is no share of a hundred", "write a number from 0 to 100 and %, as in \"5%\"");
    }
    found
}

fn queue(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<QueueLimit> {
    match &item.value {
        Value::String(text) => {
            let size = units::size(text);
            r.unit_result(path, item, size, units::SIZE).map(QueueLimit::Bytes)
        }
        Value::Integer(_) => r.integer(path, item, 0..=1_000_000).map(|frames| QueueLimit::Frames(frames as u32)),
        _ => r.wrong_type(path, item, "a number of frames or a size", "100 or \"64KiB\""),
    }
}

pub(crate) fn mtu(r: &mut Reader, path: &Path<'_>, item: &Item) -> Option<u32> {
    r.integer(path, item, MIN_MTU..=MAX_MTU).map(|mtu| mtu as u32)
}

impl LinkSpec {
    /// Whether anything was said of a link.
    pub(crate) const fn pos(&self) -> Option<Pos> {
        match (&self.to, &self.first_key) {
            (Some(to), _) => Some(to.pos),
            (None, Some(key)) => Some(key.pos),
            (None, None) => None,
        }
    }

    /// Reports link keys on an end without `to`.
    pub(crate) fn check_has_to(&self, r: &mut Reader, path: &Path<'_>) {
        if let (None, Some(key)) = (&self.to, self.first_key) {
            r.report.error(
                key.pos,
                path.key(key.value),
                format!("`{}` is a key of a link, and no `to` stands here", key.value),
                "move it to the end that has `to`, or add to = \"NODE:PORT\" here",
            );
        }
    }
}
