//! A frame that must be read again: Open vSwitch calls it recirculation.
//!
//! When the last label of an MPLS frame is popped, the packet behind comes to light, and its fields aren't in the key.
//! Actions that need none of them go on; at the first that may, the translation ends with a step that has the frame
//! read again. What was not yet done is kept in a [`Resume`], and [`resume`] translates it with the new key.

use super::{Observer, Place, Seen, Translation, Translator, World};
use crate::program::Op;
use openflow::Action;
use packet::field::Field;
use packet::key::slot;
use packet::{FlowKey, WORDS};
use std::sync::Arc;

/// How often a frame may be read again.
const MAX_RESUMES: u8 = 4;

/// What is to be done when a frame was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// What rides with the frame: its port, marks, metadata and registers. Fields of the frame are zero.
    pub metadata: FlowKey,
    /// Lists of actions that weren't carried out yet, each with its table, the innermost first.
    lists: Vec<(u8, Vec<Action>)>,
    stack: Vec<(u128, u8)>,
    action_set: Vec<Action>,
    /// How often frames that get here were read before.
    times: u8,
}

impl Resume {
    /// The key of a frame that was read again: `read` is the frame's own; the port, registers and the like were kept.
    pub fn key(&self, read: &FlowKey) -> FlowKey {
        let mut key = FlowKey::from_words(std::array::from_fn(|word| {
            let (read, kept) = (read.words()[word], self.metadata.words()[word]);
            match word {
                0 => read & !IN_PORT | kept & IN_PORT,
                word if word < slot::WIRE_WORDS => read,
                _ => kept,
            }
        }));
        // That belongs to the action set.
        key.set(slot::ACTSET_OUTPUT, 0);
        key
    }
}

/// Goes on with a frame that was read again: `key` is the frame's own as it is now. The port, registers and the like are
/// those of the [`Resume`].
pub fn resume<O: Observer>(
    world: World<'_>,
    in_slot: u16,
    resume: &Resume,
    key: &FlowKey,
    observer: &mut O,
) -> Translation {
    let key = resume.key(key);
    let mut at = Translator::new(world, in_slot, &key, observer);
    at.state.stack.clone_from(&resume.stack);
    at.state.action_set.clone_from(&resume.action_set);
    at.state.flow.set(slot::ACTSET_OUTPUT, resume.metadata.get(slot::ACTSET_OUTPUT));
    at.resumed = resume.times;
    at.say(Seen::Resumed);
    for (table, actions) in &resume.lists {
        at.table = *table;
        at.depth.level = 1;
        at.actions_of(Place::Rule, actions);
        if at.frozen.is_some() {
            // It must be read once more; the lists that follow wait as well.
            continue;
        }
        at.exits = false;
    }
    at.depth.level = 0;
    at.end();
    at.finish(&key)
}

const IN_PORT: u64 = 0xff_ffff << slot::IN_PORT.shift;
const _: () = assert!(WORDS > slot::WIRE_WORDS);

impl<O: Observer> Translator<'_, O> {
    /// Whether an action may look at a packet that isn't known.
    pub(super) fn must_be_read_again(&self, action: &Action) -> bool {
        if self.exits || !self.state.was_mpls {
            return false;
        }
        match action {
            Action::Output(_)
            | Action::OutputReg { .. }
            | Action::OutputTrunc { .. }
            | Action::InPort
            | Action::Normal
            | Action::Flood
            | Action::All
            | Action::Local
            | Action::Enqueue { .. }
            | Action::ModVlanVid(_)
            | Action::ModVlanPcp(_)
            | Action::ModDlSrc(_)
            | Action::ModDlDst(_)
            | Action::SetTunnel(_)
            | Action::SetQueue(_)
            | Action::Group(_) => false,
            Action::SetField { field, .. } => is_packet_field(field),
            _ => true,
        }
    }

    /// Begins to put off what isn't done yet.
    pub(super) fn freeze(&mut self) {
        if self.resumed >= MAX_RESUMES {
            self.say(Seen::Error(format_args!("read again more than {MAX_RESUMES} times")));
            return self.fail(super::Failure::TooDeep);
        }
        self.frozen = Some(Vec::new());
        self.exits = true;
    }

    /// Puts off the rest of a list, if anything is put off.
    pub(super) fn freeze_rest(&mut self, rest: &[Action]) {
        let table = self.table;
        if let Some(frozen) = &mut self.frozen
            && !rest.is_empty()
        {
            frozen.push((table, rest.to_vec()));
        }
    }

    /// Ends with the step that has the frame read again.
    pub(super) fn put_off(&mut self) {
        let Some(lists) = self.frozen.take() else { return };
        self.exits = false;
        let flow = &self.state.flow;
        let metadata = FlowKey::from_words(std::array::from_fn(|word| match word {
            0 => flow.words()[0] & IN_PORT,
            word if word < slot::WIRE_WORDS => 0,
            word => flow.words()[word],
        }));
        let resume = Resume {
            metadata,
            lists,
            stack: self.state.stack.clone(),
            action_set: std::mem::take(&mut self.state.action_set),
            times: self.resumed + 1,
        };
        // What rides with the frame is part of the step, so it must be the same for all frames.
        let mut looked = packet::FlowMask::EMPTY;
        looked.words_mut()[slot::WIRE_WORDS..slot::DATAPATH_WORDS].fill(u64::MAX);
        looked.add(slot::IN_PORT);
        self.look(&looked);
        let at = self.part(|parts| &mut parts.resumes, Arc::new(resume));
        self.emit(Op::Recirculate(at));
    }
}

/// Whether a field is of layer 3 or above.
fn is_packet_field(field: &Field) -> bool {
    let word = field.slot.word;
    (2..slot::WIRE_WORDS as u8).contains(&word) && !matches!(field.slot, slot::DL_SRC) || field.slot == slot::NW_FRAG
}
