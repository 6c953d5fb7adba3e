//! Random bits in random frames: the key says what a frame should have afterwards, and checksums are counted anew.

use super::*;
use packet::key::{WORDS, slot};
use packet::wire::checksum::Sum;
use packet::{EtherType, FlowKey, compose};
use proptest::prelude::*;

/// The frame after the bits were written.
fn after(bytes: &[u8], bits: Bits) -> Vec<u8> {
    let mut pool = Pool::new();
    let mut frame = pool.copied(bytes);
    set(&mut frame, &mut pool, bits);
    frame.to_vec()
}

/// A key of a frame that has one of the packets that actions write into.
fn key() -> impl Strategy<Value = FlowKey> {
    let protocols = vec![
        "tcp",
        "udp",
        "sctp",
        "icmp",
        "tcp6",
        "udp6",
        "sctp6",
        "icmp6",
        "icmp6,icmp_type=135",
        "icmp6,icmp_type=136",
        "arp",
        "rarp",
        "mpls,mpls_bos=1",
        "mpls",
        "ip,nw_proto=50",
        "ipv6,nw_proto=50",
        "dl_type=0x1234",
        "tcp,nw_frag=first",
        "udp6,nw_frag=first",
        "ip,nw_frag=later",
        "ipv6,nw_frag=later,nw_proto=44",
    ];
    (prop::sample::select(protocols), any::<[u64; WORDS]>(), 0usize..3).prop_map(|(protocol, words, tags)| {
        let fixed = FlowKey::parse_with(protocol, &|_| None).expect("the terms are known");
        let mut key = FlowKey::from_words(words);
        for slot in [slot::DL_TYPE, slot::NW_FRAG] {
            key.set(slot, fixed.get(slot));
        }
        if !matches!(protocol, "arp" | "rarp") {
            key.set(slot::NW_PROTO, fixed.get(slot::NW_PROTO));
        }
        if protocol.contains("icmp_type") {
            key.set_tp_src(fixed.tp_src());
            key.set_tp_dst(0);
        } else if protocol == "icmp6" {
            key.set_tp_src(128);
        }
        if protocol == "mpls,mpls_bos=1" {
            key.set(slot::MPLS_BOS, 1);
        }
        key.set_vlan_tci(if tags > 0 { key.vlan_tci() | 0x1000 } else { 0 });
        key.set_inner_tci(if tags > 1 { key.inner_tci() | 0x1000 } else { 0 });
        key
    })
}

/// A frame that has such a key, with a payload behind layer 4, extension headers or options, and right checksums.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    (key(), prop::collection::vec(any::<u8>(), 0..9), 0u8..4).prop_map(|(key, payload, variant)| {
        let mut bytes = compose(&key);
        let layers = Layers::of(&bytes).expect("it is a frame");
        let at = layers.packet;
        match layers.ip(&bytes) {
            Some(ip) if ip.is_v4 => {
                let is_last = ip.upper.is_some_and(|upper| !matches!(upper.protocol, IpProtocol::ICMPV6));
                if is_last {
                    bytes.extend(&payload);
                }
                if variant == 0 {
                    bytes.splice(at + 20..at + 20, [1; 8]);
                    bytes[at] = 0x47;
                }
                let len = (bytes.len() - at) as u16;
                bytes[at + 2..at + 4].copy_from_slice(&len.to_be_bytes());
            }
            Some(ip) => {
                if ip.upper.is_some_and(|upper| upper.protocol != IpProtocol::ICMPV6) {
                    bytes.extend(&payload);
                }
                let next = bytes[at + 6];
                // Hop-by-hop options, or a routing header with segments left.
                match variant {
                    0 => drop(bytes.splice(at + 40..at + 40, [next, 0, 1, 4, 0, 0, 0, 0])),
                    1 => drop(bytes.splice(at + 40..at + 40, [next, 0, 0, 1, 0, 0, 0, 0])),
                    _ => {}
                }
                bytes[at + 6] = match variant {
                    0 => 0,
                    1 => 43,
                    _ => next,
                };
                let len = (bytes.len() - at - 40) as u16;
                bytes[at + 4..at + 6].copy_from_slice(&len.to_be_bytes());
            }
            None => {}
        }
        seal(&mut bytes, &[]);
        // Padding is nobody's.
        bytes.extend([0xee; 3]);
        bytes
    })
}

