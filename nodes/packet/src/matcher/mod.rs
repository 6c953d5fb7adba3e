//! The match language of ovs-ofctl(8) and ovs-fields(7): which frames a flow, a filter or a check
//! means.
//!
//! ```
//! use packet::Match;
//!
//! let web: Match = "in_port=1, tcp, dl_vlan=9, nw_dst=10.1.2.3/8, tp_dst=80".parse()?;
//! assert_eq!(web.to_string(), "tcp,in_port=1,dl_vlan=9,nw_dst=10.0.0.0/8,tp_dst=80");
//! # Ok::<(), packet::MatchError>(())
//! ```
//!
//! Two differences from ovs-ofctl, both where it goes on with less than was asked for: a field
//! whose protocol is not required is an error and is not dropped (`tp_dst=80` without `tcp` or
//! `udp`), and so is a number that does not fit (`dl_vlan_pcp=9`). netloom adds `inner_vlan`,
//! `inner_vlan_pcp` and `inner_vlan_tci` for the second tag, `mpls_lse1` and `mpls_lse2` for the
//! labels behind the first, and takes `vni` for `tun_id`.

mod error;
mod parse;
mod print;

use core::str::FromStr;

pub use error::{MatchError, MatchErrorKind};
pub use print::Megaflow;

use crate::key::{FlowKey, FlowMask, Slot};

/// A key and which bits of it count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    /// The wanted values. Bits that do not count are zero in matches that were parsed or made by
    /// [`Match::new`].
    pub key: FlowKey,
    /// The bits that count.
    pub mask: FlowMask,
}

impl Match {
    /// The match of every frame.
    pub const ANY: Self = Self { key: FlowKey::EMPTY, mask: FlowMask::EMPTY };

    /// The match of these values under this mask.
    pub fn new(key: FlowKey, mask: FlowMask) -> Self {
        Self { key: key.masked(&mask), mask }
    }

    /// Reads a match; see the module. In `in_port`, numbers and reserved names are known.
    pub fn parse(text: &str) -> Result<Self, MatchError> {
        Self::parse_with(text, &|_| None)
    }

    /// Reads a match in which `in_port` may also be a name that `ports` knows.
    pub fn parse_with(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Self, MatchError> {
        parse::parse(text, ports, false)
    }

    /// Requires a value in a slot.
    pub fn require(&mut self, slot: Slot, value: u128) {
        self.key.set(slot, value);
        self.mask.add(slot);
    }

    /// True if every frame matches.
    pub fn is_any(&self) -> bool {
        self.mask.is_empty()
    }

    /// True if a frame of this key matches.
    #[inline]
    pub fn matches(&self, key: &FlowKey) -> bool {
        self.key.equals_under(key, &self.mask)
    }

    /// True if this frame matches, whose port is 0.
    pub fn matches_frame(&self, frame: &[u8]) -> bool {
        self.matches(&FlowKey::extract(0, frame))
    }
}

impl FlowKey {
    /// Reads the fields of a frame as `ofproto/trace` takes them: the terms of a match, all
    /// without masks (`ct_state=trk|est`, not `+trk`). What isn't said is zero. In ports, names
    /// that `ports` knows are known as well.
    ///
    /// # Errors
    /// As [`Match::parse`], and for a mask.
    pub fn parse_with(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Self, MatchError> {
        parse::parse(text, ports, true).map(|parsed| parsed.key)
    }
}

impl FromStr for Match {
    type Err = MatchError;

    fn from_str(text: &str) -> Result<Self, MatchError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FIELDS;
    use crate::key::slot;
    use proptest::prelude::*;

    fn check(text: &str, printed: &str) {
        let parsed = Match::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(parsed.to_string(), printed, "{text}");
        assert_eq!(Match::parse(printed), Ok(parsed), "{text}");
    }

