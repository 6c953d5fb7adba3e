//! IPv6 extension headers (RFC 8200 section 4; AH: RFC 4302 section 2): a bounded walk from the
//! fixed header to the upper layer.
//!
//! Every step takes at least eight bytes, so that the walk ends with the bytes; no header is
//! looked into but the fragment header. Headers with unknown numbers end the walk: only their
//! own standard could say how long they are.

use super::{IpProtocol, be16, put16};

/// A fragment header (RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The number of the header behind this one, in the first fragment.
    pub next_header: IpProtocol,
    /// Where the payload belongs in the whole, in bytes, a multiple of 8.
    pub offset: u16,
    /// True if this is not the last fragment.
    pub more: bool,
    /// The identification, equal in all fragments of a packet.
    pub ident: u32,
}

impl Fragment {
    /// The size of a fragment header in bytes.
    pub const SIZE: usize = 8;

    /// The header in the first eight bytes.
    pub fn parse(bytes: &[u8; Self::SIZE]) -> Self {
        let offset_more = be16(bytes, 2);
        Self {
            next_header: IpProtocol(bytes[0]),
            offset: offset_more & !7,
            more: offset_more & 1 != 0,
            ident: super::be32(bytes, 4),
        }
    }

    /// The size of the header in bytes.
    pub const fn buffer_len(&self) -> usize {
        Self::SIZE
    }

    /// Writes the header.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Fragment::SIZE`].
    pub fn emit(&self, buffer: &mut [u8]) {
        buffer[..2].copy_from_slice(&[self.next_header.0, 0]);
        put16(buffer, 2, self.offset & !7 | u16::from(self.more));
        super::put32(buffer, 4, self.ident);
    }

    /// True for a packet in one piece with a fragment header (an atomic fragment, RFC 6946).
    pub fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }
}

/// Where the walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upper<'a> {
    /// The protocol of the payload. [`IpProtocol::FRAGMENT`] in fragments but the first.
    pub protocol: IpProtocol,
    /// The payload of the upper layer.
    pub payload: &'a [u8],
    /// The fragment header, if one was met and the packet is not in one piece.
    pub fragment: Option<Fragment>,
}

/// Walks the extension headers in `bytes`, the payload of an IPv6 packet whose next header is
/// `next`. `None` if a header is cut by the end of the bytes.
#[inline]
pub fn walk(next: IpProtocol, bytes: &[u8]) -> Option<Upper<'_>> {
    let mut upper = Upper { protocol: next, payload: bytes, fragment: None };
    loop {
        let size = match upper.protocol {
            IpProtocol::HOP_BY_HOP | IpProtocol::ROUTING | IpProtocol::DST_OPTIONS => {
                (usize::from(*upper.payload.get(1)?) + 1) * 8
            }
            IpProtocol::AH => (usize::from(*upper.payload.get(1)?) + 2) * 4,
            IpProtocol::FRAGMENT => Fragment::SIZE,
            _ => return Some(upper),
        };
        // Eight bytes are the least of every header, though an AH could claim to be of that size
        // in its length field alone.
        let header = upper.payload.first_chunk::<{ Fragment::SIZE }>()?;
        let number = upper.protocol;
        let rest = upper.payload.get(size..)?;
        upper.protocol = IpProtocol(header[0]);
        if number == IpProtocol::FRAGMENT {
            let fragment = Fragment::parse(header);
            if !fragment.is_atomic() {
                upper.fragment = Some(fragment);
            }
            if fragment.offset != 0 {
                upper.protocol = IpProtocol::FRAGMENT;
                upper.payload = rest;
                return Some(upper);
            }
        }
        upper.payload = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_walk_ends_at_the_upper_layer() {
        let mut bytes = vec![60, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([51, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(*b"tcp");
        let upper = walk(IpProtocol::HOP_BY_HOP, &bytes).unwrap();
        assert_eq!((upper.protocol, upper.payload), (IpProtocol::TCP, &b"tcp"[..]));
        assert_eq!(upper.fragment, None);
    }

    #[test]
    fn a_later_fragment_has_no_upper_layer() {
        let fragment = Fragment { next_header: IpProtocol::UDP, offset: 1232, more: true, ident: 7 };
        let mut bytes = [0; 10];
        fragment.emit(&mut bytes);
        let upper = walk(IpProtocol::FRAGMENT, &bytes).unwrap();
        assert_eq!(upper.protocol, IpProtocol::FRAGMENT);
        assert_eq!(upper.fragment, Some(fragment));
        assert_eq!(upper.payload, [0, 0]);
    }

    #[test]
    fn a_first_fragment_and_an_atomic_one_have() {
        for (more, expected) in [(true, true), (false, false)] {
            let fragment = Fragment { next_header: IpProtocol::UDP, offset: 0, more, ident: 7 };
            let mut bytes = [0; 8];
            fragment.emit(&mut bytes);
            let upper = walk(IpProtocol::FRAGMENT, &bytes).unwrap();
            assert_eq!(upper.protocol, IpProtocol::UDP);
            assert_eq!(upper.fragment.is_some(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_the_walk_within_them(next: u8, bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(44), Just(60)], 0..100)) {
            if let Some(upper) = walk(IpProtocol(next), &bytes) {
                prop_assert!(bytes.ends_with(upper.payload));
            }
        }
    }
}
