//! The event queue: distinct instants, each with what happens then.
//!
//! A flood is many arrivals at one instant, so the heap holds instants and not events. Most instants have one event, which
//! stands in the heap itself; the events that are added to the same instant right after it share a bucket, to which
//! adding is a push. Entries of one instant that were made apart are joined as the instant is taken. The heap has four
//! children a node, which lie in one cache line. What happens at an instant comes out in the lab's order: arrivals by
//! link direction, then timers by node.

use crate::engine::NodeIx;
use crate::link::DirIx;
use crate::time::Time;

/// What happens. The order is the order within an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A frame arrives at the end of a link direction.
    Arrival(DirIx),
    /// A node wakes.
    Timer(NodeIx),
}

impl Event {
    /// The top bit is the class, so that the numbers sort as the events do.
    const TIMER: u32 = 1 << 31;

    const fn pack(self) -> u32 {
        match self {
            Self::Arrival(dir) => dir.0,
            Self::Timer(node) => node.0 | Self::TIMER,
        }
    }

    const fn unpack(packed: u32) -> Self {
        if packed & Self::TIMER == 0 {
            Self::Arrival(DirIx(packed))
        } else {
            Self::Timer(NodeIx(packed & !Self::TIMER))
        }
    }
}

/// Events by time.
#[derive(Debug, Default)]
pub struct Queue {
    heap: Heap,
    buckets: Vec<Vec<u32>>,
    free: Vec<u32>,
    /// The instant last added to, and its bucket if it has one by now.
    last: Option<(Time, Option<u32>)>,
}

/// An instant in the heap.
#[derive(Clone, Copy, Debug)]
struct Entry {
    time: Time,
    /// An event, or with [`Entry::BUCKET`] a bucket of them.
    what: u32,
    kind: u32,
}

impl Entry {
    const EVENT: u32 = 0;
    const BUCKET: u32 = 1;
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event. The same event at the same time counts once.
    #[inline]
    pub fn push(&mut self, at: Time, event: Event) {
        match self.last {
            Some((time, bucket)) if time == at => self.push_more(at, bucket, event),
            _ => {
                self.heap.push(Entry { time: at, what: event.pack(), kind: Entry::EVENT });
                self.last = Some((at, None));
            }
        }
    }

    /// Adds an event to the instant that was last added to.
    fn push_more(&mut self, at: Time, bucket: Option<u32>, event: Event) {
        let bucket = bucket.unwrap_or_else(|| {
            let bucket = self.free.pop().unwrap_or_else(|| {
                self.buckets.push(Vec::new());
                // Room for all of them, so that a queue that runs empty allocates nothing.
                self.free.reserve(self.buckets.len());
                (self.buckets.len() - 1) as u32
            });
            self.heap.push(Entry { time: at, what: bucket, kind: Entry::BUCKET });
            self.last = Some((at, Some(bucket)));
            bucket
        });
        self.buckets[bucket as usize].push(event.pack());
    }

    /// The first instant; [`Time::NEVER`] if there is none.
    #[inline]
    pub fn first(&self) -> Time {
        self.heap.first().map_or(Time::NEVER, |entry| entry.time)
    }

    /// Takes the first instant's events: gives the event if there is one alone, else puts them into `into`, in order.
    #[inline]
    pub fn take(&mut self, into: &mut Vec<Event>) -> Option<Event> {
        into.clear();
        let first = self.heap.pop()?;
        self.last = None;
        if first.kind == Entry::EVENT && self.first() != first.time {
            return Some(Event::unpack(first.what));
        }
        self.take_all(first, into);
        None
    }

    fn take_all(&mut self, first: Entry, into: &mut Vec<Event>) {
        self.empty(first, into);
        while self.first() == first.time
            && let Some(entry) = self.heap.pop()
        {
            self.empty(entry, into);
        }
        into.sort_unstable();
        into.dedup();
    }

