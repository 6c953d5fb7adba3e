//! The event queue: distinct instants, each with a bucket of what happens then.
//!
//! A flood is many arrivals at one instant, so the heap holds instants and not events; the bucket last added to is
//! remembered, and adding to it again is a push. Buckets of one instant that were made apart are joined as the
//! instant is taken. The heap has four children a node, which lie in one cache line. What is in a bucket comes out in the lab's order: arrivals by link direction, then timers by
//! node.

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
    /// The instant last added to, and its bucket.
    last: Option<(Time, u32)>,
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event. The same event at the same time counts once.
    #[inline]
    pub fn push(&mut self, at: Time, event: Event) {
        if let Some((time, bucket)) = self.last
            && time == at
        {
            self.buckets[bucket as usize].push(event.pack());
            return;
        }
        let bucket = self.free.pop().unwrap_or_else(|| {
            self.buckets.push(Vec::new());
            // Room for all of them, so that a queue that runs empty allocates nothing.
            self.free.reserve(self.buckets.len());
            (self.buckets.len() - 1) as u32
        });
        self.buckets[bucket as usize].push(event.pack());
        self.heap.push((at, bucket));
        self.last = Some((at, bucket));
    }

    /// The first instant; [`Time::NEVER`] if there is none.
    #[inline]
    pub fn first(&self) -> Time {
        self.heap.first().map_or(Time::NEVER, |(time, _)| time)
    }

    /// Takes the first instant's events into `into`, in order.
    #[inline]
    pub fn take(&mut self, into: &mut Vec<Event>) {
        into.clear();
        let Some((now, bucket)) = self.heap.pop() else { return };
        self.last = None;
        self.empty(bucket, into);
        while let Some((time, bucket)) = self.heap.first()
            && time == now
        {
            self.heap.pop();
            self.empty(bucket, into);
        }
        if into.len() > 1 {
            into.sort_unstable();
            into.dedup();
        }
    }

    fn empty(&mut self, bucket: u32, into: &mut Vec<Event>) {
        into.extend(self.buckets[bucket as usize].drain(..).map(Event::unpack));
        self.free.push(bucket);
    }
}

/// Instants and their buckets, the earliest first.
#[derive(Debug, Default)]
struct Heap(Vec<(Time, u32)>);

impl Heap {
    const CHILDREN: usize = 4;

    #[inline]
    fn first(&self) -> Option<(Time, u32)> {
        self.0.first().copied()
    }

    #[inline]
    fn push(&mut self, item: (Time, u32)) {
        let mut hole = self.0.len();
        self.0.push(item);
        while hole > 0 {
            let parent = (hole - 1) / Self::CHILDREN;
            if self.0[parent].0 <= item.0 {
                break;
            }
            self.0[hole] = self.0[parent];
            hole = parent;
        }
        self.0[hole] = item;
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, u32)> {
        let first = self.first()?;
        let item = self.0.pop()?;
        let heap = self.0.as_mut_slice();
        if heap.is_empty() {
            return Some(first);
        }
        let mut hole = 0;
        loop {
            let child = hole * Self::CHILDREN + 1;
            let Some(children) = heap.get(child..heap.len().min(child + Self::CHILDREN)) else { break };
            let Some((at, &least)) = children.iter().enumerate().min_by_key(|(_, (time, _))| *time) else { break };
            if least.0 >= item.0 {
                break;
            }
            heap[hole] = least;
            hole = child + at;
        }
        heap[hole] = item;
        Some(first)
    }
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
                    queue.take(&mut taken);
                    let expected: Vec<Event> = twin.iter().take_while(|(t, _)| *t == first).map(|(_, e)| *e).collect();
                    twin.retain(|(t, _)| *t != first);
                    assert_eq!(taken, expected);
                }
            }
        }
    }
}
