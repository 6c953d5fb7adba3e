//! A second extraction for the tests: slow, without shared offsets or packed words, written from
//! the description of the fields in ovs-fields(7).

use super::{FlowKey, slot};

/// Takes bytes from the front of a packet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(head)
    }
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |n, byte| n << 8 | u128::from(*byte))
}

/// What [`FlowKey::extract`] should give.
pub(super) fn extract(in_port: u32, frame: &[u8]) -> FlowKey {
    let mut key = FlowKey::EMPTY;
    key.set_in_port(in_port);
    if frame.len() >= 14 {
        // `None` ends the reading early; what was read until then stays.
        let _ = link(&mut key, Reader(frame));
    }
    key
}

fn link(key: &mut FlowKey, mut r: Reader<'_>) -> Option<()> {
    key.set(slot::DL_DST, number(r.take(6)?));
    key.set(slot::DL_SRC, number(r.take(6)?));
    for (tci, service) in [(slot::VLAN_TCI, slot::VLAN_IS_SERVICE), (slot::INNER_TCI, slot::INNER_IS_SERVICE)] {
        let is_tag = r.0[..2] == [0x81, 0x00] || r.0[..2] == [0x88, 0xa8];
        if is_tag && r.0.len() >= 6 {
            let tag = r.take(4)?;
            key.set(tci, number(&tag[2..]) | 0x1000);
            key.set(service, u128::from(tag[0] == 0x88));
        } else {
            break;
        }
    }
    let mut dl_type = number(r.take(2)?);
    if dl_type < 0x600 {
        dl_type = 0x5ff;
        if r.0.len() >= 8 && r.0[..6] == [0xaa, 0xaa, 3, 0, 0, 0] {
            let snap = number(&r.take(8)?[6..]);
            if snap >= 0x600 {
                dl_type = snap;
            }
        }
    }
    key.set(slot::DL_TYPE, dl_type);
    match dl_type {
        0x0800 => ipv4(key, r),
        0x86dd => ipv6(key, r),
        0x0806 | 0x8035 => arp(key, r),
        0x8847 | 0x8848 => mpls(key, r),
        _ => None,
    }
}

fn mpls(key: &mut FlowKey, mut r: Reader<'_>) -> Option<()> {
    for slot in slot::MPLS_LSE {
        let entry = number(r.take(4)?);
        key.set(slot, entry);
        if entry / 256 % 2 == 1 {
            break;
        }
    }
    Some(())
}

fn arp(key: &mut FlowKey, mut r: Reader<'_>) -> Option<()> {
    let packet = r.take(28)?;
    if number(&packet[..2]) != 1 || number(&packet[2..4]) != 0x0800 || packet[4] != 6 || packet[5] != 4 {
        return None;
    }
    if packet[6] == 0 {
        key.set(slot::NW_PROTO, packet[7].into());
    }
    key.set(slot::ARP_SHA, number(&packet[8..14]));
    key.set(slot::NW_SRC, number(&packet[14..18]));
    key.set(slot::ARP_THA, number(&packet[18..24]));
    key.set(slot::NW_DST, number(&packet[24..28]));
    Some(())
}

fn ipv4(key: &mut FlowKey, mut r: Reader<'_>) -> Option<()> {
    let all = r.0;
    let header = r.take(20)?;
    let header_len = usize::from(header[0] % 16) * 4;
    let total_len = number(&header[2..4]) as usize;
    if header_len < 20 || total_len < header_len || total_len > all.len() {
        return None;
    }
    let more = header[6] & 0x20 != 0;
    let offset = number(&header[6..8]) & 0x1fff;
    key.set(slot::NW_TOS, header[1].into());
    key.set(slot::NW_TTL, header[8].into());
    key.set(slot::NW_PROTO, header[9].into());
    key.set(slot::NW_SRC, number(&header[12..16]));
    key.set(slot::NW_DST, number(&header[16..20]));
    key.set(slot::NW_FRAG, if offset > 0 { 3 } else { more.into() });
    if offset > 0 {
        return None;
    }
    layer4(key, header[9], 1, Reader(&all[header_len..total_len]))
}

fn ipv6(key: &mut FlowKey, mut r: Reader<'_>) -> Option<()> {
    let header = r.take(40)?;
    let mut r = Reader(r.take(number(&header[4..6]) as usize)?);
    key.set(slot::IPV6_SRC, number(&header[8..24]));
    key.set(slot::IPV6_DST, number(&header[24..40]));
    let (mut proto, mut frag) = (header[6], 0);
    while [0, 43, 44, 51, 60].contains(&proto) && frag != 3 {
        let start = *Reader(r.0).take(8)?.first_chunk::<8>()?;
        let size = match proto {
            44 => 8,
            51 => (usize::from(start[1]) + 2) * 4,
            _ => (usize::from(start[1]) + 1) * 8,
        };
        r.take(size)?;
        if proto == 44 {
            let offset = number(&start[2..4]) >> 3;
            if offset > 0 {
                frag = 3;
            } else if start[3] & 1 != 0 {
                frag = 1;
            }
        }
        proto = if frag == 3 { 44 } else { start[0] };
    }
    key.set(slot::IPV6_LABEL, number(&header[..4]) & 0xf_ffff);
    key.set(slot::NW_TOS, number(&header[..2]) >> 4 & 0xff);
    key.set(slot::NW_TTL, header[7].into());
    key.set(slot::NW_PROTO, proto.into());
    key.set(slot::NW_FRAG, frag);
    if frag == 3 {
        return None;
    }
    layer4(key, proto, 58, r)
}

fn layer4(key: &mut FlowKey, proto: u8, icmp: u8, mut r: Reader<'_>) -> Option<()> {
    let needed = match proto {
        6 => 20,
        17 => 8,
        132 => 12,
        _ if proto == icmp => 8,
        _ => return None,
    };
    let size = r.0.len();
    let header = r.take(needed)?;
    if proto == 6 && !(20..=size).contains(&(usize::from(header[12] >> 4) * 4)) {
        return None;
    }
    if proto != icmp {
        key.set(slot::TP_SRC, number(&header[..2]));
        key.set(slot::TP_DST, number(&header[2..4]));
        if proto == 6 {
            key.set(slot::TCP_FLAGS, number(&header[12..14]) & 0xfff);
        }
        return Some(());
    }
    key.set(slot::TP_SRC, header[0].into());
    key.set(slot::TP_DST, header[1].into());
    if icmp != 58 || ![135, 136].contains(&header[0]) || header[1] != 0 {
        return None;
    }
    let target = number(r.take(16)?);
    let (mut sources, mut targets) = (Vec::new(), Vec::new());
    while r.0.len() >= 8 && r.0[1] > 0 {
        let Some(option) = r.take(usize::from(r.0[1]) * 8) else { break };
        match (option[0], option.len()) {
            (1, 8) => sources.push(number(&option[2..])),
            (2, 8) => targets.push(number(&option[2..])),
            _ => {}
        }
    }
    // Twice is an error, unless the first was all zero.
    let twice = |list: &[u128]| list.iter().rev().skip(1).any(|mac| *mac != 0);
    if twice(&sources) || twice(&targets) {
        return None;
    }
    key.set(slot::ND_TARGET, target);
    key.set(slot::ARP_SHA, sources.last().copied().unwrap_or(0));
    key.set(slot::ARP_THA, targets.last().copied().unwrap_or(0));
    Some(())
}
