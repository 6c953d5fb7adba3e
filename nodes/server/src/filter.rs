//! The filters of tcpdump, a subset of pcap-filter(7): `host`, `net`, `port`, `portrange` with directions and protocols,
//! `ether host`, `ether proto`, `vlan`, `ip proto`, the protocols' names, `broadcast`, `multicast`, `less`, `greater`;
//! `and`, `or`, `not` and parentheses. As there, `and` and `or` bind equally from the left, `vlan` moves what comes
//! behind it past a tag, and an identifier without qualifiers has those of the one before.
//!
//! Left out are expressions on bytes (`tcp[13]`), names of hosts and services, and MPLS, PPPoE and the like.

use core::net::IpAddr;

use host::Cidr;
use packet::wire::{arp, ipv4, ipv6, ipv6_ext};
use packet::{EtherType, IpProtocol, MacAddr};

/// The most words of a filter.
const MAX_WORDS: usize = 512;
/// The deepest nesting.
const MAX_DEPTH: usize = 32;

/// A filter.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    root: Option<Expr>,
}

#[derive(Clone, Debug)]
enum Expr {
    /// A term, then the others with what joins them.
    Chain(Box<Expr>, Vec<(Join, Expr)>),
    Not(Box<Expr>),
    /// What is tested, behind so many tags.
    Test(usize, Test),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

#[derive(Clone, Debug)]
enum Test {
    Host(Family, Way, Cidr),
    Ether(Way, MacAddr),
    Port(Option<IpProtocol>, Way, u16, u16),
    EtherType(u16),
    Protocol(Family, IpProtocol),
    Vlan(Option<u16>),
    Stp,
    Broadcast,
    Multicast,
    Less(usize),
    Greater(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Any,
    Ip,
    Ip6,
    Arp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Src,
    Dst,
    Either,
    Both,
}

/// The qualifiers before an identifier.
#[derive(Clone, Copy, Debug)]
struct Qualifiers {
    protocol: Protocol,
    way: Way,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    None,
    Ether,
    Ip,
    Ip6,
    Arp,
    Tcp,
    Udp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Host,
    Net,
    Port,
    PortRange,
    Proto,
}

impl Filter {
    /// A filter of a line's words; no words let everything through. `None` if that is no filter.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let text = words.join(" ");
        let text = text.trim_matches(['"', '\'']);
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('!', " ! ");
        let spaced = spaced.replace("&&", " and ").replace("||", " or ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        if words.is_empty() {
            return Some(Self { root: None });
        }
        if words.len() > MAX_WORDS {
            return None;
        }
        let mut parser = Parser { words: &words, tags: 0, last: None };
        let root = parser.chain(0)?;
        parser.words.is_empty().then_some(Self { root: Some(root) })
    }

    /// Whether a frame passes.
    pub(crate) fn matches(&self, frame: &[u8]) -> bool {
        self.root.as_ref().is_none_or(|root| root.matches(frame))
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
    tags: usize,
    last: Option<Qualifiers>,
}

impl Parser<'_> {
    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn chain(&mut self, depth: usize) -> Option<Expr> {
        let first = self.term(depth)?;
        let mut others = Vec::new();
        loop {
            let join = match self.words.first() {
                Some(&"and") => Join::And,
                Some(&"or") => Join::Or,
                _ => break,
            };
            self.words = &self.words[1..];
            others.push((join, self.term(depth)?));
        }
        Some(if others.is_empty() { first } else { Expr::Chain(Box::new(first), others) })
    }

    fn term(&mut self, depth: usize) -> Option<Expr> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.take("not") || self.take("!") {
            return Some(Expr::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.chain(depth + 1)?;
            return self.take(")").then_some(inner);
        }
        let tags = self.tags;
        self.test().map(|test| Expr::Test(tags, test))
    }

