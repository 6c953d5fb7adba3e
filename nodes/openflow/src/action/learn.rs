//! `learn`, both ways (ovs-actions(7), "The learn action").

use std::fmt;

use packet::Subfield;
use packet::field::{Field, Format};

use super::Action;
use super::known::Known;
use super::parse::Reader;
use super::print::Hex;
use super::send::unknown;
use super::write::{bit, fits, same_width, target};
use crate::error::FlowErrorKind;
use crate::port::Ports;
use crate::text::{Found, Word};
use crate::{Flow, Learn, LearnSource, LearnSpec, number, subfield};

/// The words that are no field.
const KEYS: &[&str] = &[
    "table",
    "priority",
    "idle_timeout",
    "hard_timeout",
    "fin_idle_timeout",
    "fin_hard_timeout",
    "cookie",
    "send_flow_rem",
    "delete_learned",
    "limit",
    "result_dst",
    "load",
    "output",
];

impl Default for Learn {
    /// A flow of table 1 and the default priority that drops every frame.
    fn default() -> Learn {
        Learn {
            table: 1,
            priority: Flow::DEFAULT_PRIORITY,
            cookie: 0,
            idle_timeout: 0,
            hard_timeout: 0,
            fin_idle_timeout: 0,
            fin_hard_timeout: 0,
            send_flow_rem: false,
            delete_learned: false,
            limit: 0,
            result: None,
            specs: Vec::new(),
        }
    }
}

/// `learn(KEY[=VALUE],..)`.
pub(super) fn learn(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    const U16: &str = "a number from 0 to 65535";
    const TABLE: &str = "a table: 0 to 254";
    let mut learn = Learn::default();
    // What frames of the learnt flow have.
    let mut learnt = Known::new(&packet::Match::ANY);
    let mut words = word.words();
    while let Some(part) = words.next()? {
        match part.name {
            "table" => match part.number("table", TABLE)? {
                u8::MAX => return Err(part.bad("table", TABLE)),
                table => learn.table = table,
            },
            "priority" => learn.priority = part.number("priority", U16)?,
            "idle_timeout" => learn.idle_timeout = part.number("idle_timeout", U16)?,
            "hard_timeout" => learn.hard_timeout = part.number("hard_timeout", U16)?,
            "fin_idle_timeout" => learn.fin_idle_timeout = part.number("fin_idle_timeout", U16)?,
            "fin_hard_timeout" => learn.fin_hard_timeout = part.number("fin_hard_timeout", U16)?,
            "cookie" => learn.cookie = part.number("cookie", "a number of 64 bits")?,
            "limit" => learn.limit = part.number("limit", "a number of flows from 0 to 4294967295")?,
            "send_flow_rem" => {
                part.bare("send_flow_rem")?;
                learn.send_flow_rem = true;
            }
            "delete_learned" => {
                part.bare("delete_learned")?;
                learn.delete_learned = true;
            }
            "result_dst" => {
                let to = bit(&part, "result_dst", part.needed("result_dst", "=reg0[0]")?)?;
                learn.result = Some(to);
            }
            _ => {
                let spec = spec(&part, reader.ports)?;
                check(&spec, &reader.known, &mut learnt).map_err(|kind| part.wrong(kind))?;
                learn.specs.push(spec);
            }
        }
    }
    Ok(Action::Learn(Box::new(learn)))
}

/// Reads a part of the learnt flow.
fn spec(part: &Word<'_>, ports: Ports<'_>) -> Found<LearnSpec> {
    match part.name {
        "output" => Ok(LearnSpec::Output(subfield::parse(part, part.needed("output", ":in_port")?)?)),
        "load" => load(part),
        name => match subfield::parse(part, name) {
            Ok(to) => Ok(LearnSpec::Match { source: matched(part, &to, ports)?, to }),
            // A word that is nearly one of ours was meant as that.
            Err(wrong) if !name.contains('[') && Field::find_for_subfield(name).is_none() => {
                let other = unknown(part, "learn", KEYS);
                let near = matches!(other.kind, FlowErrorKind::UnknownPart { nearest: Some(_), .. });
                Err(if near { other } else { wrong })
            }
            Err(wrong) => Err(wrong),
        },
    }
}

