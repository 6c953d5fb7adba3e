//! Whole packets, written into a caller's buffer.
//!
//! A packet is written in two steps: [`emit_ethernet`] writes addresses, tag and type and hands
//! back the rest of the buffer; one of the other functions writes the packet there, with right
//! lengths and checksums. For each `emit_x` there is a size to allocate: `x_len` or a constant.
//!
//! | packet | functions |
//! | --- | --- |
//! | ARP request, reply, announcement | [`arp`] |
//! | ICMP echo, error; UDP over IPv4 | [`ipv4`] |
//! | ICMPv6 echo, error; UDP over IPv6; neighbour solicitation, advertisement | [`ipv6`] |
//!
//! All `emit` functions panic on a buffer that is too short or a payload that no packet can
//! hold: both are the program's own numbers.
//!
//! ```
//! use packet::build::{self, Link};
//! use packet::{EtherType, MacAddr};
//!
//! let link = Link { dst: MacAddr::BROADCAST, src: MacAddr([2, 0, 0, 0, 0, 1]), tag: None };
//! let mut buffer = [0; 64];
//! let frame = &mut buffer[..link.len() + build::arp::LEN];
//! let rest = build::emit_ethernet(frame, &link, EtherType::ARP);
//! build::arp::emit_request(rest, link.src, [10, 0, 0, 1].into(), [10, 0, 0, 2].into());
//! assert!(packet::describe(frame).to_string().contains("Request who-has 10.0.0.2"));
//! ```

pub mod arp;
pub mod ipv4;
pub mod ipv6;
mod over_ip;

use crate::wire::{EtherType, MacAddr, VlanTag, ethernet, put16, vlan};

/// What stands before a packet in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The destination address.
    pub dst: MacAddr,
    /// The source address.
    pub src: MacAddr,
    /// The tag, if there is to be one.
    pub tag: Option<VlanTag>,
}

impl Link {
    /// The size of addresses, tag and type in bytes: 14 or 18.
    #[expect(clippy::len_without_is_empty, reason = "a link header is never empty")]
    pub const fn len(&self) -> usize {
        ethernet::HEADER_SIZE + if self.tag.is_some() { vlan::TAG_SIZE } else { 0 }
    }
}

/// Writes addresses, tag and type, and returns the rest of the buffer.
///
/// # Panics
/// If the buffer is shorter than [`Link::len`].
pub fn emit_ethernet<'b>(buffer: &'b mut [u8], link: &Link, ethertype: EtherType) -> &'b mut [u8] {
    let (header, rest) = buffer.split_at_mut(link.len());
    header[..6].copy_from_slice(&link.dst.0);
    header[6..12].copy_from_slice(&link.src.0);
    if let Some(tag) = link.tag {
        header[vlan::TAGS_AT..][..vlan::TAG_SIZE].copy_from_slice(&tag.to_bytes());
    }
    put16(header, link.len() - 2, ethertype.0);
    rest
}

/// Which echo a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// True for the request, false for the reply.
    pub request: bool,
    /// Which sender.
    pub ident: u16,
    /// Which request of it.
    pub seq: u16,
}
