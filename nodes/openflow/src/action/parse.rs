//! Reading a list of actions: word by word through the table of [`words`](super::words), with what is known of the frames
//! and the order of instructions checked on the way.

use packet::{Match, nearest};

use super::known::Known;
use super::order::Order;
use super::words::{ACTIONS, How};
use super::{Action, send};
use crate::error::{FlowError, FlowErrorKind};
use crate::port::Ports;
use crate::text::{Found, Word, Words, short};

/// How deep lists may stand in lists.
const MAX_DEPTH: usize = 32;

/// Reads actions with commas or blanks between: `mod_vlan_vid:10,output:2`. Nothing, or `drop`, is
/// no action. `matched` is the match of the flow that they belong to.
///
/// # Errors
/// The first wrong word, its column counted in `text`.
pub fn parse_actions(text: &str, matched: &Match, ports: Ports<'_>) -> Result<Vec<Action>, FlowError> {
    parse_at(text, 0, matched, None, ports)
}

/// The same from a byte of the text on, for a flow of a table.
pub(crate) fn parse_at(
    text: &str,
    offset: usize,
    matched: &Match,
    table: Option<u8>,
    ports: Ports<'_>,
) -> Result<Vec<Action>, FlowError> {
    let mut reader = Reader { ports, known: Known::new(matched), table, within: Vec::new() };
    reader.list(Words::from(text, offset)).map_err(|wrong| wrong.within(text))
}

/// Reads actions that belong to no flow: there are no instructions among them, and nothing is known of the frames.
pub(crate) fn parse_free(words: Words<'_>, within: &'static str, ports: Ports<'_>) -> Found<Vec<Action>> {
    let mut reader = Reader { ports, known: Known::new(&Match::ANY), table: None, within: vec![within] };
    reader.known.assume_all();
    reader.list(words)
}

/// What a list is read with.
pub(super) struct Reader<'r> {
    /// The named ports.
    pub(super) ports: Ports<'r>,
    /// What every frame has at this point.
    pub(super) known: Known,
    /// The table of the flow.
    pub(super) table: Option<u8>,
    /// The words whose lists this one stands in.
    within: Vec<&'static str>,
}

impl Reader<'_> {
    /// Reads a list.
    fn list(&mut self, mut words: Words<'_>) -> Found<Vec<Action>> {
        let mut actions = Vec::new();
        let mut order = Order::new(self.within.last().copied());
        let mut dropped = None;
        while let Some(word) = words.next()? {
            if word.name.eq_ignore_ascii_case("drop") {
                word.bare("drop")?;
                dropped = Some(word);
                continue;
            }
            let first = actions.len();
            self.action(&word, &mut actions)?;
            for action in &actions[first..] {
                let checked = order.next(action).and_then(|()| self.known.follow(action));
                checked.map_err(|kind| word.wrong(kind))?;
            }
        }
        match dropped {
            Some(word) if !actions.is_empty() => Err(word.wrong(FlowErrorKind::DropNotAlone)),
            _ => Ok(actions),
        }
    }

    /// Reads one action, which may be carried out as several.
    fn action(&mut self, word: &Word<'_>, into: &mut Vec<Action>) -> Found<()> {
        let Some(entry) = ACTIONS.iter().find(|entry| entry.name.eq_ignore_ascii_case(word.name)) else {
            into.push(self.port(word)?);
            return Ok(());
        };
        match entry.how {
            How::Bare(action) => {
                word.bare(entry.name)?;
                into.push(action());
            }
            How::Value { example, wanted, read } => {
                let value = word.needed(entry.name, example)?;
                into.push(read(value).ok_or_else(|| word.bad(entry.name, wanted))?);
            }
            How::Read(read) => into.push(read(self, word)?),
            How::Several(read) => read(self, word, into)?,
            How::Refused(why) => return Err(word.wrong(FlowErrorKind::NotTaken { word: entry.name, why })),
        }
        Ok(())
    }

    /// A port in place of an action.
    fn port(&self, word: &Word<'_>) -> Found<Action> {
        match send::to_port(word.name, self.ports) {
            Some(action) => word.bare("a port").map(|()| action),
            None => {
                let known = ACTIONS.iter().map(|entry| entry.name).chain(["drop"]);
                let nearest = nearest(word.name, known);
                Err(word.wrong(FlowErrorKind::UnknownAction { word: short(word.name), nearest }))
            }
        }
    }

    /// Reads the list that is the value of a word. What it does to a frame is not known afterwards.
    pub(super) fn nested(&mut self, word: &Word<'_>, name: &'static str) -> Found<Vec<Action>> {
        if self.within.len() == MAX_DEPTH {
            return Err(word.wrong(FlowErrorKind::TooDeep(MAX_DEPTH)));
        }
        let before = self.known.clone();
        self.within.push(name);
        let actions = self.list(word.words());
        self.within.pop();
        self.known = before;
        actions
    }
}
