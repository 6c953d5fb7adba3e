//! The action set: what is done when the tables are through (OpenFlow 1.5.1 section 5.6).

use super::{Observer, Place, Seen, Translator, UNSET};
use openflow::Action;
use packet::key::slot;

/// Of these the last one that was written counts, and they are done in this order.
const SINGLE: &[fn(&Action) -> bool] = &[
    |action| matches!(action, Action::StripVlan),
    |action| matches!(action, Action::PopMpls(_)),
    |action| matches!(action, Action::PushMpls(_)),
    |action| matches!(action, Action::PushVlan(_)),
    |action| matches!(action, Action::DecTtl(_)),
    |action| matches!(action, Action::DecMplsTtl),
];

/// Of these the first that is there ends the set. Without one, nothing is done.
const FINAL: &[fn(&Action) -> bool] = &[is_group, is_output, |action| matches!(action, Action::Resubmit { .. })];

fn is_group(action: &Action) -> bool {
    matches!(action, Action::Group(_))
}

fn is_output(action: &Action) -> bool {
    matches!(
        action,
        Action::Output(_)
            | Action::OutputTrunc { .. }
            | Action::InPort
            | Action::Normal
            | Action::Flood
            | Action::All
            | Action::Local
            | Action::Table
            | Action::Controller(_)
    )
}

/// Whether it writes a field: these are done in the order in which they were written.
fn is_set(action: &Action) -> bool {
    matches!(
        action,
        Action::SetField { .. }
            | Action::Load { .. }
            | Action::Move { .. }
            | Action::ModVlanVid(_)
            | Action::ModVlanPcp(_)
            | Action::ModDlSrc(_)
            | Action::ModDlDst(_)
            | Action::ModNwSrc(_)
            | Action::ModNwDst(_)
            | Action::ModNwTos(_)
            | Action::ModNwEcn(_)
            | Action::ModNwTtl(_)
            | Action::ModTpSrc(_)
            | Action::ModTpDst(_)
            | Action::SetMplsLabel(_)
            | Action::SetMplsTc(_)
            | Action::SetMplsTtl(_)
            | Action::SetTunnel(_)
            | Action::SetQueue(_)
    )
}

/// The actions of a set in the order in which they are carried out.
pub(super) fn in_order(set: &[Action]) -> Vec<Action> {
    // `enqueue` chooses the queue and sends.
    let set: Vec<Action> = set
        .iter()
        .flat_map(|action| match action {
            Action::Enqueue { port, queue } => vec![Action::SetQueue(*queue), Action::Output(*port)],
            action => vec![action.clone()],
        })
        .collect();
    let last = |is: &fn(&Action) -> bool| set.iter().rfind(|action| is(action));
    let Some(end) = FINAL.iter().find_map(last) else { return Vec::new() };
    let sets = set.iter().filter(|action| is_set(action));
    SINGLE.iter().filter_map(last).chain(sets).chain([end]).cloned().collect()
}

impl<O: Observer> Translator<'_, O> {
    /// `write_actions`.
    pub(super) fn write_actions(&mut self, actions: &[Action]) {
        // The set is looked through each time, and a bucket copies it.
        if !self.pay(self.state.action_set.len() + actions.len()) {
            return;
        }
        self.state.action_set.extend_from_slice(actions);
        let set = &self.state.action_set;
        let output = match set.iter().rfind(|action| is_output(action)) {
            _ if set.iter().any(is_group) => UNSET,
            Some(Action::Output(port) | Action::OutputTrunc { port, .. }) => u128::from(*port),
            Some(Action::InPort) => u128::from(super::output::IN_PORT),
            Some(Action::Local) => u128::from(super::output::LOCAL),
            Some(Action::Normal) => u128::from(super::output::NORMAL),
            Some(Action::Flood) => u128::from(super::output::FLOOD),
            Some(Action::All) => u128::from(super::output::ALL),
            Some(Action::Table) => u128::from(super::output::TABLE),
            Some(Action::Controller(_)) => u128::from(super::output::CONTROLLER),
            _ => UNSET,
        };
        self.write(slot::ACTSET_OUTPUT, output, u128::MAX);
        self.say_set("is");
    }

    /// `clear_actions`.
    pub(super) fn clear_actions(&mut self) {
        self.say_set("was");
        self.state.action_set.clear();
        self.write(slot::ACTSET_OUTPUT, UNSET, u128::MAX);
    }

    fn say_set(&mut self, verb: &str) {
        let set = in_order(&self.state.action_set);
        self.say(Seen::Written(verb, &set));
    }

    /// Carries it out, once.
    pub(super) fn carry_out_set(&mut self) {
        if self.state.action_set.is_empty() || self.failure.is_some() {
            return;
        }
        let set = in_order(&std::mem::take(&mut self.state.action_set));
        if set.is_empty() {
            return;
        }
        self.say(Seen::ActionSet);
        self.depth.level = self.depth.level.saturating_add(1);
        self.actions_of(Place::ActionSet, &set);
        self.depth.level = self.depth.level.saturating_sub(1);
    }

    /// What comes after the tables: the action set, or what was put off until the frame is read again. As in Open
    /// vSwitch, `exit` ends the action set as well.
    pub(super) fn end(&mut self) {
        if self.frozen.is_none() {
            self.carry_out_set();
        }
        if self.frozen.is_some() {
            self.put_off();
        }
    }
}
