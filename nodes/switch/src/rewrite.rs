//! What actions write into a frame: bits of header fields, with the checksums that cover them.
//!
//! A frame that doesn't have the field stays as it is. Checksums are updated from the old and the new value (RFC
//! 1624), so that one that was wrong stays wrong; so is the CRC of SCTP, which is left alone in a fragment: it covers
//! bytes that are elsewhere. Nothing is written behind the labels of MPLS.

use packet::key::{IpLayer, Layers, UpperLayer, slot};
use packet::wire::{checksum, crc32c};
use packet::{IpProtocol, Slot};
use sim_core::{Frame, Pool};

/// Bits of header fields, as they stand in a word of the [key](packet::FlowKey).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The word.
    pub word: u8,
    /// The bits; those that don't count are zero.
    pub value: u64,
    /// Which of them are written.
    pub mask: u64,
}

/// What a checksum of layer 4 covers of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cover {
    /// It is in the pseudo header.
    Pseudo,
    /// It is in layer 4 itself.
    Upper,
}

impl Bits {
    /// The bits of a slot of the word: value and mask.
    #[inline(always)]
    fn part(&self, slot: Slot) -> Option<(u64, u64)> {
        let max = slot.max() as u64;
        let mask = self.mask >> slot.shift & max;
        (mask != 0).then_some((self.value >> slot.shift & mask, mask))
    }
}

/// Writes the fields of a frame that it has.
#[inline]
pub fn set(frame: &mut Frame, pool: &mut Pool, bits: Bits) {
    let Some(layers) = Layers::of(frame) else { return };
    match bits.word {
        0 => tag(frame, pool, &layers, 0, bits.part(slot::VLAN_TCI)),
        1 => {
            plain(frame, pool, Some(0), 6, bits.part(slot::DL_DST));
            tag(frame, pool, &layers, 1, bits.part(slot::INNER_TCI));
        }
        2 => {
            plain(frame, pool, Some(6), 6, bits.part(slot::DL_SRC));
            if let Some(part) = bits.part(slot::NW_TOS) {
                tos(frame, pool, &layers, part);
            }
            if let Some(part) = bits.part(slot::NW_PROTO) {
                operation(frame, pool, &layers, part);
            }
        }
        3 => {
            if let Some(part) = bits.part(slot::TP_SRC) {
                transport(frame, pool, &layers, 0, part);
            }
            if let Some(part) = bits.part(slot::TP_DST) {
                transport(frame, pool, &layers, 1, part);
            }
            if let Some(part) = bits.part(slot::NW_TTL) {
                ttl(frame, pool, &layers, part);
            }
        }
        4 => {
            address_v4(frame, pool, &layers, 0, bits.part(slot::NW_SRC));
            address_v4(frame, pool, &layers, 1, bits.part(slot::NW_DST));
        }
        5..=8 => address_v6(frame, pool, &layers, bits),
        9 => label_v6(frame, pool, &layers, bits.part(slot::IPV6_LABEL)),
        10..=13 => ndisc_or_arp(frame, pool, &layers, bits),
        14 => {
            plain(frame, pool, layers.label(frame, 0), 4, bits.part(slot::MPLS_LSE[0]));
            plain(frame, pool, layers.label(frame, 1), 4, bits.part(slot::MPLS_LSE[1]));
        }
        15 => plain(frame, pool, layers.label(frame, 2), 4, bits.part(slot::MPLS_LSE[2])),
        // The rest doesn't stand in the frame.
        _ => {}
    }
}

/// Raises the drop precedence of a frame of an Assured Forwarding class (RFC 2597 section 6) by so much, up to the
/// highest.
pub fn raise_drop_precedence(frame: &mut Frame, pool: &mut Pool, by: u8) {
    let Some(layers) = Layers::of(frame) else { return };
    let at = layers.packet;
    let tos = match layers.ip(frame) {
        Some(IpLayer { is_v4: true, .. }) => frame[at + 1],
        Some(IpLayer { is_whole: true, .. }) => frame[at] << 4 | frame[at + 1] >> 4,
        _ => return,
    };
    let (class, precedence) = (tos >> 5, tos >> 3 & 3);
    if (1..=4).contains(&class) && precedence != 0 && tos & 4 == 0 {
        let raised = precedence.saturating_add(by).min(3);
        self::tos(frame, pool, &layers, (u64::from(raised) << 3, 3 << 3));
    }
}

/// The number that stands in up to eight bytes.
#[inline(always)]
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Writes a number of up to eight bytes.
#[inline(always)]
fn put(frame: &mut Frame, pool: &mut Pool, at: usize, size: usize, number: u64) {
    let bytes = number.to_be_bytes();
    if let Some(place) = frame.bytes_mut(pool).get_mut(at..at + size) {
        place.copy_from_slice(&bytes[8 - size..]);
    }
}

