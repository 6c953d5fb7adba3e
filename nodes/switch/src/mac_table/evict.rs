//! Who goes when the table is full: the oldest entry of the port that has the most, so that a port that makes
//! up addresses drives out its own and nobody else's.
//!
//! Each port has a queue of its entries. An entry that was heard since it was queued gets a second chance at
//! the queue's end (Corbató's clock); after [`CHANCES`] such chances the next one goes all the same, so that the
//! work for one eviction is bounded.

/// How many entries an eviction passes over at most.
pub(super) const CHANCES: usize = 32;
/// No node.
pub(super) const NIL: u32 = u32::MAX;

/// Learnt entries, in a queue for each port.
#[derive(Debug, Default)]
pub(super) struct Queues {
    nodes: Vec<Node>,
    free: Vec<u32>,
    queues: Vec<Queue>,
}

/// A learnt entry.
#[derive(Debug)]
struct Node {
    key: u64,
    /// When it was last heard, as of when it was queued.
    queued: u64,
    port: u16,
    prev: u32,
    next: u32,
}

#[derive(Clone, Debug)]
struct Queue {
    head: u32,
    tail: u32,
    len: usize,
}

impl Queues {
    /// Queues an entry at the end of its port's queue.
    pub(super) fn push(&mut self, key: u64, port: u16, stamp: u64) -> u32 {
        let node = Node { key, queued: stamp, port, prev: NIL, next: NIL };
        let id = match self.free.pop() {
            Some(id) => {
                self.nodes[id as usize] = node;
                id
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        };
        self.link(id);
        id
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, id: u32) {
        self.unlink(id);
        self.free.push(id);
    }

    /// The key of the entry to evict, or `None` if there is no learnt entry. `stamp` tells when a key was last heard.
    pub(super) fn victim(&mut self, stamp: impl Fn(u64) -> u64) -> Option<u64> {
        // The first of the longest: ties go to the lowest port.
        let port = (0..self.queues.len()).rev().max_by_key(|&port| self.queues[port].len)?;
        for _ in 0..CHANCES {
            let id = self.head(port)?;
            let node = &mut self.nodes[id as usize];
            let heard = stamp(node.key);
            if heard == node.queued {
                break;
            }
            node.queued = heard;
            self.unlink(id);
            self.link(id);
        }
        self.head(port).map(|id| self.nodes[id as usize].key)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn head(&self, port: usize) -> Option<u32> {
        Some(self.queues[port].head).filter(|&id| id != NIL)
    }

    fn link(&mut self, id: u32) {
        let port = usize::from(self.nodes[id as usize].port);
        if self.queues.len() <= port {
            self.queues.resize(port + 1, Queue { head: NIL, tail: NIL, len: 0 });
        }
        let queue = &mut self.queues[port];
        queue.len += 1;
        let tail = std::mem::replace(&mut queue.tail, id);
        if tail == NIL {
            queue.head = id;
        } else {
            self.nodes[tail as usize].next = id;
        }
        let node = &mut self.nodes[id as usize];
        (node.prev, node.next) = (tail, NIL);
    }

    fn unlink(&mut self, id: u32) {
        let Node { prev, next, port, .. } = self.nodes[id as usize];
        let queue = &mut self.queues[usize::from(port)];
        queue.len -= 1;
        if prev == NIL {
            queue.head = next;
        } else {
            self.nodes[prev as usize].next = next;
        }
        if next == NIL {
            self.queues[usize::from(port)].tail = prev;
        } else {
            self.nodes[next as usize].prev = prev;
        }
    }
}
