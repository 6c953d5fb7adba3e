//! Changes of flow tables (OpenFlow 1.5.1 section 7.3.4.2).

use crate::Flow;

/// A change of a flow table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowMod {
    /// What is done.
    pub command: FlowCommand,
    /// The flow that is added, or whose match, priority and table say which are meant and whose actions they get.
    pub flow: Flow,
    /// The table that is meant; `None` for all, or 0 for `add`.
    pub table: Option<u8>,
    /// Of flows that are changed, removed or shown, those are meant whose cookie agrees in these bits.
    pub cookie_mask: u64,
    /// The cookie that they must have there.
    pub cookie_match: u64,
    /// Whether the cookie of those that are changed is replaced by the flow's.
    pub new_cookie: bool,
    /// Of flows that are removed or shown, those with an output to this port.
    pub out_port: Option<u32>,
    /// Of flows that are removed or shown, those with this group.
    pub out_group: Option<u32>,
    /// Whether adding fails if another flow of the priority overlaps: `check_overlap`.
    pub check_overlap: bool,
    /// Whether changing sets the counters to zero: `reset_counts`.
    pub reset_counts: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowCommand {
    /// Adds, replacing one of the same match and priority.
    Add,
    /// Replaces the actions of all that are no wider.
    Modify,
    /// Of the one with the same match and priority; adds if there is none and no cookie is asked for.
    ModifyStrict,
    /// Removes all that are no wider.
    Delete,
    /// Removes the one with the same match and priority.
    DeleteStrict,
}

impl FlowMod {
    /// A change without conditions.
    pub fn new(command: FlowCommand, flow: Flow) -> Self {
        Self {
            command,
            table: Some(flow.table),
            flow,
            cookie_mask: 0,
            cookie_match: 0,
            new_cookie: false,
            out_port: None,
            out_group: None,
            check_overlap: false,
            reset_counts: false,
        }
    }
}
