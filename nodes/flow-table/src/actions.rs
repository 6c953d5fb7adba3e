//! What a flow's actions name: groups, meters, ports, tables, flows that they make; and lists of actions that flows share.

use crate::error::TableError;
use crate::{Groups, Meters};
use openflow::{Action, Learn};
use std::sync::Arc;

/// Port numbers of OpenFlow 1.0 that are no port of the switch.
mod reserved {
    pub(super) const IN_PORT: u32 = 0xfff8;
    pub(super) const NORMAL: u32 = 0xfffa;
    pub(super) const FLOOD: u32 = 0xfffb;
    pub(super) const ALL: u32 = 0xfffc;
    pub(super) const CONTROLLER: u32 = 0xfffd;
    pub(super) const LOCAL: u32 = 0xfffe;
}

/// The lists of actions that were given to flows of late. Most flows of a table do one of a few things, and those that do
/// the same share a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists(Vec<Arc<[Action]>>);

impl Lists {
    /// How many are remembered. Each is compared with a list that is new.
    const MAX: usize = 32;

    /// A list of these actions. One that was asked for again moves up by a place; one that is new takes the last.
    pub(crate) fn share(&mut self, actions: &[Action]) -> Arc<[Action]> {
        if let Some(at) = self.0.iter().position(|list| **list == *actions) {
            let list = Arc::clone(&self.0[at]);
            self.0.swap(at, at.saturating_sub(1));
            return list;
        }
        let list: Arc<[Action]> = actions.into();
        self.0.truncate(Self::MAX - 1);
        self.0.push(Arc::clone(&list));
        list
    }
}

/// Calls `see` for each action, and for those within it.
pub(crate) fn each<'a>(actions: &'a [Action], see: &mut dyn FnMut(&'a Action)) {
    for action in actions {
        see(action);
        if let Action::Clone(inner) | Action::WriteActions(inner) = action {
            each(inner, see);
        }
    }
}

/// The groups that they name.
pub(crate) fn groups(actions: &[Action]) -> Vec<u32> {
    let mut found = Vec::new();
    each(actions, &mut |action| {
        if let Action::Group(id) = action {
            found.push(*id);
        }
    });
    found
}

/// The meters that they name.
pub(crate) fn meters(actions: &[Action]) -> Vec<u32> {
    let mut found = Vec::new();
    each(actions, &mut |action| match action {
        Action::Meter(id) => found.push(*id),
        Action::Controller(controller) => found.extend(controller.meter),
        _ => {}
    });
    found
}

/// The `learn`s among them whose flows go with the flow.
pub(crate) fn owned_learns(actions: &[Action]) -> Vec<&Learn> {
    let mut found = Vec::new();
    each(actions, &mut |action| match action {
        Action::Learn(learn) if learn.delete_learned => found.push(&**learn),
        _ => {}
    });
    found
}

/// Whether one of them outputs to a port.
pub(crate) fn output_to(actions: &[Action], port: u32) -> bool {
    let mut found = false;
    each(actions, &mut |action| {
        found |= match action {
            Action::Output(to) | Action::OutputTrunc { port: to, .. } | Action::Enqueue { port: to, .. } => *to == port,
            Action::InPort => port == reserved::IN_PORT,
            Action::Normal => port == reserved::NORMAL,
            Action::Flood => port == reserved::FLOOD,
            Action::All => port == reserved::ALL,
            Action::Controller(_) => port == reserved::CONTROLLER,
            Action::Local => port == reserved::LOCAL,
            _ => false,
        };
    });
    found
}

/// Whether a flow of a table can have them.
pub(crate) fn check(actions: &[Action], table: u8, groups: &Groups, meters: &Meters) -> Result<(), TableError> {
    let mut result = Ok(());
    each(actions, &mut |action| {
        let wrong = match action {
            Action::Group(id) if groups.get(*id).is_none() => TableError::BadOutGroup,
            Action::Meter(id) if meters.get(*id).is_none() => TableError::InvalidMeter,
            Action::GotoTable(to) if *to <= table || *to > crate::MAX_TABLE => TableError::BadGoto,
            _ => return,
        };
        if result.is_ok() {
            result = Err(wrong);
        }
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_are_one_unless_too_many_others_came_between() {
        let mut lists = Lists::default();
        let list = |port: u32| vec![Action::Output(port), Action::Normal];
        let first = lists.share(&list(0));
        assert!(Arc::ptr_eq(&first, &lists.share(&list(0))));
        // What is asked for again stays, whatever else comes once.
        for port in 1..10_000 {
            lists.share(&list(port));
            assert!(Arc::ptr_eq(&first, &lists.share(&list(0))), "after {port} others");
        }
        assert_eq!(lists.0.len(), Lists::MAX);
        assert!(lists.share(&[]).is_empty());
    }
}
