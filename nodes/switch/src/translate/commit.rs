//! What the actions changed in the key, as steps on the frame.
//!
//! A field takes part if an action wrote it, or a step that a clone's end took back. If it is what the frame has,
//! nothing is to be done, and all frames of the translation must have it so; the mask says that. Else those bits are
//! written that are the same for all frames.

use super::mpls::{LAYER_3, count, is_mpls};
use super::vlan::{TAGS, tags};
use super::{Observer, Translator};
use crate::program::Op;
use crate::rewrite::Bits;
use packet::key::slot::{self, MPLS_LSE};
use packet::key::{VLAN_PRESENT, slot::Slot};
use packet::{EtherType, FlowKey, FlowMask};

const IPV4: &[Slot] = &[slot::NW_SRC, slot::NW_DST, slot::NW_TOS, slot::NW_TTL];
const IPV6: &[Slot] = &[slot::IPV6_SRC, slot::IPV6_DST, slot::IPV6_LABEL, slot::NW_TOS, slot::NW_TTL];
const ARP: &[Slot] = &[slot::NW_SRC, slot::NW_DST, slot::NW_PROTO, slot::ARP_SHA, slot::ARP_THA];
const NDISC: &[Slot] = &[slot::ND_TARGET, slot::ARP_SHA, slot::ARP_THA];
const PORTS: &[Slot] = &[slot::TP_SRC, slot::TP_DST];
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