    fn test(&mut self) -> Option<Test> {
        let word = *self.words.first()?;
        match word {
            "vlan" => {
                self.words = &self.words[1..];
                let id = self.words.first().and_then(|word| word.parse().ok()).filter(|id| *id < 4096);
                if id.is_some() {
                    self.words = &self.words[1..];
                }
                self.tags += 1;
                return Some(Test::Vlan(id));
            }
            "icmp" | "icmp6" | "stp" | "broadcast" | "multicast" | "less" | "greater" | "rarp" => {
                self.words = &self.words[1..];
                return match word {
                    "icmp" => Some(Test::Protocol(Family::Ip, IpProtocol::ICMP)),
                    "icmp6" => Some(Test::Protocol(Family::Ip6, IpProtocol::ICMPV6)),
                    "stp" => Some(Test::Stp),
                    "broadcast" => Some(Test::Broadcast),
                    "multicast" => Some(Test::Multicast),
                    "rarp" => Some(Test::EtherType(EtherType::RARP.0)),
                    "less" => self.number().map(Test::Less),
                    _ => self.number().map(Test::Greater),
                };
            }
            _ => {}
        }
        let qualifiers = self.qualifiers();
        match qualifiers {
            // A protocol's name alone.
            Some((Qualifiers { protocol, .. }, false)) if !self.is_identifier() => match protocol {
                Protocol::Ip => Some(Test::EtherType(EtherType::IPV4.0)),
                Protocol::Ip6 => Some(Test::EtherType(EtherType::IPV6.0)),
                Protocol::Arp => Some(Test::EtherType(EtherType::ARP.0)),
                Protocol::Tcp => Some(Test::Protocol(Family::Any, IpProtocol::TCP)),
                Protocol::Udp => Some(Test::Protocol(Family::Any, IpProtocol::UDP)),
                Protocol::None => None,
                Protocol::Ether => match self.words.first() {
                    Some(&"broadcast" | &"multicast") => self.test(),
                    _ => None,
                },
            },
            Some((qualifiers, _)) => {
                self.last = Some(qualifiers);
                self.identifier(qualifiers)
            }
            None => {
                let qualifiers =
                    self.last.unwrap_or(Qualifiers { protocol: Protocol::None, way: Way::Either, kind: Kind::Host });
                self.identifier(qualifiers)
            }
        }
    }

    /// The qualifiers that stand here, and whether there is more than a protocol; `None` if there are none.
    fn qualifiers(&mut self) -> Option<(Qualifiers, bool)> {
        let mut found = Qualifiers { protocol: Protocol::None, way: Way::Either, kind: Kind::Host };
        let (mut any, mut is_more) = (false, false);
        let protocol = match self.words.first().copied() {
            Some("ether") => Some(Protocol::Ether),
            Some("ip") => Some(Protocol::Ip),
            Some("ip6") => Some(Protocol::Ip6),
            Some("arp") => Some(Protocol::Arp),
            Some("tcp") => Some(Protocol::Tcp),
            Some("udp") => Some(Protocol::Udp),
            _ => None,
        };
        if let Some(protocol) = protocol {
            (found.protocol, any) = (protocol, true);
            self.words = &self.words[1..];
        }
        let way = match self.words {
            ["src", "or", "dst", ..] | ["dst", "or", "src", ..] => Some((Way::Either, 3)),
            ["src", "and", "dst", ..] | ["dst", "and", "src", ..] => Some((Way::Both, 3)),
            ["src", ..] => Some((Way::Src, 1)),
            ["dst", ..] => Some((Way::Dst, 1)),
            _ => None,
        };
        if let Some((way, len)) = way {
            (found.way, any, is_more) = (way, true, true);
            self.words = &self.words[len..];
        }
        let kind = match self.words.first().copied() {
            Some("host") => Some(Kind::Host),
            Some("net") => Some(Kind::Net),
            Some("port") => Some(Kind::Port),
            Some("portrange") => Some(Kind::PortRange),
            Some("proto") => Some(Kind::Proto),
            _ => None,
        };
        if let Some(kind) = kind {
            (found.kind, any, is_more) = (kind, true, true);
            self.words = &self.words[1..];
        }
        any.then_some((found, is_more))
    }

