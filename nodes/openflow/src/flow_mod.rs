//! Changes of flow tables (OpenFlow 1.5.1 section 7.3.4.2) in the words of ovs-ofctl(8), "Flow Syntax".

use packet::matcher::MatchErrorKind;
use packet::{Match, nearest};

use crate::Flow;
use crate::action;
use crate::error::{FlowError, FlowErrorKind};
use crate::number;
use crate::port::{self, Ports};
use crate::text::{Found, Word, Words};
use FlowCommand::{Add, Delete, DeleteStrict, Modify, ModifyStrict};

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

impl FlowCommand {
    /// The words of `add-flows` by which a line names its command.
    pub(crate) const WORDS: [(&str, FlowCommand); 5] = [
        ("add", FlowCommand::Add),
        ("modify", FlowCommand::Modify),
        ("modify_strict", FlowCommand::ModifyStrict),
        ("delete", FlowCommand::Delete),
        ("delete_strict", FlowCommand::DeleteStrict),
    ];

    /// The command's word.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, command)| *command == self).map_or("", |(word, _)| word)
    }

    fn deletes(self) -> bool {
        matches!(self, FlowCommand::Delete | FlowCommand::DeleteStrict)
    }
}

/// A word of a flow that is no part of its match.
struct FlowWord {
    name: &'static str,
    /// A value to be shown; empty if it takes none.
    example: &'static str,
    /// The commands that it has a meaning for.
    commands: &'static [FlowCommand],
    read: fn(&mut FlowMod, &Word<'_>, Ports<'_>) -> Found<()>,
}

const fn word(
    name: &'static str,
    example: &'static str,
    commands: &'static [FlowCommand],
    read: fn(&mut FlowMod, &Word<'_>, Ports<'_>) -> Found<()>,
) -> FlowWord {
    FlowWord { name, example, commands, read }
}

const ALL: &[FlowCommand] = &[Add, Modify, ModifyStrict, Delete, DeleteStrict];
const WRITES: &[FlowCommand] = &[Add, Modify, ModifyStrict];
const DELETES: &[FlowCommand] = &[Delete, DeleteStrict];

const U16: &str = "a number from 0 to 65535";

#[rustfmt::skip]
const WORDS: &[FlowWord] = &[
    word("table", "=1", ALL, table),
    word("cookie", "=10", ALL, cookie),
    word("priority", "=10", &[Add, Modify, ModifyStrict, DeleteStrict], |m, w, _| set(&mut m.flow.priority, w, "priority")),
    word("idle_timeout", "=10", WRITES, |m, w, _| set(&mut m.flow.idle_timeout, w, "idle_timeout")),
    word("hard_timeout", "=10", WRITES, |m, w, _| set(&mut m.flow.hard_timeout, w, "hard_timeout")),
    word("importance", "=10", &[Add], |m, w, _| set(&mut m.flow.importance, w, "importance")),
    word("out_port", "=1", DELETES, out_port),
    word("out_group", "=1", DELETES, out_group),
    word("check_overlap", "", WRITES, |m, _, _| flag(&mut m.check_overlap)),
    word("reset_counts", "", WRITES, |m, _, _| flag(&mut m.reset_counts)),
    word("send_flow_rem", "", WRITES, |m, _, _| flag(&mut m.flow.flags.send_flow_rem)),
    word("no_packet_counts", "", WRITES, |m, _, _| flag(&mut m.flow.flags.no_packet_counts)),
    word("no_byte_counts", "", WRITES, |m, _, _| flag(&mut m.flow.flags.no_byte_counts)),
];

/// Words of a dump's statistics, and one without a meaning since long.
const IGNORED: &[&str] = &["duration", "n_packets", "n_bytes", "idle_age", "hard_age", "allow_hidden_fields"];

fn flag(flag: &mut bool) -> Found<()> {
    *flag = true;
    Ok(())
}

fn set(number: &mut u16, word: &Word<'_>, name: &'static str) -> Found<()> {
    *number = word.number(name, U16)?;
    Ok(())
}

fn table(change: &mut FlowMod, word: &Word<'_>, _: Ports<'_>) -> Found<()> {
    let table: u8 = word.number("table", "a number from 0 to 255")?;
    // 255 stands for none in particular.
    change.table = Some(table).filter(|table| *table != u8::MAX);
    Ok(())
}

fn cookie(change: &mut FlowMod, word: &Word<'_>, _: Ports<'_>) -> Found<()> {
    let Some((value, mask)) = word.value.split_once('/') else {
        if change.command.deletes() {
            return Err(word.bad("cookie", "a cookie with a mask, as in cookie=3/-1"));
        }
        // All ones says "no cookie" in a flow mod (OpenFlow 1.3 section 7.3.4.1).
        let cookie = number::parse(word.value).filter(|cookie| *cookie != u64::MAX);
        change.flow.cookie = cookie.ok_or_else(|| word.bad("cookie", "a number below 0xffffffffffffffff"))?;
        change.new_cookie = change.command != Add;
        return Ok(());
    };
    if change.command == Add {
        return Err(word.bad("cookie", "a cookie without a mask: a flow that is added has one"));
    }
    let bits = |text: &str| if text == "-1" { Some(u64::MAX) } else { number::parse(text) };
    let (value, mask) = bits(value).zip(bits(mask)).ok_or_else(|| word.bad("cookie", "two numbers of 64 bits"))?;
    (change.cookie_match, change.cookie_mask) = (value & mask, mask);
    Ok(())
}

