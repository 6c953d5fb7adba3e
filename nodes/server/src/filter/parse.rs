//! Reading a filter: terms, qualifiers, identifiers.

use core::net::IpAddr;

use host::Cidr;
use packet::{EtherType, IpProtocol, MacAddr};

use super::{Expr, Family, Join, Test, Way};

/// The deepest nesting.
const MAX_DEPTH: usize = 32;

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

/// Reads a filter word by word.
pub(super) struct Parser<'a> {
    words: &'a [&'a str],
    /// How many tags stand before what comes next.
    tags: usize,
    last: Option<Qualifiers>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(words: &'a [&'a str]) -> Self {
        Self { words, tags: 0, last: None }
    }

    /// The filter that all words are; `None` if they are none.
    pub(super) fn parse(mut self) -> Option<Expr> {
        let root = self.chain(0)?;
        self.words.is_empty().then_some(root)
    }

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
