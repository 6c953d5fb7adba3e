//! Reassembly of fragments (RFC 791 section 3.2, RFC 8200 section 4.5), bounded: [`MAX_DATAGRAMS`] at once, each for
//! [`LIFETIME`], none longer than an IP packet.
//!
//! A fragment that was there already is passed over; one that overlaps others in part voids its datagram (RFC 5722).
//! Buffers are used again, so that no datagram allocates in steady state.

use core::net::IpAddr;

use packet::IpProtocol;
use sim_core::{Duration, Time};

/// The most datagrams in reassembly; a further one takes the oldest one's place.
pub const MAX_DATAGRAMS: usize = 16;
/// How long a datagram may take to come together.
pub const LIFETIME: Duration = Duration::from_secs(30);
/// The most bytes of a datagram.
const MAX_SIZE: usize = 65535;
/// Fragments begin at multiples of so many bytes.
const BLOCK: usize = 8;

/// What all fragments of a datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DatagramKey {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) ident: u32,
    /// The protocol, in IPv4; RFC 8200 doesn't tell datagrams apart by it.
    pub(crate) protocol: IpProtocol,
}

/// A fragment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment<'a> {
    /// Where its bytes belong, a multiple of 8.
    pub(crate) offset: usize,
    /// Whether others follow it.
    pub(crate) more: bool,
    /// The protocol of the whole, which only an IPv6 datagram's first fragment knows.
    pub(crate) protocol: IpProtocol,
    pub(crate) bytes: &'a [u8],
}

/// A fragment that can't be one: it ends beyond the longest datagram or contradicts the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadFragment;

#[derive(Debug)]
struct Datagram {
    key: DatagramKey,
    since: Time,
    protocol: IpProtocol,
    bytes: Vec<u8>,
    /// A bit for each block that is there.
    blocks: Vec<u64>,
    /// How many blocks are there.
    filled: usize,
    /// The size of the whole, once the last fragment was there.
    size: Option<usize>,
}

/// Datagrams that come together.
#[derive(Debug, Default)]
pub(crate) struct Reassembly {
    /// The oldest first.
    open: Vec<Datagram>,
    spare: Vec<Datagram>,
    /// Datagrams given up: too old, displaced or contradictory.
    given_up: u64,
}

impl Reassembly {
    /// Adds a fragment. Gives protocol and bytes of the datagram if that completes it; hand the bytes back with
    /// [`Reassembly::recycle`].
    pub(crate) fn add(
        &mut self,
        now: Time,
        key: DatagramKey,
        fragment: Fragment<'_>,
    ) -> Result<Option<Whole>, BadFragment> {
        let Fragment { offset, more, bytes, .. } = fragment;
        let end = offset + bytes.len();
        if end > MAX_SIZE || bytes.is_empty() || (more && !bytes.len().is_multiple_of(BLOCK)) {
            return Err(BadFragment);
        }
        while self.open.first().is_some_and(|first| now.since(first.since) > LIFETIME) {
            self.give_up(0);
        }
        let at = match self.open.iter().position(|datagram| datagram.key == key) {
            Some(at) => at,
            None => {
                if self.open.len() == MAX_DATAGRAMS {
                    self.give_up(0);
                }
                let datagram = self.begin(now, key);
                self.open.push(datagram);
                self.open.len() - 1
            }
        };
        match self.open[at].add(fragment) {
            Err(bad) => {
                self.give_up(at);
                Err(bad)
            }
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(Whole(self.open.remove(at)))),
        }
    }

    /// Takes the buffers of a datagram back for further ones.
    pub(crate) fn recycle(&mut self, whole: Whole) {
        self.spare.push(whole.0);
    }

    /// Datagrams given up so far: too old, displaced or contradictory.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up
    }

    fn begin(&mut self, now: Time, key: DatagramKey) -> Datagram {
        match self.spare.pop() {
            Some(mut datagram) => {
                datagram.bytes.clear();
                datagram.blocks.clear();
                Datagram { key, since: now, protocol: key.protocol, filled: 0, size: None, ..datagram }
            }
            None => Datagram {
                key,
                since: now,
                protocol: key.protocol,
                bytes: Vec::new(),
                blocks: Vec::new(),
                filled: 0,
                size: None,
            },
        }
    }

    fn give_up(&mut self, at: usize) {
        let datagram = self.open.remove(at);
        self.spare.push(datagram);
        self.given_up += 1;
    }
}

/// A datagram that is complete.
#[derive(Debug)]
pub(crate) struct Whole(Datagram);

impl Whole {
    /// The protocol of the bytes.
    pub(crate) fn protocol(&self) -> IpProtocol {
        self.0.protocol
    }