/// Replaces bits of the number at a place; gives the old and the new one if they differ.
#[inline(always)]
fn replace(frame: &mut Frame, pool: &mut Pool, at: usize, size: usize, part: (u64, u64)) -> Option<(u64, u64)> {
    let (value, mask) = (part.0, part.1 & u64::MAX >> (64 - 8 * size));
    let old = number(frame.get(at..at + size)?);
    let new = old & !mask | value & mask;
    if old == new {
        // A frame that others share needs no bytes of its own.
        return None;
    }
    put(frame, pool, at, size, new);
    Some((old, new))
}

/// Replaces bits that no checksum covers.
#[inline(always)]
fn plain(frame: &mut Frame, pool: &mut Pool, at: Option<usize>, size: usize, part: Option<(u64, u64)>) {
    if let (Some(at), Some(part)) = (at, part) {
        replace(frame, pool, at, size, part);
    }
}

/// The control information of a tag, but for its drop-eligible bit: in a key it means that there is a tag.
fn tag(frame: &mut Frame, pool: &mut Pool, layers: &Layers, index: u8, part: Option<(u64, u64)>) {
    let part = part.map(|(value, mask)| (value & 0xefff, mask & 0xefff));
    plain(frame, pool, layers.tag(index).map(|at| at + 2), 2, part);
}

/// The type of service or traffic class, congestion bits and all.
fn tos(frame: &mut Frame, pool: &mut Pool, layers: &Layers, (value, mask): (u64, u64)) {
    match layers.ip(frame) {
        Some(IpLayer { is_v4: true, .. }) => header_v4(frame, pool, layers.packet, 0, 2, (value, mask)),
        Some(IpLayer { is_whole: true, .. }) => {
            replace(frame, pool, layers.packet, 2, (value << 4, mask << 4));
        }
        _ => {}
    }
}

/// The time to live or hop limit.
fn ttl(frame: &mut Frame, pool: &mut Pool, layers: &Layers, (value, mask): (u64, u64)) {
    match layers.ip(frame) {
        Some(IpLayer { is_v4: true, .. }) => header_v4(frame, pool, layers.packet, 8, 2, (value << 8, mask << 8)),
        Some(IpLayer { is_whole: true, .. }) => {
            replace(frame, pool, layers.packet + 7, 1, (value, mask));
        }
        _ => {}
    }
}

/// Bits of an IPv4 header that only its own checksum covers.
#[inline(always)]
fn header_v4(frame: &mut Frame, pool: &mut Pool, packet: usize, offset: usize, size: usize, part: (u64, u64)) {
    if let Some((old, new)) = replace(frame, pool, packet + offset, size, part) {
        update(frame, pool, packet + 10, |sum| checksum::update(sum, old as u16, new as u16));
    }
}

/// Writes what becomes of a checksum.
#[inline(always)]
fn update(frame: &mut Frame, pool: &mut Pool, at: usize, change: impl Fn(u16) -> u16) {
    if let Some(place) = frame.bytes_mut(pool).get_mut(at..at + 2) {
        let sum = change(u16::from_be_bytes([place[0], place[1]]));
        place.copy_from_slice(&sum.to_be_bytes());
    }
}

/// The operation of ARP; above 255 a key has 0.
fn operation(frame: &mut Frame, pool: &mut Pool, layers: &Layers, (value, mask): (u64, u64)) {
    let Some(at) = layers.arp(frame) else { return };
    let written = if frame[at + 6] == 0 { (value, mask) } else { (value & mask, 0xffff) };
    replace(frame, pool, at + 6, 2, written);
}

/// IPv4's or ARP's source (0) or destination (1).
fn address_v4(frame: &mut Frame, pool: &mut Pool, layers: &Layers, which: usize, part: Option<(u64, u64)>) {
    let Some(part) = part else { return };
    if let Some(ip) = layers.ip(frame) {
        let Some((old, new)) =
            (if ip.is_v4 { replace(frame, pool, layers.packet + 12 + which * 4, 4, part) } else { None })
        else {
            return;
        };
        update(frame, pool, layers.packet + 10, |sum| checksum::update32(sum, old as u32, new as u32));
        update_upper(frame, pool, &ip, Cover::Pseudo, old, new);
    } else if let Some(at) = layers.arp(frame) {
        replace(frame, pool, at + 14 + which * 10, 4, part);
    }
}

/// Half of an IPv6 address.
fn address_v6(frame: &mut Frame, pool: &mut Pool, layers: &Layers, bits: Bits) {
    let Some(ip) = layers.ip(frame).filter(|ip| !ip.is_v4) else { return };
    let at = layers.packet + 8 + usize::from(bits.word - 5) * 8;
    let Some((old, new)) = replace(frame, pool, at, 8, (bits.value, bits.mask)) else { return };
    if bits.word < 7 || !ip.is_routed(frame, layers.packet) {
        update_upper(frame, pool, &ip, Cover::Pseudo, old, new);
    }
}

/// IPv6's flow label, which no checksum covers.
fn label_v6(frame: &mut Frame, pool: &mut Pool, layers: &Layers, part: Option<(u64, u64)>) {
    if layers.ip(frame).is_some_and(|ip| !ip.is_v4 && ip.is_whole) {
        plain(frame, pool, Some(layers.packet), 4, part);
    }
}

