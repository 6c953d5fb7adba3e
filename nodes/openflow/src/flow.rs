//! Flows in the words of ovs-ofctl(8), "Flow Syntax".

use std::fmt;

use packet::matcher::MatchErrorKind;
use packet::{Match, nearest};

use crate::action::{self, Action, List};
use crate::error::{FileError, FlowError, FlowErrorKind};
use crate::number;
use crate::text::short;

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
}

impl Flow {
    /// The priority of a flow that names none.
    pub const DEFAULT_PRIORITY: u16 = 0x8000;

    /// Reads a flow: `priority=100,udp,tp_dst=53,actions=output:2`. The actions come last; before
    /// them, words stand in any order with commas or blanks between. A port may have a name that
    /// `ports` knows.
    ///
    /// # Errors
    /// The first wrong word.
    pub fn parse(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Flow, FlowError> {
        let mut flow = Flow { priority: Flow::DEFAULT_PRIORITY, ..Flow::default() };
        // The match, with blanks in place of the other words, so that its errors are in place.
        let mut rest = String::new();
        let mut actions = None;
        for (offset, term) in terms(text) {
            let at = |kind| FlowError::at(text, offset, kind);
            let (word, value) = match term.split_once('=') {
                Some((word, value)) => (word, Some(value)),
                None => (term, None),
            };
            if matches!(word, "actions" | "action") {
                let value = value.ok_or_else(|| at(FlowErrorKind::NoActions))?;
                actions = Some(offset + term.len() - value.len());
                break;
            }
            rest.push_str(&" ".repeat(offset - rest.len()));
            if flow.set(word, value).map_err(at)? {
                rest.push_str(&" ".repeat(term.len()));
            } else {
                rest.push_str(term);
            }
        }
        let actions = actions.ok_or_else(|| FlowError::at(text, text.len(), FlowErrorKind::NoActions))?;
        flow.matched = Match::parse_with(&rest, ports).map_err(|error| hinted(error.into()))?;
        flow.actions = action::parse_at(text, actions, &flow.matched, Some(flow.table), ports)?;
        Ok(flow)
    }

    /// Takes a word that is no part of the match; false if it is none of the known.
    fn set(&mut self, word: &str, value: Option<&str>) -> Result<bool, FlowErrorKind> {
        const U16: &str = "a number from 0 to 65535";
        if IGNORED.contains(&word) {
            return Ok(true);
        }
        let Some(word) = WORDS.iter().copied().find(|known| *known == word) else { return Ok(false) };
        let value = match value {
            None | Some("") => return Err(FlowErrorKind::MissingValue(word, "=10")),
            Some(value) => value,
        };
        let bad = |wanted| FlowErrorKind::Value { word, value: short(value), wanted };
        let u16 = || number::parse::<u16>(value).ok_or_else(|| bad(U16));
        match word {
            "table" => self.table = number::parse(value).ok_or_else(|| bad("a number from 0 to 255"))?,
            // All ones says "no cookie" in a flow mod (OpenFlow 1.3 section 7.3.4.1).
            "cookie" => {
                let cookie = number::parse(value).filter(|cookie| *cookie != u64::MAX);
                self.cookie = cookie.ok_or_else(|| bad("a number below 0xffffffffffffffff"))?;
            }
            "priority" => self.priority = u16()?,
            "idle_timeout" => self.idle_timeout = u16()?,
            _ => self.hard_timeout = u16()?,
        }
        Ok(true)
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

/// Words before the match's.
const WORDS: &[&str] = &["table", "priority", "cookie", "idle_timeout", "hard_timeout"];

/// Words of a dump's statistics.
const IGNORED: &[&str] = &["duration", "n_packets", "n_bytes", "idle_age", "hard_age"];

/// The words of a text and where they begin.
fn terms(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .map(|term| (term.as_ptr().addr() - text.as_ptr().addr(), term))
        .filter(|(_, term)| !term.is_empty())
}

/// An unknown word may be one of a flow's as well as of a match's.
fn hinted(mut error: FlowError) -> FlowError {
    if let FlowErrorKind::Match(MatchErrorKind::Unknown { word, nearest: found }) = &mut error.kind {
        *found = nearest(word, WORDS.iter().copied().chain(["actions"])).or(*found);
    }
    error
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

/// Reads a file of flows, one a line; `#` begins a comment, and blank lines don't count.
///
/// # Errors
/// Every line that is no flow.
pub fn parse_file(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Vec<Flow>, Vec<FileError>> {
    let mut flows = Vec::new();
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        match Flow::parse(line, ports) {
            Ok(flow) => flows.push(flow),
            Err(error) => errors.push(FileError { line: index + 1, error }),
        }
    }
    if errors.is_empty() { Ok(flows) } else { Err(errors) }
}
