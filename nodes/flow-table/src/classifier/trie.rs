//! A set of prefixes that tells of a value which lengths of prefixes it has in the set, and how many of its bits it took to
//! know: a binary trie without nodes of one child, unless a prefix ends there.

use std::ops::BitXor;

/// A number whose highest bits a prefix is.
pub(super) trait Bits: Copy + Eq + BitXor<Output = Self> {
    /// How many highest bits two have in common.
    fn common(self, other: Self) -> u8;
    /// The bit so far behind the highest, 0 or 1.
    fn bit(self, at: u8) -> usize;
    /// Its highest bits, `len` of them, the others zero.
    fn prefix(self, len: u8) -> Self;
}

macro_rules! bits {
    ($($type:ty),*) => {
        $(impl Bits for $type {
            #[inline]
            fn common(self, other: Self) -> u8 {
                (self ^ other).leading_zeros() as u8
            }

            #[inline]
            fn bit(self, at: u8) -> usize {
                (self >> (<$type>::BITS - 1 - u32::from(at)) & 1) as usize
            }

            fn prefix(self, len: u8) -> Self {
                self & !<$type>::MAX.checked_shr(u32::from(len)).unwrap_or(0)
            }
        })*
    };
}

bits!(u32, u128);

/// Prefixes of one bit or more, each as often as it was inserted.
#[derive(Clone, Debug)]
pub(super) struct Trie<V> {
    nodes: Vec<Node<V>>,
    root: Link,
    /// The first of the nodes that are free; the next one is its first child.
    free: Link,
}

/// The number of a node, or [`NONE`].
type Link = u32;
const NONE: Link = Link::MAX;

#[derive(Clone, Copy, Debug)]
struct Node<V> {
    prefix: V,
    /// How often this very prefix was inserted.
    count: u32,
    /// What goes on with a 0 and with a 1.
    children: [Link; 2],
    len: u8,
}

/// What the prefixes say of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Bit `n - 1` is set if the value's highest `n` bits are in the set.
    lens: u128,
    /// So many of the highest bits were looked at: values that agree in them have the same `lens`.
    pub(super) bits: u8,
}

impl Found {
    /// True if the value's prefix of this length, 1 at least, is in the set.
    #[inline]
    pub(super) fn has(&self, len: u8) -> bool {
        self.lens >> (len - 1) & 1 != 0
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { nodes: Vec::new(), root: NONE, free: NONE }
    }
}

impl<V: Bits> Trie<V> {
    /// Looks a value up.
    #[inline]
    pub(super) fn lookup(&self, value: V) -> Found {
        let mut found = Found { lens: 0, bits: 0 };
        let mut link = self.root;
        while let Some(node) = self.nodes.get(link as usize) {
            let common = value.common(node.prefix);
            if common < node.len {
                // The first bit that differs tells.
                found.bits = common + 1;
                return found;
            }
            if node.count > 0 {
                found.lens |= 1 << (node.len - 1);
            }
            if node.children == [NONE; 2] {
                found.bits = node.len;
                return found;
            }
            // The next bit says which child, also if there is none.
            found.bits = node.len + 1;
            link = node.children[value.bit(node.len)];
        }
        found
    }

    /// Puts a prefix in; its length is 1 at least. Bits behind it do not count.
    pub(super) fn insert(&mut self, value: V, len: u8) {
        let prefix = value.prefix(len);
        let mut place = None;
        let mut link = self.root;
        loop {
            let Some(node) = self.nodes.get_mut(link as usize) else {
                return self.put(place, prefix, len, [NONE; 2]);
            };
            let common = prefix.common(node.prefix).min(len).min(node.len);
            if common == node.len && common == len {
                node.count += 1;
                return;
            }
            if common == node.len {
                place = Some((link, prefix.bit(common)));
                link = node.children[prefix.bit(common)];
                continue;
            }
            let mut children = [NONE; 2];
            children[node.prefix.bit(common)] = link;
            if common < len {
                let leaf = self.add(Node { prefix, len, count: 1, children: [NONE; 2] });
                children[prefix.bit(common)] = leaf;
                let fork = self.add(Node { prefix: prefix.prefix(common), len: common, count: 0, children });
                self.set(place, fork);
            } else {
                self.put(place, prefix, len, children);
            }
            return;
        }
    }

