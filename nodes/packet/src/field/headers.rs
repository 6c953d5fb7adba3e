//! What is in the frame, and the port that it came in by (ovs-fields(7), from "Ethernet fields" on).

use super::protocol::{ARP, ICMP, ICMP6, IP, IPV6, MPLS, MPLSM, Needs, RARP, SCTP, SCTP6, TCP, TCP6, UDP, UDP6};
use super::{ANY, EXACT, Field, Format, MASKED, row};
use crate::key::slot::{self, Slot};

const IPS: Needs = Needs::any(&[IP, IPV6]);
const ARPS: Needs = Needs::any(&[ARP, RARP]);
const LABELS: Needs = Needs::any(&[MPLS, MPLSM]);
const PORTS: Needs = Needs::any(&[TCP, UDP, SCTP, TCP6, UDP6, SCTP6]);

/// The port, the tags, the addresses, the type.
#[rustfmt::skip]
pub(super) const ETHERNET: &[Field] = &[
    row("in_port", &[], slot::IN_PORT, Format::Port, EXACT, ANY).nxm("NXM_OF_IN_PORT", "").of_width(16),
    row("in_port_oxm", &[], slot::IN_PORT, Format::Port, EXACT, ANY).nxm("OXM_OF_IN_PORT", "").of_width(32),
    row("dl_vlan", &[], slot::VLAN_VID, Format::VlanId, EXACT, ANY).of_width(12),
    row("dl_vlan_pcp", &["vlan_pcp"], slot::VLAN_PCP, Format::VlanPriority, EXACT, ANY).set_as("vlan_pcp").nxm("OXM_OF_VLAN_PCP", "").written_at(Slot::new(0, 13, 3)).of_tag(),
    row("vlan_tci", &[], slot::VLAN_TCI, Format::Hex(4), MASKED, ANY).nxm("NXM_OF_VLAN_TCI", ""),
    row("vlan_vid", &[], slot::VLAN_VID, Format::VlanOxm, MASKED, ANY).nxm("OXM_OF_VLAN_VID", "").of_width(12).of_tag(),
    row("inner_vlan", &["dl_vlan1"], slot::INNER_VID, Format::VlanId, EXACT, ANY).of_width(12).read_only(),
    row("inner_vlan_pcp", &["dl_vlan_pcp1"], slot::INNER_PCP, Format::VlanPriority, EXACT, ANY).written_at(Slot::new(1, 61, 3)).read_only(),
    row("inner_vlan_tci", &["vlan_tci1"], slot::INNER_TCI, Format::Hex(4), MASKED, ANY).read_only(),
    row("dl_src", &["eth_src"], slot::DL_SRC, Format::Mac, MASKED, ANY).set_as("eth_src").nxm("NXM_OF_ETH_SRC", "OXM_OF_ETH_SRC"),
    row("dl_dst", &["eth_dst"], slot::DL_DST, Format::Mac, MASKED, ANY).set_as("eth_dst").nxm("NXM_OF_ETH_DST", "OXM_OF_ETH_DST"),
    row("dl_type", &["eth_type"], slot::DL_TYPE, Format::Hex(4), EXACT, ANY).set_as("eth_type").nxm("NXM_OF_ETH_TYPE", "OXM_OF_ETH_TYPE").read_only(),
];

/// IP, ARP and MPLS.
#[rustfmt::skip]
pub(super) const NETWORK: &[Field] = &[
    row("ipv6_src", &[], slot::IPV6_SRC, Format::Ipv6, MASKED, Needs::any(&[IPV6])).nxm("NXM_NX_IPV6_SRC", "OXM_OF_IPV6_SRC"),
    row("ipv6_dst", &[], slot::IPV6_DST, Format::Ipv6, MASKED, Needs::any(&[IPV6])).nxm("NXM_NX_IPV6_DST", "OXM_OF_IPV6_DST"),
    row("ipv6_label", &[], slot::IPV6_LABEL, Format::Hex(5), MASKED, Needs::any(&[IPV6])).nxm("NXM_NX_IPV6_LABEL", "OXM_OF_IPV6_FLABEL"),
    row("arp_spa", &[], slot::NW_SRC, Format::Ipv4, MASKED, ARPS).nxm("NXM_OF_ARP_SPA", "OXM_OF_ARP_SPA"),
    row("arp_tpa", &[], slot::NW_DST, Format::Ipv4, MASKED, ARPS).nxm("NXM_OF_ARP_TPA", "OXM_OF_ARP_TPA"),
    row("nw_src", &["ip_src"], slot::NW_SRC, Format::Ipv4, MASKED, Needs::any(&[IP, ARP, RARP])).set_as("ip_src").nxm("NXM_OF_IP_SRC", "OXM_OF_IPV4_SRC"),
    row("nw_dst", &["ip_dst"], slot::NW_DST, Format::Ipv4, MASKED, Needs::any(&[IP, ARP, RARP])).set_as("ip_dst").nxm("NXM_OF_IP_DST", "OXM_OF_IPV4_DST"),
    row("arp_op", &[], slot::NW_PROTO, Format::Decimal(8), EXACT, ARPS).nxm("NXM_OF_ARP_OP", "OXM_OF_ARP_OP").of_width(16),
    row("nw_proto", &["ip_proto"], slot::NW_PROTO, Format::Decimal(8), EXACT, Needs::any(&[IP, IPV6, ARP, RARP])).nxm("NXM_OF_IP_PROTO", "OXM_OF_IP_PROTO").read_only(),
    row("arp_sha", &[], slot::ARP_SHA, Format::Mac, MASKED, ARPS).nxm("NXM_NX_ARP_SHA", "OXM_OF_ARP_SHA"),
    row("arp_tha", &[], slot::ARP_THA, Format::Mac, MASKED, ARPS).nxm("NXM_NX_ARP_THA", "OXM_OF_ARP_THA"),
    row("nw_tos", &[], slot::NW_DSCP, Format::Tos, EXACT, IPS).nxm("NXM_OF_IP_TOS", "").written_at(slot::NW_TOS),
    row("ip_dscp", &[], slot::NW_DSCP, Format::Decimal(6), EXACT, IPS).nxm("OXM_OF_IP_DSCP", ""),
    row("nw_ecn", &["ip_ecn"], slot::NW_ECN, Format::Decimal(2), EXACT, IPS).nxm("NXM_NX_IP_ECN", "OXM_OF_IP_ECN"),
    row("nw_ttl", &[], slot::NW_TTL, Format::Decimal(8), EXACT, IPS).nxm("NXM_NX_IP_TTL", ""),
    row("mpls_label", &[], slot::MPLS_LABEL, Format::Decimal(20), EXACT, LABELS).nxm("OXM_OF_MPLS_LABEL", ""),
    row("mpls_tc", &[], slot::MPLS_TC, Format::Decimal(3), EXACT, LABELS).nxm("OXM_OF_MPLS_TC", ""),
    row("mpls_ttl", &[], slot::MPLS_TTL, Format::Decimal(8), EXACT, LABELS).nxm("NXM_NX_MPLS_TTL", ""),
    row("mpls_bos", &[], slot::MPLS_BOS, Format::Decimal(1), EXACT, LABELS).nxm("OXM_OF_MPLS_BOS", "").read_only(),
    row("mpls_lse1", &[], slot::MPLS_LSE[1], Format::Number, MASKED, LABELS).read_only(),
    row("mpls_lse2", &[], slot::MPLS_LSE[2], Format::Number, MASKED, LABELS).read_only(),
    row("nw_frag", &["ip_frag"], slot::NW_FRAG, Format::Frag, MASKED, IPS).set_as("ip_frag").nxm("NXM_NX_IP_FRAG", "").read_only(),
];

