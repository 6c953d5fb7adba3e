//! The key of a cache entry in the words of ovs-dpctl(8): `recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=17,frag=no)`.
//!
//! Headers follow each other as in the frame; of each stands what the entry asks for, or everything with a mask of zero
//! where more is asked to be shown. The Ethernet type and whether it is a fragment stand wherever they are known.

use packet::key::{FRAG_ANY, FRAG_LATER, VLAN_PRESENT, slot};
use packet::{EtherType, Field, FlowKey, FlowMask, IpProtocol, MacAddr, Slot};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Puts a key under its mask into words. `port` is what stands for its port; `is_verbose` has it tell of all fields that
/// the headers have.
pub(crate) fn text(key: &FlowKey, mask: &FlowMask, port: &str, is_verbose: bool) -> String {
    let mut words = Vec::new();
    if is_verbose {
        let rides = ["skb_priority", "skb_mark", "ct_state", "ct_zone", "ct_mark", "ct_label"];
        words.extend(rides.map(|name| format!("{name}(0/0)")));
    }
    words.push("recirc_id(0)".to_owned());
    if is_verbose {
        words.push("dp_hash(0/0)".to_owned());
    }
    words.push(format!("in_port({port})"));
    Writer { key, mask, is_verbose, words }.frame().join(",")
}

struct Writer<'a> {
    key: &'a FlowKey,
    mask: &'a FlowMask,
    is_verbose: bool,
    words: Vec<String>,
}

/// How a field's value and mask are written.
type Form = fn(u128) -> String;

const DECIMAL: Form = |value| value.to_string();
const HEX: Form = |value| if value == 0 { "0".to_owned() } else { format!("{value:#x}") };
const MAC: Form = |value| MacAddr::from_u64(value as u64).to_string();
const IPV4: Form = |value| Ipv4Addr::from_bits(value as u32).to_string();
const IPV6: Form = |value| Ipv6Addr::from_bits(value).to_string();

