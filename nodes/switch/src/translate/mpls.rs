//! MPLS: a stack of three label stack entries at most (RFC 3032; ovs-actions(7), `push_mpls`).
//!
//! What is behind the labels isn't in the key of an MPLS frame: when the last one is popped, whatever asks for more than
//! the Ethernet header makes the frame be read again ([`super::resume`]).

use super::actions::{Flow, IPS};
use super::{Failure, Observer, Seen, Translator};
use packet::key::slot::{self, MPLS_LSE};
use packet::{EtherType, FlowKey, FlowMask, Slot};

/// The bottom of the stack.
const BOS: u128 = 1 << 8;
/// The label that says that IPv6 follows (RFC 3032, section 2.1).
const IPV6_NULL: u128 = 2;
/// What is cleared when labels come in front of a packet.
pub(super) const LAYER_3: &[Slot] = &[
    slot::NW_PROTO,
    slot::NW_TOS,
    slot::NW_FRAG,
    slot::TP_SRC,
    slot::TP_DST,
    slot::TCP_FLAGS,
    slot::NW_TTL,
    slot::NW_SRC,
    slot::NW_DST,
    slot::IPV6_SRC,
    slot::IPV6_DST,
    slot::IPV6_LABEL,
    slot::ND_TARGET,
    slot::ARP_SHA,
    slot::ARP_THA,
];

/// Whether a type is that of MPLS.
pub(super) fn is_mpls(ethertype: EtherType) -> bool {
    matches!(ethertype.0, 0x8847 | 0x8848)
}

/// How many entries of a key count, the top one first.
pub(super) fn count(key: &FlowKey) -> usize {
    if !is_mpls(key.dl_type()) {
        return 0;
    }
    let entries = MPLS_LSE.map(|slot| key.get(slot));
    match entries.iter().position(|entry| entry & BOS != 0) {
        Some(last) => last + 1,
        None => entries.iter().filter(|entry| **entry != 0).count(),
    }
}

impl<O: Observer> Translator<'_, O> {
    /// How many entries there are.
    fn labels(&mut self) -> usize {
        self.look_at(slot::DL_TYPE);
        if is_mpls(self.state.flow.dl_type()) {
            let entries = MPLS_LSE.map(|slot| self.state.flow.get(slot));
            let last = entries.iter().position(|entry| entry & BOS != 0);
            let mut looked = FlowMask::EMPTY;
            for slot in &MPLS_LSE[..last.map_or(3, |last| last + 1)] {
                // Without an end, entries count that aren't zero.
                looked.set(*slot, if last.is_some() { BOS } else { u128::MAX });
            }
            self.look(&looked);
        }
        count(&self.state.flow)
    }

    /// `push_mpls`.
    pub(super) fn push_mpls(&mut self, ethertype: EtherType) {
        let n = self.labels();
        if n >= MPLS_LSE.len() {
            self.say(Seen::Error(format_args!(
                "dropping packet on which an MPLS push action can't be performed as it would have more MPLS LSEs \
                 than the 3 supported."
            )));
            return self.fail(Failure::TooManyLabels);
        }
        if n == 0 {
            // What was written to the packet is to be in it before the labels hide it.
            self.commit();
            self.hide_packet();
        } else {
            for at in (0..n).rev() {
                self.look_at(MPLS_LSE[at]);
                let entry = self.state.flow.get(MPLS_LSE[at]);
                self.write(MPLS_LSE[at + 1], entry, u128::MAX);
            }
            let top = self.state.flow.get(MPLS_LSE[0]) & !BOS;
            self.write(MPLS_LSE[0], top, u128::MAX);
        }
        self.write(slot::DL_TYPE, u128::from(ethertype.0), u128::MAX);
        self.state.was_mpls = false;
    }

    /// Puts the first label in front of a packet, which takes over its class and time to live.
    fn hide_packet(&mut self) {
        let (mut label, mut tc, mut ttl) = (0, 0, 64);
        if self.state.flow.dl_type() == EtherType::IPV6 {
            label = IPV6_NULL;
        }
        if IPS.are_met(&self.state.flow, &FlowMask::FULL) {
            self.look(&FlowMask::EMPTY.with(slot::NW_DSCP).with(slot::NW_TTL));
            tc = self.state.flow.get(slot::NW_DSCP) & 7;
            if self.state.flow.nw_ttl() != 0 {
                ttl = u128::from(self.state.flow.nw_ttl());
            }
        }
        for slot in LAYER_3 {
            self.write(*slot, 0, u128::MAX);
        }
        self.write(MPLS_LSE[0], label << 12 | tc << 9 | BOS | ttl, u128::MAX);
    }

    /// `pop_mpls`.
    pub(super) fn pop_mpls(&mut self, ethertype: EtherType) {
        let n = self.labels();
        if n == 0 {
            return;
        }
        if n == MPLS_LSE.len() && self.state.flow.get(MPLS_LSE[2]) & BOS == 0 {
            self.say(Seen::Error(format_args!(
                "dropping packet on which an MPLS pop action can't be performed as it has more MPLS LSEs than the 3 \
                 supported."
            )));
            return self.fail(Failure::TooManyLabels);
        }
        for at in 1..n {
            self.look_at(MPLS_LSE[at]);
            let entry = self.state.flow.get(MPLS_LSE[at]);
            self.write(MPLS_LSE[at - 1], entry, u128::MAX);
        }
        self.write(MPLS_LSE[n - 1], 0, u128::MAX);
        self.write(slot::DL_TYPE, u128::from(ethertype.0), u128::MAX);
        self.state.was_mpls = !is_mpls(ethertype);
    }

    /// Writes a part of the top entry.
    pub(super) fn set_mpls(&mut self, slot: Slot, value: u128) {
        self.look_at(slot::DL_TYPE);
        if is_mpls(self.state.flow.dl_type()) {
            self.write(slot, value, u128::MAX);
        }
    }

    /// `dec_mpls_ttl`.
    pub(super) fn dec_mpls_ttl(&mut self) -> Flow {
        self.look_at(slot::DL_TYPE);
        if !is_mpls(self.state.flow.dl_type()) {
            return Flow::Continue;
        }
        self.look_at(slot::MPLS_TTL);
        let ttl = self.state.flow.get(slot::MPLS_TTL);
        if ttl > 1 {
            self.write(slot::MPLS_TTL, ttl - 1, u128::MAX);
            return Flow::Continue;
        }
        self.ttl_expired(&[0]);
        self.say(Seen::Warning(format_args!("MPLS decrement TTL exception")));
        Flow::Break
    }
}