    /// What the fragments carried.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl Datagram {
    /// Adds a fragment; true if the datagram is complete.
    fn add(&mut self, fragment: Fragment<'_>) -> Result<bool, BadFragment> {
        let Fragment { offset, more, protocol, bytes } = fragment;
        let end = offset + bytes.len();
        if self.size.is_some_and(|size| end > size || (!more && end != size)) || (!more && end < self.bytes.len()) {
            return Err(BadFragment);
        }
        let (first, last) = (offset / BLOCK, end.div_ceil(BLOCK));
        if self.blocks.len() * 64 < last {
            self.blocks.resize(last.div_ceil(64), 0);
        }
        let there = (first..last).filter(|block| self.blocks[block / 64] >> (block % 64) & 1 == 1).count();
        match there {
            0 => {}
            all if all == last - first => return Ok(false),
            _ => return Err(BadFragment),
        }
        for block in first..last {
            self.blocks[block / 64] |= 1 << (block % 64);
        }
        self.filled += last - first;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
        if offset == 0 {
            self.protocol = protocol;
        }
        if !more {
            self.size = Some(end);
        }
        Ok(self.size.is_some_and(|size| self.filled == size.div_ceil(BLOCK)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(ident: u32) -> DatagramKey {
        DatagramKey { src: [10, 0, 0, 1].into(), dst: [10, 0, 0, 2].into(), ident, protocol: IpProtocol::ICMP }
    }

    fn fragment(offset: usize, more: bool, bytes: &[u8]) -> Fragment<'_> {
        Fragment { offset, more, protocol: IpProtocol::ICMP, bytes }
    }

    #[test]
    fn an_overlap_voids_the_datagram() {
        let mut r = Reassembly::default();
        assert!(r.add(Time::ZERO, key(1), fragment(0, true, &[1; 16])).expect("good").is_none());
        assert!(r.add(Time::ZERO, key(1), fragment(0, true, &[1; 16])).expect("a duplicate").is_none());
        assert_eq!(r.add(Time::ZERO, key(1), fragment(8, true, &[2; 16])).unwrap_err(), BadFragment);
        assert_eq!((r.given_up(), r.open.len()), (1, 0));
    }

    #[test]
    fn the_seventeenth_datagram_displaces_the_oldest_and_30_seconds_end_one() {
        let mut r = Reassembly::default();
        for ident in 0..17 {
            assert!(r.add(Time::ZERO, key(ident), fragment(0, true, &[1; 8])).expect("good").is_none());
        }
        assert_eq!(r.given_up(), 1);
        assert!(r.add(Time::ZERO, key(1), fragment(8, false, &[2; 3])).expect("good").is_some());
        let late = Time::ZERO + LIFETIME + Duration::from_nanos(1);
        assert!(r.add(late, key(2), fragment(8, false, &[2; 3])).expect("good").is_none());
        assert_eq!(r.given_up(), 16);
    }

    #[test]
    fn what_ends_beyond_the_longest_packet_or_the_last_fragment_is_bad() {
        let mut r = Reassembly::default();
        assert!(r.add(Time::ZERO, key(1), fragment(65528, false, &[0; 8])).is_err());
        assert!(r.add(Time::ZERO, key(1), fragment(0, true, &[0; 9])).is_err());
        assert!(r.add(Time::ZERO, key(1), fragment(8, false, &[0; 4])).expect("good").is_none());
        assert!(r.add(Time::ZERO, key(1), fragment(16, false, &[0; 4])).is_err());
    }

    proptest! {
        #[test]
        fn fragments_in_any_order_give_the_whole(
            data in prop::collection::vec(any::<u8>(), 1..600),
            cuts in prop::collection::btree_set(1usize..75, 0..10),
            order in any::<u64>(),
        ) {
            let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut * 8).filter(|cut| *cut < data.len()).collect();
            ends.push(data.len());
            let mut parts: Vec<(usize, usize)> = Vec::new();
            for end in ends {
                parts.push((parts.last().map_or(0, |part| part.1), end));
            }
            parts.sort_by_key(|part| (part.0 as u64 + 1).wrapping_mul(order | 1));
            let mut r = Reassembly::default();
            let mut whole = None;
            for (i, (start, end)) in parts.iter().enumerate() {
                let part = fragment(*start, *end < data.len(), &data[*start..*end]);
                whole = r.add(Time::ZERO, key(9), part).expect("fits");
                prop_assert_eq!(whole.is_some(), i == parts.len() - 1);
            }
            let whole = whole.expect("the last part completes it");
            prop_assert_eq!(whole.bytes(), &data[..]);
        }

        #[test]
        fn any_fragments_keep_the_bounds(parts in prop::collection::vec((0u32..20, 0usize..9000, any::<bool>(), 0usize..40), 0..60)) {
            let mut r = Reassembly::default();
            for (ident, block, more, len) in parts {
                let bytes = vec![0; len];
                if let Ok(Some(whole)) = r.add(Time::ZERO, key(ident), fragment(block * 8, more, &bytes)) {
                    prop_assert!(whole.bytes().len() <= MAX_SIZE);
                    r.recycle(whole);
                }
                prop_assert!(r.open.len() <= MAX_DATAGRAMS && r.spare.len() <= MAX_DATAGRAMS + 1);
            }
        }
    }
}