/// The checksum of layer 4 of a packet: where it stands and what it should be. `final_dst` is what a routing header's
/// packet is summed with.
fn upper_sum(bytes: &[u8], final_dst: &[u8]) -> Option<(usize, Vec<u8>)> {
    let layers = Layers::of(bytes)?;
    let ip = layers.ip(bytes)?;
    let upper = ip.upper?;
    let body = &bytes[upper.start..upper.end];
    if upper.protocol == IpProtocol::SCTP {
        return (!ip.is_fragment && body.len() >= 12).then(|| (upper.start + 8, crc32c::sctp(body).to_vec()));
    }
    let at = match upper.protocol {
        IpProtocol::TCP => 16,
        IpProtocol::UDP => 6,
        IpProtocol::ICMP if ip.is_v4 => 2,
        IpProtocol::ICMPV6 if !ip.is_v4 => 2,
        _ => return None,
    };
    let packet = &bytes[layers.packet..];
    let addresses = if ip.is_v4 { &packet[12..20] } else { &packet[8..40] };
    let dst = addresses.len() / 2;
    let mut pseudo = addresses.to_vec();
    if !final_dst.is_empty() {
        pseudo[dst..].copy_from_slice(final_dst);
    }
    pseudo.extend([0, upper.protocol.0]);
    pseudo.extend((body.len() as u16).to_be_bytes());
    if ip.is_v4 && upper.protocol == IpProtocol::ICMP {
        pseudo.clear();
    }
    let mut body = body.to_vec();
    body.get_mut(at..at + 2)?.fill(0);
    let sum = Sum::new().bytes(&pseudo).bytes(&body).checksum();
    let sum = if sum == 0 && upper.protocol == IpProtocol::UDP { 0xffff } else { sum };
    Some((upper.start + at, sum.to_be_bytes().to_vec()))
}

/// Fills the checksums in from scratch.
fn seal(bytes: &mut [u8], final_dst: &[u8]) {
    let Some(layers) = Layers::of(bytes) else { return };
    if layers.ip(bytes).is_some_and(|ip| ip.is_v4) {
        let header = layers.packet..layers.packet + usize::from(bytes[layers.packet] & 0xf) * 4;
        bytes[header.start + 10..header.start + 12].fill(0);
        let sum = checksum::checksum(&bytes[header.clone()]);
        bytes[header.start + 10..header.start + 12].copy_from_slice(&sum.to_be_bytes());
    }
    if let Some((at, sum)) = upper_sum(bytes, final_dst) {
        bytes[at..at + sum.len()].copy_from_slice(&sum);
    }
}

