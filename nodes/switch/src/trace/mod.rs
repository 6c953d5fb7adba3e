//! A translation in words: what `ofproto/trace` prints and `explain` reads.
//!
//! [`Trace`] prints in the layout of Open vSwitch's `ofproto/trace`. The lines are a tree: what an action leads to
//! stands deeper, but for what comes last, which goes on at the depth of the list that led to it.
//!
//! Open vSwitch's trace ends where a frame is read again behind MPLS labels; this one goes on, if it was given a frame. Of a
//! `select` group by the datapath's hash the real one shows no bucket, this one all that may be chosen.

mod actions;
mod command;
mod datapath_flow;
mod ends;
mod mirrors;
mod nearest;
mod record;
mod run;

pub(crate) use actions::Actions;
pub(crate) use command::{trace, trace_packet_out};

use crate::translate::Failure;
use packet::{FlowKey, FlowMask, Match};
use sim_core::{DropArgs, DropReason};
use std::fmt;

/// What became of a frame in a bridge, and why.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The bridge.
    pub bridge: String,
    /// For a frame that was read again, the number of `recirc(1)` in the actions that had it read; else 0.
    pub number: u32,
    /// The frame's key as it came in.
    pub flow: FlowKey,
    /// What was done, in order.
    pub steps: Vec<TraceStep>,
    /// The key in the end.
    pub last: FlowKey,
    /// The bits of the key that mattered.
    pub mask: FlowMask,
    /// The datapath actions in ovs-dpctl's words; `drop` if there are none.
    pub actions: String,
    /// The ports that it leaves by, by name, with the VLAN of its outer tag there (0 for none).
    pub outputs: Vec<(String, u16)>,
    /// Why it dies, if it leaves by none.
    pub dropped: Option<TraceDrop>,
    /// Why it was given up, whatever was done before.
    pub failure: Option<Failure>,
    /// How it goes on where the frame is read again, if there is a frame. Where that leaves by is in
    /// [`Trace::outputs`], and these have none of their own.
    pub behind: Vec<Trace>,
}

/// A line of a trace.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// How deep it stands under what caused it, from 0.
    pub depth: u8,
    /// What it is.
    pub kind: TraceKind,
    /// The words: `0. in_port=1, priority 100`, `output:2`, `no learned MAC for destination, flooding`.
    pub text: String,
}

/// What a line of a trace is.
#[derive(Clone, Debug)]
pub enum TraceKind {
    /// The bridge.
    Bridge,
    /// A lookup.
    Table {
        /// The table.
        table: u8,
        /// The rule that was found, as `ovs-ofctl add-flow` takes it.
        rule: Option<String>,
        /// The rule of the table that came nearest and didn't match, and why: `tp_dst is 80, not 8080`. It is one that
        /// would have been preferred to the one that was found.
        nearest: Option<(String, String)>,
    },
    /// An action.
    Action,
    /// What follows the tables: the action set, or a frame that was read again.
    Section,
    /// How an action went.
    Detail,
    /// An action did nothing, or less than it says.
    Warning,
    /// Something is wrong.
    Error,
}

/// Why a traced frame dies.
#[derive(Clone, Debug)]
pub struct TraceDrop {
    /// The reason.
    pub reason: DropReason,
    /// The port that refuses it, by name.
    pub port: Option<String>,
    /// What the reason has to say.
    pub args: DropArgs,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Flow: {}", self.flow)?;
        let steps: Vec<&TraceStep> = self.steps.iter().collect();
        lines(f, &steps, 0)?;
        if self.last == self.flow {
            writeln!(f, "\nFinal flow: unchanged")?;
        } else {
            writeln!(f, "\nFinal flow: {}", self.last)?;
        }
        let megaflow = Match { key: self.flow, mask: self.mask }.megaflow();
        write!(f, "Megaflow: {megaflow}\nDatapath actions: {}", self.actions)?;
        if let Some(failure) = self.failure {
            write!(f, "\nTranslation failed ({failure}), packet is dropped.")?;
        }
        if ["set(arp(", "set(nd(", "set(icmp"].iter().any(|set| self.actions.contains(set)) {
            write!(
                f,
                "\nThis flow is handled by the userspace slow path because it:\n  - Uses action(s) not supported by \
                 datapath."
            )?;
        }
        writeln!(f)?;
        let line = "=".repeat(79);
        self.behind.iter().try_for_each(|behind| {
            let number = behind.number;
            write!(f, "\n{line}\nrecirc({number:#x}) - resume with the packet behind the labels\n{line}\n\n{behind}")
        })
    }
}

/// Prints the lines of a depth and, under each, those that it led to.
fn lines(f: &mut fmt::Formatter<'_>, steps: &[&TraceStep], level: usize) -> fmt::Result {
    let Some(depth) = steps.first().map(|step| step.depth) else { return Ok(()) };
    let mut rest = steps;
    while let Some((step, after)) = rest.split_first() {
        let len = after.iter().take_while(|step| step.depth > depth).count();
        let (under, next) = after.split_at(len);
        rest = next;
        let is_list = matches!(step.kind, TraceKind::Bridge | TraceKind::Table { .. } | TraceKind::Section);
        let more = usize::from(!is_list || !next.is_empty());
        let indent = (level + more) * 4;
        let text = &step.text;
        match step.kind {
            TraceKind::Bridge => {
                let line = "-".repeat(text.len());
                writeln!(f, "\n{:indent$}{text}\n{:indent$}{line}", "", "")?;
            }
            TraceKind::Detail => writeln!(f, "{:indent$} -> {text}", "")?,
            TraceKind::Warning => writeln!(f, "{:indent$} >> {text}", "")?,
            TraceKind::Error => writeln!(f, "{:indent$} >>>> {text} <<<<", "")?,
            _ => writeln!(f, "{:indent$}{text}", "")?,
        }
        lines(f, under, level + 2 * more)?;
    }
    Ok(())
}