    /// Whether an identifier stands here.
    fn is_identifier(&self) -> bool {
        let word = self.words.first().copied().unwrap_or_default();
        word.parse::<IpAddr>().is_ok() || word.parse::<MacAddr>().is_ok() || word.parse::<Cidr>().is_ok()
    }

    fn number(&mut self) -> Option<usize> {
        let number = self.words.first()?.parse().ok()?;
        self.words = &self.words[1..];
        Some(number)
    }

    fn identifier(&mut self, qualifiers: Qualifiers) -> Option<Test> {
        let Qualifiers { protocol, way, kind } = qualifiers;
        let word = *self.words.first()?;
        self.words = &self.words[1..];
        let family = match protocol {
            Protocol::None => Family::Any,
            Protocol::Ip => Family::Ip,
            Protocol::Ip6 => Family::Ip6,
            Protocol::Arp => Family::Arp,
            Protocol::Ether | Protocol::Tcp | Protocol::Udp => match kind {
                Kind::Host if protocol == Protocol::Ether => return word.parse().ok().map(|mac| Test::Ether(way, mac)),
                Kind::Proto if protocol == Protocol::Ether => return ether_type(word).map(Test::EtherType),
                Kind::Host | Kind::Net if protocol == Protocol::Ether => return None,
                _ => Family::Any,
            },
        };
        match kind {
            Kind::Host => word.parse().ok().map(|address| Test::Host(family, way, Cidr::host(address))),
            Kind::Net => {
                let mut net = net(word)?;
                if self.take("mask") {
                    let len = crate::applet::mask_len(self.words.first()?)?;
                    self.words = &self.words[1..];
                    net = Cidr::new(net.address(), len)?;
                }
                Some(Test::Host(family, way, net))
            }
            Kind::Port | Kind::PortRange => {
                let (low, high) = match kind {
                    Kind::PortRange => word.split_once('-')?,
                    _ => (word, word),
                };
                let transport = match protocol {
                    Protocol::Tcp => Some(IpProtocol::TCP),
                    Protocol::Udp => Some(IpProtocol::UDP),
                    Protocol::None | Protocol::Ip | Protocol::Ip6 => None,
                    Protocol::Ether | Protocol::Arp => return None,
                };
                Some(Test::Port(transport, way, low.parse().ok()?, high.parse().ok()?))
            }
            Kind::Proto => {
                let number = match word.trim_start_matches('\\') {
                    "icmp" => IpProtocol::ICMP,
                    "icmp6" => IpProtocol::ICMPV6,
                    "tcp" => IpProtocol::TCP,
                    "udp" => IpProtocol::UDP,
                    number => IpProtocol(number.parse().ok()?),
                };
                Some(Test::Protocol(family, number))
            }
        }
    }
}

fn ether_type(word: &str) -> Option<u16> {
    match word.trim_start_matches('\\') {
        "ip" => Some(EtherType::IPV4.0),
        "ip6" => Some(EtherType::IPV6.0),
        "arp" => Some(EtherType::ARP.0),
        "rarp" => Some(EtherType::RARP.0),
        hex if hex.starts_with("0x") => u16::from_str_radix(&hex[2..], 16).ok(),
        number => number.parse().ok(),
    }
}

/// `10.0.0.0/8`, `192.168.1`, `10`.
fn net(word: &str) -> Option<Cidr> {
    if let Ok(cidr) = word.parse::<Cidr>() {
        return Some(cidr.network());
    }
    let dots = word.matches('.').count();
    if word.contains(':') || dots > 3 {
        return word.parse().ok().map(Cidr::host);
    }
    let padded = format!("{word}{}", ".0".repeat(3 - dots));
    Cidr::new(padded.parse().ok()?, (dots as u8 + 1) * 8)
}

/// What a frame carries behind so many tags.
struct Layers<'a> {
    ethertype: EtherType,
    payload: &'a [u8],
}

/// What an IP packet carries, with the ports if those are there.
struct Transport {
    src: IpAddr,
    dst: IpAddr,
    protocol: IpProtocol,
    ports: Option<(u16, u16)>,
}

