//! The words that a version of OpenFlow has for actions: what a switch answers to who speaks that version.
//!
//! OpenFlow 1.0 has no instructions: `goto_table` becomes `resubmit`, and what else has no word there is left out, as in
//! Open vSwitch. Since OpenFlow 1.2 header fields are written by `set_field`, since 1.5 all fields and parts of them.

use packet::field::Field;
use packet::key::slot;
use packet::{EtherType, Match};

use super::{Action, List};

/// The actions of a flow with this match in the words of OpenFlow 1.`minor`, `drop` if there are none.
pub fn actions_of_version(actions: &[Action], matched: &Match, minor: u8) -> String {
    let mut words = Words { matched, minor, has_tag: matched.mask.get(slot::VLAN_VID) != 0 && matched.key.has_vlan() };
    let text = List(&words.list(actions)).to_string();
    // The one word that has another name.
    if minor == 0 { text } else { text.replace("strip_vlan", "pop_vlan") }
}

struct Words<'m> {
    matched: &'m Match,
    minor: u8,
    /// Whether every frame has a tag at this point.
    has_tag: bool,
}

impl Words<'_> {
    fn list(&mut self, actions: &[Action]) -> Vec<Action> {
        let mut said = Vec::with_capacity(actions.len());
        for action in actions {
            match self.minor {
                0 => self.oldest(action, &mut said),
                1 => said.push(action.clone()),
                _ => self.newer(action, &mut said),
            }
        }
        said
    }

    /// OpenFlow 1.0.
    fn oldest(&mut self, action: &Action, said: &mut Vec<Action>) {
        said.push(match action {
            Action::Meter(_) | Action::ClearActions | Action::WriteActions(_) | Action::PushVlan(_) => return,
            Action::GotoTable(table) => Action::Resubmit { in_port: None, table: Some(*table), ct: false },
            Action::SetField { field, value, mask } if *mask == field.slot.max() => match field.slot {
                slot::VLAN_VID => Action::ModVlanVid((value & 0xfff) as u16),
                // The lowest bit says that there is a tag.
                slot::VLAN_PCP => Action::ModVlanPcp((value >> 1) as u8),
                _ => action.clone(),
            },
            Action::Clone(inner) => Action::Clone(self.list(inner)),
            _ => action.clone(),
        });
    }

    /// OpenFlow 1.2 and later.
    fn newer(&mut self, action: &Action, said: &mut Vec<Action>) {
        let newer = match action {
            Action::ModVlanVid(vid) => {
                self.tag(said);
                set("vlan_vid", u128::from(*vid) | 0x1000)
            }
            Action::ModVlanPcp(pcp) => {
                self.tag(said);
                set("vlan_pcp", u128::from(*pcp) << 1 | 1)
            }
            Action::PushVlan(_) => {
                self.has_tag = true;
                None
            }
            Action::StripVlan => {
                self.has_tag = false;
                None
            }
            Action::ModDlSrc(mac) => set("eth_src", mac.as_u64().into()),
            Action::ModDlDst(mac) => set("eth_dst", mac.as_u64().into()),
            Action::ModNwSrc(address) => set("ip_src", address.to_bits().into()),
            Action::ModNwDst(address) => set("ip_dst", address.to_bits().into()),
            Action::ModNwTos(tos) => set("ip_dscp", u128::from(tos >> 2)),
            Action::ModNwEcn(ecn) => set("nw_ecn", (*ecn).into()),
            Action::ModTpSrc(port) => set(self.transport(["tcp_src", "udp_src", "sctp_src"]), (*port).into()),
            Action::ModTpDst(port) => set(self.transport(["tcp_dst", "udp_dst", "sctp_dst"]), (*port).into()),
            Action::SetTunnel(id) => set("tun_id", (*id).into()),
            Action::Load { to, value } if self.minor >= 5 => {
                let mask = to.max() << to.start & to.field.slot.max();
                Some(Action::SetField { field: to.field, value: value << to.start, mask })
            }
            Action::Clone(inner) => Some(Action::Clone(self.list(inner))),
            Action::WriteActions(inner) => Some(Action::WriteActions(self.list(inner))),
            _ => None,
        };
        said.push(newer.unwrap_or_else(|| action.clone()));
    }

    /// A tag that OpenFlow 1.0 adds by itself.
    fn tag(&mut self, said: &mut Vec<Action>) {
        if !std::mem::replace(&mut self.has_tag, true) {
            said.push(Action::PushVlan(EtherType::VLAN));
        }
    }

    fn transport(&self, [tcp, udp, sctp]: [&'static str; 3]) -> &'static str {
        match self.matched.key.get(slot::NW_PROTO) {
            17 => udp,
            132 => sctp,
            _ => tcp,
        }
    }
}

/// Writes a whole field.
fn set(name: &str, value: u128) -> Option<Action> {
    let field = Field::find(name)?;
    Some(Action::SetField { field, value, mask: field.slot.max() })
}