impl<O: Observer> Translator<'_, O> {
    /// Makes the frame what the key says.
    #[inline(never)]
    pub(super) fn commit(&mut self) {
        if self.base == self.state.flow && self.state.written.is_empty() && self.settled.is_empty() {
            return;
        }
        self.commit_fields(&[slot::DL_DST, slot::DL_SRC]);
        // Behind labels there is nothing to write.
        let is_uncovered = is_mpls(self.base.dl_type()) && !is_mpls(self.state.flow.dl_type());
        if is_uncovered {
            self.commit_mpls();
        }
        self.commit_packet();
        if !is_uncovered {
            self.commit_mpls();
        }
        self.commit_tags();
        self.commit_fields(&[slot::SKB_PRIORITY]);
        self.commit_fields(&[slot::PKT_MARK]);
    }

    /// Layers 3 and 4. As in Open vSwitch, a packet whose protocol is 0 isn't written to.
    fn commit_packet(&mut self) {
        let all = [IPV6, NDISC, ARP, IPV4, PORTS].concat();
        if !all.iter().any(|slot| self.takes_part(*slot)) {
            return;
        }
        self.look_at(slot::NW_PROTO);
        let protocol = self.state.flow.nw_proto();
        if protocol == 0 {
            return;
        }
        match self.base.dl_type() {
            EtherType::IPV4 => self.commit_fields(IPV4),
            EtherType::IPV6 => {
                self.commit_fields(IPV6);
                if protocol == ICMPV6 {
                    self.commit_fields(NDISC);
                }
            }
            EtherType::ARP => return self.commit_fields(ARP),
            _ => return,
        }
        let icmp = if self.base.dl_type() == EtherType::IPV4 { ICMP } else { ICMPV6 };
        if matches!(protocol, 6 | 17 | 132) || protocol == icmp {
            self.commit_fields(PORTS);
        }
    }

    /// Whether actions or steps wrote to a field.
    fn takes_part(&self, slot: Slot) -> bool {
        self.state.written.get(slot) | self.settled.get(slot) != 0
    }

    /// Notes that the bits of a field are known in the key and in the frame that are known in one of them.
    fn compare(&mut self, slot: Slot) -> u128 {
        let (written, settled) = (self.state.written.get(slot), self.settled.get(slot));
        let known = self.mask.get(slot) | written ^ settled;
        self.mask.set(slot, known);
        written | settled
    }

    /// Writes fields that differ, as few words as there are.
    fn commit_fields(&mut self, slots: &[Slot]) {
        for slot in slots {
            if !self.takes_part(*slot) {
                continue;
            }
            let bits = self.compare(*slot);
            let (base, flow) = (self.base.get(*slot), self.state.flow.get(*slot));
            let written = self.state.written.get(*slot);
            self.settled.set(*slot, written);
            if (base ^ flow) & bits == 0 {
                continue;
            }
            let mask = (bits | self.mask.get(*slot)) & Slot::max(*slot);
            self.base.set(*slot, flow);
            self.set_bits(*slot, flow & mask, mask);
        }
    }

    /// Steps that write a field. Such of one word that follow each other become one.
    fn set_bits(&mut self, slot: Slot, value: u128, mask: u128) {
        let (mut key, mut bits) = (FlowKey::EMPTY, FlowKey::EMPTY);
        key.set(slot, value);
        bits.set(slot, mask);
        for word in slot.word as usize..slot.end() {
            let (value, mask) = (key.words()[word], bits.words()[word]);
            if mask == 0 {
                continue;
            }
            let run = self.ops.iter_mut().rev().map_while(|op| if let Op::Set(bits) = op { Some(bits) } else { None });
            match run.into_iter().find(|bits| usize::from(bits.word) == word) {
                Some(bits) => {
                    bits.value = bits.value & !mask | value;
                    bits.mask |= mask;
                }
                None => self.ops.push(Op::Set(Bits { word: word as u8, value, mask })),
            }
        }
    }

    /// Labels are taken off and put on as a stack. One whose bits alone differ is written in place.
    fn commit_mpls(&mut self) {
        if !MPLS_LSE.iter().any(|slot| self.takes_part(*slot)) && self.base.dl_type() == self.state.flow.dl_type() {
            return;
        }
        for slot in MPLS_LSE {
            // A frame without labels has none to compare with.
            if is_mpls(self.original.dl_type()) {
                self.compare(slot);
            }
            let written = self.state.written.get(slot);
            self.settled.set(slot, written);
        }
        let entries =
            |key: &FlowKey| MPLS_LSE[..count(key)].iter().map(|slot| key.get(*slot) as u32).collect::<Vec<_>>();
        let (mut base, flow) = (entries(&self.base), entries(&self.state.flow));
        let (was, is) = (base.len(), flow.len());
        let mut common = (0..was.min(is)).take_while(|n| base[was - 1 - n] == flow[is - 1 - n]).count();
        let ethertype = self.state.flow.dl_type().0;
        while base.len() > common {
            if base.len() == common + 1 && is > common {
                let at = is - base.len();
                let entry = flow[at];
                // The other bits may differ from frame to frame.
                let bits = self.state.written.get(MPLS_LSE[at]) | self.mask.get(MPLS_LSE[at]);
                self.set_bits(MPLS_LSE[0], u128::from(entry) & bits, bits);
                base[0] = entry;
                common += 1;
            } else {
                base.remove(0);
                let follows = if base.is_empty() && is == 0 { ethertype } else { self.base.dl_type().0 };
                self.ops.push(Op::PopMpls(follows));
            }
        }
        for entry in flow[..is - base.len()].iter().rev() {
            self.ops.push(Op::PushMpls { ethertype, lse: *entry });
        }
        for slot in MPLS_LSE {
            self.base.set(slot, self.state.flow.get(slot));
        }
        if was == 0 && is > 0 {
            // The labels hide the packet.
            for slot in LAYER_3 {
                self.base.set(*slot, 0);
                let written = self.state.written.get(*slot);
                self.settled.set(*slot, written);
            }
        }
        self.base.set_dl_type(self.state.flow.dl_type());
    }

    /// Tags are taken off and put on as a stack, from the innermost that differs. One whose control information alone
    /// differs is written in place.
    fn commit_tags(&mut self) {
        if !TAGS.iter().any(|(tci, is_service)| self.takes_part(*tci) || self.takes_part(*is_service)) {
            return;
        }
        self.look_at_tags_of_frame();
        let (base, flow) = (tags(&self.base), tags(&self.state.flow));
        let (was, is) = (base.len(), flow.len());
        for n in 1..=was.min(is) {
            self.compare_tags(was - n, is - n);
        }
        let common = (1..=was.min(is)).take_while(|n| base[was - n] == flow[is - n]).count();
        let (mut pops, mut pushes) = (was - common, is - common);
        let mut in_place = None;
        if pops > 0 && pushes > 0 && base[pops - 1].tpid == flow[pushes - 1].tpid {
            (pops, pushes) = (pops - 1, pushes - 1);
            let slot = TAGS[pushes].0;
            let is_moved = pops != pushes;
            let known = if is_moved { slot.max() } else { self.state.written.get(slot) | self.mask.get(slot) };
            in_place = Some((u128::from(flow[pushes].tci), known & !u128::from(VLAN_PRESENT)));
        }
        self.ops.extend((0..pops).map(|_| Op::PopVlan));
        if let Some((tci, mask)) = in_place {
            self.set_bits(slot::VLAN_TCI, tci & mask, mask);
        }
        for at in (0..pushes).rev() {
            self.know_tag(at, self.state.written);
            self.ops.push(Op::PushVlan(flow[at]));
        }
        for slot in TAGS.iter().flat_map(|(tci, is_service)| [*tci, *is_service]) {
            self.base.set(slot, self.state.flow.get(slot));
            let written = self.state.written.get(slot);
            self.settled.set(slot, written);
        }
    }

    /// How many tags the frame has.
    fn look_at_tags_of_frame(&mut self) {
        let present = u128::from(VLAN_PRESENT);
        let has_tag = self.original.has_vlan();
        for (slot, _) in &TAGS[..if has_tag { 2 } else { 1 }] {
            self.mask.set(*slot, self.mask.get(*slot) | present);
        }
    }

    /// Notes what must be known to compare a tag of the frame with one of the key, given by their places.
    fn compare_tags(&mut self, of_base: usize, of_flow: usize) {
        if of_base == of_flow {
            let (tci, is_service) = TAGS[of_base];
            if self.original.get(tci) != 0 {
                self.compare(tci);
                self.compare(is_service);
            }
        } else {
            self.know_tag(of_base, self.settled);
            self.know_tag(of_flow, self.state.written);
        }
    }

    /// Notes that a tag was looked at but for the bits that are the same for all frames.
    fn know_tag(&mut self, at: usize, same: FlowMask) {
        let (tci, is_service) = TAGS[at];
        if self.original.get(tci) != 0 {
            for slot in [tci, is_service] {
                let known = self.mask.get(slot) | slot.max() & !same.get(slot);
                self.mask.set(slot, known);
            }
        }
    }
}