/// Source (0) or destination (1) port, or type or code of ICMP.
#[inline(always)]
fn transport(frame: &mut Frame, pool: &mut Pool, layers: &Layers, which: usize, part: (u64, u64)) {
    let Some(ip) = layers.ip(frame) else { return };
    let Some(upper) = ip.upper else { return };
    let icmp = if ip.is_v4 { IpProtocol::ICMP } else { IpProtocol::ICMPV6 };
    match upper.protocol {
        IpProtocol::TCP | IpProtocol::UDP if upper.is(frame, upper.protocol) => {
            if let Some((old, new)) = replace(frame, pool, upper.start + which * 2, 2, part) {
                update_upper(frame, pool, &ip, Cover::Upper, old, new);
            }
        }
        IpProtocol::SCTP if upper.is(frame, IpProtocol::SCTP) => sctp(frame, pool, &ip, &upper, which, part),
        protocol if protocol == icmp && upper.is(frame, icmp) => {
            let (value, mask) = (part.0 & 0xff, part.1 & 0xff);
            let shift = 8 - which * 8;
            if let Some((old, new)) = replace(frame, pool, upper.start, 2, (value << shift, mask << shift)) {
                update_upper(frame, pool, &ip, Cover::Upper, old, new);
            }
        }
        _ => {}
    }
}

/// A port of SCTP. What the CRC was off before it is off afterwards.
fn sctp(frame: &mut Frame, pool: &mut Pool, ip: &IpLayer, upper: &UpperLayer, which: usize, part: (u64, u64)) {
    let before = crc32c::sctp(&frame[upper.start..upper.end]);
    if replace(frame, pool, upper.start + which * 2, 2, part).is_none() || ip.is_fragment {
        return;
    }
    let bytes = &mut frame.bytes_mut(pool)[upper.start..upper.end];
    let after = crc32c::sctp(bytes);
    for (place, (before, after)) in bytes[8..12].iter_mut().zip(before.into_iter().zip(after)) {
        *place ^= before ^ after;
    }
}

/// Neighbour discovery's target and link-layer addresses, or ARP's MAC addresses.
fn ndisc_or_arp(frame: &mut Frame, pool: &mut Pool, layers: &Layers, bits: Bits) {
    let part = (bits.value, bits.mask);
    if let Some(at) = layers.arp(frame) {
        let at = match bits.word {
            12 => Some(at + 8),
            13 => Some(at + 18),
            _ => None,
        };
        return plain(frame, pool, at, 6, Some(part));
    }
    let Some(ip) = layers.ip(frame).filter(|ip| !ip.is_v4) else { return };
    let Some(upper) = ip.upper.filter(|upper| upper.is(frame, IpProtocol::ICMPV6)) else { return };
    let Some((target, options)) = upper.ndisc(frame) else { return };
    let (at, size) = match bits.word {
        10 | 11 => (Some(target + usize::from(bits.word - 10) * 8), 8),
        word => (options[usize::from(word - 12)], 6),
    };
    if let Some(at) = at
        && let Some((old, new)) = replace(frame, pool, at, size, part)
    {
        update_upper(frame, pool, &ip, Cover::Upper, old, new);
    }
}

/// Updates the checksum of layer 4 for up to four words that changed. One that is left to the NIC is a plain sum of
/// the pseudo header.
#[inline(always)]
fn update_upper(frame: &mut Frame, pool: &mut Pool, ip: &IpLayer, cover: Cover, old: u64, new: u64) {
    let Some(upper) = ip.upper else { return };
    let offset = match upper.protocol {
        IpProtocol::TCP => 16,
        IpProtocol::UDP => 6,
        IpProtocol::ICMPV6 if !ip.is_v4 => 2,
        IpProtocol::ICMP if ip.is_v4 && cover == Cover::Upper => 2,
        _ => return,
    };
    let at = upper.start + offset;
    if at + 2 > upper.end {
        return;
    }
    let is_udp = upper.protocol == IpProtocol::UDP;
    // Without offloads there is nothing that starts at 0.
    let is_partial = frame.offload().csum_start as usize == upper.start;
    if is_partial && cover == Cover::Upper {
        return;
    }
    let words = |number: u64| [48, 32, 16, 0].map(|shift| (number >> shift) as u16);
    let changed = |sum: u16| {
        let pairs = words(old).into_iter().zip(words(new));
        pairs.fold(sum, |sum, (old, new)| if old == new { sum } else { checksum::update(sum, old, new) })
    };
    update(frame, pool, at, |sum| match sum {
        _ if is_partial => !changed(!sum),
        // A UDP checksum of zero means none (RFC 768).
        0 if is_udp => 0,
        sum => match changed(sum) {
            0 if is_udp => 0xffff,
            sum => sum,
        },
    });
}

#[cfg(test)]
mod tests;