/// The bits that a frame has: those that the extraction reads, and that actions may write.
fn own(key: &FlowKey, bytes: &[u8]) -> FlowKey {
    let mut own = FlowKey::EMPTY;
    let mut add = |slots: &[packet::Slot]| slots.iter().for_each(|slot| own.set(*slot, u128::MAX));
    add(&[slot::DL_SRC, slot::DL_DST]);
    if key.vlan_tci() != 0 {
        add(&[slot::VLAN_TCI]);
    }
    if key.inner_tci() != 0 {
        add(&[slot::INNER_TCI]);
    }
    let layers = Layers::of(bytes).expect("it is a frame");
    let upper = layers.ip(bytes).and_then(|ip| ip.upper);
    match key.dl_type() {
        EtherType::IPV4 => add(&[slot::NW_SRC, slot::NW_DST, slot::NW_TOS, slot::NW_TTL]),
        EtherType::IPV6 => add(&[slot::IPV6_SRC, slot::IPV6_DST, slot::NW_TOS, slot::NW_TTL, slot::IPV6_LABEL]),
        EtherType::ARP | EtherType::RARP => {
            add(&[slot::NW_SRC, slot::NW_DST, slot::NW_PROTO, slot::ARP_SHA, slot::ARP_THA]);
        }
        _ => {}
    }
    for (index, slot) in slot::MPLS_LSE.into_iter().enumerate() {
        if layers.label(bytes, index).is_some() {
            add(&[slot]);
        }
    }
    match (key.dl_type(), key.nw_proto(), upper) {
        (EtherType::IPV4 | EtherType::IPV6, 6 | 17 | 132, Some(_)) => add(&[slot::TP_SRC, slot::TP_DST]),
        (EtherType::IPV4, 1, Some(_)) | (EtherType::IPV6, 58, Some(_)) => {
            add(&[packet::Slot::new(3, 0, 8), packet::Slot::new(3, 16, 8)]);
            if key.nw_proto() == 58 && matches!(key.tp_src(), 135 | 136) && key.tp_dst() == 0 {
                add(&[slot::ND_TARGET]);
                let (_, options) = upper.and_then(|upper| upper.ndisc(bytes)).expect("it was composed");
                for (option, slot) in options.into_iter().zip([slot::ARP_SHA, slot::ARP_THA]) {
                    if option.is_some() {
                        add(&[slot]);
                    }
                }
            }
        }
        _ => {}
    }
    own
}

fn bits() -> impl Strategy<Value = Bits> {
    let mask = prop_oneof![Just(u64::MAX), Just(0xffff), Just(0xffff << 16), any::<u64>()];
    (0u8..WORDS as u8, any::<u64>(), mask).prop_map(|(word, value, mask)| Bits { word, value: value & mask, mask })
}

/// A frame has afterwards what was written, and its checksums hold.
fn is_written(bytes: &[u8], mut bits: Bits) -> Result<(), TestCaseError> {
    let before = FlowKey::extract(0, bytes);
    let word = usize::from(bits.word);
    let own = own(&before, bytes);
    if word == 3 && before.dl_type() == EtherType::IPV6 && before.nw_proto() == 58 {
        // Another type has other fields.
        bits.mask &= !0xffff_ffff;
    }
    if (14..16).contains(&word) {
        // Another bottom of the stack has other labels.
        bits.mask &= !(1 << 8 | 1 << 40);
    }
    bits.value &= bits.mask;
    let mask = bits.mask & own.words()[word];
    let mut expected = before;
    expected.words_mut()[word] = before.words()[word] & !mask | bits.value & mask;
    // A tag that is there stays there.
    if before.vlan_tci() != 0 {
        expected.set_vlan_tci(expected.vlan_tci() | 0x1000);
    }
    if before.inner_tci() != 0 {
        expected.set_inner_tci(expected.inner_tci() | 0x1000);
    }
    let after = after(bytes, bits);
    prop_assert_eq!(FlowKey::extract(0, &after), expected, "{:02x?}", after);
    // A routing header's packet is summed with its last destination.
    let layers = Layers::of(bytes).unwrap();
    let is_routed = layers.ip(bytes).is_some_and(|ip| ip.is_routed(bytes, layers.packet));
    let final_dst = if is_routed { bytes[layers.packet + 24..layers.packet + 40].to_vec() } else { Vec::new() };
    let mut anew = after.clone();
    seal(&mut anew, &final_dst);
    prop_assert_eq!(&after, &anew, "{:?}", bits);
    Ok(())
}

