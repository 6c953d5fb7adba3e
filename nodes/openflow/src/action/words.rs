//! The words that begin an action, and how what follows them is read.

use packet::EtherType;

use super::parse::Reader;
use super::{Action, control, learn, send, write};
use crate::number;
use crate::text::{Found, Word};

/// A word of the table.
pub(super) struct Entry {
    /// The word.
    pub(super) name: &'static str,
    /// What follows it.
    pub(super) how: How,
}

/// What follows a word.
pub(super) enum How {
    /// Nothing.
    Bare(fn() -> Action),
    /// A value.
    Value {
        /// One, to be shown.
        example: &'static str,
        /// What it must be, to be shown.
        wanted: &'static str,
        /// Reads it.
        read: fn(&str) -> Option<Action>,
    },
    /// Something with a structure of its own.
    Read(fn(&mut Reader<'_>, &Word<'_>) -> Found<Action>),
    /// The same, carried out as any number of actions.
    Several(fn(&mut Reader<'_>, &Word<'_>, &mut Vec<Action>) -> Found<()>),
    /// Nothing that netloom carries out.
    Refused(&'static str),
}

const fn bare(name: &'static str, action: fn() -> Action) -> Entry {
    Entry { name, how: How::Bare(action) }
}

const fn value(
    name: &'static str,
    example: &'static str,
    wanted: &'static str,
    read: fn(&str) -> Option<Action>,
) -> Entry {
    Entry { name, how: How::Value { example, wanted, read } }
}

const fn read(name: &'static str, read: fn(&mut Reader<'_>, &Word<'_>) -> Found<Action>) -> Entry {
    Entry { name, how: How::Read(read) }
}

const fn refused(name: &'static str, why: &'static str) -> Entry {
    Entry { name, how: How::Refused(why) }
}

/// All words of ovs-actions(7) but `drop`, which stands alone.
#[rustfmt::skip]
pub(super) const ACTIONS: &[Entry] = &[
    read("output", send::output),
    bare("in_port", || Action::InPort),
    bare("normal", || Action::Normal),
    bare("flood", || Action::Flood),
    bare("all", || Action::All),
    bare("local", || Action::Local),
    bare("table", || Action::Table),
    read("controller", send::controller),
    read("enqueue", send::enqueue),
    value("set_queue", ":1", U32, |text| number::parse(text).map(Action::SetQueue)),
    bare("pop_queue", || Action::PopQueue),
    value("group", ":1", GROUP, |text| group(text).map(Action::Group)),
    read("bundle", send::bundle),
    read("bundle_load", send::bundle_load),
    read("multipath", send::multipath),

    value("mod_vlan_vid", ":10", VID, |text| vid(text).map(Action::ModVlanVid)),
    value("set_vlan_vid", ":10", VID, |text| vid(text).map(Action::ModVlanVid)),
    value("mod_vlan_pcp", ":3", PCP, |text| small(text, 7).map(Action::ModVlanPcp)),
    value("set_vlan_pcp", ":3", PCP, |text| small(text, 7).map(Action::ModVlanPcp)),
    bare("strip_vlan", || Action::StripVlan),
    bare("pop_vlan", || Action::StripVlan),
    value("push_vlan", ":0x8100", TAG_TYPE, |text| tag_type(text).map(Action::PushVlan)),
    value("push_mpls", ":0x8847", MPLS_TYPE, |text| mpls_type(text).map(Action::PushMpls)),
    value("pop_mpls", ":0x0800", TYPE, |text| number::parse(text).map(|n| Action::PopMpls(EtherType(n)))),
    value("set_mpls_label", ":100", LABEL, |text| number::parse(text).filter(|n| *n < 1 << 20).map(Action::SetMplsLabel)),
    value("set_mpls_tc", ":3", TC, |text| small(text, 7).map(Action::SetMplsTc)),
    value("set_mpls_ttl", ":64", U8, |text| number::parse(text).map(Action::SetMplsTtl)),
    bare("dec_mpls_ttl", || Action::DecMplsTtl),

    value("mod_dl_src", ":02:00:00:00:00:01", MAC, |text| text.parse().ok().map(Action::ModDlSrc)),
    value("mod_dl_dst", ":02:00:00:00:00:01", MAC, |text| text.parse().ok().map(Action::ModDlDst)),
    value("mod_nw_src", ":10.0.0.1", ADDR, |text| text.parse().ok().map(Action::ModNwSrc)),
    value("mod_nw_dst", ":10.0.0.1", ADDR, |text| text.parse().ok().map(Action::ModNwDst)),
    value("mod_nw_tos", ":4", TOS, |text| number::parse(text).filter(|tos: &u8| tos & 3 == 0).map(Action::ModNwTos)),
    value("mod_nw_ecn", ":1", ECN, |text| small(text, 3).map(Action::ModNwEcn)),
    value("mod_nw_ttl", ":64", U8, |text| number::parse(text).map(Action::ModNwTtl)),
    value("mod_tp_src", ":80", TP, |text| number::parse(text).map(Action::ModTpSrc)),
    value("mod_tp_dst", ":80", TP, |text| number::parse(text).map(Action::ModTpDst)),
    read("dec_ttl", control::dec_ttl),
    value("set_tunnel", ":5", U64, |text| number::parse(text).map(Action::SetTunnel)),
    value("set_tunnel64", ":5", U64, |text| number::parse(text).map(Action::SetTunnel)),
    Entry { name: "set_field", how: How::Several(write::set_field) },
    Entry { name: "load", how: How::Several(write::load) },
    read("move", write::copy),
    read("push", write::push),
    read("pop", write::pop),
    read("check_pkt_larger", write::check_pkt_larger),

    read("resubmit", control::resubmit),
    read("learn", learn::learn),
    read("conjunction", control::conjunction),
    read("note", control::note),
    read("sample", control::sample),
    read("clone", control::clone),
    read("fin_timeout", control::fin_timeout),
    bare("exit", || Action::Exit),
    value("meter", ":1", METER, |text| number::parse(text).filter(|id| *id > 0).map(Action::Meter)),
    bare("clear_actions", || Action::ClearActions),
    read("write_actions", control::write_actions),
    read("write_metadata", control::write_metadata),
    read("goto_table", control::goto_table),

    refused("apply_actions", "actions that stand in a flow are applied: leave out apply_actions( ) around them"),
    refused("ct", NO_CONNTRACK),
    refused("ct_clear", NO_CONNTRACK),
    refused("nat", NO_CONNTRACK),
    refused("encap", NO_ENCAP),
    refused("decap", NO_ENCAP),
    refused("dec_nsh_ttl", NO_ENCAP),
    refused("delete_field", "there are no fields of tunnel options to delete"),
    refused("debug_recirc", DEBUG),
    refused("debug_slow", DEBUG),
];

const NO_CONNTRACK: &str = "connections are not tracked";
const NO_ENCAP: &str = "every packet is an Ethernet frame here, and there is no NSH";
const DEBUG: &str = "it is for tests of Open vSwitch itself";

const VID: &str = "a VLAN: 0 to 4095";
const PCP: &str = "a VLAN priority: 0 to 7";
const TAG_TYPE: &str = "the type of a VLAN tag: 0x8100 or 0x88a8";
const MPLS_TYPE: &str = "an Ethernet type of MPLS: 0x8847 or 0x8848";
const TYPE: &str = "an Ethernet type: 0 to 0xffff";
const LABEL: &str = "an MPLS label: 0 to 1048575";
const TC: &str = "a traffic class: 0 to 7";
const MAC: &str = "a MAC address, as in 02:00:00:00:00:01";
const ADDR: &str = "an IPv4 address";
const TP: &str = "a port of TCP or UDP: 0 to 65535";
const TOS: &str = "a multiple of 4 from 0 to 252";
const ECN: &str = "a number from 0 to 3";
const U8: &str = "a number from 0 to 255";
const U32: &str = "a number from 0 to 4294967295";
const U64: &str = "a number of 64 bits";
const GROUP: &str = "a group: 0 to 4294967040";
const METER: &str = "a meter: 1 to 4294967295";

/// The greatest number that a group has (OpenFlow 1.5.1 section 7.3.4.3).
const MAX_GROUP: u32 = 0xffff_ff00;

fn group(text: &str) -> Option<u32> {
    number::parse(text).filter(|id| *id <= MAX_GROUP)
}

fn vid(text: &str) -> Option<u16> {
    number::parse(text).filter(|vid| *vid <= 0x0fff)
}

fn small(text: &str, max: u8) -> Option<u8> {
    number::parse(text).filter(|number| *number <= max)
}

fn tag_type(text: &str) -> Option<EtherType> {
    let ether_type = EtherType(number::parse(text)?);
    matches!(ether_type, EtherType::VLAN | EtherType::QINQ).then_some(ether_type)
}

fn mpls_type(text: &str) -> Option<EtherType> {
    number::parse(text).filter(|number| matches!(number, 0x8847 | 0x8848)).map(EtherType)
}
