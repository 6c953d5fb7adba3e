//! What actions write into a frame: addresses, ports, TTL, with the checksums that cover them.
//!
//! A frame that doesn't have the field stays as it is. Checksums are updated from the old and the new value
//! (RFC 1624), so that one that was wrong stays wrong.

use crate::vlan;
use packet::key::slot;
use packet::wire::{checksum, vlan as tags};
use packet::{EtherType, FlowKey, MacAddr, Slot};
use sim_core::{Frame, Pool};

/// Tags behind which an IP header is looked for.
const MAX_TAGS: usize = 2;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

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

/// A header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rewrite {
    /// The destination address.
    EthDst([u8; 6]),
    /// The source address.
    EthSrc([u8; 6]),
    /// IPv4's source, or ARP's sender.
    Ipv4Src(u32),
    /// IPv4's destination, or ARP's target.
    Ipv4Dst(u32),
    /// The upper six bits of the type of service or traffic class.
    Dscp(u8),
    /// The time to live or hop limit.
    Ttl(u8),
    /// The source port of TCP or UDP.
    TpSrc(u16),
    /// The destination port of TCP or UDP.
    TpDst(u16),
}

/// Where things are in an IP packet.
struct Ip {
    at: usize,
    is_v4: bool,
    /// The protocol and place of layer 4, unless it is in another fragment.
    upper: Option<(u8, usize)>,
}

/// Writes the fields of a frame that it has.
pub fn set(frame: &mut Frame, pool: &mut Pool, bits: Bits) {
    let old = FlowKey::extract(0, frame);
    let mut new = old;
    let word = &mut new.words_mut()[usize::from(bits.word)];
    *word = *word & !bits.mask | bits.value & bits.mask;
    if old.vlan_tci() != new.vlan_tci() {
        vlan::set_tci(frame, pool, new.vlan_tci() & 0xefff, 0xefff);
    }
    let mut write = |slot: Slot, what: fn(u64) -> Rewrite| {
        if old.get(slot) != new.get(slot) {
            rewrite(frame, pool, what(new.get(slot) as u64));
        }
    };
    write(slot::DL_DST, |bits| Rewrite::EthDst(MacAddr::from_u64(bits).0));
    write(slot::DL_SRC, |bits| Rewrite::EthSrc(MacAddr::from_u64(bits).0));
    write(slot::NW_SRC, |bits| Rewrite::Ipv4Src(bits as u32));
    write(slot::NW_DST, |bits| Rewrite::Ipv4Dst(bits as u32));
    write(slot::NW_DSCP, |bits| Rewrite::Dscp((bits as u8) << 2));
    write(slot::NW_TTL, |bits| Rewrite::Ttl(bits as u8));
    write(slot::TP_SRC, |bits| Rewrite::TpSrc(bits as u16));
    write(slot::TP_DST, |bits| Rewrite::TpDst(bits as u16));
}

/// Writes a field of a frame that has it.
fn rewrite(frame: &mut Frame, pool: &mut Pool, what: Rewrite) {
    match what {
        Rewrite::EthDst(mac) => write(frame, pool, 0, &mac),
        Rewrite::EthSrc(mac) => write(frame, pool, 6, &mac),
        Rewrite::Ipv4Src(address) => address_v4(frame, pool, 12, address),
        Rewrite::Ipv4Dst(address) => address_v4(frame, pool, 16, address),
        Rewrite::Dscp(dscp) => set_dscp(frame, pool, dscp),
        Rewrite::Ttl(ttl) => set_ttl(frame, pool, ttl),
        Rewrite::TpSrc(port) => tp_port(frame, pool, 0, port),
        Rewrite::TpDst(port) => tp_port(frame, pool, 2, port),
    }
}