    #[test]
    fn the_normal_form_is_that_of_ovs_ofctl() {
        check(
            "tcp,in_port=1,dl_vlan=9,nw_dst=10.0.0.0/8,tp_dst=80",
            "tcp,in_port=1,dl_vlan=9,nw_dst=10.0.0.0/8,tp_dst=80",
        );
        check("  ip ,, nw_src=1.2.3.4\t", "ip,nw_src=1.2.3.4");
        check("eth_type=0x800,ip_proto=6", "tcp");
        check("tcp,udp", "udp");
        check("tcp,mpls", "mpls");
        check("tcp,arp", "arp,arp_op=6");
        check("dl_vlan=0xffff", "vlan_tci=0x0000");
        check("vlan_vid=0", "vlan_tci=0x0000");
        check("vlan_tci=0x7009", "dl_vlan=9,dl_vlan_pcp=3");
        check("vlan_tci=0xf000/0xe000", "vlan_tci=0xe000/0xe000");
        check("vlan_tci=0x3009/0x3fff", "vlan_tci=0x3009/0x3fff");
        check("arp,nw_proto=1,nw_src=1.2.3.4", "arp,arp_spa=1.2.3.4,arp_op=1");
        check("icmp6,icmpv6_type=135,nd_target=fe80::1", "icmp6,icmp_type=135,nd_target=fe80::1");
        check("ip,nw_src=*", "ip");
        check("", "");
        check("inner_vlan=20,dl_vlan=9", "dl_vlan=9,inner_vlan=20");
        check("metadata=5,xreg3=9,pkt_mark=3,ip,vni=7", "pkt_mark=0x3,ip,reg6=0,reg7=0x9,tun_id=0x7,metadata=0x5");
        check("ct_state=+trk-new,recirc_id=1", "recirc_id=0x1,ct_state=-new+trk");
        check("mpls,mpls_bos=1,mpls_ttl=9,mpls_label=5", "mpls,mpls_label=5,mpls_ttl=9,mpls_bos=1");
        check("recirc_id=1,dl_type=0x1234", "recirc_id=0x1,eth,dl_type=0x1234");
        check("packet_type=(0,0)", "");
        check("packet_type=(1,0x800)", "packet_type=(1,0x800)");
    }

    #[test]
    fn a_match_looks_at_its_fields_alone() {
        let m = Match::parse("tcp,tp_dst=80,tcp_flags=+syn-ack").unwrap();
        let mut key = FlowKey::EMPTY;
        key.set_dl_type(crate::EtherType::IPV4);
        key.set_nw_proto(6);
        key.set_tp_dst(80);
        key.set_tp_src(999);
        key.set_tcp_flags(crate::wire::tcp::Flags(0x42));
        assert!(m.matches(&key));
        key.set_tcp_flags(crate::wire::tcp::Flags(0x12));
        assert!(!m.matches(&key));
    }

    #[test]
    fn a_tag_is_matched_by_its_presence() {
        let any = Match::parse("vlan_tci=0x1000/0x1000").unwrap();
        let none = Match::parse("dl_vlan=0xffff").unwrap();
        let priority = Match::parse("dl_vlan=0").unwrap();
        let tagged = |tci| FlowKey::EMPTY.with(crate::key::slot::VLAN_TCI, tci);
        assert_eq!([any, none, priority].map(|m| m.matches(&tagged(0x1000))), [true, false, true]);
        assert_eq!([any, none, priority].map(|m| m.matches(&tagged(0x1009))), [true, false, false]);
        assert_eq!([any, none, priority].map(|m| m.matches(&tagged(0))), [false, true, false]);
    }

    #[test]
    fn an_error_names_the_place_and_the_remedy() {
        let text = |t: &str| Match::parse(t).unwrap_err().to_string();
        assert_eq!(text("ip,nw_srcc=1.2.3.4"), "column 4: `nw_srcc` is no field or protocol, did you mean nw_src?");
        assert_eq!(text("tcp,in_port"), "column 5: in_port needs a value: in_port=...");
        assert_eq!(
            text("in_port=1,tp_dst=80"),
            "column 11: tp_dst has a meaning only with one of tcp, udp, sctp, tcp6, udp6, sctp6: add tcp"
        );
        assert_eq!(text("ip,ipv6_src=::1"), "column 4: ipv6_src has a meaning only with ipv6: add ipv6");
        assert_eq!(
            text("icmp6,nd_sll=0:0:0:0:0:1"),
            "column 7: nd_sll has a meaning only with icmp6 and icmp_type=135: add icmp_type=135"
        );
        assert_eq!(
            text("ct_state=+trk,ip,ct_nw_src=1.2.3.4"),
            "column 18: ct_nw_src has a meaning only with ip and a ct_state that has +new, +est, +rel, +rpl, +snat, +dnat or +trk-inv: add ip,ct_state=+trk+est"
        );
        assert_eq!(
            text("ct_nw_proto=6"),
            "column 1: ct_nw_proto has a meaning only with a ct_state that has +new, +est, +rel, +rpl, +snat, +dnat or +trk-inv: add ct_state=+trk+est"
        );
        assert_eq!(
            text("ip,mpls_label=5"),
            "column 4: mpls_label has a meaning only with one of mpls, mplsm: add mpls"
        );
        assert_eq!(text("nw_ttl=300,ip"), "column 1: nw_ttl: 300 is too large for nw_ttl: at most 255");
    }

