//! `learn`: how a flow is made from a frame (ovs-actions(7), "The learn action").

use packet::Subfield;

/// Makes a flow from a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learn {
    /// Its table, not 255.
    pub table: u8,
    /// Its priority.
    pub priority: u16,
    /// Its cookie.
    pub cookie: u64,
    /// Seconds without a frame after which it goes; 0 is never.
    pub idle_timeout: u16,
    /// Seconds after which it goes; 0 is never.
    pub hard_timeout: u16,
    /// The idle time-out after FIN or RST.
    pub fin_idle_timeout: u16,
    /// The hard time-out after FIN or RST.
    pub fin_hard_timeout: u16,
    /// Whether controllers are told when it goes.
    pub send_flow_rem: bool,
    /// Whether flows made by the flow go with it.
    pub delete_learned: bool,
    /// How many flows of its cookie there may be; 0 is any number.
    pub limit: u32,
    /// The bit that says whether the limit let it be made.
    pub result: Option<Subfield>,
    /// Its match and actions.
    pub specs: Vec<LearnSpec>,
}

/// A part of a learnt flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LearnSpec {
    /// It matches a value in a subfield: `FIELD[]=VALUE`, `FIELD[]`, `FIELD[]=FIELD[]`.
    Match {
        /// The value.
        source: LearnSource,
        /// What it matches.
        to: Subfield,
    },
    /// It writes a value: `load:VALUE->FIELD[]`.
    Load {
        /// The value.
        source: LearnSource,
        /// What it writes.
        to: Subfield,
    },
    /// It sends to the port that a subfield of the frame names: `output:FIELD[]`.
    Output(Subfield),
}

/// A value of a learnt flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnSource {
    /// A constant.
    Value(u128),
    /// What the frame has there.
    Field(Subfield),
}
