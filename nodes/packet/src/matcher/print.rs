//! Printing in the forms of Open vSwitch: a match as ovs-ofctl prints it, a megaflow and a frame's
//! fields as `ofproto/trace` does. First the marks, then a protocol if there is one, then the
//! fields in the order of the table.

use core::fmt;

use super::Match;
use crate::field::protocol::{ICMP6, IP, IPV6, Needs};
use crate::field::{FIELDS, Field, Format, PROTOCOL_AT, PROTOCOLS};
use crate::key::{FRAG_LATER, FlowKey, FlowMask, Slot, VLAN_PRESENT, slot};

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self, false)
    }
}

/// A match as `ofproto/trace` prints it behind `Megaflow:`; see [`Match::megaflow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Megaflow(Match);

impl Match {
    /// A cache entry as Open vSwitch prints it: whatever the match says of them, the recirculation,
    /// the port, the type and, in IP, the fragment bits are a part of it, as there.
    ///
    /// ```
    /// use packet::{FlowKey, FlowMask, Match, key::slot};
    ///
    /// let web = Match::parse("in_port=1,tcp,nw_dst=10.1.2.3,tp_dst=80").unwrap();
    /// let entry = Match::new(web.key, FlowMask::EMPTY.with(slot::NW_DST));
    /// let text = Match { key: web.key, ..entry }.megaflow().to_string();
    /// assert_eq!(text, "recirc_id=0,eth,ip,in_port=1,nw_dst=10.1.2.3,nw_frag=no");
    /// ```
    ///
    /// The key is a frame's, with the bits that don't count as well.
    pub fn megaflow(&self) -> Megaflow {
        let mut mask = self.mask.with(slot::RECIRC_ID).with(slot::IN_PORT).with(slot::DL_TYPE);
        if is_ip(&self.key) {
            mask.add(slot::NW_FRAG);
        }
        Megaflow(Match { key: self.key.masked(&mask), mask })
    }
}

impl fmt::Display for Megaflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, &self.0, true)
    }
}

/// All fields that the frame has, as `ofproto/trace` prints them behind `Flow:`; of marks,
/// registers and the like those that are not zero.
impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, &Match { key: *self, mask: own_fields(self) }, true)
    }
}

/// The fields that a frame of this key has, and those beside the frame that are not zero.
fn own_fields(key: &FlowKey) -> FlowMask {
    let mut mask = FlowMask::EMPTY;
    let mut add = |slots: &[Slot]| slots.iter().for_each(|slot| mask.add(*slot));
    let is_of_connection = |field: &Field| field.needs.connection;
    let is_register_pair = |field: &Field| field.name.starts_with('x');
    for field in FIELDS.iter().filter(|field| usize::from(field.slot.word) >= slot::WIRE_WORDS) {
        if key.get(field.slot) != 0 && !is_of_connection(field) && !is_register_pair(field) {
            add(&[field.slot]);
        }
    }
    if key.get(slot::CT_NW_PROTO) != 0 {
        add(&[slot::CT_NW_PROTO, slot::CT_TP_SRC, slot::CT_TP_DST]);
        match key.dl_type().0 {
            0x86dd => add(&[slot::CT_IPV6_SRC, slot::CT_IPV6_DST]),
            _ => add(&[slot::CT_NW_SRC, slot::CT_NW_DST]),
        }
    }
    if [slot::TUN_DST, slot::TUN_IPV6_DST].into_iter().any(|slot| key.get(slot) != 0) {
        add(&[slot::TUN_SRC, slot::TUN_DST, slot::TUN_IPV6_SRC, slot::TUN_IPV6_DST]);
        add(&[slot::TUN_GBP_ID, slot::TUN_GBP_FLAGS, slot::TUN_TOS, slot::TUN_TTL, slot::TUN_FLAGS]);
    }
    if key.in_port() != 0 {
        add(&[slot::IN_PORT]);
    }
    add(&[slot::VLAN_TCI, slot::DL_SRC, slot::DL_DST, slot::DL_TYPE]);
    if key.has_vlan() {
        add(&[slot::INNER_TCI]);
    }
    match key.dl_type().0 {
        0x0800 => add(&[slot::NW_SRC, slot::NW_DST]),
        0x86dd => add(&[slot::IPV6_SRC, slot::IPV6_DST, slot::IPV6_LABEL]),
        0x0806 | 0x8035 => add(&[slot::NW_SRC, slot::NW_DST, slot::NW_PROTO, slot::ARP_SHA, slot::ARP_THA]),
        0x8847 | 0x8848 => {
            add(&[slot::MPLS_LSE[0]]);
            // The bottom of the stack is the last one.
            for pair in slot::MPLS_LSE.windows(2).take_while(|pair| key.get(pair[0]) & 0x100 == 0) {
                add(&pair[1..]);
            }
        }
        _ => {}
    }
    if is_ip(key) {
        add(&[slot::NW_PROTO, slot::NW_TOS, slot::NW_TTL, slot::NW_FRAG]);
        // Those of ICMPv6 are shown of later fragments, too.
        if (key.nw_proto(), key.dl_type().0) == (58, 0x86dd) {
            add(&[slot::TP_SRC, slot::TP_DST]);
        }
        if key.nw_frag() & FRAG_LATER == 0 {
            match (key.nw_proto(), key.dl_type().0) {
                (6, _) => add(&[slot::TP_SRC, slot::TP_DST, slot::TCP_FLAGS]),
                (17 | 132, _) | (1 | 2, 0x0800) => add(&[slot::TP_SRC, slot::TP_DST]),
                (58, 0x86dd) => {
                    add(&[slot::TP_SRC, slot::TP_DST]);
                    if matches!(key.tp_src(), 135 | 136) && key.tp_dst() == 0 {
                        add(&[slot::ND_TARGET, slot::ARP_SHA, slot::ARP_THA]);
                    }
                }
                _ => {}
            }
        }
    }
    mask
}

