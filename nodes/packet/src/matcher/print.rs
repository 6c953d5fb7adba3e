//! Printing a match in the normal form of ovs-ofctl: a protocol if there is one, then the fields
//! in the order of the table.

use core::fmt;

use super::Match;
use crate::field::{FIELDS, Field, Format, PROTOCOLS};
use crate::key::{FlowMask, Slot, VLAN_PRESENT, slot};

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bits that are not printed yet.
        let mut left = self.mask;
        let mut separator = "";
        if let Some(protocol) = PROTOCOLS.iter().find(|p| p.is_required_by(&self.key, &self.mask)) {
            f.write_str(protocol.name)?;
            separator = ",";
            left.set(slot::DL_TYPE, 0);
            if protocol.nw_proto.is_some() {
                left.set(slot::NW_PROTO, 0);
            }
        }
        // A mask that was not written by a user can have bits of fields that have no meaning under
        // it; they are shown after the others, by the first row that has them.
        for meaning in [true, false] {
            for field in FIELDS {
                if meaning && !field.needs.are_met(&self.key, &self.mask) || !prints(field, self, &left) {
                    continue;
                }
                write!(f, "{separator}{}=", field.name)?;
                field.write_value(f, self.key.get(field.slot), self.mask.get(field.slot))?;
                separator = ",";
                left.set(field.slot, 0);
            }
        }
        Ok(())
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