/// Layer 4.
#[rustfmt::skip]
pub(super) const TRANSPORT: &[Field] = &[
    row("icmp_type", &[], slot::TP_SRC, Format::Decimal(8), EXACT, Needs::any(&[ICMP, ICMP6])).nxm("NXM_OF_ICMP_TYPE", "OXM_OF_ICMPV4_TYPE").of_width(8),
    row("icmp_code", &[], slot::TP_DST, Format::Decimal(8), EXACT, Needs::any(&[ICMP, ICMP6])).nxm("NXM_OF_ICMP_CODE", "OXM_OF_ICMPV4_CODE").of_width(8),
    row("icmpv6_type", &[], slot::TP_SRC, Format::Decimal(8), EXACT, Needs::any(&[ICMP6])).nxm("NXM_NX_ICMPV6_TYPE", "OXM_OF_ICMPV6_TYPE").of_width(8),
    row("icmpv6_code", &[], slot::TP_DST, Format::Decimal(8), EXACT, Needs::any(&[ICMP6])).nxm("NXM_NX_ICMPV6_CODE", "OXM_OF_ICMPV6_CODE").of_width(8),
    row("nd_target", &[], slot::ND_TARGET, Format::Ipv6, MASKED, Needs::icmp6_types(&[135, 136])).nxm("NXM_NX_ND_TARGET", "OXM_OF_IPV6_ND_TARGET"),
    row("nd_sll", &[], slot::ARP_SHA, Format::Mac, MASKED, Needs::icmp6_types(&[135])).nxm("NXM_NX_ND_SLL", "OXM_OF_IPV6_ND_SLL"),
    row("nd_tll", &[], slot::ARP_THA, Format::Mac, MASKED, Needs::icmp6_types(&[136])).nxm("NXM_NX_ND_TLL", "OXM_OF_IPV6_ND_TLL"),
    row("tp_src", &[], slot::TP_SRC, Format::Decimal(16), MASKED, PORTS),
    row("tp_dst", &[], slot::TP_DST, Format::Decimal(16), MASKED, PORTS),
    row("tcp_src", &[], slot::TP_SRC, Format::Decimal(16), MASKED, Needs::any(&[TCP, TCP6])).nxm("NXM_OF_TCP_SRC", "OXM_OF_TCP_SRC"),
    row("tcp_dst", &[], slot::TP_DST, Format::Decimal(16), MASKED, Needs::any(&[TCP, TCP6])).nxm("NXM_OF_TCP_DST", "OXM_OF_TCP_DST"),
    row("udp_src", &[], slot::TP_SRC, Format::Decimal(16), MASKED, Needs::any(&[UDP, UDP6])).nxm("NXM_OF_UDP_SRC", "OXM_OF_UDP_SRC"),
    row("udp_dst", &[], slot::TP_DST, Format::Decimal(16), MASKED, Needs::any(&[UDP, UDP6])).nxm("NXM_OF_UDP_DST", "OXM_OF_UDP_DST"),
    row("sctp_src", &[], slot::TP_SRC, Format::Decimal(16), MASKED, Needs::any(&[SCTP, SCTP6])).nxm("OXM_OF_SCTP_SRC", ""),
    row("sctp_dst", &[], slot::TP_DST, Format::Decimal(16), MASKED, Needs::any(&[SCTP, SCTP6])).nxm("OXM_OF_SCTP_DST", ""),
    row("tcp_flags", &[], slot::TCP_FLAGS, Format::TcpFlags, MASKED, Needs::any(&[TCP, TCP6])).nxm("NXM_NX_TCP_FLAGS", "ONFOXM_ET_TCP_FLAGS").read_only(),
];