fn is_ip(key: &FlowKey) -> bool {
    matches!(key.dl_type().0, 0x0800 | 0x86dd)
}

/// Prints a match. Open vSwitch calls the second tag's fields by other names than netloom.
fn write(f: &mut fmt::Formatter<'_>, m: &Match, ovs_names: bool) -> fmt::Result {
    // The bits that are not printed yet.
    let mut left = m.mask;
    let mut separator = "";
    let (before, behind) = FIELDS.split_at(PROTOCOL_AT);
    write_rows(f, m, before, &mut left, &mut separator, ovs_names)?;
    // What has to do with recirculation says that its frames are Ethernet's.
    let of_ethernet = [slot::VLAN_TCI, slot::DL_SRC, slot::DL_DST, slot::DL_TYPE];
    if m.mask.get(slot::RECIRC_ID) != 0 && of_ethernet.into_iter().any(|slot| m.mask.get(slot) != 0) {
        write!(f, "{separator}eth")?;
        separator = ",";
    }
    if let Some(protocol) = PROTOCOLS.iter().find(|p| p.is_required_by(&m.key, &m.mask)) {
        write!(f, "{separator}{}", protocol.name)?;
        separator = ",";
        left.set(slot::DL_TYPE, 0);
        if protocol.nw_proto.is_some() {
            left.set(slot::NW_PROTO, 0);
        }
    }
    write_rows(f, m, behind, &mut left, &mut separator, ovs_names)
}

/// Prints what rows say of the bits that are left.
fn write_rows(
    f: &mut fmt::Formatter<'_>,
    m: &Match,
    rows: &[Field],
    left: &mut FlowMask,
    separator: &mut &str,
    ovs_names: bool,
) -> fmt::Result {
    // A mask that was not written by a user can have bits of fields that have no meaning under
    // it; they are shown after the others, by the first row that has them.
    for meaning in [true, false] {
        for field in rows {
            if meaning && !has_meaning(field, m) || !prints(field, m, left) {
                continue;
            }
            let name = match field.aliases {
                [ovs, ..] if ovs_names && field.name.starts_with("inner_") => ovs,
                _ => field.name,
            };
            write!(f, "{separator}{name}=")?;
            field.write_value(f, m.key.get(field.slot), m.mask.get(field.slot))?;
            *separator = ",";
            left.set(field.slot, 0);
        }
    }
    Ok(())
}

/// True if a row's field is the one that its bits mean under a match.
fn has_meaning(field: &Field, m: &Match) -> bool {
    let is = |needs: Needs| needs.are_met(&m.key, &m.mask);
    match field.name {
        // A frame has both addresses; the other one is zero.
        "nd_sll" | "nd_tll" => is(Needs::icmp6_types(&[135, 136])) || is(field.needs),
        // IGMP's type stands there as well.
        "tp_src" | "tp_dst" => is(Needs::any(&[IP, IPV6])) && !is(Needs::any(&[ICMP6])),
        _ => is(field.needs),
    }
}

/// True if a row can say what is left of its bits.
fn prints(field: &Field, m: &Match, left: &FlowMask) -> bool {
    let Slot { word, shift, .. } = field.slot;
    let tag_shift = match field.format {
        Format::VlanId => shift,
        Format::VlanPriority => shift - 12,
        _ => return left.get(field.slot) != 0,
    };
    let tag = Slot::new(word, tag_shift, 16);
    let (value, mask) = (m.key.get(tag) as u16, m.mask.get(tag) as u16);
    // Id and priority say a tag if it is present and each of them counts as a whole or not at all.
    let vid = mask & 0x0fff;
    let pcp = mask & 0xe000;
    let whole = matches!(vid, 0 | 0x0fff) && matches!(pcp, 0 | 0xe000);
    let present = mask & value & VLAN_PRESENT != 0;
    let counts = if field.format == Format::VlanId { vid != 0 } else { pcp != 0 };
    whole && present && counts && left.get(field.slot) != 0
}
