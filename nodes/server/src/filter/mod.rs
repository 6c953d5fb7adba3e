//! The filters of tcpdump, a subset of pcap-filter(7): `host`, `net`, `port`, `portrange` with directions and protocols,
//! `ether host`, `ether proto`, `vlan`, `ip proto`, the protocols' names, `broadcast`, `multicast`, `less`, `greater`;
//! `and`, `or`, `not` and parentheses. As there, `and` and `or` bind equally from the left, `vlan` moves what comes
//! behind it past a tag, and an identifier without qualifiers has those of the one before.
//!
//! Left out are expressions on bytes (`tcp[13]`), names of hosts and services, and MPLS, PPPoE and the like.

mod matches;
mod parse;

use host::Cidr;
use packet::{IpProtocol, MacAddr};

use parse::Parser;

/// The most words of a filter.
const MAX_WORDS: usize = 512;

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
        Parser::new(&words).parse().map(|root| Self { root: Some(root) })
    }

    /// Whether a frame passes.
    pub(crate) fn matches(&self, frame: &[u8]) -> bool {
        self.root.as_ref().is_none_or(|root| root.matches(frame))
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