/// What a field of the learnt flow is matched with: nothing for the frame's own, a subfield, or a value.
fn matched(part: &Word<'_>, to: &Subfield, ports: Ports<'_>) -> Found<LearnSource> {
    if part.value.is_empty() {
        return Ok(LearnSource::Field(*to));
    }
    if let Ok(from) = subfield::parse(part, part.value) {
        same_width(part, &from, to)?;
        return Ok(LearnSource::Field(from));
    }
    if !to.is_whole() {
        let value = number::wide(part.value);
        let value = value.ok_or_else(|| part.bad(to.field.name, "a number or a field of the frame"))?;
        fits(part, to.field.name, value, to)?;
        return Ok(LearnSource::Value(value));
    }
    let wrong = |error| part.wrong(FlowErrorKind::FieldValue { word: "learn", field: to.field.name, error });
    let (value, mask) = to.field.parse_value(part.value, ports).map_err(wrong)?;
    if mask != to.field.slot.max() {
        return Err(part.bad(to.field.name, "a value without a mask: name the bits, as in reg0[0..15]"));
    }
    Ok(LearnSource::Value(value))
}

/// `load:VALUE->SUBFIELD`, `load:SUBFIELD->SUBFIELD`.
fn load(part: &Word<'_>) -> Found<LearnSpec> {
    let (source, to) = part.arrow("load", ":5->reg0[]")?;
    let to = target(part, to)?;
    let source = match number::wide(source) {
        Some(value) => {
            fits(part, "load", value, &to)?;
            LearnSource::Value(value)
        }
        None => {
            let from = subfield::parse(part, source)?;
            same_width(part, &from, &to)?;
            LearnSource::Field(from)
        }
    };
    Ok(LearnSpec::Load { source, to })
}

/// Has the frame what is read, and the learnt flow what is written?
fn check(spec: &LearnSpec, frame: &Known, learnt: &mut Known) -> Result<(), FlowErrorKind> {
    let read = |source: &LearnSource| match source {
        LearnSource::Field(from) => frame.read("learn", from),
        LearnSource::Value(_) => Ok(()),
    };
    match spec {
        LearnSpec::Match { source, to } => {
            read(source)?;
            learnt.write("learn", to.field)?;
            if let LearnSource::Value(value) = source {
                learnt.require(to, *value);
            }
            Ok(())
        }
        LearnSpec::Load { source, to } => {
            read(source)?;
            learnt.write("learn", to.field)
        }
        LearnSpec::Output(from) => frame.read("learn", from),
    }
}

/// Prints the action as a dump of flows does.
impl fmt::Display for Learn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "learn(table={}", self.table)?;
        let numbers = [
            ("idle_timeout", self.idle_timeout, 0),
            ("hard_timeout", self.hard_timeout, 0),
            ("fin_idle_timeout", self.fin_idle_timeout, 0),
            ("fin_hard_timeout", self.fin_hard_timeout, 0),
            ("priority", self.priority, Flow::DEFAULT_PRIORITY),
        ];
        for (name, number, _) in numbers.iter().filter(|(_, number, default)| number != default) {
            write!(f, ",{name}={number}")?;
        }
        if self.send_flow_rem {
            f.write_str(",send_flow_rem")?;
        }
        if self.delete_learned {
            f.write_str(",delete_learned")?;
        }
        if self.cookie != 0 {
            write!(f, ",cookie={:#x}", self.cookie)?;
        }
        if self.limit != 0 {
            write!(f, ",limit={}", self.limit)?;
        }
        if let Some(to) = &self.result {
            write!(f, ",result_dst={}", to)?;
        }
        self.specs.iter().try_for_each(|spec| write!(f, ",{spec}"))?;
        f.write_str(")")
    }
}

impl fmt::Display for LearnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LearnSpec::Match { source: LearnSource::Value(value), to } if to.is_whole() => {
                write!(f, "{}=", to.field.set_name)?;
                match to.field.format {
                    // In a match, such a number has all its digits.
                    Format::Hex(_) => write!(f, "{value:#x}"),
                    _ => to.field.write_value(f, *value, to.field.slot.max()),
                }
            }
            LearnSpec::Match { source: LearnSource::Value(value), to } => write!(f, "{}={}", to, Hex(*value)),
            LearnSpec::Match { source: LearnSource::Field(from), to } if from == to => to.fmt(f),
            LearnSpec::Match { source: LearnSource::Field(from), to } => write!(f, "{}={}", to, from),
            LearnSpec::Load { source: LearnSource::Value(value), to } => {
                write!(f, "load:{}->{}", Hex(*value), to)
            }
            LearnSpec::Load { source: LearnSource::Field(from), to } => {
                write!(f, "load:{}->{}", from, to)
            }
            LearnSpec::Output(from) => write!(f, "output:{}", from),
        }
    }
}