impl<'a> Layers<'a> {
    fn of(frame: &'a [u8], tags: usize) -> Option<Self> {
        let at = 12 + 4 * tags;
        let &[high, low, ref payload @ ..] = frame.get(at..)? else { return None };
        Some(Self { ethertype: EtherType(u16::from_be_bytes([high, low])), payload })
    }

    fn transport(&self) -> Option<Transport> {
        let (src, dst, protocol, payload): (IpAddr, IpAddr, _, _) = match self.ethertype {
            EtherType::IPV4 => {
                let packet = ipv4::Packet::new_header(self.payload).ok()?;
                let whole = packet.header_len()..packet.total_len().min(self.payload.len());
                let payload = if packet.fragment_offset() == 0 { &self.payload[whole] } else { &[] };
                (packet.src().into(), packet.dst().into(), packet.protocol(), payload)
            }
            EtherType::IPV6 => {
                let packet = ipv6::Packet::new_header(self.payload).ok()?;
                let (src, dst) = (packet.src().into(), packet.dst().into());
                match ipv6_ext::walk(packet.next_header(), &self.payload[ipv6::HEADER_SIZE..]) {
                    Some(upper) => (src, dst, upper.protocol, upper.payload),
                    None => (src, dst, packet.next_header(), &[][..]),
                }
            }
            _ => return None,
        };
        let has_ports = matches!(protocol, IpProtocol::TCP | IpProtocol::UDP | IpProtocol::SCTP);
        let ports = match payload {
            [a, b, c, d, ..] if has_ports => Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))),
            _ => None,
        };
        Some(Transport { src, dst, protocol, ports })
    }

    /// The two addresses, of the family wanted.
    fn addresses(&self, family: Family) -> Option<(IpAddr, IpAddr)> {
        match (self.ethertype, family) {
            (EtherType::ARP, Family::Any | Family::Arp) => {
                let packet = arp::Packet::new_checked(self.payload).ok()?;
                Some((packet.sender_ip().into(), packet.target_ip().into()))
            }
            (EtherType::IPV4, Family::Any | Family::Ip) | (EtherType::IPV6, Family::Any | Family::Ip6) => {
                self.transport().map(|packet| (packet.src, packet.dst))
            }
            _ => None,
        }
    }
}

impl Way {
    fn holds<T>(self, src: T, dst: T, is_it: impl Fn(T) -> bool) -> bool {
        match self {
            Self::Src => is_it(src),
            Self::Dst => is_it(dst),
            Self::Either => is_it(src) || is_it(dst),
            Self::Both => is_it(src) && is_it(dst),
        }
    }
}

impl Expr {
    fn matches(&self, frame: &[u8]) -> bool {
        match self {
            Self::Chain(first, others) => others.iter().fold(first.matches(frame), |so_far, (join, expr)| match join {
                Join::And => so_far && expr.matches(frame),
                Join::Or => so_far || expr.matches(frame),
            }),
            Self::Not(inner) => !inner.matches(frame),
            Self::Test(tags, test) => test.matches(frame, *tags).unwrap_or(false),
        }
    }
}

