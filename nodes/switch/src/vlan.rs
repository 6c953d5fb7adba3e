//! The rules of VLANs at a port: what comes in, in which VLAN it is, and with which tags it leaves.
//!
//! The modes are those of ovs-vswitchd.conf.db(5), "VLAN configuration"; where its text leaves a case open, the
//! rule is what Open vSwitch 3.1 was seen to do (`tests/real_ovs.rs` compares).

use crate::plan::{PortPlan, PriorityTags, VlanMode, VlanPlan, VlanSet};
use packet::EtherType;
use sim_core::{Frame, Pool};

/// Where the first tag stands in a frame.
const TAGS_AT: usize = 12;
const TAG_SIZE: usize = 4;
const DEI: u16 = 0x1000;

/// A tag without its drop-eligible bit. Without a tag protocol identifier there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// The tag protocol identifier, 0x8100 or 0x88a8.
    pub tpid: u16,
    /// The priority in the upper three bits, the VLAN in the lower twelve.
    pub tci: u16,
}

/// The two outermost tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub [Tag; 2]);

/// A tag that the end of its frame cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutTag;

/// Why a port doesn't take a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A tagged frame on an access port.
    TaggedOnAccess,
    /// The port doesn't carry the frame's VLAN.
    NotCarried,
}

impl Tag {
    /// The VLAN.
    #[inline]
    pub const fn vid(self) -> u16 {
        self.tci & 0xfff
    }

    /// The priority, in its place.
    #[inline]
    const fn pcp(self) -> u16 {
        self.tci & 0xe000
    }

    #[inline]
    const fn to_bytes(self) -> [u8; TAG_SIZE] {
        let [a, b] = self.tpid.to_be_bytes();
        let [c, d] = self.tci.to_be_bytes();
        [a, b, c, d]
    }
}

impl Tags {
    /// The first `limit` tags, 1 or 2, of a frame of at least 14 bytes.
    ///
    /// # Errors
    /// If the type of the frame is a tag's and the frame ends within the tag.
    #[inline]
    pub fn read(frame: &[u8], limit: u8) -> Result<Self, CutTag> {
        let mut tags = Self::default();
        if !is_tag(frame, TAGS_AT) {
            return Ok(tags);
        }
        tags.0[0] = tag_at(frame, TAGS_AT).ok_or(CutTag)?;
        if limit > 1
            && is_tag(frame, TAGS_AT + TAG_SIZE)
            && let Some(tag) = tag_at(frame, TAGS_AT + TAG_SIZE)
        {
            tags.0[1] = tag;
        }
        Ok(tags)
    }

    /// The outer VLAN; 0 without a tag.
    #[inline]
    pub const fn vid(&self) -> u16 {
        self.0[0].vid()
    }

    /// The same with the outer VLAN replaced.
    pub fn in_vlan(&self, vlan: u16) -> Self {
        let tpid = if self.0[0].tpid == 0 { EtherType::VLAN.0 } else { self.0[0].tpid };
        self.with_outer(Tag { tpid, tci: self.0[0].pcp() | vlan })
    }

    #[inline]
    const fn len(&self) -> usize {
        if self.0[0].tpid == 0 {
            0
        } else if self.0[1].tpid == 0 {
            1
        } else {
            2
        }
    }

    const fn pushed(&self, tag: Tag) -> Self {
        Self([tag, self.0[0]])
    }

    const fn popped(&self) -> Self {
        Self([self.0[1], Tag { tpid: 0, tci: 0 }])
    }

    #[inline]
    fn with_outer(&self, tag: Tag) -> Self {
        Self([tag, self.0[1]])
    }
}

impl VlanPlan {
    /// The tags of a frame inside the bridge, the outermost of them that of its VLAN, when it came in with `tags`.
    ///
    /// # Errors
    /// If the port refuses it.
    #[inline]
    pub fn ingress(&self, tags: &Tags) -> Result<Tags, Refused> {
        let outer = tags.0[0];
        let vid = outer.vid();
        match self.mode {
            VlanMode::Access if vid != 0 => Err(Refused::TaggedOnAccess),
            VlanMode::Access => Ok(Tags::default().with_outer(self.native(outer))),
            VlanMode::NativeTagged | VlanMode::NativeUntagged if vid == 0 => Ok(tags.with_outer(self.native(outer))),
            VlanMode::Trunk | VlanMode::NativeTagged | VlanMode::NativeUntagged => {
                if self.trunks_vlan(vid) {
                    Ok(*tags)
                } else {
                    Err(Refused::NotCarried)
                }
            }
            VlanMode::Dot1qTunnel if allows(self.cvlans.as_deref(), vid) => {
                Ok(tags.pushed(Tag { tpid: self.service_tpid, tci: self.tag }))
            }
            VlanMode::Dot1qTunnel => Err(Refused::NotCarried),
        }
    }

    /// Whether a flood of a frame with these tags goes there.
    #[inline]
    pub fn carries(&self, tags: &Tags) -> bool {
        match self.mode {
            VlanMode::Access => tags.vid() == self.tag && tags.0[1].vid() == 0,
            VlanMode::Trunk | VlanMode::NativeTagged | VlanMode::NativeUntagged => self.trunks_vlan(tags.vid()),
            VlanMode::Dot1qTunnel => tags.vid() == self.tag && allows(self.cvlans.as_deref(), tags.0[1].vid()),
        }
    }

