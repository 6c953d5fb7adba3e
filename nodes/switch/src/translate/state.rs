//! What actions change and a clone restores.

use openflow::Action;
use packet::{FlowKey, FlowMask};

/// What actions change and a clone restores.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The key as the actions so far have made it.
    pub flow: FlowKey,
    /// The bits of `flow` that actions have written, which are the same for all frames of the translation.
    pub written: FlowMask,
    /// Values that were pushed, the last one on top, with their lengths in bits.
    pub stack: Vec<(u128, u8)>,
    /// The action set, in the order in which it was written.
    pub action_set: Vec<Action>,
    /// Whether the packet was MPLS, and what is behind the labels isn't known.
    pub was_mpls: bool,
}

impl State {
    pub(super) fn new(key: &FlowKey) -> Self {
        Self { flow: *key, written: FlowMask::EMPTY, stack: Vec::new(), action_set: Vec::new(), was_mpls: false }
    }
}
