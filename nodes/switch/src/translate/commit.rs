//! What the actions changed in the key, as steps on the frame.

use super::{Observer, Translator};
use crate::program::Op;
use crate::rewrite::Bits;
use crate::vlan::Tag;
use packet::key::{VLAN_PRESENT, slot};
use packet::{EtherType, FlowMask};

impl<O: Observer> Translator<'_, O> {
    /// Makes the frame what the key says.
    pub(super) fn commit(&mut self) {
        self.commit_vlans();
        for word in 0..slot::WIRE_WORDS {
            let (base, flow) = (self.base.words()[word], self.flow.words()[word]);
            let not_header = if word == 0 { !(slot::VLAN_TCI.max() as u64) } else { 0 };
            // All bits that were written: another frame of the entry may differ in those that this one happens to have.
            let mask = self.written.words()[word] & !not_header;
            if (base ^ flow) & !not_header == 0 {
                continue;
            }
            self.ops.push(Op::Set(Bits { word: word as u8, value: flow & mask, mask }));
            self.mask.words_mut()[word] |= mask & (base ^ flow);
            self.base.words_mut()[word] = base & not_header | flow & !not_header;
        }
    }

    /// Tags are taken off and put on as a stack. One whose bits alone differ is written in place.
    fn commit_vlans(&mut self) {
        let count = |tci: u128, inner: u128| usize::from(tci != 0) + usize::from(inner != 0);
        let (tci, inner) = (self.flow.get(slot::VLAN_TCI), self.flow.get(slot::INNER_TCI));
        let (old_tci, old_inner) = (self.base.get(slot::VLAN_TCI), self.base.get(slot::INNER_TCI));
        let (is, was) = (count(tci, inner), count(old_tci, old_inner));
        if is == was && inner == old_inner && self.tpids == [0; 2] {
            return;
        }
        self.look(&FlowMask::EMPTY.with(slot::VLAN_TCI).with(slot::INNER_TCI));
        let tags = [(tci, self.tpids[0]), (inner, self.tpids[1])];
        let old = [old_tci, old_inner];
        // How many of the innermost are the same and were there.
        let same = (1..=is.min(was)).take_while(|n| tags[is - n] == (old[was - n], 0)).count();
        self.ops.extend((same..was).map(|_| Op::PopVlan));
        for &(tci, tpid) in tags[..is - same].iter().rev() {
            let tpid = if tpid == 0 { EtherType::VLAN.0 } else { tpid };
            self.ops.push(Op::PushVlan(Tag { tpid, tci: tci as u16 & !VLAN_PRESENT }));
        }
        self.tpids = [0; 2];
        for slot in [slot::VLAN_TCI, slot::INNER_TCI] {
            self.base.set(slot, self.flow.get(slot));
        }
    }
}