    fn empty(&mut self, entry: Entry, into: &mut Vec<Event>) {
        if entry.kind == Entry::EVENT {
            return into.push(Event::unpack(entry.what));
        }
        into.extend(self.buckets[entry.what as usize].drain(..).map(Event::unpack));
        self.free.push(entry.what);
    }
}

/// Instants, the earliest first. What is taken leaves its place vacant: most events cause one other, which then takes that
/// place, so that the heap is put in order once and not twice.
#[derive(Debug, Default)]
struct Heap {
    entries: Vec<Entry>,
    /// Whether the first place is vacant.
    is_vacant: bool,
}

impl Heap {
    const CHILDREN: usize = 4;

    #[inline]
    fn first(&self) -> Option<Entry> {
        if self.is_vacant {
            return least(&self.entries, 1).map(|at| self.entries[at]);
        }
        self.entries.first().copied()
    }

    #[inline]
    fn push(&mut self, item: Entry) {
        if std::mem::take(&mut self.is_vacant) {
            return self.sink(item);
        }
        let mut hole = self.entries.len();
        self.entries.push(item);
        while hole > 0 {
            let parent = (hole - 1) / Self::CHILDREN;
            if self.entries[parent].time <= item.time {
                break;
            }
            self.entries[hole] = self.entries[parent];
            hole = parent;
        }
        self.entries[hole] = item;
    }

    #[inline]
    fn pop(&mut self) -> Option<Entry> {
        if std::mem::take(&mut self.is_vacant) {
            let last = self.entries.pop()?;
            if self.entries.is_empty() {
                return None;
            }
            self.sink(last);
        }
        let first = self.entries.first().copied()?;
        self.is_vacant = true;
        Some(first)
    }

    /// Puts an entry at the first place, or below, past the entries that are earlier.
    #[inline]
    fn sink(&mut self, item: Entry) {
        let heap = self.entries.as_mut_slice();
        let mut hole = 0;
        while let Some(at) = least(heap, hole * Self::CHILDREN + 1) {
            if heap[at].time >= item.time {
                break;
            }
            heap[hole] = heap[at];
            hole = at;
        }
        heap[hole] = item;
    }
}

/// The place of the earliest of the up to four entries from `from` on. With all four there, the three compares don't
/// branch: which child is the earliest can't be predicted.
#[inline]
fn least(heap: &[Entry], from: usize) -> Option<usize> {
    let rest = heap.get(from..).filter(|rest| !rest.is_empty())?;
    let Some([a, b, c, d]) = rest.first_chunk() else {
        return rest.iter().enumerate().min_by_key(|(_, entry)| entry.time).map(|(i, _)| from + i);
    };
    let (ab, ab_at) = if b.time < a.time { (b.time, 1) } else { (a.time, 0) };
    let (cd, cd_at) = if d.time < c.time { (d.time, 3) } else { (c.time, 2) };
    Some(from + if cd < ab { cd_at } else { ab_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, proptest};
    use std::collections::BTreeSet;

    proptest! {
        /// The naive twin is a sorted set of (time, event).
        #[test]
        fn events_come_in_order_and_once(steps in prop::collection::vec((0_u64..20, 0_u32..8, any::<bool>(), any::<bool>()), 0..300)) {
            let (mut queue, mut twin) = (Queue::new(), BTreeSet::new());
            let (mut now, mut taken) = (0, Vec::new());
            for (after, index, timer, take) in steps {
                let event = if timer { Event::Timer(NodeIx(index)) } else { Event::Arrival(DirIx(index)) };
                let at = Time::from_nanos(now + after);
                queue.push(at, event);
                twin.insert((at, event));
                assert_eq!(queue.first(), twin.first().expect("just added").0);
                if take {
                    let first = queue.first();
                    now = first.as_nanos();
                    if let Some(only) = queue.take(&mut taken) {
                        assert!(taken.is_empty());
                        taken.push(only);
                    }
                    let expected: Vec<Event> = twin.iter().take_while(|(t, _)| *t == first).map(|(_, e)| *e).collect();
                    twin.retain(|(t, _)| *t != first);
                    assert_eq!(taken, expected);
                }
            }
        }
    }
}
