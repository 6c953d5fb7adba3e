//! Matches: random fields of what a flow is about.

use super::values::{Kind, chance, pick};
use sim_core::Stream;

/// What a flow says about the frames that it means, and what its actions may therefore touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Any,
    Arp,
    Rarp,
    Ip4,
    Ip6,
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Tcp6,
    Udp6,
    Sctp6,
    Icmp6,
    Solicitation,
    Advertisement,
    Mpls,
}

use About::*;

/// A field: its name, its values, whether it can be masked, whether actions may write it, and with what it goes.
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub maskable: bool,
    pub writable: bool,
    about: &'static [About],
}

const ARPS: &[About] = &[Arp, Rarp];
const V4: &[About] = &[Ip4, Tcp, Udp, Sctp, Icmp];
const V6: &[About] = &[Ip6, Tcp6, Udp6, Sctp6, Icmp6, Solicitation, Advertisement];
const IPS: &[About] = &[Ip4, Tcp, Udp, Sctp, Icmp, Ip6, Tcp6, Udp6, Sctp6, Icmp6, Solicitation, Advertisement];
const ANY: &[About] = &[];

const fn field(name: &'static str, kind: Kind, maskable: bool, writable: bool, about: &'static [About]) -> Field {
    Field { name, kind, maskable, writable, about }
}

#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    field("dl_src", Kind::Mac, true, true, ANY),
    field("dl_dst", Kind::Mac, true, true, ANY),
    field("reg0", Kind::Small(32), true, true, ANY),
    field("reg1", Kind::Small(32), true, true, ANY),
    field("reg7", Kind::Bits(32), true, true, ANY),
    field("reg15", Kind::Small(32), true, true, ANY),
    field("xreg1", Kind::Small(64), true, true, ANY),
    field("xreg3", Kind::Bits(64), true, true, ANY),
    field("xxreg1", Kind::Small(128), true, true, ANY),
    field("metadata", Kind::Small(64), true, true, ANY),
    field("pkt_mark", Kind::Bits(32), true, true, ANY),
    field("tun_id", Kind::Small(64), true, true, ANY),
    field("tun_src", Kind::Ip4, true, true, ANY),
    field("tun_dst", Kind::Ip4, true, true, ANY),
    field("arp_op", Kind::ArpOp, false, true, ARPS),
    field("arp_spa", Kind::Ip4, true, true, ARPS),
    field("arp_tpa", Kind::Ip4, true, true, ARPS),
    field("arp_sha", Kind::Mac, true, true, ARPS),
    field("arp_tha", Kind::Mac, true, true, ARPS),
    field("nw_src", Kind::Ip4, true, true, V4),
    field("nw_dst", Kind::Ip4, true, true, V4),
    field("ipv6_src", Kind::Ip6, true, true, V6),
    field("ipv6_dst", Kind::Ip6, true, true, V6),
    field("ipv6_label", Kind::Bits(20), true, true, V6),
    field("nw_tos", Kind::Tos, false, true, IPS),
    field("ip_dscp", Kind::Bits(6), false, true, IPS),
    field("nw_ecn", Kind::Below(4), false, true, IPS),
    field("nw_ttl", Kind::Small(8), false, true, IPS),
    field("tcp_src", Kind::Port, true, true, &[Tcp, Tcp6]),
    field("tcp_dst", Kind::Port, true, true, &[Tcp, Tcp6]),
    field("tcp_flags", Kind::Bits(12), true, false, &[Tcp, Tcp6]),
    field("udp_src", Kind::Port, true, true, &[Udp, Udp6]),
    field("udp_dst", Kind::Port, true, true, &[Udp, Udp6]),
    field("sctp_src", Kind::Port, true, true, &[Sctp, Sctp6]),
    field("sctp_dst", Kind::Port, true, true, &[Sctp, Sctp6]),
    field("icmp_type", Kind::Small(8), false, true, &[Icmp]),
    field("icmp_code", Kind::Small(8), false, true, &[Icmp]),
    field("nd_target", Kind::Ip6, true, true, &[Solicitation, Advertisement]),
    field("nd_sll", Kind::Mac, true, true, &[Solicitation]),
    field("nd_tll", Kind::Mac, true, true, &[Advertisement]),
    field("mpls_label", Kind::Small(20), false, true, &[Mpls]),
    field("mpls_tc", Kind::Below(8), false, true, &[Mpls]),
    field("mpls_ttl", Kind::Small(8), false, true, &[Mpls]),
    field("mpls_bos", Kind::Below(2), false, false, &[Mpls]),
];

/// A match, and what is known of the frames that it means.
pub struct Match {
    pub text: String,
    pub about: About,
    /// Whether they have a tag; `None` if both is possible.
    pub tagged: Option<bool>,
}

