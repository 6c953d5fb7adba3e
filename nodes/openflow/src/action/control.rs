//! Actions that steer: `resubmit`, `goto_table`, `write_actions`, `clone`, `conjunction` and the like.

use super::parse::Reader;
use super::send::unknown;
use super::{Action, Sample, SampleDirection};
use crate::error::FlowErrorKind;
use crate::port;
use crate::text::{Found, Word};
use crate::{bytes, number};

const U16: &str = "a number from 0 to 65535";
const U32: &str = "a number from 0 to 4294967295";
const U64: &str = "a number of 64 bits";
const TABLE: &str = "a table: 0 to 254";

/// A table that a frame can go to.
fn table(text: &str) -> Option<u8> {
    number::parse(text).filter(|table| *table != u8::MAX)
}

/// `resubmit:PORT`, `resubmit([PORT],[TABLE][,ct])`.
pub(super) fn resubmit(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let mut parts = word.value.split(',').map(str::trim);
    let port = parts.next().unwrap_or_default();
    let in_port = match port {
        "" => None,
        _ => Some(port::parse(port, reader.ports).ok_or_else(|| word.bad_part("resubmit", port, port::WANTED))?),
    };
    let table = match parts.next().unwrap_or_default() {
        "" => None,
        text => Some(table(text).ok_or_else(|| word.bad_part("resubmit", text, TABLE))?),
    };
    let ct = match parts.next() {
        None => false,
        Some("ct") => true,
        Some(text) => return Err(word.bad_part("resubmit", text, "`ct`, the only word behind the table")),
    };
    let in_port = in_port.filter(|port| *port != port::IN_PORT);
    if in_port.is_none() && table.is_none() || parts.next().is_some() {
        return Err(word.wrong(FlowErrorKind::MissingValue("resubmit", "(,1) for table 1")));
    }
    Ok(Action::Resubmit { in_port, table, ct })
}

/// `goto_table:TABLE`.
pub(super) fn goto_table(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let to = table(word.needed("goto_table", ":1")?).ok_or_else(|| word.bad("goto_table", TABLE))?;
    match reader.table {
        Some(from) if to <= from => Err(word.wrong(FlowErrorKind::Backwards { from, to })),
        _ => Ok(Action::GotoTable(to)),
    }
}

/// `write_actions(ACTION,..)`.
pub(super) fn write_actions(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    Ok(Action::WriteActions(reader.nested(word, "write_actions")?))
}

/// `clone(ACTION,..)`.
pub(super) fn clone(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    Ok(Action::Clone(reader.nested(word, "clone")?))
}

/// `write_metadata:VALUE[/MASK]`.
pub(super) fn write_metadata(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let text = word.needed("write_metadata", ":5")?;
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (number::parse(value), number::parse(mask)),
        None => (number::parse(text), Some(u64::MAX)),
    };
    match (value, mask) {
        (Some(value), Some(mask)) => Ok(Action::WriteMetadata { value, mask }),
        _ => Err(word.bad("write_metadata", U64)),
    }
}

/// `dec_ttl`, `dec_ttl(ID,..)`.
pub(super) fn dec_ttl(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let mut ids = Vec::new();
    let mut words = word.words();
    while let Some(part) = words.next()? {
        ids.push(number::parse(part.name).ok_or_else(|| part.bad_part("dec_ttl", part.name, U16))?);
    }
    Ok(Action::DecTtl(ids))
}

/// `conjunction(ID,K/N)`.
pub(super) fn conjunction(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let value = word.needed("conjunction", "(1,1/2)")?;
    let parts = value.split_once(',').and_then(|(id, rest)| Some((id, rest.split_once('/')?)));
    let numbers = parts.and_then(|(id, (clause, n_clauses))| {
        let [clause, n_clauses] = [clause, n_clauses].map(|text| number::parse::<u8>(text.trim()));
        Some((number::parse(id.trim())?, clause?, n_clauses?))
    });
    match numbers {
        Some((id, clause, n_clauses @ 2..=64)) if (1..=n_clauses).contains(&clause) => {
            Ok(Action::Conjunction { id, clause: clause - 1, n_clauses })
        }
        _ => Err(word.bad("conjunction", "ID,K/N with K from 1 to N and N from 2 to 64")),
    }
}

/// `note:HH..`.
pub(super) fn note(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let mut note = bytes::parse(word.value).ok_or_else(|| word.bad("note", bytes::WANTED))?;
    // An OpenFlow message has room for 6 bytes, 14, and so on, and no place for how many were meant.
    note.resize(note.len().saturating_sub(6).next_multiple_of(8) + 6, 0);
    Ok(Action::Note(note))
}

/// `sample(KEY[=VALUE],..)`.
pub(super) fn sample(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    const PROBABILITY: &str = "how many of 65535 frames: 1 to 65535";
    const KEYS: &[&str] =
        &["probability", "collector_set_id", "obs_domain_id", "obs_point_id", "sampling_port", "ingress", "egress"];
    let mut sample = Sample {
        probability: 0,
        collector_set_id: 0,
        obs_domain_id: 0,
        obs_point_id: 0,
        sampling_port: port::ANY,
        direction: SampleDirection::Default,
    };
    let mut words = word.words();
    while let Some(part) = words.next()? {
        match part.name {
            "probability" => match part.number("probability", PROBABILITY)? {
                0 => return Err(part.bad("probability", PROBABILITY)),
                probability => sample.probability = probability,
            },
            "collector_set_id" => sample.collector_set_id = part.number("collector_set_id", U32)?,
            "obs_domain_id" => sample.obs_domain_id = part.number("obs_domain_id", U32)?,
            "obs_point_id" => sample.obs_point_id = part.number("obs_point_id", U32)?,
            "sampling_port" => {
                let port = port::parse(part.value, reader.ports);
                sample.sampling_port = port.ok_or_else(|| part.bad("sampling_port", port::WANTED))?;
            }
            "ingress" => sample.direction = SampleDirection::Ingress,
            "egress" => sample.direction = SampleDirection::Egress,
            _ => return Err(unknown(&part, "sample", KEYS)),
        }
    }
    if sample.probability == 0 {
        return Err(word.wrong(FlowErrorKind::MissingValue("sample", "(probability=65535)")));
    }
    Ok(Action::Sample(Box::new(sample)))
}

/// `fin_timeout(KEY=VALUE,..)`.
pub(super) fn fin_timeout(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let (mut idle_timeout, mut hard_timeout) = (0, 0);
    let mut words = word.words();
    while let Some(part) = words.next()? {
        match part.name {
            "idle_timeout" => idle_timeout = part.number("idle_timeout", U16)?,
            "hard_timeout" => hard_timeout = part.number("hard_timeout", U16)?,
            _ => return Err(unknown(&part, "fin_timeout", &["idle_timeout", "hard_timeout"])),
        }
    }
    Ok(Action::FinTimeout { idle_timeout, hard_timeout })
}