fn out_port(change: &mut FlowMod, word: &Word<'_>, ports: Ports<'_>) -> Found<()> {
    let port = port::parse(word.value, ports).ok_or_else(|| word.bad("out_port", port::WANTED))?;
    change.out_port = Some(port).filter(|port| *port != port::ANY);
    Ok(())
}

fn out_group(change: &mut FlowMod, word: &Word<'_>, _: Ports<'_>) -> Found<()> {
    change.out_group = match word.value {
        "any" | "all" => None,
        _ => Some(word.number("out_group", "a group: 0 to 4294967040, or any")?),
    };
    Ok(())
}

/// Reads a change of flows, as the argument of `add-flow`, `mod-flows` or `del-flows`, with `--strict` or without. What
/// `dump-flows` and the like take to choose flows is that of [`FlowCommand::Delete`]. A port may have a name that `ports`
/// knows. Without `table=`, or with 255, all tables are meant, or 0 to add to.
///
/// # Errors
/// The first wrong word.
pub fn parse_flow_mod(
    command: FlowCommand,
    text: &str,
    ports: &dyn Fn(&str) -> Option<u32>,
) -> Result<FlowMod, FlowError> {
    parse_at(command, text, 0, ports)
}

/// The same from a byte of the text on.
pub(crate) fn parse_at(
    command: FlowCommand,
    text: &str,
    offset: usize,
    ports: Ports<'_>,
) -> Result<FlowMod, FlowError> {
    let mut change = FlowMod { table: None, ..FlowMod::new(command, Flow::default()) };
    let (end, actions) = split(text, offset);
    // The match, with blanks in place of the other words, so that its errors are in place.
    let mut matched = " ".repeat(offset);
    let mut words = Words::from(&text[..end], offset);
    while let Some(word) = words.next().map_err(|wrong| wrong.within(text))? {
        if matches!(word.name, "actions" | "action") {
            return Err(FlowError::at(text, word.at, FlowErrorKind::NoActions));
        }
        if change.set(&word, ports).map_err(|wrong| wrong.within(text))? {
            continue;
        }
        matched.push_str(&" ".repeat(word.at - matched.len()));
        matched.push_str(text.get(word.at..word.end).unwrap_or_default());
    }
    if actions.is_none() && !command.deletes() {
        return Err(FlowError::at(text, text.len(), FlowErrorKind::NoActions));
    }
    change.flow.matched = Match::parse_with(&matched, ports).map_err(|error| hinted(text, error.offset, error.kind))?;
    change.flow.table = change.table.unwrap_or_default();
    match actions {
        Some(_) if command.deletes() => {
            let kind = FlowErrorKind::NotFor { word: "actions", command: command.word() };
            return Err(FlowError::at(text, end, kind));
        }
        Some(at) => {
            let table = change.table.or((command == Add).then_some(0));
            change.flow.actions = action::parse_at(text, at, &change.flow.matched, table, ports)?;
        }
        None => {}
    }
    if command == Add {
        change.table = Some(change.flow.table);
    }
    Ok(change)
}

impl FlowMod {
    /// Takes a word that is no part of the match; false if it is none of the known.
    fn set(&mut self, word: &Word<'_>, ports: Ports<'_>) -> Found<bool> {
        if IGNORED.contains(&word.name) {
            return Ok(true);
        }
        let Some(known) = WORDS.iter().find(|known| known.name == word.name) else { return Ok(false) };
        if !known.commands.contains(&self.command) {
            return Err(word.wrong(FlowErrorKind::NotFor { word: known.name, command: self.command.word() }));
        }
        if !known.example.is_empty() {
            word.needed(known.name, known.example)?;
        }
        (known.read)(self, word, ports)?;
        Ok(true)
    }
}

/// Where the words before the actions end, and where the actions begin.
pub(crate) fn split(text: &str, offset: usize) -> (usize, Option<usize>) {
    for (at, _) in text.match_indices("action") {
        let starts = at >= offset && text[..at].chars().next_back().is_none_or(|c| c == ',' || c.is_whitespace());
        let rest = &text[at + "action".len()..];
        if let Some(actions) = rest.strip_prefix('s').unwrap_or(rest).strip_prefix('=').filter(|_| starts) {
            return (at, Some(text.len() - actions.len()));
        }
    }
    (text.len(), None)
}

/// The error about the match. An unknown word may be one of a flow's as well as of a match's.
fn hinted(text: &str, offset: usize, mut kind: MatchErrorKind) -> FlowError {
    if let MatchErrorKind::Unknown { word, nearest: found } = &mut kind {
        *found = nearest(word, WORDS.iter().map(|known| known.name).chain(["actions"])).or(*found);
    }
    FlowError::at(text, offset, FlowErrorKind::Match(kind))
}