    /// The tags with which a frame leaves that has `tags` inside the bridge and came in with `before`.
    #[inline]
    pub fn egress(&self, tags: &Tags, before: &Tags) -> Tags {
        let mut after = match self.mode {
            VlanMode::Access => Tags::default(),
            VlanMode::Trunk | VlanMode::NativeTagged => *tags,
            VlanMode::NativeUntagged if tags.vid() == self.tag => tags.popped(),
            VlanMode::NativeUntagged => *tags,
            VlanMode::Dot1qTunnel => tags.popped(),
        };
        if self.priority_tags != PriorityTags::Never {
            after.0[0].tci = after.vid() | before.0[0].pcp();
        }
        for tag in &mut after.0 {
            let stays = tag.tci != 0 || (self.priority_tags == PriorityTags::Always && tag.tpid != 0);
            *tag = match (stays, tag.tpid) {
                (false, _) => Tag::default(),
                (true, 0) => Tag { tpid: EtherType::VLAN.0, tci: tag.tci },
                (true, _) => *tag,
            };
        }
        if after.0[0].tpid == 0 {
            after.0[1] = Tag::default();
        }
        after
    }

    #[inline]
    fn native(&self, outer: Tag) -> Tag {
        Tag { tpid: if outer.tpid == 0 { EtherType::VLAN.0 } else { outer.tpid }, tci: self.tag | outer.pcp() }
    }

    #[inline]
    fn trunks_vlan(&self, vid: u16) -> bool {
        allows(self.trunks.as_deref(), vid)
    }
}

impl PortPlan {
    /// Whether frames don't go from one to the other.
    #[inline]
    pub fn is_protected_from(&self, other: &Self) -> bool {
        self.is_protected && other.is_protected
    }
}

/// Gives a frame other tags: `before` are those that it has. Tags behind the changed ones stay as they are, with
/// their drop-eligible bits.
pub fn retag(frame: &mut Frame, pool: &mut Pool, before: &Tags, after: &Tags) {
    let (have, want) = (before.len(), after.len());
    let same = (1..=have.min(want)).take_while(|&n| before.0[have - n] == after.0[want - n]).count();
    let (pops, pushes) = (have - same, want - same);
    resize(frame, pool, pops, pushes);
    if pushes > 0 {
        let bytes = frame.bytes_mut(pool);
        for (i, tag) in after.0[..pushes].iter().enumerate() {
            bytes[TAGS_AT + i * TAG_SIZE..][..TAG_SIZE].copy_from_slice(&tag.to_bytes());
        }
    }
}

/// Takes `pops` tags out and makes room for `pushes`, whose bytes are still to be written.
fn resize(frame: &mut Frame, pool: &mut Pool, pops: usize, pushes: usize) {
    if pushes > pops {
        let n = (pushes - pops) * TAG_SIZE;
        frame.prepend(pool, n).copy_within(n..n + TAGS_AT, 0);
    } else if pops > pushes {
        let n = (pops - pushes) * TAG_SIZE;
        frame.bytes_mut(pool).copy_within(..TAGS_AT, n);
        frame.trim_front(n);
    }
}

/// Puts a tag in front of a frame of at least 14 bytes.
pub fn push(frame: &mut Frame, pool: &mut Pool, tag: Tag) {
    resize(frame, pool, 0, 1);
    frame.bytes_mut(pool)[TAGS_AT..TAGS_AT + TAG_SIZE].copy_from_slice(&tag.to_bytes());
}

/// Takes the outermost tag away, if there is one.
pub fn pop(frame: &mut Frame, pool: &mut Pool) {
    if has_tag(frame) {
        resize(frame, pool, 1, 0);
    }
}

/// Whether a frame has a whole tag.
#[inline]
pub fn has_tag(frame: &[u8]) -> bool {
    frame.len() >= TAGS_AT + TAG_SIZE + 2 && is_tag(frame, TAGS_AT)
}

/// Whether a type is that of a tag.
#[inline]
pub(crate) const fn is_tpid(ethertype: u16) -> bool {
    matches!(ethertype, 0x8100 | 0x88a8)
}

#[inline]
fn is_tag(frame: &[u8], at: usize) -> bool {
    frame.get(at..).and_then(|rest| rest.first_chunk()).is_some_and(|&bytes| is_tpid(u16::from_be_bytes(bytes)))
}

/// The tag at an offset, if a type follows it.
#[inline]
fn tag_at(frame: &[u8], at: usize) -> Option<Tag> {
    let &[a, b, c, d, _, _] = frame.get(at..)?.first_chunk::<6>()?;
    Some(Tag { tpid: u16::from_be_bytes([a, b]), tci: u16::from_be_bytes([c, d]) & !DEI })
}

#[inline]
fn allows(vlans: Option<&VlanSet>, vid: u16) -> bool {
    vlans.is_none_or(|vlans| vlans.contains(vid))
}
