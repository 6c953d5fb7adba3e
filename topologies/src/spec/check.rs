//! `[[checks]]`: when, for how long, and what.

use super::keys;
use super::kinds::{self, CHECK_KINDS};
use super::link::{Target, target};
use super::reader::{Reader, shorten};
use super::report::Path;
use super::service::UrlSpec;
use super::source::{Pos, Spanned};
use super::tree::{Entry, Item, Value};
use crate::lab::{Expect, Family, Filter, PortExpect, Presence, Transport};
use packet::{MacAddr, Match, VlanId};
use sim_core::{DropReason, Duration};

/// A check as typed.
#[derive(Clone, Debug)]
pub struct CheckSpec {
    /// Its name.
    pub name: Option<String>,
    /// When it starts, from the lab's start.
    pub at: Option<Duration>,
    /// How long it may take.
    pub within: Option<Duration>,
    /// What it is about.
    pub kind: CheckKindSpec,
    /// Where its kind's key stands.
    pub pos: Pos,
    /// Its number in the file, from 0.
    pub index: usize,
}

/// What a check is about, names not yet looked up.
#[derive(Clone, Debug)]
pub enum CheckKindSpec {
    /// `ping`
    Ping {
        /// The host that asks.
        from: Spanned<String>,
        /// The host or address that is asked.
        to: Spanned<String>,
        /// Echoes in a try.
        count: u32,
        /// Bytes of payload.
        size: u16,
        /// Family of addresses.
        family: Option<Family>,
        /// What passes.
        expect: Expect,
    },
    /// `reach`
    Reach(Vec<Spanned<String>>),
    /// `apart`
    Apart(Vec<Spanned<String>>),
    /// `frames`
    Frames {
        /// The link, named by an end.
        link: Spanned<Target>,
        /// As seen from that end.
        direction: Direction,
        /// Which frames.
        filter: Option<Box<Filter>>,
        /// Least and greatest number that pass.
        range: (u64, Option<u64>),
    },
    /// `drops`
    Drops {
        /// A node.
        node: Option<Spanned<String>>,
        /// A port of it.
        port: Option<Spanned<String>>,
        /// A link, named by an end.
        link: Option<Spanned<Target>>,
        /// Why.
        reason: Option<DropReason>,
        /// Least and greatest number that pass.
        range: (u64, Option<u64>),
    },
    /// `mac`
    Mac {
        /// The switch.
        switch: Spanned<String>,
        /// Its bridge.
        bridge: Option<Spanned<String>>,
        /// The VLAN.
        vlan: Option<VlanId>,
        /// The address.
        address: MacOf,
        /// The port.
        port: Option<Spanned<String>>,
        /// What passes.
        expect: Presence,
    },
    /// `tcp` and `udp`
    Connect {
        /// Which of the two.
        transport: Transport,
        /// The host that connects.
        from: Spanned<String>,
        /// The host or address that it connects to.
        to: Spanned<String>,
        /// The port there.
        port: u16,
        /// Family of addresses.
        family: Option<Family>,
        /// What passes.
        expect: PortExpect,
    },
    /// `http`
    Http {
        /// The host that asks.
        from: Spanned<String>,
        /// What for.
        url: UrlSpec,
        /// The status that passes.
        status: u16,
        /// What the page must contain.
        contains: Option<String>,
        /// What passes.
        expect: Expect,
    },
    /// `throughput`
    Throughput {
        /// The host that sends.
        from: Spanned<String>,
        /// The host that receives.
        to: Spanned<String>,
        /// By TCP or UDP.
        transport: Transport,
        /// The rate of a UDP source in bit/s.
        rate: u64,
        /// How long.
        span: Duration,
        /// Least and greatest rate that pass, in bit/s.
        range: (Option<u64>, Option<u64>),
    },
    /// `path`
    Path {
        /// The host that asks.
        from: Spanned<String>,
        /// The host or address that is asked.
        to: Spanned<String>,
        /// The nodes that it must pass.
        via: Vec<Spanned<String>>,
        /// Why it must end instead.
        dropped: Option<DropReason>,
        /// Where.
        at: Option<Spanned<Target>>,
    },
}

