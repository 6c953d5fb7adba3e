//! Numbers with a meaning: VLAN ids, Ethernet types, IP protocols.

use core::fmt;

/// A VLAN id, 0..=4095. 0 means "no VLAN, priority only", 4095 is reserved (IEEE 802.1Q-2018
/// table 9-2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    /// VLAN id 0: no VLAN.
    pub const NONE: Self = Self(0);
    /// The largest value of the 12 bits.
    pub const MAX: u16 = 4095;

    /// The id, unless the number is above 4095.
    pub const fn new(vid: u16) -> Option<Self> {
        if vid <= Self::MAX { Some(Self(vid)) } else { None }
    }

    /// The id in the lower 12 bits of a tag control information.
    #[inline]
    pub const fn from_tci(tci: u16) -> Self {
        Self(tci & 0xfff)
    }

    /// The number, 0..=4095.
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl TryFrom<u16> for VlanId {
    type Error = super::WireError;

    fn try_from(vid: u16) -> super::Result<Self> {
        Self::new(vid).ok_or(super::WireError::field("vlan", "vid", vid))
    }
}

/// An Ethernet type (or, below 0x600, an 802.3 length).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// IPv4.
    pub const IPV4: Self = Self(0x0800);
    /// ARP.
    pub const ARP: Self = Self(0x0806);
    /// Reverse ARP.
    pub const RARP: Self = Self(0x8035);
    /// A customer VLAN tag, 802.1Q.
    pub const VLAN: Self = Self(0x8100);
    /// A service VLAN tag, 802.1ad.
    pub const QINQ: Self = Self(0x88a8);
    /// IPv6.
    pub const IPV6: Self = Self(0x86dd);
    /// Slow protocols (LACP, marker, OAM).
    pub const SLOW: Self = Self(0x8809);
    /// MPLS unicast.
    pub const MPLS: Self = Self(0x8847);
    /// MPLS multicast.
    pub const MPLS_MULTICAST: Self = Self(0x8848);
    /// Transparent Ethernet bridging, the type inside GRE and Geneve.
    pub const TEB: Self = Self(0x6558);
    /// Link layer discovery protocol.
    pub const LLDP: Self = Self(0x88cc);
    /// Connectivity fault management.
    pub const CFM: Self = Self(0x8902);
    /// Network service header.
    pub const NSH: Self = Self(0x894f);
    /// What Open vSwitch calls a frame without an Ethernet type (802.2 LLC without SNAP).
    pub const NONE: Self = Self(0x05ff);
    /// The smallest number that is a type; what is below is an 802.3 length.
    pub const MIN: u16 = 0x600;

    /// True for the types that open a VLAN tag: 0x8100 and 0x88a8.
    #[inline]
    pub const fn is_vlan(self) -> bool {
        self.0 == Self::VLAN.0 || self.0 == Self::QINQ.0
    }

    /// True if the number is an 802.3 length and no type.
    #[inline]
    pub const fn is_length(self) -> bool {
        self.0 < Self::MIN
    }

    /// tcpdump's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IPV4 => "IPv4",
            Self::ARP => "ARP",
            Self::RARP => "Reverse ARP",
            Self::VLAN => "802.1Q",
            Self::QINQ => "802.1Q-QinQ",
            Self::IPV6 => "IPv6",
            Self::SLOW => "Slow Protocols",
            Self::MPLS => "MPLS unicast",
            Self::MPLS_MULTICAST => "MPLS multicast",
            Self::TEB => "TEB",
            Self::LLDP => "LLDP",
            Self::CFM => "CFM",
            Self::NSH => "NSH",
            _ => "Unknown",
        }
    }
}

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:04x})", self.name(), self.0)
    }
}

/// An IP protocol or IPv6 next-header number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: Self = Self(0);
    /// ICMP.
    pub const ICMP: Self = Self(1);
    /// IGMP.
    pub const IGMP: Self = Self(2);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// IPv6 routing header.
    pub const ROUTING: Self = Self(43);
    /// IPv6 fragment header.
    pub const FRAGMENT: Self = Self(44);
    /// Generic routing encapsulation.
    pub const GRE: Self = Self(47);
    /// Encapsulating security payload.
    pub const ESP: Self = Self(50);
    /// Authentication header.
    pub const AH: Self = Self(51);
    /// ICMPv6.
    pub const ICMPV6: Self = Self(58);
    /// IPv6 with no next header.
    pub const NO_NEXT: Self = Self(59);
    /// IPv6 destination options.
    pub const DST_OPTIONS: Self = Self(60);
    /// OSPF.
    pub const OSPF: Self = Self(89);
    /// VRRP.
    pub const VRRP: Self = Self(112);
    /// SCTP.
    pub const SCTP: Self = Self(132);
}

impl fmt::Display for IpProtocol {
    /// As tcpdump prints a protocol that it does not decode: `ip-proto-89`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ip-proto-{}", self.0)
    }
}
