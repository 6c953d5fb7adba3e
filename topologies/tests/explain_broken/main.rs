//! Three hundred labs that work, each broken by one fault: `explain` names the place of the fault, and the line that it gives
//! makes the lab's check pass again.
//!
//! The labs, who asks whom, the fault and its place come from a seed. A fault is a line at 0.5 s; what `explain` says is
//! added as lines behind it, and the check is run on that.

mod faults;
mod labs;

use faults::{Broken, Fault};
use labs::{Shape, Works};
use sim_core::Seed;
use std::collections::BTreeMap;
use std::fmt::Write;
use topologies::lab::{PingTarget, Transport};
use topologies::run::explain::Outcome::Dropped;
use topologies::run::explain::explain_at_rest;
use topologies::run::{End, Explanation, Question, Session};

/// How many labs are broken.
const LABS: usize = 300;
/// Of these, the least number whose fault's place is named.
const NAMED: usize = 290;
/// Of these, the least number whose check passes with the lines that are given.
const MENDED: usize = 290;

/// Numbers from a seed.
pub struct Dice(sim_core::Stream);

impl Dice {
    fn new(number: u64) -> Self {
        Self(Seed(number).stream("broken labs"))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.below(end as u64) as usize
    }

    /// One of a list.
    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

/// The lab with lines at their times and its check.
fn text(works: &Works, events: &[(&str, &[String])]) -> String {
    let mut text = works.toml.clone();
    for (at, lines) in events {
        for line in *lines {
            let _ = write!(text, "[[events]]\nat = \"{at}\"\ndo = '{line}'\n");
        }
    }
    let at = if works.has_tree { "120s" } else { "3s" };
    let _ = write!(text, "[[checks]]\nat = \"{at}\"\nwithin = \"4s\"\n{}\n", works.check);
    text
}

fn lab(text: &str) -> topologies::Lab {
    let loaded = topologies::parse("broken.toml", text, &[]);
    loaded.unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).lab
}

/// Whether the check passes; `None` if a line can't be done.
fn passes(text: &str) -> Option<bool> {
    let mut session = Session::new(lab(text)).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    session.run(End::Decided);
    let is_done = session.take_errors().is_empty();
    is_done.then(|| session.report().exit_code() == 0)
}

/// What became of a lab that was broken.
struct Outcome {
    shape: Shape,
    fault: Fault,
    is_named: bool,
    is_mended: bool,
    story: String,
}

/// A lab by its number; `None` if the fault doesn't fit it, or doesn't break it.
fn one(number: u64) -> Option<Outcome> {
    let mut dice = Dice::new(number);
    let shape = Shape::ALL[number as usize % Shape::ALL.len()];
    let mut works = labs::make(shape, &mut dice);
    let fault = Fault::any(shape, &mut dice);
    let Broken { lines, places, flow } = faults::plant(fault, &mut works, &mut dice)?;
    let healthy = text(&works, &[]);
    assert_eq!(passes(&healthy), Some(true), "the lab works before it is broken:\n{healthy}");
    let broken = text(&works, &[("500ms", &lines)]);
    if passes(&broken)? {
        return None;
    }
    let lab = lab(&broken);
    let node = |name: &str| lab.find(name).expect("the lab has it");
    let question = Question {
        from: node(&works.from),
        to: PingTarget::Host(node(&works.to)),
        port: works.port.map(|port| (Transport::Tcp, port)),
        size: works.size,
    };
    let said = explain_at_rest(&lab, &question).expect("the lab has run before");
    let mending: Vec<String> = said.remedies.iter().map(|remedy| remedy.line.clone()).collect();
    let at = if works.has_tree { "70s" } else { "2s" };
    let mended = text(&works, &[("500ms", &lines), (at, &mending)]);
    let is_mended = !mending.is_empty() && passes(&mended) == Some(true);
    Some(Outcome {
        shape,
        fault,
        is_named: is_named(&said, &places, flow.as_ref()),
        is_mended,
        story: format!("{number}: {lines:?} at {places:?}, {} to {}\n{said}", works.from, works.to),
    })
}

/// Whether an explanation names one of the places, as that of the fault or as that of what is to be changed; of a fault in
/// flows, the table and the flow as well.
fn is_named(said: &Explanation, places: &[String], wanted: Option<&(u8, Option<String>)>) -> bool {
    let Dropped { at, flow: met, .. } = &said.outcome else { return false };
    let is_met = |(table, part): &(u8, Option<String>)| {
        met.as_ref().is_some_and(|met| match (part, &met.flow) {
            (Some(part), Some(flow)) => met.table == *table && flow.contains(part.as_str()),
            (part, flow) => met.table == *table && part.is_none() && flow.is_none(),
        })
    };
    if !wanted.is_none_or(is_met) {
        return false;
    }
    let at = Some(at);
    at.into_iter().chain(said.remedies.iter().map(|remedy| &remedy.at)).any(|at| places.contains(at))
}

#[test]
fn explain_names_what_was_broken_and_the_line_that_mends_it() {
    let workers = 2;
    let found: Vec<Outcome> = std::thread::scope(|scope| {
        let work = |worker: u64| {
            move || {
                let numbers = (0..).filter(move |number| number % workers == worker);
                numbers.filter_map(one).take(LABS / workers as usize).collect::<Vec<_>>()
            }
        };
        let handles: Vec<_> = (0..workers).map(|worker| scope.spawn(work(worker))).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a worker ends")).collect()
    });
    let mut kinds: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for outcome in &found {
        for kind in [format!("{:?}", outcome.fault), format!("in {:?}", outcome.shape)] {
            let (all, named, mended) = kinds.entry(kind).or_default();
            *all += 1;
            *named += usize::from(outcome.is_named);
            *mended += usize::from(outcome.is_mended);
        }
        if !outcome.is_named || !outcome.is_mended {
            println!("named {}, mended {}: {}", outcome.is_named, outcome.is_mended, outcome.story);
        }
    }
    for (kind, (all, named, mended)) in &kinds {
        println!("{kind:<20} {all:>3} labs, {named:>3} named, {mended:>3} mended");
    }
    let named = found.iter().filter(|outcome| outcome.is_named).count();
    let mended = found.iter().filter(|outcome| outcome.is_mended).count();
    println!("{} labs, {named} named, {mended} mended", found.len());
    assert_eq!(found.len(), LABS);
    assert!(named >= NAMED && mended >= MENDED, "{named} named, {mended} mended");
}