/// Whose MAC address a check is about.
#[derive(Clone, Debug)]
pub enum MacOf {
    /// This one.
    Address(MacAddr),
    /// That of a host.
    Host(Spanned<String>),
}

/// A direction as seen from the end that names the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Away from it.
    Out,
    /// Towards it.
    In,
    /// Both.
    Both,
}

/// Reads all checks.
pub(crate) fn read_all(r: &mut Reader, path: &Path<'_>, item: &Item) -> Vec<CheckSpec> {
    let items = r.array(path, item, "[[checks]]").unwrap_or_default();
    items.iter().enumerate().filter_map(|(index, item)| read(r, &path.index(index), item, index)).collect()
}

fn read(r: &mut Reader, path: &Path<'_>, item: &Item, index: usize) -> Option<CheckSpec> {
    let (mut name, mut at, mut within, mut expect, mut found) = (None, None, None, None, None::<&Entry>);
    for entry in r.table(path, item, "[[checks]]")? {
        let key = path.key(&entry.key);
        match entry.key.as_str() {
            "name" => name = r.string(&key, &entry.item, "\"a1 reaches a2\"").map(str::to_owned),
            "at" => at = r.duration(&key, &entry.item),
            "within" => within = r.duration(&key, &entry.item),
            "expect" => expect = Some(entry),
            kind if kinds::find(CHECK_KINDS, kind).is_some() => {
                if let Some(first) = found {
                    let message =
                        format!("the check has a kind already: `{}` ({})", first.key, r.report.place(first.pos));
                    r.report.error(entry.pos, key, message, "write a [[checks]] of its own for each");
                } else {
                    found = Some(entry);
                }
            }
            _ => r.unknown_key(path, entry, kinds::with_others(CHECK_KINDS, &keys::CHECK)),
        }
    }
    let Some(entry) = found else {
        let remedy = format!("add one of: {}", kinds::supported(CHECK_KINDS));
        r.report.error(item.pos, path, "the check says nothing of what it is about", remedy);
        return None;
    };
    let key = path.key(&entry.key);
    if kinds::find(CHECK_KINDS, &entry.key).is_some_and(|kind| !kind.supported) {
        let remedy = format!("the checks of this build are {}", kinds::supported(CHECK_KINDS));
        r.report.error(entry.pos, key, format!("`{}` checks are not available in this build", entry.key), remedy);
        return None;
    }
    let mut fields = Fields { r, path: &key, kind: entry, beside: expect };
    let kind = fields.read()?;
    Some(CheckSpec { name, at, within, kind, pos: entry.pos, index })
}

/// The table of a check's kind while it is read.
pub(super) struct Fields<'a> {
    pub(super) r: &'a mut Reader,
    pub(super) path: &'a Path<'a>,
    kind: &'a Entry,
    /// An `expect` that stands beside the kind's key.
    beside: Option<&'a Entry>,
}

const NOTHING: &[Entry] = &[];

impl<'a> Fields<'a> {
    fn read(&mut self) -> Option<CheckKindSpec> {
        match self.kind.key.as_str() {
            "ping" => self.ping(),
            "reach" => self.hosts().map(CheckKindSpec::Reach),
            "apart" => self.hosts().map(CheckKindSpec::Apart),
            "frames" => self.frames(),
            "tcp" => self.connect(Transport::Tcp),
            "udp" => self.connect(Transport::Udp),
            "http" => self.http(),
            "throughput" => self.throughput(),
            "drops" => self.drops(),
            "path" => self.path_check(),
            _ => self.mac(),
        }
    }

