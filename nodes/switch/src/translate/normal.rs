//! NORMAL. In the data path it stays a step, decided for each frame; where its answer is wanted, the same function
//! decides on a header that is made from the key.

use super::vlan::{NO_TAG, OWN_INNER, OWN_OUTER};
use super::{Observer, Seen, Translator};
use crate::normal::{self, Learn, Path, Route};
use crate::program::Op;
use crate::vlan::Tags;
use packet::key::{VLAN_PRESENT, slot};
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
        let header = header(&self.state.flow, &self.state.marks);
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

    /// Gives the key other tags. The innermost that are the same stay what they are.
    fn wear(&mut self, before: &Tags, after: &Tags) {
        let list = |tags: &Tags| tags.0.into_iter().take_while(|tag| tag.tpid != 0).collect::<Vec<_>>();
        let (have, want) = (list(before), list(after));
        let (was, is) = (have.len(), want.len());
        let common = (0..was.min(is)).take_while(|n| have[was - 1 - n] == want[is - 1 - n]).count();
        let marks = self.state.marks;
        for (at, slot) in [slot::VLAN_TCI, slot::INNER_TCI].into_iter().enumerate() {
            let tci = want.get(at).map_or(0, |tag| tag.tci | VLAN_PRESENT);
            self.state.marks[at] = match want.get(at) {
                Some(_) if at + common >= is => marks[at + was - is],
                Some(tag) if is == was && have[at].tpid == tag.tpid => marks[at],
                Some(tag) => tag.tpid,
                None => NO_TAG,
            };
            self.write(slot, u128::from(tci), u128::MAX);
        }
    }
}

/// The Ethernet header of a key, with its tags.
fn header(key: &FlowKey, marks: &super::vlan::Marks) -> Vec<u8> {
    let mut header = [key.dl_dst().0, key.dl_src().0].concat();
    for (tci, mark) in [key.vlan_tci(), key.inner_tci()].into_iter().zip(marks) {
        if tci & VLAN_PRESENT != 0 {
            let tpid = if matches!(*mark, NO_TAG | OWN_OUTER | OWN_INNER) { EtherType::VLAN.0 } else { *mark };
            header.extend(tpid.to_be_bytes());
            header.extend((tci & !VLAN_PRESENT).to_be_bytes());
        }
    }
    header.extend(key.dl_type().0.to_be_bytes());
    header
}
