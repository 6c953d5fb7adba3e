//! What rides with a frame: marks, the connection, the tunnel (ovs-fields(7), "Tunnel fields",
//! "Metadata fields", "Connection tracking fields").

use super::protocol::{IP, IPV6, Needs};
use super::{ANY, EXACT, Field, Format, MASKED, row};
use crate::key::slot;

const CT: Needs = Needs::any(&[]).of_connection();
const CT_IP: Needs = Needs::any(&[IP]).of_connection();
const CT_IPV6: Needs = Needs::any(&[IPV6]).of_connection();

/// Marks and what the datapath and the tables know of the frame.
#[rustfmt::skip]
pub(super) const MARKS: &[Field] = &[
    row("pkt_mark", &[], slot::PKT_MARK, Format::Number, MASKED, ANY).nxm("NXM_NX_PKT_MARK", ""),
    row("recirc_id", &[], slot::RECIRC_ID, Format::Number, EXACT, ANY).nxm("NXM_NX_RECIRC_ID", "").read_only(),
    row("dp_hash", &[], slot::DP_HASH, Format::Number, MASKED, ANY).nxm("NXM_NX_DP_HASH", "").read_only(),
    row("conj_id", &[], slot::CONJ_ID, Format::Decimal(32), EXACT, ANY).nxm("NXM_NX_CONJ_ID", "").read_only(),
    row("skb_priority", &[], slot::SKB_PRIORITY, Format::Number, EXACT, ANY).read_only(),
    row("actset_output", &[], slot::ACTSET_OUTPUT, Format::Port, EXACT, ANY).nxm("ONFOXM_ET_ACTSET_OUTPUT", "OXM_OF_ACTSET_OUTPUT").read_only(),
];

/// The connection that a frame is of. No action but `ct` writes its mark and label.
#[rustfmt::skip]
pub(super) const CONNTRACK: &[Field] = &[
    row("ct_state", &[], slot::CT_STATE, Format::CtState, MASKED, ANY).nxm("NXM_NX_CT_STATE", "").read_only(),
    row("ct_zone", &[], slot::CT_ZONE, Format::Decimal(16), EXACT, ANY).nxm("NXM_NX_CT_ZONE", "").read_only(),
    row("ct_mark", &[], slot::CT_MARK, Format::Number, MASKED, ANY).nxm("NXM_NX_CT_MARK", ""),
    row("ct_label", &[], slot::CT_LABEL, Format::Number, MASKED, ANY).nxm("NXM_NX_CT_LABEL", ""),
    row("ct_nw_src", &[], slot::CT_NW_SRC, Format::Ipv4, MASKED, CT_IP).nxm("NXM_NX_CT_NW_SRC", "").read_only(),
    row("ct_nw_dst", &[], slot::CT_NW_DST, Format::Ipv4, MASKED, CT_IP).nxm("NXM_NX_CT_NW_DST", "").read_only(),
    row("ct_ipv6_src", &[], slot::CT_IPV6_SRC, Format::Ipv6, MASKED, CT_IPV6).nxm("NXM_NX_CT_IPV6_SRC", "").read_only(),
    row("ct_ipv6_dst", &[], slot::CT_IPV6_DST, Format::Ipv6, MASKED, CT_IPV6).nxm("NXM_NX_CT_IPV6_DST", "").read_only(),
    row("ct_nw_proto", &[], slot::CT_NW_PROTO, Format::Decimal(8), EXACT, CT).nxm("NXM_NX_CT_NW_PROTO", "").read_only(),
    row("ct_tp_src", &[], slot::CT_TP_SRC, Format::Decimal(16), MASKED, CT).nxm("NXM_NX_CT_TP_SRC", "").read_only(),
    row("ct_tp_dst", &[], slot::CT_TP_DST, Format::Decimal(16), MASKED, CT).nxm("NXM_NX_CT_TP_DST", "").read_only(),
    row("packet_type", &[], slot::PACKET_TYPE, Format::PacketType, EXACT, ANY).nxm("OXM_OF_PACKET_TYPE", "").read_only(),
];

/// The tunnel that a frame came by or goes by.
#[rustfmt::skip]
pub(super) const TUNNEL: &[Field] = &[
    row("tun_id", &["tunnel_id", "vni"], slot::TUN_ID, Format::Number, MASKED, ANY).nxm("NXM_NX_TUN_ID", "OXM_OF_TUNNEL_ID"),
    row("tun_src", &[], slot::TUN_SRC, Format::Ipv4, MASKED, ANY).nxm("NXM_NX_TUN_IPV4_SRC", ""),
    row("tun_dst", &[], slot::TUN_DST, Format::Ipv4, MASKED, ANY).nxm("NXM_NX_TUN_IPV4_DST", ""),
    row("tun_ipv6_src", &[], slot::TUN_IPV6_SRC, Format::Ipv6, MASKED, ANY).nxm("NXM_NX_TUN_IPV6_SRC", ""),
    row("tun_ipv6_dst", &[], slot::TUN_IPV6_DST, Format::Ipv6, MASKED, ANY).nxm("NXM_NX_TUN_IPV6_DST", ""),
    row("tun_gbp_id", &[], slot::TUN_GBP_ID, Format::Decimal(16), MASKED, ANY).nxm("NXM_NX_TUN_GBP_ID", ""),
    row("tun_gbp_flags", &[], slot::TUN_GBP_FLAGS, Format::Number, MASKED, ANY).nxm("NXM_NX_TUN_GBP_FLAGS", ""),
    row("tun_tos", &[], slot::TUN_TOS, Format::Number, EXACT, ANY),
    row("tun_ttl", &[], slot::TUN_TTL, Format::Decimal(8), EXACT, ANY),
    row("tun_flags", &[], slot::TUN_FLAGS, Format::TunFlags, MASKED, ANY).nxm("NXM_NX_TUN_FLAGS", "").of_width(1),
];

/// What tables tell each other besides the registers.
pub(super) const METADATA: &[Field] =
    &[row("metadata", &[], slot::METADATA, Format::Number, MASKED, ANY).nxm("OXM_OF_METADATA", "")];
