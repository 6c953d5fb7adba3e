//! NORMAL. In the data path it stays a step, decided for each frame; where its answer is wanted, the same function
//! decides on a header that is made from the key.

use super::vlan::tags;
use super::{Observer, Seen, Translator};
use crate::normal::{self, Learn, Path, Route};
use crate::program::Op;
use crate::vlan::{Tag, Tags};
use packet::key::slot;
use packet::{EtherType, FlowKey, FlowMask};
use sim_core::DropReason;

/// Collects what a decision looked at.
#[derive(Default)]
struct Steps(Vec<normal::Step>);

impl normal::Observer for Steps {
    fn step(&mut self, step: normal::Step) {
        self.0.push(step);
    }
}

impl<O: Observer> Translator<'_, O> {
    /// NORMAL.
    pub(super) fn normal(&mut self) {
        if !self.pay_for_ports() {
            return;
        }
        let Some(from) = self.slot_from() else {
            self.say(Seen::Warning(format_args!("no input bundle, dropping")));
            self.reason = Some(DropReason::PortDown);
            return;
        };
        let Some(macs) = self.world.macs else {
            return self.emit(if from == self.in_slot { Op::Normal } else { Op::NormalFrom(from) });
        };
        self.look(&FlowMask::EMPTY.with(slot::DL_DST).with(slot::DL_SRC).with(slot::VLAN_TCI));
        let mut steps = Steps::default();
        let header = header(&self.state.flow);
        let verdict = normal::decide(self.world.plan, macs, from, &header, &mut steps);
        if let Learn::Station(key, bundle) = verdict.learn {
            self.say(Seen::Station(key, bundle));
        }
        for step in steps.0 {
            self.say(Seen::Normal(step));
        }
        match verdict.route {
            Route::Port(slot, path) => {
                self.say(Seen::Detail(format_args!("forwarding to learned port")));
                self.leave(slot, &path);
            }
            Route::Flood(path) => {
                self.say(Seen::Detail(format_args!("no learned MAC for destination, flooding")));
                let plan = self.world.plan;
                let slots: Vec<u16> = normal::flood(plan, from, &path).collect();
                if slots.is_empty()
                    && let Route::Drop(_, reason, _) = normal::nowhere(plan, from, &path)
                {
                    self.reason = Some(reason);
                }
                for slot in slots {
                    self.leave(slot, &path);
                }
            }
            Route::Drop(at, reason, args) => {
                self.say(Seen::NormalDrop(at, reason, args));
                self.reason = Some(reason);
                self.emit(Op::Drop(reason));
            }
        }
    }

    /// Sends by a port with the tags that its configuration asks for.
    fn leave(&mut self, slot: u16, path: &Path) {
        let after = self.world.plan.ports[usize::from(slot)].vlan.egress(&path.inside, &path.before);
        let old = self.state.clone();
        self.wear(&path.before, &after);
        self.emit(Op::Output(slot));
        self.state = old;
    }

    /// Gives the key other tags. Those behind the ones that the ports look at stay.
    fn wear(&mut self, before: &Tags, after: &Tags) {
        if before == after {
            return;
        }
        self.look_at_all_tags();
        let present = |tags: &Tags| tags.0.into_iter().take_while(|tag| tag.tpid != 0).collect::<Vec<_>>();
        let behind = tags(&self.state.flow).split_off(present(before).len());
        let mut flow = self.state.flow;
        flow.pop_tag();
        flow.pop_tag();
        for tag in present(after).iter().chain(&behind).rev() {
            flow.push_tag(EtherType(tag.tpid), tag.tci);
        }
        self.write_tags(&flow);
    }
}

/// The Ethernet header of a key, with its tags.
fn header(key: &FlowKey) -> Vec<u8> {
    let mut header = [key.dl_dst().0, key.dl_src().0].concat();
    for Tag { tpid, tci } in tags(key) {
        header.extend(tpid.to_be_bytes());
        header.extend(tci.to_be_bytes());
    }
    header.extend(key.dl_type().0.to_be_bytes());
    header
}
