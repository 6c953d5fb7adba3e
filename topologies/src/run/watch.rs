//! What looks on while a lab runs: captures, counts for checks, and the drops that a check's own frames met.

use super::capture::Captures;
use super::device::{Device, frame_kind};
use super::explain::Record;
use super::names::Names;
use packet::Match;
use sim_core::{DirIx, Drop, DropSite, Frame, NodeIx, PortIx, Seen, Tag, Time, Watch};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most kinds of drops that are kept for one check.
const MAX_DROP_KINDS: usize = 16;

/// Counts the frames of a `frames` check.
#[derive(Debug)]
struct FrameCounter {
    filter: Option<Match>,
    count: u64,
}

/// A tagged frame that came to a port where it shouldn't.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Time,
    pub(crate) node: NodeIx,
    pub(crate) port: PortIx,
    pub(crate) frame: String,
}

/// What is known of the frames of one tag.
#[derive(Debug, Default)]
struct Followed {
    /// Nodes that put one on a wire.
    senders: BTreeSet<NodeIx>,
    drops: DropLog,
    /// Nodes at which none should arrive, and the first that did.
    guarded: BTreeSet<NodeIx>,
    arrival: Option<Arrival>,
    /// What each of them met, for whoever explains it.
    record: Option<Record>,
}

/// The drops that frames met: each kind in words, with how many there were.
#[derive(Debug, Default)]
struct DropLog {
    kinds: Vec<(DropKind, String, u64)>,
    more: u64,
}