    fn ping(&mut self) -> Option<CheckKindSpec> {
        self.known(&keys::PING);
        let from = self.required("from", "{ from = \"a1\", to = \"a2\" }");
        let to = self.required("to", "{ from = \"a1\", to = \"a2\" }");
        let count = self.number("count", 1, 1_000_000)?.unwrap_or(1) as u32;
        let size = self.number("size", 0, 65507)?.unwrap_or(56) as u16;
        let family = self.family()?;
        let expect = match self.expect(keys::PING.words("expect"))? {
            Some(1) => Expect::Unreachable,
            _ => Expect::Reachable,
        };
        Some(CheckKindSpec::Ping { from: from?, to: to?, count, size, family, expect })
    }

    fn path_check(&mut self) -> Option<CheckKindSpec> {
        const EXAMPLE: &str = "{ from = \"a1\", to = \"a2\", via = [\"s1\", \"s2\"] }";
        self.no_expect();
        self.known(&keys::PATH);
        let (from, to) = (self.required("from", EXAMPLE), self.required("to", EXAMPLE));
        let via = match self.get("via") {
            None => Vec::new(),
            Some(item) => {
                let path = self.path.key("via");
                let items = self.r.array(&path, item, "[\"s1\", \"s2\"]")?;
                let mut names = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    let name = self.r.string(&path.index(at), item, "\"s1\"")?;
                    names.push(Spanned::new(name.to_owned(), item.pos));
                }
                names
            }
        };
        let dropped = match self.get("dropped") {
            None => None,
            Some(item) => Some(self.drop_reason("dropped", item)?),
        };
        let at = self.end("at");
        match (self.get("via"), self.get("dropped"), self.get("at")) {
            (Some(_), None, None) | (None, Some(_), _) => {}
            (None, None, _) => {
                self.missing("via", EXAMPLE);
                return None;
            }
            (Some(item), ..) => {
                let remedy = "keep `via` for a packet that arrives, or `dropped` and `at` for one that doesn't";
                self.r.report.error(item.pos, self.path.key("via"), "`via` stands alone", remedy);
                return None;
            }
        }
        Some(CheckKindSpec::Path { from: from?, to: to?, via, dropped, at })
    }

    /// A family of addresses; the outer `None` after a mistake.
    pub(super) fn family(&mut self) -> Option<Option<Family>> {
        match self.get("family") {
            None => Some(None),
            Some(Item { value: Value::Integer(4), .. }) => Some(Some(Family::V4)),
            Some(Item { value: Value::Integer(6), .. }) => Some(Some(Family::V6)),
            Some(item) => {
                let which = self.r.one_of(&self.path.key("family"), item, keys::FAMILIES)?;
                Some(Some(if which % 2 == 0 { Family::V4 } else { Family::V6 }))
            }
        }
    }

    fn hosts(&mut self) -> Option<Vec<Spanned<String>>> {
        self.no_expect();
        let example = "[\"a1\", \"b1\"]";
        let items = self.r.array(self.path, &self.kind.item, example)?;
        let mut names = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let name = self.r.string(&self.path.index(at), item, example)?;
            names.push(Spanned::new(name.to_owned(), item.pos));
        }
        if names.len() < 2 {
            self.r.report.error(
                self.kind.item.pos,
                self.path,
                "needs at least two hosts",
                format!("write it as in {example}"),
            );
            return None;
        }
        Some(names)
    }

    fn frames(&mut self) -> Option<CheckKindSpec> {
        const EXAMPLE: &str = "{ link = \"s1:trunk\", filter = \"icmp\" }";
        self.no_expect();
        self.known(&keys::FRAMES);
        let link = self.end("link");
        if self.get("link").is_none() {
            self.missing("link", EXAMPLE);
        }
        let direction = match self.get("direction") {
            None => Direction::Both,
            Some(item) => match self.r.one_of(&self.path.key("direction"), item, keys::FRAMES.words("direction"))? {
                0 => Direction::Out,
                1 => Direction::In,
                _ => Direction::Both,
            },
        };
        let filter = match self.get("filter") {
            None => None,
            Some(item) => Some(self.filter(item)?),
        };
        let range = self.range()?;
        Some(CheckKindSpec::Frames { link: link?, direction, filter: filter.map(Box::new), range })
    }

    fn filter(&mut self, item: &Item) -> Option<Filter> {
        let path = self.path.key("filter");
        let text = self.r.string(&path, item, "\"icmp,nw_src=10.0.0.1\"")?;
        match Match::parse(text) {
            Ok(matcher) => Some(Filter { text: text.to_owned(), matcher }),
            Err(error) => {
                let remedy = "write a match as in ovs-ofctl(8), such as \"icmp,nw_src=10.0.0.1\"";
                self.r.report.error(item.pos, path, shorten(&error.to_string()), remedy);
                None
            }
        }
    }

    fn drops(&mut self) -> Option<CheckKindSpec> {
        self.no_expect();
        self.known(&keys::DROPS);
        let node = self.name("node");
        let port = self.name("port");
        let link = self.end("link");
        if let (Some(port), None) = (self.get("port"), self.get("node")) {
            self.r.report.error(
                port.pos,
                self.path.key("port"),
                "`port` needs the `node` that it belongs to",
                "add node = \"NAME\"",
            );
        }
        if let (Some(link), Some(_)) = (self.get("link"), self.get("node")) {
            self.r.report.error(
                link.pos,
                self.path.key("link"),
                "a drop is at a node or on a link",
                "keep `node` or `link`",
            );
        }
        let reason = match self.get("reason") {
            None => None,
            Some(item) => Some(self.drop_reason("reason", item)?),
        };
        let range = self.range()?;
        Some(CheckKindSpec::Drops { node, port, link, reason, range })
    }

    fn drop_reason(&mut self, key: &str, item: &Item) -> Option<DropReason> {
        let path = self.path.key(key);
        let text = self.r.string(&path, item, "\"vlan_not_allowed\"")?;
        if let Ok(reason) = text.parse() {
            return Some(reason);
        }
        let names = DropReason::ALL.iter().map(|reason| reason.name());
        let remedy = match self.r.report.nearest(text, names.clone()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the reasons are {}", names.collect::<Vec<_>>().join(", ")),
        };
        self.r.report.error(item.pos, path, format!("`{}` is no drop reason", shorten(text)), remedy);
        None
    }

    fn mac(&mut self) -> Option<CheckKindSpec> {
        const EXAMPLE: &str = "{ switch = \"s1\", host = \"h1\", port = \"p1\" }";
        self.known(&keys::MAC);
        let switch = self.required("switch", EXAMPLE);
        let (bridge, port, host) = (self.name("bridge"), self.name("port"), self.name("host"));
        let vlan = match self.get("vlan") {
            None => None,
            Some(item) => Some(self.r.vlan(&self.path.key("vlan"), item)?),
        };
        let address = match (self.get("address"), host) {
            (Some(item), None) => {
                let path = self.path.key("address");
                self.r.parsed::<MacAddr>(&path, item, "\"02:00:00:00:00:01\"").map(|mac| MacOf::Address(mac.value))
            }
            (None, Some(host)) => Some(MacOf::Host(host)),
            (Some(item), Some(_)) => {
                self.r.report.error(
                    item.pos,
                    self.path.key("address"),
                    "`address` and `host` are one too many",
                    "keep one of them",
                );
                None
            }
            (None, None) => {
                if self.get("host").is_none() {
                    self.missing("address", "{ switch = \"s1\", address = \"02:00:00:00:00:01\" }, or a `host`");
                }
                None
            }
        };
        let expect = match self.expect(keys::MAC.words("expect"))? {
            Some(1) => Presence::Absent,
            _ => Presence::Present,
        };
        Some(CheckKindSpec::Mac { switch: switch?, bridge, vlan, address: address?, port, expect })
    }

    fn entries(&self) -> &'a [Entry] {
        match &self.kind.item.value {
            Value::Table(entries) => entries,
            _ => NOTHING,
        }
    }

    /// Reports keys that the table doesn't have, and a value that is no table.
    pub(super) fn known(&mut self, known: &'static keys::Table) {
        let example = format!("{} = {{ {} = .. }}", self.kind.key, known.keys[0].name);
        if self.r.table(self.path, &self.kind.item, &example).is_none() {
            return;
        }
        for entry in self.entries() {
            if ["within", "at", "name"].contains(&entry.key.as_str()) && known.find(&entry.key).is_none() {
                let remedy = format!("move it to a line of its own below `{}`", self.kind.key);
                let message = format!("`{}` stands beside `{}`, not in it", entry.key, self.kind.key);
                self.r.report.error(entry.pos, self.path.key(&entry.key), message, remedy);
            } else if known.find(&entry.key).is_none() {
                self.r.unknown_key(self.path, entry, known.names());
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Item> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.item)
    }

    fn name(&mut self, key: &str) -> Option<Spanned<String>> {
        let item = self.get(key)?;
        let name = self.r.string(&self.path.key(key), item, "\"s1\"")?;
        Some(Spanned::new(name.to_owned(), item.pos))
    }

    pub(super) fn required(&mut self, key: &str, example: &str) -> Option<Spanned<String>> {
        if self.get(key).is_none() {
            self.missing(key, example);
        }
        self.name(key)
    }

    pub(super) fn missing(&mut self, key: &str, example: &str) {
        // A value that is no table has been reported as such.
        if matches!(self.kind.item.value, Value::Table(_)) {
            let message = format!("the check lacks `{key}`");
            self.r.report.error(
                self.kind.pos,
                self.path,
                message,
                format!("write it as in {} = {example}", self.kind.key),
            );
        }
    }

    fn end(&mut self, key: &str) -> Option<Spanned<Target>> {
        let item = self.get(key)?;
        target(self.r, &self.path.key(key), item).map(|target| Spanned::new(target, item.pos))
    }

    /// A number; the outer `None` after a mistake.
    pub(super) fn number(&mut self, key: &str, least: i64, most: i64) -> Option<Option<u64>> {
        match self.get(key) {
            None => Some(None),
            Some(item) => self.r.integer(&self.path.key(key), item, least..=most).map(|number| Some(number as u64)),
        }
    }

    /// `min` and `max`. `min` is 1, or `max` if that is 0.
    fn range(&mut self) -> Option<(u64, Option<u64>)> {
        let (min, max) = (self.number("min", 0, i64::MAX)?, self.number("max", 0, i64::MAX)?);
        if let (Some(min), Some(max), Some(item)) = (min, max, self.get("max"))
            && min > max
        {
            let message = format!("no number is at least {min} and at most {max}");
            self.r.report.error(item.pos, self.path.key("max"), message, "make `max` at least as large as `min`");
            return None;
        }
        Some((min.unwrap_or(max.unwrap_or(1).min(1)), max))
    }

    /// Which of `words` is expected, from the kind's table or from beside it; the outer `None` after a mistake.
    pub(super) fn expect(&mut self, words: &[&'static str]) -> Option<Option<usize>> {
        match (self.get("expect"), self.beside) {
            (None, None) => Some(None),
            (Some(item), None) => self.r.one_of(&self.path.key("expect"), item, words).map(Some),
            (None, Some(entry)) => {
                let path = self.path.parent().unwrap_or(self.path).key("expect");
                self.r.one_of(&path, &entry.item, words).map(Some)
            }
            (Some(_), Some(entry)) => {
                self.r.report.error(entry.pos, self.path.key("expect"), "`expect` is there twice", "keep one of them");
                None
            }
        }
    }

    pub(super) fn no_expect(&mut self) {
        if let Some(entry) = self.beside {
            let path = self.path.parent().unwrap_or(self.path).key("expect");
            let message = format!("`{}` checks have no `expect`", self.kind.key);
            let remedy = match self.kind.key.as_str() {
                "reach" => "leave it out, or use `apart` for hosts that must not reach each other",
                _ => "leave it out",
            };
            self.r.report.error(entry.pos, path, message, remedy);
        }
    }
}