    #[test]
    fn a_frame_is_printed_and_read_as_ofproto_trace_does() {
        let read = |text: &str| FlowKey::parse_with(text, &|_| None);
        let text = "in_port=1,tcp,nw_dst=10.0.0.1,tcp_dst=80,dl_vlan=9,reg1=5,ct_state=trk|est";
        assert_eq!(
            read(text).unwrap().to_string(),
            "ct_state=est|trk,tcp,reg1=0x5,in_port=1,dl_vlan=9,dl_vlan_pcp=0,vlan_tci1=0x0000,dl_src=00:00:00:00:00:00,\
             dl_dst=00:00:00:00:00:00,nw_src=0.0.0.0,nw_dst=10.0.0.1,nw_tos=0,nw_ecn=0,nw_ttl=0,nw_frag=no,tp_src=0,\
             tp_dst=80,tcp_flags=0"
        );
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(
            error("ip,nw_dst=10.0.0.0/8"),
            "column 4: nw_dst: a flow to trace has values and no masks: write all bits"
        );
        assert_eq!(
            error("ct_state=+trk"),
            "column 1: ct_state: a flow to trace has values and no masks: write all bits, such as trk|est"
        );
    }

    proptest! {
        #[test]
        fn a_printed_frame_is_read_as_the_same(frame in crate::testing::frame(), in_port in 0u32..0xfff0) {
            // Text says no type of a tag.
            let key = FlowKey::extract(in_port, &frame).with(slot::VLAN_IS_SERVICE, 0).with(slot::INNER_IS_SERVICE, 0);
            let text = key.to_string();
            // A solicitation has no target's address to match, but the extraction does read one; IGMP
            // has no ports to match.
            if !text.contains("nd_") && key.nw_proto() != 2 {
                prop_assert_eq!(FlowKey::parse_with(&text, &|_| None), Ok(key), "{}", text);
            }
        }

        #[test]
        fn a_printed_match_is_read_as_the_same(text in crate::testing::match_text()) {
            let parsed = Match::parse(&text).unwrap();
            let printed = parsed.to_string();
            prop_assert_eq!(Match::parse(&printed), Ok(parsed), "{} printed as {}", text, printed);
        }

        #[test]
        fn any_text_is_read_or_refused_in_words(text in "([a-z_]{1,9}(=[0-9a-fx:./+|*é-]{0,9})?[, ]?){0,4}") {
            match Match::parse(&text) {
                Ok(parsed) => prop_assert_eq!(Match::parse(&parsed.to_string()), Ok(parsed)),
                Err(error) => prop_assert!(error.to_string().starts_with("column "), "{}", error),
            }
        }

        #[test]
        fn a_known_field_with_any_value_is_read_or_refused(field in prop::sample::select(FIELDS.to_vec()), value in "\\PC{0,12}", protocol in prop::sample::select(vec!["ip", "arp", "tcp", "icmp", "icmp6", "sctp6"])) {
            if let Ok(parsed) = Match::parse(&format!("{protocol},{}={value}", field.name)) {
                prop_assert_eq!(Match::parse(&parsed.to_string()), Ok(parsed));
            }
        }

        #[test]
        fn any_key_and_mask_are_printed(key: [u64; crate::WORDS], mask: [u64; crate::WORDS]) {
            let m = Match::new(FlowKey::from_words(key), FlowMask::from_words(mask));
            prop_assert!(m.to_string().contains('='));
            prop_assert!(m.matches(&FlowKey::from_words(key)));
        }
    }
}