/// Drops that read the same.
type DropKind = (DropSite, Drop, &'static str);

impl DropLog {
    /// Counts a drop. In a storm there are millions of a few kinds, so that only the first of a kind is put into words.
    fn add(&mut self, kind: DropKind, describe: impl FnOnce() -> String) {
        if let Some((.., count)) = self.kinds.iter_mut().find(|(known, ..)| *known == kind) {
            *count += 1;
        } else if self.kinds.len() < MAX_DROP_KINDS {
            self.kinds.push((kind, describe(), 1));
        } else {
            self.more += 1;
        }
    }

    /// The drops as one line; empty if there were none.
    fn summary(&self) -> String {
        let text = |(_, text, count): &(DropKind, String, u64)| {
            if *count == 1 { text.clone() } else { format!("{text} ({count} times)") }
        };
        let mut parts: Vec<String> = self.kinds.iter().map(text).collect();
        if self.more > 0 {
            parts.push(format!("{} more drops", self.more));
        }
        parts.join("; ")
    }
}

/// What looks on.
#[derive(Debug)]
pub struct Lookout {
    names: Rc<Names>,
    pub(crate) captures: Captures,
    counters: Vec<FrameCounter>,
    /// Counters by direction.
    counting: BTreeMap<DirIx, Vec<usize>>,
    followed: BTreeMap<Tag, Followed>,
    /// Ends the run at every counted frame and every drop, for checks that wait for one.
    pub(crate) impatient: bool,
    stop: bool,
}

impl Lookout {
    pub(crate) fn new(names: Rc<Names>) -> Self {
        Self {
            names,
            captures: Captures::default(),
            counters: Vec::new(),
            counting: BTreeMap::new(),
            followed: BTreeMap::new(),
            impatient: false,
            stop: false,
        }
    }

    /// Adds a counter; gives its number.
    pub(crate) fn count_frames(&mut self, dirs: Vec<DirIx>, filter: Option<Match>) -> usize {
        let number = self.counters.len();
        for dir in dirs {
            self.counting.entry(dir).or_default().push(number);
        }
        self.counters.push(FrameCounter { filter, count: 0 });
        number
    }

    /// Whether somebody wants to see the frames of a direction.
    pub(crate) fn looks_at(&self, dir: DirIx) -> bool {
        self.captures.has(dir) || self.counting.contains_key(&dir)
    }

    /// What a counter has counted.
    pub(crate) fn counted(&self, number: usize) -> u64 {
        self.counters[number].count
    }

    /// Follows the frames of a tag from now on.
    pub(crate) fn follow(&mut self, tag: Tag) {
        self.followed.entry(tag).or_default();
    }

    /// Follows the frames of a tag, and writes down the first that arrives at one of `nodes`.
    pub(crate) fn guard(&mut self, tag: Tag, nodes: BTreeSet<NodeIx>) {
        self.followed.entry(tag).or_default().guarded = nodes;
    }

    /// The first frame of a tag that arrived where it shouldn't.
    pub(crate) fn arrival(&self, tag: Tag) -> Option<&Arrival> {
        self.followed.get(&tag)?.arrival.as_ref()
    }

    /// Whether a node put a frame of a followed tag on a wire.
    pub(crate) fn has_sent(&self, tag: Tag, node: NodeIx) -> bool {
        self.followed.get(&tag).is_some_and(|followed| followed.senders.contains(&node))
    }

    /// The drops that frames of a followed tag met, in words; empty if none.
    pub(crate) fn drops_of(&self, tag: Tag) -> String {
        self.followed.get(&tag).map(|followed| followed.drops.summary()).unwrap_or_default()
    }

    /// Follows the frames of a tag, and writes down what each of them meets.
    pub(crate) fn record(&mut self, tag: Tag) {
        self.followed.entry(tag).or_default().record = Some(Record::default());
    }

    /// What the frames of a tag met so far, if it is written down.
    pub(crate) fn recorded(&self, tag: Tag) -> Option<&Record> {
        self.followed.get(&tag)?.record.as_ref()
    }

    /// Follows the frames of a tag no longer, and forgets what is known of them.
    pub(crate) fn forget(&mut self, tag: Tag) {
        self.followed.remove(&tag);
    }
}

impl Watch<Device> for Lookout {
    fn seen(&mut self, seen: &Seen<'_>) {
        if seen.arrived
            && let Some(counters) = self.counting.get(&seen.dir)
        {
            for &number in counters {
                let counter = &mut self.counters[number];
                if counter.filter.as_ref().is_none_or(|filter| filter.matches_frame(seen.frame)) {
                    counter.count += 1;
                    self.stop |= self.impatient;
                }
            }
        }
        self.stop |= self.captures.seen(seen, &self.names);
    }

    fn dropped(&mut self, now: Time, site: DropSite, drop: &Drop, frame: &Frame, node: Option<&Device>) {
        self.stop |= self.impatient;
        let Some(followed) = self.followed.get_mut(&frame.tag()) else { return };
        if let Some(record) = &mut followed.record {
            record.dropped(now, site, drop, frame, node);
        }
        let what = frame_kind(frame);
        followed.drops.add((site, *drop, what), || {
            let place = match (site.port, site.port.and_then(|port| node?.inner_port(port))) {
                (_, Some(inner)) => format!("{}:{inner}", self.names.node(site.node)),
                (Some(port), None) => self.names.port(site.node, port),
                (None, None) => self.names.node(site.node).to_owned(),
            };
            let why = node.map_or_else(|| drop.reason.to_string(), |node| node.explain_drop(drop, frame));
            format!("{what} dropped at {place}: {why}")
        });
    }

    fn sent(&mut self, from: NodeIx, tag: Tag) {
        if let Some(followed) = self.followed.get_mut(&tag) {
            followed.senders.insert(from);
        }
    }

    fn arrived(&mut self, now: Time, to: NodeIx, port: PortIx, frame: &Frame, node: &Device) {
        let Some(followed) = self.followed.get_mut(&frame.tag()) else { return };
        if let Some(record) = &mut followed.record {
            record.arrived(now, to, port, frame, node);
        }
        if followed.arrival.is_none() && followed.guarded.contains(&to) {
            followed.arrival = Some(Arrival { at: now, node: to, port, frame: packet::describe(frame).to_string() });
            self.stop = true;
        }
    }

    fn wants_stop(&mut self) -> bool {
        std::mem::take(&mut self.stop)
    }
}
