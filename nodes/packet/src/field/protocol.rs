//! Protocols that a match can name by one word (ovs-fields(7), "Matching on protocols"), and
//! what a field needs to have a meaning.

use crate::key::{FlowKey, FlowMask, slot};

/// A protocol that one word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The word.
    pub name: &'static str,
    /// The Ethernet type.
    pub dl_type: u16,
    /// The IP protocol.
    pub nw_proto: Option<u8>,
}

impl Protocol {
    const fn new(name: &'static str, dl_type: u16, nw_proto: Option<u8>) -> Self {
        Self { name, dl_type, nw_proto }
    }

    /// True if a match with this key and mask lets nothing but this protocol pass.
    pub fn is_required_by(&self, key: &FlowKey, mask: &FlowMask) -> bool {
        let exact = |slot, value: u64| mask.get(slot) == slot.max() && key.get(slot) == u128::from(value);
        exact(slot::DL_TYPE, u64::from(self.dl_type))
            && self.nw_proto.is_none_or(|proto| exact(slot::NW_PROTO, u64::from(proto)))
    }

    /// Narrows a key and mask to this protocol.
    pub fn require(&self, key: &mut FlowKey, mask: &mut FlowMask) {
        key.set(slot::DL_TYPE, u128::from(self.dl_type));
        mask.add(slot::DL_TYPE);
        if let Some(proto) = self.nw_proto {
            key.set(slot::NW_PROTO, u128::from(proto));
            mask.add(slot::NW_PROTO);
        }
    }
}

/// IPv4.
pub const IP: Protocol = Protocol::new("ip", 0x0800, None);
/// ICMP over IPv4.
pub const ICMP: Protocol = Protocol::new("icmp", 0x0800, Some(1));
/// TCP over IPv4.
pub const TCP: Protocol = Protocol::new("tcp", 0x0800, Some(6));
/// UDP over IPv4.
pub const UDP: Protocol = Protocol::new("udp", 0x0800, Some(17));
/// SCTP over IPv4.
pub const SCTP: Protocol = Protocol::new("sctp", 0x0800, Some(132));
/// IPv6.
pub const IPV6: Protocol = Protocol::new("ipv6", 0x86dd, None);
/// ICMPv6.
pub const ICMP6: Protocol = Protocol::new("icmp6", 0x86dd, Some(58));
/// TCP over IPv6.
pub const TCP6: Protocol = Protocol::new("tcp6", 0x86dd, Some(6));
/// UDP over IPv6.
pub const UDP6: Protocol = Protocol::new("udp6", 0x86dd, Some(17));
/// SCTP over IPv6.
pub const SCTP6: Protocol = Protocol::new("sctp6", 0x86dd, Some(132));
/// ARP.
pub const ARP: Protocol = Protocol::new("arp", 0x0806, None);
/// Reverse ARP.
pub const RARP: Protocol = Protocol::new("rarp", 0x8035, None);
/// MPLS unicast.
pub const MPLS: Protocol = Protocol::new("mpls", 0x8847, None);
/// MPLS multicast.
pub const MPLSM: Protocol = Protocol::new("mplsm", 0x8848, None);

/// All protocols that a match can name. Those with an IP protocol stand before the bare ones, so
/// that the first that a match requires says the most.
pub const PROTOCOLS: &[Protocol] = &[ICMP, TCP, UDP, SCTP, ICMP6, TCP6, UDP6, SCTP6, IP, IPV6, ARP, RARP, MPLS, MPLSM];

/// What a match must require for a field to have a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// One of these protocols; none for a field that every frame has.
    pub protocols: &'static [Protocol],
    /// One of these ICMPv6 types; none if any will do.
    pub icmp_types: &'static [u8],
    /// A connection whose original direction is known: `ct_state` is required to have `+new`,
    /// `+est`, `+rel`, `+rpl`, `+snat` or `+dnat`, or `+trk-inv`.
    pub connection: bool,
}

impl Needs {
    /// Every frame has the field.
    pub const NOTHING: Self = Self { protocols: &[], icmp_types: &[], connection: false };

    /// One of these protocols.
    pub const fn any(protocols: &'static [Protocol]) -> Self {
        Self { protocols, icmp_types: &[], connection: false }
    }

    /// ICMPv6 of one of these types.
    pub const fn icmp6_types(icmp_types: &'static [u8]) -> Self {
        Self { protocols: &[ICMP6], icmp_types, connection: false }
    }

    /// A known connection as well.
    pub(crate) const fn of_connection(self) -> Self {
        Self { connection: true, ..self }
    }

    /// True if a match with this key and mask requires what is needed. For a frame the mask is
    /// [`FlowMask::FULL`].
    pub fn are_met(&self, key: &FlowKey, mask: &FlowMask) -> bool {
        let protocol = self.protocols.is_empty() || self.protocols.iter().any(|p| p.is_required_by(key, mask));
        let icmp_type = self.icmp_types.is_empty()
            || mask.get(slot::TP_SRC) == slot::TP_SRC.max()
                && self.icmp_types.iter().any(|t| u16::from(*t) == key.tp_src());
        protocol && icmp_type && (!self.connection || is_connection_known(key, mask))
    }
}

/// True if a match requires a connection whose original direction is known.
fn is_connection_known(key: &FlowKey, mask: &FlowMask) -> bool {
    let mask = mask.get(slot::CT_STATE) as u32;
    let (set, unset) = (key.get(slot::CT_STATE) as u32 & mask, !(key.get(slot::CT_STATE) as u32) & mask);
    let [new, est, rel, rpl, inv, trk, snat, dnat] = [0, 1, 2, 3, 4, 5, 6, 7].map(|bit| 1 << bit);
    set & (new | est | rel | rpl | snat | dnat) != 0 || set & trk != 0 && unset & inv != 0
}