impl Writer<'_> {
    fn frame(mut self) -> Vec<String> {
        self.header("eth", &[("src", slot::DL_SRC, MAC, MAC), ("dst", slot::DL_DST, MAC, MAC)], "");
        let tags = [slot::VLAN_TCI, slot::INNER_TCI];
        let is_told = |slot: &Slot| {
            let asked = self.mask.get(*slot) != 0;
            self.key.get(*slot) as u16 & VLAN_PRESENT != 0 && (asked || self.is_verbose)
        };
        let tags: Vec<Slot> = tags.into_iter().take_while(is_told).collect();
        for tag in &tags {
            self.words.push(format!("eth_type({:#06x}),vlan({}),encap(", EtherType::VLAN.0, self.tag(*tag)));
        }
        if self.mask.get(slot::DL_TYPE) != 0 {
            self.words.push(format!("eth_type({:#06x})", self.key.dl_type().0));
            self.packet();
        }
        // What is in a tag's frame is in its brackets.
        let mut joined: Vec<String> = Vec::new();
        for word in self.words {
            match joined.last_mut() {
                Some(last) if last.ends_with("encap(") => last.push_str(&word),
                _ => joined.push(word),
            }
        }
        if let Some(last) = joined.last_mut() {
            last.push_str(&")".repeat(tags.len()));
        }
        joined
    }

    fn tag(&self, tag: Slot) -> String {
        let (value, mask) = (self.key.get(tag) as u16, self.mask.get(tag) as u16);
        let part = |name: &str, bits: u16, shift: u16| {
            let (value, mask) = ((value & bits) >> shift, (mask & bits) >> shift);
            let is_exact = mask == bits >> shift;
            (mask != 0 || self.is_verbose).then(|| match is_exact {
                true => format!("{name}={value}"),
                false => format!("{name}={value}/{mask:#x}"),
            })
        };
        [part("vid", 0x0fff, 0), part("pcp", 0xe000, 13)].into_iter().flatten().collect::<Vec<_>>().join(",")
    }

    fn packet(&mut self) {
        let frag = self.key.nw_frag();
        let frag = match (frag & FRAG_ANY, frag & FRAG_LATER) {
            (0, _) => "frag=no",
            (_, 0) => "frag=first",
            _ => "frag=later",
        };
        match self.key.dl_type() {
            EtherType::IPV4 => {
                self.header(
                    "ipv4",
                    &[
                        ("src", slot::NW_SRC, IPV4, IPV4),
                        ("dst", slot::NW_DST, IPV4, IPV4),
                        ("proto", slot::NW_PROTO, DECIMAL, HEX),
                        ("tos", slot::NW_TOS, HEX, HEX),
                        ("ttl", slot::NW_TTL, DECIMAL, HEX),
                    ],
                    frag,
                );
                self.layer4(IpProtocol::ICMP, "icmp");
            }
            EtherType::IPV6 => {
                self.header(
                    "ipv6",
                    &[
                        ("src", slot::IPV6_SRC, IPV6, IPV6),
                        ("dst", slot::IPV6_DST, IPV6, IPV6),
                        ("label", slot::IPV6_LABEL, HEX, HEX),
                        ("proto", slot::NW_PROTO, DECIMAL, HEX),
                        ("tclass", slot::NW_TOS, HEX, HEX),
                        ("hlimit", slot::NW_TTL, DECIMAL, HEX),
                    ],
                    frag,
                );
                self.layer4(IpProtocol::ICMPV6, "icmpv6");
            }
            EtherType::ARP | EtherType::RARP => self.header(
                "arp",
                &[
                    ("sip", slot::NW_SRC, IPV4, IPV4),
                    ("tip", slot::NW_DST, IPV4, IPV4),
                    ("op", slot::NW_PROTO, DECIMAL, HEX),
                    ("sha", slot::ARP_SHA, MAC, MAC),
                    ("tha", slot::ARP_THA, MAC, MAC),
                ],
                "",
            ),
            EtherType::MPLS | EtherType::MPLS_MULTICAST if self.is_verbose || self.mask.get(slot::MPLS_LSE[0]) != 0 => {
                let label = self.label();
                self.words.push(label);
            }
            _ => {}
        }
    }

    /// The top label stack entry, whose parts are always told.
    fn label(&self) -> String {
        let part = |name: &str, slot: Slot| {
            let (value, mask) = (self.key.get(slot), self.mask.get(slot));
            match mask == slot.max() && slot != slot::MPLS_LABEL {
                true => format!("{name}={value}"),
                false => format!("{name}={value}/{}", HEX(mask)),
            }
        };
        let parts = [
            part("label", slot::MPLS_LABEL),
            part("tc", slot::MPLS_TC),
            part("ttl", slot::MPLS_TTL),
            part("bos", slot::MPLS_BOS),
        ];
        format!("mpls({})", parts.join(","))
    }

    fn layer4(&mut self, icmp: IpProtocol, icmp_name: &str) {
        let protocol = self.key.ip_protocol();
        let ports = [("src", slot::TP_SRC, DECIMAL, HEX), ("dst", slot::TP_DST, DECIMAL, HEX)];
        if self.mask.get(slot::NW_PROTO) == 0 {
            return;
        }
        match protocol {
            IpProtocol::TCP => {
                self.header("tcp", &ports, "");
                let (flags, mask) = (self.key.get(slot::TCP_FLAGS), self.mask.get(slot::TCP_FLAGS));
                if let Some(field) = Field::find("tcp_flags").filter(|_| mask != 0) {
                    let text = fmt::from_fn(|f| field.write_value(f, flags, mask));
                    self.words.push(format!("tcp_flags({text})"));
                }
            }
            IpProtocol::UDP => self.header("udp", &ports, ""),
            IpProtocol::SCTP => self.header("sctp", &ports, ""),
            _ if protocol == icmp => {
                self.header(
                    icmp_name,
                    &[("type", slot::TP_SRC, DECIMAL, HEX), ("code", slot::TP_DST, DECIMAL, HEX)],
                    "",
                );
                let is_nd = icmp == IpProtocol::ICMPV6 && matches!(self.key.tp_src(), 135 | 136);
                if is_nd {
                    self.header(
                        "nd",
                        &[
                            ("target", slot::ND_TARGET, IPV6, IPV6),
                            ("sll", slot::ARP_SHA, MAC, MAC),
                            ("tll", slot::ARP_THA, MAC, MAC),
                        ],
                        "",
                    );
                }
            }
            _ => {}
        }
    }

    /// A header with the fields that are asked for, and what stands there in any case; nothing if that is nothing.
    fn header(&mut self, name: &str, fields: &[(&str, Slot, Form, Form)], always: &str) {
        let mut parts: Vec<String> = Vec::new();
        for &(name, slot, form, mask_form) in fields {
            let (value, mask) = (self.key.get(slot), self.mask.get(slot));
            if mask == slot.max() {
                parts.push(format!("{name}={}", form(value)));
            } else if mask != 0 || self.is_verbose {
                parts.push(format!("{name}={}/{}", form(value), mask_form(mask)));
            }
        }
        if !always.is_empty() {
            parts.push(always.to_owned());
        }
        if !parts.is_empty() {
            self.words.push(format!("{name}({})", parts.join(",")));
        }
    }
}