#[test]
fn a_solicitation_behind_an_extension_header_and_before_stray_bytes_is_written() {
    let mut frame = [&[0; 12][..], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 40, 0, 0]].concat();
    frame.resize(54, 0);
    // Hop by hop: PadN. Then the solicitation, its source's address, and what the length doesn't count.
    frame.extend([58, 0, 1, 4, 0, 0, 0, 0, 135, 0, 0x77, 0xa3]);
    frame.resize(86, 0);
    frame.extend([1, 1, 0, 0, 0, 0, 0, 1, 238, 238, 238]);
    is_written(&frame, Bits { word: 12, value: 1 << 48, mask: 0x0859_0000_0000_0000 }).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_frame_has_afterwards_what_was_written_and_its_checksums_hold(bytes in frame(), bits in bits()) {
        is_written(&bytes, bits)?;
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..90), start in prop::sample::select(vec![&b""[..], b"\x08\0\x45", b"\x86\xdd\x60", b"\x81\0\0\x09\x08\0\x45", b"\x08\x06", b"\x88\x47"]), bits in bits()) {
        let mut bytes = bytes;
        if bytes.len() > 24 {
            bytes[12..12 + start.len()].copy_from_slice(start);
        }
        let before = FlowKey::extract(0, &bytes);
        let after = after(&bytes, bits);
        prop_assert_eq!(after.len(), bytes.len());
        // What is not in the word is not touched.
        let key = FlowKey::extract(0, &after);
        if bits.word > 15 {
            prop_assert_eq!(key, before);
        }
    }

    #[test]
    fn a_udp_checksum_of_zero_means_none_and_stays(port: u16) {
        let key = FlowKey::parse_with("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=53", &|_| None).unwrap();
        let mut bytes = compose(&key);
        bytes[40..42].fill(0);
        let after = after(&bytes, Bits { word: 3, value: u64::from(port) << 16, mask: 0xffff << 16 });
        prop_assert_eq!(&after[40..42], &[0, 0]);
        prop_assert_eq!(FlowKey::extract(0, &after).tp_dst(), port);
    }

    #[test]
    fn a_checksum_left_to_the_nic_follows_the_address_and_not_the_port(address: u32, port: u16) {
        let key = FlowKey::parse_with("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=53,dl_vlan=9", &|_| None).unwrap();
        let mut bytes = compose(&key);
        let pseudo = |src: u32| packet::wire::checksum::pseudo_v4(src.into(), [10, 0, 0, 2].into(), IpProtocol::UDP, 8).fold();
        bytes[44..46].copy_from_slice(&pseudo(0x0a00_0001).to_be_bytes());
        let mut pool = Pool::new();
        let mut frame = pool.copied(&bytes);
        frame.set_offload(sim_core::Offload { csum_start: 38, csum_offset: 6, ..Default::default() });
        set(&mut frame, &mut pool, Bits { word: 4, value: address.into(), mask: 0xffff_ffff });
        set(&mut frame, &mut pool, Bits { word: 3, value: port.into(), mask: 0xffff });
        prop_assert_eq!(&frame[44..46], &pseudo(address).to_be_bytes());
    }
}

#[test]
fn the_drop_precedence_of_assured_forwarding_is_raised_up_to_the_highest() {
    let mut pool = Pool::new();
    let mut raised = |protocol: &str, dscp: u8, by: u8| {
        let key = FlowKey::parse_with(&format!("{protocol},ip_dscp={dscp},nw_ecn=1"), &|_| None).unwrap();
        let mut frame = pool.copied(&compose(&key));
        raise_drop_precedence(&mut frame, &mut pool, by);
        let key = FlowKey::extract(0, &frame);
        assert_eq!(key.nw_tos() & 3, 1);
        key.nw_tos() >> 2
    };
    // AF11 to AF12 and AF13; AF43 stays; expedited forwarding and the default have none.
    for protocol in ["udp", "udp6"] {
        assert_eq!([1, 2, 9].map(|by| raised(protocol, 10, by)), [12, 14, 14]);
        assert_eq!([38, 46, 0].map(|dscp| raised(protocol, dscp, 1)), [38, 46, 0]);
    }
}

#[test]
fn what_does_not_change_leaves_a_shared_frame_shared() {
    let key = FlowKey::parse_with("udp,udp_dst=53", &|_| None).unwrap();
    let mut pool = Pool::new();
    let mut frame = pool.copied(&compose(&key));
    let other = frame.share();
    set(&mut frame, &mut pool, Bits { word: 3, value: 53 << 16, mask: 0xffff << 16 });
    assert!(other.is_shared());
    set(&mut frame, &mut pool, Bits { word: 3, value: 54 << 16, mask: 0xffff << 16 });
    assert!(!other.is_shared());
}