impl Test {
    /// `None`, which is false, for a frame that has not what is asked for.
    fn matches(&self, frame: &[u8], tags: usize) -> Option<bool> {
        let layers = Layers::of(frame, tags)?;
        Some(match self {
            Self::Host(family, way, net) => {
                let (src, dst) = layers.addresses(*family)?;
                way.holds(src, dst, |address| net.contains(address))
            }
            Self::Ether(way, mac) => {
                let (dst, src) = (MacAddr::from_bytes(frame)?, MacAddr::from_bytes(frame.get(6..)?)?);
                way.holds(src, dst, |address| address == *mac)
            }
            Self::Port(protocol, way, low, high) => {
                let packet = layers.transport()?;
                let (src, dst) = packet.ports?;
                protocol.is_none_or(|protocol| packet.protocol == protocol)
                    && way.holds(src, dst, |port| (*low..=*high).contains(&port))
            }
            Self::EtherType(number) => layers.ethertype.0 == *number,
            Self::Protocol(family, protocol) => {
                let packet = layers.transport()?;
                let is_of = match family {
                    Family::Ip => packet.src.is_ipv4(),
                    Family::Ip6 => packet.src.is_ipv6(),
                    Family::Any => true,
                    Family::Arp => false,
                };
                is_of && packet.protocol == *protocol
            }
            Self::Vlan(id) => {
                let is_tag = layers.ethertype.is_vlan();
                let tci = u16::from_be_bytes(*layers.payload.first_chunk()?);
                is_tag && id.is_none_or(|id| tci & 0xfff == id)
            }
            Self::Stp => layers.ethertype.is_length() && layers.payload.first() == Some(&0x42),
            Self::Broadcast => MacAddr::from_bytes(frame)?.is_broadcast(),
            Self::Multicast => MacAddr::from_bytes(frame)?.is_multicast(),
            Self::Less(size) => frame.len() <= *size,
            Self::Greater(size) => frame.len() >= *size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A UDP datagram from 10.0.0.1 port 7 to 10.0.0.2 port 53, in VLAN 9 if `tagged`.
    fn frame(tagged: bool) -> Vec<u8> {
        let mut bytes = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01".to_vec();
        if tagged {
            bytes.extend(b"\x81\0\0\x09");
        }
        bytes.extend(b"\x08\0\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02");
        bytes.extend(b"\0\x07\0\x35\0\x08\0\0");
        bytes
    }

    fn check(text: &str, frame: &[u8], expect: bool) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let filter = Filter::parse(&words).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(filter.matches(frame), expect, "{text}");
    }

    #[test]
    fn what_a_filter_asks_for_passes() {
        for text in [
            "",
            "ip",
            "udp",
            "host 10.0.0.1",
            "src host 10.0.0.1",
            "dst 10.0.0.2",
            "src or dst 10.0.0.2",
            "net 10",
            "net 10.0.0.0/30",
            "net 10.0.0.0 mask 255.255.255.0",
            "port 53",
            "udp dst port 53",
            "portrange 50-60",
            "ether host 02:00:00:00:00:01",
            "ether dst 02:00:00:00:00:02",
            "ether proto 0x800",
            "ip proto 17",
            "not arp and not tcp",
            "host 10.0.0.9 or 10.0.0.1",
            "(port 7 or port 8) and udp",
            "!icmp && ip",
            "less 100",
            "tcp or udp",
            "ether proto \\ip",
        ] {
            check(text, &frame(false), true);
        }
        for text in [
            "arp",
            "ip6",
            "tcp",
            "icmp",
            "dst host 10.0.0.1",
            "src 10.0.0.2",
            "net 11",
            "tcp port 53",
            "vlan",
            "port 54",
            "stp",
            "broadcast",
            "multicast",
            "greater 100",
            "arp host 10.0.0.1",
            "src and dst 10.0.0.1",
            // From the left: (udp or icmp) and arp.
            "udp or icmp and arp",
        ] {
            check(text, &frame(false), false);
        }
    }

    #[test]
    fn vlan_moves_what_comes_behind_it_past_the_tag() {
        for (text, expect) in
            [("vlan", true), ("vlan 9", true), ("vlan 10", false), ("ip", false), ("vlan 9 and udp", true)]
        {
            check(text, &frame(true), expect);
        }
        check("udp and vlan", &frame(true), false);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in
            ["foo bar", "host", "host foo", "(ip", "ip)", "and", "port", "port x", "not", "ip and", "vlan 9 9 9"]
        {
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(Filter::parse(&words).is_none(), "{text}");
        }
        assert!(Filter::parse(&["not"; 400]).is_none());
        assert!(Filter::parse(&["("; 400]).is_none());
    }

    proptest! {
        #[test]
        fn any_words_and_any_bytes_are_harmless(
            words in prop::collection::vec("(and|or|not|\\(|\\)|src|dst|host|net|port|vlan|ether|ip|tcp|[0-9./:]{0,8}|[a-z]{0,6})", 0..12),
            frame in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Some(filter) = Filter::parse(&words) {
                filter.matches(&frame);
            }
        }
    }
}
