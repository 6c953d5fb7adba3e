//! Carrying out lists of actions.

use super::{Observer, Place, Seen, Translator};
use crate::program::Op;
use openflow::Action;
use packet::field::protocol::{IP, IPV6, Needs};
use packet::key::slot;

pub(super) const IPV4: Needs = Needs::any(&[IP]);
pub(super) const IPS: Needs = Needs::any(&[IP, IPV6]);

/// What becomes of the rest of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It is carried out.
    Continue,
    /// It isn't.
    Break,
}

impl<O: Observer> Translator<'_, O> {
    /// Carries out a list.
    #[inline(never)]
    pub(super) fn actions(&mut self, actions: &[Action]) {
        if actions.is_empty() {
            return self.say(Seen::Drop);
        }
        for (at, action) in actions.iter().enumerate() {
            if self.failure.is_some() {
                return;
            }
            if self.must_be_read_again(action) {
                self.freeze();
            }
            if self.exits {
                return self.freeze_rest(&actions[at..]);
            }
            if !self.pay(1) {
                return;
            }
            self.say(Seen::Action(action));
            if let Action::CheckPktLarger { size, to } = action {
                return self.check_length(*size, to, &actions[at + 1..]);
            }
            let flow = self.action(action);
            if self.exits && self.frozen.is_some() {
                return self.freeze_rest(&actions[at + 1..]);
            }
            if flow == Flow::Break {
                return;
            }
        }
    }

    fn action(&mut self, action: &Action) -> Flow {
        match action {
            Action::Output(port) => self.output(*port, None),
            Action::OutputReg { from, max_len } => self.output_reg(from, *max_len),
            Action::OutputTrunc { port, max_len } => self.output(*port, Some(*max_len)),
            Action::InPort => self.output(super::output::IN_PORT, None),
            Action::Normal => self.output(super::output::NORMAL, None),
            Action::Flood => self.output(super::output::FLOOD, None),
            Action::All => self.output(super::output::ALL, None),
            Action::Local => self.output(super::output::LOCAL, None),
            Action::Table => self.output(super::output::TABLE, None),
            Action::Controller(controller) => return self.controller(controller),
            Action::Enqueue { port, queue } => self.enqueue(*port, *queue),
            Action::SetQueue(queue) => self.set_queue(*queue),
            Action::PopQueue => self.pop_queue(),
            Action::Group(group) => return self.group(*group),
            Action::Bundle(bundle) => self.bundle(bundle),
            Action::Multipath(multipath) => self.multipath(multipath),
            Action::ModVlanVid(vid) => self.set_tag(0x0fff, *vid, true),
            Action::ModVlanPcp(pcp) => self.set_tag(0xe000, u16::from(*pcp) << 13, true),
            Action::StripVlan => self.pop_vlan(),
            Action::PushVlan(ethertype) => self.push_vlan(ethertype.0),
            Action::PushMpls(ethertype) => self.push_mpls(*ethertype),
            Action::PopMpls(ethertype) => self.pop_mpls(*ethertype),
            Action::ModDlSrc(mac) => self.write(slot::DL_SRC, mac.as_u64().into(), u128::MAX),
            Action::ModDlDst(mac) => self.write(slot::DL_DST, mac.as_u64().into(), u128::MAX),
            Action::ModNwSrc(address) => self.set_ip(slot::NW_SRC, address.to_bits().into(), IPV4),
            Action::ModNwDst(address) => self.set_ip(slot::NW_DST, address.to_bits().into(), IPV4),
            Action::ModNwTos(tos) => self.set_ip(slot::NW_DSCP, u128::from(tos >> 2), IPS),
            Action::ModNwEcn(ecn) => self.set_ip(slot::NW_ECN, u128::from(*ecn), IPS),
            Action::ModNwTtl(ttl) => self.set_ip(slot::NW_TTL, u128::from(*ttl), IPS),
            Action::ModTpSrc(port) => self.set_port(slot::TP_SRC, *port),
            Action::ModTpDst(port) => self.set_port(slot::TP_DST, *port),
            Action::SetField { field, value, mask } => self.set_field(field, *value, *mask),
            Action::Load { to, value } => self.load(to, *value),
            Action::Move { from, to } => self.copy(from, to),
            Action::Push(from) => self.push(from),
            Action::Pop(to) => self.pop(to),
            Action::DecTtl(ids) => return self.dec_ttl(ids),
            Action::SetMplsLabel(label) => self.set_mpls(slot::MPLS_LABEL, u128::from(*label)),
            Action::SetMplsTc(tc) => self.set_mpls(slot::MPLS_TC, u128::from(*tc)),
            Action::SetMplsTtl(ttl) => self.set_mpls(slot::MPLS_TTL, u128::from(*ttl)),
            Action::DecMplsTtl => return self.dec_mpls_ttl(),
            Action::SetTunnel(id) => self.write(slot::TUN_ID, u128::from(*id), u128::MAX),
            Action::Resubmit { in_port, table, .. } => self.resubmit(*in_port, table.unwrap_or(self.table)),
            Action::GotoTable(table) => self.resubmit(None, *table),
            Action::Learn(learn) => self.learn(learn),
            Action::Conjunction { .. } => self.say(Seen::Error(format_args!("executing no-op conjunction action"))),
            Action::Clone(actions) => self.clone_with(actions),
            Action::FinTimeout { idle_timeout, hard_timeout } => self.fin_timeout(*idle_timeout, *hard_timeout),
            Action::Exit => self.exits = true,
            Action::Meter(meter) => self.meter(*meter),
            Action::WriteMetadata { value, mask } => {
                self.write(slot::METADATA, u128::from(*value), u128::from(*mask));
            }
            Action::ClearActions => self.clear_actions(),
            Action::WriteActions(actions) => self.write_actions(actions),
            Action::Sample(sample) => {
                let part = self.part(|parts| &mut parts.samples, (**sample).clone());
                self.emit(Op::Sample(part));
            }
            _ => {}
        }
        Flow::Continue
    }

    /// Carries out a list from elsewhere than a rule.
    pub(super) fn actions_of(&mut self, place: Place, actions: &[Action]) {
        let old = std::mem::replace(&mut self.place, place);
        self.actions(actions);
        self.place = old;
    }

    fn meter(&mut self, meter: u32) {
        if !self.meters.contains(&meter) {
            self.meters.push(meter);
        }
        // What a band remarks or drops is the frame as it is here.
        self.commit();
        self.ops.push(Op::Meter(meter));
    }
}
