//! Flows in the words of ovs-ofctl(8), "Flow Syntax".

use std::fmt;

use packet::Match;

use crate::action::{Action, List};
use crate::error::FlowError;
use crate::flow_mod::{FlowCommand, parse_flow_mod};

/// A flow: which frames it means, and what is done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The table it is in.
    pub table: u8,
    /// Of flows that match a frame, the one of the greatest priority counts.
    pub priority: u16,
    /// A number that means something to who made the flow.
    pub cookie: u64,
    /// The flow goes after so many seconds without a frame; 0 is never.
    pub idle_timeout: u16,
    /// The flow goes after so many seconds; 0 is never.
    pub hard_timeout: u16,
    /// Of flows in a full table, those of the least importance go first.
    pub importance: u16,
    /// What it asks for besides.
    pub flags: FlowFlags,
    /// Which frames it means.
    pub matched: Match,
    /// What is done with them, in this order; they are dropped if there is nothing.
    pub actions: Vec<Action>,
}

/// What a flow asks for besides (ovs-ofctl(8), "Flow Syntax").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowFlags {
    /// Controllers are told when it goes: `send_flow_rem`.
    pub send_flow_rem: bool,
    /// It counts no frames: `no_packet_counts`.
    pub no_packet_counts: bool,
    /// It counts no bytes: `no_byte_counts`.
    pub no_byte_counts: bool,
    /// It was added in place of what was there, counters and all. A flow in words doesn't say it; a change does, see
    /// [`FlowMod`](crate::FlowMod).
    pub reset_counts: bool,
}

impl Flow {
    /// The priority of a flow that names none.
    pub const DEFAULT_PRIORITY: u16 = 0x8000;

    /// Reads a flow as `add-flow` does: `priority=100,udp,tp_dst=53,actions=output:2`. The actions come last; before
    /// them, words stand in any order with commas or blanks between. A port may have a name that `ports` knows.
    ///
    /// # Errors
    /// The first wrong word.
    pub fn parse(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Flow, FlowError> {
        parse_flow_mod(FlowCommand::Add, text, ports).map(|change| change.flow)
    }
}

impl Default for Flow {
    /// The flow of the default priority that drops every frame.
    fn default() -> Flow {
        Flow {
            table: 0,
            priority: Flow::DEFAULT_PRIORITY,
            cookie: 0,
            idle_timeout: 0,
            hard_timeout: 0,
            importance: 0,
            flags: FlowFlags::default(),
            matched: Match::ANY,
            actions: Vec::new(),
        }
    }
}

/// Prints the flow as `ovs-ofctl dump-flows --no-stats` does, defaults left out.
impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cookie != 0 {
            write!(f, "cookie={:#x}, ", self.cookie)?;
        }
        if self.table != 0 {
            write!(f, "table={}, ", self.table)?;
        }
        if self.idle_timeout != 0 {
            write!(f, "idle_timeout={}, ", self.idle_timeout)?;
        }
        if self.hard_timeout != 0 {
            write!(f, "hard_timeout={}, ", self.hard_timeout)?;
        }
        let FlowFlags { send_flow_rem, no_packet_counts, no_byte_counts, reset_counts: _ } = self.flags;
        let flags = [
            ("send_flow_rem", send_flow_rem),
            ("no_packet_counts", no_packet_counts),
            ("no_byte_counts", no_byte_counts),
        ];
        for (word, _) in flags.iter().filter(|(_, set)| *set) {
            write!(f, "{word} ")?;
        }
        if self.importance != 0 {
            write!(f, "importance={}, ", self.importance)?;
        }
        let mut separator = "";
        if self.priority != Flow::DEFAULT_PRIORITY {
            write!(f, "priority={}", self.priority)?;
            separator = ",";
        }
        if !self.matched.is_any() {
            write!(f, "{separator}{}", self.matched)?;
            separator = " ";
        }
        if !separator.is_empty() {
            f.write_str(" ")?;
        }
        write!(f, "actions={}", List(&self.actions))
    }
}