fn write(frame: &mut Frame, pool: &mut Pool, at: usize, bytes: &[u8]) {
    if let Some(place) = frame.bytes_mut(pool).get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// The IP packet of a frame, if its header is whole.
fn ip(frame: &[u8]) -> Option<Ip> {
    let (ethertype, at) = tags::payload(frame, MAX_TAGS)?;
    let packet = frame.get(at..)?;
    match ethertype {
        EtherType::IPV4 if packet.len() >= 20 && packet[0] >> 4 == 4 => {
            let header_len = usize::from(packet[0] & 0xf) * 4;
            let is_first = u16::from_be_bytes([packet[6], packet[7]]) & 0x1fff == 0;
            let upper = (is_first && header_len >= 20).then_some((packet[9], at + header_len));
            Some(Ip { at, is_v4: true, upper })
        }
        EtherType::IPV6 if packet.len() >= 40 && packet[0] >> 4 == 6 => {
            Some(Ip { at, is_v4: false, upper: Some((packet[6], at + 40)) })
        }
        _ => None,
    }
}

/// The place of the checksum of layer 4, if there is one.
fn upper_checksum(frame: &[u8], ip: &Ip) -> Option<usize> {
    let (protocol, at) = ip.upper?;
    let place = match protocol {
        TCP => at + 16,
        UDP => at + 6,
        ICMPV6 if !ip.is_v4 => at + 2,
        _ => return None,
    };
    let bytes = frame.get(place..place + 2)?;
    (protocol != UDP || bytes != [0, 0]).then_some(place)
}

/// Updates the checksum of layer 4. One that is left to the NIC is a plain sum of the pseudo header.
fn update_upper(frame: &mut Frame, pool: &mut Pool, ip: &Ip, old: u16, new: u16, in_pseudo_header: bool) {
    let Some(at) = upper_checksum(frame, ip) else { return };
    let is_partial = frame.offload().csum_start != 0;
    if is_partial && !in_pseudo_header {
        return;
    }
    let before = u16::from_be_bytes([frame[at], frame[at + 1]]);
    let after = if is_partial {
        !checksum::update(!before, old, new)
    } else {
        // A UDP checksum of zero would mean none (RFC 768).
        match (checksum::update(before, old, new), ip.upper) {
            (0, Some((UDP, _))) => 0xffff,
            (sum, _) => sum,
        }
    };
    write(frame, pool, at, &after.to_be_bytes());
}

/// Writes a 16-bit word of an IPv4 header and updates its checksum.
fn word_v4(frame: &mut Frame, pool: &mut Pool, ip: usize, offset: usize, new: u16) {
    let bytes = &mut frame.bytes_mut(pool)[ip..];
    let old = u16::from_be_bytes([bytes[offset], bytes[offset + 1]]);
    let sum = u16::from_be_bytes([bytes[10], bytes[11]]);
    bytes[offset..offset + 2].copy_from_slice(&new.to_be_bytes());
    bytes[10..12].copy_from_slice(&checksum::update(sum, old, new).to_be_bytes());
}

fn address_v4(frame: &mut Frame, pool: &mut Pool, offset: usize, address: u32) {
    if let Some((EtherType::ARP, at)) = tags::payload(frame, MAX_TAGS) {
        if frame.len() >= at + 28 {
            write(frame, pool, at + if offset == 12 { 14 } else { 24 }, &address.to_be_bytes());
        }
        return;
    }
    let Some(ip) = ip(frame).filter(|ip| ip.is_v4) else { return };
    for (part, new) in [(0, (address >> 16) as u16), (2, address as u16)] {
        let at = ip.at + offset + part;
        let old = u16::from_be_bytes([frame[at], frame[at + 1]]);
        word_v4(frame, pool, ip.at, offset + part, new);
        update_upper(frame, pool, &ip, old, new, true);
    }
}

fn set_dscp(frame: &mut Frame, pool: &mut Pool, dscp: u8) {
    let Some(ip) = ip(frame) else { return };
    let first = u16::from_be_bytes([frame[ip.at], frame[ip.at + 1]]);
    let dscp = u16::from(dscp & 0xfc);
    if ip.is_v4 {
        word_v4(frame, pool, ip.at, 0, (first & !0xfc) | dscp);
    } else {
        let new = (first & !0x0fc0) | (dscp << 4);
        write(frame, pool, ip.at, &new.to_be_bytes());
    }
}

fn set_ttl(frame: &mut Frame, pool: &mut Pool, ttl: u8) {
    let Some(ip) = ip(frame) else { return };
    if ip.is_v4 {
        let protocol = frame[ip.at + 9];
        word_v4(frame, pool, ip.at, 8, u16::from_be_bytes([ttl, protocol]));
    } else {
        write(frame, pool, ip.at + 7, &[ttl]);
    }
}

fn tp_port(frame: &mut Frame, pool: &mut Pool, offset: usize, port: u16) {
    let Some(ip) = ip(frame) else { return };
    let Some((TCP | UDP, at)) = ip.upper else { return };
    let at = at + offset;
    let Some(&[a, b]) = frame.get(at..).and_then(|rest| rest.first_chunk::<2>()) else { return };
    write(frame, pool, at, &port.to_be_bytes());
    update_upper(frame, pool, &ip, u16::from_be_bytes([a, b]), port, false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use packet::wire::IpProtocol;
    use proptest::prelude::{any, prop, proptest};
    use std::net::Ipv4Addr;

    fn udp() -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 9, 8, 0];
        bytes.extend([0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend([4, 0, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4]);
        seal(&mut bytes);
        bytes
    }

    /// Fills both checksums in from scratch.
    fn seal(bytes: &mut [u8]) {
        bytes[28..30].fill(0);
        bytes[44..46].fill(0);
        let sum = checksum::checksum(&bytes[18..38]);
        bytes[28..30].copy_from_slice(&sum.to_be_bytes());
        let address = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        let pseudo = checksum::pseudo_v4(address(30), address(34), IpProtocol(17), 12);
        let sum = pseudo.bytes(&bytes[38..]).checksum();
        bytes[44..46].copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
    }

    fn after(what: Rewrite) -> Vec<u8> {
        let mut pool = Pool::new();
        let mut frame = pool.copied(&udp());
        rewrite(&mut frame, &mut pool, what);
        frame.to_vec()
    }

    proptest! {
        #[test]
        fn checksums_are_as_if_computed_anew(address: u32, port: u16, dscp: u8) {
            for what in [Rewrite::Ipv4Src(address), Rewrite::Ipv4Dst(address), Rewrite::TpSrc(port), Rewrite::TpDst(port), Rewrite::Dscp(dscp & 0xfc), Rewrite::Ttl(dscp)] {
                let bytes = after(what);
                let mut anew = bytes.clone();
                seal(&mut anew);
                assert_eq!(bytes, anew, "{what:?}");
            }
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..80), ip: bool) {
            let mut bytes = bytes;
            if ip && bytes.len() > 14 {
                bytes[12..15].copy_from_slice(&[8, 0, 0x45]);
            }
            let mut pool = Pool::new();
            for what in [Rewrite::EthDst([1; 6]), Rewrite::EthSrc([2; 6]), Rewrite::Ipv4Src(1), Rewrite::Dscp(8), Rewrite::TpDst(7)] {
                let mut frame = pool.copied(&bytes);
                rewrite(&mut frame, &mut pool, what);
                assert_eq!(frame.len(), bytes.len());
            }
        }
    }

    #[test]
    fn a_checksum_left_to_the_nic_follows_the_address() {
        let mut pool = Pool::new();
        let mut bytes = udp();
        let pseudo = |src: [u8; 4]| checksum::pseudo_v4(src.into(), [10, 0, 0, 2].into(), IpProtocol(17), 12).fold();
        bytes[44..46].copy_from_slice(&pseudo([10, 0, 0, 1]).to_be_bytes());
        let mut frame = pool.copied(&bytes);
        frame.set_offload(sim_core::Offload { csum_start: 38, csum_offset: 6, ..Default::default() });
        rewrite(&mut frame, &mut pool, Rewrite::Ipv4Src(u32::from_be_bytes([172, 16, 9, 1])));
        assert_eq!(frame[44..46], pseudo([172, 16, 9, 1]).to_be_bytes());
    }
}
