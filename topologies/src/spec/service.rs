//! The checks of services: `tcp`, `udp`, `http`, `throughput`.

use super::check::{CheckKindSpec, Fields};
use super::keys;
use super::reader::shorten;
use super::source::Spanned;
use super::tree::Item;
use super::units;
use crate::lab::{Expect, PortExpect, Transport};
use sim_core::Duration;

/// How long a throughput is measured if nothing is said: iperf's default.
const DEFAULT_SPAN: Duration = Duration::from_secs(10);

/// The longest that a throughput is measured.
const MAX_SPAN: Duration = Duration::from_secs(3600);

/// The rate of a UDP source if nothing is said: iperf's default.
const DEFAULT_UDP_RATE: u64 = 1_048_576;

/// A URL as typed, its host not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlSpec {
    /// The host's name or address.
    pub host: Spanned<String>,
    /// The port, 80 where the URL has none.
    pub port: u16,
    /// The path, from its `/` on.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Fields<'_> {
    /// `tcp` and `udp`.
    pub(super) fn connect(&mut self, transport: Transport) -> Option<CheckKindSpec> {
        const EXAMPLE: &str = "{ from = \"a1\", to = \"a2\", port = 80 }";
        let table = match transport {
            Transport::Tcp => &keys::TCP,
            Transport::Udp => &keys::UDP,
        };
        self.known(table);
        let (from, to) = (self.required("from", EXAMPLE), self.required("to", EXAMPLE));
        if self.get("port").is_none() {
            self.missing("port", EXAMPLE);
        }
        let port = self.number("port", 1, 65_535)?;
        let family = self.family()?;
        let expect = self.expect(table.words("expect"))?.unwrap_or(0);
        let expect = [PortExpect::Reachable, PortExpect::Unreachable, PortExpect::Refused][expect];
        Some(CheckKindSpec::Connect { transport, from: from?, to: to?, port: port? as u16, family, expect })
    }

    /// `http`.
    pub(super) fn http(&mut self) -> Option<CheckKindSpec> {
        const EXAMPLE: &str = "{ from = \"a1\", url = \"http://a2/\" }";
        self.known(&keys::HTTP);
        let from = self.required("from", EXAMPLE);
        let url = self.required("url", EXAMPLE).map(|text| self.url(text));
        let status = self.number("status", 100, 599)?.unwrap_or(200) as u16;
        let contains = match self.get("contains") {
            None => None,
            Some(item) => Some(self.text("contains", item)?),
        };
        let expect = [Expect::Reachable, Expect::Unreachable][self.expect(keys::HTTP.words("expect"))?.unwrap_or(0)];
        Some(CheckKindSpec::Http { from: from?, url: url??, status, contains, expect })
    }

    /// `throughput`.
    pub(super) fn throughput(&mut self) -> Option<CheckKindSpec> {
        const EXAMPLE: &str = "{ from = \"a1\", to = \"a2\", min = \"90Mbit\" }";
        self.no_expect();
        self.known(&keys::THROUGHPUT);
        let (from, to) = (self.required("from", EXAMPLE), self.required("to", EXAMPLE));
        let transport = match self.get("proto") {
            None => Transport::Tcp,
            Some(item) => match self.r.one_of(&self.path.key("proto"), item, keys::THROUGHPUT.words("proto"))? {
                0 => Transport::Tcp,
                _ => Transport::Udp,
            },
        };
        let rate = self.rate("rate")?;
        if let (Transport::Tcp, Some(item)) = (transport, self.get("rate")) {
            let remedy = "leave it out, or add proto = \"udp\"";
            self.r.report.error(item.pos, self.path.key("rate"), "TCP finds its rate by itself", remedy);
        }
        let span = match self.get("for") {
            None => DEFAULT_SPAN,
            Some(item) => self.r.duration(&self.path.key("for"), item)?,
        };
        if let Some(item) = self.get("for").filter(|_| span.as_nanos() == 0 || span > MAX_SPAN) {
            let remedy = "give a time of more than 0 and at most 1h, as in for = \"10s\"";
            self.r.report.error(item.pos, self.path.key("for"), "nothing can be measured in that time", remedy);
            return None;
        }
        let (min, max) = (self.rate("min")?, self.rate("max")?);
        if let (Some(min), Some(max), Some(item)) = (min, max, self.get("max"))
            && min > max
        {
            let message = "no rate is at least `min` and at most `max`";
            self.r.report.error(item.pos, self.path.key("max"), message, "make `max` at least as large as `min`");
            return None;
        }
        let rate = rate.unwrap_or(DEFAULT_UDP_RATE);
        Some(CheckKindSpec::Throughput { from: from?, to: to?, transport, rate, span, range: (min, max) })
    }

    fn text(&mut self, key: &str, item: &Item) -> Option<String> {
        self.r.string(&self.path.key(key), item, "\"h2\"").map(str::to_owned)
    }

    /// A rate in bit/s; the outer `None` after a mistake.
    fn rate(&mut self, key: &str) -> Option<Option<u64>> {
        let Some(item) = self.get(key) else { return Some(None) };
        let path = self.path.key(key);
        let text = self.r.with_unit(&path, item, "\"90Mbit\"", units::RATE)?;
        self.r.unit_result(&path, item, units::rate(text), units::RATE).map(Some)
    }

    fn url(&mut self, url: Spanned<String>) -> Option<UrlSpec> {
        let parsed = parse_url(&url.value);
        if parsed.is_none() {
            let remedy = "write http://HOST[:PORT]/PATH, as in \"http://a2/\" or \"http://[2001:db8::1]:8080/\"";
            let message = format!("`{}` is no URL that a host can get", shorten(&url.value));
            self.r.report.error(url.pos, self.path.key("url"), message, remedy);
        }
        let (host, port, path) = parsed?;
        Some(UrlSpec { host: Spanned::new(host.to_owned(), url.pos), port, path: path.to_owned(), text: url.value })
    }
}

/// Host, port and path of an http URL (RFC 3986; no user, query and fragment stay in the path).
fn parse_url(url: &str) -> Option<(&str, u16, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port)
        }
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None if port.is_empty() => 80,
        None => return None,
    };
    let is_clean = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
    (!host.is_empty() && is_clean(host) && is_clean(path) && !host.contains('@')).then_some((host, port, path))
}

#[cfg(test)]
mod tests {
    use super::parse_url;

    #[test]
    fn urls_are_taken_apart() {
        assert_eq!(parse_url("http://a2"), Some(("a2", 80, "/")));
        assert_eq!(parse_url("http://a2:8080/x/y?z"), Some(("a2", 8080, "/x/y?z")));
        assert_eq!(parse_url("http://[2001:db8::1]:81/"), Some(("2001:db8::1", 81, "/")));
        assert_eq!(parse_url("http://[2001:db8::1]"), Some(("2001:db8::1", 80, "/")));
        for wrong in [
            "",
            "a2",
            "https://a2/",
            "http://",
            "http://:80/",
            "http://a2:0/",
            "http://a2:x/",
            "http://[::1",
            "http://a b/",
            "http://u@a/",
        ] {
            assert_eq!(parse_url(wrong), None, "{wrong}");
        }
    }
}
