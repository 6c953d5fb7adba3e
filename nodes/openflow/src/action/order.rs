//! The order of instructions (OpenFlow 1.5.1 section 5.5): Open vSwitch refuses another one.

use super::{Action, Controller};
use crate::error::FlowErrorKind;

/// Where a list stands.
pub(super) struct Order {
    /// The word whose list it is.
    within: Option<&'static str>,
    /// The last instruction and its place.
    last: Option<(u8, &'static str)>,
    /// Whether there are clauses of conjunctions, or actions that can't stand beside them.
    clauses: bool,
    others: bool,
}

/// The place of what is no instruction of its own: apply_actions.
const APPLIED: u8 = 1;

impl Order {
    /// The order of a list of a flow, or of one inside a word.
    pub(super) fn new(within: Option<&'static str>) -> Self {
        Self { within, last: None, clauses: false, others: false }
    }

    /// Takes the next action; says why it can't stand here.
    pub(super) fn next(&mut self, action: &Action) -> Result<(), FlowErrorKind> {
        let (place, word) = place(action);
        if let Some(within) = self.within
            && place != APPLIED
        {
            return Err(FlowErrorKind::NotWithin { word, within });
        }
        if let Some((last, later)) = self.last {
            if place < last {
                return Err(FlowErrorKind::Order { word, later });
            }
            if place == last && place != APPLIED {
                return Err(FlowErrorKind::Twice(word));
            }
        }
        if self.within == Some(ACTION_SET) && !is_of_set(action) {
            return Err(FlowErrorKind::NotOfSet);
        }
        self.last = Some((place, word));
        match action {
            Action::Conjunction { .. } => self.clauses = true,
            Action::Note(_) => {}
            _ => self.others = true,
        }
        if self.clauses && self.others { Err(FlowErrorKind::ConjunctionNotAlone) } else { Ok(()) }
    }
}

/// The word whose list is an action set.
const ACTION_SET: &str = "write_actions";

/// Can an action set hold it (ovs-actions(7), "Action Sets")?
fn is_of_set(action: &Action) -> bool {
    match action {
        // With more than a length, it is an action of Open vSwitch's own.
        Action::Controller(controller) => {
            **controller == Controller { max_len: controller.max_len, ..Controller::default() }
        }
        Action::OutputReg { .. }
        | Action::OutputTrunc { .. }
        | Action::Enqueue { .. }
        | Action::PopQueue
        | Action::Bundle(_)
        | Action::Multipath(_)
        | Action::Push(_)
        | Action::Pop(_)
        | Action::CheckPktLarger { .. }
        | Action::Learn(_)
        | Action::Conjunction { .. }
        | Action::Note(_)
        | Action::Sample(_)
        | Action::Clone(_)
        | Action::FinTimeout { .. }
        | Action::Exit => false,
        _ => true,
    }
}

/// The place of an action among the instructions, and its word.
fn place(action: &Action) -> (u8, &'static str) {
    match action {
        Action::Meter(_) => (0, "meter"),
        Action::ClearActions => (2, "clear_actions"),
        Action::WriteActions(_) => (3, "write_actions"),
        Action::WriteMetadata { .. } => (4, "write_metadata"),
        Action::GotoTable(_) => (5, "goto_table"),
        _ => (APPLIED, "an action"),
    }
}
