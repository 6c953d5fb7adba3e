//! A pipeline in both switches, and what they make of frames.

use crate::generate::{Pipeline, Said};
use crate::ours::Ours;
use crate::outcome::{Event, Frame, Outcome};
use crate::peer::Peer;
use std::fmt;

/// A frame of which the two switches make something else.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub pipeline: Pipeline,
    pub frame: Said,
    /// In what they differ.
    pub what: String,
    pub ours: String,
    pub real: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pipeline, frame, what, ours, real } = self;
        writeln!(f, "{what}")?;
        pipeline.groups.iter().chain(&pipeline.flows).try_for_each(|line| writeln!(f, "{line}"))?;
        write!(f, "{}\n--- ours\n{ours}\n--- real\n{real}", frame.words().join(" "))
    }
}

/// Compares frames; gives what the real switch makes of them.
pub fn pipeline(peer: &mut Peer, pipeline: &Pipeline, frames: &[Said]) -> Result<Vec<Outcome>, Box<Disagreement>> {
    peer.install(pipeline).unwrap_or_else(|error| panic!("{error}\n{}", pipeline.flows.join("\n")));
    let disagreement = |frame: &Said, what: String, ours: String, real: String| {
        Box::new(Disagreement { pipeline: pipeline.clone(), frame: frame.clone(), what, ours, real })
    };
    let refused = |error| disagreement(&frames[0], "refused".to_owned(), error, String::new());
    let mut ours = Ours::with(pipeline).map_err(refused)?;
    let mut compare = |frame| {
        let (real, expected) = peer.trace(frame);
        if let Some((port, bytes)) = frame.on_the_wire()
            && !expected.recirculates
        {
            let left = ours.forward(port, &bytes);
            if let Some(what) = other_frames(&left, &expected) {
                return Err(disagreement(frame, what, format!("{left:02x?}"), real));
            }
        }
        let (text, found) = ours.trace(frame);
        match difference(found.as_ref(), &expected) {
            None => Ok(found.expect("it agrees")),
            Some(what) => Err(disagreement(frame, what, text, real)),
        }
    };
    let outcomes: Vec<Outcome> = frames.iter().map(&mut compare).collect::<Result<_, _>>()?;
    // What is learnt behind another extraction, the trace doesn't say.
    if pipeline.learns() && !outcomes.iter().any(|outcome| outcome.recirculates) {
        let (learnt, real) = (ours.learnt_flows(), peer.learnt_flows());
        if learnt != real {
            let what = "the flows that were learnt".to_owned();
            return Err(disagreement(&frames[0], what, learnt.join("\n"), real.join("\n")));
        }
    }
    Ok(outcomes)
}

/// In what two outcomes differ.
pub fn difference(ours: Option<&Outcome>, real: &Outcome) -> Option<String> {
    let Some(ours) = ours else { return Some("no trace".to_owned()) };
    if ours.flow != real.flow {
        return Some("the key of the frame".to_owned());
    }
    let (mut found, mut expected) = (ours.events.clone(), real.events.clone());
    without_dead_port(&mut found);
    without_dead_port(&mut expected);
    if real.recirculates {
        // The real switch's trace ends where a frame is looked at anew.
        found.truncate(expected.len());
    }
    if found != expected {
        return Some(format!("what is done: ours {found:#?}, real {expected:#?}"));
    }
    let differs = !real.recirculates && ours.last != real.last;
    differs.then(|| "the key in the end".to_owned())
}

/// In what the frames that leave differ from those that the real switch's trace says.
fn other_frames(left: &[(u32, Vec<u8>)], real: &Outcome) -> Option<String> {
    let mut expected = real.events.clone();
    without_dead_port(&mut expected);
    let mut expected = Event::outputs(&expected);
    // In the tests the bridge's own port leads nowhere.
    expected.retain(|(port, ..)| *port != "LOCAL");
    for (port, bytes) in left {
        let frame = Frame::of(bytes);
        let is_it = |(to, cut, expected): &(&str, Option<u128>, &Frame)| {
            // Of what was cut, fields may be missing.
            let fits = cut.map_or_else(|| expected.can_be(&frame), |cut| bytes.len() as u128 <= cut);
            *to == port.to_string() && fits
        };
        let Some(at) = expected.iter().position(is_it) else {
            return Some(format!("a frame that leaves: {port} {frame:?}, expected {expected:?}"));
        };
        expected.remove(at);
    }
    (!expected.is_empty()).then(|| format!("a frame that doesn't leave: {expected:?}"))
}

/// The real switch sends to a port without a link, and the device drops. The bridge's own port leads nowhere here, and
/// is one of those to which only the real switch floods.
fn without_dead_port(events: &mut Vec<Event>) {
    let is_dead = |port: &str| port == "LOCAL" || *port == crate::PORTS.to_string();
    events.retain(|event| !matches!(event, Event::Output(port, ..) if is_dead(port)));
    for event in events {
        if let Event::Part(_, inner) = event {
            without_dead_port(inner);
        }
    }
}

/// Leaves out what the disagreement doesn't need.
pub fn shrink(peer: &mut Peer, disagreement: Box<Disagreement>) -> Disagreement {
    let mut smallest = disagreement;
    let kind = |what: &str| what.split(':').next().unwrap_or_default().to_owned();
    'again: loop {
        for smaller in smallest.pipeline.smaller() {
            // What the real switch no longer takes is no example.
            if peer.install(&smaller).is_err() {
                continue;
            }
            if let Err(found) = pipeline(peer, &smaller, std::slice::from_ref(&smallest.frame))
                && kind(&found.what) == kind(&smallest.what)
            {
                smallest = found;
                continue 'again;
            }
        }
        return *smallest;
    }
}
