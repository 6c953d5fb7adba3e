//! A frame of any bytes: every view reads or refuses it, what was read is written back to the same
//! value, and its line of text and its key can be made.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packet::wire::{arp, ethernet, icmpv4, icmpv6, ipv4, ipv6, ipv6_ext, llc, ndisc, tcp, udp, vlan};
use packet::{EtherType, FlowKey, IpProtocol, describe};

fuzz_target!(|frame: &[u8]| {
    assert!(!describe(frame).to_string().is_empty());
    let key = FlowKey::extract(1, frame);
    assert_eq!(key.words()[0], FlowKey::extract_word0(1, frame));
    let Some((ethertype, at)) = vlan::payload(frame, 2) else { return };
    let view = ethernet::Frame::new_checked(frame).expect("a frame with a type has a header");
    assert_eq!(Some((view.dst(), view.src())), ethernet::dst_src(frame));
    network(ethertype, &frame[at..]);
});

/// Reads a packet and writes it back.
fn network(ethertype: EtherType, bytes: &[u8]) {
    let mut out = vec![0; bytes.len() + 64];
    match ethertype {
        EtherType::ARP => {
            if let Ok(view) = arp::Packet::new_checked(bytes) {
                arp::Repr::parse(&view).emit(&mut out);
                assert_eq!(out[..arp::SIZE], bytes[..arp::SIZE]);
            }
        }
        EtherType::IPV4 => {
            if let Ok(view) = ipv4::Packet::new_checked(bytes) {
                let repr = ipv4::Repr::parse(&view);
                repr.emit(&mut out);
                let again = ipv4::Packet::new_checked(&out[..]).expect("what was written can be read");
                assert_eq!(ipv4::Repr::parse(&again), repr);
                upper(view.protocol(), &bytes[view.header_len()..view.total_len()]);
            }
        }
        EtherType::IPV6 => {
            if let Ok(view) = ipv6::Packet::new_checked(bytes) {
                ipv6::Repr::parse(&view).emit(&mut out);
                assert_eq!(out[..ipv6::HEADER_SIZE], bytes[..ipv6::HEADER_SIZE]);
                let payload = &bytes[ipv6::HEADER_SIZE..][..view.payload_len()];
                if let Some(walked) = ipv6_ext::walk(view.next_header(), payload) {
                    upper(walked.protocol, walked.payload);
                }
            }
        }
        _ => {
            if let Ok(view) = llc::Packet::new_checked(bytes) {
                llc::Repr::parse(&view).emit(&mut out);
                assert_eq!(out[..llc::HEADER_SIZE], bytes[..llc::HEADER_SIZE]);
            }
        }
    }
}

/// Reads an upper layer and writes it back; checksums may differ.
fn upper(protocol: IpProtocol, bytes: &[u8]) {
    let mut out = vec![0; bytes.len()];
    let pseudo = packet::wire::checksum::Sum::new();
    match protocol {
        IpProtocol::ICMP => {
            if let Ok(view) = icmpv4::Packet::new_checked(bytes) {
                icmpv4::Repr::parse(&view).emit(&mut out);
                assert_eq!((&out[..2], &out[4..]), (&bytes[..2], &bytes[4..]));
            }
        }
        IpProtocol::ICMPV6 => {
            if let Ok(view) = icmpv6::Packet::new_checked(bytes) {
                icmpv6::Repr::parse(&view).emit(&mut out, [0; 16].into(), [0; 16].into());
            }
            if let Ok(repr) = ndisc::Repr::parse(bytes) {
                repr.emit(&mut out);
                assert_eq!(ndisc::Repr::parse(&out[..repr.buffer_len()]), Ok(repr));
            }
        }
        IpProtocol::TCP => {
            if let Ok(view) = tcp::Packet::new_checked(bytes) {
                let repr = tcp::Repr::parse(&view);
                repr.emit(&mut out, pseudo);
                let again = tcp::Packet::new_checked(&out).expect("what was written can be read");
                assert_eq!(tcp::Repr::parse(&again), repr);
            }
        }
        IpProtocol::UDP => {
            if let Ok(view) = udp::Packet::new_checked(bytes) {
                let repr = udp::Repr::parse(&view);
                repr.emit(&mut out, pseudo);
                let again = udp::Packet::new_checked(&out).expect("what was written can be read");
                assert_eq!(udp::Repr::parse(&again), repr);
            }
        }
        _ => {}
    }
}