impl About {
    pub fn has(self, field: &Field) -> bool {
        field.about.is_empty() || field.about.contains(&self)
    }

    pub fn is_ip(self) -> bool {
        IPS.contains(&self)
    }

    fn text(self) -> &'static str {
        match self {
            Any => "",
            Arp => "arp",
            Rarp => "rarp",
            Ip4 => "ip",
            Ip6 => "ipv6",
            Tcp => "tcp",
            Udp => "udp",
            Sctp => "sctp",
            Icmp => "icmp",
            Tcp6 => "tcp6",
            Udp6 => "udp6",
            Sctp6 => "sctp6",
            Icmp6 => "icmp6",
            Solicitation => "icmp6,icmpv6_type=135,icmpv6_code=0",
            Advertisement => "icmp6,icmpv6_type=136,icmpv6_code=0",
            Mpls => "mpls",
        }
    }
}

pub fn about(random: &mut Stream) -> About {
    let rare = [Rarp, Sctp, Sctp6, Udp6, Icmp6, Solicitation, Advertisement, Mpls];
    match random.below(3) {
        0 => Any,
        1 => pick(random, &[Ip4, Tcp, Tcp, Udp, Icmp, Arp, Ip6, Tcp6]),
        _ => pick(random, &rare),
    }
}

/// A term for a field.
pub fn term(random: &mut Stream, field: &Field) -> String {
    let value = if field.maskable { field.kind.masked(random) } else { field.kind.text(field.kind.value(random)) };
    format!("{}={value}", field.name)
}

/// A match of a few fields. `inner` is for tables behind the first, where registers say something.
pub fn random_match(random: &mut Stream, inner: bool) -> Match {
    let about = about(random);
    let mut terms = vec![about.text().to_owned()];
    let mut names = Vec::new();
    let mut tagged = None;
    if chance(random, 4) {
        terms.push(format!("in_port={}", pick(random, &["1", "2", "3", "4", "LOCAL"])));
    }
    if chance(random, 3) {
        let vlan = pick(random, &super::VLANS);
        let (term, tag) = match random.below(7) {
            0 | 1 => (format!("dl_vlan={vlan}"), Some(true)),
            2 => (format!("dl_vlan={vlan},dl_vlan_pcp={}", random.below(8)), Some(true)),
            3 => ("vlan_tci=0x0000".to_owned(), Some(false)),
            4 => ("vlan_tci=0x1000/0x1000".to_owned(), Some(true)),
            5 => (format!("vlan_vid={:#x}/{:#x}", vlan & 9 | 0x1000, 0x1009), Some(true)),
            _ => (format!("vlan_tci={:#x}/{:#x}", vlan & 5, 5), None),
        };
        terms.push(term);
        tagged = tag;
    }
    if about.is_ip() && chance(random, 6) {
        // Later fragments have no ports.
        let kinds = ["no", "yes", "first", "not_later", "later"];
        let kinds = if matches!(about, Ip4 | Ip6) { &kinds[..] } else { &kinds[..4] };
        terms.push(format!("nw_frag={}", pick(random, kinds)));
    }
    if matches!(about, Ip4 | Ip6) && chance(random, 4) && !terms.iter().any(|term| term.contains("later")) {
        terms.push(format!("nw_proto={}", pick(random, &[1, 2, 6, 17, 47, 58])));
    }
    for _ in 0..random.below(4) {
        // Of registers few are zero in the first table.
        let fields: Vec<&Field> = FIELDS
            .iter()
            .filter(|field| about.has(field) && (inner || !field.name.contains("reg")))
            .filter(|field| about == Any || !field.about.is_empty() || chance(random, 4))
            .collect();
        if fields.is_empty() {
            continue;
        }
        let field = fields[random.below(fields.len() as u64) as usize];
        if !names.iter().any(|name: &&str| overlap(name, field.name)) {
            names.push(field.name);
            terms.push(term(random, field));
        }
    }
    terms.retain(|term| !term.is_empty());
    Match { text: terms.join(","), about, tagged }
}

/// Whether two fields share bits: one that is said twice is taken differently by different programs.
fn overlap(a: &str, b: &str) -> bool {
    let registers = |name: &str| match name {
        "xreg1" => vec![2, 3],
        "xreg3" => vec![6, 7],
        "xxreg1" => vec![4, 5, 6, 7],
        _ => name.strip_prefix("reg").map(|n| vec![n.parse().expect("a register's number")]).unwrap_or_default(),
    };
    let tos = |name: &str| matches!(name, "nw_tos" | "ip_dscp");
    a == b || tos(a) && tos(b) || registers(a).iter().any(|n: &u32| registers(b).contains(n))
}
