//! Ways that part: clones, and what depends on a frame's length.

use super::state::State;
use super::{Observer, Translator};
use crate::program::Op;
use openflow::Action;
use packet::Subfield;

impl<O: Observer> Translator<'_, O> {
    /// `clone`. What follows it goes on with the key as it was before. If the steps in between can't be taken back, the
    /// datapath makes a copy. As in Open vSwitch, an `exit` in it ends the lists around it, too.
    pub(super) fn clone_with(&mut self, actions: &[Action]) {
        let old = self.state.clone();
        let body = |at: &mut Self| {
            at.actions(actions);
            at.end();
        };
        if actions.iter().all(|action| self.can_take_back(action)) {
            body(self);
        } else {
            self.copied(body);
        }
        self.state = old;
    }

    /// Does with a copy what `body` does.
    pub(super) fn copied(&mut self, body: impl FnOnce(&mut Self)) {
        self.commit();
        let program = self.program(body);
        let is_last = usize::from(program) + 1 == self.parts.programs.len();
        let leaves_it = |op: Op| matches!(op, Op::Output(_) | Op::Normal | Op::NormalFrom(_) | Op::Everywhere { .. });
        match self.parts.programs.pop_if(|program| is_last && program.ops().all(leaves_it)) {
            // A copy that nothing is done to is the frame itself.
            Some(mut program) => {
                self.credits.extend(program.take_credits());
                self.ops.extend(program.ops());
            }
            None => self.ops.push(Op::Clone(program)),
        }
    }

    /// Whether what an action does to the frame can be taken back by later steps. What is behind labels isn't known.
    pub(super) fn can_take_back(&self, action: &Action) -> bool {
        match action {
            Action::OutputTrunc { .. }
            | Action::Meter(_)
            | Action::PushMpls(_)
            | Action::PopMpls(_)
            | Action::CheckPktLarger { .. }
            | Action::Resubmit { .. }
            | Action::Table
            | Action::Group(_)
            | Action::GotoTable(_) => false,
            Action::Clone(actions) => actions.iter().all(|action| self.can_take_back(action)),
            _ => true,
        }
    }

    /// `check_pkt_larger`: the rest of the list is done twice, once for each answer. As in Open vSwitch, the shorter
    /// frames find the stack and the action set as the longer ones left them: what is in the set is done for those alone.
    pub(super) fn check_length(&mut self, size: u16, to: &Subfield, rest: &[Action]) {
        self.commit();
        let old = self.state.clone();
        let exits = self.exits;
        let branch = |at: &mut Self, answer: u128| {
            let State { stack, action_set, .. } = std::mem::replace(&mut at.state, old.clone());
            (at.state.stack, at.state.action_set) = (stack, action_set);
            at.exits = false;
            at.program(|at| {
                if at.has(to.field) {
                    at.put_bits(to, answer);
                }
                at.actions(rest);
                at.end();
            })
        };
        let longer = branch(self, 1);
        let others = branch(self, 0);
        self.state = old;
        self.exits = exits;
        // What the outer lists do comes after it; only a last step may dispose of the frame.
        let step = Op::IfLonger { than: size, longer, others };
        let program = self.program(|at| at.ops.push(step));
        self.ops.push(Op::Clone(program));
    }
}