    /// Takes a prefix out that was put in.
    pub(super) fn remove(&mut self, value: V, len: u8) {
        let prefix = value.prefix(len);
        let (mut above, mut place) = (None, None);
        let mut link = self.root;
        while let Some(node) = self.nodes.get_mut(link as usize) {
            if node.len < len {
                (above, place) = (place, Some((link, prefix.bit(node.len))));
                link = node.children[prefix.bit(node.len)];
                continue;
            }
            debug_assert!(node.len == len && node.prefix == prefix && node.count > 0, "it was put in");
            node.count = node.count.saturating_sub(1);
            self.tidy(place, link);
            if let Some((parent, _)) = place {
                self.tidy(above, parent);
            }
            return;
        }
    }

    /// Takes a node away that is of no use: no prefix ends there, and there is no fork.
    fn tidy(&mut self, place: Option<(Link, usize)>, link: Link) {
        let node = self.nodes[link as usize];
        let [a, b] = node.children;
        if node.count == 0 && (a == NONE || b == NONE) {
            self.set(place, if a == NONE { b } else { a });
            self.nodes[link as usize].children[0] = self.free;
            self.free = link;
        }
    }

    /// Adds a node for a prefix and hangs it there.
    fn put(&mut self, place: Option<(Link, usize)>, prefix: V, len: u8, children: [Link; 2]) {
        let node = self.add(Node { prefix, len, count: 1, children });
        self.set(place, node);
    }

    /// Hangs a node where a child of another is, or at the root.
    fn set(&mut self, place: Option<(Link, usize)>, link: Link) {
        match place {
            Some((parent, side)) => self.nodes[parent as usize].children[side] = link,
            None => self.root = link,
        }
    }

    fn add(&mut self, node: Node<V>) -> Link {
        if let Some(free) = self.nodes.get_mut(self.free as usize) {
            let link = self.free;
            self.free = free.children[0];
            *free = node;
            return link;
        }
        self.nodes.push(node);
        (self.nodes.len() - 1) as Link
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Prefixes of few values, so that many have a beginning in common.
    fn prefix() -> impl Strategy<Value = (u32, u8)> {
        (
            prop::sample::select(vec![0_u32, 0x0a00_0000, 0x0a01_0000, 0x0a01_0203, 0x8000_0001, u32::MAX]),
            0_u32..4,
            1_u8..33,
        )
            .prop_map(|(value, flip, len)| (value ^ flip << (32 - u32::from(len)), len))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_trie_finds_what_a_list_finds(
            changes in prop::collection::vec((prefix(), any::<prop::sample::Index>(), 0..3), 1..40),
            others in prop::collection::vec((prefix(), any::<u32>()), 10),
        ) {
            let mut trie = Trie::default();
            let mut list: Vec<(u32, u8)> = Vec::new();
            for ((value, len), index, kind) in changes {
                if kind == 0 && !list.is_empty() {
                    let (value, len) = list.swap_remove(index.index(list.len()));
                    trie.remove(value, len);
                } else {
                    list.push((value, len));
                    trie.insert(value, len);
                }
                for ((value, len), noise) in &others {
                    let value = value ^ noise >> len.min(&31);
                    let found = trie.lookup(value);
                    for len in 1..=32 {
                        let has = list.iter().any(|(prefix, known)| *known == len && value.prefix(len) == prefix.prefix(len));
                        prop_assert_eq!(found.has(len), has);
                    }
                    // Any value that begins alike finds the same, with no more bits than it takes.
                    let alike = value.prefix(found.bits) | (!u32::MAX.prefix(found.bits) & noise);
                    prop_assert_eq!(trie.lookup(alike), found);
                    let common = list.iter().map(|(prefix, len)| value.common(*prefix).min(*len)).max().unwrap_or(0);
                    prop_assert!(found.bits <= common + 1);
                }
            }
            for (value, len) in list.drain(..) {
                trie.remove(value, len);
            }
            prop_assert_eq!(trie.root, NONE);
            prop_assert_eq!(trie.lookup(7).bits, 0);
        }
    }

    #[test]
    fn prefixes_of_128_bits_are_told_apart_by_their_last_bit() {
        let mut trie = Trie::default();
        trie.insert(6_u128, 128);
        trie.insert(7, 128);
        assert_eq!((trie.lookup(7).has(128), trie.lookup(7).bits), (true, 128));
        assert_eq!((trie.lookup(5).has(128), trie.lookup(5).bits), (false, 127));
        trie.remove(6, 128);
        assert_eq!((trie.lookup(6).has(128), trie.lookup(1 << 127).bits), (false, 1));
    }
}
