//! VLAN tags (IEEE 802.1Q-2018 clause 9): customer tags (0x8100) and service tags (0x88a8).
//!
//! A tag is four bytes between the source address and the type: the tag protocol id, which is
//! what a reader without VLANs takes for the type, and the tag control information (TCI):
//!
//! ```text
//! | dst 6 | src 6 | tpid 2 | pcp 3 bits, dei 1, vid 12 | type 2 | payload
//!                 ^ TAGS_AT
//! ```
//!
//! Pushing and popping moves bytes and is the frame owner's work; [`TAGS_AT`], [`TAG_SIZE`] and
//! [`VlanTag::to_bytes`] say what goes where.

use core::fmt;

use super::{EtherType, VlanId, be16, ethernet};

/// Where the outer tag stands in a frame, in bytes from its start.
pub const TAGS_AT: usize = 12;
/// The size of a tag in bytes.
pub const TAG_SIZE: usize = 4;

/// A VLAN tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VlanTag {
    /// The tag protocol id, 0x8100 or 0x88a8.
    pub tpid: EtherType,
    /// The priority code point, 0..=7.
    pub pcp: u8,
    /// Drop eligible.
    pub dei: bool,
    /// The VLAN id.
    pub vid: VlanId,
}

impl VlanTag {
    /// A customer tag (0x8100) of priority 0.
    pub const fn customer(vid: VlanId) -> Self {
        Self { tpid: EtherType::VLAN, pcp: 0, dei: false, vid }
    }

    /// A service tag (0x88a8) of priority 0.
    pub const fn service(vid: VlanId) -> Self {
        Self { tpid: EtherType::QINQ, pcp: 0, dei: false, vid }
    }

    /// The tag of a tag protocol id and a tag control information.
    #[inline]
    pub const fn from_tci(tpid: EtherType, tci: u16) -> Self {
        Self { tpid, pcp: (tci >> 13) as u8, dei: tci & 0x1000 != 0, vid: VlanId::from_tci(tci) }
    }

    /// The tag control information: priority, drop eligible, VLAN id. Priorities above 7 lose
    /// their upper bits.
    #[inline]
    pub const fn tci(self) -> u16 {
        (self.pcp as u16 & 7) << 13 | (self.dei as u16) << 12 | self.vid.get()
    }

    /// The four bytes that go to [`TAGS_AT`].
    #[inline]
    pub const fn to_bytes(self) -> [u8; TAG_SIZE] {
        let [a, b] = self.tpid.0.to_be_bytes();
        let [c, d] = self.tci().to_be_bytes();
        [a, b, c, d]
    }

    /// The tag that opens the bytes, if they begin with a tag protocol id.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d] = *bytes.first_chunk::<TAG_SIZE>()?;
        let tpid = EtherType(u16::from_be_bytes([a, b]));
        tpid.is_vlan().then(|| Self::from_tci(tpid, u16::from_be_bytes([c, d])))
    }

    /// The size of the tag in bytes.
    pub const fn buffer_len(&self) -> usize {
        TAG_SIZE
    }

    /// Writes the tag.
    ///
    /// # Panics
    /// If the buffer is shorter than [`TAG_SIZE`].
    pub fn emit(&self, buffer: &mut [u8]) {
        buffer[..TAG_SIZE].copy_from_slice(&self.to_bytes());
    }
}

impl fmt::Display for VlanTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vlan {}, p {}{}", self.vid, self.pcp, if self.dei { ", DEI" } else { "" })
    }
}

/// The Ethernet type behind the outer tag, and that tag. Without a tag, or with one that the
/// frame's end cuts, the type is the frame's own. `None` if the frame has no type field.
#[inline]
pub fn outer(bytes: &[u8]) -> Option<(EtherType, Option<VlanTag>)> {
    if bytes.len() < ethernet::HEADER_SIZE {
        return None;
    }
    let ethertype = EtherType(be16(bytes, TAGS_AT));
    if ethertype.is_vlan() && bytes.len() >= ethernet::HEADER_SIZE + TAG_SIZE {
        let tag = VlanTag::from_tci(ethertype, be16(bytes, TAGS_AT + 2));
        return Some((EtherType(be16(bytes, TAGS_AT + TAG_SIZE)), Some(tag)));
    }
    Some((ethertype, None))
}

/// The tags of a frame of any bytes, from the outside in.
pub fn tags(bytes: &[u8]) -> Tags<'_> {
    Tags { bytes, at: TAGS_AT }
}

/// The Ethernet type behind at most `limit` tags and the offset of what follows it. `None` if
/// the frame has no type field.
pub fn payload(bytes: &[u8], limit: usize) -> Option<(EtherType, usize)> {
    let mut tags = tags(bytes);
    tags.by_ref().take(limit).for_each(drop);
    let rest = bytes.get(tags.at..)?;
    (rest.len() >= 2).then(|| (EtherType(be16(rest, 0)), tags.at + 2))
}

/// An iterator over the tags of a frame. A tag counts only if a type follows it.
#[derive(Clone, Debug)]
pub struct Tags<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for Tags<'_> {
    type Item = VlanTag;

    fn next(&mut self) -> Option<VlanTag> {
        let rest = self.bytes.get(self.at..)?;
        if rest.len() < TAG_SIZE + 2 {
            return None;
        }
        let tag = VlanTag::from_bytes(rest)?;
        self.at += TAG_SIZE;
        Some(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QINQ: [u8; 24] = *b"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x88\xa8\x70\x09\x81\x00\x00\x13\x08\x00ab";

    #[test]
    fn two_tags_are_read_from_the_outside_in() {
        let tags: Vec<_> = tags(&QINQ).collect();
        assert_eq!(tags[0].to_string(), "vlan 9, p 3, DEI");
        assert_eq!(tags[1], VlanTag::customer(VlanId::new(19).unwrap()));
        assert_eq!(payload(&QINQ, 2), Some((EtherType::IPV4, 22)));
        assert_eq!(payload(&QINQ, 1), Some((EtherType::VLAN, 18)));
        assert_eq!(outer(&QINQ), Some((EtherType::VLAN, Some(tags[0]))));
        assert_eq!(tags[0].to_bytes(), QINQ[12..16]);
    }

    #[test]
    fn a_tag_cut_by_the_end_is_a_type() {
        assert_eq!(outer(&QINQ[..14]), Some((EtherType::QINQ, None)));
        assert_eq!(outer(&QINQ[..17]), Some((EtherType::QINQ, None)));
        assert_eq!(payload(&QINQ[..18], 2), Some((EtherType::VLAN, 18)));
        assert_eq!(outer(&QINQ[..13]), None);
    }
}
